"""The picker: the catalogue and the chooser behind one door.

Turns a target into a pick, keeps what was on lately and writes down how songs
were received. A shelf is loaded in a thread of its own, with all that is made once
for it, since a large one takes seconds, and swapped in when it is ready.
"""

from __future__ import annotations

import collections
import contextlib
import dataclasses
import datetime as dt
import functools
import threading
import time
from typing import TYPE_CHECKING

import numpy as np

from mopidy_moodcam.dj.chooser import Chooser
from mopidy_moodcam.dj.feedback import Feedback
from mopidy_moodcam.dj.queue import upcoming
from mopidy_moodcam.dj.reasons import BEING_READ, NOTHING_PLAYABLE, NOTHING_SCANNED
from mopidy_moodcam.dj.recent import REST_S, Recent
from mopidy_moodcam.glossary import Pick, SongMood
from mopidy_moodcam.logs import OnChange, plain
from mopidy_moodcam.songs.catalogue import Catalogue
from mopidy_moodcam.songs.schema import CatalogueError
from mopidy_moodcam.songs.shelf import Shelf, load_shelf
from mopidy_moodcam.status import SongsStatus
from mopidy_moodcam.wait import Wait

if TYPE_CHECKING:
    import pathlib
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping

    from mopidy_moodcam.dj.feedback import Judged
    from mopidy_moodcam.dj.queue import Queue
    from mopidy_moodcam.glossary import Outcome, Target, Verdict
    from mopidy_moodcam.settings import Settings
    from mopidy_moodcam.songs.catalogue import Counted, TrackRow

logger = plain(__name__)

# So often the catalogue is asked whether anything in it has changed.
LOOK_SECONDS = 1.0
# A scan writes every second; a shelf is loaded anew at most this often, and where a
# load takes long, after so many times as long: it keeps a small machine busy.
RELOAD_SECONDS = 10.0
RELOAD_TIMES = 20.0
# A catalogue that cannot be read is tried again after this long.
RETRY_SECONDS = 30.0
# Nothing else goes on while this waits for another program's write; what could not
# be written is kept, and tried again after so long.
PATIENCE_SECONDS = 0.2
WRITE_SECONDS = 5.0
# An import leaves only small gaps: what cannot be written for a minute is trouble.
QUIET_TRIES = 12
# So many plays are kept until they can be written: some hours of music.
UNWRITTEN_PLAYS = 100
# So many tracks in front of a new pick are not to be picked again.
QUEUED = 50
# A song that Mopidy did not take is left out this long: its backend may be away.
REFUSED_SECONDS = 900.0


