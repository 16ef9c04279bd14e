"""How a run stands: its figures beside the baselines and the last run, and which of them fall too far behind."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import polars as pl

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from jobs.settings import Tolerances
    from warehouse import Published

__all__ = ["Standing", "check_quality", "read_standing", "take_standing"]


@dataclass(frozen=True, slots=True)
class Standing:
    """How a run did: quality and backtest as published, how many users and series it served, and what for."""

    lists: pl.DataFrame  # recommendation_quality
    forecast: pl.DataFrame  # backtest
    users: int
    series: int
    bought_before: str  # hide or keep: lists of the one and the other do not compare
    periods: tuple[int, int]  # days of a period, periods of the horizon: likewise


def take_standing(tables: Mapping[str, pl.DataFrame], facts: Mapping[str, object]) -> Standing:
    """Return how the run of these tables stands; `facts` are its manifest's."""
    users = tables["recommendations"]["user_id"].n_unique()
    series = tables["forecast"].select("item_id", "location_id").n_unique()
    return _standing(tables["recommendation_quality"], tables["backtest"], (users, series), facts)


def read_standing(published: Published) -> Standing:
    """Return how a published run stands."""
    counts = published.query(
        "SELECT (SELECT count(DISTINCT user_id) FROM recommendations) AS users, "
        "(SELECT count(*) FROM (SELECT DISTINCT item_id, location_id FROM forecast)) AS series"
    ).row(0)
    lists = published.query("SELECT * FROM recommendation_quality")
    return _standing(lists, published.query("SELECT * FROM backtest"), (counts[0], counts[1]), published.facts)


def _standing(
    lists: pl.DataFrame, backtest: pl.DataFrame, counts: tuple[int, int], facts: Mapping[str, object]
) -> Standing:
    periods = (int(str(facts["period_days"])), int(str(facts["horizon"])))
    return Standing(lists, backtest, *counts, bought_before=str(facts["bought_before"]), periods=periods)


def check_quality(standing: Standing, previous: Standing | None, *, tolerances: Tolerances) -> list[str]:
    """Return one sentence for each figure that is too far behind a baseline or, where there is one, the last run.

    A figure counts as behind only where its whole 95 % interval is, and where `least_n` rows were measured.
    """
    found = []
    for row in _figures(_meant_for(standing), "ndcg@10", tolerances).iter_rows(named=True):
        floor = (row["baseline_value"] or 0.0) * (1 - tolerances.ndcg_below_baseline)
        if row["baseline"] == "popular" and row["high"] < floor:
            found.append(_behind("lists", row, f"{row['baseline']} {row['baseline_value']:.4f}, least {floor:.4f}"))
    for row in _figures(standing.forecast, "wape", tolerances).iter_rows(named=True):
        ceiling = (row["baseline_value"] or float("inf")) * (1 + tolerances.wape_above_baseline)
        if row["low"] > ceiling:
            found.append(_behind("forecast", row, f"{row['baseline']} {row['baseline_value']:.4f}, most {ceiling:.4f}"))
    if previous is not None:
        found += _against_previous(standing, previous, tolerances)
    return found


def _meant_for(standing: Standing) -> pl.DataFrame:
    """Return the figures of what the lists are for: lists that keep what was bought are not there to find the new."""
    return standing.lists.filter(pl.col("segment") == ("new" if standing.bought_before == "hide" else "all"))


def _against_previous(standing: Standing, previous: Standing, tolerances: Tolerances) -> Iterator[str]:
    if standing.bought_before == previous.bought_before:
        for row in _beside(_meant_for(standing), previous.lists, "ndcg@10", tolerances):
            floor = row["value_then"] * (1 - tolerances.ndcg_drop)
            if row["high"] < floor:
                yield _behind("lists", row, f"the last run's {row['value_then']:.4f}, least {floor:.4f}")
    if standing.periods == previous.periods:
        for row in _beside(standing.forecast, previous.forecast, "wape", tolerances):
            ceiling = row["value_then"] * (1 + tolerances.wape_rise)
            if row["low"] > ceiling:
                yield _behind("forecast", row, f"the last run's {row['value_then']:.4f}, most {ceiling:.4f}")
    counts = (("users", standing.users, previous.users), ("series", standing.series, previous.series))
    for what, count, before in counts:
        least = before * (1 - tolerances.rows_drop)
        if count < least:
            yield f"{what}: {count:,}, the last run had {before:,}, least {least:,.0f} (check.rows_drop)"


def _beside(now: pl.DataFrame, then: pl.DataFrame, metric: str, tolerances: Tolerances) -> list[dict[str, Any]]:
    """Return one row a segment that both runs measured, the earlier run's columns with the ending `_then`."""
    keys = ["segment", "metric"]
    ours, theirs = (
        _figures(each, metric, tolerances).unique(keys, keep="first", maintain_order=True) for each in (now, then)
    )
    return ours.join(theirs, on=keys, suffix="_then", maintain_order="left").to_dicts()


def _figures(quality: pl.DataFrame, metric: str, tolerances: Tolerances) -> pl.DataFrame:
    """Return one row a segment and baseline: means over past cutoffs by rows measured; no interval is the value."""
    rows = quality.filter((pl.col("metric") == metric) & (pl.col("n") > 0) & pl.col("segment").is_in(["all", "new"]))
    ends = rows.with_columns(pl.col("low", "high").fill_null(pl.col("value")))
    weighted = [
        (pl.col(name) * pl.col("n")).sum() / pl.col("n").sum() for name in ("value", "baseline_value", "low", "high")
    ]
    found = (
        ends.group_by("segment", "metric", "baseline")
        .agg(*weighted, pl.col("n").sum())
        .sort("segment", "metric", "baseline")
    )
    return found.filter(pl.col("n") >= tolerances.least_n)


def _behind(what: str, row: Mapping[str, object], other: str) -> str:
    interval = f"{row['value']:.4f} [{row['low']:.4f}, {row['high']:.4f}]"
    return f"{what}: {row['metric']} of segment {row['segment']} is {interval} against {other}"
