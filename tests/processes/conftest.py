"""Fixtures of the tests with real processes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.workers import live_worker, services

if TYPE_CHECKING:
    from accounts.models import User

__all__ = ["live_worker", "services"]
HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """All tests of this folder start processes."""
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.processes)


@pytest.fixture
def doctor(transactional_db: None) -> User:
    """A doctor, in a database that other processes see."""
    from accounts.roles import Role
    from tests import factories

    return factories.user(Role.DOCTOR, "doctor")
