"""The harness as its users meet it: pytest over made-up projects, whose snippets misbehave."""

import datetime
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from helpers import claim_text, make_claim, snippet

from snippets._harness import evidence as ev
from snippets._harness.catalogue import Catalogue
from snippets._harness.frameworks import PRELOADS

HERE = Path(__file__).parent
ROOT = HERE.parent
LIMIT = 5  # seconds per file: what never ends costs every run this much
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


def run(project: Path, *arguments: str) -> Run:
    """Run pytest in ``project`` to its end."""
    report = project / "report.xml"
    report.unlink(missing_ok=True)
    done = subprocess.run(
        command(project, *arguments),
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
    copy, leave = project / "snippets" / "_harness", shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "snippets" / "_harness", copy, ignore=leave)
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


def waiting_for(gate: Path) -> str:
    """Return a snippet file that ends when the file ``gate`` exists."""
    return snippet(
        ">>> import os, time\n"
        f">>> gate = os.path.join(\n...     {path_code(gate)})\n"
        ">>> while not os.path.exists(gate):\n"
        "...     time.sleep(0.01)\n"
        ">>> 1 + 1\n2"
    )


def meeting(own: Path, other: Path) -> str:
    """Return a snippet file that makes the file ``own``, then waits for ``other``."""
    waits = waiting_for(other)
    made = f">>> open(os.path.join(\n...     {path_code(own)}), 'w').close()\n>>> gate"
    return waits.replace(">>> gate", made, 1)


# ---------------------------------------------------------------- hostile and sound files


@dataclass(frozen=True)
class Case:
    """A file of tests/hostile or tests/sound: <hostile or sound>/<framework>/<behaviour>.md."""

    path: Path

    @property
    def tab(self) -> str:
        """The tab it runs in; what is plain needs no framework."""
        return ANY_TAB if self.path.parent.name == "plain" else self.path.parent.name

    @property
    def claim(self) -> str:
        return f"{self.path.parents[1].name}/{self.path.stem}"

    @property
    def name(self) -> str:
        return f"{self.claim}/{self.tab}"

    def lines(self) -> list[int]:
        """Return the lines at which examples begin."""
        lines = self.path.read_text().splitlines()
        return [n for n, line in enumerate(lines, 1) if line.startswith(">>> ")]

    def line_of(self, source: str) -> int:
        """Return the line of the only example that begins with ``source``."""
        lines = self.path.read_text().splitlines()
        (line,) = [n for n in self.lines() if lines[n - 1].startswith(f">>> {source}")]
        return line


def cases(pattern: str) -> list[Case]:
    return [Case(path) for path in sorted(HERE.glob(f"{pattern}.md"))]


@dataclass(frozen=True)
class Fault:
    """How a hostile file fails: at which example, with which reason, and is that its end?"""

    at: str
    reason: str
    ends: bool = True


