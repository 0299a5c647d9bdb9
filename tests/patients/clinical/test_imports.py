"""Importing a table: checked row by row, recorded step by step, by whoever began it and nobody else."""

from __future__ import annotations

import csv
import datetime as dt
import io

import pytest
from django.core.exceptions import PermissionDenied
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.actor import acting_as
from accounts.models import AuditEvent
from accounts.roles import SYSTEM, Role
from patients.clinical.table import template_workbook
from patients.clinical.workbook import OLD
from patients.models import ClinicalValue, ValueImport
from patients.services import value_imports as services
from tests import factories

pytestmark = pytest.mark.django_db
HEADINGS = "mrn,measured_at,serum_creatinine (µmol/L),serum_sodium,smoking"
GOOD = "A-1,2026-03-02 09:30,168,137,never"


@pytest.fixture
def ward(doctor):
    """Two patients of the doctor, and one of somebody else."""
    for mrn in ("A-1", "A-2"):
        factories.patient(team=(doctor,), mrn=mrn)
    factories.patient(team=(factories.user(),), mrn="X-9")
    return doctor


def begin(doctor, *lines, headings=HEADINGS):
    with acting_as(doctor):
        data = "\n".join((headings, *lines)).encode()
        return services.begin_import(doctor, filename="ward.csv", data=data)


def check(doctor, found, mapping=None, measured_at=None):
    with acting_as(doctor):
        services.check_import(
            doctor, import_id=found.pk, mapping=mapping or found.mapping, measured_at=measured_at
        )
    return verdicts(found)


def verdicts(found):
    return [(row.line, row.verdict, [code for _, code, _ in row.reasons]) for row in found.rows.all()]


def run(doctor, found, **options):
    with acting_as(doctor):
        services.begin_recording(doctor, import_id=found.pk, take_unusual=options.get("take_unusual", False))
        return services.record_step(doctor, import_id=found.pk)


def stored():
    rows = ClinicalValue.objects.order_by("pk").select_related("patient")
    return [(row.patient.mrn, row.code, row.entered_value, row.entered_unit, row.source) for row in rows]


def test_good_rows_become_values(ward):
    found = begin(ward, GOOD, "A-2,02.03.2026,,141,")
    assert check(ward, found) == [(2, "ready", []), (3, "ready", [])]
    assert stored() == []
    assert run(ward, found).state == "recorded"
    assert stored() == [
        ("A-1", "serum_creatinine", "168", "µmol/L", "import"),
        ("A-1", "serum_sodium", "137", "mmol/L", "import"),
        ("A-1", "smoking", "never", "", "import"),
        ("A-2", "serum_sodium", "141", "mmol/L", "import"),
    ]
    assert {row.measured_at for row in ClinicalValue.objects.filter(patient__mrn="A-1")} == {
        dt.datetime(2026, 3, 2, 9, 30, tzinfo=dt.UTC)
    }
    assert verdicts(found) == [(2, "recorded", []), (3, "recorded", [])]


@pytest.mark.parametrize(
    ("line", "verdict", "codes"),
    [
        ("Z-1,2026-03-02,168,137,never", "refused", ["patient_not_found"]),
        ("X-9,2026-03-02,168,137,never", "refused", ["patient_not_found"]),
        (",2026-03-02,168,137,never", "refused", ["no_mrn"]),
        ("A-1,yesterday,168,137,never", "refused", ["not_a_time"]),
        ("A-1,,168,137,never", "refused", ["not_a_time"]),
        ("A-1,2026-13-02,168,137,never", "refused", ["not_a_time"]),
        ("A-1,2026-03-02,1.9,137,never", "refused", ["impossible_value"]),
        ("A-1,2026-03-02,168,137 mmol,sometimes", "refused", ["not_a_number", "not_a_choice"]),
        ("A-1,2999-03-02,168,137,never", "refused", ["measured_in_future"]),
        ("A-1,2026-03-02,168,171,never", "unusual", ["unusual_value"]),
        ("A-1,2026-03-02,168,137", "refused", ["cells_missing"]),
        ("A-1,2026-03-02,168,137,never,?", "refused", ["too_many_cells"]),
        ("A-1,2026-03-02,,,", "refused", ["no_values"]),
    ],
)
def test_each_row_is_judged_with_a_code(ward, line, verdict, codes):
    found = begin(ward, line, "A-2,2026-03-02,168,137,never")
    assert check(ward, found) == [(2, verdict, codes), (3, "ready", [])]
    run(ward, found)
    assert {mrn for mrn, *_ in stored()} == {"A-2"}


