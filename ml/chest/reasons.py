"""Why a film is not measured, or with a warning only: stable codes with a sentence each (what happened, why, what to do next)."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

ADULT_YEARS = 18  # whose films the model knows


class ChestReason(StrEnum):
    """Stable reason codes; a code never changes its meaning."""

    NO_MODEL = "no_model_for_modality"
    LATERAL = "chest_lateral"
    AP = "chest_ap"
    CHILD = "chest_child"
    OTHER_PART = "chest_other_body_part"
    NOT_XRAY = "chest_not_an_xray"
    NOT_FRONTAL = "chest_not_frontal"
    UNPROCESSED = "chest_unprocessed"
    UNSURE = "chest_unsure"
    VIEW_UNKNOWN = "chest_view_unknown"
    AGE_UNKNOWN = "chest_age_unknown"


SENTENCES: dict[ChestReason, str] = {
    ChestReason.NO_MODEL: "{what}: stored and viewed; there is no model for it yet. Send a frontal (PA) chest X-ray to have a heart "
    "measured.",
    ChestReason.LATERAL: "The film is said to be {view}, and the heart is measured on frontal films only. Send the PA film of the study.",
    ChestReason.AP: "The film was taken from the front (AP), which enlarges the heart's shadow, so its size would be overestimated. Send a "
    "PA film, or judge the heart by echocardiography.",
    ChestReason.CHILD: "The patient was {age} old when the film was taken, and the model knows adults only; the limit of 0.50 does not "
    "hold for children. Have the film read by a paediatric radiologist.",
    ChestReason.OTHER_PART: "The film is said to show {part}, not the chest. Send a frontal (PA) chest X-ray.",
    ChestReason.NOT_XRAY: "The picture does not look like a chest X-ray: {detail}. Check that the right image was sent.",
    ChestReason.NOT_FRONTAL: "Two lungs with the heart between them could not be told on the picture ({detail}), so nothing was measured. "
    "Check that it is a frontal chest film, upright, with both lungs in the field.",
    ChestReason.UNPROCESSED: "The image comes from the detector before processing (FOR PROCESSING) and cannot be compared with a film. "
    "Send the image for presentation of the same exposure.",
    ChestReason.UNSURE: "The outlines of heart and chest change too much with small changes of the picture for a measurement. Measure the "
    "film yourself.",
    ChestReason.VIEW_UNKNOWN: "The object does not say from which side the film was taken. On an AP film the heart looks larger than it "
    "is: check that it is a PA film.",
    ChestReason.AGE_UNKNOWN: "The object does not say how old the patient was. The model knows adults only: check that it is not a child.",
}


class NotEligible(Exception):
    """A film must not, or cannot, be measured.

    Attributes:
        reason_code: stable code, one of `ChestReason`.
        message: sentence for the clinician.
    """

    def __init__(self, reason: ChestReason, **values: Any) -> None:
        self.reason = reason
        self.reason_code = reason.value
        self.message = SENTENCES[reason].format(**values)
        super().__init__(self.message)
