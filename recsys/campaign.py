"""A campaign for a part of the catalogue: whom to tell of each item, and a line that its own data bear out.

A line is the item's title, brand and price, and one sentence: of a review of it with four stars or more, else of its
description, the one nearest in meaning to what the user bought. No word is added, so nothing is claimed; a line that
somebody else phrases is held against the same data (`recsys.phrasing`) and refused where it says more.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from recsys.errors import RecsysError
from recsys.filters import check_condition
from recsys.phrasing import phrase_line
from recsys.sentences import sentences

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from encoders import Encoder
    from recsys.open_run import OpenRun

    Encode = Callable[[Sequence[str]], NDArray[np.float32]]
    Phrase = Callable[[str], str]

__all__ = ["Voice", "campaign_of", "voice_of"]

GOOD_FROM_STARS = 4.0
MOST_QUOTES = 12  # of an item, those with the most stars and the latest first
LEAST_LETTERS, MOST_LETTERS = 12, 200  # of a sentence that is quoted
_QUOTES = {"item_id": pl.String, "review_id": pl.String, "author": pl.String, "sentence": pl.String}


@dataclass(frozen=True, slots=True)
class Voice:
    """What turns sentences into vectors, and what may put a line in other words.

    `encode`: sentences → (n, dim) of length 1. `tastes`: (items, dim), what an item's text means, in the run's order.
    `phrase`: a line → the same in other words; None: lines stand as they are.
    """

    encode: Encode
    tastes: NDArray[np.float32]
    phrase: Phrase | None = None


def voice_of(run: OpenRun, encoder: Encoder, tastes: NDArray[np.float32], phrase: Phrase | None) -> Voice:
    """Return the voice of a run; the vectors of sentences that were encoded before come from the cache beside it."""
    from encoders import VectorCache

    def encode(texts: Sequence[str]) -> NDArray[np.float32]:
        cache = VectorCache(run.published.folder.parent / "cache" / "vectors", encoder, must_write=False)
        return cache.encode(texts, kind="sentence").vectors

    return Voice(encode, tastes, phrase)


def campaign_of(run: OpenRun, segment: str, *, k: int, voice: Voice) -> pl.DataFrame:
    """Return up to `k` users for each item of the segment, best first, each with a line of copy.

    item_id, user_id, rank, score, reason, title, copy, sentence, source (review, description; null where the item has
    neither), review_id, refused (what a phrased line claimed in vain; null otherwise). Nobody is shown a sentence that
    they wrote themselves. `segment`: a SQL condition over the columns of `items` and `forecast`; an item is in it where
    a row of its forecast fulfils it, or where it has none and the condition asks for no forecast.

    Raises:
        RecsysError: a condition that is none, or that DuckDB does not understand; names the columns there are.
    """
    items = _items_of(run, segment)
    rows = run.kept_list("audience").filter(pl.col("item_id").is_in(items["item_id"].to_list()), pl.col("rank") <= k)
    users = rows.select("item_id", "user_id", "rank", "score", "reason").collect().sort("item_id", "rank")
    told = users.join(items, on="item_id", maintain_order="left")
    quoted = _nearest(told, _quotes(run, items), run, voice)
    return _with_copy(quoted, voice).select(
        "item_id", "user_id", "rank", "score", "reason", "title", "copy", "sentence", "source", "review_id", "refused"
    )


def _items_of(run: OpenRun, segment: str) -> pl.DataFrame:
    """Return item_id, title, brand, category, description, price of the items in the segment, by id."""
    from warehouse import InputError

    check_condition(segment, asked="campaign", columns="items and forecast")
    columns = run.query("SELECT * EXCLUDE (run_id) FROM items LIMIT 0").columns
    more = [
        name for name in run.query("SELECT * EXCLUDE (run_id) FROM forecast LIMIT 0").columns if name not in columns
    ]
    try:
        found = run.query(
            f"""
            SELECT DISTINCT items.item_id FROM (SELECT * EXCLUDE (run_id) FROM items) AS items
            LEFT JOIN (SELECT item_id, {", ".join(more)} FROM forecast) AS forecast USING (item_id)
            WHERE (\n{segment}\n)
            """  # noqa: S608 (the caller's own file)
        )
    except InputError as error:
        said = str(error).splitlines()[0]
        msg = f"campaign({segment!r}): {said}; the columns are {', '.join([*columns, *more])}"
        raise RecsysError(msg) from error
    items = run.query("SELECT item_id, title, brand, category, description, price FROM items ORDER BY item_id")
    return items.join(found, on="item_id", how="semi", maintain_order="left")


def _quotes(run: OpenRun, items: pl.DataFrame) -> pl.DataFrame:
    """Return item_id, review_id, author, sentence: at most 12 an item; of its description where no review will do."""
    reviews = run.query(
        "SELECT item_id, review_id, user_id, text FROM reviews WHERE coalesce(stars, ?) >= ? AND text IS NOT NULL "
        "ORDER BY item_id, stars DESC NULLS LAST, date DESC NULLS LAST, review_id",
        [GOOD_FROM_STARS, GOOD_FROM_STARS],
    ).join(items, on="item_id", how="semi", maintain_order="left")
    own = [
        (item_id, review_id, author, sentence)
        for item_id, review_id, author, text in reviews.iter_rows()
        for sentence in _fit_to_quote(text)
    ]
    found = pl.DataFrame(own, schema=_QUOTES, orient="row")
    plain = items.join(found, on="item_id", how="anti").filter(pl.col("description").is_not_null())
    described = [
        (item_id, None, None, sentence)
        for item_id, text in plain.select("item_id", "description").iter_rows()
        for sentence in _fit_to_quote(text)
    ]
    both = pl.concat([found, pl.DataFrame(described, schema=_QUOTES, orient="row")])
    return both.filter(pl.int_range(pl.len()).over("item_id") < MOST_QUOTES)


def _fit_to_quote(text: str) -> list[str]:
    """Return the sentences of a text that can stand in a line; one in which something personal was masked cannot."""
    found = [text[start:end] for start, end in sentences(text)]
    return [one for one in found if LEAST_LETTERS <= len(one) <= MOST_LETTERS and "[" not in one]


def _nearest(rows: pl.DataFrame, quotes: pl.DataFrame, run: OpenRun, voice: Voice) -> pl.DataFrame:
    """Return the rows with sentence, source, review_id: the item's sentence nearest to what each user bought."""
    different = quotes["sentence"].unique(maintain_order=True)
    vectors = voice.encode(different.to_list())  # (sentences, dim)
    place = pl.DataFrame({"sentence": different, "at": np.arange(len(different))})
    users = rows["user_id"].unique().sort()
    tastes = _tastes(run, users, voice.tastes)  # (users, dim)
    pairs = (
        rows.with_row_index("row")
        .select("row", "item_id", "user_id")
        .join(quotes.join(place, on="sentence"), on="item_id")
        .filter(pl.col("author").is_null() | (pl.col("author") != pl.col("user_id")))
        .join(pl.DataFrame({"user_id": users, "user": np.arange(len(users))}), on="user_id")
    )
    own = tastes[pairs["user"].to_numpy()]
    items = np.array([run.row_of[item_id] for item_id in pairs["item_id"]], dtype=np.int64)
    unknown = ~own.any(axis=1)  # of whom no purchase is known: the sentence that says most of the item
    own[unknown] = voice.tastes[items[unknown]]
    cosine = np.einsum("nd,nd->n", own, vectors[pairs["at"].to_numpy()]).round(6)
    best = (
        pairs.with_columns(cosine=pl.Series(cosine, dtype=pl.Float64))
        .sort("row", "cosine", "review_id", "sentence", descending=[False, True, False, False])
        .unique("row", keep="first", maintain_order=True)
        .select("row", "sentence", "review_id")
    )
    source = pl.when(pl.col("sentence").is_null()).then(None).when(pl.col("review_id").is_null())
    return (
        rows.with_row_index("row")
        .join(best, on="row", how="left", maintain_order="left")
        .with_columns(source=source.then(pl.lit("description")).otherwise(pl.lit("review")))
    )


