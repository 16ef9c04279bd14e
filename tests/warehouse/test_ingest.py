# ruff: noqa: DTZ001 times in tables are naive UTC
from __future__ import annotations

import gzip
import json
from datetime import date, datetime, timedelta

import polars as pl
import pytest

from warehouse import PARTIAL_DAY, IngestOptions, InputError, ingest
from warehouse.tables import INPUT, polars_schema

TODAY = date(2024, 6, 30)
OPTIONS = IngestOptions(clean=str, today=TODAY)
ITEMS = "item_id,title\n007,Boots\nB1,Hat\n"
SALES = "item_id,sold_on,units\n007,2024-01-05,2\nB1,2024-01-06,1\n"


def shop(tmp_path, **files):
    """Write a folder: `sales__csv="…"` becomes sales.csv."""
    folder = tmp_path / "shop"
    for name, content in {"items__csv": ITEMS, **files}.items():
        if content is None:
            continue
        path = folder / name.replace("__", ".").replace("_in_", "/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return folder


def read(folder, *, options=OPTIONS, cutoff=None, horizon_days=56, cache=None):
    return ingest(folder, options=options, cutoff=cutoff, horizon_days=horizon_days, cache=cache)


def reasons(ingested, table="sales"):
    rows = ingested.rejects.filter(pl.col("table_name") == table)
    return dict(zip(rows["line"].to_list(), rows["reason"].to_list(), strict=True))


def test_a_folder_with_our_names_needs_no_configuration(tmp_path):
    ingested = read(shop(tmp_path, sales__csv=SALES))
    assert sorted(ingested.tables) == ["items", "sales"]
    assert ingested.tables["sales"].schema == polars_schema(INPUT["sales"])
    assert ingested.tables["items"]["item_id"].to_list() == ["007", "B1"]
    assert ingested.cutoff == date(2024, 1, 6)
    assert ingested.rejects.height == 0
    assert ingested.counts.rows() == [("items", "items.csv", 2, 2, 0, 0, 0), ("sales", "sales.csv", 2, 2, 0, 0, 0)]


def test_a_table_may_be_several_files_of_several_kinds(tmp_path):
    folder = shop(
        tmp_path,
        sales__csv=SALES,
        **{
            "sales_2022__csv__gz": gzip.compress(b"item_id,sold_on,units\n007,2022-01-05,1\n"),
            "sales-2023__jsonl": '{"item_id": "B1", "sold_on": "2023-01-05", "units": 3}\n',
            "sales_in_a__csv": "item_id,sold_on,units\n007,2021-01-05,1\n",
        },
    )
    pl.DataFrame({"item_id": ["B1"], "sold_on": [date(2020, 1, 5)], "units": [4]}).write_parquet(
        folder / "sales" / "b.parquet"
    )
    ingested = read(folder)
    assert ingested.tables["sales"]["sold_on"].dt.year().sort().to_list() == [2020, 2021, 2022, 2023, 2024, 2024]
    assert ingested.counts["file"].to_list()[1:] == [
        "sales-2023.jsonl",
        "sales.csv",
        "sales/a.csv",
        "sales/b.parquet",
        "sales_2022.csv.gz",
    ]


def test_the_truth_and_hidden_files_are_never_read_and_strangers_are_named(tmp_path):
    folder = shop(
        tmp_path,
        sales__csv=SALES,
        truth_in_sales__csv="broken",
        stray__csv="x",
        salesmen__csv="x",
        README__md="x",
        shop__toml="x",
    )
    (folder / ".sales.csv").write_text("broken")
    (folder / "sales").mkdir()
    (folder / "sales" / ".part.csv").write_text("broken")
    ingested = read(folder)
    assert ingested.counts["file"].to_list() == ["items.csv", "sales.csv"]
    assert ingested.notes[0] == "files that belong to no table: salesmen.csv, stray.csv"


def test_files_are_taken_from_where_the_configuration_says(tmp_path):
    folder = shop(
        tmp_path,
        items__csv=None,
        verkauf_2024__csv=SALES,
        old_in_verkauf_2023__csv=SALES,
        artikel__csv=ITEMS,
        sales__csv="broken",
    )
    options = IngestOptions(clean=str, today=TODAY, files={"sales": ("**/verkauf_*.csv",), "items": ("artikel.???",)})
    ingested = read(folder, options=options)
    assert ingested.counts["file"].to_list() == ["artikel.csv", "old/verkauf_2023.csv", "verkauf_2024.csv"]
    assert ingested.tables["sales"].height == 4  # two equal rows of sales are two sales


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"sales": ("verkauf.csv",)}, r"\[files\] sales = 'verkauf.csv' matches no file; the folder holds .*items.csv"),
        ({"sales": ("../*",)}, "matches no file"),
        ({"sales": ("sales.xlsx",)}, r"sales.xlsx: no kind of file that is read here"),
        ({"sale": ("x",)}, "did you mean 'sales'"),
    ],
)
def test_a_pattern_that_finds_nothing_to_read_is_an_error(tmp_path, files, message):
    folder = shop(tmp_path, sales__xlsx="x")
    with pytest.raises(InputError, match=message):
        read(folder, options=IngestOptions(clean=str, files=files))


