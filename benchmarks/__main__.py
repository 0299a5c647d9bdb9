"""`python -m benchmarks`: both ways on the same images, as a ratio. Run it through `make bench`, which gives it servers."""

from __future__ import annotations

import argparse
import contextlib
import datetime as dt
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
from importlib import metadata
from pathlib import Path
from typing import Any

from benchmarks import pictures, platform_way, reports
from benchmarks.processes import Round
from worker import suite

WARM_UP = 20
TARGET = 10.0
BEATS_TARGET = 1000.0
PAGE_SECONDS, PAGE_MEMORY_MB = 3.0, 3 * 1024
TOLERANCE = 1e-3
RESULTS = Path(__file__).parent / "results"
VERSIONS = (
    "django",
    "celery",
    "onnxruntime",
    "tensorflow-cpu",
    "keras",
    "flask",
    "gunicorn",
    "psycopg2-binary",
)


def parse() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument(
        "--images", type=int, default=400, help="images per round for the platform's way (default 400)"
    )
    parser.add_argument(
        "--reports-images", type=int, default=60, help="the first of them, for the reports' way (default 60)"
    )
    parser.add_argument(
        "--rounds", type=int, default=5, help="rounds of both ways in turn; the middle counts (default 5)"
    )
    parser.add_argument(
        "--workers", type=int, default=2, help="processes that compute, in both ways (default 2)"
    )
    parser.add_argument("--name", default="", help="name of the result file; the machine's name by default")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    parser.add_argument(
        "--platform-only", action="store_true", help="leave the reports' way out; writes no result file"
    )
    return parser.parse_args()


