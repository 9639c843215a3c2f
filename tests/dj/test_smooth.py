"""Which song follows another smoothly."""

from __future__ import annotations

import numpy as np
import pytest

from mopidy_moodcam.dj.smooth import UNKNOWN, energy_fit, key_fit, tempo_fit

MAJOR, MINOR = 1, 0
C, D, E, F_SHARP, G, A = 0, 2, 4, 6, 7, 9


def test_the_same_tempo_its_half_and_its_double_fit():
    assert tempo_fit(120.0, np.array([120.0, 60.0, 240.0])) == pytest.approx([1, 1, 1])


def test_a_tempo_a_quarter_octave_off_no_longer_fits():
    assert tempo_fit(120.0, np.array([143.0]))[0] == pytest.approx(0, abs=0.02)
    assert 0.4 < tempo_fit(120.0, np.array([130.0]))[0] < 0.7


def test_a_quarter_of_the_tempo_does_not_fit():
    assert tempo_fit(160.0, np.array([40.0]))[0] == 0


def test_close_energy_fits_and_far_energy_does_not():
    fit = energy_fit(0.5, np.array([0.5, 0.6, 1.0]))
    assert fit == pytest.approx([1.0, 0.8, 0.0])


def test_the_relative_key_fits_like_the_same_one():
    fit = key_fit(C, MAJOR, np.array([C, A]), np.array([MAJOR, MINOR]))
    assert fit == pytest.approx([1, 1])


def test_a_fifth_away_fits_and_across_the_circle_clashes():
    fit = key_fit(C, MAJOR, np.array([G, D, F_SHARP]), np.full(3, MAJOR))
    assert fit == pytest.approx([0.75, 0.5, 0.0])


def test_the_circle_of_fifths_closes():
    fit = key_fit(5, MAJOR, np.array([C, 10]), np.full(2, MAJOR))
    assert fit == pytest.approx([0.75, 0.75])


def test_what_is_unknown_is_neither_good_nor_bad():
    assert tempo_fit(np.nan, np.array([120.0]))[0] == UNKNOWN
    assert tempo_fit(120.0, np.array([np.nan]))[0] == UNKNOWN
    assert tempo_fit(0.0, np.array([120.0]))[0] == UNKNOWN
    assert energy_fit(0.5, np.array([np.nan]))[0] == UNKNOWN
    assert key_fit(-1, -1, np.array([C]), np.array([MAJOR]))[0] == UNKNOWN
    assert key_fit(C, MAJOR, np.array([-1]), np.array([-1]))[0] == UNKNOWN
