"""The pages that the page models learn from and are measured on, prepared once and kept."""

from __future__ import annotations

import csv
import dataclasses
import functools
import json
import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from tqdm import tqdm

from ml.datasets.beats import DataNotFoundError
from ml.datasets.ptbxl import names_of
from ml.datasets.ptbxl_superclasses import FS, SUPERCLASSES, twelve_of_eight
from ml.models.page_pictures.drawing import draw_prepared
from ml.pages.digitise import oriented_page
from ml.pages.geometry import apply, inverse
from ml.pages.picture import open_picture
from ml.pages.reasons import UnusablePage
from ml.preprocessing.page_image import SHAPE, VERSION, Tone, relaid
from ml.preprocessing.page_leads import VERSION as LEADS_VERSION
from ml.preprocessing.page_leads import page_leads
from ml.preprocessing.page_source import LeadBox, PageSource, boxes_of, page_source

LABELS = ("Normal ECG", "Abnormal heartbeat", "Myocardial infarction", "History of MI")
_FOLDERS = {"normal": 0, "abnormal": 1, "mi": 2, "post_mi": 3}
# What the networks learn first: the superclasses, a rhythm or beats out of order, and where an infarction lies.
TARGETS = (*SUPERCLASSES, "rhythm", "anterior", "inferior")
_ORDINARY = frozenset({"SR"})
_EARLY_BEATS = frozenset({"PVC", "PAC", "PRC(S)", "BIGU", "TRIGU"})
_MILLIVOLT = 0.005
# Pages on plain paper can be read, and none of them is normal: who learns from them learns the paper. So they are left out. What is said
# of those left out where pages with a grid are asked for, and where those on plain paper are:
LEFT_OUT = ("left_out_plain_paper", "left_out_grid")
# Changes with every change of ml.pages that reads pages otherwise, so that none is kept as it was read before.
READER = "reader-3"
HEADER_SHAPE = (96, 512)


def work_folder() -> Path:
    """Where prepared pages and finished folds are kept between runs: ``CARDIOCARE_PAGES_CACHE``, or a folder for temporary files."""
    place = os.environ.get("CARDIOCARE_PAGES_CACHE")
    folder = Path(place) if place else Path(tempfile.gettempdir()) / "cardiocare-pages"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RealPages:
    """Photographed pages (Khan and Hussain, Mendeley Data gwbz3fsgp8 v1, CC BY 4.0).

    Attributes:
        sources: what can be laid out again in another tone.
        headers: what was cut away above the traces, shape (n, 96, 512).
        leads: as `ml.preprocessing.page_leads` follows them, shape (n, 250, 12), millivolt.
        classes: position in ``LABELS``, shape (n,).
        groups: device of each page, shape (n,).
        names: files, shape (n,).
        refused: label of the folder and reason of every page that could not be prepared, or is left out.
    """

    sources: tuple[PageSource, ...]
    headers: NDArray[np.uint8]
    leads: NDArray[np.float32]
    classes: NDArray[np.int64]
    groups: NDArray[np.str_]
    names: NDArray[np.str_]
    refused: tuple[tuple[str, str], ...]

    def __len__(self) -> int:
        return len(self.classes)

    def pictures(self, tone: Tone = "ink") -> NDArray[np.uint8]:
        """Prepared, shape (n, 256, 512, 1)."""
        return np.stack([relaid(source, tone=tone).pixels for source in self.sources])

    def take(self, chosen: NDArray[np.int64]) -> RealPages:
        """Some of the pages."""
        return dataclasses.replace(
            self,
            sources=tuple(self.sources[i] for i in chosen),
            headers=self.headers[chosen],
            leads=self.leads[chosen],
            classes=self.classes[chosen],
            groups=self.groups[chosen],
            names=self.names[chosen],
        )

    def refusals(self) -> dict[str, dict[str, int]]:
        """How many pages of each class were refused or left out, by reason."""
        counted: dict[str, dict[str, int]] = {}
        for folder, reason in self.refused:
            row = counted.setdefault(LABELS[_FOLDERS[folder]], {})
            row[reason] = row.get(reason, 0) + 1
        return counted


