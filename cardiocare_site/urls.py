"""Routes."""

from django.urls import include, path

from cardiocare_site import health, pages

urlpatterns = [
    path("", pages.home, name="home"),
    path("styleguide/", pages.styleguide, name="styleguide"),
    path("health/live", health.live, name="health-live"),
    path("health/ready", health.ready, name="health-ready"),
    path("accounts/", include("accounts.urls")),
    path("patients/", include("patients.urls")),
    path("", include("diagnostics.urls")),
    path("api/dicomweb/", include("diagnostics.api.dicomweb.urls")),
    path("api/v1/", include("diagnostics.api.urls")),
]
