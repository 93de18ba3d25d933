"""Processes that read and write pages leave alone what they inherit."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
CONF = """\
import gc, os
from pathlib import Path

project = "Test"
extensions = ["forking"]
html_theme = "basic"
MAIN = os.getpid()

def note(app, *what):
    where = "main" if os.getpid() == MAIN else "forked"
    with open(Path(app.confdir, "noted"), "a") as file:
        done = what[0] if isinstance(what[0], str) else "read"
        print(done, where, gc.get_freeze_count() > 10_000, file=file)

def setup(app):
    app.connect("doctree-read", note)
    app.connect("html-page-context", lambda app, page, *_: note(app, "written"))
"""
PAGES = 8


@pytest.mark.parametrize(
    ("jobs", "read", "written"),
    [
        ("2", "read forked True", "written forked True"),
        ("1", "read main False", "written main False"),
    ],
    ids=["two processes", "one"],
)
def test_what_is_inherited_is_frozen_where_processes_fork(
    tmp_path: Path, jobs: str, read: str, written: str
) -> None:
    (tmp_path / "conf.py").write_text(CONF)
    for number in range(1, PAGES):
        (tmp_path / f"page-{number}.rst").write_text(":orphan:\n\nPage\n====\n")
    (tmp_path / "index.rst").write_text("Home\n====\n")
    subprocess.run(
        [sys.executable, "-m", "sphinx", "-q", "-W", "-j", jobs, tmp_path, tmp_path / "out"],
        env=os.environ | {"PYTHONPATH": str(ROOT / "docs" / "_ext")},
        check=True,
    )
    noted = (tmp_path / "noted").read_text().splitlines()
    assert noted.count(read) == PAGES
    assert noted.count(written) >= PAGES - 1  # one is written before any process forks
