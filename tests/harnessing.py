"""Running the harness over made-up projects, and what became of that."""

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from helpers import claim_text, make_claim, snippet

from snippets._harness import evidence as ev
from snippets._harness.frameworks import PRELOADS

HERE = Path(__file__).parent
ROOT = HERE.parent
LIMIT = 10  # seconds per file: what never ends costs every run this much
WAYS = {
    "side by side": ("--workers", "4"),
    "one worker": ("--workers", "1"),
    "fresh processes": ("--no-fork",),
    "without walls": ("--workers", "3"),
}
# Runs a command where the kernel refuses further namespaces, as some machines do to all users.
REFUSED = (
    *("unshare", "--user", "--map-root-user", "sh", "-c"),
    'echo 0 > /proc/sys/user/max_user_namespaces && exec "$@"',
    "sh",
)
ANY_TAB = "pytorch"  # the tab that runs the snippets which need no framework


# ---------------------------------------------------------------- running the harness


@dataclass(frozen=True)
class Item:
    """What pytest reported of one example (or of one agreement)."""

    outcome: str
    text: str = ""


@dataclass(frozen=True)
class Run:
    """One finished run of pytest over a project."""

    project: Path
    code: int
    output: str
    # by file below snippets/ without its suffix, then by line
    items: dict[str, dict[int, Item]] = field(default_factory=dict)

    def evidence(self, name: str) -> dict[str, Any]:
        """Return the recorded evidence of a snippet file."""
        return recorded(self.project)[name]


def command(project: Path, *arguments: str) -> list[str]:
    """Return the command line of a run, as a user would type it."""
    fixed = ["-p", "no:randomly", "--rootdir", str(project), "--limit", str(LIMIT)]
    report = ["-o", "junit_family=xunit1", "--junitxml", str(project / "report.xml")]
    return [sys.executable, "-m", "pytest", *fixed, *report, *(arguments or ["snippets"])]


def surroundings(project: Path) -> dict[str, Any]:
    """Return folder and environment of a run; its temporary files have a folder to check."""
    temporary = project / "temporary"
    temporary.mkdir(exist_ok=True)
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    variables = {"TMPDIR": str(temporary), "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"}
    return {"cwd": project, "env": kept | variables, "stdin": subprocess.DEVNULL}


def run(project: Path, *arguments: str, within: Sequence[str] = ()) -> Run:
    """Run pytest in ``project`` to its end, by a command that runs others if one is given."""
    report = project / "report.xml"
    report.unlink(missing_ok=True)
    done = subprocess.run(
        [*within, *command(project, *arguments)],
        **surroundings(project),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=120,
        check=False,
    )
    items = reported(report) if report.exists() else {}
    return Run(project, done.returncode, done.stdout, items)


def reported(report: Path) -> dict[str, dict[int, Item]]:
    """Return the items of a JUnit report, by file and line."""
    items: dict[str, dict[int, Item]] = {}
    for case in ET.parse(report).iter("testcase"):  # noqa: S314 (pytest wrote it)
        name = case.get("file", "").removeprefix("snippets/").removesuffix(".md")
        problem = next(iter(case), None)
        if problem is None:
            item = Item("passed")
        else:
            outcome = {"failure": "failed"}.get(problem.tag, problem.tag)
            item = Item(outcome, f"{problem.get('message')}\n{problem.text}")
        items.setdefault(name, {})[int(case.get("line", 0))] = item
    return items


def recorded(project: Path) -> dict[str, dict[str, Any]]:
    """Return all evidence of a project; every file of it must be whole."""
    folder = project / ev.FOLDER
    files = list(folder.rglob("*.json"))
    return {str(p.relative_to(folder).with_suffix("")): json.loads(p.read_text()) for p in files}


def processes_of(project: Path) -> list[str]:
    """Return the processes that a run of ``project`` has started and that still live.

    All of them have their home or temporary folder below the project's, wherever their
    process group and their parent are.
    """
    mark, found = str(project / "temporary").encode(), []
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if mark in (folder / "environ").read_bytes():
                found.append(f"{folder.name}: {(folder / 'cmdline').read_text()}")
    return found


def wait_until(condition: Callable[[], object], seconds: float = 30) -> bool:
    """Return whether ``condition`` becomes true within ``seconds``."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.02)
    return True


# ---------------------------------------------------------------- made-up projects


def new_project(folder: Path) -> Path:
    """Return a project without claims whose snippets run with the real frameworks."""
    (folder / "snippets").mkdir(parents=True)
    shutil.copy(ROOT / "snippets" / "conftest.py", folder / "snippets")
    return folder


def quick_project(folder: Path) -> Path:
    """Return a project whose harness imports no framework, so that starting it takes no time."""
    project = new_project(folder)
    leave = shutil.ignore_patterns("__pycache__", "results")
    for name in ("_harness", "_speed"):
        shutil.copytree(ROOT / "snippets" / name, project / "snippets" / name, ignore=leave)
    preload(project, PRELOADS.keys())
    return project


def preload(project: Path, names: Iterable[str], *modules: str) -> None:
    """Have the servers called ``names`` of a quick project import just ``modules``."""
    with (project / "snippets" / "_harness" / "frameworks.py").open("a") as file:
        file.writelines(f"\nPRELOADS[{name!r}] = Preload({modules!r})\n" for name in names)


@pytest.fixture
def quick(tmp_path: Path) -> Path:
    """A project without claims, and without frameworks."""
    return quick_project(tmp_path / "project")


def one_tab(project: Path, name: str, text: str, tab: str = ANY_TAB) -> None:
    """Add a claim that has one tab only, which opinions may."""
    tabs: dict[str, str | None] = {"tensorflow": None, "pytorch": None, tab: text}
    make_claim(project, name, claim=claim_text(status="opinion"), **tabs)


def path_code(path: Path) -> str:
    """Return code for ``path``, which may be longer than a line of a snippet may be."""
    return ",\n...     ".join(["os.sep", *(repr(part) for part in path.parts[1:])])


class Line:
    """What snippets say to a test: they may write to no file that is there, but to a pipe."""

    def __init__(self, path: Path) -> None:
        os.mkfifo(path)
        self.path, self.heard = path, ""
        self.fd = os.open(path, os.O_RDWR | os.O_NONBLOCK)

    def hear(self) -> str:
        """Return all that was said so far."""
        with suppress(BlockingIOError):
            while data := os.read(self.fd, 65_536):
                self.heard += data.decode()
        return self.heard


def saying(line: Line, word: str = "x") -> str:
    """Return code that says a word on a line, which it calls ``line``."""
    place = f"os.path.join(\n...     {path_code(line.path)})"
    return f">>> import os\n>>> line = open({place}, 'w', 1)\n>>> print({word!r}, file=line)\n"


def hearing(line: Line) -> str:
    """Return code that waits for an ``x`` on a line."""
    place = f"os.path.join(\n...     {path_code(line.path)})"
    return f">>> import os\n>>> open({place}).read(1)\n'x'"


def meeting(own: Line, other: Line) -> str:
    """Return a snippet file that says something, then waits until it hears something else."""
    return snippet(saying(own) + hearing(other))


def waiting_for(gate: Path, first: str = "") -> str:
    """Return a snippet file that runs code, then ends when the file ``gate`` exists."""
    return snippet(
        f"{first}"
        ">>> import os, time\n"
        f">>> gate = os.path.join(\n...     {path_code(gate)})\n"
        ">>> while not os.path.exists(gate):\n"
        "...     time.sleep(0.01)\n"
        ">>> 1 + 1\n2"
    )
