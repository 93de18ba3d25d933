"""What `make html` takes after a change, on a copy of this project in which all is up to date.

The evidence of the copy is made up, so that a checkout whose own is stale measures the same. What
runs every snippet again is not timed: how many that would be is counted, and said in the notes.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from helpers import prove, prove_rows

from snippets._harness import evidence as ev
from snippets._harness.api.rows import families
from snippets._harness.catalogue import Catalogue

from .measures import Measure

REPOSITORY = Path(__file__).parents[2]
CLAIM = "tensors/item-assignment"
UPGRADED = "torch"
PENDING = """\
from pathlib import Path
from snippets._harness import __main__ as harness
from snippets._harness.catalogue import Catalogue
print(len(harness.pending(Catalogue(Path()))))
"""


@dataclass(frozen=True)
class Change:
    """What someone changes, in a file of the copy, and the seconds `make html` may take then."""

    title: str
    target: float
    path: str = ""
    text: str = ""  # of the file
    by: str = ""  # which takes its place, with a number so that each round changes it

    def make(self, project: Path, number: int) -> None:
        if self.path:
            file = project / self.path
            file.write_text(file.read_text().replace(self.text, self.by.format(number), 1))


def changes(project: Path) -> Iterator[Change]:
    """Yield what is measured; each text is taken from the file, whatever it says today."""
    yield Change("nothing changed", 1.5)
    for title, path, target in (
        ("one claim's prose changed", f"snippets/{CLAIM}/claim.md", 3.0),
        ("one page changed", "docs/tensors.md", 3.0),
        ("one PyTorch snippet changed", f"snippets/{CLAIM}/pytorch.md", 5.0),
    ):
        text = (project / path).read_text()
        lines = text.rpartition("\n---\n")[2].split("\n")
        prose = next(line for line in lines if line[:1].isupper())  # output is in lower case
        yield Change(title, target, path, prose, f"In round {{}}: {prose}")


@contextmanager
def copied() -> Iterator[Path]:
    """Copy what git knows or would take, with this environment, and evidence for all of it."""
    command = ["git", "ls-files", "-co", "--exclude-standard", "-z"]
    listed = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=True)
    with tempfile.TemporaryDirectory(prefix="bench-incremental-") as folder:
        project = Path(folder, "project")
        for name in filter(None, listed.stdout.split("\0")):
            if (REPOSITORY / name).is_file():
                (project / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(REPOSITORY / name, project / name)
        (project / ".venv").symlink_to(sys.prefix)
        if (done := REPOSITORY / "_build" / "worked").exists():  # its cells did run
            shutil.copytree(done, project / "_build" / "worked")
        prove_all(project)
        yield project


def prove_all(project: Path) -> None:
    """Record a pass of each snippet file and of each row."""
    catalogue = Catalogue(project)
    for claim in map(catalogue.load, catalogue.folders()):
        prove(project / ev.FOLDER, claim)
    for family in families(project):
        prove_rows(project / ev.FOLDER, family)


def make(project: Path) -> float:
    """Do what `make html` does once it has the lock; return the seconds it took."""
    started = time.perf_counter()
    command = [project / ".venv/bin/python", "docs/_ext/publish.py", "verify"]
    settings = os.environ | {"LC_ALL": "C", "PYTHONUTF8": "1"}
    done = subprocess.run(
        command, cwd=project, env=settings, capture_output=True, text=True, check=False
    )
    if done.returncode:
        sys.exit(f"the site does not build:\n{done.stdout[-3_000:]}{done.stderr[-3_000:]}")
    return time.perf_counter() - started


def pending(project: Path, **environment: str) -> int:
    """Return how many files of snippets and of rows have no evidence that counts."""
    done = subprocess.run(
        [project / ".venv/bin/python", "-c", PENDING],
        cwd=project,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=True,
    )
    return int(done.stdout)


def stale(project: Path) -> Iterator[tuple[str, int]]:
    """Yield what would run again after a change that concerns all, and after an upgrade."""
    decides = project / "snippets" / "_harness" / "child.py"
    before = decides.read_text()
    decides.write_text(f"{before}# Changed.\n")
    yield "the harness changed", pending(project)
    decides.write_text(before)
    newer = project.parent / "newer"
    about = newer / f"{UPGRADED}-99.0.dist-info" / "METADATA"
    about.parent.mkdir(parents=True)
    about.write_text(f"Metadata-Version: 2.1\nName: {UPGRADED}\nVersion: 99.0\n")
    yield f"another {UPGRADED}", pending(project, PYTHONPATH=str(newer))


def number_of_files(project: Path) -> int:
    """Return how many files of snippets and of rows there are."""
    catalogue = Catalogue(project)
    claims = map(catalogue.load, catalogue.folders())
    return sum(len(claim.snippets) for claim in claims) + len(families(project))


def measure(rounds: int) -> list[Measure]:
    """Time each change ``rounds`` times, from a site that is up to date."""
    with copied() as project:
        make(project)  # so that the worked pages have run
        for made in ("doctrees", "site", "html"):
            shutil.rmtree(project / "_build" / made)
        (project / "_build" / "finished").unlink()
        measures = [Measure("all built, nothing run", "s", [make(project)])]
        counts = ", ".join(f"{what}: {number}" for what, number in stale(project))
        for change in changes(project):
            timed = Measure(change.title, "s", target=change.target)
            for number in range(rounds):
                make(project)
                change.make(project, number)
                timed.values.append(make(project))
            measures.append(timed)
        measures[0].note = f"of {number_of_files(project)} files run again, {counts}"
    return measures
