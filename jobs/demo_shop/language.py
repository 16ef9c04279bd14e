"""What a demo shop is in one language: how large, what it sells, and in which words. Data; the generator reads it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

__all__ = ["Department", "Holiday", "Language", "Size", "Span", "Style", "Thing", "Tones", "Wording", "read_things"]


@dataclass(frozen=True, slots=True)
class Style:
    """A motif that people have a taste for. It has no column: words (five) and choices alone show it."""

    name: str
    words: tuple[str, ...]
    phrases: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Department:
    """A part of the shop. `peak`: the week of the year in which it sells most; `swing`: how much more it sells then."""

    name: str
    peak: int
    swing: float
    uses: tuple[str, ...]
    packs: tuple[str, ...] = ()  # what stands in the place of a colour, where the goods have none


@dataclass(frozen=True, slots=True)
class Thing:
    """A kind of article. `then`: what people buy next; `weeks`: how soon it is used up (0: never)."""

    name: str
    department: str
    price: int
    materials: tuple[str, ...]
    features: tuple[str, ...]
    then: str
    weeks: int


@dataclass(frozen=True, slots=True)
class Span:
    """Days from `first` to `last`: month and day for those of every year ("12-24"), else full dates ("2024-02-10")."""

    first: str
    last: str

    def holds(self, day: date) -> bool:
        """Return whether `day` lies in it."""
        return self.first <= day.isoformat()[-len(self.first) :] <= self.last


@dataclass(frozen=True, slots=True)
class Holiday:
    """Days that the calendar names; `lift` multiplies what is wanted on them."""

    name: str
    spans: tuple[Span, ...]
    lift: float = 1.0


@dataclass(frozen=True, slots=True)
class Tones:
    """Sentences of reviews about one subject, by what the stars say."""

    good: tuple[str, ...]
    mixed: tuple[str, ...]
    bad: tuple[str, ...]

    def of(self, stars: int) -> tuple[str, ...]:
        """Return the sentences that go with so many stars."""
        return self.good if stars >= 4 else self.mixed if stars == 3 else self.bad


@dataclass(frozen=True, slots=True)
class Size:
    """How much there is of what."""

    items: int
    twins: int  # pairs
    launches_ahead: int  # planned within the horizon
    launches_now: int  # on sale from these days on, not sold yet
    launches_past: int
    ended: int
    promotions_a_week: int
    users: int
    wants: int
    stall_items: int
    running_out: int  # articles with a twin that are all but sold out at the cutoff, and delivered three weeks late
    reviews: int
    phone_reviews: int  # of them, of the one phone
    shown: int  # events of that kind


@dataclass(frozen=True, slots=True)
class Wording:
    """Patterns; of each pair the second is for an article whose twin has the first, so that they share no sentence.

    Slots: brand, model, colour, material, thing, first and second (words of the style), phrase, both, use.
    """

    titles: tuple[str, str]
    texts: tuple[str, str]
    both: str  # between two features
    bare: str  # title of an article of which nothing is known, with a slot for its number
    search: str  # word, thing
    sentence_gap: str


@dataclass(frozen=True, slots=True)
class Language:
    """A demo shop's language, with all that its shop is made of."""

    name: str
    encoder: str  # one that knows the language
    question: str  # of the phone, about its battery
    size: Size
    departments: tuple[Department, ...]
    things: tuple[Thing, ...]
    phone: str  # the thing that B0007 is
    phone_features: tuple[str, str]
    styles: tuple[Style, ...]
    colours: tuple[str, ...]
    brands: tuple[str, ...]
    wording: Wording
    headlines: Mapping[int, str]  # of a review, by stars
    said: Tones  # in reviews of anything
    said_first: Mapping[str, tuple[Tones, ...]]  # before that, by thing: one sentence about each subject
    offers: tuple[str, str, str]  # kinds of promotion, the one that lifts most first
    holidays: tuple[Holiday, ...]
    no_market: tuple[Span, ...]  # Saturdays without the stall

    def colours_of(self, thing: Thing) -> tuple[str, ...]:
        """Return the colours, or packs, that the thing is sold in."""
        packs = next(one.packs for one in self.departments if one.name == thing.department)
        return packs or self.colours

    def homes(self) -> list[int]:
        """Return each thing's department, as its place among them."""
        names = [one.name for one in self.departments]
        return [names.index(thing.department) for thing in self.things]

    def holiday(self, day: date) -> Holiday | None:
        """Return the holiday on that day."""
        return next((one for one in self.holidays if any(span.holds(day) for span in one.spans)), None)


def read_things(trade: str, make: str) -> tuple[Thing, ...]:
    """Read things from two texts: `name | department | price | then | weeks` and `name: materials; features` a line."""
    made = dict(line.split(": ") for line in make.strip().splitlines())
    things = []
    for line in trade.strip().splitlines():
        name, department, price, then, weeks = (part.strip() for part in line.split("|"))
        materials, features = (tuple(part.split(", ")) for part in made[name].split("; "))
        things.append(Thing(name, department, int(price), materials, features, then, int(weeks)))
    return tuple(things)
