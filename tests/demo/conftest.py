"""Fixtures of the demo's tests."""

from tests.workers import live_worker, services

__all__ = ["live_worker", "services"]
