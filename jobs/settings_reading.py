"""TOML and `key=value` → a frozen dataclass, checked key by key: each message names the key and what it wants."""

from __future__ import annotations

import dataclasses
import difflib
import tomllib
import types
from typing import TYPE_CHECKING, Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

import warehouse

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from _typeshed import DataclassInstance

__all__ = ["SettingsError", "read_settings", "unknown_key", "within"]

Built = TypeVar("Built", bound="DataclassInstance")


class SettingsError(warehouse.InputError):
    """A key is unknown, or its value is not what the key wants: exit code 2."""


def within(default: float | None, least: float, most: float = float("inf")) -> Any:  # noqa: ANN401 dataclasses.field itself is typed so
    """Return the field of a number between `least` and `most`, both allowed."""
    return dataclasses.field(default=default, metadata={"least": least, "most": most})


def read_settings(kind: type[Built], path: Path | None, overrides: Sequence[str]) -> Built:
    """Return a `kind` of the TOML file at `path` (None: the defaults) and `key=value` overrides, dotted for tables.

    Raises:
        SettingsError: a key is unknown, or a value not what the key wants; names the near key or what is wanted.
    """
    values: dict[str, Any] = {} if path is None else _read_toml(path)
    for override in overrides:
        _override(values, override)
    return _build(kind, values, where="")


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
            raise SettingsError(unknown_key(where + key, [where + name for name in fields]))
        known[key] = _fit(where + key, value, hints[key])
        _check_range(where + key, known[key], fields[key].metadata)
    return kind(**known)


def _fit(key: str, value: object, hint: Any) -> Any:  # noqa: ANN401 any of the types that a key may have
    if isinstance(hint, type) and dataclasses.is_dataclass(hint):
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


def unknown_key(key: str, known: Sequence[str]) -> str:
    """Say that a key is unknown, and which of the `known` was meant."""
    near = difflib.get_close_matches(key, known, n=1, cutoff=0.6)
    return f"unknown key {key!r}, " + (f"did you mean {near[0]!r}?" if near else f"the keys are {', '.join(known)}")
