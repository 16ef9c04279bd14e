from __future__ import annotations

import json
import math

import numpy as np
import pytest
import torch
import train_pair_reader
from safetensors.numpy import save_file
from train_pair_reader import (
    Question,
    Recipe,
    best_shift,
    drawn,
    logits_of,
    loss_of,
    read_model,
    train,
    trained_weights,
)

from encoders import PairReader
from encoders.onnx_engine import onnx_folder, read_tokenizer
from encoders.pairs import MOST_TOKENS, PAIR_MODEL, PAIR_SHA256

ASKED = {
    "Is it loud?": (["You hear it two rooms away.", "It is blue.", "Mine is from last year."], [1, 0, 0]),
    "Does it rust?": (["It is blue.", "Orange spots came after a month outdoors.", "We use it outdoors."], [0, 1, 0]),
    "Who made it?": (["It is blue.", "We use it outdoors.", "You hear it two rooms away."], [0, 0, 0]),
}
FOLDER = onnx_folder(PAIR_MODEL, PAIR_SHA256)


@pytest.fixture(scope="module")
def questions():
    tokenizer = read_tokenizer(FOLDER, MOST_TOKENS)
    read = {asked: [tokenizer.encode(asked, text) for text in texts] for asked, (texts, _) in ASKED.items()}
    return [
        Question([(pair.ids, pair.type_ids) for pair in pairs], np.array(ASKED[asked][1], bool), np.zeros(3))
        for asked, pairs in read.items()
    ]


def test_the_loss_is_that_of_the_answers_share_among_the_sentences_and_none():
    logits = torch.tensor([math.log(3.0), math.log(2.0), 0.0])
    assert loss_of(logits, np.array([True, True, False])).item() == pytest.approx(math.log(7 / 5))
    assert loss_of(logits, np.array([False, False, False])).item() == pytest.approx(math.log(7))


def test_of_many_sentences_some_stand_in_a_step_the_nearer_more_often_and_answers_are_left_out_at_times():
    answers = np.arange(40) < 2
    question = Question([], answers, np.linspace(1, 0, 40))
    draw, recipe = np.random.default_rng(0), Recipe(left_out=0.5)
    rows = [drawn(question, recipe, draw) for _ in range(200)]
    assert {len(of) for of in rows} == {14}
    assert all(len(set(of.tolist())) == 14 for of in rows)
    assert 70 < sum(not answers[of].any() for of in rows) < 130
    times = np.bincount(np.concatenate(rows), minlength=40)
    assert times[2:12].min() > times[30:].max()
    everything = Question([], np.array([True, True]), np.zeros(2))
    assert sorted(drawn(everything, Recipe(left_out=0), draw).tolist()) == [0, 1]


def test_training_lowers_the_loss_and_the_reader_says_what_the_trained_model_says(questions, tmp_path):
    torch.manual_seed(0)
    model, matrices = read_model(FOLDER / "model.onnx")
    pairs = [pair for question in questions for pair in question.pairs]
    model.eval()
    with torch.no_grad():
        before = logits_of(model, pairs, 2000)
        assert torch.allclose(before, logits_of(model, pairs, 60), atol=0.2)  # bf16; the order does not change
    (asked, (texts, _)) = next(iter(ASKED.items()))
    maker = PairReader(threads=1, trained=None).log_odds(asked, texts)
    assert maker == pytest.approx(before[:3].numpy(), abs=0.6)  # 8 bits

    train(model, questions, Recipe(rounds=6, questions_a_step=3, left_out=0))
    with torch.no_grad():
        after = logits_of(model, pairs, 2000)
    losses = [
        [loss_of(each, question.answers).item() for each, question in zip(logits.split(3), questions, strict=True)]
        for logits in (before + train_pair_reader.NONE_AT, after)
    ]
    assert sum(losses[1]) < 0.5 * sum(losses[0])
    shift, right = best_shift(model, questions, 2000)
    assert right >= 2 / 3
    first, _, third = (logits.max().item() + 5.0 * (0.0 - 0.25) + shift for logits in after.split(3))  # cosines of 0
    assert first > 0 > third
    save_file(trained_weights(model, matrices), tmp_path / "trained.safetensors")
    read = PairReader(threads=1, trained=tmp_path / "trained.safetensors").log_odds(asked, texts)
    assert read == pytest.approx(after[:3].numpy(), abs=1.2)  # one step a matrix would be 3 away


def test_no_question_is_trained_on_about_an_item_that_others_are_asked_about():
    folder = train_pair_reader.TRAINING.parent
    items = {
        path.name: {(asked["shop"], asked["item_id"]) for asked in map(json.loads, path.read_text().splitlines())}
        for path in [train_pair_reader.TRAINING, *folder.glob("ask_questions_*.jsonl")]
    }
    trained = items.pop("ask_training.jsonl")
    assert len(items) == 5
    assert all(not trained & others for others in items.values())
