"""How well reviews are read: `python benchmarks/sentiment.py model|again REVIEWS --out MODEL`, `head REVIEWS`.

REVIEWS is a Parquet, CSV or JSONL file with text, stars, and title, review_id and occurred_at where there are any. A
fifth is held out by the hash of the review's id. `model` trains with `--preset cpu` on the rest; `again` only measures
what stands in MODEL. Figures are macro F1 on the held-out fifth: the model's, TF-IDF's with balanced logistic
regression tuned on the same rows, the majority's; `sklearn` is scikit-learn's figure on the predictions as saved.
Prints one JSON line.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import time
from hashlib import blake2b
from pathlib import Path

import polars as pl

from encoders.sentiment import CPU_PRESET
from jobs.review_files import StarredReviews, read_reviews
from jobs.sentiment_model import evaluate_model, train_model


def held_out(review_id: str) -> bool:
    """Whether the review is of the fifth that is never trained on."""
    return int.from_bytes(blake2b(review_id.encode(), digest_size=8).digest(), "big") % 5 == 0


def write_part(reviews: StarredReviews, path: Path, *, test: bool) -> Path:
    """Write one of the two parts as a file that the command line reads."""
    frame = pl.DataFrame({"review_id": reviews.ids, "text": reviews.texts, "stars": reviews.stars})
    frame.filter(pl.Series([held_out(each) == test for each in reviews.ids])).write_parquet(path)
    return path


def model(options: argparse.Namespace) -> dict[str, object]:
    """Train where asked, and measure on the held-out fifth."""
    from sklearn.metrics import f1_score

    reviews = read_reviews(options.reviews)
    aside: Path = options.out.parent
    aside.mkdir(parents=True, exist_ok=True)
    result: dict[str, object] = {}
    if options.what == "model":
        config = dataclasses.replace(
            CPU_PRESET, base=options.base, epochs=options.epochs, seed=options.seed, threads=options.threads
        )
        trained = train_model(write_part(reviews, aside / "train.parquet", test=False), options.out, config)
        result = {"base": config.base, "rows": trained.rows, "steps": trained.steps, "train_seconds": trained.seconds}
        result |= {"precision": trained.precision, "validation_macro_f1": round(trained.validation.macro_f1, 4)}
    began = time.monotonic()
    predictions = aside / "predictions.parquet"
    test = write_part(reviews, aside / "test.parquet", test=True)
    found = evaluate_model(options.out, test, predictions=predictions, threads=options.threads)
    saved = pl.read_parquet(predictions)
    return result | {
        "n": found.measures.n,
        "macro_f1": round(found.measures.macro_f1, 4),
        "sklearn": round(float(f1_score(saved["label"], saved["predicted"], average="macro")), 4),
        "accuracy": round(found.measures.accuracy, 4),
        **{name: round(measures.macro_f1, 4) for name, measures in found.baselines.items()},
        "seconds": round(time.monotonic() - began, 1),
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=["model", "again"])
    parser.add_argument("reviews", type=Path)
    parser.add_argument("--out", type=Path, default=Path("sentiment-model"))
    parser.add_argument("--base", default=CPU_PRESET.base)
    parser.add_argument("--epochs", type=float, default=CPU_PRESET.epochs)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    print(json.dumps(model(options)))


if __name__ == "__main__":
    main()
