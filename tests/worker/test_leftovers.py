"""What killed processes leave where files arrive."""

from __future__ import annotations

import os
import time

from diagnostics.services import leftovers
from worker.tasks import remove_leftovers


def old(path):
    os.utime(path, (time.time() - leftovers.OLD_S - 1,) * 2)
    return path


def test_old_files_and_folders_go_and_what_is_being_received_stays(tmp_path, settings):
    settings.FILE_UPLOAD_TEMP_DIR = str(tmp_path)
    outside = tmp_path.parent / "outside"
    outside.write_bytes(b"kept")
    for name in ("old", "new"):
        folder = tmp_path / f"cardiocare-dicom-{name}"
        folder.mkdir()
        (folder / "object").write_bytes(b"x")
        (tmp_path / f"{name}.dcm").write_bytes(b"x")
    old(tmp_path / "old.dcm")
    old(tmp_path / "cardiocare-dicom-old")
    (tmp_path / "link").symlink_to(outside)
    os.utime(tmp_path / "link", (0, 0), follow_symlinks=False)
    remove_leftovers()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["cardiocare-dicom-new", "new.dcm"]
    assert outside.read_bytes() == b"kept"


def test_the_folder_of_the_system_is_left_alone(settings):
    settings.FILE_UPLOAD_TEMP_DIR = None
    assert leftovers.remove() == 0
