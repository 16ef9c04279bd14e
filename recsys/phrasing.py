"""What a text model made of the shop's own words: it stands where they hold it, and is refused by name where not."""

from __future__ import annotations

from typing import TYPE_CHECKING

from recsys.claims import objections

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from recsys.evidence import Answer

    Phrase = Callable[[str], str]

__all__ = ["phrase_line", "phrased"]


def phrase_line(line: str, sources: Sequence[str], phrase: Phrase) -> tuple[str | None, str | None]:
    """Return what `phrase` makes of a line, or None and why it is refused: it says what no source does, or nothing."""
    put = phrase(line).strip()
    against = objections(put, sources) if put else ["nothing was said"]
    return (None, f"{put!r}: {', '.join(against)}") if against else (put, None)


def phrased(answer: Answer, phrase: Phrase) -> Answer:
    """Return an answer with its quotes, which stay beside it, put in other words as `answer`.

    What says more than the quotes is dropped: `answer` stays None, and `refused` holds what was said and why. "No
    evidence" is not phrased.
    """
    quotes = [quote["sentence"] for quote in answer["evidence"]]
    if not quotes:
        return answer
    put, refused = phrase_line(" ".join(quotes), quotes, phrase)
    told: Answer = {**answer, "answer": put}
    if refused is not None:
        told["refused"] = refused
    return told
