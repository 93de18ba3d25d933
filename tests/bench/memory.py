"""How much memory a run takes at its peak, over all the processes that it starts.

Memory that processes share, such as a framework that was imported before they forked, counts
once: the proportional set size divides each page among those who have it.
"""

import os
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

PROC = Path("/proc")
EVERY = 0.2  # seconds from one sample to the next
MEASURABLE = (PROC / "self" / "smaps_rollup").exists()  # of Linux alone


def peak(run: Callable[[], object]) -> float:
    """Return the most megabytes that the processes below this one take while ``run`` runs."""
    samples, done = [0.0], threading.Event()

    def watch() -> None:
        while not done.wait(EVERY):
            samples.append(sum(map(proportional, below(os.getpid()))) / 1e6)

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        run()
    finally:
        done.set()
        watcher.join()
    return max(samples)


def below(root: int) -> list[int]:
    """Return the processes that ``root`` started, those that they started, and so on."""
    children: dict[int, list[int]] = {}
    for folder in PROC.glob("[0-9]*"):
        with suppress(FileNotFoundError, ProcessLookupError):  # it has ended
            # After the name, which may hold blanks and brackets: the state, then the parent.
            parent = (folder / "stat").read_text().rpartition(")")[2].split()[1]
            children.setdefault(int(parent), []).append(int(folder.name))
    found, left = [], [root]
    while left:
        new = children.get(left.pop(), [])
        found += new
        left += new
    return found


def proportional(process: int) -> int:
    """Return the bytes of a process's proportional set size; none if it has ended."""
    with suppress(FileNotFoundError, ProcessLookupError):
        for line in (PROC / str(process) / "smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) * 1024
    return 0
