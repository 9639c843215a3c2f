"""Readings → mood: a steady state made of weak evidence.

The filter of `belief.py` says how probable each mood is. This module decides
when that is enough to change what is shown:

- a mood is entered when it is `ENTER` probable, and left for another only when
  that one is (hysteresis: between the two nothing changes);
- no change within `dwell` seconds of the last one, and at most
  `changes_per_hour` in any hour; `unknown` is a mood here like any other;
- a person's word holds for `WORD`: what it took back does not come back in it, and
  what was said stays unless the readings show some third mood;
- `unknown` after `PATIENCE` without a usable reading, while guests wait for a
  yes, and when the mood shown has been improbable for `CONFLICT` while no
  other took its place.

Times are the readings' own; `timeline.py` says what is done about clocks that
are wrong or set back, late readings, and times that are no numbers.
"""

from __future__ import annotations

import collections
import dataclasses
import math
from typing import TYPE_CHECKING, Literal

from mopidy_moodcam.feeling import belief as filters
from mopidy_moodcam.feeling.affect import EXPRESSION_AFFECT
from mopidy_moodcam.feeling.baseline import Baseline
from mopidy_moodcam.feeling.corrections import WRONG, Corrections, meant
from mopidy_moodcam.feeling.evidence import likelihoods
from mopidy_moodcam.feeling.guests import Guests
from mopidy_moodcam.feeling.people import RoomRule, Seen, look_at, together
from mopidy_moodcam.feeling.timeline import Timeline
from mopidy_moodcam.glossary import EXPRESSIONS, UNKNOWN, Mood

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mopidy_moodcam.glossary import Reading

# Chosen with `tests/bench/bench_feeling.py --sweep`: ENTER trades speed against
# false changes, PATIENCE is the longest dark spell a mood should outlast.
ENTER = 0.8
LEAVE = 0.3
CONFLICT = 120.0  # seconds of disagreement before the mood is given up
PATIENCE = 420.0  # seconds without a usable reading before it is …
PATIENT = 3.0  # … and intervals, where these are long
OLD = 180.0  # seconds after which the last look is named with its age
WORD = 600.0  # seconds a person's correction holds
ROOMS = 3.0  # intervals for which what another room showed counts beside a new reading
FEW = 3  # readings that are no disagreement yet
HOUR = 3600.0

SOONER = 0.5  # of the interval, while the evidence disagrees with the mood
SOONEST = 0.25  # while a baseline is collected
SLOWER = 1.5  # times the interval with each reading of an empty room …
SLOWEST = 3.0  # … up to this: at 20 s, someone who returns waits a minute at most
MOST_EMPTY = 10  # readings of an empty room that are counted


@dataclasses.dataclass(frozen=True, slots=True)
class TrackerSettings:
    """The settings that shape a mood; times are seconds.

    `seat` is left, top, width, height as fractions of the frame, or None.
    """

    dwell: float = 30.0
    changes_per_hour: int = 12
    household: int = 4
    guests: Literal["wait", "ignore"] = "wait"
    room: RoomRule = "majority"
    seat: tuple[float, ...] | None = None
    interval: float = 20.0


