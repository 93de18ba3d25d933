"""Runs one snippet file in this process, which exists for nothing else.

A server forks the process, or the runner starts it afresh (``python -m
snippets._harness.child``) where forking is not possible. Everything a snippet changes
(environment, folder, random state, framework switches) ends with the process.
"""

import atexit
import base64
import ctypes
import doctest
import faulthandler
import gc
import importlib
import json
import os
import resource
import signal
import sys
import tempfile
import time
import traceback
import warnings
from collections.abc import Iterable
from contextlib import suppress
from multiprocessing import resource_tracker
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
from sybil import Document, Example
from sybil.example import SybilFailure

from .examples import bind, parser, readable
from .frameworks import PRELOADS

OUTPUT_LIMIT = 100_000  # characters that one example may print
VALUE_LIMIT = 10_000  # numbers in one value that tabs are compared by


def run(job: dict[str, Any], results: int) -> None:
    """Run the examples of a snippet file, reporting on the file descriptor ``results``.

    Each report is one line of JSON: ``{"at": line}`` before an example, ``{"line": line,
    "failure": text or null}`` after it, and at the end ``{"seconds": s, "values": {...},
    "leftovers": text or null}``. ``job`` gives the ``path`` of the file, the ``name`` to
    call it by, the ``folder`` to work in and the ``names`` of the variables to return.
    """
    pid = os.getpid()

    def report(**message: Any) -> None:
        if os.getpid() != pid:  # a process that the snippet forked came out of its example
            os._exit(0)
        try:
            os.write(results, json.dumps(message).encode() + b"\n")
        except OSError:  # the snippet has closed it, so nobody can be told why
            os._exit(1)

    started = time.perf_counter()
    # Not through a Sybil: it asks inspect who made it, which looks at every module.
    document = Document.parse(job["path"], parser())
    document.path = job["name"]
    settle(job["folder"])
    main = ModuleType("__main__")
    # A module in sys.modules: pickle, AutoGraph and dataclasses look it up by name.
    sys.modules["__main__"] = main
    keep_code_objects()
    passed = True
    for example in bind(document, main):
        report(at=example.line)
        failure = evaluate(example)
        passed &= failure is None
        report(line=example.line, failure=failure)
    values = {name: capture(vars(main), name) for name in job["names"]} if passed else {}
    report(seconds=time.perf_counter() - started, values=values, leftovers=leftovers())


def settle(folder: str) -> None:
    """Make ``folder`` the process's own: working folder, home and place for temp files."""
    os.chdir(folder)
    os.environ |= {"HOME": folder, "TMPDIR": folder}
    tempfile.tempdir = None  # forget the folder that the server's imports looked up
    project = str(Path(__file__).parents[2])
    sys.path[:] = [folder, *(path for path in sys.path if path not in ("", project))]
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    faulthandler.enable()  # a crash then says at which line
    warnings.simplefilter("ignore")


def keep_code_objects() -> None:
    """Keep the code of every example alive, which doctest drops after running it.

    TensorFlow remembers where an operation of a graph was made by the address of the
    code, and crashes (2.21) if it names the place in an error after that code is gone.
    """
    kept = []

    def compile_and_keep(*arguments: Any) -> Any:
        kept.append(compile(*arguments))
        return kept[-1]

    doctest.compile = compile_and_keep  # type: ignore[attr-defined]


def leftovers() -> str | None:
    """Return what is wrong if the snippet's own child processes are still running.

    Helpers of ``multiprocessing`` and of torch.compile end when asked as at exit.
    """
    if not _has_children():
        return None
    atexit._run_exitfuncs()
    getattr(resource_tracker._resource_tracker, "_stop", lambda: None)()
    deadline = time.monotonic() + 2
    while _has_children():
        if time.monotonic() > deadline:
            kill_children(but=())
            return "The snippet left a process of its own running."
        time.sleep(0.01)
    return None


def _has_children() -> bool:
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        return False
    return True


class BoundedOutput(doctest._SpoofOut):  # type: ignore[name-defined,misc]
    """What doctest collects printed text in, refusing to grow without end."""

    overflowed = False

    def write(self, text: str) -> int:
        if self.tell() + len(text) > OUTPUT_LIMIT:
            self.overflowed = True
            raise OverflowError(f"more than {OUTPUT_LIMIT:,} characters printed")
        return int(super().write(text))


