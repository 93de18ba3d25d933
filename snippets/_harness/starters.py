"""What starts children: a server that forks them or, slower but everywhere, fresh processes."""

import atexit
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

from .frameworks import environment, visible

PROJECT = Path(__file__).parents[2]


@cache
def interpreter() -> str:
    """Return Python, by a path without blanks: PyTorch hands its own to compilers unquoted."""
    if not re.search(r"\s", sys.prefix):
        return sys.executable
    folder = tempfile.mkdtemp(prefix="python-")
    atexit.register(shutil.rmtree, folder)  # the link, not what it leads to
    link = Path(folder, "venv")
    link.symlink_to(sys.prefix)
    return str(link / Path(sys.executable).relative_to(sys.prefix))


class Starter:
    """Starts children of one framework as fresh processes: slow, but works everywhere."""

    def __init__(self, preload: str, seed: int, home: str, readable: Sequence[str]) -> None:
        self.preload, self.home = preload, home
        self.environment = environment(preload, home, seed)
        self.readable = [*visible(PROJECT), *readable, str(Path(interpreter()).parents[1])]
        self.ready = True
        self.error = self.refusal = ""  # why nothing can run, why there are no walls
        self.prepare()

    def prepare(self) -> None:
        """Find out whether children will have walls around them."""
        done = self.open("confine", self.home, *self.readable, stdout=subprocess.PIPE)
        self.refusal = done.communicate()[0].decode().strip()

    def open(self, module: str, *arguments: str, **options: Any) -> subprocess.Popen[bytes]:
        """Start a module of this package in the environment of snippets."""
        command = [interpreter(), "-m", f"{__package__}.{module}", *arguments]
        options |= {"cwd": PROJECT, "env": self.environment, "stdin": subprocess.DEVNULL}
        process: subprocess.Popen[bytes] = subprocess.Popen(
            command, start_new_session=True, **options
        )
        return process

    def start(
        self, message: str, results: int, output: int, control: int
    ) -> Callable[[], None] | None:
        """Start a child; return what kills it, None where hanging up ``control`` does."""
        job = [self.preload, message, str(results), *self.readable]
        process = self.open("child", *job, stdout=output, stderr=output, pass_fds=[results])
        threading.Thread(target=self.reap, args=(process, os.dup(control)), daemon=True).start()
        return lambda: kill_group(process.pid)

    def reap(self, process: subprocess.Popen[bytes], control: int) -> None:
        """Report the child's beginning and its end, as a server would."""
        os.write(control, b'{"pid": %d}\n' % process.pid)
        code = process.wait()
        kill_group(process.pid)
        with suppress(OSError):
            os.write(control, b'{"exit": %d}\n' % code)
        os.close(control)

    def stop(self) -> None:
        """End what runs between children: nothing."""

    def said(self) -> str:
        """Return the end of what was said on standard output and error, which is no child's."""
        return ""


def kill_group(pid: int) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)


class ForkServer(Starter):
    """Starts children by forking a server that has imported the framework already."""

    def __init__(
        self,
        preload: str,
        seed: int,
        home: str,
        readable: Sequence[str],
        changed: threading.Condition,
        *,
        jobs: int,
    ) -> None:
        """``jobs`` is about how many children there will be; ``changed`` tells of readiness."""
        self.changed, self.log = changed, Path(home, f"{preload}-{seed}.log")
        self.jobs = jobs
        super().__init__(preload, seed, home, readable)

    def prepare(self) -> None:
        """Start the server, which takes its time to import the framework."""
        self.ready = False
        self.socket, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs, self.log.open("wb") as log:
            options = {"stdout": log, "stderr": log, "pass_fds": [theirs.fileno()]}
            numbers = str(theirs.fileno()), str(self.jobs)
            self.process = self.open("server", self.preload, *numbers, *self.readable, **options)
        threading.Thread(target=self.await_ready, daemon=True).start()

    def await_ready(self) -> None:
        """Wait for the end of the imports, or of the server because they failed."""
        said = self.socket.recv(1024).decode()
        with self.changed:
            self.refusal = said.removeprefix("ready").strip()
            if not said:
                self.error = f"{self.preload} cannot be imported:\n{self.said()}"
            self.ready = True
            self.changed.notify_all()

    def start(
        self, message: str, results: int, output: int, control: int
    ) -> Callable[[], None] | None:
        socket.send_fds(self.socket, [message.encode()], [results, output, control])
        return None

    def said(self) -> str:
        return self.log.read_text(errors="replace")[-2_000:]

    def stop(self) -> None:
        """Close the socket: the server kills its children and ends."""
        self.socket.close()
        try:
            self.process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
