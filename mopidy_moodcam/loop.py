"""What the frontend does with each message: listen, decide, serve, publish.

Joins the conductor (mood and switches), the disc jockey (queue), the picker
(songs) and the eye, and puts the new status on the desk. Runs in the
frontend's thread only.
"""

from __future__ import annotations

import contextlib
import dataclasses
import time
from typing import TYPE_CHECKING, Any

import mopidy_moodcam
from mopidy_moodcam import desk as desks
from mopidy_moodcam import mpd, songlist, words
from mopidy_moodcam.conductor import Conductor
from mopidy_moodcam.disc_jockey import DiscJockey
from mopidy_moodcam.eye import EyeKeeper
from mopidy_moodcam.feeling import people
from mopidy_moodcam.glossary import Goal, Reading, SongMood
from mopidy_moodcam.logs import plain
from mopidy_moodcam.memory import Memory
from mopidy_moodcam.picker import Picker
from mopidy_moodcam.player import PlayerAwayError
from mopidy_moodcam.seeing.devices import without_secrets
from mopidy_moodcam.status import CameraState, CameraStatus, Counters, Status
from mopidy_moodcam.wait import Wait

if TYPE_CHECKING:
    import pathlib
    from collections.abc import Callable, Iterator

    from mopidy_moodcam.conductor import CameraWish
    from mopidy_moodcam.desk import Desk
    from mopidy_moodcam.player import Player
    from mopidy_moodcam.settings import Settings
    from mopidy_moodcam.songs.shelf import Shelf

logger = plain(__name__)

TICK = object()
"""The message that says that a second has passed."""

# Core that did not answer in time is left alone this long: each question to it
# may take seconds, in which no command is heard.
AWAY_SECONDS = 10.0


@dataclasses.dataclass(frozen=True, slots=True)
class _EyeSays:
    """The eye's own word for its state: `starting`, `ready` or `trouble`."""

    word: str = ""
    why: str = ""


