"""Similar items: text and behaviour in one exact index, and the nearest of every item with the reason.

Where both speak, an item's vector is sqrt(w) * text beside sqrt(1 - w) * behaviour, so that the cosine of two such
items is w * cosine of the texts + (1 - w) * cosine of the behaviour. Where one is silent the other stands alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from recsys.copurchase import behaviour_vectors, bought_before, count_copurchases
from recsys.faiss_door import set_threads
from recsys.neighbours import Neighbours, places
from recsys.similar_reasons import item_facts
from recsys.vector_index import VectorIndex

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from recsys.config import RecommendConfig
    from recsys.history import ShopHistory

__all__ = ["blend", "similar_items", "text_share"]

# w. What users took next, given the item before, is among its 20 nearest (all-MiniLM-L6-v2, each user's last item held
# out): Amazon Beauty 7.4 % by text alone, 7.4 % by behaviour alone, 10.0 % at .65 (its best of eight); Amazon Musical
# Instruments 9.7 %, 11.0 %, 12.4 %.
TEXT_SHARE = 0.65
# Mean of 1 - cosine over pairs of texts, in the shops above; multilingual-e5-small sets all texts within .1.
TEXT_SPREAD = 0.73
REVIEW_WEIGHT = 0.2  # of a review beside the product's own text

SCHEMA = {
    "query_item_id": pl.String,
    "kind": pl.String,
    "item_id": pl.String,
    "rank": pl.Int32,
    "score": pl.Float64,
    "reason": pl.String,
}


def similar_items(history: ShopHistory, *, config: RecommendConfig) -> tuple[VectorIndex, pl.DataFrame]:
    """Return the index over every item, and the `similar_k` nearest of each as a frame of `SCHEMA`.

    Planned launches are among them. `score` is the cosine, of which only positive ones say anything: where fewer are
    near (no text, never bought together with another), the most bought of the item's category and then of the shop
    follow, with score 0 and a reason that says so.
    """
    set_threads(config.threads)
    bought = bought_before(history.purchases, history.cutoff)
    # the index's own order is most bought first, ties by id: what fills a short list is read from it, now and later
    items = (
        history.items.join(bought.group_by("item_id").len("buyers"), on="item_id", how="left")
        .with_columns(pl.col("buyers").fill_null(0))
        .sort("buyers", "item_id", descending=[True, False])
    )
    item_ids = items["item_id"].to_list()
    pairs = count_copurchases(bought, item_ids)
    text = _text_vectors(history, item_ids)
    index = VectorIndex.build(item_ids, blend(text, behaviour_vectors(pairs), share=text_share(text)))
    facts = item_facts(_told(items, "title"), _told(items, "category"), np.abs(text).sum(axis=1) > 0)
    near = Neighbours(index, facts.categories).of(np.arange(len(items)), k=config.similar_k)
    frame = pl.DataFrame(
        {
            "query_item_id": [item_ids[row] for row in near.query],
            "kind": ["blend"] * len(near.query),
            "item_id": [item_ids[row] for row in near.item],
            "rank": places(near.query),
            "score": near.score.astype(np.float64),
            "reason": facts.reasons(near, pairs.together(near.query, near.item)),
        },
        schema=SCHEMA,
    )
    return index, frame.sort("query_item_id", "rank")


def _told(items: pl.DataFrame, column: str) -> Sequence[str | None]:
    return items[column].to_list() if column in items.columns else [None] * items.height


def _text_vectors(history: ShopHistory, item_ids: Sequence[str]) -> NDArray[np.float32]:
    if history.texts is None:
        return np.zeros((len(item_ids), 0), dtype=np.float32)
    pooled = history.texts.items(history.cutoff, review_weight=REVIEW_WEIGHT)
    row_of = {item_id: row for row, item_id in enumerate(pooled.item_ids)}
    text = np.zeros((len(item_ids), pooled.vectors.shape[1]), dtype=np.float32)
    known = [row for row, item_id in enumerate(item_ids) if item_id in row_of]
    text[known] = pooled.vectors[[row_of[item_ids[row]] for row in known]]
    return text


def text_share(text: NDArray[np.float32]) -> float:
    """Return w for these unit vectors, (n, text dim), zero where there is no text.

    An encoder that sets all texts close together has small differences of cosines, which behaviour's would drown: the
    closer they stand, the more they weigh, so that a text tells as much as it does by the encoder that w was measured
    with. In steps of a tenth, so that a changed text does not move every item's vector.
    """
    known = text[text.any(axis=1)]
    if len(known) < 2:
        return TEXT_SHARE
    mean = known.mean(axis=0, dtype=np.float64)
    spread = max(1.0 - float(mean @ mean), 0.01)
    closer = np.exp(round(np.log(max(TEXT_SPREAD / spread, 1.0)), 1))
    odds = TEXT_SHARE / (1 - TEXT_SHARE) * float(closer)
    return odds / (1 + odds)


def blend(
    text: NDArray[np.float32], behaviour: NDArray[np.float32], *, share: float = TEXT_SHARE
) -> NDArray[np.float32]:
    """Return text and behaviour side by side, (n, text dim + behaviour dim), of length 1 (0 where both are silent)."""
    has_text, has_behaviour = text.any(axis=1), behaviour.any(axis=1)
    of_text = np.where(has_behaviour, np.sqrt(share), 1.0)
    of_behaviour = np.where(has_text, np.sqrt(1 - share), 1.0)
    both = np.hstack([text * of_text[:, None], behaviour * of_behaviour[:, None]])
    lengths = np.linalg.norm(both, axis=1, keepdims=True)
    return np.ascontiguousarray(np.divide(both, lengths, out=both, where=lengths > 0), dtype=np.float32)
