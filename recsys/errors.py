"""What can go wrong at the recommender's door, each by its own name."""

from __future__ import annotations

__all__ = ["CorruptIndex", "RecsysError", "StaleIndex", "UnknownItem"]


class RecsysError(Exception):
    """What is wrong, where, what was found and what cures it."""


class UnknownItem(RecsysError, KeyError):  # noqa: N818 (the door's name)
    """An id that no item of the run has; names the nearest ids."""

    def __str__(self) -> str:
        """Return the message as it is: KeyError alone would show its repr."""
        return str(self.args[0]) if self.args else ""


class StaleIndex(RecsysError):  # noqa: N818 (the door's name)
    """The run is older than asked for, or its vectors come from another encoder."""


class CorruptIndex(RecsysError):  # noqa: N818 (the door's name)
    """A file of the index or of its run is not what its manifest says."""
