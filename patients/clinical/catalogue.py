"""Every quantity of the clinical record, as data: units, ranges and LOINC codes. `docs/clinical-values.md` is made from this file.

The ranges catch slips of the pen and of the unit; they are not reference intervals. Conversion: molar masses as laboratories use
them, cholesterol 0.02586 mmol/L per mg/dL; HbA1c by the NGSP/IFCC master equation, NGSP = 0.09148 x IFCC + 2.152 (Hoelzel and
others, Clinical Chemistry 2004;50:166). The heart failure record is that of Chicco and Jurman, BMC Medical Informatics 2020;20:16.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from patients.clinical.quantities import Group, Quantity, Unit

D = Decimal
NO_YES = ((0, "no"), (1, "yes"))
CHOLESTEROL = (Unit("mmol/L"), Unit("mg/dL", times=D("0.02586")))
TROPONIN = (
    Unit("ng/L"),
    Unit("pg/mL"),
    Unit("ng/mL", times=D(1000)),
    Unit("µg/L", times=D(1000)),
)
PRESSURE = (Unit("mmHg"), Unit("kPa", times=D("7.50062")))


def _number(  # a row of the table below
    code: str, name: str, plain: str, group: Group, units: tuple[Unit, ...], *, possible: tuple[str, str], usual: tuple[str, str],
    **more: Any,
) -> Quantity:  # fmt: skip
    low, high = usual
    return Quantity(
        code, name, plain, group, units, (D(possible[0]), D(possible[1])), (D(low), D(high)), **more
    )


def _yes_or_no(code: str, name: str, plain: str, group: Group = Group.HEART) -> Quantity:
    return Quantity(code, name, plain, group, choices=NO_YES)


def _asked(code: str, name: str, plain: str) -> Quantity:
    return _yes_or_no(code, name, plain, Group.CONDITIONS)


HEART = (
    _yes_or_no("anaemia", "Anaemia", "Too few red blood cells or too little haemoglobin"),
    _number(
        "creatinine_phosphokinase", "Creatinine phosphokinase (CPK)", "A muscle enzyme in the blood", Group.HEART,
        (Unit("U/L"), Unit("µkat/L", times=D(60))), possible=("1", "1000000"), usual=("10", "10000"), loinc="2157-6",
    ),
    _yes_or_no("diabetes", "Diabetes", "High blood sugar as a lasting disease"),
    _number(
        "ejection_fraction", "Ejection fraction", "How much of its blood the left ventricle pumps out with a beat", Group.HEART,
        (Unit("%"), Unit("fraction", times=D(100))), possible=("5", "90"), usual=("10", "80"), loinc="10230-1",
    ),
    _yes_or_no("high_blood_pressure", "High blood pressure", "Hypertension as a lasting disease"),
    _number(
        "platelets", "Platelets", "The blood cells that stop bleeding", Group.HEART,
        (Unit("10⁹/L"), Unit("10³/µL"), Unit("/µL", times=D("0.001"))), possible=("1", "3000"), usual=("50", "900"), loinc="26515-7",
    ),
    _number(
        "serum_creatinine", "Serum creatinine", "A waste product that healthy kidneys remove", Group.HEART,
        (Unit("mg/dL"), Unit("µmol/L", over=D("88.4"))), possible=("0.1", "40"), usual=("0.3", "10"), loinc="2160-0", decimals=2,
    ),
    _number(
        "serum_sodium", "Serum sodium", "The most important salt of the blood", Group.HEART,
        (Unit("mmol/L"), Unit("mEq/L")), possible=("80", "200"), usual=("120", "160"), loinc="2951-2",
    ),
    # 1 is "smokes" as in the heart-failure data; who stopped is told apart from who never did.
    Quantity(
        "smoking", "Smoking", "Tobacco", Group.HEART, choices=((0, "never"), (2, "stopped"), (1, "smokes")), loinc="72166-2",
    ),
)  # fmt: skip
VITALS = (
    _number(
        "systolic_pressure", "Systolic blood pressure", "The upper value of the blood pressure", Group.VITALS,
        PRESSURE, possible=("30", "350"), usual=("80", "220"), loinc="8480-6",
    ),
    _number(
        "diastolic_pressure", "Diastolic blood pressure", "The lower value of the blood pressure", Group.VITALS,
        PRESSURE, possible=("10", "250"), usual=("40", "130"), loinc="8462-4",
    ),
    _number(
        "heart_rate", "Heart rate", "Heartbeats per minute", Group.VITALS,
        (Unit("/min"),), possible=("10", "350"), usual=("40", "160"), loinc="8867-4",
    ),
    _number(
        "weight", "Weight", "Body weight", Group.VITALS,
        (Unit("kg"), Unit("lb", times=D("0.45359237"))), possible=("0.3", "650"), usual=("35", "200"), loinc="29463-7", decimals=1,
    ),
    _number(
        "height", "Height", "Body height", Group.VITALS,
        (Unit("cm"), Unit("m", times=D(100)), Unit("in", times=D("2.54"))), possible=("25", "275"), usual=("130", "210"),
        loinc="8302-2",
    ),
    _number(
        "temperature", "Body temperature", "Body temperature", Group.VITALS,
        (Unit("°C"), Unit("°F", times=D(5), over=D(9), minus=D(32))), possible=("13", "46"), usual=("35", "41"), loinc="8310-5",
        decimals=1,
    ),
    _number(
        "oxygen_saturation", "Oxygen saturation (SpO2)", "Oxygen in the blood, measured at the finger", Group.VITALS,
        (Unit("%"),), possible=("20", "100"), usual=("88", "100"), loinc="59408-5",
    ),
)  # fmt: skip
LABORATORY = (
    _number(
        "troponin_t", "Troponin T, high sensitivity", "A protein that leaks from injured heart muscle", Group.LABORATORY,
        TROPONIN, possible=("0", "1000000"), usual=("0", "10000"), loinc="67151-1", decimals=1,
    ),
    _number(
        "troponin_i", "Troponin I, high sensitivity", "A protein that leaks from injured heart muscle", Group.LABORATORY,
        TROPONIN, possible=("0", "5000000"), usual=("0", "50000"), loinc="89579-7", decimals=1,
    ),
    _number(
        "nt_probnp", "NT-proBNP", "A hormone that a strained heart releases", Group.LABORATORY,
        (Unit("pg/mL"), Unit("ng/L"), Unit("pmol/L", times=D("8.457"))), possible=("0", "500000"), usual=("5", "35000"),
        loinc="33762-6",
    ),
    _number(
        "total_cholesterol", "Total cholesterol", "All cholesterol in the blood", Group.LABORATORY,
        CHOLESTEROL, possible=("0.3", "40"), usual=("2", "12"), loinc="14647-2", decimals=2,
    ),
    _number(
        "ldl_cholesterol", "LDL cholesterol", "The cholesterol that clogs arteries", Group.LABORATORY,
        CHOLESTEROL, possible=("0", "35"), usual=("0.3", "9"), loinc="22748-8", decimals=2,
    ),
    _number(
        "hdl_cholesterol", "HDL cholesterol", "The cholesterol on its way out of the arteries", Group.LABORATORY,
        CHOLESTEROL, possible=("0.05", "8"), usual=("0.4", "4"), loinc="14646-4", decimals=2,
    ),
    _number(
        "triglycerides", "Triglycerides", "Fat in the blood", Group.LABORATORY,
        (Unit("mmol/L"), Unit("mg/dL", times=D("0.01129"))), possible=("0.05", "250"), usual=("0.3", "12"), loinc="14927-8", decimals=2,
    ),
    _number(
        "glucose", "Glucose", "Sugar in the blood", Group.LABORATORY,
        (Unit("mmol/L"), Unit("mg/dL", times=D("0.0555"))), possible=("0.2", "120"), usual=("2.8", "33"), loinc="14749-6", decimals=1,
    ),
    _number(
        "hba1c", "HbA1c", "Average blood sugar of the last three months", Group.LABORATORY,
        (Unit("mmol/mol"), Unit("%", over=D("0.09148"), minus=D("2.152"))), possible=("5", "250"), usual=("20", "150"),
        loinc="59261-8",
    ),
)  # fmt: skip
# What the established scores ask beside measurements (ml.clinical.scores); each score says itself what it is for.
CONDITIONS = (
    _asked("heart_failure", "Heart failure", "The heart pumps too weakly, as a diagnosis"),
    _asked("heart_failure_over_18_months", "Heart failure for over 18 months", "Diagnosed more than 18 months ago"),
    Quantity(
        "nyha_class", "NYHA class", "How much effort the heart still allows", Group.CONDITIONS,
        choices=((1, "I"), (2, "II"), (3, "III"), (4, "IV")),
    ),
    _asked("known_cvd", "Known cardiovascular disease", "Disease of the heart's or other arteries, stroke or heart failure"),
    _asked("atrial_fibrillation", "Atrial fibrillation or flutter", "An irregular heartbeat that starts in the upper chambers"),
    _asked("stroke_or_tia", "Stroke, TIA or embolism", "A stroke, a passing one, or a clot elsewhere"),
    _asked("vascular_disease", "Vascular disease", "Earlier heart attack, narrowed leg arteries or plaque in the aorta"),
    _asked("copd", "COPD", "A lasting narrowing of the airways"),
    _asked("beta_blocker", "Takes a beta blocker", "A drug that slows and protects the heart"),
    _asked("acei_or_arb", "Takes an ACE inhibitor or ARB", "A drug that relieves heart and kidneys"),
    _asked("statin", "Takes a statin", "A drug that lowers cholesterol"),
    _asked("treated_pressure", "Blood pressure is treated", "Takes a drug against high blood pressure"),
)  # fmt: skip
# Never entered: computed from the others whenever they are read (patients.clinical.computed).
BMI = _number(
    "bmi", "Body mass index", "Weight for height", Group.VITALS,
    (Unit("kg/m²"),), possible=("3", "250"), usual=("18.5", "30"), loinc="39156-5", decimals=1,
)  # fmt: skip
EGFR = _number(
    "egfr", "eGFR (CKD-EPI 2021)", "How well the kidneys filter", Group.LABORATORY,
    (Unit("mL/min/1.73 m²"),), possible=("0", "250"), usual=("60", "150"), loinc="98979-8",
)  # fmt: skip

ENTERED: dict[str, Quantity] = {row.code: row for row in (*HEART, *VITALS, *LABORATORY, *CONDITIONS)}
COMPUTED: dict[str, Quantity] = {row.code: row for row in (BMI, EGFR)}
CATALOGUE: dict[str, Quantity] = ENTERED | COMPUTED
