"""What the card of the fusion says."""

from __future__ import annotations

import dataclasses


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class FusionRecipe:
    """The fusion of page models.

    Attributes:
        name: of the model.
        release: version of the weights.
        task: what it decides and how, in one sentence.
        limits: sentences for the clinician.
        data: sources.
    """

    name: str
    release: str
    task: str
    limits: tuple[str, ...]
    data: dict[str, str]
