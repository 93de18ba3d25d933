"""`make html` as people run it: on a copy of this project that has one claim and few rows."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
CLAIM = "tensors/item-assignment"
FAMILY = "devices"
INDEX = "# Home\n\n```{toctree}\ntensors\nsources\n```\n"
# What is made of a claim besides its page, and of all words.
OF_THE_CLAIM = {
    "tensors.md",
    "item-assignment-pytorch.py",
    "item-assignment-pytorch.ipynb",
    "item-assignment.ipynb",
}
INDEXES = {"searchindex.js", "search-index.js"}
PAGE = f"(axis-tensors)=\n# Tensors\n\n```{{claim}} {CLAIM}\n```\n"


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a small copy of the project, at a path with a space, whose site is built."""
    project = tmp_path_factory.mktemp("make") / "a checkout"
    without = shutil.ignore_patterns(".*", "_build", "__pycache__", "tests")
    shutil.copytree(ROOT, project, ignore=without)
    (project / ".venv").symlink_to(sys.prefix)
    for folder in (project / "snippets").glob("[!_]*/*/"):
        if not folder.samefile(project / "snippets" / CLAIM):
            shutil.rmtree(folder)
    for family in (project / "snippets" / "_api").glob("*.toml"):
        if family.stem not in (FAMILY, "accounted"):
            family.unlink()
    for page in (project / "docs").rglob("*.md"):
        if page.name != "sources.md":
            page.unlink()
    (project / "docs" / "index.md").write_text(INDEX)
    (project / "docs" / "tensors.md").write_text(PAGE)
    done = make(project)
    assert done.returncode == 0, done.stdout + done.stderr
    return project


def make(project: Path) -> subprocess.CompletedProcess[str]:
    """Run `make html` in ``project`` with the environment of these tests, taken as ready."""
    # These tests may run under `make test ARGS=...`, which make hands down to this one.
    outside = {name: value for name, value in os.environ.items() if "MAKE" not in name}
    return subprocess.run(
        ["make", "html", "ARGS=", "-o", ".venv/.ready"],
        cwd=project,
        env=outside,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def project(built: Path, tmp_path: Path) -> Path:
    """Return a copy of the built project of the test's own."""
    return Path(shutil.copytree(built, tmp_path / "another checkout", symlinks=True))


def published(project: Path) -> dict[str, tuple[int, bytes]]:
    """Return time and content of every file of the published site."""
    files = (path for path in (project / "_build" / "html").rglob("*") if path.is_file())
    return {path.name: (path.stat().st_mtime_ns, path.read_bytes()) for path in files}


def test_the_page_shows_the_claim_with_its_evidence(built: Path) -> None:
    text = (built / "_build" / "html" / "tensors.html").read_text()
    assert 'id="tensors-item-assignment"' in text
    assert text.count("Proven") == 1


def test_nothing_runs_and_nothing_is_published_when_nothing_changed(project: Path) -> None:
    make(project)  # the copy is at another place, of which Sphinx takes note
    before = published(project)
    done = make(project)
    assert "every snippet file, and every row, has evidence already" in done.stdout
    assert published(project) == before


def test_a_changed_snippet_alone_runs_and_its_page_alone_is_published(project: Path) -> None:
    make(project)
    before = published(project)
    snippet = project / "snippets" / CLAIM / "pytorch.md"
    snippet.write_text(snippet.read_text().replace("The view", "That view"))
    done = make(project)
    assert "1 files ran" in done.stdout
    changed = {name for name, file in published(project).items() if file != before[name]}
    assert {name for name in changed if name.endswith(".html")} == {"tensors.html"}
    assert changed - {"tensors.html", *INDEXES} == OF_THE_CLAIM | {"claims.json"}


def test_wrong_output_fails_with_its_place_and_publishes_nothing(project: Path) -> None:
    before = published(project)
    snippet = project / "snippets" / CLAIM / "pytorch.md"
    snippet.write_text(snippet.read_text().replace("2, 10,  4]", "3, 10,  4]", 1))
    for _ in range(2):  # nor does trying again
        done = make(project)
        assert done.returncode != 0
        assert f"snippets/{CLAIM}/pytorch.md:6" in done.stdout
        assert published(project) == before


def test_a_broken_page_fails_twice_and_publishes_nothing(project: Path) -> None:
    before = published(project)
    page = project / "docs" / "tensors.md"
    page.write_text(f"{PAGE}\n[nowhere](#nowhere)\n")
    for _ in range(2):  # Sphinx warns only of pages that it reads
        done = make(project)
        assert done.returncode != 0
        assert "tensors.md" in done.stderr
        assert published(project) == before
