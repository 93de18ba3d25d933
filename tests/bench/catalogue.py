"""The site's own claims: our harness, with two workers and with one, beside plain Sybil.

Plain Sybil runs all files in one process, whose modes, devices and backends the claims change
for each other; some end it, some never come to their end. So it runs again, without the files
that failed, until all that remain pass; these are timed beside ours. What the project has on
record is left alone: our runs keep their evidence in a folder of their own.
"""

import sys
import tempfile
import time
from pathlib import Path

from snippets._harness.catalogue import Catalogue

from .generated import PLAIN_CONFTEST, REPOSITORY, write
from .measures import Measure, ratio
from .ways import PYTEST, BenchError, Python, passed

ATTEMPTS = 12  # of plain Sybil, each without what failed before
PATIENCE = 90  # seconds for one example: some wait for ever beside threads of the other framework
# Notes outcomes one by one: what runs may end the process.
CONFTEST = f"""{PLAIN_CONFTEST}
from pathlib import Path

OUTCOMES = open(Path(__file__).with_name("outcomes"), "w", buffering=1)

def pytest_runtest_logreport(report):
    file = report.nodeid.split("::")[0]
    print(report.outcome if report.when == "call" else report.when, file, file=OUTCOMES)
"""


def measure(_rounds: int) -> list[Measure]:
    """Run all claims by ours and what plain Sybil can run, once: it takes a quarter of an hour."""
    catalogue = Catalogue(REPOSITORY)
    claims = [catalogue.load(folder) for folder in catalogue.folders()]
    return of([str(s.path.relative_to(catalogue.root)) for one in claims for s in one.snippets])


def of(files: list[str]) -> list[Measure]:
    """Run snippet files, given below the folder of the snippets."""
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        own = Own(Path(folder))
        # First with one: what it notes of each file's time, as former runs do, serves both.
        one = own.ours(files, 1, "all files")
        two = own.ours(files, 2, "all files")
        passing, plain = own.plain(files)
        same = own.ours(passing, 2, "what plain Sybil can run")
    if same.note != plain.note:
        raise BenchError(f"of the same files ours passed {same.note}, plain Sybil {plain.note}")
    number = Measure("files that plain Sybil can run", "files", [len(passing)])
    number.note = f"of {len(files)}, in one process"
    workers = ratio("catalogue: ours, 1 worker / 2 workers", one, two)
    sybil = ratio("catalogue: ours, 2 workers / plain Sybil, where it can run", same, plain)
    return [one, two, number, plain, same, workers, sybil]


class Own:
    """Runs the site's own claims, with evidence and copies below ``folder``."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.python = folder, Python(folder)

    def ours(self, files: list[str], workers: int, what: str) -> Measure:
        """Time our harness on snippet files, which must pass."""
        options = ("--fresh", f"--workers={workers}", f"--evidence={self.folder / 'evidence'}")
        paths = [f"snippets/{name}" for name in files]
        seconds, number = self.python.pytest(REPOSITORY, *options, *paths)
        many = f"{workers} worker{'s' if workers > 1 else ''}"
        return told(Measure(f"ours, {many}: {what}", "s", [seconds], note=f"{number:,} items"))

    def plain(self, files: list[str]) -> tuple[list[str], Measure]:
        """Return the files that pass in one process of plain Sybil, and how long they take."""
        for _ in range(ATTEMPTS):
            project, started = self.copied(files), time.perf_counter()
            outcomes = project / "outcomes"
            done = self.python.watched(project, outcomes, PATIENCE, *PYTEST, *files)
            seconds = time.perf_counter() - started
            failed = failures(outcomes.read_text(), files)
            if done.returncode == 0 and not failed:
                note = f"{passed(done.stdout):,} items"
                return files, told(
                    Measure("plain Sybil: what it can run", "s", [seconds], note=note)
                )
            print(f"plain Sybil: {len(failed)} of {len(files)} files fail", file=sys.stderr)
            files = [name for name in files if name not in failed]
        raise BenchError(f"plain Sybil fails in others each time, {ATTEMPTS} times")

    def copied(self, files: list[str]) -> Path:
        """Copy snippet files into a project for plain Sybil."""
        project = Path(tempfile.mkdtemp(dir=self.folder))
        for name in files:
            write(project / name, (REPOSITORY / "snippets" / name).read_text())
        write(project / "conftest.py", CONFTEST)
        write(project / "pytest.ini", "[pytest]\n")
        return project


def failures(outcomes: str, files: list[str]) -> set[str]:
    """Return which files failed, and which one ended the process, if there is one."""
    lines = [line.split() for line in outcomes.splitlines()]
    failed = {file for outcome, file in lines if outcome == "failed"}
    begun = {file for _, file in lines}
    if lines and lines[-1][0] == "setup":  # an example began, and nobody saw its end
        failed.add(lines[-1][1])
    elif not failed and begun != set(files):
        failed.add(next(name for name in files if name not in begun))
    return failed


def told(measure: Measure) -> Measure:
    """Return a measure, having said how it came out."""
    print(f"{measure.title} {measure.median:.1f} s", file=sys.stderr, flush=True)
    return measure
