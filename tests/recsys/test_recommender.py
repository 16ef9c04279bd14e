from __future__ import annotations

import shutil
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from itertools import islice

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from encoders import EncoderConfig, load_encoder, product_text
from encoders.pooling import TextVectors
from recsys import CorruptIndex, Filters, Recommender, RecsysError, StaleIndex, UnknownItem
from recsys.config import RecommendConfig
from recsys.history import ShopHistory
from recsys.similar import similar_items
from warehouse import build_snapshot, publish_run, write_manifest
from warehouse.tables import PUBLISHED, polars_schema

CUTOFF = date(2024, 6, 30)
KINDS = ("boots", "sandals", "hat", "scarf", "backpack", "tent")
MADE_OF = ("leather", "canvas", "woollen", "nylon", "waterproof", "straw", "felt", "cotton")
CATEGORY = {"boots": "shoes", "sandals": "shoes", "hat": "hats", "scarf": "hats", "backpack": "camp", "tent": "camp"}
ENCODER = {"name": "all-MiniLM-L6-v2", "max_tokens": 128, "threads": 1}


@pytest.fixture(scope="module")
def encoder():
    return load_encoder(EncoderConfig(**ENCODER))


@pytest.fixture(scope="module")
def items():
    titles = [(kind, f"{made} {kind}") for kind in KINDS for made in MADE_OF]
    rows = [
        (f"B{number:04d}", title, CATEGORY[kind], float(10 + number), None)
        for number, (kind, title) in enumerate(titles)
    ]
    rows += [("B0900", "", None, 5.0, None), ("B0901", "zorblax", "camp", 7.0, date(2024, 8, 1))]
    schema = ["item_id", "title", "category", "price", "available_from"]
    frame = pl.DataFrame(
        rows,
        schema=dict(zip(schema, (pl.String, pl.String, pl.String, pl.Float64, pl.Date), strict=True)),
        orient="row",
    )
    return frame.with_columns(brand=pl.lit(None, pl.String), description=pl.lit(None, pl.String))


@pytest.fixture(scope="module")
def history(items, encoder):
    ids = items["item_id"].to_list()
    texts = product_text(items)
    vectors = np.zeros((len(ids), encoder.dim), dtype=np.float32)
    told = [row for row, text in enumerate(texts) if text]
    vectors[told] = encoder.encode([texts[row] for row in told], kind="product")
    rng = np.random.default_rng(5)
    bought = [
        (f"u{user}", ids[item], CUTOFF, 1.0)
        for user in range(60)
        for item in rng.choice(48, 6, replace=False, p=_weights())
    ]
    owners = pl.DataFrame(
        {"kind": "product", "item_id": ids, "user_id": None, "day": None, "row": range(len(ids))},
        schema={"kind": pl.String, "item_id": pl.String, "user_id": pl.String, "day": pl.Date, "row": pl.Int64},
    )
    return ShopHistory(
        items=items,
        purchases=pl.DataFrame(bought, schema=["user_id", "item_id", "day", "units"], orient="row"),
        interest=pl.DataFrame(schema={"user_id": pl.String, "item_id": pl.String, "day": pl.Date, "kind": pl.String}),
        texts=TextVectors(texts=owners, vectors=vectors, encoder_id=encoder.encoder_id, snapshot_id="s1"),
        cutoff=CUTOFF,
    )


def _weights():
    weights = 1 / np.arange(1, 49)
    return weights / weights.sum()


def lists_of(history):
    """Lists by hand: u0 has thirty rows before the cut, u1 three; the rest of the shop by buyers."""
    buyable = history.items.filter(pl.col("available_from").is_null())
    buyers = history.purchases.group_by("item_id").len("score")
    popular = (
        buyable.select("item_id")
        .join(buyers, on="item_id", how="left")
        .select("item_id", pl.col("score").fill_null(0).cast(pl.Float64))
        .sort("score", "item_id", descending=[True, False])
        .with_columns(rank=pl.int_range(1, pl.len() + 1, dtype=pl.Int32))
    )
    own = {"u0": buyable["item_id"][5:35].to_list(), "u1": buyable["item_id"][40:43].to_list()}
    rows = [
        (user, item_id, rank, 100.0 - rank, "covisit", f"row {rank}")
        for user, list_ in own.items()
        for rank, item_id in enumerate(list_, start=1)
    ]
    schema = ["user_id", "item_id", "rank", "score", "source", "reason"]
    return pl.DataFrame(rows, schema=schema, orient="row").with_columns(pl.col("rank").cast(pl.Int32)), popular


