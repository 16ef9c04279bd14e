"""The demo shop: a generated shop that shows that the wiring works, and no more.

Text, behaviour and stock each matter in it. A user's taste is for a style, and a style has no column: only the words of
articles and searches show it. Wants follow one another (a case after a phone, coffee whenever it is used up) and leave
traces before the purchase. Stock runs out, sales are lost or taken from the near twin.

The mechanics are one for all languages. A `Language` is data: how large its shop is, what it sells, and in which words
it is described, searched for and reviewed. `ENGLISH` is the large one, `CHINESE` a small one for a slower encoder.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from jobs.demo_shop.catalogue import CUTOFF, PHONE_ID, make_catalogue
from jobs.demo_shop.chinese import CHINESE
from jobs.demo_shop.english import ENGLISH
from jobs.demo_shop.people import make_people, make_wants
from jobs.demo_shop.plans import make_plans
from jobs.demo_shop.trade import simulate
from jobs.demo_shop.voices import browsing, reviews
from jobs.demo_shop.writing import write_csv, write_shop, write_truth

if TYPE_CHECKING:
    from pathlib import Path

    from jobs.demo_shop.language import Language

__all__ = ["CUTOFF", "LANGUAGES", "PHONE_ID", "generate_shop"]

LANGUAGES = {language.name: language for language in (ENGLISH, CHINESE)}


def generate_shop(folder: Path, *, seed: int = 7, language: Language = ENGLISH) -> None:
    """Write a shop of that language into `folder`: seven tables (items, sales, events, reviews, …) as CSV.

    The same seed gives the same bytes. `folder`/truth holds what only the generator knows (tastes, twins, demand, lost
    sales, what was sold in the eight weeks after the cutoff); the night reads none of it.
    """
    rng = np.random.default_rng(seed)
    (folder / "truth").mkdir(parents=True, exist_ok=True)
    shop = make_catalogue(rng, language)
    plans = make_plans(rng, shop)
    people = make_people(rng, language)
    wants = make_wants(rng, shop, plans, people)
    trade = simulate(rng, shop, plans, wants)
    write_shop(folder, shop, plans, trade, people)
    write_csv(browsing(rng, shop, people, wants), folder / "events.csv")
    write_csv(reviews(rng, shop, people, trade), folder / "reviews.csv")
    write_truth(folder / "truth", shop, people, plans, trade)
