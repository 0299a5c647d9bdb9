"""The site."""

from django.apps import AppConfig


class SiteConfig(AppConfig):
    """Registers the system checks."""

    name = "cardiocare_site"

    def ready(self) -> None:
        """Import the checks, which registers them."""
        from cardiocare_site import checks  # noqa: F401  # importing it registers them
