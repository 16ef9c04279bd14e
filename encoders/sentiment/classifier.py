"""A trained sentiment model in its folder: checked, loaded, asked."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from encoders.batches import make_batches
from encoders.cleaning import clean
from encoders.contract import EncoderError
from encoders.loading import find_model, silence
from encoders.sentiment.labels import StarRule, label_names
from encoders.sentiment.tfidf import TfidfModel
from encoders.weights import go_offline, sha256_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

    from encoders.contract import Progress

__all__ = ["FACTS_FILE", "FORMAT", "Network", "SentimentModel", "text_key"]

FACTS_FILE = "sentiment.json"
FORMAT = 1


@dataclass(frozen=True, slots=True)
class Network:
    """A sequence classifier with its tokenizer, reading a text's first `max_tokens` tokens."""

    model: PreTrainedModel
    tokenizer: PreTrainedTokenizerBase
    max_tokens: int

    def token_ids(self, texts: Sequence[str]) -> list[list[int]]:
        """Return each text's ids; a text of nothing that the tokenizer knows has one, of padding."""
        if not texts:
            return []
        read = self.tokenizer(list(texts), truncation=True, max_length=self.max_tokens)
        return [ids or [self.tokenizer.pad_token_id] for ids in read["input_ids"]]

    def probabilities(
        self, texts: Sequence[str], *, threads: int, progress: Progress | None = None
    ) -> NDArray[np.float64]:
        """Return (texts, classes). A text's row depends on the text alone, bit for bit, as in `encoders.batches`."""
        import torch

        torch.set_num_threads(threads)
        token_ids = self.token_ids(texts)
        found = np.zeros((len(texts), self.model.config.num_labels))
        done = 0
        self.model.eval()
        with torch.inference_mode():
            for batch in make_batches(token_ids, pad_id=self.tokenizer.pad_token_id):
                given = {
                    "input_ids": torch.from_numpy(batch.ids),
                    "attention_mask": torch.from_numpy(batch.attention),
                }
                told = torch.softmax(self.model(**given).logits.double(), dim=1).numpy()
                found[batch.texts] = told[: len(batch.texts)]
                done += len(batch.texts)
                if progress is not None:
                    progress("sentiment", done, len(texts))
        return found


@dataclass(frozen=True, slots=True)
class SentimentModel:
    """What stands in a model's folder, ready to answer.

    Attributes:
        model_id: the base's name and the sha256 of the trained weights: another training, another id.
        names: of the labels 0, 1 …, from the worst to the best.
        three_stars: the star rule that it was trained by.
        shares: (classes,) of the training rows; what an empty text is answered with.
        trained_on: `text_key` of every text that it was trained or validated on, sorted.
        tfidf: TF-IDF with logistic regression, trained on the same rows.
    """

    model_id: str
    names: tuple[str, ...]
    three_stars: StarRule
    shares: NDArray[np.float64]
    trained_on: NDArray[np.int64]
    tfidf: TfidfModel
    network: Network
    facts: dict[str, Any]

    @classmethod
    def load(cls, folder: Path) -> SentimentModel:
        """Read a folder that `train_sentiment` has written.

        Raises:
            EncoderError: it is none, of another format, or a file of it is not the one that was written.
        """
        go_offline()
        facts = _read_facts(folder)
        for name, sha256 in {"model.safetensors": facts["sha256"], **facts.get("files", {})}.items():
            if not (folder / name).is_file() or sha256_of(folder / name) != sha256:
                msg = f"{folder / name} is not the file that was trained (sha256 expected {sha256}); train again"
                raise EncoderError(msg)
        names = label_names(facts["three_stars"])
        return cls(
            model_id=f"{Path(facts['base']).name}@{facts['sha256'][:12]}:{facts['max_tokens']}",
            names=names,
            three_stars=facts["three_stars"],
            shares=np.array([facts["shares"][name] for name in names]),
            trained_on=np.load(folder / "trained_on.npy", allow_pickle=False),
            tfidf=TfidfModel.load(folder),
            network=_load_network(folder, facts["max_tokens"]),
            facts=facts,
        )

    def probabilities(
        self, texts: Sequence[str], *, threads: int = 2, progress: Progress | None = None
    ) -> NDArray[np.float64]:
        """Return (texts, classes); an empty text says nothing, and is answered with the shares of the training rows."""
        cleaned = [clean(text) for text in texts]
        told = [row for row, text in enumerate(cleaned) if text]
        found = np.tile(self.shares, (len(texts), 1))
        if told:
            found[told] = self.network.probabilities([cleaned[row] for row in told], threads=threads, progress=progress)
        return found


def text_key(text: str) -> int:
    """Return a number of 63 bits that stands for a cleaned text: equal for equal texts, and it tells nothing of it."""
    digest = hashlib.blake2b(clean(text).encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest, "big") >> 1


def _read_facts(folder: Path) -> dict[str, Any]:
    path = folder / FACTS_FILE
    if not path.is_file():
        msg = f"{folder} holds no sentiment model, {FACTS_FILE} is missing; make one: shelfwise sentiment train"
        raise EncoderError(msg)
    try:
        facts: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:  # JSON's and Unicode's errors are such
        raise EncoderError(f"{path} is damaged ({error}); train again") from error
    if facts.get("format") != FORMAT:
        msg = f"{path}: format {facts.get('format')!r} is not known, this version reads {FORMAT}; train again"
        raise EncoderError(msg)
    return facts


def _load_network(folder: Path, max_tokens: int) -> Network:
    import torch
    from transformers import AutoModelForSequenceClassification, AutoTokenizer

    silence()
    files = find_model(str(folder))
    model = AutoModelForSequenceClassification.from_pretrained(str(folder), dtype=torch.float32, **files.weights())
    return Network(model, AutoTokenizer.from_pretrained(str(folder), **files.source()), max_tokens)
