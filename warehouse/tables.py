"""The one list of tables: names, columns, types, keys and the words that describe them.

Everything that names a column takes it from here: the DDL, the polars schemas, the comments seen in SQL,
`docs/tables.md`.
"""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

__all__ = ["INPUT", "PUBLISHED", "Column", "Table", "polars_schema"]

_POLARS: dict[str, pl.DataType] = {
    "VARCHAR": pl.String(),
    "DATE": pl.Date(),
    "TIMESTAMP": pl.Datetime("us"),
    "DOUBLE": pl.Float64(),
    "INTEGER": pl.Int32(),
    "BIGINT": pl.Int64(),
    "BOOLEAN": pl.Boolean(),
}

LEVELS = (10, 20, 30, 40, 50, 60, 70, 80, 90)
QUANTILES = tuple(f"p{level}" for level in LEVELS)


@dataclass(frozen=True, slots=True)
class Column:
    """One column: its DuckDB type, what it means (with its unit), and whether a row must have it."""

    name: str
    type: str
    comment: str
    required: bool = True


@dataclass(frozen=True, slots=True)
class Table:
    """One table: what a row is, its columns in order, the key that makes a row unique, and the order of its rows.

    `optional`: an input table that a shop may lack. `open`: further columns are kept as they are.
    """

    name: str
    comment: str
    columns: tuple[Column, ...]
    key: tuple[str, ...] = ()
    sort: tuple[str, ...] = ()
    optional: bool = False
    open: bool = False

    def column(self, name: str) -> Column:
        """Return the column of that name; KeyError where there is none."""
        return (
            next(column for column in self.columns if column.name == name)
            if name in self.names
            else _absent(self, name)
        )

    @property
    def names(self) -> tuple[str, ...]:
        """Return the columns' names in order."""
        return tuple(column.name for column in self.columns)


def _absent(table: Table, name: str) -> Column:
    msg = f"table {table.name!r} has no column {name!r}; it has {', '.join(table.names)}"
    raise KeyError(msg)


def polars_schema(table: Table) -> dict[str, pl.DataType]:
    """Return the polars type of each column, in order."""
    return {column.name: _POLARS[column.type] for column in table.columns}


def _optional(name: str, type_: str, comment: str) -> Column:
    return Column(name, type_, comment, required=False)


ITEM_ID = Column("item_id", "VARCHAR", "the shop's own id of the item, kept as text: 007 stays 007")
USER_ID = Column("user_id", "VARCHAR", "the shop's own id of the user, kept as text")
LOCATION_ID = _optional("location_id", "VARCHAR", "where it was or is sold; a shop without locations has one, 'all'")
EVERYWHERE = _optional("location_id", "VARCHAR", "where; absent, or 'all': everywhere")
RUN_ID = Column("run_id", "VARCHAR", "the run that published this row; run ids sort by time")
RANK = Column("rank", "INTEGER", "1 is best; 1, 2, 3 without a gap")
SCORE = Column("score", "DOUBLE", "higher is better; comparable within one list only")
REASON = Column("reason", "VARCHAR", "why the row is there, in words that the data bear out; “…” is quoted")
TITLE = Column("title", "VARCHAR", "the item's title as of the cutoff", required=False)

