"""Personal data out of a text, each find replaced by what it was: `[email]`, `[phone]`, `[card]`, `[address]` and such.

Masking decides by how a thing is written, not by a model: the corpus in `tests/encoders/masking_corpus` is the measure.
It is idempotent, and an id never goes through it.
"""

from __future__ import annotations

import hashlib
import re
from functools import cache as remembered
from pathlib import Path

from encoders.cleaning import clean
from encoders.masking_addresses import mask_addresses
from encoders.masking_phones import mask_phones

__all__ = ["clean_and_mask", "cleaning_version", "mask"]

_LETTER = "A-Za-z0-9"
_CJK = "\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af"
_TLD = r"(?:xn--[A-Za-z0-9-]{2,59}|[A-Za-z]{2,24})(?![A-Za-z0-9])"
_HOST = rf"(?:[A-Za-z0-9-]{{1,63}}[.\u3002])+{_TLD}"
_NAME = rf"(?:(?![{_CJK}])\w|[.!#$%&'*+?^`{{|}}~-]){{1,64}}"  # letters of any alphabet: "élise"
_EMAILS = (
    re.compile(rf"{_NAME}@(?:{_HOST}|\[?\d{{1,3}}(?:\.\d{{1,3}}){{3}}\]?)"),
    re.compile(rf"{_NAME}@(?:(?:(?![{_CJK}])[\w-]){{1,63}}\.)+(?:(?![{_CJK}])[^\W\d_]){{2,24}}"),
    re.compile(rf"{_NAME}@[A-Za-z0-9.-]{{1,63}}(?:\s?[.,]\s?)(?:com|net|org|de|cn|uk|fr|info|eu)\b"),  # mistyped
    re.compile(rf"[\w.+-]{{1,64}}@(?:[\w-]{{1,63}}\.)+(?:[A-Za-z]{{2,24}}|[{_CJK}]{{2,4}})"),
)
# "jane.doe (at) example (dot) com": brackets say that an address is meant
_AT = r"(?:\s?[(\[{<]\s?(?:at|a|ät|@|arroba)\s?[)\]}>]\s?|\s?-at-\s?|_at_)"
_DOT = r"(?:\s?[(\[{<]\s?(?:dot|punkt|punto|point|\.)\s?[)\]}>]\s?|\.|\sdot\s)"
_BRACKET_DOT = r"\s?[(\[{<]\s?(?:dot|punkt|punto|point|\.)\s?[)\]}>]\s?"
_WORDS_BEFORE = r"(?!(?:at|to|on|is|me|my|or|and|mail|e-?mail|email|the)\b)"
_BRACKETED = re.compile(
    rf"(?<![{_LETTER}.])(?:{_WORDS_BEFORE}[\w.+-]+\s)?(?:(?![{_CJK}])[\w.+-]){{1,64}}?(?:{_BRACKET_DOT}[\w+-]{{1,64}})*{_AT}(?:[\w-]+{_DOT})+[A-Za-z]{{2,24}}\b",
    re.IGNORECASE,
)
_PROVIDERS = (
    "gmail|googlemail|yahoo|ymail|hotmail|outlook|icloud|aol|live|msn|gmx|web|proton|protonmail|qq|163|126|sina|yandex"
)
# in plain words only after a word that announces an address, at a host that gives addresses, or in capitals
_SPOKEN_NAME = r"[\w+-]+(?:\.[\w+-]+|\sdot\s[\w+-]+)*"
_SPOKEN_HOST = r"[\w-]+(?:\sdot\s[\w-]+)*(?:\sdot\s|\.)[a-z]{2,24}\b"
_SPOKEN = (
    re.compile(rf"(?P<cue>\be-?mail(?:\sis|\s?:)\s?)(?P<found>{_SPOKEN_NAME}\sat\s{_SPOKEN_HOST})", re.IGNORECASE),
    re.compile(
        rf"(?P<cue>\b(?:e-?mail|write|contact|reach)\b[^.!?\n]{{0,30}}?[ :])"
        rf"(?!me\b|us\b|at\b)(?P<found>{_SPOKEN_NAME}\sat\s{_SPOKEN_HOST}(?:\sdot\s[a-z]{{2,4}}\b)?)",
        re.IGNORECASE,
    ),
    re.compile(
        rf"(?P<cue>)(?P<found>\b{_SPOKEN_NAME}\sat\s(?:{_PROVIDERS})(?:\sdot\s|\.)[a-z]{{2,6}}\b"
        r"(?:\sdot\s[a-z]{2,4}\b)?)",
        re.IGNORECASE,
    ),
    re.compile(rf"(?P<cue>)(?P<found>\b[\w.+-]+ AT {_SPOKEN_HOST.replace('dot', 'DOT').replace('a-z', 'A-Za-z')})"),
)
# "jane.doe @ example.com": a word alone may be the place of a purchase ("bought it @ example.com")
_SPACED = re.compile(rf"(?<![\w.])(?=[\w+-]*[._\d+])[\w.+-]{{1,64}}(?:\s@\s?|@\s){_HOST}")

