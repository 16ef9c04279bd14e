"""Weights of a graph in 8 bits put in the place of its maker's, so that what is trained further is kept small.

Of a large matrix only what is added to it is kept, as two narrow ones (LoRA: Hu et al. 2021, arXiv 2106.09685); it is
added before the graph runs, which costs nothing afterwards.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from numpy.typing import NDArray
    from onnx import ModelProto

__all__ = ["DOWN", "UP", "dequantized", "read_graph", "with_trained"]

DOWN, UP = ".down", ".up"
_QUANTIZED, _SCALE, _ZERO = "_quantized", "_scale", "_zero_point"


def read_graph(path: Path) -> tuple[ModelProto, dict[str, NDArray[np.generic]]]:
    """Return a graph and its weights by name."""
    import onnx

    graph = onnx.load(path)
    return graph, {each.name: onnx.numpy_helper.to_array(each) for each in graph.graph.initializer}


def dequantized(weights: Mapping[str, NDArray[np.generic]], name: str) -> NDArray[np.float32]:
    """Return a matrix that is held in 8 bits, (inputs, outputs) as the graph multiplies by it."""
    steps = weights[name + _QUANTIZED].astype(np.float32) - weights[name + _ZERO].astype(np.float32)
    found: NDArray[np.float32] = steps * weights[name + _SCALE].astype(np.float32)
    return found


def with_trained(path: Path, trained: Mapping[str, NDArray[np.floating]]) -> bytes:
    """Return the graph of a file with what was trained in it.

    `trained`: weights by their names in the graph; or of a matrix `.down`, (inputs, rank), and `.up`, (rank, outputs),
    whose product is added to it. ValueError where the graph holds none of that name.
    """
    import onnx

    graph, weights = read_graph(path)
    made: dict[str, NDArray[np.generic]] = {}
    for name, array in trained.items():
        matrix = name.removesuffix(UP)
        if name.endswith(UP):
            added = trained[matrix + DOWN].astype(np.float32) @ array.astype(np.float32)
            made |= _quantized(matrix, dequantized(weights, matrix) + added)
        elif name + _QUANTIZED in weights:
            made |= _quantized(name, array.astype(np.float32))
        elif not name.endswith(DOWN):
            made[name] = array.astype(np.float32)
    for initializer in graph.graph.initializer:
        if initializer.name in made:
            initializer.CopyFrom(onnx.numpy_helper.from_array(made.pop(initializer.name), initializer.name))
    if made:
        msg = f"{path} holds no weights named {', '.join(sorted(made))}: what was trained is not of this graph"
        raise ValueError(msg)
    return bytes(graph.SerializeToString())


def _quantized(name: str, matrix: NDArray[np.float32]) -> dict[str, NDArray[np.generic]]:
    """Return a matrix in 8 bits, zero in the middle, a step for each output: one for all hides small changes."""
    steps = np.maximum(np.abs(matrix).max(axis=0), np.finfo(np.float32).tiny) / 127
    held = {_QUANTIZED: np.round(matrix / steps).astype(np.int8), _SCALE: steps, _ZERO: np.int8(0)}
    return {name + suffix: np.asarray(value) for suffix, value in held.items()}
