"""The demo shop's days: demand meets stock, what is not there is lost or taken from the twin, deliveries come."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from jobs.demo_shop.catalogue import CUTOFF_DAY, DAYS, Catalogue, Floats, Ints

if TYPE_CHECKING:
    from jobs.demo_shop.people import Wants
    from jobs.demo_shop.plans import Plans

__all__ = ["Trade", "simulate"]

NOBODY = -1  # the market stall sells without knowing to whom
_STALL_UNITS = 2.2  # mean units a Saturday of an article of average appeal
_TO_TWIN = 0.7  # share of those who take the twin where an article is out


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


@dataclass(slots=True)
class _Shelf:
    """The shelf while the days pass."""

    twin: Ints
    weeks: tuple[int, ...]  # by thing: how soon it is used up, 0 for never
    stock: Ints
    due: Ints
    ordered: Ints
    asked: Ints
    sales: list[tuple[int, int, int, int]] = field(default_factory=list)
    lost: list[tuple[int, int, int, int, int]] = field(default_factory=list)
    owned: set[tuple[int, int]] = field(default_factory=set)  # user, article

    @classmethod
    def empty(cls, shop: Catalogue) -> _Shelf:
        """Return a shelf without stock or orders."""
        nothing, weeks = np.zeros(len(shop.twin), np.int64), tuple(thing.weeks for thing in shop.language.things)
        return cls(shop.twin, weeks, nothing.copy(), np.full(len(shop.twin), -1), nothing.copy(), nothing.copy())

    def receive(self, day: int) -> None:
        """Put what arrives on that day on the shelf."""
        arrived = self.due == day
        self.stock[arrived] += self.ordered[arrived]
        self.ordered[arrived], self.due[arrived] = 0, -1


def simulate(rng: np.random.Generator, shop: Catalogue, plans: Plans, wants: Wants) -> Trade:
    """Run the shop day by day from an opening stock; sales never exceed what lies on the shelf."""
    count = len(shop.thing)
    expected = _stall_means(rng, shop, plans)
    stall = rng.poisson(expected)  # (weeks, articles)
    online = _online_means(shop, wants)
    lead = rng.choice([5, 9, 16], count)
    cover = (
        lead / 7 + 1 + rng.choice([0.5, 1.2, 2.0], count, p=[0.12, 0.38, 0.5])
    )  # weeks; some buyers order too little
    weekly = expected.max(axis=0) * 0.5 + expected.mean(axis=0) * 0.5 + online
    scarce = _scarce(shop, weekly)
    to_twin = rng.random(len(wants.day)) < _TO_TWIN
    first_want = np.searchsorted(wants.day, np.arange(DAYS + 1))
    shelf, asked = _Shelf.empty(shop), np.zeros((DAYS // 7, count), np.int64)
    on_hand, due, ordered = (np.zeros((DAYS, count), np.int64) for _ in range(3))
    for day in range(DAYS):
        week = day // 7
        shelf.receive(day)
        shelf.stock += np.where(shop.listed == day, np.ceil(weekly * 5 + 3), 0).astype(np.int64)
        for row in range(first_want[day], first_want[day + 1]):
            _serve(shelf, wants, row, goes_to_twin=bool(to_twin[row]))
        if plans.market[day]:
            _stall_day(shelf, day, stall[week])
        if day % 7 == 0:
            recent = asked[max(0, week - 6) : max(1, week)].mean(axis=0)
            ahead = np.maximum(expected[min(week + 1, DAYS // 7 - 1)] + online, recent)
            carried = (shop.last_day > day) & (shop.listed <= day)
            _reorder(shelf, day, need=np.where(carried, ahead * cover + 2, 0), lead=lead)
        if day == CUTOFF_DAY:
            _stocktake(shelf, day, scarce, weekly)
        asked[week] += shelf.asked
        shelf.asked[:] = 0
        on_hand[day], due[day], ordered[day] = shelf.stock, shelf.due, shelf.ordered
    return Trade(
        sales=np.array(shelf.sales, dtype=np.int64),
        lost=np.array(shelf.lost, dtype=np.int64).reshape(-1, 5),
        on_hand=on_hand,
        due=due,
        ordered=ordered,
        lead_days=lead,
        demanded=asked,
    )


def _stall_means(rng: np.random.Generator, shop: Catalogue, plans: Plans) -> Floats:
    """Return the mean units of each Saturday: the stall carries the best-selling articles only."""
    saturdays = np.arange(5, DAYS, 7)
    home = np.array(shop.language.homes())[shop.thing]
    carried = np.zeros(len(shop.thing), dtype=bool)
    carried[
        np.argsort(-shop.appeal + rng.normal(0, 0.3, len(shop.appeal)), kind="stable")[: shop.language.size.stall_items]
    ] = True
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
    return best[np.argsort(-weekly[best], kind="stable")[: shop.language.size.running_out]]


def _stocktake(shelf: _Shelf, day: int, scarce: Ints, weekly: Floats) -> None:
    """Find little of what sells well, whose supplier is three weeks late, and enough of its twin."""
    units = np.ceil(weekly).astype(np.int64)
    shelf.stock[scarce] = np.minimum(shelf.stock[scarce], np.ceil(weekly[scarce] * 0.12).astype(np.int64))
    shelf.ordered[scarce], shelf.due[scarce] = 4 * units[scarce], day + 22
    twins = shelf.twin[scarce]
    shelf.stock[twins] = np.maximum(shelf.stock[twins], 3 * units[twins])


def _serve(shelf: _Shelf, wants: Wants, row: int, *, goes_to_twin: bool) -> None:
    """Sell the first choice that the user does not have yet; where it is out, its twin or nothing."""
    if not wants.buys[row]:
        return
    user, day = int(wants.user[row]), int(wants.day[row])
    again = bool(wants.standing[row]) or shelf.weeks[wants.thing[row]] > 0
    left = [int(item) for item in wants.choices[row] if item >= 0]
    item = next((item for item in left if again or (user, item) not in shelf.owned), None)
    if item is None:
        return
    shelf.asked[item] += 1
    if shelf.stock[item] < 1:
        other = int(shelf.twin[item]) if goes_to_twin else -1
        if other >= 0 and shelf.stock[other] < 1:
            other = -1
        shelf.lost.append((day, item, user, 1, other))
        if other < 0:
            return
        item = other
    shelf.stock[item] -= 1
    shelf.sales.append((day, item, user, 1))
    shelf.owned.add((user, item))


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


def _reorder(shelf: _Shelf, day: int, *, need: Floats, lead: Ints) -> None:
    """Order up to the need, where nothing is on its way."""
    missing = np.ceil(need).astype(np.int64) - shelf.stock
    order = (shelf.due < 0) & (missing > 0)
    shelf.ordered[order] = missing[order]
    shelf.due[order] = day + lead[order]
