from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta

import polars as pl
import pytest

from jobs.degradations import fallback_share, find_degradations
from jobs.ingest import Shop
from jobs.settings import Settings
from warehouse import PARTIAL_DAY, Ingested, read_signals
from warehouse.tables import INPUT, polars_schema

CUTOFF = date(2026, 6, 28)
MOMENT = datetime(2026, 6, 28, 9, tzinfo=UTC).replace(tzinfo=None)


@dataclass
class Texts:
    unknown_word_shares: dict[str, float] = field(default_factory=dict)


@dataclass
class Demand:
    skipped: str | None = None


@dataclass
class Lists:
    recommendations: pl.DataFrame


@dataclass
class Offer:
    lists: Lists


@dataclass
class Night:
    """What `find_degradations` looks at of a night."""

    shop: Shop
    texts: Texts
    demand: Demand
    offer: Offer


def rows(name, *given):
    schema = polars_schema(INPUT[name])
    return pl.DataFrame([{**dict.fromkeys(schema), **row} for row in given], schema=schema, orient="row")


def shop(notes=(), *, counts=(), rejects=(), **tables):
    made = {"items": rows("items", {"item_id": "a", "title": "a"})}
    made["sales"] = rows("sales", {"item_id": "a", "sold_on": CUTOFF, "units": 1.0, "location_id": "all"})
    made |= tables
    counted = pl.DataFrame(
        counts, {"table_name": pl.String, "file": pl.String, "kept": pl.Int64, "rejected": pl.Int64}, orient="row"
    )
    refused = pl.DataFrame(
        rejects, {"table_name": pl.String, "file": pl.String, "line": pl.Int64, "reason": pl.String}, orient="row"
    )
    return Shop(Ingested(made, refused, counted, CUTOFF, tuple(notes)), read_signals(made, timezone="UTC"))


def lists(*sources):
    found = [
        {"user_id": f"u{place}", "item_id": "a", "source": source, "reason": f"by {source}"}
        for place, source in enumerate(sources)
    ]
    return pl.DataFrame(found, schema=dict.fromkeys(("user_id", "item_id", "source", "reason"), pl.String))


def night(of=None, *, shares=None, skipped=None, sources=("text",)):
    return Night(of or shop(), Texts(shares or {}), Demand(skipped), Offer(Lists(lists(*sources))))


def found(of, *, settings=None, rows_before=None, cutoff_given=True):
    return find_degradations(
        of, settings=settings or Settings(), rows_before=rows_before or {}, cutoff_given=cutoff_given
    )


def test_a_whole_night_is_not_degraded():
    assert found(night(), cutoff_given=False) == ()


def test_a_table_that_had_rows_and_is_gone_or_empty_is_named():
    before = {"events": 12_345, "reviews": 7, "inventory": 0, "sales": 1}
    assert found(night(shop(reviews=rows("reviews"))), rows_before=before) == (
        "events is gone: it had 12,345 rows in the last run; put its file back",
        "reviews is empty: it had 7 rows in the last run; put its file back",
    )


def test_a_table_that_never_was_there_is_no_degradation():
    assert found(night(shop(events=rows("events"))), rows_before={"sales": 1}) == ()


def test_a_table_of_which_most_rows_are_rejected_is_named_with_one_of_them():
    counts = [("sales", "sales_1.csv", 3, 0), ("sales", "sales_2.csv", 1, 5), ("reviews", "reviews.csv", 5, 5)]
    rejects = [("reviews", "reviews.csv", 2, "why not"), ("sales", "sales_2.csv", 4, "sold_on: '31.1.' is no date")]
    line = (
        "5 of 9 rows of sales are rejected (rejected_share_above = 0.5), "
        "for instance sales_2.csv line 4: sold_on: '31.1.' is no date"
    )
    of = night(shop(counts=counts, rejects=rejects))
    assert found(of) == (line,)
    assert found(of, settings=Settings(rejected_share_above=0.6)) == ()


def test_a_skipped_forecast_is_named():
    assert found(night(skipped="forecast skipped: why")) == ("forecast skipped: why",)


@pytest.mark.parametrize(
    ("encoder", "cure"),
    [
        ("all-MiniLM-L6-v2", 'set encoder = "multilingual-e5-small"'),
        ("multilingual-e5-small", "set encoder to the path of a model that knows the language"),
    ],
)
def test_a_language_that_the_encoder_does_not_know_is_named_with_its_share_and_the_cure(encoder, cure):
    shares = {"items": 0.81, "reviews": 0.2}
    line = f"81 % of the words in items are unknown to {encoder}; {cure}"
    assert found(night(shares=shares), settings=Settings(encoder=encoder)) == (line,)


def test_a_share_of_fallbacks_above_the_threshold_is_named_with_its_top_reason():
    (line,) = found(night(sources=("popular", "popular", "text")))
    assert line.startswith("67 % of the users have popular items only")
    assert line.endswith("top reason: by popular")
    assert found(night(sources=("popular", "popular", "text")), settings=Settings(fallback_share_above=0.7)) == ()


def test_a_user_with_one_item_of_their_own_is_no_fallback():
    mixed = pl.concat([lists("popular"), lists("text")])  # both of u0
    assert fallback_share(mixed) == (0.0, "")
    assert fallback_share(lists()) == (0.0, "")


def test_an_optional_table_that_ends_too_long_before_the_cutoff_is_named():
    event = {"user_id": "u", "item_id": "a", "occurred_at": MOMENT - timedelta(days=29), "kind": "view"}
    stock = {"item_id": "a", "location_id": "all", "date": CUTOFF - timedelta(days=3), "on_hand": 1.0}
    review = {"review_id": "r", "item_id": "a", "text": "no date"}
    of = shop(events=rows("events", event), inventory=rows("inventory", stock), reviews=rows("reviews", review))
    assert found(night(of)) == ("events ends on 2026-05-30, 29 days before the cutoff (max_lag_days = 28)",)
    lines = found(night(of), settings=Settings(max_lag_days=2))
    assert [line.split(" ends")[0] for line in lines] == ["events", "inventory"]


def test_a_partial_last_day_counts_only_without_a_cutoff():
    note = f"{PARTIAL_DAY}: sales of 2026-06-28 have 2 rows"
    of = night(shop(notes=["events of kinds that are kept", note]))
    assert found(of, cutoff_given=False) == (note,)
    assert found(of, cutoff_given=True) == ()


def test_the_age_of_the_data_counts_only_without_a_cutoff_and_where_it_is_limited():
    age = (datetime.now(UTC).date() - CUTOFF).days
    line = f"the data end on 2026-06-28, {age} days ago (max_age_days = 1)"
    assert found(night(), settings=Settings(max_age_days=1), cutoff_given=False) == (line,)
    assert found(night(), settings=Settings(max_age_days=1), cutoff_given=True) == ()
    assert found(night(), settings=Settings(max_age_days=age), cutoff_given=False) == ()
