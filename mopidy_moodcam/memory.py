"""What survives a restart: the camera's switch, the goal, own tracks, what was learnt.

One small JSON file, written whole and moved into place, so that a kill at any
moment leaves the old one or the new one. Only numbers and words are kept.
"""

from __future__ import annotations

import dataclasses
import json
import os
from typing import TYPE_CHECKING, Any

from mopidy_moodcam.glossary import Goal, SongMood
from mopidy_moodcam.logs import plain

if TYPE_CHECKING:
    import pathlib

logger = plain(__name__)

NEVER = 1e11  # seconds since the epoch: in the year 5138


@dataclasses.dataclass(frozen=True, slots=True)
class Remembered:
    """The content of the file; None where the listener has not chosen yet.

    `own` are the newest of the DJ's tracks in the queue as (tlid, URI) pairs,
    `corrections` and `baseline` what the rooms wrote, `override` the song mood
    chosen by hand with `override_until` (seconds since the epoch, None: until told
    otherwise), `goal_set` the goal that the settings had.
    """

    camera_on: bool | None = None
    consent: bool = False
    goal: Goal | None = None
    goal_set: Goal | None = None
    override: SongMood | None = None
    override_until: float | None = None
    paused_until: float | None = None
    own: tuple[tuple[int, str], ...] = ()
    corrections: Any = None
    baseline: Any = None

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Remembered:
        """Read the file's content; raises ValueError, TypeError or KeyError."""
        known = {field.name for field in dataclasses.fields(cls)}
        values = {key: value for key, value in data.items() if key in known}
        for name in ("goal", "goal_set"):
            if values.get(name) is not None:
                values[name] = Goal(values[name])
        if values.get("override") is not None:
            values["override"] = SongMood(values["override"])
        for name in ("override_until", "paused_until"):
            values[name] = _moment(values.get(name))
        values["own"] = _pairs(values.get("own", ()))
        return cls(**values)


def _moment(value: Any) -> float | None:  # noqa: ANN401  (from a file)
    """Return a time; None where it is none that a clock could ever reach."""
    is_time = isinstance(value, (int, float)) and 0 <= value < NEVER
    return value if is_time else None


def _pairs(data: Any) -> tuple[tuple[int, str], ...]:  # noqa: ANN401  (from a file)
    """Return own tracks; none where they cannot be read.

    At worst the DJ then takes its own old tracks for people's and leaves them alone.
    """
    try:
        return tuple((int(tlid), str(uri)) for tlid, uri in data)
    except (TypeError, ValueError):
        return ()


class Memory:
    """The file `state.json` in the extension's data folder."""

    def __init__(self, path: pathlib.Path) -> None:
        self._path = path
        self._trouble = ""
        self.now = self._load()

    def remember(self, **changes: Any) -> None:  # noqa: ANN401
        """Change some fields and write the file if that changed anything."""
        changed = dataclasses.replace(self.now, **changes)
        if changed == self.now:
            return
        self.now = changed
        try:
            self._write()
        except OSError as error:
            self._warn(
                f"MoodCam cannot write {str(self._path)!r} ({error.strerror}); "
                "make the folder writable, or choices are lost at the next restart"
            )

    def _load(self) -> Remembered:
        try:
            return Remembered.from_json(json.loads(self._path.read_text("utf-8")))
        except FileNotFoundError:
            return Remembered()
        except (OSError, ValueError, TypeError, KeyError, AttributeError):
            self._warn(
                f"MoodCam cannot read {str(self._path)!r} and starts with its "
                f"defaults; {self._set_aside()}"
            )
            return Remembered()

    def _set_aside(self) -> str:
        """Keep an unreadable file from being overwritten; say what became of it."""
        try:
            self._path.replace(self._path.with_suffix(".broken"))
        except OSError as error:
            return f"the file stays where it is ({error.strerror})"
        return "the file is kept beside it with the ending .broken"

    def _write(self) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        draft = self._path.with_suffix(".draft")
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump(dataclasses.asdict(self.now), file)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(self._path)
        self._trouble = ""

    def _warn(self, sentence: str) -> None:
        if sentence != self._trouble:
            logger.warning("%s", sentence)
        self._trouble = sentence
