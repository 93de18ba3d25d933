"""The snippets as pytest items: selection, order and reports are pytest's own.

Items wait for the outcome of their file, which the runner has usually finished by then: it
works ahead of the item being reported, and runs each file whole, whichever of its examples
are selected.
"""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from _pytest._code.code import TerminalRepr
from sybil import Document, Example
from sybil.example import SybilFailure
from sybil.integration.pytest import SybilFile, SybilItem

from . import evidence as ev
from .api.plugin import FamilyFile, Table, is_family
from .api.verify import FamilyJob
from .catalogue import Catalogue, Claim, Snippet
from .examples import sybil
from .follow import Outcome
from .frameworks import FRAMEWORKS
from .problems import CatalogueError, Problem, shown
from .runner import CAN_FORK, Job, Runner

LIMIT, SLOW_LIMIT = 60.0, 300.0  # seconds one snippet file may take


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("snippets", "running the claims")
    group.addoption("--fresh", action="store_true", help="run even what has a recorded pass")
    group.addoption("--workers", type=int, help="snippet files run at once (default: the cores)")
    group.addoption("--no-fork", action="store_true", help="start a new interpreter per file")
    group.addoption("--twice", action="store_true", help="run each file twice, by other hashes")
    group.addoption("--limit", type=float, default=LIMIT, help="seconds one file may take")
    group.addoption("--evidence", type=Path, help=f"folder to record in (default: {ev.FOLDER})")


def pytest_configure(config: pytest.Config) -> None:
    config.stash[VERIFICATION] = Verification(config)
    config.addinivalue_line(
        "markers", "slow: a claim with `needs: [slow]`; -m 'not slow' leaves it out"
    )


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    verification = parent.config.stash[VERIFICATION]
    if is_family(file_path, verification.catalogue.project):
        return FamilyFile.from_parent(parent, path=file_path, verification=verification)
    try:
        depth = len(file_path.relative_to(verification.catalogue.root).parts)
    except ValueError:
        return None
    if depth == 3 and file_path.stem in FRAMEWORKS and file_path.suffix == ".md":
        return SnippetFile.from_parent(parent, path=file_path, sybils=[verification.sybil])
    if depth == 3 and file_path.name == "claim.md":
        return ClaimFile.from_parent(parent, path=file_path)
    return None


