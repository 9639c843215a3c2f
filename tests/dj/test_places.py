"""Where songs are found around a point."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from mopidy_moodcam.dj.places import CELLS, Plane, sample
from mopidy_moodcam.glossary import Affect


def plane_of(songs, seed=0):
    points = np.random.default_rng(seed).uniform(-1, 1, (songs, 2)).astype(np.float32)
    return points, Plane(points, np.arange(songs, dtype=np.int32))


@given(st.integers(0, 300), st.integers(0, 400), st.floats(-1, 1), st.floats(-1, 1))
def test_around_a_point_come_as_many_as_asked_and_none_twice(songs, count, x, y):
    _, plane = plane_of(songs)
    rows = plane.around(Affect(x, y), count)
    assert len(rows) >= min(count, songs)
    assert len(set(rows.tolist())) == len(rows)


@given(st.floats(-1, 1), st.floats(-1, 1))
def test_nothing_nearer_than_a_cell_is_left_out(x, y):
    points, plane = plane_of(3000)
    rows = plane.around(Affect(x, y), 40)
    apart = np.abs(points - [x, y]).max(1)
    left_out = np.setdiff1d(np.arange(3000), rows)
    inside = apart[rows].max() - 2 * 2 / CELLS
    assert not (apart[left_out] < inside - 2 / CELLS).any()


def test_a_library_all_at_one_point_is_found():
    same = np.zeros((500, 2), np.float32)
    plane = Plane(same, np.arange(500, dtype=np.int32))
    assert len(plane.around(Affect(1.0, 1.0), 10)) == 500


def test_a_place_that_is_not_a_number_lies_in_the_middle():
    odd = np.array([[np.nan, 0.0], [9.0, -9.0]], np.float32)
    plane = Plane(odd, np.arange(2, dtype=np.int32))
    assert len(plane.around(Affect(0.0, 0.0), 2)) == 2


def test_a_sample_is_no_larger_than_asked_and_holds_no_row_twice():
    rows = np.arange(1000)
    taken = sample(rows, 100, np.random.default_rng(0))
    assert 80 <= len(taken) <= 100
    assert len(set(taken.tolist())) == len(taken)
    assert taken.min() < 100
    assert taken.max() >= 900
    assert sample(rows, 1000, np.random.default_rng(0)) is rows
