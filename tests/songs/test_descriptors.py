from __future__ import annotations

import numpy as np
import pytest

from mopidy_moodcam.songs.hearing.decode import RATE
from mopidy_moodcam.songs.hearing.descriptors import describe
from mopidy_moodcam.songs.hearing.spectrum import spectrum
from tests.songs import sound_files

SECONDS = 10
TIME = np.arange(SECONDS * RATE) / RATE


def described(sound):
    return describe([spectrum(sound.astype(np.float32))])


def clicks(per_minute, loud=0.5):
    sound = np.random.default_rng(1).normal(0, 1e-4, len(TIME))
    click = loud * np.exp(-np.arange(800) / 100) * np.cos(np.arange(800))
    for start in np.arange(0, len(TIME) - 800, RATE * 60 / per_minute).astype(int):
        sound[start : start + 800] += click
    return sound


def chord(*notes):
    partials = [
        np.sin(2 * np.pi * 261.63 * 2 ** (note / 12) * k * TIME) / k
        for note in notes
        for k in (1, 2, 3)
    ]
    return 0.05 * np.sum(partials, axis=0)


@pytest.mark.parametrize("per_minute", [72, 90, 120, 144, 168])
def test_the_tempo_of_a_metronome_is_found(per_minute):
    assert described(clicks(per_minute))["tempo"] == pytest.approx(per_minute, rel=0.02)


@pytest.mark.parametrize("fast", [False, True])
@pytest.mark.parametrize("per_minute", [66, 110, 137, 160, 170, 195])
def test_the_tempo_of_a_beat_is_found_or_its_half_or_double(per_minute, fast):
    heard = described(sound_files.drums(per_minute, fast=fast, rate=RATE))["tempo"]
    octaves = np.log2(heard / per_minute)
    assert octaves == pytest.approx(round(octaves), abs=0.03)


@pytest.mark.parametrize("sound", ["noise", "chord"])
def test_what_has_no_pulse_has_no_tempo(sound):
    swell = 1 + 0.3 * np.sin(2 * np.pi * 0.1 * TIME)
    sounds = {
        "noise": np.random.default_rng(2).normal(0, 0.1, len(TIME)),
        "chord": chord(0, 4, 7) * swell,
    }
    assert described(sounds[sound])["tempo"] == 0


def test_a_metronome_has_a_clearer_pulse_than_noise():
    noise = np.random.default_rng(2).normal(0, 0.1, len(TIME))
    clear = described(clicks(120))["pulse_clarity"]
    assert clear > described(noise)["pulse_clarity"] + 0.3


@pytest.mark.parametrize("key", range(12))
@pytest.mark.parametrize(("scale", "mode"), [((0, 4, 7), 1), ((0, 3, 7), 0)])
def test_key_and_mode_of_a_cadence_are_found(key, scale, mode):
    first, fourth = np.array(scale) + key, np.array(scale) + key + 5
    fifth = np.array((0, 4, 7)) + key - 5  # the dominant is major in both
    quarters = zip(range(4), (first, fourth, fifth, first), strict=True)
    length = len(TIME) // 4
    sound = np.concatenate(
        [chord(*notes)[part * length :][:length] for part, notes in quarters]
    )
    heard = described(sound)
    assert (heard["key"], heard["mode"]) == (key, mode)


def test_level_is_that_of_a_sine_in_decibels():
    heard = described(0.5 * np.sin(2 * np.pi * 440 * TIME))
    assert heard["level"] == pytest.approx(20 * np.log10(0.5 / np.sqrt(2)), abs=0.1)
    assert heard["level_middle"] == pytest.approx(heard["level"], abs=0.2)
    assert heard["crest"] == pytest.approx(3.0, abs=0.1)


def test_brighter_sound_has_a_higher_centroid():
    low, high = (np.sin(2 * np.pi * hertz * TIME) for hertz in (500, 4000))
    difference = described(high)["centroid"] - described(low)["centroid"]
    assert difference == pytest.approx(3.0, abs=0.15)  # octaves


@pytest.mark.parametrize(
    "sound",
    [
        np.zeros(len(TIME)),
        np.full(len(TIME), 8.0),
        np.sign(np.sin(2 * np.pi * 50 * TIME)) * 8,
        np.r_[1.0, np.zeros(len(TIME) - 1)],
    ],
    ids=["silence", "one value", "overdriven", "one click"],
)
def test_odd_sounds_give_finite_numbers(sound):
    assert all(np.isfinite(value) for value in described(sound).values())


def test_a_window_as_short_as_the_shortest_file_is_described():
    heard = described(np.random.default_rng(3).normal(0, 0.1, 3 * RATE))
    assert all(np.isfinite(value) for value in heard.values())
