"""What a line of copy claims that its sources do not hold: numbers, and words that carry meaning.

Words that only join others are no claims. A word is held where a source has it, or another form of it: a plural, a past
tense. Nothing is inferred: what a source says in other words is not held, and a true line may be refused for it.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from encoders.lexical import words

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["unsupported"]

_NUMBER = re.compile(r"\d+(?:[.,]\d+)*")
_JOINING_WORDS = (
    "a about all also am an and any are as at be been but by can do does for from had has have he her here him "
    "his how i if in into is it it's its just me my no nor not of on or our out she so some than that the their "
    "them then there these they this those to too up us very was we were what when where which while who will "
    "with you your"
)
_JOINING = frozenset(_JOINING_WORDS.split())
_ENDINGS = ("'s", "\u2019s", "ies", "es", "s", "ing", "ed", "ly", "er", "est", "d", "y", "e")
_LEAST_STEM = 3


def unsupported(line: str, sources: Sequence[str]) -> list[str]:
    """Return the numbers and words of `line` that no source holds, each once, in their order; [] is none."""
    held = " \n ".join(sources)
    numbers = {_amount(number) for number in _NUMBER.findall(held)}
    told = set(words(held))
    stems = {_stem(word) for word in told}
    found: dict[str, None] = {}
    for number in _NUMBER.findall(line):
        if _amount(number) not in numbers:
            found[number] = None
    for word in words(_NUMBER.sub(" ", line)):
        if word not in _JOINING and word not in told and _stem(word) not in stems:
            found[word] = None
    return list(found)


def _amount(number: str) -> str:
    """Return a number in one spelling: 1,200 and 1200, 24.90 and 24.9 are the same."""
    plain = re.sub(r",(?=\d{3}(?:\D|$))", "", number).replace(",", ".")
    return plain.rstrip("0").rstrip(".") if plain.count(".") == 1 else plain


def _stem(word: str) -> str:
    """Return the word without the endings that tell its forms apart: batteries and battery, lasts and lasted."""
    for ending in _ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= _LEAST_STEM:
            return _stem(word[: -len(ending)])
    return word
