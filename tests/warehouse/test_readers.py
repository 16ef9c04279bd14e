from __future__ import annotations

import gzip
import json
import zipfile

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from warehouse import InputError, decoding
from warehouse.decoding import looks_like
from warehouse.readers import Chunk, delimiter_of, kind_of, read_chunks


def read(path, **options) -> Chunk:
    chunks = list(read_chunks(path, name=path.name, **options))
    assert len(chunks) == 1
    return chunks[0]


def written(tmp_path, content, name="sales.csv"):
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def test_values_of_a_csv_file_stay_the_text_they_are(tmp_path):
    chunk = read(written(tmp_path, "id,units\n007, 1 \nNA,inf\n"))
    assert chunk.rows.to_dict(as_series=False) == {"id": ["007", "NA"], "units": [" 1 ", "inf"]}
    assert chunk.lines.to_list() == [2, 3]
    assert chunk.broken == ()


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_any_line_end_ends_a_line(tmp_path, end):
    chunk = read(written(tmp_path, end.join(["a,b", "1,2", "", "3,4", ""])))
    assert chunk.rows.rows() == [("1", "2"), ("3", "4")]
    assert chunk.lines.to_list() == [2, 4]


def test_a_byte_order_mark_is_no_part_of_the_first_name_whatever_the_encoding_of_the_folder(tmp_path):
    path = written(tmp_path, "\ufeffitem_id,title\n1,Größe\n")
    for encoding in ("utf-8", "gb18030"):
        assert read(path, encoding=encoding).rows.rows(named=True) == [{"item_id": "1", "title": "Größe"}]


@pytest.mark.parametrize(
    ("header", "delimiter"),
    [("a,b;c,d", ","), ("a;b;c", ";"), ("a\tb", "\t"), ("a|b|c,d", "|"), ("a", ","), ('"x;y;z",b', ",")],
)
def test_the_delimiter_is_found_in_the_header(header, delimiter):
    assert delimiter_of(header) == delimiter


def test_a_delimiter_that_is_named_is_used(tmp_path):
    assert read(written(tmp_path, "a,b;c\n1,2;3\n"), delimiter=";").rows.rows(named=True) == [{"a,b": "1,2", "c": "3"}]


def test_lines_are_physical_ones_where_a_quoted_value_spans_several(tmp_path):
    chunk = read(written(tmp_path, 'id,text\n1,"two\nlines, and ""quotes"""\n2,plain\n3\n4,end\n'))
    assert chunk.rows["text"].to_list() == ['two\nlines, and "quotes"', "plain", "end"]
    assert chunk.lines.to_list() == [2, 4, 6]
    assert [(broken.line, broken.values) for broken in chunk.broken] == [(5, ["3"])]
    assert "the row has 1 fields and the header 2" in chunk.broken[0].reason


def test_many_long_values_with_line_breaks_are_no_quote_that_never_closes(tmp_path):
    row = '1,"' + ("x" * 400 + "\n") * 3 + '"\n'
    chunk = read(written(tmp_path, "id,text\n" + row * 1500))
    assert chunk.rows.height == 1500
    assert chunk.lines.to_list()[:3] == [2, 6, 10]


def test_a_stray_quote_costs_its_own_line_alone(tmp_path):
    chunk = read(written(tmp_path, 'id,text\n1,"open\n2,two\n3,"x"y\n4,four\n'))
    assert chunk.rows["id"].to_list() == ["2", "4"]
    assert chunk.lines.to_list() == [3, 5]
    assert [(broken.line, broken.values) for broken in chunk.broken] == [(2, '1,"open'), (4, '3,"x"y')]
    assert chunk.broken[0].reason.startswith("quotes: ")


def test_a_quote_that_swallows_a_thousand_lines_stops_the_file_and_names_its_line(tmp_path):
    with pytest.raises(InputError, match=r"sales\.csv: a quote that opens in line 3 has not closed 1000 lines later"):
        read(written(tmp_path, 'id,text\n1,x\n2,"open\n' + "3,x\n" * 2000))


def test_a_quote_that_swallows_a_mebibyte_stops_the_file(tmp_path):
    with pytest.raises(InputError, match="a quote that opens in line 2"):
        read(written(tmp_path, 'id,text\n2,"open\n' + ("x" * 100_000 + "\n") * 12))


def test_a_row_with_a_nul_byte_is_broken(tmp_path):
    chunk = read(written(tmp_path, b"a,b\n1,x\x00\n2,y\n"))
    assert chunk.rows.rows() == [("2", "y")]
    assert [(broken.line, "NUL" in broken.reason) for broken in chunk.broken] == [(2, True)]


def test_a_header_without_rows_is_an_empty_file_with_columns(tmp_path):
    chunk = read(written(tmp_path, "a,b\n"))
    assert chunk.rows.columns == ["a", "b"]
    assert chunk.rows.height == 0


