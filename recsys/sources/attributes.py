"""Items that share category, brand and attributes with what a user touched; rare ones say more."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from recsys.recency import recency_profile
from recsys.sources.contract import Product

if TYPE_CHECKING:
    from recsys.view import Catalogue, View

__all__ = ["attribute_matrix", "fit_attributes"]

HISTORY_DECAY = 0.7  # for each later day of the user


def fit_attributes(view: View) -> Product:
    """Return the source; a score is the sum of the cosines with the user's recency-weighted history."""
    matrix = attribute_matrix(view.catalogue)
    profiles = recency_profile(view.touches, view, decay=HISTORY_DECAY) @ matrix
    return Product("attributes", 40, profiles.tocsr(), matrix.T.tocsr())


def attribute_matrix(catalogue: Catalogue) -> Any:  # noqa: ANN401 (scipy ships no types)
    """Return (items, attributes), rows of length 1: log inverse frequency of each attribute that an item has."""
    from scipy import sparse

    names: list[set[str]] = [set(text.split()) for text in catalogue.attributes]
    for kind, codes in (("category", catalogue.category), ("brand", catalogue.brand)):
        for own, code in zip(names, codes, strict=True):
            if code >= 0:
                own.add(f"{kind}={code}")
    place = {name: at for at, name in enumerate(sorted(set().union(*names)))}
    item = np.repeat(np.arange(len(names)), [len(own) for own in names])
    column = np.array([place[name] for own in names for name in sorted(own)], dtype=np.int64)
    inverse = np.log(len(names) / np.maximum(np.bincount(column, minlength=len(place)), 1)) + 0.1
    matrix = sparse.csr_matrix((inverse[column], (item, column)), shape=(len(names), max(len(place), 1)))
    length = np.sqrt(np.asarray(matrix.multiply(matrix).sum(axis=1)).ravel())
    return (sparse.diags(1.0 / np.maximum(length, 1e-9)) @ matrix).astype(np.float32).tocsr()
