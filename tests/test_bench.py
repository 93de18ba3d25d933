"""The benchmarks: what they make of figures, and that what they time does run and pass."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
from bench import history, ways
from bench.__main__ import main
from bench.catalogue import failures
from bench.generated import generate, lay_out
from bench.measures import Measure, ratio, table
from bench.memory import MEASURABLE
from bench.ways import BenchError, Python, Way, Ways

# ---------------------------------------------------------------- figures


def test_a_measure_is_the_median_of_its_rounds() -> None:
    measure = Measure("time", "s", [3.0, 1.0, 9.0])
    assert (measure.median, measure.spread) == (3.0, (1.0, 9.0))


@pytest.mark.parametrize(
    ("relation", "target", "verdict"),
    [
        ("<=", 2.0, "met"),
        ("<=", 1.9, "MISSED"),
        (">=", 2.0, "met"),
        (">=", 2.1, "MISSED"),
        ("<=", None, ""),
    ],
)
def test_the_relation_says_which_side_of_the_target_is_good(
    relation: str, target: float | None, verdict: str
) -> None:
    assert Measure("", "x", [1.0, 2.0, 7.0], target, relation).verdict == verdict


def test_a_ratio_is_taken_round_by_round() -> None:
    slow, fast = Measure("", "s", [10.0, 40.0, 9.0]), Measure("", "s", [5.0, 10.0, 9.0])
    assert ratio("", slow, fast).values == [2.0, 4.0, 1.0]


def test_rounds_that_have_no_counterpart_are_not_left_out_silently() -> None:
    with pytest.raises(ValueError, match="shorter"):
        ratio("", Measure("", "s", [10.0, 40.0]), Measure("", "s", [5.0]))


def test_the_table_shows_each_measure_beside_its_target() -> None:
    measures = [Measure("one", "x", [0.5, 0.7], 0.6), Measure("the other", "MB", [3e3], 2e3)]
    head, one, other = table("part", measures)
    assert head.split()[0] == "part"
    assert re.search(r"0\.6 x +0\.5 - 0\.7 +<= 0\.6 +met$", one)
    assert re.search(r"3000 MB +once +<= 2000 +MISSED$", other)


# ---------------------------------------------------------------- their history


def results(value: float, relation: str = "<=", unit: str = "x") -> dict[str, object]:
    """Return what a run with one measure writes."""
    measure = Measure("ours / plain", unit, [value], relation=relation)
    return {"parts": {"part": {"measures": [measure.as_json()]}}}


def add(folder: Path, *runs: dict[str, object]) -> list[int]:
    """Add runs to the history in ``folder``, one after the other; return the exit codes."""
    codes = []
    for run in runs:
        (folder / "results.json").write_text(json.dumps(run))
        told = [str(folder / "history"), "--add", str(folder / "results.json")]
        codes.append(history.main(told))
    return codes


@pytest.mark.parametrize(
    ("relation", "value", "worse"),
    [("<=", 12.1, 1), ("<=", 11.9, 0), ("<=", 1, 0), (">=", 7.9, 1), (">=", 8.1, 0), (">=", 90, 0)],
)
def test_a_ratio_that_is_worse_by_a_fifth_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], relation: str, value: float, worse: int
) -> None:
    runs = [results(former, relation) for former in (9.0, 10.0, 11.0)]
    assert add(tmp_path, *runs, results(value, relation)) == [0, 0, 0, worse]
    last = capsys.readouterr().out.splitlines()[-1]
    assert last.startswith(f"ours / plain: {value:.3g}, usually 10")
    assert last.endswith("WORSE") == bool(worse)


def test_two_runs_are_too_little_history(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert add(tmp_path, results(1), results(1), results(50)) == [0, 0, 0]
    assert capsys.readouterr().out.count("too little history") == 3


def test_only_the_last_five_runs_say_what_is_usual(tmp_path: Path) -> None:
    former = [results(1)] * 6 + [results(1.5)] * 3
    assert add(tmp_path, *former, results(1.7))[-1] == 0


def test_what_depends_on_the_machine_is_not_compared(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    former = [results(1, unit="s")] * 4
    assert add(tmp_path, *former, results(50, unit="s")) == [0] * 5
    assert not capsys.readouterr().out.strip()


# ---------------------------------------------------------------- parts


def part(monkeypatch: pytest.MonkeyPatch, name: str, **functions: Callable[..., object]) -> None:
    """Put a made-up part in the place of a real one."""
    monkeypatch.setitem(sys.modules, f"bench.{name}", SimpleNamespace(**functions))


def five(rounds: int) -> list[Measure]:
    return [Measure("five", "x", [5.0] * rounds, target=1)]


def broken(rounds: int) -> list[Measure]:
    raise BenchError(f"it broke in {rounds} rounds")


def test_a_part_that_fails_takes_no_other_with_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    part(monkeypatch, "verification", measure=broken)
    part(monkeypatch, "site", measure=five)
    written = tmp_path / "results.json"
    assert main(["verification", "site", "--rounds", "2", "--json", str(written)]) == 1
    said = capsys.readouterr()
    assert "it broke in 2 rounds" in said.err
    assert "failed: verification" in said.err
    assert "MISSED" in said.out
    (kept,) = json.loads(written.read_text())["parts"].items()
    assert (kept[0], kept[1]["measures"][0]["values"]) == ("site", [5.0, 5.0])


def test_a_missed_target_is_no_error_and_what_it_depends_on_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    part(monkeypatch, "site", measure=five)
    assert main(["site", "--json", str(tmp_path / "results.json")]) == 0
    entry = json.loads((tmp_path / "results.json").read_text())["parts"]["site"]
    assert entry["date"].endswith("+00:00")
    assert {"cpu", "cores", "memory"} == entry["machine"].keys()
    assert {"python", "tensorflow", "torch", "keras", "numpy"} <= entry["versions"].keys()
    assert "commit" in entry


def test_parts_that_do_not_run_keep_what_they_had(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written = tmp_path / "results.json"
    written.write_text(json.dumps({"parts": {"clone": {"date": "then"}, "site": {}}}))
    part(monkeypatch, "site", measure=five)
    part(monkeypatch, "verification", measure=broken)
    main(["site", "verification", "--json", str(written)])
    parts = json.loads(written.read_text())["parts"]
    assert parts["clone"] == {"date": "then"}
    assert parts["site"]["measures"][0]["title"] == "five"
    assert "verification" not in parts


def test_in_a_hurry_a_part_does_less(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    part(monkeypatch, "site", measure=five)
    part(monkeypatch, "verification", measure=broken, quick=lambda: five(1))
    assert main(["site", "verification", "--quick"]) == 0
    assert capsys.readouterr().out.count("once") == 2


def test_a_part_that_is_not_there_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["weather"])
    assert "no such part: weather; there are verification, " in capsys.readouterr().err


# ---------------------------------------------------------------- what is timed


def test_what_a_way_would_take_anyway_does_not_count_and_a_sample_is_scaled(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    took = {"all": (3.0, 2.0), "anyway": (1.0, 0.5)}
    monkeypatch.setattr(ways, "clocked", took.get)
    way = Way("", "all", scale=10, without="anyway")  # type: ignore[arg-type]
    way.time()
    assert (way.seconds, way.processor) == ([20.0], [15.0])


def test_generated_files_of_every_topic_pass_in_ours(tmp_path: Path) -> None:
    made = generate(tmp_path, 10, 0)  # the sixth topic is the second again
    assert len(made.sources) == 10
    Ways(made).ours(2)  # raises unless each example passes
    assert len(list(tmp_path.glob("ours/_build/evidence/bench/*/*.json"))) == 10


ERROR = ">>> [][0]\nTraceback (most recent call last):\n...\nIndexError: ...\n"
SOURCES = {"one/pytorch": f">>> 1 + 1\n2\n{ERROR}", "two/pytorch": ">>> 2 + 2\n4\n"}
PEERS: dict[Callable[[Ways], None], str] = {
    Ways.plain: "plain: 3 passed, not 10",
    Ways.doctest: "doctest: 2 passed, not 3",
    Ways.sphinx_doctest: "sphinx: 3 passed, not 10",
    Ways.fresh: "one/pytorch: 2 passed, not 6",
    Ways.notebooks: "notebooks: 3 passed, not 10",
}


@pytest.mark.parametrize("peer", PEERS)
def test_what_a_peer_runs_is_counted(tmp_path: Path, peer: Callable[[Ways], None]) -> None:
    made = lay_out(tmp_path, SOURCES, 2)
    more = {name: source * 3 for name, source in SOURCES.items()}
    said_to_be = replace(made, sources=more | {"three/pytorch": ERROR})
    with pytest.raises(BenchError, match=PEERS[peer]):
        peer(Ways(said_to_be))


def test_a_peer_that_fails_ends_the_benchmark_with_what_it_said(tmp_path: Path) -> None:
    made = lay_out(tmp_path, {"one/pytorch": ">>> 1 + 1\n3\n"}, 0)
    with pytest.raises(BenchError, match="Expected"):
        Ways(made).plain()


@pytest.mark.parametrize(
    ("outcomes", "failed"),
    [
        ("setup a\npassed a\nteardown a\nsetup b\npassed b\nteardown b\n", set()),
        ("setup a\nfailed a\nteardown a\nsetup b\npassed b\nteardown b\n", {"a"}),
        ("setup a\nfailed a\nteardown a\nsetup b\n", {"a", "b"}),  # the process ended within b
        ("setup a\npassed a\nteardown a\n", {"b"}),  # or as b began
        ("", {"a"}),
    ],
)
def test_a_file_fails_that_fails_or_ends_the_process(outcomes: str, failed: set[str]) -> None:
    assert failures(outcomes, ["a", "b"]) == failed


@pytest.mark.parametrize(
    ("code", "ends"),
    [
        pytest.param(
            "for n in range(4): print(n, file=sign, flush=True); sleep(0.4)", True, id="on"
        ),
        ("print(1, file=sign, flush=True); sleep(600)", False),
    ],
    ids=["goes on", "stuck"],
)
def test_what_no_longer_says_anything_is_ended(tmp_path: Path, code: str, ends: bool) -> None:
    head = "from time import sleep\nsign = open('sign', 'w')\nprint('begun', flush=True)\n"
    done = Python(tmp_path).watched(tmp_path, tmp_path / "sign", 3, "-c", head + code)
    assert done.stdout == "begun\n"
    assert (done.returncode == 0) is ends


CHILD = """\
import subprocess, sys
own = b"x" * 40_000_000
subprocess.run([sys.executable, "-c", "import time; x = b'x' * 60_000_000; time.sleep(1)"])
"""


# In a process of its own: other tests may have left some running below this one.
MEMORY = """\
import subprocess, sys
from bench.memory import peak
print(peak(lambda: subprocess.run([sys.executable, "-c", sys.argv[1]], check=True)))
"""


def test_the_memory_of_all_processes_below_is_added_up() -> None:
    command = [sys.executable, "-c", MEMORY, CHILD]
    settings = os.environ | {"PYTHONPATH": str(Path(__file__).parent)}
    done = subprocess.run(command, env=settings, capture_output=True, text=True, check=True)
    megabytes = float(done.stdout)
    # Only Linux says what processes share.
    assert 100 < megabytes < 200 if MEASURABLE else megabytes == 0
