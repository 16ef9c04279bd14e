from __future__ import annotations

from dataclasses import replace
from datetime import date
from itertools import pairwise

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from encoders import EncoderConfig, PieceCache, load_encoder
from encoders.contract import Tokens
from encoders.sweeping import sweep_vectors
from recsys.evidence import NO_EVIDENCE, EvidenceSearch, sentence_rows
from recsys.judge import Judge, both, fit_judge, read_judge, turn_weights, write_judge
from recsys.questions import questions_about, without_asking, without_kind
from recsys.sentences import MOST_LETTERS, sentences

REVIEWS = {
    "phone": [
        ("p1", date(2026, 1, 5), 5.0, "Love it", "The battery lasts two days. The screen is bright."),
        ("p2", date(2026, 2, 5), 2.0, None, "I had to charge it twice before the evening. The camera is fine."),
        ("p3", None, None, None, "It came in a blue box. My sister has the same one."),
    ],
    "mug": [
        (
            "m1",
            date(2026, 1, 9),
            4.0,
            "Nice mug",
            "Tea stays hot. The handle is large. It survived the dishwasher.",
        ),
        ("m2", date(2026, 3, 9), 5.0, None, "A good colour. My aunt was pleased. It is heavier than it looks."),
    ],
    "coat": [
        ("c1", date(2026, 1, 2), 3.0, None, "The sleeves are short. The lining feels soft. Rain runs off it."),
        ("c2", date(2026, 1, 3), 4.0, None, "Warm in winter. The pockets are deep. The zipper sticks now and then."),
    ],
}


def told(item_id: str) -> pl.DataFrame:
    rows = [
        (item_id, review_id, day, stars, None if stars is None else stars > 3, headline, text)
        for review_id, day, stars, headline, text in REVIEWS[item_id]
    ]
    names = ("item_id", "review_id", "date", "stars", "positive", "headline", "text")
    types = (pl.String, pl.String, pl.Date, pl.Float64, pl.Boolean, pl.String, pl.String)
    reviews = pl.DataFrame(rows, schema=dict(zip(names, types, strict=True)), orient="row")
    about = pl.DataFrame({"item_id": [item_id], "description": ["Sold since 2020. Comes with a leaflet."]})
    return sentence_rows(reviews, about)


@pytest.fixture(scope="module")
def encoder():
    return load_encoder(EncoderConfig(threads=1))


@pytest.fixture(scope="module")
def search(encoder, tmp_path_factory):
    texts = pl.concat([told(item_id) for item_id in REVIEWS])["sentence"].to_list()
    return EvidenceSearch.fit(texts, encoder, tmp_path_factory.mktemp("cache"), threads=1)


def test_sentences_end_where_people_end_them():
    text = 'Runs small.I ordered a 4. It is 3.5 ft. wide, e.g. like this... but ok! Great?! "Love it." Done'
    assert [text[start:end] for start, end in sentences(text)] == [
        "Runs small.",
        "I ordered a 4.",
        "It is 3.5 ft. wide, e.g. like this...",
        "but ok!",
        "Great?!",
        '"Love it."',
        "Done",
    ]
    chinese = "这款手机的电池续航很好。屏幕也不错!就是有点重?还行"
    assert [chinese[start:end] for start, end in sentences(chinese)] == [
        "这款手机的电池续航很好。",
        "屏幕也不错!",
        "就是有点重?",
        "还行",
    ]


@given(st.text(alphabet="ab. !?。,;AB\n1\"'…电", max_size=900))
def test_every_sentence_is_a_substring_in_order_and_no_word_is_lost(text):
    found = sentences(text)
    assert all(0 <= start < end <= len(text) and end - start <= MOST_LETTERS for start, end in found)
    assert all(before[1] <= after[0] for before, after in pairwise(found))
    kept = "".join(text[start:end] for start, end in found)
    assert [letter for letter in kept if letter.isalnum()] == [letter for letter in text if letter.isalnum()]


