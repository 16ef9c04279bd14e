"""Where a text's sentences begin and end: every sentence is an exact substring of the text.

Ends are full stops, marks of exclamation and of question before a space, and those of Chinese and Japanese anywhere.
A dot within a number or after an abbreviation ends nothing. A sentence too long to read at a glance is cut at a comma.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["MOST_LETTERS", "sentences"]

MOST_LETTERS = 320  # of one sentence: some 60 words, within what an encoder reads
_LEAST_LETTERS = 60  # of the first part of a sentence that is cut

_HAN = "\u3005-\u3007\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
_CLOSING = "\"'\u2019\u201d\u300d\u300f\uff09)\\]"
# the end of a sentence, with the quotes and brackets that close after it
_END = re.compile(
    rf"(?:[。！？!?]+|\.{{2,}}|…+)[{_CLOSING}]*"  # noqa: RUF001 fullwidth marks are meant
    rf"|(?<=[{_HAN}])\.[{_CLOSING}]*"
    rf"|\.[{_CLOSING}]*(?=\s|$)"
    r"|(?<=[a-z]{3})\.(?=[A-Z][a-z]*\b)"  # "runs small.I ordered": the space is often forgotten
)
_ABBREVIATED = (
    "approx apt cf corp dept dr e.g eg etc ft i.e ie inc incl jr lb lbs misc mr mrs ms nos oz prof sq u.k u.s vs yd"
)
_ABBREVIATIONS = frozenset(_ABBREVIATED.split())
_SOFT = re.compile(r"[,;:，；：、]\s*|\s[-\u2013\u2014]+\s")  # noqa: RUF001 likewise


def sentences(text: str) -> list[tuple[int, int]]:
    """Return where each sentence of `text` begins and ends (half open), in order; blanks around it are left out."""
    found: list[tuple[int, int]] = []
    for start, end in _ended(text):
        pieces = _shortened(text, *_stripped(text, start, end))
        found.extend(piece for piece in pieces if any(map(str.isalnum, text[slice(*piece)])))
    return found


def _ended(text: str) -> Iterator[tuple[int, int]]:
    start = 0
    for mark in _END.finditer(text):
        if mark.group()[0] == "." and len(mark.group().rstrip("\"')]")) == 1 and _is_abbreviation(text, mark.start()):
            continue
        if mark.group()[0] in "!?" and not _closes(text, mark.start(), mark.end()):
            continue
        yield start, mark.end()
        start = mark.end()
    yield start, len(text)


def _closes(text: str, start: int, end: int) -> bool:
    """Whether `!` or `?` ends a sentence: before a space or the end, a letter of Han, or a capital."""
    if end == len(text) or text[end].isspace() or text[end].isupper():
        return True
    beside = text[max(start - 1, 0) : start] + text[end]
    return re.search(f"[{_HAN}]", beside) is not None


def _is_abbreviation(text: str, dot: int) -> bool:
    word = re.search(r"[\w.]*$", text[max(dot - 12, 0) : dot])
    before = word.group().lower() if word else ""
    after = text[dot + 1 :].lstrip()[:1]
    if len(before) == 1 and before.isalpha() and before != "i":
        return True  # an initial
    if before.isdigit() and (dot - len(before) == 0 or text[dot - len(before) - 1].isspace()) and after.islower():
        return True  # "no. 5. the": a number that goes on
    # a unit before a capital has ended its sentence: "it is 5 ft. Good."
    return before in _ABBREVIATIONS and not (after.isupper() and before in {"etc", "ft", "lb", "lbs", "oz"})


def _stripped(text: str, start: int, end: int) -> tuple[int, int]:
    while start < end and text[start].isspace():
        start += 1
    while end > start and text[end - 1].isspace():
        end -= 1
    return start, end


def _shortened(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """Cut what is too long at the last soft mark that fits, else at the last space, else where it must be."""
    while end - start > MOST_LETTERS:
        window = text[start : start + MOST_LETTERS]
        marks = [mark.end() for mark in _SOFT.finditer(window) if mark.end() >= _LEAST_LETTERS]
        cut = marks[-1] if marks else window.rfind(" ") + 1 if window.rfind(" ") >= _LEAST_LETTERS else MOST_LETTERS
        yield _stripped(text, start, start + cut)
        start, end = _stripped(text, start + cut, end)
    if end > start:
        yield start, end
