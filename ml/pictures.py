"""Files of pictures: decoding them within limits."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

MAX_PIXELS = 60_000_000


class UnreadableImageError(ValueError):
    """The bytes are no picture that can be decoded."""


def decode_image(data: bytes, *, enough: int | None = None) -> Image.Image:
    """Decode a picture of any common format.

    Args:
        data: the file's bytes.
        enough: pixels of an edge that are enough: a JPEG may then be decoded at a half, a quarter or an eighth; None for every pixel.

    Returns:
        The decoded picture, turned as its EXIF orientation says.

    Raises:
        UnreadableImageError: when the bytes are no picture, are damaged, or hold too many pixels.
    """
    try:
        image = Image.open(io.BytesIO(data))
        if image.width * image.height > MAX_PIXELS:
            raise UnreadableImageError(f"the picture has more than {MAX_PIXELS // 1_000_000} million pixels")
        if enough:
            image.draft("RGB", (enough, enough))
        image.load()
        ImageOps.exif_transpose(image, in_place=True)
    except UnreadableImageError:
        raise
    except UnidentifiedImageError as error:  # its text is about our own objects, not about the file
        raise UnreadableImageError("it is of no kind of picture that is known") from error
    except (Image.DecompressionBombError, OSError, ValueError, SyntaxError) as error:
        raise UnreadableImageError(f"the bytes are no readable picture: {error}") from error
    except Exception as error:  # decoders raise whatever a damaged file leads them to
        raise UnreadableImageError(f"the picture is damaged: {error}") from error
    return image


def eight_bit(image: Image.Image) -> Image.Image:
    """A picture of deep grey (16 or 32 bits, or fractions) as one of 0 to 255 between its darkest and lightest; others as they are."""
    if not image.mode.startswith(("I", "F")):
        return image
    values = np.nan_to_num(np.asarray(image, dtype=np.float64), nan=0.0, posinf=0.0, neginf=0.0)
    low, high = float(values.min()), float(values.max())
    scaled = (values - low) * (255.0 / (high - low) if high > low else 0.0)
    return Image.fromarray(np.rint(scaled).astype(np.uint8))
