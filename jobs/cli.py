"""The command line: parse, call one function, map what went wrong to an exit code. Data on stdout, logs on stderr."""
# ruff: noqa: TC001, TC003 typer reads the annotations at run time

from __future__ import annotations

import logging
import signal
import sys
from datetime import date
from pathlib import Path
from types import FrameType
from typing import Annotated, Literal, NoReturn

import typer

from jobs import cli_ask, cli_audience, cli_privacy, cli_sentiment
from jobs.cli_options import AsJson, Config, Cutoff, Input, ItemId, Runs, Set
from jobs.logs import log_to_stderr

__all__ = ["Interrupted", "app", "main"]

logger = logging.getLogger("jobs")

EXIT_FAILED, EXIT_INPUT, EXIT_DEGRADED, EXIT_LOCKED, EXIT_REFUSED = 1, 2, 3, 4, 5

app = typer.Typer(
    name="shelfwise",
    help="What to show, what to stock: recommendations and demand forecasts from one set of text vectors.",
    epilog="Exit codes: 0 published or answered; 1 failed inside; 2 bad input or configuration; 3 published "
    "with a named degradation; 4 locked; 5 refused by the checks; 130 and 143 interrupted.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


class Interrupted(BaseException):
    """SIGINT or SIGTERM came: the night cleans up, the ledger says interrupted, the exit code is 128 + the signal."""

    def __init__(self, signal_number: int) -> None:
        super().__init__(f"interrupted by {signal.Signals(signal_number).name}")
        self.exit_code = 128 + signal_number


@app.command()
def doctor(as_json: AsJson = False) -> None:
    """Say what is installed and what this machine has, and name the cure for what is wrong."""
    from jobs.doctor import examine
    from jobs.screens import show_examination

    examination = examine()
    show_examination(examination, as_json=as_json)
    if not all(finding.ok for finding in examination):
        raise typer.Exit(EXIT_INPUT)


@app.command()
def init(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="A shop's files.")],
    force: Annotated[bool, typer.Option("--force", help="Write over a shop.toml that is there.")] = False,
    as_json: AsJson = False,
) -> None:
    """Look at a shop's files and write the shop.toml that it guesses, for a person to correct."""
    from jobs.init import write_guess
    from jobs.screens import show_guess

    show_guess(write_guess(folder, force=force), as_json=as_json)


@app.command()
def demo(
    folder: Annotated[Path, typer.Argument(metavar="[FOLDER]", help="FOLDER/input and FOLDER/runs are made.")] = Path(
        "shelfwise-demo"
    ),
    language: Annotated[
        Literal["en", "zh"],
        typer.Option("--language", help="Of the shop; zh (Chinese, a smaller shop) wants shelfwise[multilingual]."),
    ] = "en",
    as_json: AsJson = False,
) -> None:
    """Generate a shop, run its night and show what came of it; under three minutes on two cores."""
    from jobs.demo import run_demo
    from jobs.progress import show_progress
    from jobs.screens import show_demo

    with show_progress() as progress:
        outcome = run_demo(folder, language=language, progress=progress)
    show_demo(outcome, as_json=as_json)
    raise typer.Exit(EXIT_DEGRADED if outcome.report.degradations else 0)


@app.command()
def ingest(
    input_folder: Input,
    out: Annotated[
        Path, typer.Option("--out", metavar="DIR", help="Where <table>.parquet and rejects.parquet are written.")
    ],
    config: Config = None,
    cutoff: Cutoff = None,
    as_json: AsJson = False,
) -> None:
    """Read a shop's files and write the typed tables and the rejects as Parquet; nothing is published."""
    from jobs.ingest import write_tables
    from jobs.report import show_rows
    from jobs.settings import load_settings

    day: date | None = None if cutoff is None else cutoff.date()
    show_rows(write_tables(input_folder, out, settings=load_settings(config), cutoff=day), as_json=as_json)


@app.command()
def nightly(  # noqa: PLR0913 an argument is an option of the command line
    input_folder: Input,
    runs: Runs,
    config: Config = None,
    cutoff: Cutoff = None,
    overrides: Set = None,
    as_json: AsJson = False,
) -> None:
    """Build, check and publish one run; the previous one stays readable until the swap."""
    from jobs.nightly import run_nightly
    from jobs.progress import show_progress
    from jobs.report import show_report
    from jobs.settings import load_settings

    settings = load_settings(config, overrides or ())
    day: date | None = None if cutoff is None else cutoff.date()
    with show_progress() as progress:
        report = run_nightly(settings, input_folder=input_folder, runs=runs, cutoff=day, progress=progress)
    show_report(report, as_json=as_json)
    raise typer.Exit(EXIT_DEGRADED if report.degradations else 0)


