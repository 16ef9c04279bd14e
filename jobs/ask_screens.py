"""The screen of an answer: its quotes with where each comes from, and what is set beside it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jobs.report import console, print_json

if TYPE_CHECKING:
    from rich.console import Console

    from recsys.evidence import Answer, Quote

__all__ = ["show_answer"]


def show_answer(answer: Answer, *, as_json: bool) -> None:
    """Show an answer; no quote is "no evidence"."""
    if as_json:
        print_json(answer)
        return
    out = console()
    if answer["answer"]:
        _print(out, answer["answer"])
    if "refused" in answer:
        _print(out, f"refused: {answer['refused']}")
    for quote in answer["evidence"]:
        _show_quote(out, quote, indent="")
    if answer["about"]:
        share = answer["positive_share"]
        told = "" if share is None else f", {share:.0%} of the reviews behind them positive"
        _print(out, f"{answer['about']} sentences about it{told}")
    for item in answer.get("compared", ()):
        price = "" if item["price"] is None else f", {item['price']:,.2f}"
        _print(out, f"beside it: {item['item_id']} {item['title'] or ''}{price}")
        for quote in item["evidence"]:
            _show_quote(out, quote, indent="  ")
        if not item["evidence"]:
            _print(out, "  no evidence")


def _show_quote(out: Console, quote: Quote, *, indent: str) -> None:
    facts = [quote["source"]]
    if quote["review_id"] is not None:
        facts.append(quote["review_id"])
    if quote["date"] is not None:
        facts.append(quote["date"].isoformat())
    if quote["stars"] is not None:
        facts.append(f"{quote['stars']:g} stars")
    if "item_id" in quote:
        facts.insert(0, f"{quote['item_id']} {quote['title'] or ''}".strip())
    _print(out, f"{indent}“{quote['sentence']}”")
    _print(out, f"{indent}  {', '.join(facts)}; score {quote['score']:.2f}")


def _print(out: Console, text: str) -> None:
    out.print(text, markup=False, highlight=False)
