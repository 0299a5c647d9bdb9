"""Models of identity and access."""

from accounts.models.api_key import ApiKey
from accounts.models.audit_event import AuditEvent
from accounts.models.user import User

__all__ = ["ApiKey", "AuditEvent", "User"]
