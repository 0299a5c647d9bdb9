"""Making, checking and revoking API keys."""

from __future__ import annotations

import datetime as dt
import hashlib
import secrets
from typing import TYPE_CHECKING

from django.conf import settings
from django.db.models import Q
from django.utils import timezone

from accounts import audit
from accounts.models import ApiKey

if TYPE_CHECKING:
    from collections.abc import Iterable

    from accounts.models import User

USED_RESOLUTION = dt.timedelta(minutes=1)


def _digest(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()


def create_api_key(
    *, user: User, scopes: Iterable[str], expires_days: int | None = None
) -> tuple[ApiKey, str]:
    """Make a key for `user`; returns its row and the key itself, which is shown this once.

    Raises:
        ValueError: no scope, or an unknown one.
    """
    from accounts.models.api_key import Scope

    wanted = sorted(set(scopes))
    unknown = [scope for scope in wanted if scope not in Scope.values]
    if unknown or not wanted:
        raise ValueError(
            f"Unknown scope: {', '.join(unknown) or 'none given'}. Choose from {', '.join(Scope.values)}."
        )
    key = f"cc_{secrets.token_urlsafe(32)}"
    expires_at = timezone.now() + dt.timedelta(days=expires_days) if expires_days else None
    row = ApiKey.objects.create(
        user=user, prefix=key[:10], key_sha256=_digest(key), scopes=wanted, expires_at=expires_at
    )
    audit.record(audit.Action.PERMISSION, obj=row, detail={"user": user.pk, "scopes": wanted})
    return row, key


def find_api_key(key: str) -> ApiKey | None:
    """The valid key with this secret, its use noted to the minute; None if unknown, expired, revoked or its user inactive."""
    now = timezone.now()
    row = (
        ApiKey.objects.select_related("user")
        .filter(Q(expires_at=None) | Q(expires_at__gt=now), key_sha256=_digest(key), revoked_at=None)
        .filter(user__is_active=True)
        .filter(Q(user__is_demo=False) | Q(user__is_demo=settings.DEMO_MODE))
        .first()
    )
    if row is not None and (row.last_used_at is None or now - row.last_used_at > USED_RESOLUTION):
        ApiKey.objects.filter(pk=row.pk).update(last_used_at=now)
    return row


def revoke_api_key(*, key: ApiKey) -> None:
    """Make a key useless from now on."""
    ApiKey.objects.filter(pk=key.pk, revoked_at=None).update(revoked_at=timezone.now())
    audit.record(audit.Action.PERMISSION, obj=key, detail={"revoked": True})