WRONG_UNIT = (
    "serum_creatinine (µmol/L): 1.9 µmol/L is impossible: Serum creatinine lies between 8.84 µmol/L and 3536 µmol/L. In mg/dL it would be"
    " usual. Check the value and its unit."
)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (
            "A-1,2026-03-02,168,137",
            "Expected 5 cells, got 4: nothing stands under smoking. Fill it in, or leave the cell empty but there.",
        ),
        (
            "Z-1,2026-03-02,168,137,never",
            "mrn: No patient of yours has this MRN. Check it, register the patient, or ask to join the care team.",
        ),
        ("A-1,2026-03-02,1.9,137,never", WRONG_UNIT),
        (
            "A-1,2026-03-02,168,1370,never",
            "serum_sodium: 1370 mmol/L is impossible: Serum sodium lies between 80 mmol/L and 200 mmol/L. Check the value and its unit.",
        ),
    ],
)
def test_each_objection_is_said_in_words(ward, line, said):
    found = begin(ward, line)
    check(ward, found)
    assert found.rows.get().why == said


def test_the_column_that_nothing_stands_under_is_named(ward):
    found = begin(ward, "A-1,2026-03-02,168,137")
    check(ward, found)
    assert "Expected 5 cells, got 4: nothing stands under smoking." in found.rows.get().reasons[0][2]


def test_a_repeated_row_is_refused_in_the_table_and_after_it(ward):
    found = begin(ward, GOOD, GOOD)
    assert check(ward, found) == [(2, "ready", []), (3, "refused", ["already_recorded"] * 3)]
    run(ward, found)
    again = begin(ward, GOOD)
    assert check(ward, again) == [(2, "refused", ["already_recorded"] * 3)]


def test_what_was_entered_between_check_and_recording_is_refused_then(ward):
    first, second = begin(ward, GOOD), begin(ward, GOOD)
    assert [check(ward, found)[0][1] for found in (first, second)] == ["ready", "ready"]
    run(ward, first)
    run(ward, second)
    assert verdicts(second) == [(2, "refused", ["already_recorded"] * 3)]
    assert len(stored()) == 3


def test_a_patient_who_left_the_care_team_meanwhile_is_refused_then(ward):
    from patients.models import CareTeamMember

    found = begin(ward, GOOD, "A-2,2026-03-02,168,137,never")
    check(ward, found)
    with acting_as(SYSTEM):
        CareTeamMember.objects.filter(patient__mrn="A-1").delete()
    run(ward, found)
    assert verdicts(found) == [(2, "refused", ["patient_not_found"]), (3, "recorded", [])]


@pytest.mark.parametrize("take", [False, True])
def test_unusual_rows_are_recorded_only_if_somebody_looked_at_them(ward, take):
    found = begin(ward, GOOD, "A-2,2026-03-02,168,171,never")
    check(ward, found)
    run(ward, found, take_unusual=take)
    assert [verdict for _, verdict, _ in verdicts(found)] == ["recorded", "recorded" if take else "unusual"]


def test_recording_goes_on_step_by_step_and_a_repeated_step_records_nothing_twice(ward, monkeypatch):
    monkeypatch.setattr(services, "ROWS_PER_STEP", 2)
    found = begin(ward, *(f"A-1,2026-03-{day:02d},168,137,never" for day in range(1, 6)))
    check(ward, found)
    states = [run(ward, found).state for _ in range(4)]
    assert states == ["recording", "recording", "recorded", "recorded"]
    assert len(stored()) == 15


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({0: ""}, "No column is the MRN"),
        ({1: ""}, "No column says when the values were measured"),
        ({2: "", 3: "", 4: ""}, "No column holds values"),
        ({3: "serum_creatinine|mg/dL"}, "Two columns are said to be Serum creatinine."),
    ],
)
def test_a_mapping_that_cannot_be_is_explained(ward, change, sentence):
    found = begin(ward, GOOD)
    mapping = [change.get(index, place) for index, place in enumerate(found.mapping)]
    with pytest.raises(services.MappingRefused, match=sentence):
        check(ward, found, mapping)
    assert verdicts(found) == [(2, "open", [])]


