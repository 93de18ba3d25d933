"""What surrounds snippets: what is said where there are no walls, and what a second run finds."""

import random
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from harnessing import ANY_TAB, REFUSED, Run, one_tab, quick_project, run
from helpers import snippet

from snippets._harness import confine

GOOD = snippet(">>> 1 + 1\n2")
# Where strings go into a set depends on their hashes; with the seeds 0 and 1 these differ.
BY_HASH = ">>> ''.join({'a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'})\n"
WARNS = snippet(
    ">>> import warnings\n"
    ">>> warnings.warn('no harm')\n"
    ">>> warnings.warn('old() is deprecated,\\nuse new()')\n"
    ">>> warnings.warn('soon', FutureWarning)\n"
    ">>> 1 + 1\n2"
)


def test_a_run_without_walls_says_so_and_why(quick: Path) -> None:
    one_tab(quick, "a/good", GOOD)
    done = run(quick, within=REFUSED)
    assert done.code == 0, done.output
    assert "without walls around them (see SECURITY.md): [Errno 28] unshare" in done.output


def test_a_run_within_walls_says_nothing(quick: Path) -> None:
    one_tab(quick, "a/good", GOOD)
    assert "without walls" not in run(quick).output


@pytest.mark.parametrize("way", [(), ("--no-fork",)], ids=["forked", "fresh"])
def test_ci_runs_nothing_without_walls(quick: Path, way: tuple[str, ...]) -> None:
    one_tab(quick, "a/good", GOOD)
    done = run(quick, "snippets", *way, within=(*REFUSED, "env", "CI=true"))
    assert done.code == 1
    assert "CI runs nothing without walls around it" in done.output
    assert done.evidence(f"a/good/{ANY_TAB}")["outcome"] == "failed"


def test_the_walls_can_be_asked_for_from_the_command_line(tmp_path: Path) -> None:
    asked = [sys.executable, "-m", "snippets._harness.confine", str(tmp_path), sys.prefix]
    within = subprocess.run([*REFUSED, *asked], capture_output=True, text=True, check=True)
    assert "unshare" in within.stdout
    assert subprocess.run(asked, capture_output=True, text=True, check=True).stdout == ""


@pytest.fixture(scope="module")
def twice(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    """Return a run of files of which each runs with two hash seeds."""
    project = quick_project(tmp_path_factory.mktemp("twice") / "project")
    one_tab(project, "a/good", GOOD)
    first = run_of_hashes(project)
    one_tab(project, "a/hashes", snippet(f"{BY_HASH}{first}"))
    one_tab(
        project, "a/random", snippet(">>> import os\n>>> os.urandom(8) < bytes([255] * 8)\nTrue")
    )
    return run(project, "snippets", "--twice", "--fresh")


def run_of_hashes(project: Path) -> str:
    """Return what the example gives in an ordinary run."""
    one_tab(project, "b/finds-out", snippet(f"{BY_HASH}''"))
    (item,) = run(project, "snippets/b").items[f"b/finds-out/{ANY_TAB}"].values()
    return item.text.split("Got:\n    ")[1].splitlines()[0]


def test_a_file_that_depends_on_hashes_fails_alone(twice: Run) -> None:
    (item,) = twice.items[f"a/hashes/{ANY_TAB}"].values()
    assert item.outcome == "failed"
    assert "passed once, and failed when it ran again (hash seed 1)" in item.text
    assert twice.evidence(f"a/hashes/{ANY_TAB}")["outcome"] == "failed"


@pytest.mark.parametrize("claim", ["a/good", "a/random"])
def test_what_is_the_same_both_times_passes(twice: Run, claim: str) -> None:
    assert {item.outcome for item in twice.items[f"{claim}/{ANY_TAB}"].values()} == {"passed"}


def test_a_run_with_one_seed_is_the_same_each_time(quick: Path) -> None:
    first = run_of_hashes(quick)
    one_tab(quick, "a/hashes", snippet(f"{BY_HASH}{first}"))
    for _ in range(2):
        done = run(quick, "snippets/a", "--fresh")
        assert done.code == 0, done.output


def test_the_order_of_files_makes_no_difference(quick: Path) -> None:
    leaves = snippet(">>> import json, os\n>>> json.left = os.environ['LEFT'] = 'x'\n>>> 1 + 1\n2")
    finds = snippet(
        ">>> import json, os\n>>> hasattr(json, 'left'), 'LEFT' in os.environ\n(False, False)"
    )
    for number in range(4):
        one_tab(quick, f"a/leaves-{number}", leaves)
        one_tab(quick, f"a/finds-{number}", finds)
    files = sorted(map(str, (quick / "snippets").glob("a/*/pytorch.md")))
    for seed in range(3):
        random.Random(seed).shuffle(files)  # noqa: S311
        done = run(quick, *files, "--fresh", "--workers", "1")
        assert done.code == 0, done.output


def test_what_is_deprecated_is_recorded_with_its_line_and_nothing_else(quick: Path) -> None:
    one_tab(quick, "a/warns", WARNS)
    done = run(quick)
    assert done.code == 0, done.output
    assert done.evidence(f"a/warns/{ANY_TAB}")["deprecations"] == {
        "6": "old() is deprecated, use new()",
        "7": "soon",
    }


def test_what_tensorflow_logs_as_deprecated_is_recorded(quick: Path) -> None:
    code = (
        ">>> import logging\n"
        ">>> log = logging.getLogger('tensorflow')\n"
        ">>> log.warning('From <doctest a:1[0]>:1: f (from x) is deprecated')\n"
        ">>> log.warning('From /a b/c.py:12: h is deprecated')\n"
        ">>> log.warning('g is slow')\n"
        ">>> 1 + 1\n2"
    )
    one_tab(quick, "a/logs", snippet(code), "tensorflow")
    told = run(quick).evidence("a/logs/tensorflow")["deprecations"]
    assert told == {"6": "f (from x) is deprecated", "7": "h is deprecated"}


def test_limits_hold_for_what_a_snippet_starts(quick: Path) -> None:
    code = (
        ">>> import resource, subprocess, sys\n"
        ">>> ask = 'import resource as r; print(r.getrlimit(r.RLIMIT_DATA)[0])'\n"
        ">>> command = [sys.executable, '-c', ask]\n"
        f">>> int(subprocess.check_output(command))\n{confine.MEMORY}"
    )
    one_tab(quick, "a/starts", snippet(code))
    done = run(quick)
    assert done.code == 0, done.output
