"""What the demo shop's users leave behind in words and clicks: browsing and reviews."""

from __future__ import annotations

from datetime import datetime, timedelta

import numpy as np
import polars as pl

from jobs.demo_shop.catalogue import CUTOFF_DAY, PHONE, START, Catalogue, Ints
from jobs.demo_shop.people import CHOICES, People, Wants
from jobs.demo_shop.things import DEPARTMENTS, THINGS
from jobs.demo_shop.trade import NOBODY, Trade
from jobs.demo_shop.words import STYLES

__all__ = ["browsing", "reviews"]

_REVIEWS = 1800
_PHONE_REVIEWS = 24
_SEARCHED, _VIEWED = (0.0, 0.6), (0.42, 0.82)  # parts of the wants that leave such a trace: some leave words alone
_CARTS = 0.3  # share of looks that lead to the cart
_SHOWN = 300
_EVENTS = {"user_id": pl.String, "item_id": pl.String, "occurred_at": pl.String, "kind": pl.String, "text": pl.String}

_GOOD = (
    "The {material} feels solid, and the {word} look is lovely.",
    "Exactly the {word} {thing} I was looking for.",
    "It has {feature}, and that was what I wanted.",
    "Even better than in the picture, a real {word} piece.",
    "After months it still looks like new.",
    "Bought it for {use} and I am delighted.",
)
_MIXED = (
    "It does its job, but {feature} could be better.",
    "A decent {thing}, though the {word} motif is smaller than I hoped.",
    "Fine for {use}, a little dear.",
    "The {material} is all right, the colour is paler than expected.",
)
_BAD = (
    "The {material} broke after two weeks.",
    "The {word} print came off in the wash, I sent it back.",
    "I expected {feature} and got none of it.",
    "Useless for {use}, a waste of money.",
    "Poorly made, the {thing} smelled of glue.",
)
_BATTERY_GOOD = (
    "The battery easily lasts two days, even with video calls.",
    "Great battery life, I charge it every other evening.",
    "Battery still at forty percent after a whole day of navigation.",
)
_BATTERY_MIXED = (
    "The battery lasts a day if I dim the display, no more.",
    "Battery is average: fine for calls, short for video.",
)
_BATTERY_BAD = (
    "The battery is empty by noon, very disappointing.",
    "Battery life is terrible, I charge it twice a day.",
)
_HEADLINES = {1: "Disappointed", 2: "Not for me", 3: "It is all right", 4: "Good", 5: "Very happy"}


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
    shown = rng.choice(np.flatnonzero(loose), _SHOWN, replace=False)
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
    texts = []
    for row, (shape, turn) in enumerate(zip(form, word, strict=True)):
        thing = THINGS[wants.thing[row]].name
        if shape == 0:
            texts.append(f"{shop.material[wants.choices[row, 0]]} {thing}")
        elif shape == 1:
            texts.append(thing)
        else:
            texts.append(f"{STYLES[wants.style[row]].words[turn]} {thing}")
    return texts


def reviews(rng: np.random.Generator, shop: Catalogue, people: People, trade: Trade) -> pl.DataFrame:
    """Return reviews by buyers, days after their purchase and up to the cutoff; the phone's speak of its battery."""
    day, item, user = trade.sales[:, 0], trade.sales[:, 1], trade.sales[:, 2]
    known = np.flatnonzero((user != NOBODY) & (day < CUTOFF_DAY - 25))
    phone = known[item[known] == PHONE]
    chosen = [rng.choice(known[item[known] != PHONE], _REVIEWS - _PHONE_REVIEWS, replace=False)]
    chosen.append(rng.choice(phone, min(_PHONE_REVIEWS, len(phone)), replace=False))
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
            "title": [_HEADLINES[int(star)] for star in stars],
            "text": [_say(rng, shop, int(row), int(star)) for row, star in zip(item[rows], stars, strict=True)],
        }
    )


def _say(rng: np.random.Generator, shop: Catalogue, item: int, stars: int) -> str:
    """Return two sentences in the tone of the stars, with the article's own words."""
    pool = _GOOD if stars >= 4 else _MIXED if stars == 3 else _BAD
    first, second = rng.choice(len(pool), 2, replace=False)
    department = next(one for one in DEPARTMENTS if one.name == THINGS[shop.thing[item]].department)
    words = {
        "material": shop.material[item],
        "feature": shop.feature[item],
        "word": STYLES[shop.style[item]].words[rng.integers(5)],
        "thing": THINGS[shop.thing[item]].name,
        "use": department.uses[rng.integers(len(department.uses))],
    }
    text = f"{pool[first]} {pool[second]}".format_map(words)
    if THINGS[shop.thing[item]].name == "smartphone":
        battery = _BATTERY_GOOD if stars >= 4 else _BATTERY_MIXED if stars == 3 else _BATTERY_BAD
        text = f"{battery[rng.integers(len(battery))]} {text}"
    return text
