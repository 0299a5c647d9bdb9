"""What a model measured on an X-ray, as DICOM objects of its study."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

from accounts.policy import Permission, require
from diagnostics.imaging.reasons import ImagingReason, ImagingRefused
from diagnostics.kinds import is_imaging
from diagnostics.models import Prediction
from diagnostics.services.claims import Claim, stored_file
from ml.contract import Outcome

if TYPE_CHECKING:
    import uuid

    import numpy as np
    from numpy.typing import NDArray
    from pydicom.dataset import Dataset

    from accounts.actor import Actor
    from ml.dicom.finding import ChestFinding

WHOLE = ("model_version", "diagnosis__upload", "heatmap")  # of a prediction: what its objects are made of
_SHADES = (1, 71, 255)  # lungs are 70, the heart is 255: where the classes 1, 2 and 3 begin


def get_prediction(actor: Actor, prediction_id: uuid.UUID) -> Prediction:
    """One answer with its model, diagnosis and upload. Raises Prediction.DoesNotExist for a foreign one."""
    require(actor, Permission.READ_DIAGNOSES)
    rows = Prediction.objects.visible_to(actor).select_related(*WHOLE)
    return rows.get(pk=prediction_id)


def is_exportable(prediction: Prediction) -> bool:
    """Whether an answer is a measured heart, of which objects can be made."""
    measured = prediction.outcome == Outcome.PREDICTED and "measurement" in prediction.explanation
    return measured and is_imaging(prediction.diagnosis.upload.media_type)


def report_of(prediction: Prediction) -> Dataset:
    """The structured report of an answer.

    Raises:
        ImagingRefused: nothing was measured.
        UnusableDicom: the stored object cannot be read any more.
        StoredFileMissing: the storage does not give it.
    """
    from ml.dicom.opening import open_dicom
    from ml.dicom.report import structured_report

    with _stored(prediction) as path:
        return structured_report(_finding(prediction, open_dicom(path)))


def capture_of(prediction: Prediction) -> Dataset:
    """The X-ray with the diameters and the answer drawn on it. Raises as `report_of` does."""
    from ml.dicom.capture import secondary_capture
    from ml.dicom.display import shown
    from ml.dicom.frames import decode
    from ml.dicom.image import image_of
    from ml.dicom.opening import open_dicom

    with _stored(prediction) as path:
        dataset = open_dicom(path)
        image = image_of(dataset)
        picture = shown(decode(path, dataset, image), dataset, image)
    mask = _mask(prediction, rows=image.rows, columns=image.columns)
    return secondary_capture(_finding(prediction, dataset), picture, mask=mask)


def _stored(prediction: Prediction) -> Any:
    if not is_exportable(prediction):
        raise ImagingRefused(ImagingReason.NOTHING_MEASURED)
    diagnosis = prediction.diagnosis
    return stored_file(Claim(diagnosis.pk, prediction.attempt, storage_name=diagnosis.upload.storage_name))


def _finding(prediction: Prediction, dataset: Dataset) -> ChestFinding:
    from ml.dicom.finding import ChestFinding

    measured = prediction.explanation["measurement"]
    version = prediction.model_version
    return ChestFinding(
        source=dataset,
        ratio=measured["ratio"],
        low=measured["low"],
        high=measured["high"],
        heart=_line(measured["heart"]),
        chest=_line(measured["chest"]),
        label=prediction.label,
        probability=measured["probability_enlarged"],
        model=version.name,
        version=version.version,
        weights_sha256=version.weights_sha256,
        made_at=prediction.created_at,
    )


def _mask(prediction: Prediction, *, rows: int, columns: int) -> NDArray[np.uint8] | None:
    """Class of each pixel from the stored outlines, whose shades are lungs and heart (ml.serving.imaging); None without outlines."""
    import numpy as np
    from PIL import Image

    outlines = getattr(prediction, "heatmap", None)
    if outlines is None:
        return None
    with Image.open(io.BytesIO(outlines.png), formats=["PNG"]) as shades:
        fitted = shades.convert("L").resize((columns, rows), Image.Resampling.NEAREST)
    return np.digitize(np.asarray(fitted), _SHADES).astype(np.uint8)


def _line(diameter: dict[str, float]) -> tuple[tuple[float, float], tuple[float, float]]:
    """The ends of a horizontal diameter (column, row)."""
    return (diameter["x0"], diameter["y"]), (diameter["x1"], diameter["y"])
