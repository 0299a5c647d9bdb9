"""The commands ``python -m ml measure`` and ``python -m ml qrs``; what they need is imported when one of them runs."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ml.recordings.analysis import Classify, RecordingResult
    from ml.recordings.recording import Recording


def classifier(recording: Recording) -> Classify:
    """The installed beat model on the leads that it reads."""
    from ml.serving.recordings import Classifier, chosen_leads

    return Classifier(chosen_leads(recording.leads))


def _figure(value: float | None, unit: str, digits: int = 0) -> str:
    return "not measured" if value is None else f"{value:.{digits}f} {unit}"


def _print(result: RecordingResult) -> None:
    """The result in words."""
    measures = result.measures
    durations, rate = measures.durations, measures.heart_rate
    rows = [
        ("Length", f"{result.seconds:.0f} s, {result.analysable_s:.0f} s analysable, best lead {result.best_lead}"),
        ("Beats", ", ".join(f"{number} {name}" for name, number in measures.burden["counts"].items())),
        ("Heart rate", f"{_figure(rate['mean_bpm'], '/min')} ({_figure(rate['min_bpm'], '')}to {_figure(rate['max_bpm'], '').strip()})"),
        ("PR", _figure(durations.pr_ms if durations else None, "ms")),
        ("QRS", _figure(durations.qrs_ms if durations else None, "ms")),
        ("QT", _figure(durations.qt_ms if durations else None, "ms")),
    ]  # fmt: skip
    if measures.qtc:
        rows.append(
            (
                "QTc",
                ", ".join(
                    f"{name.capitalize()} {measures.qtc[f'{name}_ms']:.0f} ms"
                    for name in ("bazett", "fridericia", "framingham")
                ),
            )
        )
    rows.append(
        (
            "Variability",
            f"SDNN {_figure(measures.variability.sdnn_ms, 'ms')}, RMSSD {_figure(measures.variability.rmssd_ms, 'ms')}",
        )
    )
    for name, text in rows:
        print(f"{name:12} {text}")
    for episode in measures.episodes:
        print(
            f"{episode.start_s:10.1f} s  {episode.kind.replace('_', ' ')}, {episode.end_s - episode.start_s:.1f} s"
        )
    for stretch in result.unanalysable:
        print(
            f"{stretch.start_s:10.1f} s  not analysable until {stretch.end_s:.1f} s: {', '.join(stretch.causes)}"
        )
    for note in (*result.warnings, *measures.notes):
        print(note)


def _measure(options: argparse.Namespace) -> int:
    """Read, analyse and print one recording."""
    from ml.recordings.analysis import analyse_recording
    from ml.recordings.formats import read
    from ml.recordings.reasons import UnusableRecording

    try:
        recording = read(options.file, fs=options.fs, unit=options.unit)
        result = analyse_recording(recording, classify=classifier(recording))
    except UnusableRecording as error:
        if options.json:
            print(json.dumps({"reason_code": error.reason_code, "message": error.message}))
        print(f"{options.file}: {error.message}", file=sys.stderr)
        return 1
    except OSError as error:
        print(f"{options.file}: {error.strerror or error}", file=sys.stderr)
        return 1
    if options.json:
        print(json.dumps(result.as_json()))
    else:
        _print(result)
    return 0


def _qrs(options: argparse.Namespace) -> int:
    """Measure the detector of heartbeats and keep the figures."""
    from ml.evaluation.qrs import RESULTS, measure_detector, write

    results = measure_detector(options.data)
    write(results, options.target or RESULTS)
    for ms, figures in results["tolerance_ms"].items():
        print(
            f"within {ms} ms: sensitivity {figures['sensitivity']:.2%} "
            f"({figures['sensitivity_in_analysable']:.2%} where analysable), "
            f"positive predictive value {figures['positive_predictive_value']:.2%}"
        )
    for words, figures in (("search-back", results), ("no search-back", results["without_search_back"])):
        pauses = figures["pauses"]
        print(
            f"with {words}: {pauses['true']} of {pauses['annotated']} pauses, {pauses['false']} further ones with a beat in them"
        )
    print(f"{results['cpu_s_for_24_h']:.0f} s of processor time for 24 hours")
    return 0


def add_commands(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add both commands to the suite's command line."""
    measuring = commands.add_parser("measure", help="beats, intervals and episodes of a recording")
    measuring.add_argument("file", type=Path, metavar="FILE")
    measuring.add_argument("--fs", type=float, help="sampling rate, Hz, if the file does not give it")
    measuring.add_argument("--unit", choices=("uV", "mV", "V"), help="unit, if the file does not give it")
    measuring.add_argument("--json", action="store_true", help="print JSON")
    measuring.set_defaults(run=_measure)
    detecting = commands.add_parser("qrs", help="measure how well heartbeats are found")
    detecting.add_argument("--data", type=Path, required=True, metavar="DIR", help="folder with mitdb/")
    detecting.add_argument("--target", type=Path, metavar="FILE", help="where the figures go")
    detecting.set_defaults(run=_qrs)
