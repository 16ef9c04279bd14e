"""Encoders that torch runs: sentence-transformers, plain encoders (mean pooling) and decoders (last-token pooling)."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from encoders.batches import make_batches, padded_width
from encoders.cleaning import clean
from encoders.contract import EncoderConfig, EncoderError, Tokens
from encoders.lexical import unknown_share

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from torch import Tensor
    from transformers import PreTrainedConfig, PreTrainedModel, PreTrainedTokenizerBase

    from encoders.contract import Progress, TextKind, Vectors

    Forward: TypeAlias = Callable[[Tensor, Tensor], Tensor]  # ids and attention (rows, width) to vectors (rows, dim)

__all__ = ["Pooled", "TransformerEncoder", "last_token", "mean_of_tokens", "position_limit", "states_of"]

_TOKENS_A_BATCH = {"query": 64}  # a question comes alone,
_TOKENS_OF_FEW = 256  # and the sentences of one item are some hundreds


@dataclass(frozen=True, slots=True)
class Pooled:
    """A loaded model as texts meet it.

    `forward` turns ids and attention, (rows, width) each, into (rows, dim), and `states` into (rows, width, dim).
    `closing_id` is appended to every text where a decoder's tokenizer does not close it itself. `limit` is the number
    of positions that the model has.
    """

    tokenizer: PreTrainedTokenizerBase
    forward: Forward
    states: Forward
    pooling: str
    query_prompt: str
    text_prompt: str
    closing_id: int | None
    limit: int


class TransformerEncoder:
    """An `Encoder` over one torch model in float32 on the CPU."""

    def __init__(self, model: Pooled, config: EncoderConfig, *, name: str, digests: tuple[str, str]) -> None:
        """Take a model whose files have been checked; `digests` are the sha256 of its weights and of its settings."""
        if padded_width(config.max_tokens) > model.limit:
            msg = f"max_tokens is {config.max_tokens}, and {name} reads no more than {model.limit}; set a smaller one"
            raise EncoderError(msg)
        self._model = model
        self._config = config
        prompts = hashlib.sha256(f"{model.query_prompt}\0{model.text_prompt}\0{digests[1]}".encode()).hexdigest()
        self.encoder_id = f"{name}@{digests[0][:12]}:{model.pooling}:{prompts[:8]}:{config.max_tokens}:float32"
        self._prompt_tokens = {
            prompt: self._content_count(prompt) for prompt in {model.query_prompt, model.text_prompt}
        }
        self.dim = self._run([[model.tokenizer.pad_token_id or 0]]).shape[1]

    def prompt(self, kind: TextKind) -> str:
        """Return what is put before a text of that kind: only decoders and some local models have a prompt."""
        return self._model.query_prompt if kind == "query" else self._model.text_prompt

    def encode(self, texts: Sequence[str], *, kind: TextKind, progress: Progress | None = None) -> Vectors:
        """Return (len(texts), dim): a unit vector a text, zeros where nothing is left of it after `clean`."""
        vectors = np.zeros((len(texts), self.dim), dtype=np.float32)
        prompt = self.prompt(kind)
        cleaned = [clean(text) for text in texts]
        rows = [row for row, text in enumerate(cleaned) if text]
        token_ids, counts = self._tokens([prompt + cleaned[row] for row in rows])
        # a text of characters that the tokenizer drops is empty too: its vector would be the prompt's
        kept = [at for at, count in enumerate(counts) if count > self._prompt_tokens[prompt]]
        if kept:
            found = self._run([token_ids[at] for at in kept], progress)
            vectors[[rows[at] for at in kept]] = found
        if not np.isfinite(vectors).all():
            msg = f"{self.encoder_id} gave a vector that is not finite; its weights are damaged or overflow in float32"
            raise EncoderError(msg)
        return vectors

    def unknown_word_share(self, texts: Sequence[str]) -> float:
        """Return the share of words in a sample of `texts` in which the tokenizer reads something unknown, 0 to 1."""
        tokenizer = self._model.tokenizer
        if tokenizer.unk_token_id is None:
            return 0.0

        def are_unknown(words: list[str]) -> list[bool]:
            return [tokenizer.unk_token_id in ids for ids in tokenizer(words, add_special_tokens=False)["input_ids"]]

        return unknown_share(texts, are_unknown)

    def token_names(self, texts: Sequence[str]) -> list[tuple[str, ...]]:
        """Return the pieces of the vocabulary that each text is read as, special ones left out."""
        return [tuple(self._model.tokenizer.convert_ids_to_tokens(ids)) for ids in self._own_ids(texts)]

    def encode_tokens(self, texts: Sequence[str], *, kind: TextKind) -> list[Tokens]:
        """Return the last layer's vector of each piece of each text, read up to `max_tokens`, without a pooling."""
        if not texts:
            return []
        import torch

        torch.set_num_threads(self._config.threads)
        prompt = self.prompt(kind)
        read = self._model.tokenizer(
            [prompt + clean(text) for text in texts],
            truncation=True,
            max_length=self._config.max_tokens,
            return_special_tokens_mask=True,
        )
        whole: list[list[int]] = read["input_ids"]
        places = [
            [place for place, special in enumerate(mask) if not special][self._prompt_tokens[prompt] :]
            for mask in read["special_tokens_mask"]
        ]
        found = [Tokens((), np.zeros((0, self.dim), dtype=np.float32))] * len(whole)
        with torch.inference_mode():
            size = _TOKENS_A_BATCH.get(kind, _TOKENS_OF_FEW)
            for batch in make_batches(whole, pad_id=self._model.tokenizer.pad_token_id or 0, tokens=size):
                states = self._model.states(torch.from_numpy(batch.ids), torch.from_numpy(batch.attention))
                unit = torch.nn.functional.normalize(states.float(), dim=2).numpy()
                for row, text in enumerate(batch.texts.tolist()):
                    ids = [whole[text][place] for place in places[text]]
                    names = tuple(self._model.tokenizer.convert_ids_to_tokens(ids))
                    found[text] = Tokens(names, unit[row, places[text]])
        return found

    def _own_ids(self, texts: Sequence[str]) -> list[list[int]]:
        if not texts:
            return []
        read = self._model.tokenizer([clean(text) for text in texts], add_special_tokens=False)
        ids: list[list[int]] = read["input_ids"]
        return ids

    def _content_count(self, text: str) -> int:
        return self._tokens([text])[1][0] if text else 0

    def _tokens(self, texts: list[str]) -> tuple[list[list[int]], list[int]]:
        """Return each text's token ids, and how many of them are the text's own rather than special tokens."""
        if not texts:
            return [], []
        closing = self._model.closing_id
        room = self._config.max_tokens - (closing is not None)
        read = self._model.tokenizer(
            texts,
            truncation=True,
            max_length=room,
            return_special_tokens_mask=True,
            return_attention_mask=False,
            return_token_type_ids=False,
        )
        token_ids: list[list[int]] = read["input_ids"]
        counts = [len(special) - sum(special) for special in read["special_tokens_mask"]]
        if closing is not None:
            token_ids = [[*ids, closing] for ids in token_ids]
        return token_ids, counts

    def _run(self, token_ids: Sequence[Sequence[int]], progress: Progress | None = None) -> Vectors:
        """Return (len(token_ids), dim) unit vectors."""
        import torch

        torch.set_num_threads(self._config.threads)
        vectors: Vectors | None = None
        done = 0
        with torch.inference_mode():
            for batch in make_batches(token_ids, pad_id=self._model.tokenizer.pad_token_id or 0):
                pooled = self._model.forward(torch.from_numpy(batch.ids), torch.from_numpy(batch.attention))
                unit = torch.nn.functional.normalize(pooled.float(), dim=1).numpy()
                if vectors is None:
                    vectors = np.empty((len(token_ids), unit.shape[1]), dtype=np.float32)
                vectors[batch.texts] = unit[: len(batch.texts)]
                done += len(batch.texts)
                if progress is not None:
                    progress("encode", done, len(token_ids))
        if vectors is None:
            raise AssertionError("called without a text")
        return vectors


