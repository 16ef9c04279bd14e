"""A shop's folder → the shop.toml that is guessed for it, each guess with what it rests on, for a person to correct."""

from __future__ import annotations

import json
import re
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

from warehouse.decoding import encoding_of
from warehouse.discovery import matches, owner_of, visible_files
from warehouse.errors import InputError
from warehouse.guess_columns import MOSTLY, Fit, Profile, fit_columns, profiles
from warehouse.guess_values import date_format_of, decimal_of
from warehouse.readers import delimiter_in, is_readable, kind_of, read_chunks
from warehouse.tables import INPUT, Table
from warehouse.values import as_text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path


__all__ = ["guess_shop"]

_WORDS = {  # of file names, likeliest table first
    "promotions": ("promo", "aktion", "campaign", "deal", "rabatt"),
    "events": ("event", "click", "session", "tracking", "behavio", "log"),
    "reviews": ("review", "rating", "bewertung", "feedback"),
    "sales": (
        "sale",
        "order",
        "transaction",
        "invoice",
        "retail",
        "verkauf",
        "verkäufe",
        "umsatz",
        "bestellung",
        "rechnung",
        "bon",
    ),
    "inventory": ("inventor", "stock", "bestand", "lager"),
    "items": ("item", "product", "article", "artikel", "catalog", "katalog", "stamm", "produkt", "sortiment"),
    "calendar": ("calendar", "kalender", "holiday", "feiertag"),
}


@dataclass(frozen=True, slots=True)
class _File:
    """One file as it was seen: some of its rows, how its text is encoded and divided."""

    name: str
    rows: pl.DataFrame
    columns: Mapping[str, Profile]
    encoding: str | None
    delimiter: str | None


@dataclass(frozen=True, slots=True)
class _Guess:
    """One table: its files, and our column → the shop's."""

    table: Table
    files: tuple[_File, ...]
    columns: Mapping[str, str]


def guess_shop(folder: Path) -> str:
    """Return the text of a shop.toml for the files of a folder.

    Tables are guessed from the names and headers of files, columns from their names (with synonyms) and their values. A
    folder without a catalogue, whose sales name their items, gets one that is named by its sales: the same files stand
    for `sales` and `items`, and `ingest` takes an item's title from its first sale up to the cutoff.

    Raises:
        InputError: the folder is none, or holds no file that can be read.
    """
    files, unread = _look(folder)
    if not files:
        raise InputError(f"{folder}: no file that can be read (.csv, .jsonl, .parquet){_listed(unread)}")
    guesses, homeless = _tables(files)
    guesses = _with_named_items(guesses)
    lines = [
        "# What `shelfwise init` guessed from the files beside it. Correct what is wrong, delete what you do not need.",
        "",
    ]
    lines += [f"# not read: {said}" for said in unread]
    lines += _formats(guesses, files)
    lines += ["", *_files_section(guesses, [file.name for file in files], homeless)]
    for guess in guesses:
        lines += ["", *_columns_section(guess, named_by_sales=guess.table.name == "items" and _named_by_sales(guesses))]
    if not any(guess.table.name == "items" for guess in guesses):
        lines += [
            "",
            "# No file looks like items (item_id, title): name it under [files], its columns under [columns.items].",
        ]
    return "\n".join(map(_one_line, lines)) + "\n"


def _one_line(line: str) -> str:
    """Return a line as TOML has it: a name of a file or column may hold what no comment may."""
    return "".join(character if character.isprintable() else " " for character in line)


def _listed(unread: Sequence[str]) -> str:
    return "; " + "; ".join(unread) if unread else ""


