"""How well reviews are read: `python benchmarks/sentiment.py model|again|head REVIEWS [--out MODEL] [--cache DIR]`.

REVIEWS is a Parquet, CSV or JSONL file with text, stars, and title, review_id and occurred_at where there are any. A
fifth is held out by the hash of the review's id. `model` trains with `--preset cpu` on the rest; `again` only measures
what stands in MODEL. Figures are macro F1 on the held-out fifth: the model's, TF-IDF's with balanced logistic
regression tuned on the same rows, the majority's; `sklearn` is scikit-learn's figure on the predictions as saved.
`head` is what a night without a model does, on the night's own parts: the last fifth by date is held out, or a fifth by
hash where there are no dates; its seconds are without those of encoding, whose vectors DIR keeps. Prints one JSON line.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import time
from hashlib import blake2b
from pathlib import Path

import numpy as np
import polars as pl

from encoders import EncoderConfig, VectorCache, load_encoder
from encoders.sentiment import CPU_PRESET, ReviewTexts, score_reviews, text_key
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


def head(options: argparse.Namespace) -> dict[str, object]:
    """Let the night's step read the file, with the vectors of the default encoder."""
    from sklearn.metrics import f1_score

    reviews = read_reviews(options.reviews)
    frame = pl.read_parquet(options.reviews) if options.reviews.suffix == ".parquet" else None
    dates = frame is not None and "occurred_at" in frame.columns
    days = frame["occurred_at"].cast(pl.Date).cast(pl.Int32).to_list() if frame is not None and dates else None
    texts = reviews.texts
    kept = [row for row, text in enumerate(texts) if text]
    cache = VectorCache(options.cache, load_encoder(EncoderConfig(threads=options.threads)))
    encoded = cache.encode([texts[row] for row in kept], kind="review")
    asked = ReviewTexts(
        texts=[texts[row] for row in kept],
        vectors=encoded.vectors,
        stars=np.array([reviews.stars[row] for row in kept], dtype=np.float64),
        days=np.array([-1 if days is None else days[row] for row in kept], dtype=np.int64),
        keys=np.array([text_key(texts[row]) for row in kept], dtype=np.int64),
    )
    began, cpu = time.monotonic(), time.process_time()
    found = score_reviews(asked)
    spent = {"seconds": round(time.monotonic() - began, 1), "cpu_seconds": round(time.process_time() - cpu, 1)}
    if found.measures is None:
        raise SystemExit(f"{options.reviews}: too few reviews with stars")
    truth, told = asked.stars[found.tested] > 3, found.probability[found.tested] > 0.5
    return {
        "held_out": "last fifth by date" if found.by_date else "a fifth by hash",
        "reviews": len(kept),
        "n": found.measures.n,
        "macro_f1": round(found.measures.macro_f1, 4),
        "sklearn": round(float(f1_score(truth, told, average="macro")), 4),
        "accuracy": round(found.measures.accuracy, 4),
        **{name: round(measures.macro_f1, 4) for name, measures in found.baselines.items()},
        **spent,
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=["model", "again", "head"])
    parser.add_argument("reviews", type=Path)
    parser.add_argument("--out", type=Path, default=Path("sentiment-model"))
    parser.add_argument("--cache", type=Path, default=Path("sentiment-vectors"))
    parser.add_argument("--base", default=CPU_PRESET.base)
    parser.add_argument("--epochs", type=float, default=CPU_PRESET.epochs)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    print(json.dumps(head(options) if options.what == "head" else model(options)))


if __name__ == "__main__":
    main()
