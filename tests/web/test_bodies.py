"""Whatever JSON arrives: a command, or a ValueError with a sentence."""

import json

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from mopidy_moodcam.desk import Command
from mopidy_moodcam.glossary import Verdict
from mopidy_moodcam.web import bodies

READERS = [
    bodies.camera,
    bodies.goal,
    bodies.mood,
    bodies.pause,
    bodies.feedback,
    bodies.corrections,
    bodies.baseline,
    bodies.guests,
    bodies.songs,
    lambda body: bodies.reading(body, 1000.0),
]
KEYS = [
    *("on", "consent", "goal", "song_mood", "seconds", "uri", "verdict", "forget"),
    *("allowed", "reload", "mood", "time", "faces", "reason", "light", "frames"),
    *("room", "box", "pixels", "sharpness", "probabilities"),
]
WORDS = ["lift", "happy", "sad", "wrong", "nobody", "a:b", *Verdict]

values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers(10**300, 10**320)
    | st.floats()
    | st.text(max_size=5)
    | st.sampled_from(WORDS),
    lambda inner: (
        st.lists(inner, max_size=8)
        | st.dictionaries(st.sampled_from(KEYS), inner, max_size=4)
    ),
    max_leaves=20,
)
objects = st.dictionaries(st.sampled_from(KEYS), values, max_size=4)

# Time on a busy machine says nothing about the readers.
unhurried = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])


def attempt(function, *given):
    """Return the function's value and None, or None and its sentence."""
    try:
        return function(*given), None
    except ValueError as error:
        return None, str(error)


@unhurried
@given(objects)
@pytest.mark.parametrize("reader", READERS)
def test_any_object_is_a_command_or_a_sentence(reader, body):
    command, sentence = attempt(reader, body)
    if sentence is None:
        assert isinstance(command, Command)
    else:
        assert sentence.endswith(".")
        assert len(sentence) < 3000


@unhurried
@given(st.binary(max_size=200))
def test_any_bytes_are_an_object_or_a_sentence(text):
    body, sentence = attempt(bodies.decode, text)
    assert isinstance(body, dict) or "JSON" in sentence


@unhurried
@given(objects)
def test_what_json_writes_is_read_back(body):
    text = json.dumps(body).encode()
    assume(b"NaN" not in text and b"Infinity" not in text)
    assert bodies.decode(text) == body
