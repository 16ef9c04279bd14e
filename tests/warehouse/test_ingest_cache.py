from __future__ import annotations

import os
import time
from datetime import date

import pytest

from warehouse import IngestOptions, InputError, ingest, parsing
from warehouse.readers import read_chunks

TODAY = date(2024, 6, 30)
OPTIONS = IngestOptions(clean=str, today=TODAY)
SALES = "item_id,sold_on,units\n007,2024-01-05,2\nB1,2024-01-06,1\n"


def shop(tmp_path, *, items="item_id,title\n007,Boots\nB1,Hat\n", sales=SALES):
    folder = tmp_path / "shop"
    folder.mkdir()
    (folder / "items.csv").write_text(items)
    (folder / "sales.csv").write_text(sales)
    return folder


def read(folder, *, options=OPTIONS, cache=None):
    return ingest(folder, options=options, cutoff=None, horizon_days=56, cache=cache)


def counted(monkeypatch):
    reads = []

    def counting(path, **options):
        reads.append(path.name)
        return read_chunks(path, **options)

    monkeypatch.setattr(parsing, "read_chunks", counting)
    return reads


def test_a_file_whose_bytes_are_known_is_not_read_again(tmp_path, monkeypatch):
    folder = shop(tmp_path)
    (folder / "sales_old.csv").write_text(SALES)
    reads = counted(monkeypatch)
    first = read(folder, cache=tmp_path / "cache")
    assert sorted(reads) == ["items.csv", "sales.csv", "sales_old.csv"]
    reads.clear()
    (folder / "sales.csv").write_text(SALES + "007,2024-01-07,9\n")
    second = read(folder, cache=tmp_path / "cache")
    assert reads == ["sales.csv"]
    assert second.tables["sales"].height == first.tables["sales"].height + 1
    (folder / "sales_old.csv").unlink()
    third = read(folder, cache=tmp_path / "cache")
    assert reads == ["sales.csv"]
    assert third.tables["sales"].height == 3  # a file taken away takes its rows away


@pytest.mark.parametrize(
    "options",
    [
        IngestOptions(clean=str.upper, today=TODAY),
        IngestOptions(clean=str, today=TODAY, timezone="Europe/Berlin"),
        IngestOptions(clean=str, today=TODAY, decimal=","),
        IngestOptions(clean=str, today=TODAY, clean_version="2"),
        IngestOptions(clean=str, today=TODAY, columns={"items": {"brand": "title"}}),
    ],
)
def test_a_file_is_read_again_where_the_options_differ(tmp_path, monkeypatch, options):
    folder = shop(tmp_path, items="item_id,title\n007,&amp; Boots\n", sales="item_id,sold_on,units\n007,2024-01-05,1\n")
    read(folder, cache=tmp_path / "cache")
    reads = counted(monkeypatch)
    if "brand" in options.columns.get("items", {}):
        with pytest.raises(InputError, match="needs the column 'title'"):
            read(folder, options=options, cache=tmp_path / "cache")
    else:
        again = read(folder, options=options, cache=tmp_path / "cache")
        fresh = read(folder, options=options)
        assert again.tables["items"].equals(fresh.tables["items"])
    assert "items.csv" in reads


@pytest.mark.parametrize("damage", ["flip", "truncate", "empty", "seal", "no seal"])
def test_a_damaged_cache_is_read_past(tmp_path, damage):
    folder = shop(tmp_path)
    whole = read(folder, cache=tmp_path / "cache")
    for path in (tmp_path / "cache" / "ingest").iterdir():
        content = bytearray(path.read_bytes())
        if path.suffix == ".parquet":
            content[len(content) // 2] ^= 0xFF
            path.write_bytes(
                {"flip": bytes(content), "truncate": bytes(content[:50]), "empty": b""}.get(damage, path.read_bytes())
            )
        elif damage == "seal":
            path.write_text("[]")
        elif damage == "no seal":
            path.unlink()
    again = read(folder, cache=tmp_path / "cache")
    assert again.tables["sales"].equals(whole.tables["sales"])
    assert again.counts.equals(whole.counts)


def test_what_no_night_asks_for_leaves_the_cache_after_a_month(tmp_path):
    folder = shop(tmp_path)
    read(folder, cache=tmp_path / "cache")
    store = tmp_path / "cache" / "ingest"
    old = time.time() - 31 * 86400
    for path in store.iterdir():
        os.utime(path, (old, old))
    (store / ".x.parquet.1.tmp").write_text("half")
    os.utime(store / ".x.parquet.1.tmp", (old, old))
    (folder / "sales.csv").write_text(SALES + "007,2024-01-07,9\n")
    read(folder, cache=tmp_path / "cache")
    assert len(list(store.iterdir())) == 4  # items, asked for again, and the new sales: rows and seal each


def test_a_file_that_grows_while_it_is_read_is_refused(tmp_path, monkeypatch):
    folder = shop(tmp_path)

    def growing(path, **options):
        with path.open("a") as stream:
            stream.write("007,2024-01-07,9\n")
        return read_chunks(path, **options)

    monkeypatch.setattr(parsing, "read_chunks", growing)
    with pytest.raises(InputError, match=r"items.csv: the file changed while it was read"):
        read(folder)


def test_a_file_that_the_disk_does_not_give_is_named(tmp_path, monkeypatch):
    folder = shop(tmp_path)

    def failing(path, **options):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(parsing, "read_chunks", failing)
    with pytest.raises(InputError, match=r"items\.csv: cannot be read \(\[Errno 13\] Permission denied\)"):
        read(folder)
