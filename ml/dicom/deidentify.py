"""De-identification: the Basic Application Level Confidentiality Profile with modified dates (PS3.15 E.2, E.3.6), and more.

What is done to an attribute comes from table E.1-1 as dicom-anonymizer keeps it, at every depth of nesting. Beyond the table: private and
unknown attributes go, binary ones that no image needs go, and so does every value in which a name or identifier of the object still stands.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import functools
import hashlib
import hmac
import re
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pydicom
from dicomanonymizer import simpledicomanonymizer as table
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.tag import BaseTag

from ml.dicom.burned_in import Doubt, doubts
from ml.dicom.codestreams import clean_pixels
from ml.dicom.identity import Identity, Known, identity_of
from ml.dicom.opening import open_dicom, transfer_syntax
from ml.dicom.reasons import DicomReason, UnusableDicom
from ml.dicom.uids import derived_uid

EDITION = "2026c"
LEAST_KEY_BYTES = 16
_DATE = re.compile(r"(\d{8})(\d{0,6}(?:\.\d{1,6})?(?:[+-]\d{4})?)")  # DA, or DT at least to the day
_LONGEST_SHIFT = 3650  # days, towards the past
_DICOM_ROOT = "1.2.840.10008."
_KEPT_UIDS = {
    "SOPClassUID", "ReferencedSOPClassUID", "ReferencedSOPClassUIDInFile", "CodingSchemeUID", "ContextUID", "MappingResourceUID",
    "TransferSyntaxUID",
}  # fmt: skip
_NEEDED = {"SOPClassUID": "class", "SOPInstanceUID": "UID"}
_BIRTH = {"PatientBirthDate", "PatientBirthTime"}  # the option for dates does not keep them, shifted or not
_BINARY = {"OB", "OW", "OD", "OF", "OL", "OV", "UN"}
_NEEDED_BINARY = {
    "PixelData", "FloatPixelData", "DoubleFloatPixelData", "ExtendedOffsetTable", "ExtendedOffsetTableLengths", "LUTData", "ICCProfile",
    "RedPaletteColorLookupTableData", "GreenPaletteColorLookupTableData", "BluePaletteColorLookupTableData",
    "AlphaPaletteColorLookupTableData", "SegmentedRedPaletteColorLookupTableData", "SegmentedGreenPaletteColorLookupTableData",
    "SegmentedBluePaletteColorLookupTableData", "WaveformData",
}  # fmt: skip
_DUMMIES: dict[str, Any] = {
    "AS": "000Y",
    "TM": "000000",
    "DS": "0",
    "IS": "0",
    "UR": "http://removed.invalid",
}
_TEXT = {"AE", "CS", "LO", "LT", "PN", "SH", "ST", "UC", "UT"}
_NUMBERS = {"FD", "FL", "SS", "US", "SL", "UL", "SV", "UV"}
_ACTIONS: dict[Callable[..., Any], str] = {
    table.replace: "D", table.empty_or_replace: "D", table.delete_or_replace: "D", table.delete_or_empty_or_replace: "D",
    table.empty: "Z", table.delete_or_empty: "Z", table.delete: "X",
    table.replace_UID: "U", table.delete_or_empty_or_replace_UID: "U",
}  # fmt: skip


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Deidentified:
    """An object without identity.

    Attributes:
        dataset: to be written with ``save_as(..., enforce_file_format=True)``.
        doubts: what no rule about attributes can remove: words that may stand in the picture.
    """

    dataset: Dataset
    doubts: tuple[Doubt, ...]


def deidentify(path: Path, *, key: bytes, known: Known | None = None) -> Deidentified:
    """An object as it may leave the house.

    With one key, the same patient gets the same pseudonym and the same shift of dates, and the same UID the same new UID, in every object.
    Whoever has the key can tell whom a pseudonym stands for.

    Args:
        path: a DICOM object.
        key: secret, at least `LEAST_KEY_BYTES` long.
        known: the record that it is filed to, whatever the object says: pseudonym and shift go by it, and its names and numbers stand
            in no value either. By default pseudonym and shift go by the number in the object.

    Raises:
        ValueError: when the key is too short.
        UnusableDicom: when the object cannot be read.
        OSError: the file itself cannot be read from the disk.
    """
    if len(key) < LEAST_KEY_BYTES:
        raise ValueError(f"the key has {len(key)} bytes, and less than {LEAST_KEY_BYTES} can be guessed")
    with warnings.catch_warnings():
        warnings.simplefilter(
            "ignore"
        )  # pydicom's doubts about values; those that cannot be judged are removed
        return _deidentified(path, key, known)


def _deidentified(path: Path, key: bytes, known: Known | None) -> Deidentified:
    dataset = open_dicom(path)
    found = doubts(path, dataset)
    syntax = transfer_syntax(dataset)
    missing = [words for name, words in _NEEDED.items() if not _uid(dataset, name)]
    if missing:
        raise UnusableDicom(DicomReason.MISSING_TAGS, names=", ".join(missing))
    identity = identity_of(dataset, known)
    said = (str(dataset.get(name) or "") for name in ("PatientID", "PatientName", "StudyInstanceUID"))
    patient = known.key if known else next((one for one in said if one), "")
    for name in _NEEDED:
        setattr(dataset, name, _uid(dataset, name))
    if "PixelData" in dataset:
        clean_pixels(dataset, syntax)
    _Profile(key=key, shift=_shift(patient, key), identity=identity).apply(dataset)
    dataset.PatientID = dataset.PatientName = _pseudonym(patient, key)
    _say_so(dataset)
    _new_meta(dataset, syntax)
    return Deidentified(dataset=dataset, doubts=found)


@functools.cache
def _rules() -> tuple[dict[tuple[int, int], str], tuple[tuple[int, int, int, int, str], ...]]:
    """What the table says of single attributes, and of repeating groups (group, element, the masks of both, action)."""
    single, repeating = {}, []
    for tag, action in table.initialize_actions(f"dicomfields_{EDITION}").items():
        if len(tag) == 2:
            single[tag] = _ACTIONS[action]
        else:
            repeating.append((*tag, _ACTIONS[action]))
    return single, tuple(repeating)


def _rule(tag: BaseTag) -> str | None:
    """The table's action: D dummy, Z empty, X remove, U new UID; None where the table has none."""
    single, repeating = _rules()
    found = single.get((tag.group, tag.element))
    if found is None:
        for group, element, group_mask, element_mask, action in repeating:
            if (
                tag.group & group_mask == group & group_mask
                and tag.element & element_mask == element & element_mask
            ):
                return action
    return found


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class _Profile:
    """The rules with the secrets of one run."""

    key: bytes
    shift: dt.timedelta
    identity: Identity

    def apply(self, dataset: Dataset, *, dummies: bool = False) -> None:
        """Change a data set, and those nested in it; `dummies` makes every leaf one, below a sequence that has to be one."""
        for tag in list(dataset.keys()):
            element = _read(dataset, tag)
            if element is None or not self._kept(element, dummies=dummies):
                del dataset[tag]

    def _kept(self, element: DataElement, *, dummies: bool) -> bool:
        """Change an element; answer whether it stays."""
        rule, vr = _rule(element.tag), element.VR
        in_time = vr in {"DA", "DT"} and element.keyword not in _BIRTH
        if not _is_known(element.tag) or (rule == "X" and not in_time):
            return False
        if in_time:
            element.value = _each(element.value, self._shifted)
        elif vr == "UI":
            self._map_uids(element, always=rule == "U")
        elif vr == "SQ":
            element.value = [] if rule == "Z" else element.value
            for item in element.value:
                self.apply(item, dummies=dummies or rule == "D")
        elif rule is not None or (dummies and vr in _TEXT):
            empty = rule == "Z" and not dummies and vr not in _NUMBERS
            element.value = None if empty else _dummy(vr)
        elif vr in _BINARY or vr not in pydicom.valuerep.STANDARD_VR:
            return element.keyword in _NEEDED_BINARY
        else:
            return not self.identity.stands_in(element)
        return True

    def _map_uids(self, element: DataElement, *, always: bool) -> None:
        if element.keyword in _KEPT_UIDS and not always:
            return
        element.value = _each(element.value, self._new_uid)

    def _new_uid(self, uid: str) -> str:
        return uid if not uid or uid.startswith(_DICOM_ROOT) else derived_uid("uid", uid, key=self.key)

    def _shifted(self, text: str) -> str:
        """A date, or a date with time, earlier by the patient's shift; empty where it is none."""
        parts = _DATE.fullmatch(text.strip())
        if parts is None:
            return ""
        try:
            day = dt.datetime.strptime(parts[1], "%Y%m%d") - self.shift  # noqa: DTZ007 - the zone stands behind and stays
        except (ValueError, OverflowError):
            return ""
        return f"{day:%Y%m%d}{parts[2]}"