FAULTS = {
    "endless-loop": Fault("while True", "Killed at the time limit of 5 s, in this example"),
    "fork-awaited": Fault("os.waitpid", "Killed at the time limit of 5 s, in this example"),
    "exit": Fault("os._exit", "ended the process with exit code 0"),
    "flood-and-crash": Fault("os._exit", "ended the process with exit code 3"),
    "segfault": Fault("ctypes.string_at", "crashed the process (SIGSEGV)"),
    "crash-says": Fault("ctypes.string_at", "last words"),
    "killed": Fault("os.killpg", "crashed the process (SIGKILL)"),
    "sys-exit": Fault("sys.exit", "SystemExit", ends=False),
    "interrupt": Fault("raise", "KeyboardInterrupt", ends=False),
    "flood-print": Fault("for", "printed more than 100,000 characters", ends=False),
    "fork-left-running": Fault("fork() >", "left a process of its own running", ends=False),
    "session-left-running": Fault("p.poll", "left a process of its own running", ends=False),
    "daemon-left-running": Fault("start_daemon", "left a process of its own running", ends=False),
    "session-then-exit": Fault("os._exit", "ended the process with exit code 0"),
    "closes-descriptors": Fault("os.closerange", "ended the process with exit code 1"),
    "stdin": Fault("input()", "EOFError", ends=False),
    "exception": Fault("divide(1", "ZeroDivisionError: division by zero", ends=False),
    "wrong-output": Fault("1 + 1  # not 3", "Expected:\n    3\nGot:\n    2", ends=False),
}
WAYS = {
    "side by side": (),
    "one worker": ("--workers", "1"),
    "fresh processes": ("--no-fork",),
}
TENSORS = {  # both tabs leave the same numbers behind, each as its framework's own tensors
    "claim": claim_text(agree={"plain": 0, "variable": 0, "numbers": 0}),
    "tensorflow": snippet(
        ">>> import tensorflow as tf\n"
        ">>> plain = tf.constant([[1.0, 2.0]])\n"
        ">>> variable = tf.Variable(2.0)\n"
        ">>> numbers = [float(plain[0, 0]), 0.5]\n"
        ">>> 1 + 1\n2"
    ),
    "pytorch": snippet(
        ">>> import torch\n"
        ">>> plain = torch.tensor([[1.0, 2.0]])\n"
        ">>> variable = torch.tensor(2.0, requires_grad=True)\n"
        ">>> numbers = [float(plain[0, 0]), 0.5]\n"
        ">>> 1 + 1\n2"
    ),
}
Runs = Callable[[str], Run]


@pytest.fixture(scope="session")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runs]:
    """Return the run of the hostile and sound files in one way; each is run once.

    Side by side, all of them with the real frameworks; else those that need none. All ways
    start together, because each spends most of its time waiting for time limits.
    """

    folders = {way: tmp_path_factory.mktemp("way") for way in WAYS}

    def in_way(way: str) -> Run:
        everything = way == "side by side"
        make = new_project if everything else quick_project
        project = make(folders[way] / "project")
        for case in cases("*/*/*" if everything else "*/plain/*"):
            one_tab(project, case.claim, case.path.read_text(), case.tab)
        if everything:
            make_claim(project, "agree/tensors", **TENSORS)
        return run(project, "snippets", *WAYS[way])

    with ThreadPoolExecutor() as pool:
        running = {way: pool.submit(in_way, way) for way in WAYS}
        yield lambda way: running[way].result()


def in_ways(chosen: Callable[[str], list[Case]]) -> pytest.MarkDecorator:
    """Parametrize a test over the ways to run and the files that run in each."""
    pairs = [
        pytest.param(way, case, id=f"{way}-{case.path.stem}")
        for way in WAYS
        for case in chosen("*" if way == "side by side" else "plain")
    ]
    return pytest.mark.parametrize(("way", "case"), pairs)


hostile = in_ways(lambda kind: [c for c in cases(f"hostile/{kind}/*") if c.path.stem in FAULTS])
sound = in_ways(lambda kind: cases(f"sound/{kind}/*"))


def test_every_hostile_file_is_expected_to_fail_in_some_way() -> None:
    assert {case.path.stem for case in cases("hostile/*/*")} == {*FAULTS, "wrong-number"}


@hostile
def test_a_hostile_file_fails_at_its_line_with_a_reason(runs: Runs, way: str, case: Case) -> None:
    fault, items = FAULTS[case.path.stem], runs(way).items[case.name]
    line = case.line_of(fault.at)
    assert [at for at, item in items.items() if item.outcome == "failed"] == [line]
    assert fault.reason in items[line].text
    assert f"{case.tab}.md:{line}" in items[line].text


@hostile
def test_the_evidence_of_a_hostile_file_says_the_same(runs: Runs, way: str, case: Case) -> None:
    fault, evidence = FAULTS[case.path.stem], runs(way).evidence(case.name)
    assert evidence["outcome"] == "failed"
    assert evidence["failure"]["line"] == case.line_of(fault.at)
    assert fault.reason in evidence["failure"]["message"]


