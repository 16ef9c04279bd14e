"""The night, top to bottom: lock, sweep, ingest, embed, sentiment, forecast, recommend, check, publish, ledger."""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from jobs.check import Expected, check_run
from jobs.degradations import find_degradations, lost_tables
from jobs.embed import embed_texts
from jobs.forecast import forecast_shop
from jobs.ingest import read_shop
from jobs.layout import Night, lay_out, runs_table
from jobs.lock import hold_lock
from jobs.publish import manifest_facts, publish_night
from jobs.recommend import recommend_shop
from jobs.report import RunReport, make_report
from jobs.run import begin_run, published_ids, sweep
from jobs.sentiment import sentiment_of_shop
from jobs.standing import read_standing, take_standing
from warehouse import CorruptRun, Published, current_run, read_privacy

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date
    from pathlib import Path

    import polars as pl

    from jobs.progress import Progress
    from jobs.settings import Settings

__all__ = ["run_nightly"]

logger = logging.getLogger(__name__)


def run_nightly(
    settings: Settings, *, input_folder: Path, runs: Path, cutoff: date | None = None, progress: Progress | None = None
) -> RunReport:
    """Build, check and publish the run of `cutoff` (None: the last day of sales); the last one stays until the swap.

    Raises:
        Locked: another process works in `runs`.
        warehouse.InputError, encoders.EncoderError: the input or the configuration is at fault.
        Refused: the checks refuse the run.
    """
    with hold_lock(runs):
        earlier = sweep(runs)
        previous = _open_previous(runs)
        with begin_run(runs, {"input": str(input_folder), "encoder": settings.encoder}) as run:
            with run.step("ingest"):
                privacy = read_privacy(runs, hash_users=settings.privacy.hash_users)
                cache = runs / "cache" / "input"
                shop = read_shop(input_folder, settings=settings, cutoff=cutoff, cache=cache, privacy=privacy)
                run.facts["cutoff"] = shop.cutoff.isoformat()
            with run.step("embed"):
                texts = embed_texts(shop, settings=settings, cache=runs / "cache" / "vectors", progress=progress)
            with run.step("sentiment"):
                vectors = runs / "cache" / "vectors"
                said = sentiment_of_shop(shop, texts, settings=settings, cache=vectors, progress=progress)
            with run.step("forecast"):
                demand = forecast_shop(shop, texts, settings=settings, progress=progress)
            with run.step("recommend"):
                offer = recommend_shop(shop, texts, demand, settings=settings, progress=progress)
            with run.step("check"):
                night = Night(run.run_id, shop, texts, said, demand, offer)
                tables = lay_out(night, root=runs, published=published_ids(run.ledger), settings=settings)
                degradations = _degradations(night, previous, settings=settings, cutoff_given=cutoff is not None)
                _check(night, tables, previous, settings=settings)
            with run.step("publish"):
                run.facts |= _what_it_is(night, degradations)
                tables["runs"] = runs_table(_this_run(run.facts | run.measures(), night, degradations), earlier)
                facts = manifest_facts(night, settings=settings)
                folder = publish_night(run, night, tables, settings=settings, facts=facts)
            run.ledger.append("published", run.run_id, {**run.facts, **run.measures()})
        return make_report(run, night, tables, folder=folder, degradations=degradations)


def _open_previous(runs: Path) -> Published | None:
    if current_run(runs) is None:
        return None
    try:
        return Published.open(runs)
    except CorruptRun as error:
        # tonight's run heals it; until then the damage is named, by this line and by every reader
        logger.warning("the published run is damaged, nothing is compared with it: %s", error)
        return None


def _degradations(
    night: Night, previous: Published | None, *, settings: Settings, cutoff_given: bool
) -> tuple[str, ...]:
    rows_before = _rows_before(previous)
    found = find_degradations(night, settings=settings, rows_before=rows_before, cutoff_given=cutoff_given)
    for line in found:
        logger.warning("degraded: %s", line)
    for line in (*night.shop.ingested.notes, *(night.demand.result.notes if night.demand.result else ())):
        logger.info("%s", line)
    for line in night.offer.lists.notes:
        logger.info("%s", line)
    return found


def _rows_before(previous: Published | None) -> dict[str, int]:
    rows = previous.facts.get("input_rows") if previous else None
    return {str(name): int(count) for name, count in rows.items()} if isinstance(rows, dict) else {}


def _check(night: Night, tables: Mapping[str, pl.DataFrame], previous: Published | None, *, settings: Settings) -> None:
    expected = Expected(
        cutoff=night.shop.cutoff,
        users=night.offer.users,
        purchases=night.shop.signals.purchases,
        hide_bought=night.offer.lists.bought_before == "hide",
        snapshots=(night.offer.snapshot_id, night.demand.snapshot_id),
        forecast=night.demand.result is not None,
    )
    standing = take_standing(tables, manifest_facts(night, settings=settings))
    before = None
    if previous is not None and not list(lost_tables(night.shop, _rows_before(previous))):
        before = read_standing(previous)  # a shop that lost a table is another shop: only the baselines judge it
    check_run(tables, expected, standing=standing, previous=before, settings=settings)


def _what_it_is(night: Night, degradations: tuple[str, ...]) -> dict[str, object]:
    return {
        "cutoff": night.shop.cutoff.isoformat(),
        "status": "degraded" if degradations else "published",
        "encoder_id": night.texts.vectors.encoder_id,
        "snapshot_id": night.texts.vectors.snapshot_id,
        "text_used": night.text_used,
        "unknown_word_share": night.unknown_word_share,
        "texts_encoded": night.texts.texts_encoded,
        "cache_hits": night.texts.cache_hits,
        "degradations": list(degradations),
    }


def _this_run(facts: Mapping[str, object], night: Night, degradations: tuple[str, ...]) -> dict[str, object]:
    now = datetime.now(UTC).replace(tzinfo=None)
    told = "; ".join(degradations)
    return {**facts, "run_id": night.run_id, "cutoff": night.shop.cutoff, "published_at": now, "degradations": told}