def _read(dataset: Dataset, tag: BaseTag) -> DataElement | None:
    """An element; None where its value does not come out and so cannot be judged."""
    try:
        element = dataset[tag]
        _ = element.value
    except Exception:  # noqa: BLE001 - any of pydicom's many errors means the same here: it cannot be judged, so it goes
        return None
    return element


def _is_known(tag: BaseTag) -> bool:
    """Whether the standard's dictionary has an attribute; group lengths count as unknown."""
    if tag.is_private or tag.element == 0:
        return False
    return pydicom.datadict.dictionary_has_tag(tag) or pydicom.datadict.repeater_has_tag(int(tag))


def _each(value: Any, change: Callable[[str], str]) -> Any:
    """A value, or each of several, changed as text."""
    if value is None or isinstance(value, (str, dt.date)):
        return change(str(value or ""))
    return [change(str(one)) for one in value]


def _dummy(vr: str) -> Any:
    """A value that says nothing, of the right kind."""
    if vr in _TEXT:
        return "REMOVED"
    if vr in _NUMBERS:
        return 0
    return _DUMMIES.get(vr, b"")


def _keyed(patient: str, purpose: str, key: bytes) -> bytes:
    return hmac.new(key, f"{purpose}\0{patient}".encode(), hashlib.sha256).digest()


