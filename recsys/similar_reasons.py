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
    """What is known of each item, row by row: telling words of its title (rarest first), category, text, buyers."""

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
            shared = [word for word in self.words[query] if word in self.word_sets[item]][:_SAID_AT_MOST]
            if shared:
                parts.append(f"both: {', '.join(shared)}")
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


def item_facts(
    titles: Iterable[str | None], categories: Iterable[str | None], has_text: NDArray[np.bool_]
) -> ItemFacts:
    """Read the titles of a whole shop; row `i` of each belongs to one item."""
    split = [tuple(dict.fromkeys(words(title or ""))) for title in titles]
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
    return ItemFacts(telling, tuple(map(frozenset, telling)), tuple(categories), has_text)
