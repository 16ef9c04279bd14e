"""What goes into a forecast and what comes out of it: the frozen shapes at the door of this room."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from warehouse.tables import PUBLISHED, QUANTILES, polars_schema

if TYPE_CHECKING:
    from datetime import date

    import polars as pl

    from encoders import ItemVectors

__all__ = [
    "BACKTEST_SCHEMA",
    "EXPLAIN_SCHEMA",
    "FORECAST_SCHEMA",
    "KEY",
    "LEVELS",
    "DemandForecast",
    "DemandTask",
    "ForecastConfig",
    "ForecastError",
    "Progress",
]

Progress = Callable[[str, int, int], None]  # what, done, total

KEY = ("item_id", "location_id")
LEVELS = tuple(int(name[1:]) / 100 for name in QUANTILES)  # .1, .2 … .9


def _schema(table: str) -> dict[str, pl.DataType]:
    schema = polars_schema(PUBLISHED[table])
    return {name: type_ for name, type_ in schema.items() if name not in {"run_id", "title"}}


FORECAST_SCHEMA = _schema("forecast")
EXPLAIN_SCHEMA = _schema("forecast_explain")
BACKTEST_SCHEMA = _schema("backtest")


class ForecastError(Exception):
    """A task or an inventory that cannot be forecast: what is wrong, where, what was found, what cures it."""


@dataclass(frozen=True, slots=True)
class DemandTask:
    """What was known on the evening of the cutoff, and what is planned after it.

    Periods of `period_days` follow one another so that the last one of the past ends on the cutoff and the first one
    of the forecast begins on the day after it. A series is an item at a location; it begins with its first sale.

    Attributes:
        sales: item_id, location_id, day, units[, unit_price]; any number of rows an item, location and day.
        season: periods in a season: 52 for weeks. For days, 7 is taken together with 364.
        absent: what a day without a row means between a series' first sale and the cutoff: none sold, or not known.
        items: item_id and any attributes; items without a sale are forecast as launches. `available_from` is a plan.
        locations: location_id and any attributes.
        promotions: item_id, starts_on, ends_on[, location_id, known_on], and any further columns, which are drivers.
        calendar: date[, location_id][, item_id] and any further columns, through the horizon, which are drivers.
        text: product vectors as of the cutoff.
        reviews: item_id, date, reviews, mean_stars, mean_probability, trend: how each item stood on each day that
            brought a review; the forecast learns from it. None: it does not.
    """

    sales: pl.DataFrame
    cutoff: date
    period_days: int = 7
    horizon: int = 8
    season: int = 52
    absent: Literal["zero", "unknown"] = "zero"
    items: pl.DataFrame | None = None
    locations: pl.DataFrame | None = None
    promotions: pl.DataFrame | None = None
    calendar: pl.DataFrame | None = None
    text: ItemVectors | None = None
    reviews: pl.DataFrame | None = None


@dataclass(frozen=True, slots=True)
class ForecastConfig:
    """How the model is trained. Fewer rows than `max_rows` also mean fewer rounds and leaves: see `forecast.model`.

    Attributes:
        rounds: trees of each of the ten models where there are `max_rows` rows; small data takes fewer.
        leaves: leaves of a tree, likewise.
        learning_rate: shrinkage of a tree where `rounds` are taken.
        max_rows: training rows (a series, origin and horizon each) at most; more are thinned by a draw.
        use_text: `on` adds projected vectors and text neighbours to every series, `off` uses no text, not even for
            items without a sale; `auto` forecasts items without a sale from their text neighbours, and adds the
            neighbours' level and momentum, which help young items, to the model.
        neighbours: text neighbours of an item.
        calibrate: learn level and quantile corrections on past origins.
        explain: say what each forecast is made of.
        seed: of every draw.
        threads: of LightGBM.
    """

    rounds: int = 300
    leaves: int = 63
    learning_rate: float = 0.05
    max_rows: int = 300_000
    use_text: Literal["auto", "on", "off"] = "auto"
    neighbours: int = 20
    calibrate: bool = True
    explain: bool = True
    seed: int = 0
    threads: int = 2


@dataclass(frozen=True, slots=True)
class DemandForecast:
    """What comes out: PUBLISHED's tables of `warehouse.tables` less `run_id` and `title`, sorted by their keys.

    Attributes:
        forecast: one row a series and period of the horizon, quantiles in units of the period, never crossing.
        explain: effects in units over the whole horizon. They sum to the mean less the base; the base is the row
            whose driver is `base` (none: 0), so all rows of a series sum to the mean.
        backtest: how the same method did on past origins, beside two baselines.
        notes: what was done without, and what was decided from the data.
    """

    forecast: pl.DataFrame
    explain: pl.DataFrame
    backtest: pl.DataFrame
    notes: tuple[str, ...]
