from __future__ import annotations

import json
import logging
import math
import sys
from datetime import UTC, date, datetime
from pathlib import Path

import polars as pl
import pytest

from jobs import progress
from jobs.demo import DemoOutcome
from jobs.report import Figure, RunReport, headline_figures, print_json, show_report, show_rows
from jobs.screens import draw_bands, show_demo

DAY = date(2026, 6, 29)
REPORT = RunReport(
    run_id="20260629T020000000Z",
    status="degraded",
    cutoff=date(2026, 6, 28),
    folder=Path("runs/20260629T020000000Z"),
    seconds=61.26,
    peak_mb=812.0,
    steps={"ingest": 1.0},
    rows={"items": 3},
    read={"items": {"read": 4, "kept": 3, "rejected": 1, "after_cutoff": 0}},
    texts_encoded=3,
    cache_hits=1,
    figures=(
        Figure("ndcg@10", 0.2, "popular", 0.1, higher_is_better=True),
        Figure("wape", 0.6, "seasonal_naive", 0.5, higher_is_better=False),
        Figure("recall@10", 0.6, "popular", 0.0, higher_is_better=True),
        Figure("macro F1", 1.0, "tfidf", 1.0, higher_is_better=True),
    ),
    degradations=("events [is] gone",),
    notes=(),
)


def test_bands_are_drawn_on_one_scale_from_0():
    low, high = {"p10": 0.0, "p30": 10.0, "p50": 20.0, "p70": 30.0, "p90": 43.0}, {}
    sold, line = draw_bands([{"date": DAY, "units": 21.5}], [{"date": DAY, **low, **high}])
    assert sold == "2026-06-29  " + " " * 22 + "●" + " " * 21 + "     21.5"
    assert line == "2026-06-29  " + "░" * 10 + "▒" * 10 + "█" + "▒" * 10 + "░" * 13 + "     20.0"


def test_bands_of_nothing_are_drawn_at_0():
    nothing = dict.fromkeys(("p10", "p30", "p50", "p70", "p90"), 0.0)
    (line,) = draw_bands([], [{"date": DAY, **nothing}])
    assert line.startswith("2026-06-29  █ ")


def test_a_report_shows_counts_figures_and_degradations(capsys):
    show_report(REPORT, as_json=False)
    told = capsys.readouterr().out
    assert "run 20260629T020000000Z degraded, cutoff 2026-06-28, 61.3 s, 812 MB" in told
    assert "items: 3 kept, 1 rejected of 4 read" in told
    assert "ndcg@10 0.2000 (popular 0.1000)" in told
    assert "degraded: events [is] gone" in told


def test_a_report_as_json_is_one_document(capsys):
    show_report(REPORT, as_json=True)
    told = json.loads(capsys.readouterr().out)
    assert told["cutoff"] == "2026-06-28"
    assert told["figures"][0]["baseline_value"] == 0.1
    assert told["folder"] == "runs/20260629T020000000Z"


def test_json_knows_no_nan_and_keeps_every_script(capsys):
    print_json([{"x": math.nan, "y": math.inf, "z": "绿茶", "when": datetime(2026, 1, 2, tzinfo=UTC), "none": None}])
    assert capsys.readouterr().out == (
        '[{"x": null, "y": null, "z": "绿茶", "when": "2026-01-02T00:00:00+00:00", "none": null}]\n'
    )


def test_rows_are_shown_unbroken_where_no_terminal_is(capsys):
    title = "a very long title " * 20
    show_rows(pl.DataFrame({"title": [title], "n": [1]}), as_json=False)
    assert title.strip() in capsys.readouterr().out


def test_no_rows_are_an_empty_table(capsys):
    show_rows([], as_json=False)
    assert capsys.readouterr().out.strip() == ""


