"""`mopidy moodcam scan`: every track of the listener gets features.

What was analysed is stored track by track, so a kill at any moment loses at most
the track in hand, and the next scan goes on from there. Files that have not
changed since, readable or not, are left alone.
"""

from __future__ import annotations

import dataclasses
import os
from typing import TYPE_CHECKING, Any

from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    Task,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from mopidy_moodcam.songs import fitting, moved, seasons, tags, twins
from mopidy_moodcam.songs.catalogue import GONE, TrackRow
from mopidy_moodcam.songs.features import Features, FeatureSource
from mopidy_moodcam.songs.hearing.workers import Worker, WorkerTrouble, analyse_all
from mopidy_moodcam.songs.schema import CatalogueError
from mopidy_moodcam.songs.survey import FILE, LOCAL, Job

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    from rich.console import Console

    from mopidy_moodcam.songs.catalogue import Catalogue, FileState
    from mopidy_moodcam.songs.survey import Survey, WalkedTrack

_ANY = "SELECT 1 FROM tracks LIMIT 1"

BATCH = 500
"""Tracks entered at once."""

MOST_REASONS = 8
"""Reasons listed after a scan, the most frequent ones."""


@dataclasses.dataclass
class Tally:
    """What a scan did so far."""

    seen: int = 0
    unchanged: int = 0
    guessed: int = 0
    analysed: int = 0
    reheard: int = 0
    failed: int = 0
    missing: int = 0
    unanswered: int = 0
    forgotten: int = 0
    lost: list[str] = dataclasses.field(default_factory=list)


def scan(
    catalogue: Catalogue,
    tracks: Iterable[WalkedTrack],
    *,
    jobs: int = 1,
    limit: int | None = None,
    force: bool = False,
    console: Console,
    make_worker: Callable[[], Worker] = Worker,
    survey: Survey | None = None,
) -> int:
    """Enter all `tracks` into the catalogue and analyse those that need it.

    `limit` is the most files to analyse now, `force` analyses unchanged ones
    again. With the `survey` of the walk that gives the tracks, songs whose files were
    moved keep what is known of them, others that are gone from their library are
    forgotten, and those whose disk may be away are kept but not played. Returns the
    exit code: 1 where no worker could be had, else 0. Raises `CatalogueError`, also
    where the catalogue was emptied or replaced meanwhile.
    """
    tally = Tally()
    with console.status("Listing the songs of the libraries"):
        work = list(_enter(catalogue, tracks, tally, force=force))
    if survey:
        known = catalogue.uris()
        gone = {uri: judged for uri, judged in known if survey.gone(uri)}
        away = [uri for uri, _ in known if survey.away(uri)]
        moves = moved.follow(catalogue, work, gone, survey.other_uri, away)
        new = {*moves.values()}
        if new:
            console.print(
                f"Songs that were moved, known as before: {len(new)}.",
                highlight=False,
            )
        _say_kept(survey, [uri for uri, _ in known if uri not in moves], console)
        if count := catalogue.let_go(gone):
            console.print(
                f"Songs gone from their library and now forgotten: {count}.",
                highlight=False,
            )
        _keep_away(survey, catalogue, [u for u in away if u not in moves], console)
        if not force:
            work = list(_still_due(catalogue, work, new, tally))
    # Those that fail at every scan must not take up the limit.
    work = sorted(work, key=lambda job: job.tried)[:limit]
    try:
        answers = _Answers(catalogue, tally, console)
        answers.collect(work, jobs, make_worker)
    except WorkerTrouble as trouble:
        console.print(str(trouble), markup=False, style="red")
        return 1
    except KeyboardInterrupt:
        again = " with --force begins anew" if force else " goes on from here"
        console.print(f"Stopped; the next scan{again}.")
    finally:
        catalogue.lose(tally.lost)
    _report(tally, console)
    if survey and not tally.seen:
        console.print(_why_none(survey), markup=False, soft_wrap=True)
    _explain(catalogue, console)
    _say_left_out(catalogue, console)
    if tally.analysed or tally.guessed:
        twins.take_over(catalogue)
    if tally.analysed:
        _refit_if_due(catalogue, tally.reheard, console)
    return 0


def _why_none(survey: Survey) -> str:
    """Return why no library showed a song, and what brings some."""
    asked = ", ".join(survey.asked.values()) or "none"
    if LOCAL in survey.asked:
        mend = "Mopidy-Local lists those of local/media_dir after: mopidy local scan"
    else:
        mend = (
            "Mopidy-Local, which lists your files, is not among them: install it, or"
            " see in Mopidy's log why it does not load"
        )
    return f"No library showed a song (asked: {asked}). {mend}."