INPUT: dict[str, Table] = {
    table.name: table
    for table in (
        Table(
            "items",
            "One row an item of the shop's catalogue.",
            (
                ITEM_ID,
                Column("title", "VARCHAR", "what the shop calls it"),
                _optional("description", "VARCHAR", "the shop's text about it"),
                _optional("category", "VARCHAR", "the shop's category"),
                _optional("brand", "VARCHAR", "its brand"),
                _optional(
                    "price",
                    "DOUBLE",
                    "today's price: shown and matched, never a feature of a forecast (it has no date)",
                ),
                _optional("available_from", "DATE", "first day it can be bought; a later one is a planned launch"),
            ),
            key=("item_id",),
            sort=("item_id",),
            open=True,
        ),
        Table(
            "sales",
            "One row a sale. Two equal rows are two sales.",
            (
                ITEM_ID,
                Column("sold_on", "DATE", "the day of the sale in the shop's timezone"),
                Column("units", "DOUBLE", "units sold, gross; negative only where a shop does not keep returns apart"),
                _optional("unit_price", "DOUBLE", "price of one unit as paid"),
                LOCATION_ID,
                _optional("units_returned", "DOUBLE", "units of this sale that came back"),
                _optional("user_id", "VARCHAR", "who bought, where known"),
                _optional("order_id", "VARCHAR", "the order it belongs to"),
            ),
            sort=("item_id", "location_id", "sold_on"),
            optional=True,
        ),
        Table(
            "events",
            "One row a thing that a user did: view, search, cart, purchase, shown, clicked or a kind of the shop's.",
            (
                USER_ID,
                _optional("item_id", "VARCHAR", "the item; absent in a search"),
                Column("occurred_at", "TIMESTAMP", "when, UTC"),
                Column(
                    "kind", "VARCHAR", "view, search, cart, purchase, shown, clicked, …; unknown kinds are kept, unused"
                ),
                _optional("text", "VARCHAR", "browsing text: the query, the page's words"),
                _optional("value", "DOUBLE", "a number of the shop's own, units for a purchase"),
                _optional("run_id", "VARCHAR", "for shown and clicked: the run whose list it was"),
                _optional("rank", "INTEGER", "for shown and clicked: the place in the list"),
            ),
            sort=("user_id", "occurred_at", "item_id", "kind"),
            optional=True,
        ),
        Table(
            "reviews",
            "One row a review.",
            (
                Column("review_id", "VARCHAR", "the shop's own id of the review"),
                ITEM_ID,
                _optional("user_id", "VARCHAR", "who wrote it, where known"),
                _optional(
                    "occurred_at",
                    "TIMESTAMP",
                    "when, UTC; without it the review is known at every cutoff and enters no as-of feature",
                ),
                _optional("stars", "DOUBLE", "1 to 5"),
                _optional("title", "VARCHAR", "the review's headline"),
                Column("text", "VARCHAR", "what it says; may be empty", required=False),
            ),
            key=("review_id",),
            sort=("review_id",),
            optional=True,
        ),
        Table(
            "inventory",
            "One row an item, location and day: what lay on the shelf at the end of that day.",
            (
                ITEM_ID,
                LOCATION_ID,
                Column("date", "DATE", "the day"),
                Column("on_hand", "DOUBLE", "units on hand"),
                _optional("on_order", "DOUBLE", "units ordered and not yet here"),
                _optional("expected_on", "DATE", "the day on which they are expected"),
                _optional("lead_time_days", "DOUBLE", "days from order to shelf"),
            ),
            key=("item_id", "location_id", "date"),
            sort=("item_id", "location_id", "date"),
            optional=True,
        ),
        Table(
            "promotions",
            "One row a promotion of an item, known ahead. Further columns (kind, discount, price …) are drivers.",
            (
                ITEM_ID,
                EVERYWHERE,
                Column("starts_on", "DATE", "its first day"),
                Column("ends_on", "DATE", "its last day"),
                _optional("known_on", "DATE", "the day from which it was planned; absent: known ahead"),
            ),
            sort=("item_id", "location_id", "starts_on"),
            optional=True,
            open=True,
        ),
        Table(
            "calendar",
            "One row a day (and location): whatever is known ahead of it. Every further column is a driver.",
            (
                Column("date", "DATE", "the day"),
                EVERYWHERE,
            ),
            key=("date", "location_id"),
            sort=("date", "location_id"),
            optional=True,
            open=True,
        ),
    )
}

_QUANTILE_COLUMNS = tuple(
    Column(name, "DOUBLE", f"{level} % of outcomes are expected to be at or below, units in the period")
    for name, level in zip(QUANTILES, LEVELS, strict=True)
)
_FORECAST_COLUMNS = (
    ITEM_ID,
    Column("location_id", "VARCHAR", "where; 'all' in a shop without locations"),
    Column("date", "DATE", "first day of the period"),
    Column("period_days", "INTEGER", "length of the period in days"),
    Column("mean", "DOUBLE", "expected units in the period"),
    *_QUANTILE_COLUMNS,
    Column("source", "VARCHAR", "model, analog (from the launches of its text neighbours) or category"),
    Column("status", "VARCHAR", "active, new (no sale yet) or ended (zeros)"),
)
_LIST_COLUMNS = (USER_ID, ITEM_ID, RANK, SCORE)
_SOURCE = Column("source", "VARCHAR", "the candidate source that ranks it highest: covisit, text, popular, repeat, …")

