"""The texts that come with the platform: one file for each condition, read and checked."""

from __future__ import annotations

import dataclasses
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from diagnostics.models.condition import Audience, Section

if TYPE_CHECKING:
    import datetime as dt

FOLDER = Path(__file__).parent / "texts"
# Labels that say that nothing was found, and so stand for no condition.
NO_FINDING = frozenset({"other"})


class BadText(Exception):  # named after what happened
    """A file of the library lacks something; the text says which file and what."""


@dataclasses.dataclass(frozen=True, slots=True)
class ShippedCondition:
    """One file: the fields of Condition and of its revision."""

    slug: str
    name: str
    labels: tuple[str, ...]
    episodes: tuple[str, ...]
    sources: tuple[str, ...]
    review_by: dt.date
    texts: dict[str, dict[str, str]]


def read(path: Path) -> ShippedCondition:
    """Read one file; its name is the slug.

    Raises:
        BadText: it is no TOML, or a field or a section is missing.
    """
    try:
        given: dict[str, Any] = tomllib.loads(path.read_text(encoding="utf-8"))
        texts = {
            audience.value: {
                section.value: given[audience.value][section.value].strip() for section in Section
            }
            for audience in Audience
        }
        return ShippedCondition(
            slug=path.stem,
            name=given["name"],
            labels=tuple(given["labels"]),
            episodes=tuple(given.get("episodes", ())),
            sources=tuple(given["sources"]),
            review_by=given["review_by"],
            texts=texts,
        )
    except (tomllib.TOMLDecodeError, KeyError, AttributeError) as error:
        raise BadText(f"{path.name}: {error!r}") from error


def shipped(folder: Path = FOLDER) -> list[ShippedCondition]:
    """Every condition that comes with the platform, by slug."""
    return [read(path) for path in sorted(folder.glob("*.toml"))]
