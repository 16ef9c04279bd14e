from __future__ import annotations

import dataclasses
import re
import tomllib
from pathlib import Path

import pytest

from jobs.settings import (
    PrivacySettings,
    Settings,
    SettingsError,
    Tolerances,
    encoder_config,
    forecast_config,
    ingest_options,
    load_settings,
    recommend_config,
)
from warehouse import InputError

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "shop.toml"


def write(folder: Path, text: str) -> Path:
    path = folder / "shop.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_without_a_file_the_defaults_hold():
    assert load_settings(None) == Settings()
    assert Settings().horizon_days == 56


def test_every_key_of_a_file_arrives(tmp_path):
    path = write(
        tmp_path,
        """
        encoder = "multilingual-e5-small"
        period = "day"
        horizon = 14
        stock_risk_above = 1
        active_days = 90
        [files]
        sales = "orders.csv"
        events = ["a.csv", "b.csv"]
        [columns.sales]
        units = "Quantity"
        [check]
        ndcg_drop = 0.1
        """,
    )
    settings = load_settings(path)
    assert (settings.encoder, settings.period_days, settings.season, settings.horizon_days) == (
        "multilingual-e5-small",
        1,
        7,
        14,
    )
    assert settings.stock_risk_above == 1.0
    assert isinstance(settings.stock_risk_above, float)
    assert settings.active_days == 90
    assert settings.files == {"sales": ("orders.csv",), "events": ("a.csv", "b.csv")}
    assert settings.columns == {"sales": {"units": "Quantity"}}
    assert settings.check == Tolerances(ndcg_drop=0.1)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("horizn = 4", "unknown key 'horizn', did you mean 'horizon'?"),
        ("[check]\nndcg_dorp = 0.1", "unknown key 'check.ndcg_dorp', did you mean 'check.ndcg_drop'?"),
        ("[files]\nsale = 'a.csv'", "unknown key 'files.sale', did you mean 'files.sales'?"),
        ("[columns.sales]\nunit = 'q'", "unknown key 'columns.sales.unit', did you mean 'columns.sales.units'?"),
        ("horizon = 'four'", "horizon = 'four': wanted a whole number"),
        ("horizon = true", "horizon = True: wanted a whole number"),
        ("horizon = 0", "horizon = 0: wanted 1 to 365"),
        ("threads = 0", "threads = 0: wanted 1 to 1024"),
        ("keep_runs = 0", "keep_runs = 0: wanted 1 or more"),
        ("stock_risk_above = 1.5", "stock_risk_above = 1.5: wanted 0 to 1"),
        ("stock_aware = 1", "stock_aware = 1: wanted true or false"),
        ("timezone = 7", "timezone = 7: wanted text"),
        ("timezone = 'Mars/Base'", "timezone = 'Mars/Base': no such time zone"),
        ("period = 'month'", "period = 'month': wanted one of 'week', 'day'"),
        ("check = 3", "check = 3: wanted a table"),
        ("columns = 3", "columns = 3: wanted a table"),
        ("[columns]\nsales = 3", "columns.sales = 3: wanted a table"),
        ("[columns.sales]\nunits = 3", "columns.sales.units = 3: wanted the name of the shop's column"),
        ("[files]\nsales = 3", "files.sales = 3: wanted names of files"),
        ("xyzzy_nothing_like_it = 1", "unknown key 'xyzzy_nothing_like_it', the keys are encoder, "),
        ("horizon = = 3", "not valid TOML"),
    ],
)
def test_a_wrong_key_or_value_is_named_with_what_is_wanted(tmp_path, text, message):
    with pytest.raises(SettingsError, match=re.escape(message)):
        load_settings(write(tmp_path, text))


def test_a_byte_order_mark_before_a_file_is_none_of_its_words(tmp_path):
    path = tmp_path / "shop.toml"
    path.write_bytes(b"\xef\xbb\xbfhorizon = 4\n")
    assert load_settings(path).horizon == 4


def test_a_missing_file_is_bad_input(tmp_path):
    with pytest.raises(InputError, match=r"absent\.toml: cannot be read"):
        load_settings(tmp_path / "absent.toml")


def test_overrides_are_typed_and_dotted_and_win_over_the_file(tmp_path):
    path = write(tmp_path, "horizon = 4\nencoder = 'smollm2-135m-instruct'")
    overrides = [
        "horizon=6",
        "encoder=multilingual-e5-small",
        "check.ndcg_drop=0.2",
        "stock_aware=false",
        "files.sales=['a.csv']",
    ]
    settings = load_settings(path, overrides)
    assert (settings.horizon, settings.encoder, settings.check.ndcg_drop) == (6, "multilingual-e5-small", 0.2)
    assert settings.stock_aware is False
    assert settings.files == {"sales": ("a.csv",)}


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("horizon", "found no key=value"),
        ("=4", "found no key=value"),
        ("horizn=4", "did you mean 'horizon'?"),
        ("horizon.days=4", "'horizon' holds one value"),
    ],
)
def test_a_wrong_override_is_named(tmp_path, override, message):
    with pytest.raises(SettingsError, match=re.escape(message)):
        load_settings(write(tmp_path, "horizon = 4"), [override])


def test_a_relative_encoder_is_relative_to_the_file(tmp_path):
    settings = load_settings(write(tmp_path, "encoder = './models/ours'"))
    assert settings.encoder == str(tmp_path / "models" / "ours")


def test_any_column_may_be_mapped_in_a_table_that_takes_further_ones(tmp_path):
    settings = load_settings(write(tmp_path, "[columns.items]\nmaterial = 'Stoff'"))
    assert settings.columns == {"items": {"material": "Stoff"}}


def test_the_rooms_get_what_the_settings_say():
    settings = Settings(
        timezone="Asia/Shanghai",
        encoding="gb18030",
        seed=3,
        threads=1,
        k=7,
        bought_before="keep",
        encoder_max_tokens=64,
    )
    options = ingest_options(settings)
    assert (options.timezone, options.encoding) == ("Asia/Shanghai", "gb18030")
    cleaned = options.clean("  Call&nbsp;me: <b>ann@example.com</b> ")
    assert "ann@example.com" not in cleaned
    assert "<b>" not in cleaned
    assert encoder_config(settings).max_tokens == 64
    assert (recommend_config(settings).k, recommend_config(settings).bought_before) == (7, "keep")
    assert (forecast_config(settings).seed, forecast_config(settings).threads) == (3, 1)


def test_the_example_shows_every_key_with_its_default():
    text = EXAMPLE.read_text(encoding="utf-8")
    assert load_settings(EXAMPLE) == Settings(columns={"sales": {}})
    shown = tomllib.loads(re.sub(r"(?m)^# (?=\w+ = )", "", text))
    assert set(shown) == {field.name for field in dataclasses.fields(Settings)}
    assert set(shown["check"]) == {field.name for field in dataclasses.fields(Tolerances)}
    assert set(shown["privacy"]) == {field.name for field in dataclasses.fields(PrivacySettings)}
    for line in text.splitlines():
        if (
            re.match(r"(# )?\w+ = ", line)
            and "[" not in line
            and "=" in line
            and not line.startswith(("# item_id", "# sold_on", "# units"))
        ):
            assert "#" in line[2:], f"no comment: {line}"
