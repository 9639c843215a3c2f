"""The one short-time Fourier transform that everything heard is computed from."""

from __future__ import annotations

import dataclasses
import functools
from typing import TYPE_CHECKING

import numpy as np

from mopidy_moodcam.songs.hearing.decode import RATE

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float32]

SIZE, HOP = 512, 256
"""32 ms every 16 ms, as musicnn was trained: 62.5 frames a second."""

FRAME_RATE = RATE / HOP
BANDS = 96

FINE_SIZE, FINE_HOP = 4096, 2048
"""A second, slow pass for pitch: bins 4 Hz wide tell semitones apart above 65 Hz.
It has an eighth of the frames and costs a tenth of the first."""


@dataclasses.dataclass(frozen=True)
class Spectrum:
    """What is seen of one window.

    `samples` float32 [S] at `RATE`, `power` [T, 257] of `SIZE`-sample frames,
    `log_mel` [T, 96] as musicnn reads it (log10(1 + 10000 × mel power)), `fine`
    [F, 2049] magnitudes of `FINE_SIZE`-sample frames.
    """

    samples: Array
    power: Array
    log_mel: Array
    fine: Array


def spectrum(samples: Array) -> Spectrum:
    """Transform one window of at least `FINE_SIZE` samples."""
    power = np.square(np.abs(_frames(samples, SIZE, HOP)))
    log_mel = np.log10(1 + 10_000 * (power @ mel_filters().T))
    fine = np.abs(_frames(samples, FINE_SIZE, FINE_HOP))
    return Spectrum(samples, power, log_mel.astype(np.float32), fine)


def _frames(samples: Array, size: int, hop: int) -> NDArray[np.complex64]:
    framed = np.lib.stride_tricks.sliding_window_view(samples, size)[::hop]
    return np.fft.rfft(framed * _hann(size), axis=1).astype(np.complex64)


@functools.cache
def _hann(size: int) -> Array:
    return np.hanning(size + 1)[:-1].astype(np.float32)


@functools.cache
def mel_filters() -> Array:
    """Return the [96, 257] triangles that musicnn's spectrograms were made with.

    Slaney's Auditory Toolbox (1998): linear below 1 kHz, logarithmic above,
    each triangle of area one; the defaults of librosa.
    """
    edges = _hertz(np.linspace(0.0, _mel(np.array(RATE / 2)), BANDS + 2))
    frequencies = np.linspace(0.0, RATE / 2, SIZE // 2 + 1)
    widths = np.diff(edges)
    ramps = edges[:, None] - frequencies
    rising = -ramps[:-2] / widths[:-1, None]
    falling = ramps[2:] / widths[1:, None]
    triangles = np.maximum(0.0, np.minimum(rising, falling))
    return (triangles * (2 / (edges[2:] - edges[:-2]))[:, None]).astype(np.float32)


_LINEAR = 200 / 3  # hertz per mel below the knee
_KNEE = 1000.0
_STEP = np.log(6.4) / 27


def _mel(hertz: NDArray[np.float64]) -> NDArray[np.float64]:
    above = _KNEE / _LINEAR + np.log(np.maximum(hertz, 1.0) / _KNEE) / _STEP
    return np.where(hertz < _KNEE, hertz / _LINEAR, above)


def _hertz(mel: NDArray[np.float64]) -> NDArray[np.float64]:
    knee = _KNEE / _LINEAR
    return np.where(mel < knee, mel * _LINEAR, _KNEE * np.exp(_STEP * (mel - knee)))
