"""Questions put to a published run: which texts are read, for which item, and beside which others."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, cast

import polars as pl

from encoders.lexical import hash_of, words
from recsys.errors import RecsysError
from recsys.evidence import Answer, Compared, EvidenceSearch, Quote, sentence_rows
from recsys.judge import fit_judge, read_judge, write_judge

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from encoders import TokenEncoder
    from recsys.open_run import OpenRun

__all__ = ["JUDGE", "ask_items", "ask_one", "compare_items", "evidence_of", "keep_judge"]

JUDGE = "judge.json"  # in the folder of a run

_READ = 4000  # texts that the judge of a shop is fitted on, at most
_NAMES = ("item_id", "title", "category")
_TITLES = 500  # of a category that are read
_FEWEST_TITLES, _TITLES_SHARE = 3, 0.15  # a word that names its kind stands in as many at least
_POSITIVE_STARS = 3.0  # more than these


def evidence_of(run: OpenRun, encoder: TokenEncoder) -> EvidenceSearch:
    """Return what answers from a run's texts, by the judge that the night kept; what is read is kept beside the runs.

    A run without a judge (of an earlier version, or one that a user was taken out of) has one fitted now.
    """
    if not run.published.has_table("reviews"):
        msg = f"run {run.published.run_id} keeps no texts to quote: it is older; publish again with shelfwise nightly"
        raise RecsysError(msg)
    folder = run.published.folder
    kept = folder / JUDGE
    judge = read_judge(kept.read_text(encoding="utf-8"), encoder.encoder_id) if kept.is_file() else None
    if judge is None:
        texts = run.query("SELECT item_id, count(review_id) AS texts FROM reviews GROUP BY item_id")
        chosen = _some_items(run.items["item_id"].to_list(), texts)
        judge = fit_judge(_told(run, chosen)["sentence"].to_list(), encoder)
    threads = int(str(cast("Mapping[str, object]", run.published.facts["encoder"])["threads"]))
    return EvidenceSearch.open(judge, encoder, folder.parent / "cache" / "vectors", threads=threads)


def keep_judge(folder: Path, items: pl.DataFrame, reviews: pl.DataFrame, encoder: TokenEncoder) -> None:
    """Fit the judge of the run whose published tables these are, and write it into the run's folder."""
    texts = reviews.group_by("item_id").agg(pl.len().alias("texts"))
    chosen = _some_items(items["item_id"].to_list(), texts)
    own = reviews.filter(pl.col("item_id").is_in(chosen)).with_columns(positive=pl.lit(None, pl.Boolean))
    told = sentence_rows(own, items.filter(pl.col("item_id").is_in(chosen)).cast({"description": pl.String}))
    judge = fit_judge(told["sentence"].to_list(), encoder)
    (folder / JUDGE).write_text(write_judge(judge, encoder.encoder_id), encoding="utf-8")


def ask_one(run: OpenRun, search: EvidenceSearch, asked: Sequence[str], item_id: str, n: int) -> Answer:
    """Answer for one item; `asked`: a conversation, the question last."""
    found = search.judged(asked, _told(run, [item_id]), _called(run, [item_id]))
    answer = search.told(asked[-1], found, n=n)
    answer["item_id"] = item_id
    return answer


def ask_items(run: OpenRun, search: EvidenceSearch, asked: Sequence[str], item_ids: Sequence[str], n: int) -> Answer:
    """Answer across items: an item's best sentence speaks for it, and the items are ranked by it."""
    found = search.judged(asked, _told(run, item_ids), _called(run, item_ids))
    first = found.unique("item_id", keep="first", maintain_order=True)
    answer = search.told(asked[-1], first, n=n)
    titles = dict(run.items.select("item_id", "title").iter_rows())
    for quote, item_id in zip(answer["evidence"], first["item_id"], strict=False):  # the quotes are the first rows
        quote["item_id"], quote["title"] = item_id, titles[item_id]
    return answer


def compare_items(
    run: OpenRun, search: EvidenceSearch, asked: Sequence[str], item_ids: Sequence[str]
) -> list[Compared]:
    """Return price and first quote of each item, in the order given."""
    if not item_ids:
        return []
    marks = ", ".join("?" * len(item_ids))
    rows = run.query(f"SELECT item_id, title, price FROM items WHERE item_id IN ({marks})", list(item_ids))  # noqa: S608
    facts = {row["item_id"]: row for row in rows.iter_rows(named=True)}
    compared: list[Compared] = []
    for item_id in item_ids:
        quotes: list[Quote] = ask_one(run, search, asked, item_id, n=1)["evidence"]
        told = facts[item_id]
        compared.append({"item_id": item_id, "title": told["title"], "price": told["price"], "evidence": quotes})
    return compared


def _some_items(item_ids: Sequence[str], texts: pl.DataFrame) -> list[str]:
    """Return items, by the hash of their id, until there are texts enough; `texts`: item_id, texts."""
    counts = dict(texts.select("item_id", "texts").iter_rows())
    chosen, read = list[str](), 0
    for item_id in sorted(item_ids, key=hash_of):
        if read >= _READ:
            break
        chosen.append(item_id)
        read += counts.get(item_id, 0) + 1  # and the description
    return chosen


def _called(run: OpenRun, item_ids: Sequence[str]) -> dict[str, str]:
    """Return what kind of thing each item is, in words: its category, and what titles of the category share with its.

    The other words of a title may well be what is asked about: phone, but not waterproof.
    """
    shared: dict[str | None, set[str]] = {}
    called: dict[str, str] = {}
    for item_id, title, category in run.items[[run.row_of[each] for each in item_ids]].select(_NAMES).iter_rows():
        if category not in shared:
            titles = run.items.filter(pl.col("category").eq_missing(category))["title"].drop_nulls().head(_TITLES)
            counted = Counter(word for each in titles for word in set(words(each)))
            least = max(_FEWEST_TITLES, len(titles) * _TITLES_SHARE)
            shared[category] = {word for word, count in counted.items() if count >= least}
        kind = [word for word in words(title or "") if word in shared[category]]
        called[item_id] = " ".join([*kind, category or ""])
    return called


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
