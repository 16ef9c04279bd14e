"""Files → chunks of rows under the shop's own column names, with the line of each: CSV, JSON lines, Parquet.

Nothing is typed here: values of text files stay text, those of Parquet keep their types. A row that cannot be read at
all (ragged, a stray quote, no JSON) is handed on as broken, with its line, never dropped and never repaired by a guess.
"""

from __future__ import annotations

import csv
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import polars as pl

from warehouse.decoding import open_text
from warehouse.errors import InputError
from warehouse.values import plain

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = [
    "CHUNK_ROWS",
    "SUFFIXES",
    "Broken",
    "Chunk",
    "delimiter_in",
    "delimiter_of",
    "is_readable",
    "kind_of",
    "read_chunks",
]

CHUNK_ROWS = 100_000
SUFFIXES = {".csv": "csv", ".tsv": "csv", ".txt": "csv", ".jsonl": "jsonl", ".ndjson": "jsonl", ".parquet": "parquet"}
DELIMITERS = (",", ";", "\t", "|")
MAX_FIELD_CHARS = 1 << 20
MAX_FIELD_LINES = 1000


@dataclass(frozen=True, slots=True)
class Broken:
    """A row that could not be read: its first line, why, and what stood there."""

    line: int
    reason: str
    values: object


@dataclass(frozen=True, slots=True)
class Chunk:
    """Some rows of a file: columns by the shop's names; `lines[i]` is the first line (Parquet: the number) of row i."""

    rows: pl.DataFrame
    lines: pl.Series
    broken: tuple[Broken, ...] = ()


def is_readable(path: Path) -> bool:
    """Tell whether the name says that the file is of a kind that is read here."""
    return kind_of(path) is not None


def kind_of(path: Path) -> str | None:
    """Return csv, jsonl or parquet, by the file's name (a last `.gz` aside); None: no kind of ours."""
    suffixes = [suffix.lower() for suffix in path.suffixes]
    gzipped = suffixes[-1:] == [".gz"]
    kind = SUFFIXES.get((suffixes[:-1] if gzipped else suffixes)[-1]) if len(suffixes) > gzipped else None
    return None if gzipped and kind == "parquet" else kind


def read_chunks(path: Path, *, name: str, encoding: str = "utf-8", delimiter: str | None = None) -> Iterator[Chunk]:
    """Yield the rows of a file; at least one chunk, which may be empty, so that its columns are known.

    Args:
        path: the file.
        name: what messages call it: its path relative to the input folder.
        encoding: of a text file without a byte order mark.
        delimiter: of a CSV file; None: found from the header among comma, semicolon, tab and bar.

    Raises:
        InputError: an empty file, a broken header, wrong bytes, a quote that swallows a thousand lines.
    """
    kind = kind_of(path)
    if path.stat().st_size == 0:
        raise InputError(f"{name}: the file is empty (0 bytes); export it again, or take it away")
    if kind == "parquet":
        yield from _parquet(path, name=name)
        return
    with open_text(path, name=name, encoding=encoding) as lines:
        yield from _csv(lines, name=name, delimiter=delimiter) if kind == "csv" else _jsonl(lines)


# CSV


@dataclass(slots=True)
class _Lines:
    """Physical lines for csv.reader: counts them, remembers those of the row under way, and can go back to one."""

    source: Iterator[str]
    name: str
    count: int = 0
    row: list[str] = field(default_factory=list)  # physical lines of the row under way
    again: list[str] = field(default_factory=list)
    chars: int = 0

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = self.again.pop() if self.again else next(self.source)
        self.count += 1
        self.row.append(line)
        if len(self.row) > 1:
            self.chars += len(line)
            if len(self.row) > MAX_FIELD_LINES or self.chars > MAX_FIELD_CHARS:
                start = self.count - len(self.row) + 1
                msg = (
                    f"{self.name}: a quote that opens in line {start} has not closed {len(self.row) - 1} lines later; "
                    'close it, or write a quote inside a value twice ("")'
                )
                raise InputError(msg)
        return line

    def next_row(self) -> None:
        self.row.clear()
        self.chars = 0

    def back_to_second_line(self) -> str:
        """Give all lines of the row under way but its first back to be read again; return the first."""
        first, *rest = self.row
        self.again.extend(reversed(rest))
        self.count -= len(rest)
        self.next_row()
        return first


def delimiter_of(header: str) -> str:
    """Return the delimiter that occurs most often in a header line outside quotes; a comma where there is none."""
    bare = "".join(header.split('"')[::2])
    best = max(DELIMITERS, key=bare.count)  # the first of equals
    return best if best in bare else ","


def delimiter_in(path: Path, *, name: str, encoding: str) -> str:
    """Return the delimiter of a CSV file, from its first line that is not blank."""
    with open_text(path, name=name, encoding=encoding) as lines:
        return delimiter_of(next((line for line in lines if line.strip()), ""))


def _csv(source: Iterator[str], *, name: str, delimiter: str | None) -> Iterator[Chunk]:
    csv.field_size_limit(
        max(csv.field_size_limit(), MAX_FIELD_CHARS * 2)
    )  # the module's own, 128 KiB, is a long description
    lines = _Lines(source, name)
    first = next((line for line in lines if line.strip()), None)
    if first is None:
        raise InputError(f"{name}: the file has no header line; export it again, or take it away")
    lines.again.append(first)
    lines.count -= 1
    lines.next_row()
    found = delimiter or delimiter_of(first)
    names = _header(lines, delimiter=found)
    rows: list[list[str]] = []
    starts: list[int] = []
    broken: list[Broken] = []
    for start, row in _rows(lines, delimiter=found, width=len(names)):
        if isinstance(row, Broken):
            broken.append(row)
        else:
            rows.append(row)
            starts.append(start)
        if len(rows) + len(broken) >= CHUNK_ROWS:
            yield _text_chunk(names, rows, starts, broken)
            rows, starts, broken = [], [], []
    yield _text_chunk(names, rows, starts, broken)


