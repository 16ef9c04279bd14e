"""Wires the rooms into a night and owns the command line. One file a step; nobody imports it."""
