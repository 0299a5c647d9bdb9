"""The result of a clinical record as its page shows it: shapes for the components, no decisions."""

from __future__ import annotations

import logging
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from django.core.files.storage import default_storage
from django.utils.dateparse import parse_datetime

from diagnostics import opinions, risk_clinical
from diagnostics.models import ModelVersion
from diagnostics.risk_categories import called
from diagnostics.views.shown import fact, percent, provenance
from ml.clinical.answer import SENTENCES, ClinicalReason
from ml.clinical.features import BY_NAME as FEATURES
from ml.clinical.features import ValueReason, described
from ml.clinical.scores.register import BY_NAME as SCORES
from ml.clinical.snapshot import SnapshotError, read_snapshot
from ml.contract import as_percent
from patients.charts import contribution_chart
from patients.clinical.catalogue import CATALOGUE

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from diagnostics.models import Diagnosis, Prediction

log = logging.getLogger(__name__)
FOREST, NETWORKS = "clinical-rf", "clinical-cnn-"
# Findings with a place of their own on the page.
SAID_ELSEWHERE = {ValueReason.MISSING, ClinicalReason.HEART_FAILURE_ASSUMED}
SMALLEST = 0.0005  # contributions below a twentieth of a percentage point are left out of the chart
FOLLOW_UP = "The days of follow-up (time), which the public data have, are not used: they are only known afterwards and tell the outcome."


def clinical_result(diagnosis: Diagnosis) -> dict[str, Any]:
    """The context of diagnostics/_clinical.html."""
    answers = diagnosis.answers()
    contracts = _contracts(answers)
    decides = next((one for one in answers if one.model == opinions.CLINICAL), None)
    by_name = {one.model: one for one in answers}
    of_scores = [by_name[name] for name in SCORES if name in by_name]
    said = decides.explanation if decides is not None else {}
    return {
        "decides": decides,
        "level": said.get("level", ""),
        "assumed": SENTENCES[ClinicalReason.HEART_FAILURE_ASSUMED]
        if risk_clinical.assumes_heart_failure(said)
        else "",
        "risk": as_percent(said["risk"]) if said.get("level") else "",
        "observed": risk_clinical.observed(contracts.get(opinions.CLINICAL, {}), said.get("level", "")),
        "chart": _chart(said) if said.get("contributions") else None,
        "imputed": [
            described(FEATURES[name], float(value)) for name, value in said.get("imputed", {}).items()
        ],
        "findings": [
            one["message"] for one in said.get("findings", []) if one["reason_code"] not in SAID_ELSEWHERE
        ],
        "follow_up": FOLLOW_UP,
        "models": _models(opinions.of_one_question(answers)),
        "models_say": diagnosis.models_say if said.get("level") else "",
        "compared": compared(contracts),
        "scores": _scores(of_scores),
        "parts": [_parts(one) for one in of_scores if one.explanation],
        "values": _values(diagnosis),
        "provenance": [(str(one.model_version), provenance(one)) for one in answers],
    }


def _contracts(answers: Sequence[Prediction]) -> dict[str, dict[str, Any]]:
    """What each model promised when it answered, by its name."""
    versions = ModelVersion.objects.filter(pk__in=[one.model_version_id for one in answers])
    return dict(versions.values_list("name", "contract"))


def _chart(said: Mapping[str, Any]) -> dict[str, Any]:
    parts = [part for part in said["contributions"] if abs(part["amount"]) >= SMALLEST]
    heads = ["Value", "Changes the risk by"]
    rows = [
        [
            {"label": heads[0], "value": part["words"]},
            {"label": heads[1], "value": f"{100 * part['amount']:+.1f} percentage points", "numeric": True},
        ]
        for part in parts
    ]
    before = as_percent(said["reference_risk"])
    return contribution_chart(
        key="contributions",
        title=f"What leads from a typical patient's risk of {before} to this patient's {as_percent(said['risk'])}",
        rows=[(part["words"], 100 * part["amount"]) for part in parts],
        unit="percentage points",
        table={
            "caption": "Contribution of each value",
            "columns": [{"label": heads[0]}, {"label": heads[1], "numeric": True}],
            "rows": rows,
        },
    )


