"""CSV text → rows with the line of each. After a stray quote, reading takes up again in the line that follows it."""

from __future__ import annotations

import csv
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from warehouse.chunks import Broken
from warehouse.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["csv_rows", "delimiter_of"]

DELIMITERS = (",", ";", "\t", "|")
MAX_FIELD_CHARS = 1 << 20
MAX_FIELD_LINES = 1000


def csv_rows(
    source: Iterator[str], *, name: str, delimiter: str | None
) -> tuple[tuple[str, ...], Iterator[tuple[int, list[str] | Broken]]]:
    """Return the column names, and an iterator of (first line, values or `Broken`).

    Raises:
        InputError: no header, a broken one, or a quote that swallows a thousand lines.
    """
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
    return names, _rows(lines, delimiter=found, width=len(names))


def delimiter_of(header: str) -> str:
    """Return the delimiter that occurs most often in a header line outside quotes; a comma where there is none."""
    bare = "".join(header.split('"')[::2])
    best = max(DELIMITERS, key=bare.count)  # the first of equals
    return best if best in bare else ","


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
