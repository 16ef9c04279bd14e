"""Postal addresses of Scandinavia, Poland, Russia, Korea and India, and any with a European town and its code behind.

What tells an address is the word for a street in its language, and where that word is short or common, the town with
its postal code.
"""
# ruff: noqa: RUF001 letters of other scripts are what is looked for

from __future__ import annotations

import re

__all__ = ["mask_indian", "mask_streets"]

_UPPER = "A-ZÀ-ÖØ-ÞĀ-Ž"
_WORD = rf"[{_UPPER}][\w.'’-]*"
_HOUSE = r"\d{1,4} ?(?:[A-Za-z]\b(?!\.))?(?: ?[-/] ?\d{1,4}[a-z]?\b| \d{1,3}\b(?=,))?(?!\w)"
_CODE = r"(?:(?:[A-Z]{1,2}-)?(?:\d{5}|\d{3} \d{2}|\d{2}-\d{3}|\d{4}-\d{3}))(?!\d)"
_NORTHERN = r"(?:gatan|gata|vägen|väg|gränd|stigen|torget|gade|vej|allé|gate|gaten|vei|veien|plass)"
_EUROPEAN = (
    re.compile(rf"\b(?:{_WORD} ){{0,3}}{_WORD} {_HOUSE}, {_CODE} {_WORD}(?: {_WORD})?"),
    re.compile(rf"\b(?:{_WORD} ){{0,3}}{_WORD} {_HOUSE},? \d{{4}} ?[A-Z]{{2}} {_WORD}"),
    re.compile(
        rf"\b(?:{_WORD} ){{0,3}}(?:{_WORD}|\b){_NORTHERN} {_HOUSE},? \d{{3,4}} ?(?:\d{{2}} )?{_WORD}(?: {_WORD})?"
    ),
)
_POLISH = re.compile(
    rf"\b(?:ul|al|pl|os)\. (?:\d{{1,2}} )?{_WORD}(?: {_WORD}){{0,3}} {_HOUSE}(?: ?m\. ?\d+)?"
    rf"(?:,? \d{{2}}-\d{{3}} {_WORD})?"
)
_TOWN_RU = r"(?:(?:г\.|город)\s?[А-ЯЁ][\w-]+,?\s)?"
_RUSSIAN = re.compile(
    rf"{_TOWN_RU}(?<!\w)(?:ул\.|улиц[аеы]|пр-т|проспекте?|пер\.|переул\w+|бульвар\w*|шоссе|наб\.)\s?(?:\d+-\w+\s)?"
    r"[А-ЯЁ][\w-]+(?:\s[А-ЯЁ][\w-]+){0,2},?\s(?:д\.|дом)?\s?\d+\w?(?:/\d+)?(?:,?\s?(?:корп|к|стр)\.?\s?\d+)?"
    r"(?:,?\s?(?:кв\.|квартира)\s?\d+)?"
)
_KOREAN = re.compile(
    r"(?:[가-힣]{2,8}(?:시|도)\s)?(?:[가-힣]{1,6}[시군구]\s)(?:[가-힣]{1,6}[읍면동]\s)?[가-힣]{1,8}(?:\d{1,3}번?)?(?:대로|로|길)\s?"
    r"(?:\d{1,3}번?길\s?)?\d{1,4}(?:-\d{1,4})?"
)
_INDIAN = re.compile(
    r"(?:\b(?:Flat|House|Plot|Door|Shop|H\.? ?No)\.?[ .:#]*(?:No\.? ?)?[\w/-]{1,8},? |\bNo\. ?\d{1,4},? )?"
    rf"(?:{_WORD},? ){{0,6}}(?:Road|Street|Nagar|Marg|Colony|Layout|Cross|Main|Sector \d+|Block),? "
    rf"(?:{_WORD},? ){{0,4}}{_WORD},?(?: ?[-–] ?| )[1-8]\d{{2}} ?\d{{3}}(?!\d)"
)
_BEFORE_A_CODE = re.compile(rf"\d[^,\n]{{0,12}},? {_CODE} [{_UPPER}]|\d,? \d{{4}} [{_UPPER}]")
_PIN = re.compile(r"[a-z],?(?: ?[-–] ?| )[1-8]\d{2} ?\d{3}(?!\d)")
_STREET_PL = re.compile(r"\b(?:ul|al|pl|os)\. ")
_CYRILLIC, _HANGUL = re.compile("[А-Яа-я]"), re.compile("[가-힣]")


def mask_indian(text: str) -> str:
    """Return `text` with addresses of India as `[address]`: first, for a part of one looks like an English street."""
    return _INDIAN.sub("[address]", text) if _PIN.search(text) else text


def mask_streets(text: str) -> str:
    """Return `text` with the other addresses as `[address]`."""
    if _STREET_PL.search(text):
        text = _POLISH.sub("[address]", text)
    if _BEFORE_A_CODE.search(text):
        for pattern in _EUROPEAN:
            text = pattern.sub("[address]", text)
    if not text.isascii():
        if _CYRILLIC.search(text):
            text = _RUSSIAN.sub("[address]", text)
        if _HANGUL.search(text):
            text = _KOREAN.sub("[address]", text)
    return text
