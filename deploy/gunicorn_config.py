"""Settings of Gunicorn that every way of serving shares, read by its `--config`."""

from __future__ import annotations

import importlib

workers = 2
threads = 8
control_socket_disable = True
# What draws the frames of studies.
DRAWING = ("ml.dicom.opening", "ml.dicom.frames", "ml.dicom.display", "ml.dicom.png")


def warm_up() -> None:
    """Import what the first pages and the first picture need: most of a second, which no doctor has to wait for."""
    from django.urls import resolve

    resolve("/")
    for name in DRAWING:
        importlib.import_module(name)


def post_worker_init(worker: object) -> None:
    """A process has the application and is about to serve, Gunicorn says: warm it first, for threads must not import at the same time."""
    warm_up()
