"""Trainings that do not need each other, as many at once as there are processors."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable, Iterable
from concurrent.futures import ProcessPoolExecutor
from typing import TypeVar

Job = TypeVar("Job")
Result = TypeVar("Result")


def _one_thread() -> None:
    """TensorFlow of this process computes in one thread: two trainings side by side are faster than one with two threads."""
    import tensorflow as tf

    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)


def side_by_side(work: Callable[[Job], Result], jobs: Iterable[Job]) -> list[Result]:
    """Do every job in a process that has done no other, and return what they gave in their order.

    Args:
        work: a function of a module (or `functools.partial` of one), with what it needs.
        jobs: what to do it with.
    """
    spawned = multiprocessing.get_context("spawn")  # a fork after TensorFlow has started hangs
    with ProcessPoolExecutor(
        os.cpu_count(), mp_context=spawned, initializer=_one_thread, max_tasks_per_child=1
    ) as pool:
        return list(pool.map(work, jobs))
