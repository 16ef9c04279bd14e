from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from encoders import clean, mask, words

_SNIPPETS = st.lists(
    st.one_of(
        st.text(max_size=12),
        st.sampled_from(
            ["&amp;", "&lt;b&gt;", "<br>", "<b", ">", "&#8203;", "＆", "@a.de", "+49 30", "4111", " ", "-1"]
        ),
    ),
    max_size=12,
).map("".join)


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("Caf&eacute;&nbsp;<b>cr&egrave;me</b><br/>5&nbsp;&amp;&nbsp;6", "Café crème 5 & 6"),
        ("&amp;lt;p&amp;gt;twice escaped&amp;lt;/p&amp;gt;", "twice escaped"),
        ("<style>p {color: red}</style>scarf<!-- note -->", "scarf"),
        ("<script>alert(1)</script>", ""),
        ("Ｗｉｄｅ ﬁt\u3000１２", "Wide fit 12"),
        ("  two\t\nlines\x00\u200b ", "two lines"),
        ("cable < 5 cm, <3 it, size <XL>", "cable < 5 cm, <3 it, size <XL>"),
        ("👩\u200d🔬 می\u200cخواهم", "👩\u200d🔬 می\u200cخواهم"),
        ("half \ud83d pair", "half pair"),
    ],
)
def test_clean_takes_out_markup_and_width_and_leaves_the_words(written, expected):
    assert clean(written) == expected


@given(_SNIPPETS)
def test_clean_and_mask_leave_alone_what_has_gone_through_them(text):
    once = mask(clean(text))
    assert clean(clean(text)) == clean(text)
    assert mask(once) == once
    assert mask(clean(once)) == once


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("write to Jo.Doe+shop@mail.example.co.uk, please", "write to [email], please"),
        ("card 4111 1111 1111 1111 and 378282246310005", "card [card] and [card]"),
        ("call +49 30 1234567 or (212) 555-0123", "call [phone] or [phone]"),
        ("tel: 030 7654321", "tel: [phone]"),
        ("手机13812345678", "手机[phone]"),
    ],
)
def test_mask_replaces_what_names_a_person(written, expected):
    assert mask(written) == expected


@pytest.mark.parametrize(
    "written",
    [
        "4111 1111 1111 1112",  # fails the check digit
        "EAN 4006381333931",
        "size 10-12-14 cm, 1920x1080, $1,299.00",
        "model B07-4411-2290, 100000 mAh",
        "only 12 @ 3 each",
        "order 20240131 of 1234567 pieces",
    ],
)
def test_mask_leaves_sizes_prices_and_model_numbers_alone(written):
    assert mask(written) == written


def test_words_are_lower_case_and_unspaced_scripts_become_bigrams():
    assert words("Men's RUNNING-shoe 42") == ["men's", "running", "shoe", "42"]
    assert words("跑步鞋 Nike 鞋") == ["跑步", "步鞋", "nike", "鞋"]
    assert words("हिन्दी किताब") == ["हिन्दी", "किताब"]
    assert words("รองเท้า")[0] == "รอ"
    assert words("") == []
