# ruff: noqa: DTZ001 times in tables are naive UTC
from __future__ import annotations

import json
from datetime import date, datetime, timedelta, timezone

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from warehouse import IngestOptions, InputError
from warehouse.contracts import as_record, check_rows, with_types
from warehouse.headers import check_mapping, extras_of, resolve
from warehouse.tables import INPUT
from warehouse.values import as_text, cleaned, dates, numbers, timestamps

OPTIONS = IngestOptions(clean=str)


def judged(table, *, options=OPTIONS, **columns):
    raw = pl.DataFrame(columns)
    return check_rows(raw, table=INPUT[table], options=options)


def sale(**other):
    return {
        "item_id": ["a"],
        "sold_on": ["2024-01-05"],
        "units": ["1"],
        **{name: [value] for name, value in other.items()},
    }


@pytest.mark.parametrize(
    ("written", "decimal", "value"),
    [
        ("1.5", ".", 1.5),
        ("-3", ".", -3.0),
        ("1e3", ".", 1000.0),
        ("1,234.5", ".", 1234.5),
        ("1,234", ".", None),  # may be 1.234 elsewhere
        ("3,5", ".", None),
        ("3,5", ",", 3.5),
        ("1.234,5", ",", 1234.5),
        ("1.234", ",", 1234.0),
        ("12.50", ",", None),
        ("inf", ".", None),
        ("nan", ".", None),
        ("1e16", ".", None),
        ("abc", ".", None),
        ("£3", ".", None),
        ("  ", ".", None),
    ],
)
def test_a_number_is_read_one_way_or_not_at_all(written, decimal, value):
    assert numbers(pl.Series([written]), decimal=decimal).to_list() == [value]


def test_numbers_of_parquet_lose_nan_and_infinity():
    assert numbers(pl.Series([1, 2]), decimal=",").to_list() == [1.0, 2.0]
    assert numbers(pl.Series([1.5, float("nan"), float("-inf"), None]), decimal=".").to_list() == [
        1.5,
        None,
        None,
        None,
    ]


@given(st.floats(-1e12, 1e12).map(lambda value: round(value, 3)))
def test_a_number_with_a_comma_is_the_one_with_a_point(value):
    text = f"{value:.3f}"
    assert numbers(pl.Series([text]), decimal=".").to_list() == [value]
    assert numbers(pl.Series([text.replace(".", ",")]), decimal=",").to_list() == [value]


@pytest.mark.parametrize(
    ("written", "moment"),
    [
        ("2024-01-05", datetime(2024, 1, 5)),
        ("2024-01-05 23:30", datetime(2024, 1, 5, 23, 30)),
        ("2024-01-05T23:30:15Z", datetime(2024, 1, 5, 23, 30, 15)),
        ("2024-01-05T23:30:15.25+02:00", datetime(2024, 1, 5, 21, 30, 15, 250_000)),
        ("2024-01-05 23:30:15-0530", datetime(2024, 1, 6, 5, 0, 15)),
        ("2024-01-05T23:30:15 +02", datetime(2024, 1, 5, 21, 30, 15)),
        ("2024-02-30", None),
        ("2024-01-05T25:00", None),
        ("2024-01-05T23:60", None),
        ("05.01.2024", None),
        ("20240105", None),
        ("", None),
    ],
)
def test_a_time_is_utc_with_or_without_an_offset(written, moment):
    assert timestamps(pl.Series([written]), date_format=None).to_list() == [moment]


def test_a_time_with_an_offset_falls_on_its_day_in_the_shop_and_one_without_on_the_day_that_is_written():
    values = pl.Series(["2024-01-05T23:30:00Z", "2024-01-05T23:30:00", "2024-01-05", "2024-01-06T00:30:00+02:00"])
    read = dates(values, date_format=None, timezone="Europe/Berlin")
    assert read.to_list() == [date(2024, 1, 6), date(2024, 1, 5), date(2024, 1, 5), date(2024, 1, 5)]


