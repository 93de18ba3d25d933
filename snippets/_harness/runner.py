"""Runs many snippet files at once, each in a process of its own, within limits.

Worker threads only wait: for a server that is ready, then for one child's reports. The
children do the work, one per core.
"""

import json
import os
import selectors
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .child import OUTPUT_LIMIT
from .examples import readable
from .frameworks import FRAMEWORKS, environment

PROJECT = Path(__file__).parents[2]
CAN_FORK = sys.platform == "linux" and hasattr(os, "pidfd_open")


@dataclass(frozen=True)
class Job:
    """A snippet file to run: where it is, what to call it, how long it may take (s)."""

    path: Path
    name: str
    framework: str
    limit: float
    names: tuple[str, ...] = ()

    @property
    def preload(self) -> str:
        """What the server imports that its process is forked from."""
        return FRAMEWORKS[self.framework].preload

    def message(self, folder: str) -> dict[str, Any]:
        """Return the job as the module ``run`` takes it in the process."""
        texts = {"path": str(self.path), "name": self.name, "folder": folder}
        return {**texts, "names": self.names, "run": f"{__package__}.child"}


@dataclass
class Outcome:
    """What running a snippet file gave. It passed if neither it nor an example failed."""

    seconds: float = 0.0  # spent in the child, from its start to its last example
    examples: dict[int, str | None] = field(default_factory=dict)  # line -> what is wrong
    values: dict[str, dict[str, Any]] = field(default_factory=dict)
    at: int = 0  # line of the example begun last, 0 before the first
    error: str | None = None  # what ended the file early, at that line
    output: bytes = b""  # what bypassed Python's sys.stdout

    @property
    def failure(self) -> tuple[int, str] | None:
        """The line and message of the first thing that went wrong, None if all passed."""
        for line, message in self.examples.items():
            if message is not None:
                return line, message
        return (max(self.at, 1), self.error) if self.error else None


class Child:
    """One running child as its runner sees it: its reports, its output, its end."""

    def __init__(self, limit: float, start: Callable[[int, int, int], None]) -> None:
        """Call ``start`` with the writing ends of results, output and control."""
        self.limit, self.started, self.deadline = limit, 0.0, float("inf")
        self.outcome = Outcome()
        self.pid = self.exit = None
        self.finished = self.timed_out = self.lost = False
        self.unread = {"results": b"", "control": b""}
        self.selector = selectors.DefaultSelector()
        writers = []
        for name in ("results", "output", "control"):
            reader, writer = os.pipe()
            os.set_blocking(reader, False)
            self.selector.register(reader, selectors.EVENT_READ, name)
            writers.append(writer)
        try:
            start(*writers)
        finally:
            for writer in writers:
                os.close(writer)

    def follow(self) -> Outcome:
        """Wait for the child to end, killing it at its time limit; return its outcome."""
        while self.exit is None and not self.lost:
            self.read(min(self.deadline - time.monotonic(), 3600))
            if time.monotonic() > self.deadline:
                self.kill()
        self.read(0)  # what it wrote before it ended
        for key in list(self.selector.get_map().values()):
            os.close(key.fd)
        self.selector.close()
        if not self.finished:  # it could not say itself
            self.outcome.seconds = time.monotonic() - self.started
        self.outcome.error = self.outcome.error or self.diagnosis()
        return self.outcome

    def read(self, timeout: float) -> None:
        """Take in all that arrives within ``timeout`` seconds."""
        for key, _ in self.selector.select(max(0, timeout)):
            with suppress(BlockingIOError):
                while data := os.read(key.fd, 65_536):
                    self.take(key.data, data)
                self.selector.unregister(key.fd)
                os.close(key.fd)
                self.lost |= key.data == "control"

    def take(self, name: str, data: bytes) -> None:
        if name == "output":
            self.outcome.output = (self.outcome.output + data)[:OUTPUT_LIMIT]
            return
        *lines, self.unread[name] = (self.unread[name] + data).split(b"\n")
        for line in lines:
            self.note(json.loads(line))

    def note(self, message: dict[str, Any]) -> None:
        """Take in one report of the child, or of its server."""
        outcome = self.outcome
        match message:
            case {"pid": pid}:
                self.pid, self.started = pid, time.monotonic()
                self.deadline = self.started + self.limit
            case {"exit": code}:
                self.exit = code
            case {"at": line}:
                outcome.at = line
            case {"line": line, "failure": failure}:
                outcome.examples[line] = failure
            case {"row": name, "given": given}:
                outcome.values[name] = given
            case {"seconds": seconds, "values": values, "leftovers": leftovers}:
                outcome.seconds, outcome.error = seconds, leftovers
                outcome.values |= values
                self.finished = True

    def kill(self) -> None:
        """Kill the child and what it started; its server then reports the end."""
        self.timed_out, self.deadline = True, float("inf")
        for kill in (os.killpg, os.kill):  # it may not have a group of its own yet
            with suppress(ProcessLookupError, PermissionError):
                if self.pid and self.exit is None:
                    kill(self.pid, signal.SIGKILL)

    def diagnosis(self) -> str | None:
        """Return why the child ended before its last example did, None if it did not."""
        if self.timed_out:
            return f"Killed at the time limit of {self.limit:g} s, in this example."
        if self.exit is None:
            return "The server that this process was forked from has ended."
        said = readable(self.outcome.output.decode(errors="replace").strip(), 2_000)
        said = f"\n{said}" if said else ""
        if self.exit < 0:
            return f"This example crashed the process ({signal.Signals(-self.exit).name}).{said}"
        if self.exit or not self.finished:
            return f"This example ended the process with exit code {self.exit}.{said}"
        return None


