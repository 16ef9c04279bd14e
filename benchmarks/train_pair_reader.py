"""Train what reads a question and a sentence together: python benchmarks/train_pair_reader.py DATA OUT.safetensors.

DATA holds `clothing_reviews` and `musical_instruments`; the questions are those of ask_training.jsonl, about these
shops and an invented one, each with every sentence of its item that answers it. The loss of a question is minus the
logarithm of the share that its answers have among its sentences and one more reply, that none answers, whose logit is
0: so the model learns which sentence answers and when to be quiet at once. Of one in ten answerable questions the
answers are left out. Sentences that the finder puts first stand in more often: they are what will be read.

Trained are biases, norms, the last layer, and an addition of low rank to each matrix; the package's own weights stay
as they are. At the end the logit is moved so that most of ask_questions_tuning.jsonl and ask_questions_more.jsonl are
answered rightly. An hour on two cores with bf16 units.
"""

from __future__ import annotations

import argparse
import json
import math
import re
import tempfile
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
import torch
from ask import SEEN, measure, overlaps, read_shop
from safetensors.numpy import save_file
from torch import nn
from transformers import BertConfig, BertForSequenceClassification

from encoders import clean
from encoders.onnx_engine import onnx_folder, read_tokenizer
from encoders.onnx_weights import DOWN, UP, dequantized, read_graph
from encoders.pairs import MOST_TOKENS, PAIR_MODEL, PAIR_SHA256
from recsys.evidence import READ_TOGETHER
from recsys.judge import both

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray
    from tokenizers import Tokenizer

TRAINING = Path(__file__).with_name("ask_training.jsonl")
NONE_AT = 4.0  # added to the logit before training: what the maker's model says of a text that is half an answer
SCALE = 2.0  # of what is added
NEAR = 0.1  # a sentence whose finder's score is lower by this stands in 1/e as often


@dataclass(frozen=True)
class Recipe:
    """How to train."""

    rank: int = 4
    rate: float = 1e-3
    rounds: int = 2
    questions_a_step: int = 12
    sentences: int = 14  # of a question, a step
    left_out: float = 0.1  # of the answerable questions lose their answers, a step
    tokens_a_pass: int = 2000
    seed: int = 0


@dataclass(frozen=True)
class Question:
    """A question with each sentence of its item: the tokens of both, whether it answers, and the finder's score."""

    pairs: list[tuple[list[int], list[int]]]
    answers: NDArray[np.bool_]
    near: NDArray[np.float64]


class Added(nn.Module):
    """A linear layer that stays as it is, and a product of two narrow matrices beside it (LoRA)."""

    def __init__(self, kept: nn.Linear, rank: int) -> None:
        super().__init__()
        self.kept = kept
        self.down = nn.Parameter(torch.randn(kept.in_features, rank) / math.sqrt(kept.in_features))
        self.up = nn.Parameter(torch.zeros(rank, kept.out_features))

    def forward(self, states: torch.Tensor) -> torch.Tensor:
        """Return what the layer gives, with what is added."""
        found: torch.Tensor = self.kept(states) + SCALE * (states @ self.down) @ self.up
        return found


def read_model(path: Path) -> tuple[BertForSequenceClassification, dict[str, str]]:
    """Return the maker's model in 32 bits, and for each linear layer of it the name of its matrix in the graph."""
    graph, weights = read_graph(path)
    matrices = {
        re.sub("/(MatMul|Gemm).*", "", node.name).strip("/").replace("/", "."): node.input[1].removesuffix("_quantized")
        for node in graph.graph.node
        if node.op_type == "MatMulInteger" and node.input[1].endswith("_quantized")
    }
    held = {name: array for name, array in weights.items() if name.endswith((".bias", "LayerNorm.weight"))}
    held |= {f"{layer}.weight": dequantized(weights, name).T for layer, name in matrices.items()}
    for table in ("word", "position", "token_type"):
        name = f"bert.embeddings.{table}_embeddings.weight"
        held[name] = dequantized(weights, name)
    n_words = len(held["bert.embeddings.word_embeddings.weight"])
    sizes = {"hidden_size": 384, "num_hidden_layers": 12, "num_attention_heads": 12, "intermediate_size": 1536}
    model = BertForSequenceClassification(BertConfig(vocab_size=n_words, num_labels=1, **sizes))
    model.load_state_dict({name: torch.tensor(np.ascontiguousarray(array)) for name, array in held.items()})
    return model, matrices


