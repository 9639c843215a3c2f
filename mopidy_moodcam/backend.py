"""Song moods, status, goals and reasons as folders and playlists for any client.

Everything comes from the desk's last status and the catalogue; nothing waits
for the frontend (it waits for core, and core waits for backends).
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

import pykka
from mopidy import backend
from mopidy.models import Artist, Playlist, Ref, Track

from mopidy_moodcam import words
from mopidy_moodcam.glossary import Goal, SongMood
from mopidy_moodcam.resources import data_dir
from mopidy_moodcam.songlist import SongList

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from mopidy_moodcam.desk import Desk
    from mopidy_moodcam.songlist import Song
    from mopidy_moodcam.status import Status

FOLDER_SONGS = 200

Lines = dict[str, str]
"""Entries of a folder: last part of the URI → the title shown."""


class MoodCamBackend(pykka.ThreadingActor, backend.Backend):
    """The backend for `moodcam:` URIs; made for one desk by `at`."""

    uri_schemes = ["moodcam"]  # noqa: RUF012  (Mopidy's own signature)
    desk: Desk

    @classmethod
    def at(cls, desk: Desk) -> type[MoodCamBackend]:
        """Return this backend bound to `desk`; Mopidy starts classes, not objects."""
        return type(cls.__name__, (cls,), {"desk": desk, "__doc__": cls.__doc__})

    def __init__(self, config: Any, audio: Any) -> None:  # noqa: ANN401
        super().__init__()
        songs = SongList(self.desk, data_dir(config) / "catalogue.sqlite")
        self.audio = audio
        self.library = Library(self, self.desk, songs)
        self.playlists = Playlists(self, songs)
        self.playback = NoPlayback(audio=audio, backend=self)


class Library(backend.LibraryProvider):
    """The folder `MoodCam`.

    Entries that only say something are tracks, for clients look tracks up at
    each listing: so their titles are live. They cannot be played.
    """

    root_directory = Ref.directory(uri="moodcam:root", name="MoodCam")

    def __init__(self, owner: Any, desk: Desk, songs: SongList) -> None:  # noqa: ANN401
        super().__init__(owner)
        self._desk = desk
        self._songs = songs
        self._folders: dict[str, Callable[[], Iterable[Ref]]] = {
            "root": _root,
            "moods": _moods,
            **{name: functools.partial(self._said, name) for name in SAYINGS},
        }

    def browse(self, uri: str) -> list[Ref]:
        """Return what stands in a folder; nothing for unknown URIs."""
        name = uri.removeprefix("moodcam:")
        folder = self._folders.get(name)
        if folder is not None:
            return list(folder())
        mood = _song_mood(uri, "mood")
        if mood is None:
            return []
        songs = self._songs.page(mood, limit=FOLDER_SONGS)
        return [_ref(song) for song in songs]

    def lookup(self, uri: str) -> list[Track]:  # type: ignore[override]
        """Return the entry with its title of this moment, or a mood's tracks."""
        folder, _, entry = uri.removeprefix("moodcam:").partition(":")
        if folder in SAYINGS:
            title = SAYINGS[folder](self._desk.status).get(entry)
            return [] if title is None else [_said_track(uri, title)]
        mood = _song_mood(uri, "mood")
        if mood is None:
            return []
        return [_track(song) for song in self._songs.members(mood)]

    def search(  # type: ignore[override]
        self,
        query: Any,  # noqa: ANN401, ARG002
        uris: list[str] | None = None,  # noqa: ARG002
        exact: bool = False,  # noqa: ARG002 (Mopidy's own form)
    ) -> None:
        """Find nothing: the songs are other backends'. Core complains of a list."""
        return

    def _said(self, folder: str) -> Iterable[Ref]:
        lines = SAYINGS[folder](self._desk.status)
        for entry, title in lines.items():
            # Mopidy-MPD keeps every name it was ever given: no times or percents.
            name = words.short(title) if folder == "status" else title
            yield Ref.track(uri=f"moodcam:{folder}:{entry}", name=name)


