"""Questions put to a published run: which texts are read, for which item, and beside which others."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from recsys.errors import RecsysError
from recsys.evidence import Answer, Compared, EvidenceSearch, Quote, sentence_rows

if TYPE_CHECKING:
    from collections.abc import Sequence

    from encoders import TokenEncoder
    from recsys.open_run import OpenRun

__all__ = ["ask_items", "ask_one", "compare_items", "evidence_of"]

_READ = 4000  # texts that the judge of a shop is fitted on, at most
_POSITIVE_STARS = 3.0  # more than these


def evidence_of(run: OpenRun, encoder: TokenEncoder) -> EvidenceSearch:
    """Fit the judge of a run on its own texts; the sentences that are read are kept in the cache beside the runs."""
    from encoders import PieceCache

    if not run.published.has_table("reviews"):
        msg = f"run {run.published.run_id} keeps no texts to quote: it is older; publish again with shelfwise nightly"
        raise RecsysError(msg)
    folder = run.published.folder.parent / "cache" / "vectors"
    told = _told(run, _some_items(run))
    cache = PieceCache(folder, encoder, must_write=False)
    return EvidenceSearch.fit(told["sentence"].to_list(), encoder, cache)


def ask_one(run: OpenRun, search: EvidenceSearch, question: str, item_id: str, n: int) -> Answer:
    """Answer for one item; `question` may hold what was asked before."""
    answer = search.answer(question, _told(run, [item_id]), n=n)
    answer["item_id"] = item_id
    return answer


def ask_items(run: OpenRun, search: EvidenceSearch, question: str, item_ids: Sequence[str], n: int) -> Answer:
    """Answer across items: an item's best sentence speaks for it, and the items are ranked by it."""
    found = search.judged(question, _told(run, item_ids))
    first = found.unique("item_id", keep="first", maintain_order=True)
    answer = search.told(question, first, n=n)
    titles = dict(run.items.select("item_id", "title").iter_rows())
    for quote, item_id in zip(answer["evidence"], first["item_id"], strict=False):  # the quotes are the first rows
        quote["item_id"], quote["title"] = item_id, titles[item_id]
    return answer


def compare_items(run: OpenRun, search: EvidenceSearch, question: str, item_ids: Sequence[str]) -> list[Compared]:
    """Return price and first quote of each item, in the order given."""
    if not item_ids:
        return []
    marks = ", ".join("?" * len(item_ids))
    rows = run.query(f"SELECT item_id, title, price FROM items WHERE item_id IN ({marks})", list(item_ids))  # noqa: S608
    facts = {row["item_id"]: row for row in rows.iter_rows(named=True)}
    compared: list[Compared] = []
    for item_id in item_ids:
        quotes: list[Quote] = search.answer(question, _told(run, [item_id]), n=1)["evidence"]
        told = facts[item_id]
        compared.append({"item_id": item_id, "title": told["title"], "price": told["price"], "evidence": quotes})
    return compared


def _some_items(run: OpenRun) -> list[str]:
    """Return items, by the hash of their id, until there are texts enough."""
    rows = run.query(
        "SELECT i.item_id, count(r.review_id) + 1 AS texts FROM items i LEFT JOIN reviews r USING (item_id) "
        "GROUP BY i.item_id ORDER BY md5(i.item_id), i.item_id"
    )
    enough = rows.filter(pl.col("texts").cum_sum() - pl.col("texts") < _READ)
    return enough["item_id"].to_list()


def _told(run: OpenRun, item_ids: Sequence[str]) -> pl.DataFrame:
    """Return the sentences of items, as `recsys.evidence.SENTENCE_SCHEMA`."""
    marks = ", ".join("?" * len(item_ids)) or "NULL"
    reviews = run.query(
        f"""
        SELECT r.item_id, r.review_id, r.date, r.stars, r.headline, r.text,
               coalesce(r.stars > {_POSITIVE_STARS}, s.probability > 0.5) AS positive
        FROM reviews r LEFT JOIN sentiment s USING (review_id) WHERE r.item_id IN ({marks})
        """,  # noqa: S608 (question marks)
        list(item_ids),
    )
    descriptions = run.query(f"SELECT item_id, description FROM items WHERE item_id IN ({marks})", list(item_ids))  # noqa: S608
    return sentence_rows(reviews, descriptions.cast({"description": pl.String}))
