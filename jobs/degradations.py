"""What a night did without, one line each: it is published all the same, with exit code 3."""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import polars as pl

from warehouse import PARTIAL_DAY

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from jobs.ingest import Shop
    from jobs.layout import Night
    from jobs.settings import Settings
    from warehouse import Ingested

__all__ = ["fallback_share", "find_degradations", "lost_tables"]

_DAY_OF = {
    "sales": "sold_on",
    "events": "occurred_at",
    "reviews": "occurred_at",
    "inventory": "date",
    "calendar": "date",
}


def find_degradations(
    night: Night, *, settings: Settings, rows_before: Mapping[str, int], cutoff_given: bool
) -> tuple[str, ...]:
    """Return one line for each thing that is missing, stale, partial or unknown; `rows_before`: of the last run."""
    found = [*lost_tables(night.shop, rows_before)]
    if night.demand.skipped:
        found.append(night.demand.skipped)
    found += _rejected(night.shop.ingested, settings)
    found += _unknown_words(night, settings)
    found += _fallbacks(night, settings)
    found += _stale(night.shop, settings)
    if not cutoff_given:
        found += [note for note in night.shop.ingested.notes if note.startswith(PARTIAL_DAY)]
        found += _old(night.shop, settings)
    return tuple(found)


def lost_tables(shop: Shop, rows_before: Mapping[str, int]) -> Iterator[str]:
    """Say which tables had rows in the last run and have none now. A table that never was there is none of them."""
    for name, rows in sorted(rows_before.items()):
        now = shop.table(name)
        if rows and (now is None or not now.height):
            state = "gone" if now is None else "empty"
            yield f"{name} is {state}: it had {rows:,} rows in the last run; put its file back"


def _rejected(ingested: Ingested, settings: Settings) -> Iterator[str]:
    totals = ingested.counts.group_by("table_name", maintain_order=True).agg(pl.col("kept", "rejected").sum())
    for name, kept, rejected in totals.iter_rows():
        if rejected > settings.rejected_share_above * (kept + rejected):
            first = ingested.rejects.filter(pl.col("table_name") == name).row(0, named=True)
            instance = f"for instance {first['file']} line {first['line']}: {first['reason']}"
            limit = f"rejected_share_above = {settings.rejected_share_above}"
            yield f"{rejected:,} of {kept + rejected:,} rows of {name} are rejected ({limit}), {instance}"


def _unknown_words(night: Night, settings: Settings) -> Iterator[str]:
    for name, share in sorted(night.texts.unknown_word_shares.items()):
        if share > settings.unknown_words_above:
            cure = 'set encoder = "multilingual-e5-small"'
            if settings.encoder == "multilingual-e5-small":
                cure = "set encoder to the path of a model that knows the language"
            yield f"{100 * share:.0f} % of the words in {name} are unknown to {settings.encoder}; {cure}"


def fallback_share(lists: pl.DataFrame) -> tuple[float, str]:
    """Return the share of users whose whole list is what everybody buys, and the commonest reason in those lists."""
    users = lists["user_id"].n_unique()
    per_user = lists.group_by("user_id").agg((pl.col("source") == "popular").all().alias("fallback"))
    fallen = lists.join(per_user.filter("fallback"), on="user_id", how="semi")
    if not users or not fallen.height:
        return 0.0, ""
    reasons = fallen.group_by("reason").len().sort("len", "reason", descending=[True, False])
    return fallen["user_id"].n_unique() / users, str(reasons["reason"][0])


def _fallbacks(night: Night, settings: Settings) -> Iterator[str]:
    share, reason = fallback_share(night.offer.lists.recommendations)
    if share > settings.fallback_share_above:
        limit = f"fallback_share_above = {settings.fallback_share_above}"
        yield f"{100 * share:.0f} % of the users have popular items only ({limit}); top reason: {reason}"


def _stale(shop: Shop, settings: Settings) -> Iterator[str]:
    for name, column in _DAY_OF.items():
        table = shop.table(name)
        if table is None or not table.height or (last := _last_day(table, column)) is None:
            continue
        behind = (shop.cutoff - last).days
        if behind > settings.max_lag_days:
            yield f"{name} ends on {last}, {behind} days before the cutoff (max_lag_days = {settings.max_lag_days})"


def _last_day(table: pl.DataFrame, column: str) -> date | None:
    last = table[column].max()
    return last.date() if isinstance(last, datetime) else last if isinstance(last, date) else None


def _old(shop: Shop, settings: Settings) -> Iterator[str]:
    if settings.max_age_days is None:
        return
    age = (datetime.now(ZoneInfo(settings.timezone)).date() - shop.cutoff).days
    if age > settings.max_age_days:
        yield f"the data end on {shop.cutoff}, {age} days ago (max_age_days = {settings.max_age_days})"
