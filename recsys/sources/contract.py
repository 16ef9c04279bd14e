"""What every candidate source is: fitted on one evening, it scores every item for any user."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Product", "Source"]


class Source(Protocol):
    """A fitted source. `take`: how many of its best items become candidates."""

    @property
    def name(self) -> str: ...  # noqa: D102

    @property
    def take(self) -> int: ...  # noqa: D102

    def scores(self, users: NDArray[np.int64]) -> NDArray[np.float32]:
        """Return scores of shape (users, items): higher is better, 0 or less is no candidate."""
        ...


@dataclass(frozen=True, slots=True)
class Product:
    """A source whose scores are a user's profile times what the items say of one another.

    `profiles`: (users, m) sparse or dense. `items`: (m, items) sparse or dense.
    """

    name: str
    take: int
    profiles: Any
    items: Any

    def scores(self, users: NDArray[np.int64]) -> NDArray[np.float32]:
        """Return (users, items)."""
        found = self.profiles[users] @ self.items
        dense = found.toarray() if hasattr(found, "toarray") else found
        return np.ascontiguousarray(dense, dtype=np.float32)
