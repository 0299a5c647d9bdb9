"""Names of leads and units as manufacturers write them."""

from __future__ import annotations

import pytest

from ml.recordings.leads import millivolts, standard_lead, unique


@pytest.mark.parametrize(
    ("written", "lead"),
    [
        ("Lead II", "II"), ("ii", "II"), ("ECG aVR", "aVR"), ("AVF", "aVF"), ("MDC_ECG_LEAD_AVL", "aVL"), ("EKG V5", "V5"),
        ("V1 ", "V1"), ("MLII", "MLII"), ("Lead V6 (Einthoven)", "V6"), ("ECG II-Ref", "II"), ("ch: V2", "V2"), ("V4R", "V4R"),
        ("ECG", "ECG"), ("ECG 1", "ECG 1"), ("ecg_lead_II", "II"),
        ("Resp", None), ("ABP", None), ("", None), ("SpO2", None), ("EEG Fp1", None), ("name", None),
    ],
)  # fmt: skip
def test_leads(written: str, lead: str | None) -> None:
    assert standard_lead(written) == lead


@pytest.mark.parametrize(
    ("unit", "factor"),
    [("mV", 1.0), ("MV", 1.0), ("uV", 1e-3), ("µV", 1e-3), ("μV", 1e-3), ("V", 1e3), ("nV", 1e-6), ("millivolts", 1.0), ("microvolt", 1e-3),
     ("mmHg", None), ("", None), ("counts", None)],
)  # fmt: skip
def test_units(unit: str, factor: float | None) -> None:
    assert millivolts(unit) == factor


def test_names_that_come_twice_are_numbered() -> None:
    assert unique(["II", "V1", "II", "II"]) == ("II", "V1", "II (2)", "II (3)")
