"""The screens that a person reads: the demo's summary, the status, an item, a forecast with its bands, the doctor."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from jobs.report import console, print_json, show_report, show_rows

if TYPE_CHECKING:
    from collections.abc import Sequence

    import polars as pl
    from rich.console import Console

    from jobs.demo import DemoOutcome
    from jobs.doctor import Finding
    from jobs.init import Guess
    from jobs.report import Figure
    from jobs.status import ItemStatus, NightStatus

__all__ = ["draw_bands", "show_demo", "show_examination", "show_forecast", "show_guess", "show_item", "show_status"]

_BAND_WIDTH = 44  # characters


def show_examination(findings: Sequence[Finding], *, as_json: bool) -> None:
    """Show what the doctor found, one line a thing, with the cure below what is wrong."""
    if as_json:
        print_json([asdict(finding) for finding in findings])
        return
    out = console()
    for finding in findings:
        mark = "[green]ok[/]   " if finding.ok else "[red]wrong[/]"
        out.print(mark, end=" ")
        out.print(f"{finding.name}: {finding.found}", markup=False, highlight=False)
        if not finding.ok:
            out.print(f"      cure: {finding.cure}", markup=False, highlight=False)


def show_guess(guess: Guess, *, as_json: bool) -> None:
    """Show the settings that were guessed and the command to go on with."""
    if as_json:
        print_json({"path": str(guess.path), "text": guess.text, "next_command": guess.next_command})
        return
    out = console()
    out.print(guess.text, markup=False, highlight=False)
    out.print(f"Written to {guess.path}. Correct it where it is wrong, then: {guess.next_command}", markup=False)


def show_status(status: NightStatus, *, as_json: bool) -> None:
    """Show the published run, the runs before it, and the last that was not published."""
    if as_json:
        print_json(asdict(status))
        return
    out = console()
    if status.run_id is None:
        out.print("nothing is published yet", style="bold")
    else:
        age = "" if status.age_hours is None else f", published {status.age_hours:,.1f} hours ago"
        out.print(f"current {status.run_id}, cutoff {status.cutoff}{age}, {status.encoder_id}", markup=False)
    if status.rolled_back_at:
        out.print(f"rolled back to it at {status.rolled_back_at}")
    if status.last_failure:
        last = status.last_failure
        out.print(f"last not published: {last['run_id']} {last['status']}: {last['message']}", markup=False)
    show_rows(status.runs, as_json=False)


def show_item(status: ItemStatus, *, as_json: bool) -> None:
    """Show how an item stands and why."""
    if as_json:
        print_json(asdict(status))
        return
    out = console()
    out.print(f"{status.item_id} {status.title or ''} (run {status.run_id})", markup=False)
    for reason in status.reasons:
        out.print(f"  {reason}", markup=False, highlight=False)
    for name, value in status.facts.items():
        if value is not None:
            out.print(f"  {name.replace('_', ' ')}: {value}", markup=False)


def show_forecast(rows: pl.DataFrame, *, as_json: bool) -> None:
    """Show an item's forecast: its bands where a person looks on, then the rows."""
    if as_json:
        show_rows(rows, as_json=True)
        return
    out = console()
    for (location,), part in rows.group_by(["location_id"], maintain_order=True):
        first = part.row(0, named=True)
        out.print(
            f"{first['item_id']} {first['title'] or ''} at {location}: {first['source']}, {first['status']}",
            markup=False,
        )
        for line in draw_bands([], part.to_dicts()):
            out.print(line, markup=False, highlight=False)
    show_rows(rows.select("location_id", "date", "mean", "p10", "p50", "p90"), as_json=False)


