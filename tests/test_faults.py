"""Faults of the machine: afterwards the next run succeeds, and nothing is lost or wrong."""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from harnessing import (
    ANY_TAB,
    HERE,
    ROOT,
    command,
    one_tab,
    quick_project,
    recorded,
    run,
    surroundings,
)
from helpers import snippet
from sites import CONF, Site

from snippets._harness import evidence as ev

GOOD = snippet(">>> 1 + 1\n2")
TRIALS = int(os.environ.get("KILLS", "5"))
# Runs a script as root of a namespace of its own, where it may mount; $1 is the folder that
# evidence is kept in, the further arguments run the harness.
MOUNTING = ("unshare", "--user", "--map-root-user", "--mount", "sh", "-c")


def killing(kind: str, project: Path) -> str:
    """Return what killing a command of ours at random moments came to."""
    done = subprocess.run(
        [sys.executable, HERE / "killing.py", kind, project, str(TRIALS)],
        env=os.environ | {"PYTHONPATH": f"{ROOT}:{ROOT / 'docs' / '_ext'}:{HERE}"},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout + done.stderr[-2_000:]


def test_verification_killed_at_random_moments_loses_nothing(quick: Path) -> None:
    for number in range(12):
        one_tab(quick, f"a/number-{number}", GOOD)
    assert killing("verify", quick) == f"{TRIALS} trials, 0 losses\n"


def test_builds_killed_at_random_moments_publish_nothing_false_or_stale(tmp_path: Path) -> None:
    site = Site(tmp_path / "project")
    for claim in ("sums/one-and-one", "sums/two", "graphs/three"):
        site.add(claim)
    (site.docs / "conf.py").unlink()
    conf = CONF.replace('["claims", ', '["navigation", "claims", ')
    (site.root / "conf.py").write_text(conf)
    assert killing("build", site.root) == f"{TRIALS} trials, 0 losses\n"


def in_namespace(project: Path, script: str) -> str:
    """Return what a script printed that runs the harness as ``"$@"`` and may mount things."""
    done = subprocess.run(
        [*MOUNTING, script, "sh", str(project / ev.FOLDER), *command(project)],
        **surroundings(project),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=120,
        check=False,
    )
    return done.stdout


def test_a_full_disk_fails_the_files_and_the_next_run_succeeds(quick: Path) -> None:
    long = "x" * 60
    for number in range(8):
        one_tab(quick, f"a/{long}-{number}", snippet(f">>> x = '{long}'\n>>> 1 + 1\n3"))
    one_tab(quick, "b/good", GOOD)
    (quick / ev.FOLDER).mkdir(parents=True)
    for number in range(8):  # so that all of them pass, once there is room
        file = quick / "snippets" / "a" / f"{long}-{number}" / f"{ANY_TAB}.md"
        file.write_text(file.read_text().replace("\n3\n", "\n2\n"))
    said = in_namespace(
        quick,
        'folder="$1"; shift; mount -t tmpfs -o size=12k none "$folder"; "$@"; '
        'echo ROOM; mount -o remount,size=10m "$folder"; "$@"; find "$folder" -type f',
    )
    full, _, room = said.partition("ROOM")
    assert "The evidence cannot be written: [Errno 28] No space left on device" in full
    assert "failed" in full
    assert "Traceback" not in said
    assert "failed" not in room
    assert room.count(".json") == 9
    assert ".partial" not in room


def test_a_read_only_tree_fails_the_files_and_says_why(quick: Path) -> None:
    one_tab(quick, "a/good", GOOD)
    (quick / ev.FOLDER).mkdir(parents=True)
    said = in_namespace(quick, 'folder="$1"; shift; mount --bind -o ro "$folder" "$folder"; "$@"')
    assert "The evidence cannot be written: [Errno 30] Read-only file system" in said
    assert "Traceback" not in said
    assert not recorded(quick)
    assert run(quick).code == 0


def test_two_runs_at_once_in_one_checkout_both_succeed(quick: Path) -> None:
    for number in range(6):
        one_tab(quick, f"a/number-{number}", GOOD)
    with ThreadPoolExecutor() as pool:
        for done in pool.map(lambda _: run(quick, "snippets", "--fresh"), range(2)):
            assert "6 passed" in done.output
    assert {e["outcome"] for e in recorded(quick).values()} == {"passed"}
    assert len(recorded(quick)) == 6


def test_a_clock_that_was_set_back_makes_no_difference(quick: Path) -> None:
    one_tab(quick, "a/good", GOOD)
    run(quick)
    file = quick / "snippets" / "a" / "good" / f"{ANY_TAB}.md"
    (path,) = (quick / ev.FOLDER).rglob("*.json")
    path.write_text(path.read_text().replace('"time": "20', '"time": "29'))  # from the future
    assert "0 files ran, 1 had evidence already" in run(quick).output
    file.write_text(snippet(">>> 1 + 1\n3"))
    os.utime(file, (1, 1))  # edited, and older than what is recorded
    done = run(quick)
    assert done.code == 1
    assert done.evidence(f"a/good/{ANY_TAB}")["outcome"] == "failed"


@pytest.mark.parametrize(
    "variables",
    [
        pytest.param({"TZ": "Pacific/Kiritimati"}, id="far time zone"),
        pytest.param({"LANG": "C", "LC_ALL": "C"}, id="no language"),
        pytest.param({"LC_ALL": "tr_TR.UTF-8"}, id="Turkish"),
        pytest.param({"USER": "Ann Other", "LOGNAME": "Ann Other"}, id="user with a space"),
        pytest.param({"HOME": "/dev/null/home"}, id="no home"),
        pytest.param({"PYTHONHASHSEED": "7", "OMP_NUM_THREADS": "3"}, id="settings of Python"),
    ],
)
def test_the_surroundings_make_no_difference(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variables: dict[str, str]
) -> None:
    project = quick_project(tmp_path / "un répertoire à moi 雪")
    code = (
        ">>> import os, time\n"
        ">>> os.environ['TZ'], os.environ['LANG'], time.strftime('%z')\n"
        "('UTC', 'C.UTF-8', '+0000')\n"
        ">>> open('ÿ', 'w').write('snö ☃')\n5\n"
        ">>> 'I'.lower(), hash('x') == hash('x'), os.environ.get('USER')\n"
        "('i', True, None)"
    )
    one_tab(project, "a/good", snippet(code))
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    around = surroundings(project)
    done = subprocess.run(
        command(project),
        **(around | {"env": around["env"] | variables}),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