def test_an_absent_folder_and_an_absent_catalogue_are_errors(tmp_path):
    with pytest.raises(InputError, match="no such folder"):
        read(tmp_path / "nowhere")
    with pytest.raises(
        InputError,
        match=r"no table 'items'; looked for items.csv.*the folder holds artikel.csv: name the file in shop.toml",
    ):
        read(shop(tmp_path, items__csv=None, artikel__csv=ITEMS))


def test_n04_a_missing_column_is_named_with_file_table_found_columns_and_near_name(tmp_path):
    with pytest.raises(InputError) as failure:
        read(shop(tmp_path, sales__csv="item_id,sold_on,qty\n007,2024-01-05,1\n"))
    assert str(failure.value).startswith(
        "sales.csv: table 'sales' needs the column 'units'; found item_id, sold_on, qty; did you mean 'qty'?"
    )


def test_n05_future_rows_and_units_that_are_no_number_are_rejected_with_reasons(tmp_path):
    rows = [f"007,2024-07-0{day},1" for day in (1, 2, 3)] + ["B1,2024-01-05,two", "B1,2024-01-05,"]
    ingested = read(shop(tmp_path, sales__csv=SALES + "\n".join(rows) + "\n"))
    said = reasons(ingested)
    assert sorted(said) == [4, 5, 6, 7, 8]
    assert (
        said[4] == "sold_on: 2024-07-01 is in the future; today is 2024-06-30; mend the date or the clock that wrote it"
    )
    assert said[7].startswith("units: 'two' is no number")
    assert said[8] == "units: empty; every row needs it"
    assert ingested.counts.filter(table_name="sales").row(0) == ("sales", "sales.csv", 7, 2, 5, 0, 0)


def test_n06_the_same_folder_twice_gives_the_same_rows(tmp_path):
    folder = shop(tmp_path, sales__csv=SALES + "x,y\n")
    first, second = (read(folder, cache=tmp_path / "cache") for _ in range(2))
    for name, table in first.tables.items():
        assert table.equals(second.tables[name])
    assert first.rejects.equals(second.rejects)
    assert first.counts.equals(second.counts)


@pytest.mark.parametrize(
    ("items", "message"),
    [
        ("item_id,title\n", "items has 0 rows; nothing to index"),
        (
            "item_id,title\n,Boots\n",
            "items: all 1 rows are rejected; nothing to index. items.csv line 2: item_id: empty",
        ),
        ("item_id,title,available_from\na,Boots,2030-01-01\n", "items has 0 rows as of 2024-01-06; nothing to index"),
    ],
)
def test_n09_a_shop_without_a_single_item_is_an_error(tmp_path, items, message):
    with pytest.raises(InputError, match=message):
        read(shop(tmp_path, items__csv=items, sales__csv=SALES), cutoff=date(2024, 1, 6))