class Starter:
    """Starts children of one framework as fresh processes: slow, but works everywhere."""

    def __init__(self, preload: str, home: str) -> None:
        self.preload = preload
        self.environment = environment(preload, home)
        self.ready = True
        self.error = ""

    def start(self, message: str, results: int, output: int, control: int) -> None:
        command = [sys.executable, "-m", f"{__package__}.child", self.preload, message]
        process = subprocess.Popen(
            [*command, str(results)],
            cwd=PROJECT,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            pass_fds=[results],
            start_new_session=True,
        )
        threading.Thread(target=self.reap, args=(process, os.dup(control)), daemon=True).start()

    def reap(self, process: subprocess.Popen[bytes], control: int) -> None:
        """Report the child's process id and its end, as a server would."""
        os.write(control, b'{"pid": %d}\n' % process.pid)
        code = process.wait()
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        with suppress(BrokenPipeError):
            os.write(control, b'{"exit": %d}\n' % code)
        os.close(control)

    def stop(self) -> None:
        """End what runs between children: nothing."""


class ForkServer(Starter):
    """Starts children by forking a server that has imported the framework already."""

    def __init__(self, preload: str, home: str, changed: threading.Condition) -> None:
        super().__init__(preload, home)
        self.ready, self.changed = False, changed
        self.log = Path(home, f"{preload}.log")
        self.socket, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs, self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", f"{__package__}.server", preload, str(theirs.fileno())],
                cwd=PROJECT,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                pass_fds=[theirs.fileno()],
                start_new_session=True,
            )
        threading.Thread(target=self.await_ready, daemon=True).start()

    def await_ready(self) -> None:
        """Wait for the end of the imports, or of the server because they failed."""
        said = self.socket.recv(64)
        with self.changed:
            if not said:
                self.error = f"{self.preload} cannot be imported:\n{self.log.read_text()[-2_000:]}"
            self.ready = True
            self.changed.notify_all()

    def start(self, message: str, results: int, output: int, control: int) -> None:
        socket.send_fds(self.socket, [message.encode()], [results, output, control])

    def stop(self) -> None:
        """Close the socket: the server kills its children and ends."""
        self.socket.close()
        try:
            self.process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


class Runner:
    """Runs jobs in the order given, ``workers`` at a time, as their servers are ready."""

    def __init__(
        self,
        jobs: Sequence[Job],
        record: Callable[[Job, Outcome], None],
        workers: int,
        fork: bool = CAN_FORK,
    ) -> None:
        """``record`` is called with each finished job, from one of several threads."""
        self.pending = list(jobs)
        self.record = record
        self.changed = threading.Condition()
        self.outcomes: dict[str, Outcome] = {}
        self.children: set[Child] = set()
        self.stopping = False
        self.home = tempfile.mkdtemp(prefix="snippets-")
        preloads = dict.fromkeys(job.preload for job in jobs)
        self.starters: dict[str, Starter] = {
            name: ForkServer(name, self.home, self.changed) if fork else Starter(name, self.home)
            for name in preloads
        }
        self.workers = [threading.Thread(target=self.work, daemon=True) for _ in range(workers)]
        for worker in self.workers:
            worker.start()

    def add(self, job: Job) -> None:
        """Run one more job, before those that wait; called from ``record``."""
        with self.changed:
            self.pending.insert(0, job)

    def outcome(self, name: str) -> Outcome:
        """Return the outcome of the job called ``name``, waiting for it if need be."""
        with self.changed:
            self.changed.wait_for(lambda: name in self.outcomes)
            return self.outcomes[name]

    def stop(self) -> None:
        """Start nothing more, kill what runs, remove what was left in temporary folders."""
        with self.changed:
            self.stopping = True
            self.pending.clear()
            self.changed.notify_all()
        for child in list(self.children):
            child.kill()
        for starter in self.starters.values():
            starter.stop()
        for worker in self.workers:
            worker.join(timeout=5)
        shutil.rmtree(self.home, ignore_errors=True)

    def work(self) -> None:
        """Run one job after the other until none is left: the life of a worker thread."""
        while job := self.next_job():
            try:
                outcome = self.run(job)
            except Exception as error:  # ours to mend, but no reason for others not to run
                outcome = Outcome(error=f"The harness failed: {error!r}")
            if self.stopping:  # killed by us, which says nothing of the snippet
                return
            self.record(job, outcome)
            with self.changed:
                self.outcomes[job.name] = outcome
                self.changed.notify_all()

    def next_job(self) -> Job | None:
        """Take the first job whose framework is imported; wait while there is none."""
        with self.changed:
            while self.pending:
                for job in self.pending:
                    if self.starter(job).ready:
                        self.pending.remove(job)
                        return job
                self.changed.wait()
            return None

    def starter(self, job: Job) -> Starter:
        return self.starters[job.preload]

    def run(self, job: Job) -> Outcome:
        """Run one job in a temporary folder of its own."""
        starter = self.starter(job)
        if starter.error:
            return Outcome(error=starter.error)
        folder = tempfile.mkdtemp(dir=self.home)
        message = json.dumps(job.message(folder))
        child = Child(job.limit, lambda *ends: starter.start(message, *ends))
        self.children.add(child)
        try:
            return child.follow()
        finally:
            self.children.remove(child)
            shutil.rmtree(folder, ignore_errors=True)
