"""Names of leads and units of voltage: one spelling for what each manufacturer writes its own way."""

from __future__ import annotations

import re

TWELVE = ("I", "II", "III", "aVR", "aVL", "aVF", "V1", "V2", "V3", "V4", "V5", "V6")
_OTHERS = (
    *(f"V{n}" for n in (7, 8, 9)),
    *(f"V{n}R" for n in range(1, 10)),
    *("MLI", "MLII", "MLIII", "MCL1", "MCL2", "MCL3", "MCL4", "MCL5", "MCL6", "MV1", "MV2", "MV5", "ML2", "ML5"),
    *("CM1", "CM2", "CM3", "CM4", "CM5", "CM6", "CC5", "CB5", "CS2", "CS3", "ES", "AS", "AI", "EAI", "X", "Y", "Z", "VX", "VY", "VZ"),
    *("D1", "D2", "D3", "D4"),
)  # fmt: skip
_SPELLING = {name.casefold(): name for name in (*TWELVE, *_OTHERS)} | {
    "l1": "I",
    "l2": "II",
    "l3": "III",
    "lead1": "I",
    "lead2": "II",
    "lead3": "III",
}
_PREFIX = re.compile(r"^(?:mdc_ecg_lead_|(?:ecg|ekg|lead|channel|ch|signal)[\s_:.\-]+)+", re.IGNORECASE)
_CHANNEL = re.compile(r"^(?:ecg|ekg|lead|mdc_ecg_lead_)[\s_\-]*\w{0,12}$", re.IGNORECASE)
_UNIT_MV = {
    "nv": 1e-6,
    "uv": 1e-3,
    "µv": 1e-3,  # micro sign
    "μv": 1e-3,  # Greek mu
    "mv": 1.0,
    "v": 1e3,
}
_UNIT_WORDS = {"nanovolt": "nv", "microvolt": "uv", "millivolt": "mv", "volt": "v"}


def standard_lead(name: str) -> str | None:
    """The usual spelling of an ECG lead's name.

    Args:
        name: as the file gives it, for example ``Lead II``, ``ECG aVR``, ``MDC_ECG_LEAD_AVF``.

    Returns:
        ``II``, ``aVR``, ...; for a channel that calls itself an ECG without a known lead, the name as given; None when it
        is no ECG channel by its name.
    """
    given = " ".join(name.split())
    bare = _PREFIX.sub("", given.split("(")[0].strip()).strip()
    for candidate in (bare, bare.replace(" ", ""), bare.split("-")[0], given.replace(" ", "")):
        known = _SPELLING.get(candidate.casefold())
        if known:
            return known
    return given if _CHANNEL.match(given) else None


def millivolts(unit: str) -> float | None:
    """How many millivolt one of a unit is; None when it is no unit of voltage that is known here."""
    word = unit.strip().casefold().rstrip("s") if len(unit.strip()) > 2 else unit.strip().casefold()
    return _UNIT_MV.get(_UNIT_WORDS.get(word, word))


def unique(names: list[str]) -> tuple[str, ...]:
    """Names with a number added where one comes twice."""
    seen: dict[str, int] = {}
    result = []
    for name in names:
        seen[name] = seen.get(name, 0) + 1
        result.append(name if seen[name] == 1 else f"{name} ({seen[name]})")
    return tuple(result)
