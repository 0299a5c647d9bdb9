"""The model card, generated from the contract so that the two cannot disagree."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from ml.registry import CONTRACT_FILE


def _figure(value: dict[str, float]) -> str:
    return f"{value['value']:.3f} ({value['low']:.3f} to {value['high']:.3f})"


def _table(figures: dict[str, Any]) -> list[str]:
    labels = list(figures["classes"])
    unit, whole = ("pages", "groups") if "pages" in figures else ("beats", "records")
    area = f"macro AUC {_figure(figures['macro_auc'])}, " if "macro_auc" in figures else ""
    lines = [
        "",
        figures["protocol"],
        "",
        (
            f"Accuracy {_figure(figures['accuracy'])}, macro F1 {_figure(figures['macro_f1'])}, {area}"
            f"ECE {_figure(figures['ece'])}; {figures[unit]} {unit} of {figures[whole]} {whole}."
        ),
        "",
        f"| class | {unit} | {whole} | precision | recall | F1 |",
        "|---|---|---|---|---|---|",
    ]
    for label in labels:
        row = figures["classes"][label]
        shown = " | ".join(_figure(row[name]) for name in ("precision", "recall", "f1"))
        lines.append(f"| {label} | {row[unit]} | {row[whole]} | {shown} |")
    lines += ["", "Confusion, rows true, columns predicted:", "", "| | " + " | ".join(labels) + " |"]
    lines.append("|---" * (len(labels) + 1) + "|")
    for label, counts in zip(labels, figures["confusion"], strict=True):
        lines.append(f"| {label} | " + " | ".join(str(count) for count in counts) + " |")
    others = {name: figures[name] for name in ("prediction_sets", "abstention") if name in figures}
    return [*lines, "", *_simple(others)] if others else lines


def _multilabel_table(figures: dict[str, Any]) -> list[str]:
    """Figures of classes that may hold at once."""
    labels = list(figures["classes"])
    heads = ("macro_auc", "macro_f1", "ece", "accuracy")
    lines = [
        "",
        figures["protocol"],
        "",
        ", ".join(f"{name.replace('_', ' ')} {_figure(figures[name])}" for name in heads)
        + f"; {figures['recordings']} recordings of {figures['patients']} patients.",
        "",
        "| class | recordings | AUC | precision | recall | F1 | ECE |",
        "|---|---|---|---|---|---|---|",
    ]
    for label, row in figures["classes"].items():
        shown = " | ".join(_figure(row[name]) for name in ("auc", "precision", "recall", "f1", "ece"))
        lines.append(f"| {label} | {row['recordings']} | {shown} |")
    lines += ["", "Called together with, rows true, columns called:", "", "| | " + " | ".join(labels) + " |"]
    lines.append("|---" * (len(labels) + 1) + "|")
    for label, counts in zip(labels, figures["called_with"], strict=True):
        lines.append(f"| {label} | " + " | ".join(str(count) for count in counts) + " |")
    return [*lines, "", *_simple({name: figures[name] for name in ("abstention", "prediction_sets")})]


def _simple(value: Any, depth: int = 0) -> list[str]:
    """Nested facts as a list."""
    pad = "  " * depth
    if not isinstance(value, dict):
        return [f"{pad}- {value}"]
    lines = []
    for name, part in value.items():
        title = str(name).replace("_", " ")
        if isinstance(part, dict):
            lines += [f"{pad}- {title}:", *_simple(part, depth + 1)]
        else:
            shown = ", ".join(map(str, part)) if isinstance(part, list) else part
            lines.append(f"{pad}- {title}: {shown}")
    return lines


def text(contract: dict[str, Any]) -> str:
    """The card of a contract, as Markdown. Intervals are 95 %, bootstrap over records.

    Args:
        contract: the content of ``model.json``.
    """
    lines = [f"# {contract['name']} {contract['version']}", "", contract["task"], ""]
    lines += [
        "Generated from `model.json`; do not edit. Intervals are 95 %, bootstrap over records.",
        "",
        "## Limits",
        "",
    ]
    lines += [f"- {limit}" for limit in contract["limits"]]
    lines += ["", "## Input", "", contract["input"]["description"], "", "## Figures"]
    for name, figures in contract["metrics"].items():
        lines += ["", f"### {name.replace('_', ' ').capitalize()}"]
        if "called_with" in figures:
            lines += _multilabel_table(figures)
        else:
            lines += _table(figures) if "confusion" in figures else ["", *_simple(figures)]
    lines += ["", "## Calibration", "", f"- temperature: {contract['temperature']}"]
    lines += [f"- abstains below: {contract['abstention_threshold']}", *_simple(contract["conformal"])]
    if contract["gate"]:
        lines += ["", "## Gate (is it a picture of one heartbeat?)", "", *_simple(contract["gate"])]
    if contract.get("levels"):
        lines += ["", "## Risk levels", "", *_simple(contract["levels"])]
    if contract["sanity"]:
        lines += ["", "## Heatmap checks", "", *_simple(contract["sanity"])]
    lines += ["", "## Training", "", *_simple(contract["training"]), "", "## Files (SHA-256)", ""]
    lines += [f"- `{name}`: {value}" for name, value in contract["sha256"].items()]
    return "\n".join(lines) + "\n"


def write_contract(folder: Path, contract: dict[str, Any]) -> None:
    """Write ``model.json`` and the card made from it."""
    (folder / CONTRACT_FILE).write_text(json.dumps(contract, indent=1) + "\n", encoding="utf-8")
    (folder / "card.md").write_text(text(contract), encoding="utf-8")
