#!/usr/bin/env python3
"""Does text earn its place? The night's lists with the encoder, without text, with TF-IDF, and with a placebo.

usage: text_ablation.py sequences FOLDER | shop INPUT --cutoff YYYY-MM-DD | demo [--seeds 3] [--threads 2] [--cache DIR]

sequences: a folder as recommend_sequences.py reads it; the truth is each user's last item. shop: a folder of tables as
the night reads it; the truth is what known users bought after the cutoff (in --days days, else all) and had not before.
demo: the demo shop, 28 days before its end; there events and stock are switched off as well.

Prints one JSON line an arm (ndcg@10, mean over the seeds) and one for what the encoder adds to each other arm: the mean
difference over users with its 95 % bootstrap interval, a user's value being the mean over the seeds. `shuffled`: each
item's texts given to another item, anew with each seed; what users browsed for stays theirs.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
from recommend_sequences import hashed, read_folder, sequence_config, shop_of, text_vectors, tfidf_vectors
from trials import DEPTH, bought_new, difference, ndcg_of

from encoders import Encoded, TextVectors, embed_tables
from jobs.demo_shop import generate_shop
from jobs.embed import embed_texts
from jobs.forecast import forecast_shop
from jobs.ingest import read_shop
from jobs.recommend import shop_history
from jobs.settings import load_settings, recommend_config
from recsys import RecommendConfig, ShopHistory, build_lists

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from encoders import Vectors
    from jobs.ingest import Shop

DEMO_DAYS = 28
HIDDEN = "bought_before=hide"  # what a user has not had yet is what text can find


@dataclass(frozen=True, slots=True)
class Trial:
    """A shop up to its cutoff with what came after it: `truth` has user_id, item_id, each pair once."""

    name: str
    history: ShopHistory
    truth: pl.DataFrame
    config: RecommendConfig
    tfidf: TextVectors | None

    @property
    def users(self) -> list[str]:
        """Return the users of the truth, sorted."""
        return self.truth["user_id"].unique().sort().to_list()


def sequences_trial(path: Path, cache: Path, threads: int) -> Trial:
    """Return a folder of sequences as a trial; a user's last item is the truth."""
    folder = read_folder(path)
    lines = [line.split() for line in (path / "sequences.txt").read_text(encoding="utf-8").splitlines()]
    truth = pl.DataFrame({"user_id": [user for user, *_ in lines], "item_id": [hashed(each[-1]) for each in lines]})
    texts, tfidf = (
        text_vectors(folder, name, cache=cache, seed=0, threads=threads) for name in ("all-MiniLM-L6-v2", "tfidf")
    )
    return Trial(
        path.name, shop_of(folder, texts), truth, sequence_config(keep_seen=False, seed=0, threads=threads), tfidf
    )


def shop_trial(path: Path, cutoff: date, days: int | None, *, cache: Path, threads: int) -> tuple[Trial, Shop]:
    """Return a folder of tables as a trial, and the shop as the night of the cutoff sees it."""
    settings = load_settings(None, [HIDDEN, f"threads={threads}"])
    shop = read_shop(path, settings=settings, cutoff=cutoff, cache=None)
    history = shop_history(shop, embed_texts(shop, settings=settings, cache=cache))
    later = read_shop(path, settings=settings, cutoff=None, cache=None).signals.purchases
    until = None if days is None else cutoff + timedelta(days=days)
    truth = bought_new(later, history.purchases, cutoff=cutoff, until=until)
    config = replace(recommend_config(settings), measure=False, audience=0)
    return Trial(path.name, history, truth, config, tfidf_texts(shop.ingested.tables, settings.timezone)), shop


class Told:
    """Stands where the cache of vectors stands: notes each text, and answers with the vectors it was given."""

    encoder_id, dim = "tfidf", 256

    def __init__(self, vectors: Mapping[str, NDArray[np.float32]]) -> None:
        """Take a vector for each text, or none for any."""
        self.encoder, self.vectors, self.texts = self, vectors, set[str]()

    def encode(self, texts: Sequence[str], *, kind: str, progress: object = None) -> Encoded:  # noqa: ARG002 the cache's shape
        """Return the known vectors, zeros for the others."""
        self.texts.update(texts)
        silent = np.zeros(self.dim, dtype=np.float32)
        return Encoded(np.stack([self.vectors.get(text, silent) for text in texts]), len(texts), 0)

    def unknown_word_share(self, texts: Sequence[str]) -> float:  # noqa: ARG002 the encoder's shape
        """Return 0: not asked."""
        return 0.0


