"""What a line claims that its sources do not hold: numbers, words that carry meaning, and what they say together.

Words that only join others are no claims, those that deny are. A word is held where a source has it, or another form of
it: a plural, a past tense. Nothing is inferred: what a source says in other words is not held, and a true line may be
refused for it.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from encoders.lexical import words

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["objections", "unsupported"]

_NUMBER = re.compile(r"\d+(?:[.,]\d+)*")
_JOINING_WORDS = (
    "a about all also am an and any are as at be been but by can do does for from had has have he her here him "
    "his how i if in into is it it's its just me my of on or our out she so some than that the their "
    "them then there these they this those to too up us very was we were what when where which while who will "
    "with you your"
)
_JOINING = frozenset(_JOINING_WORDS.split())
_DENYING = frozenset(
    ["cannot", "hardly", "neither", "never", "no", "nobody", "none", "nor", "not", "nothing", "without"]
)
_DENYING_CHARACTERS = re.compile("[\u4e0d\u6ca1\u65e0\u672a]")  # 不没无未
_CLAUSE = re.compile(  # what sets clauses apart: a comma or point that stands in no number, other marks, some words
    "(?<![0-9])[.,]|[.,](?![0-9])|[;:!?\n\u2026\u2014\u3001\u3002\uff0c\uff1b\uff1a\uff01\uff1f]"
    "|\\b(?:and|but|though|while)\\b",
    re.IGNORECASE,
)
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


def objections(line: str, sources: Sequence[str]) -> list[str]:
    """Return why a line that somebody else has put cannot stand for its sources; [] where it can.

    First what `unsupported` names. Then, in quotation marks, each clause that no one source says: its words come from
    several sources, or it denies what they say, or says what they deny.
    """
    added = unsupported(line, sources)
    if added:
        return added
    told = [part.strip() for part in _CLAUSE.split(line)]
    return [f"{part!r}" for part in told if words(part) and not any(_says(source, part) for source in sources)]


def _says(source: str, clause: str) -> bool:
    if unsupported(clause, [source]):
        return False
    telling = _telling(clause)
    near = [part for part in _CLAUSE.split(source) if telling & _telling(part)]
    return any(map(_denies, near)) == _denies(clause)


def _telling(text: str) -> set[str]:
    return {_stem(word) for word in words(text) if word not in _JOINING and not _denies(word)}


def _denies(text: str) -> bool:
    found = words(text)
    return bool(_DENYING_CHARACTERS.search(text)) or any(
        word in _DENYING or word.endswith(("n't", "n\u2019t")) for word in found
    )


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
