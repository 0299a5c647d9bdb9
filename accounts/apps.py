"""Identity and access: users, roles, API keys, access policy, audit trail."""

from django.apps import AppConfig


class AccountsConfig(AppConfig):
    """Registers the sign-in audit and the database privileges."""

    name = "accounts"

    def ready(self) -> None:
        """Connect the handlers that Django calls on sign-in and after migrations."""
        from accounts import database, sign_in

        sign_in.connect()
        database.connect()
