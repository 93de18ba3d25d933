"""Runs the benchmarks: `make bench`, or some parts alone by ``ARGS="verification --quick"``.

Prints what each part measured beside its targets; ``--json`` also writes it to a file, in which
the parts that did not run keep what they had. A target that is missed is no error.
"""

import argparse
import datetime
import importlib
import json
import os
import subprocess
import sys
import time
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from snippets._harness.frameworks import FRAMEWORKS, versions
from snippets._speed.__main__ import processor

from .measures import Measure, table

DEFAULT = ("verification", "incremental", "site")
PARTS = (*DEFAULT, "many", "catalogue", "clone")  # the last three take long: they run if named
GIB = 2**30


def main(arguments: Sequence[str] | None = None) -> int:
    """Run parts, print their tables, write their JSON; return 1 if one of them failed."""
    given = parsed(arguments)
    done, failed = {}, []
    for name in given.parts or DEFAULT:
        started = time.perf_counter()
        try:
            measures = run(name, given.rounds, quick=given.quick)
        except Exception:
            traceback.print_exc()
            failed.append(name)
            continue
        print("", *table(name, measures), sep="\n", flush=True)
        print(f"{name} took {time.perf_counter() - started:.0f} s", file=sys.stderr)
        done[name] = entry(measures)
        if given.json:  # at once: what comes next may be stopped
            save(given.json, done)
    if failed:
        print(f"\nfailed: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


def parsed(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench", description=__doc__.splitlines()[0])
    note = f"(default: {', '.join(DEFAULT)}; also: {', '.join(PARTS[len(DEFAULT) :])})"
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"what to measure {note}")
    parser.add_argument("--rounds", type=int, default=3, help="times each way runs (default: 3)")
    parser.add_argument("--quick", action="store_true", help="the fewest files and rounds")
    parser.add_argument("--json", type=Path, help="file to write the figures to")
    given = parser.parse_args(arguments)
    if unknown := set(given.parts) - set(PARTS):
        parser.error(f"no such part: {', '.join(sorted(unknown))}; there are {', '.join(PARTS)}")
    return given


def run(name: str, rounds: int, *, quick: bool) -> list[Measure]:
    """Return what a part measures; in a hurry by its ``quick``, if it has one, or in one round."""
    part = importlib.import_module(f".{name}", __package__)
    if not quick:
        measures: list[Measure] = part.measure(rounds)
    elif hasattr(part, "quick"):
        measures = part.quick()
    else:
        measures = part.measure(1)
    return measures


def save(path: Path, done: dict[str, Any]) -> None:
    """Write entries of parts to a file; the others keep theirs."""
    known = json.loads(path.read_text())["parts"] if path.exists() else {}
    path.write_text(json.dumps({"parts": known | done}, indent=2) + "\n")


def entry(measures: list[Measure]) -> dict[str, Any]:
    """Return a part's measures with what they depend on."""
    return {
        "date": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "commit": commit(),
        "machine": machine(),
        "versions": {k: v for name in FRAMEWORKS for k, v in versions(name).items()},
        "measures": [measure.as_json() for measure in measures],
    }


def machine() -> dict[str, Any]:
    """Return the processor's name, the number of cores, and the memory in GiB."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return {"cpu": processor(), "cores": os.cpu_count(), "memory": round(memory / GIB, 1)}


def commit() -> str | None:
    """Return the commit that is checked out, None without a repository."""
    command = ["git", "rev-parse", "HEAD"]
    try:
        done = subprocess.run(
            command, cwd=Path(__file__).parent, capture_output=True, text=True, check=False
        )
    except FileNotFoundError:
        return None
    return done.stdout.strip() if done.returncode == 0 else None


if __name__ == "__main__":
    sys.exit(main())
