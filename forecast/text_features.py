"""What an item's text neighbours sell: level and momentum as of the origin, and the text's own projection."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from forecast.history import Column, Rows, windows_of
from forecast.kernels import rolling_mean

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from encoders import ItemVectors
    from forecast.panel import Floats, Ints, Panel

__all__ = ["Neighbours", "TextSource", "nearest", "read_text", "rows_of", "text_columns"]

_DIMENSIONS = 16


@dataclass(frozen=True, slots=True)
class Neighbours:
    """The nearest others of each asked text: rows (asked, k) into the others, -1 where there are fewer."""

    rows: Ints
    similarity: Floats  # (asked, k) cosine


@dataclass(frozen=True, slots=True)
class TextSource:
    """What texts say about every item with sales, and which item each series is.

    Attributes:
        level: (items, periods) neighbours' mean units, weighted by similarity on a log scale.
        momentum: (items, periods) their last month against their last quarter.
        closest: (items,) cosine of the nearest.
        projected: (items, directions).
    """

    of_series: Ints
    level: Floats
    momentum: Floats
    closest: Floats
    projected: Floats


def rows_of(text: ItemVectors, item_ids: Sequence[str]) -> Ints:
    """Return each item's row in the vectors; -1 where it has no text."""
    place = {item: row for row, item in enumerate(text.item_ids)}
    rows = np.array([place.get(item, -1) for item in item_ids], dtype=np.int64)
    told = np.asarray(np.abs(text.vectors).sum(axis=1) > 0)
    return np.where((rows >= 0) & told[np.maximum(rows, 0)], rows, -1) if len(told) else rows


def nearest(asked: NDArray[np.float32], others: NDArray[np.float32], k: int, *, same: Ints | None = None) -> Neighbours:
    """Return the `k` nearest of `others` (n, dim) to each of `asked` (m, dim) by cosine, ties by the lower row.

    `same` is each asked one's own row among the others, which is left out.
    """
    rows = np.full((len(asked), k), -1, dtype=np.int64)
    similarity = np.zeros((len(asked), k))
    for begin in range(0, len(asked) if len(others) else 0, 1024):
        # float64 and rounding: the block's size must not decide between two that are equal
        scores = np.round(asked[begin : begin + 1024].astype(np.float64) @ others.T.astype(np.float64), 9)  # (block, n)
        if same is not None:
            own = same[begin : begin + 1024]
            scores[np.flatnonzero(own >= 0), own[own >= 0]] = -np.inf
        order = np.argsort(-scores, axis=1, kind="stable")[:, :k]
        best = np.take_along_axis(scores, order, axis=1)
        there = np.isfinite(best)
        rows[begin : begin + 1024, : order.shape[1]] = np.where(there, order, -1)
        similarity[begin : begin + 1024, : order.shape[1]] = np.where(there, best, 0)
    return Neighbours(rows, similarity)


def read_text(panel: Panel, text: ItemVectors, *, k: int, project: bool) -> TextSource:
    """Return what the text neighbours of every item sold, as of each period: only those that had begun by then.

    Args:
        panel: the past.
        text: product vectors as of the cutoff.
        k: neighbours of an item, among the others with sales.
        project: also project the texts onto their first principal directions.
    """
    items = panel.series["item_id"].unique().sort()
    of_series = items.search_sorted(panel.series["item_id"]).to_numpy().astype(np.int64)
    place = rows_of(text, items.to_list())
    vectors = np.where(place[:, None] >= 0, text.vectors[np.maximum(place, 0)], 0).astype(np.float32)
    units = np.zeros((len(items), panel.periods))
    np.add.at(units, of_series, np.nan_to_num(panel.units))
    begun = np.full(len(items), panel.periods)
    np.minimum.at(begun, of_series, panel.start)
    units[np.arange(panel.periods) < begun[:, None]] = np.nan
    found = nearest(vectors, vectors, k, same=np.arange(len(items)))
    windows = windows_of(panel.period_days)
    level, momentum = _pooled(found, rolling_mean(units, windows[0]), rolling_mean(units, windows[2]))
    known = place >= 0
    level[~known], momentum[~known] = np.nan, np.nan
    closest = np.where(known, found.similarity[:, 0], np.nan)
    projected = _projected(vectors, known) if project else np.zeros((len(items), 0))
    return TextSource(of_series, level, momentum, closest, projected)


def text_columns(source: TextSource, scale: Floats, rows: Rows) -> Iterator[Column]:
    """Yield level and momentum of the text neighbours as of the origin, how near the nearest is, and projections."""
    item = source.of_series[rows.series]
    size = scale[rows.series, rows.origin]
    yield Column("neighbour_level", "neighbours", (source.level[item, rows.origin] / size).astype(np.float32))
    yield Column("neighbour_momentum", "neighbours", source.momentum[item, rows.origin].astype(np.float32))
    yield Column("neighbour_similarity", "neighbours", source.closest[item].astype(np.float32))
    for number, values in enumerate(source.projected.T):
        yield Column(f"text_{number}", "text", values[item].astype(np.float32))


def _pooled(found: Neighbours, short: Floats, long: Floats) -> tuple[Floats, Floats]:
    """Return the neighbours' weighted mean level (log scale) and momentum, (items, periods)."""
    top, weight_sum, level = np.zeros_like(short), np.zeros_like(short), np.zeros_like(short)
    bottom = np.zeros_like(short)
    for column in range(found.rows.shape[1]):
        row = found.rows[:, column]
        weight = np.where(row >= 0, np.maximum(found.similarity[:, column], 0) ** 4, 0)[:, None]
        now, before = short[np.maximum(row, 0)], long[np.maximum(row, 0)]
        known = ~np.isnan(now)
        level += weight * np.where(known, np.log1p(np.maximum(np.nan_to_num(now), 0)), 0)
        weight_sum += weight * known
        top += weight * np.nan_to_num(now)
        bottom += weight * np.nan_to_num(before)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean_level = np.where(weight_sum > 0, np.expm1(level / weight_sum), np.nan)
        momentum = np.where(bottom > 0, np.clip(top / bottom, 0, 20), np.nan)
    return mean_level, momentum


def _projected(vectors: NDArray[np.float32], known: NDArray[np.bool_]) -> Floats:
    """Return texts on their first principal directions, (items, directions), signed by the largest loading."""
    mean = vectors[known].mean(axis=0) if known.any() else 0.0
    centred = (vectors - mean).astype(np.float64)
    _, _, axes = (
        np.linalg.svd(centred[known], full_matrices=False) if known.any() else (0, 0, np.zeros((0, vectors.shape[1])))
    )
    axes = axes[:_DIMENSIONS]
    signs = np.sign(axes[np.arange(len(axes)), np.abs(axes).argmax(axis=1)])
    projected: Floats = centred @ (axes * signs[:, None]).T
    return np.where(known[:, None], projected, np.nan)
