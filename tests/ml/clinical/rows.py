"""Made heart-failure records with the right names, units and ranges; nobody is behind them."""

import csv

import numpy as np

from ml.clinical.features import NAMES
from ml.datasets.heart_failure import FILE, HeartFailure


def made(count=120, seed=0, missing=0.0):
    """Records in which a low ejection fraction, a high creatinine and age make death more probable."""
    rng = np.random.default_rng(seed)
    columns = {
        "age": rng.uniform(40, 95, count).round(),
        "anaemia": rng.integers(0, 2, count),
        "creatinine_phosphokinase": np.exp(rng.normal(5.5, 1.0, count)).clip(30, 7000).round(),
        "diabetes": rng.integers(0, 2, count),
        "ejection_fraction": rng.uniform(15, 65, count).round(),
        "high_blood_pressure": rng.integers(0, 2, count),
        "platelets": rng.normal(260_000, 80_000, count).clip(50_000, 800_000).round(),
        "serum_creatinine": np.exp(rng.normal(0.2, 0.45, count)).clip(0.5, 9).round(2),
        "serum_sodium": rng.normal(137, 4, count).clip(115, 148).round(),
        "sex": rng.integers(0, 2, count),
        "smoking": rng.integers(0, 2, count),
    }
    values = np.stack([columns[name] for name in NAMES], axis=1).astype(np.float32)
    odds = (
        -0.09 * (columns["ejection_fraction"] - 35)
        + 2.0 * np.log(columns["serum_creatinine"])
        + 0.05 * (columns["age"] - 70)
        - 0.5
    )
    died = (rng.uniform(size=count) < 1 / (1 + np.exp(-odds))).astype(np.int64)
    values[rng.uniform(size=values.shape) < missing] = np.nan
    return HeartFailure(
        values=values, follow_up_days=rng.uniform(4, 285, count).astype(np.float32), died=died
    )


def write(folder, data):
    """The public file of these records, below ``clinical/``."""
    (folder / "clinical").mkdir(parents=True, exist_ok=True)
    with (folder / "clinical" / FILE).open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        writer.writerow([*NAMES, "time", "DEATH_EVENT"])
        writer.writerows(np.column_stack([data.values, data.follow_up_days, data.died]).tolist())
