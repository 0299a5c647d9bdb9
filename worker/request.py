"""How the worker's main process answers when the child process that ran a message's diagnoses has ended."""

from __future__ import annotations

import uuid
from typing import Any

from celery.exceptions import TimeLimitExceeded
from celery.worker.request import Request

from diagnostics.reasons import Reason
from diagnostics.services.claims import Claim
from worker import node


class DiagnosesRequest(Request):
    """Records at once what would otherwise wait for its lease to run out.

    The message is put back by Celery as well; with the attempts counted up it no longer changes anything.
    """

    def on_timeout(self, soft: bool, timeout: float) -> None:  # noqa: FBT001  # Celery's signature
        """The child was killed at the hard time limit."""
        super().on_timeout(soft, timeout)
        if not soft:
            self._lost(Reason.TIME_LIMIT, f"ended after {timeout} s")

    def on_failure(self, exc_info: Any, send_failed_event: bool = True, return_ok: bool = False) -> None:  # noqa: FBT001, FBT002  # Celery's signature
        """The child died, or the task raised, which it does only when the database stayed away."""
        super().on_failure(exc_info, send_failed_event=send_failed_event, return_ok=return_ok)
        error = getattr(exc_info.exception, "exc", exc_info.exception)
        out_of_time = isinstance(error, TimeLimitExceeded)
        self._lost(Reason.TIME_LIMIT if out_of_time else Reason.WORKER_LOST, repr(error))

    def _lost(self, reason: Reason, detail: str) -> None:
        for diagnosis_id, attempt in self.kwargs["attempts"]:
            claim = Claim(uuid.UUID(diagnosis_id), int(attempt))
            node.lost(claim, reason, detail)
