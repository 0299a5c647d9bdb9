"""Files that a killed process left where files arrive: they hold what patients sent, and nothing else would remove them."""

from __future__ import annotations

import contextlib
import shutil
import time
from pathlib import Path

from django.conf import settings

OLD_S = 86_400  # nothing is received, unpacked or read for so long


def remove() -> int:
    """Remove what is older than a day from TEMP_DIR, and how many there were; the system's own folder is left to the system."""
    if not settings.FILE_UPLOAD_TEMP_DIR:
        return 0
    oldest, removed = time.time() - OLD_S, 0
    for path in Path(settings.FILE_UPLOAD_TEMP_DIR).iterdir():
        with contextlib.suppress(FileNotFoundError):  # gone meanwhile
            if path.lstat().st_mtime >= oldest:
                continue
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink()
            removed += 1
    return removed
