"""The ways of running generated files, each as whole processes, and what they take.

All get the same environment, that of our own children: one thread per library, so that no way
gains by oversubscribing the cores. A run that does not pass, or not as many examples as there
are, ends the benchmark with what it said.
"""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from statistics import median

from snippets._harness.frameworks import environment

from .generated import REPOSITORY, Generated, count
from .measures import Measure, processor_seconds

SAMPLE = 12  # files for what would take minutes with all: six topics in both frameworks
LIMIT = 1_800  # seconds that a run may take
PYTEST = ("-m", "pytest", "-q", "-p", "no:randomly", "-p", "no:cacheprovider")


class BenchError(Exception):
    """A run that did not do what is timed; says how it ended."""


@dataclass
class Way:
    """One way of running the files, of which ``run`` runs all, or a part that is scaled up.

    What ``without`` takes does not count. The processor's seconds say what a way costs where a
    busy machine blurs the clock's.
    """

    title: str
    run: Callable[[], None]
    note: str = ""
    scale: float = 1.0
    sampled: bool = False
    without: Callable[[], None] | None = None
    seconds: list[float] = field(default_factory=list)
    processor: list[float] = field(default_factory=list)

    def time(self) -> None:
        """Run once more."""
        seconds, used = clocked(self.run)
        if self.without:
            less, less_used = clocked(self.without)
            seconds, used = seconds - less, used - less_used
        self.seconds.append(seconds * self.scale)
        self.processor.append(used * self.scale)

    def measure(self, title: str) -> Measure:
        """Return what all rounds took."""
        used = f"processor {median(self.processor):.1f} s"
        note = f"{used}; {self.note}" if self.note else used
        return Measure(title, "s", self.seconds, note=note)


def clocked(run: Callable[[], None]) -> tuple[float, float]:
    """Return the seconds that ``run`` takes, and those of the processor in its processes."""
    started, used = time.perf_counter(), processor_seconds()
    run()
    return time.perf_counter() - started, processor_seconds() - used