def test_rows_of_unknown_items_are_rejected_in_every_table_that_names_items(tmp_path):
    folder = shop(
        tmp_path,
        sales__csv="item_id,sold_on,units\nZZ,2024-01-05,2\n007,2024-01-06,1\n",
        events__csv="user_id,item_id,occurred_at,kind\nu,ZZ,2024-01-05,view\nu,,2024-01-05,search\nu,ZZ,2024-01-05,search\n",
        reviews__csv="review_id,item_id,text\nr,ZZ,fine\n",
        inventory__csv="item_id,date,on_hand\nZZ,2024-01-05,3\n",
        promotions__csv="item_id,starts_on,ends_on\nZZ,2024-01-05,2024-01-09\n",
        calendar__csv="date,holiday\n2024-01-06,true\n",
    )
    ingested = read(folder)
    unknown = "item_id: 'ZZ' is not in items; add it there, or leave its rows out"
    assert set(ingested.rejects["reason"]) == {unknown}
    assert ingested.rejects.group_by("table_name").len().sort("table_name").rows() == [
        ("events", 2),
        ("inventory", 1),
        ("promotions", 1),
        ("reviews", 1),
        ("sales", 1),
    ]
    assert ingested.tables["events"].height == 1
    assert json.loads(ingested.rejects.filter(table_name="reviews")["record"][0]) == {
        "review_id": "r",
        "item_id": "ZZ",
        "text": "fine",
    }
    assert "reviews: all 1 rows up to the cutoff were rejected; see rejects for why" in ingested.notes


def test_rows_of_an_item_that_is_itself_rejected_say_so(tmp_path):
    folder = shop(tmp_path, items__csv="item_id,title,price\n007,Boots,cheap\nB1,Hat,2\n", sales__csv=SALES)
    assert reasons(read(folder)) == {2: "item_id: '007' is in items, in a row that is rejected; mend it there"}


def test_a_table_that_is_there_and_empty_is_said_to_be(tmp_path):
    ingested = read(
        shop(tmp_path, sales__csv="item_id,sold_on,units\n", inventory__csv="item_id,date,on_hand\n"),
        cutoff=date(2024, 1, 6),
    )
    assert ingested.tables["sales"].height == 0
    assert ingested.counts.filter(table_name="sales").row(0) == ("sales", "sales.csv", 0, 0, 0, 0, 0)
    assert "inventory has 0 rows up to the cutoff: no stock-out risk" in ingested.notes
    assert not any(note.startswith("no inventory") for note in ingested.notes)


def test_of_two_rows_with_one_key_the_first_is_kept_and_the_other_says_where_it_stands(tmp_path):
    folder = shop(
        tmp_path,
        sales__csv=SALES,
        items__csv=ITEMS + "B1,Hat again\n",
        items_more__csv="item_id,title\n007,Other boots\nC,Cap\n",
        inventory__csv="item_id,date,on_hand,location_id\n007,2024-01-05,3,\n007,2024-01-05,4,all\n007,2024-01-05,5,x\n",
    )
    ingested = read(folder)
    assert ingested.tables["items"].select("item_id", "title").rows() == [("007", "Boots"), ("B1", "Hat"), ("C", "Cap")]
    assert ingested.rejects.filter(table_name="items").select("file", "line", "reason").rows() == [
        ("items.csv", 4, "item_id 'B1' is there already, in items.csv line 3; each row needs a key of its own"),
        ("items_more.csv", 2, "item_id '007' is there already, in items.csv line 2; each row needs a key of its own"),
    ]
    assert ingested.tables["inventory"].select("location_id", "on_hand").rows() == [("all", 3.0), ("x", 5.0)]
    assert "item_id '007', location_id 'all', date '2024-01-05' is there already" in reasons(ingested, "inventory")[3]


def test_equal_rows_of_sales_are_as_many_sales(tmp_path):
    ingested = read(shop(tmp_path, sales__csv="item_id,sold_on,units\n" + "007,2024-01-05,1\n" * 3))
    assert ingested.tables["sales"].height == 3


def test_rows_that_cannot_be_read_are_kept_as_rejects_with_their_line_and_what_stood_there(tmp_path):
    ingested = read(shop(tmp_path, sales__csv=SALES + '007,2024-01-05\n007,"2024"-01-05,1\n'))
    assert sorted(reasons(ingested)) == [4, 5]
    assert [json.loads(record) for record in ingested.rejects["record"]] == [
        ["007", "2024-01-05"],
        '007,"2024"-01-05,1',
    ]


