"""What ``python -m ml evaluate`` measures beside single models; what is needed is imported when one of them runs."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from ml import comparison

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable


def evaluate_comparison(options: argparse.Namespace) -> int:
    """Compare the models of the source reports on the same beats and folds."""
    from ml.models.beat_pictures.comparison import run

    target = options.target or (comparison.FILE if options.write else None)
    measured = run.evaluate(options.data, epochs=options.epochs or run.EPOCHS, target=target)
    if options.json:
        print(json.dumps(measured))
        return 0
    print(measured["protocol"])
    for model in measured["models"]:
        shown = "  ".join(
            f"{name} {value['value']:.3f} ({value['low']:.3f} to {value['high']:.3f})"
            for name, value in model["figures"].items()
        )
        print(f"{model['name']:24} {shown}")
    return 0


def evaluate_pages(options: argparse.Namespace) -> int:
    """Measure the models of whole pages on the same folds."""
    from ml.models.page_pictures import evaluate, results

    target = options.target or (results.RESULTS if options.write else None)
    measured = evaluate.evaluate(options.data, epochs=options.epochs or evaluate.EPOCHS, target=target)
    print(json.dumps(measured) if options.json else "\n".join(evaluate.lines(measured)))
    return 0


def evaluate_chest(options: argparse.Namespace) -> int:
    """Measure both models of chest X-rays on the same films."""
    from ml.models.chest_pictures import evaluate, results

    target = options.target or (results.RESULTS if options.write else None)
    measured = evaluate.evaluate(options.data, target=target)
    print(json.dumps(measured) if options.json else "\n".join(evaluate.lines(measured)))
    return 0


def evaluate_digitiser(options: argparse.Namespace) -> int:
    """Measure the digitiser on drawn pages, and keep the figures with ``--write``."""
    from ml.evaluation.digitiser import evaluate, write

    results = evaluate(options.data)
    if options.write:
        write(results)
    if options.json:
        print(json.dumps(results))
        return 0
    for kind, figures in results["kinds"].items():
        snr = figures["snr_db"]
        print(f"{kind}: {figures['pages']} pages, SNR {snr['value']} dB ({snr['low']} to {snr['high']})")
        for name, value in figures["median_absolute_difference"].items():
            print(f"  {name}: median difference {value['value']} ({value['low']} to {value['high']})")
    return 0


def evaluate_gate(options: argparse.Namespace) -> int:
    """Measure which pictures are read as pages, and keep the figures with ``--write``."""
    from ml.evaluation import page_gate

    results = page_gate.evaluate_gate(options.data)
    if options.write:
        page_gate.write(results)
    if options.json:
        print(json.dumps(results))
        return 0
    refused = results["pages"]["refused"]
    print(f"pages: {refused['count']} of {refused['of']} refused {results['pages']['reasons']}")
    for name, figures in results["not_ecg"].items():
        print(f"{name}: {figures['accepted']['count']} of {figures['accepted']['of']} taken for a page")
    return 0


TOGETHER: dict[str, Callable[[argparse.Namespace], int]] = {
    "chest": evaluate_chest,
    "comparison": evaluate_comparison,
    "digitiser": evaluate_digitiser,
    "pages": evaluate_pages,
    "page-gate": evaluate_gate,
}