def machine() -> dict[str, Any]:
    """What it was measured on."""
    installed = {}
    for name in VERSIONS:
        try:
            installed[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    model = next(
        (line.split(":", 1)[1].strip() for line in _cpu_lines() if line.startswith("model name")), ""
    )
    return {
        "system": platform.platform(),
        "processor": model or platform.processor(),
        "cores": os.cpu_count(),
        "load_before": round(os.getloadavg()[0], 2),
        "python": platform.python_version(),
        "versions": installed,
    }


def _cpu_lines() -> list[str]:
    path = Path("/proc/cpuinfo")
    return path.read_text(encoding="utf-8").splitlines() if path.exists() else []


def agreement(ours: dict[str, Any], theirs: dict[str, Any], temperature: float) -> dict[str, Any]:
    """How far the two ways answer alike, after calibrating the reports' probabilities with our temperature."""
    largest, other_labels = 0.0, []
    for name, answer in theirs.items():
        powers = {label: p ** (1.0 / temperature) for label, p in answer["probabilities"].items()}
        total = sum(powers.values())
        mine = ours[name]["probabilities"]
        largest = max(largest, *(abs(power / total - mine[label]) for label, power in powers.items()))
        if max(mine, key=mine.__getitem__) != answer["label"]:
            other_labels.append(name)
    equal = not other_labels and largest <= TOLERANCE
    return {
        "compared": len(theirs),
        "largest_difference": largest,
        "other_labels": other_labels,
        "equal": equal,
    }


def temperature_of(contract: dict[str, Any]) -> float:
    """What the model's logits are divided by before the softmax."""
    return float(contract.get("temperature") or contract["calibration"]["temperature"])


def alone(env: dict[str, str], module: str) -> dict[str, Any]:
    """What a part of the benchmarks measures in a process of its own."""
    command = [sys.executable, "-m", module]
    done = subprocess.run(command, env=env, check=True, stdout=subprocess.PIPE, text=True)
    figures: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return figures


def models_alone(env: dict[str, str]) -> dict[str, float]:
    """Both ways without web, queue and database; see `benchmarks.compute`."""
    figures = alone(env, "benchmarks.compute")
    figures["ratio"] = figures["reports_ms"] / figures["platform_ms"]
    prepared = figures["of_which_preparation_ms"]
    figures["ratio_after_preparation"] = (figures["reports_ms"] - prepared) / (
        figures["platform_ms"] - prepared
    )
    return figures


def rounds(
    options: argparse.Namespace, ours: platform_way.Platform, theirs: dict[int, reports.Reports]
) -> list[dict[str, Round]]:
    """Measure the ways in turn, so that whatever else slows the machine for a while slows all of them."""
    measured = []
    for number in range(-1, options.rounds):  # the first one warms up
        count = options.images if number >= 0 else WARM_UP
        images = pictures.beats(count, start=(number + 1) * options.images)
        first = dict(list(images.items())[: options.reports_images])
        measured.append(
            {"platform": ours.analyse(images)}
            | {f"reports {n}": way.analyse(first) for n, way in theirs.items()}
        )
    return measured[1:]


def middle(measured: list[dict[str, Round]], way: str) -> dict[str, Any]:
    """The middle round of one way by its speed."""
    ordered = sorted((one[way] for one in measured), key=lambda one: one.per_second)
    return ordered[(len(ordered) - 1) // 2].as_json()


def run(options: argparse.Namespace) -> dict[str, Any]:
    """Measure; the whole result."""
    env = dict(os.environ)
    began = {"date": dt.datetime.now(dt.UTC).isoformat(timespec="seconds"), "machine": machine()}
    with tempfile.TemporaryDirectory(prefix="bench-") as folder, contextlib.ExitStack() as stack:
        logs = Path(folder)
        ours = stack.enter_context(platform_way.running(env, logs, workers=options.workers))
        reports.prepare(env)
        theirs = {
            n: stack.enter_context(reports.running(env, logs, workers=n))
            for n in ([] if options.platform_only else sorted({1, options.workers}))
        }
        measured = rounds(options, ours, theirs)
        answers = ours.answers()
        asked = sum(len(way.answers) for way in theirs.values())
        if reports.stored(env) != asked:
            raise RuntimeError(f"the reports' table does not hold a heatmap for each of {asked} pictures")
        platform_part = middle(measured, "platform") | {"memory": ours.memory()}
        unanswered = sorted(name for name, answer in answers.items() if not answer["complete"])
        result = began | {
            "images": {
                "platform": options.images,
                "reports": options.reports_images,
                "rounds": len(measured),
            },
            "platform": platform_part | {"answered": len(answers), "unanswered": unanswered},
        }
        return result if options.platform_only else result | compared(env, measured, answers, theirs)


def compared(
    env: dict[str, str],
    measured: list[dict[str, Round]],
    answers: dict[str, Any],
    theirs: dict[int, reports.Reports],
) -> dict[str, Any]:
    """The reports' way in the better of its set-ups, and the ratios, round by round and in the middle."""
    speeds = {n: statistics.median(one[f"reports {n}"].per_second for one in measured) for n in theirs}
    best = max(speeds, key=speeds.__getitem__)
    pairs = [(one["platform"], one[f"reports {best}"]) for one in measured]
    by_clock = [ours.per_second / other.per_second for ours, other in pairs]
    by_processor = [other.cpu_ms["total"] / ours.cpu_ms["total"] for ours, other in pairs]
    temperature = temperature_of(suite.contracts()["beat-cnn"])
    return {
        "reports": middle(measured, f"reports {best}")
        | {"server_processes": best, "memory": theirs[best].memory()},
        "reports_tries": {str(n): round(speed, 2) for n, speed in speeds.items()},
        "agreement": agreement(answers, theirs[best].answers, temperature),
        "models_alone": models_alone(env),
        "beats": alone(env, "benchmarks.beats"),
        "pages": alone(env, "benchmarks.pages"),
        "ratios": [round(ratio, 2) for ratio in by_clock],
        "ratio": statistics.median(by_clock),
        "cpu_ratio": statistics.median(by_processor),
        "target": TARGET,
    }


def table(result: dict[str, Any]) -> str:
    """The result for a person."""
    rows = [("", "images/s", "ms/image", "CPU ms/image", "memory (PSS, MB)")]
    for name in ("reports", "platform"):
        way = result.get(name)
        if way:
            memory = ", ".join(
                f"{part} {m['pss_mb']:.0f} in {m['processes']}" for part, m in way["memory"].items()
            )
            speed = (way["per_second"], 1000 / way["per_second"], way["cpu_ms_per_image"]["total"])
            rows.append((name, *(f"{figure:.1f}" for figure in speed), memory))
    lines = ["  ".join(cell.ljust(12) for cell in row).rstrip() for row in rows]
    if "ratio" in result:
        same, alone = result["agreement"], result["models_alone"]
        beats, pages = result["beats"], result["pages"]
        each = ", ".join(f"{ratio:.1f}" for ratio in result["ratios"])
        lines += [
            f"ratio {result['ratio']:.1f} by the clock (target {TARGET:.0f}; rounds: {each}), {result['cpu_ratio']:.1f} by processor time",
            f"models alone: {alone['reports_ms']:.1f} ms against {alone['platform_ms']:.1f} ms, ratio {alone['ratio']:.1f}",
            f"the same without the preparation of the image that both share: ratio {alone['ratio_after_preparation']:.1f}",
            (
                f"heartbeats of a recording: {beats['per_second']:,.0f} a second with their features (target {BEATS_TARGET:,.0f}), "
                f"{beats['per_second_with_detection_and_measurements']:,.0f} with detection and measurements; "
                f"{beats['predict_each_per_second']:.0f} by model.predict for each"
            ),
            (
                f"a page through digitiser, {len(pages['models'])} models and heatmaps: {pages['seconds']['scan']:.2f} s a scan, "
                f"{pages['seconds']['photo']:.2f} s a photograph (target {PAGE_SECONDS:.0f}) in {pages['memory_mb']:,} MB "
                f"(target {PAGE_MEMORY_MB:,}); {pages['predict_each_seconds']:.2f} s by model.predict and Grad-CAM for each"
            ),
            f"answers equal: {'yes' if same['equal'] else 'NO'} ({same['compared']} compared)",
            f"largest difference of a probability {same['largest_difference']:.1e}, other labels {len(same['other_labels'])}",
        ]
    ours = result["platform"]
    if ours["unanswered"]:
        lines.append(f"not completed with a heatmap: {len(ours['unanswered'])} of {ours['answered']}")
    return "\n".join(lines)


def main() -> int:
    """Measure, print, write. 0 when the target is met and the answers are equal."""
    options = parse()
    result = run(options)
    print(json.dumps(result, indent=2) if options.json else table(result))
    if options.platform_only:
        return 0
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{options.name or platform.node() or 'machine'}.json"
    path.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    print(f"Written to {path}.", file=sys.stderr)
    # A gate may refuse a simulated beat, which is an answer too; more than one in a hundred would be another workload.
    answered = len(result["platform"]["unanswered"]) <= result["platform"]["answered"] / 100
    fast = result["ratio"] >= TARGET and result["beats"]["per_second"] >= BEATS_TARGET
    fast &= max(result["pages"]["seconds"].values()) < PAGE_SECONDS
    fast &= result["pages"]["memory_mb"] < PAGE_MEMORY_MB
    return 0 if fast and result["agreement"]["equal"] and answered else 1


if __name__ == "__main__":
    sys.exit(main())
