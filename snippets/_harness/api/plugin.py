"""Rows of the API table as pytest items, run by the same runner as the snippets."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from snippets._harness.follow import Outcome
from snippets._harness.problems import shown
from snippets._harness.runner import Job, Runner

from . import verify
from .rows import FOLDER, Family, families
from .verify import FamilyJob, RowEvidence


class Table:
    """One session's work on the table: which rows to run, and what came out."""

    def __init__(self, project: Path, folder: Path) -> None:
        self.project, self.folder = project, folder
        self.known: dict[str, dict[str, RowEvidence]] = {}
        self.running: dict[str, Family] = {}
        self._families: dict[str, Family] | None = None

    def family(self, path: Path) -> Family:
        """Return a family, read once with all others: names of rows are unique over all."""
        if self._families is None:
            self._families = {family.name: family for family in families(self.project)}
        return self._families[path.stem]

    def jobs(self, items: list[pytest.Item], *, fresh: bool, factor: float) -> list[FamilyJob]:
        """Return jobs for the selected rows without evidence, one per family."""
        wanted: dict[str, list[str]] = {}
        for item in items:
            if isinstance(item, RowItem):
                wanted.setdefault(item.family.name, []).append(item.row)
        jobs = []
        for name, rows in wanted.items():
            family = self.family(Path(name))
            self.known[name] = {} if fresh else verify.proven(self.folder, family)
            if missing := [
                row for row in family.rows if row in rows and row not in self.known[name]
            ]:
                self.running[f"{verify.EVIDENCE}/{name}"] = family
                jobs.append(verify.job_of(family, missing, factor))
        return sorted(jobs, key=self.last_duration, reverse=True)

    def last_duration(self, job: FamilyJob) -> float:
        """Seconds the rows took when they last ran; a row that never ran takes a tenth."""
        old = verify.read(self.folder, self.running[job.name])
        return sum(old[row].seconds if row in old else 0.1 for row in job.rows)

    def record(self, job: Job, outcome: Outcome) -> None:
        """Write the evidence of a finished family."""
        assert isinstance(job, FamilyJob)
        family = self.running[job.name]
        found = verify.results(family, job, outcome)
        self.known[family.name] |= found
        try:
            verify.write(self.folder, family, found)
        except OSError as error:
            wrong = {"outcome": "failed", "failure": f"The evidence cannot be written: {error}"}
            failed = {name: row.model_copy(update=wrong) for name, row in found.items()}
            self.known[family.name] |= failed

    def evidence(self, family: Family, row: str, runner: Runner | None) -> RowEvidence:
        """Return the evidence of a row, waiting for its process if need be."""
        if row not in self.known[family.name]:
            assert runner is not None
            runner.outcome(f"{verify.EVIDENCE}/{family.name}")
        return self.known[family.name][row]

    def summary(self) -> str:
        """Return how many rows of the table passed, and how long they took."""
        rows = [row for family in self.known.values() for row in family.values()]
        if not rows:
            return ""
        passed = sum(row.outcome == "passed" for row in rows)
        seconds = sum(row.seconds for row in rows)
        return f"{passed} of {len(rows)} rows of the API table passed, in {seconds:.1f} s of work"


def is_family(path: Path, project: Path) -> bool:
    return path.suffix == ".toml" and path.parent == project / FOLDER and path.stem != "accounted"


class FamilyFile(pytest.File):
    """A family of rows: an item per row, and one for what is wrong with the file."""

    def __init__(self, *, verification: Any, **arguments: Any) -> None:
        super().__init__(**arguments)
        self.verification = verification

    def collect(self) -> Iterator[pytest.Item]:
        family = self.verification.table.family(self.path)
        if family.problems:
            yield FamilyProblemsItem.from_parent(self, name="problems", family=family)
        for row in family.rows:
            yield RowItem.from_parent(self, name=row, family=family)


class RowFailure(Exception):  # noqa: N818 (a row that fails is no error of ours)
    """What is wrong with a row, where."""


class FamilyProblemsItem(pytest.Item):
    """Fails with what is wrong in a file, while its sound rows run."""

    def __init__(self, *, family: Family, **arguments: Any) -> None:
        super().__init__(**arguments)
        self.family = family

    def runtest(self) -> None:
        raise RowFailure("\n".join(map(str, self.family.problems)))

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        """Say where and what, without a traceback of ours."""
        if isinstance(excinfo.value, RowFailure):
            return str(excinfo.value)
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Path, int, str]:
        return self.path, 0, f"{shown(self.path)}: {self.name}"


class RowItem(FamilyProblemsItem):
    """One row: passes as its evidence does."""

    @property
    def row(self) -> str:
        return self.name

    def runtest(self) -> None:
        assert isinstance(self.parent, FamilyFile)
        verification = self.parent.verification
        evidence = verification.table.evidence(self.family, self.row, verification.runner)
        if evidence.outcome != "passed":
            line = self.family.lines[self.row]
            raise RowFailure(f"{shown(self.path)}:{line}: row {self.row!r}: {evidence.failure}")