def open_for_training(model: BertForSequenceClassification, rank: int) -> list[nn.Parameter]:
    """Put something to train beside each matrix and return all that is trained."""
    for name, layer in list(model.bert.encoder.named_modules()):
        if isinstance(layer, nn.Linear):
            owner, _, last = name.rpartition(".")
            setattr(model.bert.encoder.get_submodule(owner), last, Added(layer, rank))
    chosen = (".down", ".up", ".bias", "LayerNorm.weight", "classifier.weight")
    for name, parameter in model.named_parameters():
        parameter.requires_grad_(name.endswith(chosen))
    return [parameter for parameter in model.parameters() if parameter.requires_grad]


def trained_weights(model: BertForSequenceClassification, matrices: dict[str, str]) -> dict[str, NDArray[np.float16]]:
    """Return what was trained, by its names in the graph."""
    found: dict[str, NDArray[np.floating]] = {}
    for name, parameter in model.named_parameters():
        layer, _, kind = name.replace(".kept", "").rpartition(".")
        if not parameter.requires_grad:
            continue
        array = parameter.detach().cpu().numpy()
        if kind == "down":
            found[matrices[layer] + DOWN] = array
        elif kind == "up":
            found[matrices[layer] + UP] = array * SCALE
        elif layer in matrices and kind == "weight":
            found[matrices[layer]] = array.T
        else:
            found[f"{layer}.{kind}"] = array
    return {name: np.ascontiguousarray(array.astype(np.float16)) for name, array in found.items()}


def read_questions(data: Path, cache: Path, paths: Sequence[Path], tokenizer: Tokenizer) -> list[Question]:
    """Read labelled questions with the sentences of their items, the finder's best first."""
    asked = [json.loads(line) for path in paths for line in path.read_text(encoding="utf-8").splitlines()]
    found = []
    for name in sorted({question["shop"] for question in asked}):
        shop = read_shop(data / name, cache, threads=2)
        finder = replace(shop.search, pairs=None)
        for question in (each for each in asked if each["shop"] == name):
            told = finder.judged([question["question"]], shop.told(question["item_id"]))
            sentences = told["sentence"].to_list()
            pairs = [tokenizer.encode(clean(question["question"]), clean(sentence)) for sentence in sentences]
            spans = question["spans"]
            answers = [overlaps(shop, spans, *row) for row in told.select("review_id", "sentence").iter_rows()]
            read = [(pair.ids, pair.type_ids) for pair in pairs]
            found.append(Question(read, np.array(answers, dtype=bool), told["score"].to_numpy()))
        print(f"{name}: {len(found):,} questions read", flush=True)
    return found


def drawn(question: Question, recipe: Recipe, draw: np.random.Generator) -> NDArray[np.int64]:
    """Return which sentences of a question stand in a step."""
    right, wrong = np.flatnonzero(question.answers), np.flatnonzero(~question.answers)
    if draw.random() < recipe.left_out:
        right = right[:0]
    right = draw.permutation(right)[: recipe.sentences // 2]
    if not len(wrong):
        return right
    weight = np.exp((question.near[wrong] - question.near[wrong].max()) / NEAR)
    share = 0.7 * weight / weight.sum() + 0.3 / len(wrong)
    n = min(len(wrong), recipe.sentences - len(right))
    return np.concatenate([right, draw.choice(wrong, n, replace=False, p=share)])


def logits_of(model: nn.Module, pairs: Sequence[tuple[list[int], list[int]]], tokens_a_pass: int) -> torch.Tensor:
    """Return (len(pairs),), read in passes of texts of like length."""
    device = next(model.parameters()).device
    order = sorted(range(len(pairs)), key=lambda row: len(pairs[row][0]))
    found: list[torch.Tensor] = []
    while len(rows := order[sum(map(len, found)) :]):
        longest = next((n for n in range(len(rows), 0, -1) if n * len(pairs[rows[n - 1]][0]) <= tokens_a_pass), 1)
        rows = rows[:longest]
        width = len(pairs[rows[-1]][0])
        batch = np.zeros((3, len(rows), width), dtype=np.int64)
        for at, row in enumerate(rows):
            ids, segments = pairs[row]
            batch[:, at, : len(ids)] = ids, segments, np.ones(len(ids))
        names = ("input_ids", "token_type_ids", "attention_mask")
        inputs = dict(zip(names, torch.from_numpy(batch).to(device), strict=True))
        with torch.autocast(device.type, torch.bfloat16):
            found.append(model(**inputs).logits[:, 0].float())
    every = torch.cat(found)
    return every[torch.tensor(np.argsort(order), device=device)]


def loss_of(logits: torch.Tensor, answers: NDArray[np.bool_]) -> torch.Tensor:
    """Return the loss of one question: none of its sentences answers is one more reply, of logit 0."""
    right = torch.from_numpy(answers).to(logits.device)
    none = logits.new_zeros(1)
    every = torch.logsumexp(torch.cat([logits, none]), 0)
    return every - torch.logsumexp(logits[right] if right.any() else none, 0)


def train(model: BertForSequenceClassification, questions: Sequence[Question], recipe: Recipe) -> None:
    """Train on questions, all of them once a round."""
    parameters = open_for_training(model, recipe.rank)
    with torch.no_grad():
        model.classifier.bias += NONE_AT
    steps = math.ceil(len(questions) / recipe.questions_a_step) * recipe.rounds
    optimizer = torch.optim.AdamW(parameters, lr=recipe.rate, weight_decay=0.01)
    rate = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: min((step + 1) / (0.1 * steps), 1 - step / steps))
    draw = np.random.default_rng(recipe.seed)
    model.train()
    began = time.perf_counter()
    for step, losses in enumerate(_steps(model, questions, recipe, draw)):
        loss = torch.stack(losses).mean()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(parameters, 1.0)
        optimizer.step()
        optimizer.zero_grad()
        rate.step()
        if step % 20 == 0:
            print(f"step {step} of {steps}, loss {loss.item():.3f}, {time.perf_counter() - began:.0f} s", flush=True)
    model.eval()