# lengths of account numbers (ISO 13616 registry); what is longer or shorter is none
_IBAN_LENGTHS = {
    country: length
    for length, countries in {
        15: "NO", 16: "BE", 18: "DK FI FO GL NL SD", 19: "MK SI", 20: "AT BA EE KZ LT LU XK",
        21: "CH HR LI LV", 22: "BG BH CR DE GB GE IE ME RS VA", 23: "AE GI IL IQ OM SO TL",
        24: "AD CZ ES MD PK RO SA SE SK TN VG", 25: "LY PT ST", 26: "IS TR", 27: "BI DJ FR GR IT MC MR SM",
        28: "AL AZ BY CY DO GT HU LB NI PL SV", 29: "BR EG PS QA UA", 30: "JO KW MU YE", 31: "MT SC",
        32: "LC", 33: "RU",
    }.items()
    for country in countries.split()
}  # fmt: skip
_IBAN = re.compile(rf"(?<![{_LETTER}])([A-Za-z]{{2}})\d{{2}}(?:[ -]?[{_LETTER}]){{11,29}}")
_IBAN_CUE = re.compile(r"\biban\b\W{0,4}$", re.IGNORECASE)

_CARD = re.compile(r"(?<![A-Z\d])(?<!\d[.,])\d(?:[ .\-\u2010-\u2015]{0,2}\d){11,18}(?![\d-]|[.,]\d)")
_CARD_CUE = re.compile(
    r"(?:\b(?:card|visa|mastercard|amex|maestro|kartennummer|kreditkarte|carte|tarjeta|carta)\b|卡号?)[^\d]{0,24}$",
    re.IGNORECASE,
)
_CARD_AFTER = re.compile(r"\s?(?:maestro|visa|mastercard|amex|laser|card\b)", re.IGNORECASE)
# Issuers' first digits and lengths (ISO/IEC 7812). Cards of 13 digits are extinct, barcodes of 13 are everywhere.
_ISSUERS = re.compile(
    r"4(?:\d{15}|\d{18})|(?:5[1-5]|2[2-7])\d{14}|3[47]\d{13}|3(?:0[0-5]|[68]\d)\d{11}|"
    r"6(?:011|4[4-9]\d|5\d\d)\d{12,15}|35\d{14}|62\d{14,17}|(?:50|5[6-8]|6[037])\d{14,17}"
)
# Chinese resident identity: region, date of birth, serial, check digit (GB 11643); US social security number; accounts
_ACCOUNTS = (
    re.compile(
        rf"(?<![{_LETTER}])[1-9]\d{{5}}(?:18|19|20)\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])\s?\d\s?\d\s?\d?\s?"
        rf"[\dXx](?:\d[\dXx])?(?![{_LETTER}])"
    ),
    re.compile(rf"(?<![{_LETTER}-])(?!000|9\d\d)\d{{3}}-\d\d-\d{{4}}(?![{_LETTER}-])"),
)
_CUED_ACCOUNTS = (
    re.compile(r"(身份(?:证|號|号)[^\d]{0,6})\d{15,18}[\dXx]?"),
    re.compile(r"(\b(?:ssn|social security)\b[^\d]{0,20})\d{3}[ -]?\d\d[ -]?\d{4}", re.IGNORECASE),
    re.compile(rf"((?<![{_LETTER}])(?:QQ|qq)\s?号?码?\s?[:\uff1a是]?\s?)[1-9]\d{{4,11}}(?![{_LETTER}])"),
)

_CHAT = re.compile(
    r"((?:微信|[Vv]信|加[Vv]|\bwechat|\bweixin)\s?(?:号|id)?\s?[:\uff1a是]?\s?)(?=[\w-]*[\d_-])[A-Za-z][\w-]{4,19}",
    re.ASCII,
)
_DIGIT = re.compile(r"\d")
_LEAST_DIGITS = 5  # of an account; a phone number has seven


