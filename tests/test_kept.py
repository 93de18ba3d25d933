"""What one build read is known to the next, unless something was written since."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from helpers import claim_text, make_claim

ROOT = Path(__file__).parents[1]
NAME = "sums/one"
# Reads a claim and the names of rows in a process of its own, as each build is, and says which of
# the files it parsed for that.
READ = """
import sys, tomllib
from pathlib import Path
from snippets._harness import catalogue, frontmatter, kept
from snippets._harness.api import rows

project, digest = Path(sys.argv[1]), sys.argv[2]
parsed = []
read = frontmatter.read
frontmatter.read = lambda *given: parsed.append(1) or read(*given)
loads = tomllib.loads
kept.recall(project / "known", digest)
claim = catalogue.Catalogue(project).claim("sums/one")
rows.tomllib.loads = lambda *given: parsed.append(2) or loads(*given)
names = rows.names(project / "sums.toml")
kept.keep(project / "known", digest)
front = claim.front
print(front.title, len(claim.snippets), dict(front.agree), "read" if 1 in parsed else "known")
print(*names, "read" if 2 in parsed else "known")
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    make_claim(tmp_path, NAME, claim=claim_text(title="Before", agree={"x": 0.5}))
    (tmp_path / "sums.toml").write_text('title = "Sums"\n[add]\n[subtract]\n')
    return tmp_path


def found(project: Path, digest: str = "same") -> list[str]:
    """Return what a new process found: of the claim, and of the rows."""
    done = subprocess.run(
        [sys.executable, "-c", READ, project, digest],
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def read(project: Path, digest: str = "same") -> str:
    """Return what it found of the claim: the title, how many tabs, what agrees, and how."""
    return found(project, digest)[0]


def test_a_claim_that_nobody_wrote_to_is_not_read_again(project: Path) -> None:
    assert read(project) == "Before 2 {'x': 0.5} read"
    assert read(project) == "Before 2 {'x': 0.5} known"


def test_a_claim_that_was_written_since_is_read_again(project: Path) -> None:
    read(project)
    path = project / "snippets" / NAME / "claim.md"
    status = path.stat()
    path.write_text(path.read_text().replace("Before", "Behind"))  # as long as it was
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))  # and as old
    assert read(project) == "Behind 2 {'x': 0.5} read"


@pytest.mark.parametrize("name", ["snippets/articles.toml", "pyproject.toml"])
def test_a_claim_is_read_again_when_what_it_is_checked_against_was_written(
    project: Path, name: str
) -> None:
    read(project)
    with (project / name).open("a") as file:
        file.write("\n")
    assert read(project).endswith("read")


def test_claims_that_other_code_read_are_forgotten(project: Path) -> None:
    read(project)
    assert read(project, "other").endswith("read")


@pytest.mark.parametrize("content", [b"", b"no pickle", b"\x80\x05cnowhere\nThing\n."])
def test_a_file_that_cannot_be_read_is_no_matter(project: Path, content: bytes) -> None:
    (project / "known").write_bytes(content)
    assert read(project).endswith("read")
    assert read(project).endswith("known")


def test_names_of_rows_are_read_again_only_when_they_were_written(project: Path) -> None:
    assert found(project)[1] == "add subtract read"
    assert found(project)[1] == "add subtract known"
    (project / "sums.toml").write_text("[multiply]\n")
    assert found(project)[1] == "multiply read"