@hostile
def test_examples_count_as_passed_only_if_they_ran(runs: Runs, way: str, case: Case) -> None:
    fault, items = FAULTS[case.path.stem], runs(way).items[case.name]
    line = case.line_of(fault.at)
    after = "skipped" if fault.ends else "passed"
    outcomes = {at: item.outcome for at, item in items.items() if at != line}
    assert outcomes == {at: "passed" if at < line else after for at in case.lines() if at != line}
    unreached = [item.text for item in items.values() if item.outcome == "skipped"]
    assert all(f"not reached: see line {line}" in text for text in unreached)


@sound
def test_a_sound_file_passes_beside_hostile_ones(runs: Runs, way: str, case: Case) -> None:
    items = runs(way).items[case.name]
    assert items == dict.fromkeys(case.lines(), Item("passed"))
    assert runs(way).evidence(case.name)["outcome"] == "passed"


@pytest.mark.parametrize("way", WAYS)
def test_nothing_is_left_running(runs: Runs, way: str) -> None:
    project = runs(way).project
    assert wait_until(lambda: not processes_of(project), 2), processes_of(project)


@pytest.mark.parametrize("way", WAYS)
def test_no_temporary_file_remains(runs: Runs, way: str) -> None:
    assert list((runs(way).project / "temporary").iterdir()) == []


@pytest.mark.parametrize("way", WAYS)
def test_a_flood_stays_out_of_report_and_evidence(runs: Runs, way: str) -> None:
    done = runs(way)
    size = max(path.stat().st_size for path in done.project.rglob("*") if path.is_file())
    assert size < 100_000
    assert len(done.output) < 100_000


def test_what_frameworks_log_stays_out_of_the_report(runs: Runs) -> None:
    done = runs("side by side")
    assert "NOISE" not in done.output + (done.project / "report.xml").read_text()
    assert "NOISE" not in json.dumps(done.evidence("sound/noise/tensorflow"))


def test_a_number_does_not_match_what_does_not_round_to_it(runs: Runs) -> None:
    case = Case(HERE / "hostile/plain/wrong-number.md")
    lines = case.path.read_text().splitlines()
    items = runs("side by side").items[case.name]
    assert {lines[at - 1]: item.outcome for at, item in items.items()} == {
        ">>> 2.4": "failed",
        ">>> 0.6": "failed",
        ">>> 0.334999, 0.336": "failed",
        ">>> 0.3333": "passed",
    }


# ---------------------------------------------------------------- selection and reuse

GOOD, BAD = snippet(">>> 1 + 1\n2\n>>> 2\n2"), snippet(">>> 1 + 1\n2\n>>> 2\n3")
FILES = {"a/first": GOOD, "a/second": GOOD, "b/fails": BAD, "c/third": GOOD}


def with_files(project: Path, files: dict[str, str]) -> Path:
    """Add claims of one tab each to ``project``."""
    for name, text in files.items():
        one_tab(project, name, text)
    return project


def file_of(project: Path, name: str) -> Path:
    """Return the snippet file of a claim that has one tab."""
    return project / "snippets" / name / f"{ANY_TAB}.md"


def run_now(done: Run) -> set[str]:
    """Return the claims with evidence."""
    return {name.removesuffix(f"/{ANY_TAB}") for name in recorded(done.project)}


@pytest.mark.parametrize(
    ("arguments", "files", "code"),
    [
        pytest.param(["snippets", "-k", "second or third"], {"a/second", "c/third"}, 0, id="-k"),
        pytest.param(["snippets/a/second"], {"a/second"}, 0, id="one folder"),
        pytest.param(["snippets/b/fails/pytorch.md"], {"b/fails"}, 1, id="one file"),
        pytest.param(["snippets", "--collect-only"], set(), 0, id="collecting only"),
    ],
)
def test_just_the_selected_files_run(
    quick: Path, arguments: list[str], files: set[str], code: int
) -> None:
    done = run(with_files(quick, FILES), *arguments)
    assert (run_now(done), done.code) == (files, code), done.output