class Picker:
    """Chooses songs and remembers them; used from one thread.

    `clock` gives seconds since the epoch, `rng` is all the chance there is.
    `schemes` are those of the URIs that Mopidy can play (None: any).
    """

    def __init__(
        self,
        path: pathlib.Path,
        settings: Settings,
        *,
        clock: Callable[[], float],
        rng: np.random.Generator | None = None,
        schemes: Collection[str] | None = None,
    ) -> None:
        self._settings = settings
        self._clock = clock
        rng = rng or np.random.default_rng()
        chooser = functools.partial(
            Chooser,
            repeat_after_s=settings.repeat_after * 60.0,
            artist_cap=settings.artist_cap,
            rng=rng,
            clock=clock,
        )
        feedback = functools.partial(Feedback, clock=clock)
        self._loader = _Loader(path, schemes, chooser, feedback)
        self._catalogue: Catalogue | None = None
        self._path = path
        self._notes = OnChange(logger)
        self._chooser: Chooser | None = None
        self._feedback: Feedback | None = None
        self._lessons: list[Callable[[Feedback], None]] = []  # since a load began
        self._recent = Recent()
        self._refused: dict[int, float] = {}
        self._playing: dict[int, _Play] = {}
        self._unwritten_plays = collections.deque[_Play](maxlen=UNWRITTEN_PLAYS)
        self._unwritten_verdicts: dict[str, Verdict] = {}
        self._before_look = Wait(clock)
        self._before_load = Wait(clock)
        self._before_write = Wait(clock)
        self._failed_writes = 0
        self._knows_recent = False
        self._loading: tuple[int, int] | None = None
        self._loaded: tuple[int, int] | None = None
        self._whys = {
            "loading": BEING_READ,
            "reading": "",
            "writing": "",
            "choosing": "",
        }
        self.shelf: Shelf | None = None
        self.status = SongsStatus(why=BEING_READ)

    def close(self) -> None:
        """Write down what is not yet, and let go of the catalogue's file."""
        self._before_write.end()
        self._write()
        if self._unwritten_verdicts:
            self._notes.warn(
                "lost",
                "The catalogue could not be written, so say again which songs you love"
                f" or never want to hear: {', '.join(self._unwritten_verdicts)}",
            )
        if self._catalogue:
            self._catalogue.close()
            self._catalogue = None

    def reload(self) -> None:
        """Look at the catalogue again at once."""
        self._before_look.end()
        self._before_load.end()
        self._loading = self._loaded = None

    def refresh(self) -> bool:
        """Notice a changed catalogue; True where a new shelf has come into use."""
        self._write()
        try:
            if self._take_over():
                self._say("loading", "")
                return True
            self._look_for_changes()
        except CatalogueError as error:
            self._say("loading", str(error))
            self._before_look.begin(RETRY_SECONDS)
        return False

    def pick(self, target: Target, *, after: str | None, queue: Queue) -> Pick | None:
        """Choose a song for `target` to follow the track with the URI `after`.

        None where there is nothing to choose; `status.why` then says why.
        """
        if self._chooser is None or self._feedback is None or not self._catalogue:
            return None
        # Not those already played: they were noted then.
        places = {queue.current, *upcoming(queue)[-QUEUED:]}
        queued = [self._track_id(uri) for tlid, uri in queue.entries if tlid in places]
        before = self._chooser.row(self._track_id(after)) if after else None
        with self._noted(queued) as recent:
            choice = self._chooser.choose(
                target,
                before=before,
                recent=recent,
                feedback=self._feedback,
                exclude=self._left_out(),
            )
        if choice is None:
            self._say("choosing", self._why_empty() or self._chooser.why_nothing)
            return None
        self._say("choosing", "")
        track = self._track(choice.track_id)
        if track is None:  # unreadable, or forgotten: the shelf does not know yet
            self._refused[choice.track_id] = self._clock()
            return None
        return Pick(
            uri=track.uri,
            title=track.title or track.uri,
            artist=track.artist or "an unknown artist",
            song_mood=choice.song_mood,
            reason=choice.reason,
            time=self._clock(),
            track_id=choice.track_id,
        )

    def offers(self, pick: Pick) -> bool:
        """Whether a pick would still be made: its song was not left out since."""
        if self._chooser is None or not pick.track_id:
            return True
        return self._chooser.row(pick.track_id) is not None

    def queued(self, pick: Pick) -> None:
        """Note that a pick stands in the queue, so that it is not picked again soon."""
        self._recent.note(pick.track_id, self._artist(pick.track_id), self._clock())

    def unheard(self, pick: Pick) -> None:
        """Note that a pick left the queue before it was played."""
        self._recent.take_back(pick.track_id)

    def refused(self, pick: Pick) -> None:
        """Mopidy did not take a pick."""
        self._refused[pick.track_id] = self._clock()

    def recall(self, uri: str) -> Pick:
        """Return a pick made before a restart, as far as it is known."""
        track = self._find(uri)
        return Pick(
            uri=uri,
            title=track.title if track else uri,
            artist=track.artist if track else "",
            song_mood=self._song_mood(track.track_id if track else 0),
            reason="queued before the restart",
            time=self._clock(),
            track_id=track.track_id if track else 0,
        )

    def started(self, tlid: int, pick: Pick) -> None:
        """One of the DJ's tracks plays; to be told again once there is a shelf.

        Before, nobody knows which song mood it was queued for.
        """
        if self.shelf is not None and self._track_id(pick.uri):
            play = _Play(pick.uri, self._clock(), pick.song_mood)
            self._playing[tlid] = play
            self._unwritten_plays.append(play)
            self._write()

    def ended(self, tlid: int, pick: Pick, outcome: Outcome) -> None:
        """One of the DJ's tracks has ended in some way."""
        play = self._playing.pop(tlid, None)
        if play is None:
            return
        track_id = self._track_id(pick.uri)
        self._learn(lambda feedback: feedback.note(track_id, pick.song_mood, outcome))
        if outcome == "neither":
            return
        play.outcome = outcome
        if play not in self._unwritten_plays:
            self._unwritten_plays.append(play)
        self._write()

    def heard(self, uri: str) -> None:
        """Note that a person's track plays: it is not to be picked soon either."""
        track_id = self._track_id(uri)
        if track_id:
            self._recent.note(track_id, self._artist(track_id), self._clock())

    def judge(self, uri: str, verdict: Verdict) -> None:
        """Note that a person loves or bans a track; it counts before it is written."""
        if not self._track_id(uri):
            self._notes.warn("judge", f"MoodCam knows no song {uri!r}")
            return
        self._learn(self._lesson(uri, verdict))
        self._unwritten_verdicts[uri] = verdict
        self._write()

    def _lesson(self, uri: str, verdict: Verdict) -> Callable[[Feedback], None]:
        return lambda feedback: feedback.judge(self._track_id(uri), verdict)

    def _learn(self, lesson: Callable[[Feedback], None]) -> None:
        """Take a lesson at once, and again with a shelf that is being loaded."""
        if self._feedback:
            lesson(self._feedback)
        if self._loader.busy:
            self._lessons.append(lesson)

    def _write(self) -> None:
        """Write down what is not yet; what cannot be now is kept and tried again."""
        if self._catalogue is None or self._before_write.goes_on:
            return
        try:
            self._write_all(self._catalogue)
        except CatalogueError as error:
            self._before_write.begin(WRITE_SECONDS)
            self._failed_writes += 1
            if self._failed_writes > QUIET_TRIES:
                self._say("writing", str(error))
        else:
            self._failed_writes = 0
            self._say("writing", "")

    def _write_all(self, catalogue: Catalogue) -> None:
        for uri, verdict in [*self._unwritten_verdicts.items()]:
            catalogue.judge(uri, verdict)
            del self._unwritten_verdicts[uri]
        while self._unwritten_plays:
            self._write_play(catalogue, self._unwritten_plays[0])
            self._unwritten_plays.popleft()

    def _write_play(self, catalogue: Catalogue, play: _Play) -> None:
        if play.number is None:
            track_id = self._track_id(play.uri)
            play.number = catalogue.note_play(track_id, play.time, play.song_mood)
        if play.outcome:
            catalogue.note_outcome(play.number, play.outcome)

    def _look_for_changes(self) -> None:
        if self._loader.busy or self._before_look.goes_on:
            return
        self._before_look.begin(LOOK_SECONDS)
        if self._catalogue is not None and self._catalogue.replaced():
            self._let_go(self._catalogue)
        if self._catalogue is None:
            self._catalogue = Catalogue.open(self._path, PATIENCE_SECONDS)
        today = dt.datetime.fromtimestamp(self._clock()).astimezone().date()
        found = self._catalogue.version(), today.month  # which decides on seasons
        if found == self._loaded:
            self._say("loading", "")
        elif not self._before_load.goes_on:
            self._loading = found
            unwritten = self._unwritten_verdicts.items()
            self._lessons = [self._lesson(uri, verdict) for uri, verdict in unwritten]
            self._loader.begin(today)

    def _let_go(self, catalogue: Catalogue) -> None:
        """Close a file that is no longer there; its numbers mean nothing elsewhere."""
        catalogue.close()
        self._catalogue = self._chooser = self._feedback = None
        self._playing.clear()
        self._unwritten_plays.clear()
        self._knows_recent = False
        self._loaded = None
        self._before_load.end()

    def _take_over(self) -> bool:
        loaded = self._loader.take()
        if loaded is None or self._catalogue is None:
            return False
        self._notes.settle("reading")
        self.shelf = loaded.shelf
        self._chooser, self._feedback = loaded.chooser, loaded.feedback
        for lesson in self._lessons:
            lesson(self._feedback)
        if not self._knows_recent:
            self._recent = Recent(self._heard_before())
            self._knows_recent = True
        self._refused.clear()
        self._describe(loaded)
        self._loaded = self._loading
        if self._loaded is not None:  # nobody wants it anew at once
            rest = max(RELOAD_SECONDS, RELOAD_TIMES * loaded.seconds)
            self._before_load.begin(rest)
        return True

    def _heard_before(self) -> list[tuple[int, int, float]]:
        since = self._clock() - max(REST_S, self._settings.repeat_after * 60.0)
        plays = self._catalogue.plays_since(since) if self._catalogue else []
        return [(p.track_id, self._artist(p.track_id), p.time) for p in plays]

    def _describe(self, loaded: _Loaded) -> None:
        shelf, counts = loaded.shelf, loaded.counts
        self.status = SongsStatus(
            tracks=counts["tracks"],
            analysed=counts["analysed"],
            waiting=counts["waiting"],
            by_song_mood=tuple((str(m), len(shelf.members[m])) for m in SongMood),
            borrowed=tuple(sorted(str(mood) for mood in shelf.borrowed)),
        )
        why = self._why_empty()
        self._whys["choosing"] = why
        self._show_why()
        self._notes.warn("songs", f"MoodCam waits: {why}" if why else "")

    def _why_empty(self) -> str:
        """Return why the shelf is empty, or '' where it is not."""
        if self.shelf:
            return ""
        return NOTHING_PLAYABLE if self.status.analysed else NOTHING_SCANNED

    @contextlib.contextmanager
    def _noted(self, queued: list[int]) -> Iterator[Recent]:
        """Give what counts as recent, with the tracks that stand in the queue.

        These only for the moment: people take some out again unheard.
        """
        numbers = np.array([i for i in queued if i], np.int64)
        since = self._clock() - self._settings.repeat_after * 60.0
        fresh = numbers[self._recent.fresh(numbers, since)].tolist()
        picks = {*queued} - {*fresh}  # which stand behind what people queued
        for track_id in fresh:
            artist, now = self._artist(track_id), self._clock()
            self._recent.note_before(picks, track_id, artist, now)
        try:
            yield self._recent
        finally:
            for track_id in reversed(fresh):
                self._recent.take_back(track_id)

    def _left_out(self) -> set[int]:
        until = self._clock() - REFUSED_SECONDS
        self._refused = {i: at for i, at in self._refused.items() if at > until}
        return set(self._refused)

    def _artist(self, track_id: int) -> int:
        row = self._chooser.row(track_id) if self._chooser else None
        return int(self.shelf.artist[row]) if self.shelf and row is not None else 0

    def _song_mood(self, track_id: int) -> SongMood:
        row = self._chooser.row(track_id) if self._chooser else None
        if self.shelf is None or row is None:
            return SongMood.CALM
        return list(SongMood)[self.shelf.song_mood[row]]

    def _track_id(self, uri: str | None) -> int:
        track = self._find(uri) if uri else None
        return track.track_id if track else 0

    def _find(self, uri: str) -> TrackRow | None:
        return self._read(lambda catalogue: catalogue.find(uri))

    def _track(self, track_id: int) -> TrackRow | None:
        return self._read(lambda catalogue: catalogue.track(track_id))

    def _read(self, look: Callable[[Catalogue], TrackRow | None]) -> TrackRow | None:
        """Look something up; None, too, where the catalogue cannot be read."""
        if self._catalogue is None:
            return None
        try:
            track = look(self._catalogue)
        except CatalogueError as error:
            self._say("reading", str(error))
            return None
        self._say("reading", "")
        return track

    def _say(self, doing: str, why: str) -> None:
        """Show what is in the way of `doing` something; '' where nothing is."""
        if why == self._whys[doing]:
            return
        self._whys[doing] = why
        self._show_why()
        # One row that can be read does not mend those that cannot: see `_take_over`.
        if doing != "choosing" and (why or doing != "reading"):
            self._notes.warn(doing, why)

    def _show_why(self) -> None:
        why = next(filter(None, self._whys.values()), "")
        self.status = dataclasses.replace(self.status, why=why)


