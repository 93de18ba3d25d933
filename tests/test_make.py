"""`make` as people run it: on a copy of this project that has one claim and few rows."""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from urllib.parse import unquote

import pytest
from bs4 import BeautifulSoup, Tag
from sites import text_of

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
# Needs no framework: importing them, time and again, would take most of the time of these tests.
SNIPPET = """\
The view shares the memory:

```python
>>> memory = [1, 2, 4]
>>> view = memory
>>> memory[:2] = 2, 10
>>> view  # doctest: +NORMALIZE_WHITESPACE
[2, 10,  4]
```
"""
PAGE = f"(axis-tensors)=\n# Tensors\n\n```{{claim}} {CLAIM}\n```\n"


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a small copy of the project, at a path that make splits, whose site is built."""
    project = tmp_path_factory.mktemp("make") / "un répertoire à moi"
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
    for tab in ("tensorflow", "pytorch"):
        (project / "snippets" / CLAIM / f"{tab}.md").write_text(SNIPPET)
    with (project / "snippets" / "_harness" / "frameworks.py").open("a") as file:
        file.write("\nPRELOADS |= dict.fromkeys(('tensorflow', 'torch'), Preload(()))\n")
    (project / "docs" / "index.md").write_text(INDEX)
    (project / "docs" / "tensors.md").write_text(PAGE)
    done = make(project)
    assert done.returncode == 0, done.stdout + done.stderr
    return project


def make(
    project: Path, *arguments: str, env: dict[str, str | None] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run make in ``project`` with the environment of these tests, taken as ready."""
    return subprocess.run(
        command(*arguments),
        cwd=project,
        env=outside(env),
        capture_output=True,
        text=True,
        check=False,
    )


def command(*arguments: str) -> list[str]:
    return ["make", *(arguments or ["html"]), "ARGS=", "-o", ".venv/.ready"]


def outside(changes: dict[str, str | None] | None = None) -> dict[str, str]:
    """Return the environment without what a `make test ARGS=...` around us hands down."""
    variables = {name: value for name, value in os.environ.items() if "MAKE" not in name}
    changed = variables | (changes or {})
    return {name: value for name, value in changed.items() if value is not None}


@pytest.fixture
def project(built: Path, tmp_path: Path) -> Path:
    """Return a copy of the built project of the test's own."""
    return Path(
        shutil.copytree(built, tmp_path / "ein anderes Verzeichnis für mich", symlinks=True)
    )


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
        assert f"snippets/{CLAIM}/pytorch.md:7" in done.stdout
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