def test_shards_share_all_examples_between_them(quick: Path) -> None:
    with_files(quick, FILES)
    shards = [run(quick, "snippets", "--splits", "2", "--group", group) for group in "12"]
    first, second = ({(n, at) for n, at in each_line(shard)} for shard in shards)
    assert first
    assert second
    assert not first & second
    assert first | second == {(f"{name}/{ANY_TAB}", line) for name in FILES for line in (4, 6)}
    assert sorted(shard.code for shard in shards) == [0, 1]


def each_line(done: Run) -> Iterator[tuple[str, int]]:
    """Yield file and line of every example reported."""
    for name, items in done.items.items():
        for line in items:
            yield name, line


def test_only_what_has_no_current_pass_runs_again(quick: Path) -> None:
    def summary(*arguments: str) -> str:
        done = run(quick, "snippets", *arguments)
        found = re.search(r"\d+ files ran, \d+ had evidence already, \d+ were not run", done.output)
        assert found, done.output
        assert done.code == 1  # b/fails is not forgotten, however often
        return found[0]

    with_files(quick, FILES)
    assert summary() == "4 files ran, 0 had evidence already, 0 were not run"
    assert summary("--lf") == "1 files ran, 0 had evidence already, 0 were not run"
    file_of(quick, "a/first").write_text(GOOD.replace("code", "changed code"))
    assert summary() == "2 files ran, 2 had evidence already, 0 were not run"
    assert summary("--fresh") == "4 files ran, 0 had evidence already, 0 were not run"


def test_stopping_at_the_first_failure_keeps_what_is_known_of_the_others(
    quick: Path, tmp_path: Path
) -> None:
    gate, begun = tmp_path / "gate", tmp_path / "begun"
    gate.touch()
    fails = waiting_for(begun).replace(">>> 1 + 1\n2", ">>> 1 + 1\n3")
    with_files(quick, {"a/fails": fails, "b/waits": meeting(begun, gate)})
    before = run(quick, "snippets", "--workers", "2").evidence(f"b/waits/{ANY_TAB}")
    gate.unlink()
    begun.unlink()
    done = run(quick, "snippets", "-x", "--fresh", "--workers", "2")
    assert before["outcome"] == "passed"
    assert done.evidence(f"b/waits/{ANY_TAB}") == before
    assert wait_until(lambda: not processes_of(quick), 2), processes_of(quick)


# ---------------------------------------------------------------- order and concurrency


def test_files_run_at_the_same_time(quick: Path, tmp_path: Path) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    with_files(quick, {"a/one": meeting(one, two), "a/two": meeting(two, one)})
    assert run(quick, "snippets", "--workers", "2").code == 0


def logging_to(log: Path, name: str, seconds: float) -> str:
    """Return a snippet file that notes in ``log`` when it begins and when it ends."""
    return snippet(
        ">>> import os, time\n"
        f">>> log = open(os.path.join(\n...     {path_code(log)}), 'a', 1)\n"
        f">>> print({name!r}, file=log)\n"
        f">>> time.sleep({seconds})\n"
        f">>> print({name!r}, file=log)\n"
        ">>> 1 + 1\n2"
    )


def test_one_worker_runs_one_file_at_a_time_the_longest_first(quick: Path, tmp_path: Path) -> None:
    log = tmp_path / "log"
    seconds = {"short": 0.01, "long": 0.5, "middle": 0.25}
    with_files(quick, {f"a/{name}": logging_to(log, name, s) for name, s in seconds.items()})
    run(quick, "snippets")
    log.unlink()
    done = run(quick, "snippets", "--workers", "1", "--fresh")
    assert log.read_text().split() == ["long", "long", "middle", "middle", "short", "short"]
    assert list(done.items) == [f"a/{name}/{ANY_TAB}" for name in sorted(seconds)]


# ---------------------------------------------------------------- frameworks that fail


