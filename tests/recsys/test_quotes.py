from __future__ import annotations

from datetime import date, timedelta

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recsys.quotes import MOST_LETTERS, fit_review_quotes, fit_shared_phrases

CUTOFF = date(2026, 6, 30)
SCHEMA = ("item_id", "user_id", "review_id", "date", "stars", "text")
TYPES = (pl.String, pl.String, pl.String, pl.Date, pl.Float64, pl.String)


def reviews(*rows):
    return pl.DataFrame(rows, schema=dict(zip(SCHEMA, TYPES, strict=True)), orient="row")


def ago(days):
    return CUTOFF - timedelta(days=days)


@pytest.mark.parametrize(
    ("one", "other", "phrase"),
    [
        (
            "Kyoto mug\nWith cranes, paper lanterns and more.",
            "A lamp with cranes, paper lanterns.",
            "cranes, paper lanterns",
        ),
        ("teal boar bristle hairbrush", "white boar bristle comb", "boar bristle"),
        ("a mug of the house", "a bowl of the house", None),  # no two words that say something
        ("Warm Wool coat", "warm wool coat", None),  # the letters differ
        ("art set", "a smart setting", None),  # within other words
        ("call [phone] today", "call [phone] today", None),  # masked
        ('the "blue hour" lamp', 'the "blue hour" vase', "blue hour"),
        ("硅胶星空手机壳 雾蓝色", "夏知 硅胶星空手机壳", "硅胶星空手机壳"),
        ("手机", "手机", None),
        ("solid oak. Fine grain", "solid oak. Fine grain", "Fine grain"),  # of two sentences, one
        ("", "boar bristle", None),
    ],
)
def test_the_shared_phrase_stands_in_both_texts_as_it_is(one, other, phrase):
    assert fit_shared_phrases([one, other]).of(0, 1) == phrase
    assert fit_shared_phrases([other, one]).of(0, 1) == phrase


def test_the_rarest_phrase_is_told_and_one_in_most_texts_is_not():
    texts = [f"solid oak table number {word}" for word in ("one", "two", "three", "four", "five", "six")]
    texts += ["solid oak shelf, hidden drawers", "solid oak chest, hidden drawers"]
    found = fit_shared_phrases(texts)
    assert found.of(6, 7) == "hidden drawers"
    assert found.of(0, 6) is None  # eight of eight are of solid oak


@given(st.lists(st.text(alphabet='ab A,.[]"\n海手', max_size=90), min_size=2, max_size=4))
def test_whatever_is_told_is_a_substring_of_both_texts_and_short(texts):
    phrase = fit_shared_phrases(texts).of(0, 1)
    if phrase is not None:
        assert phrase in texts[0]
        assert phrase in texts[1]
        assert len(phrase) <= MOST_LETTERS
        assert not set(phrase) & set('[]"\n')


GOOD = ("a", "u1", "r1", ago(3), 5.0, "Bad. The lid closes without a sound. It is red.")


def test_a_short_sentence_of_the_best_review_is_quoted_and_nobody_is_shown_their_own():
    later = ("a", "u2", "r2", ago(2), 4.0, "It came in a cardboard box.")
    found = fit_review_quotes(reviews(later, GOOD), cutoff=CUTOFF)
    assert found.of("a", "u9") == "The lid closes without a sound."
    assert found.of("a", "u1") == "It came in a cardboard box."
    assert fit_review_quotes(reviews(GOOD), cutoff=CUTOFF).of("a", "u1") is None
    assert found.of("b", "u9") is None


@pytest.mark.parametrize(
    "row",
    [
        (*GOOD[:3], ago(-1), *GOOD[4:]),  # after the cutoff
        (*GOOD[:4], 3.0, GOOD[5]),
        (*GOOD[:4], None, GOOD[5]),
        (*GOOD[:5], "Call me at [phone] about the lid."),
        (*GOOD[:5], 'The "silent" lid is what I wanted.'),
        (*GOOD[:5], "It is red."),
        (*GOOD[:5], "a lid that closes " * 9),
        (*GOOD[:5], None),
    ],
)
def test_what_is_late_lukewarm_masked_or_too_short_or_long_is_not_quoted(row):
    assert fit_review_quotes(reviews(row), cutoff=CUTOFF).of("a", "u9") is None


def test_a_review_without_a_date_is_known_at_every_cutoff():
    undated = (*GOOD[:3], None, *GOOD[4:])
    assert fit_review_quotes(reviews(undated), cutoff=CUTOFF).of("a", "u9") == "The lid closes without a sound."
    assert fit_review_quotes(None, cutoff=CUTOFF).of("a", "u9") is None
