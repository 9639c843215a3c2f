"""How quick a pick is and what feedback is worth: `python tests/bench/bench_dj.py`.

`--picks`, `--listeners`, `--evenings` and `--paths` run that part only; `--quick`
takes fewer of each.

**Picks.** One thread, made-up shelves of 100,000 and a million songs in six song
moods, 500 songs judged, an evening's songs to keep clear of. Times are those of
`Chooser.choose`, draws, freshness and reason included, by the wall's clock (which
other programs on the machine lengthen) and of the processor.

**Listeners.** 6,000 songs, each artist with a sound of its own, some with many
songs and most with few. A listener's liking of a song, hidden from the DJ, is the
sum of four parts: the artist (deviation 1.2), a liking for a direction of sound
(valence, arousal, energy, tempo; 1.0), the artist in this song mood only (0.6), and
the song itself (0.8), which cannot be known before it was heard. The chance of a
skip is the logistic function of the liking, shifted so that random songs are
skipped 40 % of the time. Liking does *not* depend on the distance to the target, so
the DJ gains nothing from choosing near it. Every listener hears 300 songs, 40 an
evening; a song is 3.5 minutes, a skipped one 15 s.

Compared are random choice within the song mood's members, random choice with the
DJ's rules of freshness, the DJ without feedback, and the DJ.

**Evenings.** 40 happy songs an evening. How much of an evening was on the evening
before, where songs are skipped at random; how many of the picks are disliked (three
songs in ten, skipped 80 % of the time, others 5 %); how often 20 loved songs come for
every time that 20 others do; and the share of its due that the rest of an artist's
songs get in the two weeks after three skips. Evenings 21 to 40 count, but for the last.

**Paths.** How far from its step a song of `lift` or `calm` lies on the plane, and how
many of the 20 songs after the path are of its end's song mood, in a library of six song
moods and in one whose songs sound intense.
"""

from __future__ import annotations

import argparse
import collections
import functools
import os
import sys
import time
from itertools import pairwise
from pathlib import Path

os.environ["OPENBLAS_NUM_THREADS"] = "1"  # the bars are for one thread

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[2]))

from mopidy_moodcam.dj.chooser import Chooser
from mopidy_moodcam.dj.feedback import Feedback
from mopidy_moodcam.dj.recent import ROW_OF, Recent
from mopidy_moodcam.feeling.affect import EXPRESSION_AFFECT, distance
from mopidy_moodcam.feeling.goals import ENDS, Planner
from mopidy_moodcam.glossary import Affect, Goal, Mood, SongMood, Verdict
from mopidy_moodcam.songs.shelf import Shelf
from tests.bench import benches
from tests.dj.shelves import CENTRES, library_shelf, random_shelf, target

SONGS = 6_000
FIRST_LISTENER = 100  # the weights were tuned on listeners 0 to 15
AN_EVENING = 40
HEARD = 300
LEARNT_AFTER = 200
SONG_S, SKIPPED_S = 210.0, 15.0
REPEAT_AFTER_S, ARTIST_CAP = 7_200.0, 2
RANDOM_SKIPS = 0.4
EVENINGS = 40
LOVED = 20
ON_THE_WAY, AFTERWARDS = 4, 20
PARTS = ("picks", "listeners", "evenings", "paths")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for part in PARTS:
        parser.add_argument(f"--{part}", action="store_true")
    parser.add_argument("--quick", action="store_true")
    options = parser.parse_args()
    asked = [part for part in PARTS if getattr(options, part)] or PARTS
    benches.begin(f"numpy {np.__version__}", "one thread")
    if "picks" in asked:
        for songs, bar in ((100_000, 5.0), (1_000_000, 50.0)):
            picks(songs, 200 if options.quick else 1_000, bar)
    if "listeners" in asked:
        listeners(10 if options.quick else 40)
    if "evenings" in asked:
        evenings(1 if options.quick else 6)
    if "paths" in asked:
        paths(4 if options.quick else 20)


# How quick a pick is


