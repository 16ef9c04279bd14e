"""Turn the raw files of Online Retail II into the engine's tables: `python prepare.py RAW OUT`.

RAW holds `year_2009_2010.parquet`, `year_2010_2011.parquet` (invoice lines) and `item_ids.parquet` (description → item
id); OUT gets `items.parquet` and `sales.parquet`. Prints one JSON line that says where every line went: the parts
add up to `read`.
"""

from __future__ import annotations

import argparse
import json
import sys
from datetime import datetime
from pathlib import Path

import polars as pl

SECOND_YEAR_FROM = datetime(2010, 12, 10)  # noqa: DTZ001  the shop's own clock; the nine days before stand in both years
RAW_FILES = ("year_2009_2010.parquet", "year_2010_2011.parquet", "item_ids.parquet")
PARTS = ("sale", "return", "no_product", "no_price", "stock_adjustment", "second_copy")
RETURN_KEYS = ("user_id", "item_id", "units")


def read_lines(raw: Path) -> pl.DataFrame:
    """Return both years' lines in the order of time, with their item_id and `part`, which is one of PARTS."""
    years = [pl.read_parquet(raw / name).with_columns(pl.col("Quantity").cast(pl.Int64)) for name in RAW_FILES[:2]]
    lines = pl.concat(
        [year.with_columns(year=pl.lit(number)) for number, year in enumerate(years, 1)], how="diagonal"
    ).select(
        "year",
        pl.col("Invoice").alias("order_id"),
        pl.col("Description").str.strip_chars().str.replace_all(r"\s+", " ").alias("title"),
        pl.col("Quantity").alias("units"),
        pl.col("UnitPrice").alias("unit_price"),
        pl.col("InvoiceDate").alias("sold_at"),
        pl.col("CustomerID").cast(pl.String).alias("user_id"),
    )
    ids = pl.read_parquet(raw / "item_ids.parquet").rename({"description": "folded"})
    lines = lines.with_columns(pl.col("title").str.to_uppercase().alias("folded"))
    lines = lines.join(ids, on="folded", how="left", maintain_order="left")
    part = (
        pl.when((pl.col("year") == 2) & (pl.col("sold_at") < SECOND_YEAR_FROM))
        .then(pl.lit("second_copy"))
        .when(pl.col("item_id").is_null())
        .then(pl.lit("no_product"))
        .when((pl.col("units") > 0) & (pl.col("unit_price") > 0))
        .then(pl.lit("sale"))
        .when(pl.col("units") > 0)
        .then(pl.lit("no_price"))
        .when(pl.col("unit_price") > 0)
        .then(pl.lit("return"))
        .otherwise(pl.lit("stock_adjustment"))
    )
    return lines.with_columns(part=part).sort("sold_at", maintain_order=True).with_row_index("row")


def match_returns(lines: pl.DataFrame) -> pl.DataFrame:
    """Return row, units_returned: a return goes to the last earlier sale of the same user, item and units.

    A sale takes one return. `units_returned` carries what came back later than the sale, whenever that was.
    """
    sales = lines.filter((pl.col("part") == "sale") & pl.col("user_id").is_not_null())
    returns = lines.filter((pl.col("part") == "return") & pl.col("user_id").is_not_null())
    returns = returns.select("user_id", "item_id", (-pl.col("units")).alias("units"), "sold_at")
    matched = returns.sort("sold_at", *RETURN_KEYS).join_asof(
        sales.select(*RETURN_KEYS, "sold_at", "row").sort("sold_at", "row"),
        on="sold_at",
        by=list(RETURN_KEYS),
        strategy="backward",
        check_sortedness=False,
    )
    matched = matched.drop_nulls("row").unique("row", keep="first", maintain_order=True)
    return matched.select("row", pl.col("units").alias("units_returned"))


def shop_tables(lines: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame, int]:
    """Return items, sales, and how many returns found their sale.

    An item's title and `available_from` are those of its first sale: nothing comes from later.
    """
    returned = match_returns(lines)
    sales = lines.filter(pl.col("part") == "sale").join(returned, on="row", how="left", maintain_order="left")
    sales = sales.with_columns(pl.col("sold_at").dt.date().alias("sold_on"))
    items = sales.group_by("item_id", maintain_order=True).agg(
        pl.col("title").first(), pl.col("sold_on").first().alias("available_from")
    )
    sales = sales.select(
        "item_id",
        "sold_on",
        pl.col("units").cast(pl.Float64),
        "unit_price",
        pl.col("units_returned").fill_null(0).cast(pl.Float64),
        "user_id",
        "order_id",
    )
    return items.sort("item_id"), sales, returned.height


def main() -> None:
    """Read RAW, write OUT, print the counts."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("raw", type=Path)
    parser.add_argument("out", type=Path)
    arguments = parser.parse_args()
    absent = [name for name in RAW_FILES if not (arguments.raw / name).is_file()]
    if absent:
        where = "examples/online_retail_ii/README.md says where they come from"
        sys.exit(f"{arguments.raw}: missing {', '.join(absent)}; {where}")
    lines = read_lines(arguments.raw)
    items, sales, matched = shop_tables(lines)
    arguments.out.mkdir(parents=True, exist_ok=True)
    items.write_parquet(arguments.out / "items.parquet")
    sales.write_parquet(arguments.out / "sales.parquet")
    counts = dict(lines.group_by("part").len().iter_rows())
    figures = {"read": lines.height, **{part: counts.get(part, 0) for part in PARTS}}
    users = sales["user_id"].drop_nulls().n_unique()
    figures |= {"returns_matched_to_a_sale": matched, "items": items.height, "users": users}
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
