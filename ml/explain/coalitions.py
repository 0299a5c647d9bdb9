"""A model's answers to every coalition of a row's features: each feature as in the row, or as in a reference row.

The graph is evaluated as it stands, but every value in it only for the coalitions of the features that it depends on: a tree of three
features for 8, a convolution over three neighbours for 8, and not for all 2,048 of eleven features. An array has an axis of two
(reference, row) for each such feature and one of length one for each other, so that arithmetic meets by broadcasting. Nothing is
sampled or approximated; answers are those of ONNX Runtime within float32. A row gives the same numbers alone and among others.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import onnx
import onnxruntime
from numpy.typing import NDArray
from onnx import NodeProto, helper, numpy_helper

Array: TypeAlias = NDArray[Any]
# What stands side by side in a row: columns, places of a signal or parts to be joined; each (n, 2 or 1 per feature, channels).
Parts: TypeAlias = list[Array]
_TREES_IR = 8


class Coalitions:
    """An ONNX graph of rows, ready to be evaluated for all coalitions.

    Args:
        path: a graph with one input (n, m) and one output (n, c), made of columns, trees, matrix products and convolutions of width
            three over the columns.
    """

    def __init__(self, path: Path) -> None:
        model = onnx.load(str(path))
        self._graph = model.graph
        self._constants = {one.name: numpy_helper.to_array(one) for one in model.graph.initializer}
        self._trees = {
            node.output[0]: _session(node, model)
            for node in model.graph.node
            if node.op_type == "TreeEnsembleRegressor"
        }

    def answers(self, rows: NDArray[np.float32], reference: NDArray[np.float32]) -> NDArray[np.float32]:
        """The graph's output for every coalition.

        Args:
            rows: shape (n, m), no NaN; all differ from the reference in the same columns, k of them.
            reference: shape (m,), no NaN.

        Returns:
            Shape (n, 2, ..., 2, c) with an axis for each of the k columns in their order: 0 as in the reference, 1 as in the row.

        Raises:
            ValueError: an operation of the graph is not known.
        """
        values: dict[str, Parts] = {self._graph.input[0].name: _columns(rows, reference)}
        for node in self._graph.node:
            values[node.output[0]] = self._evaluated(node, values)
        (answer,) = values[self._graph.output[0].name]
        differing = int((rows[0] != reference).sum())
        return np.broadcast_to(answer, (len(rows), *[2] * differing, answer.shape[-1]))

    def _evaluated(self, node: NodeProto, values: dict[str, Parts]) -> Parts:
        operation = node.op_type
        if operation in _ELEMENTWISE:
            # A constant has a figure for each part, or one for all.
            operands = [
                values[name] if name in values else list(self._constants[name].reshape(-1))
                for name in node.input
            ]
            return _elementwise(_ELEMENTWISE[operation], operands)
        given = [values[name] for name in node.input if name in values]
        constants = [self._constants[name] for name in node.input if name in self._constants]
        if operation == "TreeEnsembleRegressor":
            return [self._of_trees(node.output[0], given[0])]
        if operation == "BatchNormalization":
            return _normalised(given[0], *constants, epsilon=helper.get_node_attr_value(node, "epsilon"))
        if operation in _STRUCTURAL:
            return _STRUCTURAL[operation](given, constants)
        raise ValueError(f"{operation} is not known")

    def _of_trees(self, name: str, columns: Parts) -> Array:
        together = np.concatenate(np.broadcast_arrays(*columns), axis=-1)
        shares = self._trees[name].run(None, {"rows": together.reshape(-1, together.shape[-1])})[0]
        return np.asarray(shares).reshape(*together.shape[:-1], 1)


def _session(node: NodeProto, model: onnx.ModelProto) -> onnxruntime.InferenceSession:
    """The trees of a graph by themselves."""
    alone = NodeProto()
    alone.CopyFrom(node)
    alone.input[0], alone.output[0] = "rows", "shares"
    of = (onnx.TensorProto.FLOAT, [None, None])
    ends = [helper.make_tensor_value_info(name, *of) for name in ("rows", "shares")]
    graph = helper.make_graph([alone], "trees", ends[:1], ends[1:])
    made = helper.make_model(graph, opset_imports=model.opset_import, ir_version=_TREES_IR)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(made.SerializeToString(), options, providers=["CPUExecutionProvider"])


def _columns(rows: NDArray[np.float32], reference: NDArray[np.float32]) -> Parts:
    """Each column by itself; one in which the rows differ from the reference has its axis."""
    differing = np.flatnonzero(rows[0] != reference)
    parts = []
    for column, of_reference in enumerate(reference):
        shape = [1] * (len(differing) + 2)
        if column in differing:
            shape[0], shape[1 + int(np.searchsorted(differing, column))] = len(rows), 2
            both = np.stack([np.full(len(rows), of_reference), rows[:, column]], axis=1)
        else:
            both = np.array([of_reference])
        parts.append(both.astype(np.float32).reshape(shape))
    return parts


def _elementwise(function: Callable[..., Array], operands: Sequence[Parts]) -> Parts:
    count = max(map(len, operands))
    return [
        function(*(parts[place] if len(parts) > 1 else parts[0] for parts in operands))
        for place in range(count)
    ]


def _times(part: Array, matrix: Array) -> Array:
    """Channels times a matrix (c, d): one product for each row, so that a row's figures do not depend on how many there are."""
    flat = np.ascontiguousarray(part).reshape(part.shape[0], -1, part.shape[-1])
    return np.matmul(flat, matrix).reshape(*part.shape[:-1], matrix.shape[1])


