"""What readers of files yield: rows under the shop's own column names, their lines, and what could not be read."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

__all__ = ["Broken", "Chunk", "chunk_without_nul"]


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


def chunk_without_nul(frame: pl.DataFrame, lines: pl.Series, broken: list[Broken]) -> Chunk:
    """Return the chunk less rows with a NUL byte in a value, which are broken.

    A NUL byte in a value is what a damaged disk or a cut export leaves behind: the row is not trusted.
    """
    if frame.width == 0 or frame.height == 0:
        return Chunk(frame, lines, tuple(broken))
    nul = frame.select(pl.any_horizontal(pl.all().str.contains("\0", literal=True).fill_null(value=False))).to_series()
    if nul.any():
        reason = "the row holds a NUL byte; export the file again"
        bad = zip(lines.filter(nul), frame.filter(nul).iter_rows(named=True), strict=True)
        broken = [*broken, *(Broken(line, reason, row) for line, row in bad)]
    return Chunk(frame.filter(~nul), lines.filter(~nul), tuple(broken))
