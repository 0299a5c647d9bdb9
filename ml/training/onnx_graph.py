"""A small builder of ONNX graphs, for models that are no Keras network."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

OPSET = 17
TREES_DOMAIN, TREES_OPSET = "ai.onnx.ml", 3
_IR_VERSION = 8


class Graph:
    """Nodes and constants of a graph with one float32 input, examples along the first axis.

    Args:
        given: name of the input.
        width: its columns.
    """

    def __init__(self, given: str, width: int) -> None:
        self.given = given
        self._width = width
        self._nodes: list[Any] = []
        self._constants: list[Any] = []
        self._outputs: list[Any] = []

    def constant(self, value: NDArray[Any] | float) -> str:
        """A constant; floating point becomes float32."""
        array = np.asarray(value)
        array = array.astype(np.float32) if array.dtype.kind == "f" else array
        name = f"constant_{len(self._constants)}"
        self._constants.append(numpy_helper.from_array(np.ascontiguousarray(array), name))
        return name

    def node(self, operation: str, *inputs: str, domain: str = "", **attributes: Any) -> str:
        """A node; returns the name of its output."""
        name = f"value_{len(self._nodes)}"
        self._nodes.append(helper.make_node(operation, list(inputs), [name], domain=domain, **attributes))
        return name

    def columns(self, rows: str, chosen: tuple[int, ...]) -> str:
        """Chosen columns of rows."""
        return self.node("Gather", rows, self.constant(np.array(chosen, dtype=np.int64)), axis=1)

    def output(self, name: str, value: str, width: int) -> None:
        """Make a value an output of the graph, with so many columns."""
        self._nodes.append(helper.make_node("Identity", [value], [name]))
        self._outputs.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, [None, width]))

    def save(self, path: Path) -> None:
        """Check the graph and write it.

        Raises:
            onnx.checker.ValidationError: when it is not a valid graph.
        """
        given = helper.make_tensor_value_info(self.given, TensorProto.FLOAT, [None, self._width])
        graph = helper.make_graph(self._nodes, "clinical", [given], self._outputs, self._constants)
        opsets = [helper.make_opsetid("", OPSET), helper.make_opsetid(TREES_DOMAIN, TREES_OPSET)]
        model = helper.make_model(graph, opset_imports=opsets, ir_version=_IR_VERSION)
        onnx.checker.check_model(model)
        onnx.save(model, str(path))
