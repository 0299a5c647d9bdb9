"""Models of patients and their history."""

from patients.models.care_team import CareTeamMember
from patients.models.clinical_value import ClinicalValue
from patients.models.history import Allergy, Condition, HistoryEntry, Medication, Note
from patients.models.patient import Patient
from patients.models.value_import import ValueImport, ValueImportRow

__all__ = [
    "Allergy",
    "CareTeamMember",
    "ClinicalValue",
    "Condition",
    "HistoryEntry",
    "Medication",
    "Note",
    "Patient",
    "ValueImport",
    "ValueImportRow",
]
