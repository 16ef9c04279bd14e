"""Items without a sale: forecast from how the items most like them began."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from forecast.task import LEVELS, DemandTask, ForecastConfig
from forecast.text_features import Neighbours, nearest, rows_of

if TYPE_CHECKING:
    from datetime import date

    from forecast.panel import Floats, Ints, Panel

__all__ = ["Launch", "forecast_launches", "launch_curves"]

_CENSORED = 4  # an item that sold in the first periods on record may have begun before them
_FEW = 5  # a category with fewer launches is too few to tell
_FRESH = 4  # periods on sale without a sale after which an item no longer counts as just launched
_POWER = 4.0  # of the similarity: a neighbour at .8 weighs twice one at .67


@dataclass(frozen=True, slots=True)
class Curves:
    """How items began: units in the first periods from the first sale on, (launches, horizon); nan: not yet seen."""

    items: list[str]
    units: Floats
    begun: Ints  # (launches,) the period of the first sale


@dataclass(frozen=True, slots=True)
class Launch:
    """The forecast of one item over all locations: mean (horizon,), quantiles (horizon, 9), and what it was taken from.

    `neighbours` holds (item, similarity, units of the mean's sum that it accounts for); what was taken from a pool of
    launches has no item ("").
    """

    item_id: str
    mean: Floats
    quantiles: Floats
    source: str
    neighbours: tuple[tuple[str, float, float], ...]


def launch_curves(panel: Panel) -> Curves:
    """Return how each item began, summed over locations: of those seen to begin, or of all where few were."""
    items = panel.series["item_id"].unique().sort()
    of = items.search_sorted(panel.series["item_id"]).to_numpy().astype(np.int64)
    units = np.zeros((len(items), panel.periods))
    np.add.at(units, of, np.nan_to_num(panel.units))
    begun = np.full(len(items), panel.periods, dtype=np.int64)
    np.minimum.at(begun, of, panel.start)
    seen = begun >= _CENSORED
    kept = np.flatnonzero(seen if seen.sum() >= _FEW else begun >= 0)
    steps = begun[kept, None] + np.arange(panel.horizon)
    curves = (
        np.take_along_axis(units[kept], np.minimum(steps, panel.periods - 1), axis=1)
        if len(kept)
        else np.zeros((0, panel.horizon))
    )
    curves = np.where(steps < panel.periods, np.maximum(curves, 0), np.nan)
    known = ~np.isnan(curves)
    if known.any():
        # one launch in a hundred sells a hundred times the rest: its neighbours will not
        curves = np.where(known, np.minimum(curves, np.nanquantile(curves, 0.99)), np.nan)
    return Curves([items[int(i)] for i in kept], curves, begun[kept])


def forecast_launches(task: DemandTask, panel: Panel, config: ForecastConfig, width: float) -> list[Launch]:
    """Return a forecast of every item of the catalogue without a sale up to the cutoff, in the order of their ids.

    Planned items (`available_from` within the horizon, or up to four periods before the cutoff) begin like the launches
    of their text neighbours, or without text like those of their category, or of all. An item that has been in the
    catalogue for longer and never sold is thinned by how often such items did begin to sell within a horizon.

    `width` is (p90 - p10) / mean of the median modelled item: a launch known by its category alone is made wider.
    """
    if task.items is None:
        return []
    items = task.items.with_columns(pl.col("item_id").cast(pl.String)).unique(
        "item_id", keep="first", maintain_order=True
    )
    new = items.join(panel.series, on="item_id", how="anti").sort("item_id")
    if not new.height:
        return []
    curves = launch_curves(panel)
    ids = new["item_id"].to_list()
    found = _text_neighbours(task, config, ids, curves)
    kinds = dict(items.select("item_id", "category").iter_rows()) if "category" in items.columns else {}
    rate = _begin_rate(items, panel)
    launches = []
    for number, (item, available) in enumerate(zip(ids, _dates(new), strict=True)):
        first, thinning = _plan(available, panel, rate)
        if found is not None and found.rows[number, 0] >= 0 and found.similarity[number, 0] > 0:
            launch = _from_neighbours(item, curves, found.rows[number], found.similarity[number])
        else:
            launch = _from_category(item, curves, kinds, width)
        launches.append(_placed(launch, first, thinning))
    return launches


def _dates(items: pl.DataFrame) -> list[date | None]:
    return (
        items["available_from"].cast(pl.Date).to_list() if "available_from" in items.columns else [None] * items.height
    )


def _plan(available: date | None, panel: Panel, rate: float) -> tuple[int, float]:
    """Return the period of the horizon, from 0, in which an item begins, and what share of a launch to expect."""
    if available is None:
        return 0, rate
    ahead = ((available - panel.cutoff).days - 1) // panel.period_days
    return (ahead, 1.0) if ahead >= 0 else (0, 1.0 if ahead >= -_FRESH else rate)


def _begin_rate(items: pl.DataFrame, panel: Panel) -> float:
    """Return how often an item in the catalogue for long without a sale sold within the horizon: looked at one ago.

    Items with an `available_from` later than four periods before that origin were no such items.
    """
    origin = panel.periods - 1 - panel.horizon
    if origin < 0:
        return 1.0
    begun = panel.series.with_columns(pl.Series("begun", panel.start)).group_by("item_id").agg(pl.col("begun").min())
    all_items = items.select("item_id", pl.Series("available", _dates(items), dtype=pl.Date)).join(
        begun, on="item_id", how="left"
    )
    long_ago = panel.first_day(origin + 1 - _FRESH)
    waiting = all_items.filter(
        (pl.col("available").is_null() | (pl.col("available") < long_ago))
        & (pl.col("begun").is_null() | (pl.col("begun") > origin))
    )
    began = waiting.filter(pl.col("begun").is_not_null()).height
    return min(1.0, (began + 0.5) / (waiting.height + 1))


def _text_neighbours(task: DemandTask, config: ForecastConfig, ids: list[str], curves: Curves) -> Neighbours | None:
    """Return each new item's nearest launches by text: rows into `curves`; None where no text is to be used."""
    if task.text is None or config.use_text == "off" or not curves.items:
        return None
    of_new, of_old = rows_of(task.text, ids), rows_of(task.text, curves.items)
    told = np.flatnonzero(of_old >= 0)
    asked = np.where(of_new[:, None] >= 0, task.text.vectors[np.maximum(of_new, 0)], 0).astype(np.float32)
    found = nearest(asked, task.text.vectors[of_old[told]], config.neighbours)
    rows = np.where(found.rows >= 0, told[np.maximum(found.rows, 0)] if len(told) else -1, -1)
    rows[of_new < 0] = -1
    return Neighbours(rows, found.similarity)


def _from_neighbours(item: str, curves: Curves, rows: Ints, similarity: Floats) -> Launch:
    """Return the similarity-weighted mean and quantiles of the neighbours' launches."""
    kept = (rows >= 0) & (similarity > 0)
    rows, similarity = rows[kept], similarity[kept]
    units = curves.units[rows]  # (k, horizon)
    weights = np.repeat(similarity[:, None] ** _POWER, units.shape[1], axis=1)
    mean, quantiles, shares = _pooled(units, weights, curves)
    effects = np.nansum(shares * units, axis=1) if mean.sum() else np.zeros(len(rows))
    rest = float(mean.sum() - effects.sum())  # periods that no neighbour has reached yet: from all launches
    named = [(curves.items[int(r)], float(s), float(e)) for r, s, e in zip(rows, similarity, effects, strict=True)]
    if rest > 1e-12:
        named.append(("", 0.0, rest))
    return Launch(item, mean, quantiles, "analog", tuple(named))


def _from_category(item: str, curves: Curves, kinds: dict[str, str | None], width: float) -> Launch:
    """Return mean and quantiles of the launches of the item's category, or of all where those are few; made wide."""
    kind = kinds.get(item)
    members = [r for r, other in enumerate(curves.items) if kind is not None and kinds.get(other) == kind]
    rows = np.array(members if len(members) >= _FEW else range(len(curves.items)), dtype=np.int64)
    units = curves.units[rows]
    mean, quantiles, _ = _pooled(units, np.ones_like(units), curves)
    return Launch(item, mean, _widened(mean, quantiles, width), "category", (("", 0.0, float(mean.sum())),))


def _widened(mean: Floats, quantiles: Floats, width: float) -> Floats:
    """Return quantiles stretched about the median until p90 - p10 is a tenth more than `width` means."""
    wanted = 1.1 * width * mean
    middle = quantiles[:, 4:5]
    have = np.maximum(quantiles[:, 8] - quantiles[:, 0], 1e-12)
    stretched = np.maximum(middle + (quantiles - middle) * np.maximum(1, wanted / have)[:, None], 0)
    short = wanted - (stretched[:, 8] - stretched[:, 0])  # what the floor at 0 took
    lift = np.clip((np.array(LEVELS) - 0.5) / 0.4, 0, 1)
    widened: Floats = stretched + np.maximum(short, 0)[:, None] * lift
    return widened


def _pooled(units: Floats, weights: Floats, curves: Curves) -> tuple[Floats, Floats, Floats]:
    """Return weighted mean (horizon,), quantiles (horizon, 9) and each launch's weight (launches, horizon).

    A period that none of them has reached is taken from all launches; one that none at all has reached, from the last.
    """
    horizon = curves.units.shape[1]
    mean, quantiles, shares = np.zeros(horizon), np.zeros((horizon, len(LEVELS))), np.zeros_like(units)
    for step in range(horizon):
        known = ~np.isnan(units[:, step]) & (weights[:, step] > 0)
        if known.any():
            shares[known, step] = weights[known, step] / weights[known, step].sum()
            sample, weight = units[known, step], shares[known, step]
        else:
            sample = curves.units[~np.isnan(curves.units[:, step]), step]
            weight = np.full(len(sample), 1 / max(len(sample), 1))
        if len(sample):
            mean[step] = float(sample @ weight)
            quantiles[step] = _weighted_quantiles(sample, weight)
        elif step:
            mean[step], quantiles[step] = mean[step - 1], quantiles[step - 1]
    return mean, quantiles, shares


def _weighted_quantiles(sample: Floats, weight: Floats) -> Floats:
    """Return the nine quantiles of a weighted sample, linear between the middles of its weights."""
    order = np.argsort(sample, kind="stable")
    middles = np.cumsum(weight[order]) - weight[order] / 2
    result: Floats = np.interp(LEVELS, middles, sample[order])
    return result


def _placed(launch: Launch, first: int, thinning: float) -> Launch:
    """Return the launch moved to its period of the horizon, 0 before it, and thinned."""
    horizon = len(launch.mean)
    kept = max(0, horizon - first)
    mean, quantiles = np.zeros(horizon), np.zeros_like(launch.quantiles)
    mean[horizon - kept :] = launch.mean[:kept] * thinning
    quantiles[horizon - kept :] = launch.quantiles[:kept] * thinning
    before = float(launch.mean.sum())
    share = float(mean.sum()) / before if before > 0 else 0.0
    named = tuple((item, similarity, effect * share) for item, similarity, effect in launch.neighbours)
    return Launch(launch.item_id, mean, quantiles, launch.source, named)