def test_a_nameless_column_at_the_end_is_left_out(tmp_path):
    assert read(written(tmp_path, "a,b,\n1,2,\n")).rows.rows(named=True) == [{"a": "1", "b": "2"}]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", r"sales\.csv: the file is empty \(0 bytes\)"),
        (b"\n \n", "no header line"),
        (b"a,b,a\n1,2,3\n", "the header names 'a' more than once"),
        (b'a,"b\n1,2\n', "the header line cannot be read"),
        (b"a,b\x00\n1,2\n", "the header holds NUL bytes"),
        (b"PK\x03\x04rest", "an Excel workbook or a zip archive"),
        (b"PAR1rest", r"a Parquet file: name it \.parquet"),
    ],
)
def test_a_file_that_cannot_be_read_at_all_says_why(tmp_path, content, message):
    with pytest.raises(InputError, match=message):
        read(written(tmp_path, content))


TITLE = "女士 运动鞋, 轻便 防滑"


@pytest.mark.parametrize(
    ("text", "encoding", "named"),
    [
        (TITLE, "gb18030", "gb18030"),
        (TITLE, "gbk", "gb18030"),
        ("title", "utf-16-le", "utf-16"),
        ("für große Füße, café", "latin-1", "cp1252"),
        ("5 \u20ac \u2013 \u201cquoted\u201d", "cp1252", "cp1252"),
    ],
)
def test_another_encoding_is_named_as_what_it_is_with_the_cure(tmp_path, text, encoding, named):
    path = written(tmp_path, f"item_id,title\n1,plain\n2,{text}\n".encode(encoding))
    with pytest.raises(InputError) as failure:
        read(path)
    assert f'set encoding = "{named}" at the top of shop.toml, or save the file as UTF-8' in str(failure.value)
    assert "sales.csv line " in str(failure.value)
    assert "not utf-8" in str(failure.value)


@pytest.mark.parametrize("encoding", ["utf-16", "utf-8-sig"])
def test_a_byte_order_mark_speaks_for_its_own_file(tmp_path, encoding):
    path = written(tmp_path, f"item_id\ttitle\r\n1\t{TITLE}\r\n".encode(encoding))
    assert read(path).rows.rows() == [("1", TITLE)]


def test_the_encoding_is_found_where_the_first_strange_letter_comes_late(tmp_path):
    path = written(tmp_path, b"item_id,title\n" + b"1,plain\n" * 140_000 + f"2,{TITLE}\n".encode("gb18030"))
    with pytest.raises(InputError, match=r"items\.csv line 140002: not utf-8; it looks like GB18030"):
        list(read_chunks(path, name="items.csv"))


def test_an_encoding_that_is_named_is_honoured(tmp_path):
    path = written(tmp_path, f"item_id,title\n1,{TITLE}\n".replace(", 轻", " 轻").encode("gb18030"))
    assert read(path, encoding="gb18030").rows["title"].to_list() == ["女士 运动鞋 轻便 防滑"]


def test_bytes_that_are_not_the_encoding_named_are_an_error_too(tmp_path):
    path = written(tmp_path, b"a,b\n1,\xff\xff\xff\n")
    with pytest.raises(InputError, match="not gb18030"):
        read(path, encoding="gb18030")


def test_a_few_damaged_bytes_do_not_make_another_encoding(tmp_path):
    path = written(tmp_path, "a,b\n1,größere Füße für müde Füße\n".encode() + b"2,\xff\n")
    with pytest.raises(
        InputError, match=r"sales\.csv line 3: not utf-8, though most of the file is; .* export it again"
    ):
        read(path)


def test_a_file_in_utf8_in_a_folder_of_another_encoding_is_named(tmp_path):
    path = written(tmp_path, "a,b\n1,Ł\u0141\u20ac x€\n".encode())
    with pytest.raises(InputError, match=r"not ascii; it looks like UTF-8: take the key encoding out of shop\.toml"):
        read(path, encoding="ascii")


def test_an_unknown_encoding_is_an_error(tmp_path):
    with pytest.raises(InputError, match="unknown encoding 'klingon'"):
        read(written(tmp_path, "a\n1\n"), encoding="klingon")


def test_utf8_is_told_from_the_others():
    assert looks_like("größer 女士".encode()) == "utf-8"
    assert looks_like("größer 女士".encode()[:-1]) == "utf-8"  # a sample may end within a character


def test_gzip_is_known_by_its_bytes(tmp_path):
    for name in ("sales.csv.gz", "sales.csv"):
        path = written(tmp_path, gzip.compress(b"a,b\n1,2\n"), name)
        assert read(path).rows.rows() == [("1", "2")]


