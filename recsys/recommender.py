"""The Python door: similar items, lists and search from one published run, each answer one polars frame."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from recsys.campaign import campaign_of, voice_of
from recsys.errors import RecsysError, StaleIndex
from recsys.filters import Filters, id_texts
from recsys.open_run import OpenRun, open_run
from recsys.phrasing import phrased
from recsys.served_audience import serve_audience, serve_left_out
from recsys.served_evidence import ask_items, ask_one, compare_items
from recsys.served_lists import serve_lists
from recsys.served_search import Searches, items_to_ask, serve_search
from recsys.served_similar import serve_similar

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from encoders import TokenEncoder
    from recsys.evidence import Answer

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


class Recommender:
    """Answers from one published run, from `open` to `refresh`; safe to use from many threads."""

    def __init__(self, path: Path, run: OpenRun, *, max_age: timedelta | None, encoder: TokenEncoder | None) -> None:
        """Use `Recommender.open`."""
        self._path = path
        self._run = run
        self._max_age = max_age
        self._searches = Searches(encoder)

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
        opened._searches.check(opened._run)
        return opened

    @property
    def run(self) -> RunInfo:
        """Return what run this is and how old it is now."""
        return _info(self._run)

    def refresh(self) -> RunInfo:
        """Take the run that is published now and return which it is; calls under way finish on the one before."""
        run = open_run(self._path)
        self._check_age(run)
        self._searches.check(run)
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
        return serve_similar(run, id_texts(items), k, run.allowed(filters))

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
        fitted = self._searches.of(run)
        voice = voice_of(run, fitted.encoder, fitted.texts.vectors, phrase)
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
        return serve_search(self._searches.of(run), text, k, run.allowed(filters))

    def ask(  # noqa: PLR0913 a question has a context, an answer its wording
        self,
        question: str,
        item_id: str | int | None = None,
        n: int = 3,
        *,
        context: Sequence[str] = (),
        compare: bool = False,
        phrase: Callable[[str], str] | None = None,
    ) -> Answer:
        """Answer a question with up to `n` sentences of the item's own reviews and description, or with no evidence.

        Without `item_id` the items that `search` finds are asked, and ranked by their best sentence. `context`: what
        was asked before; it counts less the longer ago, in full where the question says nothing of its own. `compare`:
        what the nearest items in stock cost, and what they say to the same. `phrase` puts the quotes in other words, as
        `answer` beside them; what says more than they do is dropped, and `refused` says so (`recsys.phrasing`).

        Raises:
            RecsysError: `phrase` without an item: quotes of several items make no one text.
            UnknownItem: an id that this run does not have; names the nearest.
            TypeError, ValueError: a question that is no text or blank, or `n` below 1.
        """
        run = self._run
        _check_k(n)
        _check_text(question)
        if phrase is not None and item_id is None:
            raise RecsysError("ask: phrase puts the quotes of one item in other words; say of which, item_id=")
        before = (context,) if isinstance(context, str) else context
        conversation = (*before, question)
        if item_id is None:
            near = items_to_ask(self._searches.of(run), " ".join(conversation[-2:]), _ASKED_ITEMS)
            answer = ask_items(run, self._searches.evidence(run), conversation, near, n)
        else:
            (asked,) = id_texts(item_id)
            run.rows([asked])
            answer = ask_one(run, self._searches.evidence(run), conversation, asked, n)
        answer["question"] = question
        if compare:
            if item_id is not None:
                nearest = serve_similar(run, [asked], _COMPARED, run.allowed(Filters(in_stock=True)))
                near = nearest["item_id"].to_list()
            answer["compared"] = compare_items(run, self._searches.evidence(run), conversation, near[:_COMPARED])
        return answer if phrase is None else phrased(answer, phrase)

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