def test_a_shops_own_format_is_read_and_iso_besides():
    values = pl.Series(["05.01.2024", "2024-01-06", "01/07/2024"])
    assert dates(values, date_format="%d.%m.%Y", timezone="UTC").to_list() == [date(2024, 1, 5), date(2024, 1, 6), None]
    with_offset = timestamps(pl.Series(["05.01.2024 10:00 +0200"]), date_format="%d.%m.%Y %H:%M %z")
    assert with_offset.to_list() == [datetime(2024, 1, 5, 8)]


def test_days_and_times_of_parquet_are_what_they_are():
    berlin = timezone(timedelta(hours=1))
    aware = pl.Series([datetime(2024, 1, 5, 0, 30, tzinfo=berlin), None]).dt.convert_time_zone("Europe/Berlin")
    assert timestamps(aware, date_format=None).to_list() == [datetime(2024, 1, 4, 23, 30), None]
    assert dates(aware, date_format=None, timezone="Europe/Berlin").to_list() == [date(2024, 1, 5), None]
    assert dates(pl.Series([date(2024, 1, 5)]), date_format=None, timezone="America/Lima").to_list() == [
        date(2024, 1, 5)
    ]
    assert dates(pl.Series([datetime(2024, 1, 5, 1)]), date_format=None, timezone="America/Lima").to_list() == [
        date(2024, 1, 5)
    ]
    assert dates(pl.Series([20240105]), date_format="%Y%m%d", timezone="UTC").to_list() == [date(2024, 1, 5)]


def test_ids_are_text_and_keep_their_zeros():
    assert as_text(pl.Series([" 007 ", "7.0", "", None])).to_list() == ["007", "7.0", None, None]
    assert as_text(pl.Series([7, None])).to_list() == ["7", None]
    assert as_text(pl.Series([12345.0, 1.5, None])).to_list() == [
        "12345",
        "1.5",
        None,
    ]  # what pandas makes of ids with gaps


def test_each_distinct_text_is_cleaned_once():
    seen = []

    def clean(text):
        seen.append(text)
        return text.replace("x", "")

    assert cleaned(pl.Series(["axb", "axb", None, "x"]), clean).to_list() == ["ab", "ab", None, None]
    assert sorted(seen) == ["axb", "x"]


def test_a_good_row_is_typed_and_absent_columns_are_null():
    frame, reasons = judged("sales", **sale(unit_price="2.5"))
    assert reasons == {}
    assert frame.row(0, named=True) == {
        "item_id": "a",
        "sold_on": date(2024, 1, 5),
        "units": 1.0,
        "unit_price": 2.5,
        "location_id": "all",
        "units_returned": None,
        "user_id": None,
        "order_id": None,
    }


@pytest.mark.parametrize(
    ("table", "row", "reason"),
    [
        (
            "sales",
            sale(units="abc"),
            "units: 'abc' is no number; write it as 12.5, or leave it empty where it is unknown",
        ),
        (
            "sales",
            sale(units="3,5"),
            "units: '3,5' is no number; write it as 12.5, or set decimal = \",\" in shop.toml",
        ),
        ("sales", sale(units=""), "units: empty; every row needs it"),
        ("sales", sale(item_id=" "), "item_id: empty; every row needs it"),
        (
            "sales",
            sale(sold_on="05.01.2024"),
            "sold_on: '05.01.2024' is no date of 1900 to 2200; write it as 2024-01-31",
        ),
        ("sales", sale(sold_on="1850-01-05"), "sold_on: '1850-01-05' is no date of 1900 to 2200"),
        ("sales", sale(unit_price="-1"), "unit_price: -1.0 is below 0"),
        ("sales", sale(units_returned="inf"), "units_returned: 'inf' is no number"),
        ("reviews", {"review_id": ["r"], "item_id": ["a"], "stars": ["6"]}, "stars: 6.0 is outside 1 to 5; rescale"),
        ("reviews", {"review_id": ["r"], "item_id": ["a"], "occurred_at": ["soon"]}, "occurred_at: 'soon' is no time"),
        ("reviews", {"review_id": [""], "item_id": ["a"]}, "review_id: empty"),
        (
            "inventory",
            {"item_id": ["a"], "date": ["2024-01-05"], "on_hand": ["1"], "lead_time_days": ["-2"]},
            "lead_time_days: -2.0 is below 0",
        ),
        (
            "promotions",
            {"item_id": ["a"], "starts_on": ["2024-01-05"], "ends_on": ["2024-01-04"]},
            "ends_on: 2024-01-04 is before starts_on, 2024-01-05",
        ),
        (
            "events",
            {"user_id": ["u"], "occurred_at": ["2024-01-05"], "kind": ["cart"]},
            "item_id: empty in an event of kind cart",
        ),
        (
            "events",
            {"user_id": ["u"], "item_id": ["a"], "occurred_at": ["2024-01-05"], "kind": ["shown"], "rank": ["1.5"]},
            "rank: '1.5' is no whole number; write it as 12",
        ),
    ],
)
def test_a_bad_row_says_column_value_and_cure(table, row, reason):
    _, reasons = judged(table, **row)
    assert list(reasons) == [0]
    assert reasons[0].startswith(reason)


