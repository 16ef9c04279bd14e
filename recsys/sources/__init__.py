"""Candidate sources, one a file: each scores every item for a user from one kind of knowledge.

`fit_sources` fits them on a view, so that a source knows nothing from after its evening.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from recsys.sources.attributes import fit_attributes
from recsys.sources.company import fit_company
from recsys.sources.covisit import fit_covisit
from recsys.sources.popular import fit_popular, fit_season
from recsys.sources.repeats import fit_interest, fit_repeat
from recsys.sources.text import fit_browsing, fit_text

if TYPE_CHECKING:
    from collections.abc import Callable

    from recsys.sources.contract import Source
    from recsys.view import View

__all__ = ["FITTERS", "fit_sources"]

# the order settles which source a row is told to come from where two rank it alike
FITTERS: dict[str, Callable[[View], Source]] = {
    "repeat": fit_repeat,
    "covisit": fit_covisit,
    "company": fit_company,
    "text": fit_text,
    "browsing": fit_browsing,
    "interest": fit_interest,
    "attributes": fit_attributes,
    "popular": fit_popular,
    "season": fit_season,
}


def fit_sources(view: View, wanted: frozenset[str]) -> tuple[Source, ...]:
    """Return the wanted sources, fitted on what the view knows, in the order of `FITTERS`."""
    return tuple(fit(view) for name, fit in FITTERS.items() if name in wanted)
