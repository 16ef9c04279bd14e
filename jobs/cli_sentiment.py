"""The commands `shelfwise sentiment train | evaluate | predict`."""
# ruff: noqa: TC001 typer reads the annotations at run time

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from jobs.cli_options import AsJson

__all__ = ["register"]

Reviews = Annotated[
    Path,
    typer.Option(
        "--input",
        metavar="FILE",
        help="Parquet, CSV or JSONL with text (or review_body), stars (or star_rating) and, if there, title.",
    ),
]
Model = Annotated[Path, typer.Option("--model", metavar="MODEL", help="The folder that `train` has written.")]
Threads = Annotated[int, typer.Option("--threads", min=1, help="Threads of the processor.")]

_DEFAULTS = "Left out: "  # a preset stands between an option and its default, so typer must see whether it was given


def register(app: typer.Typer) -> None:
    """Add the commands to the command line."""
    sentiment = typer.Typer(
        name="sentiment",
        help="What reviews say, learnt from their stars: train a model, measure it, ask it.",
        no_args_is_help=True,
    )
    for command in (train, evaluate, predict):
        sentiment.command()(command)
    app.add_typer(sentiment)


def train(  # noqa: PLR0913 an argument is an option of the command line
    reviews: Reviews,
    out: Annotated[
        Path, typer.Option("--out", metavar="MODEL", help="The folder to write; a model there is replaced.")
    ],
    base: Annotated[
        str | None,
        typer.Option("--base", metavar="NAME", help=f"An encoder's name or a model's folder. {_DEFAULTS}MiniLM."),
    ] = None,
    three_stars: Annotated[
        Literal["negative", "drop", "neutral"] | None,
        typer.Option("--three-stars", help=f"What a review of three stars is. {_DEFAULTS}negative."),
    ] = None,
    preset: Annotated[
        Literal["cpu"] | None, typer.Option("--preset", help="cpu: what suits two cores; options given beside it win.")
    ] = None,
    epochs: Annotated[float | None, typer.Option("--epochs", min=0.01, help=f"{_DEFAULTS}3; cpu: 2.")] = None,
    batch_size: Annotated[int | None, typer.Option("--batch-size", min=1, help=f"{_DEFAULTS}16; cpu: 32.")] = None,
    eval_batch_size: Annotated[int | None, typer.Option("--eval-batch-size", min=1, help=f"{_DEFAULTS}64.")] = None,
    warmup_steps: Annotated[
        float | None,
        typer.Option("--warmup-steps", min=0, max=1e9, help=f"Below 1: their share of all. {_DEFAULTS}500; cpu: 0.1."),
    ] = None,
    weight_decay: Annotated[float | None, typer.Option("--weight-decay", min=0, help=f"{_DEFAULTS}0.01.")] = None,
    logging_steps: Annotated[int | None, typer.Option("--logging-steps", min=1, help=f"{_DEFAULTS}10.")] = None,
    learning_rate: Annotated[
        float | None, typer.Option("--learning-rate", min=0, help=f"{_DEFAULTS}5e-5; cpu: 1e-4.")
    ] = None,
    max_tokens: Annotated[
        int | None, typer.Option("--max-tokens", min=8, help=f"Of a review that are read. {_DEFAULTS}256; cpu: 128.")
    ] = None,
    class_weights: Annotated[
        Literal["balanced", "none"] | None, typer.Option("--class-weights", help=f"{_DEFAULTS}balanced.")
    ] = None,
    validation_share: Annotated[
        float | None,
        typer.Option("--validation-share", min=0.01, max=0.5, help=f"Of the texts, by their hash. {_DEFAULTS}0.1."),
    ] = None,
    patience: Annotated[
        int | None,
        typer.Option("--patience", min=1, help=f"Evaluations, four an epoch, without a better F1. {_DEFAULTS}4."),
    ] = None,
    precision: Annotated[
        Literal["auto", "float32", "bfloat16"] | None,
        typer.Option("--precision", help=f"auto: bfloat16 where the CPU has it. {_DEFAULTS}float32; cpu: auto."),
    ] = None,
    seed: Annotated[int | None, typer.Option("--seed", min=0, help=f"{_DEFAULTS}0.")] = None,
    threads: Threads = 2,
    as_json: AsJson = False,
) -> None:
    """Fine-tune a model on reviews and their stars, beside TF-IDF with logistic regression on the same rows."""
    from encoders.sentiment import CPU_PRESET, SentimentConfig
    from jobs.sentiment_model import train_model
    from jobs.sentiment_screens import show_training

    given = {
        "base": base,
        "three_stars": three_stars,
        "epochs": epochs,
        "batch_size": batch_size,
        "eval_batch_size": eval_batch_size,
        "warmup_steps": warmup_steps,
        "weight_decay": weight_decay,
        "logging_steps": logging_steps,
        "learning_rate": learning_rate,
        "max_tokens": max_tokens,
        "class_weights": class_weights,
        "validation_share": validation_share,
        "patience": patience,
        "precision": precision,
        "seed": seed,
    }
    chosen: dict[str, Any] = {key: value for key, value in given.items() if value is not None}
    config = replace(CPU_PRESET if preset == "cpu" else SentimentConfig(), threads=threads, **chosen)
    show_training(train_model(reviews, out, config), as_json=as_json)


def evaluate(
    model: Model,
    reviews: Reviews,
    predictions: Annotated[
        Path | None,
        typer.Option("--predictions", metavar="FILE", help="Write what was told of each review, as Parquet."),
    ] = None,
    threads: Threads = 2,
    as_json: AsJson = False,
) -> None:
    """Hold a model against reviews with stars, beside the majority and TF-IDF from its training rows."""
    from jobs.sentiment_model import evaluate_model
    from jobs.sentiment_screens import show_evaluation

    show_evaluation(evaluate_model(model, reviews, predictions=predictions, threads=threads), as_json=as_json)


def predict(
    model: Model,
    text: Annotated[str, typer.Argument(metavar="TEXT")],
    threads: Threads = 2,
    as_json: AsJson = False,
) -> None:
    """Say whether a text is positive, and how likely each label is."""
    from jobs.sentiment_model import predict_text
    from jobs.sentiment_screens import show_prediction

    show_prediction(predict_text(model, text, threads=threads), as_json=as_json)
