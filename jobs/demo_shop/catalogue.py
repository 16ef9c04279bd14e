"""The demo shop's articles: what they are, how they are described, when they are sold, and which are near twins."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
from numpy.typing import NDArray

if TYPE_CHECKING:
    from jobs.demo_shop.language import Language, Size

__all__ = ["CUTOFF", "CUTOFF_DAY", "DAYS", "PHONE", "PHONE_ID", "START", "Catalogue", "make_catalogue"]

START = date(2023, 12, 4)  # a Monday; day 0
CUTOFF_DAY = 104 * 7 - 1  # the last day that the night sees, a Sunday
CUTOFF = START + timedelta(days=CUTOFF_DAY)
DAYS = 112 * 7  # eight weeks more are simulated: what really happened then is written to truth/
PHONE = 6  # the phone whose battery the reviews speak of
PHONE_ID = "B0007"

_MODELS = ("A", "B", "C", "D", "E", "F", "G", "H", "K", "L", "M", "N", "P", "R", "S", "T", "V", "X", "Z")
_BARE = 5  # articles with a bare title and no description: no text neighbours

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Catalogue:
    """One entry an article, in the order of the ids. `twin` is the row of the near twin, -1 where there is none."""

    language: Language
    items: pl.DataFrame  # item_id, title, description, category, brand, price, available_from
    thing: Ints
    style: Ints
    material: tuple[str, ...]
    feature: tuple[str, ...]
    appeal: Floats  # log of the units that a week brings, before season and promotion
    quality: Floats  # mean stars
    listed: Ints  # day from which it is listed and lies in the warehouse
    first_day: Ints  # first day on which somebody may want it
    last_day: Ints  # last day on which it can be bought
    twin: Ints

    @property
    def item_ids(self) -> list[str]:
        """Return the ids, row by row."""
        return self.items["item_id"].to_list()


@dataclass(frozen=True, slots=True)
class _Attributes:
    thing: int
    style: int
    brand: int
    model: str
    colour: str
    material: str
    features: tuple[str, str]
    words: tuple[str, str]  # of its style
    phrase: str
    use: str


def make_catalogue(rng: np.random.Generator, language: Language) -> Catalogue:
    """Compose the articles: attributes first, then their words, their worth and their days."""
    attributes, twin = _draw_attributes(rng, language)
    count = len(attributes)
    thing = np.array([one.thing for one in attributes])
    style = np.array([one.style for one in attributes])
    appeal = _appeal(rng, language, (thing, style, twin))
    first_day, last_day, listed = _lifetimes(rng, language.size, twin, appeal)
    texts = [_describe(language, one, other=0 <= twin[row] < row) for row, one in enumerate(attributes)]
    price = _prices(rng, language, thing)
    departments = [language.things[kind].department for kind in thing]
    items = pl.DataFrame(
        {
            "item_id": [f"B{row + 1:04d}" for row in range(count)],
            "title": [title for title, _ in texts],
            "description": [text for _, text in texts],
            "category": departments,
            "brand": [language.brands[one.brand] for one in attributes],
            "price": price,
            "available_from": [START + timedelta(days=int(day)) if day > 0 else None for day in listed],
        }
    )
    items = _bare(items, language.wording.bare, rows=range(language.size.items, count))
    return Catalogue(
        language=language,
        items=items,
        thing=thing,
        style=style,
        material=tuple(one.material for one in attributes),
        feature=tuple(one.features[0] for one in attributes),
        appeal=appeal,
        quality=np.clip(rng.normal(4.0, 0.6, count), 1.5, 4.9).round(2),
        listed=listed,
        first_day=first_day,
        last_day=last_day,
        twin=twin,
    )


def _draw_attributes(rng: np.random.Generator, language: Language) -> tuple[list[_Attributes], Ints]:
    size, things = language.size, language.things
    count = size.items + _BARE
    attributes = [_draw_one(rng, language, row % len(things)) for row in range(count)]
    order = rng.permutation(count)
    attributes = [attributes[row] for row in order]
    phone = next(row for row, one in enumerate(attributes) if things[one.thing].name == language.phone)
    found, attributes[phone] = attributes[phone], attributes[PHONE]
    attributes[PHONE] = replace(found, features=language.phone_features)
    twin = np.full(count, -1)
    free = rng.permutation(np.arange(PHONE + 1, size.items))
    for left, right in free[: 2 * size.twins].reshape(-1, 2):
        first, second = int(min(left, right)), int(max(left, right))
        twin[first], twin[second] = second, first
        attributes[second] = _twin_of(rng, language, attributes[first])
    return attributes, twin


def _draw_one(rng: np.random.Generator, language: Language, thing: int) -> _Attributes:
    kind, colours = language.things[thing], language.colours_of(language.things[thing])
    uses = next(one.uses for one in language.departments if one.name == kind.department)
    style = int(rng.integers(len(language.styles)))
    motif = language.styles[style]
    features = rng.choice(len(kind.features), 2, replace=False)
    words = rng.choice(len(motif.words), 2, replace=False)
    return _Attributes(
        thing=thing,
        style=style,
        brand=int(rng.integers(len(language.brands))),
        model=_model(rng),
        colour=colours[rng.integers(len(colours))],
        material=kind.materials[rng.integers(len(kind.materials))],
        features=(kind.features[features[0]], kind.features[features[1]]),
        words=(motif.words[words[0]], motif.words[words[1]]),
        phrase=motif.phrases[rng.integers(len(motif.phrases))],
        use=uses[rng.integers(len(uses))],
    )


def _twin_of(rng: np.random.Generator, language: Language, one: _Attributes) -> _Attributes:
    """Return the same article of another brand, in another colour."""
    brands, colours = len(language.brands), language.colours_of(language.things[one.thing])
    brand = (one.brand + 1 + int(rng.integers(brands - 1))) % brands
    colour = colours[(colours.index(one.colour) + 1 + int(rng.integers(len(colours) - 1))) % len(colours)]
    return replace(one, brand=brand, colour=colour, model=_model(rng))


def _model(rng: np.random.Generator) -> str:
    return f"{_MODELS[rng.integers(len(_MODELS))]}{rng.integers(10, 100)}"


def _describe(language: Language, one: _Attributes, *, other: bool) -> tuple[str, str]:
    """Return title and description; `other` picks the second wording, so that twins do not share sentences."""
    words = {
        "brand": language.brands[one.brand],
        "model": one.model,
        "colour": one.colour,
        "material": one.material,
        "thing": language.things[one.thing].name,
        "first": one.words[0],
        "second": one.words[1],
        "phrase": one.phrase,
        "both": language.wording.both.join(one.features),
        "use": one.use,
    }
    title = language.wording.titles[int(other)].format_map(words)
    text = language.wording.texts[int(other)].format_map(words)
    return title[0].upper() + title[1:], text[0].upper() + text[1:]


def _bare(items: pl.DataFrame, title: str, *, rows: range) -> pl.DataFrame:
    """Take the words of some articles away: a bare title, no description, no brand, and of the last two no category."""
    number = pl.int_range(pl.len())
    bare = number.is_in(list(rows))
    return items.with_columns(
        pl.when(bare).then(pl.format(title, number + 1)).otherwise("title").alias("title"),
        pl.when(bare).then(None).otherwise("description").alias("description"),
        pl.when(bare).then(None).otherwise("brand").alias("brand"),
        pl.when(number.is_in(list(rows)[-2:])).then(None).otherwise("category").alias("category"),
    )


def _appeal(rng: np.random.Generator, language: Language, nature: tuple[Ints, Ints, Ints]) -> Floats:
    """Return the log of weekly units by thing, style and twin: parts of the two and of its own; twins sell alike."""
    thing, style, twin = nature
    kinds = rng.normal(0, 0.6, len(language.things))
    styles = rng.normal(0, 0.35, len(language.styles))
    appeal = kinds[thing] + styles[style] + rng.normal(0, 0.7, len(thing))
    paired = twin >= 0
    appeal[paired] += 1.0
    low = paired & (twin < np.arange(len(twin)))
    appeal[low] = appeal[twin[low]] - 0.1
    appeal[PHONE] = appeal.max()
    return appeal


def _lifetimes(rng: np.random.Generator, size: Size, twin: Ints, appeal: Floats) -> tuple[Ints, Ints, Ints]:
    """Return each article's first and last day of demand, and the day from which it is listed."""
    count = len(twin)
    first, last = np.zeros(count, dtype=np.int64), np.full(count, DAYS - 1)
    single = np.flatnonzero((twin < 0) & (np.arange(count) != PHONE) & (np.arange(count) < size.items))
    single = rng.permutation(single)
    ahead, now, past, ended = np.split(
        single[: size.launches_ahead + size.launches_now + size.launches_past + size.ended],
        np.cumsum([size.launches_ahead, size.launches_now, size.launches_past]),
    )
    first[ahead] = rng.integers(CUTOFF_DAY + 2, CUTOFF_DAY + 50, len(ahead))
    first[now] = CUTOFF_DAY + 1
    first[past] = rng.integers(30, CUTOFF_DAY - 6, len(past))
    last[ended] = rng.integers(200, CUTOFF_DAY - 60, len(ended))
    first[size.items :] = [0, 0, CUTOFF_DAY + 1, CUTOFF_DAY + 8, CUTOFF_DAY + 15]
    appeal[now] += 0.8
    listed = first.copy()
    listed[now] = CUTOFF_DAY + 1 - rng.integers(0, 5, len(now))
    return first, last, listed


def _prices(rng: np.random.Generator, language: Language, thing: Ints) -> list[float]:
    base = np.array([kind.price for kind in language.things])[thing]
    price = np.floor(base * np.exp(rng.normal(0, 0.25, len(thing)))) + 0.99
    return [float(value) for value in price.round(2)]
