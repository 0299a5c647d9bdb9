"""The files of the demo: a real 12-lead ECG that pydicom ships, simulated beats, and files that must be refused."""

from __future__ import annotations

import dataclasses
import io
from pathlib import Path
from typing import Any

from diagnostics.reasons import Reason
from diagnostics.states import Status
from ml.chest.reasons import ChestReason
from ml.pages.reasons import PageReason
from patients.demo import PATIENTS

NOT_ACCEPTED = "not accepted"
REAL_BEATS = 3


@dataclasses.dataclass(frozen=True, slots=True)
class Case:
    """One file and the end that it must come to.

    Attributes:
        name: what the table calls it.
        mrn: the demo patient it belongs to.
        filename: the name it is uploaded under.
        data: its bytes.
        status: the diagnosis's state at the end, or ``not accepted``.
        labels: labels of which one must be given; none for an abstention; None where the answer is open (nobody has
            labelled the file).
        reason_code: the reason that must be given, if any.
        clinical: whether the patient's clinical values are assessed; there is no file then.
        imaging: whether the file is a DICOM object, uploaded as an imaging study.
    """

    name: str
    mrn: str
    filename: str
    data: bytes
    status: str = Status.COMPLETED
    labels: tuple[str, ...] | None = None
    reason_code: str = ""
    clinical: bool = False
    imaging: bool = False


def cases() -> list[Case]:
    """Every demo case; the same bytes each time."""
    return [
        *_real(),
        *_simulated(),
        *_recordings(),
        *_pages(),
        *_imaging(),
        *_clinical(),
        *_unfit(),
        *_not_accepted(),
    ]


def _real() -> list[Case]:
    """Beats of the 12-lead ECG in pydicom's wheel, found and rendered here. Nobody has annotated it."""
    from pydicom.data import get_testdata_file

    from ml.datasets import dicom_waveform
    from ml.preprocessing.beat_image import render_beat

    recording = dicom_waveform.read(str(get_testdata_file("waveform_ecg.dcm", download=False)))
    lead = recording.lead("II")
    peaks = dicom_waveform.find_beats(recording)[1 : REAL_BEATS + 1]
    return [
        Case(
            f"real ECG, beat {number}",
            "CC-1001",
            f"waveform-ecg-beat-{number}.png",
            _png(render_beat(lead, recording.fs, int(at), size=256, style="paper")),
        )
        for number, at in enumerate(peaks, start=2)
    ]


def _simulated() -> list[Case]:
    from ml.datasets import simulated

    sure = {"Normal": "CC-1001", "PVC": "CC-1001", "LBBB": "CC-1002", "PAC": "CC-1003", "VF": "CC-1004"}
    beats = [
        Case(
            f"simulated {label}", mrn, f"beat-{label}.png", simulated.beat_png(label, seed=1), labels=(label,)
        )
        for label, mrn in sure.items()
    ]
    clear = Case(
        "simulated RBBB", "CC-1003", "beat-RBBB.png", simulated.beat_png("RBBB", seed=6), labels=("RBBB",)
    )
    # Right bundle branch block mostly hides in lead II: here the model has to say that it is not sure.
    unclear = Case(
        "unclear RBBB", "CC-1003", "beat-unclear.png", simulated.beat_png("RBBB", seed=4), labels=()
    )
    return [*beats, clear, unclear]


def _recordings() -> list[Case]:
    """The whole 12-lead ECG in pydicom's wheel, a simulated one with premature beats, and two that cannot be analysed."""
    from pydicom.data import get_testdata_file

    from ml.datasets.simulated_recording import Heart, simulate_recording

    real = Path(str(get_testdata_file("waveform_ecg.dcm", download=False))).read_bytes()
    heart = Heart(events=dict.fromkeys((20, 50, 51, 90, 120), "PVC"), jitter_s=0.02)
    made = simulate_recording(heart, seconds=120.0, leads=("II", "V1"), seed=7)
    rows = "\n".join(",".join(f"{value:.3f}" for value in moment) for moment in made.signals.T)
    said = f"# fs: {made.fs:g}\n# unit: mV\n"
    flat = "\n".join(["0.000,0.000"] * 5000)
    return [
        Case("real 12-lead recording", "CC-1001", "waveform-ecg.dcm", real),
        Case("recording with PVCs", "CC-1002", "two-minutes.csv", f"{said}II,V1\n{rows}\n".encode(), labels=("PVC",)),
        Case(
            "recording without unit", "CC-1003", "no-unit.csv", f"# fs: 250\nII,V1\n{rows}\n".encode(),
            Status.REFUSED, None, Reason.UNIT_UNKNOWN.value,
        ),
        Case(
            "recording of unplugged leads", "CC-1004", "unplugged.csv", f"{said}II,V1\n{flat}\n".encode(),
            Status.REFUSED, None, "recording_not_analysable",
        ),
    ]  # fmt: skip


