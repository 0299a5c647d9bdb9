"""UIDs that are computed, so that the same thing gets the same UID each time (PS3.5 B.2: ``2.25.`` and a UUID as a number)."""

from __future__ import annotations

import hashlib
import hmac
import uuid


def derived_uid(*parts: str, key: bytes = b"") -> str:
    """A UID that is the same whenever the same parts are given with the same key.

    Args:
        parts: what the UID stands for.
        key: whoever has it can tell whether a UID came from given parts; without one, anybody can.

    Returns:
        At most 44 characters, ``2.25.`` and a number.
    """
    digest = hmac.new(key, "\0".join(parts).encode(), hashlib.sha256).digest()
    return f"2.25.{uuid.UUID(bytes=digest[:16], version=5).int}"
