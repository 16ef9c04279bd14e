"""The examples' tables are what the raw files say: nothing is lost unsaid, and nothing comes from later."""

# ruff: noqa: DTZ001 the raw files have no zone
from __future__ import annotations

import json
import runpy
import subprocess
import sys
from datetime import date, datetime
from pathlib import Path

import polars as pl
import pytest

ROOT = Path(__file__).resolve().parents[2]
SHARED = ROOT.parent / "shared"
RETAIL, MUSIC = SHARED / "data" / "online_retail_ii", SHARED / "data" / "musical_instruments"
PARTS = ("sale", "return", "no_product", "no_price", "stock_adjustment", "second_copy")


def prepare(name: str, raw: Path, out: Path) -> dict[str, int]:
    script = ROOT / "examples" / name / "prepare.py"
    done = subprocess.run([sys.executable, script, raw, out], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def retail(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, int]]:
    if not RETAIL.is_dir():
        pytest.skip(f"{RETAIL} is absent")
    out = tmp_path_factory.mktemp("retail")
    return out, prepare("online_retail_ii", RETAIL, out)


def test_the_prepared_sales_are_those_of_the_truth(retail: tuple[Path, dict[str, int]]) -> None:
    out, counts = retail
    keys = ["item_id", "sold_on", "user_id"]
    sums = [pl.col("units").cast(pl.Float64).sum(), pl.len(), pl.col("unit_price").cast(pl.Float32).sum().round(0)]
    ours = pl.read_parquet(out / "sales.parquet").group_by(keys).agg(sums).sort(keys)
    truth = pl.read_parquet(RETAIL / "truth.parquet").group_by(keys).agg(sums).sort(keys)
    assert ours.drop("unit_price").equals(truth.drop("unit_price"))
    assert (ours["unit_price"] - truth["unit_price"]).abs().max() <= 1
    assert counts["sale"] == 1_014_862
    assert counts["items"] == 4_788


def test_every_invoice_line_is_counted_once(retail: tuple[Path, dict[str, int]]) -> None:
    _, counts = retail
    assert counts["read"] == 525_461 + 541_909
    assert sum(counts[part] for part in PARTS) == counts["read"]
    assert 0 < counts["returns_matched_to_a_sale"] < counts["return"]


def test_an_items_title_and_launch_are_those_of_its_first_sale(retail: tuple[Path, dict[str, int]]) -> None:
    out, _ = retail
    items, sales = pl.read_parquet(out / "items.parquet"), pl.read_parquet(out / "sales.parquet")
    assert items["item_id"].is_unique().all()
    first = sales.group_by("item_id").agg(pl.col("sold_on").min())
    joined = items.join(first, on="item_id", validate="1:1")
    assert joined.height == items.height
    assert (joined["available_from"] == joined["sold_on"]).all()
    assert set(sales["item_id"]) == set(items["item_id"])


def raw_retail(folder: Path, first: list[tuple], second: list[tuple], ids: dict[str, str | None]) -> Path:
    folder.mkdir()
    schema = {
        "Invoice": pl.String,
        "StockCode": pl.String,
        "Description": pl.String,
        "Quantity": pl.Int64,
        "InvoiceDate": pl.Datetime("us"),
        "UnitPrice": pl.Float64,
        "Country": pl.String,
        "CustomerID": pl.Int64,
    }
    pl.DataFrame(first, schema=schema, orient="row").write_parquet(folder / "year_2009_2010.parquet")
    schema = {
        name: schema[name] for name in ("Description", "Quantity", "InvoiceDate", "UnitPrice", "CustomerID", "Country")
    }
    pl.DataFrame(second, schema=schema, orient="row").write_parquet(folder / "year_2010_2011.parquet")
    known = {"description": list(ids), "item_id": list(ids.values())}
    pl.DataFrame(known, schema={"description": pl.String, "item_id": pl.String}).write_parquet(
        folder / "item_ids.parquet"
    )
    return folder


def test_a_renamed_item_keeps_its_first_name_and_each_line_goes_where_it_belongs(tmp_path: Path) -> None:
    def line(invoice: str, text: str | None, units: int, day: datetime, price: float, user: int | None) -> tuple:
        return (invoice, "1", text, units, day, price, "UK", user)

    def bare(text: str | None, units: int, day: datetime, price: float, user: int | None) -> tuple:
        return (text, units, day, price, user, "UK")

    first = [
        line("2", "Red  Mug ", 6, datetime(2010, 1, 5, 9), 1.5, 7),
        line("1", "RED MUG", 1, datetime(2010, 1, 4, 9), 1.5, None),
        line("C3", "RED MUG", -6, datetime(2010, 1, 9, 9), 1.5, 7),
        line("C4", "RED MUG", -6, datetime(2010, 1, 10, 9), 1.5, 7),
        line("5", "POSTAGE", 1, datetime(2010, 1, 5, 9), 9.0, 7),
        line("6", None, 3, datetime(2010, 1, 5, 9), 0.0, None),
        line("7", "RED MUG", 2, datetime(2010, 1, 5, 9), 0.0, None),
        line("8", "RED MUG", -2, datetime(2010, 1, 6, 9), 0.0, None),
        line("9", "RED MUG", 4, datetime(2010, 12, 9, 9), 1.5, 8),
    ]
    second = [
        bare("RED MUG", 4, datetime(2010, 12, 9, 9), 1.5, 8),
        bare("CRIMSON MUG", 5, datetime(2010, 12, 10, 0), 1.5, 8),
    ]
    ids = {"RED MUG": "001", "CRIMSON MUG": "001", "POSTAGE": None}
    raw, out = raw_retail(tmp_path / "raw", first, second, ids), tmp_path / "out"
    counts = prepare("online_retail_ii", raw, out)
    assert [counts[part] for part in PARTS] == [4, 2, 2, 1, 1, 1]
    assert counts["returns_matched_to_a_sale"] == 1
    assert pl.read_parquet(out / "items.parquet").rows() == [("001", "RED MUG", date(2010, 1, 4))]
    sales = pl.read_parquet(out / "sales.parquet")
    assert sales.select("sold_on", "units", "units_returned", "user_id", "order_id").rows() == [
        (date(2010, 1, 4), 1.0, 0.0, None, "1"),
        (date(2010, 1, 5), 6.0, 6.0, "7", "2"),
        (date(2010, 12, 9), 4.0, 0.0, "8", "9"),
        (date(2010, 12, 10), 5.0, 0.0, "8", None),
    ]


