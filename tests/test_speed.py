"""The comparison of speed: the rule that figures are held to, and a run from start to end."""

import json
import math
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from snippets._speed import __main__ as command
from snippets._speed import report, results, run
from snippets._speed.cases import CASES
from snippets._speed.results import Case, Mode, Results, ResultsError

ROOT = Path(__file__).parents[1]

# Cases in which something is wrong, and one beside them in which nothing is.
MADE_UP = """\
import os
import numpy as np
from snippets._speed.cases.case import Commands, Fresh, Mode, Timed

def mode(result):
    return lambda: Mode(lambda: result)

def refuse():
    raise NotImplementedError("no such kernel\\nin /somewhere/else.py")

def timed(name, tensorflow, pytorch, **more):
    sides = {
        "tensorflow": lambda side, arrays: tensorflow(side.tensor(arrays["x"])),
        "pytorch": lambda side, arrays: pytorch(side.tensor(arrays["x"])),
    }
    inputs = lambda: {"x": np.float32([1, 2, 3])}
    return Timed(name, "Made up.", inputs=inputs, sides=sides, **more)

CHECKS = {"a": 1.0, "b": 1.0, "c": 2.0}

def fresh(name, *modes):
    measure = lambda side, mode: {"took": 1.5, "steady": 0.5, "check": CHECKS[mode]}
    return Fresh(name, "Made up.", unit="s", rounds=1, modes=dict.fromkeys(modes, "pytorch"),
                 measure=measure, value="took", process="new")

CASES = {case.name: case for case in (
    timed("made/differs", lambda x: {"T": mode(x + 1)}, lambda x: {"P": mode(x + 1.01)}),
    timed("made/alike-but-wrong", lambda x: {"T": mode(x + 1)}, lambda x: {"P": mode(x + 1)},
          expected=lambda x: x + 2),
    timed("made/diverges", lambda x: {"T": mode(x / 0)}, lambda x: {"P": mode(x)}),
    timed("made/refuses", lambda x: {"T": mode(x), "U": refuse}, lambda x: {"P": mode(x)},
          unit="samples/s", samples=3),
    timed("made/crashes", lambda x: {"T": mode(x)}, lambda x: {"P": lambda: os._exit(9)}),
    timed("made/after-a-crash", lambda x: {"T": mode(x)}, lambda x: {"P": mode(x)}),
    fresh("new/alike", "a", "b"),
    fresh("new/differs", "a", "c"),
    Commands("start/process", "Made up.", unit="s",
             modes={"good": "none", "bad": "none"},
             arguments={"good": ("-c", "pass"), "bad": ("-c", "raise SystemExit('no')")}),
)}
"""


def case(unit: str = "s per call", **values: tuple[float, ...]) -> Case:
    """Return a case with a mode per keyword."""
    return Case("Made up.", unit, {name: Mode("none", given) for name, given in values.items()})


def made(**cases: Case) -> Results:
    return Results(
        {"cpu": "Abacus"}, "cpu", 2, "2026-11-29T00:00:00+00:00", {"numpy": "2"}, 3, cases
    )


