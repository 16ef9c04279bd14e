"""A search of a published run, and what it needs beyond the run: the encoder, the texts, the judge of questions."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import numpy as np
import polars as pl

from recsys.errors import RecsysError, StaleIndex
from recsys.questions import without_kind
from recsys.served_evidence import evidence_of
from recsys.text_search import TextSearch

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from encoders import TokenEncoder
    from recsys.evidence import EvidenceSearch
    from recsys.open_run import OpenRun

__all__ = ["Fitted", "Searches", "items_to_ask", "serve_search"]


@dataclass(frozen=True, slots=True)
class Fitted:
    """What was loaded and fitted for one run."""

    run: OpenRun
    encoder: TokenEncoder
    texts: TextSearch
    evidence: list[EvidenceSearch]  # fitted when first asked: a search alone needs none


class Searches:
    """Loads and fits when first asked, and keeps what it has for one run at a time; threads may share it."""

    def __init__(self, encoder: TokenEncoder | None) -> None:
        """Search with `encoder`; None: each run's own is loaded."""
        self._encoder = encoder
        self._fitted: Fitted | None = None
        self._loading = threading.Lock()

    def check(self, run: OpenRun) -> None:
        """Pass, or raise.

        Raises:
            StaleIndex: the encoder that was given is not the one that made the run's vectors.
        """
        if self._encoder is not None:
            _check_encoder(run, self._encoder)

    def of(self, run: OpenRun) -> Fitted:
        """Return what searches `run`.

        Raises:
            StaleIndex: the encoder at hand is not the one that made the run's vectors.
            RecsysError: the run was published without text vectors.
        """
        with self._loading:
            # the run itself, not its id: one whose user was forgotten keeps its id and has other texts
            if self._fitted is None or self._fitted.run is not run:
                encoder = self._encoder or _load_encoder(run)
                _check_encoder(run, encoder)
                texts = TextSearch.fit(run.items, run.index, text_dim=encoder.dim)
                self._fitted = Fitted(run, encoder, texts, [])  # the run before is not asked again
            return self._fitted

    def evidence(self, run: OpenRun) -> EvidenceSearch:
        """Return what answers questions from the texts of `run`; raises what `of` does."""
        fitted = self.of(run)
        with self._loading:
            if not fitted.evidence:
                fitted.evidence.append(evidence_of(run, fitted.encoder))
            return fitted.evidence[0]


def serve_search(fitted: Fitted, text: str, k: int, allowed: NDArray[np.bool_] | None) -> pl.DataFrame:
    """Return the `k` items nearest to `text`: item_id, rank, score, title; ties by id."""
    run = fitted.run
    (vector,) = fitted.encoder.encode([text], kind="query")
    scores = fitted.texts.scores(text, vector)  # (n_items,)
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


def items_to_ask(fitted: Fitted, question: str, k: int) -> list[str]:
    """Return the `k` items that search finds for a question about no one item.

    Where it names a category of the shop (which phone lasts longest?), they are of that category, and the rest of the
    question finds them: else the word alone would find whatever has it in its title, phone cases first.
    """
    categories = fitted.run.items["category"]
    rest, named = without_kind(question, categories.drop_nulls().unique().to_list())
    if not named or not rest:
        return serve_search(fitted, question, k, None)["item_id"].to_list()
    allowed = categories.is_in(list(named)).fill_null(value=False).to_numpy()
    return serve_search(fitted, rest, k, allowed)["item_id"].to_list()


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
