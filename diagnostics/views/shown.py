"""Rows as the pages show them: shapes for the components, no decisions."""

from __future__ import annotations

import base64
import dataclasses
from typing import TYPE_CHECKING, Any

from django.template.defaultfilters import filesizeformat
from django.urls import reverse

from diagnostics.forms import label_words
from diagnostics.kinds import is_recording
from diagnostics.models import Review
from diagnostics.opinions import BESIDE, CHEST
from diagnostics.risk import LABEL_RISK
from diagnostics.states import Status
from diagnostics.views.shown_leads import lead_chart
from ml.contract import Outcome

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from diagnostics.models import Diagnosis, Prediction, Recording
    from ml.registry import ModelContract

SHORT_HASH = 12
LETTERS = {"Normal": "N", "LBBB": "L", "RBBB": "R", "PAC": "A", "PVC": "V", "Fusion": "F", "VF": "!"}
EPISODE_WORDS = {
    "pause": "Pause",
    "bradycardia": "Slow rhythm",
    "tachycardia": "Fast rhythm",
    "ventricular_run": "Run of PVCs",
    "ventricular_couplet": "Pair of PVCs",
    "ventricular_bigeminy": "Ventricular bigeminy",
    "ventricular_trigeminy": "Ventricular trigeminy",
    "atrial_run": "Run of PACs",
    "ventricular_fibrillation": "VF or VT",
}
OUTCOME_WORDS = {
    Outcome.ABSTAINED: "The model is not sure enough to answer. A person has to read the trace.",
    Outcome.NOT_ELIGIBLE: "This file is not what the model was made for, so it did not answer.",
    Outcome.POOR_INPUT: "The file cannot be read well enough, so the model did not answer.",
}


def percent(share: float | None) -> str:
    """A probability for people; never 0 or 100 %, which no model can promise."""
    if share is None:
        return "none"
    if share > 0.999:
        return "over 99.9 %"
    return "under 0.1 %" if share < 0.001 else f"{share * 100:.1f} %"


def fact(label: str, value: Any) -> dict[str, Any]:
    """A row of components/definition_list.html."""
    return {"label": label, "value": value}


def upload_facts(diagnosis: Diagnosis) -> list[dict[str, Any]]:
    """Whose file it is and how the analysis went."""
    upload = diagnosis.upload
    facts = [
        fact("Uploaded", f"{upload.uploaded_at:%-d %b %Y, %H:%M}"),
        fact("By", str(upload.uploaded_by)),
        fact("File", f"{filesizeformat(upload.size)}, {upload.media_type}"),
        fact("SHA-256", f"{upload.sha256[:SHORT_HASH]}…"),
    ]
    if diagnosis.worker:
        facts.append(fact("Worker", diagnosis.worker))
    return facts


def answer_of(diagnosis: Diagnosis) -> str:
    """What a doctor would confirm; "" if the models that decide gave nothing."""
    return diagnosis.answer


def probability_rows(prediction: Prediction, *, of_recording: bool = False) -> list[dict[str, Any]]:
    """Rows of components/probabilities.html, most probable first; the threshold of a single answer is marked at the first."""
    ranked = sorted(prediction.probabilities.items(), key=lambda pair: -pair[1])
    marked = prediction.threshold and not of_recording
    return [
        {
            "label": label_words(label) if label in LABEL_RISK else label,
            "percent": share * 100,
            "chosen": label == prediction.label,
            "threshold": prediction.threshold * 100 if marked and place == 0 else None,
        }
        for place, (label, share) in enumerate(ranked)
    ]


def provenance(prediction: Prediction) -> list[dict[str, Any]]:
    """With what the answer was computed."""
    version = prediction.model_version
    return [
        fact("Model", f"{version.name} {version.version}"),
        fact("Weights SHA-256", version.weights_sha256),
        fact("Input SHA-256", prediction.input_sha256),
        fact("Code version", prediction.code_version),
        *([fact("Threshold", percent(prediction.threshold))] if prediction.threshold else []),
        fact("Device", prediction.device),
        fact("Duration", f"{prediction.duration_ms:.1f} ms"),
        fact("Attempt", prediction.attempt),
    ]


