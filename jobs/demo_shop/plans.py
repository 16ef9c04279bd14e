"""What moves demand and is known ahead: seasons, promotions and the market calendar."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from jobs.demo_shop.catalogue import DAYS, PHONE, START, Catalogue, Floats, Ints

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from jobs.demo_shop.language import Holiday

__all__ = ["Plans", "make_plans"]

_KNOWN_DAYS = 63  # every promotion is planned further ahead than the horizon reaches
_WEEKDAYS = np.array([0.9, 0.9, 0.95, 1.0, 1.15, 1.2, 0.9])  # Monday first
_OFFER_LIFT = np.array([0.5, 0.25, 0.1])


@dataclass(frozen=True, slots=True)
class Plans:
    """Demand's known movers. All arrays run over the simulated days."""

    season: Floats  # (departments, days): multiplier of demand, season and holidays
    weekday: Floats  # (days,): multiplier of online demand
    market: NDArray[np.bool_]  # (days,): the Saturday market stall is open
    lift: Floats  # (articles, days): log of the multiplier by promotion and age; -inf where it cannot be bought
    discount: Floats  # (articles, days): share taken off the price
    promotions: pl.DataFrame  # item_id, starts_on, ends_on, known_on, kind, discount
    calendar: pl.DataFrame  # date, holiday, market


def make_plans(rng: np.random.Generator, shop: Catalogue) -> Plans:
    """Draw the promotions, write the calendar, and lay both out over articles and days."""
    days = [START + timedelta(days=day) for day in range(DAYS)]
    holiday = [shop.language.holiday(day) for day in days]
    rests = [any(span.holds(day) for span in shop.language.no_market) for day in days]
    market = np.array([day.weekday() == 5 and not rest for day, rest in zip(days, rests, strict=True)])
    promotions, lift, discount = _promotions(rng, shop)
    lift += _age_lift(shop)
    wander = np.cumsum(rng.normal(0, 0.02, (len(shop.thing), DAYS // 7)), axis=1).repeat(7, axis=1)
    lift += np.clip(wander, -0.6, 0.6)
    day = np.arange(DAYS)
    lift[(day < shop.first_day[:, None]) | (day > shop.last_day[:, None])] = -np.inf
    return Plans(
        season=_season(shop, np.array([day.timetuple().tm_yday for day in days]), holiday),
        weekday=_WEEKDAYS[np.arange(DAYS) % 7],
        market=market,
        lift=lift,
        discount=discount,
        promotions=promotions,
        calendar=pl.DataFrame(
            {"date": days, "holiday": [one and one.name for one in holiday], "market": market.astype(int)}
        ),
    )


def _season(shop: Catalogue, days_of_year: Ints, holiday: list[Holiday | None]) -> Floats:
    week = days_of_year / 7.0
    rows = []
    for department in shop.language.departments:
        away = np.abs(week - department.peak)
        away = np.minimum(away, 52.18 - away)
        rows.append(1 - 0.25 * department.swing + 1.5 * department.swing * np.exp(-0.5 * (away / 4.5) ** 2))
    gift = np.array([one.lift if one else 1.0 for one in holiday])
    season: Floats = np.maximum(np.array(rows), 0.15) * gift
    return season


def _age_lift(shop: Catalogue) -> Floats:
    """Return the log boost of an article's first weeks: a novelty sells 2.2 times as much, fading over ten weeks."""
    age = np.arange(DAYS)[None, :] - shop.first_day[:, None]
    new = (shop.first_day > 0)[:, None] & (age >= 0)
    lift: Floats = np.where(new, np.log1p(1.2 * np.exp(-np.maximum(age, 0) / 35.0)), 0.0)
    return lift


def _promotions(rng: np.random.Generator, shop: Catalogue) -> tuple[pl.DataFrame, Floats, Floats]:
    """Draw a few promotions for every week, of articles that are sold then, the dearer to customers the likelier."""
    lift, discount = np.zeros((len(shop.thing), DAYS)), np.zeros((len(shop.thing), DAYS))
    rows: list[dict[str, object]] = []
    for week in range(DAYS // 7):
        start = week * 7
        sold = (
            ((shop.first_day == 0) | (shop.first_day <= start - 28))
            & (shop.last_day >= start + 6)
            & (discount[:, start] == 0)
        )
        weight = np.where(sold, np.exp(shop.appeal * 0.7), 0.0)
        weight[PHONE] = 0.0 if week % 26 else weight.max() * 1e6  # the phone is on offer twice a year
        for item in rng.choice(
            len(weight), shop.language.size.promotions_a_week, replace=False, p=weight / weight.sum()
        ):
            length, kind = int(rng.choice([7, 14])), int(rng.integers(len(_OFFER_LIFT)))
            share = float(rng.integers(2, 9) * 5) / 100
            stop = min(start + length, DAYS)
            lift[item, start:stop] = 2.4 * share + _OFFER_LIFT[kind]
            discount[item, start:stop] = share
            rows.append(
                {
                    "item_id": shop.item_ids[item],
                    "starts_on": START + timedelta(days=start),
                    "ends_on": START + timedelta(days=stop - 1),
                    "known_on": START + timedelta(days=start - _KNOWN_DAYS),
                    "kind": shop.language.offers[kind],
                    "discount": share,
                }
            )
    return pl.DataFrame(rows).sort("starts_on", "item_id"), lift, discount
