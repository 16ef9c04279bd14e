"""`shelfwise sentiment`: what it reads, what its options are, and P14 on the demo shop's reviews with real weights."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
import pytest
from typer.testing import CliRunner

from encoders.sentiment import CPU_PRESET, SentimentConfig, TrainedSentiment, measure
from jobs import cli_sentiment
from jobs.cli import app
from jobs.demo_shop import generate_shop
from jobs.review_files import read_reviews
from jobs.sentiment_screens import show_training
from warehouse import InputError

if TYPE_CHECKING:
    from pathlib import Path

AMAZING = "This product is amazing! I highly recommend it."


@dataclass(frozen=True)
class Demo:
    """A model trained by the command line on some of the demo shop's reviews, and others that it has not seen."""

    model: Path
    others: Path
    told: dict[str, object]


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    folder = tmp_path_factory.mktemp("p14")
    generate_shop(folder / "shop")
    reviews = pl.read_csv(folder / "shop" / "reviews.csv").sample(fraction=1.0, shuffle=True, seed=0)
    names = {"text": "review_body", "title": "review_title", "stars": "star_rating"}
    reviews.head(240).drop("title").rename(names, strict=False).write_parquet(folder / "train.parquet")
    reviews.slice(240, 200).drop("title").write_ndjson(folder / "others.jsonl")
    size = ["--max-tokens", "32", "--batch-size", "16", "--learning-rate", "2e-4", "--threads", "1"]
    told = run("train", "--input", folder / "train.parquet", "--out", folder / "model", "--preset", "cpu", *size)
    return Demo(folder / "model", folder / "others.jsonl", told)


def run(*arguments):
    """Run a command with --json and return what it said."""
    done = CliRunner().invoke(app, ["sentiment", *map(str, arguments), "--json"], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)


def test_p14_a_model_is_trained_by_trainer_on_the_demos_reviews(demo):
    assert demo.told["rows"]["train"] + demo.told["rows"]["validation"] == 240
    assert demo.told["validation"]["macro_f1"] > demo.told["baselines"]["majority"]["macro_f1"]
    assert (demo.model / "model.safetensors").is_file()
    assert (demo.model / "loss.svg").is_file()


def test_p14_its_accuracy_on_other_reviews_is_above_the_majoritys_and_is_scikit_learns(demo, tmp_path):
    from sklearn.metrics import accuracy_score, f1_score, precision_recall_fscore_support

    kept = tmp_path / "predictions.parquet"
    told = run("evaluate", "--model", demo.model, "--input", demo.others, "--predictions", kept, "--threads", 1)
    assert list(told) == ["n", "accuracy", "precision", "recall", "f1", "macro_f1", "baselines"]
    assert told["n"] == 200
    assert told["accuracy"] > told["baselines"]["majority"]["accuracy"]
    assert told["macro_f1"] > told["baselines"]["majority"]["macro_f1"]
    rows = pl.read_parquet(kept)
    assert set(rows["review_id"]) == set(pl.read_ndjson(demo.others)["review_id"])
    assert told["accuracy"] == pytest.approx(accuracy_score(rows["label"], rows["predicted"]))
    assert told["macro_f1"] == pytest.approx(f1_score(rows["label"], rows["predicted"], average="macro"))
    names = ["Negative", "Positive"]
    expected = precision_recall_fscore_support(rows["label"], rows["predicted"], labels=names, zero_division=0)
    for figure, values in zip(("precision", "recall", "f1"), expected, strict=False):
        assert [told[figure][name] for name in names] == pytest.approx(values.tolist())
    assert rows["label"].to_list() == [names[stars > 3] for stars in rows["stars"]]
    assert set(told["baselines"]["tfidf"]) == {"accuracy", "precision", "recall", "f1", "macro_f1"}


def test_p14_the_articles_sentence_is_positive_and_any_text_is_answered(demo):
    told = run("predict", "--model", demo.model, AMAZING, "--threads", 1)
    assert told["label"] == "Positive"
    assert 0.5 < told["probability"] == told["probabilities"]["Positive"]
    for text in ("", "word " * 10_000, "这款手机的电池续航时间很长。"):
        told = run("predict", "--model", demo.model, text, "--threads", 1)
        assert told["label"] in {"Positive", "Negative"}
        assert sum(told["probabilities"].values()) == pytest.approx(1.0)


