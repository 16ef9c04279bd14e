"""The Python door: similar items, lists and search from one published run, each answer one polars frame."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, cast

import numpy as np
import polars as pl

from recsys.campaign import campaign_of, voice_of
from recsys.errors import RecsysError, StaleIndex
from recsys.filters import Filters, id_texts
from recsys.neighbours import places
from recsys.open_run import OpenRun, open_run
from recsys.served_audience import serve_audience, serve_left_out
from recsys.served_evidence import ask_items, ask_one, compare_items, evidence_of
from recsys.served_lists import serve_lists
from recsys.text_search import TextSearch

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from encoders import TokenEncoder
    from recsys.evidence import Answer, EvidenceSearch

__all__ = ["Recommender", "RunInfo"]


@dataclass(frozen=True, slots=True)
class RunInfo:
    """Which run answers: `cutoff` is its last day of data, `age_hours` the hours since it was published."""

    run_id: str
    cutoff: date
    encoder_id: str
    snapshot_id: str
    age_hours: float
    items: int


_ASKED_ITEMS = 20  # that a question about no one item is put to
_COMPARED = 3  # items beside the one that is asked about


@dataclass(frozen=True, slots=True)
class _Search:
    encoder: TokenEncoder
    texts: TextSearch
    evidence: list[EvidenceSearch]  # fitted when first asked: a search alone needs none


class Recommender:
    """Answers from one published run, from `open` to `refresh`; safe to use from many threads."""

    def __init__(self, path: Path, run: OpenRun, *, max_age: timedelta | None, encoder: TokenEncoder | None) -> None:
        """Use `Recommender.open`."""
        self._path = path
        self._run = run
        self._max_age = max_age
        self._encoder = encoder
        self._searches: dict[str, _Search] = {}
        self._loading = threading.Lock()

    @classmethod
    def open(
        cls, path: str | Path, *, max_age: timedelta | None = None, encoder: TokenEncoder | None = None
    ) -> Recommender:
        """Open the published run of a runs folder, of a run's own folder, or of a .duckdb file.

        `max_age`: refuse a run published longer ago. `encoder`: what turns a search into a vector; None: the run's own
        is loaded on the first search.

        Raises:
            CorruptIndex: a file is not what the run's manifest says; offers the run before it.
            StaleIndex: older than `max_age`, or `encoder` is not the one that made the run's vectors.
        """
        opened = cls(Path(path), open_run(Path(path)), max_age=max_age, encoder=encoder)
        opened._check_age(opened._run)
        if encoder is not None:
            _check_encoder(opened._run, encoder)
        return opened

    @property
    def run(self) -> RunInfo:
        """Return what run this is and how old it is now."""
        return _info(self._run)

    def refresh(self) -> RunInfo:
        """Take the run that is published now and return which it is; calls under way finish on the one before."""
        run = open_run(self._path)
        self._check_age(run)
        if self._encoder is not None:
            _check_encoder(run, self._encoder)
        self._run = run
        return _info(run)

    def similar_items(
        self, items: str | int | Sequence[str | int], k: int = 20, *, filters: Filters | None = None
    ) -> pl.DataFrame:
        """Return the `k` nearest of each item: query_item_id, item_id, rank, score, reason, title.

        Without filters the rows that the night published; with them, or beyond these, the index is asked, with the same
        answer. Fewer rows where fewer items may be shown; never the item itself.

        Raises:
            UnknownItem: an id that this run does not have; names the nearest.
            TypeError: an id that is neither text nor a whole number.
            ValueError: `k` below 1.
        """
        run = self._run
        _check_k(k)
        ids = id_texts(items)
        rows = run.rows(ids)
        allowed = run.allowed(filters)
        published = _published_neighbours(run, ids)
        if allowed is None and k <= run.similar_depth:
            return published.filter(pl.col("rank") <= k)
        near = run.neighbours.of(rows, k=k, allowed=allowed)
        item_ids, titles = run.index.item_ids, run.items["title"]
        found = pl.DataFrame(
            {
                "query_item_id": [item_ids[row] for row in near.query],
                "item_id": [item_ids[row] for row in near.item],
                "rank": places(near.query),
                "score": near.score.astype(np.float64),
                "reason": run.facts.reasons(near, np.zeros(len(near.query), dtype=np.int64)),
                "title": titles.gather(near.item),
            },
            schema=published.schema,
        )
        # the night counted who bought both: where it published the pair, its reason says more
        known = published.select("query_item_id", "item_id", pl.col("reason").alias("published"))
        return found.join(known, on=["query_item_id", "item_id"], how="left", maintain_order="left").select(
            *found.columns[:4], pl.coalesce("published", "reason").alias("reason"), "title"
        )

    def recommend(
        self, users: str | int | Sequence[str | int], k: int = 20, *, filters: Filters | None = None
    ) -> pl.DataFrame:
        """Return `k` items for each user: user_id, item_id, rank, score, source, reason, title.

        Without filters the published list, with them the user's list before its cut, both continued by what is popular;
        min(k, what may be shown) rows. A user that the run does not know gets the popular list, source `popular`.

        Raises:
            TypeError: an id that is neither text nor a whole number.
            ValueError: `k` below 1.
        """
        run = self._run
        _check_k(k)
        asked = id_texts(users)
        called = run.published.user_names(asked)
        found = serve_lists(run, called, k, run.allowed(filters))
        found = found.with_columns(pl.col("user_id").replace(dict(zip(called, asked, strict=True))))
        return found.join(run.items.select("item_id", "title"), on="item_id", how="left", maintain_order="left")

    def audience(self, item_id: str | int, k: int = 100) -> pl.DataFrame:
        """Return the `k` users most likely to buy an item: item_id, user_id, rank, score, source, reason, title.

        Beyond those whom the night kept for the item, the most active users; min(k, users who may be asked) rows. Those
        who are left out because they have it already: `left_out`.

        Raises:
            UnknownItem: an id that this run does not have; names the nearest.
            ValueError: `k` below 1.
        """
        _check_k(k)
        (asked,) = id_texts(item_id)
        return serve_audience(self._run, asked, k)

    def left_out(self, item_id: str | int) -> pl.DataFrame:
        """Return who is left out of an item's audience: user_id, times, last_bought; nobody where lists keep it.

        Raises:
            UnknownItem: an id that this run does not have; names the nearest.
        """
        (asked,) = id_texts(item_id)
        return serve_left_out(self._run, asked)

    def campaign(self, segment: str, k: int = 20, *, phrase: Callable[[str], str] | None = None) -> pl.DataFrame:
        """Return up to `k` users for each item of a segment, each with a line of copy; see `recsys.campaign`.

        `segment`: a SQL condition over `items` joined with `forecast`. `phrase` puts a line in other words; what it
        claims beyond the item's data is refused, and the plain line stands.

        Raises:
            RecsysError: a condition that DuckDB does not understand; names the columns there are.
            ValueError: `k` below 1.
        """
        run = self._run
        _check_k(k)
        search = self._search_of(run)
        voice = voice_of(run, search.encoder, search.texts.vectors, phrase)
        return campaign_of(run, segment, k=k, voice=voice)

    def search(self, text: str, k: int = 20, *, filters: Filters | None = None) -> pl.DataFrame:
        """Return the `k` items that `text` means or names: item_id, rank, score, title; see `recsys.text_search`.

        Raises:
            StaleIndex: the encoder at hand is not the one that made the run's vectors.
            TypeError: `text` is no text.
            ValueError: `text` is blank, or `k` below 1.
        """
        run = self._run
        _check_k(k)
        _check_text(text)
        search = self._search_of(run)
        (vector,) = search.encoder.encode([text], kind="query")
        scores = search.texts.scores(text, vector)
        allowed = run.allowed(filters)
        if allowed is not None:
            scores = np.where(allowed, scores, -np.inf)
        item_ids = run.index.item_ids
        order = sorted(np.flatnonzero(scores > -np.inf).tolist(), key=lambda row: (-scores[row], item_ids[row]))[:k]
        return pl.DataFrame(
            {
                "item_id": [item_ids[row] for row in order],
                "rank": np.arange(1, len(order) + 1, dtype=np.int32),
                "score": scores[order],
                "title": run.items["title"].gather(order),
            },
            schema={"item_id": pl.String, "rank": pl.Int32, "score": pl.Float64, "title": pl.String},
        )

    def ask(
        self,
        question: str,
        item_id: str | int | None = None,
        n: int = 3,
        *,
        context: Sequence[str] = (),
        compare: bool = False,
    ) -> Answer:
        """Answer a question with up to `n` sentences of the item's own reviews and description, or with no evidence.

        Without `item_id` the items that `search` finds are asked, and ranked by their best sentence. `context`: what
        was asked before; the last of it is read with the question. `compare`: what the nearest items in stock cost,
        and what they say to the same.

        Raises:
            UnknownItem: an id that this run does not have; names the nearest.
            TypeError, ValueError: a question that is no text or blank, or `n` below 1.
        """
        run = self._run
        _check_k(n)
        _check_text(question)
        whole = f"{context[-1]} {question}" if context else question
        if item_id is None:
            near = self.search(whole, k=_ASKED_ITEMS)["item_id"].to_list()
            answer = ask_items(run, self._evidence_of(run), whole, near, n)
        else:
            (asked,) = id_texts(item_id)
            run.rows([asked])
            answer = ask_one(run, self._evidence_of(run), whole, asked, n)
        answer["question"] = question
        if compare:
            if item_id is not None:
                near = self.similar_items(item_id, _COMPARED, filters=Filters(in_stock=True))["item_id"].to_list()
            answer["compared"] = compare_items(run, self._evidence_of(run), whole, near[:_COMPARED])
        return answer

    def _evidence_of(self, run: OpenRun) -> EvidenceSearch:
        search = self._search_of(run)
        with self._loading:
            if not search.evidence:
                search.evidence.append(evidence_of(run, search.encoder))
            return search.evidence[0]

    def _search_of(self, run: OpenRun) -> _Search:
        run_id = run.published.run_id
        with self._loading:
            known = self._searches.get(run_id)
            if known is None:
                encoder = self._encoder or _load_encoder(run)
                _check_encoder(run, encoder)
                known = _Search(encoder, TextSearch.fit(run.items, run.index, text_dim=encoder.dim), [])
                self._searches = {run_id: known}  # the run before is not asked again
            return known

    def _check_age(self, run: OpenRun) -> None:
        if self._max_age is None:
            return
        info = _info(run)
        if info.age_hours > self._max_age.total_seconds() / 3600:
            msg = (
                f"run {info.run_id} (cutoff {info.cutoff}) was published {info.age_hours:.1f} hours ago, and max_age "
                f"is {self._max_age}; publish again with shelfwise nightly, or pass a longer max_age"
            )
            raise StaleIndex(msg)


def _info(run: OpenRun) -> RunInfo:
    facts = run.published.facts
    return RunInfo(
        run_id=run.published.run_id,
        cutoff=date.fromisoformat(str(facts["cutoff"])),
        encoder_id=str(facts["encoder_id"]),
        snapshot_id=str(facts["snapshot_id"]),
        age_hours=(datetime.now(UTC).replace(tzinfo=None) - run.published_at).total_seconds() / 3600,
        items=len(run.index),
    )


def _check_k(k: int) -> None:
    if isinstance(k, bool) or not isinstance(k, (int, np.integer)):
        msg = f"k is a whole number; found {k!r} ({type(k).__name__})"
        raise TypeError(msg)
    if k < 1:
        msg = f"k must be at least 1; found {k}"
        raise ValueError(msg)


def _check_text(text: object) -> None:
    if not isinstance(text, str):
        msg = f"search takes text; found {text!r} ({type(text).__name__})"
        raise TypeError(msg)
    if not text.strip():
        msg = "search: the text is blank; say what to look for"
        raise ValueError(msg)


def _published_neighbours(run: OpenRun, ids: Sequence[str]) -> pl.DataFrame:
    marks = ", ".join("?" * len(ids)) or "NULL"
    found = run.query(
        f"""
        SELECT query_item_id, item_id, rank, score, reason, title FROM similar_items
        WHERE kind = 'blend' AND query_item_id IN ({marks}) ORDER BY query_item_id, rank
        """,  # noqa: S608 (marks are question marks)
        list(ids),
    )
    asked = pl.DataFrame({"query_item_id": list(ids)}, schema={"query_item_id": pl.String})
    return asked.join(found, on="query_item_id", maintain_order="left_right")


def _load_encoder(run: OpenRun) -> TokenEncoder:
    from encoders import EncoderConfig, load_encoder

    told = cast("Mapping[str, object]", run.published.facts["encoder"])
    return load_encoder(
        EncoderConfig(
            name=str(told["name"]), max_tokens=int(str(told["max_tokens"])), threads=int(str(told["threads"]))
        )
    )


def _check_encoder(run: OpenRun, encoder: TokenEncoder) -> None:
    ours, theirs = encoder.encoder_id, str(run.published.facts["encoder_id"])
    if ours != theirs:
        msg = (
            f"run {run.published.run_id} has vectors of encoder {theirs!r}, and the encoder at hand is {ours!r}: their "
            "vectors cannot be compared; pass the run's encoder, or publish again with shelfwise nightly"
        )
        raise StaleIndex(msg)
    if encoder.dim > run.index.dim:
        msg = f"run {run.published.run_id} was published without text vectors: there is nothing to search by meaning"
        raise RecsysError(msg)
