"""Decides what the room's mood means now: the target, and whether to look.

Readings, commands and the passing of time go in; a target and the camera's
wish come out. It knows nothing of Mopidy, processes or threads, so that every
rule about when MoodCam acts can be read and tested in one place.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
from typing import TYPE_CHECKING, Any

from mopidy_moodcam import desk, words
from mopidy_moodcam.feeling.affect import EXPRESSION_AFFECT
from mopidy_moodcam.feeling.baseline import Baseline
from mopidy_moodcam.feeling.corrections import Corrections, meant
from mopidy_moodcam.feeling.goals import Planner
from mopidy_moodcam.feeling.hours import QuietHours
from mopidy_moodcam.feeling.tracker import Tracker, TrackerSettings
from mopidy_moodcam.glossary import (
    CAMERA_TROUBLES,
    EXPRESSIONS,
    SONG_MOOD_AFFECT,
    UNKNOWN,
    Goal,
    Mood,
    SongMood,
    Target,
)
from mopidy_moodcam.status import CameraState, Learnt

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from mopidy_moodcam.desk import Command
    from mopidy_moodcam.glossary import Reading
    from mopidy_moodcam.memory import Memory
    from mopidy_moodcam.settings import Settings

BASELINE_SECONDS = 120.0
SET_BACK = 2.0  # seconds; a clock that runs back further was set
HISTORY = 50
# A look is shown for so many seconds, of a camera that another program uses asked
# only every two minutes, or for so many intervals: three rests of an empty room.
SHOWN_SECONDS = 180.0
SHOWN_INTERVALS = 9.0
LET_GO_SECONDS = 3600.0  # a room that is silent for longer has no camera any more
GUESTS = (
    "more faces than the household's are here; say yes to go on, on the page or with:"
    " mopidy moodcam on"
)


@dataclasses.dataclass(frozen=True, slots=True)
class CameraWish:
    """Whether the eye should run, with the state and the reason to show.

    `elsewhere` says whether eyes on other machines should look.
    """

    look: bool
    state: CameraState
    why: str
    elsewhere: bool = False


@dataclasses.dataclass(frozen=True, slots=True)
class _Felt:
    """What was wanted for a mood; `mood` is that mood's label, '' for none."""

    target: Target
    mood: str