def test_a_truncated_gzip_file_is_named(tmp_path):
    whole = gzip.compress(b"a,b\n" + bytes(range(48, 58)) * 5000)
    with pytest.raises(InputError, match=r"sales\.csv\.gz: the gzip file is truncated or damaged"):
        read(written(tmp_path, whole[: len(whole) // 2], "sales.csv.gz"))


def test_a_gzip_bomb_stops_at_the_limit(tmp_path, monkeypatch):
    monkeypatch.setattr(decoding, "MAX_BYTES", 1_000_000)
    path = written(tmp_path, gzip.compress(b"a,b\n" + b"1,2\n" * 300_000), "sales.csv.gz")
    with pytest.raises(InputError, match="more than 1,000,000 bytes when decompressed"):
        list(read_chunks(path, name="sales.csv.gz"))


def test_json_lines_keep_numbers_as_they_are_written(tmp_path):
    rows = ['{"id": 7, "price": 1.10, "on": true, "tags": ["a"], "none": null}', "", '{"id": "007", "more": "x"}']
    chunk = read(written(tmp_path, "\n".join(rows), "items.jsonl"))
    assert chunk.rows.rows(named=True) == [
        {"id": "7", "price": "1.10", "on": "true", "tags": '["a"]', "none": None, "more": None},
        {"id": "007", "price": None, "on": None, "tags": None, "none": None, "more": "x"},
    ]
    assert chunk.lines.to_list() == [1, 3]


def test_a_line_that_is_no_json_object_is_broken(tmp_path):
    chunk = read(written(tmp_path, '{"id": 1}\nnope\n[1]\n{"id": NaN}\n{"id": "\\u0000"}\n', "items.ndjson"))
    assert [broken.line for broken in chunk.broken] == [2, 3, 5]
    assert chunk.rows["id"].to_list() == ["1", "nan"]


def test_a_file_of_empty_objects_has_no_row_to_read(tmp_path):
    chunk = read(written(tmp_path, "{}\n{}\n", "items.jsonl"))
    assert chunk.rows.height == 0
    assert [broken.line for broken in chunk.broken] == [1, 2]


def test_parquet_keeps_its_types_and_counts_its_rows(tmp_path):
    path = tmp_path / "sales.parquet"
    frame = pl.DataFrame({"item_id": [7, 8], "units": [1.5, None]})
    frame.write_parquet(path)
    chunk = read(path)
    assert chunk.rows.equals(frame)
    assert chunk.lines.to_list() == [1, 2]


def test_a_parquet_file_that_is_none_is_an_error(tmp_path):
    with pytest.raises(InputError, match=r"sales\.parquet: no readable Parquet file"):
        read(written(tmp_path, b"PAR1 but no more", "sales.parquet"))


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("a.csv", "csv"),
        ("a.CSV.GZ", "csv"),
        ("a.b.tsv", "csv"),
        ("a.ndjson.gz", "jsonl"),
        ("a.parquet", "parquet"),
        ("a.parquet.gz", None),
        ("a.xlsx", None),
        ("a", None),
        ("a.gz", None),
    ],
)
def test_a_files_kind_is_in_its_name(tmp_path, name, kind):
    assert kind_of(tmp_path / name) == kind


def test_a_large_file_comes_in_several_chunks_with_lines_that_go_on(tmp_path, monkeypatch):
    monkeypatch.setattr("warehouse.readers.CHUNK_ROWS", 10)
    for name, lines in (
        ("a.csv", ["n", *map(str, range(25))]),
        ("a.jsonl", [json.dumps({"n": str(n)}) for n in range(25)]),
    ):
        chunks = list(read_chunks(written(tmp_path, "\n".join(lines), name), name=name))
        assert [chunk.rows.height for chunk in chunks] == [10, 10, 5]
        assert [n for chunk in chunks for n in chunk.rows["n"].to_list()] == [str(n) for n in range(25)]
        assert chunks[1].lines[0] == 12 - (name == "a.jsonl")


def test_a_workbook_under_the_name_of_a_csv_file_is_named(tmp_path):
    path = tmp_path / "items.csv"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("xl/workbook.xml", "<workbook/>")
    with pytest.raises(InputError, match="Excel workbook"):
        read(path)


@settings(max_examples=150, deadline=None)
@given(
    st.lists(
        st.lists(
            st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=8),
            min_size=3,
            max_size=3,
        ),
        max_size=20,
    )
)
def test_whatever_the_csv_module_writes_is_read_back(tmp_path_factory, rows):
    import csv

    path = tmp_path_factory.mktemp("csv") / "a.csv"
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerows([["x", "y", "z"], *rows])
    chunk = read(path)
    assert chunk.broken == ()
    assert chunk.rows.rows() == [tuple(row) for row in rows]
