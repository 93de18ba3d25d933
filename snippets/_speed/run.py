"""Rounds: in each, all modes of a case take their turn, so that they can be compared within it."""

import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np

from . import results
from .cases.case import Case, Commands, Fresh, Timed
from .talk import Setting, Worker, WorkerError, environment

FRAMEWORKS = ("tensorflow", "pytorch")

# What a new process measured, by what it ran, the mode and the round: several cases may ask.
Answers = dict[tuple[str, str, int], dict[str, Any]]


@dataclass(frozen=True)
class Plan:
    """How much to measure: rounds, and how many seconds a timing takes at least."""

    setting: Setting
    rounds: int = 10
    seconds: float = 0.05

    def rounds_of(self, case: Case) -> int:
        return min(self.rounds, case.rounds or self.rounds)


class MismatchError(Exception):
    """Two modes that should compute the same and do not: their times would say nothing."""


@dataclass
class Found:
    """What the rounds of a case have given so far, by mode."""

    case: Case
    frameworks: dict[str, str] = field(default_factory=dict)
    values: dict[str, list[float]] = field(default_factory=dict)
    steady: dict[str, list[float]] = field(default_factory=dict)
    first: dict[str, float] = field(default_factory=dict)
    missing: dict[str, str] = field(default_factory=dict)

    def add(self, mode: str, value: float) -> None:
        self.values.setdefault(mode, []).append(value)

    def result(self) -> results.Case:
        """Return it as it goes into the file; modes that failed in any round have no figures."""
        modes = {
            mode: results.Mode(
                self.frameworks[mode],
                tuple(values),
                self.first.get(mode),
                tuple(self.steady[mode]) if mode in self.steady else None,
            )
            for mode, values in self.values.items()
            if mode not in self.missing
        }
        return results.Case(self.case.what, self.case.unit, modes, self.missing)


def measure(cases: Iterable[Case], plan: Plan) -> Iterator[tuple[str, results.Case]]:
    """Measure cases one after the other; yield the name of each and what came of it."""
    answers: Answers = {}
    for _, group in groupby(cases, type):
        with tempfile.TemporaryDirectory(prefix="speed-") as folder:
            yield from _measure_group(group, plan, Path(folder), answers)


def _measure_group(
    group: Iterable[Case], plan: Plan, folder: Path, answers: Answers
) -> Iterator[tuple[str, results.Case]]:
    """Measure cases of one kind. Timed ones share their workers, until one of them fails."""
    with ExitStack() as stack:
        workers: list[Worker] = []
        for case in group:
            try:
                if isinstance(case, Timed):
                    workers = workers or _started(stack, plan.setting, folder)
                    found = _timed(case, workers, plan, folder)
                elif isinstance(case, Fresh):
                    found = _fresh(case, plan, folder, answers)
                else:
                    assert isinstance(case, Commands)
                    found = _commands(case, plan, folder)
            except (WorkerError, MismatchError) as error:
                if isinstance(error, WorkerError):  # it may be gone, or hold what failed
                    stack.close()
                    workers = []
                yield case.name, results.Case(case.what, case.unit, error=str(error))
            else:
                yield case.name, found.result()


def _started(stack: ExitStack, setting: Setting, folder: Path) -> list[Worker]:
    compiled = folder / "compiled"
    return [
        stack.enter_context(Worker(framework, setting, folder, compiled))
        for framework in FRAMEWORKS
    ]


def _in_turn(things: Sequence[Any], at: int) -> Sequence[Any]:
    """Return what runs in round ``at``: who begins changes, as being second may matter."""
    return things[::-1] if at % 2 else things


# ---------------------------------------------------------------- processes that live on


def _timed(case: Timed, workers: Sequence[Worker], plan: Plan, folder: Path) -> Found:
    """Check that all modes compute the same, then time them, in turns."""
    found = Found(case)
    present = [worker for worker in workers if not worker.missing]
    found.missing |= {worker.framework: worker.missing for worker in workers if worker.missing}
    modes: dict[str, dict[str, Any]] = {}
    with tempfile.TemporaryDirectory(dir=folder) as arrays:
        for worker in present:
            answer = worker.ask("prepare", case=case.name, arrays=arrays)
            found.missing |= answer["failed"]
            modes[worker.framework] = answer["modes"]
        _compare(case, {**modes.get("tensorflow", {}), **modes.get("pytorch", {})}, Path(arrays))
    for framework in modes.values():
        for mode, about in framework.items():
            found.frameworks[mode], found.first[mode] = about["framework"], about["first"]
    for worker in present:
        worker.ask("calibrate", seconds=plan.seconds)
    for at in range(plan.rounds_of(case)):
        for worker in _in_turn(present, at):
            for mode in modes[worker.framework]:
                found.add(mode, worker.ask("time", mode=mode)["value"])
    return found


