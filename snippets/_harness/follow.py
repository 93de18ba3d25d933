"""One running child as its runner sees it: its reports, its output, its end, and what they gave."""

import doctest
import json
import os
import selectors
import signal
import socket
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from .child import OUTPUT_LIMIT
from .examples import readable, verdict

REPORT_LIMIT = 8 << 20  # bytes of one report; the values of a claim may take some of it


@dataclass
class Outcome:
    """What running a snippet file gave. It passed if neither it nor an example failed."""

    seconds: float = 0.0  # spent in the child, from its start to its last example
    examples: dict[int, str | None] = field(default_factory=dict)  # line -> what is wrong
    values: dict[str, dict[str, Any]] = field(default_factory=dict)
    at: int = 0  # line of the example begun last, 0 before the first
    error: str | None = None  # what ended the file early, at that line
    deprecations: dict[int, str] = field(default_factory=dict)  # line -> what will go
    output: bytes = b""  # what bypassed Python's sys.stdout

    @property
    def failure(self) -> tuple[int, str] | None:
        """The line and message of the first thing that went wrong, None if all passed."""
        for line, message in self.examples.items():
            if message is not None:
                return line, message
        return (max(self.at, 1), self.error) if self.error else None

    def compare(self, again: "Outcome", seed: int) -> None:
        """Fail where running the same file again gave something else."""
        if again.failure:
            self.at, why = again.failure
            self.error = (
                f"This passed once, and failed when it ran again (hash seed {seed}):\n{why}"
            )
        elif again.values != self.values:
            names = ", ".join(n for n in self.values if self.values[n] != again.values.get(n))
            self.error = f"Running again (hash seed {seed}) gave other values: {names}."


class ForgeryError(Exception):
    """What arrived on the pipe of the reports was not written by our code in the child."""


class Child:
    """One running child as its runner sees it: its reports, its output, its end."""

    def __init__(
        self,
        limit: float,
        mark: str,
        examples: dict[int, doctest.Example],
        start: Callable[[int, int, int], Callable[[], None] | None],
    ) -> None:
        """Call ``start`` with the far ends of results, output and control.

        It returns what kills the child, or None where that is done by hanging up ``control``.
        """
        self.limit, self.started, self.deadline = limit, 0.0, float("inf")
        self.mark, self.examples = mark.encode(), examples
        self.outcome = Outcome()
        self.exit: int | None = None
        self.finished = self.timed_out = self.lost = False
        self.unread = {"results": b"", "control": b""}
        self.selector = selectors.DefaultSelector()
        self.control, far_control = socket.socketpair()
        self.results, far_results = os.pipe()
        self.output, far_output = os.pipe()
        ends = {"results": self.results, "output": self.output, "control": self.control.fileno()}
        for name, end in ends.items():
            os.set_blocking(end, False)
            self.selector.register(end, selectors.EVENT_READ, name)
        try:
            self.killed = start(far_results, far_output, far_control.fileno()) or self.hang_up
        finally:
            far_control.close()
            os.close(far_results)
            os.close(far_output)

    def follow(self) -> Outcome:
        """Wait for the child to end, killing it at its time limit; return its outcome."""
        while self.exit is None and not self.lost:
            self.read(min(self.deadline - time.monotonic(), 3600))
            if time.monotonic() > self.deadline:
                self.timed_out = True
                self.kill()
        while self.read(0):  # what it wrote before it ended
            pass
        self.selector.close()
        self.control.close()
        os.close(self.results)
        os.close(self.output)
        if not self.finished:  # it could not say itself
            self.outcome.seconds = time.monotonic() - self.started
        self.outcome.error = self.outcome.error or self.diagnosis()
        return self.outcome

    def read(self, timeout: float) -> bool:
        """Take in a piece of what arrives within ``timeout`` seconds; return if there was any."""
        arrived = self.selector.select(max(0, timeout))
        for key, _ in arrived:
            # No loop: what is written without end shall not keep us from looking at the clock.
            if data := os.read(key.fd, 65_536):
                self.take(key.data, data)
            else:
                self.selector.unregister(key.fd)
                self.lost |= key.data == "control"
        return bool(arrived)

    def take(self, name: str, data: bytes) -> None:
        if name == "output":
            self.outcome.output = (self.outcome.output + data)[:OUTPUT_LIMIT]
            return
        *lines, self.unread[name] = (self.unread[name] + data).split(b"\n")
        try:
            for line in lines:
                if name == "control":
                    self.hear(json.loads(line))
                else:
                    self.note(self.opened(line))
        except ForgeryError as error:
            self.distrust(str(error))
        except (LookupError, TypeError, ValueError, AttributeError):
            self.distrust("a report of another form")
        if len(self.unread[name]) > REPORT_LIMIT:
            self.distrust("a report without end")

    def distrust(self, why: str) -> None:
        """Take nothing more from a child whose reports somebody else wrote."""
        told = "This example wrote to the pipe of the harness's own reports"
        self.outcome.error = self.outcome.error or f"{told} ({why})."
        self.finished, self.unread["results"] = True, b""
        self.kill()

    def hear(self, message: dict[str, int]) -> None:
        """Take in what the child's server says."""
        if "pid" in message:
            self.started = time.monotonic()
            self.deadline = self.started + self.limit
        self.exit = message.get("exit", self.exit)

    def opened(self, line: bytes) -> dict[str, Any]:
        """Return a report that bears the mark of this job; raise ForgeryError if it does not."""
        mark, _, text = line.partition(b" ")
        if mark != self.mark:
            raise ForgeryError("a line without their mark")
        try:
            message: dict[str, Any] = json.loads(text)
        except ValueError:  # something was written into the middle of it
            raise ForgeryError("a line that is broken") from None
        return message

    def note(self, message: dict[str, Any]) -> None:
        """Take in one report of the child, each line of the file in its turn."""
        outcome = self.outcome
        match message:
            case _ if self.finished:
                raise ForgeryError("a line after the last")
            case {"at": int(line)} if line > outcome.at:
                outcome.at = line
            case {"line": line, **came} if line == outcome.at and line in self.examples:
                if line in outcome.examples:
                    raise ForgeryError("a second result for one example")
                failure = came.get("failure") or verdict(self.examples[line], **came)
                outcome.examples[line] = failure
            case {"row": name, "given": given}:
                outcome.values[name] = given
            case {"seconds": seconds, "values": values, "leftovers": leftovers}:
                outcome.seconds, outcome.error = seconds, leftovers
                outcome.deprecations = {int(n): t for n, t in message["deprecations"].items()}
                outcome.values |= {} if outcome.failure else values
                self.finished = True
            case _:
                raise ForgeryError("a line out of turn")

    def kill(self) -> None:
        """Kill the child and what it started; its server then reports the end."""
        self.deadline = float("inf")
        self.killed()

    def hang_up(self) -> None:
        with suppress(OSError):  # its server has gone already
            self.control.shutdown(socket.SHUT_WR)

    def diagnosis(self) -> str | None:
        """Return why the child ended before its last example did, None if it did not."""
        if self.timed_out:
            text = f"Killed at the time limit of {self.limit:g} s, in this example."
            return f"{text} Show less, or give the claim `needs: [slow]`."
        if self.exit is None:
            return "The server that this process was forked from has ended."
        said = readable(self.outcome.output.decode(errors="replace").strip(), 2_000)
        said = f"\n{said}" if said else ""
        if self.exit < 0:
            return f"This example crashed the process ({signal.Signals(-self.exit).name}).{said}"
        if self.exit or not self.finished:
            return f"This example ended the process with exit code {self.exit}.{said}"
        return None
