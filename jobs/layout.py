"""A night's results laid out as the published tables: columns as `warehouse/tables.py` has them, titles joined."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING

import polars as pl

from forecast import name_reviews
from jobs.history import read_history
from warehouse.tables import PUBLISHED, Table, polars_schema
from warehouse.values import days_of

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from pathlib import Path

    from jobs.embed import EmbeddedTexts
    from jobs.forecast import Demand
    from jobs.ingest import Shop
    from jobs.ledger import RunRecord
    from jobs.recommend import Offer
    from jobs.sentiment import Sentiment
    from jobs.settings import Settings

__all__ = ["Night", "lay_out", "runs_table"]


@dataclass(frozen=True, slots=True)
class Night:
    """Everything that a night has made, before it is checked."""

    run_id: str
    shop: Shop
    texts: EmbeddedTexts
    said: Sentiment
    demand: Demand
    offer: Offer

    @property
    def unknown_word_share(self) -> float:
        """Return the largest share of words unknown to the encoder in any table, 0 to 1."""
        return max(self.texts.unknown_word_shares.values(), default=0.0)

    @property
    def text_used(self) -> bool:
        """Return whether text entered the forecasts: some item has a text, and there is a forecast."""
        items = self.shop.ingested.tables["items"].height
        return self.demand.result is not None and len(self.texts.no_text) < items


def lay_out(night: Night, *, root: Path, published: Collection[str], settings: Settings) -> dict[str, pl.DataFrame]:
    """Return every published table but `runs`; an empty one where the night made nothing of it."""
    shop, result, lists = night.shop, night.demand.result, night.offer.lists
    items = shop.ingested.tables["items"].with_columns(
        pl.col("item_id").is_in(list(night.texts.no_text)).alias("no_text")
    )
    made: dict[str, pl.DataFrame | None] = {
        "items": items,
        "sales": shop.table("sales"),
        "reviews": _reviews(shop.table("reviews"), settings.timezone),
        "recommendations": lists.recommendations,
        "buy_again": lists.buy_again,
        "similar_items": night.offer.similar,
        "audience": night.offer.audience,
        "forecast": result.forecast if result else None,
        "forecast_explain": name_reviews(result.explain, night.said.items, cutoff=shop.cutoff) if result else None,
        "stockout_risk": night.demand.risk,
        "backtest": result.backtest if result else None,
        "recommendation_quality": lists.quality,
        "sentiment": night.said.reviews,
        "item_sentiment": night.said.items,
        "sentiment_quality": night.said.quality,
        "rejects": shop.ingested.rejects,
    }
    titles = items.select("item_id", "title")
    tables = {name: _finish(PUBLISHED[name], frame, night.run_id, titles) for name, frame in made.items()}
    since = settings.history_since(shop.cutoff)
    for name, source in (("forecast_history", "forecast"), ("recommendation_history", "recommendations")):
        earlier = shop.privacy.applied(read_history(root, name, published, since=since))
        own = tables[source].with_columns(pl.lit(shop.cutoff).cast(pl.Date).alias("cutoff")).select(earlier.columns)
        tables[name] = pl.concat([earlier, own]).sort(PUBLISHED[name].sort, nulls_last=True)
    return tables


def _reviews(reviews: pl.DataFrame | None, timezone: str) -> pl.DataFrame | None:
    if reviews is None:
        return None
    written = pl.lit(None, pl.Date)
    if "occurred_at" in reviews.columns:
        written = days_of(pl.col("occurred_at"), timezone=timezone)
    titles = reviews.select(pl.lit(None, pl.String).alias("title")) if "title" not in reviews.columns else reviews
    # `title` is the item's in every published table: a review's own is its headline
    told = reviews.with_columns(written.alias("date"), titles["title"].alias("headline"))
    return told.drop("occurred_at", "title", strict=False)


def _finish(table: Table, frame: pl.DataFrame | None, run_id: str, titles: pl.DataFrame) -> pl.DataFrame:
    schema = polars_schema(table)
    if frame is None:
        return pl.DataFrame(schema=schema)
    if "title" in schema and "title" not in frame.columns:
        frame = frame.join(titles, on="item_id", how="left", maintain_order="left")
    frame = frame.with_columns(pl.lit(run_id).alias("run_id"))
    absent = [pl.lit(None, dtype=type_).alias(name) for name, type_ in schema.items() if name not in frame.columns]
    further = [name for name in frame.columns if name not in schema] if table.open else []
    told = frame.with_columns(absent).select(*(pl.col(name).cast(type_) for name, type_ in schema.items()), *further)
    return told.sort(table.sort, nulls_last=True, maintain_order=True) if table.sort else told


def runs_table(this: dict[str, object], earlier: Sequence[RunRecord]) -> pl.DataFrame:
    """Return PUBLISHED["runs"]: this run as it will be published, and every earlier run of the ledger."""
    schema = polars_schema(PUBLISHED["runs"])
    rows = [*(_run_row(record) for record in earlier), this]
    known = [{name: row.get(name) for name in schema} for row in rows]
    return pl.DataFrame(known, schema=schema, orient="row").sort("run_id")


def _run_row(record: RunRecord) -> dict[str, object]:
    facts = record.facts
    row: dict[str, object] = {**facts, "run_id": record.run_id, "status": facts.get("status", record.status)}
    if row["status"] == "abandoned":
        row["status"] = "interrupted"  # killed: the table's word for a run that did not come to its end
    row["cutoff"] = date.fromisoformat(facts["cutoff"]) if facts.get("cutoff") else None
    row["published_at"] = None
    if record.status == "published" and record.ended_at:
        row["published_at"] = datetime.fromisoformat(record.ended_at).replace(tzinfo=None)
    row["degradations"] = "; ".join(facts.get("degradations") or ()) or facts.get("message", "")
    return row
