#!/usr/bin/env python3
"""Recommend for every user of a folder of sequences, with the lists of the night.

usage: recommend_sequences.py FOLDER --out RECS.parquet [--keep-seen] [--encoder NAME|tfidf|none|shuffled] [--seed N]

FOLDER/sequences.txt: a line a user: user id, then item ids in order of time; the last item is the test item and is not
read, but as an id of the catalogue. FOLDER/titles.json, item2attributes.json (each may be missing): item id → title,
item id → attribute ids. RECS.parquet: user_id, item_id, rank, score, source, reason, k rows a user. What a user has had
is hidden unless --keep-seen. Prints one JSON line with the seconds.

A sequence has no dates: positions are aligned at their end and count as days, so that the last item to be known falls
on the cutoff. Ids that are numbered by first appearance tell when an item came, and ties are broken by id: the shop
sees a hash of each. `tfidf`: titles as TF-IDF of words, by singular vectors; `shuffled`: each title's vector given to
another item, a placebo.
"""

from __future__ import annotations

import argparse
import json
import time
from dataclasses import dataclass
from datetime import date, timedelta
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from encoders import EncoderConfig, TextVectors, VectorCache, load_encoder, words
from recsys import RecommendConfig, ShopHistory, build_lists

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

CUTOFF = date(2020, 1, 1)  # any day does
TFIDF_DIM = 256


@dataclass(frozen=True, slots=True)
class Folder:
    """What may be known of a folder: `known` is each user's sequence without its last item."""

    known: dict[str, list[str]]
    catalogue: list[str]  # every id of the folder, sorted by its hash
    titles: dict[str, str]
    attributes: dict[str, list[str]]


def read_folder(folder: Path) -> Folder:
    """Return the sequences less their last items, and the ids wherever they stand."""
    lines = [
        line.split() for line in (folder / "sequences.txt").read_text(encoding="utf-8").splitlines() if line.strip()
    ]
    titles = {str(item): str(title) for item, title in _json(folder / "titles.json").items()}
    attributes = {
        str(item): [str(one) for one in many] for item, many in _json(folder / "item2attributes.json").items()
    }
    ids = {item for _, *items in lines for item in items} | titles.keys() | attributes.keys()
    return Folder({user: items[:-1] for user, *items in lines}, sorted(ids, key=hashed), titles, attributes)


def _json(path: Path) -> Mapping[str, object]:
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}


def hashed(item_id: str) -> str:
    """Return the id that the shop sees: it tells nothing of when the item first appeared."""
    return blake2b(item_id.encode(), digest_size=8).hexdigest()


def shop_of(folder: Folder, texts: TextVectors | None) -> ShopHistory:
    """Return the folder as a shop: one purchase a position, the last known one on the cutoff."""
    purchases = [
        (user, hashed(item), CUTOFF - timedelta(days=len(items) - 1 - place), 1.0)
        for user, items in folder.known.items()
        for place, item in enumerate(items)
    ]
    interest = {"user_id": pl.String, "item_id": pl.String, "day": pl.Date, "kind": pl.String}
    bought = {"user_id": pl.String, "item_id": pl.String, "day": pl.Date, "units": pl.Float64}
    items = pl.DataFrame(
        {
            "item_id": [hashed(item) for item in folder.catalogue],
            "title": [folder.titles.get(item) for item in folder.catalogue],
            "attributes": [" ".join(folder.attributes.get(item, ())) for item in folder.catalogue],
        },
        schema_overrides={"title": pl.String},
    )
    return ShopHistory(
        items=items,
        purchases=pl.DataFrame(purchases, schema=bought, orient="row"),
        interest=pl.DataFrame(schema=interest),
        texts=texts,
        cutoff=CUTOFF,
    )


