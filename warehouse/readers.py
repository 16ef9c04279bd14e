"""Files → chunks of rows under the shop's own column names, with the line of each: CSV, JSON lines, Parquet.

Nothing is typed here: values of text files stay text, those of Parquet keep their types. A row that cannot be read at
all (ragged, a stray quote, no JSON) is handed on as broken, with its line, never dropped and never repaired by a guess.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import polars as pl

from warehouse.chunks import Broken, Chunk, chunk_without_nul
from warehouse.csv_rows import csv_rows, delimiter_of
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


def delimiter_in(path: Path, *, name: str, encoding: str) -> str:
    """Return the delimiter of a CSV file, from its first line that is not blank."""
    with open_text(path, name=name, encoding=encoding) as lines:
        return delimiter_of(next((line for line in lines if line.strip()), ""))


def _csv(source: Iterator[str], *, name: str, delimiter: str | None) -> Iterator[Chunk]:
    names, read = csv_rows(source, name=name, delimiter=delimiter)
    rows: list[list[str]] = []
    starts: list[int] = []
    broken: list[Broken] = []
    for start, row in read:
        if isinstance(row, Broken):
            broken.append(row)
        else:
            rows.append(row)
            starts.append(start)
        if len(rows) + len(broken) >= CHUNK_ROWS:
            yield _text_chunk(names, rows, starts, broken)
            rows, starts, broken = [], [], []
    yield _text_chunk(names, rows, starts, broken)


def _text_chunk(names: tuple[str, ...], rows: list[list[str]], starts: list[int], broken: list[Broken]) -> Chunk:
    columns = zip(*rows, strict=True) if rows else ([] for _ in names)
    frame = pl.DataFrame(
        [pl.Series(name, values, pl.String) for name, values in zip(names, columns, strict=True) if name]
    )
    return chunk_without_nul(frame, pl.Series("line", starts, pl.Int64), broken)


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
    return chunk_without_nul(frame, pl.Series("line", starts, pl.Int64), broken)


# Parquet


def _parquet(path: Path, *, name: str) -> Iterator[Chunk]:
    try:
        height = pl.scan_parquet(path, glob=False).select(pl.len()).collect().item()
        for start in range(0, max(height, 1), CHUNK_ROWS * 10):  # typed columns are smaller than text
            rows = pl.scan_parquet(path, glob=False).slice(start, CHUNK_ROWS * 10).collect()
            yield Chunk(plain(rows), pl.Series("line", range(start + 1, start + 1 + rows.height), pl.Int64))
    except (pl.exceptions.PolarsError, OSError) as error:
        raise InputError(f"{name}: no readable Parquet file ({error}); export it again") from error
