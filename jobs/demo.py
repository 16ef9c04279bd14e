"""The demo: a generated shop, its night, and what there is to look at."""

from __future__ import annotations

import logging
import shutil
import time
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from encoders import load_encoder
from jobs.demo_shop import LANGUAGES, PHONE_ID, generate_shop
from jobs.nightly import run_nightly
from jobs.settings import Settings, encoder_config
from recsys import Recommender
from warehouse import Published

if TYPE_CHECKING:
    from pathlib import Path

    from jobs.progress import Progress
    from jobs.report import RunReport

__all__ = ["DemoOutcome", "run_demo"]

logger = logging.getLogger(__name__)

_SHOWN = 5
_PAST_PERIODS = 8


@dataclass(frozen=True, slots=True)
class DemoOutcome:
    """What the demo made, and what it shows of it."""

    folder: Path
    report: RunReport
    seconds: float
    twins_of: str  # "B0007 its title"
    twins: tuple[dict[str, Any], ...]
    list_of: str  # the user's id
    history: tuple[str, ...]  # titles of what the user bought last, latest first
    list: tuple[dict[str, Any], ...]
    forecast_of: str
    sold: tuple[dict[str, Any], ...]  # date, units: the periods before the cutoff
    forecast: tuple[dict[str, Any], ...]
    swap: dict[str, Any] | None
    question: tuple[str, str]  # an item's id, and a question that its reviews answer


def run_demo(folder: Path, *, language: str = "en", progress: Progress | None = None) -> DemoOutcome:
    """Generate FOLDER/input, run its night into FOLDER/runs, and pick what is worth a look.

    Raises:
        encoders.EncoderError: the language's encoder is not installed; nothing was generated.
    """
    began = time.monotonic()
    spoken = LANGUAGES[language]
    settings = Settings(encoder=spoken.encoder)
    load_encoder(encoder_config(settings))  # what is missing is said before anything is made
    logger.info("demo: the shop is generated into %s", folder / "input")
    generate_shop(folder / "input", language=spoken)
    # what only the generator knows lies beside the input, where no night looks
    shutil.rmtree(folder / "truth", ignore_errors=True)
    (folder / "input" / "truth").rename(folder / "truth")
    report = run_nightly(settings, input_folder=folder / "input", runs=folder / "runs", progress=progress)
    published, recommender = Published.open(folder / "runs"), Recommender.open(folder / "runs")
    item = _row(published, _MOST_VARIED_TWINS)
    user = _row(published, _BUSIEST_USER)
    seen = _row(published, _BEST_SELLER)
    history = published.query(_LAST_BOUGHT, [user["user_id"]])
    start = report.cutoff - timedelta(days=7 * _PAST_PERIODS)
    swap = published.query(_SWAP)
    return DemoOutcome(
        folder=folder,
        report=report,
        seconds=round(time.monotonic() - began, 1),
        twins_of=f"{item['item_id']} {item['title']}",
        twins=tuple(recommender.similar_items(item["item_id"], k=_SHOWN).to_dicts()),
        list_of=user["user_id"],
        history=tuple(history["title"]),
        list=tuple(recommender.recommend(user["user_id"], k=_SHOWN).to_dicts()),
        forecast_of=f"{seen['item_id']} {seen['title']}",
        sold=tuple(published.query(_SOLD, [seen["item_id"], start]).to_dicts()),
        forecast=tuple(published.query(_FORECAST, [seen["item_id"]]).to_dicts()),
        swap=swap.row(0, named=True) if swap.height else None,
        question=(PHONE_ID, spoken.question),
    )


def _row(published: Published, query: str) -> dict[str, Any]:
    return published.query(query).row(0, named=True)


_MOST_VARIED_TWINS = """
    SELECT query_item_id AS item_id, items.title FROM similar_items JOIN items ON items.item_id = query_item_id
    WHERE items.description IS NOT NULL
    GROUP BY ALL ORDER BY count(DISTINCT reason) DESC, max(score) DESC, query_item_id LIMIT 1
"""
_BUSIEST_USER = """
    SELECT user_id FROM recommendations GROUP BY user_id
    ORDER BY count(DISTINCT source) DESC, count(DISTINCT reason) DESC, user_id LIMIT 1
"""
_BEST_SELLER = """
    SELECT forecast.item_id, any_value(title) AS title FROM forecast WHERE source = 'model'
    GROUP BY forecast.item_id ORDER BY sum(mean) DESC, forecast.item_id LIMIT 1
"""
_LAST_BOUGHT = """
    SELECT title FROM sales WHERE user_id = ? ORDER BY sold_on DESC, item_id LIMIT 3
"""
_SOLD = """
    SELECT
        CAST($2 AS DATE) + 1 + 7 * CAST(floor((sold_on - CAST($2 AS DATE) - 1) / 7) AS INTEGER) AS date,
        sum(units) AS units
    FROM sales WHERE item_id = $1 AND sold_on > CAST($2 AS DATE) GROUP BY 1 ORDER BY 1
"""
_FORECAST = """
    SELECT date, sum(mean) AS mean, sum(p10) AS p10, sum(p30) AS p30, sum(p50) AS p50, sum(p70) AS p70, sum(p90) AS p90
    FROM forecast WHERE item_id = ? GROUP BY date ORDER BY date
"""
_SWAP = """
    SELECT user_id, item_id, title, rank, reason FROM recommendations
    WHERE reason LIKE 'in place of %' ORDER BY rank, user_id LIMIT 1
"""
