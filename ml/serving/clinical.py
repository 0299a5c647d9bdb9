"""From the values of a heart-failure record to the answers of the clinical models, with what each value contributes."""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import json
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ml.clinical.answer import ASSUMED, SENTENCES, ClinicalReason, ClinicalResult, Level, level_of
from ml.clinical.features import BY_NAME, NAMES, Finding, check_record, described
from ml.clinical.scores.result import Contribution, greatest_first
from ml.contract import ModelResult, Outcome, as_percent
from ml.explain.coalitions import Coalitions
from ml.explain.shapley import shapley
from ml.preprocessing.clinical_record import VERSION, as_rows
from ml.registry import ModelContract
from ml.serving.analysis import prediction_set
from ml.serving.signals import SignalMember, signal_member

CODE_VERSION = f"{VERSION}+clinical-serving-2"
MODELS = ("clinical-hybrid", "clinical-rf", "clinical-logistic", "clinical-cnn-residual", "clinical-cnn-bn")
# Rows that are explained together; more gain nothing and take more memory, about 1 MB each.
_EXPLAINED_TOGETHER = 16

Record = Mapping[str, float | str | None]
# The risk of a typical patient and the contributions; None and nothing where they were not asked for.
_Explained = tuple[float | None, tuple[Contribution, ...]]


@dataclasses.dataclass(frozen=True, slots=True)
class _Refusal:
    outcome: Outcome
    code: str
    message: str


def analyse_clinical(
    values: Record,
    *,
    heart_failure: bool | None = None,
    models: Sequence[str] = MODELS,
    explain: bool = True,
) -> tuple[ClinicalResult, ...]:
    """Let the clinical models answer for one record.

    Args:
        values: by name, in the units of ``ml.clinical.features``; None, or absent, where not known. Strange values give a result too.
        heart_failure: whether the person has heart failure; None where it is not said, and then every answer says that it assumes so.
        models: names of the models to ask.
        explain: whether to say what each value contributes, which takes a millisecond per model.

    Returns:
        One result per model. The same values give the same numbers.

    Raises:
        ModelNotFoundError: when no model has one of the names.
        TamperedArtefactError: when a file of a model is not the one that was measured.
    """
    return tuple(
        analyse_records([values], model=name, heart_failure=heart_failure, explain=explain)[0]
        for name in models
    )


def analyse_records(
    records: Sequence[Record],
    *,
    model: str = MODELS[0],
    heart_failure: bool | None = None,
    explain: bool = False,
) -> list[ClinicalResult]:
    """Let one model answer for many records at once; see ``analyse_clinical``.

    Args:
        records: values by name of each record.
        model: name of the model.
        heart_failure: whether these people have heart failure; None where it is not said.
        explain: whether to say what each value contributes.

    Returns:
        One result per record, in order.
    """
    opened = signal_member(model)
    started = time.perf_counter()
    findings = [check_record(record) for record in records]
    refusals = [
        _refusal(opened.contract, record, found, heart_failure=heart_failure)
        for record, found in zip(records, findings, strict=True)
    ]
    asked = [record for record, refusal in zip(records, refusals, strict=True) if refusal is None]
    rows = as_rows(asked)
    shares = opened.probabilities(values=rows).astype(np.float64)
    explained = _explained(opened, rows) if explain else [(None, ())] * len(rows)
    answers = iter(zip(rows, shares, explained, strict=True))
    parts = [
        _refused(refusal) if refusal else _answered(opened.contract, *next(answers)) for refusal in refusals
    ]
    duration = (time.perf_counter() - started) * 1000.0 / max(1, len(records))
    assumed = (ASSUMED,) if heart_failure is None else ()
    return [
        _result(opened, record, found if refusal else (*assumed, *found), part, duration)
        for record, found, refusal, part in zip(records, findings, refusals, parts, strict=True)
    ]


def _refusal(
    contract: ModelContract, record: Record, findings: Sequence[Finding], *, heart_failure: bool | None
) -> _Refusal | None:
    """Why the model is not asked, if it is not: values that stop, the wrong person, or too little known."""
    stopping = [finding for finding in findings if finding.stops]
    if stopping:
        message = " ".join(finding.message for finding in stopping)
        return _Refusal(Outcome.POOR_INPUT, stopping[0].reason_code, message)
    if heart_failure is False:
        return _because(Outcome.NOT_ELIGIBLE, ClinicalReason.NO_HEART_FAILURE)
    low, high = contract.input["ages"]
    age = record.get("age")
    if age is not None and not low <= float(age) <= high:
        return _because(Outcome.NOT_ELIGIBLE, ClinicalReason.AGE, low=low, high=high, age=float(age))
    missing = [name for name in NAMES if record.get(name) is None]
    telling = [BY_NAME[name].words for name in missing if name in contract.input["needed"]]
    if telling:
        return _because(Outcome.POOR_INPUT, ClinicalReason.TELLING_MISSING, names=" and ".join(telling))
    most = contract.input["most_missing"]
    if len(missing) > most:
        words = ", ".join(BY_NAME[name].words for name in missing)
        return _because(
            Outcome.POOR_INPUT, ClinicalReason.TOO_MANY_MISSING, count=len(missing), names=words, most=most
        )
    return None


def _because(outcome: Outcome, reason: ClinicalReason, **values: Any) -> _Refusal:
    return _Refusal(outcome, reason.value, SENTENCES[reason].format(**values))