PUBLISHED: dict[str, Table] = {
    table.name: table
    for table in (
        Table(
            "items",
            "Items on sale, or planned within the horizon, as of the cutoff.",
            (
                RUN_ID,
                *INPUT["items"].columns,
                Column("no_text", "BOOLEAN", "true: no text, so no vector and no text neighbours"),
            ),
            key=("item_id",),
            sort=("item_id",),
            open=True,
        ),
        Table(
            "sales",
            "Sales kept, up to the cutoff.",
            (RUN_ID, *INPUT["sales"].columns, TITLE),
            sort=("item_id", "location_id", "sold_on"),
        ),
        Table(
            "reviews",
            "Reviews kept, up to the cutoff, their texts cleaned and masked: what `ask` quotes.",
            (
                RUN_ID,
                Column("review_id", "VARCHAR", "the shop's own id of the review"),
                ITEM_ID,
                _optional("user_id", "VARCHAR", "who wrote it, where known"),
                _optional(
                    "date", "DATE", "the day it was written in the shop's timezone; absent: known at every cutoff"
                ),
                _optional("stars", "DOUBLE", "1 to 5"),
                _optional("headline", "VARCHAR", "the review's own title"),
                _optional("text", "VARCHAR", "what it says; may be empty"),
                TITLE,
            ),
            key=("review_id",),
            sort=("item_id", "date", "review_id"),
        ),
        Table(
            "recommendations",
            "What to show each user next: min(k, what may be shown) rows a user.",
            (RUN_ID, *_LIST_COLUMNS, _SOURCE, REASON, TITLE),
            key=("user_id", "item_id"),
            sort=("user_id", "rank"),
        ),
        Table(
            "buy_again",
            "What each user has bought and is due to buy again.",
            (RUN_ID, *_LIST_COLUMNS, REASON, TITLE),
            key=("user_id", "item_id"),
            sort=("user_id", "rank"),
        ),
        Table(
            "similar_items",
            "The nearest items of each item.",
            (
                RUN_ID,
                Column("query_item_id", "VARCHAR", "the item whose neighbours these are"),
                Column("kind", "VARCHAR", "blend: text and behaviour together"),
                ITEM_ID,
                RANK,
                SCORE,
                REASON,
                TITLE,
            ),
            key=("query_item_id", "kind", "item_id"),
            sort=("query_item_id", "kind", "rank"),
        ),
        Table(
            "audience",
            "Who is most likely to want what is launched or overstocked: up to 100 users an item.",
            (
                RUN_ID,
                ITEM_ID,
                USER_ID,
                RANK,
                Column(
                    "score",
                    "DOUBLE",
                    "the chance to buy the item in 28 days on sale, as a past window taught it, 0 to 1; where that "
                    "taught too little, the ranker's bare score",
                ),
                Column(
                    "source", "VARCHAR", "what ranks the pair highest: covisit, text, repeat, …; category or active"
                ),
                REASON,
                Column(
                    "occasion",
                    "VARCHAR",
                    "launch: first on sale within the horizon; overstock: more on hand than the horizon's summed p90",
                ),
                TITLE,
            ),
            key=("item_id", "user_id"),
            sort=("item_id", "rank"),
        ),
        Table(
            "forecast",
            "Units expected of each item and location in each period after the cutoff.",
            (RUN_ID, *_FORECAST_COLUMNS, TITLE),
            key=("item_id", "location_id", "date"),
            sort=("item_id", "location_id", "date"),
        ),
        Table(
            "forecast_explain",
            "What the forecast of an item is made of, summed over the horizon.",
            (
                RUN_ID,
                ITEM_ID,
                Column("location_id", "VARCHAR", "where"),
                Column(
                    "driver",
                    "VARCHAR",
                    "what it is attributed to: level, season, promotion, …; neighbour for an item without history; "
                    "where an item's reviews have a trend, also how they stand as of the cutoff: "
                    "'reviews: 12 in 90 days, mean 4.1 stars, trend -0.30' (the mean is over all, the trend that of "
                    "item_sentiment)",
                ),
                Column(
                    "effect",
                    "DOUBLE",
                    "units over the horizon; the effects of an item sum to its mean minus its base; 0 beside "
                    "'reviews: …': told to be read, no unit of the forecast is attributed to it",
                    required=False,
                ),
                Column(
                    "neighbour_item_id", "VARCHAR", "for a neighbour: the item whose launch was taken", required=False
                ),
                Column("similarity", "DOUBLE", "for a neighbour: cosine of the two texts", required=False),
                TITLE,
            ),
            sort=("item_id", "location_id", "driver", "neighbour_item_id"),
        ),
        Table(
            "stockout_risk",
            "How likely each item is to be out of stock.",
            (
                RUN_ID,
                ITEM_ID,
                Column("location_id", "VARCHAR", "where"),
                Column("date", "DATE", "first day of the period"),
                Column("on_hand", "DOUBLE", "units on hand at the cutoff, with what arrives up to the period's end"),
                Column("probability", "DOUBLE", "of being out by the end of that period, 0 to 1"),
                TITLE,
            ),
            key=("item_id", "location_id", "date"),
            sort=("item_id", "location_id", "date"),
        ),
        Table(
            "backtest",
            "How the forecaster did on past origins, beside a baseline.",
            (
                RUN_ID,
                Column("cutoff", "DATE", "the past origin"),
                Column("segment", "VARCHAR", "all, or a part of the items"),
                Column("metric", "VARCHAR", "wape, wql, coverage, bias"),
                Column("value", "DOUBLE", "ours"),
                Column("baseline", "VARCHAR", "what it is compared with", required=False),
                Column("baseline_value", "DOUBLE", "its figure", required=False),
                Column("n", "BIGINT", "rows measured"),
                Column("low", "DOUBLE", "lower end of the 95 % interval of value", required=False),
                Column("high", "DOUBLE", "upper end of the 95 % interval of value", required=False),
            ),
            key=("cutoff", "segment", "metric", "baseline"),
            sort=("cutoff", "segment", "metric", "baseline"),
        ),
        Table(
            "recommendation_quality",
            "How the lists did on the last window before the cutoff, beside a baseline.",
            (
                RUN_ID,
                Column("cutoff", "DATE", "the past origin"),
                Column("segment", "VARCHAR", "all, new (not bought before)"),
                Column("metric", "VARCHAR", "ndcg@10, recall@10, coverage, fallback_share"),
                Column("value", "DOUBLE", "ours"),
                Column("baseline", "VARCHAR", "popular or again", required=False),
                Column("baseline_value", "DOUBLE", "its figure", required=False),
                Column("n", "BIGINT", "users measured"),
                Column("low", "DOUBLE", "lower end of the 95 % interval of value", required=False),
                Column("high", "DOUBLE", "upper end of the 95 % interval of value", required=False),
            ),
            key=("cutoff", "segment", "metric", "baseline"),
            sort=("cutoff", "segment", "metric", "baseline"),
        ),
        Table(
            "sentiment",
            "What each review says of its item.",
            (
                RUN_ID,
                Column("review_id", "VARCHAR", "the shop's own id of the review"),
                ITEM_ID,
                Column("date", "DATE", "the day it was written; NULL where it has none", required=False),
                Column("stars", "DOUBLE", "as given; NULL where none were", required=False),
                Column(
                    "probability",
                    "DOUBLE",
                    "of its words being positive, 0 to 1: above 0.5 reads as positive; told by what was learnt from "
                    "other reviews, by date from earlier ones; NULL without text, or with too little to learn from",
                    required=False,
                ),
                TITLE,
            ),
            key=("review_id",),
            sort=("review_id",),
        ),
        Table(
            "item_sentiment",
            "How an item stood in its reviews at the end of a day that brought one; it stood so until its next row.",
            (
                RUN_ID,
                ITEM_ID,
                Column("date", "DATE", "the day"),
                Column("reviews", "BIGINT", "dated reviews up to and on that day"),
                Column("mean_stars", "DOUBLE", "of those with stars", required=False),
                Column("mean_probability", "DOUBLE", "of those with text: of being positive", required=False),
                Column(
                    "trend",
                    "DOUBLE",
                    "mean probability of the latest five reviews less that of all before; NULL with none before",
                    required=False,
                ),
                TITLE,
            ),
            key=("item_id", "date"),
            sort=("item_id", "date"),
        ),
        Table(
            "sentiment_quality",
            "How well reviews were read: held against their stars (above 3 is positive), beside two baselines.",
            (
                RUN_ID,
                Column("cutoff", "DATE", "the run's last day of data"),
                Column("segment", "VARCHAR", "which reviews: last fifth by date, a fifth by hash, not trained on"),
                Column("metric", "VARCHAR", "macro_f1, accuracy"),
                Column("value", "DOUBLE", "ours"),
                Column("baseline", "VARCHAR", "majority, or tfidf with logistic regression from the same reviews"),
                Column("baseline_value", "DOUBLE", "its figure"),
                Column("n", "BIGINT", "reviews measured"),
            ),
            key=("segment", "metric", "baseline"),
            sort=("segment", "metric", "baseline"),
        ),
        Table(
            "forecast_history",
            "What this run and those of the `history_days` before it forecast, kept beyond the runs themselves.",
            (RUN_ID, Column("cutoff", "DATE", "the run's last day of data"), *_FORECAST_COLUMNS),
            key=("run_id", "item_id", "location_id", "date"),
            sort=("item_id", "location_id", "date", "run_id"),
        ),
        Table(
            "recommendation_history",
            "What this run and those of the `history_days` before it recommended, kept beyond the runs themselves.",
            (RUN_ID, Column("cutoff", "DATE", "the run's last day of data"), USER_ID, ITEM_ID, RANK, _SOURCE),
            key=("run_id", "user_id", "item_id"),
            sort=("user_id", "run_id", "rank"),
        ),
        Table(
            "runs",
            "This run and the earlier ones, refused and failed ones too.",
            (
                RUN_ID,
                Column("cutoff", "DATE", "last day of data that the run may see", required=False),
                Column("published_at", "TIMESTAMP", "when it was published, UTC", required=False),
                Column("status", "VARCHAR", "published, degraded, refused, failed, interrupted"),
                Column("encoder_id", "VARCHAR", "which encoder, with its weights' hash and settings", required=False),
                Column(
                    "snapshot_id",
                    "VARCHAR",
                    "which set of text vectors: the same for recommendations and forecasts",
                    required=False,
                ),
                Column("text_used", "BOOLEAN", "whether text entered the forecasts", required=False),
                Column(
                    "unknown_word_share",
                    "DOUBLE",
                    "largest share of words unknown to the encoder in any table",
                    required=False,
                ),
                Column("seconds", "DOUBLE", "wall time", required=False),
                Column("peak_mb", "DOUBLE", "peak memory of the process", required=False),
                Column("texts_encoded", "BIGINT", "texts encoded in this run", required=False),
                Column("cache_hits", "BIGINT", "texts whose vectors were known", required=False),
                Column(
                    "degradations",
                    "VARCHAR",
                    "what the run did without, one after the other; empty: nothing",
                    required=False,
                ),
            ),
            key=("run_id",),
            sort=("run_id",),
        ),
        Table(
            "rejects",
            "Every input row that was not taken, with its reason.",
            (
                RUN_ID,
                Column("table_name", "VARCHAR", "which table"),
                Column("file", "VARCHAR", "which file, relative to the input folder"),
                Column("line", "BIGINT", "which line (text files) or row (Parquet), from 1"),
                Column("reason", "VARCHAR", "what is wrong, what was found, what cures it"),
                Column("record", "VARCHAR", "the row as read, as JSON"),
            ),
            sort=("table_name", "file", "line"),
        ),
    )
}

if __name__ == "__main__":
    import sys

    from warehouse.docs import main

    sys.exit(main(sys.argv[1:]))