def test_nothing_is_stored_before_it_is_cleaned(tmp_path):
    options = IngestOptions(clean=lambda text: text.replace("jo@example.org", "[e-mail]"), today=TODAY)
    secret = "jo@example.org"
    folder = shop(
        tmp_path,
        items__csv=f"item_id,title,note\n007,Boots of {secret},ask {secret}\nB1,Hat,\n",
        sales__csv=SALES + f"007,2024-01-05,{secret}\n007,{secret}\n007,2024-01-05,1,{secret}\n",
        reviews__csv=f"review_id,item_id,stars,text\nr1,007,9,{secret} is me\nr2,ZZ,5,{secret} again\nr3,007,5,fine\n",
    )
    ingested = read(folder, options=options, cache=tmp_path / "cache")
    everything = "".join(frame.write_csv() for frame in (*ingested.tables.values(), ingested.rejects))
    assert secret not in everything
    assert everything.count("[e-mail]") >= 6
    for path in (tmp_path / "cache" / "ingest").glob("*.parquet"):
        assert secret not in pl.read_parquet(path).write_csv()


def test_a_record_holds_only_what_has_a_place_in_a_table_and_a_found_value_is_cleaned_before_it_is_cut(tmp_path):
    options = IngestOptions(clean=lambda text: text.replace("jo@example.org", "[e-mail]"), today=TODAY)
    review = "review_id,item_id,stars,text,customer\nr1,007," + "9" * 70 + " jo@example.org,good,Jo Doe\n"
    ingested = read(shop(tmp_path, reviews__csv=review, sales__csv=SALES), options=options)
    (row,) = ingested.rejects.iter_rows(named=True)
    assert json.loads(row["record"]) == {
        "review_id": "r1",
        "item_id": "007",
        "stars": "9" * 70 + " [e-mail]",
        "text": "good",
    }
    assert "jo@" not in row["reason"]


def test_parquet_ids_become_text_and_its_numbers_and_days_are_taken_as_they_are(tmp_path):
    folder = shop(tmp_path, items__csv="item_id,title\n7,Boots\n")
    pl.DataFrame(
        {
            "item_id": [7, 7],
            "sold_on": [datetime(2024, 1, 5, 10), datetime(2024, 1, 6)],
            "units": [1, 2],
            "user_id": [12.0, None],
        }
    ).write_parquet(folder / "sales.parquet")
    sales = read(folder).tables["sales"]
    assert sales.select("item_id", "sold_on", "units", "user_id").rows() == [
        ("7", date(2024, 1, 5), 1.0, "12"),
        ("7", date(2024, 1, 6), 2.0, None),
    ]


def test_a_nested_value_of_parquet_is_json_text_as_json_lines_have_it(tmp_path):
    folder = shop(tmp_path, sales__csv=SALES, items__csv=None)
    row = {"item_id": ["007", "B1"], "title": ["Boots", "Hat"], "size": [{"cm": 7}, None]}
    row["category"] = [["Home", "Tea & more"], None]
    pl.DataFrame(row).with_columns(brand=pl.Series([b"Zeno", None])).write_parquet(folder / "items.parquet")
    found = read(folder).tables["items"].select("category", "size", "brand").rows()
    assert found == [('["Home", "Tea & more"]', '{"cm": 7}', "Zeno"), (None, None, None)]


def test_a_column_of_bytes_is_refused_by_name(tmp_path):
    folder = shop(tmp_path, sales__csv=SALES, items__csv=None)
    pl.DataFrame({"item_id": ["a"], "title": ["b"], "image": [b"\xff"]}).write_parquet(folder / "items.parquet")
    with pytest.raises(InputError, match=r"items.parquet: column 'image' holds Binary; write text or numbers"):
        read(folder)


def test_further_columns_of_open_tables_are_kept_with_their_types(tmp_path):
    folder = shop(
        tmp_path,
        items__csv="item_id,title,colour,weight,ean\n007,Boots,red,1.5,0123\nB1,Hat,,2,0456\n",
        sales__csv=SALES,
        promotions__csv="item_id,starts_on,ends_on,kind,discount\n007,2024-01-05,2024-01-09,flyer,0.2\n",
        calendar__csv="date,closed,temperature\n2024-01-06,false,-3\n",
    )
    tables = read(folder).tables
    assert tables["items"].select("colour", "ean", "weight").rows() == [("red", "0123", 1.5), (None, "0456", 2.0)]
    assert tables["promotions"].select("kind", "discount").row(0) == ("flyer", 0.2)
    assert tables["calendar"].select("closed", "temperature").row(0) == (False, -3.0)


