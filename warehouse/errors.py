"""What can go wrong in the warehouse, by whose fault: the input's, or a run's on disk."""

from __future__ import annotations

__all__ = ["CorruptRun", "InputError", "UnknownRun", "WarehouseError"]


class WarehouseError(Exception):
    """Anything that the warehouse refuses or finds broken."""


class InputError(WarehouseError):
    """Bad input, a bad configuration, an unknown id or run: nothing is published (exit code 2)."""


class UnknownRun(InputError):  # noqa: N818  the name is what was asked for, and a door that other rooms catch
    """No run of that id is kept, or there is none to go back to."""


class CorruptRun(WarehouseError):  # noqa: N818  the name is a state of a run, and a door that other rooms catch
    """A file of a run is missing or is not what the run's manifest says."""
