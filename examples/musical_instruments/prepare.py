"""Turn the raw files of Musical Instruments into the engine's tables: `python prepare.py RAW OUT`.

RAW holds `items.parquet` and `reviews.parquet`; OUT gets tables of the same names. There are no sales: a review by a
user stands for one unit bought that day, and the night says so. Prints one JSON line: kept and dropped reviews add up
to `read`.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

import polars as pl

RAW_FILES = ("items.parquet", "reviews.parquet")


def shop_tables(raw: Path) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return items and reviews in the engine's names and types, each sorted by its id.

    An item's first review stands for its launch, so that no item is on sale before anybody could have it. Prices are
    noisy: they are shown, and no feature of a forecast. Texts keep their HTML entities: the engine cleans them.
    """
    reviews = pl.read_parquet(raw / "reviews.parquet").select(
        "review_id", "item_id", "user_id", "occurred_at", pl.col("stars").cast(pl.Float64), "title", "text"
    )
    first = reviews.group_by("item_id").agg(pl.col("occurred_at").min().dt.date().alias("available_from"))
    items = pl.read_parquet(raw / "items.parquet").select("item_id", "title", "category", "price")
    items = items.join(first, on="item_id", how="left").sort("item_id")
    known = reviews.join(items.select("item_id"), on="item_id", how="semi")
    return items, known.sort("review_id")


def main() -> None:
    """Read RAW, write OUT, print the counts."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("raw", type=Path)
    parser.add_argument("out", type=Path)
    arguments = parser.parse_args()
    absent = [name for name in RAW_FILES if not (arguments.raw / name).is_file()]
    if absent:
        where = "examples/musical_instruments/README.md says where they come from"
        sys.exit(f"{arguments.raw}: missing {', '.join(absent)}; {where}")
    items, reviews = shop_tables(arguments.raw)
    arguments.out.mkdir(parents=True, exist_ok=True)
    items.write_parquet(arguments.out / "items.parquet")
    reviews.write_parquet(arguments.out / "reviews.parquet")
    read = pl.scan_parquet(arguments.raw / "reviews.parquet").select(pl.len()).collect().item()
    figures = {
        "read": read,
        "reviews": reviews.height,
        "of_unknown_items": read - reviews.height,
        "items": items.height,
    }
    print(json.dumps(figures | {"users": reviews["user_id"].n_unique()}))


if __name__ == "__main__":
    main()
