"""What a series' own past, and the past of the groups it belongs to, says at an origin about a period after it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from forecast.kernels import ewm, forward_fill, rolling_max, rolling_mean, rolling_std, since

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from forecast.panel import Floats, Ints, Panel

NOTHING = 1e-9  # the scale of a series without units: no row is learnt from it

__all__ = [
    "NOTHING",
    "Column",
    "Group",
    "Rows",
    "group_columns",
    "group_sums",
    "own_columns",
    "price_columns",
    "scale_of",
    "seasons_of",
    "take",
    "windows_of",
]


@dataclass(frozen=True, slots=True)
class Rows:
    """What is asked: a series, the last period known (its origin), and how many periods after it the target lies."""

    series: Ints
    origin: Ints
    horizon: Ints

    def __len__(self) -> int:
        return len(self.series)

    def part(self, which: slice | NDArray[np.bool_] | Ints) -> Rows:
        """Return some of the rows."""
        return Rows(self.series[which], self.origin[which], self.horizon[which])

    @property
    def target(self) -> Ints:
        """Return the period asked for."""
        return self.origin + self.horizon


@dataclass(frozen=True, slots=True)
class Column:
    """One feature of every row: its name, the driver it is explained as, and whether its numbers are codes."""

    name: str
    driver: str
    values: NDArray[np.float32]
    categorical: bool = False


def seasons_of(period_days: int, season: int) -> tuple[int, ...]:
    """Return the lengths of the seasons in periods: days have a week and a year."""
    return (7, 364) if period_days == 1 else (season,)


def windows_of(period_days: int) -> tuple[int, ...]:
    """Return the lengths of the rolling windows in periods: about a month, two, a quarter, half a year, a year."""
    return (7, 28, 56, 91, 182, 364) if period_days == 1 else (4, 8, 13, 26, 52)


def take(matrix: Floats, rows: Ints, columns: Ints) -> Floats:
    """Return matrix[rows, columns]; nan where a column lies outside the matrix."""
    inside = (columns >= 0) & (columns < matrix.shape[1])
    values: Floats = matrix[rows, np.where(inside, columns, 0)]
    return np.where(inside, values, np.nan)


def scale_of(panel: Panel) -> Floats:
    """Return the level by which a series' targets and features are divided, as of each period: (series, periods).

    Half the mean absolute units of the last year, half those of the last quarter, and a little of the year's largest,
    so that one sale after a long pause is no thousandfold. `NOTHING` where nothing was sold in a year.
    """
    windows = windows_of(panel.period_days)
    size = np.abs(panel.units)
    year, quarter = rolling_mean(size, windows[-1]), rolling_mean(size, windows[2])
    level = np.where(np.isnan(quarter), year, (year + quarter) / 2) + 0.02 * rolling_max(size, windows[-1])
    # a series of which nothing was known for a year keeps the level that it had
    return np.maximum(forward_fill(level), NOTHING)


def own_columns(panel: Panel, scale: Floats, rows: Rows, season: int) -> Iterator[Column]:
    """Yield the features of a series' own past, in units of its scale."""
    units, windows = panel.units, windows_of(panel.period_days)
    at, size = (rows.series, rows.origin), scale[rows.series, rows.origin]

    def column(name: str, driver: str, values: Floats) -> Column:
        return Column(name, driver, values.astype(np.float32))

    yield column("log_scale", "level", np.log(size))
    for lag in range(7 if panel.period_days == 1 else 4):
        yield column(f"lag_{lag}", "level", take(units, rows.series, rows.origin - lag) / size)
    for window in windows:
        yield column(f"mean_{window}", "level", rolling_mean(units, window)[at] / size)
    for alpha in (0.1, 0.3):
        yield column(f"ewm_{alpha}", "level", ewm(units, alpha)[at] / size)
    for window in (windows[2], windows[-1]):
        yield column(f"std_{window}", "variability", rolling_std(units, window)[at] / size)
        yield column(f"max_{window}", "variability", rolling_max(units, window)[at] / size)
    empty = np.where(np.isnan(units), np.nan, (units == 0).astype(np.float64))
    for window in (windows[1], windows[-1]):
        yield column(f"zero_share_{window}", "variability", rolling_mean(empty, window)[at])
    short, long = rolling_mean(units, windows[0]), rolling_mean(units, windows[2])
    yield column("trend_short", "trend", (short - long)[at] / size)
    before = take(long, rows.series, rows.origin - windows[2])
    yield column("trend_long", "trend", (long[at] - before) / size)
    yield column("age", "age", (rows.origin - panel.start[rows.series]).astype(np.float64))
    yield column("since_sale", "age", since(np.nan_to_num(units) != 0)[at].astype(np.float64))
    for length in seasons_of(panel.period_days, season):
        for part in _season(units, rows, length):
            yield column(f"{part[0]}_{length}", "season", part[1] / size)