def test_a_row_with_two_faults_names_both():
    _, reasons = judged("sales", **sale(units="abc", item_id=""))
    assert reasons[0].startswith("item_id: empty; every row needs it; units: 'abc' is no number; write it as 12.5")


def test_the_cure_speaks_of_the_decimal_mark_that_is_set():
    comma = IngestOptions(clean=str, decimal=",")
    assert 'or set decimal = "." in shop.toml' in judged("sales", options=comma, **sale(units="12.50"))[1][0]
    assert "write it as 12,5" in judged("sales", options=comma, **sale(units="abc"))[1][0]


def test_what_a_reason_quotes_is_cleaned_too():
    masked = IngestOptions(clean=lambda text: text.replace("jo@example.org", "[e-mail]"))
    _, reasons = judged("sales", options=masked, **sale(units="jo@example.org"))
    assert reasons[0].startswith("units: '[e-mail]' is no number")


def test_returns_stock_below_zero_and_half_stars_are_taken():
    assert judged("sales", **sale(units="-2"))[1] == {}
    assert judged("inventory", item_id=["a"], date=["2024-01-05"], on_hand=["-4"])[1] == {}
    assert judged("reviews", review_id=["r"], item_id=["a"], stars=["4.5"])[1] == {}


def test_an_item_without_a_title_is_an_item_all_the_same():
    frame, reasons = judged("items", item_id=["a"], title=[" "])
    assert reasons == {}
    assert frame["title"].to_list() == [""]


def test_known_kinds_of_events_are_known_in_capitals_and_others_stay_as_they_are():
    events = {"user_id": ["u", "u"], "item_id": ["a", "a"], "occurred_at": ["2024-01-05"] * 2, "kind": ["View", "Wish"]}
    assert judged("events", **events)[0]["kind"].to_list() == ["view", "Wish"]


def test_texts_are_cleaned_and_ids_are_not():
    options = IngestOptions(clean=str.upper)
    frame, _ = judged("items", options=options, item_id=["a"], title=["boots"], brand=["b"])
    assert frame.select("item_id", "title", "brand").row(0) == ("a", "BOOTS", "B")


def test_further_columns_get_the_type_that_all_their_values_have():
    texts = pl.DataFrame(
        {
            "number": ["1,5", None],
            "code": ["007", "1"],
            "flag": ["True", "false"],
            "word": ["x", "1"],
            "none": [None, None],
        },
        schema=dict.fromkeys(["number", "code", "flag", "word", "none"], pl.String),
    )
    assert with_types(texts, decimal=",").to_dict(as_series=False) == {
        "code": ["007", "1"],
        "flag": [True, False],
        "number": [1.5, None],
        "word": ["x", "1"],
    }


def test_a_record_is_json_with_texts_cleaned_and_ids_kept():
    row = {
        "user_id": "jo@x",
        "text": "jo@x",
        "on": date(2024, 1, 5),
        "units": 2.0,
        "price": 2.5,
        "none": None,
        "bad": float("inf"),
    }
    record = as_record(row, clean=lambda text: text.replace("jo@x", "*"), ids=["user_id"])
    assert json.loads(record) == {
        "user_id": "jo@x",
        "text": "*",
        "on": "2024-01-05",
        "units": 2,
        "price": 2.5,
        "bad": "inf",
    }
    assert json.loads(as_record(["jo@x", "b"], clean=str.upper)) == ["JO@X", "B"]
    assert json.loads(as_record("größe", clean=str)) == "größe"
    assert "größe" in as_record("größe", clean=str)


