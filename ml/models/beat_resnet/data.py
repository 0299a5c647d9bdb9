"""The beats that ``beat-resnet`` learns from and is measured on."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ml.datasets import ptbxl_strips
from ml.datasets.annotated import AnnotatedRecording, load_recording
from ml.datasets.beats import record_names
from ml.datasets.mitdb import PACED
from ml.models.beat_resnet.classes import LABELS, NO_CLASS, classes_of
from ml.preprocessing.beat_signal import prepare_beats
from ml.training.intermittent import BLOCKED, WAYS, conducted_with_block, intermittent
from ml.training.resequence import ATRIAL, FIBRILLATION, KINDS, NORMAL, VENTRICULAR, laid, resequenced, rhythm

MADE = "made-"
_GROUPS = np.array([NORMAL, NORMAL, NORMAL, ATRIAL, VENTRICULAR])
_FEWEST_USUAL, _FEWEST_VENTRICULAR = 3, 10
_VENTRICULAR = 0.3
_BEATS = (60, 180)
_RECORDINGS_WITH_BLOCK, _FEWEST_BLOCKED, _OF_VENTRICULAR, _HEIGHTS = 400, 4, 0.4, 0.25


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Examples:
    """Prepared beats with their classes.

    Attributes:
        windows: shape (n, 128, 4), see ``prepare_beats``.
        features: shape (n, 73).
        classes: shape (n,), positions in ``LABELS``.
        symbols: annotation symbol of each beat, shape (n,).
        records: ``database/record`` of each beat, shape (n,).
    """

    windows: NDArray[np.float32]
    features: NDArray[np.float32]
    classes: NDArray[np.int64]
    symbols: NDArray[np.str_]
    records: NDArray[np.str_]

    def __len__(self) -> int:
        return len(self.classes)

    def take(self, chosen: NDArray[np.bool_] | NDArray[np.int64]) -> Examples:
        """The beats chosen by a mask or by positions."""
        return Examples(**{f.name: getattr(self, f.name)[chosen] for f in dataclasses.fields(self)})

    def of_records(self, records: Iterable[str]) -> Examples:
        """The beats of the named records."""
        return self.take(np.isin(self.records, sorted(records)))


def examples_of(recording: AnnotatedRecording) -> Examples:
    """Every beat of a recording that has a class; the others still count in its rhythm and its usual beat."""
    prepared = prepare_beats(recording.signal, recording.fs, recording.samples)
    classes = classes_of(recording.symbols)
    everything = Examples(
        windows=prepared.windows,
        features=prepared.features,
        classes=classes,
        symbols=recording.symbols,
        records=np.full(len(classes), recording.name),
    )
    return everything.take(classes != NO_CLASS)


def joined(parts: list[Examples]) -> Examples:
    """Several sets of beats as one."""
    return Examples(
        **{
            f.name: np.concatenate([getattr(part, f.name) for part in parts])
            for f in dataclasses.fields(Examples)
        }
    )


def load(folder: Path, names: Iterable[str] | None = None) -> Examples:
    """Prepared beats of MIT-BIH.

    Args:
        folder: folder of the database.
        names: records to read; all but the four paced ones if None.

    Raises:
        DataNotFoundError: when the folder or a recording is missing.
    """
    chosen = [name for name in record_names(folder) if name not in PACED] if names is None else list(names)
    return joined([examples_of(load_recording(folder, name)) for name in chosen])


def strips(folder: Path) -> Examples:
    """Beats of ten-second recordings of PTB-XL, for training alone, as they are and laid in other rhythms.

    Raises:
        DataNotFoundError: when the database is missing.
    """
    kinds, parts = [], []
    for kind, recording in ptbxl_strips.load(folder):
        found = examples_of(recording)
        kinds += [kind] * len(found)
        parts.append(found)
    everything, named = joined(parts), np.array(kinds)
    irregular = everything.take(named == "AF")
    return joined(
        [
            everything,
            remade(everything.take(named == "PAC"), KINDS, fewest=1, seed=0),
            remade(irregular, (FIBRILLATION,), fewest=0, seed=1),
            with_blocks(everything.take(named != "AF"), _RECORDINGS_WITH_BLOCK, seed=2),
        ]
    )


def remade(
    examples: Examples, kinds: tuple[str, ...], *, fewest: int, copies: int = 1, seed: int
) -> Examples:
    """Beats of recordings laid in other rhythms; see ``ml.training.resequence``.

    Args:
        examples: beats of whole recordings.
        kinds: kinds of rhythm.
        fewest: recordings with fewer premature atrial beats are left out.
        copies: made recordings of each kind and recording.
        seed: seed of the rhythms.
    """
    rng = np.random.default_rng(seed)
    parts = [examples.take(np.arange(0))]
    for record in np.unique(examples.records):
        own = examples.take((examples.records == record) & (examples.classes != LABELS.index("Fusion")))
        groups = _GROUPS[own.classes]
        counts = {kind: int((groups == kind).sum()) for kind in (NORMAL, ATRIAL, VENTRICULAR)}
        if counts[NORMAL] < _FEWEST_USUAL or counts[ATRIAL] < fewest:
            continue
        share = _VENTRICULAR if counts[VENTRICULAR] >= _FEWEST_VENTRICULAR else 0.0
        for kind in (*kinds,) * copies:
            made = rhythm(kind, int(rng.integers(*_BEATS)), rng, ventricular=share)
            beats, drawn = resequenced(own.windows[..., 0], groups, made, rng)
            parts.append(
                dataclasses.replace(
                    own.take(drawn),
                    windows=beats.windows,
                    features=beats.features,
                    records=np.full(len(drawn), f"{MADE}{kind}/{record}"),
                )
            )
    return joined(parts)


def with_blocks(examples: Examples, count: int, *, seed: int) -> Examples:
    """Made recordings in which bundle branch block comes and goes; see ``ml.training.intermittent``.

    Args:
        examples: beats of whole recordings that show P waves.
        count: recordings to make, the ways of ``intermittent`` in turn; four in ten are of people with ventricular premature beats.
        seed: seed of people and rhythms.
    """
    rng = np.random.default_rng(seed)
    names, places = np.unique(examples.records, return_inverse=True)
    table = np.zeros((len(names), len(LABELS)), dtype=np.int64)
    np.add.at(table, (places, examples.classes), 1)
    normal, ventricular = table[:, LABELS.index("Normal")], table[:, LABELS.index("PVC")]
    blocked = table[:, LABELS.index("LBBB")] + table[:, LABELS.index("RBBB")]
    donors = np.flatnonzero(blocked >= _FEWEST_BLOCKED)
    usual = (normal >= _FEWEST_USUAL) & (blocked == 0)
    groups = [np.flatnonzero(usual & (ventricular == 0)), np.flatnonzero(usual & (ventricular > 0))]
    parts = [examples.take(np.arange(0))]
    for number in range(count if len(donors) and all(map(len, groups)) else 0):
        chosen = groups[int(rng.random() < _OF_VENTRICULAR)]
        own = examples.take(places == rng.choice(chosen))
        donor = examples.take(places == rng.choice(donors))
        parts.append(_blocked(own, donor, WAYS[number % len(WAYS)], number, rng))
    return joined(parts)


def _blocked(own: Examples, donor: Examples, way: str, number: int, rng: np.random.Generator) -> Examples:
    """One recording of a person whose complexes are another's now and then."""
    pvc = np.flatnonzero(own.classes == LABELS.index("PVC"))
    made = intermittent(way, int(rng.integers(*_BEATS)), rng, ventricular=len(pvc) > 0)
    wide, early = made.kinds == BLOCKED, made.kinds == VENTRICULAR
    drawn = rng.choice(np.flatnonzero(own.classes == LABELS.index("Normal")), len(wide))
    if len(pvc):
        drawn[early] = rng.choice(pvc, int(early.sum()))
    given = rng.choice(len(donor), len(wide))
    cut = own.windows[drawn, ..., 0].astype(np.float64)
    heights = np.exp(rng.normal(0.0, _HEIGHTS, (1, cut.shape[1], 1)))
    cut[wide] = conducted_with_block(cut[wide], heights * donor.windows[given[wide], ..., 0])
    beats = laid(cut, made, rng)
    return Examples(
        windows=beats.windows,
        features=beats.features,
        classes=np.where(wide, donor.classes[given], own.classes[drawn]),
        symbols=np.where(wide, donor.symbols[given], own.symbols[drawn]),
        records=np.full(len(wide), f"{MADE}block-{way}/{number}"),
    )
