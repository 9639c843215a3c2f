"""The disc jockey: keeps the next songs in Mopidy's queue, with manners.

Joins the rules of `dj.queue`, the picker's choices and the player. Runs in the
frontend's thread; anything that waits for core may raise `PlayerAwayError`, and
the next call then takes up where this one left off.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from mopidy_moodcam.dj.brake import Brake
from mopidy_moodcam.dj.hands import edited_by_person, put_forward, taken_over
from mopidy_moodcam.dj.queue import (
    Own,
    Queue,
    judge_end,
    plan,
    still_removable,
    upcoming,
)
from mopidy_moodcam.dj.starter import Starter
from mopidy_moodcam.glossary import Verdict
from mopidy_moodcam.logs import OnChange, plain
from mopidy_moodcam.player import LateError, PlayerAwayError
from mopidy_moodcam.wait import Wait

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable

    from mopidy_moodcam.dj.queue import Edits, Entry
    from mopidy_moodcam.glossary import Pick, Target
    from mopidy_moodcam.memory import Memory
    from mopidy_moodcam.picker import Picker
    from mopidy_moodcam.player import Player
    from mopidy_moodcam.settings import Settings

logger = plain(__name__)

# A pick that Mopidy does not take is replaced by another, but not for ever: a
# backend that is gone would be asked for every one of its tracks.
TRIES = 4
# After this many refusals in a row, wait before asking the backend again.
RETRY_SECONDS = 30.0
# Whoever clears the queue, adds a song and plays it does so in three steps. Until the
# last one nothing sounds, and for so long after each step nothing is urgent.
SETTLE_SECONDS = 4.0
# Core does not tell of every change, such as 'next' while stopped.
LOOK_SECONDS = 5.0
LAST_PICKS = 20
# So many own tracks are known after a restart: those to come are the newest. A list
# that nobody clears holds thousands, and the file is written for each pick.
OWN_REMEMBERED = 100


@dataclasses.dataclass(frozen=True, slots=True)
class _End:
    """How a track ended: milliseconds into it, and its length."""

    tlid: int
    position: int
    length: int | None


@dataclasses.dataclass(frozen=True, slots=True)
class _Late:
    """A pick that core has not added yet; `new` where it was not queued before.

    `entry` is `LateError.entry`.
    """

    pick: Pick
    entry: Callable[[], Entry | None]
    new: bool


class DiscJockey:
    """Holds what is known of the queue and of the DJ's own tracks in it.

    `clock` gives seconds since the epoch.
    """

    def __init__(
        self,
        settings: Settings,
        memory: Memory,
        player: Player,
        picker: Picker,
        *,
        clock: Callable[[], float],
    ) -> None:
        self._settings = settings
        self._memory = memory
        self._player = player
        self._picker = picker
        self._clock = clock
        self._starter = Starter(player, autostart=settings.autostart, clock=clock)
        self._brake = Brake(settings.ahead, clock)
        self._notes = OnChange(logger)
        self._own: Own | None = None
        self._picks: dict[int, Pick] = {}
        self._sounding: int | None = None
        self._started: set[int] = set()
        self._gone: set[int] = set()
        # Picks in front of people's tracks since a shuffle, or since a person moved
        # several: in the hands-off time they may stay.
        self._spared: frozenset[int] = frozenset()
        self._half_known: set[int] = set()
        self._recalled: frozenset[int] = frozenset()
        self._banned: set[str] = set()
        self._queue = Queue()
        self._left_as = Queue()
        self._played: frozenset[int] = frozenset()
        self._shuffled: tuple[Entry, ...] | None = None
        self._unjudged: _End | None = None
        self._dirty = True
        self._awaited: list[_Late] = []
        self._before_asking = Wait(clock)
        self._before_look = Wait(clock)
        self._after_edit = Wait(clock)
        self._hands_off = Wait(clock)
        self.last_picks: tuple[Pick, ...] = ()
        self.picks_made = 0

    @property
    def playback(self) -> str:
        """What core was doing when the queue was last looked at."""
        return self._queue.playback

    @property
    def anything_queued(self) -> bool:
        """Whether a track of a person's is still to come, or one plays without end."""
        queue, own = self._queue, self._own_tlids
        theirs = queue.current in queue.tlids and queue.current not in own
        if theirs and queue.playback == "playing" and queue.length is None:
            return True  # a stream
        coming = queue.tlids if queue.repeat else upcoming(queue)
        return any(tlid not in own for tlid in coming)

    @property
    def may_start(self) -> bool:
        """Whether the DJ may start the music."""
        return self._starter.may_start(self._queue)

    @property
    def hands_off_until(self) -> float | None:
        """When the hands-off time after a person's edit ends; None: there is none."""
        return self._hands_off.until if self._hands_off.goes_on else None

    @property
    def next_picks(self) -> tuple[Pick, ...]:
        """The DJ's tracks that are still to come, in the order of the queue."""
        if self._settings.dry_run:
            return tuple(self._picks.values())
        own = self._own or Own()
        coming = (tlid for tlid in upcoming(self._queue) if tlid in own)
        return tuple(self._picks[tlid] for tlid in coming if tlid in self._picks)

    @property
    def playing_pick(self) -> Pick | None:
        """The DJ's track that plays; None where a person's does, or none."""
        return None if self._sounding is None else self._picks.get(self._sounding)

    def look(self) -> None:
        """Read the queue and notice what a person has done to it."""
        self._look()
        self._dirty = True

    def _look(self) -> None:
        self._before_look.begin(LOOK_SECONDS)
        queue = self._player.queue()
        if queue.entries != self._queue.entries:
            # Core shuffles anew at each change, played tracks included.
            self._played = frozenset()
        self._adopt_awaited()
        before, after = self._left(queue), self._without_new_own(queue)
        if edited_by_person(before, after) and self._own is not None:
            self._take_hands_off(before, after)
        self._see(queue)
        self._left_as = self._queue
        self._keep_own()

    def _take_hands_off(self, before: Queue, after: Queue) -> None:
        if not self._hands_off.goes_on:
            self._spared = frozenset()
        self._hands_off.begin(self._settings.hands_off)
        self._after_edit.begin(SETTLE_SECONDS)
        theirs = taken_over(before, after, self._own_tlids)
        self._spared |= put_forward(before, after, self._own_tlids) - theirs
        if self._own:
            self._own.give(theirs)
        for tlid in theirs:
            self._picks.pop(tlid, None)

    def _without_new_own(self, queue: Queue) -> Queue:
        """Return the queue less songs of the DJ's that a slow backend has brought."""
        left, own = {*self._left_as.tlids}, self._own_tlids
        entries = tuple(
            entry for entry in queue.entries if entry[0] in left or entry[0] not in own
        )
        return dataclasses.replace(queue, entries=entries)

    def track_started(self, tlid: int, uri: str, *, ask_core: bool = True) -> None:
        """Note that a track plays.

        Without `ask_core` the track before is judged later, by the next `judge`,
        and the queue is looked at by the next `look`.
        """
        went_back = self._unjudged is not None and self._went_back_to(tlid)
        self._played |= {tlid}
        self._starter.sounded()
        try:
            if ask_core:
                self.judge(went_back=went_back)
                self.look()
        finally:
            self._note_start(tlid, uri)

    def is_own(self, tlid: int) -> bool:
        """Say whether a track is the DJ's; on a shadow day each stands for one."""
        if self._settings.dry_run:
            return self.picks_made > 0
        return tlid in self._picks

    def _note_start(self, tlid: int, uri: str) -> None:
        self._brake.let_go()
        self._now_plays(tlid)
        pick = self._picks.get(tlid)
        if pick is not None:
            self._picker.started(tlid, pick)
            self._started.add(tlid)
        else:
            self._picker.heard(uri)

    def _now_plays(self, tlid: int | None) -> None:
        """Count the pick that played until now among the last ones."""
        heard = (self.playing_pick, *self.last_picks)
        self._sounding = tlid
        now = self.playing_pick
        past = (pick for pick in heard if pick is not None and pick != now)
        self.last_picks = tuple(past)[:LAST_PICKS]

    def track_ended(self, tlid: int, position: int, length: int | None) -> None:
        """Note how a track ended; it is judged when it is known what came next."""
        self._starter.ended(tlid)
        self._unjudged = _End(tlid, position, length)
        self._now_plays(None)
        if self._settings.dry_run and self._picks:
            turn = self._picks.pop(next(iter(self._picks)))
            self.last_picks = (turn, *self.last_picks)[:LAST_PICKS]
            self._dirty = True

    def judge(self, *, went_back: bool = False) -> None:
        """Let the last end count for or against its song."""
        end = self._unjudged
        if end is None:
            return
        playback = self._player.state()
        self._unjudged = None
        pick = self._picks.get(end.tlid)
        if pick is not None:
            outcome = judge_end(
                end.position, end.length, playback=playback, went_back=went_back
            )
            self._picker.ended(end.tlid, pick, outcome)
        self._forget_gone()

    def take_up(self) -> None:
        """End the hands-off time: a person has asked for something."""
        for wait in (self._hands_off, self._after_edit, self._before_asking):
            wait.end()
        self._brake.let_go()
        self._dirty = True

    def may_play_again(self) -> None:
        """Let music that a person stopped be started: a person asks for music."""
        self._starter.may_play_again()

    def begin(self) -> None:
        """Start the music if it is stopped: a person said what is to play now."""
        self._starter.begin(self._queue)

    def wait(self) -> None:
        """Begin nothing that a person asked for before: they take that back."""
        self._starter.wait()

    def songs_changed(self) -> None:
        """Look again for what to queue: there are other songs than before."""
        for tlid in self._half_known & set(self._picks):
            self._picks[tlid] = self._picker.recall(self._picks[tlid].uri)
            if tlid in self._started and tlid not in self._gone:
                self._picker.started(tlid, self._picks[tlid])
        self._half_known.clear()
        self._dirty = True

    def judged(self, uri: str, verdict: Verdict) -> None:
        """Note that a person loves or bans a song: a banned one is not to come."""
        if verdict is Verdict.BANNED:
            self._banned.add(uri)
            self._after_edit.end()
        else:
            self._banned.discard(uri)

    def serve(self, target: Target | None, *, sure: bool = True) -> None:
        """Bring the queue to what the target asks for, if there is reason to.

        Only for a target that is `sure` the music is started.
        """
        if target is None or self._before_asking.goes_on:
            return
        seen = self._before_look.goes_on
        if seen and not (self._dirty or self._stale(target)):
            return
        try:
            self._serve(target, sure=sure)
        except PlayerAwayError:
            self._dirty = True
            raise

    def _serve(self, target: Target, *, sure: bool) -> None:
        self._look()
        stale = self._stale(target)
        if self._settings.dry_run:
            self._rehearse(target, afresh=bool(stale))
            return
        if self._settles or self._braked():
            self._dirty = True
            return
        over = sure and self.may_start and not self._starter.waits
        after = self._starter.last_heard(self._queue) if over else None
        stale |= self._give_up_silent() if over else frozenset()
        queue = dataclasses.replace(self._queue, current=after or self._queue.current)
        spared = self._spared if self._hands_off.goes_on else frozenset()
        own = self._own_tlids - (spared - stale)
        edits = plan(queue, own, ahead=self._settings.ahead, stale=stale)
        self._dirty = False
        self._carry_out(edits, target, self._out_of_place(edits, stale))
        self._draw_another()
        self._say_if_full(edits)
        if over and self.may_start:  # the songs tried may sound by now
            self._dirty |= self._starter.start(self._queue, after)
        elif sure and self.may_start:
            self._dirty = True  # the music was started a moment ago; look again

    def _braked(self) -> bool:
        """Say whether nothing is to be edited: what is queued stays to be heard."""
        if not self._brake.holds:
            self._notes.settle("brake")
            return False
        self._notes.warn(
            "brake",
            "MoodCam queued many songs and none began to play, so it adds no more for "
            "some minutes, or until one does or you choose a mood; does another "
            "extension change the queue?",
        )
        self._before_asking.begin(RETRY_SECONDS)
        return True

    def _out_of_place(self, edits: Edits, stale: frozenset[int]) -> list[Pick]:
        """Return the picks that go only since they stand in front of people's tracks.

        Without those that core was asked to put behind them already.
        """
        leaving = {*edits.remove}
        staying = [pick for tlid, pick in self._picks.items() if tlid not in leaving]
        asked = [late.pick for late in self._awaited]
        going = self._picks.keys() & leaving - stale - self._half_known - self._started
        picks = [self._picks[tlid] for tlid in edits.remove if tlid in going]
        return [pick for pick in picks if pick not in (*staying, *asked)]

    def _see(self, queue: Queue) -> None:
        """Take the queue as it is, and remember whether a person ended the music."""
        self._starter.see(self._queue, self._left(queue), queue)
        self._queue = dataclasses.replace(queue, played=self._played)

    def _left(self, queue: Queue) -> Queue:
        """Return the queue as the DJ left it, less what core itself took away since."""
        return self._starter.without_silent(self._left_as, queue)

    def _give_up_silent(self) -> frozenset[int]:
        """Return the picks that were to start and do not sound: others take over."""
        silent = self._starter.silent()
        for tlid in silent & set(self._picks):
            self._picker.refused(self._picks[tlid])
        return self._own_tlids & silent

    @property
    def _settles(self) -> bool:
        stopped = self._queue.playback == "stopped"
        return stopped and self._after_edit.goes_on

    @property
    def _own_tlids(self) -> frozenset[int]:
        return self._own.tlids if self._own else frozenset()

    def _stale(self, target: Target) -> frozenset[int]:
        """Return the picks to come that a person banned, or made for another mood.

        In the hands-off time only what a person banned or left out goes.
        """
        coming = self._picks if self._settings.dry_run else upcoming(self._queue)
        picks = {tlid: self._picks[tlid] for tlid in coming if tlid in self._picks}
        banned = {
            tlid
            for tlid, pick in picks.items()
            if pick.uri in self._banned
            or not self._picker.offers(pick)
            # Or it began while it was being put behind people's tracks.
            or (pick == self.playing_pick and tlid != self._sounding)
        }
        if self._hands_off.goes_on:
            return frozenset(banned)
        others = {t for t, p in picks.items() if p.song_mood != target.song_mood}
        return frozenset(banned | others - self._half_known)

    def _went_back_to(self, tlid: int) -> bool:
        tlids = self._queue.tlids
        ended = self._unjudged.tlid if self._unjudged else None
        if tlid == ended:  # it was started anew
            return True
        if tlid not in tlids or ended not in tlids or self._queue.random:
            return False
        return tlids.index(tlid) < tlids.index(ended)

    def _keep_own(self) -> None:
        """Believe in own tracks only where the queue still shows them."""
        entries = self._queue.entries
        if self._own is None and not entries:
            return  # core may still be restoring its state
        if self._own is None:
            self._own = Own(self._memory.now.own)
            self._own.keep(entries)
            uris = dict(entries)
            for tlid in self._own.tlids:
                self._picks[tlid] = self._picker.recall(uris[tlid])
            self._recalled = self._own.tlids
            if self._picker.shelf is None:  # their song moods are not known yet
                self._half_known.update(self._own.tlids)
        self._gone |= self._own.keep(entries)
        self._memory.remember(own=self._own.pairs[-OWN_REMEMBERED:])

    def _forget_gone(self) -> None:
        """Drop picks that left the queue, once nothing can still be told of them.

        Under `consume` a track leaves before its end is told. Those from before a
        restart may have been heard then.
        """
        for tlid in self._gone - {self._queue.current}:
            pick = self._picks.pop(tlid, None)
            if pick is not None and tlid not in self._started | self._recalled:
                self._picker.unheard(pick)
            self._started.discard(tlid)
        self._gone = set()

    def _carry_out(self, edits: Edits, target: Target, again: list[Pick]) -> None:
        """Remove and add; the picks to add are first those to come `again`."""
        if edits.make_room:
            self._remove(edits.remove)
        added = self._append(target, edits, again)
        if edits.remove and not edits.make_room and (added or not edits.add):
            self._look()  # adding takes time, in which a person may have taken one
            self._remove(self._own_tlids.intersection(edits.remove))
        if edits:
            self._look()  # for what a person did meanwhile
            self._played = frozenset()

    def _draw_another(self) -> None:
        """Where core has shuffled what plays too, let another song come next."""
        queue = self._queue
        shuffled = queue.entries if queue.random else None
        if shuffled and shuffled != self._shuffled and queue.current is not None:
            self._player.draw_another(queue.current)
        self._shuffled = shuffled

    def _remove(self, tlids: Iterable[int]) -> None:
        """Remove own tracks; what did not sound is as welcome as before its pick."""
        going = still_removable(self._queue, tlids)
        self._player.remove(going)
        left = (entry for entry in self._left_as.entries if entry[0] not in going)
        self._left_as = dataclasses.replace(self._left_as, entries=tuple(left))
        for tlid in self._picks.keys() & {*going} - self._started - self._recalled:
            self._picker.unheard(self._picks.pop(tlid))

    def _append(self, target: Target, edits: Edits, again: list[Pick]) -> list[Pick]:
        """Queue `edits.add` picks; return those that Mopidy took."""
        added: list[Pick] = []
        try:
            self._add_up_to(edits, target, again, added)
        finally:
            self._say("Queued", [pick for pick in added if pick not in again])
        return added

    def _add_up_to(
        self, edits: Edits, target: Target, again: list[Pick], added: list[Pick]
    ) -> None:
        refused = 0
        waiting = list(again)
        while len(added) < edits.add and refused < TRIES:
            pick = waiting.pop(0) if waiting else self._choose(target, edits)
            if pick is None:
                break
            entry = self._add(pick, new=pick not in again)
            if entry is None:
                refused += 1
                self._picker.refused(pick)
                continue
            self._note(entry, pick)
            added.append(pick)
        if refused >= TRIES:
            self._before_asking.begin(RETRY_SECONDS)
            self._dirty = True
            self._notes.warn(
                "refused",
                f"Mopidy did not take {refused} songs in a row; is their backend "
                f"there? MoodCam tries again in {RETRY_SECONDS:.0f} seconds",
            )
        elif added:
            self._notes.settle("refused")

    def _choose(self, target: Target, edits: Edits) -> Pick | None:
        after = self._last_uri(but=edits.remove)
        return self._picker.pick(target, after=after, queue=self._as_picked)

    def _add(self, pick: Pick, *, new: bool) -> Entry | None:
        try:
            return self._player.add(pick.uri)
        except LateError as late:
            # A slow backend may still bring the song; then it is the DJ's, and
            # meanwhile no second one is asked for.
            self._awaited.append(_Late(pick, late.entry, new))
            self._before_asking.begin(RETRY_SECONDS)
            raise

    def _adopt_awaited(self) -> None:
        awaited, self._awaited = self._awaited, []
        for late in awaited:
            try:
                entry = late.entry()
            except PlayerAwayError:
                self._awaited.append(late)
                continue
            if entry is not None:
                self._note(entry, late.pick)
                self._say("Queued", [late.pick] if late.new else [])

    def _note(self, entry: Entry, pick: Pick) -> None:
        if self._own is None:
            self._own = Own()
        self._own.added(entry)
        self._brake.queued()
        self._picks[entry[0]] = pick
        if entry not in self._queue.entries:
            entries = (*self._queue.entries, entry)
            self._queue = dataclasses.replace(self._queue, entries=entries)
        self._picker.queued(pick)

    def _say(self, what: str, picks: Collection[Pick]) -> None:
        """Count and log new picks, with their reasons, which tell moods, if asked to.

        A shadow day is there to be read; of other days see `Loop`.
        """
        shown = ": {0.reason}" if self._settings.dry_run else ""
        told = [("{0.title} by {0.artist}" + shown).format(pick) for pick in picks]
        if told:
            self.picks_made += len(picks)
            logger.info("%s %s", what, "; then ".join(told))
        for pick in picks:
            logger.debug("%s: %s", pick.title, pick.reason)

    def _last_uri(self, *, but: Collection[int]) -> str | None:
        """Return the URI of the track that a new pick follows when `but` are gone."""
        staying = (
            uri for tlid, uri in reversed(self._as_picked.entries) if tlid not in but
        )
        return next(staying, None)

    @property
    def _as_picked(self) -> Queue:
        """The queue with own tracks by the URIs they were picked by."""
        uris = {tlid: pick.uri for tlid, pick in self._picks.items()}
        entries = ((tlid, uris.get(tlid, uri)) for tlid, uri in self._queue.entries)
        return dataclasses.replace(self._queue, entries=tuple(entries))

    def _rehearse(self, target: Target, *, afresh: bool) -> None:
        """Say what would be queued, and queue nothing: a shadow day."""
        self._dirty = False
        if afresh:
            self._picks.clear()
        made: list[Pick] = []
        while len(self._picks) < self._settings.ahead:
            pick = self._picker.pick(target, after=None, queue=self._queue)
            if pick is None:
                break
            self._picks[min(self._picks, default=0) - 1] = pick
            self._picker.queued(pick)
            made.append(pick)
        self._say("Would queue", made)

    def _say_if_full(self, edits: Edits) -> None:
        if edits.short:
            self._notes.warn(
                "full",
                "The tracklist is full, so MoodCam adds no songs; remove some, "
                "or raise core/max_tracklist_length",
            )
        else:
            self._notes.settle("full")
