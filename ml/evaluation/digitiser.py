"""How well pages are digitised: PTB-XL recordings drawn as pages, scanned and photographed, read back and compared.

SNR as in the PhysioNet Challenge 2024, in decibel per lead: the mean of 10 log10(sum s^2 / sum (s - e)^2) over the leads, after the
best shift in time of at most 0.1 s and without the mean voltage. A sample that is printed and was not read counts as zero voltage;
a page that is refused, and one whose layout is misread, count as 0 dB.
"""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.signal import resample
from tqdm import tqdm

from ml.datasets.ptbxl import TEST_FOLDS, VALIDATION_FOLDS
from ml.pages.damage import damaged, phone_damage, scan_damage
from ml.pages.digitise import FS, digitise
from ml.pages.layouts import LAYOUTS
from ml.pages.measures import PageMeasures, measure_page
from ml.pages.reasons import UnusablePage
from ml.pages.render import render_page
from ml.pages.style import PageStyle, random_style
from ml.recordings.leads import TWELVE

RESULTS = Path(__file__).parent / "digitiser.json"
PLAIN = "scan of paper without a grid, 200 dpi"  # half of them of 6x2 and a strip, as the real ones are
PX_PER_MM = {"scan, 200 dpi": 7.87, "scan, 100 dpi": 3.94, "photo": 7.87, PLAIN: 7.87}
_SHIFT_S = 0.1
_MILLIVOLT = 0.005
_DAMAGE = {
    "scan, 200 dpi": scan_damage,
    "scan, 100 dpi": scan_damage,
    "photo": phone_damage,
    PLAIN: scan_damage,
}


def twelve_leads(stored: NDArray[np.integer]) -> NDArray[np.float64]:
    """Twelve leads at 500 Hz from the eight stored ones at 100 Hz.

    Args:
        stored: I, II, V1 to V6 in units of 5 microvolt, shape (8, n).

    Returns:
        Shape (12, 5 n), millivolt.
    """
    padded = np.pad(stored.astype(np.float64) * _MILLIVOLT, ((0, 0), (100, 100)), mode="reflect")
    fine = resample(padded, padded.shape[1] * 5, axis=1)[:, 500:-500]
    one, two = fine[0], fine[1]
    return np.stack([one, two, two - one, -(one + two) / 2, one - two / 2, two - one / 2, *fine[2:]])


def printed(signals: NDArray[np.float64], style: PageStyle) -> NDArray[np.float64]:
    """What of the leads a page shows, shape (12, seconds of the page x 500); the rest is NaN."""
    layout, count = LAYOUTS[style.layout], round(style.seconds * FS)
    shown = np.full((len(TWELVE), count), np.nan)
    gap = round(style.gap_mm / style.mm_per_s * FS)
    for leads in layout.strips:
        width = count // len(leads)
        for column, lead in enumerate(leads):
            row = TWELVE.index(lead)
            part = slice(column * width + (gap if column else 0), (column + 1) * width)
            shown[row, part] = signals[row, part]
    return shown


def snr_db(truth: NDArray[np.floating], read: NDArray[np.floating]) -> float:
    """Signal over error of one lead, decibel.

    Args:
        truth: millivolt at 500 Hz, NaN where it is not printed.
        read: what was read, NaN where it could not be.
    """
    held = np.flatnonzero(np.isfinite(truth))
    signal = truth[held[0] : held[-1] + 1]
    signal = signal - signal.mean()
    at, most = np.arange(held[0], held[-1] + 1, dtype=np.float64), round(_SHIFT_S * FS)
    best = -np.inf
    for shift in np.arange(-most, most + 0.25, 0.5):
        value = np.interp(at + shift, np.arange(len(read)), read, left=np.nan, right=np.nan)
        known = np.isfinite(value)
        if known.sum() < 0.2 * len(value):
            continue
        value = np.where(known, value - value[known].mean() + signal[known].mean(), 0.0)
        error = float(((signal - value) ** 2).sum())
        best = max(best, 10.0 * np.log10(max(float((signal**2).sum()), 1e-9) / max(error, 1e-9)))
    return float(best) if np.isfinite(best) else 0.0


def _figures(measured: PageMeasures) -> dict[str, float | None]:
    durations = measured.durations
    return {
        "heart_rate_bpm": measured.heart_rate,
        "pr_ms": durations.pr_ms if durations else None,
        "qrs_ms": durations.qrs_ms if durations else None,
        "qt_ms": durations.qt_ms if durations else None,
    }


