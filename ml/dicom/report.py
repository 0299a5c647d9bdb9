"""A finding as a DICOM structured report: TID 1500 measurement report in a Comprehensive SR (PS3.16 A, PS3.3 A.35.3)."""

from __future__ import annotations

import datetime as dt

import highdicom as hd
import numpy as np
from highdicom import sr
from highdicom.coding_schemes import CodingSchemeIdentificationItem
from highdicom.sr.coding import CodedConcept
from pydicom.dataset import Dataset
from pydicom.sr.codedict import codes
from pydicom.sr.coding import Code

from ml.dicom.finding import MAKER, NOTICE, ChestFinding, Length, Point, length, reference
from ml.dicom.uids import derived_uid

SCHEME = "99CARDIOCARE"  # codes of concepts for which the context groups of PS3.16 have none
RATIO = Code("CTR", SCHEME, "Cardiothoracic ratio")
PROBABILITY = Code("P_ENLARGED", SCHEME, "Probability of an enlarged heart")
AT_DETECTOR = Code("AT_DETECTOR", SCHEME, "Measured at the detector, magnification not corrected")
HEART = Code("80891009", "SCT", "Heart")
CHEST = Code("43799004", "SCT", "Thoracic cavity structure")
CHEST_XRAY = Code("399208008", "SCT", "Plain X-ray of chest")
PIXELS = Code("{pixels}", "UCUM", "pixels")
RATIO_UNIT = Code("{ratio}", "UCUM", "ratio")
FINDINGS = {
    "Normal heart size": Code("17621005", "SCT", "Normal"),
    "Borderline heart size": Code("111848", "DCM", "Borderline"),
    "Cardiomegaly": Code("8186001", "SCT", "Cardiomegaly"),
}
SERIES_NUMBER = 9001
_MOST_TEXT = 64  # of a value of the kind LO


def structured_report(finding: ChestFinding) -> Dataset:
    """A report with the ratio and its 90 % interval, the two diameters as lines on the image, the finding and its probability.

    It is marked as complete but preliminary and not verified, and names the model as observer, as algorithm and as contributing
    equipment. The same finding gives the same UIDs.

    Args:
        finding: the answer; its label is one of `FINDINGS`.

    Returns:
        The report, to be written with ``save_as``.

    Raises:
        UnusableDicom: when the image lacks a UID by which it could be referred to.
        KeyError: for another label.
    """
    source = reference(finding.source)
    content = sr.MeasurementReport(
        observation_context=_observer(finding),
        procedure_reported=CHEST_XRAY,
        imaging_measurements=[_measurements(finding)],
        title=codes.DCM.ImagingMeasurementReport,
    )
    report = sr.ComprehensiveSR(
        evidence=[source],
        content=content[0],
        series_instance_uid=finding.uid("report series"),
        series_number=SERIES_NUMBER,
        sop_instance_uid=finding.uid("report"),
        instance_number=1,
        manufacturer=MAKER,
        manufacturer_model_name=finding.model,
        software_versions=finding.version,
        device_serial_number=finding.weights_sha256[:_MOST_TEXT],
        is_complete=True,
        series_description=f"{finding.model}: {NOTICE}"[:_MOST_TEXT],
        coding_schemes=[
            CodingSchemeIdentificationItem(
                designator=SCHEME, name="CardioCare", responsible_organization=MAKER
            )
        ],
        contributing_equipment=[equipment(finding)],
    )
    dated(report, finding.made_at)
    return report


def dated(made: Dataset, made_at: dt.datetime) -> None:
    """Give an object the time of the answer instead of the clock's, so that it is the same to the byte whenever it is made."""
    date, time = made_at.strftime("%Y%m%d"), made_at.strftime("%H%M%S")
    made.TimezoneOffsetFromUTC = made_at.strftime("%z")
    for name in ("InstanceCreation", "Content"):
        setattr(made, f"{name}Date", date)
        setattr(made, f"{name}Time", time)
    if "DateOfSecondaryCapture" in made:
        made.DateOfSecondaryCapture, made.TimeOfSecondaryCapture = date, time
    for item in made.ContributingEquipmentSequence:
        if "ContributionDateTime" in item:
            item.ContributionDateTime = made_at.strftime("%Y%m%d%H%M%S%z")