@pytest.mark.parametrize("way", ["side by side", "fresh processes"])
def test_a_framework_that_cannot_be_imported_fails_all_its_files(quick: Path, way: str) -> None:
    with_files(quick, {"a/first": GOOD, "a/second": GOOD})
    one_tab(quick, "a/other", GOOD, "tensorflow")
    (quick / "broken.py").write_text("raise ImportError('libtorch is broken')")
    preload(quick, ["torch"], "broken")
    done = run(quick, "snippets", *WAYS[way])
    assert done.code == 1, done.output
    for name in ("a/first/pytorch", "a/second/pytorch"):
        failed = [item.text for item in done.items[name].values() if item.outcome == "failed"]
        assert failed, done.output
        assert "libtorch is broken" in failed[0]
        assert "libtorch is broken" in done.evidence(name)["failure"]["message"]
    assert {item.outcome for item in done.items["a/other/tensorflow"].values()} == {"passed"}


def test_the_server_refuses_to_fork_beside_a_second_thread() -> None:
    code = (
        "import threading\n"
        "from snippets._harness.server import assert_single_thread\n"
        "assert_single_thread()\n"
        "event = threading.Event()\n"
        "threading.Thread(target=event.wait, name='another').start()\n"
        "try: assert_single_thread()\n"
        "except RuntimeError as error: print(error)\n"
        "event.set()\n"
    )
    alone = {"OPENBLAS_NUM_THREADS": "1", "PATH": os.environ["PATH"]}  # NumPy's threads
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env=alone,
        capture_output=True,
        text=True,
        check=True,
    )
    assert "2 threads" in done.stdout
    assert "another" in done.stdout


# ---------------------------------------------------------------- agreement


@dataclass(frozen=True)
class Pair:
    """What the two tabs leave behind as ``x``, and what must be said of it (None: nothing)."""

    tensorflow: str
    pytorch: str
    complaint: str | None = None
    tolerance: float = 1e-6


PAIRS = {
    "equal": Pair("x = [1.0, 2.0]", "x = [1.0, 2.0]"),
    "within": Pair("x = [1.0, 2.0]", "x = [1.0, 2.25]", tolerance=0.25),
    "beyond": Pair(
        "x = [1.0, 2.0]",
        "x = [1.5, 2.75]",
        "x differs by 0.75, more than 0.5, between tensorflow and pytorch",
        tolerance=0.5,
    ),
    "not-numbers-alike": Pair("x = float('nan')", "x = float('nan')"),
    "nan": Pair("x = float('nan')", "x = 1.0", "x differs by nan, more than 1e-06"),
    "infinite": Pair("x = float('inf')", "x = float('inf')"),
    "huge-integers": Pair("x = 2**62", "x = 2**62 + 1", "x differs by 1,"),
    "unsigned": Pair(
        "import numpy; x = numpy.uint8(1)", "import numpy; x = numpy.uint8(2)", "x differs by 1,"
    ),
    "bools": Pair("x = [True]", "x = [False]", "x differs by 1,"),
    "empty": Pair("x = []", "x = []"),
    "dtype": Pair("x = 1", "x = 1.0", "x has dtype int64 in tensorflow and float64 in pytorch"),
    "shape": Pair("x = [1]", "x = [[1]]", "x has shape (1,) in tensorflow and (1, 1) in pytorch"),
    "missing": Pair("x = 1", "y = 1", "pytorch: the snippet leaves no variable 'x' behind"),
    "text": Pair("x = 'a'", "x = 'a'", "tensorflow: 'x' holds <U1, not numbers"),
    "ragged": Pair("x = [[1], []]", "x = 1", "tensorflow: 'x' does not convert to a NumPy array"),
    "too-large": Pair("x = [0] * 10_001", "x = 1", "tensorflow: 'x' has 10,001 numbers"),
}


NOT_RUN: dict[str, tuple[dict[str, Any], str]] = {
    "skip": (
        {"skip": {"reason": "a known bug", "until": datetime.date(9999, 12, 31)}},
        "skipped until 9999-12-31: a known bug",
    ),
    "need": ({"needs": ["slow", "no_such_package"]}, "needs the package no_such_package"),
}


