"""The parent's end of a worker: start it, ask, wait for the answer, end it."""

import json
import os
import select
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

ROOT = Path(__file__).parents[2]
LIMIT = 900  # seconds for one answer; compiling four modes takes minutes on a slow machine
GRACE = 20  # seconds to end in
INHERITED = ("PATH", "LANG", "LD_LIBRARY_PATH", "SYSTEMROOT")


class WorkerError(Exception):
    """A worker that says it cannot, or has ended."""


@dataclass(frozen=True)
class Setting:
    """What all workers are started with. ``cases`` is the module that has them."""

    device: str = "cpu"
    threads: int = 1
    cases: str = "snippets._speed.cases"


def environment(setting: Setting, folder: Path, compiled: Path) -> dict[str, str]:
    """Return the whole environment of a process, the same for both frameworks.

    What is written goes to ``folder``, what PyTorch compiles to ``compiled``, which are new:
    caches of earlier runs would make first calls look cheap.
    """
    threads = str(setting.threads)
    inherited = {name: os.environ[name] for name in INHERITED if name in os.environ}
    gpus = os.environ.get("CUDA_VISIBLE_DEVICES") if setting.device == "cuda" else ""
    return (
        inherited
        | dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), threads)
        | {
            "HOME": str(folder),
            "TMPDIR": str(folder),
            "TORCHINDUCTOR_CACHE_DIR": str(compiled),
            "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]),
            "PYTHONHASHSEED": "0",
            "KERAS_BACKEND": "tensorflow",
            "TF_CPP_MIN_LOG_LEVEL": "3",
        }
        | ({} if gpus is None else {"CUDA_VISIBLE_DEVICES": gpus})
    )


class Worker:
    """A running worker; leaving the ``with`` block ends it.

    ``missing`` says why its framework cannot be measured here, if it cannot.
    """

    def __init__(self, framework: str, setting: Setting, folder: Path, compiled: Path) -> None:
        self.framework = framework
        self.log = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115 (closed below)
        options = {"device": setting.device, "threads": setting.threads, "cases": setting.cases}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "snippets._speed.worker", framework, json.dumps(options)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.log,
            cwd=folder,
            env=environment(setting, folder, compiled),
            bufsize=0,
        )
        self.missing: str | None = None

    def __enter__(self) -> Self:
        self.missing = self._answer().get("missing")
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        assert self.process.stdin
        self.process.stdin.close()  # no more questions, so it ends, and what it started with it
        try:
            self.process.wait(GRACE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        assert self.process.stdout
        self.process.stdout.close()
        self.log.close()

    def ask(self, what: str, **arguments: Any) -> dict[str, Any]:
        """Return the answer to a question; raise ``WorkerError`` if there is none."""
        assert self.process.stdin
        try:
            self.process.stdin.write(json.dumps({"do": what, **arguments}).encode() + b"\n")
        except BrokenPipeError as error:
            raise self._ended() from error
        answer = self._answer()
        if "error" in answer:
            raise WorkerError(answer["error"])
        return answer

    def _answer(self) -> dict[str, Any]:
        assert self.process.stdout
        text = b""
        while not text.endswith(b"\n"):
            readable, _, _ = select.select([self.process.stdout], [], [], LIMIT)
            if not readable:
                raise WorkerError(f"the {self.framework} worker gave no answer in {LIMIT} s")
            if not (part := os.read(self.process.stdout.fileno(), 1 << 16)):
                raise self._ended()
            text += part
        answer: dict[str, Any] = json.loads(text)
        return answer

    def _ended(self) -> WorkerError:
        """Return the error of a worker that is gone, with the last line of what it wrote."""
        code = self.process.wait()
        self.log.seek(0)
        lines = self.log.read().decode(errors="replace").strip().splitlines() or [""]
        return WorkerError(f"the {self.framework} worker ended with {code}: {lines[-1][:200]}")