class Conductor:
    """Holds the mood, the goal and every switch a person can turn."""

    def __init__(self, settings: Settings, memory: Memory, *, now: float) -> None:
        self._settings = settings
        self._needs_consent = settings.needs_consent  # what it follows may move later
        self._memory = memory
        self._now = now
        self._baseline = Baseline.from_json(memory.now.baseline)
        self._corrections = Corrections.from_json(memory.now.corrections)
        self._tracker = Tracker(
            _tracker_settings(settings),
            baseline=self._baseline,
            corrections=self._corrections,
        )
        self._planner = Planner(
            _goal(settings, memory),
            preset=settings.preset,
            neutral=settings.neutral,
            lift_songs=settings.lift_songs,
        )
        self._quiet_hours = QuietHours.parse(settings.quiet_hours)
        self._told: Mood | None = None
        self._told_until = 0.0
        self._baseline_until: float | None = None
        self._obeys: Mapping[type, Callable[[Any], None]] = {
            desk.SwitchCamera: self._switch,
            desk.SetGoal: self._set_goal,
            desk.Override: self._choose,
            desk.Pause: self._pause,
            desk.Correct: self._correct,
            desk.ForgetCorrections: self._forget_corrections,
            desk.Baseline: self._take_baseline,
            desk.AllowGuests: self._allow_guests,
            desk.TakeMood: self._take_mood,
        }
        self._felt: _Felt | None = None
        self._felt_before: _Felt | None = None
        self._anything_queued = True
        self._heard: dict[str, Reading] = {}
        self._wanted_since = now
        self.reading: Reading | None = None
        self.history: tuple[Mood, ...] = ()
        self.frames_seen = 0
        self.readings = 0
        self.mood_changes = 0

    @property
    def goal(self) -> Goal:
        """What is done with the mood."""
        return self._planner.goal

    @property
    def mood(self) -> Mood:
        """The mood that counts: one another program told us, or our own.

        In whole percents, as people see it: what fades with each second is no news.
        """
        return self._told or _in_percents(self._tracker.mood)

    @property
    def target(self) -> Target | None:
        """What to play next: a person's choice, else what mood and goal ask for."""
        chosen = self._memory.now.override
        if chosen is None:
            return self._felt.target if self._felt else None
        return Target(
            song_mood=chosen,
            affect=SONG_MOOD_AFFECT[chosen],
            why="you chose it",
            chosen_by="person",
            until=self._memory.now.override_until,
        )

    @property
    def sure(self) -> bool:
        """Whether the target is of now: a person's choice, or for a mood that is known.

        Else it is what was last wanted, which music that plays may go on with.
        """
        return self.override or self.mood.label != UNKNOWN

    @property
    def override(self) -> bool:
        """Whether a person has chosen the song mood."""
        return self._memory.now.override is not None

    @property
    def paused_until(self) -> float | None:
        """When a pause ends; None where there is none."""
        return self._memory.now.paused_until

    @property
    def quiet(self) -> bool:
        """Whether the hour is one of the quiet hours, by the local clock."""
        local = dt.datetime.fromtimestamp(self._now).astimezone()
        return self._quiet_hours.contains(local.time())

    @property
    def silent(self) -> bool:
        """Whether the DJ keeps its hands off the queue altogether."""
        return self.quiet or self.paused_until is not None

    @property
    def camera_on(self) -> bool:
        """Whether the switch is on; a real camera's needs consent first."""
        remembered = self._memory.now
        if self._needs_consent:
            return bool(remembered.camera_on) and remembered.consent
        return remembered.camera_on is not False

    @property
    def pace(self) -> float:
        """Seconds until the eye should look again."""
        return self._tracker.pace()

    @property
    def learnt(self) -> Learnt:
        """What the listener has taught."""
        return Learnt(
            corrections=tuple(self._corrections.words()),
            baseline=self._baseline.value,
            baseline_until=self._baseline_until,
        )

    def camera_wish(self, *, wanted_by_music: bool) -> CameraWish:
        """Say whether the eye should look now.

        `wanted_by_music`: something plays, or would start if a mood were known.
        """
        if not self.camera_on:
            return self._off()
        for applies, state, why in self._obstacles(wanted_by_music=wanted_by_music):
            if applies:
                return CameraWish(look=False, state=state, why=why)
        if self._settings.camera == "none":
            if looking := self.looking:
                where = words.where(looking)
                return CameraWish(False, CameraState.WATCHING, where, elsewhere=True)
            why = "no camera is set; moods come from other programs or by hand"
            return CameraWish(False, CameraState.RESTING, why, elsewhere=True)
        return CameraWish(True, CameraState.WATCHING, "", elsewhere=True)

    @property
    def looking(self) -> tuple[str, ...]:
        """The rooms where cameras elsewhere look; '' is one that was given no name."""
        return tuple(
            heard.room
            for heard in self._heard.values()
            if self._is_fresh(heard) and heard.reason not in CAMERA_TROUBLES
        )

    @property
    def troubles(self) -> tuple[Reading, ...]:
        """The last readings of cameras elsewhere that cannot look, with the reason."""
        return tuple(
            heard
            for heard in self._heard.values()
            if self._is_fresh(heard) and heard.reason in CAMERA_TROUBLES
        )

    @property
    def unheard(self) -> tuple[Reading, ...]:
        """The last readings of rooms that are silent though they should look."""
        return tuple(
            heard
            for heard in self._heard.values()
            if self._silence(heard) > self._shown_seconds
        )

    def want_no_readings(self) -> None:
        """Let the silence of cameras elsewhere, which do not look now, say nothing."""
        self._wanted_since = self._now

    def take_reading(self, reading: Reading, *, elsewhere: bool = False) -> None:
        """Weigh a burst's reading, from our eye or one elsewhere."""
        if not self.camera_on:
            return
        if elsewhere:
            self._heard[reading.room] = reading
        self.reading = reading
        self.readings += 1
        self.frames_seen += reading.frames
        self._tracker.update(reading)
        self._reconsider()

    def pass_time(self, now: float, *, anything_queued: bool) -> None:
        """Let `now` (seconds since the epoch) arrive.

        `anything_queued`: a track of a person's is still to come.
        """
        if now < self._now - SET_BACK:
            self._set_clocks_back(self._now - now)
        self._now = now
        self._anything_queued = anything_queued
        self._tracker.pass_time(now)
        if self.reading and not self._is_fresh(self.reading):
            self.reading = None
        for heard in self.unheard:
            if self._silence(heard) > LET_GO_SECONDS:
                del self._heard[heard.room]
        if self._baseline_until is not None and now >= self._baseline_until:
            self._baseline_until = None
            self._baseline.finish()
            self._memory.remember(baseline=self._baseline.to_json())
        if self._told and now >= self._told_until:
            self._told = None
        if self.paused_until is not None and now >= self.paused_until:
            self._memory.remember(paused_until=None)
        until = self._memory.now.override_until
        if until is not None and now >= until:
            self._memory.remember(override=None, override_until=None)
        if self.quiet and self.goal is not Goal.HOLD:  # the morning begins anew
            self._felt = self._felt_before = None
            self._planner.begin_anew()
        self._reconsider()

    def song_played(self) -> None:
        """One of the DJ's songs has started: paths take a step."""
        if not self.override:
            self._planner.song_played()

    def take(self, command: Command) -> None:
        """Carry out a person's command; ones of the loop's own mean nothing here."""
        obey = self._obeys.get(type(command))
        if obey is not None:
            obey(command)
            self._reconsider()

    @property
    def _shown_seconds(self) -> float:
        return max(SHOWN_SECONDS, SHOWN_INTERVALS * self._settings.interval)

    def _is_fresh(self, reading: Reading) -> bool:
        return self._now - reading.time <= self._shown_seconds

    def _silence(self, heard: Reading) -> float:
        """Return for how many seconds a room has been silent that should look."""
        return self._now - max(heard.time, self._wanted_since)

    def _obstacles(
        self, *, wanted_by_music: bool
    ) -> tuple[tuple[bool, CameraState, str], ...]:
        """Return what keeps every camera from looking, the first rule first."""
        idle = self._settings.watch == "playing" and not wanted_by_music
        asked = self._baseline.collecting
        return (
            (self.quiet, CameraState.PAUSED, "these are quiet hours"),
            (self.paused_until is not None, CameraState.PAUSED, "a person paused it"),
            (
                self._tracker.guests,
                CameraState.GUESTS,
                GUESTS,
            ),
            (
                self.goal is Goal.HOLD and not asked,
                CameraState.RESTING,
                "the goal is to hold what plays",
            ),
            (
                idle and not asked,
                CameraState.RESTING,
                "nothing is playing: play a song or choose a mood to begin",
            ),
        )

    def _off(self) -> CameraWish:
        if self._needs_consent and not self._memory.now.consent:
            why = "switch it on once, on the page or with: mopidy moodcam on"
            return CameraWish(look=False, state=CameraState.NEEDS_CONSENT, why=why)
        return CameraWish(look=False, state=CameraState.OFF, why="it is switched off")

    def _switch(self, command: desk.SwitchCamera) -> None:
        consent = self._memory.now.consent or (command.on and command.consent)
        self._memory.remember(camera_on=command.on, consent=consent)
        if command.on and self._tracker.guests:  # who is asked, and says on, says yes
            self._tracker.allow_guests(allowed=True)
        if not self.camera_on:
            self.reading = None
            self._heard.clear()
            self._tracker.forget()

    def _set_goal(self, command: desk.SetGoal) -> None:
        self._planner.goal = command.goal
        self._memory.remember(goal=command.goal)

    def _choose(self, command: desk.Override) -> None:
        if command.song_mood is None and not self.override:
            self._told = None  # the only choice that is left to end
        if command.song_mood is not None:  # who asks for music ends a pause
            self._memory.remember(paused_until=None)
        until = None
        if command.song_mood and command.seconds:
            until = self._now + command.seconds
        self._memory.remember(override=command.song_mood, override_until=until)

    def _pause(self, command: desk.Pause) -> None:
        until = self._now + command.seconds if command.seconds > 0 else None
        self._memory.remember(paused_until=until)

    def _correct(self, command: desk.Correct) -> None:
        if not self.camera_on and self._told is None:
            return  # said before a 'camera off' that overtook it: no mood is shown now
        shown = self.mood.label
        if self._told is not None:
            self._correct_the_told(command.verdict, shown)
        else:
            self._tracker.correct(command.verdict, self._now)
            self._memory.remember(corrections=self._corrections.to_json())
        if self.mood.label != shown:
            self._take_back(shown)

    def _take_back(self, label: str) -> None:
        """Ask for what was asked for before a mood that was none; else for calm songs.

        For nothing at all the songs of that mood would stay, and the music end.
        """
        self._planner.begin_anew()
        if self._felt is None or self._felt.mood != label:
            return
        calm, why = SongMood.CALM, f"you said it is not {label}"
        instead = _Felt(Target(calm, SONG_MOOD_AFFECT[calm], why), "")
        self._felt, self._felt_before = self._felt_before or instead, None

    def _correct_the_told(self, verdict: str, told: str) -> None:
        """Let a person's word end what another program said; no reading was wrong."""
        said = meant(verdict)
        if said in {"right", told}:
            return
        self._told = None
        if said in EXPRESSIONS:
            self._tell(said, self._told_until, "you said so")

    def _forget_corrections(self, _: desk.ForgetCorrections) -> None:
        self._corrections.forget()
        self._memory.remember(corrections=None)

    def _take_baseline(self, command: desk.Baseline) -> None:
        if command.forget:
            self._baseline.forget()
            self._baseline_until = None
            self._memory.remember(baseline=None)
        else:
            self._baseline.start()
            self._baseline_until = self._now + BASELINE_SECONDS

    def _allow_guests(self, command: desk.AllowGuests) -> None:
        self._tracker.allow_guests(command.allowed)

    def _take_mood(self, command: desk.TakeMood) -> None:
        label = command.label
        if label not in EXPRESSIONS:
            self._told = None
            return
        self._tell(label, self._now + command.seconds, "another program said so")

    def _tell(self, label: str, until: float, why: str) -> None:
        """Let a mood that was told, not seen, hold `until` then."""
        goes_on = self._told is not None and self._told.label == label
        self._told = Mood(
            label=label,
            affect=EXPRESSION_AFFECT[label],
            confidence=1.0,
            since=self._told.since if self._told and goes_on else self._now,
            probabilities=tuple(float(label == other) for other in EXPRESSIONS),
            why=why,
        )
        self._told_until = until

    def _reconsider(self) -> None:
        """Let the mood and the goal say what is wanted, if they may."""
        self._note_mood()
        if not self.camera_on and self._told is None:
            # Switched off means off: what stands in the queue stays, no more comes.
            self._felt = self._felt_before = None
        elif not self.silent and self.goal is not Goal.HOLD:
            self._feel(self.mood)

    def _feel(self, mood: Mood) -> None:
        felt = self._felt
        wanted = self._planner.target(
            mood,
            self._now,
            anything_queued=self._anything_queued,
            previous=felt.target if felt else None,
        )
        if wanted is not None:
            if felt is None or felt.mood != mood.label:
                self._felt_before = felt
            self._felt = _Felt(wanted, mood.label)
        elif felt is not None and felt.mood not in {"", mood.label}:
            kept = dataclasses.replace(felt.target, why=f"the room was {felt.mood}")
            self._felt = _Felt(kept, felt.mood)

    def _set_clocks_back(self, seconds: float) -> None:
        """Let everything that is waited for come as soon as before."""
        remembered = self._memory.now
        changes = {
            name: until - seconds
            for name in ("paused_until", "override_until")
            if (until := getattr(remembered, name)) is not None
        }
        self._memory.remember(**changes)
        self._heard = {
            room: dataclasses.replace(heard, time=heard.time - seconds)
            for room, heard in self._heard.items()
        }
        self._wanted_since -= seconds
        self.reading = None
        self._told_until -= seconds
        if self._baseline_until is not None:
            self._baseline_until -= seconds

    def _note_mood(self) -> None:
        """Keep each mood as sure as it was when it began, with its newest reason."""
        mood = self.mood
        if self.history and self.history[-1].label == mood.label:
            newest = dataclasses.replace(
                self.history[-1], since=mood.since, why=mood.why
            )
            self.history = (*self.history[:-1], newest)
        elif mood.label != UNKNOWN or self.history:
            self.mood_changes += 1
            self.history = (*self.history, mood)[-HISTORY:]


def _in_percents(mood: Mood) -> Mood:
    return dataclasses.replace(
        mood,
        confidence=round(mood.confidence, 2),
        probabilities=tuple(round(share, 2) for share in mood.probabilities),
    )


def _goal(settings: Settings, memory: Memory) -> Goal:
    """Return the goal chosen last: by a person, or since then in the settings."""
    remembered = memory.now
    if remembered.goal_set not in {None, settings.goal}:
        memory.remember(goal=None)
    memory.remember(goal_set=settings.goal)
    return memory.now.goal or settings.goal


def _tracker_settings(settings: Settings) -> TrackerSettings:
    return TrackerSettings(
        dwell=float(settings.dwell),
        changes_per_hour=settings.changes_per_hour,
        household=settings.household,
        guests=settings.guests,
        room=settings.room,
        seat=settings.seat,
        interval=float(settings.interval),
    )
