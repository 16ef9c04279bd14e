#!/usr/bin/env python3
"""Who bought an item after the cutoff, and how many of them its audience named: audience.py RUN TRUTH.

usage: audience.py RUN TRUTH [--days 28] [--least 5] [-k 100] [--seed 0]

RUN: a runs folder or a run's own folder. TRUTH: a Parquet file of who bought what and when, before and after the run's
cutoff: item_id, user_id and sold_on or occurred_at. An item is measured if it is in the run and `least` users or more
bought it in the `days` after the cutoff (0: in all that follow). recall@k: the share of these buyers among the first
`k` users of its audience, the mean over items; new customers, whom nobody can name, count among the buyers.

Where the run hides what was bought before, who had the item already is neither in any method's list nor among the
buyers to be found; where it keeps it, nobody is left out. This holds for every method alike.

`active`: users with the most purchases in the last 90 days, then ever. `category`: users with the most purchases of the
item's category; in a shop without categories an item's is the last word of its title. `nearest`: users with the most
purchases of the 20 items that the run publishes as nearest to it. `owners` (where they are kept): who bought the item
most often. All of them: ties by activity, then by id.

Prints one JSON line; each difference with the 95 % bootstrap interval over items.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
from trials import difference

from recsys import Recommender
from warehouse import Published

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

    from numpy.typing import NDArray

NEAREST, RECENT_DAYS = 20, 90


@dataclass(frozen=True, slots=True)
class Past:
    """Purchases up to the cutoff in whole numbers: `user`, `item` are places in the sorted ids, `recent` of 90 days."""

    user_ids: list[str]
    item_ids: list[str]
    user: NDArray[np.int64]
    item: NDArray[np.int64]
    recent: NDArray[np.bool_]

    def counts(self, items: NDArray[np.bool_]) -> NDArray[np.float64]:
        """Return how many purchases of these items (mask) each user has."""
        return np.bincount(self.user[items[self.item]], minlength=len(self.user_ids)).astype(np.float64)

    def activity(self) -> NDArray[np.float64]:
        """Return a score of each user below 1: purchases of the last 90 days, then ever."""
        ever = np.bincount(self.user, minlength=len(self.user_ids))
        lately = np.bincount(self.user[self.recent], minlength=len(self.user_ids))
        order = np.lexsort((-np.arange(len(ever)), ever, lately))
        score = np.empty(len(ever))
        score[order] = np.arange(len(ever)) / len(ever)
        return score


def read_truth(path: Path, items: list[str]) -> pl.DataFrame:
    """Return item_id, user_id, day of the purchases by known users of these items, one row an item, user and day."""
    rows = pl.read_parquet(path)
    day = pl.col("sold_on") if "sold_on" in rows.columns else pl.col("occurred_at")
    found = rows.select(pl.col("item_id", "user_id").cast(pl.String), day=day.cast(pl.Date))
    return found.filter(pl.col("user_id").is_not_null(), pl.col("item_id").is_in(items)).unique().sort(found.columns)


def past_of(rows: pl.DataFrame, cutoff: date, users: list[str], items: list[str]) -> Past:
    """Return what is known on the evening of the cutoff."""
    known = rows.filter(pl.col("day") <= cutoff)
    user_of, item_of = ({one: at for at, one in enumerate(ids)} for ids in (users, items))
    kept = known.filter(pl.col("user_id").is_in(users))
    return Past(
        users,
        items,
        np.array([user_of[one] for one in kept["user_id"]], dtype=np.int64),
        np.array([item_of[one] for one in kept["item_id"]], dtype=np.int64),
        (kept["day"] > cutoff - timedelta(days=RECENT_DAYS)).to_numpy(),
    )


def categories(published: Published, items: list[str]) -> list[str | None]:
    """Return each item's category; in a shop without any, the last word of its title."""
    told = published.query("SELECT item_id, category, title FROM items").sort("item_id")
    if told["category"].null_count() == told.height:
        last = told["title"].str.to_lowercase().str.extract(r"([\w-]+)\W*$")
        told = told.with_columns(category=last)
    own = dict(told.select("item_id", "category").iter_rows())
    return [own[item] for item in items]


