"""Evidence is about one text on one set of versions, is written whole, and compares tabs."""

import base64
import datetime
import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers import claim_text, make_claim, snippet

from snippets._harness import evidence as ev
from snippets._harness.catalogue import Catalogue, Claim

REPOSITORY = Path(__file__).parents[1]
TODAY = datetime.date(2026, 8, 1)


def load(project: Path, id: str = "axis/one") -> Claim:  # noqa: A002
    """Return a claim as it is on disk now."""
    return Catalogue(project, TODAY).claim(id)


def claim_with(project: Path, **front: Any) -> Claim:
    """Return a new claim whose front matter has the given keys."""
    make_claim(project, "axis/one", claim=claim_text(**front))
    return load(project)


def digests(project: Path) -> list[str]:
    """Return the digests of the claim's tabs, TensorFlow first."""
    claim = load(project)
    return [ev.digest(claim, tab) for tab in claim.snippets]


def passed(claim: Claim, tab: int = 0, **result: Any) -> ev.Evidence:
    """Return evidence, as of now, that a tab of the claim passed."""
    return ev.record(claim, claim.snippets[tab], outcome="passed", **result)


# The digest


def test_digest_of_the_same_content_is_the_same_anywhere(tmp_path: Path) -> None:
    for place in ("here", "there"):
        make_claim(tmp_path / place, "axis/one")
    assert digests(tmp_path / "here") == digests(tmp_path / "there")


def test_digest_changes_with_the_tab_and_with_no_other(tmp_path: Path) -> None:
    folder = make_claim(tmp_path, "axis/one")
    tensorflow, pytorch = digests(tmp_path)
    (folder / "pytorch.md").write_text(snippet(">>> 1 + 2\n3"))
    after = digests(tmp_path)
    assert after[0] == tensorflow
    assert after[1] != pytorch


def test_digest_differs_between_claims_with_the_same_tab(tmp_path: Path) -> None:
    make_claim(tmp_path, "axis/one")
    make_claim(tmp_path, "axis/two")
    one, two = load(tmp_path), load(tmp_path, "axis/two")
    assert ev.digest(one, one.snippets[0]) != ev.digest(two, two.snippets[0])


@pytest.mark.parametrize(
    "change",
    [
        {"needs": ["slow"]},
        {"needs": ["gpu", "compiler", "slow"]},
        {"agree": {"losses": 0.1}},
        {"agree": {"losses": 0.1, "weights": 0.1, "x": 0.1}},
    ],
    ids=["other needs", "one more need", "other agree names", "one more agree name"],
)
def test_digest_changes_with_what_the_claim_needs_and_compares(
    tmp_path: Path, change: dict[str, Any]
) -> None:
    front = {"needs": ["gpu", "compiler"], "agree": {"losses": 0.1, "weights": 0.1}}
    folder = make_claim(tmp_path, "axis/one", claim=claim_text(**front))
    before = digests(tmp_path)
    (folder / "claim.md").write_text(claim_text(**(front | change)))
    assert not set(before) & set(digests(tmp_path))


@pytest.mark.parametrize(
    "change",
    [
        {"title": "Another"},
        {"statement": "Another.\n"},
        {"status": "outdated", "favours": "none"},
        {"changed": "2019"},
        {"agree": {"losses": 0.5}},
        {"needs": ["compiler", "gpu"]},
    ],
    ids=["title", "statement", "verdict", "when it changed", "tolerance", "order of needs"],
)
def test_digest_stays_when_nothing_that_runs_changes(
    tmp_path: Path, change: dict[str, Any]
) -> None:
    front = {"needs": ["gpu", "compiler"], "agree": {"losses": 0.1}}
    folder = make_claim(tmp_path, "axis/one", claim=claim_text(**front))
    before = digests(tmp_path)
    (folder / "claim.md").write_text(claim_text(**(front | change)))
    assert digests(tmp_path) == before


def test_digest_stays_when_the_file_is_only_touched(tmp_path: Path) -> None:
    folder = make_claim(tmp_path, "axis/one")
    before = digests(tmp_path)
    os.utime(folder / "tensorflow.md", (0, 0))
    assert digests(tmp_path) == before


# Is it current?


def test_recorded_evidence_is_current(tmp_path: Path) -> None:
    claim = claim_with(tmp_path)
    for tab, one in enumerate(claim.snippets):
        assert ev.is_current(passed(claim, tab), claim, one)


