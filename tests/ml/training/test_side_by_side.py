"""Jobs in processes of their own: every result in its place, each process used once, and an error comes through."""

from __future__ import annotations

import functools
import os

import pytest

from ml.training.side_by_side import side_by_side


def power(base: int, exponent: int) -> tuple[int, int]:
    return base**exponent, os.getpid()


def refuse(job: int) -> int:
    raise ValueError(f"job {job} cannot be done")


def test_results_come_in_the_order_of_the_jobs_each_from_a_process_of_its_own(keras):
    results, processes = zip(*side_by_side(functools.partial(power, 2), range(3)), strict=True)
    assert results == (1, 2, 4)
    assert len({*processes, os.getpid()}) == 4


def test_what_fails_in_a_job_is_told():
    with pytest.raises(ValueError, match="job 1 cannot be done"):
        side_by_side(refuse, [1])