def draw_bands(sold: Sequence[dict[str, Any]], forecast: Sequence[dict[str, Any]]) -> list[str]:
    """Draw a line a period: ● what was sold, █ the median, ▒ p30 to p70, ░ p10 to p90; all on one scale from 0."""
    most = max([1e-9, *(row["units"] for row in sold), *(row["p90"] for row in forecast)])

    def at(value: float) -> int:
        cell: int = round(max(value, 0.0) / most * (_BAND_WIDTH - 1))
        return cell

    lines = []
    for row in sold:
        cells = [" "] * _BAND_WIDTH
        cells[at(row["units"])] = "●"
        lines.append(f"{row['date']}  {''.join(cells)} {row['units']:8,.1f}")
    for row in forecast:
        cells = [" "] * _BAND_WIDTH
        for low, high, mark in (("p10", "p90", "░"), ("p30", "p70", "▒"), ("p50", "p50", "█")):
            for cell in range(at(row[low]), at(row[high]) + 1):
                cells[cell] = mark
        lines.append(f"{row['date']}  {''.join(cells)} {row['p50']:8,.1f}")
    return lines


def show_demo(outcome: DemoOutcome, *, as_json: bool) -> None:
    """Show what the demo made: the run, its figures beside the baselines, and a taste of every door."""
    if as_json:
        print_json(asdict(outcome))
        return
    out = console()
    _title(out, f"A night in a generated shop, {outcome.seconds:.0f} s in all")
    show_report(outcome.report, as_json=False)
    _title(out, "Against the baselines (a generated shop shows that the wiring works, no more)")
    for figure in outcome.report.figures:
        out.print(_against(figure), highlight=False)
    _title(out, f"Twins of {outcome.twins_of}")
    _list(out, outcome.twins)
    _title(out, f"What to show {outcome.list_of} next, who last bought {', '.join(outcome.history)}")
    _list(out, outcome.list)
    _title(out, f"What {outcome.forecast_of} will sell: ● sold, █ median, ▒ 40 % band, ░ 80 % band, units a week")
    for line in draw_bands(outcome.sold, outcome.forecast):
        out.print(line, markup=False, highlight=False)
    if outcome.swap:
        swap = outcome.swap
        _title(out, "Where the forecast changes a list")
        out.print(f"{swap['user_id']}, rank {swap['rank']}: {swap['title']} ({swap['reason']})", markup=False)
    _title(out, "Doors to go on with")
    runs = outcome.folder / "runs"
    first = outcome.twins_of.split(" ", 1)[0]
    out.print(f"  shelfwise similar {first} -k 5 --runs {runs}", markup=False, highlight=False)
    item_id, asked = outcome.question
    out.print(f'  shelfwise ask {item_id} "{asked}" --runs {runs}', markup=False, highlight=False)
    query = f"FROM similar_to('{first}', k := 5)"
    out.print(f'  duckdb -readonly {runs}/current/shelfwise.duckdb "{query}"', markup=False, highlight=False)
    call = f'from recsys import Recommender; print(Recommender.open("{runs}").similar_items("{first}", k=5))'
    out.print(f"  python -c '{call}'", markup=False, highlight=False)


def _title(out: Console, text: str) -> None:
    out.print()
    out.print(text, style="bold", markup=False, highlight=False)


def _against(figure: Figure) -> str:
    ratio = figure.value / figure.baseline_value if figure.baseline_value else float("inf")
    gain = figure.value - figure.baseline_value if figure.higher_is_better else figure.baseline_value - figure.value
    mark = "equal" if gain == 0 else "[green]better[/]" if gain > 0 else "[red]worse[/]"
    ours, theirs = f"{figure.value:8.4f}", f"{figure.baseline:<18} {figure.baseline_value:8.4f}"
    return f"  {figure.what:<24} {ours}   {theirs}   x {ratio:.2f} {mark}"


def _list(out: Console, rows: Sequence[dict[str, Any]]) -> None:
    for row in rows:
        out.print(f"  {row['rank']}. {row['title']}", style="cyan", markup=False, highlight=False)
        out.print(f"     {row['reason']}", markup=False, highlight=False)
