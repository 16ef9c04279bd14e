from __future__ import annotations

from datetime import date

import numpy as np
import polars as pl
import pytest

from recsys.copurchase import behaviour_vectors, bought_before, count_copurchases

CUTOFF = date(2024, 6, 30)
SCHEMA = {"user_id": pl.String, "item_id": pl.String, "day": pl.Date, "units": pl.Float64}


def purchases(baskets):
    """One row a user and item, bought on the cutoff itself."""
    rows = [(user, item, CUTOFF, 1.0) for user, items in baskets.items() for item in items]
    return pl.DataFrame(rows, schema=SCHEMA, orient="row")


def counted(baskets, item_ids):
    return count_copurchases(bought_before(purchases(baskets), CUTOFF), item_ids)


def test_pairs_are_counted_by_user_and_never_with_themselves():
    pairs = counted({"u1": "abc", "u2": "ab", "u3": "bd", "u4": "d"}, list("abcd"))
    assert pairs.users.toarray().tolist() == [[0, 2, 1, 0], [2, 0, 1, 1], [1, 1, 0, 0], [0, 1, 0, 0]]
    assert pairs.buyers.tolist() == [2, 3, 1, 2]
    assert pairs.together(np.array([0, 1, 2]), np.array([1, 3, 3])).tolist() == [2, 1, 0]
    # u1 bought three and weighs a half, u2 and u3 bought two and weigh one
    assert pairs.mass.toarray()[1].tolist() == [1.5, 0, 0.5, 1]


def test_buying_an_item_twice_counts_one_user():
    twice = pl.concat([purchases({"u1": "ab"})] * 3)
    pairs = count_copurchases(bought_before(twice, CUTOFF), list("ab"))
    assert pairs.users.toarray().tolist() == [[0, 1], [1, 0]]


def test_what_comes_after_the_cutoff_or_without_a_user_or_back_to_the_shop_is_not_counted():
    rows = [
        ("u1", "a", CUTOFF, 1.0),
        ("u1", "b", date(2024, 7, 1), 1.0),
        (None, "a", CUTOFF, 1.0),
        (None, "b", CUTOFF, 1.0),
        ("u1", "c", CUTOFF, -1.0),
        ("u1", "d", CUTOFF, None),
    ]
    table = pl.DataFrame(rows, schema=SCHEMA, orient="row")
    assert bought_before(table, CUTOFF).sort("item_id").rows() == [("u1", "a"), ("u1", "d")]


def two_tastes():
    """Forty items of two tastes: users buy within one, three at a time."""
    items = [f"{taste}{number:02d}" for taste in "xy" for number in range(20)]
    rng = np.random.default_rng(0)
    baskets = {
        f"u{number}": rng.choice(items[:20] if number % 2 else items[20:], 3, replace=False) for number in range(600)
    }
    return items, baskets


def test_items_of_one_taste_lie_near_and_of_two_tastes_far():
    items, baskets = two_tastes()
    vectors = behaviour_vectors(counted(baskets, items))
    assert vectors.shape == (40, 64)
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(np.ones(40), abs=1e-5)
    cosine = vectors @ vectors.T
    assert np.abs(cosine[:20, 20:]).max() < 0.1
    assert cosine[:20, :20].mean() > cosine[:20, 20:].mean() + 0.1


def test_many_items_go_by_subspace_iteration_to_the_best_approximation_of_that_rank():
    rng = np.random.default_rng(1)
    items = [f"i{number:03d}" for number in range(300)]
    tastes = np.arange(300).reshape(12, 25)
    baskets = {f"u{u}": [items[row] for row in rng.choice(tastes[u % 12], 8, replace=False)] for u in range(900)}
    pairs = counted(baskets, items)
    vectors = behaviour_vectors(pairs, dim=12)
    # an independent, dense oracle
    mass, users = pairs.mass.toarray(), pairs.users.toarray()
    with np.errstate(divide="ignore"):
        information = np.log(mass * mass.sum() / np.outer(mass.sum(0), mass.sum(1)))
    information = np.maximum(information, 0) * users / (users + 1)
    values, directions = np.linalg.eigh(information)
    best = directions[:, -12:] * np.sqrt(values[-12:])
    best /= np.linalg.norm(best, axis=1, keepdims=True)
    assert np.abs(vectors @ vectors.T - best @ best.T).max() < 0.02


def test_the_vectors_are_the_same_to_the_bit_when_made_again():
    items, baskets = two_tastes()
    first = behaviour_vectors(counted(baskets, items))
    shuffled = dict(sorted(baskets.items(), key=lambda pair: pair[0][::-1]))
    assert behaviour_vectors(counted(shuffled, items)).tobytes() == first.tobytes()


def test_without_pairs_every_vector_is_zero():
    assert not behaviour_vectors(counted({"u1": "a", "u2": "b"}, list("abc"))).any()
    assert not behaviour_vectors(counted({}, list("abc"))).any()
    lonely = behaviour_vectors(counted({f"u{n}": "ab" for n in range(4)} | {"v": "cd", "w": "e"}, list("abcde")))
    assert lonely.any(axis=1).tolist() == [True, True, True, True, False]