def _refused(refusal: _Refusal) -> dict[str, Any]:
    """The parts of a result without an answer."""
    return {
        "outcome": refusal.outcome,
        "label": None,
        "confidence": None,
        "probabilities": {},
        "prediction_set": (),
        "reason_code": refusal.code,
        "message": refusal.message,
    }


def _answered(
    contract: ModelContract, row: NDArray[np.float32], shares: NDArray[np.float64], explained: _Explained
) -> dict[str, Any]:
    """The parts of a result that come from the model's probabilities, shape (2,), for a row (11,)."""
    risk = float(shares[1])
    level = level_of(risk, low_below=contract.levels["low_below"], high_from=contract.levels["high_from"])
    reference_risk, contributions = explained
    top = int(shares.argmax())
    sure = bool(shares[top] >= contract.abstention_threshold)
    if sure:
        message = (
            f"The estimated risk of death during follow-up is {as_percent(risk)}; the level is {level.value}."
        )
    else:
        message = SENTENCES[ClinicalReason.LOW_CONFIDENCE].format(risk=as_percent(risk), level=level.value)
    return {
        "outcome": Outcome.PREDICTED if sure else Outcome.ABSTAINED,
        "label": contract.labels[top] if sure else None,
        "confidence": float(shares[top]) if sure else None,
        "probabilities": {name: float(share) for name, share in zip(contract.labels, shares, strict=True)},
        "prediction_set": prediction_set(contract, shares),
        "reason_code": None if sure else ClinicalReason.LOW_CONFIDENCE.value,
        "message": " ".join([message, *_strongest(contributions)]),
        "level": level,
        "risk": risk,
        "reference_risk": reference_risk,
        "contributions": contributions,
        "imputed": {
            name: contract.input["typical"][name]
            for name, value in zip(NAMES, row.tolist(), strict=True)
            if np.isnan(value)
        },
    }


def _explained(opened: SignalMember, rows: NDArray[np.float32]) -> list[_Explained]:
    """Of each row the risk of a typical patient, and what each value of this one adds to it."""
    typical = np.array([opened.contract.input["typical"][name] for name in NAMES], dtype=np.float32)
    known = np.where(np.isnan(rows), typical, rows)
    alike: dict[bytes, list[int]] = {}
    for place, differs in enumerate(known != typical):
        alike.setdefault(differs.tobytes(), []).append(place)
    made: dict[int, _Explained] = {}
    for places in alike.values():
        for start in range(0, len(places), _EXPLAINED_TOGETHER):
            some = places[start : start + _EXPLAINED_TOGETHER]
            made |= zip(some, _explained_alike(opened, known[some], typical), strict=True)
    return [made[place] for place in range(len(rows))]


def _explained_alike(
    opened: SignalMember, known: NDArray[np.float32], typical: NDArray[np.float32]
) -> Iterator[_Explained]:
    """The same of complete rows that differ from the typical patient in the same features."""
    risks = opened.shares(coalitions_of(opened.contract).answers(known, typical))[..., 1]
    of_typical = risks.reshape(len(known), -1)[:, 0]
    differing = np.flatnonzero(known[0] != typical)
    for row, reference_risk, amounts in zip(known, of_typical, shapley(risks), strict=True):
        parts = [
            Contribution(
                name=NAMES[feature],
                words=described(BY_NAME[NAMES[feature]], float(row[feature])),
                amount=float(amount),
            )
            for feature, amount in zip(differing, amounts, strict=True)
        ]
        yield float(reference_risk), greatest_first(parts)


def coalitions_of(contract: ModelContract) -> Coalitions:
    """The graph of a model that has been verified, ready to explain answers; read once per process."""
    return _coalitions(contract.folder)


@functools.cache
def _coalitions(folder: Path) -> Coalitions:
    return Coalitions(folder / "model.onnx")


def _strongest(contributions: Sequence[Contribution]) -> list[str]:
    """Sentences about what raises and what lowers the risk most."""
    sentences = []
    for word, sign in (("raises", 1.0), ("lowers", -1.0)):
        strongest = next((one for one in contributions if one.amount * sign > 0.005), None)
        if strongest is not None:
            words = strongest.words[0].upper() + strongest.words[1:]
            sentences.append(f"{words} {word} the risk most.")
    return sentences


def _result(
    opened: SignalMember,
    record: Record,
    findings: tuple[Finding, ...],
    parts: dict[str, Any],
    duration_ms: float,
) -> ClinicalResult:
    """A result of its parts."""
    level: Level | None = parts.pop("level", None)
    clinical = {
        "risk": parts.pop("risk", None),
        "reference_risk": parts.pop("reference_risk", None),
        "contributions": parts.pop("contributions", ()),
        "imputed": parts.pop("imputed", {}),
    }
    contract = opened.contract
    result = ModelResult(
        **parts,
        model=contract.name,
        version=contract.version,
        weights_sha256=contract.weights_sha256,
        threshold=contract.abstention_threshold,
        heatmap_png=None,
        duration_ms=duration_ms,
        input_sha256=_hash(record),
        code_version=CODE_VERSION,
        device=opened.device["name"],
    )
    return ClinicalResult(result=result, level=level, findings=findings, **clinical)


def _hash(record: Record) -> str:
    """Hash of the values that a model may see, in the order of the features."""
    given = {name: record.get(name) for name in NAMES}
    return hashlib.sha256(json.dumps(given).encode()).hexdigest()
