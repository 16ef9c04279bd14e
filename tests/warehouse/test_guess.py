from __future__ import annotations

import tomllib
from datetime import date
from pathlib import Path

import polars as pl
import pytest

from warehouse import IngestOptions, InputError, ingest
from warehouse.guess import guess_shop
from warehouse.guess_values import date_format_of, decimal_of, share_of_days, share_of_numbers

GERMAN = """Belegnummer;Datum;Artikelnummer;Bezeichnung;Menge;Einzelpreis;Kunde
1;05.01.2023;007;Stiefel, groß;2;12,50;K1
1;05.01.2023;008;Hut;1;1.299,00;K1
2;17.01.2023;007;Stiefel, groß;1,5;12,50;
"""
ONLINE_RETAIL = """InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country
1,0123A,WHITE HEART,6,12/1/2010 8:26,2.55,17850,United Kingdom
1,71053,WHITE LANTERN,6,12/1/2010 8:26,3.39,17850,United Kingdom
2,71053,WHITE LANTERN II,-6,12/13/2010 9:26,3.39,,United Kingdom
"""


def folder_of(tmp_path, **files):
    folder = tmp_path / "shop"
    folder.mkdir(exist_ok=True)
    for name, content in files.items():
        (folder / name.replace("__", ".")).write_bytes(content if isinstance(content, bytes) else content.encode())
    return folder


def read_back(folder):
    """What the guess says, and what the folder holds by it."""
    text = guess_shop(folder)
    said = tomllib.loads(text)
    known = {key: said[key] for key in ("timezone", "delimiter", "decimal", "date_format", "encoding") if key in said}
    files = {table: tuple(patterns) for table, patterns in said.get("files", {}).items()}
    options = IngestOptions(clean=str, files=files, columns=said.get("columns", {}), today=date(2025, 1, 1), **known)
    assert set(said) <= {*known, "files", "columns"}
    return text, said, ingest(folder, options=options, cutoff=None, horizon_days=56, cache=None)


def test_a_german_export_is_read_by_its_own_guess(tmp_path):
    folder = folder_of(
        tmp_path,
        verkauf_2023__csv=GERMAN.encode("cp1252"),
        verkauf_2024__csv=GERMAN.replace(".2023", ".2024").encode("cp1252"),
    )
    text, said, ingested = read_back(folder)
    assert (said["delimiter"], said["decimal"], said["date_format"], said["encoding"]) == (
        ";",
        ",",
        "%d.%m.%Y",
        "cp1252",
    )
    assert said["files"] == {"items": ["verkauf_*.csv"], "sales": ["verkauf_*.csv"]}
    assert said["columns"]["sales"] == {
        "item_id": "Artikelnummer",
        "sold_on": "Datum",
        "units": "Menge",
        "unit_price": "Einzelpreis",
        "user_id": "Kunde",
        "order_id": "Belegnummer",
    }
    assert ingested.rejects.height == 0
    assert ingested.tables["items"].select("item_id", "title").rows() == [("007", "Stiefel, groß"), ("008", "Hut")]
    assert ingested.tables["sales"]["unit_price"].max() == 1299.0
    assert "# no file is a catalogue: an item is taken from its first sale up to the cutoff" in text


def test_a_german_catalogue_beside_the_sales_is_the_catalogue(tmp_path):
    catalogue = "Artikelnr;Bezeichnung;Warengruppe;Preis\n007;Stiefel;Schuhe;12,50\n008;Hut;Hüte;1.299,00\n"
    _, said, ingested = read_back(folder_of(tmp_path, verkaeufe__csv=GERMAN, artikelstamm__csv=catalogue))
    assert said["files"] == {"items": ["artikelstamm.csv"], "sales": ["verkaeufe.csv"]}
    assert "encoding" not in said
    assert ingested.tables["items"].select("item_id", "category", "price").rows() == [
        ("007", "Schuhe", 12.5),
        ("008", "Hüte", 1299.0),
    ]


def test_online_retails_header_is_read_by_its_own_guess(tmp_path):
    _, said, ingested = read_back(folder_of(tmp_path, OnlineRetail__csv=ONLINE_RETAIL))
    assert said["date_format"] == "%m/%d/%Y %H:%M"
    assert said["columns"]["items"] == {"item_id": "StockCode", "title": "Description"}
    assert ingested.tables["items"].select("item_id", "title").rows() == [
        ("0123A", "WHITE HEART"),
        ("71053", "WHITE LANTERN"),
    ]
    assert ingested.tables["sales"].select("item_id", "sold_on", "units", "user_id").rows() == [
        ("0123A", date(2010, 12, 1), 6.0, "17850"),
        ("71053", date(2010, 12, 1), 6.0, "17850"),
        ("71053", date(2010, 12, 13), -6.0, None),
    ]
    assert ingested.rejects.height == 0