class Tracker:
    """Keeps the room's mood. Give it every reading, and the time now and then.

    `baseline` and `corrections` are applied to each reading as logits; they
    belong to the caller, who stores them.
    """

    def __init__(
        self,
        settings: TrackerSettings | None = None,
        *,
        baseline: Baseline | None = None,
        corrections: Corrections | None = None,
    ) -> None:
        self.settings = settings or TrackerSettings()
        self.baseline = baseline or Baseline()
        self.corrections = corrections or Corrections()
        self._time = Timeline()
        self.forget()

    def forget(self) -> None:
        """Begin anew: nothing was seen, and nobody is a guest."""
        self._guests = Guests(self.settings.household, self.settings.guests)
        self._belief = filters.REST
        self._label = UNKNOWN
        self._why = "nothing was seen yet"
        self._held = ""
        self._since = self._time.now
        self._changed_at = -math.inf
        self._changes: collections.deque[float] = collections.deque()
        self._evidence_at = -math.inf
        self._rooms: dict[str, tuple[float, Seen]] = {}
        self._denied: set[str] = set()
        self._word_until = -math.inf
        self._agreed_at = self._time.now
        self._blank = "nothing was seen yet"
        self._said = ""
        self._empty = 0
        self._looks: collections.deque[str] = collections.deque(maxlen=6)

    @property
    def mood(self) -> Mood:
        """The mood as it is now."""
        return Mood(
            label=self._label,
            affect=EXPRESSION_AFFECT[self._label],
            confidence=self._confidence(),
            since=self._time.wall(self._since),
            probabilities=self._belief,
            why=self._reason(),
        )

    @property
    def guests(self) -> bool:
        """Whether more faces than the household's are there and nobody said yes."""
        return self._guests.waiting

    def allow_guests(self, allowed: bool) -> None:
        """Say yes (or no longer) to watching while guests are there."""
        self._guests.allow(allowed)

    def update(self, reading: Reading) -> Mood:
        """Take one reading in and return the mood after it. Never raises."""
        self._advance(reading.time, f"eye {reading.room}")
        self._guests.count(len(reading.faces), self._time.now)
        if self._guests.waiting:
            self._blank = "there are more faces than the household's"
        else:
            seen = look_at(reading, self.settings.room, self.settings.seat)
            self._take(seen, reading.room)
        self._decide()
        return self.mood

    def pass_time(self, now: float) -> Mood:
        """Let time run to `now` without a reading and return the mood."""
        self._advance(now)
        self._decide()
        return self.mood

    def correct(self, verdict: str, now: float) -> Mood:
        """Take a person's word on the mood shown; it holds at once.

        `verdict` is one of `corrections.VERDICTS`; raises `ValueError` with one
        sentence otherwise. A person's word waits for no dwell.
        """
        self._advance(now)
        self.corrections.record(verdict, self.mood, self._time.now)
        said, shown = meant(verdict), self._label
        if said in EXPRESSIONS:
            self._believe(said)
            self._take_word(said, "you said so")
        elif said == WRONG and shown != UNKNOWN:
            self._belief = filters.REST
            self._said = f"you said it is not {shown}"
            self._take_word(UNKNOWN, self._said)
        return self.mood

    def _take_word(self, label: str, why: str) -> None:
        if self._time.now >= self._word_until:
            self._denied.clear()
        self._denied = (self._denied | {self._label}) - {UNKNOWN, label}
        self._switch(label, why)
        self._word_until = self._time.now + WORD

    def pace(self) -> float:
        """Return after how many seconds the next reading is wanted."""
        interval = self.settings.interval
        if self.guests:
            return interval * SLOWEST
        if self.baseline.collecting:
            return interval * SOONEST
        if self._empty:
            return interval * min(SLOWEST, SLOWER ** (self._empty - 1))
        return interval * (1.0 if self._settled() else SOONER)

    def _advance(self, time: float, clock: str = "") -> None:
        passed = self._time.advance(time, clock)
        self._belief = filters.relax(self._belief, passed)
        self._guests.pass_time(self._time.now)

    def _take(self, seen: Seen | str, room: str) -> None:
        if isinstance(seen, str):
            self._rooms.pop(room, None)
            self._blank = seen
            self._empty = min(self._empty + 1, MOST_EMPTY)
            return
        self._empty = 0
        self._said = ""
        self._blank = "nothing was seen for some minutes"
        now = self._time.now
        self.baseline.collect(seen, now)
        seen = self._with_other_rooms(seen, room)
        alike = min(filters.ALIKE, self.settings.interval)  # a film changes in seconds
        weight = seen.quality * filters.news(now - self._evidence_at, alike)
        self._evidence_at = now
        shown = filters.shifted(seen.probabilities, self._offset())
        evidence = likelihoods(shown)
        self._belief = filters.weigh(self._belief, evidence, weight)
        self._looks.append(_likeliest(evidence))

    def _with_other_rooms(self, seen: Seen, room: str) -> Seen:
        """Return what all rooms show: else the mood would be the last reading's."""
        now, lasts = self._time.now, ROOMS * self.settings.interval
        self._rooms[room] = now, seen
        self._rooms = {r: at for r, at in self._rooms.items() if now - at[0] <= lasts}
        return together([shown for _, shown in self._rooms.values()])

    def _offset(self) -> tuple[float, ...]:
        learnt = self.corrections.offset(self._time.now)
        rest = self.baseline.value or (0.0,) * len(EXPRESSIONS)
        return tuple(a + b for a, b in zip(learnt, rest, strict=True))

    def _decide(self) -> None:
        if self._label == UNKNOWN or self._probability(self._label) >= LEAVE:
            self._agreed_at = self._time.now
        label, why = self._wanted()
        self._held = ""
        if label == self._label:
            self._why = why or self._why
        elif self._may_change():
            self._switch(label, why)
            self._changes.append(self._changed_at)
        elif len(self._changes) >= self.settings.changes_per_hour:
            seems = why if label == UNKNOWN else f"it seems {label}"
            often = f"the mood changes at most {self.settings.changes_per_hour}"
            self._held = f"{seems}, but {often} times an hour"

    def _wanted(self) -> tuple[str, str]:
        """Return the label that should be shown, and why where that is news."""
        if self._guests.waiting:
            return UNKNOWN, "guests are here, and nobody has said yes to watching"
        patience = max(PATIENCE, PATIENT * self.settings.interval)
        if self._time.now - self._evidence_at > patience:
            return UNKNOWN, self._blank
        best = _likeliest(self._belief)
        surely = self._probability(best) >= ENTER
        if self._time.now < self._word_until and (best in self._denied or not surely):
            return self._label, ""
        if surely:
            return best, "" if best == self._label else self._story(best)
        return self._unsure()

    def _unsure(self) -> tuple[str, str]:
        if self._label == UNKNOWN and len(self._looks) < FEW:
            return UNKNOWN, self._said or "too little was seen yet"
        if self._label == UNKNOWN or self._time.now - self._agreed_at > CONFLICT:
            return UNKNOWN, "the readings do not agree on a mood"
        return self._label, ""

    def _story(self, label: str) -> str:
        looks = list(self._looks)
        if len(looks) == 1:
            return f"the last reading looked {label}"
        return f"{looks.count(label)} of the last {len(looks)} readings looked {label}"

    def _reason(self) -> str:
        why = self._held or self._why
        if (
            self._label == UNKNOWN
            or (unseen := self._time.now - self._evidence_at) < OLD
        ):
            return why
        return f"{why}; nothing was seen for {unseen // 60:.0f} min"

    def _may_change(self) -> bool:
        now = self._time.now
        while self._changes and now - self._changes[0] >= HOUR:
            self._changes.popleft()
        if len(self._changes) >= self.settings.changes_per_hour:
            return False
        return now - self._changed_at >= self.settings.dwell

    def _switch(self, label: str, why: str) -> None:
        self._why, self._held = why, ""
        if label == self._label:
            return
        if label == UNKNOWN:
            self._looks.clear()
            self._word_until = -math.inf
        self._label, self._since = label, self._time.now
        self._changed_at = self._time.now

    def _believe(self, label: str) -> None:
        certain = [float(name == label) for name in EXPRESSIONS]
        self._belief = filters.normalised(
            [0.1 * b + 0.9 * c for b, c in zip(self._belief, certain, strict=True)]
        )
        self._evidence_at = self._time.now

    def _settled(self) -> bool:
        if self._label == UNKNOWN or not self._looks:
            return False
        return (
            self._looks[-1] == self._label and self._probability(self._label) >= ENTER
        )

    def _confidence(self) -> float:
        return 0.0 if self._label == UNKNOWN else self._probability(self._label)

    def _probability(self, label: str) -> float:
        return self._belief[EXPRESSIONS.index(label)]


def _likeliest(values: Sequence[float]) -> str:
    return EXPRESSIONS[max(range(len(values)), key=values.__getitem__)]