def test_one_time_is_given_to_a_table_without_times(ward):
    found = begin(ward, "A-1,137", headings="mrn,sodium")
    at = dt.datetime(2026, 3, 2, 8, tzinfo=dt.UTC)
    assert check(ward, found, measured_at=at) == [(2, "ready", [])]
    run(ward, found)
    assert ClinicalValue.objects.get().measured_at == at


def test_the_columns_are_fixed_once_recording_has_begun(ward):
    found = begin(ward, GOOD)
    with pytest.raises(services.MappingRefused, match="Check the rows first"):
        run(ward, found)
    check(ward, found)
    run(ward, found)
    with pytest.raises(services.MappingRefused, match="being recorded already"):
        check(ward, found)


@pytest.mark.parametrize("role", [Role.INTEGRATION, Role.PATIENT, Role.ADMIN])
def test_other_roles_do_not_import(ward, role):
    actor = factories.user(role)
    with pytest.raises(PermissionDenied):
        begin(actor, GOOD)


def test_an_import_is_its_doctors_alone(ward, other_doctor):
    found = begin(ward, GOOD)
    acts = (
        lambda: check(other_doctor, found),
        lambda: run(other_doctor, found),
    )
    for act in acts:
        with pytest.raises(ValueImport.DoesNotExist):
            act()


def test_every_patient_of_an_import_is_in_the_trail(ward):
    found = begin(ward, GOOD, "A-2,2026-03-02,168,137,never")
    check(ward, found)
    run(ward, found)
    with acting_as(SYSTEM):
        events = AuditEvent.objects.exclude(action="sign_in").order_by("pk")
        seen = [(event.action, event.object_type, event.detail.get("codes")) for event in events]
    codes = ["serum_creatinine", "serum_sodium", "smoking"]
    assert seen == [
        ("create", "patients.valueimport", None),
        ("search", "patients.valueimport", None),
        ("update", "patients.valueimport", None),
        ("create", "patients.patient", codes),
        ("create", "patients.patient", codes),
    ]


def to(name, *args):
    return reverse(f"patients:{name}", args=args)


def upload(client, *lines, name="ward.csv"):
    file = SimpleUploadedFile(name, "\n".join((HEADINGS, *lines)).encode(), "text/csv")
    return client.post(to("imports"), {"table": file})


def columns(found, **more):
    return {f"column-{index}": place for index, place in enumerate(found.mapping)} | more


def test_the_pages_work_without_javascript(client, ward):
    client.force_login(ward)
    answer = upload(client, GOOD, "Z-1,2026-03-02,=1+1,137,never")
    found = ValueImport.objects.get()
    assert (answer.status_code, answer.url) == (302, to("import", found.pk))
    page = client.get(answer.url).content.decode()
    assert "no column gives: Anaemia, Creatinine phosphokinase (CPK)" in page
    client.post(answer.url, columns(found))
    page = client.get(answer.url).content.decode()
    assert ("No patient of yours has this MRN." in page, "Record the checked rows" in page) == (True, True)
    assert client.post(to("import-record", found.pk)).url == answer.url
    page = client.get(answer.url).content.decode()
    assert ("Recorded · 2 rows" in page, len(stored())) == (True, 3)
    result = client.get(reverse("diagnostics:import-result", args=[found.pk]))
    rows = list(csv.DictReader(io.StringIO(result.content.decode("utf-8-sig"))))
    assert [(row["line"], row["verdict"], row["serum_creatinine (µmol/L)"]) for row in rows] == [
        ("2", "recorded", "168"),
        ("3", "refused", "'=1+1"),
    ]
    assert rows[1]["reasons"].startswith("mrn: No patient of yours has this MRN.")