def _compare(case: Timed, modes: Mapping[str, Mapping[str, Any]], folder: Path) -> None:
    """Raise ``MismatchError`` unless all modes gave what they should, or the same."""
    gave = {mode: _read(folder / about["file"]) for mode, about in modes.items()}
    if case.expected:
        reference = "NumPy in float64"
        given = case.expected(*map(_wide, case.inputs().values()))
        wanted = given if isinstance(given, list) else [given]
    elif gave:
        reference, wanted = next(iter(gave.items()))
    for mode, arrays in gave.items():
        if problem := deviation(arrays, wanted, case.tolerance):
            raise MismatchError(f"{mode} and {reference} differ: {problem}")


def deviation(
    got: Sequence[np.ndarray], wanted: Sequence[np.ndarray], tolerance: float
) -> str | None:
    """Return what parts two lists of arrays, None if that is less than the tolerance.

    It counts relative to the largest number of each array: small ones among large ones are
    the rest of sums that cancel.
    """
    if [array.shape for array in got] != [array.shape for array in wanted]:
        return f"shapes {[a.shape for a in got]} and {[a.shape for a in wanted]}"
    for at, (array, other) in enumerate(zip(got, wanted, strict=True)):
        scale = float(np.abs(other).max())
        apart = float(np.abs(array - other).max())
        if not apart <= tolerance * scale:  # NaN is not
            return f"result {at} by {apart:.3g} where numbers reach {scale:.3g}"
    return None


def _read(path: Path) -> list[np.ndarray]:
    with np.load(path) as archive:
        return [archive[name] for name in archive.files]


def _wide(array: np.ndarray) -> np.ndarray:
    return array.astype(np.float64) if array.dtype == np.float32 else array


# ---------------------------------------------------------------- a new process for every value


def _fresh(case: Fresh, plan: Plan, folder: Path, answers: Answers) -> Found:
    """Ask a new worker for every value; within a round those of a framework share a cache."""
    found = Found(case, frameworks=dict(case.modes))
    if case.device not in (None, plan.setting.device):
        found.missing = dict.fromkeys(case.modes, f"measured with --device {case.device} only")
    checks: dict[str, float] = {}
    for at in range(plan.rounds_of(case)):
        with tempfile.TemporaryDirectory(dir=folder) as compiled:
            for framework in _in_turn(FRAMEWORKS, at):
                for mode in (mode for mode, by in case.modes.items() if by == framework):
                    if mode in found.missing:
                        continue
                    asked = case.process, mode, at
                    if asked not in answers:
                        answers[asked] = _answer(case, mode, plan.setting, Path(compiled))
                    answer = answers[asked]
                    _take(found, mode, answer)
                    checks |= {mode: answer["check"]} if "check" in answer else {}
    _compare_checks(case, checks)
    return found


def _answer(case: Fresh, mode: str, setting: Setting, compiled: Path) -> dict[str, Any]:
    """Return what a new process measures, or why it does not as ``missing``."""
    with tempfile.TemporaryDirectory(dir=compiled.parent) as folder:
        try:
            with Worker(case.modes[mode], setting, Path(folder), compiled) as worker:
                if worker.missing:
                    return {"missing": worker.missing}
                return worker.ask("measure", case=case.name, mode=mode)
        except WorkerError as error:
            return {"missing": str(error)}


def _take(found: Found, mode: str, answer: Mapping[str, Any]) -> None:
    """Add what the case wants to know from a process."""
    assert isinstance(found.case, Fresh)
    if found.case.value in answer:
        found.add(mode, answer[found.case.value])
        if found.case.unit == "s" and "steady" in answer:
            found.steady.setdefault(mode, []).append(answer["steady"])
    else:
        found.missing[mode] = answer.get("missing", "this system does not tell")


def _compare_checks(case: Fresh, checks: Mapping[str, float]) -> None:
    for mode, number in checks.items():
        reference, wanted = next(iter(checks.items()))
        if problem := deviation([np.array(number)], [np.array(wanted)], case.tolerance):
            raise MismatchError(f"{mode} and {reference} differ: {problem}")


def _commands(case: Commands, plan: Plan, folder: Path) -> Found:
    """Time interpreters from start to end; a round before the first fills the system's cache."""
    found = Found(case, frameworks=dict(case.modes))
    for at in range(-1, plan.rounds_of(case)):
        for mode in _in_turn([*case.modes], at):
            if mode not in found.missing:
                _run(found, mode, case.arguments[mode], environment(plan.setting, folder, folder))
        if at < 0:
            found.values.clear()
    return found


def _run(found: Found, mode: str, arguments: Sequence[str], environment: dict[str, str]) -> None:
    started = time.perf_counter()
    ended = subprocess.run(
        [sys.executable, *arguments], env=environment, capture_output=True, check=False
    )
    seconds = time.perf_counter() - started
    if ended.returncode:
        lines = ended.stderr.decode(errors="replace").strip().splitlines() or [""]
        found.missing[mode] = f"ended with {ended.returncode}: {lines[-1][:200]}"
    else:
        found.add(mode, seconds)