def _tastes(run: OpenRun, users: pl.Series, items: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return (users, dim): the mean of the texts of what each has bought, length 1, or 0 where nothing is known."""
    owned = run.kept_list("owners").filter(pl.col("user_id").is_in(users.to_list())).select("user_id", "item_id")
    bought = owned.collect().filter(pl.col("item_id").is_in(list(run.row_of))).sort("user_id", "item_id")
    place = {user: at for at, user in enumerate(users)}
    total = np.zeros((len(users), items.shape[1]), dtype=np.float32)
    at = np.array([place[user] for user in bought["user_id"]], dtype=np.int64)
    rows = np.array([run.row_of[item_id] for item_id in bought["item_id"]], dtype=np.int64)
    np.add.at(total, at, items[rows])
    length = np.linalg.norm(total, axis=1, keepdims=True)
    found: NDArray[np.float32] = np.divide(total, length, out=np.zeros_like(total), where=length > 1e-9)
    return found


def _with_copy(rows: pl.DataFrame, voice: Voice) -> pl.DataFrame:
    """Return the rows with copy and refused; equal lines are phrased once."""
    said: dict[tuple[object, ...], tuple[str, str | None]] = {}
    lines: list[tuple[str, str | None]] = []
    facts = ("item_id", "title", "brand", "category", "description", "price", "sentence", "source")
    for row in rows.select(facts).iter_rows(named=True):
        key = (row["item_id"], row["sentence"])
        if key not in said:
            said[key] = _line(row, voice.phrase)
        lines.append(said[key])
    copy, refused = [line for line, _ in lines], [why for _, why in lines]
    return rows.with_columns(pl.Series("copy", copy, dtype=pl.String), pl.Series("refused", refused, dtype=pl.String))


def _line(item: dict[str, Any], phrase: Phrase | None) -> tuple[str, str | None]:
    """Return the line for an item and sentence, and what a phrased one was refused for."""
    title, brand = item["title"] or item["item_id"], item["brand"]
    parts = [title]
    if brand and brand.casefold() not in title.casefold():
        parts.append(brand)
    if item["price"] is not None:
        parts.append(_price(item["price"]))
    line = facts = " · ".join(parts)
    if item["sentence"]:
        line += f": \u201c{item['sentence']}\u201d" if item["source"] == "review" else f": {item['sentence']}"
    if phrase is None:
        return line, None
    told = [item[name] for name in ("sentence", "category", "description") if item[name]]
    put, refused = phrase_line(line, [facts, *told], phrase)
    return put or line, refused


def _price(price: float) -> str:
    return f"{price:.0f}" if price == round(price) else f"{price:.2f}"
