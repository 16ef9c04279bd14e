"""The star rule, the figures, TF-IDF and the night's heads: numbers held against scikit-learn and against time."""

from __future__ import annotations

import json

import numpy as np
import pytest

from encoders.sentiment import (
    ReviewTexts,
    TfidfModel,
    fit_linear,
    fit_tfidf,
    label_names,
    labels_of,
    measure,
    score_reviews,
    shares_of,
    terms_of,
    text_key,
)

GOOD = ("lovely", "perfect", "great", "soft", "works well", "very happy", "beautiful colour")
BAD = ("broke", "poor", "returned it", "smells", "too small", "waste of money", "torn seam")
THINGS = ("scarf", "kettle", "lamp", "jacket", "pan", "pillow", "drill", "mug")


def reviews(count, *, seed=0):
    """Return so many short texts and their stars; a third are bad, three stars among them."""
    draw = np.random.default_rng(seed)
    texts, stars = [], []
    for number in range(count):
        good = draw.random() < 2 / 3
        said = draw.choice(GOOD if good else BAD, size=2, replace=False)
        texts.append(f"The {draw.choice(THINGS)} number {number} is {said[0]}, {said[1]}.")
        stars.append(float(draw.integers(4, 6) if good else draw.integers(1, 4)))
    return texts, stars


def vectors_of(texts, stars, *, seed=0):
    """Return noisy vectors in which one direction tells good from bad."""
    draw = np.random.default_rng(seed)
    told = draw.normal(size=(len(texts), 16)).astype(np.float32)
    told[:, 0] += np.where(np.nan_to_num(np.array(stars, float), nan=3.0) > 3, 1.5, -1.5)
    return told / np.linalg.norm(told, axis=1, keepdims=True)


def review_texts(texts, stars, days):
    return ReviewTexts(
        texts=texts,
        vectors=vectors_of(texts, stars),
        stars=np.array(stars, dtype=np.float64),
        days=np.array(days, dtype=np.int64),
        keys=np.array([text_key(text) for text in texts], dtype=np.int64),
    )


@pytest.mark.parametrize(
    ("rule", "names", "labels"),
    [
        ("negative", ("Negative", "Positive"), [0, 0, 0, 1, 1, 1, -1]),
        ("drop", ("Negative", "Positive"), [0, 0, -1, 1, 1, 1, -1]),
        ("neutral", ("Negative", "Neutral", "Positive"), [0, 0, 1, 2, 2, 2, -1]),
    ],
)
def test_p14_above_three_stars_is_positive_and_three_are_what_the_rule_says(rule, names, labels):
    assert label_names(rule) == names
    assert labels_of([1, 2, 3, 3.5, 4, 5, None], rule).tolist() == labels


def test_a_rule_that_there_is_not_is_refused_and_shares_leave_out_what_is_dropped():
    with pytest.raises(ValueError, match="one of negative, drop, neutral"):
        label_names("positive")
    assert shares_of(np.array([0, 1, 1, -1, 1]), 2).tolist() == [0.25, 0.75]
    assert shares_of(np.array([-1]), 2).tolist() == [0.0, 0.0]


@pytest.mark.parametrize("classes", [2, 3])
def test_the_figures_are_those_of_scikit_learn(classes):
    from sklearn.metrics import accuracy_score, f1_score, precision_recall_fscore_support

    draw = np.random.default_rng(classes)
    names = label_names("neutral" if classes == 3 else "drop")
    truth, told = draw.integers(0, classes, 500), draw.integers(0, classes, 500)
    for predicted in (told, np.full(500, classes - 1)):
        found = measure(truth, predicted, names)
        assert found.n == 500
        assert found.accuracy == pytest.approx(accuracy_score(truth, predicted), abs=1e-12)
        assert found.macro_f1 == pytest.approx(f1_score(truth, predicted, average="macro"), abs=1e-12)
        expected = precision_recall_fscore_support(truth, predicted, labels=range(classes), zero_division=0)[:3]
        for by_name, values in zip((found.precision, found.recall, found.f1), expected, strict=True):
            assert [by_name[name] for name in names] == pytest.approx(values.tolist(), abs=1e-12)


