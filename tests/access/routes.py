"""What a route of the table is: how it is called, for whose object, and what everybody is answered."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

from django.core.files.uploadedfile import SimpleUploadedFile

from tests import images
from tests.access.world import ACTORS

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.access.world import Record, World

Row = tuple[int, ...]


def everybody(**exceptions: Any) -> dict[str, Any]:
    """One answer per actor: `others` for all who are not named; the keys' scopes are written with underscores."""
    others = exceptions.pop("others")
    named = {
        name.replace("key_", "key ").replace("_write", ":write").replace("_read", ":read"): v
        for name, v in exceptions.items()
    }
    assert set(named) <= set(ACTORS), named
    return {actor: named.get(actor, others) for actor in ACTORS}


SIGN_IN = 302  # a page sends anonymous visitors to the sign-in page; a key is not a session, so it is anonymous there
# Columns: patient A's object, patient B's, the deleted patient's, an unknown id.
NOBODY_PAGE, NOBODY_API = (SIGN_IN,) * 4, (401,) * 4
KEYS_ON_PAGES = {
    f"key_{scope}": NOBODY_PAGE
    for scope in (
        "uploads_write",
        "diagnoses_read",
        "patients_read",
        "studies_read",
        "values_read",
        "values_write",
    )
}


def of_doctor(code: int) -> dict[str, Row]:
    """A page for doctors about an object of their own patients."""
    return everybody(
        others=(403,) * 4,
        anonymous=NOBODY_PAGE,
        doctor=(code, 404, 404, 404),
        doctor_b=(404, code, 404, 404),
        **KEYS_ON_PAGES,
    )


def of_clinic(code: int) -> dict[str, Row]:
    """The same for integrations too."""
    return of_doctor(code) | {"integration": (code, 404, 404, 404)}


def of_api(code: int, key: str) -> dict[str, Row]:
    """The API: doctors and integrations signed in, and the keys of one scope."""
    return of_clinic(code) | {
        "anonymous": NOBODY_API,
        **{actor: (403,) * 4 for actor in ACTORS if actor.startswith("key ")},
        key: (code, 404, 404, 404),
    }


def page_for(*actors: str) -> dict[str, int]:
    """A list or form for some roles."""
    return {
        actor: 200
        if actor in actors
        else SIGN_IN
        if actor == "anonymous" or actor.startswith("key ")
        else 403
        for actor in ACTORS
    }


@dataclasses.dataclass(frozen=True, kw_only=True)
class Route:
    """How a route is called and what it answers: per actor one status, or one for each of OBJECTS."""

    expected: dict[str, Any]
    kwargs: Callable[[World, Record], dict[str, Any]] | None = None
    method: str = "get"
    data: Callable[[Record], dict[str, Any]] = lambda _: {}
    shows: tuple[str, ...] = ()  # the kinds of marks that stand in a good answer about patient A

    def per_object(self) -> bool:
        """Whether the answer depends on the object."""
        return any(isinstance(value, tuple) for value in self.expected.values())


def picture() -> SimpleUploadedFile:
    """A file that is accepted."""
    return SimpleUploadedFile("new.png", images.png(seed=4711), "image/png")


def diagnosis(state: str) -> Callable[[World, Record], dict[str, Any]]:
    return lambda _, record: {"diagnosis_id": getattr(record, state)}


def patient(_: World, record: Record) -> dict[str, Any]:
    return {"patient_id": record.patient}


def table(_: World, record: Record) -> dict[str, Any]:
    return {"import_id": record.table}


def study(_: World, record: Record) -> dict[str, Any]:
    return {"study_id": record.study}


def held(_: World, record: Record) -> dict[str, Any]:
    return {"study_id": record.held}


def frame(_: World, record: Record) -> dict[str, Any]:
    return {"instance_id": record.instance, "index": 0}


def uids(level: int, **others: Any) -> Callable[[World, Record], dict[str, Any]]:
    """The UIDs of a study, of its series, of its instance."""
    names = ("study_uid", "series_uid", "sop_uid")[:level]
    return lambda _, record: dict(zip(names, record.uids, strict=False)) | others


def prediction(_: World, record: Record) -> dict[str, Any]:
    return {"prediction_id": record.prediction}


def measured(_: World, record: Record) -> dict[str, Any]:
    return {"prediction_id": record.measured}