def _header(lines: _Lines, *, delimiter: str) -> tuple[str, ...]:
    try:
        names = tuple(name.strip() for name in next(csv.reader(lines, delimiter=delimiter, strict=True)))
    except csv.Error as error:
        raise InputError(f"{lines.name}: the header line cannot be read ({error}); its quotes must close") from error
    lines.next_row()
    twice = sorted({name for name in names if name and names.count(name) > 1})
    if twice:
        raise InputError(
            f"{lines.name}: the header names {', '.join(map(repr, twice))} more than once; found {', '.join(names)}"
        )
    if "\0" in "".join(names):
        raise InputError(
            f"{lines.name}: the header holds NUL bytes; this is no text file, or has another encoding: save it as UTF-8"
        )
    return names


def _rows(lines: _Lines, *, delimiter: str, width: int) -> Iterator[tuple[int, list[str] | Broken]]:
    """Yield (first line, row); after a stray quote, reading takes up again in the line that follows it."""
    while True:
        try:
            for row in csv.reader(lines, delimiter=delimiter, strict=True):
                start = lines.count - len(lines.row) + 1
                lines.next_row()
                if len(row) == width:
                    yield start, row
                elif row:
                    cure = f"quote a value that holds the delimiter {delimiter!r}"
                    yield start, Broken(start, f"the row has {len(row)} fields and the header {width}; {cure}", row)
        except csv.Error as error:
            start = lines.count - len(lines.row) + 1
            text = lines.back_to_second_line().rstrip("\r\n")
            yield (
                start,
                Broken(start, f'quotes: {error}; close each one, and write a quote inside a value twice ("")', text),
            )
        else:
            return


def _text_chunk(names: tuple[str, ...], rows: list[list[str]], starts: list[int], broken: list[Broken]) -> Chunk:
    columns = zip(*rows, strict=True) if rows else ([] for _ in names)
    frame = pl.DataFrame(
        [pl.Series(name, values, pl.String) for name, values in zip(names, columns, strict=True) if name]
    )
    return _without_nul(frame, pl.Series("line", starts, pl.Int64), broken)


def _without_nul(frame: pl.DataFrame, lines: pl.Series, broken: list[Broken]) -> Chunk:
    """A NUL byte in a value is what a damaged disk or a cut export leaves behind: the row is not trusted."""
    if frame.width == 0 or frame.height == 0:
        return Chunk(frame, lines, tuple(broken))
    nul = frame.select(pl.any_horizontal(pl.all().str.contains("\0", literal=True).fill_null(value=False))).to_series()
    if nul.any():
        reason = "the row holds a NUL byte; export the file again"
        bad = zip(lines.filter(nul), frame.filter(nul).iter_rows(named=True), strict=True)
        broken = [*broken, *(Broken(line, reason, row) for line, row in bad)]
    return Chunk(frame.filter(~nul), lines.filter(~nul), tuple(broken))


# JSON lines


def _jsonl(source: Iterator[str]) -> Iterator[Chunk]:
    rows: list[dict[str, str | None]] = []
    starts: list[int] = []
    broken: list[Broken] = []
    for line, text in enumerate(source, start=1):
        if not text.strip():
            continue
        row = _json_row(text)
        if isinstance(row, str):
            broken.append(Broken(line, row, text.rstrip("\r\n")))
        else:
            rows.append(row)
            starts.append(line)
        if len(rows) + len(broken) >= CHUNK_ROWS:
            yield _json_chunk(rows, starts, broken)
            rows, starts, broken = [], [], []
    yield _json_chunk(rows, starts, broken)


def _json_row(text: str) -> dict[str, str | None] | str:
    """Return the object's values as text, numbers as they were written; or, as a str, why the line is none."""
    try:
        parsed = json.loads(text, parse_int=str, parse_float=str)
    except (ValueError, RecursionError) as error:
        return f"no JSON: {error}; one object a line"
    if not isinstance(parsed, dict):
        return 'no JSON object; write one a line: {"item_id": "B0007", ...}'
    return {name.strip(): _as_text(value) for name, value in parsed.items()}


def _as_text(value: object) -> str | None:
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    return (
        str(value) if isinstance(value, float) else json.dumps(value, ensure_ascii=False)
    )  # a float here is NaN or Infinity


def _json_chunk(rows: list[dict[str, str | None]], starts: list[int], broken: list[Broken]) -> Chunk:
    names = dict.fromkeys(name for row in rows for name in row if name)
    frame = pl.DataFrame([pl.Series(name, [row.get(name) for row in rows], pl.String) for name in names])
    if frame.width == 0 and rows:
        broken = [*broken, *(Broken(line, "an object without a single name", "{}") for line in starts)]
        starts = []
    return _without_nul(frame, pl.Series("line", starts, pl.Int64), broken)


# Parquet


def _parquet(path: Path, *, name: str) -> Iterator[Chunk]:
    try:
        height = pl.scan_parquet(path, glob=False).select(pl.len()).collect().item()
        for start in range(0, max(height, 1), CHUNK_ROWS * 10):  # typed columns are smaller than text
            rows = pl.scan_parquet(path, glob=False).slice(start, CHUNK_ROWS * 10).collect()
            yield Chunk(plain(rows), pl.Series("line", range(start + 1, start + 1 + rows.height), pl.Int64))
    except (pl.exceptions.PolarsError, OSError) as error:
        raise InputError(f"{name}: no readable Parquet file ({error}); export it again") from error
