"""Runs one snippet file in this process, which exists for nothing else.

A server forks the process, or the runner starts it afresh (``python -m
snippets._harness.child``) where forking is not possible. Everything a snippet changes
(environment, folder, random state, framework switches) ends with the process.
"""

import atexit
import base64
import doctest
import faulthandler
import gc
import importlib
import json
import logging
import os
import re
import signal
import sys
import tempfile
import time
import traceback
import warnings
from collections.abc import Callable, Iterable
from contextlib import suppress
from multiprocessing import resource_tracker
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
from sybil import Document, Example
from sybil.evaluators.doctest import DocTestRunner

from . import confine
from .examples import FLAGS, bind, parser, verdict
from .frameworks import PRELOADS

OUTPUT_LIMIT = 100_000  # characters that one example may print
SPEAKERS = {"tensorflow", "keras", "torch"}  # folders of those whose deprecations count
MANY = 8  # files that gain more by a server's lazy imports than these take
VALUE_LIMIT = 10_000  # numbers in one value that tabs are compared by


def run(job: dict[str, Any], results: int) -> None:
    """Run the examples of a snippet file, reporting on the file descriptor ``results``.

    The reports are ``{"at": line}`` before an example, ``{"line": line, "got": text, "raised":
    text or null}`` after it (see ``verdict``), or instead ``{"line": line, "failure": text}``,
    and at the end ``{"seconds": s, "values": {...}, "leftovers": text or null, "deprecations":
    {...}}``. ``job`` gives the ``path`` of the file, the ``name`` to
    call it by, the ``folder`` to work in and the ``names`` of the variables to return.
    """
    report = reporter(job, results)
    started = time.perf_counter()
    # Not through a Sybil: it asks inspect who made it, which looks at every module.
    document = Document.parse(job["path"], parser())
    document.path = job["name"]
    settle(job["folder"])
    main = ModuleType("__main__")
    # A module in sys.modules: pickle, AutoGraph and dataclasses look it up by name.
    sys.modules["__main__"] = main
    keep_code_objects()
    heard = Deprecations()
    for example in bind(document, main):
        report(at=example.line)
        heard.line = example.line
        report(line=example.line, **evaluate(example))
    values = {name: capture(vars(main), name) for name in job["names"]}
    seconds = time.perf_counter() - started
    report(seconds=seconds, values=values, leftovers=leftovers(), deprecations=heard.said)


def reporter(job: dict[str, Any], results: int) -> Callable[..., None]:
    """Return what writes a report: a line with the ``mark`` of the job and the message as JSON."""
    pid, mark = os.getpid(), job["mark"]

    def report(**message: Any) -> None:
        if os.getpid() != pid:  # a process that the snippet forked came out of its example
            os._exit(0)
        try:
            os.write(results, f"{mark} {json.dumps(message)}\n".encode())
        except OSError:  # the snippet has closed it, so nobody can be told why
            os._exit(1)

    return report


class Deprecations(logging.Handler):
    """What the frameworks say is going away, by the line of the example that was told so.

    Python's warnings and TensorFlow's log both carry it. What other packages say of each
    other, and all other warnings, stay unheard.
    """

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.line, self.said = 0, dict[int, str]()
        for kind in (DeprecationWarning, PendingDeprecationWarning, FutureWarning):
            warnings.simplefilter("default", kind)
        warnings.filterwarnings("default", "(?s).*deprecated")
        warnings.showwarning = self.warn  # type: ignore[assignment]
        logging.getLogger("tensorflow").addHandler(self)

    def warn(self, message: Warning | str, _kind: Any, path: str, *_where: Any) -> None:
        """Note the first thing that a framework, or the snippet's own code, said at each line."""
        if path.startswith("<") or not {*Path(path).parts}.isdisjoint(SPEAKERS):
            self.said.setdefault(self.line, " ".join(str(message).split())[:300])

    def emit(self, record: logging.LogRecord) -> None:
        if "deprecated" in (text := record.getMessage()):
            where = re.match(r"From .+?:\d+: ", text)  # a place on this machine
            self.warn(text[where.end() if where else 0 :], None, "<log>")


