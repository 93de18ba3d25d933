"""Runs what readers download, each file in a fork of a process that has the frameworks.

``python tests/downloads.py FOLDER MODULES FILE ...`` imports the modules (``tensorflow,torch``)
and runs scripts, and notebooks as a kernel would. What a file shows is written into
``FOLDER/<its name>.out``, or into ``.error`` what went wrong. An interpreter for each would
import the frameworks anew, which takes an hour for all.
"""

import ast
import contextlib
import gc
import importlib
import io
import json
import linecache
import os
import runpy
import signal
import sys
import tempfile
import traceback
import warnings
from pathlib import Path
from types import ModuleType
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from snippets._harness.hugepages import collapse

sys.path.pop(0)  # readers have no such folder

LIMIT = 300  # seconds per file


def script(path: Path) -> None:
    runpy.run_path(str(path), run_name="__main__")


def notebook(path: Path) -> None:
    """Run the cells of a notebook, one after the other."""
    main = sys.modules["__main__"] = ModuleType("__main__")
    cells = [cell for cell in json.loads(path.read_text())["cells"] if cell["cell_type"] == "code"]
    for number, cell in enumerate(cells):
        if "raises-exception" not in cell["metadata"].get("tags", []):
            evaluate(cell["source"], f"<cell {number}>", vars(main))
            continue
        try:
            evaluate(cell["source"], f"<cell {number}>", vars(main))
        except Exception as error:
            print(f"{type(error).__name__}: {error}")
        else:
            raise AssertionError(f"cell {number} is expected to fail: {cell['source']}")


def evaluate(source: str, name: str, namespace: dict[str, Any]) -> None:
    """Run a cell and show the value of its last expression."""
    lines = source.splitlines(keepends=True)
    linecache.cache[name] = (len(source), None, lines, name)  # for what reads its own source
    body = ast.parse(source).body
    last = body.pop() if isinstance(body[-1], ast.Expr) else None
    exec(compile(ast.Module(body, []), name, "exec"), namespace)  # noqa: S102
    if last:
        value = eval(compile(ast.Expression(last.value), name, "eval"), namespace)  # noqa: S307
        sys.displayhook(value)


def in_fork(path: Path, folder: Path) -> None:
    """Run one file in a process and a folder of its own; write down how it went."""
    out, error = (folder / f"{path.name}{end}" for end in (".out", ".error"))
    if pid := os.fork():
        os.waitpid(pid, 0)
        if not out.exists() and not error.exists():
            error.write_text(f"it crashed, or took longer than {LIMIT} s")
        return
    signal.alarm(LIMIT)
    shown = io.StringIO()
    with tempfile.TemporaryDirectory() as work:
        os.chdir(work)
        try:
            with contextlib.redirect_stdout(shown):
                (script if path.suffix == ".py" else notebook)(path)
            write(out, shown.getvalue())
        except BaseException:  # a file fails alone
            write(error, traceback.format_exc())
    os._exit(0)


def write(path: Path, text: str) -> None:
    """Write a file in one step: who waits for it finds it whole."""
    partial = path.with_suffix(".partial")
    partial.write_text(text)
    partial.rename(path)


if __name__ == "__main__":
    os.nice(10)  # other tests go first
    for module in sys.argv[2].split(","):
        importlib.import_module(module)
    gc.collect()
    gc.freeze()  # or each fork would walk, and copy, the objects of the frameworks
    collapse()
    warnings.simplefilter("ignore")
    for name in sys.argv[3:]:
        in_fork(Path(name), Path(sys.argv[1]))
