"""How many threads work on one thing that a person waits for."""

from __future__ import annotations

import os

# A session of ONNX Runtime, and a warp of Pillow, compute in the thread that calls them. More than two would take the other workers' cores.
SIDE_BY_SIDE = max(1, min(2, os.cpu_count() or 1))
