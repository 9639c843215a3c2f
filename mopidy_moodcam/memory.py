"""What survives a restart: the camera's switch, the goal, own tracks, what was learnt.

One small JSON file, written whole and moved into place, so that a kill at any
moment leaves the old one or the new one. Only numbers and words are kept. A server
holds the whole of it in mind, so a folder is one server's at a time.
"""

from __future__ import annotations

import contextlib
import dataclasses
import errno
import fcntl
import json
import os
import time
from typing import TYPE_CHECKING, Any

from mopidy_moodcam.desk import WEEK
from mopidy_moodcam.glossary import Goal, SongMood
from mopidy_moodcam.logs import OnChange, plain
from mopidy_moodcam.wait import Wait

if TYPE_CHECKING:
    import pathlib
    from collections.abc import Callable, Iterator

logger = plain(__name__)

AGAIN_SECONDS = 5.0  # until what could not be written is tried again


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
    def from_json(cls, data: dict[str, Any], *, now: float) -> Remembered:
        """Read the file's content; raises ValueError, TypeError or KeyError."""
        known = {field.name for field in dataclasses.fields(cls)}
        values = {key: value for key, value in data.items() if key in known}
        for name in ("goal", "goal_set"):
            if values.get(name) is not None:
                values[name] = Goal(values[name])
        if values.get("override") is not None:
            values["override"] = SongMood(values["override"])
        for name in ("override_until", "paused_until"):
            values[name] = _moment(values.get(name), now + WEEK)
        values["own"] = _pairs(values.get("own", ()))
        return cls(**values)


def _moment(value: Any, latest: float) -> float | None:  # noqa: ANN401  (from a file)
    """Return a time, or `latest` for what a clock that was ahead wrote; else None."""
    is_time = isinstance(value, (int, float)) and value >= 0
    return min(value, latest) if is_time else None


def _pairs(data: Any) -> tuple[tuple[int, str], ...]:  # noqa: ANN401  (from a file)
    """Return own tracks; none where they cannot be read.

    At worst the DJ then takes its own old tracks for people's and leaves them alone.
    """
    try:
        return tuple((int(tlid), str(uri)) for tlid, uri in data)
    except (TypeError, ValueError):
        return ()


class InUseError(Exception):
    """A folder is another server's; the message is one sentence with the remedy."""


@contextlib.contextmanager
def held(folder: pathlib.Path) -> Iterator[None]:
    """Keep `folder`, which is made, for this process, and for none of its children.

    Raises `InUseError` where another has it. Where there can be no folder or no locks
    nothing is kept.
    """
    with contextlib.ExitStack() as at_the_end:
        try:
            folder.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(folder, os.O_RDONLY)
            at_the_end.callback(os.close, descriptor)
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # A forked child would keep the lock where it is only closed here.
            at_the_end.callback(fcntl.flock, descriptor, fcntl.LOCK_UN)
        except BlockingIOError:
            raise InUseError(
                f"another Mopidy uses the folder {str(folder)!r}: end it,"
                " or give this one a core/data_dir of its own"
            ) from None
        except OSError as error:
            logger.debug("Nothing keeps others from %s: %s", folder, error)
        yield


class Memory:
    """The file `state.json` in the extension's data folder.

    `clock` gives seconds since the epoch. `trouble` says why the file lacks what is
    remembered now, and is '' where it does not.
    """

    def __init__(
        self, path: pathlib.Path, clock: Callable[[], float] = time.time
    ) -> None:
        self._path = path
        self._said = OnChange(logger)
        self._until_again = Wait(clock)
        self.trouble = ""
        self.now = self._load(clock())

    def remember(self, **changes: Any) -> None:  # noqa: ANN401
        """Change some fields and write the file if it lacks anything then."""
        changed = dataclasses.replace(self.now, **changes)
        if changed != self.now or self.trouble:
            self.now = changed
            self._write()

    def pass_time(self) -> None:
        """Catch up every few seconds."""
        if not self._until_again.goes_on:
            self.catch_up()

    def catch_up(self) -> None:
        """Try again at once to write what could not be written."""
        if self.trouble:
            self._write()

    def _load(self, now: float) -> Remembered:
        try:
            data = json.loads(self._path.read_text("utf-8"))
            return Remembered.from_json(data, now=now)
        except FileNotFoundError:
            return Remembered()
        except (OSError, ValueError, TypeError, KeyError, AttributeError):
            logger.warning(
                "MoodCam cannot read %r and starts with its defaults; %s",
                str(self._path),
                self._set_aside(),
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
        self.trouble = ""
        try:
            self._put_down()
        except OSError as error:
            self.trouble = (
                f"MoodCam cannot write {str(self._path)!r}: {_remedy(error)},"
                " or choices are lost at the next restart"
            )
            self._until_again.begin(AGAIN_SECONDS)
        self._said.warn("write", self.trouble)

    def _put_down(self) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        draft = self._path.with_suffix(".draft")
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump(dataclasses.asdict(self.now), file)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(self._path)


def _remedy(error: OSError) -> str:
    match error.errno:
        case errno.ENOSPC | errno.EDQUOT:
            return "make room on the disk, which is full"
        case errno.EACCES | errno.EPERM | errno.EROFS:
            return f"make the folder writable ({error.strerror})"
    return f"check core/data_dir and the disk it is on ({error.strerror})"
