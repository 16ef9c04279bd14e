"""Step `check`: what must hold in every run, and quality near that of the last run and the baselines; else refuse."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING

import polars as pl

from jobs.standing import check_quality
from warehouse.tables import LEVELS, PUBLISHED

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from jobs.settings import Settings
    from jobs.standing import Standing

__all__ = ["Expected", "Refused", "check_invariants", "check_run"]

_GROUPS = {
    "recommendations": ("user_id",),
    "buy_again": ("user_id",),
    "similar_items": ("query_item_id", "kind"),
    "audience": ("item_id",),
}
_LOWEST_RISE = 1e-9  # rounding of the ninth digit is no crossing


class Refused(Exception):  # noqa: N818 reads as what it is: the run is refused
    """An invariant is broken, or a figure falls behind by more than `[check]` allows: exit code 5."""


@dataclass(frozen=True, slots=True)
class Expected:
    """What a run's tables are held against."""

    cutoff: date
    users: tuple[str, ...]
    purchases: pl.DataFrame  # user_id, item_id: what each user has bought
    hide_bought: bool
    snapshots: tuple[str, ...]  # the snapshot ids that the lists and the forecast were made from
    forecast: bool = True  # False: skipped, by a named degradation


def check_run(
    tables: Mapping[str, pl.DataFrame],
    expected: Expected,
    *,
    standing: Standing,
    previous: Standing | None,
    settings: Settings,
) -> None:
    """Pass, or raise.

    Raises:
        Refused: names every invariant that is broken, or every figure that fell too far, with its numbers.
    """
    found = [
        *check_invariants(tables, expected, settings=settings),
        *check_quality(standing, previous, tolerances=settings.check),
    ]
    if found:
        raise Refused("refused by the checks, the previous run stays: " + "; ".join(found))


def check_invariants(tables: Mapping[str, pl.DataFrame], expected: Expected, *, settings: Settings) -> list[str]:
    """Return one sentence for each invariant that a table breaks; none is the empty list."""
    found = [*_required_columns(tables), *_keys(tables), *_lists(tables)]
    found += _recommendations(tables, expected, k=settings.k)
    found += _audience(tables, expected)
    if len(set(expected.snapshots)) > 1:
        found.append(
            f"lists and forecast come from different snapshots of the text vectors: {', '.join(expected.snapshots)}"
        )
    if expected.forecast:
        found += _forecast(tables, expected.cutoff, settings)
    risk = tables["stockout_risk"].filter(~pl.col("probability").is_between(0.0, 1.0))
    if risk.height:
        found.append(
            f"stockout_risk: {risk.height} rows have a probability outside 0 to 1, {_example(risk, 'item_id')}"
        )
    told = tables["sentiment"].filter(~pl.col("probability").is_between(0.0, 1.0))
    if told.height:
        found.append(f"sentiment: {told.height} rows have a probability outside 0 to 1, {_example(told, 'review_id')}")
    return found


def _required_columns(tables: Mapping[str, pl.DataFrame]) -> Iterator[str]:
    for name, frame in tables.items():
        for column in PUBLISHED[name].columns:
            if column.name not in frame.columns:
                yield f"{name}: column {column.name!r} is missing"
            elif column.required and (nulls := frame[column.name].null_count()):
                yield f"{name}.{column.name}: {nulls} of {frame.height} rows are empty"


def _keys(tables: Mapping[str, pl.DataFrame]) -> Iterator[str]:
    for name, frame in tables.items():
        key = list(PUBLISHED[name].key)
        if key and set(key) <= set(frame.columns) and (doubled := frame.height - frame.select(key).n_unique()):
            yield f"{name}: {doubled} rows repeat a ({', '.join(key)})"


def _lists(tables: Mapping[str, pl.DataFrame]) -> Iterator[str]:
    for name, group in _GROUPS.items():
        frame = tables[name]
        per = frame.sort(*group, "rank").with_columns(
            expected=pl.int_range(1, pl.len() + 1).over(group), step=pl.col("score").diff().over(group)
        )
        wrong = per.filter(pl.col("rank") != pl.col("expected"))
        if wrong.height:
            yield f"{name}: ranks are not 1, 2, 3 …, {_example(wrong, group[0])}"
        if (odd := frame.filter(~pl.col("score").is_finite())).height:
            yield f"{name}: {odd.height} scores are not finite, {_example(odd, group[0])}"
        if (rising := per.filter(pl.col("step") > _LOWEST_RISE)).height:
            yield f"{name}: a score rises with the rank, {_example(rising, group[0])}"
    itself = tables["similar_items"].filter(pl.col("query_item_id") == pl.col("item_id"))
    if itself.height:
        yield f"similar_items: {itself.height} items stand in their own list, {_example(itself, 'item_id')}"


