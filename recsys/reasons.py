"""Why a row is there: facts that the shop's own data bear out, in words that claim no cause."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from recsys.ordering import FILL
from recsys.quotes import fit_review_quotes, fit_shared_phrases
from recsys.recency import last_items
from recsys.sources.attributes import attribute_matrix
from recsys.sources.popular import Buyers, buyers_of
from recsys.sources.repeats import rhythm_of
from recsys.sources.text import item_vectors

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from recsys.ordering import ListRows
    from recsys.quotes import SharedPhrases
    from recsys.training import Evening
    from recsys.view import View

__all__ = ["LABELS", "Reasons", "popular_reasons", "repeat_reasons"]

# what a source is called in the published rows
LABELS = {
    "repeat": "repeat",
    "covisit": "covisit",
    "company": "covisit",
    "text": "text",
    "browsing": "text",
    "interest": "interest",
    "attributes": "attributes",
    "popular": "popular",
    "season": "popular",
}
_LOOKED_BACK = 8  # of a user's last things, the one that is named
_TITLE_LETTERS = 60


class Reasons:
    """Says why; what it needs is counted once."""

    def __init__(self, evening: Evening) -> None:
        """Count who bought what together up to the evening."""
        view = evening.view
        self.view = view
        self.names = [source.name for source in evening.sources]
        self.titles = view.catalogue.titles.str.slice(0, _TITLE_LETTERS).to_numpy()
        self.last = last_items(view.touches, view.shape[0], _LOOKED_BACK)
        self.buyers = buyers_of(view)
        bought = view.bought()
        bought.data[:] = 1.0
        self.bought = bought
        self.together = (bought.T @ bought).tocsr()
        self.together.sort_indices()
        self.reviews = fit_review_quotes(view.history.said, cutoff=view.origin)

    @cached_property
    def phrases(self) -> SharedPhrases:
        """Return what finds the phrases that items share: a shop without texts needs none."""
        return fit_shared_phrases(self.view.catalogue.texts)

    def of(self, rows: ListRows, otherwise: NDArray[Any] | None = None) -> tuple[pl.Series, pl.Series]:
        """Return source and reason of each row; `otherwise`: what to say where no source can, else what is popular."""
        source = np.full(len(rows.user), "popular", dtype=object)
        reason = popular_reasons(self.buyers, rows.item) if otherwise is None else otherwise.copy()
        by_kind = {
            "repeat": self._repeat,
            "covisit": self._together,
            "company": self._together,
            "text": self._text,
            "browsing": self._browsing,
            "interest": self._interest,
            "attributes": self._attributes,
            "season": self._season,
        }
        for place, name in enumerate(self.names):
            at = np.flatnonzero(rows.source == place)
            source[at] = LABELS[name]
            if name in by_kind and len(at):
                said = by_kind[name](rows.user[at], rows.item[at])
                spoken = np.array([text is not None for text in said])
                reason[at[spoken]] = said[spoken]
                # a source whose fact cannot be put in a sentence leaves the row to what is said otherwise
        source[rows.source == FILL] = "popular"
        return pl.Series("source", source, dtype=pl.String), pl.Series("reason", reason, dtype=pl.String)

    def _repeat(self, user: NDArray[np.int64], item: NDArray[np.int64]) -> NDArray[Any]:
        return repeat_reasons(self.view, user, item)

    def _together(self, user: NDArray[np.int64], item: NDArray[np.int64]) -> NDArray[Any]:
        last = self.last[user]  # (rows, 8)
        both = np.asarray(self.together[np.maximum(last, 0), item[:, None]].todense(), dtype=np.int64)
        own = np.asarray(self.bought[user, item]).ravel().astype(np.int64)[:, None]
        both = np.where((last >= 0) & (last != item[:, None]), both - own, 0)  # the user is not one of the others
        return self._named(
            last, both, lambda count, title: f"also bought by {count} {_plural('buyer', count)} of {title}"
        )

    def _text(self, user: NDArray[np.int64], item: NDArray[np.int64]) -> NDArray[Any]:
        vectors = item_vectors(self.view)
        last = self.last[user]
        cosine = np.stack(
            [
                np.einsum("nd,nd->n", vectors[item], vectors[np.maximum(last[:, place], 0)])
                for place in range(_LOOKED_BACK)
            ],
            axis=1,
        )
        cosine = np.where((last >= 0) & (last != item[:, None]), cosine, 0.0)
        said = self._named(last, cosine, lambda value, title: f"like {title}: cosine {value:.2f}")
        nearest = last[np.arange(len(item)), cosine.argmax(axis=1)]
        return self._quoting(said, user, item, nearest)

    def _browsing(self, user: NDArray[np.int64], item: NDArray[np.int64]) -> NDArray[Any]:
        texts = self.view.history.texts
        if texts is None:
            return np.full(len(user), None, dtype=object)
        read = texts.users(self.view.origin)
        words = np.zeros((self.view.shape[0], texts.vectors.shape[1]), dtype=np.float32)
        words[self.view.catalogue.users(read.user_ids)] = read.vectors
        cosine = np.einsum("nd,nd->n", item_vectors(self.view)[item], words[user])
        said = np.array([f"near what the user browsed for: cosine {value:.2f}" for value in cosine], dtype=object)
        return self._quoting(said, user, item, None)

    def _quoting(
        self, said: NDArray[Any], user: NDArray[np.int64], item: NDArray[np.int64], near: NDArray[np.int64] | None
    ) -> NDArray[Any]:
        """Add to each reason a phrase that the item shares with the one that is `near`, else a sentence of a review."""
        item_ids, user_ids = self.view.catalogue.item_ids.gather(item), self.view.catalogue.user_ids.gather(user)
        told = said.copy()
        for row, (item_id, user_id) in enumerate(zip(item_ids, user_ids, strict=True)):
            phrase = None if near is None or said[row] is None else self.phrases.of(int(item[row]), int(near[row]))
            sentence = None if phrase else self.reviews.of(item_id, user_id)
            if said[row] is not None and (phrase or sentence):
                told[row] += f"; both: \u201c{phrase}\u201d" if phrase else f"; a review: \u201c{sentence}\u201d"
        return told

    def _interest(self, user: NDArray[np.int64], item: NDArray[np.int64]) -> NDArray[Any]:
        rows, n_items = self.view.interest, np.int64(self.view.shape[1])
        key, inverse, days = np.unique(rows.user * n_items + rows.item, return_inverse=True, return_counts=True)
        last = np.full(len(key), np.iinfo(np.int64).max)
        np.minimum.at(last, inverse, rows.age)
        at = np.searchsorted(key, user * n_items + item)
        return np.array(
            [f"looked at on {days[i]} {_plural('day', days[i])}, last {_ago(last[i])}" for i in at], dtype=object
        )

    def _attributes(self, user: NDArray[np.int64], item: NDArray[np.int64]) -> NDArray[Any]:
        has = attribute_matrix(self.view.catalogue)
        has.data[:] = 1.0
        last = self.last[user]
        shared = np.stack(
            [
                np.asarray(has[item].multiply(has[np.maximum(last[:, place], 0)]).sum(axis=1)).ravel()
                for place in range(_LOOKED_BACK)
            ],
            axis=1,
        ).astype(np.int64)
        shared = np.where((last >= 0) & (last != item[:, None]), shared, 0)
        return self._named(
            last, shared, lambda count, title: f"shares {count} {_plural('attribute', count)} with {title}"
        )

    def _season(self, _user: NDArray[np.int64], item: NDArray[np.int64]) -> NDArray[Any]:
        count = self.buyers.last_year[item].astype(np.int64)
        said = [f"{n} {_plural('buyer', n)} in these four weeks last year" for n in count]
        return np.array(said, dtype=object)

    def _named(self, last: NDArray[np.int64], value: NDArray[Any], say: Any) -> NDArray[Any]:  # noqa: ANN401
        best = value.argmax(axis=1)
        row = np.arange(len(last))
        most, titles = value[row, best], self.titles[last[row, best]]
        said = [say(one, title) if one > 0 else None for one, title in zip(most.tolist(), titles, strict=True)]
        return np.array(said, dtype=object)


def popular_reasons(buyers: Buyers, item: NDArray[np.int64]) -> NDArray[Any]:
    """Return how many bought each item lately, in the shortest window in which somebody did."""
    windows = ((buyers.month, " in 28 days"), (buyers.quarter, " in 90 days"), (buyers.ever, " so far"))
    by_item = np.full(len(buyers.ever), "not bought by anyone yet", dtype=object)
    for count, when in reversed(windows):
        for at in np.flatnonzero(count > 0):
            n = int(count[at])
            by_item[at] = f"popular: {n} {_plural('buyer', n)}{when}"
    return by_item[item]


def repeat_reasons(view: View, user: NDArray[np.int64], item: NDArray[np.int64]) -> NDArray[Any]:
    """Return how often and how long ago each user bought each item; every pair must have been bought."""
    rhythm = rhythm_of(view)
    at = np.searchsorted(rhythm.key, user * np.int64(view.shape[1]) + item)
    pairs = zip(rhythm.times[at].astype(int).tolist(), rhythm.last[at].astype(int).tolist(), strict=True)
    said = [f"bought {n} times, last {_ago(age)}" if n > 1 else f"bought once, {_ago(age)}" for n, age in pairs]
    return np.array(said, dtype=object)


def _plural(word: str, count: int) -> str:
    return word if count == 1 else f"{word}s"


def _ago(days: int) -> str:
    return "today" if days == 0 else f"{days} {_plural('day', days)} ago"
