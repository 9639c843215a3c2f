"""From the JSON of a request to a command for the desk.

Every function takes the decoded JSON and raises `ValueError` with one sentence
for what it does not understand.
"""

from __future__ import annotations

import dataclasses
import json
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

from mopidy_moodcam.desk import (
    WEEK,
    AllowGuests,
    Baseline,
    Correct,
    ForgetCorrections,
    JudgeTrack,
    Override,
    Pause,
    ReloadCatalogue,
    SetGoal,
    SwitchCamera,
    TakeMood,
    TakeReading,
)
from mopidy_moodcam.feeling.corrections import VERDICTS
from mopidy_moodcam.glossary import (
    EXPRESSIONS,
    UNKNOWN,
    Goal,
    Reading,
    SongMood,
    Verdict,
)

if TYPE_CHECKING:
    import enum

    Word = TypeVar("Word", bound=enum.StrEnum)

Body = dict[str, Any]

MOODS = (*EXPRESSIONS, UNKNOWN)


def decode(text: bytes) -> Body:
    """Decode a request's body; only a JSON object will do."""
    try:
        body = json.loads(text, parse_constant=_no_constant)
    except RecursionError:
        raise ValueError("The JSON is nested too deeply.") from None
    except ValueError:
        raise ValueError("The body must be valid JSON.") from None
    if not isinstance(body, dict):
        raise ValueError("The body must be a JSON object.")
    return body


def camera(body: Body) -> SwitchCamera:
    """Read `{"on": true, "consent": true}`."""
    _only(body, "on", "consent")
    return SwitchCamera(
        on=_flag(body, "on"), consent=_flag(body, "consent", default=False)
    )


def goal(body: Body) -> SetGoal:
    """Read `{"goal": "lift"}`."""
    _only(body, "goal")
    return SetGoal(_word(body, "goal", Goal))


def mood(body: Body) -> Override:
    """Read `{"song_mood": "happy", "seconds": 3600}`; a null mood is automatic."""
    _only(body, "song_mood", "seconds")
    seconds = None if body.get("seconds") is None else _seconds(body, least=1.0)
    if "song_mood" in body and body["song_mood"] is None:
        return Override(None)
    return Override(_word(body, "song_mood", SongMood), seconds)


def pause(body: Body) -> Pause:
    """Read `{"seconds": 3600}`; 0 ends a pause."""
    _only(body, "seconds")
    return Pause(_seconds(body, least=0.0))


def feedback(body: Body) -> JudgeTrack:
    """Read `{"uri": "local:track:…", "verdict": "loved"}`."""
    _only(body, "uri", "verdict")
    uri = body.get("uri")
    if not isinstance(uri, str) or not _could_be_a_uri(uri):
        raise ValueError("'uri' must be the URI of a track, like 'local:track:…'.")
    return JudgeTrack(uri, _word(body, "verdict", Verdict))


def corrections(body: Body) -> Correct | ForgetCorrections:
    """Read `{"verdict": "wrong"}` or `{"forget": true}`."""
    _only(body, "verdict", "forget")
    if "forget" in body:
        if len(body) != 1 or body["forget"] is not True:
            raise ValueError("Send either a verdict or 'forget': true.")
        return ForgetCorrections()
    return Correct(_one_of(body, "verdict", VERDICTS))


def baseline(body: Body) -> Baseline:
    """Read `{}` or `{"forget": false}` (start) or `{"forget": true}`."""
    _only(body, "forget")
    return Baseline(forget=_flag(body, "forget", default=False))


def guests(body: Body) -> AllowGuests:
    """Read `{"allowed": true}`."""
    _only(body, "allowed")
    return AllowGuests(_flag(body, "allowed"))


def reading(body: Body, now: float) -> TakeReading | TakeMood:
    """Read what an eye elsewhere saw, or `{"mood": "happy", "seconds": 600}`.

    A reading counts from `now`, its arrival: clocks of two machines differ.
    """
    if "mood" in body:
        _only(body, "mood", "seconds")
        seconds = 600.0 if body.get("seconds") is None else _seconds(body, least=1.0)
        return TakeMood(_one_of(body, "mood", MOODS), seconds)
    try:
        taken = Reading.from_json({"time": now, **body})
    except (TypeError, OverflowError):
        raise ValueError("A value of the reading has the wrong type.") from None
    return TakeReading(dataclasses.replace(taken, time=now))


def songs(body: Body) -> ReloadCatalogue:
    """Read `{"reload": true}`: another process has changed the catalogue."""
    _only(body, "reload")
    if not _flag(body, "reload"):
        raise ValueError("'reload' must be true.")
    return ReloadCatalogue()


def _only(body: Body, *known: str) -> None:
    strange = sorted(set(body) - set(known))
    if strange:
        raise ValueError(f"{strange[0]!r} is not known here; known: {_list(known)}.")


def _flag(body: Body, key: str, *, default: bool | None = None) -> bool:
    value = body.get(key, default)
    if not isinstance(value, bool):
        raise ValueError(f"{key!r} must be true or false.")
    return value


def _seconds(body: Body, *, least: float) -> float:
    value: Any = body.get("seconds")
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if not number or not least <= value <= WEEK:
        raise ValueError(f"'seconds' must lie between {least:g} and {WEEK:g}.")
    return float(value)


def _could_be_a_uri(text: str) -> bool:
    """Say whether `text` has a scheme; half a surrogate pair is no text at all."""
    whole = not any("\ud800" <= sign <= "\udfff" for sign in text)
    return ":" in text and len(text) <= 2000 and whole


def _word(body: Body, key: str, words: type[Word]) -> Word:
    return words(_one_of(body, key, tuple(words)))


def _one_of(body: Body, key: str, words: tuple[str, ...]) -> str:
    value = body.get(key)
    if not isinstance(value, str) or value not in words:
        raise ValueError(f"{key!r} must be one of {_list(words)}.")
    return value


def _list(words: tuple[str, ...]) -> str:
    return ", ".join(words)


def _no_constant(name: str) -> NoReturn:
    raise ValueError(name)
