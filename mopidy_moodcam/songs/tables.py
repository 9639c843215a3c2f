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
from typing import IO, TYPE_CHECKING, Any, Self

from rich.markup import escape

from mopidy_moodcam.songs import fitting, twins
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
LOOK_INTO = 20
"""Lines of one row that tell whether they are rows themselves."""

_DELIMITERS = (",", ";", "\t", "|")
_UNREADABLE = (OSError, EOFError, zlib.error, UnicodeError)
_BOMS = {b"\xef\xbb\xbf": "utf-8-sig", b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16"}


class TableError(Exception):
    """A whole table cannot be imported; the message is one sentence with the reason."""


@dataclasses.dataclass
class Damage:
    """What was wrong with a table: quotes never closed, and why its rest was lost."""

    unclosed: int = 0
    lost: str = ""


@dataclasses.dataclass(frozen=True)
class Table:
    """A table ready to read: where its fields are, and its rows.

    `percent`: its shares are of 100. `damage` is filled while the rows are read.
    """

    columns: Mapping[str, Sequence[int]]
    rows: Iterator[list[str]]
    damage: Damage
    percent: bool = False

    @property
    def ours(self) -> bool:
        """Whether `mopidy moodcam export` wrote it: its URIs mean just their tracks."""
        return "source" in self.columns

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
    damage: Damage = dataclasses.field(default_factory=Damage)

    @property
    def rows(self) -> int:
        """All rows read."""
        return self.added + self.matched + self.rejected.total()


def import_files(
    catalogue: Catalogue,
    paths: Iterable[str | pathlib.Path],
    console: Console,
    *,
    known: bool = False,
) -> int:
    """Import tables, say what became of their rows, and return the exit code.

    Tables without features go first: they name the songs that the rows of the
    others, joined by the same id, belong to. With `known` no song is added. The
    exit code is 1 where a table was refused or could not be read to its end.
    """
    code = 0
    changed = 0
    for path in _names_first([pathlib.Path(path) for path in paths]):
        try:
            with console.status(f"Reading {escape(path.name)}"):
                report = import_file(catalogue, path, known=known)
        except TableError as error:
            console.print(str(error), markup=False, soft_wrap=True)
            code = 1
        else:
            changed += report.added + report.matched
            code = 1 if report.damage.lost else code
            console.print(_words(path, report), markup=False, soft_wrap=True)
    if changed:
        twins.take_over(catalogue)
        _sort_anew(catalogue, console)
    return code


def import_file(
    catalogue: Catalogue, path: pathlib.Path, *, known: bool = False
) -> Report:
    """Import one table; raises `TableError` where nothing of it can be used."""
    report = Report()
    with open_table(path) as table:
        report.damage = table.damage
        for batch in _batches(table.rows):
            tracks = list(_tracks(batch, table, report))
            with catalogue.writing() as connection:
                for track in tracks:
                    placed = place(
                        catalogue, connection, track, by_uri=table.ours, known=known
                    )
                    _count(placed, track, report)
    return report


@contextlib.contextmanager
def open_table(path: pathlib.Path) -> Iterator[Table]:
    """Open a CSV, TSV or Parquet file, plain or gzipped, whatever its layout.

    Raises `TableError` where it is no table, has no column of use, or lost its
    decimal points.
    """
    with _explained(path), _opened(path) as table:
        _check_columns(path, table)
        rows = _readable(table)
        ahead = list(itertools.islice(rows, LOOK_AHEAD))
        percent = _in_percent(table, ahead)
        if not percent:
            _check_decimals(path, table, ahead)
        _check_features(path, table)
        yield dataclasses.replace(
            table,
            columns={**table.columns, "title": _titles(table, ahead)},
            rows=itertools.chain(ahead, rows),
            percent=percent,
        )


@contextlib.contextmanager
def _explained(path: pathlib.Path) -> Iterator[None]:
    try:
        yield
    except _UNREADABLE as error:
        raise TableError(f"{str(path)!r} cannot be read: {_reason(error)}.") from error


@contextlib.contextmanager
def _opened(path: pathlib.Path) -> Iterator[Table]:
    if _start(path, 4) == b"PAR1":
        yield _parquet(path)
        return
    with _text(path) as file:
        yield _csv(path, file)


def _readable(table: Table) -> Iterator[list[str]]:
    """Yield a table's rows as far as its file can be read."""
    try:
        yield from table.rows
    except _UNREADABLE as error:
        table.damage.lost = _reason(error)


def _reason(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error)


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
    csv.field_size_limit(1 << 17)  # a list of genres may be long
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
    damage = Damage()
    return Table(columns, _csv_rows(file, header, delimiter, damage), damage)


def _header(line: str, delimiter: str) -> dict[str, list[int]]:
    return columns_of(_cells(line, delimiter))


def _cells(line: str, delimiter: str) -> list[str]:
    reader = csv.reader([line], delimiter=delimiter, skipinitialspace=True)
    try:
        return next(reader, [])
    except csv.Error:
        return []


class _Lines:
    """The lines of a file; those `taken` for a row can be given back."""

    def __init__(self, file: IO[str]) -> None:
        self._file = file
        self._again: collections.deque[str] = collections.deque()
        self.taken: list[str] = []

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> str:
        line = self._again.popleft() if self._again else next(self._file)
        self.taken.append(line)
        return line

    def give_back(self, lines: list[str]) -> None:
        self._again.extendleft(reversed(lines))


def _csv_rows(
    file: IO[str], header: str, delimiter: str, damage: Damage
) -> Iterator[list[str]]:
    """Yield the rows; one that csv cannot read comes as an empty list.

    A quote that is never closed makes one cell of the lines after it: where most
    of them hold as many cells as the header by themselves, they are given back.
    """
    width = len(_cells(header, delimiter))
    quoted = delimiter != "\t" or header.lstrip().startswith('"')
    lines = _Lines(file)
    reader = csv.reader(
        lines,
        delimiter=delimiter,
        skipinitialspace=True,
        quoting=csv.QUOTE_MINIMAL if quoted else csv.QUOTE_NONE,
    )
    while True:
        lines.taken = []
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error:
            row = []
        if quoted and (len(lines.taken) > 1 or len(row) != width):
            rows = [_alone(line, delimiter, width) for line in lines.taken[:LOOK_INTO]]
            if sum(map(bool, rows)) > len(rows) / 2:
                row = rows[0]
                lines.give_back(lines.taken[1:])
                damage.unclosed += 1
        yield row


def _alone(line: str, delimiter: str, width: int) -> list[str]:
    """Return the cells of a line, its last quote left out if need be; else nothing."""
    for text in (line, "".join(line.rsplit('"', 1))):
        if len(cells := _cells(text, delimiter)) == width:
            return cells
    return []


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
    return Table(columns_of(file.schema_arrow.names), _parquet_rows(file), Damage())


def _parquet_rows(file: Any) -> Iterator[list[str]]:  # noqa: ANN401
    try:
        for batch in file.iter_batches(BATCH):
            columns = [column.to_pylist() for column in batch.columns]
            for row in zip(*columns, strict=True):
                yield ["" if cell is None else str(cell) for cell in row]
    except Exception as error:  # as above
        raise OSError("a page is damaged") from error


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
        without = "" if track.uri else "no Spotify id, and "
        report.rejected[f"{without}no such song in the catalogue"] += 1
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
    if report.damage.unclosed:
        parts.append(f"{report.damage.unclosed} with a quote that is never closed")
    if report.damage.lost:
        parts.append(
            f"but the rest of the file cannot be read ({report.damage.lost}): fetch or"
            " export it again"
        )
    return ", ".join(parts) + "."


def _sort_anew(catalogue: Catalogue, console: Console) -> None:
    if fitting.refit_if_due(catalogue):
        console.print("The songs were sorted into clusters of this library anew.")
