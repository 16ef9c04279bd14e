"""What the demo shop's users leave behind in words and clicks: browsing and reviews."""

from __future__ import annotations

from datetime import datetime, timedelta

import numpy as np
import polars as pl

from jobs.demo_shop.catalogue import CUTOFF_DAY, PHONE, START, Catalogue, Ints
from jobs.demo_shop.people import CHOICES, People, Wants
from jobs.demo_shop.trade import NOBODY, Trade

__all__ = ["browsing", "reviews"]

_SEARCHED, _VIEWED = (0.0, 0.6), (0.42, 0.82)  # parts of the wants that leave such a trace: some leave words alone
_CARTS = 0.3  # share of looks that lead to the cart
_EVENTS = {"user_id": pl.String, "item_id": pl.String, "occurred_at": pl.String, "kind": pl.String, "text": pl.String}


def browsing(rng: np.random.Generator, shop: Catalogue, people: People, wants: Wants) -> pl.DataFrame:
    """Return the events up to the cutoff: searches, views and carts, some days before a purchase or without one."""
    count = len(wants.day)
    ahead = rng.geometric(1 / 7.0, count)  # days from the first trace to the purchase
    loose = ~wants.standing & (wants.day >= 1)
    start = np.maximum(wants.day - np.minimum(ahead, 28), 0)
    texts = _queries(rng, shop, wants)
    users, ids = people.user_ids, shop.item_ids
    parts: list[tuple[Ints, Ints, Ints, str]] = []  # wants, day, item row, kind
    trace = rng.random(count)
    searched = np.flatnonzero(loose & (_SEARCHED[0] <= trace) & (trace < _SEARCHED[1]))
    parts.append((searched, start[searched], np.full(len(searched), -1), "search"))
    viewed = np.flatnonzero(loose & (_VIEWED[0] <= trace) & (trace < _VIEWED[1]))
    for turn in range(CHOICES - 1):
        seen = viewed[(rng.random(len(viewed)) < (0.9, 0.7, 0.5)[turn]) & (wants.choices[viewed, turn] >= 0)]
        day = np.minimum(start[seen] + rng.integers(0, 3, len(seen)), np.maximum(wants.day[seen], start[seen]))
        parts.append((seen, day, wants.choices[seen, turn], "view"))
    carted = viewed[wants.buys[viewed] & (rng.random(len(viewed)) < _CARTS)]
    parts.append(
        (carted, np.maximum(wants.day[carted] - rng.integers(0, 3, len(carted)), 0), wants.choices[carted, 0], "cart")
    )
    shown = rng.choice(np.flatnonzero(loose), shop.language.size.shown, replace=False)
    parts.append((shown, start[shown], wants.choices[shown, 0], "shown"))
    frames = []
    for rows, day, item, kind in parts:
        keep = day <= CUTOFF_DAY
        frames.append(
            pl.DataFrame(
                {
                    "user_id": [users[user] for user in wants.user[rows[keep]]],
                    "item_id": [ids[row] if row >= 0 else None for row in item[keep]],
                    "occurred_at": _moments(rng, day[keep]),
                    "kind": [kind] * int(keep.sum()),
                    "text": [texts[row] if kind == "search" else None for row in rows[keep]],
                },
                schema=_EVENTS,
            )
        )
    return pl.concat(frames).sort("occurred_at", "user_id", "kind", "item_id")


def _moments(rng: np.random.Generator, day: Ints) -> list[str]:
    midnight = datetime(START.year, START.month, START.day)  # noqa: DTZ001  UTC throughout, written without a zone
    minutes = rng.integers(7 * 60, 23 * 60, len(day))
    return [(midnight + timedelta(days=int(d), minutes=int(m))).isoformat() for d, m in zip(day, minutes, strict=True)]


def _queries(rng: np.random.Generator, shop: Catalogue, wants: Wants) -> list[str]:
    """Return the words in which each want would be searched: its style, or what the best choice is made of."""
    form, word = rng.integers(6, size=len(wants.day)), rng.integers(2, size=len(wants.day))
    language, search = shop.language, shop.language.wording.search
    texts = []
    for row, (shape, turn) in enumerate(zip(form, word, strict=True)):
        thing = language.things[wants.thing[row]].name
        if shape == 0:
            texts.append(search.format(word=shop.material[wants.choices[row, 0]], thing=thing))
        elif shape == 1:
            texts.append(thing)
        else:
            texts.append(search.format(word=language.styles[wants.style[row]].words[turn], thing=thing))
    return texts


def reviews(rng: np.random.Generator, shop: Catalogue, people: People, trade: Trade) -> pl.DataFrame:
    """Return reviews by buyers, days after their purchase and up to the cutoff; the phone's speak of its battery."""
    day, item, user = trade.sales[:, 0], trade.sales[:, 1], trade.sales[:, 2]
    known = np.flatnonzero((user != NOBODY) & (day < CUTOFF_DAY - 25))
    phone = known[item[known] == PHONE]
    size = shop.language.size
    chosen = [rng.choice(known[item[known] != PHONE], size.reviews - size.phone_reviews, replace=False)]
    chosen.append(rng.choice(phone, min(size.phone_reviews, len(phone)), replace=False))
    rows = np.sort(np.concatenate(chosen))
    written = day[rows] + rng.integers(3, 25, len(rows))
    fits = people.styles[user[rows], shop.style[item[rows]]]
    stars = np.clip(
        np.rint(shop.quality[item[rows]] + 0.6 * (fits - 0.4) + rng.normal(0, 0.8, len(rows))), 1, 5
    ).astype(int)
    users, ids = people.user_ids, shop.item_ids
    return pl.DataFrame(
        {
            "review_id": [f"r{number + 1:05d}" for number in range(len(rows))],
            "item_id": [ids[row] for row in item[rows]],
            "user_id": [users[row] for row in user[rows]],
            "occurred_at": _moments(rng, written),
            "stars": stars,
            "title": [shop.language.headlines[int(star)] for star in stars],
            "text": [_say(rng, shop, int(row), int(star)) for row, star in zip(item[rows], stars, strict=True)],
        }
    )


def _say(rng: np.random.Generator, shop: Catalogue, item: int, stars: int) -> str:
    """Return what is said first of such a thing, then two sentences, in the tone of the stars."""
    language, thing = shop.language, shop.language.things[shop.thing[item]]
    pool = language.said.of(stars)
    first, second = rng.choice(len(pool), 2, replace=False)
    department = next(one for one in language.departments if one.name == thing.department)
    words = {
        "material": shop.material[item],
        "feature": shop.feature[item],
        "word": language.styles[shop.style[item]].words[rng.integers(5)],
        "thing": thing.name,
        "use": department.uses[rng.integers(len(department.uses))],
    }
    subjects = [tones.of(stars) for tones in language.said_first.get(thing.name, ())]
    ahead = [known[rng.integers(len(known))] for known in subjects]
    return language.wording.sentence_gap.join([*ahead, pool[first], pool[second]]).format_map(words)
