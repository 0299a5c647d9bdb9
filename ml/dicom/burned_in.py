"""Whether words may be burned into a picture: by what the object says, by its kind, and by a look at the borders of its first frame."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from ml.dicom.display import shown
from ml.dicom.frames import decode
from ml.dicom.image import image_of
from ml.dicom.reasons import UnusableDicom

_OFTEN_WRITTEN_ON = {
    "US": "ultrasound",
    "ES": "endoscopy",
    "XC": "photography",
    "OT": "a secondary capture",
    "SC": "a secondary capture",
}
_CAPTURE_CLASSES = "1.2.840.10008.5.1.4.1.1.7"  # secondary capture, single-frame and multi-frame
_BORDER = 0.12  # of the height, above and below, where devices write
_STEEP = 0.5  # of the range from black to white, within two pixels
_LEAST_EDGES, _LEAST_ROWS = 12, 5  # six strokes in each of five rows that follow one another


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Doubt:
    """Why a person should look at a picture before it leaves the house.

    Attributes:
        reason_code: ``burned_in_said``, ``burned_in_usual``, ``burned_in_seen`` or ``burned_in_unseen``.
        message: sentence for a person.
    """

    reason_code: str
    message: str


def doubts(path: Path, dataset: Dataset) -> tuple[Doubt, ...]:
    """Reasons why names may stand in the pixels, which no rule about attributes removes. None is no proof that there are no words.

    Args:
        path: the file.
        dataset: as `open_dicom` gave it, unchanged.
    """
    found = []
    said = str(dataset.get("BurnedInAnnotation") or "").upper()
    modality = str(dataset.get("Modality") or "")
    capture = str(dataset.get("SOPClassUID") or "").startswith(_CAPTURE_CLASSES)
    if said == "YES":
        message = (
            "The object says that words are burned into the picture. Look at it before it leaves the house."
        )
        found.append(Doubt(reason_code="burned_in_said", message=message))
    elif said != "NO" and (modality in _OFTEN_WRITTEN_ON or capture):
        kind = _OFTEN_WRITTEN_ON.get(modality, "a secondary capture")
        message = f"The object does not say whether words are burned into the picture, and in {kind} they often are. Look at it."
        found.append(Doubt(reason_code="burned_in_usual", message=message))
    if "PixelData" in dataset:
        found.extend(_looked_at(path, dataset))
    return tuple(found)


def _looked_at(path: Path, dataset: Dataset) -> list[Doubt]:
    try:
        image = image_of(dataset)
        frame = shown(decode(path, dataset, image), dataset, image)
    except UnusableDicom as refusal:
        message = f"The picture could not be looked at for burned-in words. {refusal.message}"
        return [Doubt(reason_code="burned_in_unseen", message=message)]
    if not looks_written_on(frame):
        return []
    message = "Something at the upper or lower border of the picture looks like writing. Look at it before it leaves the house."
    return [Doubt(reason_code="burned_in_seen", message=message)]


def looks_written_on(picture: NDArray[np.uint8]) -> bool:
    """Whether rows near the upper or lower border change between dark and bright as often as a line of writing does.

    Args:
        picture: shape (rows, columns) or (rows, columns, 3).
    """
    grey = picture.astype(np.int16) if picture.ndim == 2 else picture.astype(np.int16).mean(axis=2)
    height = max(_LEAST_ROWS, round(_BORDER * grey.shape[0]))
    steep = np.abs(grey[:, 2:] - grey[:, :-2]) > _STEEP * 255
    edges = (steep[:, 1:] & ~steep[:, :-1]).sum(axis=1) >= _LEAST_EDGES
    return any(_longest_run(part) >= _LEAST_ROWS for part in (edges[:height], edges[-height:]))


def _longest_run(marked: NDArray[np.bool_]) -> int:
    longest = run = 0
    for one in marked:
        run = run + 1 if one else 0
        longest = max(longest, run)
    return longest
