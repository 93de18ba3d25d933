"""Imports one framework, then forks a process per snippet file on request.

Started by the runner as ``python -m snippets._harness.server PRELOAD SOCKET``. A request
is one message on the socket: the job as JSON, with three file descriptors. The child
reports its examples on ``results`` and prints to ``output``; the server reports the
child's process id and, when it ended, its exit status on ``control``.
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
from pathlib import Path
from typing import Any

from . import child

MESSAGE_LIMIT = 65_536


class Server:
    """Forks children on request until the socket closes, then kills those that are left."""

    def __init__(self, requests: socket.socket) -> None:
        self.requests = requests
        self.selector = selectors.DefaultSelector()
        self.selector.register(requests, selectors.EVENT_READ)
        self.children: dict[int, tuple[int, int]] = {}  # pidfd -> process id, control

    def serve(self) -> None:
        """Handle requests and ends of children, one after the other, in one thread."""
        while True:
            for key, _ in self.selector.select():
                if key.fileobj is not self.requests:
                    self.reap(key.fd)
                elif not self.accept():
                    return self.close()

    def accept(self) -> bool:
        """Fork for one request; return False when the runner has closed the socket."""
        message, fds, _, _ = socket.recv_fds(self.requests, MESSAGE_LIMIT, 3)
        if not message:
            return False
        results, output, control = fds
        assert_single_thread()
        pid = os.fork()
        if pid == 0:
            os.close(control)
            self.become_child(json.loads(message), results, output)
        os.close(results)
        os.close(output)
        os.write(control, b'{"pid": %d}\n' % pid)
        pidfd = os.pidfd_open(pid)
        self.children[pidfd] = pid, control
        self.selector.register(pidfd, selectors.EVENT_READ)
        return True

    def become_child(self, job: dict[str, Any], results: int, output: int) -> None:
        """In the forked process: leave the server behind, run the job, end."""
        status = 1
        try:
            os.setsid()  # a group of its own, to be killed whole
            child.tie_to_family()
            self.requests.close()
            self.selector.close()
            for pidfd, (_, control) in self.children.items():
                os.close(pidfd)
                os.close(control)
            os.dup2(output, 1)
            os.dup2(output, 2)
            os.close(output)
            importlib.import_module(job["run"]).run(job, results)
            status = 0
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(status)

    def reap(self, pidfd: int) -> None:
        """Report a child's end, after killing what it left running in its group."""
        pid, control = self.children.pop(pidfd)
        self.selector.unregister(pidfd)
        with suppress(ProcessLookupError):  # while unreaped, nobody else has this id
            os.killpg(pid, signal.SIGKILL)
        _, status = os.waitpid(pid, 0)
        code = os.waitstatus_to_exitcode(status)
        with suppress(BrokenPipeError):
            os.write(control, b'{"exit": %d}\n' % code)
        child.kill_children(but=[pid for pid, _ in self.children.values()])
        os.close(pidfd)
        os.close(control)

    def close(self) -> None:
        for pidfd in list(self.children):
            os.kill(self.children[pidfd][0], signal.SIGKILL)
            self.reap(pidfd)


def assert_single_thread() -> None:
    """Raise RuntimeError if this process has several threads: a fork could deadlock."""
    threads = len(list(Path("/proc/self/task").iterdir()))
    if threads > 1:
        names = ", ".join(thread.name for thread in threading.enumerate())
        raise RuntimeError(f"{threads} threads after the imports (Python knows {names})")


if __name__ == "__main__":
    requests = socket.socket(fileno=int(sys.argv[2]))
    child.tie_to_family()
    child.preload(sys.argv[1])
    assert_single_thread()
    requests.send(b"ready")
    Server(requests).serve()
