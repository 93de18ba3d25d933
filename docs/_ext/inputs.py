"""All that the site depends on, as digests: if they are those of the last build, nothing changed.

To find that out page by page takes seconds, most of them for starting Sphinx. Files are not read
for it: a file system notes each write, and `ctime` not even a copy that keeps times, or a clock
that is set back, leaves as it was. What is noted too often costs a build that changes nothing.
"""

import datetime
import hashlib
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

# What is no source: what was made from the sources, by us or by tools, and what is installed.
MADE = {
    *("_build", "__pycache__", ".git", ".venv", ".cache", ".hypothesis", "node_modules"),
    *(".mypy_cache", ".pytest_cache", ".ruff_cache"),
}
EVIDENCE = Path("_build", "evidence")
# The parts in which sources are compared, by their folders: where rows changed, claims were checked
# all the same. What is in none of these folders is a part too.
ROWS, CLAIMS, PAGES, RUNS, ELSE = PARTS = ("rows", "claims", "pages", "runs", "else")
BELOW = {"snippets/_api": ROWS, "snippets/_harness": ELSE, "snippets": CLAIMS, "docs": PAGES}
# Read by conf.py, by the harness, or by Python itself.
VARIABLES = (
    *("SITE_URL", "REPOSITORY_URL", "CI", "PATH", "PYTHONPATH", "VIRTUAL_ENV"),
    *("LD_LIBRARY_PATH", "CUDA_VISIBLE_DEVICES"),
)
PROGRAMS = ("c++", "g++", "nvidia-smi")  # without which some code is not run
PACKAGES = (".dist-info", ".egg-info", ".egg-link", ".pth")


def sources(project: Path) -> dict[str, str]:
    """Return digests of what the site is made from, now and on this machine, by part."""
    found: dict[str, list[str]] = {part: [] for part in PARTS}
    for note in files(project):
        found[_part(note.removeprefix(f"{project}/"))].append(note)
    found[ELSE] += surroundings(project)
    return {part: _digest(notes) for part, notes in found.items()} | {RUNS: runs(project)}


def runs(project: Path) -> str:
    """Return the digest of the evidence, the one part that a verification writes."""
    return _digest(files(project / EVIDENCE))


def _part(name: str) -> str:
    """Return the part that a file belongs to, given by its path in the project."""
    return next((part for folder, part in BELOW.items() if name.startswith(f"{folder}/")), ELSE)


def published(folder: Path) -> str:
    """Return a digest of a published site, which someone may have removed or written to."""
    return _digest(files(folder))


def files(folder: Path) -> Iterator[str]:
    """Yield each file below a folder, but for what is made, with what its file system notes."""
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except OSError:
        yield f"{folder}/ cannot be read"
        return
    for entry in entries:
        if entry.is_dir(follow_symlinks=False):
            if entry.name not in MADE:
                yield from files(Path(entry.path))
            continue
        yield f"{entry.path} {_written(entry.stat(follow_symlinks=False))}"
        if entry.is_symlink() and os.path.exists(entry.path):  # noqa: PTH110 (as bytes come)
            yield f"{entry.path} leads to {_written(entry.stat())}"


def surroundings(project: Path) -> Iterator[str]:
    """Yield what else decides: the day, on which a skip may end; versions; commits; variables."""
    yield str(datetime.datetime.now(datetime.UTC).date())
    yield f"{sys.version} {sys.executable} {platform.system()} {platform.machine()}"
    yield from (f"{name}={os.environ.get(name)}" for name in VARIABLES)
    yield from (f"{name}: {shutil.which(name)}" for name in PROGRAMS)
    for folder in map(Path, filter(None, dict.fromkeys(sys.path))):
        found = sorted(folder.iterdir()) if folder.is_dir() else []
        packages = (path for path in found if path.name.endswith(PACKAGES))
        yield from (f"{path} {_written(path.stat())}" for path in packages)
    # Pages link to a file at its last commit, if it is as committed.
    yield _git(project, "rev-parse", "HEAD", "--is-shallow-repository")
    yield _git(project, "ls-files", "--stage", "--", "snippets")


def noted(path: Path) -> str:
    """Return what the file system notes of a file; nothing of one that is not there."""
    try:
        return _written(path.lstat())
    except OSError:
        return ""


def _written(status: os.stat_result) -> str:
    return f"{status.st_mtime_ns} {status.st_ctime_ns} {status.st_size} {status.st_ino}"


def _git(project: Path, *arguments: str) -> str:
    try:
        done = subprocess.run(["git", *arguments], cwd=project, capture_output=True, check=False)
    except OSError:
        return "no git"
    return done.stdout.decode(errors="replace")


def _digest(parts: Iterator[str] | list[str]) -> str:
    return hashlib.sha256("\0".join(parts).encode(errors="surrogateescape")).hexdigest()
