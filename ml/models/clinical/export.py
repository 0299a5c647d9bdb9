"""A fitted clinical model as one ONNX graph: from values, NaN where not known, to logits. Served without scikit-learn or TensorFlow.

The trees are exact: scikit-learn compares float32 values with float64 thresholds, and rounding a threshold down to float32 keeps
every comparison.
"""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np
from numpy.typing import NDArray
from sklearn.tree import DecisionTreeClassifier

from ml.clinical.features import NAMES
from ml.models.clinical.members import LEAST_SHARE, LOGARITHMIC, Bent, Forest, Member
from ml.models.clinical.networks import MOST_SCALED, Network
from ml.models.clinical.stack import Stack
from ml.training.onnx_graph import TREES_DOMAIN, Graph

VALUES = "values"
LOGITS = "logits"


def export_stack(stack: Stack, target: Path) -> None:
    """Write the serving graph of a model.

    Args:
        stack: the fitted model.
        target: file to write. Input ``values`` (n, 11); output ``logits`` (n, 2), survival first, calibrated.
    """
    graph = Graph(VALUES, len(NAMES))
    typical = graph.constant(stack.typical)
    complete = graph.node("Where", graph.node("IsNaN", VALUES), typical, VALUES)
    parts = [_add(graph, member, complete) for member in stack.members]
    joined = graph.node("Concat", *parts, axis=1)
    weights = np.stack([np.zeros_like(stack.weights), stack.weights], axis=1)
    bias = np.array([0.0, stack.bias])
    graph.output(LOGITS, graph.node("Gemm", joined, graph.constant(weights), graph.constant(bias)), 2)
    graph.save(target)


def _add(graph: Graph, member: Member, complete: str) -> str:
    """Add a member to the graph; returns its log odds, shape (n, 1)."""
    if isinstance(member, Forest):
        return _add_forest(graph, member, complete)
    if isinstance(member, Bent):
        return _add_bent(graph, member, complete)
    if isinstance(member, Network):
        return _add_network(graph, member, complete)
    raise TypeError(f"no export is known for {type(member).__name__}")


def _with_logarithms(graph: Graph, complete: str) -> str:
    """All columns, the skewed ones as logarithms."""
    skewed = np.isin(np.arange(len(NAMES)), LOGARITHMIC)
    # Other columns may be 0; their logarithm is taken of 1 and not used.
    safe = graph.node("Where", graph.constant(skewed), complete, graph.constant(1.0))
    return graph.node("Where", graph.constant(skewed), graph.node("Log", safe), complete)


def _scaled(graph: Graph, rows: str, mean: NDArray[np.float32], spread: NDArray[np.float32]) -> str:
    return graph.node("Div", graph.node("Sub", rows, graph.constant(mean)), graph.constant(spread))


def _add_forest(graph: Graph, forest: Forest, complete: str) -> str:
    share = graph.node(
        "TreeEnsembleRegressor",
        graph.columns(complete, forest.columns),
        domain=TREES_DOMAIN,
        n_targets=1,
        aggregate_function="SUM",
        **_tree_attributes([tree.tree_ for tree in forest.trees.estimators_]),
    )
    limits = graph.constant(LEAST_SHARE), graph.constant(1.0 - LEAST_SHARE)
    share = graph.node("Clip", share, *limits)
    rest = graph.node("Sub", graph.constant(1.0), share)
    return graph.node("Log", graph.node("Div", share, rest))


def _floor(thresholds: NDArray[np.float64]) -> NDArray[np.float32]:
    """Greatest float32 not above each threshold."""
    rounded = thresholds.astype(np.float32)
    return np.where(rounded > thresholds, np.nextafter(rounded, np.float32(-np.inf)), rounded)