def tfidf_texts(tables: Mapping[str, pl.DataFrame], timezone: str) -> TextVectors:
    """Return the shop's texts by TF-IDF of words, all kinds of text reduced together."""
    heard = Told({})
    embed_tables(tables, cache=heard, timezone=timezone)
    texts = sorted(heard.texts)
    vectors = tfidf_vectors(texts)
    padded: Vectors = np.pad(vectors, ((0, 0), (0, Told.dim - vectors.shape[1])))
    return embed_tables(tables, cache=Told(dict(zip(texts, padded, strict=True))), timezone=timezone).texts


def shuffled(texts: TextVectors, seed: int) -> TextVectors:
    """Return the texts, each item's given to another item that has text."""
    owners = texts.texts.filter(pl.col("kind") == "product")
    told = owners.filter(pl.Series(texts.vectors[owners["row"].to_numpy()].any(axis=1)))["item_id"].sort()
    given = told.gather(np.random.default_rng(seed).permutation(len(told)))
    rows = texts.texts.with_columns(pl.col("item_id").replace(told, given))
    return TextVectors.build(rows, texts.vectors, encoder_id=f"{texts.encoder_id} shuffled by {seed}")


def user_ndcg(trial: Trial, history: ShopHistory, seeds: int) -> NDArray[np.float64]:
    """Return (seeds, users): ndcg@10 of each user of the truth; a history is fitted anew with each seed."""
    return np.stack([ndcg_of(_lists(trial, history, seed), trial.truth) for seed in range(seeds)])


def _lists(trial: Trial, history: ShopHistory, seed: int) -> pl.DataFrame:
    config = replace(trial.config, seed=seed)
    return build_lists(history, users=trial.users, config=config, stock=None).recommendations


def text_arms(trial: Trial, seeds: int) -> dict[str, NDArray[np.float64]]:
    """Return each arm's (seeds, users), printing its line as it comes."""
    history = trial.history
    arms: dict[str, NDArray[np.float64]] = {}
    for arm, texts in (("encoder", history.texts), ("none", None), ("tfidf", trial.tfidf)):
        arms[arm] = user_ndcg(trial, replace(history, texts=texts), seeds)
        tell_arm(trial, arm, arms[arm])
    placebos = [replace(history, texts=shuffled(history.texts, seed)) for seed in range(seeds)]
    arms["shuffled"] = np.stack([ndcg_of(_lists(trial, each, seed), trial.truth) for seed, each in enumerate(placebos)])
    tell_arm(trial, "shuffled", arms["shuffled"])
    return arms


def tell_arm(trial: Trial, arm: str, values: NDArray[np.float64]) -> None:
    """Print an arm's line."""
    by_seed = [round(float(each), 5) for each in values.mean(axis=1)]
    figures = {"ndcg@10": round(float(values.mean()), 5), "by_seed": by_seed}
    print(json.dumps({"shop": trial.name, "arm": arm, **figures, "users": values.shape[1]}), flush=True)


def tell_differences(trial: Trial, arms: Mapping[str, NDArray[np.float64]]) -> None:
    """Print what the encoder adds to each other arm."""
    ours = arms["encoder"].mean(axis=0)
    for arm in ("none", "tfidf", "shuffled"):
        theirs = arms[arm].mean(axis=0)
        ratio = round(float(ours.mean() / theirs.mean()), 3)
        found = {"shop": trial.name, "encoder_over": arm, "ratio": ratio, **difference(ours, theirs)}
        print(json.dumps(found), flush=True)