# What a pattern cannot do without, found fast: most texts hold none of it.
_SUSPECT = re.compile(r"[\d@(\[{<]|[-_]at[-_]| dot | DOT | at | AT |微信|[Vv]信")
_BRACKETS = re.compile(r"[(\[{<]\s?(?:at|a|ät|@|arroba)\s?[)\]}>]|[-_]at[-_]", re.IGNORECASE)
_SPEECH = re.compile(
    rf"\sdot\s|mail(?:\sis|\s?:)\s?[\w.+-]+\sat\s|\sat\s(?:{_PROVIDERS})\b|(?-i:\sAT\s)", re.IGNORECASE
)


def mask(text: str) -> str:
    """Return `text` with personal data replaced by what it was, in brackets.

    E-mail addresses, also spelled out; phone numbers of many countries; card and account numbers; Chinese identity
    numbers, US social security numbers, QQ and WeChat accounts; postal addresses where they are written as such.
    Sizes, prices, model numbers, dates and barcodes stay.
    """
    if not _SUSPECT.search(text):
        return text
    while (once := _mask_once(text)) != text:
        text = once
    return text


def _mask_once(text: str) -> str:
    text = _mask_emails(text)
    if "信" in text or "加" in text or "we" in text or "We" in text:
        text = _CHAT.sub(r"\1[id]", text)
    digits = len(_DIGIT.findall(text))
    if not digits:
        return text
    text = mask_addresses(text)
    if digits < _LEAST_DIGITS:
        return text
    for account in _ACCOUNTS:
        text = account.sub("[id]", text)
    text = _CARD.sub(_as_card, _IBAN.sub(_as_iban, text))
    for account in _CUED_ACCOUNTS:
        text = account.sub(r"\1[id]", text)
    return mask_phones(text)


def _mask_emails(text: str) -> str:
    if "@" in text:
        for email in _EMAILS:
            text = email.sub("[email]", text)
        text = _SPACED.sub("[email]", text)
    if _BRACKETS.search(text):
        text = _BRACKETED.sub("[email]", text)
    if _SPEECH.search(text):
        for spoken in _SPOKEN:
            text = spoken.sub(r"\g<cue>[email]", text)
    return text


def _as_iban(found: re.Match[str]) -> str:
    """Cut the find at its country's length; what follows is the next word."""
    written = found.group()
    length = _IBAN_LENGTHS.get(found.group(1).upper())
    ends = [at for at, sign in enumerate(written, start=1) if sign.isalnum()]
    if length is None or len(ends) < length:
        return written
    own, rest = written[: ends[length - 1]], written[ends[length - 1] :]
    if rest[:1].isalnum() and rest[:1].isascii():
        return written
    signs = re.sub(r"[ -]", "", own).upper()
    checks = int("".join(str(int(sign, 36)) for sign in signs[4:] + signs[:4])) % 97 == 1  # ISO 7064 MOD 97-10
    if checks or _IBAN_CUE.search(found.string[max(0, found.start() - 12) : found.start()]):
        return "[iban]" + rest
    return written


def _as_card(found: re.Match[str]) -> str:
    """Mask the run after a word for cards, else the groups in it that are a card number: a date may follow it."""
    written = found.group()
    before = found.string[max(0, found.start() - 40) : found.start()]
    if _CARD_CUE.search(before) or _CARD_AFTER.match(found.string, found.end()):
        return "[card]"
    groups = [(group.start(), group.end()) for group in re.finditer(r"\d+", written)]
    for first, (start, _) in enumerate(groups):
        for _, end in reversed(groups[first:]):
            digits = re.sub(r"\D", "", written[start:end])
            if digits.isascii() and _ISSUERS.fullmatch(digits) and _passes_luhn(digits):
                return written[:start] + "[card]" + written[end:]
    return written


def _passes_luhn(digits: str) -> bool:
    """Whether the last digit is the check digit of the others (ISO/IEC 7812-1, annex B)."""
    doubled = (int(digit) * 2 for digit in digits[-2::-2])
    return (sum(map(int, digits[-1::-2])) + sum(twice - 9 if twice > 9 else twice for twice in doubled)) % 10 == 0


def clean_and_mask(text: str) -> str:
    """Return a text as it may be stored, encoded and shown."""
    return mask(clean(text))


@remembered
def cleaning_version() -> str:
    """Return a hash of the code of `clean` and `mask`: what another version left behind is not trusted."""
    here = Path(__file__).parent
    files = ("cleaning", "masking", "masking_addresses", "masking_phones", "masking_streets")
    return hashlib.sha256(b"".join((here / f"{name}.py").read_bytes() for name in files)).hexdigest()
