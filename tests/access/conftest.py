"""One world per module: making it costs far more than most tests, which each get its rows, files and people back unchanged."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any

import pytest
from django.conf import settings
from django.db import transaction
from django.test import override_settings

from tests.access.world import World
from tests.conftest import stored_in

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(scope="module")
def made(
    django_db_setup: None, django_db_blocker: Any, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[World, Path]]:
    """A world and the folder of its files, in a transaction around all tests of the module; theirs are savepoints in it."""
    folder = tmp_path_factory.mktemp("world")
    with django_db_blocker.unblock(), transaction.atomic():
        with override_settings(STORAGES=stored_in(settings.STORAGES, folder)):
            world = World()
        yield world, folder
        transaction.set_rollback(True)


@pytest.fixture
def world(made: tuple[World, Path], db: None, media: Path) -> World:
    """The module's world with people, clients and files of this test's own."""
    world, folder = made
    shutil.copytree(folder, media)
    return world.again()