def equipment(finding: ChestFinding) -> hd.ContributingEquipment:
    """The model as an item of the Contributing Equipment Sequence (PS3.3 C.12.1)."""
    return hd.ContributingEquipment(
        MAKER,
        codes.DCM.ProcessingEquipment,
        manufacturer_model_name=finding.model,
        software_versions=finding.version,
        device_serial_number=finding.weights_sha256[:_MOST_TEXT],
        contribution_datetime=finding.made_at,
        contribution_description=f"Answer of an artificial neural network. {NOTICE}.",
    )


def _algorithm(finding: ChestFinding) -> sr.AlgorithmIdentification:
    return sr.AlgorithmIdentification(
        name=finding.model,
        version=finding.version,
        family=codes.DCM.ArtificialIntelligence,
        manufacturer=MAKER,
        parameters=[f"SHA-256 of the weights: {finding.weights_sha256}"],
    )


def _observer(finding: ChestFinding) -> sr.ObservationContext:
    device = sr.DeviceObserverIdentifyingAttributes(
        uid=derived_uid(finding.model, finding.version, finding.weights_sha256),
        name=f"{finding.model} ({NOTICE})",
        manufacturer_name=MAKER,
        model_name=finding.model,
        serial_number=finding.weights_sha256,
    )
    return sr.ObservationContext(
        observer_device_context=sr.ObserverContext(
            observer_type=codes.DCM.Device, observer_identifying_attributes=device
        )
    )


def _measurements(finding: ChestFinding) -> sr.MeasurementsAndQualitativeEvaluations:
    """The measurement group of the heart (TID 1501)."""
    ratio = sr.Measurement(
        name=RATIO,
        value=round(finding.ratio, 4),
        unit=RATIO_UNIT,
        properties=sr.MeasurementProperties(
            upper_measurement_uncertainty=round(finding.high - finding.ratio, 4),
            lower_measurement_uncertainty=round(finding.ratio - finding.low, 4),
        ),
    )
    probability = sr.Measurement(
        name=PROBABILITY, value=round(100.0 * finding.probability, 1), unit=codes.UCUM.Percent
    )
    return sr.MeasurementsAndQualitativeEvaluations(
        tracking_identifier=sr.TrackingIdentifier(uid=finding.uid("heart"), identifier="Heart size"),
        finding_type=FINDINGS[finding.label],
        finding_sites=[sr.FindingSite(anatomic_location=CodedConcept.from_code(HEART))],
        algorithm_id=_algorithm(finding),
        measurements=[
            ratio,
            _diameter(finding, finding.heart, HEART),
            _diameter(finding, finding.chest, CHEST),
            probability,
        ],
    )


def _diameter(finding: ChestFinding, line: tuple[Point, Point], site: Code) -> sr.Measurement:
    """A diameter (TID 300) with the line on the image from which it was read."""
    measured: Length = length(line, finding.source)
    image = sr.SourceImageForRegion(
        referenced_sop_class_uid=finding.source.SOPClassUID,
        referenced_sop_instance_uid=finding.source.SOPInstanceUID,
    )
    return sr.Measurement(
        name=codes.SCT.Diameter,
        value=round(measured.value, 2),
        unit=codes.UCUM.Millimeter if measured.unit == "mm" else PIXELS,
        finding_sites=[sr.FindingSite(anatomic_location=CodedConcept.from_code(site))],
        method=AT_DETECTOR if measured.magnified else None,
        referenced_coordinates=[
            sr.CoordinatesForMeasurement(
                graphic_type=sr.GraphicTypeValues.POLYLINE,
                graphic_data=np.array(line, dtype=np.float32),
                source_image=image,
            )
        ],
    )