def _look(folder: Path) -> tuple[list[_File], list[str]]:
    """Return the files with their first rows, and what is wrong with those that cannot be read."""
    seen: list[_File] = []
    unread: list[str] = []
    for name, path in visible_files(folder).items():
        if not is_readable(path):
            continue
        kind = kind_of(path)
        try:
            encoding = encoding_of(path) if kind != "parquet" else None
            chunk = next(iter(read_chunks(path, name=name, encoding=encoding or "utf-8")))
            delimiter = delimiter_in(path, name=name, encoding=encoding) if encoding and kind == "csv" else None
        except (InputError, EOFError, OSError, zlib.error) as error:
            unread.append(f"{name}: {str(error).removeprefix(f'{name}: ')}")
            continue
        rows = chunk.rows.select(pl.exclude(pl.Binary))
        seen.append(_File(name, rows, profiles(rows), encoding, delimiter))
    return seen, unread


# tables


def _tables(files: Sequence[_File]) -> tuple[list[_Guess], list[str]]:
    """Return a guess for each table that some file fits, in the order of `INPUT`, and why other files fit none."""
    by_table: dict[str, list[tuple[_File, Fit]]] = {}
    homeless = []
    for file in files:
        fits = {name: fit_columns(file.columns, INPUT[name]) for name in _WORDS}
        named = [name for name in fits if _named_like(file.name, name)]
        possible = [name for name in named or fits if not fits[name].missing]
        if not named:
            possible = [name for name in possible if name != "calendar"]  # every file with a day would be one
        if possible:
            best = max(possible, key=lambda name: _score(file, name, fits[name]))  # the first of equals
            by_table.setdefault(best, []).append((file, fits[best]))
        else:
            like = (
                f"is named like {named[0]}, without a column for {', '.join(fits[named[0]].missing)}"
                if named
                else "fits no table"
            )
            homeless.append(f"{file.name} {like}; it has {', '.join(file.rows.columns)}")
    return [_guess(INPUT[name], by_table[name]) for name in INPUT if name in by_table], homeless


def _guess(table: Table, own: Sequence[tuple[_File, Fit]]) -> _Guess:
    """One table of one or several files: the columns are those of the first that all of them have."""
    files = tuple(file for file, _ in own)
    shared = {
        ours: theirs for ours, theirs in own[0][1].columns.items() if all(theirs in file.rows.columns for file in files)
    }
    return _Guess(table, files, shared)


def _named_like(file: str, table: str) -> bool:
    return owner_of(file) == table or any(word in file.casefold() for word in _WORDS[table])


def _score(file: _File, table: str, fit: Fit) -> float:
    """How well a file fits a table whose required columns it has: by its own name, then by its columns' names."""
    return 10.0 * (owner_of(file.name) == table) + fit.named + fit.named / len(INPUT[table].columns)


def _with_named_items(guesses: list[_Guess]) -> list[_Guess]:
    """Where no file is a catalogue and the sales name their items, the sales stand for it."""
    by_name = {guess.table.name: guess for guess in guesses}
    if "items" in by_name or "sales" not in by_name:
        return guesses
    sales = by_name["sales"]
    fit = fit_columns(sales.files[0].columns, INPUT["items"])
    if fit.missing:
        return guesses
    told = {
        ours: theirs
        for ours, theirs in fit.columns.items()
        if ours in {"item_id", "title", "description", "category", "brand"}
    }
    return [_Guess(INPUT["items"], sales.files, told), *guesses]


# the text


def _formats(guesses: Sequence[_Guess], files: Sequence[_File]) -> list[str]:
    """The keys at the top: each with what was seen."""
    lines = ['timezone = "UTC"  # not to be seen in files: the shop\'s own, such as "Europe/Berlin"']
    encodings = dict.fromkeys(file.encoding for file in files if file.encoding not in {None, "utf-8"})
    for encoding in list(encodings)[:1]:
        seen = ", ".join(file.name for file in files if file.encoding == encoding)
        lines.append(f'encoding = "{encoding}"  # what {seen} looks like; all text files must be in one')
    delimiters = {file.delimiter: file.name for file in files if file.delimiter}
    if len(delimiters) == 1:
        lines.append(
            f"delimiter = {_toml(next(iter(delimiters)))}  # found in the header of {next(iter(delimiters.values()))}"
        )
    elif delimiters:
        lines.append(
            f"# delimiter: found in each file's own header, since they differ: {' '.join(map(repr, delimiters))}"
        )
    decimal = decimal_of(_values(guesses, "DOUBLE", "INTEGER"))
    lines.append(f'decimal = "{decimal}"  # by how most numbers with a fraction are written')
    date_format, equals = date_format_of(_values(guesses, "DATE", "TIMESTAMP"))
    if date_format is None:
        lines.append('# date_format: the days are written as 2024-01-31; where they are not: "%d.%m.%Y"')
    else:
        doubt = f"; {' and '.join(equals)} would read as many: see whether day and month are right" if equals else ""
        lines.append(f'date_format = "{date_format}"  # reads the most of the days{doubt}')
    return lines


