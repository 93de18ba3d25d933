"""A newcomer's minutes: `make html` and `make test` in a fresh clone, phase by phase.

Installs from the package cache of this machine, if it has one; so `make bench ARGS=clone`
measures once, whatever the number of rounds, and only when it is asked for.
"""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from .measures import Measure

PROJECT = Path(__file__).parents[2]
PYTHON = ".venv/bin/python"
PHASES = {
    "clone": ("git", "clone", "--quiet", str(PROJECT), "."),
    "make html: the environment": ("make", "-s", ".venv/.ready"),
    "make html: snippets and rows": (PYTHON, "-m", "snippets._harness", "verify"),
    "make html: the site": (PYTHON, "docs/_ext/publish.py", "verify"),
    "make html again, nothing changed": ("make", "-s", "html"),
    "make test: all tests": ("make", "-s", "test"),
}


def measure(_rounds: int) -> list[Measure]:
    """Return the seconds of each phase; raise RuntimeError with what was said if one fails."""
    with tempfile.TemporaryDirectory(prefix="clone-") as folder:
        return [measured(title, command, folder) for title, command in PHASES.items()]


def measured(title: str, command: tuple[str, ...], folder: str) -> Measure:
    """Return what a phase takes, said at once: should a later one fail, it was not for nothing."""
    measure = Measure(title, "s", [seconds(command, folder)])
    print(f"{title} {measure.median:.1f} s", file=sys.stderr, flush=True)
    return measure


def seconds(command: tuple[str, ...], folder: str) -> float:
    """Return how long a command took; whatever the caller's environment has of Python is away."""
    environment = {name: v for name, v in os.environ.items() if not name.startswith("PYTHON")}
    started = time.perf_counter()
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)}\n{done.stdout[-3_000:]}{done.stderr[-3_000:]}")
    return time.perf_counter() - started
