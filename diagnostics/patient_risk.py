"""The risk level of a patient: from every result that stands to High, Moderate or Low, with reasons. Rules only; no database.

To be reviewed by the responsible cardiologist. In this order:

1. A doctor's word wins over the models': what was overridden counts as the doctor found it, without the models' red flags.
2. A clinical record that a doctor has judged replaces earlier ones, judged or not; nothing else goes out of force by itself.
3. A red flag (ventricular fibrillation or tachycardia, suspected acute infarction) is High, whatever else is known.
4. A calibrated probability of the clinical model counts at least as the tier that it lies in.
5. The patient's level is the highest of all that stands. Without anything that could be read it is unknown, never Low.

Hence more or worse evidence never lowers the level; only a doctor's decision does. The probability is the clinical model's own, of the
newest record that stands: none is made up from levels. Ventricular tachycardia is three or more ventricular beats at above 100 a minute
(2022 ESC guideline on ventricular arrhythmias).
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import functools
import re
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from django.db import models
from django.utils import timezone

from diagnostics.kinds import PDF, is_imaging, is_picture
from diagnostics.opinions import BESIDE
from ml import registry
from ml.contract import as_percent

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

RULES_VERSION = "1.0.0"
STALE_MONTHS = 12
DAYS_OF_MONTH = 30.44
TACHYCARDIA_BPM = 100.0
# The model whose probability counts, and of what it is one.
MODEL, EVENT, EVENT_WORDS = "clinical-hybrid", "death", "death during follow-up"
TOLD = 3  # reasons beside a probability; elsewhere the first says it
LETHAL = frozenset({"VF", "VT"})
INFARCTION = re.compile(r"\bMI\b|myocardial infarction|suspected acute", re.IGNORECASE)
PAST = re.compile(r"history|previous|\bold\b", re.IGNORECASE)


class PatientLevel(models.TextChoices):
    """Risk level of a patient; unknown where nothing could be read."""

    UNKNOWN = "unknown", "Unknown"
    LOW = "low", "Low"
    MODERATE = "moderate", "Moderate"
    HIGH = "high", "High"


ORDER = (PatientLevel.UNKNOWN, PatientLevel.LOW, PatientLevel.MODERATE, PatientLevel.HIGH)


class Kind(models.TextChoices):
    """What a piece of evidence was read from."""

    IMAGE = "image", "Picture of a heartbeat"
    RECORDING = "recording", "Recording"
    PAGE = "page", "Twelve-lead page"
    DICOM = "dicom", "Imaging study"
    CLINICAL = "clinical", "Clinical record"


def kind_of(media_type: str, answered_by: Iterable[str]) -> Kind:
    """What was read, from the type of the file and the names of the models that answered."""
    names = tuple(answered_by)
    if "clinical" in media_type:
        return Kind.CLINICAL
    if is_imaging(media_type) or any(name.startswith(("cxr-", "dicom-")) for name in names):
        return Kind.DICOM
    if not is_picture(media_type):
        return Kind.RECORDING
    of_page = media_type == PDF[0] or any(name.startswith("page-") or name in BESIDE for name in names)
    return Kind.PAGE if of_page else Kind.IMAGE


class RedFlag(StrEnum):
    """What cannot wait; a code never changes its meaning."""

    LETHAL_RHYTHM = "lethal_rhythm"
    ACUTE_INFARCTION = "suspected_acute_infarction"


FLAG_WORDS = {
    RedFlag.LETHAL_RHYTHM: "Red flag: ventricular fibrillation or tachycardia",
    RedFlag.ACUTE_INFARCTION: "Red flag: suspected acute myocardial infarction",
}


@dataclasses.dataclass(frozen=True, slots=True)
class Judgement:
    """What a doctor decided about a result: the label found, its level, and whether it is another than the models'."""

    label: str
    level: PatientLevel
    overrides: bool


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """One result.

    Attributes:
        key: id of the diagnosis.
        kind: what was read.
        at: when it came in.
        level: of the result by itself; unknown where no model could read it.
        label: the label that decides, "" if none.
        probability: calibrated, 0 to 1, of `EVENT`; None for everything but the clinical model's answer.
        reasons: sentences for the level, the weightiest first; none that only repeats the probability.
        red_flags: as `red_flags` found them in the models' answers.
        judgement: the latest one by a doctor, if there is one.
        superseded: no longer in force, because it was withdrawn or corrected.
    """

    key: str
    kind: Kind
    at: dt.datetime
    level: PatientLevel
    label: str = ""
    probability: float | None = None
    reasons: tuple[str, ...] = ()
    red_flags: tuple[RedFlag, ...] = ()
    judgement: Judgement | None = None
    superseded: bool = False


@dataclasses.dataclass(frozen=True, slots=True)
class Observed:
    """How many people of a tier had the event in the stored evaluation: rate with 95 % interval, 0 to 1."""

    rate: float
    low: float
    high: float


