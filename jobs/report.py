"""What a command has to say, on stdout: plain JSON with --json, else tables and words for a person."""

from __future__ import annotations

import json
import math
import sys
from dataclasses import asdict, dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING

import polars as pl

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from rich.console import Console

    from jobs.layout import Night
    from jobs.run import Run

__all__ = [
    "Figure",
    "RunReport",
    "console",
    "headline_figures",
    "make_report",
    "print_json",
    "show_report",
    "show_rows",
]


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure of a run with its baseline beside it."""

    what: str
    value: float
    baseline: str
    baseline_value: float
    higher_is_better: bool


@dataclass(frozen=True, slots=True)
class RunReport:
    """What a published night came to."""

    run_id: str
    status: str  # published or degraded
    cutoff: date
    folder: Path
    seconds: float
    peak_mb: float
    steps: dict[str, float]  # name → seconds
    rows: dict[str, int]  # published table → rows
    read: dict[str, dict[str, int]]  # input table → read, kept, rejected, after_cutoff, forgotten
    texts_encoded: int
    cache_hits: int
    figures: tuple[Figure, ...]
    degradations: tuple[str, ...]
    notes: tuple[str, ...]


def make_report(
    run: Run, night: Night, tables: Mapping[str, pl.DataFrame], *, folder: Path, degradations: tuple[str, ...]
) -> RunReport:
    """Return the report of a run that is published."""
    counts = night.shop.ingested.counts
    summed = counts.group_by("table_name", maintain_order=True).agg(
        pl.col("read", "kept", "rejected", "after_cutoff", "forgotten").sum()
    )
    notes = night.shop.ingested.notes + night.said.notes + night.offer.lists.notes
    if night.demand.result is not None:
        notes += night.demand.result.notes
    cost = run.measures()
    return RunReport(
        run_id=run.run_id,
        status="degraded" if degradations else "published",
        cutoff=night.shop.cutoff,
        folder=folder,
        seconds=float(str(cost["seconds"])),
        peak_mb=float(str(cost["peak_mb"])),
        steps=dict(run.steps),
        rows={name: table.height for name, table in tables.items()},
        read={row.pop("table_name"): row for row in summed.to_dicts()},
        texts_encoded=night.texts.texts_encoded,
        cache_hits=night.texts.cache_hits,
        figures=headline_figures(tables["recommendation_quality"], tables["backtest"], tables["sentiment_quality"]),
        degradations=degradations,
        notes=notes,
    )


def headline_figures(quality: pl.DataFrame, backtest: pl.DataFrame, sentiment: pl.DataFrame) -> tuple[Figure, ...]:
    """Return the figures that a person asks for first: lists, forecasts, the reading of reviews, each beside others."""
    found = []
    for table, metrics, better in ((quality, ("ndcg@10", "recall@10"), True), (backtest, ("wape", "wql"), False)):
        rows = table.filter(pl.col("metric").is_in(metrics) & pl.col("baseline").is_not_null())
        rows = rows.filter(pl.col("segment").is_in(["all", "new"]) & pl.col("value").is_finite() & (pl.col("n") > 0))
        weighted = [(pl.col(name) * pl.col("n")).sum() / pl.col("n").sum() for name in ("value", "baseline_value")]
        keys = ["metric", "segment", "baseline"]
        for row in rows.group_by(keys).agg(weighted).sort(keys).iter_rows(named=True):
            what = row["metric"] if row["segment"] == "all" else f"{row['metric']} of {row['segment']} items"
            found.append(Figure(what, row["value"], row["baseline"], row["baseline_value"], better))
    for row in sentiment.filter(pl.col("metric") == "macro_f1").iter_rows(named=True):
        what = f"macro F1 of reviews' sentiment ({row['segment']})"
        found.append(Figure(what, row["value"], row["baseline"], row["baseline_value"], higher_is_better=True))
    return tuple(found)


def console() -> Console:
    """Return a console on stdout; where no terminal is, it is wide enough that no row is broken."""
    from rich.console import Console

    return Console() if sys.stdout.isatty() else Console(width=10_000, highlight=False)


def print_json(value: object) -> None:
    """Write one JSON document; a number that is not finite becomes null, a date its ISO form."""
    sys.stdout.write(json.dumps(_plain(value), ensure_ascii=False) + "\n")


def _plain(value: object) -> object:
    if isinstance(value, dict):
        return {str(key): _plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple | frozenset | set):
        return [_plain(each) for each in value]
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if value is None or isinstance(value, str | int | bool):
        return value
    return value.isoformat() if isinstance(value, date | datetime) else str(value)


def show_rows(rows: pl.DataFrame | Sequence[Mapping[str, object]], *, as_json: bool) -> None:
    """Show rows as a list of objects, or as a table."""
    found = rows.to_dicts() if isinstance(rows, pl.DataFrame) else [dict(row) for row in rows]
    names = rows.columns if isinstance(rows, pl.DataFrame) else list(found[0]) if found else []
    if as_json:
        print_json(found)
        return
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, header_style="bold")
    numbers = {name for name in names if any(isinstance(row[name], int | float) for row in found)}
    for name in names:
        table.add_column(name, justify="right" if name in numbers else "left", overflow="fold")
    for row in found:
        table.add_row(*(Text(_cell(row[name])) for name in names))  # Text: a title is never markup
    out = console()
    with out.capture() as captured:
        out.print(table)
    sys.stdout.write("".join(line.rstrip() + "\n" for line in captured.get().splitlines()))


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.4g}" if abs(value) < 1000 else f"{value:,.0f}"
    return value.isoformat(sep=" ", timespec="seconds") if isinstance(value, datetime) else str(value)


def show_report(report: RunReport, *, as_json: bool) -> None:
    """Show what a night came to: one line a thing, the figures with their baselines."""
    if as_json:
        print_json(asdict(report))
        return
    out = console()
    out.print(
        f"run {report.run_id} {report.status}, cutoff {report.cutoff}, {report.seconds:.1f} s, {report.peak_mb:,.0f} MB"
    )
    for name, counts in report.read.items():
        out.print(f"  {name}: {counts['kept']:,} kept, {counts['rejected']:,} rejected of {counts['read']:,} read")
    out.print(f"  texts: {report.texts_encoded:,} encoded, {report.cache_hits:,} known")
    for figure in report.figures:
        out.print(f"  {figure.what} {figure.value:.4f} ({figure.baseline} {figure.baseline_value:.4f})")
    for line in report.degradations:
        out.print(f"  degraded: {line}", markup=False)
    out.print(f"  {report.folder / 'shelfwise.duckdb'}", markup=False)
