#!/usr/bin/env python3
"""Forecast any task folder with the forecaster of the night.

usage: forecast_task.py FOLDER --out FORECAST.parquet [--cutoff YYYY-MM-DD …] [--threads 2]

FOLDER holds task.json (frequency such as "7d", horizon, cutoffs), sales.parquet (item_id, location_id, date, units;
absent rows are unknown unless task.json says `"absent": "zero"`) and, where there are any, drivers.parquet (date,
location_id or item_id, any columns known ahead), items.parquet and locations.parquet. For each cutoff the forecaster
gets sales up to it, and drivers through the horizon. FORECAST.parquet has cutoff, item_id, location_id, date, mean and
p10 … p90; a row's date is cutoff + frequency times step. Prints one JSON line with the seconds.
"""

from __future__ import annotations

import argparse
import json
import time
from datetime import date, timedelta
from pathlib import Path

import polars as pl

from forecast import DemandTask, ForecastConfig, forecast_demand
from warehouse.tables import QUANTILES

COLUMNS = ("cutoff", "item_id", "location_id", "date", "mean", *QUANTILES)


def read_optional(path: Path) -> pl.DataFrame | None:
    """Return the table, or None where there is none."""
    return pl.read_parquet(path) if path.exists() else None


def read_task(folder: Path, cutoff: date) -> DemandTask:
    """Return the task of one cutoff: no sale after it, no driver after its horizon.

    A date of the folder is the last day of its period. The task's `seasonality` is that of the score's scale alone;
    the forecaster takes the year of weeks, or the week and year of days.
    """
    facts = json.loads((folder / "task.json").read_text())
    days = int(facts["frequency"].removesuffix("d"))
    last = cutoff + timedelta(days=days * facts["horizon"])
    sales = pl.read_parquet(folder / "sales.parquet").rename({"date": "day"}).filter(pl.col("day") <= cutoff)
    drivers = read_optional(folder / "drivers.parquet")
    return DemandTask(
        sales=sales.drop_nulls("units"),
        cutoff=cutoff,
        period_days=days,
        horizon=int(facts["horizon"]),
        season=7 if days == 1 else max(1, round(364 / days)),
        absent="zero" if facts.get("absent") == "zero" else "unknown",
        items=read_optional(folder / "items.parquet"),
        locations=read_optional(folder / "locations.parquet"),
        calendar=None if drivers is None else drivers.filter(pl.col("date") <= last),
    )


def forecast_folder(folder: Path, cutoffs: list[date], config: ForecastConfig) -> pl.DataFrame:
    """Return the forecasts of every cutoff."""
    parts = []
    for cutoff in cutoffs:
        task = read_task(folder, cutoff)
        rows = forecast_demand(task, config).forecast
        labelled = rows.with_columns(
            pl.lit(cutoff).alias("cutoff"), (pl.col("date") + pl.duration(days=task.period_days - 1)).alias("date")
        )
        parts.append(labelled.select(COLUMNS))
    return pl.concat(parts)


def main() -> None:
    """Read the command line, forecast, write, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--cutoff", action="append", type=date.fromisoformat, help="in place of the task's own")
    parser.add_argument("--threads", type=int, default=2)
    given = parser.parse_args()
    begun = time.perf_counter()
    cutoffs = given.cutoff or [
        date.fromisoformat(c) for c in json.loads((given.folder / "task.json").read_text())["cutoffs"]
    ]
    result = forecast_folder(given.folder, cutoffs, ForecastConfig(threads=given.threads, explain=False))
    result.write_parquet(given.out)
    print(
        json.dumps(
            {
                "task": given.folder.name,
                "cutoffs": len(cutoffs),
                "rows": result.height,
                "seconds": round(time.perf_counter() - begun, 1),
            }
        )
    )


if __name__ == "__main__":
    main()
