from __future__ import annotations

import pytest

from recsys.claims import unsupported

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
