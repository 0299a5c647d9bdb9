"""Golden vectors: what the shipped weights say about simulated beats. ``python -m tests.ml.golden`` writes them anew."""

from __future__ import annotations

import json
from pathlib import Path

from ml.datasets.beats import LABELS

FILE = Path(__file__).with_name("golden.json")
SECOND_OPINIONS = Path(__file__).with_name("golden_second_opinions.json")
CASES = [
    (label, seed, size, style)
    for label in LABELS
    for seed, size, style in ((11, 320, "paper"), (12, 64, "plain"))
]

if __name__ == "__main__":
    from ml.datasets.simulated import beat_png
    from ml.serving import analyse

    rows, others = [], {}
    for label, seed, size, style in CASES:
        case = {"label": label, "seed": seed, "size": size, "style": style}
        first, *more = analyse(beat_png(label, seed=seed, size=size, style=style), second_opinions=True)
        for result, kept in ((first, rows), *((one, others.setdefault(one.model, [])) for one in more)):
            shares = {name: round(share, 6) for name, share in result.probabilities.items()}
            kept.append(case | {"probabilities": shares})
    FILE.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")
    SECOND_OPINIONS.write_text(json.dumps(others, indent=1) + "\n", encoding="utf-8")