class Playlists(backend.PlaylistsProvider):
    """One playlist for each song mood: fixed names, fresh songs, read-only.

    Mopidy-MPD keeps the name of a URI for the server's life, so names are fixed.
    """

    def __init__(self, owner: Any, songs: SongList) -> None:  # noqa: ANN401
        super().__init__(owner)
        self._songs = songs

    def as_list(self) -> list[Ref]:
        """Return the six playlists."""
        return [
            Ref.playlist(uri=f"moodcam:playlist:{mood}", name=playlist_name(mood))
            for mood in SongMood
        ]

    def get_items(self, uri: str) -> list[Ref] | None:
        """Return the songs, or None where there is no such playlist."""
        mood = _song_mood(uri, "playlist")
        if mood is None:
            return None
        return [_ref(song) for song in self._songs.members(mood)]

    def lookup(self, uri: str) -> Playlist | None:
        """Return the playlist with its songs, or None where there is none."""
        mood = _song_mood(uri, "playlist")
        if mood is None:
            return None
        songs = self._songs.members(mood)
        return Playlist(
            uri=uri, name=playlist_name(mood), tracks=tuple(map(_track, songs))
        )

    def refresh(self) -> None:
        """Do nothing: each look is fresh."""

    def create(self, name: str) -> Playlist | None:
        """Return None: these playlists are MoodCam's own."""
        del name

    def save(self, playlist: Playlist) -> Playlist | None:
        """Return None: these playlists are MoodCam's own."""
        del playlist

    def delete(self, uri: str) -> bool:
        """Return False: these playlists are MoodCam's own."""
        del uri
        return False


class NoPlayback(backend.PlaybackProvider):
    """Entries of our folders only say something.

    Queued by accident, one is refused at once, and core goes on with the next.
    """

    def translate_uri(self, uri: str) -> str | None:
        """Return None: there is nothing to hear."""
        del uri


def playlist_name(mood: SongMood) -> str:
    """Return the fixed name of a song mood's playlist."""
    return f"MoodCam {mood.capitalize()}"


def _root() -> Iterable[Ref]:
    yield Ref.directory(uri="moodcam:status", name="Status")
    yield Ref.directory(uri="moodcam:moods", name="Moods")
    yield Ref.directory(uri="moodcam:goals", name="Goals")
    yield Ref.directory(uri="moodcam:reasons", name="Reasons of the last picks")


def _moods() -> Iterable[Ref]:
    for mood in SongMood:
        yield Ref.directory(uri=f"moodcam:mood:{mood}", name=mood.capitalize())


def _goals(status: Status) -> Lines:
    return {
        goal: f"{goal.capitalize()}: {words.GOALS[goal]}"
        + (" (now)" if goal == status.goal else "")
        for goal in Goal
    }


def _reasons(status: Status) -> Lines:
    said = [words.pick(pick) for pick in status.next_picks]
    if status.playing_pick is not None:
        said.append(f"Playing now: {words.pick(status.playing_pick)}")
    said += [words.pick(pick) for pick in status.last_picks]
    lines = {f"{i}": line for i, line in enumerate(said)}
    return lines or {"none": "Nothing was picked yet."}


SAYINGS: dict[str, Callable[[Status], Lines]] = {
    "status": words.status_lines,
    "goals": _goals,
    "reasons": _reasons,
}
"""Folders that only say something, with how they read it from the status."""


def _song_mood(uri: str, kind: str) -> SongMood | None:
    prefix = f"moodcam:{kind}:"
    try:
        return SongMood(uri.removeprefix(prefix)) if uri.startswith(prefix) else None
    except ValueError:
        return None


def _said_track(uri: str, title: str) -> Track:
    return Track(uri=uri, name=title, artists=frozenset({Artist(name="MoodCam")}))


def _ref(song: Song) -> Ref:
    return Ref.track(uri=song.uri, name=words.song(song.artist, song.title, song.uri))


def _track(song: Song) -> Track:
    artists = frozenset({Artist(name=song.artist)} if song.artist else ())
    return Track(
        uri=song.uri,
        name=song.title or song.uri,
        artists=artists,
        length=song.duration_ms,
    )
