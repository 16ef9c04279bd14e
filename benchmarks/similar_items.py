"""How fast `similar_items` answers, beside brute force in numpy: python benchmarks/similar_items.py RUNS.

Prints one JSON line: seconds to open and of the first call; p50 and p95 of a warm call in milliseconds, for published
rows, under a filter, of the index alone and of brute force on the same vectors; and the ratios of the p95.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from recsys import Filters, Recommender, VectorIndex

if TYPE_CHECKING:
    from collections.abc import Callable

K = 20


def milliseconds(ask: Callable[[str], object], item_ids: list[str]) -> tuple[float, float]:
    """Return p50 and p95 of one call an item."""
    taken = []
    for item_id in item_ids:
        began = time.perf_counter()
        ask(item_id)
        taken.append(1000 * (time.perf_counter() - began))
    p50, p95 = np.percentile(taken, [50, 95])
    return round(float(p50), 3), round(float(p95), 3)


def main() -> None:
    """Open the runs folder, ask `calls` random items, print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", type=Path)
    parser.add_argument("--calls", type=int, default=500)
    options = parser.parse_args()

    began = time.perf_counter()
    shop = Recommender.open(options.runs)
    opened = time.perf_counter()
    index = VectorIndex.load((options.runs / "current" / "index").resolve())
    ids, vectors = index.item_ids, index.vectors()  # (n_items, dim)
    row_of = {item_id: row for row, item_id in enumerate(ids)}
    first_began = time.perf_counter()
    shop.similar_items(ids[0], K)
    first = time.perf_counter() - first_began

    def brute_force(item_id: str) -> list[str]:
        scores = vectors @ vectors[row_of[item_id]]  # (n_items,)
        best = np.argpartition(-scores, min(K + 1, len(ids) - 1))[: K + 1]
        return [ids[row] for row in best[np.argsort(-scores[best])] if ids[row] != item_id][:K]

    asked = [ids[row] for row in np.random.default_rng(0).integers(0, len(ids), options.calls)]
    some = Filters(exclude=[ids[0]])
    published = milliseconds(lambda item_id: shop.similar_items(item_id, K), asked)
    filtered = milliseconds(lambda item_id: shop.similar_items(item_id, K, filters=some), asked)
    searched = milliseconds(lambda item_id: index.nearest(vectors[[row_of[item_id]]], k=K), asked)
    by_hand = milliseconds(brute_force, asked)
    figures = {
        "items": len(ids),
        "dim": index.dim,
        "open_s": round(opened - began, 3),
        "first_call_s": round(first, 3),
        "published_p50_p95_ms": published,
        "filtered_p50_p95_ms": filtered,
        "index_p50_p95_ms": searched,
        "brute_force_p50_p95_ms": by_hand,
        "published_to_brute_force_p95": round(published[1] / by_hand[1], 2),
        "index_to_brute_force_p95": round(searched[1] / by_hand[1], 2),
    }
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
