"""Wires the rooms into a night and owns the command line. One file a step; nobody imports it."""

__all__: list[str] = []  # the door is the command line; nobody imports jobs
