from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import duckdb
import pytest


@pytest.fixture(scope="module")
def door(published_root):
    """The file as an analyst opens it: no Python of ours, no extension."""
    with duckdb.connect(
        str((published_root / "current" / "shelfwise.duckdb").resolve()),
        read_only=True,
        config={"autoinstall_known_extensions": "false", "autoload_known_extensions": "false"},
    ) as con:
        yield con


def rows(door, query, *values):
    return door.execute(query, list(values)).fetchall()


def named(door, query):
    return door.sql(query).pl().to_dicts()


def test_neighbours_come_nearest_first_and_no_more_than_k(door):
    found = named(door, "FROM similar_to('007')")
    assert [(row["rank"], row["item_id"], row["title"]) for row in found] == [
        (1, "B1", "blue mug"),
        (2, "B2", "amber's tent"),
    ]
    assert [row["item_id"] for row in named(door, "FROM similar_to('007', k := 1)")] == ["B1"]


def test_an_unknown_id_has_no_neighbours_and_a_status_that_says_so(door):
    assert rows(door, "FROM similar_to('ZZZ')") == []
    (status,) = named(door, "FROM item_status('ZZZ')")
    assert status["item_id"] == "ZZZ"
    assert status["status"] == "unknown item"
    assert status["title"] is None
    assert status["in_lists"] == 0


def test_a_status_sums_the_locations_of_the_next_period(door):
    (status,) = named(door, "FROM item_status('007')")
    assert status == {
        "item_id": "007",
        "title": "red mug",
        "status": "active",
        "on_hand": 4.0,
        "next_mean": 20.0,
        "next_p10": 4.0,
        "next_p90": 36.0,
        "stockout_probability": 0.75,
        "in_lists": 2,
    }
    assert named(door, "SELECT status, on_hand FROM item_status('B2')") == [{"status": "no forecast", "on_hand": None}]


def test_an_id_is_a_value_and_never_sql(door):
    query = "SELECT status FROM item_status(?)"
    assert rows(door, query, "' OR 1 = 1 --") == [("unknown item",)]


def test_an_interval_is_read_off_the_nine_quantiles(door):
    where = "WHERE item_id = '007' AND location_id = 'north' AND date = '2026-06-29'"
    bounds = "SELECT lower_bound, upper_bound FROM forecast_interval({}) " + where
    assert rows(door, bounds.format("")) == [(2.0, 18.0)]
    assert rows(door, bounds.format("level := 0.4")) == [(6.0, 14.0)]
    ((low, high),) = rows(door, bounds.format("level := 0.5"))
    assert (low, high) == (pytest.approx(5.0), pytest.approx(15.0))
    ((low, high),) = rows(door, bounds.format("level := 0.7"))
    assert (low, high) == (pytest.approx(3.0), pytest.approx(17.0))


@pytest.mark.parametrize("level", ["0.95", "0", "-1"])
def test_an_interval_that_nine_quantiles_cannot_give_is_refused(door, level):
    with pytest.raises(duckdb.Error, match=r"level is a number above 0 and at most 0\.8"):
        rows(door, f"FROM forecast_interval(level := {level})")


def test_snowflakes_names_hold_one_series_an_item_and_location(door):
    found = named(door, 'FROM forecast_snowflake ORDER BY "SERIES", "TS" LIMIT 1')
    assert found == [
        {
            "SERIES": "007/north",
            "TS": datetime(2026, 6, 29),  # noqa: DTZ001 a timestamp without a zone
            "FORECAST": 10.0,
            "LOWER_BOUND": 2.0,
            "UPPER_BOUND": 18.0,
        }
    ]
    assert rows(door, "SELECT count(*) FROM forecast_snowflake") == rows(door, "SELECT count(*) FROM forecast")


def test_bigquerys_names_hold_the_same_figures(door):
    found = named(door, "FROM forecast_bigquery ORDER BY item_id, location_id, forecast_timestamp LIMIT 1")
    assert found == [
        {
            "item_id": "007",
            "location_id": "north",
            "forecast_timestamp": datetime(2026, 6, 29),  # noqa: DTZ001 a timestamp without a zone
            "forecast_value": 10.0,
            "confidence_level": 0.8,
            "prediction_interval_lower_bound": 2.0,
            "prediction_interval_upper_bound": 18.0,
            "ai_forecast_status": "",
        }
    ]


def test_accuracy_holds_the_periods_that_have_wholly_passed_and_absent_sales_are_zero(door):
    found = named(door, "FROM forecast_accuracy ORDER BY location_id")
    week = {"run_id": "r0", "cutoff": date(2026, 6, 21), "item_id": "007", "date": date(2026, 6, 22), "period_days": 7}
    told = {"mean": 10.0, "p50": 10.0}
    assert found == [
        {**week, "location_id": "north", "units": 9.0, **told, "absolute_error": 1.0, "inside_p10_p90": True},
        {**week, "location_id": "south", "units": 0.0, **told, "absolute_error": 10.0, "inside_p10_p90": False},
    ]
    ((wape, coverage),) = rows(
        door,
        "SELECT sum(absolute_error) / sum(units), avg(CAST(inside_p10_p90 AS INTEGER)) FROM forecast_accuracy",
    )
    assert wape == pytest.approx(11 / 9)
    assert coverage == 0.5


def test_runs_tell_the_age_of_their_data_in_hours(door):
    (run,) = named(door, "SELECT cutoff, age_hours, encoder_id, text_used, status FROM runs WHERE run_id = 'r1'")
    expected = (datetime.now(UTC) - datetime(2026, 6, 29, tzinfo=UTC)) / timedelta(hours=1)
    assert run["age_hours"] == pytest.approx(expected, abs=0.2)
    assert (run["cutoff"], run["encoder_id"], run["text_used"], run["status"]) == (
        date(2026, 6, 28),
        "minilm",
        True,
        "published",
    )


def test_the_file_answers_under_another_name_too(published_root):
    with duckdb.connect(":memory:") as con:
        con.execute(f"ATTACH '{published_root / 'r1' / 'shelfwise.duckdb'}' AS shop (READ_ONLY)")
        assert con.execute("SELECT count(*) FROM shop.runs").fetchall() == [(2,)]
        con.execute("USE shop")
        assert con.execute("SELECT status FROM item_status('007')").fetchall() == [("active",)]