def test_wrong_files_and_columns_are_explained_on_the_page(client, ward):
    client.force_login(ward)
    file = SimpleUploadedFile("book.xls", OLD + b"\x00" * 512)
    answer = client.post(to("imports"), {"table": file})
    assert (answer.status_code, "Save it as .xlsx" in answer.content.decode()) == (422, True)
    upload(client, GOOD)
    found = ValueImport.objects.get()
    answer = client.post(to("import", found.pk), columns(found) | {"column-0": ""})
    assert (answer.status_code, "No column is the MRN" in answer.content.decode()) == (422, True)
    answer = client.post(to("import-record", found.pk), follow=True)
    assert "Check the rows first" in answer.content.decode()


def test_pressing_again_records_the_next_rows(client, ward, monkeypatch):
    monkeypatch.setattr(services, "ROWS_PER_STEP", 1)
    client.force_login(ward)
    upload(client, GOOD, "A-2,2026-03-02,168,137,never")
    found = ValueImport.objects.get()
    check(ward, found)
    client.post(to("import-record", found.pk))
    page = client.get(to("import", found.pk)).content.decode()
    assert ("1 of 2 rows recorded." in page, "Record the next rows now" in page) == (True, True)
    client.post(to("import-record", found.pk))
    client.post(to("import-record", found.pk))
    assert "Recorded · 2 rows" in client.get(to("import", found.pk)).content.decode()


def test_the_template_is_itself_a_table_that_can_be_uploaded(client, ward):
    client.force_login(ward)
    answer = client.get(to("import-template"))
    found = client.post(to("imports"), {"table": SimpleUploadedFile("t.csv", answer.content)})
    assert found.status_code == 302
    assert check(ward, ValueImport.objects.get()) == [(2, "refused", ["patient_not_found"])]


def test_an_excel_workbook_goes_the_same_way(client, ward):
    factories.patient(team=(ward,), mrn="CC-1001")
    client.force_login(ward)
    assert client.get(to("import-template-workbook")).content[:2] == b"PK"
    book = SimpleUploadedFile("ward.xlsx", template_workbook())
    found = ValueImport.objects.get(pk=client.post(to("imports"), {"table": book}).url.split("/")[-2])
    assert check(ward, found) == [(2, "ready", [])]
    assert run(ward, found).state == "recorded"
    assert ("CC-1001", "serum_sodium", "140", "mmol/L", "import") in stored()


def test_a_column_that_nobody_knows_is_named_with_a_suggestion(client, ward):
    client.force_login(ward)
    found = begin(
        ward, "A-1,2026-03-02,168,137,never", headings=HEADINGS.replace("serum_sodium", "serum sodum")
    )
    page = client.get(to("import", found.pk)).content.decode()
    assert (
        "Perhaps Serum sodium?" in page,
        "Expected 9 quantities of a heart failure record, got 2" in page,
    ) == (True, True)


@pytest.mark.parametrize("name", ["import", "check", "record"])
def test_as_many_queries_for_20_rows_as_for_one(client, ward, name):
    client.force_login(ward)
    small = begin(ward, "A-1,2026-04-01,168,20,never")
    large = begin(ward, *(f"A-2,2026-03-{day:02d},168,{day},never" for day in range(1, 21)))
    good = (
        begin(ward, "A-1,2026-05-01,168,137,never"),
        begin(ward, *(f"A-2,2026-05-{day:02d},168,137,never" for day in range(1, 21))),
    )
    for found in (small, large, *good):
        check(ward, found)

    def queries(found):
        with CaptureQueriesContext(connection) as captured:
            if name == "check":
                check(ward, found)
            elif name == "record":
                run(ward, found)
            else:
                assert client.get(to(name, found.pk)).status_code == 200
        return len(captured)

    few, many = good if name == "record" else (small, large)
    queries(small if name != "record" else begin_checked(ward))
    assert queries(few) == queries(many)


def begin_checked(doctor):
    found = begin(doctor, "A-1,2026-06-01,168,137,never")
    check(doctor, found)
    return found
