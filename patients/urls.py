"""Routes of signing in and of administration."""

from django.urls import path

app_name = "patients"
urlpatterns: list = []
