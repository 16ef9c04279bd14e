"""What was bought by the same users: counts of item pairs, and a vector of each item's company."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from numpy.typing import NDArray

__all__ = ["CoPurchases", "behaviour_vectors", "bought_before", "count_copurchases"]

BEHAVIOUR_DIM = 64
_OVERSAMPLE, _POWER_STEPS = 16, 3


@dataclass(frozen=True, slots=True)
class CoPurchases:
    """Pairs of items as sparse symmetric matrices of shape (n_items, n_items) with an empty diagonal.

    `users`: how many users bought both. `mass`: the same with each user of n items weighing 1 / (n - 1), so that one
    who buys everything says no more about an item than others. `buyers`, of shape (n_items,): users who bought it.
    """

    users: Any  # scipy.sparse.csr_matrix of float64, whole numbers
    mass: Any  # scipy.sparse.csr_matrix of float64, the same pattern
    buyers: NDArray[np.int64]

    def together(self, left: NDArray[np.int64], right: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return how many users bought both of each pair of rows."""
        if len(left) == 0:
            return np.empty(0, dtype=np.int64)
        counts: NDArray[np.int64] = np.asarray(self.users[left, right]).ravel().astype(np.int64)
        return counts


def bought_before(purchases: pl.DataFrame, cutoff: date) -> pl.DataFrame:
    """Return who bought what up to the cutoff, each pair once: user_id, item_id."""
    known = pl.col("user_id").is_not_null() & (pl.col("units").fill_null(1) > 0)
    return purchases.filter(pl.col("day") <= cutoff, known).select("user_id", "item_id").unique()


def count_copurchases(bought: pl.DataFrame, item_ids: Sequence[str]) -> CoPurchases:
    """Count the pairs in `bought` (user_id, item_id, each pair once); row `i` is `item_ids[i]`."""
    from scipy import sparse

    schema = {"item_id": pl.String, "item": pl.Int64}
    rows = pl.DataFrame({"item_id": item_ids, "item": range(len(item_ids))}, schema=schema)
    placed = (
        bought.join(rows, on="item_id")
        .select(pl.col("user_id").rank("dense").cast(pl.Int64).alias("user") - 1, "item")
        .sort("user", "item")
    )
    users, items = placed["user"].to_numpy(), placed["item"].to_numpy()
    n_users = int(users.max()) + 1 if len(users) else 0
    baskets = sparse.csr_matrix((np.ones(len(users)), (users, items)), shape=(n_users, len(item_ids)))
    weights = 1.0 / np.maximum(np.bincount(users, minlength=n_users) - 1, 1)
    buyers = np.bincount(items, minlength=len(item_ids)).astype(np.int64)
    by_item = baskets.T.tocsr()
    return CoPurchases(_pairs(by_item @ baskets), _pairs(by_item @ (sparse.diags(weights) @ baskets)), buyers)


def _pairs(counts: Any) -> Any:  # noqa: ANN401 (scipy ships no types)
    from scipy import sparse

    pairs = (counts - sparse.diags(counts.diagonal())).tocsr()  # an item is not bought together with itself
    pairs.eliminate_zeros()
    pairs.sort_indices()
    return pairs


def behaviour_vectors(pairs: CoPurchases, *, dim: int = BEHAVIOUR_DIM) -> NDArray[np.float32]:
    """Return unit vectors, (n_items, dim); zeros for an item that stands with no other more often than by chance.

    The best positive semidefinite approximation of rank `dim` of the items' positive pointwise mutual information
    (Levy & Goldberg, Neural Word Embedding as Implicit Matrix Factorization, 2014), each pair discounted by n / (n + 1)
    for the n users behind it (Pantel & Lin, Discovering Word Senses from Text, 2002). Fixed start, fixed signs.
    """
    information = _positive_information(pairs)
    vectors = np.zeros((len(pairs.buyers), dim), dtype=np.float32)
    active = np.flatnonzero(np.diff(information.indptr) > 0)
    if len(active) == 0:
        return vectors
    values, directions = _leading_eigenpairs(information[active][:, active], dim)
    kept = values > values.max(initial=0.0) * 1e-6
    found = directions[:, kept] * np.sqrt(values[kept])  # (n_active, n_kept)
    lengths = np.linalg.norm(found, axis=1)
    real = lengths > lengths.max(initial=0.0) * 1e-6
    vectors[active[real], : found.shape[1]] = found[real] / lengths[real, None]
    return vectors


def _positive_information(pairs: CoPurchases) -> Any:  # noqa: ANN401
    mass, n_users = pairs.mass.tocoo(), pairs.users.tocoo()
    of_item = np.asarray(pairs.mass.sum(axis=1)).ravel()
    chance = of_item[mass.row] * of_item[mass.col] / max(of_item.sum(), 1.0)
    information = np.maximum(np.log(mass.data / chance), 0.0) * n_users.data / (n_users.data + 1)
    mass.data = information
    positive = mass.tocsr()
    positive.eliminate_zeros()
    return positive


def _leading_eigenpairs(matrix: Any, dim: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:  # noqa: ANN401
    """Return the `dim` largest eigenvalues and their vectors, by subspace iteration from a fixed start.

    Halko, Martinsson & Tropp, Finding Structure with Randomness, 2011, algorithm 4.4.
    """
    n = matrix.shape[0]
    if n <= dim + _OVERSAMPLE:
        values, directions = np.linalg.eigh(matrix.toarray())
    else:
        basis = np.linalg.qr(matrix @ np.random.default_rng(0).standard_normal((n, dim + _OVERSAMPLE)))[0]
        for _ in range(_POWER_STEPS):
            basis = np.linalg.qr(matrix @ basis)[0]
        values, within = np.linalg.eigh(basis.T @ (matrix @ basis))
        directions = basis @ within
    order = np.argsort(-values, kind="stable")[:dim]
    values, directions = values[order], directions[:, order]
    largest = np.take_along_axis(directions, np.abs(directions).argmax(axis=0)[None, :], axis=0)
    return values, directions * np.where(largest < 0, -1.0, 1.0)