def evaluate(example: Example) -> str | None:
    """Run one example; return None if its output is the expected one, else what is not."""
    runner = example.region.evaluator.runner  # type: ignore[union-attr]
    runner._fakeout = output = BoundedOutput()
    try:
        example.evaluate()
    except SybilFailure as failure:
        text = failure.result
    except BaseException:  # KeyboardInterrupt, which doctest passes on
        text = traceback.format_exc(limit=0)
    else:
        text = ""
    if output.overflowed:
        return f"The example printed more than {OUTPUT_LIMIT:,} characters."
    return readable(text) or None


def capture(namespace: dict[str, Any], name: str) -> dict[str, Any]:
    """Return the value of a variable as JSON: dtype, shape and base64 of its bytes."""
    if name not in namespace:
        return {"error": f"the snippet leaves no variable {name!r} behind"}
    try:
        array = to_numpy(namespace[name])
    except Exception as error:
        return {"error": f"{name!r} does not convert to a NumPy array: {error}"}
    if array.dtype.kind not in "biufc":
        return {"error": f"{name!r} holds {array.dtype}, not numbers"}
    if array.size > VALUE_LIMIT:
        return {"error": f"{name!r} has {array.size:,} numbers, more than {VALUE_LIMIT:,}"}
    data = base64.b64encode(array.tobytes()).decode()
    return {"dtype": str(array.dtype), "shape": list(array.shape), "data": data}


def to_numpy(value: Any) -> np.ndarray:
    """Return a tensor of either framework, a number or a list as a NumPy array."""
    if hasattr(value, "detach"):
        value = value.detach().cpu()
    if hasattr(value, "numpy"):
        value = value.numpy()
    if isinstance(value, list | tuple):
        value = [to_numpy(part) for part in value]
    return np.asarray(value)


def preload(name: str) -> None:
    """Import what snippets need, and set aside the result so that forks share it.

    A collection would walk, and so copy, every object of the imported framework in each
    child; frozen objects are left alone, which saves a third of a child's time.
    """
    for module in PRELOADS[name].modules:
        importlib.import_module(module)
    rehearse(PRELOADS[name].rehearsal)
    gc.collect()
    gc.freeze()


def rehearse(code: str) -> None:
    """Run examples, so that what they load and cache on first use is there in all forks."""
    document = Document(f"```python\n{code}```\n", "rehearsal.md")
    for region in parser()(document):
        document.add(region)
    for example in bind(document, ModuleType("rehearsal")):
        if failure := evaluate(example):
            raise RuntimeError(failure)


def tie_to_family() -> None:
    """On Linux, end with the parent, and inherit the orphans among the descendants.

    A daemon that a snippet starts thus becomes a child of the snippet's process or, once
    that has ended, of the server: wherever it hides, somebody finds and kills it.
    """
    if sys.platform == "linux":
        pr_set_pdeathsig, pr_set_child_subreaper = 1, 36
        prctl = ctypes.CDLL(None).prctl
        prctl(pr_set_pdeathsig, signal.SIGKILL)
        prctl(pr_set_child_subreaper, 1)


def kill_children(but: Iterable[int]) -> None:
    """Kill the children of this process, except those in ``but``, and theirs in turn."""
    while strangers := _children() - {*but}:
        for pid in strangers:
            with suppress(ProcessLookupError, ChildProcessError):
                os.kill(pid, signal.SIGKILL)
                os.waitpid(pid, 0)


def _children() -> set[int]:
    """Return the process ids of this process's children; empty where Linux lists none."""
    listings = Path("/proc/self/task").glob("*/children")
    return {int(pid) for listing in listings for pid in listing.read_text().split()}


if __name__ == "__main__":  # a fresh process: preload name, job, descriptor of the results
    tie_to_family()
    preload(sys.argv[1])
    job = json.loads(sys.argv[2])
    # This module is __main__ here, and would be imported a second time by its name.
    begin = run if job["run"] == f"{__package__}.child" else importlib.import_module(job["run"]).run
    begin(job, int(sys.argv[3]))
    os._exit(0)
