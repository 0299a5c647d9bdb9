"""The model card, generated from the contract so that the two cannot disagree."""

from __future__ import annotations

from typing import Any

LIMITS = (
    "For decision support by a clinician; not a diagnosis, and no certified medical device.",
    "It reads lead II from 0.9 s before to 0.5 s after the R peak; other leads and other time windows were not measured.",
    "In MIT-BIH, bundle branch block comes from few people (left 4, right 6), and the model recognises it poorly there.",
    "Ventricular tachycardia is no class of this model: it is mostly called VF, and in more than a quarter of windows normal.",
    "Training labels from PTB-XL are derived from statements about whole recordings, not from labels of single beats.",
    "A single beat hardly shows how early it came: a premature atrial beat is easily missed or confused with normal.",
    "VF means ventricular fibrillation or flutter. Fibrillation itself comes from three records.",
    "The height of the trace is scaled away: low voltage cannot be recognised.",
    "A drawn line that is no ECG (a chart, a sine wave) is seldom refused and is then mostly called VF: send ECGs only.",
    "The heatmap says where the model looked, never why.",
)


def _figure(value: dict[str, float]) -> str:
    return f"{value['value']:.3f} ({value['low']:.3f} to {value['high']:.3f})"


def _table(figures: dict[str, Any], labels: list[str]) -> list[str]:
    lines = [
        "",
        figures["protocol"],
        "",
        (
            f"Accuracy {_figure(figures['accuracy'])}, macro F1 {_figure(figures['macro_f1'])}, "
            f"ECE {_figure(figures['ece'])}; {figures['beats']} beats of {figures['records']} records."
        ),
        "",
        "| class | beats | records | precision | recall | F1 |",
        "|---|---|---|---|---|---|",
    ]
    for label in labels:
        row = figures["classes"][label]
        shown = " | ".join(_figure(row[name]) for name in ("precision", "recall", "f1"))
        lines.append(f"| {label} | {row['beats']} | {row['records']} | {shown} |")
    lines += ["", "Confusion, rows true, columns predicted:", "", "| | " + " | ".join(labels) + " |"]
    lines.append("|---" * (len(labels) + 1) + "|")
    for label, counts in zip(labels, figures["confusion"], strict=True):
        lines.append(f"| {label} | " + " | ".join(str(count) for count in counts) + " |")
    return lines


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
        lines += _table(figures, contract["labels"]) if "confusion" in figures else ["", *_simple(figures)]
    lines += ["", "## Calibration", "", f"- temperature: {contract['temperature']}"]
    lines += [f"- abstains below: {contract['abstention_threshold']}", *_simple(contract["conformal"])]
    lines += ["", "## Gate (is it a picture of one heartbeat?)", "", *_simple(contract["gate"])]
    lines += ["", "## Heatmap checks", "", *_simple(contract["sanity"])]
    lines += ["", "## Training", "", *_simple(contract["training"]), "", "## Files (SHA-256)", ""]
    lines += [f"- `{name}`: {value}" for name, value in contract["sha256"].items()]
    return "\n".join(lines) + "\n"