def test_without_json_the_figures_stand_beside_their_baselines(demo, capsys):
    said = CliRunner().invoke(app, ["sentiment", "predict", "--model", str(demo.model), AMAZING]).stdout
    assert said.startswith("Positive (0.")
    arguments = ["--model", str(demo.model), "--input", str(demo.others), "--threads", "1"]
    said = CliRunner().invoke(app, ["sentiment", "evaluate", *arguments]).stdout
    assert said.splitlines()[0] == "200 reviews"
    assert [line.split()[0] for line in said.splitlines()[2:]] == ["model", "majority", "tfidf"]


def test_a_training_says_what_it_came_to_beside_its_baselines(capsys, tmp_path):
    names = ["Negative", "Positive"]
    good, usual = (measure(np.array([0, 1, 1]), np.array(told), names) for told in ([0, 1, 1], [1, 1, 1]))
    rows = {"train": 1200, "validation": 3, "without_stars": 7, "dropped": 0, "without_text": 0}
    trained = TrainedSentiment(
        tmp_path, rows, {"Negative": 0.25, "Positive": 0.75}, good, {"majority": usual}, 38, True, "float32", 61.2
    )
    show_training(trained, as_json=False)
    said = capsys.readouterr().out.splitlines()
    assert said[0] == "reviews: 1,200 train, 3 validation, 7 without stars; Negative 25.0 %, Positive 75.0 %"
    assert said[1] == "38 steps in 61 s, stopped early, float32; on the validation part:"
    assert said[3].split() == ["model", "1", "1", "1", "1"]
    assert said[4].split() == ["majority", "0.4", "0.6667", "0", "0.8"]
    assert said[5] == str(tmp_path)


def test_a_night_with_a_model_uses_it_measures_it_on_what_is_new_to_it_and_asks_once(demo, tmp_path):
    from types import SimpleNamespace

    from jobs.sentiment import sentiment_of_shop
    from jobs.settings import load_settings

    (tmp_path / "shop.toml").write_text('threads = 1\n[sentiment]\nmodel = "./model"\n')
    (tmp_path / "model").symlink_to(demo.model)
    settings = load_settings(tmp_path / "shop.toml")
    assert settings.sentiment.model == str(tmp_path / "model")
    reviews = pl.concat([pl.read_ndjson(demo.others).head(60), *_trained_on(demo)], how="diagonal_relaxed")
    reviews = reviews.with_columns(pl.col("stars").cast(pl.Float64)).select("review_id", "item_id", "stars", "text")
    shop = SimpleNamespace(cutoff=None, table=lambda _: reviews)
    frame = reviews.with_columns(pl.lit(None, pl.Date).alias("day"), row=pl.int_range(pl.len()))
    texts = SimpleNamespace(reviews=frame.select("review_id", "item_id", "day", "text", "row"))
    first = sentiment_of_shop(shop, texts, settings=settings, cache=tmp_path / "cache")
    assert first.reviews["probability"].null_count() == 0
    assert first.quality["n"].to_list() == [60] * 4
    assert "on reviews that are new to it" in first.notes[0]
    calls = []
    second = sentiment_of_shop(
        shop, texts, settings=settings, cache=tmp_path / "cache", progress=lambda *told: calls.append(told)
    )
    assert second.reviews.equals(first.reviews)
    assert calls == []  # every answer was kept
    few = reviews.tail(20)
    shop, texts = SimpleNamespace(cutoff=None, table=lambda _: few), SimpleNamespace(reviews=frame.tail(20))
    known = sentiment_of_shop(shop, texts, settings=settings, cache=tmp_path / "cache")
    assert known.quality.is_empty()
    assert "0 reviews with stars are new to it, too few for a figure" in known.notes[0]


def _trained_on(demo):
    trained = pl.read_parquet(demo.model.parent / "train.parquet").rename(
        {"review_body": "text", "star_rating": "stars"}
    )
    return [trained.head(20)]


