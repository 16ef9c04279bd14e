"""The options and arguments that commands share."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

__all__ = ["AsJson", "Config", "Cutoff", "Input", "ItemId", "Phrase", "Runs", "Set"]

Runs = Annotated[
    Path, typer.Option("--runs", metavar="DIR", help="The folder of runs; DIR/current is the published one.")
]
Input = Annotated[
    Path, typer.Option("--input", metavar="FOLDER", help="The shop's files: CSV (also .gz), Parquet or JSONL.")
]
Config = Annotated[
    Path | None, typer.Option("--config", metavar="shop.toml", help="Needed only where names or defaults do not fit.")
]
Cutoff = Annotated[
    datetime | None, typer.Option("--cutoff", formats=["%Y-%m-%d"], help="Last day of data that is seen.")
]
Set = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="Override a key: --set horizon=4 --set check.ndcg_drop=0.2"),
]
AsJson = Annotated[bool, typer.Option("--json", help="Plain JSON on stdout.")]
ItemId = Annotated[str, typer.Argument(metavar="ITEM_ID", show_default=False)]
Phrase = Annotated[
    str | None,
    typer.Option(
        "--phrase",
        metavar="MODEL",
        help="Let a language model put it in other words: smollm2-135m-instruct, or the folder of one. What says more "
        "than its sources is refused.",
    ),
]
