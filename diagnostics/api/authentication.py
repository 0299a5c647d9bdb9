"""`Authorization: Bearer KEY`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed

from accounts import actor as acting_module
from accounts.services.api_keys import find_api_key

if TYPE_CHECKING:
    from rest_framework.request import Request

    from accounts.models import ApiKey, User


class ApiKeyAuthentication(BaseAuthentication):
    """Makes the key's user the actor, limited to the key's scopes."""

    def authenticate(self, request: Request) -> tuple[User, ApiKey] | None:
        """The user and the key; None if no Bearer key is given."""
        scheme, _, secret = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer":
            return None
        key = find_api_key(secret.strip())
        if key is None:
            raise AuthenticationFailed(
                "This API key is unknown, expired or revoked. Ask the administrator for a new one."
            )
        acting_module.become(key.user, scopes=frozenset(key.scopes))
        return key.user, key

    def authenticate_header(self, request: Request) -> str:  # DRF's signature
        """What a 401 asks for."""
        return 'Bearer realm="CardioCare"'


class ApiKeyScheme(OpenApiAuthenticationExtension):
    """Describes the key in the OpenAPI document."""

    target_class = ApiKeyAuthentication
    name = "ApiKey"

    def get_security_definition(self, auto_schema: object) -> dict[str, str]:  # the library's signature
        """HTTP bearer."""
        return {"type": "http", "scheme": "bearer"}
