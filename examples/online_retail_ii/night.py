"""One measured night and the sum over several, for `score.sh`: `night.py run …` and `night.py sum LINES`."""

from __future__ import annotations

import argparse
import json
import resource
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

PUBLISHED = (0, 3)  # published; published with a named degradation
BARS = {
    "new_over_popular": "hide: ndcg@10 of things not bought before, ours / popular, mean, at least 1.5",
    "all_over_again": "keep: ndcg@10 of everything bought, ours / the user's own repeats, mean, at least 1.10",
    "wql_over_best": "WQL, ours / the best baseline, mean, at most 0.95",
    "wape_over_average_4": "WAPE, ours / the mean of the last four weeks, mean, at most 0.97",
    "mean_ratio": "units expected / units sold, each between 0.85 and 1.15",
    "items_without_forecast": "established items without a forecast: 0 in each",
    "seconds": "each under 1,200",
    "peak_mb": "each under 8,192",
}


def run_night(arguments: argparse.Namespace) -> dict[str, Any]:
    """Run one cold night, score what it published, and return the figures with the ratios that the bars name."""
    shelfwise = str(Path(sys.executable).with_name("shelfwise"))
    command = [shelfwise, "nightly", "--input", arguments.input, "--runs", arguments.runs, "--cutoff", arguments.cutoff]
    command += ["--set", f"bought_before={arguments.bought_before}"]
    start = time.perf_counter()
    code = subprocess.run(command, stdout=sys.stderr, check=False).returncode  # noqa: S603
    seconds = time.perf_counter() - start
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    if code not in PUBLISHED:
        sys.exit(f"night.py: {' '.join(command)} ended with exit code {code}: nothing was published")
    published = Path(arguments.runs) / "current" / "shelfwise.duckdb"
    scorer = [sys.executable, arguments.scorer, str(published), arguments.truth]
    scored = subprocess.run(scorer, stdout=subprocess.PIPE, text=True, check=True).stdout  # noqa: S603
    score = json.loads(scored)
    return {
        "cutoff": arguments.cutoff,
        "bought_before": arguments.bought_before,
        "exit_code": code,
        "seconds": round(seconds, 1),
        "peak_mb": round(peak),
        "ratios": ratios(score),
        "score": score,
    }


def ratios(score: dict[str, Any]) -> dict[str, float]:
    """Return ours over the baseline, for each of the figures that a bar names."""
    lists, demand = score["recommendations"], score["forecast"]
    wql = demand["WQL"]
    best = min(value for name, value in wql.items() if name != "ours")
    pairs = {
        "new_over_popular": (lists["new"]["ours"]["ndcg@10"], lists["new"]["popular"]["ndcg@10"]),
        "all_over_again": (lists["all"]["ours"]["ndcg@10"], lists["all"]["again"]["ndcg@10"]),
        "wql_over_best": (wql["ours"], best),
        "wape_over_average_4": (demand["WAPE"]["ours"], demand["WAPE"]["average_4"]),
    }
    return {name: round(ours / baseline, 4) for name, (ours, baseline) in pairs.items()}


def sum_up(nights: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the mean of each ratio over the nights, and whether each bar is met."""

    def mean(ratio: str, mode: str | None = None) -> float | None:
        values = [night["ratios"][ratio] for night in nights if mode in (None, night["bought_before"])]
        return round(statistics.mean(values), 4) if values else None

    expected = [night["score"]["forecast"]["mean_ratio"] for night in nights]
    absent = [night["score"]["forecast"]["items_without_forecast"] for night in nights]
    figures: dict[str, Any] = {
        "new_over_popular": mean("new_over_popular", "hide"),
        "all_over_again": mean("all_over_again", "keep"),
        "wql_over_best": mean("wql_over_best"),
        "wape_over_average_4": mean("wape_over_average_4"),
        "mean_ratio": [min(expected), max(expected)],
        "items_without_forecast": max(absent),
        "seconds": max(night["seconds"] for night in nights),
        "peak_mb": max(night["peak_mb"] for night in nights),
    }
    met = {
        "new_over_popular": figures["new_over_popular"] is not None and figures["new_over_popular"] >= 1.5,
        "all_over_again": figures["all_over_again"] is not None and figures["all_over_again"] >= 1.10,
        "wql_over_best": figures["wql_over_best"] <= 0.95,
        "wape_over_average_4": figures["wape_over_average_4"] <= 0.97,
        "mean_ratio": min(expected) >= 0.85 and max(expected) <= 1.15,
        "items_without_forecast": max(absent) == 0,
        "seconds": figures["seconds"] < 1200,
        "peak_mb": figures["peak_mb"] < 8192,
    }
    return {"nights": len(nights), "figures": figures, "met": met, "bars": BARS}


def main() -> None:
    """Run and score one night, or sum up the lines of several; prints one JSON line."""
    parser = argparse.ArgumentParser(description=__doc__)
    actions = parser.add_subparsers(dest="action", required=True)
    one = actions.add_parser("run", help="one night")
    for name in ("input", "runs", "cutoff", "bought-before", "scorer", "truth"):
        one.add_argument(f"--{name}", required=True)
    actions.add_parser("sum", help="the sum over the nights of a file").add_argument("lines", type=Path)
    arguments = parser.parse_args()
    if arguments.action == "run":
        print(json.dumps(run_night(arguments)), flush=True)
    else:
        nights = [json.loads(line) for line in arguments.lines.read_text().splitlines()]
        print(json.dumps(sum_up(nights)))


if __name__ == "__main__":
    main()