@pytest.mark.parametrize(
    "change",
    [
        {"platform": "Amiga m68k"},
        {"digest": "0" * 64},
        {"versions": {}},
        {"versions": {"tensorflow": "1.0"}},
    ],
    ids=["other platform", "other text", "no versions", "fewer versions"],
)
def test_evidence_of_another_machine_or_text_is_not_current(
    tmp_path: Path, change: dict[str, Any]
) -> None:
    claim = claim_with(tmp_path)
    evidence = passed(claim).model_copy(update=change)
    assert not ev.is_current(evidence, claim, claim.snippets[0])


@pytest.mark.parametrize("package", ["tensorflow", "keras", "numpy", "python"])
def test_evidence_of_another_version_is_not_current(tmp_path: Path, package: str) -> None:
    claim = claim_with(tmp_path)
    evidence = passed(claim)
    assert package in evidence.versions
    other = evidence.model_copy(update={"versions": evidence.versions | {package: "0.1"}})
    assert not ev.is_current(other, claim, claim.snippets[0])


def test_evidence_copied_from_another_tab_is_not_current(tmp_path: Path) -> None:
    claim = claim_with(tmp_path)
    assert not ev.is_current(passed(claim, 1), claim, claim.snippets[0])


@pytest.mark.parametrize(
    ("result", "proven"),
    [
        ({"outcome": "passed"}, True),
        ({"outcome": "failed", "failure": {"line": 4, "message": "Expected 2"}}, False),
        ({"outcome": "not run", "reason": "needs a GPU"}, False),
    ],
    ids=["passed", "failed", "not run"],
)
def test_only_a_pass_is_proof(tmp_path: Path, result: dict[str, Any], proven: bool) -> None:
    claim = claim_with(tmp_path)
    evidence = ev.record(claim, claim.snippets[0], **result)
    assert ev.is_proven(evidence, claim, claim.snippets[0]) is proven


def test_nothing_recorded_is_no_proof(tmp_path: Path) -> None:
    claim = claim_with(tmp_path)
    assert not ev.is_proven(None, claim, claim.snippets[0])


def test_a_pass_of_what_is_skipped_now_is_no_proof(tmp_path: Path) -> None:
    claim = claim_with(tmp_path, skip={"reason": "Broken upstream", "until": TODAY})
    assert not ev.is_proven(passed(claim), claim, claim.snippets[0])


def test_record_says_what_ran_on_what_and_when_in_utc(tmp_path: Path) -> None:
    claim = claim_with(tmp_path)
    evidence = passed(claim, 1, seconds=1.5, examples=3)
    assert evidence.snippet == "axis/one/pytorch"
    assert set(evidence.versions) == {"torch", "numpy", "python"}
    assert evidence.time.utcoffset() == datetime.timedelta(0)
    assert (evidence.seconds, evidence.examples) == (1.5, 3)


# Writing and reading


def large(claim: Claim, marker: int = 0) -> ev.Evidence:
    """Return evidence whose JSON takes more than one write to the disk."""
    return passed(claim, seconds=marker, values={"x": {"data": str(marker % 10) * 300_000}})


def file_of(project: Path) -> Path:
    """Return where the evidence of the claim's first tab is kept."""
    claim = load(project)
    return ev.path_of(project / ev.FOLDER, claim, claim.snippets[0])


def test_evidence_is_kept_by_axis_claim_and_framework(tmp_path: Path) -> None:
    claim_with(tmp_path)
    assert file_of(tmp_path) == tmp_path / "_build/evidence/axis/one/tensorflow.json"


@pytest.mark.parametrize(
    "result",
    [
        {"outcome": "passed", "seconds": 0.25, "examples": 2},
        {"outcome": "failed", "failure": {"line": 4, "message": 'Expected:\n  "2"\N{SNOWMAN}'}},
        {"outcome": "not run", "reason": "needs a GPU"},
        {"outcome": "passed", "values": {"x": {"dtype": "int64", "shape": [0], "data": ""}}},
    ],
    ids=["passed", "failed", "not run", "with values"],
)
def test_what_is_written_is_what_is_read(tmp_path: Path, result: dict[str, Any]) -> None:
    claim = claim_with(tmp_path)
    evidence = ev.record(claim, claim.snippets[0], **result)
    ev.write(file_of(tmp_path), evidence)
    assert ev.read(file_of(tmp_path)) == evidence