# names of columns


def test_a_missing_column_is_named_with_the_near_one_and_the_cure():
    with pytest.raises(InputError) as failure:
        resolve(INPUT["sales"], ["item_id", "sold_on", "qty"], mapped={}, file="sales.csv")
    assert str(failure.value) == (
        "sales.csv: table 'sales' needs the column 'units'; found item_id, sold_on, qty; "
        "did you mean 'qty'? rename it or map it: [columns.sales] units = \"qty\""
    )


@pytest.mark.parametrize(
    ("table", "found", "near"),
    [
        ("sales", ["StockCode", "sold_on", "units"], "StockCode"),
        ("sales", ["item_id", "Invoice Date", "units"], "Invoice Date"),
        ("items", ["item_id", "Product-Name"], "Product-Name"),
        ("sales", ["item_id", "sold_on", "unitz"], "unitz"),
    ],
)
def test_the_near_name_is_a_synonym_or_a_slip(table, found, near):
    with pytest.raises(InputError, match=f"did you mean '{near}'"):
        resolve(INPUT[table], found, mapped={}, file="f.csv")


def test_a_missing_column_without_a_near_one_still_says_what_to_do():
    with pytest.raises(
        InputError,
        match=r'found item_id, x, y; add it, or map the column that holds it: \[columns.items\] title = "..."',
    ):
        resolve(INPUT["items"], ["item_id", "x", "y"], mapped={}, file="items.csv")


def test_a_mapped_column_is_taken_from_where_it_is_mapped():
    found = ["sku", "day", "qty", "units"]
    mapped = {"item_id": "sku", "sold_on": "day", "units": "qty"}
    assert resolve(INPUT["sales"], found, mapped=mapped, file="f") == mapped


def test_a_column_mapped_elsewhere_is_not_also_taken_by_its_own_name():
    columns = resolve(INPUT["items"], ["item_id", "title", "brand"], mapped={"category": "brand"}, file="f")
    assert columns == {"item_id": "item_id", "title": "title", "category": "brand"}


def test_a_mapped_column_that_the_file_lacks_is_an_error_unless_it_has_our_name():
    with pytest.raises(
        InputError, match=r"\[columns.sales\] user_id = 'kunde', and the file has no such column, did you mean 'kunden'"
    ):
        resolve(INPUT["sales"], ["item_id", "sold_on", "units", "kunden"], mapped={"user_id": "kunde"}, file="f")
    own = resolve(INPUT["sales"], ["item_id", "sold_on", "units"], mapped={"units": "qty"}, file="f")
    assert own["units"] == "units"


def test_a_mapping_of_an_unknown_table_or_column_is_an_error():
    with pytest.raises(InputError, match=r"\[columns\] names the table 'sale', did you mean 'sales'"):
        check_mapping({"sale": {}}, ())
    with pytest.raises(InputError, match=r"\[files\] names the table 'item', did you mean 'items'"):
        check_mapping({}, ["item"])
    with pytest.raises(InputError, match="names the column 'unit', did you mean 'units'"):
        check_mapping({"sales": {"unit": "qty"}}, ())
    check_mapping({"items": {"colour": "Farbe"}}, ["items"])  # an open table takes any


def test_further_columns_that_sql_could_not_tell_apart_are_left_out():
    found = ["item_id", "Bezeichnung", "Title", "colour", "Colour", "run_id"]
    assert extras_of(INPUT["items"], found, {"item_id": "item_id", "title": "Bezeichnung"}) == (
        ["colour"],
        ["Title", "Colour", "run_id"],
    )
    assert extras_of(INPUT["sales"], ["x"], {}) == ([], [])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"timezone": "Mars/Base"}, "unknown timezone 'Mars/Base'"),
        ({"decimal": ";"}, "decimal is ';'"),
        ({"delimiter": ";;"}, "delimiter is ';;'"),
        ({"delimiter": '"'}, "delimiter is"),
    ],
)
def test_options_that_no_file_could_be_read_by_are_refused(options, message):
    with pytest.raises(InputError, match=message):
        IngestOptions(clean=str, **options)
