"""`mopidy moodcam moods`: which songs are for what, and how a person mends it."""

from __future__ import annotations

import calendar
import dataclasses
from typing import TYPE_CHECKING

import numpy as np
from rich.table import Table
from rich.text import Text

from mopidy_moodcam.glossary import SongMood
from mopidy_moodcam.songs import fitting
from mopidy_moodcam.songs.clusters import (
    PROTOTYPE_POINTS,
    ClusterModel,
    assign,
    current_model,
    keep_model,
    nearest_first,
    standardise,
)
from mopidy_moodcam.songs.naming import words_for
from mopidy_moodcam.songs.seasons import KINDS, SEASONS, SPOKEN, left_out
from mopidy_moodcam.songs.shelf import Shelf, make_shelf
from mopidy_moodcam.songs.sounds import load_sounds

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console

    from mopidy_moodcam.songs.catalogue import Catalogue

EXAMPLES = 10
_LONGEST_NAME = 60
_USAGE = (
    "Say one of: moods | moods rename CLUSTER NAME | moods bind CLUSTER SONG_MOOD |"
    " moods move URI SONG_MOOD (or auto) | moods exclude artist|genre|season NAME |"
    " moods include artist|genre|season NAME."
)


class MoodsError(Exception):
    """What a person asked for cannot be done; the message is one sentence."""


def refit(catalogue: Catalogue, console: Console) -> int:
    """Do `mopidy moodcam cluster`: the library's own clusters; return the exit code."""
    sounds = load_sounds(catalogue)
    if len(sounds) < fitting.OWN_FROM:
        console.print(
            f"{len(sounds)} songs have features; from {fitting.OWN_FROM} on a library"
            " gets clusters of its own. Until then the ones that came with"
            " Mopidy-MoodCam sort them.",
            markup=False,
        )
    else:
        matched = fitting.refit(catalogue, sounds).matched
        console.print(
            f"{len(sounds)} songs in {len(matched)} clusters;"
            f" {sum(number >= 0 for number in matched)} of them continue clusters"
            " there were before.",
            markup=False,
        )
    return show(catalogue, console)


def run(catalogue: Catalogue, words: Sequence[str], console: Console) -> int:
    """Do what the words after `mopidy moodcam moods` say; return the exit code."""
    try:
        _run(catalogue, list(words) or ["show"], console)
    except MoodsError as error:
        console.print(str(error), markup=False, soft_wrap=True)
        return 1
    return 0


def _run(catalogue: Catalogue, words: list[str], console: Console) -> None:
    match words:
        case ["show"]:
            show(catalogue, console)
            return
        case ["rename", cluster, *name] if name:
            done = rename(catalogue, cluster, " ".join(name))
        case ["bind", cluster, song_mood]:
            done = bind(catalogue, cluster, song_mood)
        case ["move", uri, song_mood]:
            done = move(catalogue, uri, song_mood)
        case ["exclude", kind, *name] if name:
            done = exclude(catalogue, kind, " ".join(name))
        case ["include", kind, *name] if name:
            done = include(catalogue, kind, " ".join(name))
        case _:
            raise MoodsError(_USAGE)
    console.print(done, markup=False, soft_wrap=True)


# Changing


def rename(catalogue: Catalogue, cluster: str, name: str) -> str:
    """Give a cluster (its number or its name) another name; re-fits keep it.

    Like the other changes, returns a sentence saying what was done, and raises
    `MoodsError` where it cannot be.
    """
    name = " ".join(name.split())
    if not 0 < len(name) <= _LONGEST_NAME or not name.isprintable():
        raise MoodsError(f"A cluster's name has 1 to {_LONGEST_NAME} letters.")
    model = current_model(catalogue)
    if any(name.casefold() == c.name.casefold() for c in model.clusters):
        raise MoodsError(f"There is a cluster named {name!r} already.")
    number = _cluster(model, cluster)
    _change(catalogue, model, number, name=name, named=True)
    return f"The cluster {model.clusters[number].name!r} is now named {name!r}."


def bind(catalogue: Catalogue, cluster: str, song_mood: str) -> str:
    """Bind a cluster to a song mood; re-fits keep it."""
    model = current_model(catalogue)
    number = _cluster(model, cluster)
    mood = _song_mood(song_mood)
    _change(catalogue, model, number, song_mood=mood, bound=True)
    return f"The songs of {model.clusters[number].name!r} are {mood} songs now."


def move(catalogue: Catalogue, uri: str, song_mood: str) -> str:
    """Put one song into a song mood by hand; `auto` gives it back to its cluster."""
    mood = None if song_mood == "auto" else _song_mood(song_mood)
    if not catalogue.move(uri, mood):
        raise MoodsError(f"No song of the catalogue has the URI {uri!r}.")
    if mood is None:
        return f"{uri} follows its own sound again."
    return f"{uri} is a {mood} song now."


def exclude(catalogue: Catalogue, kind: str, name: str) -> str:
    """Leave out an artist, a genre, or a season outside its months."""
    catalogue.exclude(kind, _exclusion(kind, name))
    if kind == "season":
        season = SEASONS[name.lower()]
        months = " and ".join(calendar.month_name[month] for month in season.months)
        return f"Songs of {name.lower()} are left out, except in {months}."
    if count := left_out(catalogue, kind, name):
        return f"{count} songs of the {kind} {name!r} are left out from now on."
    return f"No song is of the {kind} {name!r} yet; those to come are left out."


