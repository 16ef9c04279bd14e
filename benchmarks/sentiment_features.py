"""Does the reviews' sentiment earn its place as a feature?

`python benchmarks/sentiment_features.py WHAT INPUT --cutoff DAY`: WHAT is `forecast` or `lists`, INPUT a folder of
tables as the night reads it. As of the cutoff, the forecaster or the ranker learns without the state of items in their
reviews, with it, and with each item's given to another item (shuffled). What came after the cutoff is the truth: sales
in the horizon (wape, wql), or what known users bought in `--days` and had not before (ndcg@10). Every arm runs with
each of `--seeds`; a value is the mean over the seeds, an interval the 95 % bootstrap of the mean paired difference over
items or users. Prints one JSON line a metric.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import tempfile
import time
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
from trials import bought_new, difference, ndcg_of

from forecast import forecast_demand
from jobs.embed import embed_texts
from jobs.forecast import demand_task
from jobs.ingest import read_shop
from jobs.recommend import shop_history
from jobs.sentiment import sentiment_of_shop
from jobs.settings import forecast_config, load_settings, recommend_config
from recsys import build_lists

if TYPE_CHECKING:
    from jobs.embed import EmbeddedTexts
    from jobs.ingest import Shop
    from jobs.settings import Settings

LEVELS = range(10, 100, 10)


def shuffled(items: pl.DataFrame, seed: int) -> pl.DataFrame:
    """Return the states, each item's given to another item that has reviews."""
    ids = items["item_id"].unique().sort()
    given = ids.gather(np.random.default_rng(seed).permutation(len(ids)))
    return items.with_columns(pl.col("item_id").replace(ids, given)).sort("item_id", "date")


def forecast_errors(
    shop: Shop, texts: EmbeddedTexts, reviews: pl.DataFrame | None, later: pl.DataFrame, settings: Settings
) -> pl.DataFrame:
    """Return one row an item: what was sold, the absolute error of the mean, and the summed pinball errors."""
    task = dataclasses.replace(demand_task(shop, texts, settings=settings), reviews=reviews)
    config = dataclasses.replace(forecast_config(settings), explain=False)
    told = forecast_demand(task, config).forecast.filter(pl.col("source") == "model")
    period = ((pl.col("day") - pl.lit(shop.cutoff)).dt.total_days() - 1) // 7
    sold = later.with_columns(date=pl.lit(shop.cutoff) + pl.duration(days=1 + 7 * period)).group_by(
        "item_id", "location_id", pl.col("date").cast(pl.Date)
    )
    rows = told.join(
        sold.agg(pl.col("units").sum()), on=["item_id", "location_id", "date"], how="left", maintain_order="left"
    ).with_columns(pl.col("units").fill_null(0.0))
    pinball = pl.sum_horizontal(
        2
        * pl.max_horizontal(
            level / 100 * (pl.col("units") - pl.col(f"p{level}")),
            (level / 100 - 1) * (pl.col("units") - pl.col(f"p{level}")),
        )
        for level in LEVELS
    ) / len(LEVELS)
    error = (pl.col("units") - pl.col("mean")).abs()
    return (
        rows.with_columns(error=error, pinball=pinball)
        .group_by("item_id")
        .agg(pl.col("units", "error", "pinball").sum())
        .sort("item_id")
    )


def list_gains(
    shop: Shop, texts: EmbeddedTexts, reviews: pl.DataFrame | None, truth: pl.DataFrame, settings: Settings
) -> pl.DataFrame:
    """Return one row a user of the truth: the ndcg@10 of the list."""
    history = dataclasses.replace(shop_history(shop, texts), reviews=reviews)
    config = dataclasses.replace(recommend_config(settings), measure=False, audience=0, bought_before="hide")
    users = truth["user_id"].unique().sort()
    lists = build_lists(history, users=users.to_list(), config=config, stock=None).recommendations
    return pl.DataFrame({"user_id": users, "ndcg": ndcg_of(lists, truth)})


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=["forecast", "lists"])
    parser.add_argument("input", type=Path)
    parser.add_argument("--cutoff", type=date.fromisoformat, required=True)
    parser.add_argument("--days", type=int, default=56)
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--cache", type=Path)
    options = parser.parse_args()
    began = time.monotonic()
    settings = load_settings(None, [f"threads={options.threads}"])
    cache = options.cache or Path(tempfile.mkdtemp())
    shop = read_shop(options.input, settings=settings, cutoff=options.cutoff, cache=None)
    texts = embed_texts(shop, settings=settings, cache=cache)
    items = sentiment_of_shop(shop, texts, settings=settings, cache=cache).items
    signals = read_shop(options.input, settings=settings, cutoff=None, cache=None).signals
    until = options.cutoff + timedelta(days=options.days)
    arms: dict[str, list[pl.DataFrame]] = {"without": [], "with": [], "shuffled": []}
    for seed in range(options.seeds):
        seeded = dataclasses.replace(settings, seed=seed)
        for arm, reviews in (("without", None), ("with", items), ("shuffled", shuffled(items, seed))):
            if options.what == "forecast":
                later = signals.demand.filter(pl.col("day").is_between(options.cutoff, until, closed="right"))
                arms[arm].append(forecast_errors(shop, texts, reviews, later, seeded))
            else:
                had = shop.signals.purchases
                truth = bought_new(signals.purchases, had, cutoff=options.cutoff, until=until)
                arms[arm].append(list_gains(shop, texts, reviews, truth, seeded))
    for name in ("error", "pinball") if options.what == "forecast" else ("ndcg",):
        below = arms["with"][0]["units"].to_numpy() if options.what == "forecast" else np.ones(arms["with"][0].height)
        mean = {arm: np.mean([each[name].to_numpy() for each in found], axis=0) for arm, found in arms.items()}
        print(
            json.dumps(
                {
                    "what": options.what,
                    "metric": {"error": "wape", "pinball": "wql", "ndcg": "ndcg@10"}[name],
                    "n": len(below),
                    **{arm: round(float(value.sum() / below.sum()), 5) for arm, value in mean.items()},
                    "with_less_without": list(difference(mean["with"], mean["without"], below).values()),
                    "with_less_shuffled": list(difference(mean["with"], mean["shuffled"], below).values()),
                    "items_with_reviews": items["item_id"].n_unique(),
                    "seconds": round(time.monotonic() - began),
                }
            )
        )


if __name__ == "__main__":
    main()