def _steps(
    model: nn.Module, questions: Sequence[Question], recipe: Recipe, draw: np.random.Generator
) -> Iterable[list[torch.Tensor]]:
    for _ in range(recipe.rounds):
        order = draw.permutation(len(questions))
        for start in range(0, len(order), recipe.questions_a_step):
            asked = [questions[row] for row in order[start : start + recipe.questions_a_step]]
            rows = [drawn(question, recipe, draw) for question in asked]
            pairs = [question.pairs[row] for question, of in zip(asked, rows, strict=True) for row in of]
            logits = logits_of(model, pairs, recipe.tokens_a_pass).split([len(of) for of in rows])
            yield [loss_of(each, question.answers[of]) for each, question, of in zip(logits, asked, rows, strict=True)]


def best_shift(model: nn.Module, questions: Sequence[Question], tokens_a_pass: int) -> tuple[float, float]:
    """Return what to add to the logit so that most questions are answered rightly, and what share is."""
    rows: list[dict[str, object]] = []
    for question in questions:
        with torch.no_grad():
            read = logits_of(model, question.pairs[:READ_TOGETHER], tokens_a_pass).double().cpu().numpy()
        log_odds = both(question.near[:READ_TOGETHER], read)
        best = int(log_odds.argmax())
        truth = {"answerable": bool(question.answers.any()), "hit": bool(question.answers[best])}
        rows.append({"score": float(log_odds[best]), **truth})
    found = pl.DataFrame(rows)
    between = found["score"].sort().rolling_mean(2).drop_nulls().to_list()
    right = {at: float(str(measure(found, at)["right"].mean())) for at in between}
    most = max(right.values())
    return -float(np.median([at for at, share in right.items() if share == most])), most


def main() -> None:
    """Read, train, and keep what was trained."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--cache", type=Path, help="keep vectors there")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--questions", type=Path, nargs="*", default=[TRAINING])
    for name, value in vars(Recipe()).items():
        parser.add_argument(f"--{name.replace('_', '-')}", type=type(value), default=value)
    options: Any = parser.parse_args()
    recipe = Recipe(**{name: getattr(options, name) for name in vars(Recipe())})
    torch.manual_seed(recipe.seed)
    folder = onnx_folder(PAIR_MODEL, PAIR_SHA256)
    tokenizer = read_tokenizer(folder, MOST_TOKENS)
    with tempfile.TemporaryDirectory() as made:
        cache = options.cache or Path(made)
        questions = read_questions(options.data, cache, options.questions, tokenizer)
        seen = read_questions(options.data, cache, SEEN, tokenizer)
    model, matrices = read_model(folder / "model.onnx")
    model.to(options.device)
    train(model, questions, recipe)
    shift, right = best_shift(model, seen, recipe.tokens_a_pass)
    with torch.no_grad():
        model.classifier.bias += shift
    save_file(trained_weights(model, matrices), options.out)
    figures = {"questions": len(questions), "shift": round(shift, 3), "right_seen": round(right, 3)}
    print(json.dumps({**vars(recipe), **figures}))


if __name__ == "__main__":
    main()
