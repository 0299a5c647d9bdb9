"""Reading tables as CSV, and guessing what their columns are."""

from __future__ import annotations

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from patients.clinical import table
from patients.clinical.catalogue import ENTERED
from patients.clinical.table import TableRefused, guess, missing_features, read_table, targets, template

HEART_DATA = (
    "age,anaemia,creatinine_phosphokinase,diabetes,ejection_fraction,high_blood_pressure,platelets,serum_creatinine,serum_sodium,"
    "sex,smoking,time,DEATH_EVENT"
)
TEXT = st.text(
    st.characters(exclude_categories=["Cs", "Cc"], exclude_characters='",;\t\u2028\u2029\x85'), max_size=12
)


def reason(data):
    with pytest.raises(TableRefused) as caught:
        read_table(data)
    assert str(caught.value)
    return caught.value.reason.value


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252"])
def test_a_table_is_read_with_any_delimiter_and_the_encodings_of_excel(delimiter, encoding):
    text = f'mrn{delimiter}creatinine (µmol/L)\r\nA-1{delimiter}"1{delimiter}5"\r\n\r\nA-2{delimiter} 88\r\n'
    read = read_table(text.encode(encoding))
    assert read.headings == ("mrn", "creatinine (µmol/L)")
    assert read.rows == ((2, ("A-1", f"1{delimiter}5")), (4, ("A-2", "88")))


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"", "empty_table"),
        (b" \n\n", "empty_table"),
        (b"\x89PNG\r\n\x1a\n\x00", "not_a_text_table"),
        ("mrn,weight\nA,80\n".encode("utf-16"), "not_a_text_table"),
        (b"\x81\x8d,b\nA,80\n", "not_a_text_table"),
        (b"mrn,weight\n", "no_rows"),
        (b"mrn,mrn\nA,80\n", "same_headings"),
        (b",".join([b"c%d" % number for number in range(81)]) + b"\nA\n", "too_many_columns"),
        (b"mrn\n" + b"A\n" * 20_001, "too_many_rows"),
        (b"mrn\n" + b"A" * 10_000_000, "table_too_large"),
        (b'mrn,weight\nA,"' + b"8" * 200_000 + b'"\n', "not_a_text_table"),
    ],
)
def test_what_is_no_table_is_refused_with_a_code(data, expected):
    assert reason(data) == expected


@given(st.binary(max_size=200))
def test_any_bytes_are_a_table_or_refused(data):
    try:
        read = read_table(data)
    except TableRefused:
        return
    assert read.rows
    assert len(guess(read.headings)) == len(read.headings)


@given(st.lists(st.lists(TEXT, min_size=2, max_size=2), min_size=1, max_size=5))
def test_what_was_written_is_read_back(rows):
    stream = io.StringIO()
    csv.writer(stream).writerows([["mrn", "weight"], *rows])
    kept = [tuple(cell.strip() for cell in row) for row in rows if any(row)]
    if kept:
        assert [cells for _, cells in read_table(stream.getvalue().encode()).rows] == kept


def test_the_columns_of_the_heart_failure_data_are_known():
    guessed = guess(tuple(HEART_DATA.split(",")))
    assert guessed == [
        "", "anaemia|", "creatinine_phosphokinase|U/L", "diabetes|", "ejection_fraction|%", "high_blood_pressure|",
        "platelets|10⁹/L", "serum_creatinine|mg/dL", "serum_sodium|mmol/L", "", "smoking|", "", "",
    ]  # fmt: skip
    assert missing_features(guessed) == []


def test_the_missing_feature_is_named():
    assert missing_features(guess(tuple(HEART_DATA.replace("serum_sodium,", "").split(",")))) == [
        "Serum sodium"
    ]


@pytest.mark.parametrize(
    ("heading", "place"),
    [
        ("MRN", "mrn"),
        ("Date", "measured_at"),
        ("Serum Creatinine [umol/l]", "serum_creatinine|µmol/L"),
        ("LDL (mg/dL)", "ldl_cholesterol|mg/dL"),
        ("LDL (furlongs)", ""),
        ("SpO2", "oxygen_saturation|%"),
        ("", ""),
        ("ward", ""),
    ],
)
def test_headings_are_understood_however_they_are_written(heading, place):
    assert guess((heading,)) == [place]


def test_a_quantity_is_guessed_once():
    assert guess(("EF", "LVEF")) == ["ejection_fraction|%", ""]


def test_every_guess_is_a_choice_of_the_form():
    places = {place for place, _ in targets()}
    assert set(guess(tuple(ENTERED) + tuple(table.SYNONYMS))) <= places


def test_the_template_is_a_table_of_everything_with_usual_values():
    read = read_table(template().encode())
    guessed = guess(read.headings)
    assert ("" in guessed, len(guessed), len(read.rows)) == (False, len(ENTERED) + 2, 1)


@pytest.mark.parametrize(
    ("heading", "words"),
    [
        ("creatinin", "Perhaps Serum creatinine?"),
        ("serum sodum", "Perhaps Serum sodium?"),
        ("ejection fracton", "Perhaps Ejection fraction?"),
        ("platlets (G/l)", "Perhaps Platelets?"),
        ("remarks", ""),
        (
            "serum_creatinine (g/L)",
            "Serum creatinine is not taken in g/L. If the heading is wrong, choose the unit that the values have.",
        ),
        ("smoking", ""),
    ],
)
def test_a_column_that_is_not_known_gets_a_suggestion(heading, words):
    assert table.suggestion(heading) == words


def test_a_column_in_a_foreign_unit_is_left_to_a_person():
    assert guess(("serum_creatinine (g/L)", "weight (stone)", "serum_sodium (mEq/L)")) == [
        "",
        "",
        "serum_sodium|mEq/L",
    ]
