"""Imports one framework, then forks a process per snippet file on request.

Started by the runner as ``python -m snippets._harness.server PRELOAD SOCKET JOBS VISIBLE...``,
with about how many jobs there are and the folders that snippets may read. A request is one
message on the socket: the job as JSON, with three file descriptors. The child reports its
examples on ``results`` and prints to ``output``; the server says on ``control`` that the child
has begun and, when it ended, its exit status. Where ``control`` is closed from the other end,
the server kills the child.
"""

import importlib
import json
import os
import selectors
import signal
import socket
import sys
import threading
import traceback
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from subprocess import Popen
from typing import Any

from . import child, confine, hugepages

MESSAGE_LIMIT = 65_536


@dataclass(frozen=True)
class Forked:
    """A running child: how to learn of its end, whom to tell, and what kills it whole."""

    pid: int
    pidfd: int
    control: int
    guard: Popen[bytes] | None

    def kill(self) -> None:
        """Kill the child and what it started, as far as that can be found without walls."""
        if self.guard:
            self.guard.kill()
        for kill in (os.killpg, os.kill):  # it may not have a group of its own yet
            with suppress(ProcessLookupError):  # while unreaped, nobody else has this id
                kill(self.pid, signal.SIGKILL)

    def tell(self, **message: int) -> None:
        with suppress(OSError):  # the runner is gone
            os.write(self.control, json.dumps(message).encode() + b"\n")

    def close(self) -> None:
        os.close(self.pidfd)
        os.close(self.control)


class Server:
    """Forks children on request until the socket closes, then kills those that are left."""

    def __init__(self, requests: socket.socket, *, enclosed: bool) -> None:
        self.requests, self.enclosed = requests, enclosed
        self.selector = selectors.DefaultSelector()
        self.selector.register(requests, selectors.EVENT_READ)
        self.children: set[Forked] = set()

    def serve(self) -> None:
        """Handle requests and ends of children, one after the other, in one thread."""
        while True:
            for key, _ in self.selector.select():
                if key.fileobj is self.requests:
                    if not self.accept():
                        return self.close()
                elif key.data not in self.children:
                    continue  # it ended, and nobody wants to know
                elif key.fd == key.data.pidfd:
                    self.reap(key.data)
                else:
                    self.selector.unregister(key.data.control)
                    key.data.kill()

    def accept(self) -> bool:
        """Fork for one request; return False when the runner has closed the socket."""
        message, fds, _, _ = socket.recv_fds(self.requests, MESSAGE_LIMIT, 3)
        if not message:
            return False
        results, output, control = fds
        assert_single_thread()
        pid, guard = confine.fork(tied=False) if self.enclosed else (os.fork(), None)
        if pid == 0:
            os.close(control)
            self.become_child(json.loads(message), results, output)
        os.close(results)
        os.close(output)
        forked = Forked(pid, os.pidfd_open(pid), control, guard)
        self.children.add(forked)
        self.selector.register(forked.pidfd, selectors.EVENT_READ, forked)
        self.selector.register(control, selectors.EVENT_READ, forked)
        forked.tell(pid=pid)
        return True

    def become_child(self, job: dict[str, Any], results: int, output: int) -> None:
        """In the forked process: leave the server behind, run the job, end."""
        status = 1
        try:
            os.setsid()  # a group of its own, to be killed whole
            confine.tie_to_family()
            self.requests.close()
            self.selector.close()
            for other in self.children:
                other.close()
            os.dup2(output, 1)
            os.dup2(output, 2)
            os.close(output)
            if self.enclosed:
                confine.seal(job["folder"])
            importlib.import_module(job["run"]).run(job, results)
            status = 0
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(status)

    def reap(self, forked: Forked) -> None:
        """Report a child's end, after killing what it left running."""
        self.children.remove(forked)
        self.selector.unregister(forked.pidfd)
        with suppress(KeyError):  # the runner has gone away already
            self.selector.unregister(forked.control)
        forked.kill()
        _, status = os.waitpid(forked.pid, 0)
        if forked.guard:
            forked.guard.wait()
        else:
            child.kill_children(but=[other.pid for other in self.children])
        forked.tell(exit=os.waitstatus_to_exitcode(status))
        forked.close()

    def close(self) -> None:
        for forked in list(self.children):
            forked.kill()
            self.reap(forked)


def assert_single_thread() -> None:
    """Raise RuntimeError if this process has several threads: a fork could deadlock."""
    threads = len(list(Path("/proc/self/task").iterdir()))
    if threads > 1:
        names = ", ".join(thread.name for thread in threading.enumerate())
        raise RuntimeError(f"{threads} threads after the imports (Python knows {names})")


if __name__ == "__main__":
    requests = socket.socket(fileno=int(sys.argv[2]))
    confine.tie_to_family()
    confine.limit()
    refusal = confine.go_inside(os.environ["HOME"], sys.argv[4:])
    jobs = int(sys.argv[3])
    child.preload(sys.argv[1], jobs)
    if jobs >= hugepages.WORTH:
        hugepages.collapse()
    assert_single_thread()
    requests.send(f"ready {refusal}".encode()[:256])
    Server(requests, enclosed=not refusal).serve()
    os._exit(0)  # to take the framework apart takes a third of a second, and helps nobody
