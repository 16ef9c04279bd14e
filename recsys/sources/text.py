"""Text neighbours: of what a user touched lately, and of the words a user browsed with."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from recsys.recency import recency_profile
from recsys.sources.contract import Product

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from recsys.view import View

__all__ = ["Whitening", "fit_browsing", "fit_text", "item_vectors"]

REVIEW_WEIGHT = 0.2
HISTORY_DECAY = 0.7  # for each later day of the user
SHRINKAGE = 0.3  # of each direction's variance towards the mean variance


class Whitening:
    """Centres vectors and evens out their variances (WhitenRec, 2402.10602: raw text vectors all point one way).

    Principal components whose variances are shrunk towards their mean, so that no faint direction is blown up.
    """

    __slots__ = ("mean", "rotation")

    def __init__(self, vectors: NDArray[np.float32]) -> None:
        """Fit on vectors of shape (n, dim), one a known item with text."""
        centred = vectors.astype(np.float64) - vectors.mean(axis=0, dtype=np.float64)
        self.mean = vectors.mean(axis=0, dtype=np.float64)
        variance, directions = np.linalg.eigh(centred.T @ centred / max(len(vectors), 1))
        variance = np.maximum(variance, 0.0)
        even = (1 - SHRINKAGE) * variance + SHRINKAGE * variance.mean() + 1e-12
        self.rotation = directions / np.sqrt(even)

    def __call__(self, vectors: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the whitened vectors at length 1; a row of zeros stays one."""
        silent = ~vectors.any(axis=1, keepdims=True)
        turned = np.where(silent, 0.0, (vectors - self.mean) @ self.rotation)
        return unit(turned)


def unit(vectors: NDArray[np.floating]) -> NDArray[np.float32]:
    """Return each row at length 1, zeros where it has none."""
    length = np.linalg.norm(vectors, axis=1, keepdims=True)
    found = np.divide(vectors, length, out=np.zeros_like(vectors), where=length > 1e-9)
    return np.asarray(found, dtype=np.float32)


def item_vectors(view: View) -> NDArray[np.float32]:
    """Return (items, dim) as of the view's evening, length 1 or 0; dim is 0 in a shop without texts."""
    catalogue, texts = view.catalogue, view.history.texts
    if texts is None:
        return np.zeros((catalogue.n_items, 0), dtype=np.float32)
    pooled = texts.items(view.origin, review_weight=REVIEW_WEIGHT)
    place = {item_id: row for row, item_id in enumerate(pooled.item_ids)}
    rows = np.array([place.get(item_id, -1) for item_id in catalogue.item_ids], dtype=np.int64)
    found: NDArray[np.float32] = np.where((rows >= 0)[:, None], pooled.vectors[rows], np.float32(0))
    return found


def whitened(view: View) -> tuple[NDArray[np.float32], Whitening | None]:
    """Return the whitened item vectors and what whitens; fitted on items with text that can be bought by then."""
    raw = item_vectors(view)
    known = view.buyable & raw.any(axis=1)
    if known.sum() < 2:
        return np.zeros_like(raw), None
    whitening = Whitening(raw[known])
    return whitening(raw), whitening


def fit_text(view: View) -> Product:
    """Return the source; a score is the cosine of an item with the user's recency-weighted history, whitened."""
    vectors, _ = whitened(view)
    profiles = unit(recency_profile(view.touches, view, decay=HISTORY_DECAY) @ vectors)
    return Product("text", 60, profiles, np.ascontiguousarray(vectors.T))


def fit_browsing(view: View) -> Product:
    """Return the source; a score is the cosine of an item with the user's browsing words, whitened alike."""
    vectors, whitening = whitened(view)
    profiles = np.zeros((view.shape[0], vectors.shape[1]), dtype=np.float32)
    texts = view.history.texts
    if whitening is not None and texts is not None:
        read = texts.users(view.origin)
        if read.user_ids:
            profiles[view.catalogue.users(read.user_ids)] = whitening(read.vectors)
    return Product("browsing", 40, profiles, np.ascontiguousarray(vectors.T))