@pytest.fixture(scope="session")
def various(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """One run of a claim for each of PAIRS and NOT_RUN, and of one whose first tab fails."""
    project = quick_project(tmp_path_factory.mktemp("various") / "project")
    for name, pair in PAIRS.items():
        front = claim_text(agree={"x": pair.tolerance})
        code = {"tensorflow": pair.tensorflow, "pytorch": pair.pytorch}
        tabs = {tab: snippet(f">>> {line}\n>>> 2\n2") for tab, line in code.items()}
        make_claim(project, f"a/{name}", claim=front, **tabs)
    front, good = claim_text(agree={"x": 0}), snippet(">>> x = 2; x\n2")
    make_claim(project, "b/fails", claim=front, tensorflow=BAD, pytorch=good)
    for name, (settings, _) in NOT_RUN.items():
        make_claim(project, f"c/{name}", claim=claim_text(**settings))
    return run(project)


@pytest.mark.parametrize("name", PAIRS)
def test_tabs_must_leave_the_same_values(various: Run, name: str) -> None:
    (item,) = various.items[f"a/{name}/claim"].values()
    complaint = PAIRS[name].complaint
    assert item.outcome == ("failed" if complaint else "passed")
    assert (complaint or "") in item.text


def test_tabs_are_not_compared_if_one_failed(various: Run) -> None:
    (item,) = various.items["b/fails/claim"].values()
    assert item.outcome == "skipped"
    assert "tensorflow did not pass" in item.text


def test_tensors_of_both_frameworks_agree(runs: Runs) -> None:
    (item,) = runs("side by side").items["agree/tensors/claim"].values()
    assert item == Item("passed")


def test_a_selected_agreement_runs_both_tabs(quick: Path) -> None:
    text = snippet(">>> x = 2; x\n2")
    make_claim(quick, "a/same", claim=claim_text(agree={"x": 0}), tensorflow=text, pytorch=text)
    done = run(quick, "snippets/a/same/claim.md")
    assert done.code == 0, done.output
    assert recorded(quick).keys() == {"a/same/tensorflow", "a/same/pytorch"}


# ---------------------------------------------------------------- what is not run


@pytest.mark.parametrize("tab", ["tensorflow", "pytorch"])
@pytest.mark.parametrize("name", NOT_RUN)
def test_what_is_not_run_says_why(various: Run, name: str, tab: str) -> None:
    _, reason = NOT_RUN[name]
    (item,) = various.items[f"c/{name}/{tab}"].values()
    evidence = various.evidence(f"c/{name}/{tab}")
    assert item.outcome == "skipped"
    assert reason in item.text
    assert evidence["outcome"] == "not run"
    assert evidence["reason"].startswith(reason)


def test_what_is_not_run_is_counted(various: Run) -> None:
    assert f" {2 * len(NOT_RUN)} were not run" in various.output


@pytest.mark.parametrize("need", ["no_such_package", "no_such_package.part", "no-such-name"])
def test_a_package_that_is_not_there_is_an_unmet_need(need: str) -> None:
    assert ev.unmet_need(("slow", need)) == (
        f"needs the package {need}, which this machine does not have"
    )


@pytest.mark.parametrize("need", ["slow", "json", "xml.etree"])
def test_what_this_machine_has_is_no_unmet_need(need: str) -> None:
    assert ev.unmet_need((need,)) is None


def test_slow_claims_can_be_left_out(quick: Path) -> None:
    for name, front in {"fast": claim_text(), "slow": claim_text(needs=["slow"])}.items():
        make_claim(quick, f"a/{name}", claim=front)
    done = run(quick, "snippets", "-m", "not slow")
    assert done.code == 0, done.output
    assert recorded(quick).keys() == {"a/fast/tensorflow", "a/fast/pytorch"}


def test_evidence_names_the_version_of_what_the_claim_needs(quick: Path) -> None:
    make_claim(quick, "a/needy", claim=claim_text(needs=["sklearn", "bs4"]))
    for evidence in run(quick).evidence("a/needy/tensorflow"), recorded(quick)["a/needy/pytorch"]:
        for distribution in ("scikit-learn", "beautifulsoup4"):
            assert evidence["versions"][distribution] == version(distribution)


def test_programs_that_came_with_the_packages_are_found_first(quick: Path) -> None:
    for program in ("node", "ninja"):
        code = (
            ">>> import shutil, sys\n"
            ">>> from pathlib import Path\n"
            f">>> found = Path(shutil.which({program!r}))\n"
            ">>> found.parent.samefile(Path(sys.executable).parent)\nTrue"
        )
        one_tab(quick, f"a/{program}", snippet(code))
    done = run(quick)
    assert done.code == 0, done.output


# ---------------------------------------------------------------- ends of the run


@pytest.mark.parametrize("way", ["side by side", "fresh processes"])
def test_a_killed_run_leaves_whole_evidence_and_no_process(
    quick: Path, tmp_path: Path, way: str
) -> None:
    gate, begun = tmp_path / "gate", [tmp_path / "one", tmp_path / "two"]
    quickly = {"a/first": GOOD, "a/second": GOOD}
    with_files(quick, quickly | {f"b/{own.name}": meeting(own, gate) for own in begun})
    arguments = ["snippets", "--workers", "3", *WAYS[way]]
    with subprocess.Popen(
        command(quick, *arguments), **surroundings(quick), stdout=subprocess.DEVNULL
    ) as running:
        ready = wait_until(
            lambda: len(recorded(quick)) == 2 and all(path.exists() for path in begun)
        )
        running.send_signal(signal.SIGKILL)
    assert ready
    assert {name: e["outcome"] for name, e in recorded(quick).items()} == {
        f"{name}/{ANY_TAB}": "passed" for name in quickly
    }
    assert wait_until(lambda: not processes_of(quick), 5), processes_of(quick)
    gate.touch()
    done = run(quick, *arguments)
    assert done.code == 0, done.output
    assert "2 files ran, 2 had evidence already" in done.output


def test_a_reader_never_meets_half_of_the_evidence(tmp_path: Path) -> None:
    make_claim(tmp_path, "a/one")
    claim = Catalogue(tmp_path).claim("a/one")
    path = tmp_path / "evidence" / "one.json"
    values = {"x": {"data": "0" * 1_000_000}}
    evidence = ev.record(claim, claim.snippets[0], outcome="passed", values=values)
    ev.write(path, evidence)

    def write_often() -> None:
        for _ in range(50):
            ev.write(path, evidence)

    writer = threading.Thread(target=write_often)
    writer.start()
    seen = []
    while writer.is_alive():
        seen.append(ev.read(path) == evidence)
    writer.join()
    assert all(seen)
    assert [entry.name for entry in path.parent.iterdir()] == ["one.json"]


def test_a_faulty_claim_fails_alone_with_its_reasons(quick: Path) -> None:
    with_files(quick, {"a/good": GOOD, "b/faulty": GOOD})
    claim = quick / "snippets" / "b" / "faulty" / "claim.md"
    claim.write_text(claim.read_text().replace("status: ", "status: un"))
    done = run(quick, "snippets")
    assert done.code == 1
    good = done.items[f"a/good/{ANY_TAB}"]
    assert {item.outcome for item in good.values()} == {"passed"}
    assert "claim.md:3:1: unknown status 'unopinion': did you mean 'opinion'?" in done.output
    assert "Traceback" not in done.output


def test_a_file_edited_while_it_runs_has_no_evidence_of_its_new_text(quick: Path) -> None:
    file = quick / "snippets" / "a" / "edited" / f"{ANY_TAB}.md"
    edit = f">>> path = os.path.join({path_code(file)})\n>>> open(path, 'a').write('More.')\n5"
    with_files(quick, {"a/edited": snippet(f">>> import os\n{edit}")})
    for _ in range(2):  # what was recorded is not about the text that is there now
        done = run(quick, "snippets")
        assert done.code == 0
        assert "1 files ran, 0 had evidence already" in done.output
