"""Audiences and campaigns on the screen: the users with their reasons, who is left out, the lines of copy."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jobs.report import console, print_json, show_rows

if TYPE_CHECKING:
    import polars as pl

__all__ = ["show_audience", "show_campaign"]

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


def show_campaign(lines: pl.DataFrame, *, as_json: bool) -> None:
    """Show a campaign item by item; JSON: a list of item_id, title, users, each of these with the line for them."""
    parts = [part for _, part in lines.group_by("item_id", maintain_order=True)]
    if as_json:
        heads = [{name: part[name][0] for name in ("item_id", "title")} for part in parts]
        users = [part.drop("item_id", "title").to_dicts() for part in parts]
        print_json([{**head, "users": own} for head, own in zip(heads, users, strict=True)])
        return
    out = console()
    out.print(f"{len(parts):,} items, {lines['user_id'].n_unique():,} users, {lines.height:,} lines", highlight=False)
    for part in parts:
        item_id, title = part.row(0, named=True)["item_id"], part.row(0, named=True)["title"]
        out.print(f"{item_id} {title or ''}", style="bold", markup=False, highlight=False)
        for row in part.iter_rows(named=True):
            out.print(f"  {row['user_id']} ({row['reason']})", markup=False, highlight=False)
            out.print(f"    {row['copy']}", style="cyan", markup=False, highlight=False)
            if row["refused"]:
                out.print(f"    refused: {row['refused']}", markup=False, highlight=False)