def settle(folder: str) -> None:
    """Make ``folder`` the process's own: working folder, home and place for temp files."""
    os.chdir(folder)
    os.environ |= {"HOME": folder, "TMPDIR": folder}
    tempfile.tempdir = None  # forget the folder that the server's imports looked up
    project = str(Path(__file__).parents[2])
    sys.path[:] = [folder, *(path for path in sys.path if path not in ("", project))]
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


class Witness(DocTestRunner):
    """Runs an example and keeps what came out of it: whether that is right is decided elsewhere."""

    def __init__(self) -> None:
        super().__init__(FLAGS)
        self._checker = self
        self._fakeout = BoundedOutput()
        self.compared = ""
        self.came: dict[str, Any] = {"got": "", "raised": None}

    def check_output(self, _want: str, got: str, _flags: int) -> bool:
        """Note what doctest would compare, which is the message alone if there is an exception."""
        self.compared = got
        return True

    def report_success(self, _out: Any, _test: Any, _example: Any, got: str) -> None:
        raised = None if self.compared == got else self.compared
        self.came = {"got": got, "raised": raised}

    def report_unexpected_exception(
        self, _out: Any, _test: Any, _example: Any, exception: Any
    ) -> None:
        text = doctest._exception_traceback(exception)  # type: ignore[attr-defined]
        self.came = {"got": text, "raised": text.splitlines()[-1]}


def evaluate(example: Example) -> dict[str, Any]:
    """Run one example; return ``got`` and ``raised``, or ``failure`` if it cannot have any."""
    example.region.evaluator.runner = witness = Witness()  # type: ignore[union-attr]
    try:
        example.evaluate()
    except BaseException:  # KeyboardInterrupt, which doctest passes on
        return {"failure": traceback.format_exc(limit=0)}
    if witness._fakeout.overflowed:
        return {"failure": f"The example printed more than {OUTPUT_LIMIT:,} characters."}
    return witness.came


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


def preload(name: str, jobs: int) -> None:
    """Import what so many jobs need, and set aside the result so that forks share it.

    A collection would walk, and so copy, every object of the imported framework in each
    child; frozen objects are left alone, which saves a third of a child's time. While it imports
    there is next to nothing to collect, and looking for it took a fifth of TensorFlow's import.
    """
    wanted = PRELOADS[name]
    is_worth_it = jobs >= MANY
    gc.disable()
    rehearse(wanted.before)
    for module in (*wanted.modules, *(wanted.lazily if is_worth_it else ())):
        importlib.import_module(module)
    if is_worth_it:
        rehearse(wanted.rehearsal)
    gc.enable()
    gc.collect()
    gc.freeze()


def rehearse(code: str) -> None:
    """Run examples, so that what they load and cache on first use is there in all forks."""
    document = Document(f"```python\n{code}```\n", "rehearsal.md")
    for region in parser()(document):
        document.add(region)
    for example in bind(document, ModuleType("rehearsal")):
        if failure := verdict(example.parsed, **evaluate(example)):
            raise RuntimeError(failure)


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


if __name__ == "__main__":  # a fresh process: preload name, job, results, what may be read
    confine.tie_to_family()
    confine.limit()
    refusal = confine.go_inside(os.environ["HOME"], sys.argv[4:])
    preload(sys.argv[1], jobs=1)
    job = json.loads(sys.argv[2])
    if not refusal:
        confine.seal(job["folder"])
    # This module is __main__ here, and would be imported a second time by its name.
    begin = run if job["run"] == f"{__package__}.child" else importlib.import_module(job["run"]).run
    begin(job, int(sys.argv[3]))
    os._exit(0)
