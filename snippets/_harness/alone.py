"""One at a time: ``python -m snippets._harness.alone LOCK COMMAND ...`` waits for LOCK, then runs.

It needs nothing but Python, since `make` also installs under a lock. COMMAND takes the place of
this process and inherits the lock, which so lasts until all that it started has ended, even if
`make` itself is killed: the system lets go of it, and none is ever left behind.
"""

import fcntl
import os
import sys
from pathlib import Path


def hold(lock: Path) -> int:
    """Wait until no other process holds ``lock``, saying so; return its open file."""
    lock.parent.mkdir(parents=True, exist_ok=True)
    file = os.open(lock, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        print(f"waiting for another make, which holds {lock}", file=sys.stderr, flush=True)
        fcntl.flock(file, fcntl.LOCK_EX)
    return file


if __name__ == "__main__":
    os.set_inheritable(hold(Path(sys.argv[1])), True)
    os.execvp(sys.argv[2], sys.argv[2:])  # noqa: S606 (the Makefile says what)
