"""What every text goes through first, before `mask`, and before it is stored, encoded or rejected.

It is idempotent: what has gone through once comes out as it went in. An id never goes through it.
"""

from __future__ import annotations

import html
import re
import unicodedata

__all__ = ["clean"]

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
