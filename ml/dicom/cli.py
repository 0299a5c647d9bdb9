"""The commands ``python -m ml dicom`` (what an object says about its image, a frame as a picture) and ``deidentify``."""

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


def _deidentify(options: argparse.Namespace) -> int:
    """Write objects without identity; one that cannot be is refused with its reason and not written, and the others go on."""
    from ml.dicom.deidentify import deidentify
    from ml.dicom.reasons import UnusableDicom

    try:
        key = options.key_file.read_bytes()
    except OSError as error:
        print(
            f"{options.key_file}: {error.strerror}. Make one: head -c 32 /dev/urandom > FILE", file=sys.stderr
        )
        return 2
    several = options.source.is_dir()
    sources = (
        sorted(path for path in options.source.rglob("*") if path.is_file()) if several else [options.source]
    )
    if several:
        options.target.mkdir(parents=True, exist_ok=True)
    code = 0
    for path in sources:
        try:
            made = deidentify(path, key=key)
        except ValueError as error:
            print(f"{options.key_file}: {error}", file=sys.stderr)
            return 2
        except (UnusableDicom, OSError) as refusal:
            code = 1
            print(f"{path}: {getattr(refusal, 'message', refusal)}", file=sys.stderr)
            continue
        # names of files may be names of people, so they do not go along
        target = (
            options.target / f"{made.dataset.SOPInstanceUID}.dcm"
            if options.target.is_dir()
            else options.target
        )
        made.dataset.save_as(target, enforce_file_format=True)
        for doubt in made.doubts:
            print(f"{path}: {doubt.message} ({doubt.reason_code})", file=sys.stderr)
        print(f"{path}\t{target}")
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
    removing = commands.add_parser(
        "deidentify", help="DICOM objects without the identity of the patient (PS3.15 Basic Profile)"
    )
    removing.add_argument("source", type=Path, metavar="IN", help="an object, or a folder of them")
    removing.add_argument(
        "target",
        type=Path,
        metavar="OUT",
        help="the new object, or the folder for new ones, named by their new UID",
    )
    removing.add_argument(
        "--key-file", type=Path, required=True, metavar="FILE",
        help="secret of at least 16 bytes; with the same one, pseudonyms, UIDs and shifts of dates stay the same",
    )  # fmt: skip
    removing.set_defaults(run=_deidentify)
