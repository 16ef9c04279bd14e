"""The commands of marketing: who would want an item, and a campaign for a part of the catalogue."""
# ruff: noqa: TC001 typer reads the annotations at run time

from __future__ import annotations

from typing import Annotated

import typer

from jobs.cli_options import AsJson, ItemId, Phrase, Runs

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Add the commands to the command line."""
    app.command()(audience)
    app.command()(campaign)


def audience(
    item_id: ItemId,
    runs: Runs,
    k: Annotated[int, typer.Option("-k", min=1, help="Users.")] = 100,
    as_json: AsJson = False,
) -> None:
    """List the users most likely to want an item, each with its reason, and who is left out for having it already."""
    from jobs.audience_screens import show_audience
    from recsys import Recommender

    shop = Recommender.open(runs)
    show_audience(item_id, shop.audience(item_id, k=k), shop.left_out(item_id), as_json=as_json)


def campaign(
    where: Annotated[
        str,
        typer.Option(
            "--where", metavar="SQL", help="Over items joined with forecast: \"category = 'tea' and p90 < 3\""
        ),
    ],
    runs: Runs,
    k: Annotated[int, typer.Option("-k", min=1, help="Users an item.")] = 20,
    phrase: Phrase = None,
    as_json: AsJson = False,
) -> None:
    """Name the users for each item of a segment, each with a line of copy that the item's own data bear out."""
    from encoders import load_phraser
    from jobs.audience_screens import show_campaign
    from recsys import Recommender

    shop = Recommender.open(runs)
    phraser = None if phrase is None else load_phraser(phrase)
    show_campaign(shop.campaign(where, k=k, phrase=phraser), as_json=as_json)