def test_the_best_sentence_is_about_what_was_asked_and_says_where_it_is_from(search):
    answer = search.answer("How is the battery life?", told("phone"), n=1)
    (quote,) = answer["evidence"]
    assert (quote["sentence"], quote["review_id"]) == ("The battery lasts two days.", "p1")
    assert (quote["source"], quote["date"], quote["stars"]) == ("review", date(2026, 1, 5), 5.0)
    assert search.judge.threshold <= quote["score"] <= 1
    assert answer["about"] >= 1
    assert answer["answer"] is None


def test_without_a_sentence_about_it_there_is_no_evidence(search):
    answer = search.answer("How is the battery life?", told("mug"), n=3)
    assert (answer["evidence"], answer["about"], answer["answer"]) == ([], 0, NO_EVIDENCE)
    assert answer["positive_share"] is None


def test_a_question_without_a_word_is_no_evidence(search):
    assert search.answer("?!", told("mug"), n=3)["answer"] == "no evidence"


def test_an_item_without_any_text_is_no_evidence(search):
    assert search.answer("Is it heavy?", told("mug").clear(), n=3)["answer"] == "no evidence"


def test_a_sentence_of_the_description_has_no_review_and_no_date(search):
    (quote,) = search.answer("Does it come with a leaflet?", told("mug"), n=1)["evidence"]
    assert (quote["sentence"], quote["source"]) == ("Comes with a leaflet.", "description")
    assert quote["review_id"] is quote["date"] is quote["stars"] is None


def test_the_positive_share_counts_reviews_that_can_be_told(search):
    both = told("phone").filter(pl.col("sentence").str.contains("battery|charge"))
    found = search.judged(["battery charge"], both)
    low = replace(search, judge=replace(search.judge, threshold=-1.0))
    assert low.answer("battery charge", both, n=5)["positive_share"] == 0.5
    assert found.height == 2


def test_a_judge_is_the_same_twice_whatever_the_order_of_the_texts(search, encoder):
    texts = pl.concat([told(item_id) for item_id in REVIEWS])["sentence"].to_list()
    assert fit_judge(texts[::-1], encoder) == search.judge


def test_an_encoder_that_reads_alone_finds_its_threshold_in_the_texts(tmp_path):
    texts = pl.concat([told(item_id) for item_id in REVIEWS])["sentence"].to_list()
    e5 = load_encoder(EncoderConfig(name="multilingual-e5-small", threads=1))
    alone = EvidenceSearch.fit(texts, e5, tmp_path, threads=1)
    assert alone.pairs is None
    assert fit_judge(texts[::-1], e5) == alone.judge
    assert 0.7 < alone.judge.threshold < 1
    assert fit_judge(texts[:4], e5).threshold != alone.judge.threshold


def test_beside_the_other_english_encoder_question_and_sentence_are_read_together_too(tmp_path):
    texts = pl.concat([told(item_id) for item_id in REVIEWS])["sentence"].to_list()
    bge = load_encoder(EncoderConfig(name="bge-small-en-v1.5", threads=1))
    search = EvidenceSearch.fit(texts, bge, tmp_path, threads=1)
    assert search.answer("Does it keep you warm?", told("coat"), n=1)["evidence"][0]["sentence"] == "Warm in winter."
    assert search.answer("Who repairs the engine?", told("coat"), n=1)["answer"] == NO_EVIDENCE


def test_of_what_the_judge_finds_the_best_eight_are_read_with_the_question_and_that_decides(search):
    asked = "Can I put it in the washing machine?"
    said = told("coat").with_columns(sentence=pl.Series(["Dry clean only.", *told("coat")["sentence"][1:]]))
    found = search.judged([asked], said)
    assert found["sentence"][0] == "Dry clean only."
    first = replace(search, pairs=None).judged([asked], said)[:8]
    read = both(first["score"].to_numpy(), search.pairs.log_odds(asked, first["sentence"].to_list()))
    scores = dict(zip(first["sentence"], (1 / (1 + np.exp(-read))).round(5).tolist(), strict=True))
    assert found["score"].to_list() == [scores.get(text, 0.0) for text in found["sentence"]]


def test_a_cosine_counts_five_log_odds_beside_what_was_read_together():
    found = both(np.array([0.25, 0.45, 0.25]), np.array([0.0, 0.0, 1.0]))
    assert found == pytest.approx([0.0, 1.0, 1.0])


