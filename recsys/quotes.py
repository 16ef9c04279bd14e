"""What a reason may quote, word for word: a phrase that two items' texts share, a sentence of an item's review."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING

import polars as pl

from recsys.sentences import sentences

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

__all__ = ["MOST_LETTERS", "ReviewQuotes", "SharedPhrases", "fit_review_quotes", "fit_shared_phrases"]

MOST_LETTERS = 66  # of what is quoted: a reason stays one line
_LEAST_LETTERS, _LEAST_UNSPACED = 8, 4  # of a phrase; of one in a script without spaces
_LEAST_SENTENCE = 16
_GOOD_FROM_STARS = 4.0
_COMMON_SHARE, _COMMON_AT_LEAST = 0.2, 5  # a pair of words in more of the texts than this tells nothing
_MARKS = re.compile('[\\[\\]"\u201c\u201d\u300c\u300d\u300e\u300f\n]')  # masked, or what would end the quote
_BREAK = re.compile(r"[.!?;:]\s|[\u3002\uff01\uff1f\uff1b\uff1a]")  # within a phrase: it would be two
_UNSPACED = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff"
_WORD = re.compile(f"[{_UNSPACED}]|[^\\W_{_UNSPACED}]+(?:['\u2019-][^\\W_{_UNSPACED}]+)*")
_SPACED = re.compile(f"[^\\W_{_UNSPACED}]")
_EMPTY_WORDS = (
    "a an and are as at be by for from has have in into is it its of on or so that the this to was were with without"
)
_EMPTY = frozenset(_EMPTY_WORDS.split())  # a phrase neither begins nor ends with one of these


class SharedPhrases:
    """Finds the rarest phrase that two texts share; made by `fit_shared_phrases`."""

    def __init__(self, texts: Sequence[str], frequency: Counter[str], common: float) -> None:
        """Take the texts, in how many of them each pair of words stands, and how many are too many."""
        self._texts = texts
        self._frequency = frequency
        self._common = common
        self._pairs: dict[int, dict[str, int]] = {}  # text → pair of words → where it stands first
        self._found: dict[tuple[int, int], str | None] = {}

    def of(self, one: int, other: int) -> str | None:
        """Return the phrase that texts `one` and `other` share, a substring of both; None where none tells anything."""
        key = (min(one, other), max(one, other))
        if key not in self._found:
            self._found[key] = self._shared(*key)
        return self._found[key]

    def _shared(self, one: int, other: int) -> str | None:
        own, others = self._of_text(one), self._of_text(other)
        both = [pair for pair in own if pair in others]
        for pair in sorted(both, key=lambda pair: (self._frequency[pair], -len(pair), pair)):
            phrase = _grown(self._texts[one], own[pair], len(pair), self._texts[other])
            if len(phrase) >= (_LEAST_LETTERS if phrase.isascii() else _LEAST_UNSPACED):
                return phrase
        return None

    def _of_text(self, text: int) -> dict[str, int]:
        if text not in self._pairs:
            found = _word_pairs(self._texts[text])
            self._pairs[text] = {pair: at for pair, at in found.items() if self._frequency[pair] <= self._common}
        return self._pairs[text]


def fit_shared_phrases(texts: Sequence[str]) -> SharedPhrases:
    """Count in how many of a shop's texts each pair of neighbouring words stands."""
    frequency = Counter(pair for text in texts for pair in _word_pairs(text))
    return SharedPhrases(texts, frequency, max(_COMMON_SHARE * len(texts), _COMMON_AT_LEAST))


def _word_pairs(text: str) -> dict[str, int]:
    """Return every two neighbouring words that both say something, as they stand, each with its first place."""
    found: dict[str, int] = {}
    before: re.Match[str] | None = None
    for word in _WORD.finditer(text):
        if before is not None and before.group().lower() not in _EMPTY and word.group().lower() not in _EMPTY:
            pair = text[before.start() : word.end()]
            if _can_stand(pair):
                found.setdefault(pair, before.start())
        before = word
    return found


def _grown(text: str, start: int, length: int, other: str) -> str:
    """Return the longest run of whole words around a place of `text` that `other` holds too."""
    words = list(_WORD.finditer(text))
    first = next(at for at, word in enumerate(words) if word.start() == start)
    last = next(at for at, word in enumerate(words) if word.end() == start + length)

    def shared(first: int, last: int) -> bool:
        phrase = text[words[first].start() : words[last].end()]
        return _can_stand(phrase) and _stands_in(phrase, other)

    while last + 1 < len(words) and shared(first, last + 1):
        last += 1
    while first > 0 and shared(first - 1, last):
        first -= 1
    while words[last].group().lower() in _EMPTY:
        last -= 1
    while words[first].group().lower() in _EMPTY:
        first += 1
    return text[words[first].start() : words[last].end()]


def _can_stand(phrase: str) -> bool:
    return len(phrase) <= MOST_LETTERS and not _MARKS.search(phrase) and not _BREAK.search(phrase)


def _stands_in(phrase: str, text: str) -> bool:
    """Whether the phrase stands in the text between words, not within one."""
    found = text.find(phrase)
    while found >= 0:
        around = text[max(found - 1, 0) : found], text[found + len(phrase) : found + len(phrase) + 1]
        if not any(_joins(outer, inner) for outer, inner in zip(around, (phrase[0], phrase[-1]), strict=True)):
            return True
        found = text.find(phrase, found + 1)
    return False


def _joins(outer: str, inner: str) -> bool:
    return bool(outer and _SPACED.match(outer) and _SPACED.match(inner))


class ReviewQuotes:
    """One sentence of a good review of each item, and one by somebody else; made by `fit_review_quotes`."""

    def __init__(self, quotes: dict[str, tuple[tuple[str | None, str], ...]]) -> None:
        """Take for each item (author, sentence), at most two, by different authors."""
        self._quotes = quotes

    def of(self, item_id: str, user_id: str) -> str | None:
        """Return a sentence about the item that the user did not write; None where there is none."""
        own = self._quotes.get(item_id, ())
        return next((sentence for author, sentence in own if author is None or author != user_id), None)


def fit_review_quotes(reviews: pl.DataFrame | None, *, cutoff: date) -> ReviewQuotes:
    """Choose what is quoted: of reviews with four stars or more, the best and latest first, a sentence short enough.

    `reviews`: item_id, user_id, review_id, date, stars, text; rows after the cutoff are not read. A sentence in which
    something was masked is never quoted.
    """
    if reviews is None:
        return ReviewQuotes({})
    known = reviews.filter(
        pl.col("date").is_null() | (pl.col("date") <= cutoff), pl.col("stars") >= _GOOD_FROM_STARS, pl.col("text") != ""
    ).sort("item_id", "stars", "date", "review_id", descending=[False, True, True, False], nulls_last=True)
    quotes: dict[str, tuple[tuple[str | None, str], ...]] = {}
    for item_id, author, text in known.select("item_id", "user_id", "text").iter_rows():
        own = quotes.get(item_id, ())
        if len(own) == 2 or any(author == other for other, _ in own):
            continue
        cut = (text[start:end] for start, end in sentences(text))
        fit = next((one for one in cut if _LEAST_SENTENCE <= len(one) <= MOST_LETTERS and not _MARKS.search(one)), None)
        if fit is not None:
            quotes[item_id] = (*own, (author, fit))
    return ReviewQuotes(quotes)
