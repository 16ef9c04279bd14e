from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from recsys.neighbours import Neighbours, places
from recsys.vector_index import VectorIndex


def unit(vectors):
    vectors = np.asarray(vectors, dtype=np.float64)
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.divide(vectors, lengths, out=np.zeros_like(vectors), where=lengths > 0).astype(np.float32)


def by_hand(vectors, categories, own, k, allowed):
    """The rule: positive cosines, then the category, then the shop; rows stand most bought first."""
    offered = [row for row in range(len(vectors)) if row != own and (allowed is None or allowed[row])]
    cosine = {row: np.float32(np.dot(vectors[own].astype(float), vectors[row].astype(float))) for row in offered}
    near = sorted((row for row in offered if cosine[row] > 0), key=lambda row: (-cosine[row], row))[:k]
    mates = [row for row in offered if categories[own] is not None and categories[row] == categories[own]]
    rest = list(dict.fromkeys([*mates, *offered]))
    return near, [row for row in rest if row not in near][: k - len(near)]


@st.composite
def shops(draw):
    n = draw(st.integers(2, 25))
    vectors = unit(draw(arrays(np.int64, (n, 3), elements=st.integers(-1, 2))))
    categories = tuple(draw(st.lists(st.sampled_from(["shoes", "hats", None]), min_size=n, max_size=n)))
    return vectors, categories, draw(st.integers(1, 30)), draw(st.none() | arrays(np.bool_, (n,)))


@settings(max_examples=100, deadline=None)
@given(shops())
def test_the_neighbours_are_the_near_then_the_category_then_the_shop_and_never_the_item_itself(shop):
    vectors, categories, k, allowed = shop
    index = VectorIndex.build([f"i{row:02d}" for row in range(len(vectors))], vectors)
    rows = np.arange(len(vectors))
    found = Neighbours(index, categories).of(rows, k=k, allowed=allowed)
    for own in rows:
        here = found.query == own
        near, fill = by_hand(vectors, categories, own, k, allowed)
        assert found.item[here].tolist() == near + fill
        assert found.near[here].tolist() == [True] * len(near) + [False] * len(fill)
        assert (np.diff(found.score[here]) <= 0).all()
        assert (found.score[here][len(near) :] == 0).all()


def test_a_few_rows_are_answered_in_the_order_asked():
    index = VectorIndex.build(["a", "b", "c"], unit([[1, 0], [1, 1], [1, 2]]))
    found = Neighbours(index, (None, None, None)).of(np.array([2, 0]), k=1)
    assert found.query.tolist() == [2, 0]
    assert found.item.tolist() == [1, 1]


@pytest.mark.parametrize(("query", "expected"), [([], []), ([4], [1]), ([4, 4, 4, 1, 1, 9], [1, 2, 3, 1, 2, 1])])
def test_places_count_from_one_within_each_query(query, expected):
    assert places(np.array(query, dtype=np.int64)).tolist() == expected
