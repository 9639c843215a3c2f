"""Loggers whose messages Mopidy 4 prints as they are.

Mopidy 4.0 reads square brackets in messages as markup: a device path or a song
title in brackets makes every later log call raise, in every thread. A record
that carries `markup = False` is printed literally; Mopidy 3.4 does not mind.
"""

from __future__ import annotations

import logging


def plain(name: str) -> logging.LoggerAdapter[logging.Logger]:
    """Return a logger for `name` that is safe for foreign text."""
    return logging.LoggerAdapter(logging.getLogger(name), {"markup": False})


class OnChange:
    """Logs a state only when it differs from the one before."""

    def __init__(self, logger: logging.LoggerAdapter[logging.Logger]) -> None:
        self._logger = logger
        self._last: dict[str, str] = {}

    def warn(self, topic: str, sentence: str) -> None:
        """Log `sentence` as a warning, unless it was the topic's last word."""
        if self._last.get(topic, "") != sentence and sentence:
            self._logger.warning("%s", sentence)
        self._last[topic] = sentence

    def settle(self, topic: str) -> None:
        """Note that the topic's trouble is over, so that the next one is logged."""
        self._last.pop(topic, None)
