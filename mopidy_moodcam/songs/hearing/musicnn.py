"""The learned ear: MSD_musicnn, run by ONNX Runtime in one thread.

musicnn (Pons and Serra 2019, arXiv:1909.06654) was trained to tag a million
songs. The layer before its tags says what a listener hears in a few seconds,
which plain descriptors do not: valence above all.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from mopidy_moodcam import onnx

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from numpy.typing import NDArray

    Array = NDArray[np.float32]

FRAMES = 187
"""Frames of a patch: 2.99 s."""


class Musicnn:
    """The network; making one loads it (3 MB, 0.1 s)."""

    def __init__(self, path: Path) -> None:
        """Load the ONNX file at `path`.

        Raises `ImportError` where ONNX Runtime is not installed.
        """
        self._session = onnx.session(str(path))

    def __call__(self, log_mels: Iterable[Array]) -> tuple[Array, Array]:
        """Return the embeddings [P, 200] and tags [P, 50] of all patches.

        `log_mels` are [T, 96] spectrograms of windows (see `spectrum.Spectrum`).
        """
        # One at a time: a batch leaves the processor's cache, and takes longer.
        heard = [
            self._session.run(["embedding", "tags"], {"patches": patch[None]})
            for log_mel in log_mels
            for patch in patches(log_mel)
        ]
        embeddings, tags = zip(*heard, strict=True)
        return np.concatenate(embeddings), np.concatenate(tags)


def patches(log_mel: Array) -> list[Array]:
    """Cut a window's spectrogram into patches: its beginning and its end.

    The middle third of a window adds time and no accuracy, as measured on the rated
    clips. A spectrogram that is too short for a patch is repeated.
    """
    if len(log_mel) < FRAMES:
        log_mel = np.resize(log_mel, (FRAMES, log_mel.shape[1]))
    last = len(log_mel) - FRAMES
    return [log_mel[start : start + FRAMES] for start in sorted({0, last})]
