"""Bad files, made by hand: what each one pretends, and why it must not get in."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from pathlib import Path

from tests import images

EICAR = rb"X5O!P%@AP[4\PZX54(P^)7CC)7}$EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"


def png_chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png_declaring(width: int, height: int) -> bytes:
    """A PNG of a few bytes that claims to be huge."""
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    rows = zlib.compress(b"\0" * 1000)
    return (
        b"\x89PNG\r\n\x1a\n" + png_chunk(b"IHDR", header) + png_chunk(b"IDAT", rows) + png_chunk(b"IEND", b"")
    )


def archive() -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as bundle:
        bundle.writestr("evil.exe", b"MZ" + b"x" * 50)
    return stream.getvalue()


def webp(seed: int = 0) -> bytes:
    return images.encoded(images.picture(seed=seed), "WEBP")


def jpeg_with_segment(marker: int, payload: bytes) -> bytes:
    """A JPEG with one more segment after its start, as cameras write comments and metadata."""
    data = images.jpeg(seed=3)
    return data[:2] + bytes([0xFF, marker]) + struct.pack(">H", len(payload) + 2) + payload + data[2:]


def png_with_text(payload: bytes) -> bytes:
    data = images.png(seed=3)
    return data[:33] + png_chunk(b"tEXt", b"Comment\0" + payload) + data[33:]


def several_jpegs() -> bytes:
    """The multi-picture format of phones: a second JPEG follows the first."""
    stream = io.BytesIO()
    images.picture(seed=1).save(stream, "MPO", save_all=True, append_images=[images.picture(seed=2)])
    return stream.getvalue()


def dicom() -> bytes:
    from pydicom.data import get_testdata_file

    return Path(str(get_testdata_file("CT_small.dcm"))).read_bytes()


PNG, JPEG, WEBP = images.png(seed=3), images.jpeg(seed=3), webp(3)
# name -> bytes, reason code, words of the sentence that tell this case from others
BAD: dict[str, tuple[bytes, str, str]] = {
    "empty.png": (b"", "empty_file", "is empty"),
    "truncated.png": (PNG[: len(PNG) // 2], "truncated_file", "breaks off"),
    "truncated.jpg": (JPEG[: len(JPEG) // 2], "truncated_file", "breaks off"),
    "truncated.webp": (WEBP[: len(WEBP) // 2], "truncated_file", "breaks off"),
    "header-only.png": (PNG[:20], "truncated_file", "breaks off"),
    "no-end.png": (PNG[:-12], "truncated_file", "breaks off"),
    "no-end.jpg": (JPEG[:-2], "truncated_file", "breaks off"),
    "bomb.png": (png_declaring(10_000, 10_000), "too_many_pixels", "100 million pixels"),
    "huge-bomb.png": (png_declaring(30_000, 30_000), "too_many_pixels", "more than 178 million pixels"),
    "tiny.png": (images.png(size=16), "too_small", "16 x 16"),
    "drawing.png": (
        b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"/>',
        "active_content",
        "an SVG drawing",
    ),
    "page.png": (
        b"<!DOCTYPE html><html><script>alert(1)</script></html>",
        "active_content",
        "an SVG drawing|a web page",
    ),
    "script.jpg": (b"  \n<script>alert(1)</script>", "active_content", "a web page"),
    "eicar.png": (EICAR, "unsupported_type", "a file of another kind"),
    "png+eicar.png": (PNG + EICAR, "hidden_data", "Other data follow"),
    "png+zip.png": (PNG + archive(), "hidden_data", "Other data follow"),
    "jpeg+zip.jpg": (JPEG + archive(), "hidden_data", "Other data follow"),
    "webp+zip.webp": (WEBP + archive(), "hidden_data", "Other data follow"),
    "endless-png+zip.png": (PNG[:-12] + archive(), "truncated_file", "breaks off"),
    "endless-jpeg+zip.jpg": (JPEG[:-2] + archive(), "truncated_file", "breaks off"),
    "phone+zip.jpg": (several_jpegs() + archive(), "hidden_data", "Other data follow"),
    "phone-cut-off.jpg": (several_jpegs()[:-2], "truncated_file", "breaks off"),
    "jpeg+jpeg.jpg": (JPEG + JPEG, "hidden_data", "Other data follow"),
    "study.png": (dicom(), "dicom_image", "without an ECG"),
    "letter.pdf": (b"%PDF-1.7\n" + b"x" * 100, "truncated_file", "breaks off"),
    "appended.pdf": (b"%PDF-1.7\n%%EOF\nPK\x03\x04", "hidden_data", "follow the end"),
    "iphone.heic": (b"\0\0\0\x24ftypheic" + b"\0" * 100, "heic_photo", "as JPEG"),
    "letter.docx": (archive(), "unsupported_type", "a zip archive or Office document"),
    "program.png": (b"MZ" + b"\0" * 100, "unsupported_type", "a Windows program"),
    "moving.gif": (images.encoded(images.picture(), "GIF"), "unsupported_type", "a GIF image"),
    "scan.tiff": (images.encoded(images.picture(), "TIFF")[:2000], "truncated_file", "breaks off"),
    "paint.bmp": (images.encoded(images.picture(), "BMP"), "unsupported_type", "a BMP image"),
    "noise.png": (bytes(range(256)) * 4, "unsupported_type", "a file of another kind"),
}
GOOD: dict[str, tuple[bytes, str]] = {
    "beat.png": (PNG, "image/png"),
    "beat.jpg": (JPEG, "image/jpeg"),
    "beat.webp": (WEBP, "image/webp"),
    "scan.tif": (images.encoded(images.picture(seed=6), "TIFF"), "image/tiff"),
    "report.pdf": (b"%PDF-1.7\n%%EOF\n", "application/pdf"),
    "named-wrongly.pdf": (images.png(seed=4), "image/png"),
    "no ending": (images.jpeg(seed=4), "image/jpeg"),
    "comment.jpg": (jpeg_with_segment(0xFE, b"made by \xff\xd9 PK\x03\x04 a camera"), "image/jpeg"),
    "metadata.jpg": (jpeg_with_segment(0xEC, EICAR), "image/jpeg"),
    "text.png": (png_with_text(b"IEND PK\x03\x04"), "image/png"),
    "phone.jpg": (several_jpegs(), "image/jpeg"),
    "padded.png": (PNG + b"\0" * 64, "image/png"),
}
