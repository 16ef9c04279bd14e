"""Look at a shop's files and write the shop.toml that is guessed, for a person to correct."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from warehouse import InputError
from warehouse.guess import guess_shop

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["Guess", "write_guess"]


@dataclass(frozen=True, slots=True)
class Guess:
    """Where the guess was written, what it says, and the command to go on with."""

    path: Path
    text: str
    next_command: str


def write_guess(folder: Path, *, force: bool) -> Guess:
    """Write FOLDER/shop.toml.

    Raises:
        InputError: it is there already and `force` is not set, or FOLDER holds no file that could be a shop's,
            or cannot be written.
    """
    path = folder / "shop.toml"
    if path.exists() and not force:
        raise InputError(f"{path} is there already; correct it by hand, or pass --force to write over it")
    text = guess_shop(folder)
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        cure = "make the folder one that can be written, or look at a copy of it"
        raise InputError(f"{path}: cannot be written ({error.strerror}); {cure}") from error
    return Guess(path, text, f"shelfwise ingest --input {folder} --out {folder}-typed --config {path}")
