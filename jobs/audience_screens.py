"""An audience on the screen: the users with their reasons, and who is left out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jobs.report import console, print_json, show_rows

if TYPE_CHECKING:
    import polars as pl

__all__ = ["show_audience"]

_NAMED = 5  # of those left out, on a person's screen


def show_audience(item_id: str, users: pl.DataFrame, left_out: pl.DataFrame, *, as_json: bool) -> None:
    """Show the users of one item, best first; JSON: item_id, title, audience, left_out."""
    title = users["title"][0] if users.height else None
    if as_json:
        rows = users.drop("item_id", "title").to_dicts()
        print_json({"item_id": item_id, "title": title, "audience": rows, "left_out": left_out.to_dicts()})
        return
    out = console()
    out.print(f"{item_id} {title or ''}", markup=False, highlight=False)
    show_rows(users.select("rank", "user_id", "score", "source", "reason"), as_json=False)
    if left_out.height:
        named = ", ".join(left_out["user_id"].head(_NAMED)) + (", …" if left_out.height > _NAMED else "")
        out.print(f"left out, for they have it already: {left_out.height:,} ({named})", markup=False, highlight=False)
    else:
        out.print("left out: nobody", highlight=False)