@dataclasses.dataclass(frozen=True, slots=True)
class ShownPrediction:
    """One model's answer on the result page."""

    prediction: Prediction
    heatmap_url: str
    of_recording: bool = False
    lead_map_url: str = ""

    @property
    def is_outlined(self) -> bool:
        """Whether its map shows what it drew on the picture, not where it looked."""
        return self.prediction.model == CHEST

    @property
    def title(self) -> str:
        """The label in words, or that there is none."""
        label = self.prediction.label
        if label:
            return label_words(label) if label in LABEL_RISK else label
        return "No answer"

    @property
    def confidence(self) -> str:
        """Calibrated probability of the label."""
        return percent(self.prediction.confidence)

    @property
    def why_none(self) -> str:
        """What a missing answer means; "" for a prediction."""
        return OUTCOME_WORDS.get(Outcome(self.prediction.outcome), "")

    @property
    def rows(self) -> list[dict[str, Any]]:
        """For the chart."""
        return probability_rows(self.prediction, of_recording=self.of_recording)

    @property
    def caption(self) -> str:
        """What the chart shows."""
        if self.prediction.model_version.name in BESIDE:
            return "Calibrated probability of each finding of the twelve leads; several may hold at once"
        if self.of_recording:
            return "Mean calibrated probability over all that was asked of the model in this recording"
        said = "Calibrated probability of each finding"
        return (
            f"{said}; the mark is the threshold below which the model abstains"
            if self.prediction.threshold
            else said
        )

    @property
    def stability(self) -> dict[str, Any]:
        """Whether the answer about a page holds on changed copies of it; empty for everything else."""
        found: dict[str, Any] = self.prediction.explanation.get("stability", {})
        return found

    @property
    def leads(self) -> dict[str, Any]:
        """What every lead of a page weighs: a sentence and a chart; empty for everything else."""
        said = self.prediction.explanation.get("leads")
        return {"message": said["message"], "chart": lead_chart(self.prediction)} if said else {}

    @property
    def facts(self) -> list[dict[str, Any]]:
        """Prediction set and provenance."""
        possible = ", ".join(self.prediction.prediction_set) or "none"
        facts = [fact("Prediction set", possible), *provenance(self.prediction)]
        return [
            row | {"value": row["value"][:SHORT_HASH] + "…"} if "SHA" in row["label"] else row
            for row in facts
        ]


def recording_findings(recording: Recording) -> dict[str, Any]:
    """What the viewer of a recording needs before any signal."""
    summary = recording.summary
    return {
        "leads": recording.leads,
        "fs": recording.fs,
        "samples": recording.samples,
        "seconds": recording.seconds,
        "started_at": summary["started_at"],
        "best_lead": summary["best_lead"],
        "classes": recording.classes,
        "letters": {name: LETTERS.get(name, name[0]) for name in recording.classes} | {"unsure": "?"},
        "counts": summary["measures"]["burden"]["counts"],
        "episodes": [
            {
                "kind": episode["kind"],
                "name": EPISODE_WORDS.get(episode["kind"], episode["kind"].replace("_", " ").capitalize()),
                "start_s": episode["start_s"],
                "end_s": episode["end_s"],
                "detail": ", ".join(_episode_details(episode)),
            }
            for episode in summary["measures"]["episodes"]
        ],
        "unanalysable": [
            {"start_s": one["start_s"], "end_s": one["end_s"], "cause": "; ".join(one["causes"])}
            for one in summary["unanalysable"]
        ],
    }


def episode_kinds(recording: Recording | None) -> list[str]:
    """The kinds of episodes that were found, each once."""
    episodes = recording.summary["measures"]["episodes"] if recording else []
    return list(dict.fromkeys(episode["kind"] for episode in episodes))


def heat_rows(recording: Recording) -> dict[str, Any] | None:
    """Where the model looked in each beat, base64 of 0 to 255; None for beats of which nothing is known."""
    if recording.heat is None:
        return None
    data, steps = bytes(recording.beat_heat), recording.heat["steps"]
    rows = (data[start : start + steps] for start in range(0, len(data), steps))
    values = [base64.b64encode(row).decode() if any(row) else None for row in rows]
    return {"before_s": recording.heat["before_s"], "after_s": recording.heat["after_s"], "values": values}


def _episode_details(episode: dict[str, Any]) -> Iterator[str]:
    if episode["beats"]:
        yield f"{episode['beats']} beats"
    if episode["rate_bpm"]:
        yield f"{episode['rate_bpm']:.0f} bpm"
    yield f"{episode['end_s'] - episode['start_s']:.1f} s"


def _most_first(counts: dict[str, int]) -> list[tuple[str, int]]:
    return sorted(counts.items(), key=lambda pair: -pair[1])


def milliseconds(value: float | None) -> str:
    """A duration for people."""
    return "not measurable" if value is None else f"{value:.0f} ms"