def _header(picture: NDArray[np.uint8], top: float) -> NDArray[np.uint8]:
    """What stands above the traces of a picture, reduced."""
    part = Image.fromarray(picture[: max(8, int(top))]).convert("L")
    return np.asarray(part.resize(HEADER_SHAPE[::-1], Image.Resampling.BOX))


def keep(place: Path, **arrays: Any) -> None:
    """Write arrays to a file that is there as a whole or not at all: a run may be stopped at any time."""
    partial = place.with_name(f"{place.stem}.{os.getpid()}.partial.npz")
    np.savez_compressed(partial, **arrays)
    partial.replace(place)


def _prepared(picture: NDArray[np.uint8]) -> dict[str, Any]:
    """Arrays of one page to keep, or why it is refused."""
    try:
        page, reading, _ = oriented_page(picture)
    except UnusablePage as refusal:
        return {"refused": refusal.reason_code, "boxes": ""}
    source = page_source(page, reading)
    above = [[page.image.shape[1] / 2, max(0.0, reading.rows[0] - 20.0 * page.scale)]]
    return {
        "ink": source.ink,
        "grey": source.grey,
        "mm_per_mv": source.mm_per_mv,
        "boxes": json.dumps([dataclasses.asdict(box) for box in boxes_of(reading, page.scale)]),
        "header": _header(picture, float(apply(inverse(page.from_picture), np.array(above))[0, 1])),
        **({} if page.scale_from == "grid" else {"plain": True}),
    }


def prepared_once(place: Path, picture: Callable[[], NDArray[np.uint8]]) -> dict[str, NDArray[Any]]:
    """Straighten and read a page, or load it where it was kept.

    Args:
        place: file where it is kept.
        picture: gives the picture, shape (height, width, 3).

    Returns:
        ``refused``, a reason code, for a page that cannot be used; else what `source_of` takes, and ``header``, shape (96, 512), and
        ``plain`` for paper without a grid.
    """
    if not place.exists():
        keep(place, **_prepared(picture()))
    with np.load(place, allow_pickle=False) as arrays:
        return dict(arrays)


def source_of(arrays: dict[str, NDArray[Any]]) -> PageSource:
    """A page from what `prepared_once` gives."""
    boxes = tuple(LeadBox(**box) for box in json.loads(str(arrays["boxes"])))
    return PageSource(
        ink=arrays["ink"], grey=arrays["grey"], boxes=boxes, mm_per_mv=float(arrays["mm_per_mv"])
    )


def leads_once(source: PageSource, place: Path) -> NDArray[np.float32]:
    """The leads of a page as `ml.preprocessing.page_leads` follows them, kept beside its file, shape (250, 12), millivolt."""
    kept = place.with_suffix(f".{LEADS_VERSION}.npy")
    if not kept.exists():
        partial = kept.with_suffix(f".{os.getpid()}.partial.npy")
        np.save(partial, page_leads(source))
        partial.replace(kept)
    result: NDArray[np.float32] = np.load(kept)
    return result


def _opened(path: Path) -> NDArray[np.uint8]:
    return open_picture(path.read_bytes())


def real_pages(folder: Path, *, plain: bool = False, quiet: bool = False) -> RealPages:
    """Prepare the photographed pages, or read them where they were kept; a second or two per page the first time.

    Args:
        folder: holds ``ecg_pages/`` with ``manifest.csv`` (file, label, group) and the pictures.
        plain: whether to give those on plain paper instead of those with a grid.
        quiet: whether to hide the progress bar.

    Raises:
        DataNotFoundError: when the folder is missing.
    """
    listing = folder / "ecg_pages" / "manifest.csv"
    if not listing.exists():
        raise DataNotFoundError(f"no {listing}; it lists file, label and group of every picture")
    with listing.open(newline="", encoding="utf-8") as lines:
        rows = list(csv.DictReader(lines))
    kept = work_folder() / f"pages-{VERSION}-{READER}"
    kept.mkdir(exist_ok=True)
    sources, headers, leads, chosen, refused = [], [], [], [], []
    for row in tqdm(rows, desc="pages", disable=quiet):
        place = kept / f"{row['file'].replace('/', '_')}.npz"
        arrays = prepared_once(place, functools.partial(_opened, listing.parent / row["file"]))
        if "refused" in arrays:
            refused.append((row["label"], str(arrays["refused"])))
        elif ("plain" in arrays) is not plain:
            refused.append((row["label"], LEFT_OUT[plain]))
        else:
            sources.append(source_of(arrays))
            headers.append(arrays["header"])
            leads.append(leads_once(sources[-1], place))
            chosen.append(row)
    return RealPages(
        sources=tuple(sources),
        headers=np.stack(headers),
        leads=np.stack(leads),
        classes=np.array([_FOLDERS[row["label"]] for row in chosen], dtype=np.int64),
        groups=np.array([row["group"] for row in chosen], dtype=np.str_),
        names=np.array([row["file"] for row in chosen], dtype=np.str_),
        refused=tuple(refused),
    )


