"""`mopidy moodcam import`: tables with Spotify's features, in every layout met.

Rows are streamed and stored in short transactions, so a table of any length
takes little memory, Mopidy goes on beside it, and after a kill the same import
simply runs again: what is stored already is recognised.
"""

from __future__ import annotations

import collections
import contextlib
import csv
import dataclasses
import gzip
import itertools
import pathlib
import sys
import zlib
from typing import IO, TYPE_CHECKING, Any

from rich.markup import escape

from mopidy_moodcam.songs import fitting
from mopidy_moodcam.songs.cells import SHARES, Rejected, number, track_of
from mopidy_moodcam.songs.headers import columns_of
from mopidy_moodcam.songs.placing import Placed, place

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from rich.console import Console

    from mopidy_moodcam.songs.catalogue import Catalogue, TrackRow

LOOK_AHEAD = 500
"""Rows looked at before any is stored."""
LOST = 0.1
"""Share of impossible values from which a table's decimal points were lost. A sound
table has none; one that lost them has 97 %."""
BATCH = 1000

_DELIMITERS = (",", ";", "\t", "|")
_BOMS = {b"\xef\xbb\xbf": "utf-8-sig", b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16"}


class TableError(Exception):
    """A whole table cannot be imported; the message is one sentence with the reason."""


@dataclasses.dataclass(frozen=True)
class Table:
    """A table ready to read: where its fields are, and its rows.

    `percent`: its shares are of 100.
    """

    columns: Mapping[str, Sequence[int]]
    rows: Iterator[list[str]]
    percent: bool = False

    @property
    def has_features(self) -> bool:
        """Whether it has any of the features that are shares of one."""
        return any(name in self.columns for name in SHARES)


@dataclasses.dataclass
class Report:
    """What became of a table's rows: every row is counted once."""

    added: int = 0
    matched: int = 0
    waiting: int = 0
    rejected: collections.Counter[str] = dataclasses.field(
        default_factory=collections.Counter
    )

    @property
    def rows(self) -> int:
        """All rows read."""
        return self.added + self.matched + self.rejected.total()


def import_files(
    catalogue: Catalogue, paths: Iterable[str | pathlib.Path], console: Console
) -> int:
    """Import tables, say what became of their rows, and return the exit code.

    Tables without features go first: they name the songs that the rows of the
    others, joined by the same id, belong to. The exit code is 1 where a whole
    table was refused.
    """
    code = 0
    changed = 0
    for path in _names_first([pathlib.Path(path) for path in paths]):
        try:
            with console.status(f"Reading {escape(path.name)}"):
                report = import_file(catalogue, path)
        except TableError as error:
            console.print(str(error), markup=False, soft_wrap=True)
            code = 1
        else:
            changed += report.added + report.matched
            console.print(_words(path, report), markup=False, soft_wrap=True)
    if changed:
        _sort_anew(catalogue, console)
    return code


def import_file(catalogue: Catalogue, path: pathlib.Path) -> Report:
    """Import one table; raises `TableError` where nothing of it can be used."""
    report = Report()
    with open_table(path) as table:
        for batch in _batches(table.rows):
            tracks = list(_tracks(batch, table, report))
            with catalogue.writing() as connection:
                for track in tracks:
                    _count(place(catalogue, connection, track), track, report)
    return report


@contextlib.contextmanager
def open_table(path: pathlib.Path) -> Iterator[Table]:
    """Open a CSV, TSV or Parquet file, plain or gzipped, whatever its layout.

    Raises `TableError` where it is no table, has no column of use, or lost its
    decimal points.
    """
    with _explained(path):
        if _start(path, 4) == b"PAR1":
            yield _parquet(path)
            return
        with _text(path) as file:
            table = _csv(path, file)
            _check_columns(path, table)
            ahead = list(itertools.islice(table.rows, LOOK_AHEAD))
            percent = _in_percent(table, ahead)
            if not percent:
                _check_decimals(path, table, ahead)
            _check_features(path, table)
            rows = itertools.chain(ahead, table.rows)
            columns = {**table.columns, "title": _titles(table, ahead)}
            yield dataclasses.replace(
                table, columns=columns, rows=rows, percent=percent
            )


@contextlib.contextmanager
def _explained(path: pathlib.Path) -> Iterator[None]:
    try:
        yield
    except (OSError, EOFError, zlib.error, UnicodeError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise TableError(f"{str(path)!r} cannot be read: {reason}.") from error


def _names_first(paths: Sequence[pathlib.Path]) -> list[pathlib.Path]:
    return sorted(paths, key=_brings_features)


def _brings_features(path: pathlib.Path) -> bool:
    try:
        with open_table(path) as table:
            return table.has_features
    except TableError:
        return True  # said again, and aloud, when its turn comes


def _start(path: pathlib.Path, size: int) -> bytes:
    if path.is_dir():
        raise TableError(f"{str(path)!r} is a folder: name the tables in it.")
    with path.open("rb") as file:
        start = file.read(size)
    if not start:
        raise TableError(f"{str(path)!r} is empty.")
    if start[:2] != b"\x1f\x8b":
        return start
    with gzip.open(path) as file:
        return file.read(size)


def _text(path: pathlib.Path) -> IO[str]:
    start = _start(path, 1 << 18)
    encoding = _encoding(start)
    if encoding != "utf-16" and b"\0" in start:
        raise TableError(
            f"{str(path)!r} is no text table: export the songs as CSV and try again."
        )
    opened = gzip.open if _is_gzip(path) else open
    return opened(path, "rt", encoding=encoding, errors="replace", newline="")


def _is_gzip(path: pathlib.Path) -> bool:
    with path.open("rb") as file:
        return file.read(2) == b"\x1f\x8b"


def _encoding(start: bytes) -> str:
    for mark, encoding in _BOMS.items():
        if start.startswith(mark):
            return encoding
    try:
        start[: start.rfind(b"\n") + 1].decode("utf-8")
    except UnicodeDecodeError:
        return "cp1252"  # what spreadsheets on Windows write
    return "utf-8"


def _csv(path: pathlib.Path, file: IO[str]) -> Table:
    # A cell may be long (a list of genres), but a quote that is never closed
    # must not swallow the rest of the file.
    csv.field_size_limit(1 << 17)
    header = file.readline(1 << 16)
    if header.lower().startswith("sep="):  # a line to Excel only
        header = file.readline(1 << 16)
    delimiter = max(_DELIMITERS, key=lambda mark: len(_header(header, mark)))
    columns = _header(header, delimiter)
    if not columns:
        raise TableError(
            f"{str(path)!r} has no header line with names such as 'Track URI',"
            " 'valence' and 'energy': export it again with its header."
        )
    quoted = delimiter != "\t" or header.lstrip().startswith('"')
    reader = csv.reader(
        file,
        delimiter=delimiter,
        skipinitialspace=True,
        quoting=csv.QUOTE_MINIMAL if quoted else csv.QUOTE_NONE,
    )
    return Table(columns, _readable(reader))


def _header(line: str, delimiter: str) -> dict[str, list[int]]:
    cells = next(csv.reader([line], delimiter=delimiter, skipinitialspace=True), [])
    return columns_of(cells)


def _readable(reader: Iterator[list[str]]) -> Iterator[list[str]]:
    """Yield the rows; one that csv cannot read comes as an empty list."""
    while True:
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error:
            row = []
        yield row


def _check_columns(path: pathlib.Path, table: Table) -> None:
    columns = set(table.columns)
    if not ({"uri", "spotify_id", "isrc"} & columns or {"title", "artist"} <= columns):
        raise TableError(
            f"{str(path)!r} was not imported: no column says which songs it is about"
            " (a Spotify id or URI, an ISRC, or title and artist)."
        )


def _titles(table: Table, rows: list[list[str]]) -> list[int]:
    """Return the titles' columns, last those without letters: they number tracks."""

    def wordless(column: int) -> bool:
        cells = (cell for row in rows for cell in row[column : column + 1])
        return not any(letter.isalpha() for cell in cells for letter in cell)

    return sorted(table.columns.get("title", ()), key=wordless)


def _in_percent(table: Table, rows: list[list[str]]) -> bool:
    """Whether all shares are whole numbers up to 100: some tables give them so."""
    where = [i for name in SHARES for i in table.columns.get(name, ())]
    cells = [row[i].strip() for row in rows for i in where if i < len(row)]
    # `071` was 0.71; without the zero nobody could tell it from a share of 100
    if any(cell[:1] == "0" and cell[1:].isdecimal() for cell in cells):
        return False
    values = [value for _, value in _shares(table, rows)]
    whole = all(value in range(101) for value in values)
    return whole and any(value > 1 for value in values)


def _check_decimals(path: pathlib.Path, table: Table, rows: list[list[str]]) -> None:
    values = list(_shares(table, rows))
    impossible = [(name, value) for name, value in values if value > 1]
    if len(impossible) > LOST * len(values):
        name, value = impossible[0]
        raise TableError(
            f"{str(path)!r} was not imported: its decimal points were lost ({name}"
            f" {value:g} cannot be a share of 1); export it again with decimal points."
        )


def _check_features(path: pathlib.Path, table: Table) -> None:
    if table.has_features and "valence" not in table.columns:
        raise TableError(
            f"{str(path)!r} was not imported: it has features but no valence, without"
            " which songs cannot be told happy from sad."
        )
    if table.has_features and not {"energy", "arousal"} & set(table.columns):
        raise TableError(
            f"{str(path)!r} was not imported: it has features but no energy, without"
            " which songs cannot be told calm from energetic."
        )


def _shares(table: Table, rows: list[list[str]]) -> Iterator[tuple[str, float]]:
    where = [(name, i) for name in SHARES for i in table.columns.get(name, ())]
    for row in rows:
        for name, column in where:
            with contextlib.suppress(ValueError, IndexError):
                value = number(row[column].strip())
                if value is not None:
                    yield name, value


def _parquet(path: pathlib.Path) -> Table:
    try:
        from pyarrow import parquet  # type: ignore[import-not-found]  # noqa: PLC0415
    except ImportError:
        raise TableError(
            f"{str(path)!r} is a Parquet file, which needs pyarrow:"
            f" {sys.executable} -m pip install pyarrow"
        ) from None
    try:
        file = parquet.ParquetFile(path)
    except Exception as error:  # pyarrow has its own classes for each kind of damage
        raise TableError(f"{str(path)!r} is a damaged Parquet file.") from error
    table = Table(columns_of(file.schema_arrow.names), _parquet_rows(file))
    _check_columns(path, table)
    return table


def _parquet_rows(file: Any) -> Iterator[list[str]]:  # noqa: ANN401
    for batch in file.iter_batches(BATCH):
        columns = [column.to_pylist() for column in batch.columns]
        for row in zip(*columns, strict=True):
            yield ["" if cell is None else str(cell) for cell in row]


def _tracks(
    rows: Iterable[list[str]], table: Table, report: Report
) -> Iterator[TrackRow]:
    for cells in rows:
        try:
            yield track_of(cells, table.columns, percent=table.percent)
        except Rejected as reason:
            report.rejected[str(reason)] += 1


def _count(placed: Placed, track: TrackRow, report: Report) -> None:
    if placed is Placed.UNKNOWN:
        report.rejected["no Spotify id, and no such song in the catalogue"] += 1
        return
    if placed is Placed.ADDED:
        report.added += 1
    else:
        report.matched += 1
    if track.features is None:
        report.waiting += 1


def _batches(rows: Iterator[list[str]]) -> Iterator[list[list[str]]]:
    while batch := list(itertools.islice(rows, BATCH)):
        yield batch


def _words(path: pathlib.Path, report: Report) -> str:
    parts = [
        f"{path.name}: {report.rows} rows, {report.added} new songs",
        f"{report.matched} for songs there were",
    ]
    if report.waiting:
        parts.append(f"{report.waiting} of all these without features")
    parts += [
        f"{count} left out: {why}" for why, count in report.rejected.most_common()
    ]
    return ", ".join(parts) + "."


def _sort_anew(catalogue: Catalogue, console: Console) -> None:
    if fitting.refit_if_due(catalogue):
        console.print("The songs were sorted into clusters of this library anew.")