@dataclasses.dataclass(eq=False, slots=True)
class _Play:
    """A pick that began to play at `time`, and how it ended, once that counts.

    `number` is the catalogue's; None: it is not written yet.
    """

    uri: str
    time: float
    song_mood: SongMood
    number: int | None = None
    outcome: Counted | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class _Loaded:
    """A shelf with all that is made once for it; `counts` are the catalogue's.

    `seconds` is how long the loading took.
    """

    shelf: Shelf
    chooser: Chooser
    feedback: Feedback
    counts: Mapping[str, int]
    seconds: float


class _Loader:
    """Loads a shelf in a thread, one at a time; its owner takes what it brought."""

    def __init__(
        self,
        path: pathlib.Path,
        schemes: Collection[str] | None,
        chooser: Callable[[Shelf], Chooser],
        feedback: Callable[[Shelf, Iterable[Judged]], Feedback],
    ) -> None:
        self._path = path
        self._schemes = schemes
        self._chooser, self._feedback = chooser, feedback
        self._thread: threading.Thread | None = None
        self._result: _Loaded | CatalogueError | None = None

    @property
    def busy(self) -> bool:
        """Whether a load is under way or waits to be taken."""
        return self._thread is not None

    def begin(self, today: dt.date) -> None:
        """Start loading, for the seasons of `today`; only where `busy` is False."""
        self._thread = threading.Thread(
            target=self._load, args=(today,), name="MoodCamShelf", daemon=True
        )
        self._thread.start()

    def take(self) -> _Loaded | None:
        """Return what is ready, once; raises `CatalogueError`."""
        if self._thread is None or self._thread.is_alive():
            return None
        self._thread = None
        result, self._result = self._result, None
        if isinstance(result, CatalogueError):
            raise result
        return result

    def _load(self, today: dt.date) -> None:
        began = time.monotonic()
        try:
            with Catalogue.open(self._path) as catalogue:
                learnt = catalogue.feedback()  # first: what ends from now on is new
                shelf = load_shelf(catalogue, today, self._schemes)
                self._result = _Loaded(
                    shelf,
                    self._chooser(shelf),
                    self._feedback(shelf, learnt),
                    catalogue.counts(),
                    time.monotonic() - began,
                )
        except CatalogueError as error:
            self._result = error
        except Exception as error:  # the edge of a thread
            logger.debug("Loading the shelf failed", exc_info=True)
            self._result = CatalogueError(
                f"The songs could not be loaded ({error}); run: mopidy moodcam check"
            )
