"""TF-IDF with logistic regression: what a fine-tuned model has to beat. Kept as JSON and safetensors, never pickled."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from encoders.lexical import words
from encoders.sentiment.linear import Linear, fit_linear

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray
    from scipy.sparse import csr_array

__all__ = ["TfidfModel", "fit_tfidf", "terms_of"]

_LEAST_TEXTS = 2  # texts that a term must occur in
_WORDS_FILE, _WEIGHTS_FILE = "tfidf.json", "tfidf.safetensors"


@dataclass(frozen=True, slots=True)
class TfidfModel:
    """Words and pairs of words, how rare each is, and what each speaks for.

    A text's features are (1 + log count) * idf of each term, the row of length 1; idf is
    log((1 + texts) / (1 + texts with the term)) + 1, as in scikit-learn.
    """

    vocabulary: dict[str, int]  # term → column
    idf: NDArray[np.float64]  # (terms,)
    linear: Linear

    def probabilities(self, documents: Sequence[Sequence[str]]) -> NDArray[np.float64]:
        """Return (documents, classes); a document is what `terms_of` makes of a text."""
        return self.linear.probabilities(_features(documents, self.vocabulary, self.idf))

    def save(self, folder: Path) -> None:
        """Write the vocabulary as JSON and the numbers as safetensors."""
        from safetensors.numpy import save_file

        terms = sorted(self.vocabulary, key=self.vocabulary.__getitem__)
        told = {"terms": terms, "strength": self.linear.strength}
        (folder / _WORDS_FILE).write_text(json.dumps(told, ensure_ascii=False), encoding="utf-8")
        numbers = {"idf": self.idf, "weights": self.linear.weights, "intercept": self.linear.intercept}
        save_file(
            {name: np.ascontiguousarray(value, dtype=np.float64) for name, value in numbers.items()},
            folder / _WEIGHTS_FILE,
        )

    @classmethod
    def load(cls, folder: Path) -> TfidfModel:
        """Read what `save` has written."""
        from safetensors.numpy import load_file

        told = json.loads((folder / _WORDS_FILE).read_text(encoding="utf-8"))
        numbers = load_file(folder / _WEIGHTS_FILE)
        vocabulary = {term: column for column, term in enumerate(told["terms"])}
        return cls(vocabulary, numbers["idf"], Linear(numbers["weights"], numbers["intercept"], told["strength"]))


def fit_tfidf(
    documents: Sequence[Sequence[str]], labels: NDArray[np.int64], held_out: NDArray[np.bool_], *, classes: int
) -> TfidfModel:
    """Learn from every document; C is chosen on those `held_out` (see `fit_linear`), terms and idf are all documents'.

    A document is what `terms_of` makes of a text.
    """
    in_texts = Counter(term for document in documents for term in set(document))
    kept = sorted(term for term, count in in_texts.items() if count >= _LEAST_TEXTS)
    vocabulary = {term: column for column, term in enumerate(kept or sorted(in_texts))}
    count = np.array([in_texts[term] for term in vocabulary], dtype=np.float64)
    idf = np.log((1.0 + len(documents)) / (1.0 + count)) + 1.0
    features = _features(documents, vocabulary, idf)
    return TfidfModel(vocabulary, idf, fit_linear(features, labels, held_out, classes=classes))


def terms_of(text: str) -> list[str]:
    """Return the words of a text and its pairs of neighbouring words."""
    found = words(text)
    return found + [f"{first} {second}" for first, second in pairwise(found)]


def _features(
    documents: Sequence[Sequence[str]], vocabulary: dict[str, int], idf: NDArray[np.float64]
) -> csr_array[Any]:
    """Return (documents, terms), sparse."""
    from scipy.sparse import csr_array

    columns: list[int] = []
    counts: list[int] = []
    ends = [0]
    for document in documents:
        counted = Counter(vocabulary[term] for term in document if term in vocabulary)
        columns.extend(sorted(counted))
        counts.extend(counted[column] for column in sorted(counted))
        ends.append(len(columns))
    column = np.array(columns, dtype=np.int64)
    value = (1.0 + np.log(np.array(counts, dtype=np.float64))) * idf[column]
    owner = np.repeat(np.arange(len(documents)), np.diff(ends))
    length = np.sqrt(np.bincount(owner, value**2, minlength=len(documents)))
    return csr_array((value / length[owner], column, np.array(ends)), shape=(len(documents), len(idf)))
