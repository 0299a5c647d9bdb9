"""`python -m deploy run|demo|test|lint|bench|manage|exec`: what the Makefile calls."""

from __future__ import annotations

import argparse
import os
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from deploy import checks, commands
from deploy.environment import ROOT
from deploy.processes import DeployError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import FrameType

PASSED_ON = ("test", "bench", "manage", "exec")


def parse(arguments: Sequence[str]) -> tuple[argparse.Namespace, list[str]]:
    """Our own options, and the arguments that are handed on as they are."""
    parser = argparse.ArgumentParser(
        prog="python -m deploy", description="Run CardioCare on private servers."
    )
    commands_of = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    commands_of.add_parser("run", help="serve until Ctrl-C, after analysing the demo cases")
    demo = commands_of.add_parser("demo", help="analyse the demo cases, print the results, and end")
    demo.add_argument("--json", action="store_true", help="print JSON and nothing else on standard output")
    demo.add_argument(
        "--data",
        type=lambda text: Path(text).resolve(),
        metavar="DIR",
        help="compare with the annotations of the recordings in this folder",
    )
    commands_of.add_parser(
        "test", help="all checks and tests; further arguments go to pytest", add_help=False
    )
    commands_of.add_parser("lint", help="the checks that need no server")
    commands_of.add_parser("bench", help="benchmarks; further arguments go to them", add_help=False)
    commands_of.add_parser("manage", help="one of Django's commands on the private servers", add_help=False)
    execute = commands_of.add_parser("exec", help="any program with the environment of fresh private servers")
    execute.add_argument("--kept", action="store_true", help="use the servers and data of `make run` instead")
    execute.add_argument("program", nargs=argparse.REMAINDER)
    if arguments and arguments[0] in PASSED_ON[:3]:
        return parser.parse_args(arguments[:1]), list(arguments[1:])
    options = parser.parse_args(arguments)
    program = list(getattr(options, "program", []))
    return options, program[1:] if program[:1] == ["--"] else program


def dispatch(options: argparse.Namespace, rest: list[str]) -> int:
    """Run the chosen command and answer its exit code."""
    actions: dict[str, Callable[[], int]] = {
        "run": commands.run,
        "demo": lambda: commands.demo(as_json=options.json, data=options.data),
        "test": lambda: checks.test(rest),
        "lint": checks.lint,
        "bench": lambda: commands.bench(rest),
        "manage": lambda: commands.manage(rest),
        "exec": lambda: commands.execute(rest, kept=options.kept),
    }
    return actions[options.command]()


def _terminated(number: int, _frame: FrameType | None) -> None:
    signal.signal(number, signal.SIG_IGN)
    raise SystemExit(128 + number)


def main() -> int:
    """Run a command; an interruption or a termination ends every child before we end."""
    options, rest = parse(sys.argv[1:])
    os.chdir(ROOT)
    signal.signal(
        signal.SIGINT, signal.default_int_handler
    )  # a background job of a script begins with it ignored
    signal.signal(signal.SIGTERM, _terminated)
    signal.signal(signal.SIGHUP, _terminated)
    try:
        return dispatch(options, rest)
    except DeployError as error:
        print(f"\n{error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nStopped.", file=sys.stderr)
        return 0 if options.command == "run" else 130


if __name__ == "__main__":
    sys.exit(main())
