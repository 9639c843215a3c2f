"""The status in words: the same sentences in folders and on the command line."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from mopidy_moodcam.glossary import UNKNOWN, Goal
from mopidy_moodcam.status import CameraState

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from mopidy_moodcam.glossary import Mood, Pick
    from mopidy_moodcam.status import Status

GOALS: dict[Goal, str] = {
    Goal.MATCH: "plays what fits the mood",
    Goal.LIFT: "starts where you are and leads towards happier songs",
    Goal.CALM: "starts where you are and leads towards calmer songs",
    Goal.HOLD: "leaves the music as it is, whatever the camera sees",
}

CONSENT = (
    "Now and then the camera looks for about two seconds, finds faces and reads them.",
    "No frame is stored and none is sent; only numbers reach the music server.",
    "Everybody in view should know and agree.",
    "It is made for the home: reading emotions at work or in schools is forbidden",
    "in the EU (AI Act, article 5).",
)
"""What a person agrees to once; the page says the same."""

CAMERA: dict[CameraState, str] = {
    CameraState.OFF: "off",
    CameraState.NEEDS_CONSENT: "waits for your consent on the page",
    CameraState.STARTING: "is starting",
    CameraState.WATCHING: "on",
    CameraState.RESTING: "rests",
    CameraState.GUESTS: "waits because guests are here",
    CameraState.PAUSED: "paused",
    CameraState.TROUBLE: "in trouble",
}


def status_lines(status: Status) -> dict[str, str]:
    """Return key → sentence for each thing worth knowing now, the mood first.

    A notice that one of them says already is left out.
    """
    lines = dict(_status_lines(status))
    for number, notice in enumerate(status.notices):
        if not any(notice in line for line in lines.values()):
            lines[f"notice{number}"] = notice
    return lines


def short(sentence: str) -> str:
    """Return what a line of the status says, without how sure, since when and why."""
    return sentence.partition(" (")[0].partition(", ")[0]


def _status_lines(status: Status) -> Iterator[tuple[str, str]]:
    yield "mood", f"Mood: {mood(status.mood)}"
    yield "camera", _camera(status)
    yield "target", _target(status)
    yield "goal", f"Goal: {status.goal} ({GOALS[status.goal]})"
    if status.paused_until is not None:
        yield "pause", f"Paused until {clock(status.paused_until)}"
    if status.quiet:
        yield "quiet", "Quiet hours: no camera looks, and no songs are picked"
    if status.dry_run:
        yield "dry_run", "Trial: picks are named, but nothing is queued"
    yield "songs", _songs(status)


def mood(mood: Mood) -> str:
    """Return a mood as a clause with how sure it is, and why."""
    why = f" ({mood.why})" if mood.why else ""
    if mood.label == UNKNOWN:
        return f"unknown{why}"
    return f"{mood.label}, {mood.confidence:.0%} sure, since {clock(mood.since)}{why}"


def pick(pick: Pick) -> str:
    """Return a pick and its reason in one line."""
    return f"{song(pick.artist, pick.title, pick.uri)}: {pick.reason}"


def song(artist: str, title: str, uri: str) -> str:
    """Return what people call a song; the URI where nobody named it."""
    return " – ".join(part for part in (artist, title) if part) or uri  # noqa: RUF001


def where(rooms: Iterable[str]) -> str:
    """Return where cameras look; one of '' was given no room's name."""
    return ", ".join(f"in the room {room}" if room else "elsewhere" for room in rooms)


def clock(when: float) -> str:
    """Return a time of day, in this machine's zone."""
    return time.strftime("%H:%M", time.localtime(when))


def _camera(status: Status) -> str:
    camera = status.camera
    told = not camera.why or camera.state == CameraState.OFF
    why = "" if told else f" ({camera.why})"
    others = camera.looking and camera.state != CameraState.WATCHING
    other = f"; another looks {where(camera.looking)}" if others else ""
    return f"Camera {CAMERA[camera.state]}{why}{other}"


def _target(status: Status) -> str:
    target = status.target
    if target is None:
        label = status.mood.label
        keeps = status.goal is Goal.MATCH and label != UNKNOWN
        kept = f" (a {label} room keeps what is queued)" if keeps else ""
        return f"Playing: nothing chosen yet{kept}"
    chosen = "chosen by hand" if status.override else "automatic"
    until = f" until {clock(target.until)}" if target.until else ""
    return f"Playing: {target.song_mood} songs, {chosen}{until} ({target.why})"


def _songs(status: Status) -> str:
    songs = status.songs
    counts = ", ".join(f"{mood} {count}" for mood, count in songs.by_song_mood)
    text = f"Songs: {songs.analysed} of {songs.tracks} ready"
    return f"{text} ({counts})" if counts else f"{text}. {songs.why}".strip()
