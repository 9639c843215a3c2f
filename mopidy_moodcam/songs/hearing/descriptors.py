"""Plain descriptors of sound: intensity, pitch, rhythm and timbre.

All come from the shared transform. They are what the analysis has where the
learned network is missing, and they add to it where it is there.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

import numpy as np

from mopidy_moodcam.songs.hearing.decode import RATE
from mopidy_moodcam.songs.hearing.spectrum import BANDS, FINE_SIZE, FRAME_RATE, SIZE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from mopidy_moodcam.songs.hearing.spectrum import Array, Spectrum

    Numbers = dict[str, float]

TINY = 1e-10
COEFFICIENTS = 13
"""Of the mel cepstrum: enough for the shape of a spectrum, blind to its pitch."""

TEMPOS = np.geomspace(50.0, 200.0, 300)
TEMPO_CENTRE = 120.0
TEMPO_SPREAD = 1.2
"""Listeners tap near 120 a minute (Ellis 2007, J. New Music Res., has ± 0.9 octaves;
the wider prior decides less often against what is heard)."""

BEATS = (1, 2, 4)
"""A true beat comes back after one, two and four of itself; what comes back after one
and a half beats, as three notes to two do, mostly does not."""

PARTS = 8
"""Parts of the spectrum whose onsets are compared each with its own: a bass drum must
not answer a snare."""

STILL = 2e-3
"""Variance of the rises in a sound that hardly moves; music has ten times as much."""

CLEAR = 0.13
"""`pulse_clarity` from which there is a tempo.