def _values(guesses: Sequence[_Guess], *types: str) -> list[pl.Series]:
    return [
        file.rows[guess.columns[column.name]]
        for guess in guesses
        for column in guess.table.columns
        if column.type in types and column.name in guess.columns
        for file in guess.files
    ]


def _files_section(guesses: Sequence[_Guess], every: Sequence[str], homeless: Sequence[str]) -> list[str]:
    lines = ["[files]"]
    named_by_sales = _named_by_sales(guesses)
    for guess in guesses:
        names = [file.name for file in guess.files]
        found_anyway = [name for name in every if owner_of(name) == guess.table.name] == names
        if named_by_sales and guess.table.name == "items":
            lines.append("# no file is a catalogue: an item is taken from its first sale up to the cutoff")
        elif found_anyway and not (named_by_sales and guess.table.name == "sales"):
            lines.append(f"# {guess.table.name}: found by name, {', '.join(names)}")
            continue
        rows = sum(file.rows.height for file in guess.files)
        patterns = ", ".join(map(_toml, _patterns(names, every)))
        lines.append(f"{guess.table.name} = [{patterns}]  # {rows:,} rows seen, with all columns that it needs")
    return [*lines, *(f"# to no table: {said}" for said in homeless)]


def _named_by_sales(guesses: Sequence[_Guess]) -> bool:
    files = {guess.table.name: guess.files for guess in guesses}
    return "items" in files and files["items"] == files.get("sales")


def _patterns(names: Sequence[str], every: Sequence[str]) -> list[str]:
    """A pattern that takes next year's file in as well, where it takes in none but these; else the names."""
    wide = list(dict.fromkeys(re.sub(r"\d+(?:[-_.]\d+)*", "*", name) for name in names))
    taken = [name for name in every if any(matches(pattern, name) for pattern in wide)]
    return wide if taken == list(names) else list(names)


def _columns_section(guess: _Guess, *, named_by_sales: bool) -> list[str]:
    """The mapping of one table, with what each column looked like; columns of our own names need none."""
    lines = [f"[columns.{guess.table.name}]"]
    for ours, theirs in guess.columns.items():
        seen = _seen(guess.files[0], theirs)
        lines.append(f"{ours} = {_toml(theirs)}  # {seen}" if ours != theirs else f"# {ours}: as it is, {seen}")
    unused = [name for name in guess.files[0].rows.columns if name not in guess.columns.values()]
    if unused:
        kept = guess.table.open and not named_by_sales
        lines.append(f"# {'kept as they are' if kept else 'not used'}: {', '.join(unused)}")
    return lines


def _seen(file: _File, column: str) -> str:
    """Kind and number of the values; no value itself, since the file may be passed on."""
    there = as_text(file.rows[column]).drop_nulls()
    if there.is_empty():
        return "no value"
    profile = file.columns[column]
    kind = "days" if profile.days >= MOSTLY else "numbers" if profile.numbers >= MOSTLY else "text"
    empty = 1 - len(there) / file.rows.height
    return f"{kind}, {there.n_unique():,} distinct" + (f", {empty:.0%} empty" if empty else "")


def _toml(text: str) -> str:
    quoted = json.dumps(text, ensure_ascii=False)
    return "".join(sign if sign.isprintable() else f"\\U{ord(sign):08x}" for sign in quoted)
