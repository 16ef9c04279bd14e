"""How well a sentence answers a question, and from which score on it is evidence.

Late interaction (Khattab & Zaharia 2020, ColBERT): each piece of the question looks for the piece of the sentence that
is nearest to it in context; the cosines are averaged, a piece weighing the square of its rarity in the shop's own
sentences. So a rare word of the question must find its like, whatever else the sentence says; one vector a sentence
blurs that. What only asks (which, how) weighs a part, what was asked before a part that fades, and what names the
item's kind nothing: every sentence is about that.

Beside an English encoder this finds the best few: a cross-encoder reads them together with the question
(`encoders.PairReader`) and decides, for it was trained to tell an answer from a sentence near to it. The cosine counts
a little beside.

Other encoders read alone, and the threshold is the shop's own: questions are made about words of its texts and put to
sentences that lack the word. What those score at best is what no evidence looks like here; seven in ten stay below it.
"""

from __future__ import annotations

import json
import math
from collections import Counter
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from encoders.lexical import hash_of, words
from recsys.questions import asking, named_in, questions_about, without_asking

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from numpy.typing import NDArray

    from encoders import TokenEncoder, Tokens

__all__ = ["Judge", "asks", "both", "fit_judge", "read_judge", "read_together", "turn_weights", "write_judge"]

_QUIET_SHARE = 0.7  # of made questions that get no evidence; chosen on benchmarks/ask_questions_tuning.jsonl and demos
_ASKING_WEIGHT = 0.25  # of what only asks; likewise
_BEFORE_WEIGHT, _FADING = 0.3, 0.5  # of the question before, and of each before that beside the one after it
_ANSWERS_OR_NOT = 0.5  # the threshold of what was read together
_PER_COSINE, _EVEN = 5.0, 0.25  # log-odds beside those; chosen on benchmarks/ask_questions_tuning.jsonl and _more.jsonl
_ENGLISH = ("all-MiniLM-L6-v2@", "bge-small-en-v1.5@")
_FEWEST = 3  # sentences that a piece whose rarity is kept stands in: one that fewer have may be a person's own word
_COUNTED, _SENTENCES, _ASKED_WORDS, _DRAWS, _OF_AN_ITEM = 3000, 200, 32, 3, 100
_FORMAT = 3


@dataclass(frozen=True, slots=True)
class Judge:
    """`rarity`: of each piece, its inverse document frequency; `unseen`: of one that hardly a sentence has."""

    rarity: Mapping[str, float]
    unseen: float
    threshold: float

    def scores(
        self, asked: Sequence[Tokens], told: Sequence[NDArray[np.floating]], known: Collection[str] = ()
    ) -> NDArray[np.float64]:
        """Return (len(told),): mean cosine of the pieces that are asked to their likes in each sentence, by weight.

        `asked`: a conversation, the question last. A sentence is its pieces, (pieces, dim) each of length 1. `known`:
        the pieces of what the item's kind is called.
        """
        pieces_asked = np.concatenate([question.vectors for question in asked])
        if not len(pieces_asked) or not told:
            return np.zeros(len(told))
        counts = np.array([len(each) for each in told])
        full = np.flatnonzero(counts)
        best = np.zeros((len(told), len(pieces_asked)))
        if len(full):
            pieces = np.concatenate([told[row] for row in full.tolist()]).astype(np.float32)  # (pieces, dim)
            starts = np.concatenate([[0], np.cumsum(counts[full])[:-1]])
            best[full] = np.maximum.reduceat(pieces @ pieces_asked.T, starts, axis=0)
        # rounded above float32's last bit: equal sentences are equal, and ties go by date and id
        scores: NDArray[np.float64] = (best @ self.weights([each.names for each in asked], known)).round(5)
        return scores

    def weights(self, asked: Sequence[Sequence[str]], known: Collection[str] = ()) -> NDArray[np.float64]:
        """Return the weights of all pieces of a conversation, which sum to 1; where it asks nothing, by rarity alone.

        Of what was asked before a part counts; all of it where the question itself asks nothing ("and then?").
        """
        rarity = np.array([self.rarity.get(name, self.unseen) ** 2 for names in asked for name in names])
        told = [
            np.array([0.0 if named_in(name, known) else _ASKING_WEIGHT if asking(name) else 1.0 for name in names])
            for names in asked
        ]
        parts = np.concatenate([part * weight for part, weight in zip(told, turn_weights(asked, known), strict=True)])
        weights = rarity * parts if any((part == 1.0).any() for part in told) else rarity
        shares: NDArray[np.float64] = weights / weights.sum()
        return shares


