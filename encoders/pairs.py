"""A question and a text read together: whether the text answers it.

A cross-encoder (Nogueira & Cho 2019, arXiv 1901.04085), ms-marco-MiniLM-L-12-v2 in 8 bits from a package's weights, run
by ONNX Runtime. It sees which words of the text belong to which of the question, which two vectors made apart cannot
show, and costs a reading for every pair: it is for the few texts that something cheaper has found.

What web searches taught it does not tell an answer from a sentence near to it, nor when to be quiet. So it was trained
further on questions about products, each with every sentence labelled that answers it; `pair_reader.safetensors` holds
what that changed (`encoders.onnx_weights`), and `benchmarks/train_pair_reader.py` makes it.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from encoders.cleaning import clean
from encoders.onnx_engine import first_output, onnx_folder, open_session, read_tokenizer
from encoders.onnx_weights import with_trained

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

__all__ = ["MOST_TOKENS", "PAIR_MODEL", "PAIR_SHA256", "PairReader"]

PAIR_MODEL = "reranker_en"
PAIR_SHA256 = "1225ccd6afd0f1b43a1b08bf67cd1cb68c05aafb443e9d8450015b8b3837ffd1"
MOST_TOKENS = 256  # of a question and a text
_TRAINED = Path(__file__).with_name("pair_reader.safetensors")


class PairReader:
    """Says whether texts answer a question; the same for a pair whatever is read beside it."""

    def __init__(self, *, threads: int, trained: Path | None = _TRAINED) -> None:
        """Find the weights, check and load them, and put what was `trained` in its place.

        Raises:
            EncoderError: the package is not installed, or its file is not what its sha256 says.
        """
        from safetensors.numpy import load_file

        folder = onnx_folder(PAIR_MODEL, PAIR_SHA256)
        self._tokenizer = read_tokenizer(folder, MOST_TOKENS)
        graph = folder / "model.onnx"
        self._session = open_session(graph if trained is None else with_trained(graph, load_file(trained)))
        self._threads = threads

    def log_odds(self, question: str, texts: Sequence[str]) -> NDArray[np.float64]:
        """Return (len(texts),) of how likely each answers: from about -9, another matter, to about 9, the answer."""
        pairs = [self._tokenizer.encode(clean(question), clean(text)) for text in texts]
        with ThreadPoolExecutor(self._threads) as pool:
            found = pool.map(lambda pair: first_output(self._session, pair.ids, pair.type_ids)[0], pairs)
            return np.array(list(found), dtype=np.float64)
