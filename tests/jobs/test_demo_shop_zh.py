"""The Chinese demo shop: the English one's mechanics in Chinese words, and small enough for an encoder of its own."""

from __future__ import annotations

import re
import shutil
from functools import cache
from typing import TYPE_CHECKING

import polars as pl
import pytest

from encoders import EncoderError, clean, mask
from jobs.demo import run_demo
from jobs.demo_shop import CUTOFF, LANGUAGES, PHONE_ID, generate_shop
from jobs.demo_shop.language import Span
from jobs.ingest import read_shop
from jobs.settings import Settings
from recsys import Recommender
from warehouse import Published
from warehouse.tables import INPUT

if TYPE_CHECKING:
    from pathlib import Path

    from jobs.demo import DemoOutcome

CHINESE = LANGUAGES["zh"]
TABLES = ("items", "sales", "events", "reviews", "inventory", "promotions", "calendar")
HAN = r"[\u4e00-\u9fff]"
NAMED_BATTERY = "电池|续航|电量|充电"
SPEAKS_OF_BATTERY = f"{NAMED_BATTERY}|成电|一半多|插座|不掉电|还有电|插上|没电|充得|充两三次|满的"


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("shop_zh")
    generate_shop(folder, language=CHINESE)
    return folder


@cache
def read(shop: Path, name: str) -> pl.DataFrame:
    return pl.read_csv(shop / f"{name}.csv", try_parse_dates=True, infer_schema_length=None)


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*.csv"))}


def twins_both_ways(folder: Path) -> pl.DataFrame:
    twins = pl.read_csv(folder / "twins.csv")
    return pl.concat([twins, twins.select(item_id="twin_item_id", twin_item_id="item_id")])


def test_the_same_seed_gives_the_same_bytes_and_another_seed_another_shop(shop: Path, tmp_path: Path) -> None:
    generate_shop(tmp_path / "again", seed=7, language=CHINESE)
    generate_shop(tmp_path / "other", seed=8, language=CHINESE)
    first, again, other = contents(shop), contents(tmp_path / "again"), contents(tmp_path / "other")
    assert first == again
    assert all(first[name] != other[name] for name in first if name != "calendar.csv")


def test_it_has_the_tables_of_the_english_shop_and_the_truth_apart(shop: Path) -> None:
    for name in TABLES:
        required = {column.name for column in INPUT[name].columns if column.required}
        assert required <= set(read(shop, name).columns), name
    assert {path.name for path in shop.glob("*.csv")} == {f"{name}.csv" for name in TABLES}
    truth = {path.stem for path in (shop / "truth").glob("*.csv")}
    assert truth == {"tastes", "twins", "natures", "demand", "lost_sales", "all_sales"}
    assert read(shop, "sales")["sold_on"].max() == CUTOFF
    assert read(shop, "reviews")["occurred_at"].dt.date().max() <= CUTOFF


def test_it_is_small_enough_for_an_encoder_that_takes_some_sixty_texts_a_second(shop: Path) -> None:
    searches = read(shop, "events").filter(pl.col("kind") == "search")["text"].n_unique()
    assert read(shop, "items").height + read(shop, "reviews").height + searches <= 900
    assert 5_000 < read(shop, "sales").height < 12_000


def test_its_words_are_chinese(shop: Path) -> None:
    texts = pl.concat(
        [
            read(shop, "items").select(pl.concat_str("title", "description", ignore_nulls=True).alias("text")),
            read(shop, "reviews").select(pl.concat_str("title", "text").alias("text")),
            read(shop, "events").drop_nulls("text").select("text").unique(),
        ]
    )["text"]
    letters = texts.str.count_matches(r"\pL")
    assert texts.str.count_matches(HAN).sum() > 0.97 * letters.sum()
    assert read(shop, "items")["category"].drop_nulls().n_unique() == 9
    assert set(read(shop, "calendar")["holiday"].drop_nulls()) >= {"双十一", "春节", "六一八"}


def test_every_review_is_of_sentences_that_end_as_chinese_ones_do(shop: Path) -> None:
    texts = read(shop, "reviews")["text"]
    assert texts.str.contains("[。！？]$").all()
    counts = texts.str.count_matches("[。！？]")
    assert (counts.min(), counts.max()) == (3, 4)
    assert not texts.str.contains(r"[{}.!?]").any()


def test_the_phones_reviews_speak_of_its_battery_some_without_naming_it_and_none_of_water(shop: Path) -> None:
    phones = read(shop, "truth/natures").filter(pl.col("thing") == "手机")
    reviews = read(shop, "reviews").join(phones.select("item_id"), on="item_id")
    of_one = reviews.filter(pl.col("item_id") == PHONE_ID)
    assert of_one.height >= 15
    assert of_one["text"].str.contains(SPEAKS_OF_BATTERY).all()
    first = of_one["text"].str.extract("^([^。！？]*)")
    assert 3 <= (~first.str.contains(NAMED_BATTERY)).sum() < of_one.height  # "还剩三成电"
    assert not reviews["text"].str.contains("防水|进水|泡水|淋雨").any()
    assert "手机" in read(shop, "items").filter(pl.col("item_id") == PHONE_ID)["title"].item()


def test_its_reviews_words_go_with_their_stars(shop: Path) -> None:
    reviews = read(shop, "reviews")
    sour = reviews["text"].str.contains("根本没感觉到|印得很糊|白花钱|压坏了|退货折腾|刺鼻")
    assert reviews.filter(sour)["stars"].max() <= 2
    assert reviews.filter(~sour)["stars"].min() >= 3


