"""Words as lexical matching sees them: lower case; scripts that are written without spaces as character bigrams."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from functools import cache
from hashlib import blake2b
from typing import TYPE_CHECKING

from encoders.cleaning import clean

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

__all__ = ["hash_of", "sample", "units", "unknown_share", "words"]

_SAMPLED_TEXTS = 2000

# Thai, Lao, Myanmar, Khmer, kana, Han: no space between words
_UNSPACED = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3005-\u3007\u3040-\u30ff\u31f0-\u31ff"
    "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
)


@cache
def _pattern() -> re.Pattern[str]:
    # `\w` leaves out the marks that carry the vowels of Indic, Arabic and Hebrew scripts: a word would fall apart there
    marks = "".join(chr(code) for code in range(0x300, 0x1E950) if unicodedata.category(chr(code)).startswith("M"))
    spaced = f"(?:(?![{_UNSPACED}_])[\\w{marks}])+"
    return re.compile(f"(?P<unspaced>[{_UNSPACED}]+)|{spaced}(?:['\u2019]{spaced})*")


def _runs(text: str) -> Iterator[tuple[str, bool]]:
    """Yield each run of letters and digits, and whether its script is written without spaces."""
    for found in _pattern().finditer(unicodedata.normalize("NFKC", text).lower()):
        yield found.group(), found.group("unspaced") is not None


def words(text: str) -> list[str]:
    """Return the words of `text` in their order, in lower case; 跑步鞋 gives its bigrams 跑步 and 步鞋."""
    found: list[str] = []
    for run, unspaced in _runs(text):
        if unspaced and len(run) > 2:
            found.extend(run[at : at + 2] for at in range(len(run) - 1))
        else:
            found.append(run)
    return found


def units(text: str) -> list[str]:
    """Return what counts as one word when unknown words are counted: a word, or a character of an unspaced script."""
    found: list[str] = []
    for run, unspaced in _runs(text):
        found.extend(run if unspaced else (run,))
    return found


def sample(texts: Sequence[str], size: int) -> list[str]:
    """Return at most `size` of the texts, chosen by their hash: the same texts in any order give the same sample."""
    unique = set(texts)
    if len(unique) <= size:
        return sorted(unique)
    return sorted(unique, key=hash_of)[:size]


def unknown_share(texts: Sequence[str], are_unknown: Callable[[list[str]], Iterable[bool]]) -> float:
    """Return the share of words in a sample of `texts` that `are_unknown` says an encoder does not know, 0 to 1."""
    counted = Counter(unit for text in sample(texts, _SAMPLED_TEXTS) for unit in units(clean(text)))
    if not counted:
        return 0.0
    told = zip(counted.values(), are_unknown(list(counted)), strict=True)
    return sum(count for count, unknown in told if unknown) / counted.total()


def hash_of(text: str) -> bytes:
    """Return what texts are drawn by: sorted by it they stand as if shuffled, the same way every time."""
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest()