def recording_facts(recording: Recording) -> list[dict[str, Any]]:
    """Measurements of a recording, as a cardiologist reads them."""
    summary, measures = recording.summary, recording.summary["measures"]
    rate, burden, variability = measures["heart_rate"], measures["burden"], measures["variability"]
    durations, qtc = measures["durations"] or {}, measures["qtc"] or {}
    bpm = [
        f"{rate[name]:.0f}" if rate[name] is not None else "?" for name in ("mean_bpm", "min_bpm", "max_bpm")
    ]
    return [
        fact("Length", f"{recording.seconds:,.0f} s, {summary['analysable_s']:,.0f} s of it analysable"),
        fact("Leads", f"{', '.join(recording.leads)} at {recording.fs:g} Hz"),
        fact("Heart rate", f"mean {bpm[0]}, least {bpm[1]}, greatest {bpm[2]} bpm"),
        fact("Beats", ", ".join(f"{count:,} {name}" for name, count in _most_first(burden["counts"]))),
        fact("Ventricular ectopic burden", f"{burden['ventricular_percent'] or 0:.1f} %"),
        fact("Atrial ectopic burden", f"{burden['atrial_percent'] or 0:.1f} %"),
        fact("PR", milliseconds(durations.get("pr_ms"))),
        fact("QRS", milliseconds(durations.get("qrs_ms"))),
        fact("QT", milliseconds(durations.get("qt_ms"))),
        fact("QTc (Fridericia)", milliseconds(qtc.get("fridericia_ms"))),
        fact("QTc (Bazett)", milliseconds(qtc.get("bazett_ms"))),
        fact("SDNN", milliseconds(variability["sdnn_ms"])),
        fact("RMSSD", milliseconds(variability["rmssd_ms"])),
    ]


def shown_predictions(
    diagnosis: Diagnosis, with_heatmap: Iterable[Any], lead_maps: Mapping[str, str]
) -> list[ShownPrediction]:
    """The answers of a diagnosis, second opinions last.

    Args:
        diagnosis: with its predictions.
        with_heatmap: ids of predictions that have a heatmap.
        lead_maps: by model, the address of the picture of what every lead of a page weighs in its answer.
    """
    mapped = set(with_heatmap)
    return [
        ShownPrediction(
            p,
            reverse("diagnostics:heatmap", args=[diagnosis.pk, p.pk]) if p.pk in mapped else "",
            of_recording=is_recording(diagnosis.upload.media_type),
            lead_map_url=lead_maps.get(p.model, ""),
        )
        for p in diagnosis.answers()
    ]


READS = {
    "picture": "A picture of one heartbeat",
    "beats": "A recording, beat by beat",
    "segment": "A recording, every four seconds",
    "leads": "A recording of twelve leads, ten seconds of it",
    "clinical": "The values of a heart-failure record",
    "chest": "A chest X-ray in DICOM",
}


def installed_models(contracts: Iterable[ModelContract]) -> list[dict[str, Any]]:
    """Rows of the list of models, with their measured figures in the order of the contract."""
    return [
        {
            "contract": contract,
            "reads": READS.get(contract.input.get("kind", "picture"), contract.input.get("description", "")),
            "labels": ", ".join(contract.labels),
            "measured": [
                f"{name.replace('_', ' ').capitalize()}: macro F1 {_interval(figures['macro_f1'])}"
                for name, figures in contract.metrics.items()
                if isinstance(figures, dict) and {"macro_f1", "confusion"} <= figures.keys()
            ],
        }
        for contract in contracts
    ]


def _interval(figure: dict[str, float]) -> str:
    return f"{figure['value']:.3f} ({figure['low']:.3f} to {figure['high']:.3f})"


def opinions(diagnosis: Diagnosis) -> dict[str, Any] | None:
    """Every model's answer side by side, for diagnostics/_opinions.html; None without a second opinion."""
    if not diagnosis.models_say:
        return None
    heads = ["Model", "Answer", "Confidence", "Cannot be excluded", "Time"]
    rows = []
    for place, answer in enumerate(diagnosis.answers()):
        words = label_words(answer.label) if answer.label in LABEL_RISK else answer.label
        cells = [
            {"value": f"{answer.model} (decides)" if place == 0 else answer.model},
            {"value": words} if words else {"value": "", "badge": answer.outcome},
            {"value": percent(answer.confidence)},
            {
                "value": ", ".join(label for label in answer.prediction_set if label != answer.label)
                or "nothing else"
            },
            {"value": f"{answer.duration_ms:.0f} ms"},
        ]
        rows.append([{"label": head} | cell for head, cell in zip(heads, cells, strict=True)])
    table = {"caption": "Answers side by side", "columns": [{"label": head} for head in heads], "rows": rows}
    return {
        "headline": diagnosis.models_say,
        "disagree": diagnosis.differing,
        "unstable": diagnosis.unstable,
        "table": table,
    }


def override_words(review: Review) -> str:
    """What the doctor found instead of the models' answer; "" if the doctor agreed."""
    if review.decision != Review.Decision.OVERRIDE:
        return ""
    return f"{review.reviewer} found {label_words(review.label)} ({review.get_risk_level_display().lower()} risk)"


def may_be_reviewed(diagnosis: Diagnosis) -> bool:
    """Whether there is a result that a doctor can judge."""
    return diagnosis.status in {Status.COMPLETED, Status.REVIEWED, Status.SIGNED, Status.AMENDED}
