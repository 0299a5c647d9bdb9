"""The command ``python -m ml digitise`` and the evaluation of digitiser and gate; what they need is imported when one of them runs."""

from __future__ import annotations

import argparse
import csv
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from ml.pages.digitise import DigitisedPage


def _save(found: DigitisedPage, target: Path) -> None:
    """The signals as a table (a header of lead names, millivolt, empty where nothing was read) or as arrays."""
    from ml.recordings.leads import TWELVE

    if target.suffix == ".npz":
        np.savez_compressed(target, signals=found.signals, fs=found.fs, leads=np.array(TWELVE))
        return
    with target.open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        table.writerow(TWELVE)
        for row in found.signals.T:
            table.writerow(["" if np.isnan(value) else f"{value:.4f}" for value in row])


def _print(answer: dict[str, Any]) -> None:
    measures = answer["measures"]
    durations = measures["durations"] or {}

    def said(value: float | None, unit: str) -> str:
        return "not measured" if value is None else f"{value:.0f} {unit}"

    print(f"Layout       {answer['layout']}, {answer['mm_per_s']:g} mm/s, {answer['mm_per_mv']:g} mm/mV")
    print(f"Heart rate   {said(measures['heart_rate'], '/min')}")
    for name, key in (("PR", "pr_ms"), ("QRS", "qrs_ms"), ("QT", "qt_ms")):
        print(f"{name:12} {said(durations.get(key), 'ms')}")
    print(f"{'Axis':12} {said(measures['axis_deg'], 'degrees')}")
    for lead, judged in answer["leads"].items():
        print(f"{lead:12} quality {judged['quality']:.2f}  {' '.join(judged['reasons'])}".rstrip())
    for note in answer["notes"]:
        print(note)


def _digitise(options: argparse.Namespace) -> int:
    """Read one page; a page that cannot be read is refused with its reason."""
    from ml.pages.digitise import digitise
    from ml.pages.measures import measure_digitised
    from ml.pages.picture import open_picture
    from ml.pages.reasons import UnusablePage

    try:
        found = digitise(open_picture(options.file.read_bytes()))
    except UnusablePage as refusal:
        if options.json:
            print(json.dumps({"reason_code": refusal.reason_code, "message": refusal.message}))
        print(f"{options.file}: {refusal.message}", file=sys.stderr)
        return 1
    except OSError as error:
        print(f"{options.file}: {error.strerror or error}", file=sys.stderr)
        return 1
    if options.out:
        _save(found, options.out)
    answer = found.as_json() | {"measures": measure_digitised(found).as_json()}
    if options.json:
        print(json.dumps(answer))
    else:
        _print(answer)
    return 0


def add_commands(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to the suite's command line."""
    digitising = commands.add_parser(
        "digitise", help="read the twelve leads of a scanned or photographed page"
    )
    digitising.add_argument("file", type=Path, metavar="FILE", help="picture of a page")
    digitising.add_argument("--json", action="store_true", help="print JSON")
    digitising.add_argument("--out", type=Path, metavar="FILE", help="where the signals go, .csv or .npz")
    digitising.set_defaults(run=_digitise)