def test_sales_under_our_own_name_may_name_the_items_too(tmp_path):
    _, said, ingested = read_back(
        folder_of(tmp_path, sales__csv="item_id,name,sold_on,units\na,Boots,2024-01-05,1\na,Boots,2024-01-06,1\n")
    )
    assert said["files"] == {"items": ["sales.csv"], "sales": ["sales.csv"]}
    assert ingested.tables["items"]["title"].to_list() == ["Boots"]
    assert ingested.tables["sales"].height == 2


def test_a_folder_with_our_names_needs_no_guess_and_gets_none(tmp_path):
    folder = folder_of(
        tmp_path,
        items__csv="item_id,title,colour\na,Boots,red\n",
        sales__csv="item_id,sold_on,units\na,2024-01-05,1\n",
        events__jsonl='{"user_id": "u", "item_id": "a", "occurred_at": "2024-01-05T10:00:00Z", "kind": "view"}\n',
        reviews__csv="review_id,item_id,stars,text\nr,a,5,fine\n",
        inventory__csv="item_id,date,on_hand\na,2024-01-05,3\n",
        promotions__csv="item_id,starts_on,ends_on\na,2024-01-05,2024-01-06\n",
        calendar__csv="date,holiday\n2024-01-05,true\n",
    )
    text, said, ingested = read_back(folder)
    assert said.get("files", {}) == {}
    assert all(mapping == {} for mapping in said["columns"].values())
    assert "# items: found by name, items.csv" in text
    assert "# kept as they are: colour" in text
    assert sorted(ingested.tables) == ["calendar", "events", "inventory", "items", "promotions", "reviews", "sales"]
    assert ingested.rejects.height == 0


def test_tables_are_told_by_the_names_and_shapes_of_their_columns(tmp_path):
    folder = folder_of(
        tmp_path,
        product_catalogue__csv="sku,name,department\n1,Boots,shoes\n",
        order_lines__csv="sku,order date,qty,customer\n1,2024-01-05,2,u\n",
        web__csv="visitor_id,sku,timestamp,action\nu,1,2024-01-05 10:00,view\n",
        lager__csv="sku,stichtag,bestand\n1,2024-01-05,3\n",
        aktionen__csv="sku,von,bis\n1,2024-01-05,2024-01-09\n",
    )
    pl.DataFrame({"id": ["r"], "asin": ["1"], "rating": [5], "body": ["fine"]}).write_parquet(
        folder / "ratings.parquet"
    )
    _, said, ingested = read_back(folder)
    assert said["files"] == {
        "items": ["product_catalogue.csv"],
        "sales": ["order_lines.csv"],
        "events": ["web.csv"],
        "reviews": ["ratings.parquet"],
        "inventory": ["lager.csv"],
        "promotions": ["aktionen.csv"],
    }
    assert ingested.counts["kept"].to_list() == [1] * 6


def test_a_column_without_a_value_is_what_its_name_says(tmp_path):
    folder = folder_of(
        tmp_path, items__csv="item_id,name,preis\n1,Boots,\n", sales__csv="item_id,sold_on,units\n1,2024-01-05,2\n"
    )
    text, said, _ = read_back(folder)
    assert said["columns"]["items"] == {"title": "name", "price": "preis"}
    assert 'price = "preis"  # no value' in text


def test_a_required_column_without_a_known_name_is_told_by_its_values(tmp_path):
    _, said, _ = read_back(
        folder_of(tmp_path, items__csv="item_id,title\n1,Boots\n", sales__csv="sku,wann,wieviel\n1,2024-01-05,2\n")
    )
    assert said["columns"]["sales"] == {"item_id": "sku", "sold_on": "wann", "units": "wieviel"}


def test_a_file_that_fits_no_table_is_named_with_what_it_lacks(tmp_path):
    folder = folder_of(
        tmp_path,
        items__csv="item_id,title\n1,Boots\n",
        reviews__csv="asin,rating,text\n1,5,fine\n",
        odd__csv="x,y\n1,2\n",
    )
    text = guess_shop(folder)
    assert (
        "# to no table: reviews.csv is named like reviews, without a column for review_id; it has asin, rating, text"
        in text
    )
    assert "# to no table: odd.csv fits no table; it has x, y" in text


def test_a_day_that_may_be_read_two_ways_is_doubted_aloud(tmp_path):
    folder = folder_of(
        tmp_path, items__csv="item_id,title\n1,Boots\n", sales__csv="item_id,sold_on,units\n1,03/04/2024,2\n"
    )
    text = guess_shop(folder)
    assert 'date_format = "%d/%m/%Y"  # reads the most of the days; %m/%d/%Y would read as many' in text


def test_a_chinese_export_is_read_by_its_own_guess(tmp_path):
    folder = folder_of(
        tmp_path,
        items__csv="item_id,title\n1,女士运动鞋 轻便防滑\n".encode("gb18030"),
        sales__csv="item_id,sold_on,units\n1,2024-01-05,2\n",
    )
    _, said, ingested = read_back(folder)
    assert said["encoding"] == "gb18030"
    assert ingested.tables["items"]["title"].to_list() == ["女士运动鞋 轻便防滑"]


