"""What to show: the vector index, similar items, the lists, and the Python door `Recommender`.

Names are loaded where they are first used, so that `import recsys` stays fast: no faiss, torch or LightGBM at import.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from recsys.config import RecommendConfig
    from recsys.errors import CorruptIndex, RecsysError, StaleIndex, UnknownItem
    from recsys.faiss_door import FaissStatus, faiss_status
    from recsys.filters import Filters
    from recsys.history import ShopHistory
    from recsys.lists import Lists, build_lists
    from recsys.recommender import Recommender, RunInfo
    from recsys.similar import similar_items
    from recsys.vector_index import VectorIndex

__all__ = [
    "CorruptIndex",
    "FaissStatus",
    "Filters",
    "Lists",
    "RecommendConfig",
    "Recommender",
    "RecsysError",
    "RunInfo",
    "ShopHistory",
    "StaleIndex",
    "UnknownItem",
    "VectorIndex",
    "build_lists",
    "faiss_status",
    "similar_items",
]

_HOME = {
    "CorruptIndex": "recsys.errors",
    "FaissStatus": "recsys.faiss_door",
    "Filters": "recsys.filters",
    "Lists": "recsys.lists",
    "RecommendConfig": "recsys.config",
    "Recommender": "recsys.recommender",
    "RecsysError": "recsys.errors",
    "RunInfo": "recsys.recommender",
    "ShopHistory": "recsys.history",
    "StaleIndex": "recsys.errors",
    "UnknownItem": "recsys.errors",
    "VectorIndex": "recsys.vector_index",
    "build_lists": "recsys.lists",
    "faiss_status": "recsys.faiss_door",
    "similar_items": "recsys.similar",
}


def __getattr__(name: str) -> object:
    """Load a public name from its module on first use (PEP 562)."""
    if name not in _HOME:
        msg = f"module 'recsys' has no attribute {name!r}; it has {', '.join(__all__)}"
        raise AttributeError(msg)
    return getattr(importlib.import_module(_HOME[name]), name)


def __dir__() -> list[str]:
    return list(__all__)