def include(catalogue: Catalogue, kind: str, name: str) -> str:
    """Take an exclusion back."""
    if not catalogue.include(kind, _exclusion(kind, name)):
        raise MoodsError(f"The {kind} {name!r} was not left out.")
    return f"Songs of the {kind} {name!r} are back."


def _exclusion(kind: str, name: str) -> str:
    if kind not in KINDS:
        raise MoodsError(f"{kind!r} is not known; known: {', '.join(KINDS)}.")
    if kind == "season" and name.lower() not in SEASONS:
        raise MoodsError(f"The season {name!r} is not known: {', '.join(SEASONS)}.")
    known = kind == "season" or (kind == "genre" and name.lower() == SPOKEN)
    return name.lower() if known else name


def _cluster(model: ClusterModel, word: str) -> int:
    for number, cluster in enumerate(model.clusters):
        if word.casefold() in {str(number + 1), cluster.name.casefold()}:
            return number
    names = ", ".join(f"{i + 1} {c.name!r}" for i, c in enumerate(model.clusters))
    raise MoodsError(f"There is no cluster {word!r}; there are {names}.")


def _song_mood(word: str) -> SongMood:
    try:
        return SongMood(word.lower())
    except ValueError:
        known = ", ".join(SongMood)
        raise MoodsError(f"{word!r} is no song mood; known: {known}.") from None


def _change(
    catalogue: Catalogue, model: ClusterModel, number: int, **values: object
) -> None:
    clusters = list(model.clusters)
    clusters[number] = dataclasses.replace(clusters[number], **values)  # type: ignore[arg-type]
    keep_model(catalogue, dataclasses.replace(model, clusters=tuple(clusters)))


# Showing


def show(catalogue: Catalogue, console: Console) -> int:
    """Print clusters and song moods with ten example songs each."""
    sounds = load_sounds(catalogue)
    if not len(sounds):
        console.print(
            "No song has features yet: run 'mopidy moodcam scan' for your files or"
            " 'mopidy moodcam import TABLE' for a table.",
            markup=False,
            soft_wrap=True,
        )
        return 0
    model = current_model(catalogue)
    z = standardise(sounds, model)
    shelf = make_shelf(sounds, model)
    console.print(_clusters(model, z))
    console.print(_song_moods(catalogue, shelf, z * model.weights, model.weights))
    for kind, value in catalogue.exclusions():
        count = "" if kind == "season" else f": {left_out(catalogue, kind, value)}"
        console.print(f"Left out: {kind} {value}{count}", markup=False)
    return 0


def _clusters(model: ClusterModel, z: np.ndarray) -> Table:
    origin = "came with Mopidy-MoodCam" if model.default else "made from this library"
    table = Table(title=f"Clusters ({origin})", title_justify="left")
    table.add_column("no.", justify="right")
    table.add_column("cluster")
    table.add_column("songs for")
    table.add_column("songs", justify="right")
    table.add_column("apart", justify="right")
    table.add_column("that sound")
    table.caption = (
        "apart: how clearly its songs are this cluster's, 0 to 1 (silhouette)"
    )
    sizes = np.bincount(assign(z, model), minlength=len(model.clusters))
    apart = fitting.silhouettes(z, model)
    for number, (cluster, size) in enumerate(zip(model.clusters, sizes, strict=True)):
        table.add_row(
            str(number + 1),
            Text(cluster.name + (" (by you)" if cluster.named else "")),
            cluster.song_mood + (" (by you)" if cluster.bound else ""),
            str(size),
            "" if np.isnan(apart[number]) else f"{apart[number]:.2f}",
            ", ".join(words_for(cluster.centre)),
        )
    return table


def _song_moods(
    catalogue: Catalogue, shelf: Shelf, points: np.ndarray, weights: np.ndarray
) -> Table:
    table = Table(title="Song moods", title_justify="left", show_lines=True)
    table.add_column("song mood")
    table.add_column("songs", justify="right")
    table.add_column("for example")
    for mood in SongMood:
        rows = shelf.members[mood]
        own = int((shelf.song_mood == list(SongMood).index(mood)).sum())
        count = str(own)
        if mood in shelf.borrowed:
            count += f"\n+ {len(rows) - own} nearest"
        table.add_row(
            mood, count, _examples(catalogue, shelf, points[rows], mood, weights)
        )
    return table


def _examples(
    catalogue: Catalogue,
    shelf: Shelf,
    points: np.ndarray,
    mood: SongMood,
    weights: np.ndarray,
) -> Text:
    """Return the most typical songs of a mood, one line each, an artist once."""
    goal = PROTOTYPE_POINTS[list(SongMood).index(mood)] * weights
    rows = shelf.members[mood][nearest_first(points, goal)]
    artists = shelf.artist[rows]
    _, once = np.unique(np.where(artists > 0, artists, -rows - 1), return_index=True)
    chosen = rows[np.sort(once)][:EXAMPLES]
    songs = catalogue.tracks(shelf.track_id[chosen].tolist())
    return Text("\n".join(_line(song.artist, song.title, song.uri) for song in songs))


def _line(artist: str, title: str, uri: str) -> str:
    return f"{artist or '?'}: {title}" if title else uri
