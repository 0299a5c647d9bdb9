"""From files of clinical values to everything the suite says about them: the clinical models' answers, then the scores."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Sequence

from ml.clinical.scores.register import answer_all
from ml.clinical.snapshot import Snapshot, flag, read_snapshot, record_of
from ml.contract import Analysis, ModelResult
from ml.serving.clinical import MODELS, analyse_records


def analyse_snapshots(files: Sequence[bytes]) -> list[Analysis]:
    """Let every clinical model and every score answer for many people at once.

    Args:
        files: snapshots as ``ml.clinical.snapshot`` writes them.

    Returns:
        One analysis per file, in order. The same file gives the same numbers, alone or among others. Contributions are given by the
        model that decides, the first of ``MODELS``.

    Raises:
        SnapshotError: one of the files is no snapshot.
        ModelNotFoundError: a clinical model is not installed.
        TamperedArtefactError: a file of a model is not the one that was measured.
    """
    known = [read_snapshot(file) for file in files]
    hashes = [hashlib.sha256(file).hexdigest() for file in files]
    by_model = [_answers(model, known) for model in MODELS]
    return [
        Analysis(
            results=(
                *(dataclasses.replace(answers[place], input_sha256=sha256) for answers in by_model),
                *answer_all(one, input_sha256=sha256),
            )
        )
        for place, (one, sha256) in enumerate(zip(known, hashes, strict=True))
    ]


def _answers(model: str, known: Sequence[Snapshot]) -> list[ModelResult]:
    """One model's answers; those of whom heart failure is known, denied and not said are asked about apart."""
    answers: dict[int, ModelResult] = {}
    flags = [flag(one, "heart_failure") for one in known]
    for heart_failure in (True, False, None):
        places = [place for place, said in enumerate(flags) if said is heart_failure]
        given = analyse_records(
            [record_of(known[place]) for place in places],
            model=model,
            heart_failure=heart_failure,
            explain=model == MODELS[0],
        )
        answers |= {place: one.as_model_result() for place, one in zip(places, given, strict=True)}
    return [answers[place] for place in range(len(known))]
