"""The command of customer service: a question, answered with what reviews and descriptions say."""
# ruff: noqa: TC001, TC003 typer reads the annotations at run time

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from jobs.cli_options import AsJson, Phrase, Runs

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command()(ask)


def ask(  # noqa: PLR0913 an argument is an option of the command line
    words: Annotated[
        list[str], typer.Argument(metavar="[ITEM_ID] QUESTION", help="Without ITEM_ID, items are found and ranked.")
    ],
    runs: Runs,
    n: Annotated[int, typer.Option("-n", min=1, help="Quotes.")] = 3,
    compare: Annotated[bool, typer.Option("--compare", help="Set the nearest items in stock beside it.")] = False,
    context: Annotated[
        Path | None, typer.Option("--context", metavar="FILE", help="What was asked before, a question a line.")
    ] = None,
    phrase: Phrase = None,
    as_json: AsJson = False,
) -> None:
    """Answer a question in the words of reviews and descriptions, or say that there is no evidence."""
    from jobs.ask import ask_run
    from jobs.ask_screens import show_answer

    answer = ask_run(runs, words, n=n, compare=compare, context=context, phrase=phrase)
    show_answer(answer, as_json=as_json)
