"""A question and a text read together: ms-marco-MiniLM-L-12-v2 in 8 bits, run by ONNX Runtime from a package's weights.

A cross-encoder (Nogueira & Cho 2019, arXiv 1901.04085), trained on what web searches asked and were answered with.
It sees which words of the text belong to which of the question, which two vectors made apart cannot show, and costs
a reading for every pair: it is for the few texts that something cheaper has found.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import numpy as np

from encoders.cleaning import clean
from encoders.onnx_engine import first_output, onnx_folder, open_session, read_tokenizer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

__all__ = ["PairReader"]

_SHA256 = "1225ccd6afd0f1b43a1b08bf67cd1cb68c05aafb443e9d8450015b8b3837ffd1"
_MOST_TOKENS = 256  # of a question and a text


class PairReader:
    """Says how well texts answer a question; the same for a pair whatever is read beside it."""

    def __init__(self, *, threads: int) -> None:
        """Find the weights, check and load them.

        Raises:
            EncoderError: the package is not installed, or its file is not what its sha256 says.
        """
        folder = onnx_folder("reranker_en", _SHA256)
        self._tokenizer = read_tokenizer(folder, _MOST_TOKENS)
        self._session = open_session(folder / "model.onnx")
        self._threads = threads

    def logits(self, question: str, texts: Sequence[str]) -> NDArray[np.float64]:
        """Return (len(texts),): from about -11, another matter, to about 11, the answer."""
        pairs = [self._tokenizer.encode(clean(question), clean(text)) for text in texts]
        with ThreadPoolExecutor(self._threads) as pool:
            found = pool.map(lambda pair: first_output(self._session, pair.ids, pair.type_ids)[0], pairs)
            return np.array(list(found), dtype=np.float64)
