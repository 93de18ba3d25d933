"""The harness as its users meet it: pytest over made-up projects."""

import datetime
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
from harnessing import (
    ANY_TAB,
    ROOT,
    WAYS,
    Line,
    Run,
    command,
    hearing,
    meeting,
    one_tab,
    preload,
    processes_of,
    quick_project,
    recorded,
    run,
    saying,
    surroundings,
    wait_until,
    waiting_for,
)
from helpers import claim_text, make_claim, snippet

from snippets._harness import evidence as ev
from snippets._harness.catalogue import Catalogue

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


def test_stopping_at_the_first_failure_keeps_what_is_known_of_the_others(quick: Path) -> None:
    gate, begun = quick / "gate", Line(quick / "begun")
    gate.touch()
    fails = snippet(f"{hearing(begun)}\n>>> 1 + 1\n3")
    with_files(quick, {"a/fails": fails, "b/waits": waiting_for(gate, saying(begun))})
    before = run(quick, "snippets", "--workers", "2").evidence(f"b/waits/{ANY_TAB}")
    gate.unlink()
    done = run(quick, "snippets", "-x", "--fresh", "--workers", "2")
    assert before["outcome"] == "passed"
    assert done.evidence(f"b/waits/{ANY_TAB}") == before
    assert wait_until(lambda: not processes_of(quick), 2), processes_of(quick)


# ---------------------------------------------------------------- order and concurrency


def test_files_run_at_the_same_time(quick: Path) -> None:
    one, two = Line(quick / "one"), Line(quick / "two")
    with_files(quick, {"a/one": meeting(one, two), "a/two": meeting(two, one)})
    assert run(quick, "snippets", "--workers", "2").code == 0


def logging_to(log: Line, name: str, seconds: float) -> str:
    """Return a snippet file that notes in ``log`` when it begins and when it ends."""
    return snippet(
        f"{saying(log, name)}"
        ">>> import time\n"
        f">>> time.sleep({seconds})\n"
        f">>> print({name!r}, file=line)\n"
        ">>> 1 + 1\n2"
    )


def test_one_worker_runs_one_file_at_a_time_the_longest_first(quick: Path) -> None:
    log = Line(quick / "log")
    seconds = {"short": 0.01, "long": 0.5, "middle": 0.25}
    with_files(quick, {f"a/{name}": logging_to(log, name, s) for name, s in seconds.items()})
    run(quick, "snippets")
    before = len(log.hear())
    done = run(quick, "snippets", "--workers", "1", "--fresh")
    assert log.hear()[before:].split() == ["long", "long", "middle", "middle", "short", "short"]
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
def test_a_killed_run_leaves_whole_evidence_and_no_process(quick: Path, way: str) -> None:
    gate, begun = quick / "gate", Line(quick / "begun")
    quickly = {"a/first": GOOD, "a/second": GOOD}
    waits = waiting_for(gate, saying(begun))
    with_files(quick, quickly | {"b/one": waits, "b/two": waits})
    arguments = ["snippets", "--workers", "3", *WAYS[way]]
    with subprocess.Popen(
        command(quick, *arguments), **surroundings(quick), stdout=subprocess.DEVNULL
    ) as running:
        ready = wait_until(lambda: len(recorded(quick)) == 2 and begun.hear().count("x") == 2)
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
    gate, begun = quick / "gate", Line(quick / "begun")
    waits = waiting_for(gate, saying(begun))
    with_files(quick, {"a/edited": waits})
    with ThreadPoolExecutor() as pool:
        running = pool.submit(run, quick, "snippets")
        assert wait_until(begun.hear)
        with file_of(quick, "a/edited").open("a") as file:
            file.write("More.")
        gate.touch()
        done = running.result()
    assert done.code == 0
    done = run(quick, "snippets")  # what was recorded is not about the text that is there now
    assert "1 files ran, 0 had evidence already" in done.output