def text_vectors(folder: Folder, name: str, *, cache: Path, seed: int, threads: int) -> TextVectors | None:
    """Return the titles' vectors by an encoder's name, `tfidf` or `shuffled`; None for `none` or without titles."""
    titles = [folder.titles.get(item, "") for item in folder.catalogue]
    if name == "none" or not any(titles):
        return None
    if name == "tfidf":
        vectors, encoder_id = tfidf_vectors(titles), "tfidf"
    else:
        encoder_name = EncoderConfig().name if name == "shuffled" else name
        encoder = load_encoder(EncoderConfig(name=encoder_name, threads=threads))
        encoded = VectorCache(cache, encoder).encode(titles, kind="product")
        vectors, encoder_id = encoded.vectors, encoder.encoder_id
    if name == "shuffled":
        told = np.flatnonzero([bool(title) for title in titles])
        vectors = vectors.copy()
        vectors[told] = vectors[np.random.default_rng(seed).permutation(told)]
        encoder_id += f" shuffled by {seed}"
    rows = {"kind": "product", "item_id": [hashed(item) for item in folder.catalogue]}
    texts = pl.DataFrame(rows).with_columns(
        user_id=pl.lit(None, pl.String), day=pl.lit(None, pl.Date), row=pl.int_range(pl.len())
    )
    return TextVectors.build(texts, vectors, encoder_id=encoder_id)


def tfidf_vectors(titles: Sequence[str]) -> NDArray[np.float32]:
    """Return (titles, at most 256) unit vectors: TF-IDF of the words that two titles or more have, reduced."""
    from scipy import sparse

    found = [words(title) for title in titles]
    counts: dict[str, int] = {}
    for own in found:
        for word in set(own):
            counts[word] = counts.get(word, 0) + 1
    place = {word: at for at, word in enumerate(sorted(word for word, count in counts.items() if count > 1))}
    row = [at for at, own in enumerate(found) for word in own if word in place]
    column = [place[word] for own in found for word in own if word in place]
    inverse = np.log(len(titles) / np.array([counts[word] for word in place])) + 1.0
    matrix = sparse.csr_matrix((inverse[column], (row, column)), shape=(len(titles), len(place)))
    # subspace iteration from a fixed start (Halko et al., Finding Structure with Randomness, 2011)
    basis = np.linalg.qr(matrix.T @ np.random.default_rng(0).normal(size=(len(titles), min(TFIDF_DIM, len(place)))))[0]
    for _ in range(3):
        basis = np.linalg.qr(matrix.T @ (matrix @ basis))[0]
    vectors = np.asarray(matrix @ basis)
    length = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.divide(vectors, length, out=np.zeros_like(vectors), where=length > 1e-9).astype(np.float32)


def recommend(
    folder: Folder, texts: TextVectors | None, config: RecommendConfig
) -> tuple[pl.DataFrame, tuple[str, ...]]:
    """Return user_id, item_id, rank, score, source, reason under the folder's own ids, and the run's notes."""
    lists = build_lists(shop_of(folder, texts), users=list(folder.known), config=config, stock=None)
    names = pl.DataFrame({"item_id": [hashed(item) for item in folder.catalogue], "own": folder.catalogue})
    rows = lists.recommendations.join(names, on="item_id", how="left", maintain_order="left")
    return rows.with_columns(item_id="own").drop("own").sort("user_id", "rank"), lists.notes


def sequence_config(*, keep_seen: bool, seed: int, threads: int) -> RecommendConfig:
    """Return the night's configuration where a day is a position: the ranker learns from the last positions known."""
    return RecommendConfig(
        bought_before="keep" if keep_seen else "hide",
        window_days=1,
        windows=2,
        measure=False,
        audience=0,
        depth=20,
        seed=seed,
        threads=threads,
    )


def main() -> None:
    """Read the folder, recommend, write, and print the seconds."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--keep-seen", action="store_true")
    parser.add_argument("--encoder", default=EncoderConfig().name)
    parser.add_argument("--cache", type=Path, default=Path(".cache/vectors"), help="where titles' vectors are kept")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    began = time.perf_counter()
    folder = read_folder(options.folder)
    texts = text_vectors(folder, options.encoder, cache=options.cache, seed=options.seed, threads=options.threads)
    encoded = time.perf_counter()
    config = sequence_config(keep_seen=options.keep_seen, seed=options.seed, threads=options.threads)
    rows, notes = recommend(folder, texts, config)
    rows.write_parquet(options.out)
    facts = {
        "users": len(folder.known),
        "items": len(folder.catalogue),
        "encoder": options.encoder if texts is not None else "none",
        "seconds_encode": round(encoded - began, 1),
        "seconds": round(time.perf_counter() - began, 1),
        "notes": notes,
    }
    print(json.dumps(facts))


if __name__ == "__main__":
    main()
