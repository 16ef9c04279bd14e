"""What `shelfwise sentiment` has to say: the figures with their baselines beside them."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from jobs.report import console, print_json, show_rows

if TYPE_CHECKING:
    from encoders.sentiment import Evaluation, Measures, TrainedSentiment
    from jobs.sentiment_model import Prediction

__all__ = ["show_evaluation", "show_prediction", "show_training"]


def show_training(trained: TrainedSentiment, *, as_json: bool) -> None:
    """Show what a training came to."""
    if as_json:
        print_json(asdict(trained))
        return
    out = console()
    rows = ", ".join(f"{count:,} {name.replace('_', ' ')}" for name, count in trained.rows.items() if count)
    shares = ", ".join(f"{name} {100 * share:.1f} %" for name, share in trained.shares.items())
    early = "stopped early, " if trained.stopped_early else ""
    out.print(f"reviews: {rows}; {shares}")
    out.print(
        f"{trained.steps:,} steps in {trained.seconds:.0f} s, {early}{trained.precision}; on the validation part:"
    )
    _show_table({"model": trained.validation, **trained.baselines})
    out.print(str(trained.folder), markup=False)


def show_evaluation(evaluation: Evaluation, *, as_json: bool) -> None:
    """Show a model's figures and its baselines'."""
    baselines = {name: _without_n(measures) for name, measures in evaluation.baselines.items()}
    if as_json:
        print_json({**asdict(evaluation.measures), "baselines": baselines})
        return
    console().print(f"{evaluation.measures.n:,} reviews")
    _show_table({"model": evaluation.measures, **evaluation.baselines})


def show_prediction(prediction: Prediction, *, as_json: bool) -> None:
    """Show a text's label."""
    if as_json:
        print_json(asdict(prediction))
        return
    console().print(f"{prediction.label} ({prediction.probability:.3f})")


def _show_table(found: dict[str, Measures]) -> None:
    rows = [
        {
            "": name,
            "macro F1": round(measures.macro_f1, 4),
            "accuracy": round(measures.accuracy, 4),
            **{f"F1 {label}": round(value, 4) for label, value in measures.f1.items()},
        }
        for name, measures in found.items()
    ]
    show_rows(rows, as_json=False)


def _without_n(measures: Measures) -> dict[str, object]:
    return {name: value for name, value in asdict(measures).items() if name != "n"}
