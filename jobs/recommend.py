"""Step `recommend`: what to show every user next, and what lies near every item."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

import polars as pl

from jobs.audience import find_occasions, occasion_audiences
from jobs.settings import Settings, recommend_config
from recsys import Lists, ShopHistory, VectorIndex, build_lists, similar_items
from warehouse.values import days_of

if TYPE_CHECKING:
    from jobs.embed import EmbeddedTexts
    from jobs.forecast import Demand
    from jobs.ingest import Shop
    from jobs.progress import Progress

__all__ = ["Offer", "list_users", "recommend_shop", "shop_history"]


@dataclass(frozen=True, slots=True)
class Offer:
    """The lists of a night, the index behind them, and the users they are for."""

    lists: Lists
    similar: pl.DataFrame  # query_item_id, kind, item_id, rank, score, reason
    index: VectorIndex
    users: tuple[str, ...]
    snapshot_id: str
    audience: pl.DataFrame  # item_id, user_id, rank, score, source, reason, occasion


def recommend_shop(
    shop: Shop, texts: EmbeddedTexts, demand: Demand, *, settings: Settings, progress: Progress | None = None
) -> Offer:
    """Build every list from the text vectors, the shop's history and the forecast's stock-out risk."""
    history = shop_history(shop, texts)
    config = recommend_config(settings)
    users = list_users(shop, settings=settings)
    lists = build_lists(history, users=users, config=config, stock=demand.stock, progress=progress)
    index, similar = similar_items(history, config=config)
    audience = occasion_audiences(lists.audience, find_occasions(shop, demand, settings=settings))
    return Offer(lists, similar, index, users, texts.vectors.snapshot_id, audience)


def shop_history(shop: Shop, texts: EmbeddedTexts) -> ShopHistory:
    """Return the shop as its lists are made from."""
    return ShopHistory(
        items=shop.ingested.tables["items"],
        purchases=shop.signals.purchases,
        interest=shop.signals.interest,
        texts=texts.vectors,
        cutoff=shop.cutoff,
        said=_said(shop.table("reviews"), texts.reviews),
    )


def _said(reviews: pl.DataFrame | None, days: pl.DataFrame) -> pl.DataFrame | None:
    """Return the reviews with their days, as reasons quote them; None where nobody wrote any."""
    if reviews is None or "text" not in reviews.columns:
        return None
    told = reviews.join(days.select("review_id", date="day"), on="review_id", how="inner", maintain_order="left")
    types = {"user_id": pl.String(), "stars": pl.Float64()}
    absent = [pl.lit(None, type_).alias(name) for name, type_ in types.items() if name not in told.columns]
    return told.with_columns(absent).select("item_id", "user_id", "review_id", "date", "stars", "text")


def list_users(shop: Shop, *, settings: Settings) -> tuple[str, ...]:
    """Return every user with a sale or an event, sorted; `active_days` narrows to those seen lately."""
    seen = [shop.signals.purchases.select("user_id", "day")]
    sales, events = shop.table("sales"), shop.table("events")
    if sales is not None:
        seen.append(sales.select("user_id", pl.col("sold_on").alias("day")))
    if events is not None:
        day = days_of(pl.col("occurred_at"), timezone=settings.timezone)
        seen.append(events.select("user_id", day.alias("day")))
    rows = pl.concat(seen).filter(pl.col("user_id").is_not_null())
    if settings.active_days is not None:
        rows = rows.filter(pl.col("day") > shop.cutoff - timedelta(days=settings.active_days))
    return tuple(rows["user_id"].unique().sort())
