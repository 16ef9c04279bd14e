"""A question put to the published run from the command line."""

from __future__ import annotations

from typing import TYPE_CHECKING

from encoders import load_phraser
from recsys import Recommender
from warehouse import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from recsys.evidence import Answer

__all__ = ["ask_run"]


def ask_run(  # noqa: PLR0913 an argument is an option of the command line
    runs: Path,
    words: Sequence[str],
    *,
    n: int,
    compare: bool,
    context: Path | None,
    phrase: str | None = None,
) -> Answer:
    """Answer `words`: the question alone, or an item's id and the question; `phrase`: a model for other words.

    Raises:
        InputError: more words than these, a blank question, a context that cannot be read, or `phrase` without an item.
        EncoderError: `phrase` names no language model that can be read.
    """
    if len(words) > 2:
        raise InputError(f"ask takes [ITEM_ID] QUESTION; found {len(words)} arguments: put the question in quotes")
    if not words[-1].strip():
        raise InputError("ask: the question is blank; say what to ask")
    before = () if context is None else _questions(context)
    item_id = words[0] if len(words) == 2 else None
    if phrase is not None and item_id is None:
        raise InputError("--phrase puts one item's quotes in other words: name it, ask ITEM_ID QUESTION")
    shop = Recommender.open(runs)
    phraser = None if phrase is None else load_phraser(phrase)
    return shop.ask(words[-1], item_id, n, context=before, compare=compare, phrase=phraser)


def _questions(path: Path) -> tuple[str, ...]:
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"--context {path}: cannot be read ({error}); wanted a text of one question a line") from error
    return tuple(line.strip() for line in lines if line.strip())
