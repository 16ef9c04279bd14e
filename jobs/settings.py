"""One shop's settings: TOML and `--set key=value`, checked key by key, turned into each room's configuration."""
# ruff: noqa: TC003 the dataclasses' annotations are read at run time

from __future__ import annotations

import dataclasses
import difflib
import os
import tomllib
import types
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints
from zoneinfo import ZoneInfo

import encoders
import warehouse
from forecast import ForecastConfig
from recsys import RecommendConfig
from warehouse.tables import INPUT

__all__ = [
    "NOBODY",
    "PrivacySettings",
    "SentimentSettings",
    "Settings",
    "SettingsError",
    "Tolerances",
    "encoder_config",
    "forecast_config",
    "ingest_options",
    "load_settings",
    "recommend_config",
]


NOBODY = warehouse.Privacy()  # nobody is forgotten, nobody's id is hashed

Built = TypeVar("Built", "Settings", "Tolerances", "PrivacySettings", "SentimentSettings")


class SettingsError(warehouse.InputError):
    """A key is unknown, or its value is not what the key wants: exit code 2."""


def _within(default: float | None, least: float, most: float = float("inf")) -> Any:  # noqa: ANN401 dataclasses.field itself is typed so
    return field(default=default, metadata={"least": least, "most": most})


@dataclass(frozen=True, slots=True, kw_only=True)
class Tolerances:
    """How far a run may fall behind before `check` refuses it; shares are relative, 0.3 is 30 %."""

    ndcg_drop: float = _within(0.3, -1.0, 1.0)
    wape_rise: float = _within(0.3, -1.0)
    rows_drop: float = _within(0.5, -1.0, 1.0)
    ndcg_below_baseline: float = _within(0.3, -1.0, 1.0)
    wape_above_baseline: float = _within(0.3, -1.0)
    least_n: int = _within(30, 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class PrivacySettings:
    """What is done to user ids before anything is stored."""

    hash_users: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class SentimentSettings:
    """How reviews are read: `model` is the folder of a trained model; without one the night fits its own heads."""

    model: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Everything a shop can set; `examples/shop.toml` says what each key means, with its unit."""

    encoder: str = "all-MiniLM-L6-v2"
    encoder_max_tokens: int = _within(128, 16, 8192)
    timezone: str = "UTC"
    delimiter: str | None = None
    decimal: Literal[".", ","] = "."
    date_format: str | None = None
    encoding: str = "utf-8"
    period: Literal["week", "day"] = "week"
    horizon: int = _within(8, 1, 365)
    absent_sales: Literal["zero", "unknown"] = "zero"
    k: int = _within(20, 1, 1000)
    similar_k: int = _within(20, 1, 1000)
    bought_before: Literal["auto", "hide", "keep"] = "auto"
    active_days: int | None = _within(None, 1)
    stock_aware: bool = True
    stock_risk_above: float = _within(0.5, 0.0, 1.0)
    keep_runs: int = _within(7, 1)
    max_lag_days: int = _within(28, 0)
    max_age_days: int | None = _within(None, 0)
    rejected_share_above: float = _within(0.5, 0.0, 1.0)
    fallback_share_above: float = _within(0.5, 0.0, 1.0)
    unknown_words_above: float = _within(0.2, 0.0, 1.0)
    seed: int = _within(0, 0)
    threads: int = _within(2, 1, 1024)
    files: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    columns: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    check: Tolerances = field(default_factory=Tolerances)
    privacy: PrivacySettings = field(default_factory=PrivacySettings)
    sentiment: SentimentSettings = field(default_factory=SentimentSettings)

    @property
    def period_days(self) -> int:
        """Return the days of one forecast period."""
        return 7 if self.period == "week" else 1

    @property
    def season(self) -> int:
        """Return the periods of one season: the weeks of a year, the days of a week."""
        return 52 if self.period == "week" else 7

    @property
    def horizon_days(self) -> int:
        """Return the days from the cutoff to the end of the last period."""
        return self.horizon * self.period_days

    def facts(self) -> dict[str, object]:
        """Return the settings as plain values, as a manifest keeps them."""
        return dataclasses.asdict(self)


def load_settings(path: Path | None, overrides: Sequence[str] = ()) -> Settings:
    """Read the TOML file at `path` (None: the defaults) and apply `key=value` overrides, dotted for tables.

    Raises:
        SettingsError: a key is unknown, or a value not what the key wants; names the near key or what is wanted.
    """
    values: dict[str, Any] = {} if path is None else _read_toml(path)
    for override in overrides:
        _override(values, override)
    settings = _build(Settings, values, where="")
    _check_names(settings)
    if path is not None and settings.encoder.startswith("."):
        # a path in the file is relative to the file, wherever the night is started from
        settings = dataclasses.replace(settings, encoder=os.path.normpath(path.parent / settings.encoder))
    if path is not None and settings.sentiment.model is not None and settings.sentiment.model.startswith("."):
        model = os.path.normpath(path.parent / settings.sentiment.model)
        settings = dataclasses.replace(settings, sentiment=SentimentSettings(model=model))
    return settings


def _read_toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8-sig"))  # Windows' editors put a mark before it
    except OSError as error:
        raise SettingsError(
            f"{path}: cannot be read as settings ({error.strerror}); pass --config the path of a shop.toml"
        ) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(
            f"{path}: not valid TOML: {error}; text needs quotes, tables a line such as [columns.sales]"
        ) from error


def _override(values: dict[str, Any], override: str) -> None:
    key, equals, text = override.partition("=")
    if not equals or not key.strip():
        raise SettingsError(
            f"--set {override}: found no key=value; write for instance --set horizon=4 or --set check.ndcg_drop=0.2"
        )
    try:
        value: Any = tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        value = text  # a bare word is text: --set encoder=multilingual-e5-small
    *tables, name = key.strip().split(".")
    for table in tables:
        inner = values.setdefault(table, {})
        if not isinstance(inner, dict):
            raise SettingsError(f"--set {override}: {table!r} holds one value ({inner!r}), it is no table")
        values = inner
    values[name] = value


def _build(kind: type[Built], values: Mapping[str, Any], *, where: str) -> Built:
    hints = get_type_hints(kind)
    fields = {each.name: each for each in dataclasses.fields(kind)}
    known: dict[str, Any] = {}
    for key, value in values.items():
        if key not in fields:
            raise SettingsError(_unknown(where + key, [where + name for name in fields]))
        known[key] = _fit(where + key, value, hints[key])
        _check_range(where + key, known[key], fields[key].metadata)
    return kind(**known)


def _fit(key: str, value: object, hint: Any) -> Any:  # noqa: ANN401 any of the types that a key may have
    if hint in (Tolerances, PrivacySettings, SentimentSettings):
        return _build(hint, _table(key, value), where=f"{key}.")
    if key == "files":
        return {name: _patterns(f"files.{name}", each) for name, each in _table(key, value).items()}
    if key == "columns":
        return {name: _mapping(f"columns.{name}", each) for name, each in _table(key, value).items()}
    if get_origin(hint) is Literal:
        if value in get_args(hint):
            return value
        raise SettingsError(f"{key} = {value!r}: wanted one of {', '.join(map(repr, get_args(hint)))}")
    inner = hint
    if get_origin(hint) in (Union, types.UnionType):
        inner = next(each for each in get_args(hint) if each is not type(None))
    if inner is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if isinstance(value, inner) and not (inner is int and isinstance(value, bool)):
        return value
    wanted = {int: "a whole number", float: "a number", bool: "true or false", str: "text"}[inner]
    raise SettingsError(f"{key} = {value!r}: wanted {wanted}")


def _table(key: str, value: object) -> dict[str, Any]:
    if isinstance(value, dict):
        return value
    raise SettingsError(f"{key} = {value!r}: wanted a table, a line such as [{key}] with its keys below")


def _patterns(key: str, value: object) -> tuple[str, ...]:
    patterns = [value] if isinstance(value, str) else value
    if isinstance(patterns, list) and patterns and all(isinstance(each, str) for each in patterns):
        return tuple(patterns)
    raise SettingsError(
        f'{key} = {value!r}: wanted names of files, such as "orders.csv" or ["orders_2024.csv", "orders_2025.csv"]'
    )


def _mapping(key: str, value: object) -> dict[str, str]:
    table = _table(key, value)
    for ours, theirs in table.items():
        if not isinstance(theirs, str):
            raise SettingsError(f"{key}.{ours} = {theirs!r}: wanted the name of the shop's column as text")
    return table


def _check_range(key: str, value: object, metadata: Mapping[str, float]) -> None:
    if not metadata or not isinstance(value, int | float):
        return
    least, most = metadata["least"], metadata["most"]
    if not least <= value <= most:
        limit = f"{least:g} or more" if most == float("inf") else f"{least:g} to {most:g}"
        raise SettingsError(f"{key} = {value!r}: wanted {limit}")


def _check_names(settings: Settings) -> None:
    try:
        ZoneInfo(settings.timezone)
    except (KeyError, ValueError, OSError) as error:
        raise SettingsError(
            f"timezone = {settings.timezone!r}: no such time zone; wanted a name such as 'Europe/Berlin'"
        ) from error
    for where, tables in (("files", settings.files), ("columns", settings.columns)):
        for name in tables:
            if name not in INPUT:
                raise SettingsError(_unknown(f"{where}.{name}", [f"{where}.{table}" for table in INPUT]))
    for name, mapping in settings.columns.items():
        for ours in mapping:
            if ours not in INPUT[name].names and not INPUT[name].open:
                raise SettingsError(
                    _unknown(f"columns.{name}.{ours}", [f"columns.{name}.{each}" for each in INPUT[name].names])
                )


def _unknown(key: str, known: Sequence[str]) -> str:
    near = difflib.get_close_matches(key, known, n=1, cutoff=0.6)
    return f"unknown key {key!r}, " + (f"did you mean {near[0]!r}?" if near else f"the keys are {', '.join(known)}")


def ingest_options(settings: Settings, privacy: warehouse.Privacy = NOBODY) -> warehouse.IngestOptions:
    """Return what `warehouse.ingest` needs; every text is cleaned, then masked, before it is stored."""
    return warehouse.IngestOptions(
        columns=settings.columns,
        files=settings.files,
        timezone=settings.timezone,
        delimiter=settings.delimiter,
        decimal=settings.decimal,
        date_format=settings.date_format,
        encoding=settings.encoding,
        clean=_clean_and_mask,
        clean_version=encoders.cleaning_version(),
        privacy=privacy,
    )


def _clean_and_mask(text: str) -> str:
    return encoders.mask(encoders.clean(text))


def encoder_config(settings: Settings) -> encoders.EncoderConfig:
    """Return what `encoders.load_encoder` needs."""
    return encoders.EncoderConfig(
        name=settings.encoder, max_tokens=settings.encoder_max_tokens, threads=settings.threads
    )


def recommend_config(settings: Settings) -> RecommendConfig:
    """Return what `recsys.build_lists` and `recsys.similar_items` need."""
    return RecommendConfig(
        k=settings.k,
        similar_k=settings.similar_k,
        bought_before=settings.bought_before,
        active_days=None,  # the step narrows the users itself: any event counts, not only one of an item
        stock_aware=settings.stock_aware,
        stock_risk_above=settings.stock_risk_above,
        seed=settings.seed,
        threads=settings.threads,
    )


def forecast_config(settings: Settings) -> ForecastConfig:
    """Return what `forecast.forecast_demand` needs."""
    return ForecastConfig(seed=settings.seed, threads=settings.threads)
