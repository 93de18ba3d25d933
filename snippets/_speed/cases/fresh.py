"""What can be measured only once in a process: a first call, the memory of a run, an import."""

import time
from functools import partial
from pathlib import Path

from snippets._speed.networks import data
from snippets._speed.sides import Side

from . import training
from .case import Case, Commands, Fresh

COMPILERS = {
    "TensorFlow eager": "tensorflow",
    "tf.function": "tensorflow",
    "tf.function, jit_compile": "tensorflow",
    "PyTorch eager": "pytorch",
    "torch.compile": "pytorch",
}
WARM = ", again with its cache"  # after the name of the mode that filled the cache
NOTHING = ", import alone"  # in place of what a mode would do
RESTING = {f"TensorFlow{NOTHING}": "tensorflow", f"PyTorch{NOTHING}": "pytorch"}
STEPS, SECONDS = 20, 0.5  # of training, at least
PROC = Path("/proc/self/status")


def train(name: str, side: Side, mode: str) -> dict[str, float]:
    """Train a network in a new process; return what that took.

    ``first`` is the first step and ``steady`` the mean of the later ones, both in seconds;
    ``check`` the first loss; ``peak`` and ``gpu`` the most memory in use, in MB.
    """
    if mode.endswith(NOTHING):
        return memory(side)
    sides = {"tensorflow": training.tensorflow, "pytorch": training.pytorch}
    modes = sides[side.name](name, side, data(name))
    step = modes[mode.removesuffix(WARM)]().call
    started = time.perf_counter()
    loss = step()
    side.wait(loss)
    first = time.perf_counter() - started
    for _ in range(2):  # the second may compile again, for what the first left behind
        side.wait(step())
    steps, started = 0, time.perf_counter()
    while steps < STEPS - 3 or time.perf_counter() - started < SECONDS:
        side.wait(step())
        steps += 1
    steady = (time.perf_counter() - started) / steps
    return {"first": first, "steady": steady, "check": float(side.array(loss)), **memory(side)}


def memory(side: Side) -> dict[str, float]:
    """Return the most memory that this process has had: ``peak`` resident, ``gpu`` allocated."""
    found = {}
    if PROC.exists():  # resource's figure begins with that of the process that started this one
        lines = PROC.read_text(encoding="utf-8").splitlines()
        [kilobytes] = [line.split()[1] for line in lines if line.startswith("VmHWM:")]
        found["peak"] = int(kilobytes) * 1024 / 1e6
    if side.options.device == "cuda":
        allocated = (
            side.module.cuda.max_memory_allocated()
            if side.name == "pytorch"
            else side.module.config.experimental.get_memory_info("GPU:0")["peak"]
        )
        found["gpu"] = allocated / 1e6
    return found


def first(name: str) -> Fresh:
    return Fresh(
        f"first/{name}",
        f"The first training step of step/{name} in a new process, with all that is loaded, traced "
        "and compiled for it, from empty caches unless the mode says otherwise; the import and the "
        "network's construction are not counted.",
        unit="s",
        rounds=3,
        modes=COMPILERS | {f"torch.compile{WARM}": "pytorch"},
        measure=partial(train, name),
        value="first",
        process=name,
        tolerance=training.CHANGES,
    )


CASES: tuple[Case, ...] = (
    *map(first, ("mlp", "cnn", "transformer")),
    Fresh(
        "memory/process",
        "The peak of resident memory of a process: after the import alone, and after at least "
        f"{STEPS} training steps of step/cnn; compilers that run beside it are not counted.",
        unit="MB",
        rounds=3,
        modes=RESTING | COMPILERS,
        measure=partial(train, "cnn"),
        value="peak",
        process="cnn",
        tolerance=training.CHANGES,
    ),
    Fresh(
        "memory/gpu",
        f"The peak of what is allocated on the GPU in at least {STEPS} training steps of step/cnn.",
        unit="MB",
        rounds=3,
        device="cuda",
        modes=COMPILERS,
        measure=partial(train, "cnn"),
        value="gpu",
        process="cnn",
        tolerance=training.CHANGES,
    ),
    Commands(
        "import/process",
        "A new interpreter that imports the framework and ends, with its files in the cache of "
        "the system; and one that imports nothing.",
        unit="s",
        rounds=5,
        modes={
            "import tensorflow": "tensorflow",
            "import torch": "pytorch",
            "no import": "none",
        },
        arguments={
            "import tensorflow": ("-c", "import tensorflow"),
            "import torch": ("-c", "import torch"),
            "no import": ("-c", "pass"),
        },
    ),
)