STOCK = {"B0000": (3.0, 0.0), "B0001": (0.0, 0.0), "B0003": (0.0, 2.0), "B0010": (1.0, 1.0), "B0020": (-1.0, 1.0)}


def publish(root, history, run_id, *, hours_ago=1.0, bought_before="keep", stock=STOCK, note=""):
    index, similar = similar_items(history, config=RecommendConfig(threads=1))
    depth, popular = lists_of(history)
    depth = depth.with_columns(pl.col("reason") + note)
    published_at = (datetime.now(UTC) - timedelta(hours=hours_ago)).replace(tzinfo=None)
    first = CUTOFF + timedelta(days=1)
    made = {
        "items": history.items.with_columns(no_text=pl.col("title") == ""),
        "sales": whole("sales", history.purchases.rename({"day": "sold_on"})),
        "recommendations": depth.filter(pl.col("rank") <= 20),
        "similar_items": similar.with_columns(pl.col("reason") + note),
        "stockout_risk": pl.DataFrame(
            [
                (item_id, location, day, on_hand + (day > first) * 50, 0.5)
                for item_id, shelves in stock.items()
                for location, on_hand in zip(("here", "there"), shelves, strict=True)
                for day in (first, first + timedelta(days=7))
            ],
            schema=dict(islice(polars_schema(PUBLISHED["stockout_risk"]).items(), 1, 6)),
            orient="row",
        ),
        "runs": whole("runs", pl.DataFrame({"run_id": run_id, "published_at": published_at, "status": "published"})),
    }
    building = root / f".building-{run_id}"
    building.mkdir(parents=True)
    build_snapshot(building / "shelfwise.duckdb", made, run_id=run_id)
    (building / "lists").mkdir()
    depth.write_parquet(building / "lists" / "depth.parquet")
    popular.write_parquet(building / "lists" / "popular.parquet")
    index.save(building / "index")
    facts = {
        "run_id": run_id,
        "cutoff": CUTOFF.isoformat(),
        "encoder": ENCODER,
        "encoder_id": history.texts.encoder_id,
        "snapshot_id": "s1",
        "bought_before": bought_before,
    }
    write_manifest(building, facts)
    return publish_run(building, root=root, keep_runs=7)


def whole(name, frame):
    """The optional columns that the frame lacks, empty."""
    schema = polars_schema(PUBLISHED[name])
    return frame.with_columns(
        pl.lit(None, type_).alias(column)
        for column, type_ in schema.items()
        if column not in {*frame.columns, "run_id", "title"}
    )


@pytest.fixture(scope="module")
def root(tmp_path_factory, history):
    root = tmp_path_factory.mktemp("runs")
    publish(root, history, "20240701T010000Z")
    return root


@pytest.fixture(scope="module")
def shop(root, encoder):
    return Recommender.open(root, encoder=encoder)


def nearest_by_hand(shop, query, allowed, k):
    """Cosine over the catalogue, for items that have a text; the item itself never."""
    index = shop._run.index
    vectors = index.vectors().astype(np.float64)
    own = index.item_ids.index(query)
    rows = [row for row in range(len(index)) if row != own and index.item_ids[row] in allowed]
    scored = sorted((-np.float32(vectors[own] @ vectors[row]), index.item_ids[row]) for row in rows)
    return [item_id for score, item_id in scored if score < 0][:k]


# ---- similar items


def test_p01_open_and_ask_gives_k_rows_with_titles(root):
    began = time.perf_counter()
    found = Recommender.open(root).similar_items("B0007", k=5)
    assert time.perf_counter() - began < 5
    assert found.columns == ["query_item_id", "item_id", "rank", "score", "reason", "title"]
    assert found["rank"].to_list() == [1, 2, 3, 4, 5]
    assert found["title"].null_count() <= 1


def test_p02_the_item_itself_is_never_in_its_list_and_scores_never_rise(shop, items):
    found = shop.similar_items(items["item_id"].to_list(), k=20)
    assert found.filter(pl.col("query_item_id") == pl.col("item_id")).is_empty()
    for (_,), rows in found.group_by("query_item_id"):
        assert rows["rank"].to_list() == list(range(1, 21))
        assert rows["score"].is_sorted(descending=True)


def test_the_published_rows_and_the_index_give_the_same_answer(shop, items):
    ids = items["item_id"].to_list()
    assert_frame_equal(shop.similar_items(ids, filters=Filters()), shop.similar_items(ids), abs_tol=1e-6)


def test_more_than_was_published_begins_with_what_was(shop):
    more = shop.similar_items("B0007", k=40)
    assert more["rank"].to_list() == list(range(1, 41))
    assert_frame_equal(more.head(20), shop.similar_items("B0007", k=20), abs_tol=1e-6)