@dataclasses.dataclass(frozen=True, slots=True)
class Tiers:
    """The bounds of the clinical model's tiers, 0 to 1, and what was observed in each."""

    low_below: float
    high_from: float
    observed: Mapping[PatientLevel, Observed]

    def of(self, probability: float | None) -> PatientLevel:
        """The tier of a probability; unknown for None."""
        if probability is None:
            return PatientLevel.UNKNOWN
        if probability >= self.high_from:
            return PatientLevel.HIGH
        return PatientLevel.LOW if probability < self.low_below else PatientLevel.MODERATE


@functools.cache
def stored_tiers() -> Tiers:
    """Tiers of the installed clinical model, from its contract. Raises TamperedArtefactError if that cannot be read."""
    contract = registry.read_contract(registry.MODELS / MODEL.replace("-", "_") / "artefact")
    rows: dict[str, Any] = contract.metrics["cross_validation"]["levels"]["levels"]
    observed = {
        PatientLevel(name.lower()): Observed(row["rate"]["value"], row["rate"]["low"], row["rate"]["high"])
        for name, row in rows.items()
    }
    return Tiers(contract.levels["low_below"], contract.levels["high_from"], observed)


@dataclasses.dataclass(frozen=True, slots=True)
class Counted:
    """Evidence as it counted: kept with the level, and compared with the next one."""

    key: str
    kind: str
    at: str
    level: str
    label: str
    judged: bool
    red_flags: tuple[str, ...]
    text: str


@dataclasses.dataclass(frozen=True, slots=True)
class Assessment:
    """The level of a patient.

    Attributes:
        level: the highest of what stands.
        probability: of `EVENT`, 0 to 1, as the clinical model calibrated it; None if there is none.
        red_flags: of what stands.
        counted: what stands, the weightiest first, each with its reason in words.
    """

    level: PatientLevel
    probability: float | None
    red_flags: tuple[RedFlag, ...]
    counted: tuple[Counted, ...]


def assess(evidence: Iterable[Evidence], *, tiers: Tiers) -> Assessment:
    """The level that follows from everything known about one patient, in any order."""
    standing = sorted(in_force(evidence), key=lambda one: _weight(one, tiers))
    levels = [level_of(one, tiers) for one in standing]
    flags = {flag for one in standing for flag in flags_of(one)}
    return Assessment(
        level=max(levels, key=ORDER.index, default=PatientLevel.UNKNOWN),
        probability=_probability(standing),
        red_flags=tuple(flag for flag in RedFlag if flag in flags),
        counted=tuple(
            Counted(
                key=one.key,
                kind=one.kind.value,
                at=one.at.isoformat(),
                level=level.value,
                label=one.judgement.label if one.judgement else one.label,
                judged=one.judgement is not None,
                red_flags=tuple(flag.value for flag in flags_of(one)),
                text=reason(one, tiers),
            )
            for one, level in zip(standing, levels, strict=True)
        ),
    )


def in_force(evidence: Iterable[Evidence]) -> list[Evidence]:
    """What stands: neither superseded nor a clinical record from before one that a doctor has judged."""
    standing = [one for one in evidence if not one.superseded]
    judged = [one.at for one in standing if one.kind is Kind.CLINICAL and one.judgement]
    since = max(judged, default=None)
    return [one for one in standing if one.kind is not Kind.CLINICAL or since is None or one.at >= since]


def level_of(one: Evidence, tiers: Tiers) -> PatientLevel:
    """What one piece of evidence counts as."""
    if flags_of(one):
        return PatientLevel.HIGH
    if one.judgement:
        return one.judgement.level
    return max(one.level, tiers.of(one.probability), key=ORDER.index)


def flags_of(one: Evidence) -> tuple[RedFlag, ...]:
    """Red flags of one piece of evidence: the doctor's where the result was overridden, else the models'."""
    if one.judgement and one.judgement.overrides:
        return red_flags(labels=[one.judgement.label], level=one.judgement.level)
    return one.red_flags


def red_flags(
    *, labels: Iterable[str], level: str, episodes: Iterable[Mapping[str, Any]] = ()
) -> tuple[RedFlag, ...]:
    """What cannot wait, from the labels that decide, the level, and the episodes of a recording.

    A label that names an infarction without saying that it is past counts only where the result is High: the superclass MI of
    `ecg-signals` cannot tell an acute one from an old one, and is Moderate.
    """
    named = [label for label in labels if label]
    found = []
    if not LETHAL.isdisjoint(named) or any(_is_lethal(episode) for episode in episodes):
        found.append(RedFlag.LETHAL_RHYTHM)
    acute = any(INFARCTION.search(label) and not PAST.search(label) for label in named)
    if acute and level == PatientLevel.HIGH:
        found.append(RedFlag.ACUTE_INFARCTION)
    return tuple(found)