def test_two_at_once_build_one_after_the_other(project: Path) -> None:
    started = [
        subprocess.Popen(
            command(),
            cwd=project,
            env=outside(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for _ in range(2)
    ]
    said = [process.communicate()[0] for process in started]
    assert [process.returncode for process in started] == [0, 0], said
    assert sum("waiting for another make" in text for text in said) == 1, said
    assert "tensors-item-assignment" in (project / "_build" / "html" / "tensors.html").read_text()


def test_neither_a_home_nor_a_short_user_name_is_needed(project: Path) -> None:
    snippet = project / "snippets" / CLAIM / "pytorch.md"
    snippet.write_text(snippet.read_text().replace("The view", "That view"))
    done = make(project, env={"HOME": None, "USER": "Ann Other", "LOGNAME": "Ann Other"})
    assert done.returncode == 0, done.stdout + done.stderr
    assert "1 files ran" in done.stdout


def address(text: str) -> str:
    """Return the path and the anchor that `make check CLAIM=` says to open."""
    return unquote(text.split("open file://")[1].strip())


def test_one_claim_is_checked_and_shown(project: Path) -> None:
    done = make(project, "check", f"CLAIM=snippets/{CLAIM}/")  # as a shell completes it
    assert done.returncode == 0, done.stdout + done.stderr
    page, anchor = address(done.stdout).split("#")
    shown = BeautifulSoup(Path(page).read_text(), "html.parser").find(id=anchor)
    assert isinstance(shown, Tag)
    assert "Proven" in text_of(shown)


def test_a_checked_page_links_to_the_site_and_finds_what_is_not_there(project: Path) -> None:
    record = project / "snippets" / "record.toml"
    record.write_text(record.read_text().replace("[anchors]", '[anchors]\nelsewhere = ["graphs"]'))
    statement = project / "snippets" / CLAIM / "claim.md"
    sound = statement.read_text()
    statement.write_text(f"{sound.rstrip()} See [more](#elsewhere).\n")
    done = make(project, "check", f"CLAIM={CLAIM}")
    assert done.returncode == 0, done.stdout + done.stderr
    page = Path(address(done.stdout).split("#")[0])
    assert 'href="../html/graphs.html#elsewhere"' in page.read_text()
    statement.write_text(f"{sound.rstrip()} See [more](#nowhere).\n")
    done = make(project, "check", f"CLAIM={CLAIM}")
    assert done.returncode != 0
    assert f"snippets/{CLAIM}/claim.md:" in done.stderr
    assert "nowhere" in done.stderr
    assert not page.exists()


def test_a_claim_that_fails_says_where_and_shows_no_page(project: Path) -> None:
    make(project, "check", f"CLAIM={CLAIM}")
    page = project / "_build" / "preview" / "tensors.html"
    assert page.exists()
    snippet = project / "snippets" / CLAIM / "pytorch.md"
    snippet.write_text(snippet.read_text().replace("2, 10,  4]", "3, 10,  4]", 1))
    done = make(project, "check", f"CLAIM={CLAIM}")
    assert done.returncode != 0
    assert f"snippets/{CLAIM}/pytorch.md:7" in done.stdout
    assert not page.exists()


def test_evidence_that_others_of_the_page_lack_is_no_mistake_of_the_claim(project: Path) -> None:
    other = project / "snippets" / "tensors" / "other"
    shutil.copytree(project / "snippets" / CLAIM, other)
    with (project / "docs" / "tensors.md").open("a") as page:
        page.write("\n```{claim} tensors/other\n```\n")
    done = make(project, "check", f"CLAIM={CLAIM}")
    assert done.returncode == 0, done.stdout + done.stderr
    text = (project / "_build" / "preview" / "tensors.html").read_text()
    assert text.count("Proven") == 1


# ---------------------------------------------------------------- installing


# Stands in for Python, pip and npm: says what it did in `log`, and is killed, with the make that
# started it, where a file `cut-...` asks for that; or fails, at `fail-...`.
STUB = """\
#!/usr/bin/env python3
import os, shutil, signal, sys
from pathlib import Path

def note(what):
    with open("log", "a") as log:
        print(what, file=log)
    for end in ("cut", "fail"):
        asked = Path(f"{end}-{what}")
        if asked.exists():
            asked.unlink()
            os.killpg(0, signal.SIGKILL) if end == "cut" else sys.exit(1)

match [Path(sys.argv[0]).name, *sys.argv[1:]]:
    case ["npm", *_]:
        note("npm")
    case [_, "-m", "venv", folder]:
        for name in ("python", "npm"):
            Path(folder, "bin").mkdir(exist_ok=True)
            shutil.copy(__file__, Path(folder, "bin", name))
        note("venv")
        Path(folder, "bin", "pip").touch()  # the last that venv does
    case [_, "-m", "pip", *arguments]:
        if not Path(".venv/bin/pip").exists():
            sys.exit("No module named pip")
        if "all" in arguments:
            Path(".venv/half").touch()
            note("pip")
            Path(".venv/half").rename(".venv/whole")
    case [_, "-m", "snippets._harness", *_]:
        note("used")
    case [_, *arguments]:
        os.execv(sys.executable, [sys.executable, *arguments])
"""


@pytest.fixture
def bare(tmp_path: Path) -> Path:
    """Return what an installation reads, and a stand-in for Python, at a path with blanks."""
    folder = tmp_path / "un répertoire à moi"
    shutil.copytree(ROOT / ".ci" / "node", folder / ".ci" / "node")
    (folder / "snippets" / "_harness").mkdir(parents=True)
    for name in ("alone.py", "__init__.py"):
        shutil.copy(ROOT / "snippets" / "_harness" / name, folder / "snippets" / "_harness")
    for name in ("Makefile", "pyproject.toml", ".ci/constraints.txt"):
        shutil.copy(ROOT / name, folder / name)
    (folder / "stub").write_text(STUB)
    (folder / "stub").chmod(0o755)
    return folder


def installing(project: Path) -> subprocess.Popen[str]:
    """Start a make that installs first, apart from the tests, since the stub may kill it."""
    return subprocess.Popen(
        ["make", "record", "PYTHON=./stub"],
        cwd=project,
        env=outside(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def log_of(project: Path) -> list[str]:
    return (project / "log").read_text().split()


def test_what_is_installed_is_installed_once(bare: Path) -> None:
    for _ in range(2):
        process = installing(bare)
        assert process.wait() == 0, process.communicate()
    assert log_of(bare) == ["venv", "pip", "npm", "used", "used"]


@pytest.mark.parametrize("where", ["venv", "pip", "npm"])
def test_an_installation_cut_short_begins_anew(bare: Path, where: str) -> None:
    (bare / f"cut-{where}").touch()
    assert installing(bare).wait() != 0
    (bare / "log").unlink()
    process = installing(bare)
    said, _ = process.communicate()
    assert process.returncode == 0, said
    assert "cut short" in said
    assert log_of(bare) == ["venv", "pip", "npm", "used"]
    assert not (bare / ".venv" / "half").exists()


def test_an_update_cut_short_begins_anew(bare: Path) -> None:
    assert installing(bare).wait() == 0
    os.utime(bare / "pyproject.toml", (2**32, 2**32))  # any later time: newer than all else
    (bare / "cut-pip").touch()
    assert installing(bare).wait() != 0
    os.utime(bare / "pyproject.toml")
    process = installing(bare)
    assert "cut short" in process.communicate()[0]
    assert not (bare / ".venv" / "half").exists()


def test_an_environment_outlives_an_update_that_fails(bare: Path) -> None:
    assert installing(bare).wait() == 0
    os.utime(bare / "pyproject.toml", (2**32, 2**32))
    (bare / "fail-pip").touch()
    assert installing(bare).wait() != 0
    os.utime(bare / "pyproject.toml")
    assert installing(bare).wait() == 0
    assert log_of(bare).count("venv") == 1


def test_a_venv_that_fails_is_not_trusted(bare: Path) -> None:
    (bare / "fail-venv").touch()
    assert installing(bare).wait() != 0
    assert installing(bare).wait() == 0
    assert log_of(bare) == ["venv", "venv", "pip", "npm", "used"]


def test_two_at_once_install_once(bare: Path) -> None:
    started = [installing(bare) for _ in range(2)]
    said = [process.communicate()[0] for process in started]
    assert [process.returncode for process in started] == [0, 0], said
    assert sorted(log_of(bare)) == ["npm", "pip", "used", "used", "venv"]
