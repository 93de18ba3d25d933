"""Runs notebooks as a kernel would, each in a fork of a process with both frameworks.

``python tests/notebooks.py FOLDER NOTEBOOK ...`` writes, for each, what it showed into
``FOLDER/<name>.out``, or what went wrong into ``FOLDER/<name>.error``. A kernel for each
would have to import both frameworks anew, which takes half an hour for all of them.
"""

import ast
import contextlib
import io
import json
import linecache
import os
import signal
import sys
import tempfile
import traceback
import warnings
from pathlib import Path
from types import ModuleType
from typing import Any

LIMIT = 120  # seconds per notebook


def run(path: Path) -> str:
    """Return what the cells of a notebook show, one after the other."""
    main = sys.modules["__main__"] = ModuleType("__main__")
    shown = io.StringIO()
    cells = [cell for cell in json.loads(path.read_text())["cells"] if cell["cell_type"] == "code"]
    with contextlib.redirect_stdout(shown):
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
    return shown.getvalue()


def evaluate(source: str, name: str, namespace: dict[str, Any]) -> None:
    """Run a cell and show the value of its last expression."""
    lines = source.splitlines(keepends=True)
    linecache.cache[name] = (len(source), None, lines, name)  # for what reads its own source
    body = ast.parse(source).body
    last = body.pop() if isinstance(body[-1], ast.Expr) else None
    exec(compile(ast.Module(body, []), name, "exec"), namespace)  # noqa: S102
    if last:
        sys.displayhook(eval(compile(ast.Expression(last.value), name, "eval"), namespace))  # noqa: S307


def in_fork(path: Path, folder: Path) -> None:
    """Run one notebook in a process and a folder of its own."""
    if os.fork():
        os.wait()
        return
    signal.alarm(LIMIT)
    with tempfile.TemporaryDirectory() as work:
        os.chdir(work)
        try:
            (folder / f"{path.stem}.out").write_text(run(path))
        except BaseException:  # a notebook fails alone
            (folder / f"{path.stem}.error").write_text(traceback.format_exc())
    os._exit(0)


if __name__ == "__main__":
    import tensorflow  # noqa: F401
    import torch  # noqa: F401

    warnings.simplefilter("ignore")
    for name in sys.argv[2:]:
        in_fork(Path(name), Path(sys.argv[1]))
