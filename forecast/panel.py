"""Days into periods: every series' past as a row of a dense matrix whose last period ends on the cutoff."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
from numpy.typing import NDArray

from forecast.task import KEY, DemandTask, ForecastError

if TYPE_CHECKING:
    from datetime import date

__all__ = ["Floats", "Ints", "Panel", "build_panel", "period_of"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Panel:
    """The past of every series. Row `s` of the matrices belongs to row `s` of `series`; column `t` is a period.

    Attributes:
        series: item_id, location_id; sorted, one row a series.
        units: (series, periods); nan before a series' first sale, and where nothing is known.
        price: (series, periods); mean price paid; nan where nothing was sold or no price is known.
        start: (series,); the period of the first sale.
    """

    series: pl.DataFrame
    units: Floats
    price: Floats
    start: Ints
    cutoff: date
    period_days: int
    horizon: int

    @property
    def periods(self) -> int:
        """Return how many periods of the past there are; the last one ends on the cutoff."""
        return int(self.units.shape[1])

    def first_day(self, period: int) -> date:
        """Return the first day of a period; `periods` is the first one of the horizon."""
        return self.cutoff + timedelta(days=1 + (period - self.periods) * self.period_days)


def period_of(day: pl.Expr, panel: Panel) -> pl.Expr:
    """Return the period in which a day falls: negative before the panel, `periods` and more after the cutoff."""
    after = (day - pl.lit(panel.cutoff)).dt.total_days() - 1
    return after.floordiv(panel.period_days).cast(pl.Int64) + panel.periods


def build_panel(task: DemandTask) -> Panel:
    """Return the panel of a task. Rows after the cutoff are not read.

    Raises:
        ForecastError: a column is missing, units are not finite, or the horizon, season or period is below 1.
    """
    sales = _checked_sales(task)
    ago = (pl.lit(task.cutoff) - pl.col("day")).dt.total_days().floordiv(task.period_days).cast(pl.Int64)
    paid = pl.col("unit_price") * pl.col("units")
    weighed = pl.when(pl.col("unit_price").is_not_null() & (pl.col("units") > 0))
    sums = (
        sales.with_columns(ago.alias("ago"))
        .sort(*KEY, "day", "units", "unit_price")  # the order in which floats are summed decides their last bit
        .group_by(*KEY, "ago", maintain_order=True)
        .agg(
            pl.col("units").sum(),
            weighed.then(paid).sum().alias("paid"),
            weighed.then(pl.col("units")).sum().alias("weight"),
        )
        .sort(*KEY, "ago")
    )
    series = sums.select(KEY).unique(maintain_order=True)
    periods = int(sums["ago"].max() or 0) + 1 if sums.height else 0  # type: ignore[arg-type]
    rows = sums.join(series.with_row_index("row"), on=KEY, maintain_order="left")["row"].to_numpy().astype(np.int64)
    columns = periods - 1 - sums["ago"].to_numpy()
    units = np.full((series.height, periods), np.nan)
    price = np.full((series.height, periods), np.nan)
    units[rows, columns] = sums["units"].to_numpy()
    weight = sums["weight"].to_numpy()
    sold = weight > 0
    price[rows[sold], columns[sold]] = sums["paid"].to_numpy()[sold] / weight[sold]
    start = _first_sale(units)
    if task.absent == "zero":
        inside = np.arange(periods) >= start[:, None]  # (series, periods)
        units = np.where(inside, np.nan_to_num(units), np.nan)
    else:
        units[np.arange(periods) < start[:, None]] = np.nan
    return Panel(series, units, price, start, task.cutoff, task.period_days, task.horizon)


def _first_sale(units: Floats) -> Ints:
    """Return each series' first period with units other than 0; its first known one where there is none."""
    if not units.size:
        return np.zeros(len(units), dtype=np.int64)
    known = ~np.isnan(units)
    sold = known & (units != 0)
    first: Ints = np.where(sold.any(axis=1), sold.argmax(axis=1), known.argmax(axis=1)).astype(np.int64)
    return first


def _checked_sales(task: DemandTask) -> pl.DataFrame:
    for name in ("period_days", "horizon", "season"):
        if getattr(task, name) < 1:
            msg = f"DemandTask.{name} is {getattr(task, name)}; it must be 1 or more"
            raise ForecastError(msg)
    missing = [name for name in (*KEY, "day", "units") if name not in task.sales.columns]
    if missing:
        msg = f"DemandTask.sales lacks {', '.join(missing)}; found {', '.join(task.sales.columns)}: rename or add them"
        raise ForecastError(msg)
    price = pl.col("unit_price") if "unit_price" in task.sales.columns else pl.lit(None)
    sales = task.sales.select(
        pl.col("item_id").cast(pl.String),
        pl.col("location_id").cast(pl.String).fill_null("all"),
        pl.col("day").cast(pl.Date),
        pl.col("units").cast(pl.Float64),
        price.cast(pl.Float64).alias("unit_price"),
    ).filter(pl.col("day") <= task.cutoff)
    bad = sales.filter(pl.col("units").is_null() | ~pl.col("units").is_finite())
    if bad.height:
        msg = f"DemandTask.sales has {bad.height} rows whose units are no number, e.g. {bad.row(0)}: reject them first"
        raise ForecastError(msg)
    return sales
