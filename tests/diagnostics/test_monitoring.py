"""A model that gives nearly always one answer is told apart from one that sees healthy people."""

from __future__ import annotations

import pytest
from django.urls import reverse

from accounts.actor import acting_as
from accounts.roles import SYSTEM, Role
from diagnostics.services.monitoring import one_sided
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def answered(doctor):
    """Makes predictions with these labels, in this order."""
    patient = factories.patient(team=(doctor,))

    def make(*labels):
        for label in labels:
            factories.prediction(factories.diagnosis(patient, doctor), label=label, heatmap=False)

    return make


def alarms():
    with acting_as(SYSTEM):
        return [(one.label, one.answers) for one in one_sided(SYSTEM)]


def test_one_class_for_nearly_everybody_is_an_alarm(answered):
    answered(*["RBBB"] * 39)
    assert alarms() == []  # too few to tell
    answered("Normal", *["RBBB"] * 5)
    assert alarms() == [("RBBB", 45)]


def test_healthy_people_are_none_until_nothing_else_is_ever_answered(answered):
    answered("PVC", *["Normal"] * 44)
    assert alarms() == []


def test_a_mixture_is_none(answered):
    answered(*["RBBB", "Normal", "PVC"] * 15)
    assert alarms() == []


def test_the_administrator_is_told(client, answered):
    answered(*["RBBB"] * 40)
    client.force_login(factories.user(Role.ADMIN))
    page = client.get(reverse("diagnostics:workers")).content.decode()
    assert "beat-cnn 0.0.0 called 100 % of its last 40 answers RBBB." in page