def _say_kept(survey: Survey, known: list[str], console: Console) -> None:
    """Say of a library without any song that those known of it are kept."""
    for scheme in sorted(survey.empty & {LOCAL, FILE}):
        if count := sum(uri.startswith(f"{scheme}:") for uri in known):
            console.print(
                f"Mopidy-{scheme.title()} shows no songs, as when a disk is away, so"
                f" the {count} known of it are kept; if they are gone for good, begin"
                " anew with: mopidy moodcam forget everything",
                style="yellow",
                highlight=False,
                soft_wrap=True,
            )


def _keep_away(
    survey: Survey, catalogue: Catalogue, away: list[str], console: Console
) -> None:
    """Let songs whose disk may be away not be played, and say how many there are.

    `_say_kept` has spoken of those whose library is empty.
    """
    catalogue.lose(away)
    if count := sum(uri.partition(":")[0] not in survey.empty for uri in away):
        console.print(
            "Songs that are not there, as when a disk is away, and so kept but not"
            f" played: {count}; to forget deleted ones, remove their empty folders.",
            highlight=False,
            soft_wrap=True,
        )


def _still_due(
    catalogue: Catalogue, work: list[Job], moves: set[str], tally: Tally
) -> Iterator[Job]:
    """Yield the work less the files that were analysed before they were moved."""
    for job in work:
        known = catalogue.file_state(job.uri) if job.uri in moves else None
        if _same(known, job.mtime, job.size):
            tally.unchanged += 1
        else:
            yield job


def is_known(catalogue: Catalogue, uri: str, path: Path | None) -> bool:
    """Return whether looking a track up would tell nothing new.

    It has a title then, and its file, if it is one, has not changed since it
    was analysed: new tags come with a new time or size.
    """
    known = catalogue.file_state(uri)
    if known is None or not known.named:
        return False
    status = None if path is None else _stat(path)
    return path is None or (status is not None and _same_file(known, status))


def _enter(
    catalogue: Catalogue, tracks: Iterable[WalkedTrack], tally: Tally, *, force: bool
) -> Iterator[Job]:
    batch: list[WalkedTrack] = []
    for track in tracks:
        batch.append(track)
        if len(batch) == BATCH:
            yield from _enter_batch(catalogue, batch, tally, force=force)
            batch = []
    yield from _enter_batch(catalogue, batch, tally, force=force)


def _enter_batch(
    catalogue: Catalogue, batch: list[WalkedTrack], tally: Tally, *, force: bool
) -> Iterator[Job]:
    catalogue.upsert_tracks(_row(track) for track in batch)
    for track in batch:
        tally.seen += 1
        if track.path is None:
            tally.guessed += _guess(catalogue, track)
        else:
            yield from _job(catalogue, track, track.path, tally, force=force)


def _row(track: WalkedTrack) -> TrackRow:
    return TrackRow(
        uri=track.uri,
        title=track.title,
        artist=track.artist,
        album=track.album,
        genre=track.genre,
        year=track.year,
        duration_ms=track.duration_ms,
    )


def _guess(catalogue: Catalogue, track: WalkedTrack) -> bool:
    """Give a track without a file what its genre suggests, marked as a guess."""
    guess = tags.guess(track.genre)
    return guess is not None and catalogue.store_features(track.uri, guess)


def _job(
    catalogue: Catalogue, track: WalkedTrack, path: Path, tally: Tally, *, force: bool
) -> Iterator[Job]:
    status = _stat(path)
    if status is None:
        _miss(catalogue, track.uri, tally)
        return
    known = catalogue.file_state(track.uri)
    same = _same_file(known, status)
    if same and not force:
        if known and known.failed == GONE:
            catalogue.come_back(track.uri)
        tally.unchanged += 1
    elif track.unanswered and not same and known and known.named:
        # Analysed now, it would pass for known next time, under its old title.
        tally.unanswered += 1
    else:
        tried = bool(known and known.failed)
        yield Job(track.uri, path, status.st_mtime, status.st_size, tried)


def _same_file(known: FileState | None, status: os.stat_result) -> bool:
    return _same(known, status.st_mtime, status.st_size)


def _same(known: FileState | None, mtime: float, size: int) -> bool:
    if known is None or known.may_succeed:
        return False
    return (known.mtime, known.size) == (mtime, size)


def _stat(path: Path) -> os.stat_result | None:
    try:
        return path.stat()
    except OSError:
        return None


