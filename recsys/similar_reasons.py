"""Why two items stand together, in words that the data bear out."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from encoders.lexical import words

if TYPE_CHECKING:
    from collections.abc import Iterable

    import numpy as np
    from numpy.typing import NDArray

    from recsys.neighbours import NearPairs

__all__ = ["ItemFacts", "item_facts"]

_COMMON_SHARE = 0.2  # a word in more of the titles than this says nothing about two of them …
_COMMON_AT_LEAST = 5  # … where there are titles enough to tell
_SAID_AT_MOST = 3
# words that tell nothing about an item, however rare a shop's titles make them
_EMPTY = frozenset(
    ["a", "an", "and", "at", "by", "for", "from", "in", "into", "of", "on", "or", "the", "to", "with", "without"]
)


@dataclass(frozen=True, slots=True)
class ItemFacts:
    """What is known of each item, row by row: its title, telling words of it (rarest first), category, text."""

    titles: tuple[str, ...]  # in lower case
    words: tuple[tuple[str, ...], ...]
    word_sets: tuple[frozenset[str], ...]
    categories: tuple[str | None, ...]
    has_text: NDArray[np.bool_]

    def reasons(self, pairs: NearPairs, together: NDArray[np.int64]) -> list[str]:
        """Return the reason of each pair; `together` is how many users bought both, 0 where that is not known."""
        reasons = []
        for query, item, near, users in zip(
            pairs.query.tolist(), pairs.item.tolist(), pairs.near.tolist(), together.tolist(), strict=True
        ):
            parts = [] if self.has_text[query] else ["no text"]
            shared = [word for word in self.words[query] if word in self.word_sets[item]]
            if shared:
                phrases = _phrases(shared, (self.titles[query], self.titles[item]))
                parts.append(f"both: {', '.join(phrases[:_SAID_AT_MOST])}")
            if users:
                parts.append(f"bought together by {users} user{'s' if users > 1 else ''}")
            if not (shared or users):
                parts.append(self._quieter(query, item, near=near))
            reasons.append("; ".join(parts))
        return reasons

    def _quieter(self, query: int, item: int, *, near: bool) -> str:
        category = self.categories[query]
        if category is not None and category == self.categories[item]:
            return "same category"
        if not near:
            return "nothing nearer, next by sales"
        return "texts alike" if self.has_text[query] and self.has_text[item] else "bought in like company"


def _phrases(shared: list[str], titles: tuple[str, str]) -> list[str]:
    """Join bigrams of a script without spaces into what both titles say: 金枪 and 枪鱼 are 金枪鱼."""
    bigrams = [word for word in shared if len(word) == 2 and not word.isascii()]
    if len(bigrams) < 2:
        return shared
    phrases: list[str] = []
    for word in shared:
        if word not in bigrams:
            phrases.append(word)
        elif not any(word in phrase for phrase in phrases):
            phrases.append(_grown(word, bigrams, titles))
    return phrases


def _grown(phrase: str, bigrams: list[str], titles: tuple[str, str]) -> str:
    while True:
        after = [phrase + pair[1] for pair in bigrams if pair[0] == phrase[-1]]
        before = [pair[0] + phrase for pair in bigrams if pair[1] == phrase[0]]
        longer = [one for one in after + before if all(one in title for title in titles)]
        if not longer:
            return phrase
        phrase = longer[0]


def item_facts(
    titles: Iterable[str | None], categories: Iterable[str | None], has_text: NDArray[np.bool_]
) -> ItemFacts:
    """Read the titles of a whole shop; row `i` of each belongs to one item."""
    told = tuple((title or "").lower() for title in titles)
    split = [tuple(dict.fromkeys(words(title))) for title in told]
    frequency = Counter(word for of_item in split for word in of_item)
    common = max(_COMMON_SHARE * len(split), _COMMON_AT_LEAST)
    telling = tuple(
        tuple(
            sorted(
                (word for word in of_item if frequency[word] <= common and word not in _EMPTY and len(word) > 1),
                key=frequency.__getitem__,
            )
        )
        for of_item in split
    )
    return ItemFacts(told, telling, tuple(map(frozenset, telling)), tuple(categories), has_text)