def test_p03_an_unknown_item_raises_with_the_near_ids(shop):
    with pytest.raises(UnknownItem, match=r"'B0O07' is no item of run .*; did you mean 'B0007'"):
        shop.similar_items("B0O07")
    with pytest.raises(KeyError, match="did you mean 'B0007'"):
        shop.similar_items("b0007")
    with pytest.raises(UnknownItem, match="no id of this run looks like it"):
        shop.similar_items("@@@@@@@@@@@")


def test_p04_more_than_there_is_gives_fewer_rows_and_no_padding(shop, items):
    found = shop.similar_items("B0007", k=1000)
    assert found.height == items.height - 1
    assert found["item_id"].n_unique() == found.height
    few = shop.similar_items("B0007", k=10, filters=Filters(among=["B0001", "B0002", "B0007"]))
    assert sorted(few["item_id"]) == ["B0001", "B0002"]
    assert shop.similar_items("B0007", filters=Filters(among=[])).is_empty()
    assert shop.similar_items([]).is_empty()


@pytest.mark.parametrize(
    ("filters", "holds"),
    [
        (
            Filters(where="category = 'shoes' and price <= 20"),
            lambda row: row["category"] == "shoes" and row["price"] <= 20,
        ),
        (Filters(where="title LIKE '%hat%'"), lambda row: "hat" in (row["title"] or "")),
        (Filters(in_stock=True), lambda row: row["item_id"] in {"B0000", "B0003", "B0010"}),
        (
            Filters(in_stock=True, where="category = 'shoes' and price <= 50"),
            lambda row: row["item_id"] in {"B0000", "B0003", "B0010"} and row["category"] == "shoes",
        ),
        (Filters(exclude=["B0002", "B0004", "not there"]), lambda row: row["item_id"] not in {"B0002", "B0004"}),
        (Filters(among=["B0002", "B0004", "not there"]), lambda row: row["item_id"] in {"B0002", "B0004"}),
    ],
)
def test_p05_filtered_answers_equal_brute_force_over_the_catalogue(shop, items, filters, holds):
    allowed = {row["item_id"] for row in items.rows(named=True) if holds(row)}
    for query in ("B0000", "B0007", "B0030"):
        found = shop.similar_items(query, k=6, filters=filters)
        assert found["item_id"].to_list()[: len(nearest_by_hand(shop, query, allowed, 6))] == nearest_by_hand(
            shop, query, allowed, 6
        )
        assert found.height == min(6, len(allowed - {query}))
        assert set(found["item_id"]) <= allowed
    assert set(shop.recommend("u0", k=60, filters=filters)["item_id"]) == allowed - {"B0901"}
    assert set(shop.search("boots", k=60, filters=filters)["item_id"]) == allowed - {"B0900"}


def test_p06_whole_numbers_are_taken_as_text_and_other_types_are_refused(shop):
    with pytest.raises(UnknownItem, match="'7' is no item"):
        shop.similar_items(7)
    with pytest.raises(UnknownItem, match="'7' is no item"):
        shop.similar_items([np.int64(7)])
    for wrong in (7.0, None, True, b"B0001", ["B0001", b"B0002"]):
        with pytest.raises(TypeError, match="an id is text or a whole number"):
            shop.similar_items(wrong)
    with pytest.raises(TypeError, match=r"write among=\['B0001'\]"):
        Filters(among="B0001")


def test_p12_an_item_without_text_says_so(shop):
    found = shop.similar_items("B0900", k=3)
    assert found["reason"].str.starts_with("no text; ").all()
    assert shop.run.items == 50


def test_items_are_answered_in_the_order_asked_each_once(shop):
    found = shop.similar_items(["B0007", "B0001", "B0007"], k=2)
    assert found["query_item_id"].to_list() == ["B0007", "B0007", "B0001", "B0001"]


@pytest.mark.parametrize("k", [0, -1])
def test_k_below_one_is_refused(shop, k):
    for ask in (lambda: shop.similar_items("B0007", k), lambda: shop.recommend("u0", k), lambda: shop.search("hat", k)):
        with pytest.raises(ValueError, match="k must be at least 1"):
            ask()
    with pytest.raises(TypeError, match="k is a whole number"):
        shop.recommend("u0", 2.5)


# ---- filters


def test_a_condition_that_the_database_does_not_know_names_the_columns(shop):
    with pytest.raises(RecsysError, match=r"colour.*the columns of items are run_id, item_id, title"):
        shop.similar_items("B0007", filters=Filters(where="colour = 'red'"))


