"""An uploaded picture, made fit to be sent to a browser."""

from __future__ import annotations

import io

from django.core.files.storage import default_storage
from PIL import Image, ImageOps

from diagnostics.kinds import PICTURES

LONGEST_EDGE = 1200


def safe_png(storage_name: str) -> bytes:
    """The stored picture, decoded and encoded again: upright, at most 1200 pixels, no metadata, nothing of the original file.

    The file was accepted by diagnostics.services.inspection, so its pixels are within the limit.

    Raises:
        OSError: the storage does not give it, or it cannot be decoded any more.
    """
    with default_storage.open(storage_name, "rb") as file:
        data = file.read()
    with Image.open(io.BytesIO(data), formats=tuple(PICTURES)) as image:
        upright = ImageOps.exif_transpose(image)
        if "A" in upright.getbands() or "transparency" in upright.info:
            upright = upright.convert("RGBA")
            paper = Image.new("RGBA", upright.size, "white")
            paper.alpha_composite(upright)
            upright = paper
        picture = upright.convert("RGB")
    picture.thumbnail((LONGEST_EDGE, LONGEST_EDGE))
    stream = io.BytesIO()
    Image.frombytes("RGB", picture.size, picture.tobytes()).save(stream, "PNG")
    return stream.getvalue()
