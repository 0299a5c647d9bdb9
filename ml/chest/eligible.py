"""Whether an object is a frontal chest X-ray of an adult: first by what it says, then by what was found on the picture.

Attributes: DICOM PS3.3 C.7.1.1 (patient), C.8.1.1 (CR), C.8.11 (DX). What an object says wrongly is caught only where the picture
contradicts it: an AP film that says PA is measured.
"""

from __future__ import annotations

import dataclasses
import re
from datetime import date, datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from ml.chest.ratio import HEART, LEFT_LUNG, RIGHT_LUNG
from ml.chest.reasons import ADULT_YEARS, ChestReason, NotEligible
from ml.dicom.image import DicomImage, value

XRAY = frozenset({"CR", "DX", "DR", "RG"})
UNSAID = frozenset({"", "OT", "SC"})
_MODALITIES = {
    "MR": "Magnetic resonance", "US": "Ultrasound", "CT": "Computed tomography", "NM": "Nuclear medicine", "XA": "Angiography",
    "PT": "Positron emission tomography", "MG": "Mammography", "IVUS": "Intravascular ultrasound", "RF": "Fluoroscopy",
    "OCT": "Optical coherence tomography", "IVOCT": "Intravascular optical coherence tomography",
}  # fmt: skip
_CHEST = ("CHEST", "THORAX", "LUNG", "HEART", "TORAX", "BRUST")
_DAYS = {"D": 1.0, "W": 7.0, "M": 30.4375, "Y": 365.25}
_UNITS = {"D": "days", "W": "weeks", "M": "months", "Y": "years"}
_DATES = ("StudyDate", "AcquisitionDate", "ContentDate", "SeriesDate")
_PA = re.compile(r"\bPA\b|POSTERO-?\s?ANTERIOR|POSTEROANTERIOR")
_AP = re.compile(r"\bAP\b|ANTERO-?\s?POSTERIOR|ANTEROPOSTERIOR|PORTABLE|BEDSIDE|SUPINE")
_SIDE = re.compile(r"\b(LL|RL|LLD|RLD|LLO|RLO|LAO|RAO|LPO|RPO|LAT)\b|LATERAL|OBLIQUE")
_MOST_TEXT = 64


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What an eligible object says.

    Attributes:
        warnings: what a person must check, because the object does not say it.
        mirrored: whether its columns run to the patient's right, so that it must be turned over first.
        upside_down: whether its rows run to the patient's head.
    """

    warnings: tuple[ChestReason, ...]
    mirrored: bool
    upside_down: bool


def judge_attributes(dataset: Dataset, image: DicomImage) -> Said:
    """Judge an object by its attributes.

    Raises:
        NotEligible: when it says that it is something else than a PA chest film of an adult.
    """
    modality = _text(dataset, "Modality")
    if modality not in XRAY | UNSAID:
        raise NotEligible(ChestReason.NO_MODEL, what=_MODALITIES.get(modality, f"Modality {modality}"))
    if image.samples != 1 or not image.photometric.startswith("MONOCHROME"):
        raise NotEligible(ChestReason.NOT_XRAY, detail="it is in colour")
    if image.frames > 1:
        raise NotEligible(ChestReason.NOT_XRAY, detail=f"it has {image.frames} frames")
    _judge_part(dataset)
    if _text(dataset, "PresentationIntentType") == "FOR PROCESSING":
        raise NotEligible(ChestReason.UNPROCESSED)
    age_known = _judge_age(dataset)
    view_known = _judge_view(dataset)
    along = _several(dataset, "PatientOrientation")
    warnings = [ChestReason.VIEW_UNKNOWN] * (not view_known) + [ChestReason.AGE_UNKNOWN] * (not age_known)
    return Said(
        warnings=tuple(warnings),
        mirrored=len(along) == 2 and along[0].startswith("R"),
        upside_down=len(along) == 2 and along[1].startswith("H"),
    )


def _text(dataset: Dataset, name: str) -> str:
    """An element's value in capitals; "" where it is missing."""
    found = value(dataset, name)
    return str(found).strip().upper()[:_MOST_TEXT] if found is not None else ""


def _several(dataset: Dataset, name: str) -> list[str]:
    """An element's values in capitals."""
    found = value(dataset, name)
    if found is None or isinstance(found, str):
        return [part.strip().upper() for part in found.split("\\")] if found else []
    return [str(part).strip().upper() for part in found]


def _meanings(dataset: Dataset, sequence: str) -> str:
    """Meanings of the codes of a sequence, in capitals."""
    items = value(dataset, sequence)
    return " ".join(_text(item, "CodeMeaning") for item in items) if items else ""


def _judge_part(dataset: Dataset) -> None:
    said = _text(dataset, "BodyPartExamined") or _meanings(dataset, "AnatomicRegionSequence")
    if said and not any(word in said for word in _CHEST):
        raise NotEligible(ChestReason.OTHER_PART, part=f"another part of the body ({said.lower()})")


