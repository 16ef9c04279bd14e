"""Who is most likely to want an item: the recommender turned round.

A ranker's score compares items within one user; `recsys.chance` reads it across users. An item's audience is the
users with the highest chance to buy it within a window. Planned launches have one too: by what their text, category and
brand share with what users touched.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from recsys.candidates import NO_RANK, best_of_rows, find_candidates, place_in_group, user_blocks
from recsys.chance import fit_chance
from recsys.ordering import FILL, ListRows, blend_scores

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from recsys.candidates import Candidates
    from recsys.chance import Chance
    from recsys.ranker import Ranker
    from recsys.training import Evening

__all__ = ["AudienceRows", "audience_of", "learn_chance", "most_active", "times_active", "wanted_by"]

TAKE = 60  # of each source's users, for an item
RECENT_DAYS = 90
MOST_PAIRS = 300_000  # of a past evening that the chance is learnt from: users are sampled down to so many


@dataclass(frozen=True, slots=True)
class AudienceRows:
    """One row an item and user, grouped by item, best first; `source` as in `ListRows`, `FILL` where none speaks."""

    item: NDArray[np.int64]
    user: NDArray[np.int64]
    score: NDArray[np.float64]
    source: NDArray[np.int64]

    def best(self, count: int) -> AudienceRows:
        """Return the `count` rows of each item with the highest scores; ties by the user's place."""
        order = np.lexsort((self.user, -self.score, self.item))
        order = order[place_in_group(self.item[order]) < count]
        return AudienceRows(self.item[order], self.user[order], self.score[order], self.source[order])

    def and_of(self, other: AudienceRows) -> AudienceRows:
        """Return the rows of both."""
        names = ("item", "user", "score", "source")
        return AudienceRows(*(np.concatenate([getattr(self, name), getattr(other, name)]) for name in names))

    def by_user(self) -> ListRows:
        """Return the same rows, in their order, as rows of lists."""
        return ListRows(self.user, self.item, self.score, self.source)


def _nobody() -> AudienceRows:
    none = np.empty(0, dtype=np.int64)
    return AudienceRows(none, none, none.astype(np.float64), none)


def audience_of(
    evening: Evening, ranker: Ranker | None, chance: Chance | None, *, users: NDArray[np.int64], k: int
) -> AudienceRows:
    """Return the `k` of `users` (sorted) with the highest chance to buy each item; without `chance` by score."""
    best = _nobody()
    for found, score in _scored(evening, ranker, wanted_by(evening, users)):
        value = score if chance is None else chance.of(score, found.user, evening.features)
        best = best.and_of(AudienceRows(found.item, found.user, value, _of_the_user(found, evening)).best(k)).best(k)
    return best


def _of_the_user(found: Candidates, evening: Evening) -> NDArray[np.int64]:
    """Return the source that ranks each pair highest, of those that know the user; `FILL` where none of them speaks."""
    everybodys = np.array([source.name in ("popular", "season") for source in evening.sources], dtype=bool)
    rank = np.where(everybodys, NO_RANK, found.rank)
    return np.where(rank.min(axis=1, initial=NO_RANK) >= NO_RANK, FILL, rank.argmin(axis=1))