def test_writing_leaves_no_other_file(tmp_path: Path) -> None:
    claim = claim_with(tmp_path)
    for marker in range(3):
        ev.write(file_of(tmp_path), large(claim, marker))
    assert list(file_of(tmp_path).parent.iterdir()) == [file_of(tmp_path)]


@contextmanager
def reading(path: Path) -> Iterator[list[bytes]]:
    """Read ``path`` again and again in a thread; give the different contents it met."""
    met: set[bytes] = set()
    contents: list[bytes] = []
    stop = threading.Event()

    def read() -> None:
        while not stop.is_set():
            met.add(path.read_bytes())

    thread = threading.Thread(target=read)
    thread.start()
    try:
        yield contents
    finally:
        stop.set()
        thread.join()
        contents += met


def test_reader_never_meets_half_a_file(tmp_path: Path) -> None:
    claim = claim_with(tmp_path)
    path = file_of(tmp_path)
    evidences = [large(claim, marker) for marker in range(10)]
    ev.write(path, evidences[0])
    with reading(path) as contents:
        for _ in range(20):
            for evidence in evidences:
                ev.write(path, evidence)
    assert len(contents) > 1  # it did read while the file was rewritten
    for content in contents:
        assert ev.Evidence.model_validate_json(content) in evidences


WRITER = """
import resource, signal, sys
from pathlib import Path
from snippets._harness import evidence as ev

source, folder, limit = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
evidence = ev.read(source)
if limit:  # the system kills whoever writes more bytes than that into one file
    signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
print("ready", flush=True)
while True:
    for number in range(3):
        ev.write(folder / f"{number}.json", evidence)
"""


@contextmanager
def writer(source: Path, folder: Path, limit: int = 0) -> Iterator[subprocess.Popen[str]]:
    """Start a process that writes the evidence in ``source`` into ``folder`` without end."""
    command = [sys.executable, "-c", WRITER, str(source), str(folder), str(limit)]
    environment = os.environ | {"PYTHONPATH": str(REPOSITORY)}
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout
            assert process.stdout.readline() == "ready\n"
            yield process
        finally:
            process.kill()


def test_killing_the_writer_at_any_moment_leaves_only_whole_files(tmp_path: Path) -> None:
    claim = claim_with(tmp_path)
    evidence, source, folder = large(claim), tmp_path / "source.json", tmp_path / "evidence"
    ev.write(source, evidence)
    for _ in range(5):
        with writer(source, folder) as process:
            time.sleep(random.uniform(0.005, 0.1))  # noqa: S311 (any moment will do)
            process.kill()
        assert all(ev.read(path) == evidence for path in folder.glob("*.json"))


def test_writer_killed_in_the_middle_of_a_file_leaves_the_earlier_one(tmp_path: Path) -> None:
    claim = claim_with(tmp_path)
    earlier, source, folder = passed(claim), tmp_path / "source.json", tmp_path / "evidence"
    ev.write(folder / "0.json", earlier)
    ev.write(source, large(claim))
    with writer(source, folder, limit=100_000) as process:
        assert process.wait(timeout=60) == -signal.SIGXFSZ
    assert [ev.read(path) for path in folder.glob("*.json")] == [earlier]


def test_missing_evidence_reads_as_none(tmp_path: Path) -> None:
    assert ev.read(tmp_path / "none.json") is None


