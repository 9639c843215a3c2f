import contextlib
import json
import math
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mopidy_moodcam import glossary
from mopidy_moodcam.glossary import Face, Reading

FACE = Face((0.1, 0.2, 0.3, 0.4), 90.0, 0.8, (0.1, 0.1, 0.1, 0.4, 0.1, 0.1, 0.1))


def test_a_reading_comes_back_from_json_as_it_was():
    reading = Reading(time=5.0, faces=(FACE,), light=0.5, frames=5, room="kitchen")
    assert Reading.from_json(json.loads(json.dumps(reading.to_json()))) == reading


def test_a_reading_without_faces_has_a_reason():
    assert Reading.from_json({"time": 1, "reason": "dark"}).reason == "dark"


@pytest.mark.parametrize(
    "data",
    [
        None,
        [],
        {},
        {"time": 1},
        {"time": "now", "reason": "dark"},
        {"time": math.nan, "reason": "dark"},
        {"time": True, "reason": "dark"},
        {"time": 1, "reason": "asleep"},
        {"time": 1, "faces": 5},
        {"time": 1, "faces": [5]},
        {"time": 1, "faces": [{}]},
        {"time": 1, "faces": [{"probabilities": [1, 0, 0]}]},
        {"time": 1, "faces": [{"probabilities": [0.5] * 7}]},
        {"time": 1, "faces": [{"probabilities": [1, 0, 0, 0, 0, 0, 0], "box": 3}]},
        {"time": 1, "faces": [{"probabilities": [1, 0, 0, 0, 0, 0, 0], "box": [1]}]},
        {"time": 1, "reason": "dark", "light": 7},
        {"time": 1, "reason": "dark", "faces": [FACE.__class__]},
    ],
)
def test_bad_readings_are_refused_with_one_sentence(data):
    with pytest.raises(ValueError, match=r"^[A-Z'].*\.$"):
        Reading.from_json(data)


@given(
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.text() | st.integers(),
        lambda inner: (
            st.lists(inner)
            | st.dictionaries(
                st.sampled_from(["time", "faces", "reason", "box", "probabilities"]),
                inner,
            )
        ),
    )
)
def test_no_json_breaks_the_reader(data):
    with contextlib.suppress(ValueError):
        Reading.from_json(data)


def test_the_rooms_know_each_other_only_by_the_glossary_s_values():
    rooms = {"seeing", "feeling", "songs", "dj"}
    package = Path(glossary.__file__).parent
    known = set()
    for room in rooms:
        for path in (package / room).rglob("*.py"):
            found = re.findall(
                r"(?:from|import) mopidy_moodcam\.(\w+)", path.read_text()
            )
            known |= {(room, other) for other in rooms.intersection(found) - {room}}
    assert known == {("dj", "songs")}, "dj chooses from a shelf of songs"
