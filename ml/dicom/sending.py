"""Sending objects to an archive by STOW-RS (PS3.18 10.5): once; who calls decides whether and when to try again."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from http import HTTPStatus

import requests
from dicomweb_client.api import DICOMwebClient
from pydicom.dataset import Dataset

logging.getLogger("dicomweb_client").setLevel(
    logging.WARNING
)  # it logs UIDs of studies, which do not belong there
_CONNECT_S = 10.0
_FOR_NOW = {HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_MANY_REQUESTS}
# PS3.18 table I.2-2: what an archive says of an object that it does not store; the first two digits tell the kind
_FAILURES = {0xA7: "it has no room", 0xA9: "the object is not of the class that it says it is", 0xC0: "it cannot read the object",
             0x01: "it does not take objects of this class", 0x02: "it refused the object"}  # fmt: skip


class ArchiveUnreachable(Exception):
    """The archive does not answer, or not now: the same objects may be sent again later."""


class ArchiveRefused(Exception):
    """The archive does not take an object, or not from us: sending it again would change nothing."""


def send(objects: Sequence[Dataset], *, url: str, token: str = "", timeout_s: float = 30.0) -> None:
    """Store objects of one study in an archive. An archive that has them already keeps them once, since their UIDs are the same.

    Args:
        objects: with file meta information, as `structured_report` and `secondary_capture` make them.
        url: where the archive's DICOMweb begins, for example ``https://archive.example/dicom-web``.
        token: sent as bearer token, if any.
        timeout_s: longest wait for an answer, seconds.

    Raises:
        ArchiveUnreachable: no answer, or one that says to come back later.
        ArchiveRefused: any other answer but that each of the objects is stored.
    """
    with requests.Session() as session:
        session.max_redirects = 0  # objects and token go where the operator said and nowhere else
        said = _answer(session, objects, url=url, token=token, timeout_s=timeout_s)
    failed = said.get("FailedSOPSequence") or []
    if failed:
        raise ArchiveRefused(
            f"The archive did not store {len(failed)} of {len(objects)} objects: {_why(failed[0])}."
        )
    stored = {str(one.get("ReferencedSOPInstanceUID")) for one in said.get("ReferencedSOPSequence") or []}
    if not {str(one.SOPInstanceUID) for one in objects} <= stored:
        raise ArchiveRefused("The archive does not say of each object that it is stored.")


def _answer(
    session: requests.Session, objects: Sequence[Dataset], *, url: str, token: str, timeout_s: float
) -> Dataset:
    """What the archive says of the objects. Raises as `send` does."""
    answers: list[requests.Response] = []

    def note(response: requests.Response, *_: object, **__: object) -> None:
        answers.append(response)

    client = DICOMwebClient(
        url,
        session=session,
        headers={"Authorization": f"Bearer {token}"} if token else {},
        callback=note,
        timeout=(_CONNECT_S, timeout_s),
    )
    client.set_http_retry_params(retry=False)
    try:
        return client.store_instances(objects, study_instance_uid=str(objects[0].StudyInstanceUID))
    except requests.HTTPError as error:
        raise _refusal(answers[-1].status_code) from error
    except requests.TooManyRedirects as error:
        elsewhere = "to sign in or to another address: check its address and its token"
        raise ArchiveRefused(f"The archive sends us elsewhere, {elsewhere}.") from error
    except (requests.RequestException, ValueError) as error:  # ValueError: an answer that is no JSON
        raise ArchiveUnreachable(f"The archive did not answer: {type(error).__name__}.") from error


def _refusal(status: int) -> Exception:
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR or status in _FOR_NOW:
        return ArchiveUnreachable(f"The archive cannot take anything now (HTTP {status}).")
    if status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
        return ArchiveRefused(f"The archive does not let us store (HTTP {status}): check its token.")
    return ArchiveRefused(f"The archive did not store the objects (HTTP {status}).")


def _why(failed: Dataset) -> str:
    reason = int(failed.get("FailureReason") or 0)
    return f"{_FAILURES.get(reason >> 8, 'it does not say why')} (code {reason:04X})"
