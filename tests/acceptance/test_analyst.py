"""The SQL analyst's scenarios: nothing but DuckDB, the published file and its words."""

from __future__ import annotations

import itertools
import re
import struct
from datetime import timedelta
from pathlib import Path

import polars as pl
import pytest

from warehouse import Published
from warehouse.tables import PUBLISHED, QUANTILES

README = Path(__file__).resolve().parents[2] / "README.md"
LOOK_AROUND = """
import sys
import duckdb

con = duckdb.connect(sys.argv[1], read_only=True)
for setting in ("autoinstall_known_extensions", "autoload_known_extensions"):
    con.execute(f"SET {setting} = false")
print(con.execute(sys.argv[2]).fetchone()[0])
listed = con.execute("SELECT table_name FROM information_schema.tables ORDER BY 1").fetchall()
for (name,) in listed:
    con.execute(f"SELECT * FROM {name}").fetchone()
macros = ["similar_to('000')", "similar_to('000', k := 2)", "item_status('000')", "forecast_interval(level := 0.5)"]
for macro in macros:
    con.execute(f"FROM {macro}").fetchone()
print(" ".join(name for (name,) in listed))
ours = {"warehouse", "encoders", "recsys", "forecast", "jobs", "polars", "torch"} & set(sys.modules)
print("imported:", *ours)
"""


def file_of(runs):
    return runs / "current" / "shelfwise.duckdb"


def test_q01_plain_duckdb_opens_the_published_file_and_counts_the_forecast(published, plain):
    told = plain(file_of(published.runs), "SELECT count(*) FROM forecast", code=LOOK_AROUND)
    assert told.returncode == 0, told.stderr
    count, names, imported = told.stdout.splitlines()
    assert int(count) == published.report.rows["forecast"] == 50 * 8
    assert set(PUBLISHED) <= set(names.split())
    assert imported == "imported:"


def test_q01_every_table_and_column_says_in_sql_what_it_is(published, ask):
    blank = "SELECT table_name FROM duckdb_tables() WHERE NOT internal AND coalesce(comment, '') = ''"
    assert ask(published.runs, blank).is_empty()
    tables = ", ".join(f"'{name}'" for name in PUBLISHED)
    unsaid = "SELECT table_name, column_name FROM duckdb_columns() WHERE coalesce(comment, '') = '' AND table_name IN ("
    assert ask(published.runs, f"{unsaid}{tables})").is_empty()


def test_q02_the_forecast_has_one_row_an_item_and_period_for_the_whole_horizon(published, ask):
    rows = ask(published.runs, "SELECT * FROM forecast ORDER BY item_id, location_id, date")
    starts = [ask(published.runs, "SELECT cutoff FROM runs").item() + timedelta(days=1 + 7 * n) for n in range(8)]
    per_item = rows.group_by("item_id", "location_id").agg(pl.col("date").sort())
    assert set(per_item["item_id"]) == set(ask(published.runs, "SELECT item_id FROM items")["item_id"])
    assert all(dates == starts for dates in per_item["date"].to_list())
    assert set(rows["period_days"]) == {7}


def test_q02_the_forecasts_quantiles_rise_and_none_is_null_or_negative(published, ask):
    rows = ask(published.runs, "SELECT * FROM forecast")
    assert sum(rows.null_count().row(0)) == 0
    numbers = rows.select("mean", *QUANTILES)
    assert numbers.select(pl.all().is_finite().all()).row(0) == (True,) * numbers.width
    assert min(numbers.min().row(0)) >= 0
    for low, high in itertools.pairwise(QUANTILES):
        assert (rows[low] <= rows[high]).all(), (low, high)
    assert rows["mean"].sum() > 100  # and they are no zeros: the shop sells some 75 units a week


def test_q03_recommendations_join_the_forecast_without_loss(published, ask):
    lost = "SELECT count(*) AS n FROM recommendations AS r ANTI JOIN forecast AS f USING (item_id, run_id)"
    assert ask(published.runs, lost).item() == 0
    joined = "SELECT count(*) FROM recommendations JOIN (SELECT DISTINCT item_id, run_id FROM forecast) USING ({})"
    assert ask(published.runs, joined.format("item_id, run_id")).item() == 60 * 20


@pytest.mark.parametrize("item_id", ["I-nosale", "I-launch"])
def test_q04_an_item_without_history_is_an_analog_and_its_neighbours_are_named(market_nights, ask, item_id):
    runs = market_nights.scarce
    rows = ask(runs, f"SELECT * FROM forecast WHERE item_id = '{item_id}' ORDER BY date")
    assert rows.height == 8
    assert set(rows["source"]) == {"analog"}
    assert set(rows["status"]) == {"new"}
    told = ask(runs, f"SELECT * FROM forecast_explain WHERE item_id = '{item_id}' AND neighbour_item_id IS NOT NULL")
    assert told.height >= 3
    assert told["similarity"].is_between(0, 1, closed="right").all()
    category = "tea" if item_id == "I-nosale" else "mugs"
    of = dict(ask(runs, "SELECT item_id, category FROM items").rows())
    nearest = told.sort("similarity", descending=True)["neighbour_item_id"][0]
    assert of[nearest] == category
    sold = set(ask(runs, "SELECT DISTINCT item_id FROM sales")["item_id"])
    assert set(told["neighbour_item_id"]) <= sold


def test_q04_a_planned_launch_is_forecast_from_its_first_day_and_zero_before(market_nights, ask):
    means = ask(market_nights.scarce, "SELECT mean FROM forecast WHERE item_id = 'I-launch' ORDER BY date")["mean"]
    assert list(means[:2]) == [0, 0]
    assert means[2:].min() > 0


