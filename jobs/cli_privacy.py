"""The commands of privacy: a user who asked to be forgotten."""
# ruff: noqa: TC001 typer reads the annotations at run time

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from jobs.cli_options import AsJson, Runs

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Add the commands to the command line."""
    app.command()(forget)


def forget(
    user_id: Annotated[str, typer.Argument(metavar="USER_ID", help="As the shop's files have it.", show_default=False)],
    runs: Runs,
    remember: Annotated[
        bool, typer.Option("--remember", help="Keep the id out of later nights even where no run knows it yet.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Remove one user from every kept run, history and cache, and keep later nights from bringing him back."""
    from jobs.forget import forget_user
    from jobs.report import console, print_json, show_rows

    done = forget_user(runs, user_id, remember=remember)  # what is shown names nobody: screens are kept in logs
    if as_json:
        print_json(asdict(done))
        return
    show_rows([{"where": name, "rows": rows} for name, rows in done.rows.items()], as_json=False)
    out = console()
    again = " (asked before: this completes it)" if done.already else ""
    out.print(f"forgotten{again}: {sum(done.rows.values()):,} rows in {len(done.runs_rebuilt)} runs and the histories")
    out.print(f"{done.texts_swept:,} texts' vectors swept; later nights leave the user out")