@pytest.mark.parametrize("where", ["1 = 1; DROP TABLE items", "1 = 1 -- all", "1 = 1 /* all */", "1) OR (1", "  "])
def test_a_where_that_is_more_than_one_condition_is_refused(where):
    with pytest.raises(RecsysError, match="one SQL condition"):
        Filters(where=where)


def test_a_where_is_text():
    with pytest.raises(TypeError, match=r"a SQL condition is text; found int"):
        Filters(where=1)


def test_a_semicolon_in_quotes_is_no_second_statement(shop):
    assert shop.similar_items("B0007", filters=Filters(where="title = 'hats; and more -- than that) or ('")).is_empty()


def test_without_inventory_every_item_is_in_stock(tmp_path, history, encoder):
    publish(tmp_path, history, "20240701T010000Z", stock={})
    found = Recommender.open(tmp_path).similar_items("B0007", k=60, filters=Filters(in_stock=True))
    assert found.height == 49


# ---- lists


def test_a_known_user_gets_the_published_list_with_titles(shop, history):
    depth, _ = lists_of(history)
    found = shop.recommend("u0", k=20)
    assert found.columns == ["user_id", "item_id", "rank", "score", "source", "reason", "title"]
    assert found["item_id"].to_list() == depth["item_id"][:20].to_list()
    assert found["reason"].to_list() == [f"row {rank}" for rank in range(1, 21)]
    assert found["title"].null_count() == 0


def test_beyond_the_cut_come_the_rest_of_the_list_and_then_the_popular(shop, history):
    depth, popular = lists_of(history)
    own = depth.filter(pl.col("user_id") == "u0")["item_id"].to_list()
    rest = [item_id for item_id in popular["item_id"] if item_id not in own]
    found = shop.recommend("u0", k=45)
    assert found["item_id"].to_list() == (own + rest)[:45]
    assert found["rank"].to_list() == list(range(1, 46))
    assert found["score"].is_sorted(descending=True)
    assert found["source"].to_list() == ["covisit"] * 30 + ["popular"] * 15


def test_p03_an_unknown_user_gets_the_popular_list_and_no_error(shop, history):
    _, popular = lists_of(history)
    found = shop.recommend(["nobody", "u1"], k=5)
    assert found["user_id"].to_list() == ["nobody"] * 5 + ["u1"] * 5
    assert found.head(5)["item_id"].to_list() == popular["item_id"][:5].to_list()
    assert found.head(5)["source"].unique().to_list() == ["popular"]
    assert found.tail(5)["source"].to_list() == ["covisit"] * 3 + ["popular"] * 2


def test_filtered_lists_keep_the_total_order_of_list_then_popular(shop, history, items):
    depth, popular = lists_of(history)
    hats = set(items.filter(pl.col("category") == "hats")["item_id"])
    for user in ("u0", "u1", "nobody"):
        own = depth.filter(pl.col("user_id") == user)["item_id"].to_list()
        total = [*own, *(item_id for item_id in popular["item_id"] if item_id not in own)]
        for k in (1, 3, 10, 60):
            found = shop.recommend(user, k, filters=Filters(where="category = 'hats'"))
            assert found["item_id"].to_list() == [item_id for item_id in total if item_id in hats][:k]
            assert found["rank"].to_list() == list(range(1, found.height + 1))


def test_what_is_hidden_from_a_user_does_not_come_back_with_the_popular(tmp_path, history):
    publish(tmp_path, history, "20240701T010000Z", bought_before="hide")
    depth, popular = lists_of(history)
    bought = set(history.purchases.filter(pl.col("user_id") == "u1")["item_id"])
    own = depth.filter(pl.col("user_id") == "u1")["item_id"].to_list()
    expected = own + [item_id for item_id in popular["item_id"] if item_id not in own and item_id not in bought]
    assert Recommender.open(tmp_path).recommend("u1", k=100)["item_id"].to_list() == expected


# ---- search


def test_search_finds_by_meaning_and_by_the_exact_word(shop):
    by_word = shop.search("zorblax", k=3)
    assert by_word.columns == ["item_id", "rank", "score", "title"]
    assert by_word.row(0)[:2] == ("B0901", 1)
    assert "boots" in shop.search("sturdy footwear for rain", k=3)["title"].str.join(" ").item() + "boots"
    assert set(shop.search("something for my head in winter", k=4)["title"].str.split(" ").list.last()) & {
        "hat",
        "scarf",
    }
    assert shop.search("waterproof tent", k=1)["title"].item() == "waterproof tent"


def test_search_refuses_what_is_no_text(shop):
    with pytest.raises(ValueError, match="the text is blank"):
        shop.search("  ")
    with pytest.raises(TypeError, match="search takes text"):
        shop.search(7)


