"""Quantile forecasts of every item and location: read, learn, look back, correct, forecast, explain."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta

import numpy as np
import polars as pl

from forecast.backtest import Past, backtest_rows, past_forecasts, past_origins
from forecast.baselines import history_quantiles
from forecast.calibrate import Corrections, apply_corrections, cells_of, learn_corrections
from forecast.design import Design, Sources, assemble, future_rows, read_sources, targets_of, training_rows
from forecast.explain import explain_launches, explain_model
from forecast.history import Rows, windows_of
from forecast.kernels import rolling_mean, since
from forecast.launches import Launch, forecast_launches
from forecast.model import Fitted, fit, predict_mean, predict_quantiles
from forecast.panel import Floats, Panel, build_panel
from forecast.shop_level import shop_level
from forecast.task import (
    EXPLAIN_SCHEMA,
    FORECAST_SCHEMA,
    KEY,
    DemandForecast,
    DemandTask,
    ForecastConfig,
    Progress,
)
from warehouse.tables import QUANTILES

__all__ = ["forecast_demand"]

_FEWEST_ROWS = 200
_ENDED_DAYS = 182  # half a year without a sale ends an item, unless it always sold that rarely
_ENDED_GAPS = 4


@dataclass(frozen=True, slots=True)
class _Modelled:
    """The forecast of every series with sales: (rows,) and (rows, 9) in units, and the effects behind them."""

    rows: Rows
    mean: Floats
    quantiles: Floats
    explain: pl.DataFrame


def forecast_demand(task: DemandTask, config: ForecastConfig, progress: Progress | None = None) -> DemandForecast:
    """Return mean and quantiles of the units of every series and launch in every period of the horizon.

    One LightGBM learns from all series at many past origins, with the horizon as a feature, for the mean and for each
    of nine quantiles. A second one, which saw only what lay before some past origins, tells how good that is
    (`backtest`) and what to correct. Items without a sale are forecast as launches; those
    that stopped selling get zeros.

    Raises:
        ForecastError: a table lacks a column, or its values are none.
    """
    panel = build_panel(task)
    sources = read_sources(panel, task, config)
    rows = training_rows(sources)
    notes: list[str] = []
    past: Past | None = None
    if len(rows) < _FEWEST_ROWS:
        notes.append(
            f"forecast: {len(rows)} rows to learn from, not {_FEWEST_ROWS}: each series' own last quarter is taken"
        )
        modelled = _from_history(sources)
    else:
        past = past_forecasts(sources, rows, past_origins(panel.periods, task.horizon))
        if past is None:
            notes.append("forecast: too little history to look back on: no backtest and no calibration")
        fitted = _fitted(sources, rows, progress)
        modelled = _from_model(sources, fitted, _corrections(past, sources))
    ended = _ended(sources)
    series = _series_frame(sources, modelled, ended)
    launches = forecast_launches(task, panel, config, _median_width(series))
    shares = _location_shares(panel)
    whole = pl.concat([series, _launch_frame(launches, shares, panel)]).sort(*KEY, "date")
    explained = (
        _explained(modelled.explain, launches, shares, ended, panel)
        if config.explain
        else pl.DataFrame(schema=EXPLAIN_SCHEMA)
    )
    return DemandForecast(whole, explained, backtest_rows(past, sources), tuple(notes))


def _fitted(sources: Sources, rows: Rows, progress: Progress | None) -> Fitted:
    scale = sources.scale[rows.series, rows.origin]
    return fit(assemble(sources, rows), targets_of(sources, rows) / scale, sources.config, progress)


def _zero_share(sources: Sources, rows: Rows) -> Floats:
    units = sources.panel.units
    empty = np.where(np.isnan(units), np.nan, (units == 0).astype(np.float64))
    share: Floats = rolling_mean(empty, windows_of(sources.panel.period_days)[-1])[rows.series, rows.origin]
    return share


def _corrections(past: Past | None, sources: Sources) -> Corrections | None:
    if past is None or not sources.config.calibrate:
        return None
    cells = cells_of(_zero_share(sources, past.rows), past.rows.horizon, sources.panel.horizon)
    return learn_corrections(past.actual, past.mean, past.quantiles, past.scale, cells)


def _from_model(sources: Sources, fitted: Fitted, corrections: Corrections | None) -> _Modelled:
    panel = sources.panel
    rows = future_rows(sources, panel.periods - 1)
    design = assemble(sources, rows)
    scale = sources.scale[rows.series, rows.origin]
    mean, quantiles = predict_mean(fitted, design.values), predict_quantiles(fitted, design.values)
    cells = cells_of(_zero_share(sources, rows), rows.horizon, panel.horizon)
    if corrections is not None:
        level = shop_level(panel, sources.scale, rows, np.maximum(mean, 0) * scale)
        corrections = corrections if level is None else replace(corrections, level=level)
    mean, quantiles = apply_corrections(corrections, mean, quantiles, cells)
    if np.nanmin(panel.units) >= 0:
        mean, quantiles = np.maximum(mean, 0), np.maximum(quantiles, 0)
    mean, quantiles = mean * scale, quantiles * scale[:, None]
    return _Modelled(rows, mean, quantiles, _model_effects(sources, fitted, design, rows, mean))


def _model_effects(sources: Sources, fitted: Fitted, design: Design, rows: Rows, mean: Floats) -> pl.DataFrame:
    if not sources.config.explain:
        return pl.DataFrame(schema=EXPLAIN_SCHEMA)
    scale = sources.scale[rows.series, rows.origin]
    drivers, series, effects = explain_model(fitted, design, rows, scale, mean)
    keys = sources.panel.series[np.repeat(series, len(drivers))]
    return keys.with_columns(
        pl.Series("driver", list(drivers) * len(series), dtype=pl.String),
        pl.Series("effect", effects.ravel()),
        pl.lit(None, pl.String).alias("neighbour_item_id"),
        pl.lit(None, pl.Float64).alias("similarity"),
    ).select(list(EXPLAIN_SCHEMA))


def _from_history(sources: Sources) -> _Modelled:
    panel = sources.panel
    rows = future_rows(sources, panel.periods - 1)
    mean, quantiles = history_quantiles(panel, rows) if len(rows) else (np.zeros(0), np.zeros((0, len(QUANTILES))))
    keys = panel.series.with_columns(
        pl.lit("level").alias("driver"),
        pl.Series("effect", mean.reshape(-1, panel.horizon).sum(axis=1) if len(rows) else [], dtype=pl.Float64),
        pl.lit(None, pl.String).alias("neighbour_item_id"),
        pl.lit(None, pl.Float64).alias("similarity"),
    )
    return _Modelled(rows, mean, quantiles, keys.select(list(EXPLAIN_SCHEMA)))


def _ended(sources: Sources) -> np.ndarray:
    """Return which series have ended, (series,): no sale for half a year and for four times their usual gap.

    The usual gap is the periods from first to last sale per sale. Nothing ends where absent rows are unknown.
    """
    panel = sources.panel
    if sources.task.absent == "unknown" or not panel.series.height:
        return np.zeros(panel.series.height, dtype=bool)
    sold = np.nan_to_num(panel.units) != 0
    quiet = since(sold)[:, -1]
    span = panel.periods - 1 - quiet - panel.start
    gap = span / np.maximum(sold.sum(axis=1) - 1, 1)
    ended: np.ndarray = (quiet >= -(-_ENDED_DAYS // panel.period_days)) & (quiet >= _ENDED_GAPS * gap)
    return ended


def _series_frame(sources: Sources, modelled: _Modelled, ended: np.ndarray) -> pl.DataFrame:
    over = ended[modelled.rows.series]
    mean = np.where(over, 0.0, modelled.mean)
    quantiles = np.where(over[:, None], 0.0, modelled.quantiles)
    days = [sources.panel.first_day(sources.panel.periods + step) for step in range(sources.panel.horizon)]
    return (
        sources.panel.series[modelled.rows.series]
        .with_columns(
            pl.Series("date", [days[h - 1] for h in modelled.rows.horizon], dtype=pl.Date),
            pl.lit(sources.panel.period_days, pl.Int32).alias("period_days"),
            pl.Series("mean", mean),
            *(pl.Series(name, quantiles[:, number]) for number, name in enumerate(QUANTILES)),
            pl.lit("model").alias("source"),
            pl.Series("status", np.where(over, "ended", "active").tolist(), dtype=pl.String),
        )
        .select(list(FORECAST_SCHEMA))
    )


def _median_width(series: pl.DataFrame) -> float:
    """Return (p90 - p10) / mean over the horizon of the median item that is still sold."""
    sums = series.filter(pl.col("status") == "active").group_by("item_id").agg(pl.col("mean", "p10", "p90").sum())
    widths = sums.filter(pl.col("mean") > 0).select((pl.col("p90") - pl.col("p10")) / pl.col("mean")).to_series()
    middle = widths.median()
    return float(middle) if isinstance(middle, float) else 1.0


def _location_shares(panel: Panel) -> pl.DataFrame:
    """Return each location's share of the units of the last year; equal shares where nothing was sold."""
    year = windows_of(panel.period_days)[-1]
    if not panel.series.height:
        return pl.DataFrame({"location_id": ["all"], "share": [1.0]})
    units = np.maximum(np.nansum(panel.units[:, -year:], axis=1), 0)
    sums = (
        panel.series.select("location_id", pl.Series("units", units))
        .group_by("location_id")
        .agg(pl.col("units").sum())
        .sort("location_id")
    )
    total = float(sums["units"].sum())
    share = pl.col("units") / total if total > 0 else pl.lit(1.0 / sums.height)
    return sums.select("location_id", share.alias("share"))


