"""The demo shop's days: demand meets stock, what is not there is lost or taken from the twin, deliveries come."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from jobs.demo_shop.catalogue import CUTOFF_DAY, DAYS, Catalogue, Floats, Ints
from jobs.demo_shop.words import DEPARTMENTS, THINGS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from jobs.demo_shop.people import Wants
    from jobs.demo_shop.plans import Plans

__all__ = ["Trade", "simulate"]

NOBODY = -1  # the market stall sells without knowing to whom
_STALL_ITEMS = 800
_STALL_UNITS = 2.2  # mean units a Saturday of an article of average appeal
_TO_TWIN = 0.7  # share of those who take the twin where an article is out
_RUNNING_OUT = 70  # articles with a twin that are all but sold out at the cutoff, and delivered three weeks late


@dataclass(frozen=True, slots=True)
class Trade:
    """What was sold, lost and stocked.

    `sales`: day, item, user, units. `lost`: day, item, user, units, item taken instead (-1: none).
    """

    sales: Ints  # (sales, 4)
    lost: Ints  # (losses, 5)
    on_hand: Ints  # (days, articles): units at the end of the day
    due: Ints  # (days, articles): the day on which the next delivery comes, -1 where none is ordered
    ordered: Ints  # (days, articles): units on order
    lead_days: Ints  # (articles,)
    demanded: Ints  # (weeks, articles): units asked for
    expected: Floats  # (weeks, articles): the stall's mean, before chance and stock
    bought_now: NDArray[np.bool_]  # (wants,): the want ended in a purchase
    taken: Ints  # (wants,): the article that was bought, -1 where none


@dataclass(slots=True)
class _Shelf:
    """The shelf while the days pass."""

    twin: Ints
    stock: Ints
    due: Ints
    ordered: Ints
    asked: Ints
    sales: list[tuple[int, int, int, int]] = field(default_factory=list)
    lost: list[tuple[int, int, int, int, int]] = field(default_factory=list)
    owned: set[tuple[int, int]] = field(default_factory=set)  # user, article


def simulate(rng: np.random.Generator, shop: Catalogue, plans: Plans, wants: Wants) -> Trade:
    """Run the shop day by day from an opening stock; sales never exceed what lies on the shelf."""
    count = len(shop.thing)
    expected = _stall_means(rng, shop, plans)
    stall = rng.poisson(expected)  # (weeks, articles)
    online = _online_means(shop, wants)
    lead = rng.choice([5, 9, 16], count)
    slack = rng.choice([0.5, 1.2, 2.0], count, p=[0.12, 0.38, 0.5])  # some buyers order too little
    weekly = expected.max(axis=0) * 0.5 + expected.mean(axis=0) * 0.5 + online
    start = np.ceil(weekly * 5 + 3).astype(np.int64)
    shelf = _Shelf(
        shop.twin,
        np.where(shop.listed == 0, start, 0),
        np.full(count, -1),
        np.zeros(count, np.int64),
        np.zeros(count, np.int64),
    )
    scarce = _scarce(shop, weekly)
    logs = [np.zeros((DAYS, count), np.int64) for _ in range(3)]
    asked = np.zeros((DAYS // 7, count), np.int64)
    first_want = np.searchsorted(wants.day, np.arange(DAYS + 1))
    draws = rng.random(len(wants.day))
    taken = np.full(len(wants.day), -1)
    for day in range(DAYS):
        arriving = (shop.listed == day) & (day > 0)
        shelf.stock[arriving] += start[arriving]
        arrived = shelf.due == day
        shelf.stock[arrived] += shelf.ordered[arrived]
        shelf.ordered[arrived], shelf.due[arrived] = 0, -1
        for row in range(first_want[day], first_want[day + 1]):
            taken[row] = _serve(shelf, wants, row, goes_to_twin=bool(draws[row] < _TO_TWIN))
        if plans.market[day]:
            _stall_day(shelf, day, stall[day // 7])
        if day % 7 == 0:
            recent = asked[max(0, day // 7 - 6) : max(1, day // 7)].mean(axis=0)
            ahead = np.maximum(expected[min(day // 7 + 1, DAYS // 7 - 1)] + online, recent)
            _reorder(
                shelf,
                day,
                need=(ahead * (lead / 7 + 1 + slack) + 2),
                lead=lead,
                carried=(shop.last_day > day) & (shop.listed <= day),
            )
        if day == CUTOFF_DAY:  # a stocktake finds little of what sells well, and the supplier is three weeks late
            shelf.stock[scarce] = np.minimum(shelf.stock[scarce], np.ceil(weekly[scarce] * 0.12).astype(np.int64))
            shelf.ordered[scarce], shelf.due[scarce] = np.ceil(weekly[scarce] * 4).astype(np.int64), day + 22
        asked[day // 7] += shelf.asked
        shelf.asked[:] = 0
        for log, now in zip(logs, (shelf.stock, shelf.due, shelf.ordered), strict=True):
            log[day] = now
    return Trade(
        sales=np.array(shelf.sales, dtype=np.int64),
        lost=np.array(shelf.lost, dtype=np.int64).reshape(-1, 5),
        on_hand=logs[0],
        due=logs[1],
        ordered=logs[2],
        lead_days=lead,
        demanded=asked,
        expected=expected,
        bought_now=taken >= 0,
        taken=taken,
    )


def _stall_means(rng: np.random.Generator, shop: Catalogue, plans: Plans) -> Floats:
    """Return the mean units of each Saturday: the stall carries the best-selling articles only."""
    saturdays = np.arange(5, DAYS, 7)
    names = [one.name for one in DEPARTMENTS]
    home = np.array([names.index(THINGS[kind].department) for kind in shop.thing])
    carried = np.zeros(len(shop.thing), dtype=bool)
    carried[np.argsort(-shop.appeal + rng.normal(0, 0.3, len(shop.appeal)), kind="stable")[:_STALL_ITEMS]] = True
    level = np.where(carried, _STALL_UNITS * np.exp(shop.appeal - shop.appeal[carried].mean()), 0.0)
    mean: Floats = level[None, :] * plans.season[home][:, saturdays].T * np.exp(plans.lift[:, saturdays].T)
    return mean * plans.market[saturdays][:, None]


def _online_means(shop: Catalogue, wants: Wants) -> Floats:
    """Return units a week that users want of each article while it is on sale."""
    firsts = np.bincount(wants.choices[wants.buys, 0], minlength=len(shop.thing))
    weeks = (np.minimum(shop.last_day, DAYS - 1) - np.minimum(shop.first_day, DAYS - 8) + 1) / 7
    means: Floats = firsts / np.maximum(weeks, 1)
    return means


def _scarce(shop: Catalogue, weekly: Floats) -> Ints:
    """Return the articles that will run out: the best-selling one of each of the best-selling twin pairs."""
    first = np.flatnonzero(shop.twin > np.arange(len(shop.twin)))
    best = np.where(weekly[first] >= weekly[shop.twin[first]], first, shop.twin[first])
    return best[np.argsort(-weekly[best], kind="stable")[:_RUNNING_OUT]]


def _serve(shelf: _Shelf, wants: Wants, row: int, *, goes_to_twin: bool) -> int:
    """Sell the first choice that the user does not have yet, else its twin, or nothing; return what was taken."""
    if not wants.buys[row]:
        return -1
    user, day = int(wants.user[row]), int(wants.day[row])
    again = bool(wants.standing[row]) or THINGS[wants.thing[row]].weeks > 0
    choices = [
        int(item) for item in wants.choices[row] if item >= 0 and (again or (user, int(item)) not in shelf.owned)
    ]
    if not choices:
        return -1
    item = choices[0]
    shelf.asked[item] += 1
    if shelf.stock[item] < 1:
        other = int(shelf.twin[item])
        if other < 0 or not goes_to_twin or shelf.stock[other] < 1:
            shelf.lost.append((day, item, user, 1, -1))
            return -1
        shelf.lost.append((day, item, user, 1, other))
        item = other
    shelf.stock[item] -= 1
    shelf.sales.append((day, item, user, 1))
    shelf.owned.add((user, item))
    return item


def _stall_day(shelf: _Shelf, day: int, demand: Ints) -> None:
    """Sell at the stall; half of what is out is taken from the twin, the rest is lost."""
    shelf.asked += demand
    sold = np.minimum(shelf.stock, demand)
    shelf.stock -= sold
    for item in np.flatnonzero(demand > sold):
        missing, other = int(demand[item] - sold[item]), int(shelf.twin[item])
        moved = min(missing // 2, int(shelf.stock[other])) if other >= 0 else 0
        if moved:
            shelf.stock[other] -= moved
            sold[other] += moved
            shelf.lost.append((day, int(item), NOBODY, moved, other))
        if missing > moved:
            shelf.lost.append((day, int(item), NOBODY, missing - moved, -1))
    shelf.sales.extend((day, int(item), NOBODY, int(sold[item])) for item in np.flatnonzero(sold))


def _reorder(shelf: _Shelf, day: int, *, need: Floats, lead: Ints, carried: NDArray[np.bool_]) -> None:
    """Order up to the need, of what is still carried and not on its way."""
    missing = np.ceil(need).astype(np.int64) - shelf.stock
    order = carried & (shelf.due < 0) & (missing > 0)
    shelf.ordered[order] = missing[order]
    shelf.due[order] = day + lead[order]