def test_folder_in_place_of_evidence_reads_as_none(tmp_path: Path) -> None:
    assert ev.read(tmp_path) is None


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"null",
        b"[]",
        b"{}",
        b"\xff\xfe",
        b"\x00" * 100,
        b"[" * 100_000,
        b'{"outcome": NaN}',
    ],
    ids=["empty", "cut", "null", "list", "no keys", "not UTF-8", "zeros", "deep", "NaN"],
)
def test_unreadable_evidence_reads_as_none(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "x.json"
    path.write_bytes(content)
    assert ev.read(path) is None


def test_evidence_that_was_cut_reads_as_none(tmp_path: Path) -> None:
    claim = claim_with(tmp_path)
    path = file_of(tmp_path)
    ev.write(path, passed(claim))
    whole = path.read_bytes()
    for length in range(0, len(whole.rstrip()), 20):
        path.write_bytes(whole[:length])
        assert ev.read(path) is None


@pytest.mark.parametrize(
    "forged",
    [
        {"outcome": "proven"},
        {"outcome": None},
        {"digest": None},
        {"versions": "all"},
        {"versions": {"torch": 2}},
        {"time": "yesterday"},
        {"seconds": "long"},
        {"values": [1]},
        {"failure": {"line": 1}},
        {"badge": "green"},
    ],
    ids=lambda forged: f"{forged}",
)
def test_forged_evidence_reads_as_none(tmp_path: Path, forged: dict[str, Any]) -> None:
    claim = claim_with(tmp_path)
    path = file_of(tmp_path)
    ev.write(path, passed(claim))
    path.write_text(json.dumps(json.loads(path.read_text()) | forged))
    assert ev.read(path) is None


# Agreement between the tabs


def value(array: Any) -> dict[str, Any]:
    """Return an array as a snippet's process reports it."""
    array = np.asarray(array)
    data = base64.b64encode(array.tobytes()).decode()
    return {"dtype": str(array.dtype), "shape": list(array.shape), "data": data}


def difference(project: Path, *tabs: Any, tolerance: float = 0.1) -> float:
    """Return the largest difference between what the tabs leave in the variable ``x``."""
    names = ("tensorflow", "pytorch", "keras")[: len(tabs)]
    code = snippet(">>> 1 + 1\n2")
    front = claim_text(agree={"x": tolerance})
    make_claim(project, "axis/one", claim=front, **dict.fromkeys(names, code))
    claim = load(project)
    found = {
        tab.framework: passed(claim, number, values={"x": value(array)})
        for number, (tab, array) in enumerate(zip(claim.snippets, tabs, strict=True))
    }
    return ev.agreement(claim, found)["x"]


NAN, INF = float("nan"), float("inf")
BIG = 2**53  # floats cannot tell the integers beyond it apart


@pytest.mark.parametrize(
    ("first", "second", "largest"),
    [
        pytest.param([1.0, 2.0], [1.0, 2.0], 0, id="equal"),
        pytest.param([1.0, 2.0], [1.0625, 1.9375], 0.0625, id="within tolerance"),
        pytest.param([1.0, 2.0], [1.0, 2.1 - 1e-9], pytest.approx(0.1), id="just within"),
        pytest.param(1.0, 1.0625, 0.0625, id="numbers"),
        pytest.param([NAN, 1.0], [NAN, 1.0625], 0.0625, id="NaN in one place"),
        pytest.param([INF, -INF], [INF, -INF], 0, id="equal infinities"),
        pytest.param([0.0], [-0.0], 0, id="zeros of both signs"),
        pytest.param([1 + 1j], [1 + 1.0625j], 0.0625, id="complex"),
        pytest.param([complex(NAN, 1)], [complex(NAN, 1)], 0, id="complex NaN"),
        pytest.param([True, False], [True, False], 0, id="bools"),
        pytest.param([BIG + 1], [BIG + 1], 0, id="large integers"),
        pytest.param(np.array([], "f4"), np.array([], "f4"), 0, id="empty"),
        pytest.param(np.zeros((0, 3)), np.zeros((0, 3)), 0, id="empty with a shape"),
        pytest.param(np.array([1], "f2"), np.array([1.0625], "f2"), 0.0625, id="float16"),
    ],
)
def test_values_that_agree_give_their_largest_difference(
    tmp_path: Path, first: Any, second: Any, largest: float
) -> None:
    assert difference(tmp_path, first, second) == largest


@pytest.mark.parametrize(
    ("first", "second", "says"),
    [
        pytest.param([1.0, 2.0], [1.0, 2.2], "x differs by 0.2, more than 0.1", id="beyond"),
        pytest.param(1.0, 2.0, "x differs by 1, more than 0.1", id="numbers"),
        pytest.param([1.0], [[1.0]], r"x has shape \(1,\) in .* and \(1, 1\) in", id="shape"),
        pytest.param(1.0, [1.0], r"x has shape \(\) in .* and \(1,\) in", id="number and list"),
        pytest.param(np.zeros((0, 2)), np.zeros((2, 0)), "x has shape", id="empty of other shape"),
        pytest.param([1.0], [1], "x has dtype float64 in .* and int64 in", id="dtype"),
        pytest.param([1], [True], "x has dtype int64 in .* and bool in", id="int and bool"),
        pytest.param([], np.array([], "f4"), "dtype float64 in .* float32", id="empty dtype"),
        pytest.param([NAN], [1.0], "x differs by nan", id="NaN and a number"),
        pytest.param([1.0], [NAN], "x differs by nan", id="a number and NaN"),
        pytest.param([NAN, 1.0], [1.0, NAN], "x differs by nan", id="NaN in other places"),
        pytest.param([INF], [1.0], "x differs by inf", id="infinity and a number"),
        pytest.param([INF], [-INF], "x differs by inf", id="infinities of both signs"),
        pytest.param([BIG], [BIG + 1], "x differs by 1", id="neighbouring large integers"),
        pytest.param([-(2**63)], [2**63 - 1], "x differs by 1.84e", id="integers far apart"),
        pytest.param(
            np.array([1], "u1"), np.array([2], "u1"), "x differs by 1,", id="unsigned integers"
        ),
        pytest.param([True], [False], "x differs by 1", id="bools"),
        pytest.param(True, False, "x differs by 1", id="single bools"),
        pytest.param([1j], [-1j], "x differs by 2", id="complex"),
    ],
)
def test_values_that_do_not_agree_are_named_with_how_they_differ(
    tmp_path: Path, first: Any, second: Any, says: str
) -> None:
    with pytest.raises(ev.DisagreementError, match=says):
        difference(tmp_path, first, second)


def test_tolerance_of_zero_asks_for_the_same_values(tmp_path: Path) -> None:
    with pytest.raises(ev.DisagreementError, match="more than 0, between tensorflow and pytorch"):
        difference(tmp_path, [1.0], [1.0 + 1e-15], tolerance=0.0)


def test_every_tab_is_compared(tmp_path: Path) -> None:
    with pytest.raises(ev.DisagreementError, match="between tensorflow and keras"):
        difference(tmp_path, [1.0], [1.0], [2.0])


def test_the_largest_difference_of_all_tabs_counts(tmp_path: Path) -> None:
    assert difference(tmp_path, [1.0], [1.0625], [1.03125]) == 0.0625


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({}, "pytorch: nothing recorded for 'x'"),
        ({"x": {"error": "the snippet leaves no variable 'x' behind"}}, "pytorch: .* no variable"),
    ],
    ids=["not recorded", "not left behind"],
)
def test_missing_variable_is_a_disagreement(
    tmp_path: Path, values: dict[str, Any], says: str
) -> None:
    claim = claim_with(tmp_path, agree={"x": 0.1})
    found = {
        "tensorflow": passed(claim, 0, values={"x": value([1.0])}),
        "pytorch": passed(claim, 1, values=values),
    }
    with pytest.raises(ev.DisagreementError, match=says):
        ev.agreement(claim, found)


