"""Snippets that misbehave, each beside all others: every one fails alone, and says why."""

import json
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import corpus
import pytest
from harnessing import (
    ANY_TAB,
    HERE,
    LIMIT,
    REFUSED,
    WAYS,
    Item,
    Run,
    new_project,
    one_tab,
    processes_of,
    quick_project,
    run,
    wait_until,
)
from helpers import claim_text, make_claim, snippet

QUICK = ("plain", "walled")  # kinds that need no framework


@dataclass(frozen=True)
class Case:
    """A file of tests/hostile or tests/sound: <hostile or sound>/<framework>/<behaviour>.md."""

    path: Path

    @property
    def tab(self) -> str:
        """The tab it runs in; what is plain, or is about walls, needs no framework."""
        return ANY_TAB if self.path.parent.name in QUICK else self.path.parent.name

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


def kinds(way: str) -> Sequence[str]:
    """Return the folders whose files run in a way: frameworks are imported in one of them."""
    return {"side by side": ["*"], "without walls": ["plain"]}.get(way, QUICK)


def cases(pattern: str) -> list[Case]:
    return [Case(path) for path in sorted(HERE.glob(f"{pattern}.md"))]


@dataclass(frozen=True)
class Fault:
    """How a hostile file fails: at which example, with which reason, and is that its end?"""

    at: str
    reason: str
    ends: bool = True


