"""Verifies families of rows in processes of their own, and keeps evidence of each row.

A row passes when both sides agree as it says, and when what it gives is what is pinned. Its
evidence counts as long as the row, its pins, this code and the installed versions are the same.
"""

import datetime
import hashlib
import importlib
import json
import sys
import tempfile
import time
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from snippets._harness import child
from snippets._harness.evidence import replace
from snippets._harness.follow import Outcome
from snippets._harness.frameworks import machine, versions
from snippets._harness.runner import Job

from .rows import Family, load

EVIDENCE = "_api"  # folder below that of all evidence, a file per family
LIMIT = 120.0  # seconds a family may take
DECIDES = (
    "check",
    "compare",
    "expressions",
    "inputs",
    "pairs",
    "rows",
    "sides",
    "signatures",
    "verify",
)


class RowEvidence(BaseModel):
    """What happened when a row last ran."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    digest: str
    outcome: Literal["passed", "failed"]
    failure: str | None = None
    seconds: float = 0.0
    compared: bool = False  # in value
    gradient: str = "none"
    deviation: dict[str, dict[str, float]] = {}  # dtype -> what -> largest
    versions: dict[str, str]
    platform: str
    time: datetime.datetime  # UTC


class FamilyEvidence(BaseModel):
    """The evidence of a family: a file."""

    rows: dict[str, RowEvidence] = {}


@dataclass(frozen=True)
class FamilyJob(Job):
    """Rows of a family to run in one process."""

    rows: tuple[str, ...] = ()

    @property
    def preload(self) -> str:
        return "both"

    def examples(self) -> dict[int, Any]:
        return {}  # rows are reported by name

    def message(self, folder: str) -> dict[str, Any]:
        return {"run": __name__, "path": str(self.path), "rows": self.rows, "folder": folder}


def job_of(family: Family, rows: Iterable[str], factor: float = 1) -> FamilyJob:
    """Return the job that runs ``rows``; ``factor`` stretches its time limit."""
    name = f"{EVIDENCE}/{family.name}"
    return FamilyJob(family.path, name, "", LIMIT * factor, rows=tuple(rows))


@cache
def code_digest() -> str:
    """Return a digest of the code that decides whether a row passes."""
    contents = b"".join(Path(__file__).with_name(f"{n}.py").read_bytes() for n in DECIDES)
    return hashlib.sha256(contents).hexdigest()


@cache
def installed() -> dict[str, str]:
    return versions("tensorflow") | versions("pytorch")


def digest(family: Family, name: str) -> str:
    """Return the digest of all that a row's evidence depends on, but the versions."""
    row, pins = family.rows[name].model_dump_json(), json.dumps(family.pins.get(name))
    return hashlib.sha256(f"{code_digest()}\0{name}\0{row}\0{pins}".encode()).hexdigest()


def path_of(folder: Path, family: Family) -> Path:
    return folder / EVIDENCE / f"{family.name}.json"


def read(folder: Path, family: Family) -> dict[str, RowEvidence]:
    """Return the recorded evidence of a family's rows; what cannot be read is none."""
    try:
        return FamilyEvidence.model_validate_json(path_of(folder, family).read_bytes()).rows
    except (OSError, ValidationError):
        return {}


def proven(folder: Path, family: Family) -> dict[str, RowEvidence]:
    """Return the evidence of passes that need not be repeated."""
    return {
        name: evidence
        for name, evidence in read(folder, family).items()
        if name in family.rows
        and evidence.outcome == "passed"
        and evidence.digest == digest(family, name)
        and (evidence.versions, evidence.platform) == (installed(), machine())
    }


def results(family: Family, job: FamilyJob, outcome: Outcome) -> dict[str, RowEvidence]:
    """Return the evidence of the rows that a process ran, failed where it ended too early."""
    found = {}
    for name in job.rows:
        given = outcome.values.get(name)
        failure = (given or {}).pop("failure", None)
        if given is None:
            failure = outcome.error or "not reached"
            if outcome.at != family.lines.get(name):
                failure = f"not reached: the process ended at line {outcome.at}"
        found[name] = RowEvidence(
            digest=digest(family, name),
            outcome="failed" if failure else "passed",
            failure=failure,
            versions=installed(),
            platform=machine(),
            time=datetime.datetime.now(datetime.UTC).replace(microsecond=0),
            **(given or {}),
        )
    return found


def write(folder: Path, family: Family, found: dict[str, RowEvidence]) -> None:
    """Record evidence in one step, beside that of other rows of the family."""
    kept = {n: e for n, e in read(folder, family).items() if n in family.rows}
    evidence = FamilyEvidence(rows=dict(sorted({**kept, **found}.items())))
    replace(path_of(folder, family), evidence.model_dump_json(indent=1))


def run(job: dict[str, Any], results: int) -> None:
    """In a forked process: run rows, reporting each as JSON on the descriptor ``results``."""
    started = time.perf_counter()
    family = load(Path(job["path"]))
    child.settle(job["folder"])
    tempfile.gettempdir()  # looks for it by writing, which rows may not
    check = importlib.import_module(f"{__package__}.check")
    sys.addaudithook(importlib.import_module(f"{__package__}.sides").guard)
    report = child.reporter(job, results)
    for name in job["rows"]:
        report(at=family.lines[name])
        begun = time.perf_counter()
        record = checked(check, name, family)
        wrong = [*record.failures, *unpinned(record.pinned, family.pins.get(name), family.name)]
        given = {
            "failure": "\n".join(wrong) or None,
            "seconds": round(time.perf_counter() - begun, 3),
            "compared": record.compared,
            "gradient": record.gradient,
            "deviation": record.deviation,
        }
        report(row=name, given=given)
    seconds = time.perf_counter() - started
    report(seconds=seconds, values={}, leftovers=child.leftovers(), deprecations={})


def checked(check: Any, name: str, family: Family) -> Any:
    """Return the record of a row; where our own code fails, the row does, and the others run."""
    try:
        return check.check(name, family.rows[name])
    except Exception as error:
        return check.Record(failures=[f"the check itself failed: {error!r}"])


def unpinned(given: dict[str, Any], pinned: dict[str, Any] | None, family: str) -> list[str]:
    """Return how what a row gives differs from what is pinned."""
    mend = f"if that is right, `python -m snippets._harness.api pin {family}` and say why"
    if pinned is None:
        return [f"nothing is pinned yet: run `python -m snippets._harness.api pin {family}`"]
    given = json.loads(json.dumps(given))
    return [
        f"{key}: pinned is {json.dumps(pinned.get(key))}, now {json.dumps(given.get(key))}; {mend}"
        for key in sorted({*given, *pinned})
        if given.get(key) != pinned.get(key)
    ]