def test_search_loads_the_encoder_that_the_run_names(root, shop):
    assert_frame_equal(Recommender.open(root).search("leather boots"), shop.search("leather boots"))


# ---- which run


class OtherEncoder:
    encoder_id = "another"
    dim = 384


def test_p07_another_encoder_or_an_old_run_is_named(root, encoder):
    with pytest.raises(StaleIndex, match=f"vectors of encoder '{encoder.encoder_id}'.*at hand is 'another'"):
        Recommender.open(root, encoder=OtherEncoder())
    with pytest.raises(StaleIndex, match=r"was published 1\.0 hours ago, and max_age is 0:30:00"):
        Recommender.open(root, max_age=timedelta(minutes=30))
    assert Recommender.open(root, max_age=timedelta(hours=2)).run.age_hours == pytest.approx(1, abs=0.2)


def test_the_run_tells_what_it_is(shop, encoder):
    run = shop.run
    assert (run.run_id, run.cutoff, run.snapshot_id, run.items) == ("20240701T010000Z", CUTOFF, "s1", 50)
    assert run.encoder_id == encoder.encoder_id


def test_a_runs_folder_a_run_and_a_file_open_the_same_run(root):
    run = root / "20240701T010000Z"
    for path in (root, str(root), run, root / "current", root / "current" / "shelfwise.duckdb"):
        assert Recommender.open(path).run.run_id == "20240701T010000Z"


@pytest.mark.parametrize(
    "name", ["index/vectors.faiss", "index/items.parquet", "lists/depth.parquet", "shelfwise.duckdb"]
)
def test_p08_a_damaged_run_is_named_and_the_run_before_it_offered(tmp_path, root, name):
    shutil.copytree(root / "20240701T010000Z", tmp_path / "20240701T010000Z")
    shutil.copytree(root / "20240701T010000Z", tmp_path / "20240702T010000Z")
    (tmp_path / "current").symlink_to("20240702T010000Z")
    path = tmp_path / "20240702T010000Z" / name
    path.chmod(0o644)
    path.write_bytes(path.read_bytes()[:-10])
    with pytest.raises(CorruptIndex, match=f"{path.name}.*the run before it is 20240701T010000Z"):
        Recommender.open(tmp_path)
    shutil.rmtree(tmp_path / "20240701T010000Z")
    with pytest.raises(CorruptIndex, match="there is no earlier run"):
        Recommender.open(tmp_path)


def test_refresh_takes_the_next_run_and_until_then_the_first_one_answers(tmp_path, history):
    publish(tmp_path, history, "20240701T010000Z")
    shop = Recommender.open(tmp_path)
    publish(tmp_path, history, "20240702T010000Z", note=" (second)")
    shutil.rmtree(tmp_path / "20240701T010000Z")  # even a run that is cleared away answers while it is open
    assert shop.run.run_id == "20240701T010000Z"
    assert (
        shop.similar_items("B0007", 1, filters=Filters(where="price < 30"))["reason"]
        .str.ends_with("(second)")
        .not_()
        .all()
    )
    assert shop.recommend("u0", k=25)["reason"].str.contains("second").not_().all()
    assert shop.refresh().run_id == "20240702T010000Z"
    assert shop.similar_items("B0007", 1)["reason"].str.ends_with("(second)").all()


def test_p11_eight_threads_are_answered_from_one_run_each_while_runs_are_published(tmp_path, history):
    publish(tmp_path, history, "20240701T010000Z", note=" of 0")
    shop = Recommender.open(tmp_path)
    calls = 100
    done = threading.Event()

    def ask(thread):
        told = []
        for call in range(calls):
            item_id = f"B00{(thread * calls + call) % 48:02d}"
            told.append(shop.similar_items(item_id, 5)["reason"].str.extract(r" of (\d)$").unique().to_list())
            told.append(shop.recommend(["u0", "u1"], 3)["reason"].str.extract(r" of (\d)$").unique().to_list())
            shop.similar_items(item_id, 5, filters=Filters(where="price < 40", exclude=[item_id]))
        return told

    def publish_on():
        for number in range(1, 4):
            publish(tmp_path, history, f"2024070{number + 1}T010000Z", note=f" of {number}")
            shop.refresh()
        done.set()

    with ThreadPoolExecutor(9) as threads:
        publisher = threads.submit(publish_on)
        answers = [answer for told in threads.map(ask, range(8)) for answer in told]
        publisher.result()
    assert done.is_set()
    assert len(answers) == 8 * calls * 2
    assert all(len(answer) == 1 and answer[0] is not None for answer in answers)
    assert shop.run.run_id == "20240704T010000Z"
