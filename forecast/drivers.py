"""What is known ahead: the calendar of the target's period, promotions and calendar tables with any columns."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from forecast.history import Column, Rows, take
from forecast.kernels import rolling_mean
from forecast.panel import Floats, Ints, Panel, period_of
from forecast.task import ForecastError

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = [
    "CalendarDriver",
    "Promotions",
    "calendar_drivers",
    "date_columns",
    "driver_columns",
    "promotion_columns",
    "read_promotions",
]

_NAMED = frozenset({"date", "day", "item_id", "location_id", "starts_on", "ends_on", "known_on"})
_MOST_CODES = 200  # a text with more different values is an id or prose, not a driver


def date_columns(panel: Panel, rows: Rows) -> Iterator[Column]:
    """Yield where the target's period lies in the year (and for days in the week), and how far ahead it is."""
    middle = [panel.first_day(t) + timedelta(days=panel.period_days // 2) for t in range(panel.periods + panel.horizon)]
    year = np.array([d.timetuple().tm_yday / 365.25 for d in middle])[rows.target]
    yield Column("horizon", "horizon", rows.horizon.astype(np.float32))
    for times in (1, 2):
        yield Column(f"year_sin_{times}", "calendar", np.sin(2 * np.pi * times * year).astype(np.float32))
        yield Column(f"year_cos_{times}", "calendar", np.cos(2 * np.pi * times * year).astype(np.float32))
    christmas = np.array([(_next_christmas(d) - d).days for d in middle])[rows.target]
    yield Column("days_to_christmas", "calendar", np.minimum(christmas, 120).astype(np.float32))
    if panel.period_days == 1:
        yield Column("weekday", "calendar", np.array([d.weekday() for d in middle])[rows.target].astype(np.float32))
        yield Column("month_day", "calendar", np.array([d.day for d in middle])[rows.target].astype(np.float32))


def _next_christmas(day: date) -> date:
    this = date(day.year, 12, 25)
    return this if day <= this else date(day.year + 1, 12, 25)


@dataclass(frozen=True, slots=True)
class CalendarDriver:
    """One column of the calendar: (keys, periods + horizon), and which key each series reads (-1: none)."""

    name: str
    values: Floats
    key: Ints
    codes: bool


def calendar_drivers(calendar: pl.DataFrame | None, panel: Panel) -> list[CalendarDriver]:
    """Return every column of the calendar that is a number, a truth value or a short text, by period.

    A number is the mean over the period's days, a text the code of the first one. A row that names no location or no
    item holds for all of them; rows that name one are a driver of their own.
    """
    if calendar is None or not calendar.height:
        return []
    if "date" not in calendar.columns:
        msg = f"the calendar lacks 'date'; found {', '.join(calendar.columns)}: rename or add it"
        raise ForecastError(msg)
    keys: list[str] = [name for name in ("item_id", "location_id") if name in calendar.columns]
    whole = calendar.with_columns(period_of(pl.col("date").cast(pl.Date), panel).alias("period"))
    whole = whole.filter(pl.col("period").is_between(0, panel.periods + panel.horizon - 1)).sort(*keys, "date")
    drivers: list[CalendarDriver] = []
    for named in _key_sets(whole, keys):
        present = [pl.col(k).is_not_null() if k in named else pl.col(k).is_null() for k in keys]
        part = whole.filter(*present) if present else whole
        drivers += _drivers_of(part, named, panel)
    return drivers


def _key_sets(whole: pl.DataFrame, keys: list[str]) -> list[list[str]]:
    """Return which keys rows of the calendar name: none, the location, the item, both."""
    if not keys:
        return [[]]
    flags = whole.select(pl.col(k).is_not_null() for k in keys).unique().sort(keys)
    return [[k for k, present in zip(keys, row, strict=True) if present] for row in flags.iter_rows()]


def _drivers_of(part: pl.DataFrame, keys: list[str], panel: Panel) -> list[CalendarDriver]:
    owners = (
        part.select(keys).unique(maintain_order=True).with_row_index("owner") if keys else pl.DataFrame({"owner": [0]})
    )
    numbers = part.join(owners, on=keys, maintain_order="left") if keys else part.with_columns(pl.lit(0).alias("owner"))
    key = (
        panel.series.join(owners, on=keys, how="left", maintain_order="left")["owner"]
        .cast(pl.Int64)
        .fill_null(-1)
        .to_numpy()
        if keys
        else np.zeros(panel.series.height, dtype=np.int64)
    )
    drivers = []
    suffix = "" if not keys else "_by_" + "_".join(k.removesuffix("_id") for k in keys)
    for name, (values, codes) in _numeric(part).items():
        rows = numbers.select("owner", "period", values.alias("value")).drop_nulls()
        pick = pl.col("value").first() if codes else pl.col("value").mean()
        rows = rows.group_by("owner", "period", maintain_order=True).agg(pick)
        if not rows.height:
            continue
        matrix = np.full((owners.height, panel.periods + panel.horizon), np.nan)
        matrix[rows["owner"].to_numpy(), rows["period"].to_numpy()] = rows["value"].to_numpy()
        drivers.append(CalendarDriver(f"{name}{suffix}", matrix, key, codes))
    return drivers


def _numeric(frame: pl.DataFrame) -> dict[str, tuple[pl.Series, bool]]:
    """Return each column that can be a driver as float64, and whether its numbers are codes of short texts."""
    found: dict[str, tuple[pl.Series, bool]] = {}
    for name in sorted(set(frame.columns) - _NAMED - {"period", "owner"}):
        column = frame[name]
        if column.dtype.is_numeric() or column.dtype == pl.Boolean:
            values = column.cast(pl.Float64)
            found[name] = (values.fill_nan(None), False)
        elif column.dtype == pl.String and 0 < column.n_unique() <= _MOST_CODES:
            names = column.drop_nulls().unique().sort()
            code = pl.DataFrame({name: names, "code": np.arange(len(names), dtype=np.float64)})
            found[name] = (frame.select(name).join(code, on=name, how="left", maintain_order="left")["code"], True)
    return found


def driver_columns(drivers: list[CalendarDriver], panel: Panel, rows: Rows, season: int) -> Iterator[Column]:
    """Yield each driver at the target, before and after it, a season earlier, and against its mean up to the origin."""
    for driver in drivers:
        owner = driver.key[rows.series]
        known = owner >= 0

        def at(period: Ints, driver: CalendarDriver = driver, owner: Ints = owner, known: np.ndarray = known) -> Floats:
            return np.where(known, take(driver.values, np.maximum(owner, 0), period), np.nan)

        now = at(rows.target)
        yield Column(driver.name, "calendar", now.astype(np.float32), driver.codes)
        if driver.codes:
            continue
        yield Column(f"{driver.name}_before", "calendar", at(rows.target - 1).astype(np.float32))
        # plans are read through the horizon, at a past origin as today: its last period has no after
        after = np.where(rows.horizon < panel.horizon, at(rows.target + 1), np.nan)
        yield Column(f"{driver.name}_after", "calendar", after.astype(np.float32))
        yield Column(f"{driver.name}_season", "calendar", at(rows.target - season).astype(np.float32))


@dataclass(frozen=True, slots=True)
class Promotions:
    """Promotions by series and period, one row each.

    `facts` has series, period, known (the first origin that may see it), share (of the period's days), and `names`.
    """

    facts: pl.DataFrame
    names: tuple[str, ...]


def read_promotions(promotions: pl.DataFrame | None, panel: Panel) -> Promotions | None:
    """Return promotions by series and period of the panel and horizon; None where there are none."""
    if promotions is None or not promotions.height:
        return None
    missing = [name for name in ("item_id", "starts_on", "ends_on") if name not in promotions.columns]
    if missing:
        msg = f"promotions lack {', '.join(missing)}; found {', '.join(promotions.columns)}: rename or add them"
        raise ForecastError(msg)
    names = tuple(f"promo_{name}" for name in _numeric(promotions))
    whole = promotions.select(
        pl.col("item_id").cast(pl.String),
        (
            pl.col("location_id").cast(pl.String) if "location_id" in promotions.columns else pl.lit(None, pl.String)
        ).alias("location_id"),
        pl.col("starts_on", "ends_on").cast(pl.Date),
        (pl.col("known_on").cast(pl.Date) if "known_on" in promotions.columns else pl.lit(None, pl.Date)).alias(
            "known_on"
        ),
        *(values.alias(f"promo_{name}") for name, (values, _) in _numeric(promotions).items()),
    )
    series = panel.series.with_row_index("series")
    everywhere = whole.filter(pl.col("location_id").is_null()).drop("location_id").join(series, on="item_id")
    here = whole.filter(pl.col("location_id").is_not_null()).join(series, on=["item_id", "location_id"])
    both = pl.concat([everywhere, here], how="diagonal")
    # known on a day within a period: the origin at that period's end is the first that may see it
    known = pl.when(pl.col("known_on").is_null()).then(-(10**9)).otherwise(period_of(pl.col("known_on"), panel))
    last = panel.periods + panel.horizon - 1
    days = (
        both.with_columns(
            known.alias("known"),
            period_of(pl.col("starts_on"), panel).alias("first"),
            period_of(pl.col("ends_on"), panel).alias("end"),
        )
        .filter((pl.col("first") <= last) & (pl.col("end") >= 0) & (pl.col("ends_on") >= pl.col("starts_on")))
        .with_columns(pl.int_ranges(pl.col("first").clip(0), pl.col("end").clip(upper_bound=last) + 1).alias("period"))
        .explode("period")
    )
    zero = pl.lit(panel.first_day(0))
    begins = zero + pl.duration(days=pl.col("period") * panel.period_days)
    overlap = (
        pl.min_horizontal("ends_on", begins + pl.duration(days=panel.period_days - 1))
        - pl.max_horizontal("starts_on", begins)
    ).dt.total_days() + 1
    facts = days.select("series", "period", "known", (overlap / panel.period_days).alias("share"), *names)
    return Promotions(facts.sort("series", "period", "known", "share", *names), names)


def promotion_columns(promotions: Promotions | None, panel: Panel, rows: Rows, season: int) -> Iterator[Column]:
    """Yield promotions at the target and around it that were known at the origin, and the past's promoted share."""
    if promotions is None:
        return
    at_target = _facts_at(promotions, rows.series, rows.target, rows.origin)
    yield Column(
        "promo_share", "promotion", at_target["share"].fill_null(0).clip(upper_bound=1).to_numpy().astype(np.float32)
    )
    for name in promotions.names:
        yield Column(name, "promotion", at_target[name].to_numpy().astype(np.float32))
    for step, label in ((-1, "before"), (1, "after")):
        near = _facts_at(promotions, rows.series, rows.target + step, rows.origin)["share"]
        share = near.fill_null(0).clip(upper_bound=1).to_numpy()
        inside = rows.horizon + step <= panel.horizon
        yield Column(f"promo_share_{label}", "promotion", np.where(inside, share, np.nan).astype(np.float32))
    past = _past_shares(promotions, panel)
    year = rolling_mean(past, season)
    yield Column("promo_share_origin", "promotion", past[rows.series, rows.origin].astype(np.float32))
    yield Column("promo_share_past", "promotion", year[rows.series, rows.origin].astype(np.float32))
    same = take(past, rows.series, np.minimum(rows.target - season, rows.origin))
    yield Column("promo_share_season", "promotion", same.astype(np.float32))


def _facts_at(promotions: Promotions, series: Ints, period: Ints, origin: Ints) -> pl.DataFrame:
    """Return share and drivers of each (series, period) by what was known at the origin; null where nothing was."""
    asked = pl.DataFrame({"row": np.arange(len(series)), "series": series, "period": period, "origin": origin})
    met = asked.join(promotions.facts.cast({"series": pl.Int64, "period": pl.Int64}), on=["series", "period"])
    met = met.filter(pl.col("known") <= pl.col("origin"))
    weighed = [
        ((pl.col(n) * pl.col("share")).sum() / pl.col("share").filter(pl.col(n).is_not_null()).sum()).alias(n)
        for n in promotions.names
    ]
    sums = met.sort("row").group_by("row", maintain_order=True).agg(pl.col("share").sum(), *weighed)
    return asked.select("row").join(sums, on="row", how="left", maintain_order="left")


def _past_shares(promotions: Promotions, panel: Panel) -> Floats:
    """Return the promoted share of each period, by what was known when the period ended: (series, periods)."""
    facts = promotions.facts.filter((pl.col("known") <= pl.col("period")) & (pl.col("period") < panel.periods))
    shares = np.zeros((panel.series.height, panel.periods))
    np.add.at(shares, (facts["series"].to_numpy(), facts["period"].to_numpy()), facts["share"].to_numpy())
    return np.minimum(shares, 1.0)
