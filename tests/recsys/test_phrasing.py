from __future__ import annotations

from datetime import date

import pytest

from recsys.evidence import NO_EVIDENCE
from recsys.phrasing import phrase_line, phrased

QUOTES = ("The battery lasts two days.", "I never had to charge it before the evening, so far.")


def answer(*sentences):
    quotes = [
        {"sentence": one, "source": "review", "review_id": "r1", "date": date(2026, 1, 5), "stars": 5.0, "score": 0.9}
        for one in sentences
    ]
    return {
        "item_id": "phone",
        "question": "How is the battery?",
        "evidence": quotes,
        "about": len(quotes),
        "positive_share": None,
        "answer": None if quotes else NO_EVIDENCE,
    }


def test_what_the_quotes_hold_stands_as_the_answer_and_the_quotes_stay_beside_it():
    told = phrased(answer(*QUOTES), lambda _: " Two days: the battery lasts. ")
    assert told == {**answer(*QUOTES), "answer": "Two days: the battery lasts."}


def test_the_model_is_handed_the_quotes_and_nothing_else():
    handed = []
    phrased(answer(*QUOTES), lambda text: handed.append(text) or "")
    assert handed == [" ".join(QUOTES)]


@pytest.mark.parametrize(
    ("put", "why"),
    [
        ("The battery lasts 9 days.", "9"),
        ("The camera lasts two days.", "camera"),
        ("The battery lasts until the evening, so far.", "'The battery lasts until the evening'"),
        ("I had to charge it before the evening.", "'I had to charge it before the evening'"),
        ("  ", "nothing was said"),
    ],
)
def test_an_answer_that_says_more_than_the_quotes_is_dropped_and_said_to_be(put, why):
    told = phrased(answer(*QUOTES, "It can be used until noon."), lambda _: put)
    assert (told["answer"], told["refused"]) == (None, f"{put.strip()!r}: {why}")
    assert len(told["evidence"]) == 3


def test_no_evidence_is_not_phrased():
    assert phrased(answer(), lambda _: pytest.fail("the model was asked")) == answer()


def test_a_line_may_take_its_words_from_any_source_but_each_clause_from_one():
    sources = ("Trail Tent · 24.90", "It kept us dry.", "A light tent for hiking.")
    put = "Trail Tent, 24.9: a light tent for hiking, it kept us dry"
    assert phrase_line("handed", sources, lambda _: put) == (put, None)
    assert phrase_line("handed", sources, lambda _: "A dry tent") == (None, "'A dry tent': 'A dry tent'")
