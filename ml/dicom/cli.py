"""The command ``python -m ml dicom``: what an object says about its image, and a frame of it as a picture."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path


def _dicom(options: argparse.Namespace) -> int:
    """Read objects; one that cannot be read is refused with its reason, and the others go on."""
    from PIL import Image

    from ml.dicom.display import shown
    from ml.dicom.frames import decode
    from ml.dicom.image import image_of
    from ml.dicom.opening import open_dicom
    from ml.dicom.reasons import UnusableDicom

    code, answers = 0, {}
    for path in options.files:
        try:
            dataset = open_dicom(path)
            image = image_of(dataset)
            picture = shown(
                decode(path, dataset, image, index=options.frame - 1), dataset, image, index=options.frame - 1
            )
        except UnusableDicom as refusal:
            code, answers[str(path)] = 1, {"reason_code": refusal.reason_code, "message": refusal.message}
            print(f"{path}: {refusal.message}", file=sys.stderr)
            continue
        except OSError as error:
            code = 1
            print(f"{path}: {error.strerror or error}", file=sys.stderr)
            continue
        answers[str(path)] = image.as_json()
        if options.out:
            Image.fromarray(picture).save(options.out)
        if not options.json:
            size = f"{image.frames} x {image.columns} x {image.rows}"
            print(f"{path}\t{image.modality}\t{size}\t{image.photometric}\t{image.bits} bits\t{image.syntax}")
    if options.json:
        print(json.dumps(answers))
    return code


def add_commands(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to the suite's command line."""
    reading = commands.add_parser("dicom", help="what DICOM objects hold, and a frame as a picture")
    reading.add_argument("files", nargs="+", type=Path, metavar="FILE", help="DICOM objects")
    reading.add_argument("--frame", type=int, default=1, help="which frame, from 1")
    reading.add_argument(
        "--out", type=Path, metavar="FILE", help="where the frame's picture goes, for example frame.png"
    )
    reading.add_argument("--json", action="store_true", help="print JSON")
    reading.set_defaults(run=_dicom)
