"""The scores by name: what each is called, where it comes from, and its answer to a snapshot of clinical values.

A score's definition is the code of its file and of what it shares with the others; its hash stands where a model has the hash of
its weights, so that a stored answer tells which definition gave it. Standard library only.
"""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ml.clinical import egfr, snapshot, units
from ml.clinical.egfr import LEAST_AGE, egfr_ckd_epi
from ml.clinical.scores import cha2ds2_vasc, maggic, prevent, result, score2
from ml.clinical.scores.result import NotApplicable, ScoreResult, Sex
from ml.clinical.snapshot import SMOKES, UNITS, Snapshot, flag
from ml.clinical.units import convert
from ml.contract import ModelResult, Outcome

VERSION = "1.1.0"
LEAST_HEIGHT_CM = 25.0  # of the catalogue
CODE_VERSION = f"clinical-snapshot-{snapshot.VERSION}"
_SHARED = (result, units, egfr, snapshot)

Answer = ScoreResult | NotApplicable


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """One score.

    Attributes:
        name: how it is stored, as a model's name.
        title: how it is written.
        asks: for whom it is, in words.
        source: paper, year and DOI.
        module: holds its definition.
        answer: what it says of a person.
    """

    name: str
    title: str
    asks: str
    source: str
    module: Any
    answer: Callable[[Snapshot], Answer]

    @property
    def sha256(self) -> str:
        """Hash of the definition, lower-case hexadecimal."""
        return _sha256(self.module, __file__)

    def contract(self) -> dict[str, Any]:
        """What is kept of a score beside its answers, as a model's ``model.json``."""
        return {
            "name": self.name,
            "version": VERSION,
            "task": f"{self.title}: {self.asks}.",
            "source": self.source,
            "sha256": {"definition": self.sha256},
        }


def _sex(known: Snapshot) -> Sex | None:
    return {"female": "female", "male": "male"}.get(known.sex)  # type: ignore[return-value]  # the two words


def _smokes(known: Snapshot) -> bool | None:
    smoking = known.number("smoking")
    return None if smoking is None else smoking == SMOKES


def _bmi(known: Snapshot) -> float | None:
    weight, height = known.number("weight"), known.number("height")
    if weight is None or height is None or height < LEAST_HEIGHT_CM:
        return None
    return round(weight / (height / 100.0) ** 2, 2)


def _filtration(known: Snapshot) -> float | None:
    creatinine, sex = known.number("serum_creatinine"), _sex(known)
    if not creatinine or sex is None or known.age < LEAST_AGE:
        return None
    return round(egfr_ckd_epi(creatinine_mg_dl=creatinine, age_years=known.age, sex=sex), 1)


def _in(known: Snapshot, code: str, quantity: str, unit: str) -> float | None:
    value = known.number(code)
    return None if value is None else round(convert(value, quantity, UNITS[code], unit), 1)


def known_disease(known: Snapshot) -> bool | None:
    """Whether cardiovascular disease is known: as answered, but yes wherever a disease that is one was answered with yes."""
    parts = [flag(known, code) for code in ("heart_failure", "stroke_or_tia", "vascular_disease")]
    return True if any(parts) else flag(known, "known_cvd")


def _maggic(known: Snapshot) -> Answer:
    nyha = known.number("nyha_class")
    return maggic.maggic(
        maggic.MaggicPatient(
            heart_failure=flag(known, "heart_failure"),
            age_years=known.age,
            sex=_sex(known),
            ejection_fraction_percent=known.number("ejection_fraction"),
            systolic_mmhg=known.number("systolic_pressure"),
            bmi=_bmi(known),
            creatinine_umol_l=_in(known, "serum_creatinine", "creatinine", "µmol/L"),
            nyha_class=None if nyha is None else int(nyha),
            smoker=_smokes(known),
            diabetes=flag(known, "diabetes"),
            copd=flag(known, "copd"),
            diagnosed_over_18_months=flag(known, "heart_failure_over_18_months"),
            beta_blocker=flag(known, "beta_blocker"),
            acei_or_arb=flag(known, "acei_or_arb"),
        )
    )


def _kidney_disease(known: Snapshot) -> bool:
    """Whether the filtration rate is known to be too low for SCORE2; where no creatinine is known, no kidney disease is."""
    filtration = _filtration(known)
    return filtration is not None and filtration < score2.LEAST_FILTRATION


REGIONS: tuple[score2.Region, ...] = ("low", "moderate", "high", "very high")


def _score2(known: Snapshot) -> Answer:
    return score2.score2(
        score2.Score2Patient(
            known_cvd=known_disease(known),
            diabetes=flag(known, "diabetes"),
            kidney_disease=_kidney_disease(known),
            age_years=known.age,
            sex=_sex(known),
            smoker=_smokes(known),
            systolic_mmhg=known.number("systolic_pressure"),
            cholesterol_mmol_l=known.number("total_cholesterol"),
            hdl_mmol_l=known.number("hdl_cholesterol"),
            region=next((region for region in REGIONS if region == known.region), None),
        )
    )