def _recommendations(tables: Mapping[str, pl.DataFrame], expected: Expected, *, k: int) -> Iterator[str]:
    lists = tables["recommendations"]
    first_day = expected.cutoff + timedelta(days=1)
    sold = (
        tables["items"]
        .filter(pl.col("available_from").is_null() | (pl.col("available_from") <= first_day))
        .select("item_id")
    )
    bought = expected.purchases.select("user_id", "item_id").unique()
    if (odd := lists.join(sold, on="item_id", how="anti")).height:
        yield f"recommendations: {odd.height} rows cannot be bought on {first_day}, {_example(odd, 'item_id')}"
    if expected.hide_bought and (again := lists.join(bought, on=["user_id", "item_id"], how="semi")).height:
        yield f"recommendations: {again.height} rows were bought before and hidden, {_example(again, 'user_id')}"
    hidden = bought.join(sold, on="item_id", how="semi").group_by("user_id").agg(pl.len().alias("hidden"))
    wanted = pl.DataFrame({"user_id": expected.users}, schema={"user_id": pl.String}).join(
        hidden, on="user_id", how="left"
    )
    most = pl.lit(sold.height) - (pl.col("hidden").fill_null(0) if expected.hide_bought else 0)
    wanted = wanted.with_columns(wanted=pl.min_horizontal(pl.lit(k), most.cast(pl.Int64)))
    counts = lists.group_by("user_id").agg(pl.len().alias("rows"))
    compared = (
        wanted.join(counts, on="user_id", how="full", coalesce=True)
        .with_columns(pl.col("rows", "wanted").fill_null(0))
        .sort("user_id")
    )
    if (short := compared.filter(pl.col("rows") != pl.col("wanted"))).height:
        row = short.row(0, named=True)
        found = f"{row['user_id']!r} has {row['rows']} of {row['wanted']}"
        yield f"recommendations: {short.height} users have not the rows due, user {found}"
    forecast = tables["forecast"]
    if expected.forecast and (lost := lists.join(forecast, on="item_id", how="anti")).height:
        yield f"recommendations: {lost.height} rows have no forecast to join, {_example(lost, 'item_id')}"


def _audience(tables: Mapping[str, pl.DataFrame], expected: Expected) -> Iterator[str]:
    frame = tables["audience"]
    if (lost := frame.join(tables["items"], on="item_id", how="anti")).height:
        yield f"audience: {lost.height} rows are of items that are not in items, {_example(lost, 'item_id')}"
    strangers = frame.filter(~pl.col("user_id").is_in(expected.users))
    if strangers.height:
        yield f"audience: {strangers.height} rows are of users without a list, {_example(strangers, 'user_id')}"
    if expected.hide_bought:
        again = frame.join(expected.purchases, on=["user_id", "item_id"], how="semi")
        if again.height:
            yield f"audience: {again.height} rows were bought before and hidden, {_example(again, 'user_id')}"


def _forecast(tables: Mapping[str, pl.DataFrame], cutoff: date, settings: Settings) -> Iterator[str]:
    frame = tables["forecast"]
    quantiles = [f"p{level}" for level in LEVELS]
    values = ["mean", *quantiles]
    if (odd := frame.filter(~pl.all_horizontal(pl.col(values).is_finite()))).height:
        yield f"forecast: {odd.height} rows are not finite, {_example(odd, 'item_id')}"
    steps = [pl.col(high) - pl.col(low) < -_LOWEST_RISE for low, high in pairwise(quantiles)]
    if (crossed := frame.filter(pl.any_horizontal(steps))).height:
        yield f"forecast: quantiles cross in {crossed.height} rows, {_example(crossed, 'item_id')}"
    days = settings.period_days
    dates = [cutoff + timedelta(days=1 + days * step) for step in range(settings.horizon)]
    series = frame.group_by("item_id", "location_id").agg(pl.col("date").sort()).sort("item_id", "location_id")
    if (short := series.filter(pl.col("date") != pl.lit(pl.Series([dates])).first())).height:
        yield f"forecast: {short.height} series lack a period of the horizon, {_example(short, 'item_id')}"
    if (missing := tables["items"].join(frame, on="item_id", how="anti")).height:
        yield f"forecast: {missing.height} items have none, {_example(missing, 'item_id')}"
    sales = tables["sales"]
    if not (sales["units"] < 0).any() and (negative := frame.filter(pl.any_horizontal(pl.col(values) < 0))).height:
        yield f"forecast: {negative.height} rows are negative where no sale is, {_example(negative, 'item_id')}"


def _example(frame: pl.DataFrame, column: str) -> str:
    return f"for instance {column} {frame[column].sort().first()!r}"