def test_reading_goes_on_while_half_of_what_was_read_answers(search):
    said = pl.concat([told("phone").head(1)] * 30)
    said = said.with_columns(sentence=pl.Series([f"The battery lasts {n} hours." for n in range(30)]))
    assert search.answer("How long does the battery last?", said, n=1)["about"] == 16
    assert (search.judged(["Is it made of wood?"], said)["score"] > 0).sum() == 8


def test_across_items_each_items_best_sentence_is_read_with_the_question(search):
    both = pl.concat([told(item_id) for item_id in REVIEWS])
    found = search.judged(["Is it warm in winter?"], both)
    assert found["sentence"][0] == "Warm in winter."
    assert found.height == both.height


def test_a_rare_piece_of_the_question_weighs_more_than_a_common_one():
    names, vectors = ("small", "zip"), np.eye(2, dtype=np.float32)
    judge = Judge({"small": 0.1, "zip": 3.0}, 5.0, 0.5)
    question = Tokens(names, vectors)
    with_zip, with_small, nothing = vectors[1:], vectors[:1], vectors[:0]
    assert judge.scores([question], [with_zip, with_small, nothing]).tolist() == [0.99889, 0.00111, 0.0]


def test_what_only_asks_weighs_a_part_and_what_names_the_item_nothing():
    judge = Judge({"zip": 3.0}, 3.0, 0.5)
    assert judge.weights([("which", "zip")]).tolist() == [0.2, 0.8]
    assert judge.weights([("phone", "zip")], ("Phones",)).tolist() == [0.0, 1.0]
    assert judge.weights([("phone", "zip")], ("smart", "##phone")).tolist() == [0.0, 1.0]
    assert judge.weights([("how", "phone")], ("phone",)).tolist() == [0.5, 0.5]  # nothing else is asked


def test_what_was_asked_before_weighs_less_the_longer_ago_and_fully_where_nothing_is_asked_now():
    judge = Judge({}, 2.0, 0.5)
    weights = judge.weights([("strap",), ("warm",), ("rain",)])
    assert weights == pytest.approx(np.array([0.15, 0.3, 1.0]) / 1.45)
    assert turn_weights([("strap",), ("warm",), ("rain",)]) == [0.15, 0.3, 1.0]
    assert turn_weights([("warm",), ("and", "then")]) == [1.0, 1.0]
    assert judge.weights([("warm",), ("and", "then")]) == pytest.approx(np.array([1.0, 0.25, 0.25]) / 1.5)


def test_a_question_goes_on_from_the_one_before_it_and_is_not_answered_by_it(search):
    def asked(*questions: str) -> str | None:
        answer = search.told(questions[-1], search.judged(questions, told("coat")), n=1)
        return answer["evidence"][0]["sentence"] if answer["evidence"] else answer["answer"]

    assert asked("Is it warm?", "And when it rains?") == "Rain runs off it."
    assert asked("Is it warm?", "And then?") == "Warm in winter."
    assert asked("Is it warm?", "And how about the engine?") == NO_EVIDENCE


def test_a_question_about_the_kind_of_item_itself_is_not_answered_by_its_name(search):
    said = told("phone").with_columns(sentence=pl.lit("Exactly the telephone that I was looking for.")).head(1)
    question = "Is the telephone waterproof?"
    assert search.answer(question, said, n=1)["answer"] == NO_EVIDENCE
    finder = replace(search, pairs=None)
    (near,), (far,) = (finder.judged([question], said, called)["score"] for called in ({}, {"phone": "a telephone"}))
    assert far < 0.6 * near


@pytest.mark.parametrize(
    ("question", "left"),
    [
        ("这款手机的电池怎么样?", "手机 电池 ?"),
        ("有耳机孔吗?", "耳机孔 ?"),
        ("会发热吗", "发热"),
        ("然后呢?", "?"),
        ("How is it?", "How is it?"),
    ],
)
def test_chinese_words_that_only_ask_are_taken_out_before_a_question_is_read(question, left):
    assert without_asking(question).split() == left.split()