def _models(answers: Sequence[Prediction]) -> dict[str, Any]:
    heads = ["Model", "Risk", "Level", "Names an outcome"]
    rows = []
    for place, one in enumerate(answers):
        said = one.explanation
        level = said.get("level")
        cells = [
            {"value": f"{one.model} (decides)" if place == 0 else one.model},
            {"value": as_percent(said["risk"]) if level else "none"},
            {"value": f"{level} risk", "badge": level.lower()}
            if level
            else {"value": "", "badge": one.outcome},
            {"value": f"{one.label}, {percent(one.confidence)}" if one.label else "no"},
        ]
        rows.append([{"label": head} | cell for head, cell in zip(heads, cells, strict=True)])
    return {
        "caption": "Risk of death during follow-up",
        "columns": [{"label": head} for head in heads],
        "rows": rows,
    }


def compared(contracts: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """How the models compare, in sentences made of their measured figures; nothing where they were not measured."""
    measured = {
        name: contract["metrics"]["cross_validation"]
        for name, contract in contracts.items()
        if "cross_validation" in contract.get("metrics", {})
    }
    networks = {name: one["auc"] for name, one in measured.items() if name.startswith(NETWORKS)}
    if FOREST not in measured or not networks:
        return []
    forest = measured[FOREST]["auc"]
    better = [name for name, auc in networks.items() if auc["value"] > forest["value"]]
    verdict = f"{' and '.join(better)} did better than the forest" if better else "no network beat the forest"
    each = ", ".join(f"{name} {_interval(auc)}" for name, auc in sorted(networks.items()))
    repeats = measured[FOREST]["repeats"]
    figures = f"area under the curve {FOREST} {_interval(forest)}, {each}"
    sentences = [f"Measured by {repeats} repeats of cross-validation, {verdict}: {figures}."]
    difference = contracts[FOREST]["metrics"].get("hybrid_minus_this", {}).get("auc")
    if difference and opinions.CLINICAL in measured:
        apart = "differs" if difference["low"] > 0 or difference["high"] < 0 else "does not differ"
        sentences.append(
            f"{opinions.CLINICAL}, {_interval(measured[opinions.CLINICAL]['auc'])}, {apart} from the forest beyond chance"
            f" (difference {_interval(difference)})."
        )
    return sentences


def _interval(figure: Mapping[str, float]) -> str:
    return f"{figure['value']:.3f} ({figure['low']:.3f} to {figure['high']:.3f})"


def _scores(answers: Sequence[Prediction]) -> dict[str, Any]:
    heads = ["Score", "For", "Answer"]
    rows = []
    for one in answers:
        score = SCORES[one.model]
        answer = f"Not eligible. {one.message}"
        if one.explanation:
            said = one.explanation
            points = [f"{said['points']} points"] if said["points"] is not None else []
            figures = [f"{risk:.1f} % {name}" for name, risk in said["risks"].items()]
            category = called(one.model, said)
            answer = "; ".join([*points, *figures, *([category] if category else [])])
        cells = [score.title, score.asks, answer]
        rows.append([{"label": head, "value": value} for head, value in zip(heads, cells, strict=True)])
    return {
        "caption": "Established scores",
        "columns": [{"label": head} for head in heads],
        "rows": rows,
    }


def _parts(answer: Prediction) -> dict[str, Any]:
    """What adds up to a score, with its note and source."""
    said, score = answer.explanation, SCORES[answer.model]
    heads = ["Fact", said["unit"].capitalize()]
    rows = [
        [
            {"label": heads[0], "value": part["words"]},
            {"label": heads[1], "value": f"{part['amount']:+.3g}", "numeric": True},
        ]
        for part in said["contributions"]
    ]
    table = {
        "caption": f"What adds up to {score.title}",
        "columns": [{"label": heads[0]}, {"label": heads[1], "numeric": True}],
        "rows": rows,
    }
    return {"title": score.title, "table": table, "note": said["note"], "source": said["source"]}


def _values(diagnosis: Diagnosis) -> list[dict[str, Any]]:
    """The values as they were assessed, from the kept file; none where the storage is away."""
    try:
        with default_storage.open(diagnosis.upload.storage_name, "rb") as file:
            known = read_snapshot(file.read())
    except SnapshotError:
        raise
    except Exception:  # each storage back end raises its own
        log.exception("the values of diagnosis %s cannot be shown", diagnosis.pk)
        return []
    rows = [fact("Age", f"{known.age} years"), fact("Sex", known.sex)]
    for code, value in known.values.items():
        of = CATALOGUE.get(code)
        if of is None:
            continue
        number = Decimal(str(value.value))
        words = of.words(number) if of.choices else f"{of.number(number)} {value.unit}"
        measured = parse_datetime(value.measured_at)
        when = f", {measured:%-d %b %Y}" if measured else ""
        source = "" if value.source == "entered" else f" ({value.source})"
        rows.append(fact(of.name, f"{words}{when}{source}"))
    return rows
