"""Studies as the pages and the viewer show them: shapes for components and JSON, no decisions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.template.defaultfilters import filesizeformat
from django.urls import reverse

from diagnostics.imaging.states import StudyStatus
from diagnostics.views.shown import fact

if TYPE_CHECKING:
    from collections.abc import Iterator

    from diagnostics.models import DicomInstance, DicomSeries, DicomStudy


def study_facts(study: DicomStudy) -> list[dict[str, Any]]:
    """What a study is, for a strip of facts."""
    return [
        fact("Study date", f"{study.study_date:%-d %b %Y}" if study.study_date else ""),
        fact("Description", study.description),
        fact("Accession number", study.accession_number),
        fact("Received", f"{study.received_at:%-d %b %Y, %H:%M}"),
        fact("By", f"{study.received_by} ({study.get_door_display().lower()})"),
    ]


def said_identity(study: DicomStudy) -> list[dict[str, Any]]:
    """Whose the files say the study is, beside the record of the patient whom the sender named."""
    patient = study.claimed_patient
    born = f"{study.file_birth_date:%-d %b %Y}" if study.file_birth_date else ""
    rows = [
        ("Number", study.file_patient_id, patient.mrn if patient else ""),
        (
            "Name",
            study.file_patient_name.replace("^", ", ", 1).replace("^", " "),
            str(patient) if patient else "",
        ),
        ("Birth date", born, f"{patient.birth_date:%-d %b %Y}" if patient else ""),
        ("Sex", study.file_sex, patient.get_sex_display() if patient else ""),
    ]
    return [{"label": label, "file": said or "not said", "record": record} for label, said, record in rows]


def series_tables(study: DicomStudy) -> Iterator[dict[str, Any]]:
    """One table for each series."""
    held = study.status == StudyStatus.HELD
    waits = f"Waiting until {'somebody says whose it is' if held else 'the study is complete'}."
    for series in study.series.all():
        rows = [_instance_row(instance, waits) for instance in series.instances.all()]
        number = f"Series {series.number}: " if series.number is not None else ""
        yield {"series": series, "caption": f"{number}{series}", "rows": rows}


COLUMNS = [
    {"label": "Object"},
    {"label": "Size"},
    {"label": "Frames", "numeric": True},
    {"label": "What became of it"},
]


def _instance_row(instance: DicomInstance, waits: str) -> list[dict[str, Any]]:
    image = instance.image
    size = f"{image['columns']} x {image['rows']}" if image else filesizeformat(instance.size)
    return [
        {"value": str(instance), "url": frame_url(instance) if image else ""},
        {"label": "Size", "value": size},
        {"label": "Frames", "value": instance.frames or "none", "numeric": True},
        {"label": "What became of it", **_became(instance, waits)},
    ]


def _became(instance: DicomInstance, waits: str) -> dict[str, Any]:
    diagnosis = instance.upload.diagnosis if instance.upload else None
    if diagnosis is not None:
        answer = diagnosis.answer or diagnosis.get_status_display()
        return {"value": answer, "url": reverse("diagnostics:detail", args=[diagnosis.pk])}
    return {"value": instance.message or waits}


def frame_url(instance: DicomInstance, index: int = 0) -> str:
    """Where a frame is drawn."""
    return reverse("diagnostics:frame-png", args=[instance.pk, index])


def first_picture(study: DicomStudy) -> DicomInstance | None:
    """The first object of a study that can be shown."""
    return next((one for series in study.series.all() for one in series.instances.all() if one.image), None)


def for_viewer(study: DicomStudy, overlays: dict[Any, list[dict[str, str]]]) -> dict[str, Any]:
    """A study as the viewer reads it; only what can be shown. `overlays` are pictures to lay on an instance, by its id."""
    return {
        "study": {
            "pk": str(study.pk),
            "description": str(study),
            "date": study.study_date.isoformat() if study.study_date else None,
        },
        "series": [
            shown for series in study.series.all() if (shown := _series(series, overlays))["instances"]
        ],
    }


def _series(series: DicomSeries, overlays: dict[Any, list[dict[str, str]]]) -> dict[str, Any]:
    return {
        "pk": str(series.pk),
        "number": series.number,
        "modality": series.modality,
        "description": series.description,
        "instances": [
            _instance(one, one.image, overlays.get(one.pk, [])) for one in series.instances.all() if one.image
        ],
    }


def _instance(
    instance: DicomInstance, image: dict[str, Any], overlays: list[dict[str, str]]
) -> dict[str, Any]:
    return {
        "pk": str(instance.pk),
        "number": instance.number,
        "frames": image["frames"],
        "rows": image["rows"],
        "columns": image["columns"],
        "spacing_mm": image["spacing_mm"],
        "spacing_kind": image["spacing_of"],
        "windows": image["windows"],
        "photometric": image["photometric"],
        "frame_ms": image["frame_ms"],
        "overlays": overlays,
    }


def heatmap_url(diagnosis_id: Any, prediction_id: Any) -> str:
    """Where a heatmap is."""
    return reverse("diagnostics:heatmap", args=[diagnosis_id, prediction_id])