def test_a_plan_without_a_location_holds_everywhere_and_a_sale_without_one_in_the_only_one(tmp_path):
    folder = shop(
        tmp_path,
        sales__csv=SALES,
        promotions__csv="item_id,starts_on,ends_on,location_id\n007,2024-01-05,2024-01-09,\n007,2024-01-05,2024-01-09,north\n",
        calendar__csv="date,location_id,holiday\n2024-01-06,all,1\n2024-01-06,,2\n2024-01-06,north,3\n",
    )
    ingested = read(folder)
    assert ingested.tables["sales"]["location_id"].to_list() == ["all", "all"]
    assert ingested.tables["promotions"]["location_id"].to_list() == [None, "north"]
    assert ingested.tables["calendar"].select("location_id", "holiday").rows() == [(None, 1.0), ("north", 3.0)]
    twin = "date '2024-01-06', location_id '' is there already, in calendar.csv line 2; each row needs a key of its own"
    assert reasons(ingested, "calendar") == {3: twin}


def test_a_further_column_that_sql_could_not_tell_from_ours_is_left_out_and_named(tmp_path):
    ingested = read(
        shop(
            tmp_path,
            items__csv="item_id,title,Title\n007,Boots,x\n",
            sales__csv="item_id,sold_on,units\n007,2024-01-05,1\n",
        )
    )
    assert "Title" not in ingested.tables["items"].columns
    assert ingested.notes[0] == "items.csv: columns left out, whose names SQL cannot tell from others: Title"


def test_json_lines_need_a_column_once_in_the_file_and_not_in_every_row(tmp_path):
    folder = shop(
        tmp_path,
        sales__csv=SALES,
        items__csv=None,
        items__jsonl='{"item_id": 7, "title": "a"}\n{"item_id": "B1", "brand": "x"}\n{"title": "b"}\n',
    )
    ingested = read(folder, cutoff=date(2024, 1, 6))
    assert ingested.tables["items"].select("item_id", "title", "brand").rows() == [("7", "a", None), ("B1", "", "x")]
    assert reasons(ingested, "items") == {3: "item_id: empty; every row needs it"}
    (folder / "sales.jsonl").write_text('{"item_id": "B1", "sold_on": "2024-01-05", "qty": 1}\n')
    with pytest.raises(InputError, match=r"sales\.jsonl: table 'sales' needs the column 'units'"):
        read(folder)


def test_json_lines_without_a_single_name_of_ours_are_refused_whole_and_broken_ones_row_by_row(tmp_path):
    folder = shop(tmp_path, sales__jsonl='{"artikel": "007", "menge": 1}\n', reviews__jsonl="nope\n")
    with pytest.raises(
        InputError,
        match=r"sales\.jsonl: table 'sales' needs the column 'item_id'; found artikel, menge; did you mean 'artikel'",
    ):
        read(folder)
    (folder / "sales.jsonl").write_text('{"item_id": "007", "sold_on": "2024-01-05", "units": 1}\n')
    assert list(reasons(read(folder), "reviews")) == [1]


def test_the_cutoff_is_the_last_day_of_sales_else_purchases_else_reviews_else_any_event(tmp_path):
    events = (
        "user_id,item_id,occurred_at,kind\nu,007,2024-03-01,purchase\nu,007,2024-04-01,view\nu,ZZ,2024-05-01,purchase\n"
    )
    reviews = "review_id,item_id,occurred_at,text\nr,007,2024-02-01T23:30:00Z,fine\n"
    for name, content in (("events.csv", events), ("reviews.csv", reviews), ("sales.csv", "item_id,sold_on,units\n")):
        shop(tmp_path, **{name.replace(".", "__"): content})
    folder = tmp_path / "shop"
    assert read(folder).cutoff == date(2024, 3, 1)
    (folder / "events.csv").write_text("user_id,item_id,occurred_at,kind\nu,007,2024-04-01,view\n")
    berlin = IngestOptions(clean=str, today=TODAY, timezone="Europe/Berlin")
    assert read(folder, options=berlin).cutoff == date(2024, 2, 2)
    (folder / "reviews.csv").unlink()
    assert read(folder).cutoff == date(2024, 4, 1)
    (folder / "events.csv").unlink()
    with pytest.raises(InputError, match="name the last day of data with --cutoff YYYY-MM-DD"):
        read(folder)