def baseline_scores(past: Past, published: Published, item_ids: list[str]) -> Mapping[str, NDArray[np.float64]]:
    """Return for each baseline the users' scores for each of `item_ids`: (items, users)."""
    place = {item: at for at, item in enumerate(past.item_ids)}
    activity = past.activity()
    names = np.array(categories(published, past.item_ids), dtype=object)
    near = published.query(f"SELECT query_item_id, item_id FROM similar_items WHERE rank <= {NEAREST}")  # noqa: S608
    nearest = dict(near.group_by("query_item_id").agg("item_id").iter_rows())
    scores: dict[str, list[NDArray[np.float64]]] = {"active": [], "category": [], "nearest": [], "owners": []}
    for item in item_ids:
        own = np.zeros(len(past.item_ids), dtype=bool)
        own[place[item]] = True
        neighbours = np.zeros(len(past.item_ids), dtype=bool)
        neighbours[[place[one] for one in nearest[item]]] = True
        mates = names == names[place[item]] if names[place[item]] is not None else own
        scores["active"].append(activity)
        for name, mask in (("category", mates), ("nearest", neighbours), ("owners", own)):
            scores[name].append(past.counts(mask) + activity)
    return {name: np.stack(rows) for name, rows in scores.items()}


def named_by(scores: NDArray[np.float64], users: list[str], left_out: list[set[str]], k: int) -> list[set[str]]:
    """Return the first `k` users of each item by score, less those who are left out of it; ties by the user's place."""
    found = []
    for row, gone in zip(scores, left_out, strict=True):
        order = [users[at] for at in np.argsort(-row, kind="stable")[: k + len(gone)]]
        found.append(set([user for user in order if user not in gone][:k]))
    return found


def recall(named: list[set[str]], buyers: list[set[str]]) -> NDArray[np.float64]:
    """Return the share of each item's buyers that was named."""
    return np.array([len(own & them) / len(them) for own, them in zip(named, buyers, strict=True)])


def measure(run: Path, truth: Path, options: argparse.Namespace) -> dict[str, object]:
    """Return the figures of one run."""
    shop, published = Recommender.open(run), Published.open(run)
    cutoff, hide = shop.run.cutoff, published.facts["bought_before"] == "hide"
    items = published.query("SELECT item_id FROM items ORDER BY item_id")["item_id"].to_list()
    users = published.query("SELECT DISTINCT user_id FROM recommendations ORDER BY user_id")["user_id"].to_list()
    rows = read_truth(truth, items)
    had = rows.filter(pl.col("day") <= cutoff)
    later = rows.filter(pl.col("day") > cutoff)
    if options.days:
        later = later.filter(pl.col("day") <= cutoff + timedelta(days=options.days))
    if hide:
        later = later.join(had, on=["item_id", "user_id"], how="anti")
    bought = later.group_by("item_id").agg(pl.col("user_id").unique()).sort("item_id")
    bought = bought.filter(pl.col("user_id").list.len() >= options.least)
    measured, buyers = bought["item_id"].to_list(), [set(own) for own in bought["user_id"].to_list()]
    owners = dict(had.group_by("item_id").agg("user_id").iter_rows()) if hide else {}
    left_out = [set(owners.get(item, ())) for item in measured]
    ours = recall([set(shop.audience(item, options.k)["user_id"]) for item in measured], buyers)
    known = set(users)
    figures: dict[str, object] = {
        "cutoff": cutoff.isoformat(),
        "bought_before": "hide" if hide else "keep",
        "days": options.days,
        "least": options.least,
        "items": len(measured),
        "buyers": sum(map(len, buyers)),
        "buyers_known_at_cutoff": round(sum(len(own & known) for own in buyers) / max(sum(map(len, buyers)), 1), 4),
        f"recall@{options.k}": round(float(ours.mean()), 4),
    }
    for name, scores in baseline_scores(past_of(rows, cutoff, users, items), published, measured).items():
        if name == "owners" and hide:
            continue  # they are left out
        theirs = recall(named_by(scores, users, left_out, options.k), buyers)
        figures[name] = {"recall": round(float(theirs.mean()), 4)} | difference(ours, theirs, seed=options.seed)
    return figures


def main() -> None:
    """Measure the run and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path)
    parser.add_argument("truth", type=Path)
    parser.add_argument("--days", type=int, default=28, help="after the cutoff; 0: all that follow")
    parser.add_argument("--least", type=int, default=5, help="buyers of an item that is measured")
    parser.add_argument("-k", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    print(json.dumps(measure(options.run, options.truth, options)))


if __name__ == "__main__":
    main()
