"""How the runs stand, and why an item is missing or low."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from jobs.answers import near_ids
from jobs.ledger import Ledger, RunRecord
from warehouse import InputError, Published, current_run

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["ItemStatus", "NightStatus", "item_status", "night_status"]


@dataclass(frozen=True, slots=True)
class NightStatus:
    """The published run and its age, every run of the ledger (latest first), and the last that was not published."""

    run_id: str | None
    cutoff: str | None
    published_at: str | None
    age_hours: float | None
    encoder_id: str | None
    rolled_back_at: str | None  # when the pointer was last moved back, if that is how this run came to be current
    runs: tuple[dict[str, Any], ...]
    last_failure: dict[str, Any] | None


@dataclass(frozen=True, slots=True)
class ItemStatus:
    """What a run knows about one item, and in words why it is missing or low."""

    item_id: str
    run_id: str
    title: str | None
    facts: dict[str, Any]
    reasons: tuple[str, ...]


def night_status(runs: Path) -> NightStatus:
    """Return how the folder of runs stands.

    Raises:
        InputError: the folder does not exist, or no night was ever started in it.
    """
    ledger = Ledger(runs / "ledger.jsonl")
    records = ledger.runs()
    published = current_run(runs)
    if not records and published is None:
        raise InputError(f"{runs}: no run yet; start one with: shelfwise nightly --input FOLDER --runs {runs}")
    rows = tuple(_row(record) for record in reversed(records))
    failure = next((row for row in rows if row["status"] in ("failed", "refused", "interrupted", "abandoned")), None)
    if published is None:
        return NightStatus(None, None, None, None, None, None, rows, failure)
    current = Published.open(runs)
    record = next((each for each in records if each.run_id == current.run_id), None)
    published_at = record.ended_at if record else None
    age = None
    if published_at is not None:
        age = round((datetime.now(UTC) - datetime.fromisoformat(published_at)).total_seconds() / 3600, 2)
    moves = [line for line in ledger.lines() if line["event"] in ("published", "rolled_back")]
    rolled = moves[-1]["at"] if moves and moves[-1]["event"] == "rolled_back" else None
    cutoff, encoder_id = str(current.facts["cutoff"]), str(current.facts["encoder_id"])
    return NightStatus(current.run_id, cutoff, published_at, age, encoder_id, rolled, rows, failure)


def _row(record: RunRecord) -> dict[str, Any]:
    facts = record.facts
    told = "; ".join(facts.get("degradations") or ()) or facts.get("message", "")
    return {
        "run_id": record.run_id,
        "status": facts.get("status", record.status),
        "cutoff": facts.get("cutoff"),
        "started_at": record.started_at,
        "seconds": facts.get("seconds"),
        "step": facts.get("step"),
        "message": told,
    }


def item_status(runs: Path, item_id: str) -> ItemStatus:
    """Return how one item stands in the published run.

    Raises:
        InputError: neither the run nor its rejects know the id; names the near ones.
    """
    published = Published.open(runs)
    items = published.query("SELECT * FROM items WHERE item_id = ?", [item_id])
    rejects = published.query(
        "SELECT table_name, file, line, reason FROM rejects WHERE contains(record, ?) ORDER BY ALL LIMIT 5",
        [f'"{item_id}"'],
    ).to_dicts()
    refused = tuple(f"{row['file']} line {row['line']} was rejected: {row['reason']}" for row in rejects)
    if not items.height and not refused:
        near = near_ids(published, "items", "item_id", item_id)
        raise InputError(f"run {published.run_id}: unknown item {item_id!r}; did you mean {near}?")
    if not items.height:
        return ItemStatus(item_id, published.run_id, None, {}, ("it is not among the items of the run", *refused))
    facts = _item_facts(published, item_id)
    told = (*_why(items.row(0, named=True), facts, published), *refused)
    return ItemStatus(item_id, published.run_id, items["title"][0], facts, told)


def _item_facts(published: Published, item_id: str) -> dict[str, Any]:
    return published.query(
        """
        SELECT
            (SELECT count(*) FROM recommendations WHERE item_id = $1) AS lists,
            (SELECT min(rank) FROM recommendations WHERE item_id = $1) AS best_rank,
            (SELECT count(DISTINCT user_id) FROM recommendations) AS users,
            (SELECT max(sold_on) FROM sales WHERE item_id = $1) AS last_sold_on,
            (SELECT sum(units) FROM sales WHERE item_id = $1) AS units_sold,
            (SELECT sum(mean) FROM forecast WHERE item_id = $1) AS units_expected,
            (SELECT min(status) FROM forecast WHERE item_id = $1) AS forecast_status,
            (SELECT min(source) FROM forecast WHERE item_id = $1) AS forecast_source,
            (SELECT sum(on_hand) FROM stockout_risk WHERE item_id = $1
                AND date = (SELECT min(date) FROM stockout_risk)) AS on_hand,
            (SELECT max(probability) FROM stockout_risk WHERE item_id = $1
                AND date = (SELECT min(date) FROM stockout_risk)) AS stockout_probability
        """,
        [item_id],
    ).row(0, named=True)


def _why(item: dict[str, Any], facts: dict[str, Any], published: Published) -> list[str]:
    cutoff = datetime.fromisoformat(str(published.facts["cutoff"])).date()
    settings = published.facts["settings"]
    limit = settings["stock_risk_above"] if isinstance(settings, dict) else 1.0
    told = []
    if item["available_from"] and (item["available_from"] - cutoff).days > 1:
        told.append(f"it is planned: it can be bought from {item['available_from']} on, so no list holds it yet")
    elif not facts["lists"]:
        told.append(f"it stands in none of the {facts['users']:,} lists: other items score higher for every user")
    else:
        told.append(f"it stands in {facts['lists']:,} of {facts['users']:,} lists, best rank {facts['best_rank']}")
    if item["no_text"]:
        told.append("it has no text, so no text neighbours: its own come from behaviour and category")
    if facts["stockout_probability"] is not None and facts["stockout_probability"] > limit:
        told.append(
            f"{facts['on_hand']:g} on hand, out by the end of the first period with probability "
            f"{facts['stockout_probability']:.0%}: lists put it lower, its nearest twin in stock comes before it"
        )
    if facts["forecast_status"] == "ended":
        told.append(f"it is taken for ended: last sold on {facts['last_sold_on']}, its forecast is 0")
    if facts["forecast_status"] == "new":
        told.append(f"it has no sale yet: its forecast comes from {facts['forecast_source']}")
    return told