def switch_off(trial: Trial, shop: Shop, path: Path, *, cache: Path, ours: NDArray[np.float64]) -> None:
    """Print what the demo's lists lose without events (ndcg@10) and without stock (rows that run out in the week)."""
    quiet = replace(trial.history, interest=trial.history.interest.clear(), texts=_unread(trial.history.texts))
    without = user_ndcg(trial, quiet, len(ours)).mean(axis=0)
    line = {"shop": trial.name, "off": "events", "metric": "ndcg@10", "with": round(float(ours.mean()), 5)}
    line |= {"without": round(float(without.mean()), 5)}
    print(json.dumps(line | difference(ours.mean(axis=0), without)), flush=True)
    settings = load_settings(None, [HIDDEN, f"threads={trial.config.threads}"])
    texts = embed_texts(shop, settings=settings, cache=cache)
    stock = forecast_shop(shop, texts, settings=settings).stock
    rows = {
        on: build_lists(trial.history, users=trial.users, config=replace(trial.config, stock_aware=on), stock=stock)
        for on in (True, False)
    }
    out = sold_out(path, trial.history.cutoff)
    share = {on: _share_out(lists.recommendations, out) for on, lists in rows.items()}
    line = {"shop": trial.name, "off": "stock", "metric": "share of the first ten that is out of stock a week later"}
    line |= {"with": round(float(share[True].mean()), 5), "without": round(float(share[False].mean()), 5)}
    print(json.dumps(line | difference(share[True], share[False])), flush=True)


def _unread(texts: TextVectors) -> TextVectors:
    kept = texts.texts.filter(pl.col("kind") != "browsing")
    return TextVectors.build(kept, texts.vectors, encoder_id=texts.encoder_id)


def sold_out(path: Path, cutoff: date) -> list[str]:
    """Return the items whose next weekly count after the cutoff is 0."""
    rows = pl.read_csv(path / "inventory.csv", try_parse_dates=True)
    week = rows.filter(pl.col("date") > cutoff, pl.col("date") <= cutoff + timedelta(days=7))
    return week.group_by("item_id").agg(pl.col("on_hand").last()).filter(pl.col("on_hand") <= 0)["item_id"].to_list()


def _share_out(lists: pl.DataFrame, out: Sequence[str]) -> NDArray[np.float64]:
    head = lists.filter(pl.col("rank") <= DEPTH).with_columns(out=pl.col("item_id").is_in(out))
    return head.group_by("user_id").agg(pl.col("out").mean()).sort("user_id")["out"].to_numpy()


def main() -> None:
    """Run the arms that were asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["sequences", "shop", "demo"])
    parser.add_argument("folder", type=Path, nargs="?")
    parser.add_argument("--cutoff", type=date.fromisoformat)
    parser.add_argument("--days", type=int)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--cache", type=Path, default=Path(".cache/vectors"), help="where texts' vectors are kept")
    options = parser.parse_args()
    if options.what != "demo" and options.folder is None:
        sys.exit(f"text_ablation.py {options.what}: FOLDER is missing")
    if options.what == "sequences":
        trial = sequences_trial(options.folder, options.cache, options.threads)
        tell_differences(trial, text_arms(trial, options.seeds))
    elif options.what == "shop":
        if options.cutoff is None:
            sys.exit("text_ablation.py shop: --cutoff is missing")
        trial, _ = shop_trial(
            options.folder, options.cutoff, options.days, cache=options.cache, threads=options.threads
        )
        tell_differences(trial, text_arms(trial, options.seeds))
    else:
        with tempfile.TemporaryDirectory() as place:
            demo(Path(place) / "demo", options.seeds, options.threads)


def demo(place: Path, seeds: int, threads: int) -> None:
    """Run the arms on the demo shop, then switch off events and stock."""
    generate_shop(place)
    cache = place.parent / "vectors"
    last = read_shop(place, settings=load_settings(None, ()), cutoff=None, cache=None).cutoff
    cutoff = last - timedelta(days=DEMO_DAYS)
    trial, shop = shop_trial(place, cutoff, DEMO_DAYS, cache=cache, threads=threads)
    arms = text_arms(trial, seeds)
    tell_differences(trial, arms)
    switch_off(trial, shop, place, cache=cache, ours=arms["encoder"])


if __name__ == "__main__":
    main()
