"""Masking measured on `masking_corpus/`: what must not be left of a text, and what must not be touched."""

from __future__ import annotations

import json
import re
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from encoders import clean, mask

CORPUS = Path(__file__).with_name("masking_corpus")
PERSONAL = ("emails", "phones", "cards", "ibans", "identities", "addresses")
TOKEN = re.compile(r"\[(?:email|phone|card|iban|id|address)\]")


def corpus(name):
    return [json.loads(line) for line in (CORPUS / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()]


def left_of(hidden, masked):
    """What a reader can still see of `hidden`: the whole, five of its digits in a row, or a word of four letters."""
    seen, hidden = TOKEN.sub(" ", masked), clean(hidden)
    digits, in_sight = (re.sub(r"\D", "", text) for text in (hidden, seen))
    runs = [digits[at : at + 5] for at in range(len(digits) - 4)] if len(digits) >= 7 else []
    words = re.findall(r"[^\W\d_]{4,}", hidden)
    return [hidden] * (hidden in seen) + [run for run in runs if run in in_sight] + [w for w in words if w in seen]


@pytest.mark.parametrize("name", PERSONAL)
def test_nothing_personal_in_the_corpus_is_left(name):
    rows = corpus(name)
    assert len(rows) >= 13
    leaks = [(row["text"], mask(clean(row["text"]))) for row in rows]
    leaks = [both for row, both in zip(rows, leaks, strict=True) for one in row["hidden"] if left_of(one, both[1])]
    assert leaks == []


def test_at_most_one_harmless_text_in_fifty_is_touched():
    texts = [clean(row["text"]) for row in corpus("harmless")]
    touched = [(text, mask(text)) for text in texts if mask(text) != text]
    assert len(texts) >= 400
    assert len(touched) <= 0.02 * len(texts), touched


def test_the_corpus_is_large_and_says_each_thing_once():
    texts = [row["text"] for name in (*PERSONAL, "harmless") for row in corpus(name)]
    assert len(texts) == len(set(texts)) >= 900


def test_a_leak_in_the_corpus_would_be_seen():
    assert left_of("415-555-2671", "call [phone] 55-2671") == ["55267", "52671"]
    assert left_of("jane.doe@example.com", "[email] or jane.doe@example.com")
    assert left_of("jane.doe@example.com", "[email]") == []


_PIECES = st.lists(
    st.one_of(
        st.text(max_size=8),
        st.sampled_from(
            [row["text"] for name in PERSONAL for row in corpus(name)[::7]] + [" ", "-", "1", "@", " at ", " dot ", "0"]
        ),
    ),
    max_size=6,
).map("".join)


@given(_PIECES)
def test_what_is_masked_once_stays_as_it_is(text):
    once = mask(clean(text))
    assert mask(once) == once


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("write to Jo.Doe+shop@mail.example.co.uk, please", "write to [email], please"),
        ("card 4111 1111 1111 1111 and 378282246310005", "card [card] and [card]"),
        ("call +49 30 1234567 or (212) 555-0123", "call [phone] or [phone]"),
        ("415-555-2671 2 times, 2024-01-31", "[phone] 2 times, 2024-01-31"),
        ("4111 1111 1111 1111 12/29", "[card] 12/29"),
        ("IBAN DE89 3704 0044 0532 0130 00 please", "IBAN [iban] please"),
        ("手机13812345678，谢谢", "手机[phone],谢谢"),
        ("我住在北京市朝阳区建国路88号，快递很快", "我住在[address],快递很快"),
        ("Bitte an Musterstraße 12, 12345 Musterstadt liefern", "Bitte an [address] liefern"),
        ("delivered to 7 Elm St, fine", "delivered to [address], fine"),
    ],
)
def test_a_find_is_replaced_by_what_it_was_and_its_neighbours_stay(written, expected):
    assert mask(clean(written)) == expected


def test_a_hundred_thousand_reviews_are_masked_in_well_under_a_minute():
    review = "I bought this 2 months ago for $1,299.00 and it works at 20-20,000 Hz as it should, size 34x32. " * 5
    began = time.process_time()
    for number in range(2000):
        mask(f"{review} {number}")
    assert time.process_time() - began < 0.8  # 2,000 of 100,000: 40 s at most
