"""The results of the comparison as a section of ``docs/results.md``: ``python -m ml.models.beat_pictures.comparison.text`` prints it."""

from __future__ import annotations

import json
from typing import Any

from ml.comparison import FILE

_FIGURES = ("accuracy", "f1", "auc", "ece")


def _shown(value: dict[str, float], digits: int = 3) -> str:
    return f"{value['value']:.{digits}f} ({value['low']:.{digits}f} to {value['high']:.{digits}f})"


def _table(heading: list[str], rows: list[list[str]]) -> list[str]:
    return [
        "| " + " | ".join(heading) + " |",
        "|---" * len(heading) + "|",
        *("| " + " | ".join(row) + " |" for row in rows),
        "",
    ]


def markdown(results: dict[str, Any]) -> str:
    """The section.

    Args:
        results: the content of ``comparison.json``.
    """
    models = results["models"]
    levels = [
        "as recorded" if row["snr_db"] is None else f"{row['snr_db']:g} dB" for row in models[0]["noise"]
    ]
    lines = [
        f"`{results['command']}`; stored in `ml/evaluation/comparison.json`.",
        "",
        results["protocol"],
        "",
    ]
    lines.append(f"{results['beats']} tested beats of {results['records']} records.")
    lines.append("")
    lines += _table(
        [
            "model",
            "family",
            "accuracy",
            "macro F1",
            "macro AUC",
            "ECE",
            "parameters",
            "KB served",
            "ms a beat",
        ],
        [
            [
                model["name"],
                model["family"],
                *(_shown(model["figures"][name]) for name in _FIGURES),
                f"{model['parameters']:,}",
                f"{model['size_bytes'] / 1000:,.0f}" if model["size_bytes"] else "-",
                f"{model['ms_per_beat']:.2f}" if model["ms_per_beat"] else "-",
            ]
            for model in models
        ],
    )
    lines += ["F1 of each class:", ""]
    lines += _table(
        ["model", *results["labels"]],
        [[m["name"], *(_shown(m["classes"][label]["f1"], 2) for label in results["labels"])] for m in models],
    )
    lines += ["Macro F1 with noise:", ""]
    lines += _table(
        ["model", *levels],
        [[model["name"], *(f"{row['f1']['value']:.3f}" for row in model["noise"])] for model in models],
    )
    lines += ["Differences, paired:", ""]
    lines += _table(
        ["", "macro F1", "accuracy"],
        [
            [f"{f1['a']} less {f1['b']}", _shown(f1), _shown(accuracy)]
            for f1, accuracy in zip(results["differences"][::2], results["differences"][1::2], strict=True)
        ],
    )
    lines += ["What the source reports claimed (other protocols, not comparable):", ""]
    lines += _table(
        ["source", "model", "figure", "claimed", "protocol", "note"],
        [
            [claim[name] for name in ("source", "model", "figure", "value", "protocol", "note")]
            for claim in results["claims"]
        ],
    )
    return "\n".join(lines).rstrip() + "\n"


if __name__ == "__main__":
    print(markdown(json.loads(FILE.read_text(encoding="utf-8"))), end="")