def _season(units: Floats, rows: Rows, length: int) -> Iterator[tuple[str, Floats]]:
    """Yield the target's period one and two seasons earlier, smoothed over neighbours, and the level of that time."""
    back = np.maximum(1, -(-rows.horizon // length)) * length
    same = rows.target - back
    yield "season", take(units, rows.series, same)
    yield "season_2", take(units, rows.series, same - length)
    smooth = rolling_mean(units, 3)
    # the window's last period is the one after the target a season ago: it must not lie beyond the origin
    yield "season_smooth", take(smooth, rows.series, np.minimum(same + 1, rows.origin))
    yield (
        "season_change",
        take(units, rows.series, same) - take(rolling_mean(units, 4), rows.series, rows.origin - back),
    )


def group_sums(units: Floats, groups: Ints, count: int) -> Floats:
    """Return the sum over each group's series of what is known, (count, periods); nan where nothing is."""
    total = np.zeros((count, units.shape[1]))
    known = np.zeros((count, units.shape[1]))
    np.add.at(total, groups, np.nan_to_num(units))
    np.add.at(known, groups, ~np.isnan(units))
    return np.where(known > 0, total, np.nan)


@dataclass(frozen=True, slots=True)
class Group:
    """Series that belong together: which group each series is in, and the sum over each, (groups, periods)."""

    name: str
    of_series: Ints
    sums: Floats


def group_columns(group: Group, rows: Rows, panel: Panel, season: int) -> Iterator[Column]:
    """Yield what the sum over a group says: how it moves now, and how it moved a season ago from origin to target."""
    windows, of = windows_of(panel.period_days), group.of_series[rows.series]
    name, sums = group.name, group.sums
    level = rolling_mean(sums, windows[0])
    smooth = rolling_mean(sums, 3)
    now = take(level, of, rows.origin)
    yield Column(f"{name}_momentum", "trend", _ratio(now, take(rolling_mean(sums, windows[2]), of, rows.origin)))
    for length in seasons_of(panel.period_days, season):
        back = np.maximum(1, -(-rows.horizon // length)) * length
        then = take(level, of, rows.origin - back)
        same = rows.target - back
        yield Column(f"{name}_season_{length}", "season", _ratio(take(sums, of, same), then))
        smoothed = take(smooth, of, np.minimum(same + 1, rows.origin))
        yield Column(f"{name}_season_smooth_{length}", "season", _ratio(smoothed, then))
        if length > windows[0]:
            yield Column(f"{name}_growth_{length}", "trend", _ratio(now, then))


def _ratio(top: Floats, bottom: Floats) -> NDArray[np.float32]:
    """Return top / bottom, held within 0 to 20; nan where the bottom is not above 0."""
    safe = np.where(bottom > 0, bottom, np.nan)
    return np.clip(top / safe, 0, 20).astype(np.float32)


def price_columns(panel: Panel, rows: Rows) -> Iterator[Column]:
    """Yield the last price paid as of the origin against its own past; nothing where the shop records no prices."""
    if np.isnan(panel.price).all():
        return
    windows, at = windows_of(panel.period_days), (rows.series, rows.origin)
    last = forward_fill(panel.price)
    yield Column("price", "price", np.log(np.maximum(last[at], 1e-6)).astype(np.float32))
    yield Column("price_to_year", "price", _ratio(last[at], rolling_mean(last, windows[-1])[at]))
    yield Column("price_to_quarter", "price", _ratio(last[at], rolling_mean(last, windows[2])[at]))
