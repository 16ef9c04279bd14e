"""The demo shop's users: their tastes, and what they come to want, when, and in which words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from jobs.demo_shop.catalogue import DAYS, Catalogue, Floats, Ints

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from jobs.demo_shop.language import Language
    from jobs.demo_shop.plans import Plans

__all__ = ["CHOICES", "People", "Wants", "make_people", "make_wants"]

CHOICES = 4  # how many articles a want looks at, in the order of preference
_LOYAL = 0.45  # share of users with standing orders
_STYLE_PULL = 3.2  # log odds of an article in the wanted style
_FOLLOWED = 0.6  # share of main purchases that an accessory follows
_TURNED_AWAY = 0.3  # share of wants that end without a purchase


@dataclass(frozen=True, slots=True)
class People:
    """One row a user: what departments and styles they like (rows sum to 1)."""

    departments: Floats  # (users, departments)
    styles: Floats  # (users, styles)

    @property
    def user_ids(self) -> list[str]:
        """Return the ids, row by row."""
        return [f"u{row + 1:04d}" for row in range(len(self.styles))]


@dataclass(frozen=True, slots=True)
class Wants:
    """One row a want, sorted by day: somebody comes for a kind of thing in a style, and looks at `choices`."""

    user: Ints
    day: Ints
    thing: Ints
    style: Ints
    choices: Ints  # (wants, CHOICES): rows of the catalogue, best first; -1 where there is none left
    buys: NDArray[np.bool_]  # false: looks only
    standing: NDArray[np.bool_]  # a standing order of something used up


def make_people(rng: np.random.Generator, language: Language) -> People:
    """Draw few departments and one or two styles for every user."""
    count, styles_known = language.size.users, len(language.styles)
    departments = rng.dirichlet(np.full(len(language.departments), 0.25), count)
    departments = 0.9 * departments + 0.1 / len(language.departments)
    styles = np.full((count, styles_known), 0.12 / styles_known)
    favourites = np.argsort(rng.random((count, styles_known)), axis=1)
    rows = np.arange(count)
    styles[rows, favourites[:, 0]] += 0.68
    styles[rows, favourites[:, 1]] += 0.20
    return People(departments=departments, styles=styles)


def make_wants(rng: np.random.Generator, shop: Catalogue, plans: Plans, people: People) -> Wants:
    """Draw all wants: spontaneous ones, what follows a main purchase, and standing orders."""
    things = shop.language.things
    user, day, thing, style = _spontaneous(rng, shop.language, plans, people)
    buys = rng.random(len(user)) >= _TURNED_AWAY
    leads = np.array([bool(kind.then) for kind in things])[thing]
    after = np.flatnonzero(leads & buys & (rng.random(len(thing)) < _FOLLOWED))
    later = day[after] + rng.integers(2, 18, len(after))
    follow = [one.name for one in things]
    user = np.concatenate([user, user[after]])
    style = np.concatenate([style, style[after]])
    thing = np.concatenate(
        [thing, np.array([follow.index(things[kind].then) for kind in thing[after]], dtype=np.int64)]
    )
    day, buys = np.concatenate([day, later]), np.concatenate([buys, np.ones(len(after), dtype=bool)])
    choices = _choose(rng, shop, plans, (day, thing, style))
    standing = np.zeros(len(user), dtype=bool)
    orders = _standing_orders(rng, shop, plans, people)
    columns = [
        np.concatenate([a, b]) for a, b in zip((user, day, thing, style, choices, buys, standing), orders, strict=True)
    ]
    order = np.flatnonzero((columns[1] < DAYS) & (columns[4][:, 0] >= 0))
    order = order[np.lexsort((order, columns[1][order]))]
    return Wants(*(column[order] for column in columns))


def _spontaneous(
    rng: np.random.Generator, language: Language, plans: Plans, people: People
) -> tuple[Ints, Ints, Ints, Ints]:
    users, wants = language.size.users, language.size.wants
    activity = np.exp(rng.normal(0, 0.7, users))
    user = rng.choice(users, wants, p=activity / activity.sum())
    weight = plans.season.mean(axis=0) * plans.weekday
    day = rng.choice(DAYS, wants, p=weight / weight.sum())
    department = _pick(rng, people.departments[user] * plans.season[:, day].T)
    home = np.array(language.homes())
    liking = (
        rng.dirichlet(np.full(len(language.things), 0.7), users) + 0.01
    )  # every user has favourite kinds within a department
    thing = _pick(rng, np.where(home[None, :] == department[:, None], liking[user], 0.0))
    return user, day, thing, _pick(rng, people.styles[user])


def _pick(rng: np.random.Generator, weight: Floats) -> Ints:
    """Return a column for each row, drawn with the row's weights."""
    total = np.cumsum(weight, axis=1)
    drawn: Ints = (total < rng.random(len(weight))[:, None] * total[:, -1:]).sum(axis=1)
    last: Ints = np.minimum(drawn, weight.shape[1] - 1)
    return last


def _choose(rng: np.random.Generator, shop: Catalogue, plans: Plans, wants: tuple[Ints, Ints, Ints]) -> Ints:
    """Return what each want (day, thing, style) looks at: a draw by appeal, style and promotion, without repeats."""
    day, thing, style = wants
    choices = np.full((len(day), CHOICES), -1)
    day = np.minimum(day, DAYS - 1)
    for kind in range(len(shop.language.things)):
        items, rows = np.flatnonzero(shop.thing == kind), np.flatnonzero(thing == kind)
        liked = shop.style[items][None, :] == style[rows][:, None]
        utility = 0.8 * shop.appeal[items][None, :] + _STYLE_PULL * liked + plans.lift[np.ix_(items, day[rows])].T
        utility = utility - np.log(
            -np.log(rng.random(utility.shape))
        )  # Gumbel noise: the order of a draw without repeats
        best = np.argsort(-utility, axis=1, kind="stable")[:, :CHOICES]
        found = np.isfinite(np.take_along_axis(utility, best, axis=1))
        choices[rows, : best.shape[1]] = np.where(found, items[best], -1)
    return choices


def _standing_orders(
    rng: np.random.Generator, shop: Catalogue, plans: Plans, people: People
) -> tuple[Ints, Ints, Ints, Ints, Ints, NDArray[np.bool_], NDArray[np.bool_]]:
    """Return the wants of users who buy the same again whenever it is used up."""
    things = shop.language.things
    used_up = np.array([row for row, thing in enumerate(things) if thing.weeks])
    loyal = np.flatnonzero(rng.random(len(people.styles)) < _LOYAL)
    loyal = np.repeat(loyal, rng.integers(1, 3, len(loyal)))
    thing = used_up[rng.integers(len(used_up), size=len(loyal))]
    style = _pick(rng, people.styles[loyal])
    start = rng.integers(0, DAYS - 60, len(loyal))
    choices = _choose(rng, shop, plans, (start, thing, style))
    every = np.array([kind.weeks for kind in things])[thing] * 7 * np.exp(rng.normal(0, 0.25, len(loyal)))
    times = 16
    gaps = np.maximum(every[:, None] * np.exp(rng.normal(0, 0.15, (len(loyal), times))), 5)
    gaps[:, 0] = 0
    day = (start[:, None] + np.cumsum(gaps, axis=1)).astype(np.int64)
    rows, turn = np.nonzero(day < DAYS)
    late = day[rows, turn]
    gone = shop.last_day[choices[rows, 0]] < late
    rows, late = rows[~gone], late[~gone]
    yes = np.ones(len(rows), dtype=bool)
    return loyal[rows], late, thing[rows], style[rows], choices[rows], yes, yes
