"""The pictures that both ways read."""

from __future__ import annotations

from ml.datasets import simulated

LABELS = ("Normal", "LBBB", "RBBB", "PAC", "PVC", "VF")


def beats(count: int, *, start: int = 0) -> dict[str, bytes]:
    """Simulated heartbeats of all classes in turn on ECG paper, as PNG by file name; each number is another picture."""
    return {
        f"beat-{number:04d}.png": simulated.beat_png(
            LABELS[number % len(LABELS)], seed=number, size=320, style="paper"
        )
        for number in range(start, start + count)
    }
