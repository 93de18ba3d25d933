"""Work on families in processes of their own, all cores at once; a crash costs one item.

Where a process dies at an item, that item counts as a crash, and another goes on behind it.
"""

import importlib
import os
import signal
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from snippets._harness import child
from snippets._harness.follow import Outcome
from snippets._harness.runner import Job, Runner

LIMIT = 30  # seconds of work on one item; a mutant may never end
IN_ALL = 3600.0  # seconds for a family


@dataclass(frozen=True)
class Crash:
    """The result of an item at which the process died, in words."""

    why: str


@dataclass(frozen=True)
class Items(Job):
    """The items of a family from ``begin`` on, as ``items(path, *options)`` of a module yields."""

    module: str = ""
    begin: int = 0
    options: tuple[str, ...] = ()

    @property
    def preload(self) -> str:
        return "both"

    def examples(self) -> dict[int, Any]:
        return {}

    def message(self, folder: str) -> dict[str, Any]:
        place = {"run": __name__, "folder": folder, "project": str(Path.cwd())}
        what = {"module": self.module, "path": str(self.path), "options": self.options}
        return {**place, **what, "begin": self.begin}


def spread(module: str, paths: Iterable[Path], *options: str) -> Iterator[tuple[Path, list[Any]]]:
    """Yield each family's file with the result of each of its items, in their order.

    ``module`` is one of this package, whose ``items`` yields callables that return JSON.
    """
    results: dict[Path, list[Any]] = {path: [] for path in paths}
    wrong: dict[Path, str | None] = {}  # of those that are done

    def job(path: Path) -> Items:
        begin = len(results[path])
        place = f"{path}, from {begin}"
        return Items(path, place, "", IN_ALL, module=module, begin=begin, options=options)

    def record(done: Job, outcome: Outcome) -> None:
        found = results[done.path]
        found += outcome.values.values()
        if outcome.at > len(found):  # the process died at an item
            found.append(Crash(outcome.error or ""))
            runner.add(job(done.path))
        else:
            wrong[done.path] = outcome.error

    largest_first = sorted(results, key=lambda path: -path.stat().st_size)
    runner = Runner(list(map(job, largest_first)), record, os.cpu_count() or 1)
    try:
        for path, found in results.items():
            with runner.changed:
                runner.changed.wait_for(lambda path=path: path in wrong)  # type: ignore[misc]
            if wrong[path]:
                raise RuntimeError(f"{path}: {wrong[path]}")
            yield path, found
    finally:
        runner.stop()


def run(job: dict[str, Any], results: int) -> None:
    """In a forked process: run items, reporting each as JSON on the descriptor ``results``."""
    module = importlib.import_module(f"{__package__}.{job['module']}")
    os.environ |= {"HOME": job["folder"], "TMPDIR": job["folder"]}
    os.chdir(job["project"])
    report = child.reporter(job, results)
    for number, item in enumerate(module.items(job["path"], *job["options"]), 1):
        if number > job["begin"]:
            report(at=number)
            signal.setitimer(signal.ITIMER_PROF, LIMIT)  # ends the process, be it within C++
            signal.alarm(10 * LIMIT)  # also one that waits for ever
            report(row=str(number), given=item())
    signal.setitimer(signal.ITIMER_PROF, 0)
    signal.alarm(0)
    report(seconds=time.process_time(), values={}, leftovers=None, deprecations={})
