"""How likely an item is to be out of stock by the end of each period, from its forecast and what lies on the shelf."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from forecast.task import LEVELS, ForecastError
from warehouse.tables import QUANTILES

if TYPE_CHECKING:
    from datetime import date

    from forecast.panel import Floats

__all__ = ["stockout_risk"]

_SCHEMA = {
    "item_id": pl.String(),
    "location_id": pl.String(),
    "date": pl.Date(),
    "on_hand": pl.Float64(),
    "probability": pl.Float64(),
}


def stockout_risk(forecast: pl.DataFrame, inventory: pl.DataFrame, *, cutoff: date) -> pl.DataFrame:
    """Return the chance that the demand of all periods up to each one reaches the stock: PUBLISHED's `stockout_risk`.

    The stock is what was last counted up to the cutoff, with what is on order from the end of the period in which it is
    expected. Demand's quantiles are summed over the periods as if a good week were followed by good ones (comonotone):
    over several periods that is a wide interval, on the safe side for a buyer. No stock is a probability of 1.

    Args:
        forecast: item_id, location_id, date (first day of a period), period_days, p10 … p90.
        inventory: item_id, date, on_hand[, location_id, on_order, expected_on]; rows after the cutoff are not read.
        cutoff: the last day known.

    Returns:
        item_id, location_id, date, on_hand (with what has arrived by the period's end), probability; only items that
        inventory knows, sorted.

    Raises:
        ForecastError: a column is missing.
    """
    needed = {"item_id", "date", "on_hand"} - set(inventory.columns)
    if needed:
        msg = f"inventory lacks {', '.join(sorted(needed))}; found {', '.join(inventory.columns)}: rename or add them"
        raise ForecastError(msg)
    stock = _latest(inventory, cutoff)
    rows = forecast.join(stock, on=["item_id", "location_id"]).sort("item_id", "location_id", "date")
    if not rows.height:
        return pl.DataFrame(schema=_SCHEMA)
    begins = pl.col("date")
    arrived = pl.col("expected_on").is_not_null() & (
        pl.col("expected_on") < begins + pl.duration(days=pl.col("period_days"))
    )
    rows = rows.with_columns(
        (pl.col("on_hand") + pl.when(arrived).then(pl.col("on_order")).otherwise(0.0)).alias("on_hand")
    )
    summed = rows.select(pl.col(QUANTILES).cum_sum().over("item_id", "location_id")).to_numpy()
    return rows.select(
        "item_id",
        "location_id",
        "date",
        "on_hand",
        pl.Series("probability", _reached(rows["on_hand"].to_numpy(), summed)),
    )


def _latest(inventory: pl.DataFrame, cutoff: date) -> pl.DataFrame:
    """Return the last count of each item and location up to the cutoff; an order due by then is taken as counted."""
    given = set(inventory.columns)
    known = inventory.select(
        pl.col("item_id").cast(pl.String),
        (pl.col("location_id").cast(pl.String).fill_null("all") if "location_id" in given else pl.lit("all")).alias(
            "location_id"
        ),
        pl.col("date").cast(pl.Date).alias("counted_on"),
        pl.col("on_hand").cast(pl.Float64).fill_null(0.0),
        (pl.col("on_order").cast(pl.Float64).fill_null(0.0) if "on_order" in given else pl.lit(0.0))
        .clip(lower_bound=0)
        .alias("on_order"),
        (pl.col("expected_on").cast(pl.Date) if "expected_on" in given else pl.lit(None, pl.Date)).alias("expected_on"),
    ).filter(pl.col("counted_on") <= cutoff)
    last = known.sort("item_id", "location_id", "counted_on", "on_hand").unique(
        ["item_id", "location_id"], keep="last", maintain_order=True
    )
    late = pl.col("expected_on") <= pl.col("counted_on")
    return last.with_columns(pl.when(late).then(None).otherwise(pl.col("expected_on")).alias("expected_on")).drop(
        "counted_on"
    )


def _reached(stock: Floats, quantiles: Floats) -> Floats:
    """Return P(demand ≥ stock), (rows,), from nine quantiles (rows, 9): linear between them, exponential beyond p90.

    Below p10 the probability rises linearly to 1 at no stock; equal quantiles are told apart by the highest level, so
    stock that just meets a certain demand is out.
    """
    levels = np.array(LEVELS)
    floors = np.concatenate([np.zeros((len(stock), 1)), np.maximum(quantiles, 0)], axis=1)  # (rows, 10)
    chances = 1 - np.concatenate([[0.0], levels])  # P(demand ≥ quantile)
    result = np.empty(len(stock))
    for row, (have, steps) in enumerate(zip(stock, floors, strict=True)):
        if have <= 0:
            result[row] = 1.0
        elif have > steps[-1]:
            spread = max(steps[-1] - steps[5], 1e-9)  # p90 - p50
            result[row] = chances[-1] * 5 ** (-(have - steps[-1]) / spread)
        else:
            above = int(np.searchsorted(steps, have, side="left"))
            low, high = steps[above - 1], steps[above]
            part = (have - low) / (high - low)
            result[row] = chances[above - 1] + part * (chances[above] - chances[above - 1])
    return result