TIME_LIMIT = f"Killed at the time limit of {LIMIT} s, in this example. Show less,"
NO_NETWORK = "Snippets run without a network: make the data in the snippet."
READ_ONLY = "A snippet may write into its working folder only."
FORGED = "wrote to the pipe of the harness's own reports"
FAULTS = {
    # Time
    "endless-in-python": Fault("while True", TIME_LIMIT),
    "endless-in-c": Fault("sum(", TIME_LIMIT),
    "sleeps": Fault("time.sleep", TIME_LIMIT),
    "stops-itself": Fault("os.kill(", TIME_LIMIT),
    "deadlock": Fault("lock.acquire()", TIME_LIMIT),
    "ignores-signals": Fault("while True", TIME_LIMIT),
    "floods-without-end": Fault("while True", TIME_LIMIT),
    # Ends of the process
    "abort": Fault("os.abort", "crashed the process (SIGABRT)"),
    "illegal-instruction": Fault("ctypes.CFUNCTYPE", "crashed the process (SIGILL)"),
    "stack-overflow": Fault("len(repr", "crashed the process (SIGSEGV)"),
    "exit-in-thread": Fault("thread.start", "ended the process with exit code 5"),
    "exec-another": Fault("os.execv", "ended the process with exit code 0"),
    "signals-itself": Fault("signal.raise", "crashed the process (SIGTERM)"),
    "alarm": Fault("time.sleep", "crashed the process (SIGALRM)"),
    # The machine
    "memory-hog": Fault("len(bytes", "MemoryError", ends=False),
    "memory-hog-slowly": Fault("while True", "MemoryError", ends=False),
    "tensor-hog": Fault("torch.ones", "can't allocate memory", ends=False),
    "recursion": Fault("forever()", "RecursionError", ends=False),
    "leaks-descriptors": Fault("files =", "Too many open files", ends=False),
    "fills-the-disk": Fault("with open", "File too large", ends=False),
    "forks-a-tree": Fault("plant(4", "left a process of its own running", ends=False),
    # The harness
    "replaces-descriptors": Fault("for number", "ended the process with exit code 0"),
    "forges-a-line": Fault("for number", FORGED),
    "forges-without-end": Fault("for number", FORGED),
    "forges-the-end": Fault('frame.f_locals["report"]', "did not run, though its file ended"),
    "forges-a-result": Fault('frame.f_locals["report"]', FORGED),
    "forges-another-form": Fault('frame.f_locals["report"]', FORGED),
    "forges-twice": Fault('frame.f_locals["report"]', FORGED),
    "patches-the-judge": Fault("1 + 1", "    2", ends=False),
    "changes-builtins": Fault("1 + 1", "Expected:\n    3\nGot:\n    2", ends=False),
    "empties-modules": Fault("1 + 1", "Expected:\n    3\nGot:\n    2", ends=False),
    # Odd behaviour
    "random-output": Fault("os.urandom", "Expected:\n    '00000000'\nGot:", ends=False),
    "deletes-its-folder": Fault("os.getcwd", "FileNotFoundError", ends=False),
    "prints-control-characters": Fault("print", r"\x1b[2J\x1b]0;title\x07", ends=False),
    "prints-no-text": Fault("print", r"\ud800", ends=False),
    "raises-in-repr": Fault("Odd()", "BaseException: no", ends=False),
    "expects-an-error-wrongly": Fault("1 / 0", "to expect an error, write", ends=False),
    "trace": Fault("pdb.set_trace", "BdbQuit", ends=False),
    # Walls
    "network-by-address": Fault("socket.create", NO_NETWORK, ends=False),
    "network-by-name": Fault("socket.getaddr", NO_NETWORK, ends=False),
    "network-udp": Fault("datagram.sendto", NO_NETWORK, ends=False),
    "network-download": Fault("urlopen", NO_NETWORK, ends=False),
    "writes-to-the-project": Fault("(harness", READ_ONLY, ends=False),
    "overwrites-evidence": Fault("evidence.write", READ_ONLY, ends=False),
    "writes-to-the-system": Fault("open(", READ_ONLY, ends=False),
    "writes-over-python": Fault("open(", "Read-only file system", ends=False),
    "kernel-settings": Fault("open(", "Read-only file system", ends=False),
    "shared-memory": Fault("with open", "File too large", ends=False),
    "reads-homes": Fault("os.listdir", "No such file or directory: '/home'", ends=False),
    "reads-memory": Fault("open(", "No such file or directory: '/proc/0/mem'", ends=False),
    "disks": Fault("disks[0]", "IndexError", ends=False),  # there are none
    "mounts": Fault("libc.mount", "Got:\n    -1", ends=False),
    "kills-the-server": Fault("parent and", "Got:\n    0", ends=False),  # it is not to be seen
    "kills-everybody": Fault("os.kill", "ProcessLookupError", ends=False),  # but itself
    "process-bomb": Fault("bomb()", "ended the process with exit code 9"),
    "thread-bomb": Fault("bomb()", "can't start new thread", ends=False),
    # Further ones
    "endless-loop": Fault("while True", TIME_LIMIT),
    "fork-awaited": Fault("os.waitpid", TIME_LIMIT),
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

    Side by side, all of them with the real frameworks; else those that need none. Two ways at
    once, because each waits for time limits much of its time.
    """

    folders = {way: tmp_path_factory.mktemp("way") for way in WAYS}

    def in_way(way: str) -> Run:
        everything = way == "side by side"
        make = new_project if everything else quick_project
        project = make(folders[way] / "project")
        for case in (case for kind in kinds(way) for case in cases(f"*/{kind}/*")):
            one_tab(project, case.claim, case.path.read_text(), case.tab)
        if everything:
            make_claim(project, "agree/tensors", **TENSORS)
        within = REFUSED if way == "without walls" else ()
        return run(project, "snippets", *WAYS[way], within=within)

    with ThreadPoolExecutor(2) as pool:
        running = {way: pool.submit(in_way, way) for way in WAYS}
        yield lambda way: running[way].result()


def in_ways(chosen: Callable[[str], list[Case]]) -> pytest.MarkDecorator:
    """Parametrize a test over the ways to run and the files that run in each."""
    pairs = [
        pytest.param(way, case, id=f"{way}-{case.path.stem}")
        for way in WAYS
        for kind in kinds(way)
        for case in chosen(kind)
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
    recorded = (done.project / "_build" / "evidence").rglob("*.json")
    assert max(path.stat().st_size for path in recorded) < 20_000
    texts = [item.text for items in done.items.values() for item in items.values()]
    assert max(map(len, texts)) < 20_000


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


def test_the_count_of_files_is_told_at_the_end() -> None:
    ways = ("side by side", "fresh processes")
    hostile = [f"tests/{corpus.FAILS}{way}-deadlock]" for way in ways]
    sound = [f"tests/{corpus.PASSES}side by side-{name}]" for name in ("noise", "odd-text")]
    assert corpus.summary([*hostile, *sound, "tests/test_site.py::test_all"], []) == (
        "1 hostile snippet files failed alone and said why, in 2 runs; "
        "2 sound ones passed beside them, in 2 runs"
    )
    assert corpus.summary(hostile[:1], hostile[1:]).endswith("; not so: deadlock")
    assert corpus.summary(["tests/test_site.py::test_all"], []) == ""


def test_tensors_of_both_frameworks_agree(runs: Runs) -> None:
    (item,) = runs("side by side").items["agree/tensors/claim"].values()
    assert item == Item("passed")
