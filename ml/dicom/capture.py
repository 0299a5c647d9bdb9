"""A finding as a secondary capture: the image with mask, diameters and notice burned in, for viewers that show no reports (PS3.3 A.8.1)."""

from __future__ import annotations

import highdicom as hd
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont
from pydicom.dataset import Dataset
from pydicom.sr.codedict import codes
from pydicom.uid import ExplicitVRLittleEndian

from ml.contract import as_percent
from ml.dicom.finding import MAKER, NOTICE, ChestFinding, Length, Point, length, reference
from ml.dicom.report import dated, equipment

SERIES_NUMBER = 9002
LONGEST_SIDE = 1024  # pixels; what is drawn need not be finer
LEAST_WIDTH = 512  # of the picture, so that the words below it can be read
_LUNG, _HEART = (66, 165, 245), (239, 83, 80)
_COLOURS = {1: _LUNG, 2: _LUNG, 3: _HEART}  # right lung, left lung, heart
_MASK_OPACITY = 0.22
_CHEST_LINE, _HEART_LINE = (129, 212, 250), (255, 138, 128)


def secondary_capture(
    finding: ChestFinding, picture: NDArray[np.uint8], *, mask: NDArray[np.uint8] | None = None
) -> Dataset:
    """The image as a person sees it, with what was found drawn on it and the notice in a band below.

    Args:
        finding: the answer.
        picture: the image as `ml.dicom.display.shown` gives it, shape (rows, columns) of the source, or (rows, columns, 3).
        mask: class of each pixel (1 right lung, 2 left lung, 3 heart), of the same rows and columns; None draws none.

    Returns:
        An RGB image, made smaller where it is longer than `LONGEST_SIDE` and larger where it is narrower than `LEAST_WIDTH`, to be
        written with ``save_as``.

    Raises:
        UnusableDicom: when the image lacks a UID by which it could be referred to.
    """
    source = reference(finding.source)
    drawn = np.asarray(_drawn(finding, picture, mask))
    capture = hd.sc.SCImage.from_ref_dataset(
        source,
        pixel_array=drawn,
        photometric_interpretation="RGB",
        bits_allocated=8,
        coordinate_system="PATIENT",
        series_instance_uid=finding.uid("capture series"),
        series_number=SERIES_NUMBER,
        sop_instance_uid=finding.uid("capture"),
        instance_number=1,
        manufacturer=MAKER,
        patient_orientation=("L", "F"),  # asked for by highdicom; what the source says replaces it
        transfer_syntax_uid=ExplicitVRLittleEndian,
        contributing_equipment=[equipment(finding)],
        manufacturer_model_name=finding.model,
        software_versions=finding.version,
        series_description=f"{finding.model}: {NOTICE}"[:64],
    )
    _describe(capture, finding)
    return capture


def _describe(capture: Dataset, finding: ChestFinding) -> None:
    """What a reader must know of the picture before it is shown: drawn upon, from which image, by which model."""
    dated(capture, finding.made_at)
    capture.ImageType = ["DERIVED", "SECONDARY"]
    capture.PatientOrientation = finding.source.get("PatientOrientation") or ""
    capture.BodyPartExamined = "CHEST"
    capture.BurnedInAnnotation = "YES"
    capture.DerivationDescription = f"Mask and diameters by {finding.model} {finding.version}. {NOTICE}."
    item = Dataset()
    item.ReferencedSOPClassUID = finding.source.SOPClassUID
    item.ReferencedSOPInstanceUID = finding.source.SOPInstanceUID
    purpose = Dataset()
    code = codes.DCM.SourceImageForImageProcessingOperation
    purpose.CodeValue, purpose.CodingSchemeDesignator, purpose.CodeMeaning = (
        code.value,
        code.scheme_designator,
        code.meaning,
    )
    item.PurposeOfReferenceCodeSequence = [purpose]
    capture.SourceImageSequence = [item]


def _drawn(finding: ChestFinding, picture: NDArray[np.uint8], mask: NDArray[np.uint8] | None) -> Image.Image:
    """The picture in colour with everything drawn on it."""
    coloured = np.asarray(Image.fromarray(picture).convert("RGB"), dtype=np.float32)
    for part, colour in _COLOURS.items() if mask is not None else ():
        where = mask == part
        coloured[where] = (1.0 - _MASK_OPACITY) * coloured[where] + _MASK_OPACITY * np.array(colour)
    image = Image.fromarray(np.round(coloured).astype(np.uint8))
    scale = min(max(1.0, LEAST_WIDTH / image.width), LONGEST_SIDE / max(image.size))
    image = image.resize((max(1, round(image.width * scale)), max(1, round(image.height * scale))))
    pen = ImageDraw.Draw(image)
    for line, colour in ((finding.chest, _CHEST_LINE), (finding.heart, _HEART_LINE)):
        _draw_diameter(pen, line, scale, colour)
    return _with_words(image, _words(finding))


def _draw_diameter(
    pen: ImageDraw.ImageDraw, line: tuple[Point, Point], scale: float, colour: tuple[int, int, int]
) -> None:
    (left, top), (right, bottom) = ((x * scale, y * scale) for x, y in line)
    pen.line([(left, top), (right, bottom)], fill=colour, width=2)
    for x, y in ((left, top), (right, bottom)):
        pen.line([(x, y - 8), (x, y + 8)], fill=colour, width=2)


def _words(finding: ChestFinding) -> list[str]:
    heart, chest = length(finding.heart, finding.source), length(finding.chest, finding.source)
    ratio = f"{finding.ratio:.2f} ({finding.low:.2f} to {finding.high:.2f})"
    at = " at the detector" if heart.magnified else ""
    return [
        f"{NOTICE.upper()}",
        f"{finding.label}, probability of an enlarged heart {as_percent(finding.probability)}",
        f"Cardiothoracic ratio {ratio}: heart {_said(heart)}, chest {_said(chest)}{at}",
        f"{MAKER} {finding.model} {finding.version}, {finding.made_at:%Y-%m-%d %H:%M %Z}",
    ]


def _said(measured: Length) -> str:
    return f"{measured.value:.0f} {measured.unit}"


def _with_words(image: Image.Image, lines: list[str]) -> Image.Image:
    """The image with a black band below, in which the lines stand as large as they fit."""
    size = 18.0
    font = ImageFont.load_default(size)
    while size > 6.0 and max(font.getlength(line) for line in lines) > image.width - 12:
        size -= 1.0
        font = ImageFont.load_default(size)
    height = round(size * 1.4)
    whole = Image.new("RGB", (image.width, image.height + height * len(lines) + 8))
    whole.paste(image)
    pen = ImageDraw.Draw(whole)
    for number, line in enumerate(lines):
        colour = (255, 213, 79) if number == 0 else (255, 255, 255)
        pen.text((6, image.height + 4 + number * height), line, font=font, fill=colour)
    return whole
