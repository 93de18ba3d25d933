"""Claims that one build read are known to the next, unless something was written since."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from helpers import claim_text, make_claim

ROOT = Path(__file__).parents[1]
NAME = "sums/one"
# Reads a claim in a process of its own, as each build is, and says whether that parsed its file.
READ = """
import sys
from pathlib import Path
from snippets._harness import catalogue, frontmatter, kept

project, digest = Path(sys.argv[1]), sys.argv[2]
parsed = []
read = frontmatter.read
frontmatter.read = lambda *given: parsed.append(1) or read(*given)
kept.recall(project / "claims", digest)
claim = catalogue.Catalogue(project).claim("sums/one")
kept.keep(project / "claims", digest)
front = claim.front
print(front.title, len(claim.snippets), dict(front.agree), "read" if parsed else "known")
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    make_claim(tmp_path, NAME, claim=claim_text(title="Before", agree={"x": 0.5}))
    return tmp_path


def read(project: Path, digest: str = "same") -> str:
    """Return what a new process found: the title, how many tabs, what agrees, and how."""
    done = subprocess.run(
        [sys.executable, "-c", READ, project, digest],
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


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
    (project / "claims").write_bytes(content)
    assert read(project).endswith("read")
    assert read(project).endswith("known")
