"""Runs a command of ours again and again in a project, and kills it at random moments.

``python tests/killing.py verify|build PROJECT TRIALS``, as a program of its own: what the command
imports is imported once, and a forked process runs it, so that a hundred trials take a minute.
After each kill, what is there is checked, then the command runs to its end and its result too.
Prints one line per loss, and last how many trials there were and how many were losses.
"""

import hashlib
import os
import random
import shutil
import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import publish
import pytest
from harnessing import recorded

QUIETLY = os.open(os.devnull, os.O_WRONLY)


def forked(command: Callable[[], int]) -> int:
    """Run a command in a forked process with a group of its own; return its id."""
    pid = os.fork()
    os.setpgid(pid, pid)  # of both, whoever comes first: it may be killed before it begins
    if pid == 0:
        os.dup2(QUIETLY, 1)
        os.dup2(QUIETLY, 2)
        os._exit(command())
    return pid


def succeeds(command: Callable[[], int]) -> bool:
    return os.waitpid(forked(command), 0)[1] == 0


def killed(command: Callable[[], int], after: float) -> bool:
    """Run a command, kill it after some seconds with all its group; return if it still ran."""
    pid = forked(command)
    time.sleep(after)
    still = os.waitpid(pid, os.WNOHANG) == (0, 0)
    if still:
        os.killpg(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
    return still


def verify() -> int:
    return int(pytest.main(["-q", "-p", "no:randomly", "--rootdir", ".", "snippets"]))


def tree(folder: Path) -> dict[str, str]:
    """Return a digest of each file below a folder."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def verifications(moments: Iterator[float], trials: int) -> Iterator[str]:
    """Kill verifications; yield what was lost or wrong. What one recorded, the next builds upon."""
    files = len(list(Path("snippets").glob("*/*/pytorch.md")))
    for trial in range(trials):
        before = recorded(Path())
        if len(before) == files:  # nothing would be left to do
            shutil.rmtree("_build")
            before = {}
        killed(verify, next(moments))
        after = recorded(Path())  # fails if a file is no JSON
        lost = before.keys() - after.keys()
        wrong = [name for name, evidence in after.items() if evidence["outcome"] != "passed"]
        if lost or wrong:
            yield f"trial {trial}: lost {sorted(lost)}, wrong {wrong}"
    if not succeeds(verify) or len(recorded(Path())) != files:
        yield "the run afterwards failed"


def builds(moments: Iterator[float], trials: int) -> Iterator[str]:
    """Kill builds of one text of a page after the other; yield what was published wrongly."""
    page, published = Path("docs/sums.md"), Path("_build/html")
    texts = [page.read_text(), page.read_text().replace("# Sums", "# Sums and more sums")]
    expected = []
    for text in texts:
        page.write_text(text)
        (publish.BUILD / "finished").unlink()  # from the beginning, to compare with
        if not succeeds(publish.main):
            yield "the site does not build at all"
        expected.append(tree(published))
    for trial in range(trials):
        page.write_text(texts[trial % 2])
        killed(publish.main, next(moments))
        if published.exists() and tree(published) not in expected:
            yield f"trial {trial}: half a site is published"
        if not succeeds(publish.main):
            yield f"trial {trial}: the build afterwards failed"
        elif (given := tree(published)) != expected[trial % 2]:
            differ = {name for name, _ in given.items() ^ expected[trial % 2].items()}
            yield f"trial {trial}: afterwards these are stale or wrong: {sorted(differ)}"


def main(kind: str, project: str, trials: int) -> None:
    os.chdir(project)
    command, attack = {"verify": (verify, verifications), "build": (publish.main, builds)}[kind]
    if not succeeds(command):
        sys.exit(f"{kind} fails before anything is killed")
    begun = time.monotonic()
    if kind == "verify":
        shutil.rmtree("_build")
    succeeds(command)
    longest = time.monotonic() - begun
    rng = random.Random(0)  # noqa: S311
    losses = 0
    for loss in attack(iter(lambda: rng.uniform(0, longest), None), trials):
        losses += 1
        print(loss)
    print(f"{trials} trials, {losses} losses")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
