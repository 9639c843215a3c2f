"""Loggers whose messages no Mopidy reads as markup.

Mopidy 4.0 reads square brackets as markup, in the message and in its own line
format alike: a device path or a song title in brackets makes every later log
call raise, in every thread. Saying `markup = False` with a record would print
the format's markup, too; so brackets in messages become round ones.
"""

from __future__ import annotations

import logging
from typing import Any

_ROUND = str.maketrans("[]", "()")


class _Plain(logging.LoggerAdapter[logging.Logger]):
    def log(self, level: int, msg: object, *args: object, **kwargs: Any) -> None:  # noqa: ANN401
        if not self.isEnabledFor(level):
            return
        text = str(msg) % args if args else str(msg)
        if kwargs.get("exc_info"):  # a traceback keeps its brackets
            kwargs["extra"] = {"markup": False}
        self.logger.log(level, "%s", text.translate(_ROUND), **kwargs)


def plain(name: str) -> logging.LoggerAdapter[logging.Logger]:
    """Return a logger for `name` that is safe for foreign text."""
    return _Plain(logging.getLogger(name), {})


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