def turn_weights(asked: Sequence[Sequence[str]], known: Collection[str] = ()) -> list[float]:
    """Return what each question of a conversation counts beside the last, which counts 1."""
    before = _BEFORE_WEIGHT if asks(asked[-1], known) else 1.0
    return [*(before * _FADING**back for back in range(len(asked) - 2, -1, -1)), 1.0]


def asks(question: Sequence[str], known: Collection[str] = ()) -> bool:
    """Return whether a question's pieces ask something by themselves; "and then?" does not."""
    return any(not asking(name) and not named_in(name, known) for name in question)


def read_together(encoder: TokenEncoder) -> bool:
    """Return whether question and sentence are also read together, in English, beside this encoder."""
    return encoder.encoder_id.startswith(_ENGLISH)


def both(cosines: NDArray[np.float64], log_odds: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return (n,), log-odds that sentences answer: of the judge's `cosines`, (n,), and what was read together, (n,)."""
    found: NDArray[np.float64] = log_odds + _PER_COSINE * (cosines - _EVEN)
    return found


def fit_judge(texts: Sequence[str], encoder: TokenEncoder) -> Judge:
    """Learn from a shop's sentences: how rare each piece is, and what is no evidence. Seconds; the same every time."""
    sample = sorted(set(texts), key=hash_of)
    counted = Counter(name for names in encoder.token_names(sample[:_COUNTED]) for name in set(names))
    n = min(len(sample), _COUNTED)
    rarity = {name: _rarity(n, count) for name, count in sorted(counted.items()) if count >= _FEWEST}
    judge = Judge(rarity, _rarity(n, 0), _ANSWERS_OR_NOT)
    return judge if read_together(encoder) else replace(judge, threshold=_threshold(judge, sample, encoder))


def write_judge(judge: Judge, encoder_id: str) -> str:
    """Return the judge as JSON; it holds pieces of words that several sentences have, and no text."""
    return json.dumps({"format": _FORMAT, "encoder_id": encoder_id, **asdict(judge)}, ensure_ascii=False)


def read_judge(said: str, encoder_id: str) -> Judge | None:
    """Return what `write_judge` wrote; None: in another format, or with another encoder."""
    told = json.loads(said)
    if (told.get("format"), told.get("encoder_id")) != (_FORMAT, encoder_id):
        return None
    return Judge(told["rarity"], told["unseen"], told["threshold"])


def _threshold(judge: Judge, sample: Sequence[str], encoder: TokenEncoder) -> float:
    """Return the score that `_QUIET_SHARE` of the questions about absent words stay below at best."""
    shown = sample[:_SENTENCES]
    asked = [(word, without_asking(question)) for word in _asked_words(sample) for question in questions_about(word)]
    if not shown or not asked:
        return 1.0
    told = [tokens.vectors for tokens in encoder.encode_tokens(shown, kind="sentence")]
    has = [set(words(text)) for text in shown]
    best: list[float] = []
    draw = np.random.default_rng(0)
    read = encoder.encode_tokens([question for _, question in asked], kind="query")
    for (word, _), question in zip(asked, read, strict=True):
        scores = judge.scores([question], told)[[word not in each for each in has]]
        if len(scores):
            best.extend(draw.permutation(scores)[:_OF_AN_ITEM].max() for _ in range(_DRAWS))
    return float(np.quantile(best, _QUIET_SHARE)) if best else 1.0


def _asked_words(sample: Sequence[str]) -> list[str]:
    """Return words that some sentences have and most have not, chosen by their hash."""
    counted = Counter(word for text in sample[:_COUNTED] for word in set(words(text)) if _tells(word))
    n = min(len(sample), _COUNTED)
    some = [word for word, count in counted.items() if 2 <= count <= max(2, n * 0.04)] or list(counted)
    return sorted(some, key=hash_of)[:_ASKED_WORDS]


def _tells(word: str) -> bool:
    return word.isalpha() and (len(word) > 3 if word.isascii() else len(word) > 1)


def _rarity(n: int, count: int) -> float:
    return math.log(1 + (n - count + 0.5) / (count + 0.5))
