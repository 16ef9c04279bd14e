"""The table that the model learns from: a row is a series seen at an origin and asked about a period after it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from forecast.attributes import Attribute, attribute_columns, groups_of, read_attributes
from forecast.drivers import (
    CalendarDriver,
    Promotions,
    calendar_drivers,
    date_columns,
    driver_columns,
    promotion_columns,
    read_promotions,
)
from forecast.history import (
    NOTHING,
    Group,
    Rows,
    group_columns,
    group_sums,
    own_columns,
    price_columns,
    scale_of,
    take,
    windows_of,
)
from forecast.kernels import since
from forecast.review_features import ReviewSource, read_reviews, review_columns
from forecast.text_features import TextSource, read_text, text_columns

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from forecast.panel import Floats, Panel
    from forecast.task import DemandTask, ForecastConfig

__all__ = ["Design", "Sources", "assemble", "future_rows", "read_sources", "targets_of", "training_rows"]


_LEAST_ROWS = 30_000
_ROW_IN = 50


@dataclass(frozen=True, slots=True)
class Sources:
    """Everything that features are made from, read once."""

    panel: Panel
    task: DemandTask
    config: ForecastConfig
    scale: Floats  # (series, periods)
    attributes: list[Attribute]
    groups: list[Group]
    calendar: list[CalendarDriver]
    promotions: Promotions | None
    text: TextSource | None
    reviews: ReviewSource | None


@dataclass(frozen=True, slots=True)
class Design:
    """Features of rows: (rows, features), with each feature's name, driver and whether it holds codes."""

    values: NDArray[np.float32]
    names: tuple[str, ...]
    drivers: tuple[str, ...]
    categorical: tuple[int, ...]


def read_sources(panel: Panel, task: DemandTask, config: ForecastConfig) -> Sources:
    """Return what features are made from."""
    attributes = read_attributes(panel, task.items, task.locations)
    groups = [Group(name, of, group_sums(panel.units, of, count)) for name, of, count in groups_of(panel, attributes)]
    calendar = calendar_drivers(task.calendar, panel)
    promotions = read_promotions(task.promotions, panel)
    text = None
    if task.text is not None and config.use_text != "off" and panel.series.height:
        text = read_text(panel, task.text, k=config.neighbours, project=config.use_text == "on")
    reviews = None if task.reviews is None or not panel.series.height else read_reviews(panel, task.reviews)
    return Sources(panel, task, config, scale_of(panel), attributes, groups, calendar, promotions, text, reviews)


def assemble(sources: Sources, rows: Rows) -> Design:
    """Return the features of the rows. Each is a function of what was known at the row's origin, and of plans."""
    panel, season = sources.panel, sources.task.season
    columns = list(own_columns(panel, sources.scale, rows, season))
    for group in sources.groups:
        columns += group_columns(group, rows, panel, season)
    columns += price_columns(panel, rows)
    columns += date_columns(panel, rows)
    columns += driver_columns(sources.calendar, panel, rows, season)
    columns += promotion_columns(sources.promotions, panel, rows, season)
    columns += attribute_columns(sources.attributes, rows)
    if sources.text is not None:
        columns += text_columns(sources.text, sources.scale, rows)
    if sources.reviews is not None:
        columns += review_columns(sources.reviews, rows)
    values = np.empty((len(rows), len(columns)), dtype=np.float32)
    for number, column in enumerate(columns):
        values[:, number] = column.values
        if column.categorical:
            values[values[:, number] < 0, number] = np.nan  # no code; LightGBM would say so on standard output
    coded = tuple(number for number, column in enumerate(columns) if column.categorical)
    return Design(values, tuple(c.name for c in columns), tuple(c.driver for c in columns), coded)


def future_rows(sources: Sources, origin: int) -> Rows:
    """Return every series that had begun by the origin, for every period of the horizon: series by series."""
    begun = np.flatnonzero(sources.panel.start <= origin)
    horizon = sources.panel.horizon
    return Rows(
        np.repeat(begun, horizon),
        np.full(len(begun) * horizon, origin, dtype=np.int64),
        np.tile(np.arange(1, horizon + 1, dtype=np.int64), len(begun)),
    )


def targets_of(sources: Sources, rows: Rows) -> Floats:
    """Return the units of each row's target period; nan where it lies after the cutoff or is not known."""
    return take(sources.panel.units, rows.series, rows.target)


def training_rows(sources: Sources) -> Rows:
    """Return the rows to learn from, thinned by a draw from all pairs of origin and known target.

    All of them up to 30,000, then one in fifty (neighbouring origins say nearly the same), up to about `max_rows`.

    Later origins are drawn more often: one a season old half as often as the newest. Series that have sold nothing for
    half a year at an origin are left out of it.
    """
    panel, config = sources.panel, sources.config
    draw = np.random.default_rng(config.seed)
    windows = windows_of(panel.period_days)
    first = min(windows[0], max(0, panel.periods // 4)) - 1
    origins = np.arange(max(first, 0), panel.periods - 1)
    asleep = since(np.nan_to_num(panel.units) != 0) > windows[-2]  # (series, periods)
    able = (panel.start[:, None] <= np.arange(panel.periods)) & ~asleep & (sources.scale > NOTHING)
    alive = able[:, origins].sum(axis=0)
    reach = np.minimum(panel.horizon, panel.periods - 1 - origins)
    recency = 0.5 ** ((panel.periods - 1 - origins) / windows[-1])
    total = float((alive * reach * recency).sum())
    wanted = min(config.max_rows, _LEAST_ROWS + total / _ROW_IN)
    chance = np.minimum(1.0, recency * wanted / max(total, 1.0))
    parts = []
    for origin, share, ahead in zip(origins, chance, reach, strict=True):
        series = np.flatnonzero(able[:, origin])
        kept = np.flatnonzero(draw.random(len(series) * ahead) < share)
        parts.append(Rows(series[kept // ahead], np.full(len(kept), origin, dtype=np.int64), kept % ahead + 1))
    rows = Rows(
        *(
            np.concatenate([getattr(p, name) for p in parts]) if parts else np.zeros(0, np.int64)
            for name in ("series", "origin", "horizon")
        )
    )
    return rows.part(~np.isnan(targets_of(sources, rows)))
