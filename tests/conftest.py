"""A tiny shop, and one night of it: made once a session, read by every test that wants a published run."""

from __future__ import annotations

import csv
import logging
import random
import shutil
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from jobs.report import RunReport
    from jobs.settings import Settings

CUTOFF = date(2026, 6, 28)
DAYS = 210
WORDS = {
    "tea": ("green tea leaves", "loose leaf tea in a tin, grassy and light"),
    "mugs": ("stoneware mug", "a heavy mug for hot drinks, dishwasher safe"),
    "tents": ("two person tent", "a light tent for hiking, waterproof floor"),
    "lamps": ("reading lamp", "a warm desk lamp with a dimmer"),
    "yarn": ("merino wool yarn", "soft yarn for knitting jumpers and socks"),
    "bikes": ("bicycle bell", "a loud brass bell for the handlebar"),
}
COLOURS = ("red", "blue", "green", "black", "white", "amber", "grey", "copper")


PERSON = "kestrel-4711"  # an id that no other bytes hold by chance
PERSONS_WORDS = "Heather from the loch told me that this lamp hums like a beehive."
EMAIL, PHONE = "jane.doe@example.com", "415-555-2671"


@dataclass(frozen=True)
class PublishedNight:
    """A night of the tiny shop: where its runs are, what it read, with which settings, what it reported."""

    runs: Path
    input: Path
    settings: Settings
    report: RunReport


