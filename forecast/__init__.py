"""Demand in quantiles: as-of features, one direct LightGBM, analogs for launches, backtest, stock-out risk."""

from __future__ import annotations

from forecast.demand import forecast_demand
from forecast.explain import name_reviews
from forecast.stockout import stockout_risk
from forecast.task import DemandForecast, DemandTask, ForecastConfig, ForecastError

__all__ = [
    "DemandForecast",
    "DemandTask",
    "ForecastConfig",
    "ForecastError",
    "forecast_demand",
    "name_reviews",
    "stockout_risk",
]
