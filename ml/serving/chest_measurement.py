"""A measured film in pixels and millimetres of the image that was sent."""

from __future__ import annotations

import dataclasses
import io
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ml.chest.measuring import FINER, LIMIT, ErrorModel, Reading, probability_enlarged
from ml.dicom.image import DicomImage
from ml.preprocessing.chest_image import SIZE, PreparedChest


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Diameter:
    """A horizontal line on the image as it is stored.

    Attributes:
        x0: left end, pixels from the left edge of the image.
        x1: right end.
        y: height, pixels from the upper edge.
        mm: its length; None where the object gives no spacing.
    """

    x0: float
    x1: float
    y: float
    mm: float | None

    def as_json(self) -> dict[str, float | None]:
        """The fields, rounded to a tenth of a pixel."""
        return {
            "x0": round(self.x0, 1),
            "x1": round(self.x1, 1),
            "y": round(self.y, 1),
            "pixels": round(self.x1 - self.x0, 1),
            "mm": None if self.mm is None else round(self.mm, 1),
        }


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Measurement:
    """The heart's size on one film.

    Attributes:
        ratio: cardiothoracic ratio.
        error: its standard deviation.
        low: lower end of its 90 % interval.
        high: upper end.
        probability_enlarged: that the true ratio is above 0.50, 0 to 1.
        heart: the heart's widest extent.
        chest: the inner chest's.
        spacing_of: ``patient`` or ``detector`` (lengths there are magnified); None where no millimetres are given.
    """

    ratio: float
    error: float
    low: float
    high: float
    probability_enlarged: float
    heart: Diameter
    chest: Diameter
    spacing_of: str | None

    def as_json(self) -> dict[str, Any]:
        """The fields as JSON types."""
        return {
            "ratio": round(self.ratio, 4),
            "error": round(self.error, 4),
            "low": round(self.low, 4),
            "high": round(self.high, 4),
            "limit": LIMIT,
            "probability_enlarged": round(self.probability_enlarged, 4),
            "heart": self.heart.as_json(),
            "chest": self.chest.as_json(),
            "spacing_of": self.spacing_of,
        }


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Frame:
    """Where the prepared square lies on the image as it is stored.

    Attributes:
        prepared: the film in the square.
        mirrored: whether the film was turned over, left to right, before.
        upside_down: whether it was turned over, top to bottom.
        image: what the object says about its image.
    """

    prepared: PreparedChest
    mirrored: bool
    upside_down: bool
    image: DicomImage

    def line(self, ends: tuple[float, float, float], *, finer: int) -> Diameter:
        """A line (left, right, row) of a square ``finer`` times as fine as the prepared one, on the stored image."""
        left, right, row = (end / finer for end in ends)
        x0, y = self.prepared.on_film(left, row)
        x1, _ = self.prepared.on_film(right, row)
        if self.mirrored:
            x0, x1 = self.prepared.width - x1, self.prepared.width - x0
        if self.upside_down:
            y = self.prepared.height - y
        spacing = self.image.spacing_mm
        return Diameter(x0=x0, x1=x1, y=y, mm=None if spacing is None else (x1 - x0) * spacing[1])

    def cut(self, square: NDArray[Any]) -> NDArray[Any]:
        """The part of a square picture of any resolution that the film takes, turned back to how it is stored."""
        finer = square.shape[0] / SIZE
        left, top, right, bottom = (round(edge * finer) for edge in self.prepared.box())
        part = square[top : max(bottom, top + 1), left : max(right, left + 1)]
        return part[:: -1 if self.upside_down else 1, :: -1 if self.mirrored else 1]

    @staticmethod
    def png(picture: NDArray[np.uint8]) -> bytes:
        """A grey picture as PNG."""
        stream = io.BytesIO()
        Image.fromarray(np.ascontiguousarray(picture)).save(stream, "PNG")
        return stream.getvalue()


def measured(reading: Reading, frame: Frame, errors: ErrorModel) -> Measurement:
    """What the network read, with its error, on the stored image."""
    ratio, error = reading.size.ratio, float(errors.of(reading.spread))
    return Measurement(
        ratio=ratio,
        error=error,
        low=max(0.0, ratio - errors.reach * error),
        high=min(1.0, ratio + errors.reach * error),
        probability_enlarged=float(probability_enlarged(ratio, error)),
        heart=frame.line(reading.size.heart, finer=FINER),
        chest=frame.line(reading.size.chest, finer=FINER),
        spacing_of=frame.image.spacing_of,
    )