class Loop:
    """Holds the parts; `tell` hands a message to the actor from any thread.

    `clock` gives seconds since the epoch. Where core does not answer, what is due
    without it is done all the same, the status included; then `PlayerAwayError`
    is raised.
    """

    def __init__(
        self,
        settings: Settings,
        data_dir: pathlib.Path,
        player: Player,
        desk: Desk,
        *,
        tell: Callable[[Any], None],
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._settings = settings
        self._desk = desk
        self._clock = clock
        self._started = clock()
        self._memory = Memory(data_dir / "state.json", clock)
        self._conductor = Conductor(settings, self._memory, now=clock())
        self._picker = Picker(
            data_dir / "catalogue.sqlite",
            settings,
            clock=clock,
            schemes=player.schemes(),
        )
        self._dj = DiscJockey(settings, self._memory, player, self._picker, clock=clock)
        self._eye = EyeKeeper(
            settings.camera,
            runtime=settings.runtime,
            interval=settings.interval,
            on_reading=tell,
            on_state=lambda word, why: tell(_EyeSays(word, why)),
        )
        self._eye_says = _EyeSays()
        self._looking = False
        here = settings.camera != "none"
        self._switch_told = None if here else self._conductor.camera_on
        self._mood_told = ""
        self._playlists_told: list[list[int]] = []
        self._look_due = False
        self._left_alone = Wait(clock)
        self._core_is_away = False

    @property
    def core_is_away(self) -> bool:
        """Whether core was asked for something and has answered nothing since."""
        return self._core_is_away

    def close(self) -> None:
        """Switch the eye off, write what is unwritten, and let go of the catalogue."""
        self._eye.stop()
        self._memory.catch_up()
        self._picker.close()

    def take(self, message: Any) -> None:  # noqa: ANN401
        """Take a tick, a reading, the eye's state or a command."""
        try:
            self._take_in(message)
        finally:
            self._go_on()

    def track_started(self, tlid: int, uri: str) -> None:
        """Core plays another track."""
        try:
            with self._asking_core():
                ask_core = self._may_ask_core()
                self._dj.track_started(tlid, uri, ask_core=ask_core)
        finally:
            if self._dj.is_own(tlid):
                self._conductor.song_played()
            self._go_on()

    def track_ended(self, tlid: int, position: int, length: int | None) -> None:
        """Core has stopped playing a track, after `position` of `length` ms."""
        self._dj.track_ended(tlid, position, length)

    def queue_changed(self) -> None:
        """Somebody edited the queue or its switches, or core plays, pauses or stops.

        The next tick looks: of a list that a client adds, core tells track by track.
        """
        self._look_due = True

    def _take_in(self, message: Any) -> None:  # noqa: ANN401
        if message is TICK:
            self._look_if_due()
            if self._may_ask_core():
                with self._asking_core():
                    self._dj.judge()
        elif isinstance(message, Reading):
            # An eye's clock stands still while the machine sleeps: a reading counts
            # from its arrival here, as those of eyes elsewhere do.
            arrived = dataclasses.replace(message, time=self._clock())
            self._conductor.take_reading(arrived)
        elif isinstance(message, _EyeSays):
            self._eye_says = message
        else:
            try:
                self._look_before(message)
            finally:
                self._obey(message)

    def _look_before(self, command: Any) -> None:  # noqa: ANN401
        """See first what people did before, but camera off waits for nothing."""
        off = isinstance(command, desks.SwitchCamera) and not command.on
        if not off:
            self._look_if_due()

    def _look_if_due(self) -> None:
        if self._look_due and self._may_ask_core():
            with self._asking_core():
                self._dj.look()
            self._look_due = False
            self._core_is_away = False

    def _may_ask_core(self) -> bool:
        return not self._left_alone.goes_on

    @contextlib.contextmanager
    def _asking_core(self) -> Iterator[None]:
        try:
            yield
        except PlayerAwayError:
            self._left_alone.begin(AWAY_SECONDS)
            self._core_is_away = True
            self._look_due = True
            raise

    def _obey(self, command: Any) -> None:  # noqa: ANN401
        match command:
            case desks.JudgeTrack(uri=uri, verdict=verdict):
                self._picker.judge(uri, verdict)
                self._dj.judged(uri, verdict)
            case desks.ReloadCatalogue():
                self._picker.reload()
            case desks.TakeReading(reading=reading):
                if self._wish().elsewhere:
                    self._conductor.take_reading(reading, elsewhere=True)
            case desks.TakeMood():
                self._conductor.take(command)
            case _:
                self._conductor.take(command)
                self._dj.take_up()
                if _asks_for_music(command):
                    self._dj.may_play_again()
                if isinstance(command, desks.Override) and command.song_mood:
                    self._dj.begin()
                elif _takes_back(command):
                    self._dj.wait()

    def _go_on(self) -> None:
        """Everything that follows from what was just taken in."""
        self._memory.pass_time()
        self._conductor.pass_time(
            self._clock(), anything_queued=self._dj.anything_queued
        )
        self._mind_the_eye()
        if self._picker.refresh():
            self._desk.lay_out(self._picker.shelf)
            self._tell_of_playlists(self._picker.shelf)
            self._dj.songs_changed()
        try:
            self._serve()
        finally:
            self._log_changes()
            self._publish()

    def _tell_of_playlists(self, shelf: Shelf | None) -> None:
        """Wake the clients where a playlist holds other songs than they were told."""
        now = self._clock()
        found = [songlist.playlist(shelf, mood, now) for mood in SongMood if shelf]
        if found != self._playlists_told:
            self._playlists_told = found
            mpd.wake("playlists_loaded")

    def _serve(self) -> None:
        if self._conductor.silent or not self._may_ask_core():
            return
        with self._asking_core():
            self._dj.serve(self._conductor.target, sure=self._conductor.sure)

    def _mind_the_eye(self) -> None:
        wish = self._wish()
        if not wish.elsewhere:
            self._conductor.want_no_readings()
        if wish.look:
            self._eye.interval(self._conductor.pace)
        if wish.look and not self._looking:
            self._eye_says = _EyeSays("starting")
            self._eye.start()
        elif self._looking and not wish.look:
            self._eye.stop()
            self._eye_says = _EyeSays()
        self._looking = wish.look

    def _wish(self) -> CameraWish:
        playing = self._dj.playback == "playing"
        return self._conductor.camera_wish(
            wanted_by_music=playing or self._dj.may_start
        )

    def _log_changes(self) -> None:
        """Log the camera's switch, and moods only for who looks for a fault.

        A service's log is kept for months: moods in it would be a diary.
        """
        on, mood = self._conductor.camera_on, self._conductor.mood
        if on != self._switch_told:
            self._switch_told = on
            logger.info("The camera is switched %s", "on" if on else "off")
        if mood.label != self._mood_told:
            self._mood_told = mood.label
            logger.debug("The room's mood is %s (%s)", mood.label, mood.why)

    def _camera_status(self) -> CameraStatus:
        wish = self._wish()
        state, why = wish.state, wish.why
        if wish.look and self._eye_says.word in {"starting", "trouble"}:
            state, why = CameraState(self._eye_says.word), self._eye_says.why
        return CameraStatus(
            on=self._conductor.camera_on,
            source=without_secrets(self._settings.camera),
            state=state,
            why=why,
            milliseconds=self._eye.milliseconds,
            elsewhere=wish.elsewhere,
            looking=self._rooms_looked_at(wish),
        )

    def _rooms_looked_at(self, wish: CameraWish) -> tuple[str, ...]:
        here = ("",) if wish.look and self._eye_says.word == "ready" else ()
        elsewhere = self._conductor.looking if wish.elsewhere else ()
        return tuple(dict.fromkeys(here + elsewhere))

    def _publish(self) -> None:
        conductor, dj = self._conductor, self._dj
        old = self._desk.status
        new = Status(
            version=mopidy_moodcam.__version__,
            time=old.time,
            started=self._started,
            playback=dj.playback,
            camera=self._camera_status(),
            reading=conductor.reading,
            mood=conductor.mood,
            goal=conductor.goal,
            target=conductor.target,
            override=conductor.override,
            paused_until=conductor.paused_until,
            hands_off_until=dj.hands_off_until,
            quiet=conductor.quiet,
            dry_run=self._settings.dry_run,
            songs=self._picker.status,
            next_picks=dj.next_picks,
            playing_pick=dj.playing_pick,
            last_picks=dj.last_picks,
            history=conductor.history,
            learnt=conductor.learnt,
            counters=Counters(
                frames_seen=conductor.frames_seen,
                readings=conductor.readings,
                mood_changes=conductor.mood_changes,
                picks=dj.picks_made,
            ),
            notices=self._notices(),
        )
        if new == old:
            return
        if _switches(new) != _switches(old):
            mpd.wake("mute_changed")
        self._desk.publish(dataclasses.replace(new, time=self._clock()))

    def _notices(self) -> tuple[str, ...]:
        notices = [self._memory.trouble, self._picker.status.why]
        if self._eye_says.word in {"trouble", "ready"}:  # ready, but with less
            notices.append(self._eye_says.why)
        camera = self._camera_status()
        looks = camera.looking or camera.state is CameraState.STARTING
        if self._conductor.learnt.baseline_until is not None and not looks:
            notices.append(f"No camera looks at the resting face: {camera.why}")
        if camera.elsewhere:
            notices += [
                f"{_room(heard)}: {people.WORDS[heard.reason]}"
                for heard in self._conductor.troubles
            ]
        notices += [
            f"{_room(heard)}: last heard at {words.clock(heard.time)}"
            for heard in self._conductor.unheard
        ]
        return tuple(notice for notice in notices if notice)


def _room(heard: Reading) -> str:
    return heard.room or "A camera elsewhere"


def _asks_for_music(command: Any) -> bool:  # noqa: ANN401
    match command:
        case desks.Override(song_mood=song_mood):
            return song_mood is not None
        case desks.SwitchCamera(on=on):
            return on
        case desks.SetGoal(goal=goal):
            return goal is not Goal.HOLD
        case desks.Pause(seconds=seconds):
            return seconds == 0
    return False


def _takes_back(command: Any) -> bool:  # noqa: ANN401
    """Say whether a person who asked for music does so no more."""
    kinds = desks.Override | desks.SetGoal | desks.Pause
    return isinstance(command, kinds) and not _asks_for_music(command)


def _switches(status: Status) -> tuple[Any, ...]:
    """Return what the MPD outputs show."""
    song_mood = status.target.song_mood if status.target else None
    paused = status.paused_until is not None
    return (status.camera.on, status.goal, song_mood, status.override, paused)