def _judge_age(dataset: Dataset) -> bool:
    """Whether the object says that the patient is grown up.

    Raises:
        NotEligible: when it says that the patient is not.
    """
    said = re.fullmatch(r"(\d{1,3})([DWMY])", _text(dataset, "PatientAge"))
    if said:
        number, unit = int(said[1]), said[2]
        if number * _DAYS[unit] < ADULT_YEARS * _DAYS["Y"]:
            raise NotEligible(ChestReason.CHILD, age=f"{number} {_UNITS[unit]}")
        return True
    born = _day(dataset, "PatientBirthDate")
    taken = next((day for name in _DATES if (day := _day(dataset, name))), None)
    if born is None or taken is None or taken < born:
        return False
    years = taken.year - born.year - ((taken.month, taken.day) < (born.month, born.day))
    if years < ADULT_YEARS:
        raise NotEligible(ChestReason.CHILD, age=f"{years} years")
    return True


def _day(dataset: Dataset, name: str) -> date | None:
    """A date element; None where it is missing or no date."""
    try:
        return datetime.strptime(_text(dataset, name), "%Y%m%d").date()  # noqa: DTZ007 -- a day has no time zone
    except ValueError:
        return None


def _judge_view(dataset: Dataset) -> bool:
    """Whether the object says that it is a PA film.

    The view is looked for where it is coded first; what people wrote into descriptions counts where no code says it.

    Raises:
        NotEligible: when it says that it is another view.
    """
    coded = f"{_text(dataset, 'ViewPosition')} {_meanings(dataset, 'ViewCodeSequence')}".strip()
    along = _several(dataset, "PatientOrientation")
    if along and along[0][:1] in ("A", "P"):
        raise NotEligible(ChestReason.LATERAL, view="lateral (its columns run from front to back)")
    written = " ".join(
        _text(dataset, name)
        for name in (
            "SeriesDescription",
            "ProtocolName",
            "StudyDescription",
            "AcquisitionDeviceProcessingDescription",
        )
    )
    for words in (coded, written):
        spaced = words.replace("_", " ")
        if _PA.search(spaced):
            return True
        if _SIDE.search(spaced):
            raise NotEligible(ChestReason.LATERAL, view=f"lateral or oblique ({spaced.strip().lower()})")
        if _AP.search(spaced):
            raise NotEligible(ChestReason.AP)
    return False


def shape_of(classes: NDArray[np.integer], certainty: NDArray[np.floating]) -> dict[str, float] | None:
    """What tells a frontal chest by the outlines found; None when a lung or the heart is missing.

    Args:
        classes: `RIGHT_LUNG`, `LEFT_LUNG`, `HEART` or background of each pixel, shape (rows, columns).
        certainty: share of the class of each pixel, 0 to 1, same shape.

    Returns:
        Areas as parts of the picture; how far the heart's centre lies from each lung's, and below them, as part of the chest's width;
        how alike the lungs are in area (logarithm); how sure the parts are, 0 to 1.
    """
    parts = {part: classes == part for part in (RIGHT_LUNG, LEFT_LUNG, HEART)}
    if not all(mask.any() for mask in parts.values()):
        return None
    centres = {part: [float(np.mean(at)) for at in np.nonzero(mask)] for part, mask in parts.items()}
    columns = np.flatnonzero((classes > 0).any(axis=0))
    wide = float(columns[-1] + 1 - columns[0])
    areas = {part: float(mask.mean()) for part, mask in parts.items()}
    lungs_row = (centres[RIGHT_LUNG][0] + centres[LEFT_LUNG][0]) / 2.0
    return {
        "right_lung_area": areas[RIGHT_LUNG],
        "left_lung_area": areas[LEFT_LUNG],
        "heart_area": areas[HEART],
        "lung_balance": float(np.log(areas[RIGHT_LUNG] / areas[LEFT_LUNG])),
        "right_of_heart": (centres[HEART][1] - centres[RIGHT_LUNG][1]) / wide,
        "left_of_heart": (centres[LEFT_LUNG][1] - centres[HEART][1]) / wide,
        "heart_below_lungs": (centres[HEART][0] - lungs_row) / wide,
        "lungs_level": (centres[LEFT_LUNG][0] - centres[RIGHT_LUNG][0]) / wide,
        "certainty": float(certainty[classes > 0].mean()),
    }


_WORDS = {
    "right_lung_area": "the size of the right lung",
    "left_lung_area": "the size of the left lung",
    "heart_area": "the size of the heart",
    "lung_balance": "the lungs' sizes against each other",
    "right_of_heart": "the place of the right lung",
    "left_of_heart": "the place of the left lung",
    "heart_below_lungs": "the height of the heart",
    "lungs_level": "the lungs' heights",
    "certainty": "the sharpness of the outlines",
}


def judge_picture(shape: dict[str, float] | None, distance: float, limits: dict[str, Any]) -> None:
    """Judge a film by what was found on it.

    Args:
        shape: as `shape_of` gave it.
        distance: of its embedding from those of known films, 0 to 2.
        limits: the contract's ``gate``: ``max_distance`` and ``shape`` with ``low`` and ``high`` of each figure.

    Raises:
        NotEligible: when it does not look like a frontal chest film.
    """
    if distance > limits["max_distance"]:
        raise NotEligible(ChestReason.NOT_XRAY, detail="it is unlike every film that the model knows")
    if shape is None:
        raise NotEligible(ChestReason.NOT_FRONTAL, detail="a lung or the heart was not found")
    odd = [
        name for name, bounds in limits["shape"].items() if not bounds["low"] <= shape[name] <= bounds["high"]
    ]
    if odd:
        words = ", ".join(_WORDS[name] for name in odd)
        raise NotEligible(ChestReason.NOT_FRONTAL, detail=f"unusual: {words}")