def test_every_parameter_of_the_article_is_an_option_with_the_articles_default():
    config = SentimentConfig()
    assert (config.epochs, config.batch_size, config.eval_batch_size) == (3, 16, 64)
    assert (config.warmup_steps, config.weight_decay, config.logging_steps) == (500, 0.01, 10)
    assert (config.three_stars, config.base) == ("negative", "all-MiniLM-L6-v2")
    assert config != CPU_PRESET
    told = CliRunner(env={"COLUMNS": "200", "TERM": "dumb"}).invoke(app, ["sentiment", "train", "--help"]).stdout
    for option in (
        "epochs",
        "batch-size",
        "eval-batch-size",
        "warmup-steps",
        "weight-decay",
        "logging-steps",
        "preset",
    ):
        assert f"--{option}" in told
    for option in ("three-stars", "base", "seed", "patience", "class-weights", "learning-rate", "precision"):
        assert f"--{option}" in told


def test_an_option_given_beside_the_preset_wins(monkeypatch, tmp_path):
    seen = []
    monkeypatch.setattr("jobs.sentiment_model.train_model", lambda reviews, out, config: seen.append(config))
    monkeypatch.setattr("jobs.sentiment_screens.show_training", lambda trained, *, as_json: None)
    cli_sentiment.train(tmp_path, tmp_path, preset="cpu", epochs=7, three_stars="drop", threads=3)
    cli_sentiment.train(tmp_path, tmp_path)
    assert (seen[0].epochs, seen[0].batch_size, seen[0].threads) == (7, CPU_PRESET.batch_size, 3)
    assert (seen[0].three_stars, seen[0].precision) == ("drop", "auto")
    assert seen[1] == SentimentConfig()


@pytest.mark.parametrize("kind", ["csv", "jsonl", "parquet", "csv.gz"])
def test_reviews_are_read_from_each_kind_of_file_with_the_headline_before_the_words(tmp_path, kind):
    import gzip

    frame = pl.DataFrame(
        {
            "title": ["Good", None, "Bare"],
            "text": ["fits", "late", None],
            "stars": [5, None, 2],
            "review_id": ["a", "b", None],
        }
    )
    path = tmp_path / f"reviews.{kind}"
    if kind == "parquet":
        frame.write_parquet(path)
    elif kind == "jsonl":
        frame.write_ndjson(path)
    else:
        text = frame.write_csv()
        path.write_bytes(gzip.compress(text.encode()) if kind == "csv.gz" else text.encode())
    read = read_reviews(path)
    assert read.texts == ("Good. fits", "late", "Bare")
    assert read.stars == (5.0, None, 2.0)
    assert read.ids[:2] == ("a", "b")
    assert read.ids[2].isdigit()  # its line


def test_what_names_a_person_is_masked_before_a_model_keeps_its_words(tmp_path):
    path = tmp_path / "reviews.csv"
    words = "<b>Fits</b>. Call 415-555-2671 or a.b@example.com"
    path.write_text(f"review_headline,review_body,star_rating\nGood,{words},5\n")
    assert read_reviews(path).texts == ("Good. Fits. Call [phone] or [email]",)


def test_rows_that_cannot_be_used_are_left_out_and_said_so(tmp_path, caplog):
    path = tmp_path / "reviews.csv"
    path.write_text('text,stars\nfine,4\nodd,many\nhigh,9\n"ragged"\nempty,\n')
    read = read_reviews(path)
    assert read.texts == ("fine", "empty")
    assert read.stars == (4.0, None)
    assert "3 rows are left out, the first in line 5: the row has 1 fields and the header 2" in caplog.text


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("reviews.csv", "words,stars\nfine,4\n", r"needs the column 'text' \(or 'review_body'\); found words, stars"),
        ("reviews.csv", "text,mark\nfine,4\n", r"needs the column 'stars' \(or 'star_rating'\); found text, mark"),
        ("reviews.csv", "text,stars\n", r"no review to read"),
        (
            "reviews.csv",
            "text,stars\nfine,much\n",
            r"no review to read; line 2: stars: 'much' is no number from 1 to 5",
        ),
        ("reviews.pdf", "x", r"save it as \.parquet, \.csv"),
        (None, "", r"no such file"),
    ],
)
def test_a_file_that_holds_no_reviews_is_refused_with_what_was_found(tmp_path, name, content, said):
    path = tmp_path / (name or "absent.csv")
    if name:
        path.write_text(content)
    with pytest.raises(InputError, match=said):
        read_reviews(path)
