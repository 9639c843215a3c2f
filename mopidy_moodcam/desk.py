"""The desk between the frontend and everyone who shows or steers it.

Backend, web and MPD handlers must never wait for the frontend: it waits for
core, and core waits for them, so a `.get()` upwards hangs the whole server. So
they read the last `Status` the frontend put down here, and hand in commands
that it takes up when it has time. One desk is made per server by
`Extension.setup`; it is the only object that crosses threads.
"""

from __future__ import annotations

import dataclasses
import threading
from typing import TYPE_CHECKING

from mopidy_moodcam.logs import plain
from mopidy_moodcam.status import Status

if TYPE_CHECKING:
    from collections.abc import Callable

    from mopidy_moodcam.glossary import Goal, Reading, SongMood, Verdict
    from mopidy_moodcam.songs.shelf import Shelf

logger = plain(__name__)

WEEK = 7 * 86400.0
"""No override or pause lasts longer; a longer one is a slip of the keyboard."""


@dataclasses.dataclass(frozen=True, slots=True)
class SwitchCamera:
    """Switch watching on or off; a real camera needs `consent` once."""

    on: bool
    consent: bool = False


@dataclasses.dataclass(frozen=True, slots=True)
class SetGoal:
    """Change what is done with the mood."""

    goal: Goal


@dataclasses.dataclass(frozen=True, slots=True)
class Override:
    """Play `song_mood` for `seconds` (None: until told otherwise); None: automatic."""

    song_mood: SongMood | None
    seconds: float | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class Pause:
    """Change nothing for `seconds`; 0 ends a pause."""

    seconds: float


@dataclasses.dataclass(frozen=True, slots=True)
class Correct:
    """Say of the mood shown: `right`, `wrong`, `concentrating` or an expression."""

    verdict: str


@dataclasses.dataclass(frozen=True, slots=True)
class JudgeTrack:
    """Love or ban a track by its URI."""

    uri: str
    verdict: Verdict


@dataclasses.dataclass(frozen=True, slots=True)
class TakeReading:
    """A reading from an eye elsewhere, or from any other program."""

    reading: Reading


@dataclasses.dataclass(frozen=True, slots=True)
class TakeMood:
    """A plain mood (an expression or `unknown`) of another program, held `seconds`."""

    label: str
    seconds: float = 600.0


@dataclasses.dataclass(frozen=True, slots=True)
class Baseline:
    """Start two minutes of the listener's resting face, or forget it."""

    forget: bool = False


@dataclasses.dataclass(frozen=True, slots=True)
class ForgetCorrections:
    """Reset everything that corrections have taught."""


@dataclasses.dataclass(frozen=True, slots=True)
class AllowGuests:
    """Yes (or no longer) to watching while guests are there."""

    allowed: bool


@dataclasses.dataclass(frozen=True, slots=True)
class ReloadCatalogue:
    """The catalogue was changed by another process: read it anew."""


Command = (
    SwitchCamera
    | SetGoal
    | Override
    | Pause
    | Correct
    | JudgeTrack
    | TakeReading
    | TakeMood
    | Baseline
    | ForgetCorrections
    | AllowGuests
    | ReloadCatalogue
)


class Tray:
    """Commands that wait until the frontend has time; safe from any thread.

    What a newer command would undo at once is not kept; all else is, in its order.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: list[Command] = []

    def put(self, command: Command) -> None:
        """Lay a command behind those that wait, but one for "camera off" before them.

        Who wants the camera off should not wait for what others want.
        """
        with self._lock:
            if isinstance(command, SwitchCamera):
                command = self._with_consent(command)
            self._drop_undone_by(command)
            off = isinstance(command, SwitchCamera) and not command.on
            self._waiting.insert(0 if off else len(self._waiting), command)

    def take(self) -> Command | None:
        """Return the command whose turn it is; None where none waits."""
        with self._lock:
            return self._waiting.pop(0) if self._waiting else None

    def _with_consent(self, switch: SwitchCamera) -> SwitchCamera:
        """Let consent outlast the switches in between; one said with "off" is none."""
        before = [old for old in self._waiting if isinstance(old, SwitchCamera)]
        consent = any(old.consent for old in before)
        consent = consent or (switch.on and switch.consent)
        return dataclasses.replace(switch, consent=consent)

    def _drop_undone_by(self, command: Command) -> None:
        """Drop the last ones of its kind, up to one that it does not undo."""
        for place in reversed(range(len(self._waiting))):
            old = self._waiting[place]
            if type(old) is type(command):
                if not _undoes(command, old):
                    return
                del self._waiting[place]


def _undoes(new: Command, old: Command) -> bool:
    """Whether nothing would be left of `old`, both being of one kind."""
    match new, old:
        case SwitchCamera(on=on), SwitchCamera(on=was_on):
            return was_on or not on  # off forgets the mood; on does not bring it back
        case Override(song_mood=chosen), Override(song_mood=before):
            return chosen is not None and before is not None
    return isinstance(new, Pause | SetGoal)


class Desk:
    """Holds the last status for readers and passes commands to the frontend."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._status = Status()
        self._subscribers: list[Callable[[Status], None]] = []
        self._receiver: Callable[[Command], None] | None = None
        self._shelf: Shelf | None = None

    @property
    def shelf(self) -> Shelf | None:
        """The shelf in use: arrays nobody changes, so readers need no copy."""
        return self._shelf

    def lay_out(self, shelf: Shelf | None) -> None:
        """Let folders, playlists and the page use the frontend's shelf."""
        self._shelf = shelf

    @property
    def status(self) -> Status:
        """The newest snapshot; never waits."""
        return self._status

    def publish(self, status: Status) -> None:
        """Put down a new snapshot and wake everyone who subscribed."""
        with self._lock:
            self._status = status
            subscribers = list(self._subscribers)
        for subscriber in subscribers:
            try:
                subscriber(status)
            except Exception:  # one broken reader must not stop the music
                logger.debug("A status subscriber failed", exc_info=True)

    def subscribe(self, subscriber: Callable[[Status], None]) -> Callable[[], None]:
        """Call `subscriber` with each new status, in the publisher's thread.

        It must return at once. Returns a function that ends the subscription.
        """
        with self._lock:
            self._subscribers.append(subscriber)

        def unsubscribe() -> None:
            with self._lock:
                if subscriber in self._subscribers:
                    self._subscribers.remove(subscriber)

        return unsubscribe

    def receive_with(self, receiver: Callable[[Command], None] | None) -> None:
        """Name who takes the commands; it must return at once.

        In a server that is the frontend, which puts them into its `Tray`.
        """
        self._receiver = receiver

    @property
    def attended(self) -> bool:
        """Whether somebody is there to take commands."""
        return self._receiver is not None

    def send(self, command: Command) -> bool:
        """Hand in a command and return at once.

        Returns False where nobody is there to take it: the server is starting
        or stopping, or the frontend has died.
        """
        receiver = self._receiver
        if receiver is None:
            return False
        try:
            receiver(command)
        except Exception:  # pykka.ActorDeadError, without importing pykka here
            logger.debug("Nobody took a command", exc_info=True)
            return False
        return True
