from __future__ import annotations

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from safetensors.numpy import load_file

from encoders import pairs
from encoders.onnx_engine import onnx_folder, open_session
from encoders.onnx_weights import dequantized, read_graph, with_trained

MATRIX = np.array([[1.0, -2.0], [0.5, 1.27]], dtype=np.float32)


@pytest.fixture
def small(tmp_path):
    """A graph that multiplies a row of two by a matrix in 8 bits and adds a bias, as the real one does."""
    held = {"m_quantized": np.round(MATRIX / 0.02).astype(np.int8), "m_scale": np.float32(0.02)}
    held |= {"m_zero_point": np.int8(0), "bias": np.zeros(2, np.float32)}
    steps = [
        ("DynamicQuantizeLinear", ["x"], ["x8", "x_step", "x_zero"]),
        ("MatMulInteger", ["x8", "m_quantized", "x_zero", "m_zero_point"], ["whole"]),
        ("Cast", ["whole"], ["real"]),
        ("Mul", ["x_step", "m_scale"], ["step"]),
        ("Mul", ["real", "step"], ["product"]),
        ("Add", ["product", "bias"], ["y"]),
    ]
    nodes = [helper.make_node(*step, **({"to": TensorProto.FLOAT} if step[0] == "Cast" else {})) for step in steps]
    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, 2]) for name in ("x", "y")]
    weights = [numpy_helper.from_array(np.asarray(array), name) for name, array in held.items()]
    graph = helper.make_graph(nodes, "small", ends[:1], ends[1:], weights)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.save(model, tmp_path / "model.onnx")
    return tmp_path / "model.onnx"


def run(graph):
    return open_session(graph).run(None, {"x": np.array([[1.0, 1.0]], np.float32)})[0][0]


def test_a_product_is_added_to_a_matrix_and_other_weights_take_the_place_of_those_of_their_name(small):
    assert run(small) == pytest.approx([1.5, -0.74], abs=0.03)
    down, up = np.array([[1.0], [0.0]], np.float16), np.array([[3.0, 0.0]], np.float16)
    trained = {"m.down": down, "m.up": up, "bias": np.array([0.0, 10.0], np.float16)}
    assert run(with_trained(small, trained)) == pytest.approx([4.5, 9.26], abs=0.05)
    assert run(with_trained(small, {"m": np.diag([1.0, 0.0]).astype(np.float32)})) == pytest.approx([1.0, 0.0])


def test_a_change_smaller_than_half_a_step_of_the_makers_is_not_lost(small):
    down, up = np.ones((2, 1), np.float32), np.array([[0.004, 0.0]], np.float32)
    added = run(with_trained(small, {"m.down": down, "m.up": up})) - run(small)
    assert added == pytest.approx([0.008, 0.0], abs=0.005)


def test_a_graph_without_anything_trained_is_as_it_was(small):
    assert run(with_trained(small, {})).tolist() == run(small).tolist()


def test_what_was_trained_for_another_graph_is_refused(small):
    with pytest.raises(ValueError, match=r"model\.onnx holds no weights named other: what was trained is not of this"):
        with_trained(small, {"other": np.zeros(2, np.float16)})


def test_what_is_kept_of_the_trained_reader_is_small_and_changes_its_matrices_a_little():
    trained = load_file(pairs._TRAINED)
    assert sum(array.size for array in trained.values()) < 400_000
    assert {array.dtype for array in trained.values()} == {np.dtype(np.float16)}
    _, weights = read_graph(onnx_folder(pairs.PAIR_MODEL, pairs.PAIR_SHA256) / "model.onnx")
    changed = [name.removesuffix(".up") for name in trained if name.endswith(".up")]
    assert len(changed) == 72
    for name in changed:
        added = trained[f"{name}.down"].astype(np.float32) @ trained[f"{name}.up"].astype(np.float32)
        assert 0 < np.linalg.norm(added) < np.linalg.norm(dequantized(weights, name))