def picks(songs: int, rounds: int, bar_ms: float) -> np.ndarray:
    """Print and return the milliseconds of `rounds` picks."""
    shelf = random_shelf(songs)
    rng = np.random.default_rng(1)
    clock = Clock()
    chooser = new_chooser(shelf, rng, clock)
    feedback = judged(shelf, rng, clock)
    recent, before, took, worked = Recent(), None, [], []
    for number in range(rounds):
        aim = target(list(SongMood)[number // 5 % len(SongMood)])
        clock.now += SONG_S
        begun, work = time.perf_counter(), time.thread_time()
        choice = chooser.choose(aim, before=before, recent=recent, feedback=feedback)
        took.append((time.perf_counter() - begun) * 1e3)
        worked.append((time.thread_time() - work) * 1e3)
        before = choice.row
        recent.note(choice.track_id, int(shelf.artist[before]), clock.now)
    print(
        f"a pick from {songs:,} songs: median {np.median(took):.2f} ms,"
        f" 99th percentile {np.percentile(took, 99):.2f} ms;"
        f" processor time {np.median(worked):.2f} and"
        f" {np.percentile(worked, 99):.2f} ms; bar {bar_ms:g} ms ({rounds} picks)"
    )
    return np.array(took)


def judged(shelf: Shelf, rng: np.random.Generator, clock: Clock) -> Feedback:
    feedback = Feedback(shelf, clock=clock)
    for track_id in rng.choice(shelf.track_id, 500, replace=False):
        outcome = "played" if rng.random() < 0.6 else "skipped"
        for song_mood in SongMood:
            feedback.note(int(track_id), song_mood, outcome)
    return feedback


# What feedback is worth


class Clock:
    def __init__(self) -> None:
        self.now = 1e9

    def __call__(self) -> float:
        return self.now


def new_chooser(shelf: Shelf, rng: np.random.Generator, clock: Clock) -> Chooser:
    return Chooser(
        shelf,
        repeat_after_s=REPEAT_AFTER_S,
        artist_cap=ARTIST_CAP,
        rng=rng,
        clock=clock,
    )


def artists_library(seed: int) -> Shelf:
    """A shelf whose artists have a sound each, and a few or many songs."""
    rng = np.random.default_rng(seed)
    shelf = random_shelf(SONGS, seed=seed)
    artists = SONGS // 8
    many = rng.pareto(1.2, artists) + 0.2
    artist = rng.choice(artists, SONGS, p=many / many.sum())
    style = rng.normal(0, 0.35, (artists, 2))
    plane = style[artist] + rng.normal(0, 0.3, (SONGS, 2))
    plane = np.clip(plane * 1.3, -1, 1).astype(np.float32)
    nearest = ((plane[:, None] - CENTRES) ** 2).sum(2).argmin(1).astype(np.int8)
    energy = np.clip((plane[:, 1] + 1) / 2 + rng.normal(0, 0.1, SONGS), 0, 1)
    tempo = 110 * 2 ** (
        rng.normal(0, 0.25, artists)[artist] + rng.normal(0, 0.15, SONGS)
    )
    return Shelf(
        track_id=shelf.track_id,
        plane=plane,
        song_mood=nearest,
        tempo=tempo.astype(np.float32),
        energy=energy.astype(np.float32),
        key=shelf.key,
        mode=shelf.mode,
        artist=(artist + 1).astype(np.int32),
        loved=np.zeros(SONGS, bool),
        guessed=np.zeros(SONGS, bool),
        members={
            mood: np.flatnonzero(nearest == i).astype(np.int32)
            for i, mood in enumerate(SongMood)
        },
    )


def hidden_taste(shelf: Shelf, rng: np.random.Generator) -> np.ndarray:
    """Chance of a skip, float64 [song moods, n]."""
    sound = np.column_stack(
        [shelf.plane, 2 * shelf.energy - 1, np.log2(shelf.tempo / 110)]
    )
    sound = (sound - sound.mean(0)) / sound.std(0)
    direction = rng.normal(size=sound.shape[1])
    along = sound @ direction
    artists = shelf.artist.max() + 1
    liking = rng.normal(0, 1.2, artists)[shelf.artist]
    liking = liking + along / along.std() + rng.normal(0, 0.8, len(shelf))
    in_mood = rng.normal(0, 0.6, (len(SongMood), artists))[:, shelf.artist]
    return _calibrated(liking + in_mood)


def _calibrated(liking: np.ndarray) -> np.ndarray:
    shifts = np.linspace(-4, 4, 401)
    rates = [(1 / (1 + np.exp(liking + s))).mean() for s in shifts]
    shift = shifts[np.argmin(np.abs(np.array(rates) - RANDOM_SKIPS))]
    return 1 / (1 + np.exp(liking + shift))


def evening(taste, moods, choose, clock, rng):
    """Let a listener hear a song for each of `moods`; return rows and skips."""
    rows, skips = [], []
    for number, song_mood in enumerate(moods):
        if number % AN_EVENING == 0:
            clock.now += 86_400 - AN_EVENING * SONG_S
        row = choose(song_mood, rows[-1] if rows else None)
        skipped = rng.random() < taste[list(SongMood).index(song_mood), row]
        choose.heard(row, song_mood, skipped)
        rows.append(row)
        skips.append(skipped)
        clock.now += SKIPPED_S if skipped else SONG_S
    return np.array(rows), np.array(skips)


class Dj:
    """The chooser with feedback, or without."""

    def __init__(self, shelf, clock, seed, *, learns=True):
        self.shelf, self.clock, self.learns = shelf, clock, learns
        self.chooser = new_chooser(shelf, np.random.default_rng(seed), clock)
        self.feedback, self.recent = Feedback(shelf, clock=clock), Recent()

    def __call__(self, song_mood, before):
        return self.chooser.choose(
            target(song_mood), before=before, recent=self.recent, feedback=self.feedback
        ).row

    def heard(self, row, song_mood, skipped):
        track_id = int(self.shelf.track_id[row])
        self.recent.note(track_id, int(self.shelf.artist[row]), self.clock.now)
        if self.learns:
            outcome = "skipped" if skipped else "played"
            self.feedback.note(track_id, song_mood, outcome)


class Chance:
    """Any member of the song mood, or any that the rules of freshness allow."""

    def __init__(self, shelf, clock, seed, *, fresh=False):
        self.shelf, self.clock, self.fresh = shelf, clock, fresh
        self.rng, self.recent = np.random.default_rng(seed), Recent()

    def __call__(self, song_mood, _before):
        rows = self.shelf.members[song_mood]
        if self.fresh:
            since = self.clock.now - REPEAT_AFTER_S
            tired = self.recent.tired_artists(ARTIST_CAP)
            good = self.recent.fresh(self.shelf.track_id[rows], since)
            good &= ~np.isin(self.shelf.artist[rows], tired)
            rows = rows[good] if good.any() else rows
        return int(self.rng.choice(rows))

    def heard(self, row, _song_mood, _skipped):
        artist = int(self.shelf.artist[row])
        self.recent.note(int(self.shelf.track_id[row]), artist, self.clock.now)


CHOOSERS = {
    "random in the cluster": Chance,
    "random, with freshness": lambda *a: Chance(*a, fresh=True),
    "the DJ without feedback": lambda *a: Dj(*a, learns=False),
    "the DJ": Dj,
}


def stretches(rng: np.random.Generator) -> list[SongMood]:
    """Moods as evenings bring them: stretches of 20 songs, any of the six."""
    moods = [list(SongMood)[i] for i in rng.integers(len(SongMood), size=HEARD // 20)]
    return [mood for mood in moods for _ in range(20)]


def listeners(count: int) -> dict[str, dict[str, float]]:
    """Print and return the means over `count` listeners for both courses of moods."""
    found = {}
    for course in ("one song mood", "six song moods in stretches of 20"):
        print(f"\n{count} listeners, {course}:")
        for name in CHOOSERS:
            found[course, name] = figures(count, name, course)
        base = found[course, "random in the cluster"]
        for name in CHOOSERS:
            _print(name, found[course, name], base)
    return found


def figures(count: int, name: str, course: str) -> dict[str, float]:
    sums = collections.defaultdict(list)
    for seed in range(FIRST_LISTENER, FIRST_LISTENER + count):
        shelf = artists_library(seed)
        rng = np.random.default_rng(1000 + seed)
        taste = hidden_taste(shelf, rng)
        moods = [SongMood.HAPPY] * HEARD if "one" in course else stretches(rng)
        clock = Clock()
        choose = CHOOSERS[name](shelf, clock, 2000 + seed)
        rows, skips = evening(taste, moods, choose, clock, rng)
        sums["early"].append(skips[:LEARNT_AFTER].mean())
        sums["late"].append(skips[LEARNT_AFTER:].mean())
        sums["again"].append(len(rows) - len(set(rows.tolist())))
        sums["row of ten"].append(crowded(shelf.artist[rows]))
        sums["artists"].append(len(set(shelf.artist[rows].tolist())))
    return {key: float(np.mean(values)) for key, values in sums.items()}


def crowded(artists: np.ndarray) -> float:
    """The share of songs whose artist was heard more than the cap in a row of ten."""
    rows = [artists[max(0, i - ROW_OF + 1) : i + 1] for i in range(len(artists))]
    return float(np.mean([(row == row[-1]).sum() > ARTIST_CAP for row in rows]))


def _print(name: str, found: dict[str, float], base: dict[str, float]) -> None:
    lower = 1 - found["late"] / base["late"]
    print(
        f"  {name:24} skips {found['early']:.1%} of songs 1-{LEARNT_AFTER},"
        f" {found['late']:.1%} of the next {HEARD - LEARNT_AFTER}"
        f" ({lower:+.0%} lower than random);"
        f" heard again {found['again']:.0f}, artist above the cap"
        f" {found['row of ten']:.1%}, artists {found['artists']:.0f}"
    )


# What evenings and paths are like


def happy_evenings(shelf, seed, skip, loved=0):
    """Return the rows of `EVENINGS` evenings of happy songs, int [EVENINGS, 40].

    `skip(row)` returns the chance of a skip. The first `loved` rows are loved from
    halfway on.
    """
    clock, rng = Clock(), np.random.default_rng(seed)
    dj = Dj(shelf, clock, seed)
    rows = []
    for number in range(EVENINGS):
        if number == EVENINGS // 2:
            for row in range(loved):
                dj.feedback.judge(int(shelf.track_id[row]), Verdict.LOVED)
        clock.now = 1e9 + number * 86_400
        for _ in range(AN_EVENING):
            rows.append(dj(SongMood.HAPPY, rows[-1] if rows else None))
            skipped = rng.random() < skip(rows[-1])
            dj.heard(rows[-1], SongMood.HAPPY, skipped)
            clock.now += SKIPPED_S if skipped else SONG_S
    return np.array(rows).reshape(EVENINGS, AN_EVENING)


def evenings(seeds: int) -> None:
    """Print what evenings are like, as means over `seeds` runs."""
    for songs in (185, 1_000):
        shelf = random_shelf(songs, moods=[SongMood.HAPPY], artists=songs // 5)
        run = functools.partial(late_evenings, shelf, seeds)
        print(f"\n{songs:,} happy songs, {AN_EVENING} an evening:")
        for skips in (0.0, 0.2, 0.35):
            pairs = [pair for rows in run(always(skips)) for pair in pairwise(rows)]
            again = np.mean([np.isin(*pair).mean() for pair in pairs])
            rows = run(lambda row, skips=skips: skips * (row >= LOVED), loved=LOVED)
            times = np.bincount(np.ravel(rows), minlength=songs)
            ratio = times[:LOVED].sum() / times[LOVED : 2 * LOVED].sum()
            print(
                f"  {skips:.0%} skipped at random: {again:.0%} was on the evening"
                f" before; loved songs come {ratio:.1f} times as often"
            )
    shelf = random_shelf(185, moods=[SongMood.HAPPY], artists=37)
    rows = late_evenings(shelf, seeds, lambda row: 0.8 if row % 10 < 3 else 0.05)
    due = [after_three_skips(shelf, seed) for seed in range(seeds * 4)]
    print(
        f"\nOf 185: {np.mean(np.array(rows) % 10 < 3):.1%} of the picks are disliked;"
    )
    print(f"after three skips an artist gets {np.nanmean(due):.0%} of its due")


def always(skips: float):
    return lambda _row: skips


def late_evenings(shelf, seeds, skip, loved=0):
    """Return the rows of the later half of the evenings of each seed."""
    runs = [happy_evenings(shelf, seed, skip, loved) for seed in range(seeds)]
    return [rows[EVENINGS // 2 :] for rows in runs]


def after_three_skips(shelf: Shelf, seed: int) -> float:
    """Return the share of its due that the rest of an artist's songs get.

    Not a number where the artist has no more.
    """
    artist = shelf.artist[np.random.default_rng(seed).integers(len(shelf))]
    skipped = set()

    def skip(row):
        if shelf.artist[row] == artist and len(skipped) < 3:
            skipped.add(row)
            return 1.0
        return 0.0

    rows = happy_evenings(shelf, seed, skip)
    others = np.setdiff1d(np.flatnonzero(shelf.artist == artist), [*skipped])
    if len(skipped) < 3 or not len(others):
        return np.nan
    last = np.flatnonzero(np.isin(rows, [*skipped]).any(1))[2:3]
    began = int(last[0]) + 1 if len(last) else 0
    heard = np.isin(rows[began : began + 14], others)
    return heard.mean() / (len(others) / len(shelf))


def paths(seeds: int) -> None:
    """Print how far songs lie from their steps, and what comes after the path."""
    print()
    for name, shelf in (
        ("six song moods", library_shelf(1_000)),
        ("intense songs only", library_shelf(1_000, moods=(SongMood.INTENSE,))),
    ):
        for goal in (Goal.LIFT, Goal.CALM):
            runs = [
                path(shelf, goal, label, seed)
                for label in ("sad", "angry", "neutral", "happy")
                for seed in range(seeds)
            ]
            miss, kept = zip(*runs, strict=True)
            print(
                f"{goal}, {name}: songs lie {np.mean(miss):.2f} from their step"
                f" ({np.mean(np.array(miss) > 0.5):.0%} further than 0.5);"
                f" after the path {np.mean(kept):.0%} are {ENDS[goal]}"
            )


def path(shelf: Shelf, goal: Goal, label: str, seed: int) -> tuple[list[float], float]:
    """Return how far a path's songs lie from their steps, and the share kept after it.

    The share is that of songs of the end's song mood among those after the path.
    """
    clock, planner = Clock(), Planner(goal, lift_songs=ON_THE_WAY + 1)
    dj, rows, miss = Dj(shelf, clock, seed), [], []
    mood = Mood(label, EXPRESSION_AFFECT[label], 0.9, 0.0, (1 / 7,) * 7)
    for _ in range(ON_THE_WAY + AFTERWARDS):
        step = planner.target(mood, clock.now, anything_queued=True)
        before = rows[-1] if rows else None
        choice = dj.chooser.choose(
            step, before=before, recent=dj.recent, feedback=dj.feedback
        )
        rows.append(choice.row)
        dj.heard(choice.row, step.song_mood, skipped=False)
        planner.song_played()
        clock.now += SONG_S
        place = Affect(*map(float, shelf.plane[choice.row]))
        miss.append(distance(place, step.affect))
    end = list(SongMood).index(ENDS[goal])
    kept = shelf.song_mood[rows[ON_THE_WAY:]] == end
    return miss[:ON_THE_WAY], float(kept.mean())


if __name__ == "__main__":
    main()