@pytest.hookimpl(trylast=True)  # after the shuffle
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put first what keeps all cores busy: what follows, tests of browsers say, has them free."""
    kinds = SnippetFile, ClaimFile, FamilyFile
    items.sort(key=lambda item: not isinstance(item.parent, kinds))


def pytest_collection_finish(session: pytest.Session) -> None:
    if not session.config.option.collectonly:
        session.config.stash[VERIFICATION].start(session.items)


def pytest_unconfigure(config: pytest.Config) -> None:
    config.stash[VERIFICATION].stop()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if line := terminalreporter.config.stash[VERIFICATION].summary():
        terminalreporter.write_sep("-", "snippets")
        terminalreporter.write_line(line)


class Verification:
    """One session's work: what to run, what is recorded already, and what came out."""

    def __init__(self, config: pytest.Config) -> None:
        self.option = config.option
        self.catalogue = Catalogue(config.rootpath)
        self.folder = config.option.evidence or config.rootpath / ev.FOLDER
        self.sybil = sybil(self.catalogue.root, ReportingDocument)
        self.claims: dict[Path, Claim | CatalogueError] = {}
        self.known: dict[Path, ev.Evidence] = {}
        self.tasks: dict[str, tuple[Claim, Snippet]] = {}
        self.digests: dict[str, str] = {}  # of the tasks, before they ran
        self.table = Table(config.rootpath, self.folder)
        self.runner: Runner | None = None

    def claim(self, folder: Path) -> Claim:
        """Return the claim in ``folder``, read once; raise its CatalogueError again."""
        if folder not in self.claims:
            try:
                self.claims[folder] = self.catalogue.load(folder)
            except CatalogueError as error:
                self.claims[folder] = error
        claim = self.claims[folder]
        if isinstance(claim, CatalogueError):
            raise claim
        return claim

    def start(self, items: list[pytest.Item]) -> None:
        """Start running the files that the selected items need and that have no evidence."""
        needed = [pair for item in items for pair in getattr(item, "needed", list)()]
        by_path = {snippet.path: (claim, snippet) for claim, snippet in needed}
        jobs = [self.job(*pair) for pair in by_path.values() if not self.settle(*pair)]
        jobs.sort(key=self.last_duration, reverse=True)
        factor = self.option.limit / LIMIT
        jobs += self.table.jobs(items, fresh=self.option.fresh, factor=factor)
        if jobs:
            workers = self.option.workers or cores()
            fork = CAN_FORK and not self.option.no_fork
            self.runner = Runner(jobs, self.record, workers, fork)

    def settle(self, claim: Claim, snippet: Snippet) -> bool:
        """Return whether the evidence is known without running: reused, or cannot be had."""
        path = ev.path_of(self.folder, claim, snippet)
        reason = f"skipped until {s.until}: {s.reason}" if (s := claim.front.skip) else None
        if reason := reason or ev.unmet_need(claim.front.needs):
            evidence = ev.record(claim, snippet, outcome="not run", reason=reason)
            ev.write(path, evidence)
        else:
            old = ev.read(path)
            if self.option.fresh or old is None or not ev.is_proven(old, claim, snippet):
                return False
            evidence = old
        self.known[snippet.path] = evidence
        return True

    def job(self, claim: Claim, snippet: Snippet) -> Job:
        name = ev.snippet_id(claim, snippet)
        self.tasks[name] = claim, snippet
        self.digests[name] = ev.digest(claim, snippet)
        limit = self.option.limit * (SLOW_LIMIT / LIMIT if "slow" in claim.front.needs else 1)
        seeds = (0, 1) if self.option.twice else (0,)
        names = tuple(claim.front.agree)
        return Job(snippet.path, name, snippet.framework, limit, names, seeds)

    def last_duration(self, job: Job) -> float:
        """Seconds the file took when it last ran; what never ran comes first."""
        old = ev.read(ev.path_of(self.folder, *self.tasks[job.name]))
        return old.seconds if old else float("inf")

    def record(self, job: Job, outcome: Outcome) -> None:
        """Write the evidence of a finished job (called from the runner's threads)."""
        if isinstance(job, FamilyJob):
            return self.table.record(job, outcome)
        claim, snippet = self.tasks[job.name]
        failure = outcome.failure
        evidence = ev.record(
            claim,
            snippet,
            outcome="failed" if failure else "passed",
            failure=ev.Failure(line=failure[0], message=failure[1]) if failure else None,
            examples=len(outcome.examples),
            seconds=round(outcome.seconds, 3),
            values=outcome.values,
            deprecations=outcome.deprecations,
        )
        if evidence.digest != self.digests[job.name]:  # nobody knows which text it was that ran
            evidence = evidence.model_copy(update={"digest": "changed while it ran"})
        self.known[snippet.path] = evidence
        try:
            ev.write(ev.path_of(self.folder, claim, snippet), evidence)
        except OSError as error:  # a full disk, say
            outcome.at, outcome.error = 0, f"The evidence cannot be written: {error}"
            self.known[snippet.path] = evidence.model_copy(update={"outcome": "failed"})

    def evidence(self, claim: Claim, snippet: Snippet) -> ev.Evidence:
        """Return the evidence of a snippet, waiting for its process if need be."""
        if snippet.path not in self.known:
            assert self.runner is not None
            self.runner.outcome(ev.snippet_id(claim, snippet))
        return self.known[snippet.path]

    def check_example(self, snippet: Snippet, claim: Claim, line: int) -> str | None:
        """Return what is wrong with the example at ``line``; skip what was not reached."""
        evidence = self.evidence(claim, snippet)
        if evidence.outcome == "not run":
            pytest.skip(evidence.reason or "")
        if evidence.outcome == "passed":
            return None
        assert self.runner is not None
        outcome = self.runner.outcome(evidence.snippet)
        if outcome.error and outcome.at in (line, 0):  # 0: nothing began, so nothing passed
            return outcome.error
        if line not in outcome.examples:
            pytest.skip(f"not reached: see line {outcome.at}")
        return outcome.examples[line]

    def stop(self) -> None:
        if self.runner:
            self.runner.stop()

    def summary(self) -> str:
        """Return how many files ran, were reused and were not run, and the slowest."""
        if not self.known:
            return self.table.summary()
        ran = [e for e in self.known.values() if e.snippet in self.tasks]
        not_run = sum(e.outcome == "not run" for e in self.known.values())
        reused = len(self.known) - len(ran) - not_run
        text = f"{len(ran)} files ran, {reused} had evidence already, {not_run} were not run"
        slowest = sorted(ran, key=lambda e: -e.seconds)[:3]
        tail = ", ".join(f"{e.snippet} {e.seconds:.1f} s" for e in slowest)
        text = f"{text}; slowest: {tail}" if tail else text
        if self.runner and self.runner.refusal:
            text = f"{text}\nwithout walls around them (see SECURITY.md): {self.runner.refusal}"
        return f"{text}\n{self.table.summary()}".strip()


