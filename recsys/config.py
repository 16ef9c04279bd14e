"""How lists are made: lengths, rules, candidate sources, and how the ranker is trained."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = ["SOURCES", "RecommendConfig"]

SOURCES = frozenset({"covisit", "company", "text", "browsing", "attributes", "popular", "season", "interest", "repeat"})


@dataclass(frozen=True, slots=True, kw_only=True)
class RecommendConfig:
    """Defaults fit a shop by day.

    `k`, `similar_k`: rows a list. `depth`: rows a user before the cut to k. `bought_before`: whether what a user has
    bought may be shown again; auto decides by how often this shop's users buy an item again. `active_days`: users
    without a purchase or interest in so many days get no list. `stock_risk_above`: the probability of being out of
    stock by the end of the first period above which an item gives way to its twin. `sources`: the candidate sources
    that are asked. `window_days`, `windows`: the ranker learns from so many past windows of so many days.
    `measure`: whether the lists' quality on the last of these windows is measured. `audience`: users an item for whom
    a night keeps how much they want it; 0 keeps none.
    """

    k: int = 20
    similar_k: int = 20
    depth: int = 100
    bought_before: Literal["hide", "keep", "auto"] = "auto"
    active_days: int | None = None
    stock_aware: bool = True
    stock_risk_above: float = 0.5
    sources: frozenset[str] = SOURCES
    window_days: int = 28
    windows: int = 4
    audience: int = 100
    measure: bool = True
    seed: int = 0
    threads: int = 2

    def __post_init__(self) -> None:
        """Refuse what no list can be made from."""
        if unknown := self.sources - SOURCES:
            msg = f"sources: unknown {', '.join(sorted(unknown))}; known are {', '.join(sorted(SOURCES))}"
            raise ValueError(msg)
        for name in ("k", "similar_k", "depth", "window_days", "threads"):
            if getattr(self, name) < 1:
                msg = f"{name} is {getattr(self, name)}; at least 1 is wanted"
                raise ValueError(msg)
        if self.audience < 0:
            msg = f"audience is {self.audience}; 0 (none) or more is wanted"
            raise ValueError(msg)
        if self.bought_before not in ("hide", "keep", "auto"):
            msg = f"bought_before is {self.bought_before!r}; it is hide, keep or auto"
            raise ValueError(msg)