def _one_page(signals: NDArray[np.float64], kind: str, seed: int) -> dict[str, Any]:
    """Draw, damage, read and compare one recording."""
    rng = np.random.default_rng([seed, 2024])
    style = random_style(rng, px_per_mm=PX_PER_MM[kind], gridless=float(kind == PLAIN))
    page = render_page(signals, FS, style)
    what = _DAMAGE[kind](rng)
    row: dict[str, Any] = {"seed": seed, "layout": style.layout, "refused": None, "layout_right": False}
    try:
        found = digitise(damaged(page.image, what, seed=seed).image)
    except UnusablePage as refusal:
        return row | {"refused": refusal.reason_code, "snr_db": [0.0] * len(TWELVE), "differences": {}}
    right = found.layout == style.layout and found.upside_down == what.upside_down
    truth = printed(signals, style)
    snr = [snr_db(t, e) if right else 0.0 for t, e in zip(truth, found.signals, strict=True)]
    original, read = _figures(measure_page(signals, FS)), _figures(measure_page(found.signals, FS))
    differences = {
        name: abs(read[name] - value)  # type: ignore[operator]
        for name, value in original.items()
        if value is not None and read[name] is not None
    }
    return row | {
        "layout_right": right,
        "scale_right": found.mm_per_s == style.mm_per_s and found.mm_per_mv == style.mm_per_mv,
        "snr_db": [round(v, 2) for v in snr],
        "differences": differences,
    }


def _interval(values: list[float], statistic: Any) -> dict[str, float]:
    """A statistic with its 95 % interval by bootstrap over pages."""
    rng = np.random.default_rng(0)
    sample = np.asarray(values)
    drawn = [statistic(sample[rng.integers(0, len(sample), len(sample))]) for _ in range(1000)]
    low, high = np.percentile(drawn, [2.5, 97.5])
    return {
        "value": round(float(statistic(sample)), 2),
        "low": round(float(low), 2),
        "high": round(float(high), 2),
    }


def _summary(rows: list[dict[str, Any]]) -> dict[str, Any]:
    pages = [float(np.mean(row["snr_db"])) for row in rows]
    names = ("heart_rate_bpm", "pr_ms", "qrs_ms", "qt_ms")
    differences = {
        name: [row["differences"][name] for row in rows if name in row["differences"]] for name in names
    }
    return {
        "pages": len(rows),
        "refused": sum(row["refused"] is not None for row in rows),
        "layout_right": sum(row["layout_right"] for row in rows),
        "scale_right": sum(row.get("scale_right", False) for row in rows),
        "snr_db": _interval(pages, np.mean),
        "snr_db_median_page": _interval(pages, np.median),
        "median_absolute_difference": {
            name: _interval(values, np.median) | {"pages": len(values)}
            for name, values in differences.items()
            if values
        },
    }


def evaluate(data: Path, *, pages: int = 24, fold: int | None = None, quiet: bool = False) -> dict[str, Any]:
    """Measure the digitiser on recordings of a fold of PTB-XL.

    Args:
        data: folder with ``ptbxl/``.
        pages: of each kind.
        fold: of PTB-XL; the test fold if None. Everything was tuned on the validation fold.
        quiet: whether to hide the progress bar.

    Raises:
        FileNotFoundError: when the database is missing.
    """
    chosen = next(iter(TEST_FOLDS)) if fold is None else fold
    folder = data / "ptbxl"
    with (folder / "labels.csv").open(newline="", encoding="utf-8") as lines:
        mine = [int(row["row"]) for row in csv.DictReader(lines) if int(float(row["strat_fold"])) == chosen]
    stored = np.load(folder / "signals.npy", mmap_mode="r")
    picked = np.random.default_rng(chosen).choice(mine, size=pages, replace=False)
    results: dict[str, Any] = {
        "protocol": (__doc__ or "").strip().splitlines()[0],
        "fold": chosen,
        "tuned_on_fold": next(iter(VALIDATION_FOLDS)),
        "kinds": {},
    }
    for kind in PX_PER_MM:
        rows = [
            _one_page(twelve_leads(stored[row]), kind, seed)
            for seed, row in enumerate(tqdm(picked, desc=kind, disable=quiet))
        ]
        results["kinds"][kind] = _summary(rows) | {"per_page": rows}
    return results


def write(results: dict[str, Any], target: Path = RESULTS) -> None:
    """Keep the figures."""
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