def cores() -> int:
    """Return how many processors this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


VERIFICATION = pytest.StashKey[Verification]()


class ReportingDocument(Document):
    """A snippet file whose examples ran elsewhere: evaluating one asks how it went."""

    file: "SnippetFile"

    def __init__(self, text: str, path: str) -> None:
        super().__init__(text, path)
        self.push_evaluator(self.report)

    def report(self, example: Example) -> str | None:
        file = self.file
        return file.verification.check_example(file.snippet, file.claim, example.line)


class SnippetItem(SybilItem):
    """One example of a snippet file."""

    def needed(self) -> list[tuple[Claim, Snippet]]:
        assert isinstance(self.parent, SnippetFile)
        return [(self.parent.claim, self.parent.snippet)]

    def repr_failure(
        self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None
    ) -> str | TerminalRepr:
        """Say where and what, without a traceback of ours."""
        if isinstance(excinfo.value, SybilFailure):
            return f"{shown(self.path)}:{self.example.line}\n{excinfo.value.result}"
        return super().repr_failure(excinfo, style)


class SnippetFile(SybilFile):
    """A snippet file: collected if its claim is sound, or else failing with the reasons."""

    @property
    def verification(self) -> Verification:
        return self.config.stash[VERIFICATION]

    def collect(self) -> Iterator[pytest.Item]:
        try:
            self.claim = self.verification.claim(self.path.parent)
        except CatalogueError:
            return  # the claim's own file reports it, once for all tabs
        self.snippet = next(s for s in self.claim.snippets if s.path == self.path)
        document = self.verification.sybil.parse(self.path)
        assert isinstance(document, ReportingDocument)
        document.file = self
        self.documents.append(document)
        for example in document:
            item = SnippetItem.from_parent(self, sybil=self.verification.sybil, example=example)
            yield marked(item, self.claim)


class ClaimFile(pytest.File):
    """A ``claim.md``: fails if anything in the folder is wrong; compares what must agree."""

    def collect(self) -> Iterator[pytest.Item]:
        try:
            claim = self.config.stash[VERIFICATION].claim(self.path.parent)
        except CatalogueError as error:
            yield ProblemsItem.from_parent(self, name="problems", error=error)
            return
        if claim.front.agree:
            yield marked(AgreementItem.from_parent(self, name="agreement", claim=claim), claim)


def marked(item: pytest.Item, claim: Claim) -> pytest.Item:
    """Return ``item`` with the marker ``slow`` if its claim is, for ``-m 'not slow'``."""
    if "slow" in claim.front.needs:
        item.add_marker("slow")
    return item


class ProblemsItem(pytest.Item):
    """Fails with what is wrong in a claim folder, while the other claims run."""

    def __init__(self, *, error: CatalogueError, **arguments: Any) -> None:
        super().__init__(**arguments)
        self.error = error

    def runtest(self) -> None:
        raise self.error

    def repr_failure(
        self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None
    ) -> str | TerminalRepr:
        if isinstance(excinfo.value, CatalogueError):
            return str(excinfo.value)
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Path, int, str]:
        return self.path, 0, f"{shown(self.path.parent)}: problems"


class AgreementItem(pytest.Item):
    """The check that a claim's tabs leave the same values behind."""

    def __init__(self, *, claim: Claim, **arguments: Any) -> None:
        super().__init__(**arguments)
        self.claim = claim

    def needed(self) -> list[tuple[Claim, Snippet]]:
        return [(self.claim, snippet) for snippet in self.claim.snippets]

    def runtest(self) -> None:
        verification = self.config.stash[VERIFICATION]
        found = {s.framework: verification.evidence(self.claim, s) for s in self.claim.snippets}
        for tab, evidence in found.items():
            if evidence.outcome != "passed":
                pytest.skip(f"{tab} did not pass")
        ev.agreement(self.claim, found)

    def repr_failure(
        self,
        excinfo: pytest.ExceptionInfo[BaseException],
        style: Any = None,
    ) -> str | TerminalRepr:
        if isinstance(excinfo.value, ev.DisagreementError):
            line = self.claim.lines["agree"]
            return str(Problem(self.path, line, 1, str(excinfo.value)))
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Path, int, str]:
        return self.path, 0, f"{self.claim.id}: agreement"
