"""A process with one framework, which runs a case when told: ``... worker FRAMEWORK OPTIONS``.

It reads questions and writes answers, a line of JSON each, and waits in between, so that another
worker has the machine to itself. The module of the cases is named by ``OPTIONS``, so that tests
bring their own.
"""

import gc
import importlib
import json
import math
import os
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from .cases.case import Case, Fresh, Mode, Timed
from .sides import SIDES, NotHereError, Options, Side

WARM = 3, 0.1  # at least so many calls, and so many seconds, before calls are counted


@dataclass
class Prepared:
    """A mode that has run: how long its first call took, and how many calls make a timing."""

    mode: Mode
    first: float
    calls: int = 1


@dataclass
class Worker:
    """The questions that a worker answers."""

    side: Side
    cases: Mapping[str, Case]
    modes: dict[str, Prepared] = field(default_factory=dict)
    samples: int = 0

    def prepare(self, case: str, arrays: str) -> dict[str, Any]:
        """Build and check the modes of a case; write what they give to files in ``arrays``."""
        timed = self.cases[case]
        assert isinstance(timed, Timed)
        self.forget()
        self.samples = timed.samples
        failed = {}
        builds = timed.sides[self.side.name](self.side, timed.inputs())
        for at, (name, build) in enumerate(builds.items()):
            try:
                mode = build()
                results = self.begin(name, mode, timed.checks)
            except Exception as error:
                self.modes.pop(name, None)
                failed[name] = said(error)
            else:
                np.savez(Path(arrays, f"{self.side.name}-{at}.npz"), *results)
        numbers = {name: at for at, name in enumerate(builds)}
        return {
            "failed": failed,
            "modes": {
                name: {
                    "first": prepared.first,
                    "framework": prepared.mode.framework or self.side.name,
                    "file": f"{self.side.name}-{numbers[name]}.npz",
                }
                for name, prepared in self.modes.items()
            },
        }

    def begin(self, name: str, mode: Mode, checks: int) -> list[np.ndarray]:
        """Run a mode for the first times; return its results, then its state after them."""
        started = time.perf_counter()
        result = mode.call()
        self.side.wait(result)
        self.modes[name] = Prepared(mode, time.perf_counter() - started)
        results = [self.numbers(result)]
        results += [self.numbers(mode.call()) for _ in range(checks - 1)]
        return results + [self.side.array(part) for part in (mode.state() if mode.state else ())]

    def numbers(self, result: Any) -> np.ndarray:
        # A copy: the next call may write into the same memory.
        return self.side.array(result).copy()

    def calibrate(self, seconds: float) -> dict[str, Any]:
        """Warm all modes up, and settle how many calls take at least so many seconds."""
        for prepared in self.modes.values():
            least, until = WARM[0], time.perf_counter() + min(WARM[1], seconds)
            while least > 0 or time.perf_counter() < until:
                self.run(prepared.mode, 1)
                least -= 1
            prepared.calls = 1
            while (taken := self.run(prepared.mode, prepared.calls)) < seconds:
                # At most ten times as many: a slow call among few would lead astray.
                factor = min(10.0, 1.2 * seconds / taken)
                prepared.calls = math.ceil(prepared.calls * max(factor, 1.1))
        return {}

    def time(self, mode: str) -> dict[str, Any]:
        """Run a mode as often as settled; return seconds per call, or samples per second."""
        prepared = self.modes[mode]
        self.run(prepared.mode, 1)  # the caches hold what the other worker used
        seconds = self.run(prepared.mode, prepared.calls) / prepared.calls
        return {"value": self.samples / seconds if self.samples else seconds}

    def run(self, mode: Mode, calls: int) -> float:
        """Return how many seconds so many calls take, until the last result is there."""
        call, result = mode.call, None
        gc.disable()
        try:
            started = time.perf_counter()
            for _ in range(calls):
                result = call()
            self.side.wait(result)
            return time.perf_counter() - started
        finally:
            gc.enable()

    def measure(self, case: str, mode: str) -> dict[str, Any]:
        """Measure what can be measured once in a process."""
        fresh = self.cases[case]
        assert isinstance(fresh, Fresh)
        return fresh.measure(self.side, mode)

    def gpu(self) -> dict[str, Any]:
        """Return the name of the GPU as PyTorch has it."""
        return {"name": self.side.module.cuda.get_device_name()}

    def forget(self) -> None:
        """Let go of the modes of the last case, and of their memory."""
        self.modes = {}
        self.side.forget()
        gc.collect()


def said(error: Exception) -> str:
    """Return an error in one line, without places on this machine."""
    first = next(iter(str(error).strip().splitlines()), "")
    words = " ".join(
        "..." if "/" in word and Path(word).is_absolute() else word for word in first.split()
    )
    return f"{type(error).__name__}: {words}"[:300]


def main(name: str, options: str) -> None:
    """Answer questions until there are no more."""
    # What the frameworks print must not come between the answers.
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    given = json.loads(options)
    cases = importlib.import_module(given["cases"]).CASES

    def answer(**words: Any) -> None:
        print(json.dumps(words), file=answers, flush=True)

    try:
        side = SIDES[name](Options(given["device"], given["threads"], Path.cwd()))
    except NotHereError as error:
        answer(missing=str(error))
        return
    worker = Worker(side, cases)
    answer(ready=True)
    for line in sys.stdin:
        question = json.loads(line)
        try:
            answer(**getattr(worker, question.pop("do"))(**question))
        except Exception as error:
            answer(error=said(error))


if __name__ == "__main__":
    main(*sys.argv[1:])