def test_each_variable_has_a_tolerance_of_its_own(tmp_path: Path) -> None:
    claim = claim_with(tmp_path, agree={"exact": 0.0, "rough": 1.0})
    found = {
        tab: passed(claim, number, values={"exact": value([1]), "rough": value([number / 2])})
        for number, tab in enumerate(("tensorflow", "pytorch"))
    }
    assert ev.agreement(claim, found) == {"exact": 0, "rough": 0.5}


# What this machine lacks


@pytest.mark.parametrize(
    ("need", "says"),
    [
        ("gpu", "needs a GPU, which this machine does not have"),
        ("compiler", "needs a C++ compiler, which this machine does not have"),
        ("no_such_package", "needs the package no_such_package, which this machine"),
        ("no_such_package.part", "needs the package no_such_package.part, which this machine"),
    ],
    ids=["GPU", "compiler", "package", "part of a package"],
)
def test_unmet_need_says_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, need: str, says: str
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))  # nothing is installed there
    assert says in (ev.unmet_need(("slow", need)) or "")


@pytest.mark.parametrize(
    ("need", "program"),
    [("gpu", "nvidia-smi"), ("compiler", "c++"), ("compiler", "g++")],
)
def test_need_is_met_by_its_program(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, need: str, program: str
) -> None:
    (tmp_path / program).touch(mode=0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert ev.unmet_need((need,)) is None


@pytest.mark.parametrize("needs", [(), ("slow",), ("json",), ("slow", "numpy")])
def test_what_is_here_is_not_needed(needs: tuple[str, ...]) -> None:
    assert ev.unmet_need(needs) is None
