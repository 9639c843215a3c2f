"""`mopidy moodcam export`: the catalogue as a table, playlists, or tags in files."""

from __future__ import annotations

import csv
import pathlib
import sys
from typing import TYPE_CHECKING, Any

from mopidy_moodcam.glossary import SongMood
from mopidy_moodcam.songs.clusters import assign, current_model, plane, standardise
from mopidy_moodcam.songs.features import FEATURES
from mopidy_moodcam.songs.shelf import load_shelf, song_moods
from mopidy_moodcam.songs.sounds import load_sounds
from mopidy_moodcam.songs.survey import path_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from rich.console import Console

    from mopidy_moodcam.songs.catalogue import Catalogue

PLACE = ("song_mood", "cluster", "plane_valence", "plane_arousal")
"""Columns that were worked out from the features."""

STORED = (
    "uri",
    "spotify_id",
    "isrc",
    "title",
    "artist",
    "album",
    "genre",
    "year",
    "duration_ms",
    *FEATURES,
    "feature_source",
    "failed",
    "mtime",
    "size",
    "verdict",
)
"""Columns that `mopidy moodcam import` understands again."""

COLUMNS = (*STORED, "moved", *PLACE)
"""All columns; `moved` is the song mood a person moved the song to, also imported."""

_MOODS = list(SongMood)
_CHUNK = 10_000


class ExportError(Exception):
    """Nothing was exported; the message is one sentence with the reason."""


def export(catalogue: Catalogue, file: str, console: Console) -> int:
    """Write the catalogue to `file` and return the exit code.

    `.csv` and `.parquet` give a table of all tracks, a folder or a name ending
    in `.m3u8` one playlist per song mood.
    """
    path = pathlib.Path(file)
    try:
        write = _writer(path)
        written = write(catalogue, path) if write else ""
    except (OSError, ExportError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        console.print(f"Nothing written to {file!r}: {reason}.", markup=False)
        return 1
    unknown = (
        f"{file!r} is no known kind of export: give a name ending in .csv,"
        " .parquet or .m3u8, or a folder for playlists."
    )
    console.print(written or unknown, markup=False, soft_wrap=True)
    return 0 if written else 1


def _writer(path: pathlib.Path) -> Callable[[Catalogue, pathlib.Path], str] | None:
    if path.is_dir() or path.suffix == "":
        return write_playlists
    return {
        ".csv": write_csv,
        ".parquet": write_parquet,
        ".m3u8": lambda catalogue, name: write_playlists(
            catalogue, name.parent, name.stem
        ),
    }.get(path.suffix.lower())


def write_csv(catalogue: Catalogue, path: pathlib.Path) -> str:
    """Write all tracks as CSV (UTF-8); return a sentence saying so."""
    count = 0
    part = path.with_name(path.name + ".part")
    with part.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        for row in table_rows(catalogue):
            writer.writerow(row)
            count += 1
    part.replace(path)
    return f"{count} tracks written to {path}."


def write_parquet(catalogue: Catalogue, path: pathlib.Path) -> str:
    """Write all tracks as Parquet; return a sentence saying so."""
    try:
        import pyarrow as pa  # type: ignore[import-not-found]  # noqa: PLC0415
        from pyarrow import parquet  # type: ignore[import-not-found]  # noqa: PLC0415
    except ImportError:
        raise ExportError(
            f"Parquet needs pyarrow ({sys.executable} -m pip install pyarrow)"
        ) from None
    columns = list(zip(*table_rows(catalogue), strict=True)) or [()] * len(COLUMNS)
    table = pa.table(dict(zip(COLUMNS, map(list, columns), strict=True)))
    part = path.with_name(path.name + ".part")
    parquet.write_table(table, part)
    part.replace(path)
    return f"{table.num_rows} tracks written to {path}."


def write_playlists(
    catalogue: Catalogue, folder: pathlib.Path, name: str = "MoodCam"
) -> str:
    """Write one extended M3U playlist (UTF-8) per song mood into `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    shelf = load_shelf(catalogue)
    for mood in SongMood:
        ids = shelf.track_id[shelf.members[mood]].tolist()
        text = "".join(_m3u_lines(catalogue, ids))
        path = folder / f"{name} {mood}.m3u8"
        path.write_text(f"#EXTM3U\n#PLAYLIST:{name} {mood}\n{text}", "utf-8")
    return f"{len(SongMood)} playlists written to {str(folder.resolve())!r}."


def table_rows(catalogue: Catalogue) -> Iterator[tuple[Any, ...]]:
    """Yield all tracks in the columns `COLUMNS`, None where unknown."""
    places = _places(catalogue)
    sql = f"SELECT id, song_mood, {', '.join(STORED)} FROM tracks ORDER BY id"
    for chunk in catalogue.stream(sql, size=_CHUNK):
        for track_id, by_hand, *stored in chunk:
            place = places.get(track_id, (by_hand, None, None, None))
            yield (*stored, by_hand, *place)


def tag_files(
    catalogue: Catalogue,
    console: Console,
    *,
    media_dir: str | None = None,
    dry_run: bool = False,
) -> int:
    """Write the MOOD tag into the listener's own files; return the exit code.

    Only called when asked for: it changes files. Covers MP3, WAV, AIFF and DSD
    (TXXX:MOOD), FLAC, Ogg and Opus (MOOD), and M4A (an iTunes free-form atom),
    with mutagen. `media_dir` is Mopidy-Local's, to which its URIs are relative.
    The new sizes are noted, so that no scan takes the files for changed.
    """
    from mopidy_moodcam.songs import tagging  # noqa: PLC0415

    folder = pathlib.Path(media_dir).expanduser() if media_dir else None
    # All are read before any is tagged: the catalogue is written to then.
    files = list(_files(_moods_by_uri(catalogue), folder))
    return tagging.tag_files(files, console, dry_run=dry_run, resized=catalogue.resize)


def _files(
    songs: Iterable[tuple[str, str]], media_dir: pathlib.Path | None
) -> Iterator[tuple[str, pathlib.Path, str]]:
    for uri, mood in songs:
        path = path_of(uri, media_dir)
        if path is not None:
            yield uri, path, mood


def _moods_by_uri(catalogue: Catalogue) -> Iterator[tuple[str, str]]:
    for row in table_rows(catalogue):
        mood = row[COLUMNS.index("song_mood")]
        if mood is not None:
            yield row[0], mood


def _places(catalogue: Catalogue) -> dict[int, tuple[Any, ...]]:
    sounds = load_sounds(catalogue)
    if not len(sounds):
        return {}
    model = current_model(catalogue)
    z = standardise(sounds, model)
    names = [cluster.name for cluster in model.clusters]
    columns = zip(
        sounds.track_id.tolist(),
        song_moods(sounds, z, model).tolist(),
        assign(z, model).tolist(),
        plane(z, sounds.group).round(3).tolist(),
        strict=True,
    )
    return {
        track_id: (str(_MOODS[mood]), names[cluster], round(v, 3), round(a, 3))
        for track_id, mood, cluster, (v, a) in columns
    }


def _m3u_lines(catalogue: Catalogue, ids: list[int]) -> Iterator[str]:
    for song in catalogue.tracks(ids):
        seconds = round(song.duration_ms / 1000) if song.duration_ms else -1
        name = f"{song.artist} - {song.title}" if song.artist else song.title
        yield f"#EXTINF:{seconds},{' '.join(name.split())}\n{song.uri}\n"