def _shift(patient: str, key: bytes) -> dt.timedelta:
    """How far a patient's dates move: 1 to `_LONGEST_SHIFT` days into the past, so that intervals stay and dates do not."""
    return dt.timedelta(days=1 + int.from_bytes(_keyed(patient, "dates", key)[:8]) % _LONGEST_SHIFT)


def _pseudonym(patient: str, key: bytes) -> str:
    return f"ANON-{_keyed(patient, 'pseudonym', key).hex()[:12].upper()}"


def _say_so(dataset: Dataset) -> None:
    """What the profile wants to be said of itself (PS3.15 E.1.1, CID 7050)."""
    dataset.PatientIdentityRemoved = "YES"
    dataset.LongitudinalTemporalInformationModified = "MODIFIED"
    dataset.DeidentificationMethod = f"PS3.15 {EDITION} Basic Profile, modified dates"
    methods = (
        ("113100", "Basic Application Confidentiality Profile"),
        ("113107", "Retain Longitudinal Temporal Information Modified Dates Option"),
    )
    dataset.DeidentificationMethodCodeSequence = []
    for value, meaning in methods:
        item = Dataset()
        item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = value, "DCM", meaning
        dataset.DeidentificationMethodCodeSequence.append(item)


def _uid(dataset: Dataset, name: str) -> str:
    """The class or the instance, by the object itself or by its file meta information."""
    return str(dataset.get(name) or getattr(dataset.file_meta, f"MediaStorage{name}", ""))


def _new_meta(dataset: Dataset, syntax: pydicom.uid.UID) -> None:
    """File meta information and preamble are written anew: both have room for names and titles."""
    meta = FileMetaDataset()
    meta.TransferSyntaxUID = syntax
    meta.MediaStorageSOPClassUID = dataset.SOPClassUID
    meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    dataset.file_meta = meta
    dataset.preamble = b"\0" * 128