def _prevent(known: Snapshot) -> Answer:
    return prevent.prevent(
        prevent.PreventPatient(
            known_cvd=known_disease(known),
            age_years=known.age,
            sex=_sex(known),
            cholesterol_mg_dl=_in(known, "total_cholesterol", "cholesterol", "mg/dL"),
            hdl_mg_dl=_in(known, "hdl_cholesterol", "cholesterol", "mg/dL"),
            systolic_mmhg=known.number("systolic_pressure"),
            bmi=_bmi(known),
            egfr=_filtration(known),
            diabetes=flag(known, "diabetes"),
            smoker=_smokes(known),
            treated_pressure=flag(known, "treated_pressure"),
            statin=flag(known, "statin"),
        )
    )


def _stroke_patient(known: Snapshot) -> cha2ds2_vasc.StrokePatient:
    return cha2ds2_vasc.StrokePatient(
        atrial_fibrillation=flag(known, "atrial_fibrillation"),
        age_years=known.age,
        sex=_sex(known),
        heart_failure=flag(known, "heart_failure"),
        hypertension=flag(known, "high_blood_pressure"),
        diabetes=flag(known, "diabetes"),
        stroke=flag(known, "stroke_or_tia"),
        vascular_disease=flag(known, "vascular_disease"),
    )


SCORES: tuple[Score, ...] = (
    Score(
        name="maggic", title=maggic.NAME, asks="death in heart failure", source=maggic.SOURCE, module=maggic, answer=_maggic
    ),
    Score(
        name="score2", title=score2.NAME, asks="first cardiovascular event, for people without disease", source=score2.SOURCE,
        module=score2, answer=_score2,
    ),
    Score(
        name="prevent", title=prevent.NAME, asks="cardiovascular disease, for people without disease", source=prevent.SOURCE,
        module=prevent, answer=_prevent,
    ),
    Score(
        name="cha2ds2-vasc", title=cha2ds2_vasc.NAME, asks="stroke in atrial fibrillation", source=cha2ds2_vasc.SOURCE,
        module=cha2ds2_vasc, answer=lambda known: cha2ds2_vasc.cha2ds2_vasc(_stroke_patient(known)),
    ),
    Score(
        name="cha2ds2-va", title=cha2ds2_vasc.NAME_WITHOUT_SEX, asks="stroke in atrial fibrillation, without sex",
        source=cha2ds2_vasc.SOURCE_WITHOUT_SEX, module=cha2ds2_vasc,
        answer=lambda known: cha2ds2_vasc.cha2ds2_va(_stroke_patient(known)),
    ),
)  # fmt: skip
BY_NAME: dict[str, Score] = {score.name: score for score in SCORES}


def answer_all(known: Snapshot, *, input_sha256: str) -> list[ModelResult]:
    """What every score says of a person: a figure, or that it does not apply with the reason.

    Args:
        known: the person's values.
        input_sha256: hash of the file that holds them.
    """
    return [_as_model_result(score, known, input_sha256) for score in SCORES]


def _as_model_result(score: Score, known: Snapshot, input_sha256: str) -> ModelResult:
    started = time.perf_counter()
    said = score.answer(known)
    parts = _figures(said, known) if isinstance(said, ScoreResult) else _not_eligible(said)
    return ModelResult(
        model=score.name,
        version=VERSION,
        weights_sha256=score.sha256,
        label=None,
        confidence=None,
        prediction_set=(),
        threshold=0.0,
        heatmap_png=None,
        duration_ms=(time.perf_counter() - started) * 1000.0,
        input_sha256=input_sha256,
        code_version=CODE_VERSION,
        device="cpu",
        **parts,
    )


def _not_eligible(said: NotApplicable) -> dict[str, Any]:
    """The parts of an answer of a score that does not apply."""
    return {
        "outcome": Outcome.NOT_ELIGIBLE,
        "probabilities": {},
        "reason_code": said.reason_code,
        "message": said.message,
    }


def _figures(said: ScoreResult, known: Snapshot) -> dict[str, Any]:
    """The parts of an answer with figures; the probabilities are of outcomes within different times and do not sum to 1."""
    return {
        "outcome": Outcome.PREDICTED,
        "probabilities": {name: risk / 100.0 for name, risk in said.risks.items()},
        "reason_code": None,
        "message": _sentence(said),
        "explanation": _explained(said) | {"age": known.age},
    }


def _sentence(said: ScoreResult) -> str:
    parts = [f"{said.points} points"] if said.points is not None else []
    parts += [f"{risk:.1f} % {name}" for name, risk in said.risks.items()]
    return f"{said.score}: {', '.join(parts)}."


def _explained(said: ScoreResult) -> dict[str, Any]:
    return {
        "points": said.points,
        "risks": said.risks,
        "contributions": [dataclasses.asdict(part) for part in said.contributions],
        "unit": said.unit,
        "note": said.note,
        "source": said.source,
    }


@functools.cache
def _sha256(module: Any, register: str) -> str:
    digest = hashlib.sha256()
    for path in (module.__file__, *(shared.__file__ for shared in _SHARED), register):
        digest.update(Path(path).read_bytes())
    return digest.hexdigest()
