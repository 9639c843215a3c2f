"""What the analysis of audio is worth, and what it costs: `bench_audio.py`.

    --accuracy     held-out R² against listeners' ratings (MUSIFEAST-17)
    --order        arousal among Debian's free game music, by the tracks' use, and
                   the song moods it gets, as it is and turned down
    --tempo        against songs, drum patterns and MIDI files whose tempo is known
    --times        CPU seconds a track beside bliss-audio, and peak memory
    --faults       200 spoiled files, and 50 scans killed with SIGKILL
    --codec        the same music before and after a poor MP3

All of them without an option. `--debian FOLDER` is where Debian's packages
wesnoth-1.16-music, zaz-data, asc-music, pathological and (MIDI) openttd-openmsx
were unpacked (`dpkg-deb -x`), / by default. `--bliss PYTHON` is a Python that has
the package bliss-audio. bliss listens to whole tracks and we to 30 s of each, so the
ratio depends on how long the tracks are: both the game music and the 30-second clips
are shown.
"""

from __future__ import annotations

import argparse
import collections
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import zlib
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

CHECKOUT = Path(__file__).parents[2]
sys.path.insert(0, str(CHECKOUT))

from mopidy_moodcam.glossary import SongMood
from mopidy_moodcam.songs import demo_songs
from mopidy_moodcam.songs.catalogue import Catalogue
from mopidy_moodcam.songs.clusters import default_model
from mopidy_moodcam.songs.hearing.analysis import Analyser
from mopidy_moodcam.songs.hearing.decode import RATE, Unreadable, decode
from mopidy_moodcam.songs.hearing.descriptors import describe
from mopidy_moodcam.songs.hearing.spectrum import spectrum
from mopidy_moodcam.songs.hearing.workers import Worker, analyse_all
from mopidy_moodcam.songs.shelf import make_shelf
from mopidy_moodcam.songs.sounds import COLUMNS, GROUPS, Sounds
from tests.bench import benches
from tests.shared import find_shared
from tests.songs import sound_files
from training.song_heads import turned

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from mopidy_moodcam.songs.features import Features
    from mopidy_moodcam.songs.hearing.decode import Sound

LOUD = [
    "battle",
    "battle-epic",
    "frantic",
    "frantic-old",
    "vengeful",
    "northerners",
    "casualties_of_war",
    "siege_of_laurelmor",
    "weight_of_revenge",
    "machine_wars",
    "time_to_strike",
    "mus1",
    "mus2",
    "mus3",
]
QUIET = [
    "silvan_sanctuary",
    "elvish-theme",
    "elf-land",
    "transience",
    "wanderer",
    "knolls",
    "background",
    "sad",
    "the_king_is_dead",
    "nunc_dimittis",
    "the_city_falls",
    "journeys_end",
    "love_theme",
]