def test_q05_an_item_without_history_and_text_is_forecast_widely_from_its_category(market_nights, ask):
    runs = market_nights.scarce
    rows = ask(runs, "SELECT * FROM forecast WHERE item_id = 'I-blank'")
    assert rows.height == 8
    assert set(rows["source"]) == {"category"}
    assert ask(runs, "SELECT no_text FROM items WHERE item_id = 'I-blank'").item() is True
    width = "SELECT item_id, sum(p90 - p10) / sum(mean) AS width FROM forecast GROUP BY item_id HAVING sum(mean) > 0"
    widths = dict(ask(runs, width).rows())
    assert widths["I-blank"] > pl.Series(list(widths.values())).median()


def test_q06_an_unknown_id_gives_no_row_and_its_status_says_unknown_item(published, plain):
    file = file_of(published.runs)
    assert plain(file, "SELECT count(*) FROM similar_to('ZZZ')").stdout == "(0,)\n"
    assert plain(file, "SELECT item_id, status FROM item_status('ZZZ')").stdout == "('ZZZ', 'unknown item')\n"
    assert plain(file, "SELECT count(*) FROM similar_to(NULL, k := 3)").stdout == "(0,)\n"
    assert plain(file, "SELECT count(*) FROM similar_to('000', k := 3)").stdout == "(3,)\n"
    assert plain(file, "SELECT item_id, status FROM item_status('007')").stdout == "('007', 'active')\n"


def test_q07_runs_shows_the_cutoff_the_age_the_encoder_whether_text_was_used_and_the_status(published, ask):
    (row,) = ask(published.runs, "SELECT * FROM runs").rows(named=True)
    assert str(row["cutoff"]) == "2026-06-28"
    assert row["encoder_id"].startswith("all-MiniLM-L6-v2")
    assert (row["text_used"], row["status"], row["degradations"]) == (True, "published", "")
    assert row["texts_encoded"] == published.report.texts_encoded
    hours = "SELECT (epoch(now()) - epoch(TIMESTAMP '2026-06-29 00:00:00')) / 3600"  # from the end of the cutoff's day
    assert row["age_hours"] == pytest.approx(ask(published.runs, hours).item(), abs=0.3)


def test_q07_the_runs_metrics_stand_beside_the_baselines(published, ask):
    for table, metric in (("backtest", "wape"), ("recommendation_quality", "ndcg@10")):
        query = f"SELECT m.* FROM {table} AS m JOIN runs USING (run_id) WHERE m.metric = '{metric}' AND segment = 'all'"
        rows = ask(published.runs, query)
        assert rows.height > 0, table
        assert rows["baseline"].null_count() == rows["baseline_value"].null_count() == 0
        assert rows["value"].is_between(0, 5).all()
        assert rows["n"].min() > 0


def test_q10_moving_a_review_an_event_and_a_sale_past_the_cutoff_changes_no_number(as_of_nights, assert_same_night):
    assert_same_night(as_of_nights.ended, as_of_nights.after)


def test_q10_the_same_three_before_the_cutoff_do_change_numbers(as_of_nights, ask):
    ended, before = as_of_nights.ended, as_of_nights.before
    for table, column in (("forecast", "mean"), ("similar_items", "score"), ("recommendations", "score")):
        query = f"SELECT * EXCLUDE (run_id) FROM {table}"
        assert not ask(ended, query).equals(ask(before, query)), (table, column)


def test_q11_less_stock_on_hand_never_lowers_the_stockout_risk_and_mostly_raises_it(market_nights, ask):
    query = "SELECT item_id, location_id, date, on_hand, probability FROM stockout_risk ORDER BY 1, 2, 3"
    less, more = ask(market_nights.scarce, query), ask(market_nights.plenty, query)
    assert less.select("item_id", "location_id", "date").equals(more.select("item_id", "location_id", "date"))
    assert less.height == 50 * 8
    fallen = less["on_hand"] < more["on_hand"]
    assert fallen.all()
    assert (less["probability"] >= more["probability"]).all()
    assert (less["probability"] > more["probability"]).sum() > 0.9 * less.height
    forecast = "SELECT * EXCLUDE (run_id) FROM forecast"
    assert ask(market_nights.scarce, forecast).equals(ask(market_nights.plenty, forecast))  # all else was equal


def test_q13_the_file_opens_and_answers_while_a_night_writes(second_night, published):
    answers = [output for status, output in second_night.reads if status == 0]
    assert len(answers) == len(second_night.reads) >= 3, second_night.reads
    new = Published.open(second_night.runs).run_id
    assert new != published.report.run_id
    # each answer is one run's, whole; most of the night it is the last one's
    assert set(answers) <= {f"(400, '{published.report.run_id}')", f"(400, '{new}')"}
    assert answers[0] == f"(400, '{published.report.run_id}')"
    assert second_night.held == (400, 400)  # a connection held from before the night to after it


def test_q15_the_storage_version_is_that_of_the_oldest_release_that_the_readme_names(published, ask):
    named = re.findall(r"DuckDB \(?(\d+\.\d+\.\d+)", README.read_text(encoding="utf-8"))
    assert named, "the README names no release of DuckDB"
    assert min(named, key=lambda release: [int(part) for part in release.split(".")]) == "1.2.0"
    tags = "SELECT tags['storage_version'] FROM duckdb_databases() WHERE NOT internal"
    assert ask(published.runs, tags).item() == "v1.2.0+"
    # the file's own header, which an old client reads first: 8 bytes of checksum, DUCK, then the version
    magic, version = struct.unpack_from("<4sQ", file_of(published.runs).read_bytes()[:24], 8)
    assert (magic, version) == (b"DUCK", 65)  # 64: until 1.1; 65: from 1.2.0; 67: from 1.4.0