def test_a_category_that_a_question_names_is_told_from_what_it_asks():
    kinds = ["phones", "ground coffee", "tea"]
    assert without_kind("Which phone lasts longest?", kinds) == ("which lasts longest", {"phones"})
    assert without_kind("Is the coffee strong?", kinds) == ("is the coffee strong", frozenset())
    assert without_kind("A tea or ground coffee?", kinds) == ("a or", {"tea", "ground coffee"})


def test_questions_are_made_in_the_script_of_their_word():
    assert questions_about("zipper")[0] == "How is the zipper?"
    assert questions_about("电池")[0] == "电池怎么样?"


def test_a_judge_that_is_kept_is_the_same_and_holds_no_word_of_few(search, encoder):
    said = write_judge(search.judge, encoder.encoder_id)
    assert read_judge(said, encoder.encoder_id) == search.judge
    assert read_judge(said, "another") is None
    assert read_judge(said.replace('"format": 3', '"format": 2'), encoder.encoder_id) is None
    assert {"the", "is"} <= set(search.judge.rarity)
    assert not {"sister", "aunt", "leaflet"} & set(search.judge.rarity)


def test_each_of_many_sentences_is_judged(search):
    many = [f"It is a thing of number {number} and nothing more." for number in range(300)]
    rows = told("phone").head(1).select(pl.all().exclude("sentence"))
    frame = (
        pl.DataFrame({"sentence": [*many, "The gusset held."]}).join(rows, how="cross").select(told("phone").columns)
    )
    found = search.judged(["What about the gusset?"], frame)
    assert found.height == 301
    assert found["sentence"][0] == "The gusset held."


def test_a_sentence_is_read_once_and_its_pieces_are_kept_whole_beside_the_encoders_vectors(encoder, tmp_path):
    texts = ["The battery lasts two days.", "", "Tea stays hot.", "The battery lasts two days."]
    first = PieceCache(tmp_path, encoder).read(texts, kind="sentence")
    assert [len(pieces) for pieces in first] == [6, 0, 4, 6]
    own = encoder.encode_tokens(texts[:1], kind="sentence")[0].vectors
    assert np.array_equal(first[0], own.astype(np.float16))
    again = PieceCache(tmp_path, Unread(encoder))
    assert len(again) == 3
    for before, after in zip(first, again.read(texts, kind="sentence"), strict=True):
        assert after.dtype == np.float16
        assert np.array_equal(before, after)


class Unread:
    """An encoder that may not be asked: what it knew is kept."""

    def __init__(self, encoder):
        self.encoder_id, self.prompt = encoder.encoder_id, encoder.prompt


def test_pieces_of_texts_that_are_gone_are_swept_and_the_others_stay(encoder, tmp_path):
    texts = ["The battery lasts two days.", "Tea stays hot.", "", "The zipper sticks."]
    before = PieceCache(tmp_path, encoder).read(texts, kind="sentence")
    assert sweep_vectors(tmp_path, {"sentence": [texts[1], texts[3]]}) == 2
    left = PieceCache(tmp_path, Unread(encoder))
    assert len(left) == 2
    kept = left.read([texts[3], texts[1]], kind="sentence")
    assert np.array_equal(kept[0], before[3])
    assert np.array_equal(kept[1], before[1])
    assert sweep_vectors(tmp_path, {"sentence": [texts[1], texts[3]]}) == 0
    held = b"".join(path.read_bytes() for path in tmp_path.rglob("*.npy"))
    assert before[1].tobytes() in held
    assert before[0].tobytes() not in held


def test_what_the_encoder_reads_is_whole_and_in_its_context(encoder):
    (day,), (night,) = (encoder.encode_tokens([text], kind="sentence") for text in ("a light day", "a light bag"))
    assert day.names == ("a", "light", "day")
    assert encoder.token_names(["a light day"]) == [day.names]
    assert np.linalg.norm(day.vectors, axis=1) == pytest.approx(1, abs=1e-5)
    assert not np.allclose(day.vectors[1], night.vectors[1])
    assert encoder.encode_tokens([""], kind="sentence")[0].vectors.shape == (0, 384)
