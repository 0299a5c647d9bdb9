"""`python -m benchmarks`: both ways on the same images, as a ratio. Run it through `make bench`, which gives it servers."""

from __future__ import annotations

import argparse
import datetime as dt
import json
import os
import platform
import subprocess
import sys
import tempfile
from importlib import metadata
from pathlib import Path
from typing import Any

from benchmarks import pictures, platform_way, reports
from worker import suite

TARGET = 10.0
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
    parser.add_argument("--images", type=int, default=400, help="images for the platform's way (default 400)")
    parser.add_argument(
        "--reports-images", type=int, default=60, help="the first of them, for the reports' way (default 60)"
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


def models_alone(env: dict[str, str]) -> dict[str, float]:
    """Both ways without web, queue and database; see `benchmarks.compute`."""
    command = [sys.executable, "-m", "benchmarks.compute"]
    done = subprocess.run(command, env=env, check=True, stdout=subprocess.PIPE, text=True)
    figures: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    figures["ratio"] = figures["reports_ms"] / figures["platform_ms"]
    prepared = figures["of_which_preparation_ms"]
    figures["ratio_after_preparation"] = (figures["reports_ms"] - prepared) / (
        figures["platform_ms"] - prepared
    )
    return figures


def run(options: argparse.Namespace) -> dict[str, Any]:
    """Measure; the whole result."""
    env = dict(os.environ)
    images = pictures.beats(options.images)
    first = dict(list(images.items())[: options.reports_images])
    result: dict[str, Any] = {
        "date": dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
        "machine": machine(),
    }
    with tempfile.TemporaryDirectory(prefix="bench-") as logs:
        warm_up = pictures.beats(20, start=100_000)
        ours = platform_way.measure(env, images, warm_up, logs=Path(logs), workers=options.workers)
        if options.platform_only:
            del ours["answers"]
            return result | {"images": len(images), "platform": ours}
        tries = {
            n: reports.measure(env, first, logs=Path(logs), workers=n) for n in sorted({1, options.workers})
        }
    workers, theirs = max(
        tries.items(), key=lambda item: item[1]["per_second"]
    )  # the better set-up of the two
    temperature = temperature_of(suite.contracts()["beat-cnn"])
    same = agreement(ours.pop("answers"), theirs["answers"], temperature)
    for way in tries.values():
        del way["answers"]
    ratio = ours["per_second"] / theirs["per_second"]
    return result | {
        "images": {"platform": len(images), "reports": len(first)},
        "reports": theirs | {"server_processes": workers},
        "reports_tries": {str(n): way["per_second"] for n, way in tries.items()},
        "platform": ours,
        "agreement": same,
        "models_alone": models_alone(env),
        "ratio": ratio,
        "cpu_ratio": theirs["cpu_ms_per_image"]["total"] / ours["cpu_ms_per_image"]["total"],
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
        lines += [
            f"ratio {result['ratio']:.1f} by the clock (target {TARGET:.0f}), {result['cpu_ratio']:.1f} by processor time",
            f"models alone: {alone['reports_ms']:.1f} ms against {alone['platform_ms']:.1f} ms, ratio {alone['ratio']:.1f}",
            f"the same without the preparation of the image that both share: ratio {alone['ratio_after_preparation']:.1f}",
            f"answers equal: {'yes' if same['equal'] else 'NO'} ({same['compared']} compared)",
            f"largest difference of a probability {same['largest_difference']:.1e}, other labels {len(same['other_labels'])}",
        ]
    if result["platform"]["unanswered"]:
        lines.append(f"not completed with a heatmap: {len(result['platform']['unanswered'])}")
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
    answered = len(result["platform"]["unanswered"]) <= options.images / 100
    return 0 if result["ratio"] >= TARGET and result["agreement"]["equal"] and answered else 1


if __name__ == "__main__":
    sys.exit(main())
