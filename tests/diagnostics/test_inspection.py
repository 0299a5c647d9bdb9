"""What a file is, is found from its bytes; everything else is refused with its reason."""

from __future__ import annotations

import hashlib
import io
import re

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from diagnostics.kinds import PICTURES
from diagnostics.reasons import Reason
from diagnostics.services.inspection import Inspected, Refused, inspect
from tests import images
from tests.diagnostics.files import BAD, GOOD, JPEG, PNG, WEBP, several_jpegs


@pytest.mark.parametrize("name", BAD)
def test_a_bad_file_is_refused_with_its_reason_and_a_sentence_that_says_it(name):
    data, code, words = BAD[name]
    with pytest.raises(Refused) as refusal:
        inspect(io.BytesIO(data))
    assert refusal.value.reason.value == code
    assert re.search(words, refusal.value.message)
    assert re.fullmatch(r"[A-Z].{20,200}\.", refusal.value.message), (
        "one or more whole sentences, no placeholders left"
    )
    assert not re.search(r"[{}]", refusal.value.message)


@pytest.mark.parametrize("name", GOOD)
def test_a_good_file_is_known_by_its_content(name):
    data, media_type = GOOD[name]
    assert inspect(io.BytesIO(data)) == Inspected(media_type, len(data), hashlib.sha256(data).hexdigest())


def test_the_limit_is_the_last_size_accepted(settings):
    settings.UPLOAD_MAX_BYTES = len(PNG)
    assert inspect(io.BytesIO(PNG)).size == len(PNG)
    with pytest.raises(Refused) as refusal:
        inspect(io.BytesIO(PNG + b"\0"))
    assert refusal.value.reason is Reason.TOO_LARGE


@pytest.mark.parametrize(("limit", "found"), [(96 * 96, "image/png"), (96 * 96 - 1, Reason.TOO_MANY_PIXELS)])
def test_the_pixel_limit_is_exact(settings, limit, found):
    settings.UPLOAD_MAX_PIXELS = limit
    assert outcome(PNG) == found


@pytest.mark.parametrize(("size", "found"), [(31, Reason.TOO_SMALL), (32, "image/png")])
def test_the_smallest_side_is_32_pixels(size, found):
    assert outcome(images.png(size=size)) == found


def outcome(data):
    """The media type or the reason; anything but Refused goes through."""
    try:
        return inspect(io.BytesIO(data)).media_type
    except Refused as refusal:
        return refusal.reason


MANY = settings(
    max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


@MANY
@given(
    st.binary(max_size=4000),
    st.sampled_from([b"", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"RIFF\x20\0\0\0WEBP", b"GIF89a", b"<svg"]),
)
def test_random_bytes_are_refused_and_raise_nothing_else(data, head):
    assert outcome(head + data) in {
        Reason.EMPTY, Reason.UNKNOWN_TYPE, Reason.TRUNCATED, Reason.NOT_AN_IMAGE, Reason.TOO_MANY_PIXELS, Reason.TOO_SMALL,
    }  # fmt: skip


@MANY
@given(
    st.sampled_from([PNG, JPEG, WEBP, several_jpegs()]),
    st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 255)), min_size=1, max_size=8),
)
def test_images_with_changed_bytes_are_accepted_or_refused_and_raise_nothing_else(data, changes):
    mutated = bytearray(data)
    for place, value in changes:
        mutated[int(place * len(mutated))] = value
    assert isinstance(outcome(bytes(mutated)), str)


@MANY
@given(st.sampled_from([PNG, JPEG, WEBP]), st.floats(0, 1), st.binary(min_size=1, max_size=200))
def test_whatever_is_cut_off_or_hung_on_is_refused(data, share, tail):
    cut = data[: int(share * (len(data) - 1))]
    assert isinstance(outcome(cut), Reason)
    if tail.strip(b"\0"):
        assert outcome(data + tail) is Reason.HIDDEN_DATA


@MANY
@given(st.binary(max_size=300))
def test_a_tail_behind_an_image_without_its_end_never_gets_in(tail):
    assert isinstance(outcome(PNG[:-12] + tail), Reason)


@MANY
@given(
    seed=st.integers(0, 10_000),
    size=st.integers(32, 200),
    kind=st.sampled_from(sorted(PICTURES)),
    mode=st.sampled_from(["L", "RGB", "1"]),
)
def test_every_whole_image_is_accepted(seed, size, kind, mode):
    data = images.encoded(images.picture(seed=seed, size=size).convert(mode), kind)
    assert outcome(data) == PICTURES[kind][0]
