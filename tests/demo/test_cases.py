"""The demo cases, with a real worker and the weights that are served."""

from __future__ import annotations

import json

import pytest
from django.core.management import CommandError, call_command

from patients import demo as people
from worker import demo, demo_files

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.processes]


def test_every_case_ends_as_expected_and_the_json_says_so(live_worker, capsys):
    people.load()
    call_command("demo_cases", "--json")
    shown = json.loads(capsys.readouterr().out)["cases"]
    assert [case["case"] for case in shown if not case["as_expected"]] == []
    assert [case["case"] for case in shown] == [case.name for case in demo_files.cases()]


def test_a_case_that_ends_otherwise_fails_the_command(live_worker, monkeypatch):
    people.load()
    cases = demo_files.cases()
    wrong = next(case for case in cases if case.name == "simulated VF")
    expected_otherwise = demo_files.Case("swapped", wrong.mrn, wrong.filename, wrong.data, labels=("Normal",))
    monkeypatch.setattr(demo_files, "cases", lambda: [expected_otherwise])
    with pytest.raises(CommandError, match="1 of 1 cases did not end as expected: swapped"):
        call_command("demo_cases")


def test_demo_cases_are_refused_outside_demo_mode(settings):
    settings.DEMO_MODE = False
    with pytest.raises(CommandError, match="demo mode only"):
        call_command("demo_cases")


def test_agreement_is_shown_per_record_with_its_total():
    counts = {"beats": 10, "answered": 8, "abstained": 1, "refused": 1, "agreed": 6}
    records = [{"record": name, "side": "test"} | counts for name in ("100", "103")]
    last = demo.agreement_text(records).splitlines()[-1].split()
    assert last == ["all", "20", "16", "2", "2", "12", "75.0%"]
