"""Golden vectors: what the shipped weights say about simulated beats. ``python -m tests.ml.golden`` writes them anew."""

from __future__ import annotations

import json
from pathlib import Path

from ml.datasets.beats import LABELS

FILE = Path(__file__).with_name("golden.json")
CASES = [
    (label, seed, size, style)
    for label in LABELS
    for seed, size, style in ((11, 320, "paper"), (12, 64, "plain"))
]

if __name__ == "__main__":
    from ml.datasets.simulated import beat_png
    from ml.serving import analyse

    rows = []
    for label, seed, size, style in CASES:
        (result,) = analyse(beat_png(label, seed=seed, size=size, style=style))
        shares = {name: round(share, 6) for name, share in result.probabilities.items()}
        rows.append({"label": label, "seed": seed, "size": size, "style": style, "probabilities": shares})
    FILE.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")
