"""A file of a page as RGB pixels."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ml.pages.reasons import PageReason, UnusablePage
from ml.pictures import UnreadableImageError, decode_image, eight_bit

_LONGEST = 3000  # pixels: ten per millimetre of A4; more costs time and shows nothing new


def open_picture(data: bytes) -> NDArray[np.uint8]:
    """Decode a JPEG, PNG, TIFF, WebP or other picture, turned as its EXIF orientation says.

    Args:
        data: the file's bytes.

    Returns:
        RGB, shape (height, width, 3), 0 to 255; reduced to at most 3,000 pixels; transparent parts are white.

    Raises:
        UnusablePage: `page_unreadable`.
    """
    try:
        image = eight_bit(decode_image(data))
    except UnreadableImageError as error:
        raise UnusablePage(PageReason.UNREADABLE, detail=str(error)) from error
    if image.mode in {"LA", "PA", "RGBA"} or "transparency" in image.info:
        overlay = image.convert("RGBA")
        image = Image.new("RGBA", overlay.size, "white")
        image.alpha_composite(overlay)
    factor = max(image.size) / _LONGEST
    image = image.convert("RGB")
    if factor > 1:
        smaller = (round(image.width / factor), round(image.height / factor))
        image = image.resize(smaller, Image.Resampling.BOX)
    return np.asarray(image)