def _is_lethal(episode: Mapping[str, Any]) -> bool:
    if episode["kind"] == "ventricular_run":
        return (episode["rate_bpm"] or 0.0) > TACHYCARDIA_BPM
    return bool(episode["kind"] == "ventricular_fibrillation")


def _weight(one: Evidence, tiers: Tiers) -> tuple[bool, int, float, str]:
    """Sorts red flags first, then the higher level, then the newer."""
    return (not flags_of(one), -ORDER.index(level_of(one, tiers)), -one.at.timestamp(), one.key)


def _probability(standing: Iterable[Evidence]) -> float | None:
    told = [one for one in standing if one.probability is not None]
    told = [one for one in told if not (one.judgement and one.judgement.overrides)]
    newest = max(told, key=lambda one: (one.at, one.key), default=None)
    return newest.probability if newest else None


def reason(one: Evidence, tiers: Tiers) -> str:
    """Why one piece of evidence counts as it does, in a few sentences for a doctor."""
    flags = [FLAG_WORDS[flag] for flag in flags_of(one)]
    parts = [f"{'; '.join(flags)}."] if flags else []
    if one.judgement and one.judgement.overrides:
        parts.append(f"A doctor found {one.judgement.label} instead of the models' answer.")
    else:
        if one.probability is not None:
            tier = tiers.of(one.probability)
            parts.append(
                f"The estimated probability of {EVENT_WORDS} is {as_percent(one.probability)}, tier {tier.label}."
            )
        parts += one.reasons[:1] if one.probability is None else one.reasons[:TOLD]
        if one.judgement:
            parts.append("A doctor confirmed it.")
    day = timezone.localtime(one.at)
    return f"{one.kind.label} of {day:%-d %b %Y}: {' '.join(parts) or 'read, without a reason given.'}"


def newest_of_kind(evidence: Iterable[Evidence]) -> dict[str, str]:
    """Day and hour (ISO) of the newest evidence of each kind that could be read."""
    newest: dict[str, str] = {}
    for one in sorted(in_force(evidence), key=lambda one: one.at):
        if one.level is not PatientLevel.UNKNOWN or one.judgement:
            newest[one.kind.value] = one.at.isoformat()
    return newest


def missing(newest: Mapping[str, str], *, now: dt.datetime) -> list[str]:
    """What the level does not rest on: kinds of evidence that are not there, or older than `STALE_MONTHS` months."""
    if not newest:
        return ["No result that could be read: the level is unknown, which does not mean low."]
    said = []
    if Kind.RECORDING not in newest and Kind.PAGE not in newest:
        said.append(
            "No recording and no twelve-lead page: rhythm, intervals and all leads were not assessed."
        )
    if Kind.DICOM not in newest:
        said.append("No chest X-ray: the size of the heart was not assessed.")
    if Kind.CLINICAL not in newest:
        said.append("No clinical record was assessed, so there is no calibrated probability.")
    for kind in Kind:
        if kind in newest:
            months = int((now - dt.datetime.fromisoformat(newest[kind])).days / DAYS_OF_MONTH)
            if months >= STALE_MONTHS:
                said.append(f"{kind.label}: the newest is {months} months old.")
    return said


def changes(before: Assessment | None, after: Assessment, *, everything: bool = True) -> list[str]:
    """What is different since the last assessment, the level first.

    Args:
        before: the last one; None if there is none.
        after: this one.
        everything: whether both hold all evidence; if not, nothing is said of what is no longer among it.
    """
    if before is None:
        return ["First assessment of this patient."]
    said = []
    if after.level is not before.level:
        rose = ORDER.index(after.level) > ORDER.index(before.level)
        said.append(
            f"The level {'rose' if rose else 'fell'} from {before.level.label} to {after.level.label}."
        )
    said += [f"New: {FLAG_WORDS[flag]}." for flag in after.red_flags if flag not in before.red_flags]
    said += [f"No longer: {FLAG_WORDS[flag]}." for flag in before.red_flags if flag not in after.red_flags]
    if after.probability != before.probability:
        said.append(f"Probability of {EVENT_WORDS}: {_percent(before)} before, {_percent(after)} now.")
    return said + _changes_of_evidence(before, after, everything=everything)


def _percent(of: Assessment) -> str:
    return "none" if of.probability is None else as_percent(of.probability)


def _changes_of_evidence(before: Assessment, after: Assessment, *, everything: bool) -> list[str]:
    old, new = ({one.key: one for one in of.counted} for of in (before, after))
    said = [f"New: {one.text}" for key, one in new.items() if key not in old]
    said += [f"Now: {one.text}" for key, one in new.items() if key in old and one.text != old[key].text]
    if everything:
        said += [f"No longer counted: {one.text}" for key, one in old.items() if key not in new]
    return said