BLISS = """
import sys, time, bliss_audio
bliss_audio.Song(sys.argv[1])
start = time.process_time()
for path in sys.argv[1:]: bliss_audio.Song(path)
print(time.process_time() - start)
"""
OURS = """
import resource, sys, time
from pathlib import Path
from mopidy_moodcam.songs.hearing.analysis import Analyser
analyse = Analyser(learned=sys.argv[1] == "learned")
assert analyse.why_plain == ""
uris = [Path(path).absolute().as_uri() for path in sys.argv[2:]]
analyse(uris[0])
start = time.process_time()
for uri in uris: analyse(uri)
print(time.process_time() - start, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parts = ("accuracy", "order", "tempo", "times", "faults", "codec")
    for part in parts:
        parser.add_argument(f"--{part}", action="store_true")
    parser.add_argument("--debian", type=Path, default=Path("/"))
    parser.add_argument("--bliss", default=sys.executable)
    parser.add_argument("--files", type=int, default=200)
    parser.add_argument("--kills", type=int, default=50)
    options = parser.parse_args()
    benches.begin()
    wanted = [part for part in parts if getattr(options, part)] or parts
    for part in wanted:
        globals()[part](options)


def accuracy(_: argparse.Namespace) -> None:
    if benches.shared("music/musifeast17.csv") is None:
        return
    script = CHECKOUT / "training" / "song_heads.py"
    subprocess.run([sys.executable, script], check=False)


def order(options: argparse.Namespace) -> None:
    """Print how often a battle is heard as more aroused than a lull, and the moods."""
    music = debian_music(options.debian)
    if not {*LOUD} & {*music} or not {*QUIET} & {*music}:
        print("order: SKIPPED, Debian's music packages are not there (--debian)")
        return
    analyse = Analyser()
    heard = {level: turned_features(analyse, music, level) for level in (0, -6, -12)}
    arousal = dict(zip(music, (each.arousal for each in heard[0]), strict=True))
    above, below = (
        np.array([arousal[name] for name in names if name in music])
        for names in (LOUD, QUIET)
    )
    share = (above[:, None] > below[None, :]).mean()
    print(
        f"order: battle and energetic {above.mean():+.2f} ({len(above)} tracks), calm"
        f" and sad {below.mean():+.2f} ({len(below)}); in the right order"
        f" {share:.0%} of pairs"
    )
    show_moods(list(music), heard)


def turned_features(
    analyse: Analyser, music: dict[str, Path], level: float
) -> list[Features]:
    """Return what is heard of tracks that are turned up or down by `level` dB."""

    def decoded(uri: str) -> Sound:
        return turned(decode(uri), level)

    return [analyse(path.as_uri(), decode=decoded).features for path in music.values()]


def show_moods(names: list[str], heard: dict[int, list[Features]]) -> None:
    """Print the song moods the tracks get, and how many lose theirs turned down."""
    moods = placed(heard[0])
    groups = {"battle and energetic": LOUD, "calm and sad": QUIET, "all": names}
    for group, members in groups.items():
        counts = collections.Counter(
            mood for name, mood in zip(names, moods, strict=True) if name in members
        )
        words = ", ".join(f"{mood} {n}" for mood, n in counts.most_common())
        print(f"  {group}: {words}")
    for level in (-6, -12):
        lost = sum(
            placed([*heard[0][:i], heard[level][i], *heard[0][i + 1 :]])[i] != mood
            for i, mood in enumerate(moods)
        )
        print(f"  one alone at {level} dB: {lost} of {len(names)} change song mood")


def placed(features: list[Features]) -> list[SongMood]:
    """Return the song moods in a library of these."""
    count = len(features)
    rows = [[getattr(each, name) for name in COLUMNS] for each in features]
    sounds = Sounds(
        track_id=np.arange(count),
        values=np.array(rows, np.float32),
        group=np.full(count, GROUPS.index("audio"), np.int8),
        artist=np.zeros(count, np.int32),
        by_hand=np.full(count, -1, np.int8),
        loved=np.zeros(count, bool),
    )
    return [[*SongMood][n] for n in make_shelf(sounds, default_model()).song_mood]


def tempo(options: argparse.Namespace) -> None:
    """Print how often the tempo is right, half or double, another, or unknown."""
    sets = {
        "demo songs": demo_tempos(),
        "drum patterns": drum_tempos(),
        "MIDI files": midi_tempos(options.debian),
    }
    for name, pairs in sets.items():
        counts = collections.Counter(
            verdict(true, describe([*map(spectrum, windows)])["tempo"])
            for true, windows in pairs
        )
        words = ", ".join(f"{count} {word}" for word, count in counts.most_common())
        print(f"tempo, {name}: {words or 'SKIPPED, not on this machine (--debian)'}")


def verdict(true: float, heard: float) -> str:
    if not heard:
        return "unknown"
    octaves = np.log2(heard / true)
    if abs(octaves - round(octaves)) > np.log2(1.05):
        return "something else"
    return "half or double" if round(octaves) else "right"


def demo_tempos() -> Iterator[tuple[float, Iterable[np.ndarray]]]:
    with tempfile.TemporaryDirectory() as folder:
        paths = {path.stem: path for path in demo_songs.write(Path(folder))}
        for style in demo_songs.STYLES.values():
            for title in style.titles:  # the first thing that `compose` draws
                rng = np.random.default_rng(zlib.crc32(title.encode()))
                sound = decode(paths[title].absolute().as_uri())
                yield rng.uniform(*style.tempo), sound.windows


def drum_tempos() -> Iterator[tuple[float, Iterable[np.ndarray]]]:
    for per_minute in range(60, 200, 5):
        for fast in (False, True):
            sound = sound_files.drums(per_minute, fast=fast, rate=RATE)
            yield per_minute, [sound.astype(np.float32)]


def midi_tempos(root: Path) -> Iterator[tuple[float, Iterable[np.ndarray]]]:
    """Yield pieces that set one tempo, and not the 120 of those that set none."""
    folder = root / "usr/share/games/openttd/baseset/openmsx"
    for path in sorted(folder.glob("*.mid")):
        after = path.read_bytes().split(b"\xff\x51\x03")[1:]
        tempos = {round(60e6 / int.from_bytes(part[:3]), 1) for part in after}
        if len(tempos) != 1 or tempos == {120.0}:
            continue
        try:
            yield tempos.pop(), decode(path.absolute().as_uri()).windows
        except Unreadable as why:
            print(f"tempo, {path.name}: SKIPPED, {why}")


def debian_music(root: Path) -> dict[str, Path]:
    """Return the tracks of the packages by their names."""
    games = root / "usr/share/games"
    folders = ("wesnoth", "zaz", "asc/music", "pathological/music")
    found = [
        path.absolute()
        for folder in folders
        for path in sorted((games / folder).rglob("*"))
        if path.suffix in {".ogg", ".mp3"} and path.stat().st_size > 300_000
    ]
    return {path.stem: path for path in found}


def times(options: argparse.Namespace) -> None:
    """Print seconds a track and the ratios, for whole tracks and for clips."""
    clips = find_shared("music/musifeast17")
    sets = {
        "game music, whole tracks": list(debian_music(options.debian).values()),
        "clips of 30 s": sorted(clips.glob("*.mp3"))[::6] if clips else [],
    }
    for name, paths in sets.items():
        if not paths:
            print(f"times, {name}: SKIPPED, not on this machine")
            continue
        print(f"times, {name} ({len(paths)}), CPU seconds a track:")
        bliss = seconds([options.bliss, "-c", BLISS], paths)
        for kind, bar in (("plain", 1 / 3), ("learned", 0.8)):
            ours = seconds([sys.executable, "-c", OURS, kind], paths)
            line = f"  {kind}: {ours[0]:.2f} s, peak {ours[1] / 1024:.0f} MB"
            if bliss:
                line += f"; bliss {bliss[0]:.2f} s, ratio {ours[0] / bliss[0]:.2f}"
                line += f" (bar {bar:.2f})"
            print(line)


def seconds(command: list[str], paths: list[Path]) -> list[float]:
    done = subprocess.run(
        [*command, *map(str, paths)],
        capture_output=True,
        text=True,
        check=False,
        cwd=CHECKOUT,
        env=os.environ | {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
    )
    if done.returncode:
        print(f"  SKIPPED: {done.stderr.strip().splitlines()[-1]}")
        return []
    total, *rest = map(float, done.stdout.split())
    return [total / len(paths), *rest]


def faults(options: argparse.Namespace) -> None:
    with tempfile.TemporaryDirectory() as folder:
        spoil(Path(folder), options.files)
    with tempfile.TemporaryDirectory() as folder:
        kill(Path(folder), options.kills)


def spoil(folder: Path, count: int) -> None:
    """Print what became of spoiled files: features, or a reason each."""
    rng, uris = np.random.default_rng(7), []
    goods = [
        sound_files.write(folder / f"good{ending}", sound_files.song(seconds=5))
        for ending in sound_files.ENCODERS
    ]
    for number in range(count):
        good = goods[number % len(goods)]
        path = folder / f"{number}{good.suffix}"
        path.write_bytes(sound_files.spoiled(good.read_bytes(), rng))
        uris.append(path.as_uri())
    reasons: dict[str, int] = {}
    for _, answer in analyse_all(uris, [Worker()]):
        reason = answer.get("why", "analysed all the same")
        reasons[reason] = reasons.get(reason, 0) + 1
    print(f"spoiled files: {count}, answered {sum(reasons.values())}")
    for reason, times_seen in sorted(reasons.items(), key=lambda item: -item[1]):
        print(f"  {times_seen:4} {reason}")


def kill(folder: Path, count: int) -> None:
    """Kill scans at random moments; look at the catalogue after each."""
    songs, rng = folder / "songs", np.random.default_rng(8)
    songs.mkdir()
    for number, mood in enumerate([*SongMood] * 2):
        path = songs / f"{number}.ogg"
        sound_files.write(path, sound_files.song(mood, 3.5))
    script = CHECKOUT / "tests/songs/scan_folder.py"
    lost = doubles = broken = rounds = 0
    path, before = folder / "0.sqlite", {}
    for number in range(count):
        command = [sys.executable, script, songs, path]
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        time.sleep(rng.uniform(0.2, 5.0))
        process.send_signal(signal.SIGKILL)
        process.wait()
        with Catalogue.open(path) as catalogue:
            broken += catalogue.rows("PRAGMA integrity_check") != [("ok",)]
            uris = [uri for (uri,) in catalogue.rows("SELECT uri FROM tracks")]
            rows = {uri: catalogue.find(uri) for uri in uris}
        now = {uri: row.features for uri, row in rows.items() if row and row.features}
        lost += sum(now.get(uri) != features for uri, features in before.items())
        doubles += len(uris) - len(set(uris))
        before = now
        if len(now) == len(list(songs.iterdir())):
            path, before, rounds = folder / f"{number + 1}.sqlite", {}, rounds + 1
    print(
        f"killed scans: {count} ({rounds} libraries finished); catalogues broken"
        f" {broken}, analysed tracks lost {lost}, double {doubles}"
    )


def codec(options: argparse.Namespace) -> None:
    """Print how much a poor MP3 changes what is heard."""
    paths = list(debian_music(options.debian).values())[::4]
    if not paths:
        print("codec: SKIPPED, Debian's music packages are not there (--debian)")
        return
    pairs, analyse = [], Analyser()
    with tempfile.TemporaryDirectory() as folder:
        for path in paths:
            poor = Path(folder) / f"{path.stem}.mp3"
            command = ["ffmpeg", "-v", "error", "-i", path, "-ac", "1", "-ar", "22050"]
            subprocess.run([*command, "-b:a", "32k", poor], check=True)
            both = [analyse(each.as_uri()).features for each in (path, poor)]
            pairs.append([(f.arousal, f.valence) for f in both])
    values = np.array(pairs)  # [tracks, before and after, arousal and valence]
    figures = {
        name: round(float(np.corrcoef(values[:, 0, i], values[:, 1, i])[0, 1]), 3)
        for i, name in enumerate(("arousal", "valence"))
    }
    print(f"codec: {len(paths)} tracks as MP3 at 32 kbit/s, r {json.dumps(figures)}")


if __name__ == "__main__":
    main()