def test_twins_are_the_same_thing_in_other_words(shop: Path) -> None:
    twins, natures, items = read(shop, "truth/twins"), read(shop, "truth/natures"), read(shop, "items")
    both = natures.join(items, on="item_id")
    pairs = twins.join(both, on="item_id").join(both, left_on="twin_item_id", right_on="item_id", suffix="_twin")
    assert pairs.height == twins.height == CHINESE.size.twins
    for same in ("thing", "style", "material", "category"):
        assert (pairs[same] == pairs[f"{same}_twin"]).all(), same
    for other in ("brand", "title", "description"):
        assert (pairs[other] != pairs[f"{other}_twin"]).all(), other


def test_food_comes_in_packs_and_the_rest_in_colours(shop: Path) -> None:
    items = read(shop, "items").drop_nulls("description")
    fed = items.filter(pl.col("category").is_in(["茶饮", "宠物"]))["title"]
    assert fed.str.contains("装").all()
    assert not fed.str.contains("色").any()


def test_masking_finds_nothing_in_its_texts_to_mask(shop: Path) -> None:
    texts = [*read(shop, "items")["title"], *read(shop, "items")["description"].drop_nulls()]
    texts += [*read(shop, "reviews")["text"], *read(shop, "events")["text"].drop_nulls().unique()]
    assert [text for text in texts if mask(clean(text)) != clean(text)] == []


@pytest.mark.parametrize("number", ["13812345678", "138 1234 5678", "138-1234-5678", "+86 13812345678"])
def test_a_mobile_number_in_a_chinese_review_is_masked_before_it_is_stored(shop: Path, tmp_path: Path, number: str):
    folder = shutil.copytree(shop, tmp_path / "input", ignore=shutil.ignore_patterns("truth"))
    with (folder / "reviews.csv").open("a", encoding="utf-8") as file:
        file.write(
            f"r99999,{PHONE_ID},u0001,2025-11-01T08:00:00,5,不错,手机很好用。卖家让我打{number}领红包，没理他！\n"
        )
    stored = read_shop(folder, settings=Settings(), cutoff=None, cache=None).table("reviews")
    text = stored.filter(pl.col("review_id") == "r99999")["text"].item()
    assert text == "手机很好用。卖家让我打[phone]领红包,没理他!"
    assert stored.height == read(shop, "reviews").height + 1


def test_without_its_encoder_the_cure_is_said_and_nothing_is_generated(monkeypatch, tmp_path: Path) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(EncoderError, match=re.escape("pip install 'shelfwise[multilingual]'")):
        run_demo(tmp_path / "demo", language="zh")
    assert not (tmp_path / "demo").exists()


def test_a_span_is_of_every_year_or_of_one() -> None:
    yearly, once = Span("12-25", "12-31"), Span("2025-01-28", "2025-02-04")
    assert [yearly.holds(CUTOFF.replace(month=12, day=day)) for day in (24, 25, 31)] == [False, True, True]
    assert yearly.holds(CUTOFF.replace(year=2024, month=12, day=26))
    assert [once.holds(CUTOFF.replace(year=year, month=2, day=1)) for year in (2024, 2025)] == [False, True]


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> DemoOutcome:
    return run_demo(tmp_path_factory.mktemp("demo_zh"), language="zh")


@pytest.mark.slow
def test_the_demo_in_chinese_publishes_and_beats_its_baselines(demo: DemoOutcome) -> None:
    assert (demo.report.status, demo.report.degradations) == ("published", ())
    for figure in demo.report.figures:
        if figure.baseline == "tfidf":  # generated reviews are told apart by their words alone: both know them all
            assert figure.value == figure.baseline_value == 1.0
        else:
            assert (figure.value > figure.baseline_value) == figure.higher_is_better, figure
    (share,) = Published.open(demo.folder / "runs").query("SELECT unknown_word_share FROM runs")["unknown_word_share"]
    assert share < 0.01


@pytest.mark.slow
def test_the_twin_that_the_truth_knows_is_near_in_the_demo_in_chinese(demo: DemoOutcome) -> None:
    near = Published.open(demo.folder / "runs").query(
        "SELECT query_item_id AS item_id, item_id AS twin_item_id, rank FROM similar_items WHERE kind = 'blend'"
    )
    twins = twins_both_ways(demo.folder / "truth").join(near, on=["item_id", "twin_item_id"], how="left")
    assert (twins["rank"] == 1).sum() >= 0.6 * twins.height
    assert (twins["rank"] <= 5).sum() >= 0.9 * twins.height


@pytest.mark.slow
def test_the_question_of_the_demo_in_chinese_is_answered_in_the_reviews_own_words_and_water_is_not(demo) -> None:
    shop, runs = Recommender.open(demo.folder / "runs"), Published.open(demo.folder / "runs")
    texts = runs.query("SELECT text FROM reviews WHERE item_id = ?", [PHONE_ID])["text"].to_list()
    found = shop.ask("这款手机的电池续航时间怎么样?", item_id=PHONE_ID, n=3)["evidence"]
    assert found[0]["source"] == "review"
    assert re.search("电池|续航", found[0]["sentence"])
    for quote in found:
        assert quote["sentence"][-1] in "。!?"
        assert any(quote["sentence"] in text for text in texts)
    other_words = shop.ask("一天能用多久?", item_id=PHONE_ID, n=3)["evidence"]
    assert "用了一整天还剩三成电。" in [quote["sentence"] for quote in other_words]
    for nothing_said in ("防水吗?", "这款手机防水吗?", "支持5G吗?", "保修几年?", "内存多大?"):
        silent = shop.ask(nothing_said, item_id=PHONE_ID)
        assert (silent["evidence"], silent["answer"]) == ([], "no evidence"), nothing_said
