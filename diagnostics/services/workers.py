"""What workers report about themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.utils import timezone

from diagnostics.models import WorkerNode

if TYPE_CHECKING:
    from collections.abc import Sequence


def heartbeat(*, name: str, queues: Sequence[str], device: str, has_gpu: bool) -> None:
    """Note that a worker is alive."""
    WorkerNode.objects.update_or_create(
        name=name,
        defaults={"queues": list(queues), "device": device, "has_gpu": has_gpu, "last_seen": timezone.now()},
    )


def goodbye(*, name: str) -> None:
    """Note that a worker has ended."""
    WorkerNode.objects.filter(name=name).delete()