def learn_chance(
    evening: Evening, ranker: Ranker | None, truth: NDArray[np.int64], *, users: NDArray[np.int64], seed: int
) -> Chance | None:
    """Return how the scores of a past evening turn into chances; `truth` as `window_truth` gives it.

    `ranker` must not have seen the window. None where too few of its pairs came true.
    """
    n_items = evening.view.shape[1]
    known = np.intersect1d(users, evening.view.touches.user)
    if len(known) == 0:
        return None
    keys = wanted_by(evening, known)
    share = MOST_PAIRS / max(len(keys), 1)
    drawn = known[np.random.default_rng([seed, evening.view.origin.toordinal()]).random(len(known)) < share]
    keys = keys[np.isin(keys // n_items, drawn)]
    parts = [(found.user, found.item, score) for found, score in _scored(evening, ranker, keys)]
    if not parts:
        return None
    user, item, score = (np.concatenate(column) for column in zip(*parts, strict=True))
    return fit_chance(score, user, np.isin(user * np.int64(n_items) + item, truth), evening.features)


def wanted_by(evening: Evening, users: NDArray[np.int64], *, take: int = TAKE) -> NDArray[np.int64]:
    """Return sorted user * items + item: the users whom each source ranks highest for an item, and the most active.

    `take` of each, of `users` (sorted), for every item of the catalogue, planned launches too. What a user bought is
    left out where that is hidden. A source that says the same to everybody is not asked.
    """
    n_items, hidden = evening.view.shape[1], _hidden(evening)
    best: dict[str, AudienceRows] = {}
    for block in user_blocks(users, n_items):
        gone = None if hidden is None else hidden[block].nonzero()
        for source in evening.sources:
            if not _tells_users_apart(source.name, evening):
                continue
            scores = source.scores(block)
            if gone is not None:
                scores[gone] = 0.0
            key = best_of_rows(np.ascontiguousarray(scores.T), take)
            item, at = key // len(block), key % len(block)
            found = AudienceRows(item, block[at], scores[at, item].astype(np.float64), np.zeros(len(item), np.int64))
            best[source.name] = best.get(source.name, _nobody()).and_of(found).best(take)
    parts = [rows.user * np.int64(n_items) + rows.item for rows in best.values()]
    active = most_active(evening, users)[:take]
    parts.append((active[:, None] * np.int64(n_items) + np.arange(n_items)).ravel())
    key = np.unique(np.concatenate(parts))
    if hidden is None or len(key) == 0:
        return key
    had = np.asarray(hidden[key // n_items, key % n_items]).ravel() > 0
    return np.asarray(key[~had], dtype=np.int64)


def most_active(evening: Evening, users: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return `users`, those who bought or looked at the most in the last 90 days first, then ever; ties by id."""
    ever, lately = times_active(evening)
    return np.asarray(users[np.lexsort((users, -ever[users], -lately[users]))], dtype=np.int64)


def times_active(evening: Evening) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return (users,) how often each bought or looked at something, an item and day counting once: ever, in 90 days."""
    touches, n_users = evening.view.touches, evening.view.shape[0]
    ever = np.bincount(touches.user, minlength=n_users)
    return ever, np.bincount(touches.user[touches.age < RECENT_DAYS], minlength=n_users)


def _scored(
    evening: Evening, ranker: Ranker | None, keys: NDArray[np.int64]
) -> Iterator[tuple[Candidates, NDArray[np.float64]]]:
    """Yield the pairs of `keys` with the ranker's score, or the blend's; a source's ranks are among all candidates."""
    n_items, names = evening.view.shape[1], [source.name for source in evening.sources]
    everything, hidden = np.ones(evening.view.shape[1], dtype=bool), _hidden(evening)
    for block in user_blocks(np.unique(keys // n_items), n_items):
        own = keys[np.searchsorted(keys, block[0] * n_items) : np.searchsorted(keys, (block[-1] + 1) * n_items)]
        found = find_candidates(evening.sources, block, allowed=everything, hidden=hidden, also=own)
        found = found.where(np.isin(found.user * np.int64(n_items) + found.item, own))
        yield found, blend_scores(found, names) if ranker is None else ranker.score(evening.features.of(found))


def _hidden(evening: Evening) -> Any:  # noqa: ANN401 (scipy ships no types)
    return evening.view.bought() if evening.hide else None


def _tells_users_apart(name: str, evening: Evening) -> bool:
    """Season is everybody's, and so is popularity but for its share of the user's own categories."""
    if name == "popular":
        return bool((evening.view.catalogue.category >= 0).any())
    return name != "season"
