"""What stands together in users' whole histories: EASE within its size limit, else cosine neighbours.

EASE: Steck, Embarrassingly Shallow Autoencoders for Sparse Data, 2019.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from recsys.sources.contract import Product

if TYPE_CHECKING:
    from recsys.view import View

__all__ = ["fit_company"]

HALF_LIFE_DAYS = 120.0
RIDGE = 300.0
MOST_ITEMS = 6000  # the inverse costs the cube of the items: some seconds at this size


def fit_company(view: View) -> Product:
    """Return the source: a user's touches, halved each 120 days, times the items' weights on one another."""
    rows = view.touches
    decayed = rows.matrix(rows.weight * 0.5 ** (rows.age / HALF_LIFE_DAYS), view.shape)
    decayed.data = np.minimum(decayed.data, 1.0)
    ever = rows.matrix(rows.weight, view.shape)
    ever.data = np.minimum(ever.data, 1.0)
    return Product("company", 120, decayed, _ease(ever) if view.shape[1] <= MOST_ITEMS else _cosine(ever))


def _ease(ever: Any) -> Any:  # noqa: ANN401 (scipy ships no types)
    """Return (items, items) float32 with an empty diagonal."""
    from scipy import linalg

    gram = (ever.T @ ever).toarray().astype(np.float32)
    touched = np.flatnonzero(gram.diagonal() > 0)
    known = gram[np.ix_(touched, touched)]
    known[np.diag_indices(len(touched))] += RIDGE
    weights = np.zeros(gram.shape, dtype=np.float32)
    if len(touched):
        inverse = linalg.cho_solve(linalg.cho_factor(known, overwrite_a=True), np.eye(len(touched), dtype=np.float32))
        found = -inverse / np.diag(inverse)[None, :]
        found[np.diag_indices(len(touched))] = 0.0
        weights[np.ix_(touched, touched)] = found
    return weights


def _cosine(ever: Any) -> Any:  # noqa: ANN401
    from scipy import sparse

    length = np.sqrt(np.asarray(ever.multiply(ever).sum(axis=0)).ravel())
    scaled = ever @ sparse.diags(1.0 / np.maximum(length, 1e-6))
    # a user of many items says little about a pair of them
    share = sparse.diags(1.0 / np.sqrt(np.maximum(np.diff(ever.indptr), 1)))
    near = (scaled.T @ (share @ scaled)).tocsr()
    near.setdiag(0)
    near.eliminate_zeros()
    return near.astype(np.float32)
