"""A shop of three items, laid out as a night lays it out, and a run of it published for real."""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING

import polars as pl
import pytest

from warehouse import build_snapshot, publish_run, write_manifest
from warehouse.tables import PUBLISHED, QUANTILES, polars_schema

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

CUTOFF = date(2026, 6, 28)
ITEMS = {"007": "red mug", "B1": "blue mug", "B2": "amber's tent"}


def frame(name: str, rows: list[dict[str, object]]) -> pl.DataFrame:
    """Return rows as the published table's columns, less run_id and title where they were not given."""
    given = set(rows[0])
    schema = {
        column: type_
        for column, type_ in polars_schema(PUBLISHED[name]).items()
        if column in given or column not in ("run_id", "title")
    }
    return pl.DataFrame([{column: row.get(column) for column in schema} for row in rows], schema=schema)


def _forecast(item_id: str, location_id: str, day: date, mean: float) -> dict[str, object]:
    quantiles = {name: mean * (number + 1) / 5 for number, name in enumerate(QUANTILES)}
    known = {"item_id": item_id, "location_id": location_id, "date": day, "period_days": 7, "mean": mean}
    return {**known, **quantiles, "source": "model", "status": "active"}


def tables_of(run_id: str) -> dict[str, pl.DataFrame]:
    """Return the frames of a run: two locations, sales of one past week, one list, one earlier forecast."""
    first, second, passed = date(2026, 6, 29), date(2026, 7, 6), date(2026, 6, 22)
    ahead = [
        _forecast(item_id, location, day, mean)
        for item_id, mean in (("B1", 5.0), ("007", 10.0))
        for location in ("south", "north")
        for day in (second, first)
    ]
    earlier = [
        {"run_id": "r0", "cutoff": date(2026, 6, 21), **_forecast("007", location, passed, 10.0)}
        for location in ("north", "south")
    ]
    own = [{"run_id": run_id, "cutoff": CUTOFF, **row} for row in ahead]
    sold = [("007", date(2026, 6, 22), 4.0), ("007", date(2026, 6, 28), 5.0), ("007", date(2026, 6, 21), 100.0)]
    near = [("007", "B1", 1, 0.9), ("007", "B2", 2, 0.4), ("B1", "007", 1, 0.9)]
    risk = [("007", "north", first, 3.0, 0.25), ("007", "south", first, 1.0, 0.75), ("007", "north", second, 9.0, 0.9)]
    items = [{"item_id": item_id, "title": title, "no_text": False} for item_id, title in ITEMS.items()]
    return {
        "items": frame("items", items).with_columns(pl.Series("Farbe (RAL)", ["3000", "5002", None])),
        "sales": frame(
            "sales", [{"item_id": i, "sold_on": day, "units": n, "location_id": "north"} for i, day, n in sold]
        ),
        "recommendations": frame(
            "recommendations",
            [
                {"user_id": user, "item_id": item_id, "rank": rank, "score": 1 / rank, "source": "text", "reason": "x"}
                for user, item_id, rank in (("u2", "007", 2), ("u2", "B1", 1), ("u1", "007", 1))
            ],
        ),
        "similar_items": frame(
            "similar_items",
            [
                {"query_item_id": q, "kind": "blend", "item_id": i, "rank": rank, "score": score, "reason": "x"}
                for q, i, rank, score in near
            ],
        ),
        "forecast": frame("forecast", ahead),
        "forecast_history": frame("forecast_history", [*earlier, *own]),
        "stockout_risk": frame(
            "stockout_risk",
            [
                {"item_id": i, "location_id": at, "date": day, "on_hand": units, "probability": share}
                for i, at, day, units, share in risk
            ],
        ),
        "runs": frame(
            "runs",
            [
                {"run_id": "r0", "cutoff": date(2026, 6, 21), "status": "failed"},
                {
                    "run_id": run_id,
                    "cutoff": CUTOFF,
                    "status": "published",
                    "published_at": datetime(2026, 6, 29, 2, 0),  # noqa: DTZ001 the table's times are UTC without a zone
                    "encoder_id": "minilm",
                    "text_used": True,
                },
            ],
        ),
    }


@pytest.fixture(scope="session")
def shop_tables() -> Callable[[str], dict[str, pl.DataFrame]]:
    """Return the function from a run id to the frames of that run."""
    return tables_of


@pytest.fixture(scope="session")
def build_run() -> Callable[[Path, str], Path]:
    """Return the function that builds a whole run aside, manifest and all, ready to be published."""

    def build(root: Path, run_id: str) -> Path:
        building = root / f".building-{run_id}"
        (building / "lists").mkdir(parents=True)
        build_snapshot(building / "shelfwise.duckdb", tables_of(run_id), run_id=run_id)
        (building / "lists" / "depth.txt").write_text(run_id)
        write_manifest(building, {"run_id": run_id, "cutoff": CUTOFF.isoformat()})
        return building

    return build


@pytest.fixture(scope="session")
def published_root(tmp_path_factory: pytest.TempPathFactory, build_run: Callable[[Path, str], Path]) -> Path:
    """Return a folder of runs with one run, r1: to be read only."""
    root = tmp_path_factory.mktemp("published") / "runs"
    publish_run(build_run(root, "r1"), root=root, keep_runs=3)
    return root