def _sum(parts: Parts) -> Array:
    """The sum of parts, those of the fewest coalitions first."""
    total, *others = sorted(parts, key=lambda part: part.size)
    for part in others:
        total = total + part
    return total


def _product(given: list[Parts], constants: list[Array]) -> Parts:
    """A matrix product with everything that stands side by side: each part meets its rows of the matrix."""
    matrix, bias = constants
    ends = np.cumsum([part.shape[-1] for part in given[0]])
    blocks = np.split(matrix, ends[:-1])
    return [_sum([_times(part, block) for part, block in zip(given[0], blocks, strict=True)]) + bias]


def _convolution(given: list[Parts], constants: list[Array]) -> Parts:
    """A convolution of width three with one zero around. Every place is multiplied once, for itself and its two neighbours."""
    kernel, *bias = constants  # (d, c, 3)
    width = kernel.shape[0]
    matrix = np.concatenate([kernel[:, :, tap].T for tap in range(3)], axis=1)
    made = [_times(part, matrix) for part in given[0]]
    placed = []
    for place in range(len(made)):
        near = [
            made[place + tap - 1][..., tap * width : (tap + 1) * width]
            for tap in range(3)
            if 0 <= place + tap - 1 < len(made)
        ]
        placed.append(_sum(near) + bias[0] if bias else _sum(near))
    return placed


def _normalised(
    parts: Parts, scale: Array, bias: Array, mean: Array, variance: Array, *, epsilon: float
) -> Parts:
    times = scale / np.sqrt(variance + np.float32(epsilon))
    return [(part - mean) * times + bias for part in parts]


def _bent(part: Array) -> Array:
    return np.maximum(part, np.float32(0.0))


_ELEMENTWISE: dict[str, Callable[..., Array]] = {
    "IsNaN": np.isnan, "Where": np.where, "Clip": np.clip, "Log": np.log, "Relu": _bent, "Add": np.add, "Sub": np.subtract,
    "Div": np.divide,
}  # fmt: skip
# Reshaping changes nothing: places stay side by side with their channels, which is the order after Transpose and Flatten too.
_STRUCTURAL: dict[str, Callable[[list[Parts], list[Array]], Parts]] = {
    "Gather": lambda given, constants: [given[0][int(column)] for column in constants[0]],
    "Concat": lambda given, _: [part for parts in given for part in parts],
    "Unsqueeze": lambda given, _: given[0],
    "Transpose": lambda given, _: given[0],
    "Flatten": lambda given, _: given[0],
    "Identity": lambda given, _: given[0],
    "Gemm": _product,
    "Conv": _convolution,
}