@app.command()
def status(
    runs: Runs,
    item_id: Annotated[
        str | None, typer.Argument(metavar="[ITEM_ID]", help="Say why this item is missing or low.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Tell the current run and its age, the earlier runs and the last failure; with ITEM_ID, how the item stands."""
    from jobs.screens import show_item, show_status
    from jobs.status import item_status, night_status

    if item_id is None:
        show_status(night_status(runs), as_json=as_json)
    else:
        show_item(item_status(runs, item_id), as_json=as_json)


@app.command()
def rollback(
    runs: Runs,
    run_id: Annotated[
        str | None, typer.Argument(metavar="[RUN_ID]", help="Default: the run before the current one.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Move the pointer back to an earlier run; SQL and Python answer from it at once."""
    from jobs.report import show_rows
    from jobs.rollback import roll_back

    show_rows([{"run_id": roll_back(runs, run_id), "status": "current"}], as_json=as_json)


@app.command()
def similar(
    item_id: ItemId,
    runs: Runs,
    k: Annotated[int, typer.Option("-k", min=1, help="Rows.")] = 20,
    as_json: AsJson = False,
) -> None:
    """List the items nearest to an item, each with its reason."""
    from jobs.answers import similar_items
    from jobs.report import show_rows

    show_rows(similar_items(runs, item_id, k=k), as_json=as_json)


@app.command()
def recommend(
    user_id: Annotated[str, typer.Argument(metavar="USER_ID")],
    runs: Runs,
    k: Annotated[int, typer.Option("-k", min=1, help="Rows.")] = 20,
    as_json: AsJson = False,
) -> None:
    """List what to show a user next, each item with its source and reason."""
    from jobs.answers import recommend_user
    from jobs.report import show_rows

    show_rows(recommend_user(runs, user_id, k=k), as_json=as_json)


@app.command()
def forecast(item_id: ItemId, runs: Runs, as_json: AsJson = False) -> None:
    """Show an item's forecast: units expected in each period, with the quantiles."""
    from jobs.answers import forecast_item
    from jobs.screens import show_forecast

    show_forecast(forecast_item(runs, item_id), as_json=as_json)


@app.command()
def search(
    text: Annotated[str, typer.Argument(metavar="TEXT")],
    runs: Runs,
    k: Annotated[int, typer.Option("-k", min=1, help="Rows.")] = 20,
    as_json: AsJson = False,
) -> None:
    """Find items by what they are, in words."""
    from jobs.answers import search_items
    from jobs.report import show_rows

    show_rows(search_items(runs, text, k=k), as_json=as_json)


@app.command()
def sql(query: Annotated[str, typer.Argument(metavar="QUERY")], runs: Runs, as_json: AsJson = False) -> None:
    """Run one SQL query over the published run, read-only."""
    from jobs.answers import run_query
    from jobs.report import show_rows

    show_rows(run_query(runs, query), as_json=as_json)


cli_ask.register(app)
cli_audience.register(app)
cli_privacy.register(app)
cli_sentiment.register(app)


def main(arguments: list[str] | None = None) -> NoReturn:
    """Run the command line and exit with DESIGN.md's codes; a traceback is written only for 1, to the log."""
    log_to_stderr()
    came = _raise_on_signals()
    try:
        app(arguments)
    except SystemExit:
        raise
    except Interrupted as stop:
        logger.warning("%s; shelfwise status says how the runs stand", stop)
        sys.exit(stop.exit_code)
    except BrokenPipeError:
        sys.stderr.close()  # the reader of our output went away: nothing is left to say to it
        sys.exit(EXIT_FAILED)
    except Exception as error:  # noqa: BLE001 the one place that turns what went wrong into an exit code
        if came:  # a module that was being imported made an error of its own of the interruption
            logger.warning("%s; shelfwise status says how the runs stand", came[0])
            sys.exit(came[0].exit_code)
        sys.exit(_report_failure(error))
    sys.exit(0)


def _report_failure(error: Exception) -> int:
    from encoders import EncoderError
    from jobs.check import Refused
    from jobs.lock import Locked
    from recsys import CorruptIndex, RecsysError
    from warehouse import CorruptRun, InputError

    logger.debug("details", exc_info=error)
    said = str(error.args[0]) if error.args else type(error).__name__
    for kind, code in ((Locked, EXIT_LOCKED), (Refused, EXIT_REFUSED)):
        if isinstance(error, kind):
            logger.error("%s", said)
            return code
    if isinstance(error, CorruptRun | CorruptIndex):
        logger.error("%s", said)  # nobody's program failed: a file on the disk is not what it was
        return EXIT_FAILED
    if isinstance(error, InputError | EncoderError | RecsysError):
        logger.error("%s", said)
        return EXIT_INPUT
    logger.critical("failed inside: %s: %s", type(error).__name__, error, exc_info=error)
    return EXIT_FAILED


def _raise_on_signals() -> list[Interrupted]:
    """Raise `Interrupted` where a signal comes, and have it in the list that is returned."""
    came: list[Interrupted] = []

    def stop(number: int, _frame: FrameType | None) -> None:
        signal.signal(number, signal.SIG_IGN)  # a second one does not disturb the cleaning up
        came.append(Interrupted(number))
        raise came[-1]

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, stop)
    return came


if __name__ == "__main__":
    main()
