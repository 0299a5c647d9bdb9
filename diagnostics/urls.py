"""Routes of signing in and of administration."""

from django.urls import path

app_name = "diagnostics"
urlpatterns: list = []