def test_no_value_of_a_file_stands_in_the_guess(tmp_path):
    text = guess_shop(
        folder_of(
            tmp_path,
            items__csv="item_id,title\n1,Boots\n",
            sales__csv=f"item_id,sold_on,units,user_id\n1,2024-01-05,2,{'jo@x.org'}\n",
        )
    )
    assert "jo@x.org" not in text
    assert "Boots" not in text


def test_a_file_that_cannot_be_read_is_said_and_passed_over(tmp_path):
    folder = folder_of(
        tmp_path, items__csv="item_id,title\n1,Boots\n", sales__csv=b"", old__parquet=b"x", gone__csv__gz=b"\x1f\x8bxx"
    )
    text = guess_shop(folder)
    assert "# not read: sales.csv: the file is empty (0 bytes)" in text
    assert "# not read: old.parquet: no readable Parquet file" in text
    assert "# not read: gone.csv.gz: " in text


def test_lists_and_bytes_of_parquet_do_not_stop_the_guess(tmp_path):
    folder = folder_of(tmp_path)
    row = {"sku": ["1", "2"], "name": ["Boots", "Hats"], "tags": [["a"], ["b", "c"]], "image": [b"\xff", b"\xfe"]}
    pl.DataFrame(row).write_parquet(folder / "products.parquet")
    assert tomllib.loads(guess_shop(folder))["columns"]["items"] == {"item_id": "sku", "title": "name"}


def test_a_folder_without_a_file_to_read_is_an_error(tmp_path):
    with pytest.raises(InputError, match="no such folder"):
        guess_shop(tmp_path / "nowhere")
    with pytest.raises(InputError, match="no file that can be read"):
        guess_shop(folder_of(tmp_path, notes__docx="x"))


def test_a_shop_without_anything_like_items_is_told_so(tmp_path):
    text = guess_shop(folder_of(tmp_path, sales__csv="item_id,sold_on,units\n1,2024-01-05,2\n"))
    assert "# No file looks like items (item_id, title)" in text
    tomllib.loads(text)


def test_a_header_over_two_lines_or_with_controls_makes_a_guess_that_reads(tmp_path):
    _, said, ingested = read_back(
        folder_of(
            tmp_path,
            items__csv='"item\nid",title,"not\nneeded","\x05odd"\n1,Boots,x,y\n',
            reviews__csv="review_id,item_id,date,\x7frating,review_headline,review_body\n"
            "r1,1,2024-01-05,4,Fine,They fit\n",
        )
    )
    assert said["columns"]["items"] == {"item_id": "item\nid"}
    named = {"occurred_at": "date", "stars": "\x7frating", "title": "review_headline", "text": "review_body"}
    assert said["columns"]["reviews"] == named
    assert ingested.tables["reviews"].select("stars", "title", "text").rows() == [(4.0, "Fine", "They fit")]


def test_files_with_different_delimiters_keep_their_own(tmp_path):
    text, said, ingested = read_back(
        folder_of(tmp_path, items__csv="item_id;title\n1;Boots\n", sales__csv="item_id,sold_on,units\n1,2024-01-05,2\n")
    )
    assert "delimiter" not in said
    assert "# delimiter: found in each file's own header" in text
    assert ingested.tables["sales"].height == 1


def test_what_values_look_like():
    assert share_of_days(pl.Series(["2024-01-05", "x"])) == 0.5
    assert share_of_days(pl.Series([20240105])) == 0.0
    assert share_of_days(pl.Series([date(2024, 1, 5)])) == 1.0
    assert share_of_days(pl.Series([None], dtype=pl.String)) == 0.0
    assert share_of_numbers(pl.Series(["1,5", "2.5", "x", None])) == pytest.approx(1 / 3)
    assert share_of_numbers(pl.Series([date(2024, 1, 5)])) == 0.0
    assert decimal_of([pl.Series(["1,5", "2"]), pl.Series([1.5])]) == ","
    assert decimal_of([pl.Series(["1.5", "2"])]) == "."
    assert date_format_of([pl.Series(["2024-01-05"])]) == (None, ())
    assert date_format_of([pl.Series([date(2024, 1, 5)])]) == (None, ())
    assert date_format_of([pl.Series(["never"])]) == (None, ())


@pytest.mark.skipif(
    not (Path(__file__).resolve().parents[2].parent / "shared" / "data" / "online_retail_ii").is_dir(),
    reason="the public data set is not there",
)
def test_the_real_invoice_lines_of_online_retail_are_guessed_and_read(tmp_path):
    data = (
        Path(__file__).resolve().parents[2].parent / "shared" / "data" / "online_retail_ii" / "year_2009_2010.parquet"
    )
    folder = tmp_path / "shop"
    folder.mkdir()
    pl.scan_parquet(data).head(20_000).collect().write_parquet(folder / "year_2009_2010.parquet")
    _, said, ingested = read_back(folder)
    assert said["columns"]["sales"]["item_id"] == "StockCode"
    assert ingested.counts.filter(table_name="sales")["read"].to_list() == [20_000]
    assert ingested.tables["sales"].height > 19_900
