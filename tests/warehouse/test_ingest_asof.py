"""The law of the cutoff, and the law of the counts, over shops that hypothesis makes up."""
# ruff: noqa: DTZ001 times in tables are naive UTC

from __future__ import annotations

import csv
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from warehouse import IngestOptions, ingest, read_signals

FIRST = date(2024, 3, 1)
CUTOFF = FIRST + timedelta(days=10)
HORIZON = 7
BERLIN = ZoneInfo("Europe/Berlin")
OPTIONS = IngestOptions(clean=str, timezone="Europe/Berlin", today=date(2024, 6, 30))

HEADERS = {
    "items": ["item_id", "title", "available_from", "colour"],
    "sales": ["item_id", "sold_on", "units", "user_id"],
    "events": ["user_id", "item_id", "occurred_at", "kind"],
    "reviews": ["review_id", "item_id", "user_id", "occurred_at", "stars", "text"],
    "inventory": ["item_id", "date", "on_hand"],
    "promotions": ["item_id", "starts_on", "ends_on", "known_on", "strength"],
    "calendar": ["date", "holiday"],
}


def day(least=0, most=20):
    return st.integers(least, most).map(lambda days: (FIRST + timedelta(days=days)).isoformat())


def moment():
    hours = st.integers(0, 20 * 24 + 23)  # late hours fall on the next day in Berlin
    return hours.map(lambda hour: (datetime(2024, 3, 1) + timedelta(hours=hour)).isoformat() + "Z")


def often(good, *bad):
    return st.one_of(good, good, good, good, st.sampled_from(bad))


ITEM = often(st.sampled_from("abcd"), "ghost", "")
UNITS = often(st.integers(-2, 9).map(str), "many", "", "inf")
USER = st.sampled_from(["u1", "u2", ""])
ROWS = {
    "items": st.tuples(
        ITEM,
        st.sampled_from(["T", ""]),
        often(st.just(""), "2024-03-09", "2024-03-15", "2024-03-25", "soon"),
        st.sampled_from(["1", "red"]),
    ),
    "sales": st.tuples(ITEM, often(day(), "soon", ""), UNITS, USER),
    "events": st.tuples(
        often(st.just("u1"), ""),
        ITEM,
        often(moment(), "soon"),
        st.sampled_from(["view", "search", "purchase", "shown", "odd"]),
    ),
    "reviews": st.tuples(
        st.sampled_from(["r1", "r2", "r3"]),
        ITEM,
        USER,
        often(moment(), "", "soon"),
        st.sampled_from(["5", "6", ""]),
        st.just("t"),
    ),
    "inventory": st.tuples(ITEM, often(day(), "soon"), UNITS),
    "promotions": st.tuples(
        ITEM, day(), often(day(), "soon"), often(day(), "", "soon"), st.sampled_from(["1", "2", "loud"])
    ),
    "calendar": st.tuples(often(day(0, 30), "soon"), st.sampled_from(["", "1", "true"])),
}
SHOPS = st.fixed_dictionaries(
    {"items": st.lists(ROWS["items"], max_size=6)},
    optional={name: st.lists(ROWS[name], max_size=12) for name in HEADERS if name != "items"},
).map(lambda shop: {**shop, "items": [("a", "Always", "", "1"), *shop["items"]]})


def write(folder, shop):
    folder.mkdir()
    for table, rows in shop.items():
        with (folder / f"{table}.csv").open("w", newline="") as stream:
            csv.writer(stream).writerows([HEADERS[table], *rows])
    return folder


def is_after(text, last):
    try:
        moment = datetime.fromisoformat(text.replace("Z", "+00:00"))
    except ValueError:
        return False
    return (moment.astimezone(BERLIN) if moment.tzinfo else moment).date() > last


def ended(shop):
    """The folder that ends at the cutoff, as the design spells it."""
    dated = {"sales": 1, "events": 2, "reviews": 3, "inventory": 1}
    end = CUTOFF + timedelta(days=HORIZON)

    def stays(table, row):
        if table in dated:
            return not is_after(row[dated[table]], CUTOFF)
        if table == "items":
            return not is_after(row[2], end)
        return not (table == "promotions" and is_after(row[3], CUTOFF))

    return {table: [row for row in rows if stays(table, row)] for table, rows in shop.items()}


def read(folder):
    return ingest(folder, options=OPTIONS, cutoff=CUTOFF, horizon_days=HORIZON, cache=None)


def without_lines(rejects):
    """Where a row stands differs between the folders, and a duplicate's reason names a line."""
    text = pl.col("reason").str.replace(r"line \d+", "line")
    return rejects.select("table_name", "file", text, "record").sort(pl.all())


