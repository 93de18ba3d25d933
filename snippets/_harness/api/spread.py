"""Work on families in processes of their own, all cores at once; a crash costs one item.

A worker prints a JSON line before each item and one after it. Where it dies, or takes too
long, the item that it was at counts as a crash, and another worker goes on behind it.
"""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from snippets._harness.frameworks import COMMON

WORKERS = ("mutate", "explore")  # modules with a function ``items``, which yields callables
CRASH = "crash"
LIMIT = 30  # seconds for one item; a mutant may never end


def spread(command: str, paths: Iterable[Path], *options: str) -> Iterator[tuple[Path, list[Any]]]:
    """Yield each family's file with the result of each of its items, in their order."""
    found = list(paths)
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        done = pool.map(lambda path: _family(command, path, options), found)
        yield from zip(found, done, strict=True)


def _family(command: str, path: Path, options: tuple[str, ...]) -> list[Any]:
    results: list[Any] = []
    while True:
        program = [sys.executable, "-m", __package__, "worker", command, str(path)]
        worker = subprocess.Popen(
            [*program, str(len(results)), *options],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env=os.environ | COMMON,
        )
        assert worker.stdout
        begun = False
        for line in worker.stdout:
            match _message(line):
                case "begin":
                    begun = True
                case {"result": result}:
                    results.append(result)
                    begun = False
        if worker.wait() == 0:
            return results
        if not begun:
            raise RuntimeError(f"{path}: the worker ended with {worker.returncode} at no item")
        results.append(CRASH)


def _message(line: str) -> Any:
    try:
        return json.loads(line)
    except ValueError:  # what a framework prints
        return None


def serve(items: Iterable[Any], begin: int) -> None:
    """In a worker: run the items from ``begin`` on, printing a line before and after each."""
    for number, item in enumerate(items):
        if number >= begin:
            print(json.dumps("begin"), flush=True)
            signal.alarm(LIMIT)  # ends the process, be it within C++
            result = item()
            signal.alarm(0)
            print(json.dumps({"result": result}), flush=True)
