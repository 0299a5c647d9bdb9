"""Drawn films that the chest models are asked about, and what they say. ``python -m tests.ml.golden_chest_cases`` writes it anew."""

from __future__ import annotations

import functools
import json
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from ml.datasets.simulated_chest import draw_chest
from ml.datasets.simulated_dicom import chest_dicom

if TYPE_CHECKING:
    from ml.datasets.simulated_chest import SimulatedChest

FILE = Path(__file__).with_name("golden_chest.json")
CASES = ((3, 0.40, False), (1, 0.60, True))


@functools.cache
def film(seed: int, ratio: float) -> SimulatedChest:
    """A drawn chest."""
    return draw_chest(seed=seed, ratio=ratio, size=400)


def film_file(folder: Path, seed: int, ratio: float, *, inverted: bool) -> Path:
    """The drawn chest as a DICOM file, with fewer rows than columns, so that it must be padded."""
    path = folder / f"film-{seed}.dcm"
    path.write_bytes(chest_dicom(film(seed, ratio).grey[:380], inverted=inverted))
    return path


if __name__ == "__main__":
    from ml.serving.chest import analyse_chest

    rows = []
    with tempfile.TemporaryDirectory() as place:
        for number, wanted, negative in CASES:
            answer = analyse_chest(film_file(Path(place), number, wanted, inverted=negative))
            rows.append(
                {
                    "seed": number,
                    "ratio": wanted,
                    "inverted": negative,
                    "measured": answer.measurement and round(answer.measurement.ratio, 6),
                    "probabilities": {
                        result.model: {
                            label: round(share, 6) for label, share in result.probabilities.items()
                        }
                        for result in answer.results
                    },
                }
            )
    FILE.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")