@settings(max_examples=60, deadline=None)
@given(SHOPS)
def test_the_full_folder_as_of_the_cutoff_is_the_folder_that_ends_there(tmp_path_factory, shop):
    root = tmp_path_factory.mktemp("law")
    full, short = read(write(root / "full", shop)), read(write(root / "short", ended(shop)))
    assert full.tables.keys() == short.tables.keys()
    for name, table in full.tables.items():
        assert table.equals(short.tables[name], null_equal=True), name
        assert table.schema == short.tables[name].schema
    assert without_lines(full.rejects).equals(without_lines(short.rejects))
    assert full.notes == short.notes
    signals, others = (read_signals(one.tables, timezone="Europe/Berlin") for one in (full, short))
    assert signals.purchases.equals(others.purchases)
    assert signals.demand.equals(others.demand)
    assert signals.interest.equals(others.interest)
    assert (signals.purchase_source, signals.demand_source) == (others.purchase_source, others.demand_source)


@settings(max_examples=30, deadline=None)
@given(SHOPS, st.sampled_from([None, CUTOFF]))
def test_every_row_read_is_kept_or_rejected_or_after_the_cutoff(tmp_path_factory, shop, cutoff):
    shop = {"sales": [], **shop}
    shop["sales"] = [("a", "2024-03-05", "1", "u1"), *shop["sales"]]
    folder = write(tmp_path_factory.mktemp("counts") / "shop", shop)
    ingested = ingest(folder, options=OPTIONS, cutoff=cutoff, horizon_days=HORIZON, cache=None)
    counts = ingested.counts
    assert (counts["read"] == counts["kept"] + counts["rejected"] + counts["after_cutoff"]).all()
    by_table = {row["table_name"]: row for row in counts.iter_rows(named=True)}
    for table, rows in shop.items():
        assert by_table[table]["read"] == len(rows)
        assert by_table[table]["kept"] == ingested.tables[table].height
        assert by_table[table]["rejected"] == ingested.rejects.filter(table_name=table).height
    assert ingested.rejects["reason"].null_count() == 0
    assert ingested.rejects["record"].null_count() == 0
    again = ingest(folder, options=OPTIONS, cutoff=ingested.cutoff, horizon_days=HORIZON, cache=None)
    assert all(table.equals(again.tables[name], null_equal=True) for name, table in ingested.tables.items())


@pytest.mark.parametrize(
    ("table", "late"),
    [
        ("sales", ("a", "2024-03-12", "5", "u1")),
        ("events", ("u1", "a", "2024-03-11T23:30:00Z", "purchase")),  # the twelfth in Berlin
        ("reviews", ("r9", "a", "u1", "2024-03-12T10:00:00Z", "5", "t")),
        ("inventory", ("a", "2024-03-12", "5")),
        ("promotions", ("a", "2024-03-12", "2024-03-13", "2024-03-12", "1")),
        ("promotions", ("a", "2024-03-19", "2024-03-20", "", "1")),
        ("calendar", ("2024-03-19", "1")),
        ("items", ("z", "Launch", "2024-03-19", "1")),
    ],
)
def test_a_row_past_the_cutoff_counts_as_after_it_and_changes_no_table(tmp_path, table, late):
    rows = {
        "items": [("a", "A", "", "1")],
        "sales": [("a", "2024-03-05", "1", "u1")],
        "events": [("u1", "a", "2024-03-11T22:30:00Z", "purchase")],
        "reviews": [("r1", "a", "u1", "2024-03-05T10:00:00Z", "5", "t")],
        "inventory": [("a", "2024-03-11", "5")],
        "promotions": [("a", "2024-03-18", "2024-03-25", "2024-03-11", "1")],
        "calendar": [("2024-03-18", "1")],
    }
    before = read(write(tmp_path / "before", rows))
    after = read(write(tmp_path / "after", {**rows, table: [late, *rows[table]]}))
    for name, kept in before.tables.items():
        assert kept.height == 1
        assert kept.equals(after.tables[name], null_equal=True)
    assert after.counts.filter(table_name=table)["after_cutoff"].to_list() == [1]
    assert after.rejects.height == 0


def test_an_item_whose_sales_all_come_later_is_an_item_without_history(tmp_path):
    shop = {
        "items": [("a", "A", "", "1"), ("b", "B", "", "1")],
        "sales": [("a", "2024-03-05", "1", ""), ("b", "2024-03-20", "1", "")],
    }
    ingested = read(write(tmp_path / "shop", shop))
    assert ingested.tables["items"]["item_id"].to_list() == ["a", "b"]
    assert ingested.tables["sales"]["item_id"].to_list() == ["a"]


def test_a_bad_row_past_the_cutoff_is_after_it_and_no_reject(tmp_path):
    shop = {
        "items": [("a", "A", "", "1")],
        "sales": [("a", "2024-03-05", "1", ""), ("ghost", "2024-03-20", "many", "")],
    }
    ingested = read(write(tmp_path / "shop", shop))
    assert ingested.counts.filter(table_name="sales").row(0)[2:] == (2, 1, 0, 1, 0)


def test_a_review_without_a_date_is_known_at_every_cutoff(tmp_path):
    shop = {
        "items": [("a", "A", "", "1")],
        "reviews": [("r1", "a", "u1", "", "5", "t")],
        "sales": [("a", "2024-03-05", "1", "")],
    }
    assert read(write(tmp_path / "shop", shop)).tables["reviews"]["review_id"].to_list() == ["r1"]