def test_tfidf_scored_from_its_stored_weights_is_scikit_learns(tmp_path):
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression

    texts, stars = reviews(300)
    labels = labels_of(stars, "negative")
    held_out = np.arange(300) % 5 == 0
    fitted = fit_tfidf([terms_of(text) for text in texts], labels, held_out, classes=2)
    fitted.save(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["tfidf.json", "tfidf.safetensors"]
    loaded = TfidfModel.load(tmp_path)
    theirs = TfidfVectorizer(analyzer=terms_of, sublinear_tf=True, min_df=2)
    features = theirs.fit_transform(texts)
    assert loaded.vocabulary == theirs.vocabulary_
    model = LogisticRegression(C=loaded.linear.strength, class_weight="balanced", max_iter=1000).fit(features, labels)
    new = [*reviews(50, seed=9)[0], "", "a word never seen"]
    expected = model.predict_proba(theirs.transform(new))
    np.testing.assert_allclose(loaded.probabilities([terms_of(text) for text in new]), expected, atol=1e-4)
    assert json.loads((tmp_path / "tfidf.json").read_text())["strength"] == loaded.linear.strength


def test_three_classes_are_scored_as_scikit_learn_does_and_one_without_a_row_is_never_told():
    from sklearn.linear_model import LogisticRegression

    draw = np.random.default_rng(1)
    features = draw.normal(size=(240, 5))
    labels = np.digitize(features[:, 0] + 0.3 * draw.normal(size=240), [-0.5, 0.5])
    fitted = fit_linear(features, labels, np.arange(240) % 4 == 0, classes=3)
    theirs = LogisticRegression(C=fitted.strength, class_weight="balanced", max_iter=1000).fit(features, labels)
    np.testing.assert_allclose(fitted.probabilities(features), theirs.predict_proba(features), atol=1e-4)
    for absent in range(3):
        kept = labels != absent
        partial = fit_linear(features[kept], labels[kept], np.zeros(kept.sum(), bool), classes=3)
        told = partial.probabilities(features)
        assert not told[:, absent].any()
        np.testing.assert_allclose(told.sum(axis=1), 1.0)
        binary = LogisticRegression(C=1.0, class_weight="balanced", max_iter=1000).fit(features[kept], labels[kept])
        np.testing.assert_allclose(told[:, sorted({0, 1, 2} - {absent})], binary.predict_proba(features), atol=1e-4)


def test_a_review_is_told_about_by_heads_from_earlier_days_alone():
    texts, stars = reviews(400)
    days = [number // 2 for number in range(400)]
    whole = score_reviews(review_texts(texts, stars, days))
    assert whole.by_date
    assert np.isfinite(whole.probability).all()
    # what is written in the last fifth changes no number before it
    turned = [6 - star if day >= 160 else star for star, day in zip(stars, days, strict=True)]
    reviews_turned = review_texts(texts, turned, days)
    other = score_reviews(
        ReviewTexts(texts, vectors_of(texts, stars), reviews_turned.stars, reviews_turned.days, reviews_turned.keys)
    )
    early = np.array(days) < 160
    assert np.array_equal(whole.probability[early], other.probability[early])
    assert whole.tested.tolist() == [day >= 160 for day in days]
    # … and the last fifth is told by the others, whatever its own stars are
    assert np.array_equal(whole.probability, other.probability)


def test_the_figures_of_a_head_are_those_of_the_probabilities_it_gives():
    from sklearn.metrics import f1_score

    texts, stars = reviews(400, seed=3)
    found = score_reviews(review_texts(texts, stars, [number // 3 for number in range(400)]))
    truth = np.array(stars)[found.tested] > 3
    assert found.measures.n == found.tested.sum()
    expected = f1_score(truth, found.probability[found.tested] > 0.5, average="macro")
    assert found.measures.macro_f1 == pytest.approx(expected)
    assert found.measures.macro_f1 > 0.9 > found.baselines["majority"].macro_f1
    assert found.baselines["tfidf"].n == found.measures.n


def test_without_dates_no_text_is_told_about_by_a_head_that_saw_it():
    texts, stars = reviews(300)
    texts, stars = texts + texts[:40], [*stars, *(6 - star for star in stars[:40])]  # the same words, other stars
    none = [-1] * len(texts)
    found = score_reviews(review_texts(texts, stars, none))
    assert not found.by_date
    assert np.isfinite(found.probability).all()
    given = review_texts(texts, stars, none)
    fold = given.keys % 5 == 2
    turned = ReviewTexts(texts, given.vectors, np.where(fold, 6 - given.stars, given.stars), given.days, given.keys)
    assert np.array_equal(score_reviews(turned).probability[fold], found.probability[fold])


@pytest.mark.parametrize("stars", [[5.0] * 60, [float("nan")] * 60, [5.0, 1.0] * 5 + [float("nan")] * 50])
def test_too_few_stars_or_one_kind_alone_give_no_probability_and_no_figure(stars):
    texts = reviews(60)[0]
    found = score_reviews(review_texts(texts, stars, range(60)))
    assert np.isnan(found.probability).all()
    assert found.measures is None
    assert found.baselines == {}


def test_reviews_without_stars_are_told_about_too():
    texts, stars = reviews(200)
    stars[::4] = [float("nan")] * 50
    found = score_reviews(review_texts(texts, stars, [-1] * 200))
    assert np.isfinite(found.probability[::4]).all()
    assert not found.tested[::4].any()