def write_csv(path: Path, header: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Write one table of a shop; None is an empty cell."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(header)
        writer.writerows(["" if cell is None else cell for cell in row] for row in rows)


def write_tiny_shop(folder: Path, *, seed: int = 7) -> None:
    """Write 50 items, 60 users and some 2,000 sales up to `CUTOFF`; every user keeps to two categories.

    Item 007 is out of stock, I-nosale has never been sold, I-launch is planned in the third week after the cutoff.
    """
    draw = random.Random(seed)
    folder.mkdir(parents=True, exist_ok=True)
    items, ids = [], []
    for number, (category, colour) in enumerate((c, k) for c in WORDS for k in COLOURS):
        title, text = WORDS[category]
        item_id = f"{number:03d}"
        ids.append((item_id, category))
        items.append((item_id, f"{colour} {title}", f"{text}, {colour}", category, "Acme", 5 + number % 9, None))
    items.append(("I-nosale", "violet green tea leaves", "loose leaf tea, violet tin", "tea", "Acme", 6, None))
    launch = CUTOFF + timedelta(days=16)
    items.append(("I-launch", "pink stoneware mug", "a heavy mug for hot drinks", "mugs", "Acme", 7, launch))
    header = ("item_id", "title", "description", "category", "brand", "price", "available_from")
    write_csv(folder / "items.csv", header, items)
    sales, events, reviews = _trade(draw, ids)
    write_csv(folder / "sales.csv", ("item_id", "sold_on", "units", "unit_price", "user_id"), sales)
    write_csv(folder / "events.csv", ("user_id", "item_id", "occurred_at", "kind", "text"), events)
    header = ("review_id", "item_id", "user_id", "occurred_at", "stars", "title", "text")
    write_csv(folder / "reviews.csv", header, reviews)
    stock = [(item_id, CUTOFF, 0 if item_id == "007" else draw.randint(3, 60)) for item_id, _ in ids]
    write_csv(folder / "inventory.csv", ("item_id", "date", "on_hand"), stock)
    promotions = [
        (item_id, CUTOFF - timedelta(days=days), CUTOFF - timedelta(days=days - 6), 0.2)
        for item_id, _ in ids[::5]
        for days in (20, 90, -2)
    ]
    write_csv(folder / "promotions.csv", ("item_id", "starts_on", "ends_on", "discount"), promotions)
    days = [CUTOFF + timedelta(days=day) for day in range(-DAYS, 60)]
    write_csv(
        folder / "calendar.csv", ("date", "holiday"), [(day, "true" if day.day == 1 else "false") for day in days]
    )


def _trade(draw: random.Random, ids: list[tuple[str, str]]) -> tuple[list[tuple[object, ...]], ...]:
    sales: list[tuple[object, ...]] = []
    events: list[tuple[object, ...]] = []
    reviews: list[tuple[object, ...]] = []
    of = {category: [item_id for item_id, own in ids if own == category] for category in WORDS}
    tastes = {f"u{number:02d}": draw.sample(sorted(WORDS), 2) for number in range(60)}
    for day in (CUTOFF - timedelta(days=back) for back in range(DAYS - 1, -1, -1)):
        for user in draw.sample(sorted(tastes), 8):
            category = draw.choice(tastes[user])
            item_id = of[category][min(draw.randrange(8), draw.randrange(8))]
            sales.append((item_id, day, draw.choice((1, 1, 1, 2, 3)), 5 + int(item_id) % 9, user))
            moment = f"{day}T{draw.randrange(8, 20):02d}:{draw.randrange(60):02d}:00"
            events.append((user, draw.choice(of[category]), moment, "view", None))
            if draw.random() < 0.2:
                events.append((user, None, moment, "search", f"{draw.choice(COLOURS)} {WORDS[category][0]}"))
            if draw.random() < 0.05:
                stars = draw.choice((3, 4, 5))
                words = f"My {WORDS[category][0]} arrived quickly and does what it should, {stars} of 5."
                reviews.append((f"r{len(reviews):03d}", item_id, user, moment, stars, "As described", words))
        sales.append((draw.choice(ids)[0], day, 1, None, None))  # a customer without a card
    return sales, events, reviews


@pytest.fixture(scope="session")
def tiny_shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a tiny shop; copy it before you change it."""
    folder = tmp_path_factory.mktemp("tiny") / "input"
    write_tiny_shop(folder)
    return folder


@pytest.fixture(scope="session")
def published(tiny_shop: Path, tmp_path_factory: pytest.TempPathFactory) -> PublishedNight:
    """One night of the tiny shop, published; read it, never write to it."""
    from jobs.nightly import run_nightly
    from jobs.settings import Settings

    runs = tmp_path_factory.mktemp("published") / "runs"
    settings = Settings(threads=1)  # two threads on a busy machine wait for one another
    report = run_nightly(settings, input_folder=tiny_shop, runs=runs)
    return PublishedNight(runs, tiny_shop, settings, report)


@pytest.fixture(scope="session")
def night_with_a_person(published: PublishedNight, tmp_path_factory: pytest.TempPathFactory) -> PublishedNight:
    """A second night of the tiny shop, with rows of `PERSON`, good and bad, and texts that hold `EMAIL` and `PHONE`.

    Its log stands beside its folder of runs. The ledger knows a refused night between the two, whose message names the
    person. Copy it before you change it.
    """
    from jobs.ledger import Ledger
    from jobs.nightly import run_nightly

    folder = tmp_path_factory.mktemp("person")
    shop, runs = shutil.copytree(published.input, folder / "input"), folder / "runs"
    shutil.copytree(published.runs, runs, symlinks=True)
    write_person(shop)
    ledger = Ledger(runs / "ledger.jsonl")
    refused = published.report.run_id[:-4] + "999Z"
    ledger.append("started", refused, {})
    ledger.append("refused", refused, {"message": f"recommendations: 3 rows too many, for example user_id '{PERSON}'"})
    log = logging.FileHandler(folder / "log.txt")
    rooms = [logging.getLogger(room) for room in ("encoders", "forecast", "jobs", "recsys", "warehouse")]
    levels = [room.level for room in rooms]
    for room in rooms:
        room.addHandler(log)
        room.setLevel(logging.DEBUG)
    report = run_nightly(published.settings, input_folder=shop, runs=runs)
    for room, level in zip(rooms, levels, strict=True):
        room.removeHandler(log)
        room.setLevel(level)
    log.close()
    return PublishedNight(runs, shop, published.settings, report)


def write_person(shop: Path) -> None:
    """Add to a tiny shop what `PERSON` did, and what people write of themselves where they should not."""
    day = CUTOFF - timedelta(days=3)
    at = f"{day}T10:00:00"
    told = f"Mail me at {EMAIL} or call {PHONE} after six."
    rows: dict[str, list[tuple[object, ...]]] = {
        "sales": [
            *((f"{number:03d}", day, 1, 5, PERSON) for number in range(8, 14)),
            ("008", day, "three", 5, PERSON),
            ("008", "3 May", f"call {PHONE}", 5, "u01"),
        ],
        "events": [
            (PERSON, "009", at, "view", None),
            (PERSON, None, at, "search", "heather coloured beehive lamp"),
            ("u02", None, at, "search", f"lamp {EMAIL}"),
            ("u02", None, "noon", "search", f"lamp {PHONE}"),
        ],
        "reviews": [
            ("k1", "010", PERSON, at, 5, "Hums", PERSONS_WORDS),
            ("k2", "011", PERSON, at, 9, "Too many stars", "Nine stars from me."),
            ("k3", "012", PERSON, at, 5, "One field too many", "Ragged.", "more"),
            ("x1", "013", "u03", at, 4, f"From {EMAIL}", f"It dims well. {told}"),
            ("x2", "013", "u04", at, f"5, {told}", "Stars", f"Broken. {told}"),
            ("x3", "013", "u04", at, 5, "One field too many", told, told),
            # enough for a trend
            *(
                (f"t{n}", "014", "u05", f"{day}T1{n}:00:00", 3 + n % 3, "Fine", f"As I hoped, {n} of 7.")
                for n in range(7)
            ),
        ],
        "items": [("I-note", "grey reading lamp", f"Questions: {told}", "lamps", EMAIL, 9, None)],
    }
    for name, own in rows.items():
        with (shop / f"{name}.csv").open("a", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows([["" if cell is None else cell for cell in row] for row in own])
