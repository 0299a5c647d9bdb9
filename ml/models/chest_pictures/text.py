"""The measured figures of the chest models as the section of ``docs/results.md``.

``python -m ml.models.chest_pictures.text`` puts it there anew.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from ml.models.chest_pictures.results import RESULTS

DOCUMENT = Path(__file__).parent.parent.parent.parent / "docs" / "results.md"
TRIALS = Path(__file__).parent.parent / "cxr_heart" / "artefact" / "trials.json"
BEGIN, END = "<!-- chest -->", "<!-- /chest -->"
_GOALS = {
    "ratio_mae": "at most 0.02",
    "heart_dice": "at least 0.93",
    "auc": "at least 0.95 within, 0.92 across",
}
_HEART = {
    "ratio_mae": "ratio, mean absolute error",
    "ratio_bias": "ratio, mean error",
    "heart_dice": "heart, Dice",
    "right_lung_dice": "right lung, Dice",
    "left_lung_dice": "left lung, Dice",
    "interval_coverage": "90 % interval holds the drawn ratio",
    "auc": "cardiomegaly, AUC",
    "sensitivity": "sensitivity",
    "specificity": "specificity",
}
_CLASSIFIER = ("auc", "sensitivity", "specificity", "accuracy")


def _figure(value: dict[str, float]) -> str:
    return f"{value['value']:.3f} ({value['low']:.3f} to {value['high']:.3f})"


def _table(head: list[str], rows: list[list[str]]) -> list[str]:
    lines = [head, ["---"] * len(head), *rows]
    return [*(f"| {' | '.join(line)} |" for line in lines), ""]


def _heart(found: dict[str, Any]) -> list[str]:
    """One column a setting, and the goals."""
    heart, settings = found["models"]["cxr-heart"], found["heart_less_classifier"]
    rows = [
        [words, *(_figure(heart[name][key]) for name in settings), _GOALS.get(key, "-")]
        for key, words in _HEART.items()
    ]
    rows += [
        [words, *(str(heart[name][key]) for name in settings), "-"]
        for key, words in (
            ("films", "films"),
            ("enlarged", "of these drawn above 0.50"),
            ("not_measured", "not measured"),
            ("unsure", "no answer: error too large"),
            ("interval_half_width", "half width of the 90 % interval, mean"),
            ("ece", "ECE"),
            ("ece_of_perfect", "ECE that perfect probabilities would have on so few films"),
        )
    ]
    return _table(["cxr-heart", *(name.replace("_", " ") for name in settings), "goal"], rows)


def _sizes(found: dict[str, Any]) -> list[str]:
    """Error of the ratio by size of the heart."""
    heart = found["models"]["cxr-heart"]
    rows = [
        [name.replace("_", " "), band, *(str(row[key]) for key in ("films", "mean", "mean_absolute"))]
        for name in found["heart_less_classifier"]
        for band, row in heart[name]["ratio_by_size"].items()
    ]
    return _table(["", "drawn ratio", "films", "mean error", "mean absolute error"], rows)


def _ways(found: dict[str, Any]) -> list[str]:
    """Ways to come to the ratio, with their error."""
    names = list(found["heart_less_classifier"])
    by_way = {name: found["models"]["cxr-heart"][name]["ratio_mae_by_way"] for name in names}
    rows = [[way, *(str(by_way[name][way]) for name in names)] for way in by_way[names[0]]]
    return _table(["mean absolute error of", *(name.replace("_", " ") for name in names)], rows)


def _labels(found: dict[str, Any]) -> list[str]:
    """How films of each band are called, all settings within."""
    rows = []
    for name in found["heart_less_classifier"]:
        for label, row in found["models"]["cxr-heart"][name]["labels"].items():
            rows.append([name.replace("_", " "), label, str(row["films"]), *map(str, row["called"].values())])
    called = list(next(iter(found["models"]["cxr-heart"].values()))["labels"])
    return _table(["", "drawn", "films", *(f"called {label}" for label in called)], rows)


def _classifier(found: dict[str, Any]) -> list[str]:
    against = found["heart_less_classifier"]
    rows = [
        [
            name.replace("_", " "),
            *(_figure(found["models"]["dicom-cardiac"][name][key]) for key in _CLASSIFIER),
            str(found["models"]["dicom-cardiac"][name]["ece"]),
            _figure(against[name]),
        ]
        for name in found["heart_less_classifier"]
    ]
    return _table(["dicom-cardiac", *_CLASSIFIER, "ECE", "AUC of cxr-heart less its AUC"], rows)


def _manners(found: dict[str, Any]) -> list[str]:
    """How differently the sites draw."""
    drawn = found["manners"]
    overlaps = _table(
        ["hearts laid on each other", "mean Dice"],
        [[name, f"{value:.3f}"] for name, value in drawn["overlap"].items()],
    )
    shapes = _table(
        ["drawn hearts of", "fullness", "breadth of the upper tenth"],
        [
            [site, *(f"{row[key]:.3f}" for key in ("fullness", "upper_breadth"))]
            for site, row in drawn["shape"].items()
        ],
    )
    bound = (
        f"Two hearts in the same box, one drawn in the manner of each site, overlap by at most {drawn['most_overlap']:.3f} (Dice), the "
        "fuller one holding the other: so much a network can reach that learnt the other site's manner and finds every box exactly."
    )
    return [drawn["meaning"], "", *overlaps, *shapes, bound, ""]


def _trials(settings: list[str]) -> list[str]:
    """What was tried for the outlines, by this release and before."""
    kept = json.loads(TRIALS.read_text(encoding="utf-8"))
    lines = []
    for said, found in (
        ("Tried (`python -m ml search cxr-heart --data DIR`):", kept),
        ("", kept["by_scripts"]),
        (f"Tried before, by the code of commit {kept['earlier']['commit']}:", kept["earlier"]),
    ):
        lines += [f"{said} {found['protocol']}".strip(), "", *_tried(found["trials"], settings)]
    return lines


def _tried(trials: list[dict[str, Any]], settings: list[str]) -> list[str]:
    head = ["way", *(f"{name.replace('_', ' ')}: error, mean error, Dice" for name in settings)]
    shown = ("ratio_mae", "ratio_bias", "heart_dice")
    return _table(
        head,
        [
            [
                row["way"],
                *(
                    ", ".join(f"{row['figures'][name][key]:.3f}" for key in shown)
                    if name in row["figures"]
                    else "-"
                    for name in settings
                ),
            ]
            for row in trials
        ],
    )


def _gate(found: dict[str, Any]) -> list[str]:
    gate = found["gate"]
    rows = [[name, str(row["shown"]), str(row["refused"])] for name, row in gate["refused"].items()]
    return [gate["protocol"], "", *_table(["what was shown", "pictures", "refused"], rows)]


def markdown(found: dict[str, Any]) -> str:
    """The section.

    Args:
        found: the content of ``ml/evaluation/chest.json``.
    """
    lines = [
        BEGIN,
        "## Chest X-rays",
        "",
        (
            "`python -m ml evaluate chest --data DIR --write`; stored in `ml/evaluation/chest.json`, and put here by "
            "`python -m ml.models.chest_pictures.text`."
        ),
        "",
        found["protocol"],
        "",
        *(
            f"- {name.replace('_', ' ')}: {found['settings'][name]}."
            for name in found["heart_less_classifier"]
        ),
        "",
        *_heart(found),
        "Error of the ratio by the drawn size of the heart:",
        "",
        *_sizes(found),
        "Ways to come from a film and its four variants to one ratio; the last is served:",
        "",
        *_ways(found),
        "Films by their drawn ratio (normal below 0.48, borderline to 0.52) and how they are called:",
        "",
        *_labels(found),
        "The classifier of the source on the same films (paired bootstrap):",
        "",
        *_classifier(found),
        *_gate(found),
        *_manners(found),
        *_trials(list(found["heart_less_classifier"])),
        END,
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    document = DOCUMENT.read_text(encoding="utf-8")
    section = markdown(json.loads(RESULTS.read_text(encoding="utf-8")))
    before, _, rest = document.partition(BEGIN)
    after = rest.partition(END)[2] if rest else "\n"
    DOCUMENT.write_text(f"{before.rstrip()}\n\n{section}{after}", encoding="utf-8")
