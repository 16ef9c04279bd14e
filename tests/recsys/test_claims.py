from __future__ import annotations

import pytest

from recsys.claims import objections, unsupported

TENT = ("Trail Tent", "Acme", "24.90", "A light tent for hiking, waterproof floor.", "The poles bend, but it lasts.")


@pytest.mark.parametrize(
    ("line", "refused"),
    [
        ("Trail Tent by Acme, 24.9: a light tent for hiking", []),
        ("The tents last, and the pole bends", []),
        ("Trail Tent for 19.90", ["19.90"]),
        ("A windproof tent, the best for 4", ["4", "windproof", "best"]),
        ("Free delivery of your Trail Tent!", ["free", "delivery"]),
        ("", []),
    ],
)
def test_numbers_and_words_that_no_source_holds_are_named(line, refused):
    assert unsupported(line, TENT) == refused


def test_one_number_in_two_spellings_is_one_number():
    assert unsupported("1,200 mAh", ["1200 mAh"]) == []
    assert unsupported("12.00", ["12"]) == []
    assert unsupported("1.5", ["15"]) == ["1.5"]


def test_a_claim_in_chinese_is_held_by_its_characters():
    assert unsupported("电池续航", ["这款手机的电池续航很好"]) == []
    assert unsupported("防水手机", ["这款手机的电池续航很好"]) == ["防水", "水手"]


@pytest.mark.parametrize(
    ("line", "against"),
    [
        ("The poles bend, but it lasts", []),
        ("Light, waterproof floor", []),
        ("It never lasts", ["never"]),
        ("It does not last", ["not"]),
        ("The tent bends", ["'The tent bends'"]),
        ("The tent is light and the poles last", []),
        ("A windproof tent", ["windproof"]),
    ],
)
def test_a_clause_must_be_said_by_one_source_and_be_denied_where_that_denies_it(line, against):
    assert objections(line, TENT) == against


def test_what_a_source_denies_is_not_said_without_the_denial():
    source = ["It is not waterproof, but it dries fast.", "No colour ran, and I don't iron it."]
    assert objections("It is not waterproof", source) == []
    assert objections("It dries fast", source) == []
    assert objections("It is waterproof", source) == ["'It is waterproof'"]
    assert objections("It is waterproof, and dries fast.", source) == ["'It is waterproof'"]
    assert objections("I iron it", source) == ["'I iron it'"]
    assert objections("防水", ["这款手机不防水"]) == ["'防水'"]
    assert objections("不防水", ["这款手机不防水"]) == []