Noise has 0.02 and a held chord 0.07, but a low one, whose notes beat against each other
in one band of the spectrum, 0.3 to 0.6.
"""

MAJOR = (6.35, 2.23, 3.48, 2.33, 4.38, 4.09, 2.52, 5.19, 2.39, 3.66, 2.29, 2.88)
MINOR = (6.33, 2.68, 3.52, 5.38, 2.60, 3.53, 2.54, 4.75, 3.98, 2.69, 3.34, 3.17)
"""How well each pitch class fits a key on C (Krumhansl and Kessler 1982)."""


def describe(windows: Sequence[Spectrum]) -> Numbers:
    """Return the descriptors of a track from its windows, by name, all finite.

    Levels in dB re full scale, frequencies in octaves above 1 kHz, tempo in
    beats a minute (0 where no pulse is clear), `key` a pitch class (0 = C), `mode` 1
    major or 0 minor.
    """
    power = np.concatenate([window.power for window in windows])
    log_mel = np.concatenate([window.log_mel for window in windows])
    return {
        **_intensity(windows, power),
        **_brightness(power),
        **_pitch(np.concatenate([window.fine for window in windows])),
        **_rhythm(windows),
        **_timbre(log_mel),
    }


def _decibels(power: NDArray[np.floating]) -> NDArray[np.floating]:
    return 10 * np.log10(power + TINY)


def _intensity(windows: Sequence[Spectrum], power: Array) -> Numbers:
    samples = np.concatenate([window.samples for window in windows])
    mean = float(np.mean(np.square(samples, dtype=np.float64)))
    level = float(_decibels(np.array(mean)))
    # A Hann window passes 3/8 of the power; Parseval gives the rest.
    frames = _decibels(power.sum(axis=1) * (2 / (SIZE * SIZE * 0.375)))
    low, middle, high = np.percentile(frames, [10, 50, 95])
    peak = float(_decibels(np.square(np.abs(samples).max())))
    return {
        "level": level,
        "level_spread": float(frames.std()),
        "level_range": float(high - low),
        "level_middle": float(middle),
        "crest": peak - level,
    }


def _brightness(power: Array) -> Numbers:
    frequencies = np.linspace(0, RATE / 2, power.shape[1], dtype=np.float32)
    loud = power.sum(axis=1) + TINY
    centroid = np.log2((power @ frequencies + TINY) / loud / 1000 + 0.02)
    shares = np.cumsum(power.mean(axis=0))
    roll_off = frequencies[np.searchsorted(shares, 0.85 * shares[-1])]
    flatness = np.log(power + TINY).mean(axis=1) - np.log(power.mean(axis=1) + TINY)
    bass = power[:, frequencies < 200].sum(axis=1) / loud
    air = power[:, frequencies > 4000].sum(axis=1) / loud
    return {
        "centroid": float(centroid.mean()),
        "centroid_spread": float(centroid.std()),
        "roll_off": float(np.log2(roll_off / 1000 + 0.02)),
        "flatness": float(flatness.mean()),
        "flatness_spread": float(flatness.std()),
        "bass": float(bass.mean()),
        "air": float(_decibels(air.mean())),
    }


def _pitch(fine: Array) -> Numbers:
    chroma = np.sqrt(fine) @ _chroma_filters().T
    mean = chroma.mean(axis=0)
    fits = _key_profiles() @ _standard(mean)
    best = int(fits.argmax())
    changes = np.abs(np.diff(_unit(chroma), axis=0)).sum(axis=1)
    return {
        "key": float(best % 12),
        "mode": float(best < 12),
        "key_fit": float(fits[best]),
        "majorness": float(fits[:12].max() - fits[12:].max()),
        "tonality": float(mean.std() / (mean.mean() + TINY)),
        "harmony_change": float(changes.mean()) if len(changes) else 0.0,
    }


def _standard(values: NDArray[np.floating]) -> NDArray[np.floating]:
    centred = values - values.mean()
    return centred / (np.linalg.norm(centred) + TINY)


def _unit(rows: Array) -> Array:
    return rows / (rows.sum(axis=1, keepdims=True) + TINY)


@functools.cache
def _key_profiles() -> NDArray[np.floating]:
    return np.array(
        [
            np.roll(_standard(np.array(profile)), key)
            for profile in (MAJOR, MINOR)
            for key in range(12)
        ]
    )


@functools.cache
def _chroma_filters() -> Array:
    """Return [12, 2049] weights: each bin to its pitch class, 65 Hz to 2.1 kHz."""
    frequencies = np.fft.rfftfreq(FINE_SIZE, 1 / RATE)
    pitch = 12 * np.log2(np.maximum(frequencies, 1.0) / 440.0) + 9
    nearness = np.maximum(0.0, 1 - 2 * np.abs(pitch - np.round(pitch)))
    heard = (frequencies > 65) & (frequencies < 2100)
    classes = np.round(pitch).astype(int) % 12
    filters = np.zeros((12, len(frequencies)), np.float32)
    filters[classes, np.arange(len(frequencies))] = nearness * heard
    return filters


def _rhythm(windows: Sequence[Spectrum]) -> Numbers:
    rises = [_rise(window.log_mel) for window in windows]
    onsets = [rise.mean(axis=1) for rise in rises]
    tempo, clarity = _tempo(np.mean([_autocorrelation(rise) for rise in rises], axis=0))
    together = np.concatenate(onsets)
    third = BANDS // 3
    seconds = len(together) / FRAME_RATE
    return {
        "tempo": tempo if clarity >= CLEAR else 0.0,
        "pulse_clarity": clarity,
        "onset_rate": sum(_count_onsets(onset) for onset in onsets) / seconds,
        "flux": float(together.mean()),
        "flux_spread": float(together.std()),
        "flux_peak": float(np.percentile(together, 95)),
        "flux_low": float(np.mean([rise[:, :third].mean() for rise in rises])),
        "flux_high": float(np.mean([rise[:, -third:].mean() for rise in rises])),
    }


def _rise(log_mel: Array) -> Array:
    return np.maximum(0.0, np.diff(log_mel, axis=0))


def _autocorrelation(rise: Array) -> NDArray[np.float64]:
    """Return how alike the onsets are after each number of frames, 1 at most."""
    parts = np.array_split(rise, PARTS, axis=1)
    onsets = np.stack([part.mean(axis=1) for part in parts])
    centred = onsets - onsets.mean(axis=1, keepdims=True)
    longest = int(_lags().max() * max(BEATS)) + 2
    size = 2 ** int(np.ceil(np.log2(len(rise) + longest)))
    spread = np.square(np.abs(np.fft.rfft(centred, size))).sum(axis=0)
    # Blurred by a frame: a beat is seldom a whole number of frames long.
    blur = np.exp(-np.square(2 * np.pi * np.fft.rfftfreq(size)))
    correlation = np.fft.irfft(spread * blur)[:longest]
    return correlation / (correlation[0] + STILL * len(rise))


def _lags() -> NDArray[np.float64]:
    return 60 * FRAME_RATE / TEMPOS


def _tempo(correlation: NDArray[np.float64]) -> tuple[float, float]:
    """Return beats a minute and how clear the pulse is, 0 … 1."""
    frames = np.arange(len(correlation))
    teeth = [np.interp(beats * _lags(), frames, correlation) for beats in BEATS]
    strength = np.maximum(0.0, np.mean(teeth, axis=0))
    prior = np.exp(-0.5 * (np.log2(TEMPOS / TEMPO_CENTRE) / TEMPO_SPREAD) ** 2)
    best = int(np.argmax(strength * prior))
    return float(TEMPOS[best]), float(strength[best])


def _count_onsets(onset: Array) -> int:
    threshold = onset.mean() + onset.std()
    middle = onset[1:-1]
    tops = (middle > onset[:-2]) & (middle >= onset[2:]) & (middle > threshold)
    return int(tops.sum())


def _timbre(log_mel: Array) -> Numbers:
    cepstrum = log_mel @ _cosines().T
    means, spreads = cepstrum.mean(axis=0), cepstrum.std(axis=0)
    moves = np.abs(np.diff(cepstrum, axis=0)).mean(axis=0)
    return {
        **{f"cepstrum_{i}": float(means[i]) for i in range(COEFFICIENTS)},
        **{f"cepstrum_{i}_spread": float(spreads[i]) for i in range(COEFFICIENTS)},
        **{f"cepstrum_{i}_moves": float(moves[i]) for i in range(COEFFICIENTS)},
    }


@functools.cache
def _cosines() -> Array:
    bands = (np.arange(BANDS) + 0.5) * np.pi / BANDS
    waves = np.cos(np.arange(COEFFICIENTS)[:, None] * bands) * np.sqrt(2 / BANDS)
    return waves.astype(np.float32)
