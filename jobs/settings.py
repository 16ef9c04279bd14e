"""One shop's settings: TOML and `--set key=value`, checked key by key, turned into each room's configuration."""
# ruff: noqa: TC003 the dataclasses' annotations are read at run time

from __future__ import annotations

import dataclasses
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Literal
from zoneinfo import ZoneInfo

import encoders
import warehouse
from forecast import ForecastConfig
from jobs.settings_reading import SettingsError, read_settings, unknown_key, within
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Tolerances:
    """How far a run may fall behind before `check` refuses it; shares are relative, 0.3 is 30 %."""

    ndcg_drop: float = within(0.3, -1.0, 1.0)
    wape_rise: float = within(0.3, -1.0)
    rows_drop: float = within(0.5, -1.0, 1.0)
    ndcg_below_baseline: float = within(0.3, -1.0, 1.0)
    wape_above_baseline: float = within(0.3, -1.0)
    least_n: int = within(30, 1)


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
    encoder_max_tokens: int = within(128, 16, 8192)
    timezone: str = "UTC"
    delimiter: str | None = None
    decimal: Literal[".", ","] = "."
    date_format: str | None = None
    encoding: str = "utf-8"
    period: Literal["week", "day"] = "week"
    horizon: int = within(8, 1, 365)
    absent_sales: Literal["zero", "unknown"] = "zero"
    k: int = within(20, 1, 1000)
    similar_k: int = within(20, 1, 1000)
    bought_before: Literal["auto", "hide", "keep"] = "auto"
    active_days: int | None = within(None, 1)
    stock_aware: bool = True
    stock_risk_above: float = within(0.5, 0.0, 1.0)
    keep_runs: int = within(7, 1)
    history_days: int = within(90, 1, 3650)
    max_lag_days: int = within(28, 0)
    max_age_days: int | None = within(None, 0)
    rejected_share_above: float = within(0.5, 0.0, 1.0)
    fallback_share_above: float = within(0.5, 0.0, 1.0)
    unknown_words_above: float = within(0.2, 0.0, 1.0)
    seed: int = within(0, 0)
    threads: int = within(2, 1, 1024)
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

    def history_since(self, cutoff: date) -> date:
        """Return the earliest cutoff of the runs whose forecasts and lists the run of `cutoff` keeps."""
        return cutoff - timedelta(days=self.history_days)

    def facts(self) -> dict[str, object]:
        """Return the settings as plain values, as a manifest keeps them."""
        return dataclasses.asdict(self)


def load_settings(path: Path | None, overrides: Sequence[str] = ()) -> Settings:
    """Read the TOML file at `path` (None: the defaults) and apply `key=value` overrides, dotted for tables.

    Raises:
        SettingsError: a key is unknown, or a value not what the key wants; names the near key or what is wanted.
    """
    settings = read_settings(Settings, path, overrides)
    _check_names(settings)
    if path is not None and settings.encoder.startswith("."):
        # a path in the file is relative to the file, wherever the night is started from
        settings = dataclasses.replace(settings, encoder=os.path.normpath(path.parent / settings.encoder))
    if path is not None and settings.sentiment.model is not None and settings.sentiment.model.startswith("."):
        model = os.path.normpath(path.parent / settings.sentiment.model)
        settings = dataclasses.replace(settings, sentiment=SentimentSettings(model=model))
    return settings


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
                raise SettingsError(unknown_key(f"{where}.{name}", [f"{where}.{table}" for table in INPUT]))
    for name, mapping in settings.columns.items():
        for ours in mapping:
            if ours not in INPUT[name].names and not INPUT[name].open:
                raise SettingsError(
                    unknown_key(f"columns.{name}.{ours}", [f"columns.{name}.{each}" for each in INPUT[name].names])
                )


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
        clean=encoders.clean_and_mask,
        clean_version=encoders.cleaning_version(),
        privacy=privacy,
    )


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