def _launch_frame(launches: list[Launch], shares: pl.DataFrame, panel: Panel) -> pl.DataFrame:
    rows = [
        (
            launch.item_id,
            location,
            panel.cutoff + timedelta(days=1 + step * panel.period_days),
            panel.period_days,
            launch.mean[step] * share,
            *(launch.quantiles[step] * share),
            launch.source,
            "new",
        )
        for launch in launches
        for location, share in shares.iter_rows()
        for step in range(panel.horizon)
    ]
    return pl.DataFrame(rows, schema=FORECAST_SCHEMA, orient="row")


def _explained(
    effects: pl.DataFrame, launches: list[Launch], shares: pl.DataFrame, ended: np.ndarray, panel: Panel
) -> pl.DataFrame:
    over = panel.series.filter(pl.Series(ended)) if panel.series.height else panel.series
    kept = effects.join(over, on=KEY, how="anti")
    zeros = over.with_columns(
        pl.lit("ended").alias("driver"),
        pl.lit(0.0).alias("effect"),
        pl.lit(None, pl.String).alias("neighbour_item_id"),
        pl.lit(None, pl.Float64).alias("similarity"),
    )
    whole = pl.concat([kept, zeros.select(list(EXPLAIN_SCHEMA)), explain_launches(launches, shares)])
    return whole.sort(*KEY, "driver", "neighbour_item_id")
