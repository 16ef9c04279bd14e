"""How well a sentence answers a question, and from which score on it is evidence.

Late interaction (Khattab & Zaharia 2020, ColBERT): each piece of the question looks for the piece of the sentence that
is nearest to it in context; the cosines are averaged, a piece weighing its rarity in the shop's own sentences. So a
rare word of the question must find its like, whatever else the sentence says; one vector a sentence blurs that.

The threshold is the shop's own: questions are made about words of its texts and put to sentences that lack the word.
What those score at best is what no evidence looks like here; two in three of them stay below the threshold.
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from encoders.lexical import hash_of, words

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from encoders import TokenEncoder, Tokens

__all__ = ["Judge", "fit_judge"]

_QUIET_SHARE = 0.65  # of questions without an answer that get none; chosen on benchmarks/ask_questions_tuning.jsonl
_SENTENCES, _ASKED_WORDS, _DRAWS, _OF_AN_ITEM = 200, 32, 3, 100
_TEMPLATES = ("How is the {}?", "Does it have a {}?", "Is there any problem with the {}?", "Can I use it for {}?")
_TEMPLATES_UNSPACED = ("{}怎么样?", "有{}吗?", "{}有问题吗?", "能用来{}吗?")


@dataclass(frozen=True, slots=True)
class Judge:
    """`rarity`: of each piece, its inverse document frequency; `unseen`: of one that no sentence has."""

    rarity: Mapping[str, float]
    unseen: float
    threshold: float

    def scores(self, question: Tokens, told: Sequence[NDArray[np.floating]]) -> NDArray[np.float64]:
        """Return (len(told),): mean cosine of the question's pieces to their likes in each sentence, by rarity.

        A sentence is its pieces, (pieces, dim) each of length 1.
        """
        if not question.names or not told:
            return np.zeros(len(told))
        weights = np.array([self.rarity.get(name, self.unseen) for name in question.names])
        weights /= weights.sum()
        counts = np.array([len(each) for each in told])
        full = np.flatnonzero(counts)
        best = np.zeros((len(told), len(weights)))
        if len(full):
            pieces = np.concatenate([told[row] for row in full.tolist()]).astype(np.float32)  # (pieces, dim)
            starts = np.concatenate([[0], np.cumsum(counts[full])[:-1]])
            best[full] = np.maximum.reduceat(pieces @ question.vectors.T, starts, axis=0)
        # rounded above float32's last bit: equal sentences are equal, and ties go by date and id
        scores: NDArray[np.float64] = (best @ weights).round(5)
        return scores


def fit_judge(texts: Sequence[str], encoder: TokenEncoder) -> Judge:
    """Learn from a shop's sentences: how rare each piece is, and what is no evidence. Seconds; the same every time."""
    sample = sorted(set(texts), key=hash_of)
    counted = Counter(name for names in encoder.token_names(sample[:3000]) for name in set(names))
    n = min(len(sample), 3000)
    rarity = {name: _rarity(n, count) for name, count in counted.items()}
    judge = Judge(rarity, _rarity(n, 0), 1.0)
    return Judge(rarity, judge.unseen, _threshold(judge, sample, encoder))


def _threshold(judge: Judge, sample: Sequence[str], encoder: TokenEncoder) -> float:
    """Return the score that `_QUIET_SHARE` of the questions about absent words stay below at best."""
    shown = sample[:_SENTENCES]
    asked = _asked_words(sample)
    if not shown or not asked:
        return 1.0
    told = [tokens.vectors for tokens in encoder.encode_tokens(shown, kind="sentence")]
    has = [set(words(text)) for text in shown]
    questions = [template.format(word) for word in asked for template in _templates(word)]
    best: list[float] = []
    draw = np.random.default_rng(0)
    for place, question in enumerate(encoder.encode_tokens(questions, kind="query")):
        word = asked[place // len(_TEMPLATES)]
        scores = judge.scores(question, told)[[word not in each for each in has]]
        if len(scores):
            best.extend(draw.permutation(scores)[:_OF_AN_ITEM].max() for _ in range(_DRAWS))
    return float(np.quantile(best, _QUIET_SHARE)) if best else 1.0


def _asked_words(sample: Sequence[str]) -> list[str]:
    """Return words that some sentences have and most have not, chosen by their hash."""
    counted = Counter(word for text in sample[:3000] for word in set(words(text)) if _tells(word))
    n = min(len(sample), 3000)
    some = [word for word, count in counted.items() if 2 <= count <= max(2, n * 0.04)] or list(counted)
    return sorted(some, key=hash_of)[:_ASKED_WORDS]


def _tells(word: str) -> bool:
    return word.isalpha() and (len(word) > 3 if word.isascii() else len(word) > 1)


def _templates(word: str) -> tuple[str, ...]:
    return _TEMPLATES_UNSPACED if "\u4e00" <= word[0] <= "\u9fff" else _TEMPLATES


def _rarity(n: int, count: int) -> float:
    return math.log(1 + (n - count + 0.5) / (count + 0.5))