def test_the_notes_say_once_what_is_absent_and_which_kinds_are_not_used(tmp_path):
    events = "user_id,item_id,occurred_at,kind\n" + "u,007,2024-01-05,wish\n" * 3 + "u,007,2024-01-05,VIEW\n"
    notes = read(shop(tmp_path, sales__csv=SALES, events__csv=events)).notes
    assert "no inventory: no stock-out risk" in notes
    assert [note.split(":")[0] for note in notes if note.startswith("no ")] == [
        "no reviews",
        "no inventory",
        "no promotions",
        "no calendar",
    ]
    assert notes[-1].startswith("events of kinds that are kept and not used: wish (3 rows); the kinds known are view")


@pytest.mark.parametrize(("last", "partial"), [(3, True), (4, False), (20, False)])
def test_a_last_day_with_under_a_fifth_of_its_weekday_is_named(tmp_path, last, partial):
    days = [date(2024, 1, 1) + timedelta(days=day) for day in range(57)]
    rows = [f"007,{day},1" for day in days[:-1] for _ in range(20)] + [f"007,{days[-1]},1"] * last
    notes = read(shop(tmp_path, sales__csv="item_id,sold_on,units\n" + "\n".join(rows))).notes
    named = [note for note in notes if note.startswith(PARTIAL_DAY)]
    assert (
        named
        == ["partial last day: sales of 2024-02-26 have 3 rows; the median Monday of the 8 weeks before has 20"]
        * partial
    )


def test_a_small_shop_has_no_partial_days(tmp_path):
    days = [date(2024, 1, 1) + timedelta(days=day) for day in range(57)]
    rows = [f"007,{day},1" for day in days[:-1] for _ in range(19)] + [f"007,{days[-1]},1"]
    notes = read(shop(tmp_path, sales__csv="item_id,sold_on,units\n" + "\n".join(rows))).notes
    assert not any(note.startswith(PARTIAL_DAY) for note in notes)


def test_sales_that_name_their_items_stand_for_a_catalogue(tmp_path):
    rows = [
        "sku,name,day,n",
        "a,New name,2024-03-01,1",
        "a,,2024-01-01,1",
        "a,First name,2024-01-02,1",
        "b,Later,2024-03-01,1",
        ",no id,2024-01-01,1",
    ]
    options = IngestOptions(
        clean=str,
        today=TODAY,
        files={"items": ("sold.csv",), "sales": ("sold.csv",)},
        columns={
            "items": {"item_id": "sku", "title": "name"},
            "sales": {"item_id": "sku", "sold_on": "day", "units": "n"},
        },
    )
    folder = shop(tmp_path, items__csv=None, sold__csv="\n".join(rows))
    ingested = read(folder, options=options, cutoff=date(2024, 2, 1))
    assert ingested.tables["items"].select("item_id", "title").rows() == [("a", "First name")]
    assert ingested.counts.rows() == [("items", "sold.csv", 1, 1, 0, 0, 0), ("sales", "sold.csv", 5, 2, 1, 2, 0)]
    assert ingested.rejects["table_name"].to_list() == ["sales"]


def test_a_catalogue_is_taken_before_what_the_sales_call_an_item(tmp_path):
    options = IngestOptions(
        clean=str, today=TODAY, files={"items": ("items.csv", "sales.csv")}, columns={"items": {"title": "name"}}
    )
    folder = shop(
        tmp_path,
        items__csv="item_id,title\n007,Boots\n",
        sales__csv="item_id,sold_on,units,name\n007,2024-01-05,1,boots!\nB1,2024-01-06,1,Hat\n",
    )
    ingested = read(folder, options=options)
    assert ingested.tables["items"].select("item_id", "title").rows() == [("007", "Boots"), ("B1", "Hat")]
    assert ingested.tables["sales"].height == 2
