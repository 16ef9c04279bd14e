"""What every text goes through before it is stored, encoded or rejected: `clean`, then `mask`.

Both are idempotent: what has gone through once comes out as it went in. An id never goes through them.
"""

from __future__ import annotations

import html
import re
import unicodedata

__all__ = ["clean", "mask"]

# Only tags of HTML are markup: "< 5 cm", "<3" and "<XL>" are words of the shop.
_INLINE = (
    "a|abbr|acronym|b|bdi|bdo|big|cite|code|del|dfn|em|font|i|ins|kbd|mark|q|s|samp|small|span|strike|strong|sub|sup|"
    "tt|u|var|wbr"
)
_BLOCK = (
    "address|article|aside|audio|blockquote|body|br|button|caption|center|col|colgroup|dd|details|div|dl|dt|fieldset|"
    "figcaption|figure|footer|form|h[1-6]|head|header|hr|html|iframe|img|input|label|legend|li|link|main|meta|nav|object|"
    "ol|option|p|picture|pre|section|select|source|summary|svg|table|tbody|td|textarea|tfoot|th|thead|title|tr|ul|video"
)
_HIDDEN = re.compile(r"<!--.*?-->|<(script|style)\b[^<>]*>.*?</\1\s*>", re.IGNORECASE | re.DOTALL)
_INLINE_TAG = re.compile(rf"</?(?:{_INLINE})(?:\s[^<>]*)?/?>", re.IGNORECASE)
_BLOCK_TAG = re.compile(rf"</?(?:{_BLOCK}|script|style)(?:\s[^<>]*)?/?>", re.IGNORECASE)
# Control characters, soft hyphen, zero-width space, marks and overrides of direction, byte order mark, halves of
# surrogate pairs. The joiners U+200C and U+200D stay: emoji, Persian and Indic scripts are spelled with them.
_CONTROL = re.compile(
    "[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\xad\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff\ud800-\udfff]"
)
_PLAIN = re.compile(r"[\x20-\x25\x27-\x3b\x3d-\x7e]*")  # printable ASCII without & and <


def clean(text: str) -> str:
    """Return `text` without HTML entities and tags, in Unicode's NFKC form, without controls, white space folded."""
    if _PLAIN.fullmatch(text):
        return " ".join(text.split())
    while (once := _clean_once(text)) != text:
        text = once
    return text


def _clean_once(text: str) -> str:
    text = unicodedata.normalize("NFKC", _CONTROL.sub("", html.unescape(text)))
    text = _HIDDEN.sub(" ", text)
    text = _BLOCK_TAG.sub(" ", _INLINE_TAG.sub("", text))
    return " ".join(text.split())


_EMAIL = re.compile(r"(?<![\w.+%-])[\w.+%-]{1,64}@(?:[\w-]{1,63}\.)+[^\W\d_]{2,24}(?![\w-])")
_CARD = re.compile(r"(?<![\w.-])\d(?:[ -]?\d){13,18}(?![\w-]|\.\d)")
# Issuers' first digits and lengths (ISO/IEC 7812). Cards of 13 digits are extinct, barcodes of 13 are everywhere.
_ISSUERS = re.compile(
    r"4(?:\d{15}|\d{18})|(?:5[1-5]|2[2-7])\d{14}|3[47]\d{13}|3(?:0[0-5]|[68]\d)\d{11}|"
    r"6(?:011|4[4-9]\d|5\d\d)\d{12,15}|35\d{14}|62\d{14,17}"
)
_PHONE = re.compile(
    r"""(?<![\w.+-])(?:
        \+\d{1,3}[ .\-/]?(?:\(0?\d{1,4}\)[ .\-/]?)?\d(?:[ .\-/]?\d){5,12}  # international
        | (?:1[ .-])?(?:\([2-9]\d{2}\)[ ]?|[2-9]\d{2}[.-])\d{3}[.-]\d{4}    # North America
        | 1[3-9]\d(?:[ -]?\d{4}){2}                                        # mobile phones of China
    )(?![\w-]|\.\d)""",
    re.VERBOSE,
)
# A bare number is a phone number only after a word that says so.
_CUED_PHONE = re.compile(
    r"(?<!\w)((?:tel|telephone|phone|mobile|cell|call|whatsapp|fax|telefon|电话|手机)"
    r"(?: (?:me|us|no|number|at|on))*[.:\uff1a]?\s?)"
    r"\(?\d(?:[ .\-/()]{0,2}\d){6,14}(?![\w-]|\.\d)",
    re.IGNORECASE,
)


def mask(text: str) -> str:
    """Return `text` with e-mail addresses, card numbers and phone numbers as `[email]`, `[card]` and `[phone]`.

    Sizes, prices, model numbers and barcodes stay: a card number must carry an issuer's prefix and Luhn's check digit,
    a phone number must be written as one.
    """
    if "@" not in text and sum(map(str.isdigit, text)) < 7:
        return text
    while (once := _mask_once(text)) != text:
        text = once
    return text


def _mask_once(text: str) -> str:
    text = _EMAIL.sub("[email]", text)
    text = _CARD.sub(lambda found: "[card]" if _is_card(found.group()) else found.group(), text)
    return _CUED_PHONE.sub(r"\1[phone]", _PHONE.sub("[phone]", text))


def _is_card(written: str) -> bool:
    """Whether the digits have an issuer's prefix and length and pass Luhn's check (ISO/IEC 7812-1, annex B)."""
    digits = re.sub(r"\D", "", written)
    if not digits.isascii() or not _ISSUERS.fullmatch(digits):
        return False
    doubled = (int(digit) * 2 for digit in digits[-2::-2])
    return (sum(map(int, digits[-1::-2])) + sum(twice - 9 if twice > 9 else twice for twice in doubled)) % 10 == 0