@dataclass
class Python:
    """Runs Python in the environment of snippets, below a folder that holds its home."""

    folder: Path

    def __post_init__(self) -> None:
        home = self.folder / "home"
        home.mkdir(parents=True, exist_ok=True)
        # The same for all, without the folders that happen to be on the caller's path.
        self.environment = environment("tensorflow", str(home)) | {"PYTHONPATH": str(REPOSITORY)}

    def run(self, place: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run Python in ``place`` to its end, whatever comes of it."""
        return subprocess.run(
            [sys.executable, *arguments],
            cwd=place,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=LIMIT,
        )

    def watched(
        self, place: Path, sign: Path, patience: float, *arguments: str
    ) -> subprocess.CompletedProcess[str]:
        """Run Python as ``run`` does; end it once ``sign`` was not written for so many seconds."""
        with tempfile.TemporaryFile("w+") as said:
            process = subprocess.Popen(
                [sys.executable, *arguments],
                cwd=place,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
            seen, since = -1, time.monotonic()
            while process.poll() is None:
                size = sign.stat().st_size if sign.exists() else 0
                if size != seen:
                    seen, since = size, time.monotonic()
                elif time.monotonic() - since > patience:
                    os.killpg(process.pid, signal.SIGKILL)
                time.sleep(0.05)
            said.seek(0)
            return subprocess.CompletedProcess(arguments, process.returncode, said.read(), "")

    def said(self, place: Path, *arguments: str) -> str:
        """Return what Python printed when run in ``place``; raise BenchError if it failed."""
        done = self.run(place, *arguments)
        if done.returncode:
            said = f"{done.stdout[-3_000:]}{done.stderr[-3_000:]}"
            raise BenchError(f"python {' '.join(arguments)[:300]}\n{said}")
        return done.stdout

    def pytest(self, place: Path, *arguments: str) -> tuple[float, int]:
        """Return the seconds that pytest takes in ``place``, and how many items passed."""
        started = time.perf_counter()
        said = self.said(place, *PYTEST, *arguments)
        return time.perf_counter() - started, passed(said)


def passed(said: str) -> int:
    """Return how many items passed, by pytest's last line."""
    found = re.search(r"^(\d+) passed", said, re.MULTILINE)
    return int(found[1]) if found else 0


class Ways:
    """The ways of running one set of generated files: a method each, which raises BenchError."""

    def __init__(self, made: Generated, sample: int = SAMPLE) -> None:
        self.made, self.sample = made, list(made.sources)[:sample]
        self.python = Python(made.folder)

    def named(self, names: Sequence[str]) -> dict[str, Way]:
        """Return the ways called ``names``, in that order."""
        files, sample = len(self.made.sources), len(self.sample)
        part = (f"scaled up from {sample} files", files / sample, True)
        bare = partial(self.notebooks, "off")
        known = {
            "ours": Way("ours, 2 workers", partial(self.ours, 2)),
            "ours, 1 worker": Way("ours, 1 worker", partial(self.ours, 1)),
            "plain": Way("plain Sybil", self.plain),
            "doctest": Way("pytest --doctest-glob", self.doctest),
            "sphinx": Way("sphinx.ext.doctest", self.sphinx_doctest),
            "fresh": Way("fresh interpreters", self.fresh, *part),
            "notebooks": Way("notebooks, by myst-nb", self.notebooks, *part, without=bare),
        }
        return {name: known[name] for name in names}

    def ours(self, workers: int) -> None:
        # The folder, whose conftest.py adds the options.
        self.pytest("ours", "snippets", "--fresh", f"--workers={workers}")

    def plain(self) -> None:
        self.pytest("plain")

    def doctest(self) -> None:
        """Let pytest collect the files for doctest: an item each, passing as a whole."""
        options = ("--doctest-glob=*.txt", "-o", "doctest_optionflags=ELLIPSIS")
        self.pytest("doctest", *options, items=len(self.made.sources))

    def pytest(self, project: str, *arguments: str, items: int | None = None) -> None:
        """Run a project by pytest, where so many items pass: the examples unless told."""
        _, number = self.python.pytest(self.made.folder / project, *arguments)
        expect(project, number, self.made.examples if items is None else items)

    def sphinx_doctest(self) -> None:
        """Build a Sphinx project anew with the builder that runs its examples."""
        project = self.made.folder / "sphinx"
        self.build(project, "doctest")
        said = (project / "_out/output.txt").read_text()
        found = re.search(r"^ *(\d+) tests?$", said, re.MULTILINE)
        expect("sphinx", int(found[1]) if found else 0, self.made.examples)

    def fresh(self) -> None:
        """Run the files of the sample with doctest, each in an interpreter of its own."""
        doctest = ("-m", "doctest", "-v", "-o", "ELLIPSIS")
        for name in self.sample:
            said = self.python.said(self.made.folder / "doctest", *doctest, f"{name}.txt")
            ran = len(re.findall(r"^ok$", said, re.MULTILINE))
            expect(name, ran, count(self.made.sources[name]))

    def notebooks(self, mode: str = "force") -> None:
        """Build the sample as pages of a Sphinx project; execute their cells unless ``off``."""
        project = self.made.folder / "notebooks"
        self.build(project, "html", "-D", f"nb_execution_mode={mode}")
        cells = sum(count(self.made.sources[name]) for name in self.sample)
        ran = executed(project / "jupyter_execute")
        expect("notebooks", ran, cells if mode == "force" else 0)

    def build(self, project: Path, builder: str, *settings: str) -> None:
        """Build all pages of a Sphinx project anew, in one process."""
        for made in ("_out", "jupyter_execute"):
            shutil.rmtree(project / made, ignore_errors=True)
        self.python.said(project, "-m", "sphinx", "-q", "-b", builder, *settings, ".", "_out")


def expect(what: str, passed: int, expected: int) -> None:
    """Raise BenchError if other than the expected number passed."""
    if passed != expected:
        raise BenchError(f"{what}: {passed} passed, not {expected}")


def executed(folder: Path) -> int:
    """Return how many cells of the notebooks below ``folder`` were executed."""
    notebooks = [json.loads(path.read_text()) for path in folder.rglob("*.ipynb")]
    cells = [cell for one in notebooks for cell in one["cells"]]
    return sum(bool(cell.get("execution_count")) for cell in cells)
