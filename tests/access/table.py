"""Role x route x object: what every route answers to everybody. A new route is added here, or the test of the table fails."""

from __future__ import annotations

from tests.access.routes import (
    KEYS_ON_PAGES,
    NOBODY_PAGE,
    SIGN_IN,
    Route,
    diagnosis,
    everybody,
    frame,
    held,
    measured,
    of_api,
    of_clinic,
    of_doctor,
    page_for,
    patient,
    picture,
    prediction,
    study,
    table,
    uids,
)
from tests.access.world import ACTORS, OBJECTS

OPEN = everybody(others=200)
PEOPLE = [actor for actor in ACTORS if actor != "anonymous" and not actor.startswith("key ")]
READ_KEY, WRITE_KEY, PATIENTS_KEY = "key diagnoses:read", "key uploads:write", "key patients:read"
VALUES_KEY = "key values:read"
STUDIES_KEY = "key studies:read"
# A search below a foreign study finds nothing, which is no error.
SEARCH = {actor: (200,) * 4 if max(row) == 404 else row for actor, row in of_api(200, STUDIES_KEY).items()}
# The condition library holds nothing of any patient.
LIBRARY_API = everybody(others=200, anonymous=401) | {
    actor: 200 if actor == READ_KEY else 403 for actor in ACTORS if actor.startswith("key ")
}
TABLE: dict[str, Route] = {
    # --- site
    "home": Route(expected=everybody(others=302)),
    "styleguide": Route(
        expected=page_for(*ACTORS)
        | {actor: SIGN_IN for actor in ACTORS if actor == "anonymous" or actor.startswith("key ")}
    ),
    "health-live": Route(expected=OPEN),
    "health-ready": Route(expected=everybody(others=503)),  # no worker lives in this test
    # --- API
    "api:schema": Route(expected=OPEN),
    "api:diagnoses": Route(
        expected=everybody(others=403, anonymous=401, doctor=200, doctor_b=200, integration=200)
        | {READ_KEY: 200},
        shows=("message", "risk", "part"),
    ),
    "api:diagnosis": Route(
        kwargs=diagnosis("completed"), expected=of_api(200, READ_KEY), shows=("message", "risk")
    ),
    "api:heatmap": Route(kwargs=prediction, expected=of_api(200, READ_KEY)),
    "api:recording": Route(kwargs=diagnosis("recording"), expected=of_api(200, READ_KEY), shows=("lead",)),
    "api:patients": Route(
        expected=everybody(others=403, anonymous=401, doctor=200, doctor_b=200, integration=200)
        | {PATIENTS_KEY: 200},
        shows=("family", "given", "mrn"),
    ),
    "api:values": Route(
        kwargs=patient,
        # Values are written by another scope than they are read with: tests/diagnostics/test_values_api.py.
        expected=of_api(200, VALUES_KEY),
        shows=("typed", "why"),
    ),
    "api:clinical-diagnoses": Route(method="post", kwargs=patient, expected=of_api(201, WRITE_KEY)),
    "api:level": Route(kwargs=patient, expected=of_api(200, READ_KEY), shows=("risk",)),
    "api:uploads": Route(
        method="post",
        data=lambda record: {"patient": str(record.patient), "files": [picture()]},
        expected=of_api(201, WRITE_KEY),
    ),
    "api:conditions": Route(expected=LIBRARY_API),
    "api:condition": Route(kwargs=lambda *_: {"slug": "pause"}, expected=LIBRARY_API),
    # --- DICOMweb; storing is in tests/diagnostics/imaging/test_dicomweb.py
    "dicomweb:studies": Route(kwargs=uids(0), expected=SEARCH, shows=("family", "mrn", "scan")),
    "dicomweb:all-series": Route(kwargs=uids(0), expected=SEARCH),
    "dicomweb:all-instances": Route(kwargs=uids(0), expected=SEARCH),
    "dicomweb:series": Route(kwargs=uids(1), expected=SEARCH),
    "dicomweb:study-instances": Route(kwargs=uids(1), expected=SEARCH),
    "dicomweb:instances": Route(kwargs=uids(2), expected=SEARCH),
    "dicomweb:study": Route(kwargs=uids(1), expected=of_api(200, STUDIES_KEY), shows=("family", "scan")),
    "dicomweb:study-metadata": Route(
        kwargs=uids(1), expected=of_api(200, STUDIES_KEY), shows=("family", "scan")
    ),
    "dicomweb:one-series": Route(kwargs=uids(2), expected=of_api(200, STUDIES_KEY), shows=("scan",)),
    "dicomweb:series-metadata": Route(kwargs=uids(2), expected=of_api(200, STUDIES_KEY), shows=("scan",)),
    "dicomweb:instance": Route(kwargs=uids(3), expected=of_api(200, STUDIES_KEY), shows=("scan",)),
    "dicomweb:instance-metadata": Route(kwargs=uids(3), expected=of_api(200, STUDIES_KEY), shows=("scan",)),
    "dicomweb:instance-rendered": Route(kwargs=uids(3), expected=of_api(200, STUDIES_KEY)),
    "dicomweb:frames": Route(kwargs=uids(3, frames="1"), expected=of_api(200, STUDIES_KEY)),
    "dicomweb:frame-rendered": Route(kwargs=uids(3, frame=1), expected=of_api(200, STUDIES_KEY)),
    # --- identity
    "accounts:login": Route(
        expected=everybody(others=302, anonymous=200)
        | {actor: 200 for actor in ACTORS if actor.startswith("key ")}
    ),
    "accounts:logout": Route(method="post", expected=everybody(others=302)),
    "accounts:password": Route(
        expected=everybody(others=200, anonymous=302)
        | {actor: 302 for actor in ACTORS if actor.startswith("key ")}
    ),
    "accounts:users": Route(expected=page_for("admin")),
    "accounts:create-user": Route(expected=page_for("admin")),
    "accounts:set-active": Route(
        method="post",
        kwargs=lambda world, _: {"user_id": world.users["doctor"].pk},
        data=lambda _: {"active": "false"},
        expected=page_for("admin") | {"admin": 302},
    ),
    "accounts:audit": Route(expected=page_for("admin", "auditor")),
    # --- patients
    "patients:list": Route(
        expected=page_for("doctor", "doctor_b", "integration"), shows=("family", "given", "mrn")
    ),
    "patients:register": Route(expected=page_for("doctor", "doctor_b")),
    "patients:add-entry": Route(
        method="post",
        kwargs=lambda world, record: patient(world, record) | {"kind": "note"},
        data=lambda _: {"text": "seen today"},
        expected=of_doctor(302),
    ),
    "patients:add-member": Route(
        method="post", kwargs=patient, data=lambda _: {"username": "doctor-b"}, expected=of_doctor(302)
    ),
    "patients:values": Route(kwargs=patient, expected=of_clinic(200), shows=("family", "mrn", "typed")),
    "patients:enter-values": Route(
        method="post",
        kwargs=patient,
        data=lambda _: {"measured_at": "2026-03-03T08:00", "weight-value": "80"},
        expected=of_clinic(302),
    ),
    "patients:check-value": Route(
        method="post",
        kwargs=lambda world, record: patient(world, record) | {"code": "weight"},
        data=lambda _: {"weight-value": "180", "weight-unit": "lb"},
        expected=of_clinic(200),
    ),
    "patients:course": Route(
        kwargs=lambda world, record: patient(world, record) | {"code": "serum_sodium"},
        expected=of_clinic(200),
        shows=("family", "mrn", "typed", "why"),
    ),
    "patients:correct-value": Route(
        method="post",
        kwargs=lambda world, record: patient(world, record) | {"value_id": record.value},
        data=lambda _: {
            "measured_at": "2026-03-02T00:00",
            "serum_sodium-value": "138",
            "reason": "misread",
        },
        expected=of_clinic(302),
    ),
    "patients:export-values": Route(kwargs=patient, expected=of_clinic(200), shows=("typed", "why")),
    # Everybody asks for the same page: whose values it shows depends on who asks.
    "patients:own-values": Route(expected=page_for("patient", "patient_b"), shows=("family", "given", "mrn")),
    "patients:imports": Route(expected=page_for("doctor", "doctor_b"), shows=("cell",)),
    "patients:import-template": Route(expected=page_for("doctor", "doctor_b")),
    "patients:import-template-workbook": Route(expected=page_for("doctor", "doctor_b")),
    "patients:import": Route(kwargs=table, expected=of_doctor(200), shows=("cell",)),
    "patients:import-record": Route(method="post", kwargs=table, expected=of_doctor(302)),
    "diagnostics:import-progress": Route(kwargs=table, expected=of_doctor(200)),
    "diagnostics:import-result": Route(kwargs=table, expected=of_doctor(200), shows=("cell",)),
    # --- diagnoses
    "diagnostics:worklist": Route(expected=page_for("doctor", "doctor_b"), shows=("family",)),
    "diagnostics:history": Route(
        kwargs=patient,
        expected=of_doctor(200),
        shows=("family", "mrn", "note", "condition", "medication", "allergy", "file"),
    ),
    # Patients read the level of each signed report; one that sums up unsigned results is for the care team.
    "diagnostics:levels": Route(kwargs=patient, expected=of_doctor(200), shows=("family", "mrn", "risk")),
    "diagnostics:upload": Route(
        method="post",
        kwargs=patient,
        data=lambda _: {"files": [picture()]},
        expected=of_clinic(200) | {"integration": (403, 404, 404, 404)},
    ),
    "diagnostics:assess": Route(method="post", kwargs=patient, expected=of_clinic(302)),
    "diagnostics:status": Route(kwargs=diagnosis("completed"), expected=of_clinic(200)),
    "diagnostics:detail": Route(kwargs=diagnosis("signed"), expected=of_clinic(200), shows=("risk",)),
    "diagnostics:image": Route(kwargs=diagnosis("completed"), expected=of_clinic(200)),
    "diagnostics:heatmap": Route(
        kwargs=lambda _, record: {"diagnosis_id": record.completed, "prediction_id": record.prediction},
        expected=of_clinic(200),
    ),
    "diagnostics:page-picture": Route(
        kwargs=lambda _, record: {"diagnosis_id": record.page, "name": "cropped"},
        expected=of_clinic(200),
        shows=("paper",),
    ),
    "diagnostics:review": Route(
        method="post",
        kwargs=diagnosis("completed"),
        data=lambda _: {"decision": "confirm"},
        expected=of_doctor(302),
    ),
    "diagnostics:sign": Route(method="post", kwargs=diagnosis("reviewed"), expected=of_doctor(302)),
    "diagnostics:retry": Route(method="post", kwargs=diagnosis("failed"), expected=of_doctor(302)),
    "diagnostics:ask": Route(method="post", kwargs=diagnosis("completed"), expected=of_doctor(302)),
    "diagnostics:tell": Route(
        method="post",
        kwargs=diagnosis("asked"),
        data=lambda _: {"sampling_rate_hz": "250"},
        expected=of_clinic(302),
    ),
    "diagnostics:recording": Route(kwargs=diagnosis("recording"), expected=of_clinic(200), shows=("lead",)),
    "diagnostics:beats": Route(kwargs=diagnosis("recording"), expected=of_clinic(200)),
    "diagnostics:signal": Route(
        kwargs=diagnosis("recording"),
        data=lambda _: {"from": "1", "seconds": "2", "columns": "100"},
        expected=of_clinic(200),
        shows=("lead",),
    ),
    "diagnostics:override": Route(
        method="post",
        kwargs=diagnosis("recording"),
        data=lambda _: {"beat": "3", "label": "PVC"},
        expected=of_doctor(200),
    ),
    # --- imaging studies
    "diagnostics:upload-study": Route(kwargs=patient, expected=of_clinic(200), shows=("family", "mrn")),
    "diagnostics:held-studies": Route(expected=page_for("doctor", "doctor_b"), shows=("held",)),
    "diagnostics:refused-studies": Route(expected=page_for("doctor", "doctor_b", "admin")),
    "diagnostics:study": Route(kwargs=study, expected=of_clinic(200), shows=("family", "scan")),
    "diagnostics:study-viewer": Route(kwargs=study, expected=of_clinic(200), shows=("scan",)),
    "diagnostics:complete-study": Route(method="post", kwargs=study, expected=of_clinic(302)),
    "diagnostics:release-study": Route(method="post", kwargs=held, expected=of_doctor(302)),
    "diagnostics:reject-study": Route(method="post", kwargs=held, expected=of_doctor(302)),
    "diagnostics:prepare-export": Route(method="post", kwargs=study, expected=of_doctor(302)),
    "diagnostics:export-progress": Route(kwargs=study, expected=of_doctor(200), shows=("message",)),
    "diagnostics:export": Route(kwargs=study, expected=of_doctor(200), shows=("scan",)),
    "diagnostics:frame-png": Route(kwargs=frame, expected=of_clinic(200)),
    "diagnostics:frame-raw": Route(kwargs=frame, expected=of_clinic(200)),
    # the study's image has no table, which its doctor is told
    "diagnostics:frame-table": Route(kwargs=frame, expected=of_clinic(422)),
    "diagnostics:attributes": Route(
        kwargs=lambda _, record: {"instance_id": record.instance},
        expected=of_clinic(200),
        shows=("family", "mrn", "scan"),
    ),
    "diagnostics:result-report": Route(kwargs=measured, expected=of_clinic(200), shows=("family", "mrn")),
    "diagnostics:result-capture": Route(kwargs=measured, expected=of_clinic(200), shows=("family", "mrn")),
    "diagnostics:send-result": Route(method="post", kwargs=measured, expected=of_doctor(302)),
    # --- dashboards
    "diagnostics:dashboards": Route(
        expected=page_for("doctor", "doctor_b"), shows=("family", "given", "mrn")
    ),
    "diagnostics:dashboard-people-csv": Route(
        expected=page_for("doctor", "doctor_b"), shows=("family", "given", "mrn")
    ),
    "diagnostics:dashboard-cohort": Route(expected=page_for("doctor", "doctor_b"), shows=("family", "mrn")),
    "diagnostics:dashboard-cohort-csv": Route(expected=page_for("doctor", "doctor_b")),
    "diagnostics:dashboard-trends": Route(kwargs=patient, expected=of_doctor(200), shows=("family", "mrn")),
    "diagnostics:dashboard-trends-csv": Route(kwargs=patient, expected=of_doctor(200)),
    # --- reports
    "diagnostics:reports": Route(expected=page_for("patient", "patient_b"), shows=("title",)),
    "diagnostics:report": Route(
        kwargs=lambda _, record: {"report_id": record.report},
        expected=everybody(
            others=(403,) * 4,
            anonymous=NOBODY_PAGE,
            patient=(200, 404, 404, 404),
            patient_b=(404, 200, 404, 404),
            **KEYS_ON_PAGES,
        ),
        shows=("title", "body"),
    ),
    "diagnostics:conditions": Route(expected=page_for(*PEOPLE)),
    "diagnostics:condition": Route(kwargs=lambda *_: {"slug": "pause"}, expected=page_for(*PEOPLE)),
    "diagnostics:edit-condition": Route(kwargs=lambda *_: {"slug": "pause"}, expected=page_for("admin")),
    "diagnostics:condition-history": Route(
        kwargs=lambda *_: {"slug": "pause"}, expected=page_for("doctor", "doctor_b", "admin", "auditor")
    ),
    "diagnostics:predictions": Route(expected=page_for("admin", "auditor")),
    # Provenance without the patient: administrators and auditors see it of every patient, also of a deleted one.
    "diagnostics:prediction": Route(
        kwargs=prediction,
        expected=everybody(
            others=(403,) * 4,
            anonymous=NOBODY_PAGE,
            admin=(200, 200, 200, 404),
            auditor=(200, 200, 200, 404),
            **KEYS_ON_PAGES,
        ),
    ),
    "diagnostics:workers": Route(expected=page_for("admin")),
    # The models and what was measured of them: nothing of any patient.
    "diagnostics:models": Route(expected=page_for("doctor", "doctor_b", "admin", "auditor")),
    "diagnostics:comparison": Route(expected=page_for("doctor", "doctor_b", "admin", "auditor")),
    "diagnostics:model-card": Route(
        kwargs=lambda *_: {"name": "beat-cnn"}, expected=page_for("doctor", "doctor_b", "admin", "auditor")
    ),
}
assert len(OBJECTS) == len(NOBODY_PAGE)
__all__ = ["OBJECTS", "TABLE"]