def test_the_figures_of_a_run_are_means_by_rows_measured():
    keys = {"segment": "all", "metric": "ndcg@10", "baseline": "popular"}
    quality = pl.DataFrame(
        [
            {**keys, "value": 0.1, "baseline_value": 0.05, "n": 100},
            {**keys, "value": 0.3, "baseline_value": 0.05, "n": 300},
            {**keys, "segment": "new", "value": 0.2, "baseline_value": 0.1, "n": 10},
            {**keys, "metric": "coverage", "value": 0.9, "baseline_value": 0.1, "n": 10},
        ]
    )
    backtest = pl.DataFrame(
        [{**keys, "metric": "wape", "baseline": None, "value": 0.3, "baseline_value": None, "n": 5}]
    )
    sentiment = pl.DataFrame(
        [{**keys, "metric": metric, "value": 0.8, "baseline_value": 0.7, "n": 9} for metric in ("macro_f1", "accuracy")]
    )
    backtest = backtest.cast({"baseline": pl.String, "baseline_value": pl.Float64})
    figures = headline_figures(quality, backtest, sentiment)
    assert [(figure.what, round(figure.value, 6), figure.baseline_value) for figure in figures] == [
        ("ndcg@10", 0.25, 0.05),
        ("ndcg@10 of new items", 0.2, 0.1),
        ("macro F1 of reviews' sentiment (all)", 0.8, 0.7),
    ]


@pytest.mark.parametrize("swap", [None, {"user_id": "u1", "rank": 2, "title": "blue mug", "reason": "in stock"}])
def test_the_demo_screen_shows_every_part(capsys, swap):
    bands = dict.fromkeys(("p10", "p30", "p50", "p70", "p90"), 1.0)
    row = {"rank": 1, "title": "green [tea]", "reason": "both: leaves"}
    outcome = DemoOutcome(
        folder=Path("demo"),
        report=REPORT,
        seconds=80.0,
        twins_of="007 copper tea",
        twins=(row,),
        list_of="u1",
        history=("red mug",),
        list=(row,),
        forecast_of="008 amber tea",
        sold=({"date": DAY, "units": 1.0},),
        forecast=({"date": DAY, "mean": 1.0, **bands},),
        swap=swap,
        question=("007", "Does it steep well?"),
    )
    show_demo(outcome, as_json=False)
    told = capsys.readouterr().out
    for part in (
        "Twins of 007 copper tea",
        "1. green [tea]",
        "What to show u1 next, who last bought red mug",
        "●",
        "x 2.00 better",
        "x 1.00 equal",
        "x 1.20 worse",
        "shelfwise similar 007 -k 5 --runs demo/runs",
        'shelfwise ask 007 "Does it steep well?" --runs demo/runs',
        "FROM similar_to('007', k := 5)",
    ):
        assert part in told
    assert ("u1, rank 2: blue mug (in stock)" in told) == (swap is not None)
    show_demo(outcome, as_json=True)
    assert json.loads(capsys.readouterr().out)["twins_of"] == "007 copper tea"


def test_without_a_terminal_progress_is_a_sparse_plain_line(monkeypatch, caplog):
    now = iter([0.0, 5.0, 10.0, 15.0, 20.0])
    monkeypatch.setattr(progress.time, "monotonic", lambda: next(now))
    monkeypatch.setattr(logging.getLogger("jobs"), "propagate", True)
    with caplog.at_level(logging.INFO, "jobs.progress"), progress.show_progress() as show:
        for done in range(5):
            show("encode", done * 1000, 4000)
    assert [record.message for record in caplog.records] == ["encode: 2,000 of 4,000", "encode: 4,000 of 4,000"]


def test_on_a_terminal_progress_is_a_bar_on_stderr(monkeypatch, capsys):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    monkeypatch.setenv("TERM", "xterm")
    with progress.show_progress() as show:
        show("encode", 1, 2)
        show("encode", 2, 2)
        sys.stderr.write("a line of the log\n")
    seen = capsys.readouterr()
    assert seen.out == ""
    assert "a line of the log" in seen.err