def _tree_attributes(trees: list[DecisionTreeClassifier]) -> dict[str, list[float] | list[int] | list[str]]:
    """Attributes of ONNX tree ensembles; each leaf gives its share of deaths divided by the number of trees."""
    lists: dict[str, list[float] | list[int] | list[str]] = {
        name: []
        for name in (
            "nodes_treeids", "nodes_nodeids", "nodes_featureids", "nodes_values", "nodes_modes", "nodes_truenodeids",
            "nodes_falsenodeids", "target_treeids", "target_nodeids", "target_ids", "target_weights",
        )
    }  # fmt: skip
    for number, tree in enumerate(trees):
        nodes = np.arange(tree.node_count)
        leaf = tree.children_left < 0
        shares = tree.value[:, 0, 1] / tree.value[:, 0].sum(axis=1) / len(trees)
        rows = {
            "nodes_treeids": [number] * len(nodes),
            "nodes_nodeids": nodes.tolist(),
            "nodes_featureids": np.where(leaf, 0, tree.feature).tolist(),
            "nodes_values": np.where(leaf, 0.0, _floor(tree.threshold)).tolist(),
            "nodes_modes": np.where(leaf, "LEAF", "BRANCH_LEQ").tolist(),
            "nodes_truenodeids": np.where(leaf, 0, tree.children_left).tolist(),
            "nodes_falsenodeids": np.where(leaf, 0, tree.children_right).tolist(),
            "target_treeids": [number] * int(leaf.sum()),
            "target_nodeids": nodes[leaf].tolist(),
            "target_ids": [0] * int(leaf.sum()),
            "target_weights": shares[leaf].tolist(),
        }
        for name, values in rows.items():
            lists[name] += values
    return lists


def _add_bent(graph: Graph, bent: Bent, complete: str) -> str:
    chosen = graph.columns(_with_logarithms(graph, complete), bent.columns)
    above = [graph.node("Relu", graph.node("Sub", chosen, graph.constant(bend))) for bend in bent.bends]
    scaled = _scaled(
        graph, graph.node("Concat", chosen, *above, axis=1), bent.scaling.mean, bent.scaling.spread
    )
    return graph.node(
        "Gemm", scaled, graph.constant(bent.weights[:, None]), graph.constant(np.array([bent.bias]))
    )


def _add_network(graph: Graph, network: Network, complete: str) -> str:
    scaled = _scaled(graph, _with_logarithms(graph, complete), network.scaling.mean, network.scaling.spread)
    bounded = graph.node("Clip", scaled, graph.constant(-MOST_SCALED), graph.constant(MOST_SCALED))
    model = network.model
    made = {model.input.name: bounded}
    for layer in model.layers[1:]:
        given = layer.input if isinstance(layer.input, list) else [layer.input]
        made[layer.output.name] = _add_layer(graph, layer, [made[one.name] for one in given])
    return made[model.output.name]


def _add_layer(graph: Graph, layer: keras.layers.Layer, given: list[str]) -> str:
    """One layer of a 1-D network. ONNX has channels before places, Keras after; Flatten puts them back."""
    kinds = keras.layers
    match layer:
        case kinds.GaussianNoise() | kinds.Dropout():
            value = given[0]
        case kinds.Reshape():
            value = graph.node("Unsqueeze", given[0], graph.constant(np.array([1])))
        case kinds.Add():
            value = graph.node("Add", *given)
        case kinds.Flatten():
            value = graph.node("Flatten", graph.node("Transpose", given[0], perm=[0, 2, 1]), axis=1)
        case kinds.BatchNormalization():
            weights = [graph.constant(one) for one in layer.get_weights()]
            value = graph.node("BatchNormalization", given[0], *weights, epsilon=layer.epsilon)
        case kinds.Conv1D():
            kernel, *bias = layer.get_weights()
            weights = [graph.constant(one) for one in (kernel.transpose(2, 1, 0), *bias)]
            value = graph.node("Conv", given[0], *weights, auto_pad="SAME_UPPER")
        case kinds.Dense():
            value = graph.node("Gemm", given[0], *(graph.constant(one) for one in layer.get_weights()))
        case kinds.Activation():
            value = given[0]
        case _:
            raise TypeError(f"no export is known for {type(layer).__name__}")
    bends = getattr(layer, "activation", None) is keras.activations.relu
    return graph.node("Relu", value) if bends else value