def mean_of_tokens(model: PreTrainedModel) -> Forward:
    """Return a forward pass that averages the last layer over the tokens attended to."""

    def forward(ids: Tensor, attention: Tensor) -> Tensor:
        hidden = model(input_ids=ids, attention_mask=attention)[0]  # (rows, width, dim)
        weights = attention.unsqueeze(-1).to(hidden.dtype)
        return (hidden * weights).sum(1) / weights.sum(1)

    return forward


def states_of(model: PreTrainedModel) -> Forward:
    """Return a forward pass that gives the last layer as it is, a vector a token."""

    def forward(ids: Tensor, attention: Tensor) -> Tensor:
        return model(input_ids=ids, attention_mask=attention)[0]

    return forward


def last_token(model: PreTrainedModel) -> Forward:
    """Return a forward pass that takes the last layer at the last token (Zhang et al. 2025, Qwen3 Embedding).

    Padding stands to the right, where a causal model does not look.
    """

    def forward(ids: Tensor, attention: Tensor) -> Tensor:
        hidden = model(input_ids=ids, attention_mask=attention, use_cache=False)[0]  # (rows, width, dim)
        last = attention.sum(1) - 1
        return hidden[range(len(last)), last]

    return forward


def position_limit(model_config: PreTrainedConfig, tokenizer: PreTrainedTokenizerBase) -> int:
    """Return how many tokens the model can take: the smaller of its own positions and its tokenizer's limit."""
    positions = getattr(model_config, "max_position_embeddings", None) or tokenizer.model_max_length
    return int(min(positions, tokenizer.model_max_length))