def _targets(row: dict[str, str]) -> list[int]:
    """What the statements about a recording say, in the order of ``TARGETS``."""
    rhythm, form, sub = (names_of(row.get(name)) for name in ("rhythm", "form", "sub_class"))
    irregular = bool(rhythm - _ORDINARY) or bool(form & _EARLY_BEATS)
    superclasses = [int(float(row[name])) for name in SUPERCLASSES]
    return [*superclasses, int(irregular), int("AMI" in sub), int("IMI" in sub)]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class DrawnPages:
    """Recordings of PTB-XL (CC BY 4.0) drawn as prepared pages.

    Attributes:
        pictures: shape (n, 256, 512, 1), 0 to 255.
        targets: 0 or 1, shape (n, 8), order of ``TARGETS``.
        patients: shape (n,).
    """

    pictures: NDArray[np.uint8]
    targets: NDArray[np.float32]
    patients: NDArray[np.str_]


def listing_of(folder: Path, folds: frozenset[int]) -> list[dict[str, str]]:
    """Rows of the packed PTB-XL (``labels.csv``) in some folds that have a superclass.

    Raises:
        DataNotFoundError: when the database is missing.
    """
    listing = folder / "ptbxl" / "labels.csv"
    if not listing.exists():
        raise DataNotFoundError(f"no {listing}; PTB-XL packed into labels.csv and signals.npy is needed")
    with listing.open(newline="", encoding="utf-8") as lines:
        rows = [row for row in csv.DictReader(lines) if int(float(row["strat_fold"])) in folds]
    return [row for row in rows if any(_targets(row)[: len(SUPERCLASSES)])]


def drawn_pages(
    folder: Path,
    folds: frozenset[int],
    *,
    drawn: int,
    most: int | None = None,
    seed: int,
    quiet: bool = False,
) -> DrawnPages:
    """Draw recordings of some folds; drawn ones are kept, and shared by all models.

    Args:
        folder: holds ``ptbxl/``.
        folds: PTB-XL folds; people do not cross folds.
        drawn: so many are drawn and kept, chosen at random.
        most: only the first so many of these are given; all if None.
        seed: seed of choice and drawing.
        quiet: whether to hide the progress bar.

    Raises:
        DataNotFoundError: when the database is missing.
    """
    rows = listing_of(folder, folds)
    order = np.random.default_rng(seed).permutation(len(rows))[:drawn]
    name = f"drawn-{VERSION}-{'-'.join(map(str, sorted(folds)))}-{len(order)}-{seed}.npy"
    kept = work_folder() / name
    if not kept.exists():
        stored = np.load(folder / "ptbxl" / "signals.npy", mmap_mode="r")
        made = np.empty((len(order), *SHAPE), dtype=np.uint8)
        for place, i in enumerate(tqdm(order, desc="drawing pages", disable=quiet)):
            leads = twelve_of_eight(stored[int(rows[i]["row"])].astype(np.float32) * _MILLIVOLT)
            made[place] = draw_prepared(leads, FS, np.random.default_rng([seed, int(rows[i]["row"])]))
        np.save(kept, made)
    order = order[:most]
    return DrawnPages(
        pictures=np.load(kept, mmap_mode="r")[:most],
        targets=np.array([_targets(rows[i]) for i in order], dtype=np.float32),
        patients=np.array([rows[i]["patient_id"] for i in order], dtype=np.str_),
    )
