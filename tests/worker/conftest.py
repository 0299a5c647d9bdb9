"""Fixtures of the worker's tests."""

from tests.workers import live_worker, services

__all__ = ["live_worker", "services"]