def run_command(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the comparison as a user does; tests may put modules into ``folder``."""
    return subprocess.run(
        [sys.executable, "-m", "snippets._speed", *arguments],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(folder), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )


# ---------------------------------------------------------------- what a ratio says


def test_twice_as_fast_is_two_and_faster() -> None:
    found = results.ratio(case(a=(1.0, 1.1, 0.9), b=(2.0, 2.2, 1.8)), "a", "b")
    assert (found.lower, found.median, found.upper) == pytest.approx((2, 2, 2))
    assert found.verdict == "faster"


def test_the_other_way_round_it_is_slower() -> None:
    found = results.ratio(case(a=(1.0, 1.1, 0.9), b=(2.0, 2.2, 1.8)), "b", "a")
    assert found.median == pytest.approx(0.5)
    assert found.verdict == "slower"


def test_more_samples_per_second_are_faster() -> None:
    found = results.ratio(case("samples/s", a=(90.0, 100.0, 95.0), b=(30.0, 31.0, 32.0)), "a", "b")
    assert found.median == pytest.approx(3, rel=0.1)
    assert found.verdict == "faster"


def test_less_memory_is_smaller() -> None:
    found = results.ratio(case("MB", a=(100.0, 100.0, 101.0), b=(300.0, 300.0, 301.0)), "a", "b")
    assert found.verdict == "smaller"
    assert results.ratio(case("MB", a=(2.0,) * 3, b=(1.0,) * 3), "a", "b").verdict == "larger"


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ((1.0, 1.0, 3.0, 3.0), (2.0, 2.0, 2.0, 2.0)),  # now faster, now slower
        ((1.0, 1.0, 1.0), (1.0, 1.0, 1.0)),
        # Always faster by a tenth, but both change by more than that from round to round.
        ((1.0, 2.0, 3.0, 4.0), (1.1, 2.2, 3.3, 4.4)),
        ((1.0, 1.0), (9.0, 9.0)),  # twice is chance
    ],
    ids=["quartiles on both sides of 1", "equal", "within the spread", "two rounds"],
)
def test_a_difference_within_the_spread_says_neither(
    a: tuple[float, ...], b: tuple[float, ...]
) -> None:
    assert results.ratio(case(a=a, b=b), "a", "b").verdict == "neither"


def test_rounds_are_compared_within_themselves() -> None:
    a, b = (1.0, 10.0, 100.0), (2.0, 20.0, 200.0)
    found = results.ratio(case(a=a, b=b), "a", "b")
    assert (found.lower, found.upper) == (2, 2)


def test_what_was_not_measured_has_no_ratio() -> None:
    given = Case("Made up.", "s", {"a": Mode("none", (1.0,))}, {"b": "no such kernel"})
    with pytest.raises(ResultsError, match="no figures of 'b': no such kernel"):
        results.ratio(given, "a", "b")


def test_compiling_pays_off_once_it_has_saved_what_it_cost() -> None:
    slow = Mode("none", (1.0, 1.0, 5.0), steady=(1.0, 1.0, 1.0))
    compiled = Mode("none", (11.0, 11.0, 4.0), steady=(0.5, 1.0, 2.0))
    given = Case("Made up.", "s", {"eager": slow, "compiled": compiled})
    # 11 + 20 * 0.5 is what 21 calls of 1 s take; the second gains nothing, the third at once.
    assert results.break_even(given, "compiled", "eager") == (21, math.inf, 1)
    with pytest.raises(ResultsError, match="no times of later calls"):
        results.break_even(case(a=(1.0,), b=(1.0,)), "a", "b")


# ---------------------------------------------------------------- the file


def test_a_file_gives_back_what_was_written(tmp_path: Path) -> None:
    mode = Mode("pytorch", (1.0, 2.0), 0.5, (0.1, 0.2))
    written = made(
        one=Case("Made up.", "s", {"a": mode}, {"b": "no"}), two=Case("x", "MB", error="e")
    )
    path = tmp_path / "results.json"
    path.write_text(results.dump(written))
    assert results.load(path) == written


def changed(change: Callable[[Any], object]) -> bytes:
    given = json.loads(results.dump(made(one=case(a=(1.0, 2.0), b=(1.0, 2.0)))))
    change(given)
    return json.dumps(given).encode()


def sound(given: Any) -> Any:
    return given["cases"]["one"]


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (None, "No such file"),
        (b"{", "not JSON"),
        (b"\xff", "not JSON"),
        (b"[]", "top: there should be an object, not []"),
        (changed(lambda r: r.pop("cases")), "cases: there should be an object, not None"),
        (changed(lambda r: r.update(threads="2")), "threads: there should be a number, not '2'"),
        (changed(lambda r: r["versions"].update(numpy=2)), "versions.numpy: there should be text"),
        (changed(lambda r: sound(r).update(unit="h")), "cases.one.unit: there should be one of s "),
        (
            changed(lambda r: sound(r)["modes"]["a"].update(framework="jax")),
            "cases.one.modes.a.framework: there should be one of tensorflow, pytorch, none",
        ),
        (
            changed(lambda r: sound(r)["modes"]["a"].update(values=[1, -1])),
            "cases.one.modes.a.values: there should be positive numbers, not [1, -1]",
        ),
        (
            changed(lambda r: sound(r)["modes"]["a"].update(values=[1])),
            "cases.one.modes: there should be as many values in each",
        ),
        (
            changed(lambda r: sound(r)["modes"]["a"].update(steady=[1])),
            "cases.one.modes.a.steady: there should be 2 positive numbers",
        ),
    ],
    ids=range(12),
)
def test_a_file_that_is_none_is_told_apart(tmp_path: Path, data: bytes | None, says: str) -> None:
    path = tmp_path / "results.json"
    if data is not None:
        path.write_bytes(data)
    with pytest.raises(ResultsError) as raised:
        results.load(path)
    assert str(raised.value).startswith(f"{path}: ")
    assert says in str(raised.value)


# ---------------------------------------------------------------- equal results


@pytest.mark.parametrize(
    ("got", "wanted", "same"),
    [
        ([1.0, 100.0], [1.0005, 100.0], True),  # small beside the largest
        ([1.0, 100.0], [1.0, 100.2], False),
        ([1.0, math.nan], [1.0, 2.0], False),
        ([1.0], [1.0, 2.0], False),
        ([[1.0]], [1.0], False),
    ],
)
def test_results_are_held_against_the_largest_number(got: Any, wanted: Any, same: bool) -> None:
    problem = run.deviation([np.array(got)], [np.array(wanted)], tolerance=1e-3)
    assert (problem is None) is same


def test_a_result_that_is_left_out_is_noticed() -> None:
    assert run.deviation([np.ones(2)], [np.ones(2)] * 2, tolerance=1)


# ---------------------------------------------------------------- from start to end


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> tuple[Results, int]:
    """Return what a run of the made-up cases gives, and its exit code."""
    folder = tmp_path_factory.mktemp("made-up")
    (folder / "made_up.py").write_text(MADE_UP)
    output = folder / "results.json"
    ran = run_command(folder, "--quick", "--cases", "made_up", "--output", str(output))
    assert output.exists(), ran.stderr
    return results.load(output), ran.returncode


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("made/differs", "P and T differ: result 0 by 0.01 where numbers reach 4"),
        ("made/alike-but-wrong", "T and NumPy in float64 differ"),
        ("new/differs", "c and a differ"),
        ("made/crashes", "the pytorch worker ended with 9"),
    ],
)
def test_what_is_not_the_same_gets_an_error_and_no_figures(
    measured: tuple[Results, int], name: str, says: str
) -> None:
    found, code = measured
    assert says in str(found.cases[name].error)
    assert not found.cases[name].modes
    assert code == 1


@pytest.mark.parametrize("name", ["made/refuses", "made/after-a-crash", "new/alike"])
def test_the_others_are_measured(measured: tuple[Results, int], name: str) -> None:
    found = measured[0].cases[name]
    assert found.error is None
    assert len(found.modes) == 2


def test_a_mode_that_fails_is_left_out_with_its_reason(measured: tuple[Results, int]) -> None:
    cases = measured[0].cases
    assert cases["made/refuses"].not_measured == {"U": "NotImplementedError: no such kernel"}
    assert cases["made/diverges"].not_measured == {"T": "ValueError: the result became inf"}
    assert "no" in cases["start/process"].not_measured["bad"]
    assert set(cases["start/process"].modes) == {"good"}


def test_a_case_of_the_suite_runs_through_both_frameworks(tmp_path: Path) -> None:
    output = tmp_path / "results.json"
    ran = run_command(tmp_path, "--quick", "--only", "op/reshape", "--output", str(output))
    assert ran.returncode == 0, ran.stderr
    found = results.load(output)
    [(name, one)] = found.cases.items()
    assert name == "op/reshape"
    assert not one.not_measured
    assert {mode.framework for mode in one.modes.values()} == {"tensorflow", "pytorch"}
    assert {len(mode.values) for mode in one.modes.values()} == {found.rounds} == {2}
    assert found.versions["torch"]
    assert str(Path.home()) not in output.read_text()
    assert "op/reshape" in ran.stdout


# ---------------------------------------------------------------- the command line


@pytest.mark.parametrize(
    ("word", "meant"), [("matmull", "matmul"), ("step/cn", "step/cnn"), ("op/inde", "op/index")]
)
def test_an_unknown_case_is_told_with_what_is_meant(
    capsys: pytest.CaptureFixture[str], word: str, meant: str
) -> None:
    assert command.main(["--only", word]) == 2
    assert f"no case {word!r}: did you mean {meant!r}?" in capsys.readouterr().err


def test_no_threads_are_too_few(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        command.main(["--threads", "0"])
    assert "there has to be one at least" in capsys.readouterr().err


def test_a_report_of_no_file_says_so(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert command.main(["report", str(tmp_path / "none.json")]) == 1
    assert "none.json: No such file" in capsys.readouterr().err


def test_the_report_has_medians_ratios_and_reasons(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    given = case(**{"TensorFlow eager": (4e-3,) * 3, "PyTorch eager": (2e-3,) * 3})
    given.not_measured["torch.compile"] = "no compiler"
    path = tmp_path / "results.json"
    path.write_text(results.dump(made(one=given, two=Case("x", "MB", error="a and b differ"))))
    assert command.main(["report", str(path)]) == 0
    lines = capsys.readouterr().out.splitlines()
    [tensorflow] = [line for line in lines if "TensorFlow eager" in line]
    assert "4 ms [4, 4]" in tensorflow
    assert "0.5x [0.5, 0.5] slower" in tensorflow
    assert any("not measured: no compiler" in line for line in lines)
    assert any("ERROR: a and b differ" in line for line in lines)


def test_the_report_says_when_compiling_pays_off() -> None:
    modes = {
        "PyTorch eager": Mode("pytorch", (1.0,), steady=(1.0,)),
        "torch.compile": Mode("pytorch", (11.0,), steady=(0.5,)),
    }
    text = "\n".join(report.lines(made(one=Case("Made up.", "s", modes))))
    assert "later 500 ms; pays off after 21 calls" in text


def test_every_case_belongs_to_a_group_and_has_a_known_unit() -> None:
    for name, one in CASES.items():
        assert name.count("/") == 1
        assert one.unit in results.UNITS
        assert (one.unit == "samples/s") is bool(getattr(one, "samples", 0))


def test_the_committed_results_are_of_all_cases_that_there_are() -> None:
    files = [*results.FOLDER.glob("*.json")]
    assert [set(results.load(path).cases) for path in files] == [set(CASES)] * len(files)
    assert results.FOLDER / "cpu-2-threads.json" in files  # which claims and the page are about
