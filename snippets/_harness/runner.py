"""Runs many snippet files at once, each in a process of its own, within limits.

Worker threads only wait: for a server that is ready, then for one child's reports. The
children do the work, one per core.
"""

import doctest
import json
import os
import secrets
import shutil
import sys
import tempfile
import threading
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sybil import Document

from .examples import parser
from .follow import Child, Outcome
from .frameworks import FRAMEWORKS
from .starters import ForkServer, Starter

CAN_FORK = sys.platform == "linux" and hasattr(os, "pidfd_open")


@dataclass(frozen=True)
class Job:
    """A snippet file to run: where it is, what to call it, how long it may take (s)."""

    path: Path
    name: str
    framework: str
    limit: float
    names: tuple[str, ...] = ()
    seeds: tuple[int, ...] = (0,)  # of Python's hashes; it runs with each, and must do the same

    @property
    def preload(self) -> str:
        """What the server imports that its process is forked from."""
        return FRAMEWORKS[self.framework].preload

    def examples(self) -> dict[int, doctest.Example]:
        """Return what must run and come out as it says, by the line it begins at."""
        document = Document.parse(str(self.path), parser())
        return {example.line: example.parsed for example in document}

    def message(self, folder: str) -> dict[str, Any]:
        """Return the job as the module ``run`` takes it in the process."""
        texts = {"path": str(self.path), "name": self.name, "folder": folder}
        return {**texts, "names": self.names, "run": f"{__package__}.child"}


class Runner:
    """Runs jobs in the order given, ``workers`` at a time, as their servers are ready."""

    def __init__(
        self,
        jobs: Sequence[Job],
        record: Callable[[Job, Outcome], None],
        workers: int,
        fork: bool = CAN_FORK,
    ) -> None:
        """``record`` is called with each finished job, from one of several threads."""
        self.pending = list(jobs)
        self.record = record
        self.changed = threading.Condition()
        self.outcomes: dict[str, Outcome] = {}
        self.children: set[Child] = set()
        self.stopping = False
        self.home = tempfile.mkdtemp(prefix="snippets-")
        readable = [os.path.commonpath([job.path.parent.resolve() for job in jobs])]
        kinds = Counter((job.preload, seed) for job in jobs for seed in job.seeds)
        self.starters: dict[tuple[str, int], Starter] = {
            kind: ForkServer(*kind, self.home, readable, self.changed, jobs=count)
            if fork
            else Starter(*kind, self.home, readable)
            for kind, count in kinds.items()
        }
        self.workers = [threading.Thread(target=self.work, daemon=True) for _ in range(workers)]
        for worker in self.workers:
            worker.start()

    def add(self, job: Job) -> None:
        """Run one more job, before those that wait; called from ``record``."""
        with self.changed:
            self.pending.insert(0, job)

    def outcome(self, name: str) -> Outcome:
        """Return the outcome of the job called ``name``, waiting for it if need be."""
        with self.changed:
            self.changed.wait_for(lambda: name in self.outcomes)
            return self.outcomes[name]

    def stop(self) -> None:
        """Start nothing more, kill what runs, remove what was left in temporary folders."""
        with self.changed:
            self.stopping = True
            self.pending.clear()
            self.changed.notify_all()
        for child in list(self.children):
            child.kill()
        for starter in self.starters.values():
            starter.stop()
        for worker in self.workers:
            worker.join(timeout=5)
        shutil.rmtree(self.home, ignore_errors=True)

    def work(self) -> None:
        """Run one job after the other until none is left: the life of a worker thread."""
        while job := self.next_job():
            outcome = None
            try:
                outcome = self.run(job)
                if self.stopping:  # killed by us, which says nothing of the snippet
                    return
                self.record(job, outcome)
            except Exception as error:  # ours to mend, but no reason for others not to run
                outcome = Outcome(error=f"The harness failed: {error!r}")
                self.record(job, outcome)
            finally:
                with self.changed:  # whatever happened, nobody shall wait for ever
                    self.outcomes[job.name] = outcome or Outcome(error="stopped")
                    self.changed.notify_all()

    def next_job(self) -> Job | None:
        """Take the first job whose framework is imported; wait while there is none."""
        with self.changed:
            while self.pending:
                for job in self.pending:
                    if all(starter.ready for starter in self.needed(job)):
                        self.pending.remove(job)
                        return job
                self.changed.wait()
            return None

    def needed(self, job: Job) -> list[Starter]:
        return [self.starters[job.preload, seed] for seed in job.seeds]

    @property
    def refusal(self) -> str:
        """Why snippets run without walls around them, or nothing if they have some."""
        return next(filter(None, (starter.refusal for starter in self.starters.values())), "")

    def run(self, job: Job) -> Outcome:
        """Run one job with each of its seeds; what it does must be the same."""
        first, *more = zip(job.seeds, self.needed(job), strict=True)
        outcome = self.run_once(job, first[1])
        for seed, starter in more:
            if outcome.failure is None:
                outcome.compare(self.run_once(job, starter), seed)
        return outcome

    def run_once(self, job: Job, starter: Starter) -> Outcome:
        """Run one job in a temporary folder of its own."""
        if starter.refusal and "CI" in os.environ:
            return Outcome(error=f"CI runs nothing without walls around it: {starter.refusal}")
        if starter.error:
            return Outcome(error=starter.error)
        folder, mark = tempfile.mkdtemp(dir=self.home), secrets.token_hex(16)
        message = json.dumps(job.message(folder) | {"mark": mark})
        examples = job.examples()
        child = Child(job.limit, mark, examples, lambda *ends: starter.start(message, *ends))
        self.children.add(child)
        try:
            outcome = child.follow()
        finally:
            self.children.remove(child)
            shutil.rmtree(folder, ignore_errors=True)
        if child.exit is None:
            outcome.error = f"{outcome.error}\n{starter.said()}".strip()
        missed = sorted(examples.keys() - outcome.examples.keys())
        if missed and not outcome.failure:  # somebody said it was done
            outcome.at, outcome.error = (
                missed[0],
                "This example did not run, though its file ended.",
            )
        return outcome
