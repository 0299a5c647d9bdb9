"""The measured figures of the page models as the section of ``docs/results.md``.

``python -m ml.models.page_pictures.text`` puts it there anew.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ml.models.page_pictures.results import PROTOCOL, RESULTS

DOCUMENT = Path(__file__).parent.parent.parent.parent / "docs" / "results.md"
TRIALS = Path(__file__).parent.parent / "page_fusion" / "artefact" / "trials.json"
BEGIN, END = "<!-- pages -->", "<!-- /pages -->"
_INFARCTION = "Myocardial infarction"


def _figure(value: dict[str, float]) -> str:
    return f"{value['value']:.3f} ({value['low']:.3f} to {value['high']:.3f})"


def _table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> list[str]:
    return [
        f"| {' | '.join(head)} |",
        "|---" * len(head) + "|",
        *(f"| {' | '.join(row)} |" for row in rows),
        "",
    ]


def _models(found: dict[str, Any]) -> list[str]:
    rows = [
        (
            name,
            *(_figure(one[key]) for key in ("macro_f1", "macro_auc", "accuracy")),
            _figure(one["classes"][_INFARCTION]["recall"]),
            _figure(one["ece"]),
        )
        for name, one in found["models"].items()
    ]
    return _table(("model", "macro F1", "macro AUC", "accuracy", "recall of infarction", "ECE"), rows)


def _classes(found: dict[str, Any]) -> list[str]:
    one = found["models"]["page-fusion"]
    sets, kept = one["prediction_sets"], one["abstention"]
    rows = [
        (
            label,
            str(row["pages"]),
            *(_figure(row[key]) for key in ("precision", "recall", "f1", "auc")),
            f"{sets['coverage_by_class'][label]:.3f}",
        )
        for label, row in one["classes"].items()
    ]
    return [
        "`page-fusion` by class (pages counted once per repeat; coverage of the 90 % prediction sets):",
        "",
        *_table(("class", "pages", "precision", "recall", "F1", "AUC", "coverage"), rows),
        (
            f"Prediction sets hold {sets['mean_size']:.2f} classes and the true one in {100 * sets['coverage']:.1f} % of the pages. "
            f"{100 * kept['accepted']:.1f} % of the answers are accepted; of these {100 * kept['accuracy_of_accepted']:.1f} % are right."
        ),
        "",
        "Confusion of `page-fusion`, rows true, columns predicted:",
        "",
        *_table(
            ("", *one["classes"]),
            [
                (label, *map(str, counts))
                for label, counts in zip(one["classes"], one["confusion"], strict=True)
            ],
        ),
    ]


def _pages(found: dict[str, Any]) -> list[str]:
    refused = found["pages"]["refused"]
    rows = [
        (
            label,
            str(count),
            ", ".join(f"{number} {reason}" for reason, number in refused.get(label, {}).items()) or "0",
        )
        for label, count in found["pages"]["prepared"].items()
    ]
    return _table(("class", "pages prepared", "refused"), rows)


def _controls(found: dict[str, Any]) -> list[str]:
    measured = found.get("controls")
    if measured is None:
        return []
    rows = [
        (
            name,
            row["what"],
            *(_figure(row["of_all"][key]) for key in ("accuracy", "macro_f1", "macro_auc")),
            _figure(row["of_usual_layout"]["macro_auc"]),
        )
        for name, row in measured["controls"].items()
    ]
    tones = [
        (
            name.removeprefix("tone "),
            *(_figure(row["of_all"][key]) for key in ("accuracy", "macro_f1", "macro_auc")),
        )
        for name, row in measured.get("tones", {}).items()
    ]
    return [
        (
            f"{measured['protocol']} The largest class holds {100 * measured['majority_class']:.1f} % of the pages; chance is a macro F1 "
            "of at most 0.25 and a macro AUC of 0.5."
        ),
        "",
        *_table(
            (
                "control",
                "what it is shown",
                "accuracy",
                "macro F1",
                "macro AUC",
                "macro AUC on 3x4 with a strip",
            ),
            rows,
        ),
        *(
            (
                "The same features of the prepared page in other tones (`page` above is soft ink):",
                "",
                *_table(("tone", "accuracy", "macro F1", "macro AUC"), tones),
            )
            if tones
            else ()
        ),
    ]


def _wider(found: dict[str, Any]) -> list[str]:
    """What one more member gives the fusion."""
    wider = found["wider_fusion"]
    return [
        (
            f"With {wider['members'][-1]} as one more member the fusion has macro F1 {_figure(wider['macro_f1'])}, macro AUC "
            f"{_figure(wider['macro_auc'])} and recall of infarction {_figure(wider['classes'][_INFARCTION]['recall'])}; less the shipped "
            f"one: macro F1 {_figure(wider['against_fusion']['macro_f1'])}, macro AUC {_figure(wider['against_fusion']['macro_auc'])}. "
            "It is not shipped: every member is asked for nineteen pictures of each page (`docs/pages.md`)."
        ),
        "",
    ]


def _plain(found: dict[str, Any]) -> list[str]:
    """Pages on plain paper."""
    plain = found.get("plain_paper")
    if plain is None:
        return []
    labels = [label for label, count in plain["pages"].items() if count]
    rows = [
        (name, *(_figure(recalls[label]) for label in labels)) for name, recalls in plain["models"].items()
    ]
    return [
        f"{plain['protocol']} {plain['devices']} devices; {plain['of_known_devices']} pages of known devices were left out.",
        "",
        *_table(("recall", *(f"{label} ({plain['pages'][label]} pages)" for label in labels)), rows),
    ]


def _external(found: dict[str, Any]) -> list[str]:
    outside = found.get("external")
    if outside is None:
        return []
    names = ("normal_against_rest", "infarction_against_rest", "infarction_against_normal")
    rows = [(name, *(_figure(row[key]) for key in names)) for name, row in outside["models"].items()]
    return [
        f"{outside['protocol']} {outside['pages']} pages were read, {outside['refused']} refused.",
        "",
        *_table(("model", *(name.replace("_", " ") for name in names)), rows),
    ]


def _trials() -> list[str]:
    """What was tried, as it is stored beside the fusion."""
    kept = json.loads(TRIALS.read_text(encoding="utf-8"))
    rows = [
        (row["what"], str(row["repeats"]), f"{row['macro_f1']:.3f}", f"{row['macro_auc']:.3f}")
        for row in kept["trials"]
    ]
    return [
        f"Tried (`ml/models/page_fusion/artefact/trials.json`): {kept['protocol']}",
        "",
        *_table(("what", "repeats", "macro F1", "macro AUC"), rows),
        kept["not_reached"],
        "",
    ]


def markdown(found: dict[str, Any]) -> str:
    """The section.

    Args:
        found: the content of ``ml/evaluation/pages.json``.
    """
    against = found["fusion_against_best_single"]
    usual = [
        (name, str(row["pages"]), *(_figure(row[key]) for key in ("macro_f1", "macro_auc", "accuracy")))
        for name, row in found["usual_layout"].items()
    ]
    lines = [
        BEGIN,
        "## Pages",
        "",
        (
            "`python -m ml evaluate pages --data DIR --write`; stored in `ml/evaluation/pages.json`, and put here by "
            "`python -m ml.models.page_pictures.text`."
        ),
        "",
        PROTOCOL,
        "",
        *_models(found),
        (
            f"The fusion less the best of its members, {against['best_single']}: macro F1 {_figure(against['macro_f1'])}, macro AUC "
            f"{_figure(against['macro_auc'])} (paired bootstrap)."
        ),
        "",
        *_wider(found),
        *_classes(found),
        *_pages(found),
        "On pages of 3x4 with a strip alone (other layouts are never normal in the data):",
        "",
        *_table(("model", "pages", "macro F1", "macro AUC", "accuracy"), usual),
        *_controls(found),
        *_external(found),
        *_plain(found),
        *_trials(),
        END,
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    document = DOCUMENT.read_text(encoding="utf-8")
    section = markdown(json.loads(RESULTS.read_text(encoding="utf-8")))
    before, _, rest = document.partition(BEGIN)
    after = rest.partition(END)[2] if rest else "\n"
    DOCUMENT.write_text(f"{before.rstrip()}\n\n{section}{after}", encoding="utf-8")
