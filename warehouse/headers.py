"""The shop's column names → ours, and what to say where one is missing."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

from warehouse.errors import InputError
from warehouse.tables import INPUT, Table

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

__all__ = ["RESERVED", "SYNONYMS", "check_mapping", "extras_of", "normal", "resolve"]

RESERVED = frozenset({"run_id", "no_text"})  # columns that a published table adds of its own
_WORDS = {
    "item_id": (
        "sku product_id productid asin parent_asin stockcode stock_code article article_id item itemid "
        "item_no product ean gtin artikelnummer artikelnr artikel_nr artikel artnr produkt_id produktnummer"
    ),
    "user_id": (
        "customer_id customerid customer user userid reviewer_id reviewerid client_id buyer_id visitor_id "
        "member_id kunde kunden_id kundennummer kundennr"
    ),
    "title": (
        "name product_name item_name product_title productname bezeichnung artikelbezeichnung produktname "
        "headline review_headline review_title summary titel "
        "description desc product_description beschreibung"
    ),
    "description": "desc product_description details beschreibung long_description",
    "category": "department product_category group class kategorie warengruppe",
    "brand": "manufacturer vendor make marke hersteller",
    "price": "list_price unit_price unitprice retail_price preis verkaufspreis vk",
    "available_from": "launch_date release_date released_on launched_on verfuegbar_ab",
    "sold_on": (
        "date day invoicedate invoice_date order_date orderdate sale_date sales_date purchase_date created_at "
        "datum verkaufsdatum belegdatum bestelldatum rechnungsdatum verkauft_am"
    ),
    "units": "qty quantity amount units_sold sales sold count pieces menge anzahl stueck stück",
    "unit_price": "unitprice price price_per_unit item_price einzelpreis stueckpreis preis preis_pro_stück",
    "location_id": "store store_id location shop warehouse site branch filiale standort lager",
    "units_returned": "returns returned returned_qty retouren retoure",
    "order_id": (
        "invoice invoiceno invoice_no order order_no orderid transaction_id bon belegnummer bestellnummer auftrag"
    ),
    "occurred_at": "timestamp time datetime event_time ts created_at date review_date reviewed_at zeitpunkt datum",
    "kind": "event event_type type action event_name art",
    "text": (
        "query search_term search review review_text reviewtext body review_body comment content suchbegriff kommentar"
    ),
    "value": "event_value wert",
    "review_id": "reviewid id bewertung_id",
    "stars": "rating overall score star_rating sterne bewertung",
    "date": "day snapshot_date stock_date datum tag stichtag",
    "on_hand": "stock quantity qty available stock_level inventory units bestand lagerbestand",
    "on_order": "ordered incoming bestellt zulauf",
    "expected_on": "eta expected_date arrival_date liefertermin",
    "lead_time_days": "lead_time leadtime lieferzeit wiederbeschaffungszeit",
    "starts_on": "start start_date from valid_from von beginn",
    "ends_on": "end end_date to until valid_to bis ende",
    "known_on": "announced_on planned_on known_from bekannt_ab",
}
SYNONYMS = {ours: tuple(words.split()) for ours, words in _WORDS.items()}  # as `normal` writes them, likeliest first


def normal(name: str) -> str:
    """Return a name in lower case with one underscore for each run of white space, hyphens, dots and underscores."""
    return "_".join("".join(c if c.isalnum() else " " for c in name.casefold()).split())


def _nearest(column: str, found: Iterable[str]) -> str | None:
    """Return the found name that means or looks like `column`: a synonym first, then the closest spelling."""
    by_normal = {normal(name): name for name in found}
    for candidate in (column, *SYNONYMS.get(column, ())):
        if candidate in by_normal:
            return by_normal[candidate]
    close = difflib.get_close_matches(column, by_normal, n=1, cutoff=0.6)
    return by_normal[close[0]] if close else None


def check_mapping(columns: Mapping[str, Mapping[str, str]], files: Collection[str]) -> None:
    """Refuse a mapping of a table or column that is not ours.

    Raises:
        InputError: the table or column has no such name; the message has the near one.
    """
    for section, names in (("columns", columns), ("files", files)):
        for name in names:
            if name not in INPUT:
                raise InputError(
                    f"[{section}] names the table {name!r}{_did_you_mean(name, INPUT)}; there are {', '.join(INPUT)}"
                )
    for name, mapped in columns.items():
        table = INPUT[name]
        unknown = [] if table.open else [column for column in mapped if column not in table.names]
        if unknown:
            near = _did_you_mean(unknown[0], table.names)
            raise InputError(
                f"[columns.{name}] names the column {unknown[0]!r}{near}; {name} has {', '.join(table.names)}"
            )


def _did_you_mean(name: str, known: Iterable[str]) -> str:
    close = difflib.get_close_matches(name, list(known), n=1)
    return f", did you mean {close[0]!r}?" if close else ""


def resolve(table: Table, found: Sequence[str], *, mapped: Mapping[str, str], file: str) -> dict[str, str]:
    """Return our column → the file's column, for every column of ours that the file has.

    Raises:
        InputError: a required column is missing, or one that the configuration maps.
    """
    has = set(found)
    for ours, theirs in mapped.items():
        if theirs not in has and ours not in has:
            near = _did_you_mean(theirs, found)
            said = f"[columns.{table.name}] {ours} = {theirs!r}"
            raise InputError(f"{file}: {said}, and the file has no such column{near}; found {', '.join(found)}")
    taken = {theirs for theirs in mapped.values() if theirs in has}
    own = {name: name for name in table.names if name in has and name not in taken}
    both = {**own, **{ours: theirs for ours, theirs in mapped.items() if theirs in has}}
    for column in table.columns:
        if column.required and column.name not in both:
            raise InputError(
                _missing(table, column.name, [name for name in found if name not in both.values()], found, file)
            )
    return both


def _missing(table: Table, column: str, free: Sequence[str], found: Sequence[str], file: str) -> str:
    near = _nearest(column, free)
    cure = (
        f'did you mean {near!r}? rename it or map it: [columns.{table.name}] {column} = "{near}"'
        if near
        else f'add it, or map the column that holds it: [columns.{table.name}] {column} = "..."'
    )
    return f"{file}: table {table.name!r} needs the column {column!r}; found {', '.join(found) or 'none'}; {cure}"


def extras_of(table: Table, found: Iterable[str], resolved: Mapping[str, str]) -> tuple[list[str], list[str]]:
    """Return an open table's further columns, and those left out because SQL could not tell their names apart.

    SQL knows no capitals: a column `Title` beside our `title` would be the same one.
    """
    taken = {name.casefold() for name in (*table.names, *resolved)} | RESERVED
    kept: list[str] = []
    left_out: list[str] = []
    for name in found:
        if not table.open or name in resolved.values():
            continue
        (left_out if name.casefold() in taken else kept).append(name)
        taken.add(name.casefold())
    return kept, left_out