@pytest.mark.parametrize("name", ["online_retail_ii", "musical_instruments"])
def test_a_missing_raw_file_is_named(name: str, tmp_path: Path) -> None:
    script = ROOT / "examples" / name / "prepare.py"
    done = subprocess.run(
        [sys.executable, script, tmp_path, tmp_path / "out"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert "missing" in done.stderr
    assert f"examples/{name}/README.md" in done.stderr
    assert (ROOT / "examples" / name / "README.md").is_file()
    assert not (tmp_path / "out").exists()


def test_the_reviews_of_musical_instruments_are_kept_as_they_are(tmp_path: Path) -> None:
    if not MUSIC.is_dir():
        pytest.skip(f"{MUSIC} is absent")
    counts = prepare("musical_instruments", MUSIC, tmp_path)
    assert counts == {"read": 10_261, "reviews": 10_261, "of_unknown_items": 0, "items": 900, "users": 1_429}
    raw = pl.read_parquet(MUSIC / "reviews.parquet").sort("review_id")
    ours = pl.read_parquet(tmp_path / "reviews.parquet")
    assert ours["text"].equals(raw["text"])
    items = pl.read_parquet(tmp_path / "items.parquet")
    first = ours.group_by("item_id").agg(pl.col("occurred_at").min().dt.date().alias("first"))
    joined = items.join(first, on="item_id", validate="1:1")
    assert joined.height == 900
    assert (joined["available_from"] == joined["first"]).all()


def night(cutoff: str, mode: str, *, new: float, again: float, wape: float) -> dict[str, object]:
    lists = {
        "new": {"ours": {"ndcg@10": new}, "popular": {"ndcg@10": 0.1}},
        "all": {"ours": {"ndcg@10": again}, "again": {"ndcg@10": 0.2}},
    }
    demand = {
        "WQL": {"ours": 0.45, "average_4": 0.6, "last_year": 0.8, "history_13": 0.5, "zero": 1.0},
        "WAPE": {"ours": wape, "average_4": 0.7},
        "mean_ratio": 1.02,
        "items_without_forecast": 0,
    }
    score = {"recommendations": lists, "forecast": demand}
    ratios = runpy.run_path(str(ROOT / "examples/online_retail_ii/night.py"))["ratios"](score)
    return {
        "cutoff": cutoff,
        "bought_before": mode,
        "seconds": 300.0,
        "peak_mb": 3000,
        "ratios": ratios,
        "score": score,
    }


def test_the_bars_are_judged_by_the_mean_of_the_ratios_of_their_own_mode(tmp_path: Path) -> None:
    nights = [
        night("2011-10-14", "hide", new=0.14, again=0.1, wape=0.63),
        night("2011-10-14", "keep", new=0.01, again=0.23, wape=0.63),
        night("2011-11-11", "hide", new=0.17, again=0.1, wape=0.77),
        night("2011-11-11", "keep", new=0.01, again=0.19, wape=0.77),
    ]
    lines = tmp_path / "nights.jsonl"
    lines.write_text("".join(json.dumps(one) + "\n" for one in nights))
    command = [sys.executable, ROOT / "examples/online_retail_ii/night.py", "sum", lines]
    summary = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    figures, met = summary["figures"], summary["met"]
    assert figures["new_over_popular"] == pytest.approx(1.55)
    assert met["new_over_popular"]
    assert figures["all_over_again"] == pytest.approx(1.05)
    assert not met["all_over_again"]
    assert figures["wql_over_best"] == pytest.approx(0.9)
    assert met["wql_over_best"]
    assert figures["wape_over_average_4"] == pytest.approx(1.0)
    assert not met["wape_over_average_4"]
    assert met["seconds"]
    assert met["peak_mb"]


def test_score_without_a_cutoff_says_how_it_is_used() -> None:
    done = subprocess.run(
        ["bash", ROOT / "examples/online_retail_ii/score.sh"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert "usage: score.sh CUTOFF" in done.stderr