def _miss(catalogue: Catalogue, uri: str, tally: Tally) -> None:
    """Count a file that is not there, and leave what is known of it.

    Its disk may only not be mounted: with its time and size kept, nothing is
    analysed anew once it is back.
    """
    known = catalogue.file_state(uri)
    if known and known.failed is None:
        tally.lost.append(uri)
    tally.missing += 1


@dataclasses.dataclass
class _Answers:
    """Takes what the workers say and stores it, under a progress bar."""

    catalogue: Catalogue
    tally: Tally
    console: Console

    def collect(
        self, work: list[Job], jobs: int, make_worker: Callable[[], Worker]
    ) -> None:
        if not work:
            return
        by_file = {job.path.absolute().as_uri(): job for job in work}
        jobs = max(1, min(jobs, len(work), os.cpu_count() or 1))
        workers = [make_worker() for _ in range(jobs)]
        with _progress(self.console) as progress:
            task = progress.add_task("Listening", total=len(work), rate="")
            for file, answer in analyse_all(by_file, workers):
                _store(self.catalogue, by_file[file], answer, self.tally)
                rate = _rate(progress.tasks[task])
                progress.update(task, advance=1, rate=rate)
        for sentence in {worker.why_plain for worker in workers} - {""}:
            self.console.print(sentence, markup=False, style="yellow")


def _store(
    catalogue: Catalogue, job: Job, answer: dict[str, Any], tally: Tally
) -> None:
    known = catalogue.file_state(job.uri)
    if catalogue.replaced() or not (known or catalogue.rows(_ANY)):
        raise CatalogueError(
            f"The catalogue {str(catalogue.path)!r} was emptied or replaced while its"
            " songs were analysed: run 'mopidy moodcam scan' again."
        )
    if known is None:
        tally.forgotten += 1
        return
    if "why" in answer and _stat(job.path) is None:
        _miss(catalogue, job.uri, tally)  # its disk went away meanwhile
        return
    if "why" in answer:
        catalogue.fail(job.uri, answer["why"], job.mtime, job.size)
        tally.failed += 1
        return
    tally.reheard += bool(known.source)
    values = answer["features"]
    source = FeatureSource(values.pop("source"))
    catalogue.store_features(
        job.uri, Features.checked(values, source), job.mtime, job.size
    )
    tally.analysed += 1


def _progress(console: Console) -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}"),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
        console=console,
    )


def _rate(task: Task) -> str:
    elapsed = task.elapsed or 0.0
    return f"{(task.completed + 1) / elapsed:.1f} a second" if elapsed else ""


def _report(tally: Tally, console: Console) -> None:
    parts = [
        f"{tally.analysed} analysed",
        f"{tally.unchanged} unchanged",
        f"{tally.failed} unreadable",
        f"{tally.guessed} guessed from their tags",
    ]
    if tally.missing:
        parts.append(f"{tally.missing} missing")
    if tally.forgotten:
        parts.append(f"{tally.forgotten} forgotten meanwhile")
    if tally.unanswered:
        parts.append(f"{tally.unanswered} left for the next scan (no answer on tags)")
    console.print(
        f"{tally.seen} tracks: {', '.join(parts)}.", highlight=False, soft_wrap=True
    )


def _explain(catalogue: Catalogue, console: Console) -> None:
    """Say why songs are not to be had, those of earlier scans too."""
    reasons = catalogue.failures()
    for why, count, uri in reasons[:MOST_REASONS]:
        known = "not there now" if why == GONE else f"not analysed: {why}"
        console.print(
            f"  {count} {known}, such as {uri}",
            markup=False,
            highlight=False,
            soft_wrap=True,
        )
    rest = sum(count for _, count, _ in reasons[MOST_REASONS:])
    if rest:
        console.print(f"  {rest} not analysed for other reasons", highlight=False)


def _say_left_out(catalogue: Catalogue, console: Console) -> None:
    """Say how many tracks are no music, and what takes them in."""
    spoken = ("genre", seasons.SPOKEN)
    if spoken in catalogue.exclusions() and (
        count := seasons.left_out(catalogue, *spoken)
    ):
        console.print(
            f"  {count} left out as no music, by their genre; to take them in:"
            f" mopidy moodcam moods include {' '.join(spoken)}",
            highlight=False,
            soft_wrap=True,
        )


def _refit_if_due(catalogue: Catalogue, reheard: int, console: Console) -> None:
    if fitting.refit_if_due(catalogue, reheard):
        console.print("The library changed, so its songs were sorted into moods anew.")
