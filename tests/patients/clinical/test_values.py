"""Entering, correcting and taking back clinical values; what is current, latest and computed."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest
from django.core.exceptions import PermissionDenied
from django.db import DatabaseError, transaction
from django.utils import timezone

from accounts.actor import acting_as
from accounts.models import AuditEvent
from accounts.roles import SYSTEM, Role
from patients.clinical import selectors
from patients.clinical.catalogue import BMI, EGFR, ENTERED
from patients.clinical.reasons import ValuesRefused
from patients.models import CareTeamMember, ClinicalValue, Patient
from patients.services.clinical_values import Entry, correct_value, record_values, withdraw_value
from tests import factories

pytestmark = pytest.mark.django_db
MONDAY = dt.datetime(2026, 3, 2, 9, 30, tzinfo=dt.UTC)
TUESDAY = MONDAY + dt.timedelta(days=1)


@pytest.fixture
def patient(doctor):
    return factories.patient(team=(doctor,), birth_date=dt.date(1966, 3, 2), sex=Patient.Sex.MALE)


def enter(actor, patient, at=MONDAY, **values):
    """Values by code: a text, or a text and its unit."""
    typed = [
        Entry(code, *(value if isinstance(value, tuple) else (value,))) for code, value in values.items()
    ]
    with acting_as(actor):
        return record_values(actor, patient=patient, measured_at=at, entries=typed)


def reasons(act, actor):
    with pytest.raises(ValuesRefused) as caught, acting_as(actor):
        act()
    return [(refusal.code, refusal.reason.value) for refusal in caught.value.refusals]


def refused(actor, patient, at=MONDAY, **values):
    return reasons(lambda: enter(actor, patient, at, **values), actor)


def correct(actor, row, text, unit="", at=MONDAY, reason="misread", **more):
    with acting_as(actor):
        return correct_value(
            actor, value_id=row.pk, text=text, unit=unit, measured_at=at, reason=reason, **more
        )


def trail():
    with acting_as(SYSTEM):
        events = AuditEvent.objects.filter(action__in=("create", "update")).order_by("pk")
        return [(event.action, event.object_type, event.patient_id, event.detail) for event in events]


def test_values_are_kept_as_typed_and_in_the_canonical_unit(doctor, patient):
    creatinine, smoking = enter(doctor, patient, serum_creatinine=("168", "umol/l"), smoking="stopped")
    assert (creatinine.value, creatinine.entered_value, creatinine.entered_unit) == (
        Decimal("1.9005"),
        "168",
        "µmol/L",
    )
    assert (smoking.value, smoking.entered_value, smoking.entered_unit) == (2, "stopped", "")
    assert {(row.entered_by, row.measured_at, row.source) for row in (creatinine, smoking)} == {
        (doctor, MONDAY, "manual")
    }
    detail = {
        "values": [creatinine.pk, smoking.pk],
        "codes": ["serum_creatinine", "smoking"],
        "source": "manual",
    }
    assert trail() == [("create", "patients.patient", patient.pk, detail)]


def test_one_wrong_value_keeps_all_out_and_every_reason_is_told(doctor, patient):
    assert refused(doctor, patient, serum_sodium="137", serum_creatinine="168", weight="x", egfr="60") == [
        ("serum_creatinine", "impossible_value"),
        ("weight", "not_a_number"),
        ("egfr", "computed_quantity"),
    ]
    assert (ClinicalValue.objects.count(), trail()) == (0, [])


@pytest.mark.parametrize(
    ("at", "values", "expected"),
    [
        (MONDAY, {}, [("", "no_values")]),
        (dt.datetime(1960, 1, 1, tzinfo=dt.UTC), {"weight": "80"}, [("", "measured_before_birth")]),
        (
            MONDAY,
            {"systolic_pressure": "80", "diastolic_pressure": "120"},
            [("diastolic_pressure", "pressures_crossed")],
        ),
        (MONDAY, {"weight": "20"}, [("weight", "unusual_value")]),
    ],
)
def test_what_contradicts_itself_is_refused(doctor, patient, at, values, expected):
    assert refused(doctor, patient, at, **values) == expected


def test_the_future_is_refused(doctor, patient):
    assert refused(doctor, patient, timezone.now() + dt.timedelta(hours=1), weight="80") == [
        ("", "measured_in_future")
    ]


def test_the_same_quantity_at_the_same_time_is_recorded_once(doctor, patient):
    def twice():
        entries = [Entry("weight", "80"), Entry("weight", "81")]
        record_values(doctor, patient=patient, measured_at=MONDAY, entries=entries)

    assert reasons(twice, doctor) == [("weight", "entered_twice")]
    enter(doctor, patient, weight="80")
    assert refused(doctor, patient, weight="81") == [("weight", "already_recorded")]
    enter(doctor, patient, TUESDAY, weight="81")
    assert ClinicalValue.objects.count() == 2


def test_a_pressure_is_compared_with_the_other_one_of_that_time(doctor, patient):
    enter(doctor, patient, systolic_pressure="120")
    assert refused(doctor, patient, diastolic_pressure="125") == [("diastolic_pressure", "pressures_crossed")]
    enter(doctor, patient, diastolic_pressure="80")


def test_a_correction_keeps_the_old_value_and_says_why(doctor, patient):
    (old,) = _unusual_sodium(doctor, patient)
    new = correct(doctor, old, "137", reason=" digits exchanged ")
    assert (new.corrects, new.value, new.reason, new.code) == (old, 137, "digits exchanged", "serum_sodium")
    old.refresh_from_db()
    assert old.value == 173
    with acting_as(doctor):
        assert [point.value for point in selectors.course(doctor, patient, ENTERED["serum_sodium"])] == [137]
        every = selectors.clinical_values(doctor, patient, code="serum_sodium")
        assert [row.pk for row in every] == [new.pk, old.pk]
    detail = {"corrects": old.pk, "code": "serum_sodium", "taken_back": False}
    assert trail()[-1] == ("update", "patients.clinicalvalue", patient.pk, detail)


def _unusual_sodium(doctor, patient):
    with acting_as(doctor):
        return record_values(
            doctor, patient=patient, measured_at=MONDAY, entries=[Entry("serum_sodium", "173", "", True)]
        )


def test_a_value_is_corrected_once_and_then_its_correction(doctor, patient):
    (old,) = enter(doctor, patient, weight="80")
    new = correct(doctor, old, "81")
    assert reasons(lambda: correct(doctor, old, "82"), doctor) == [("weight", "already_corrected")]
    assert reasons(lambda: correct(doctor, new, "81"), doctor) == [("weight", "unchanged_value")]
    assert reasons(lambda: correct(doctor, new, "810"), doctor) == [("weight", "impossible_value")]
    assert reasons(lambda: correct(doctor, new, "82", reason=" "), doctor) == [("weight", "no_reason")]
    assert correct(doctor, new, "81", at=TUESDAY).measured_at == TUESDAY


def test_a_correction_does_not_move_onto_another_value(doctor, patient):
    (first,) = enter(doctor, patient, weight="80")
    enter(doctor, patient, TUESDAY, weight="81")
    assert reasons(lambda: correct(doctor, first, "80", at=TUESDAY), doctor) == [
        ("weight", "already_recorded")
    ]


def test_what_was_taken_back_is_not_current_and_its_time_is_free_again(doctor, patient):
    (row,) = enter(doctor, patient, weight="80")
    with acting_as(doctor):
        gone = withdraw_value(doctor, value_id=row.pk, reason="another patient's")
        assert (gone.value, selectors.latest_values(doctor, patient)) == (None, {})
    assert reasons(lambda: correct(doctor, gone, "82"), doctor) == [("weight", "already_corrected")]
    enter(doctor, patient, weight="82")


@pytest.mark.parametrize("role", [Role.PATIENT, Role.ADMIN, Role.AUDITOR])
def test_other_roles_neither_read_nor_write(doctor, patient, role):
    (row,) = enter(doctor, patient, weight="80")
    actor = factories.user(role)
    with acting_as(SYSTEM):
        CareTeamMember.objects.create(patient=patient, user=actor)
    acts = (
        lambda: enter(actor, patient, TUESDAY, weight="80"),
        lambda: correct(actor, row, "81"),
        lambda: withdraw_value(actor, value_id=row.pk, reason="x"),
        lambda: selectors.clinical_values(actor, patient),
        lambda: selectors.latest_values(actor, patient),
    )
    for act in acts:
        with pytest.raises(PermissionDenied), acting_as(actor):
            act()


def test_foreign_patients_do_not_exist(doctor, patient, other_doctor):
    (row,) = enter(doctor, patient, weight="80")
    with pytest.raises(Patient.DoesNotExist):
        enter(other_doctor, patient, TUESDAY, weight="80")
    with pytest.raises(ClinicalValue.DoesNotExist):
        correct(other_doctor, row, "81")
    with acting_as(other_doctor):
        assert selectors.clinical_values(other_doctor, patient).count() == 0
        assert selectors.latest_values(other_doctor, patient) == {}


def test_an_integration_of_the_care_team_enters_values(doctor, patient):
    lab = factories.user(Role.INTEGRATION)
    with acting_as(SYSTEM):
        CareTeamMember.objects.create(patient=patient, user=lab)
    assert enter(lab, patient, serum_sodium="137")[0].entered_by == lab


def test_nobody_enters_a_value_in_anothers_name(doctor, patient, other_doctor):
    row = ClinicalValue(patient=patient, code="weight", value=80, measured_at=MONDAY, entered_by=other_doctor)
    with (
        pytest.raises(DatabaseError, match="violates row-level security policy"),
        acting_as(doctor),
    ):
        row.save(force_insert=True)


def test_the_database_refuses_a_correction_without_a_reason_and_a_value_without_a_number(doctor, patient):
    (old,) = enter(doctor, patient, weight="80")
    by = {"patient": patient, "code": "weight", "measured_at": MONDAY, "entered_by": doctor}
    for wrong in ({"value": 81, "corrects": old}, {"value": None}, {"value": 81, "reason": "so"}):
        with pytest.raises(DatabaseError, match="reasoned_correction"), transaction.atomic():
            ClinicalValue.objects.create(**by, **wrong)


def test_the_filtration_rate_follows_each_creatinine_and_the_age_then(doctor, patient):
    enter(doctor, patient, serum_creatinine="0.9")
    enter(doctor, patient, dt.datetime(2016, 3, 2, 8, tzinfo=dt.UTC), serum_creatinine="0.9")
    with acting_as(doctor):
        points = selectors.course(doctor, patient, EGFR)
        latest = selectors.latest_values(doctor, patient)
    assert [round(float(point.value), 3) for point in points] == [
        round(142 * 0.9938**age, 3) for age in (50, 60)
    ]
    assert points[1].source == "computed from creatinine 0.90 mg/dL, age 60 and sex"
    assert (list(latest), latest["egfr"].value) == (["serum_creatinine", "egfr"], points[1].value)


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"sex": "unknown"}, "The equation needs female or male as the patient's sex."),
        ({"birth_date": dt.date(2015, 1, 1), "sex": "male"}, "The equation is for adults."),
    ],
)
def test_without_sex_or_for_a_child_there_is_no_rate_and_the_page_says_why(doctor, fields, why):
    patient = factories.patient(team=(doctor,), **fields)
    enter(doctor, patient, serum_creatinine="0.9")
    with acting_as(doctor):
        assert selectors.course(doctor, patient, EGFR) == []
        assert selectors.not_computed(patient, EGFR) == why


def test_the_mass_index_takes_the_height_known_at_that_time(doctor, patient):
    enter(doctor, patient, weight="81")
    assert _bmi(doctor, patient) == []
    enter(doctor, patient, TUESDAY, height="180")
    enter(doctor, patient, TUESDAY + dt.timedelta(days=1), weight="90")
    enter(doctor, patient, TUESDAY + dt.timedelta(days=2), height=("1.79", "m"), weight="81")
    assert _bmi(doctor, patient) == [25, round(90 / 1.8**2, 4), round(81 / 1.79**2, 4)]


def _bmi(doctor, patient):
    with acting_as(doctor):
        return [float(point.value) for point in selectors.course(doctor, patient, BMI)]


def test_the_heart_failure_record_is_in_the_datas_columns_and_units(doctor, patient):
    enter(
        doctor, patient, anaemia="no", creatinine_phosphokinase="582", diabetes="yes", ejection_fraction="20",
        high_blood_pressure="1", platelets=("265", "10^9/L"), serum_creatinine="1.9", serum_sodium="130", smoking="stopped",
    )  # fmt: skip
    with acting_as(doctor):
        record = selectors.heart_failure_record(patient, selectors.latest_values(doctor, patient))
    assert record == {
        "age": float(patient.age()), "sex": 1.0, "anaemia": 0.0, "creatinine_phosphokinase": 582.0, "diabetes": 1.0,
        "ejection_fraction": 20.0, "high_blood_pressure": 1.0, "platelets": 265000.0, "serum_creatinine": 1.9,
        "serum_sodium": 130.0, "smoking": 0.0,
    }  # fmt: skip
    empty = selectors.heart_failure_record(factories.patient(sex="unknown"), {})
    assert [name for name, value in empty.items() if value is not None] == ["age"]