def _pages() -> list[Case]:
    """Drawn 12-lead pages of a simulated heart: a straight scan, a telephone's photograph from an angle, and one that is cut off."""
    import numpy as np

    from ml.datasets.simulated_recording import simulate_recording
    from ml.pages.damage import Damage, damaged
    from ml.pages.render import render_page
    from ml.pages.style import PageStyle
    from ml.recordings.leads import TWELVE

    fs = 500.0
    made = simulate_recording(seconds=10.2, fs=fs, leads=TWELVE, noise_mv=0.0, seed=3)
    page = render_page(made.signals[:, 50:5050].astype(np.float64), fs, PageStyle(px_per_mm=6.0)).image
    desk = Damage(
        rotation=5.0, perspective=0.025, margin=0.04, noise=3.0, background=(70, 60, 50), shadow=0.25
    )
    photo = damaged(page, desk, seed=1).image
    cut = page[:, : round(0.73 * page.shape[1])]
    return [
        Case("12-lead page, scanned", "CC-1001", "page-scan.png", _png(page), labels=("NORM",)),
        Case("12-lead page, photographed", "CC-1002", "page-photo.jpg", _jpeg(photo), labels=("NORM",)),
        Case(
            "12-lead page, cut off", "CC-1003", "page-cut-off.png", _png(cut), Status.REFUSED, None,
            PageReason.LEADS_OUTSIDE.value,
        ),
    ]  # fmt: skip


def _imaging() -> list[Case]:
    """Drawn chest X-rays as DICOM studies: a heart of ordinary size, a wide one, and a film from the side."""
    from ml.datasets.simulated_chest import draw_chest, draw_lateral
    from ml.datasets.simulated_dicom import chest_dicom

    films: tuple[tuple[str, str, Any, dict[str, Any]], ...] = (
        ("chest X-ray", "CC-1001", draw_chest(seed=5, ratio=0.42).grey, {}),
        ("chest X-ray, wide heart", "CC-1002", draw_chest(seed=3, ratio=0.58).grey, {}),
        ("chest X-ray from the side", "CC-1004", draw_lateral(seed=1), {"ViewPosition": "LL"}),
    )
    ends: tuple[dict[str, Any], ...] = (
        {"labels": ("Normal heart size",)},
        {"labels": ("Cardiomegaly",)},
        {"status": Status.REFUSED, "reason_code": ChestReason.LATERAL.value},
    )
    return [
        Case(
            name, mrn, f"{name.replace(' ', '-').replace(',', '')}.dcm",
            chest_dicom(grey, seed=name, StudyDescription="Chest X-ray", **_named(mrn), **said), imaging=True, **end,
        )
        for (name, mrn, grey, said), end in zip(films, ends, strict=True)
    ]  # fmt: skip


def _named(mrn: str) -> dict[str, Any]:
    """The identity of a demo patient as a modality writes it."""
    person = next(one for one in PATIENTS if one.mrn == mrn)
    return {
        "PatientID": mrn,
        "PatientName": f"{person.family_name}^{person.given_name}",
        "PatientBirthDate": f"{person.birth_date:%Y%m%d}",
        "PatientSex": person.sex[0].upper(),
        "StudyDate": "20260302",
        "SpecificCharacterSet": "ISO_IR 192",
    }


def _clinical() -> list[Case]:
    """The values of three demo patients: failing hearts, and a person without disease, for whom the scores are."""
    records = {
        "clinical record, heart failure": ("CC-1002", "Moderate risk"),
        "clinical record, ejection fraction 20 %": ("CC-1004", "High risk"),
        "clinical record without disease": ("CC-1001", "Moderate risk"),
    }
    return [
        Case(name, mrn, "", b"", labels=(level,), clinical=True) for name, (mrn, level) in records.items()
    ]


def _unfit() -> list[Case]:
    """Pictures that are accepted and then refused by the model's gate."""
    from ml.datasets import simulated

    expected = {
        "photo": "not_an_ecg",
        "noise": "",
        "page": PageReason.TOO_SMALL.value,
        "blank": "blank_image",
    }
    return [
        Case(
            f"picture: {kind}",
            "CC-1004",
            f"{kind}.png",
            simulated.bad_input(kind, seed=1),
            Status.REFUSED,
            None,
            reason,
        )
        for kind, reason in expected.items()
    ]


def _not_accepted() -> list[Case]:
    from ml.datasets import simulated

    whole = simulated.beat_png("Normal", seed=3)
    bad = (
        ("empty file", "empty.png", b"", Reason.EMPTY),
        ("truncated image", "truncated.png", whole[: len(whole) // 2], Reason.TRUNCATED),
        ("web page named .png", "beat.png", b"<html><script>alert(1)</script></html>", Reason.NOT_AN_IMAGE),
        ("program hidden in image", "beat-extra.png", whole + b"MZ\x90\x00hidden", Reason.HIDDEN_DATA),
    )
    return [
        Case(name, "CC-1002", filename, data, NOT_ACCEPTED, None, reason.value)
        for name, filename, data, reason in bad
    ]


def _png(pixels: object, form: str = "PNG") -> bytes:
    from PIL import Image

    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, form)  # type: ignore[arg-type]  # a NumPy array
    return stream.getvalue()


def _jpeg(pixels: object) -> bytes:
    return _png(pixels, "JPEG")
