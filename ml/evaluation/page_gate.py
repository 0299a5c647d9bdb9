"""How many real pages are read, and whether anything is read that is no page.

Pages come from a folder with ``manifest.csv`` (``file``, ``label``), as `ecg_pages` has; pictures that are no ECG from a folder of chest
X-rays, and from drawings. Rates have exact binomial intervals (Clopper and Pearson 1934).
"""

from __future__ import annotations

import collections
import csv
import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
from scipy.stats import binomtest
from tqdm import tqdm

from ml.datasets.simulated import bad_input
from ml.pages.digitise import DigitisedPage, digitise
from ml.pages.picture import open_picture
from ml.pages.reasons import UnusablePage

RESULTS = Path(__file__).parent / "page_gate.json"
DRAWN_KINDS = ("blank", "noise", "photo", "shapes", "text")
_EDGES = (400, 700, 1000, 1300)


def _rate(count: int, of: int) -> dict[str, float | int]:
    """A rate with its 95 % interval."""
    interval = binomtest(count, of).proportion_ci(method="exact")
    return {
        "count": count,
        "of": of,
        "rate": round(count / of, 4),
        "low": round(float(interval.low), 4),
        "high": round(float(interval.high), 4),
    }


def _answer(data: bytes) -> tuple[str | None, DigitisedPage | None]:
    """The reason why a picture is refused, or what was read."""
    try:
        return None, digitise(open_picture(data))
    except UnusablePage as refusal:
        return refusal.reason_code, None


def _pages(folder: Path, count: int, *, quiet: bool) -> dict[str, Any]:
    """Read a seeded sample of real pages."""
    with (folder / "manifest.csv").open(newline="", encoding="utf-8") as lines:
        rows = [row for row in csv.DictReader(lines) if (folder / row["file"]).is_file()]
    chosen = np.random.default_rng(0).choice(len(rows), size=min(count, len(rows)), replace=False)
    codes, layouts = collections.Counter[str](), collections.Counter[str]()
    by_label: dict[str, collections.Counter[str]] = collections.defaultdict(collections.Counter)
    whole, residuals = 0, []
    for place in tqdm(sorted(chosen), desc="pages", disable=quiet):
        row = rows[place]
        code, found = _answer((folder / row["file"]).read_bytes())
        by_label[row["label"]][code or "read"] += 1
        if found is None:
            codes[str(code)] += 1
            continue
        layouts[found.layout] += 1
        whole += min(judged.score for judged in found.quality.values()) > 0.5
        residuals.append(found.limb_residual)
    return {
        "available": len(rows),
        "refused": _rate(sum(codes.values()), len(chosen)),
        "reasons": dict(codes),
        "by_label": {label: dict(counts) for label, counts in sorted(by_label.items())},
        "layouts": dict(layouts),
        "all_twelve_leads_of_quality_above_half": whole,
        "limb_residual": [round(float(v), 3) for v in np.nanpercentile(residuals or [np.nan], [50, 95, 100])],
    }


def _others(pictures: Iterable[Callable[[], bytes]], *, name: str, quiet: bool) -> dict[str, Any]:
    """Offer pictures that are no ECG."""
    codes = collections.Counter[str]()
    for picture in tqdm(list(pictures), desc=name, disable=quiet):
        codes[_answer(picture())[0] or "accepted"] += 1
    return {"accepted": _rate(codes["accepted"], sum(codes.values())), "reasons": dict(codes)}


def evaluate_gate(data: Path, *, pages: int = 100, others: int = 40, quiet: bool = False) -> dict[str, Any]:
    """Measure the gate of pages.

    Args:
        data: folder with ``ecg_pages/`` and ``chest_xray_ctr/``.
        pages: real pages at most.
        others: pictures at most of each kind that is no ECG.
        quiet: whether to hide the progress bars.

    Raises:
        FileNotFoundError: when a folder is missing.
    """
    images = sorted((data / "chest_xray_ctr" / "images").glob("*.webp"))
    if not images:
        raise FileNotFoundError(f"no pictures in {data / 'chest_xray_ctr' / 'images'}")
    taken = images[:: max(1, len(images) // others)][:others]
    drawn = [
        (lambda kind=kind, seed=seed, edge=edge: bad_input(kind, seed=seed, edge=edge))
        for seed in range(max(1, others // (len(DRAWN_KINDS) * len(_EDGES))))
        for kind in DRAWN_KINDS
        for edge in _EDGES
    ]
    return {
        "protocol": (__doc__ or "").strip().splitlines()[0],
        "pages": _pages(data / "ecg_pages", pages, quiet=quiet),
        "not_ecg": {
            "chest X-rays": _others((path.read_bytes for path in taken), name="X-rays", quiet=quiet),
            "drawn": _others(drawn, name="drawn", quiet=quiet),
        },
    }


def write(results: dict[str, Any], target: Path = RESULTS) -> None:
    """Keep the figures."""
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
