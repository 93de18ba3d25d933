"""Times the harness beside plain Sybil, doctest and a fresh interpreter per file.

``python tests/bench/harness.py [--rounds N]`` generates 120 snippet files, half of them
TensorFlow, half PyTorch, and runs them in every way, as whole processes, in turns: what
else the machine does meets all alike. All get the same environment, that of our own
children: one thread per library, so that no way gains by oversubscribing the cores.
Every run must pass, and pass as many examples as there are. Plain Sybil and doctest
cannot give AutoGraph the source of a function, so the examples need none of its rewriting.
"""

import argparse
import os
import re
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

REPOSITORY = Path(__file__).parents[2]
sys.path.insert(0, str(REPOSITORY))

from snippets._harness.frameworks import environment  # noqa: E402 (found by the line above)
from snippets._harness.runner import Job, Outcome, Runner  # noqa: E402

FILES = 60  # per framework
SAMPLE = 6  # files per framework that get a fresh interpreter; the others would take minutes
TRIVIAL = 200  # files that hold next to nothing: what remains is our overhead
WORKERS = 2

IMPORTS = {"tensorflow": "import tensorflow as tf", "pytorch": "import torch"}
TENSOR = {
    "tensorflow": "x = tf.Variable([[{n}.0, 2.0], [3.0, 4.0]])",
    "pytorch": "x = torch.tensor([[{n}.0, 2.0], [3.0, 4.0]], requires_grad=True)",
}

# What a file shows after its first two lines, by framework, in the order it comes round.
# {n} is the file's number from 1 and {a} to {d} are numbers that follow from it.
GRADIENT = {
    "tensorflow": """\
>>> with tf.GradientTape() as tape:
...     y = tf.reduce_sum(x ** 2 + {n}.0 * x)
>>> tape.gradient(y, x).numpy().tolist()
[[{a}.0, {b}.0], [{c}.0, {d}.0]]
""",
    "pytorch": """\
>>> (x ** 2 + {n}.0 * x).sum().backward()
>>> x.grad.tolist()
[[{a}.0, {b}.0], [{c}.0, {d}.0]]
""",
}
COMPILED = {
    "tensorflow": """\
>>> @tf.function
... def step(x):
...     with tf.GradientTape() as tape:
...         y = tf.reduce_sum(tf.nn.relu(x) ** 2 + {n}.0 * x)
...     return tape.gradient(y, x)
>>> step(x).numpy().tolist()
[[{a}.0, {b}.0], [{c}.0, {d}.0]]
""",
    "pytorch": """\
>>> @torch.compile(backend="eager")
... def step(x):
...     y = (torch.relu(x) ** 2 + {n}.0 * x).sum()
...     return y
>>> torch.autograd.grad(step(x), x)[0].tolist()
[[{a}.0, {b}.0], [{c}.0, {d}.0]]
""",
}
ARITHMETIC = {
    "tensorflow": """\
>>> (x * x + {n}.0 * x).numpy().sum(axis=0).tolist()
[{p}.0, {q}.0]
>>> x.value()[0, 0] = 5.0
Traceback (most recent call last):
...
TypeError: ...EagerTensor' object does not support item assignment
""",
    "pytorch": """\
>>> (x * x + {n}.0 * x).detach().numpy().sum(axis=0).tolist()
[{p}.0, {q}.0]
>>> x[0, 0] = 5.0
Traceback (most recent call last):
...
RuntimeError: a view of a leaf Variable ... in an in-place operation.
""",
}
TRAINING = {
    "tensorflow": """\
>>> tf.keras.utils.set_random_seed({n})
>>> inputs = tf.random.normal([64, 4])
>>> model = tf.keras.Sequential([
...     tf.keras.layers.Dense(8, activation="relu"),
...     tf.keras.layers.Dense(1)])
>>> model.compile("adam", "mse")
>>> loss = model.fit(inputs, inputs[:, :1], epochs=5,
...                  batch_size=16, verbose=0).history["loss"]
>>> loss[-1] < loss[0]
True
""",
    "pytorch": """\
>>> _ = torch.manual_seed({n})
>>> inputs, loss = torch.randn(64, 4), []
>>> model = torch.nn.Sequential(
...     torch.nn.Linear(4, 8), torch.nn.ReLU(), torch.nn.Linear(8, 1))
>>> optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
>>> for step in range(20):
...     rows = inputs[step % 4 * 16:][:16]
...     error = torch.nn.functional.mse_loss(model(rows), rows[:, :1])
...     optimizer.zero_grad()
...     error.backward()
...     optimizer.step()
...     loss.append(error.item())
>>> sum(loss[-4:]) < sum(loss[:4])
True
""",
}
TOPICS = (GRADIENT, COMPILED, ARITHMETIC, GRADIENT, COMPILED, TRAINING)

CLAIM = "---\ntitle: Claim {n}\nstatus: holds\nfavours: tie\nkind: ours\n---\nBoth do.\n"
PLAIN_CONFTEST = """\
from doctest import ELLIPSIS
from sybil import Sybil
from sybil.parsers.markdown import PythonCodeBlockParser

parsers = [PythonCodeBlockParser(doctest_optionflags=ELLIPSIS)]
pytest_collect_file = Sybil(parsers, patterns=["*/*/*.md"]).pytest()
"""


def code(framework: str, n: int) -> str:
    """Return the examples of file number ``n``."""
    row = [2 * value + n for value in (n, 2, 3, 4)]
    sums = [n * n + n * n + 9 + 3 * n, 4 + 2 * n + 16 + 4 * n]
    numbers = dict(zip("abcdpq", [*row, *sums], strict=True), n=n)
    head = f">>> {IMPORTS[framework]}\n>>> {TENSOR[framework]}\n"
    return (head + TOPICS[n % len(TOPICS)][framework]).format(**numbers)


def write(path: Path, text: str) -> None:
    """Write a file and the folders above it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def generate(project: Path) -> int:
    """Write the same files as three projects: ours, plain and doctest; count the examples."""
    examples = 0
    for n in range(1, FILES + 1):
        for framework in IMPORTS:
            source = code(framework, n)
            examples += source.count(">>> ")
            markdown = f"Claim {n} in {framework}:\n\n```python\n{source}```\n"
            for root in (project / "ours" / "snippets", project / "plain"):
                write(root / f"bench/claim-{n:02}/{framework}.md", markdown)
            # Doctest would take the closing fence for expected output.
            write(project / f"doctest/claim-{n:02}/{framework}.txt", source)
        write(project / f"ours/snippets/bench/claim-{n:02}/claim.md", CLAIM.format(n=n))
    write(project / "ours/snippets/articles.toml", "")
    conftest = (REPOSITORY / "snippets/conftest.py").read_text()
    write(project / "ours/snippets/conftest.py", conftest)
    write(project / "plain/conftest.py", PLAIN_CONFTEST)
    for name in ("ours", "plain", "doctest"):
        write(project / name / "pytest.ini", "[pytest]\n")
    return examples


@dataclass
class Way:
    """One way of running the files, and what it took in each round (s).

    The processor's seconds say what it costs where a busy machine blurs the clock's.
    """

    title: str
    run: Callable[[], None]
    scale: float = 1.0  # what the sampled time is multiplied by
    seconds: list[float] = field(default_factory=list)
    processor: list[float] = field(default_factory=list)

    def time(self) -> None:
        started, used = time.perf_counter(), processor_seconds()
        self.run()
        self.seconds.append((time.perf_counter() - started) * self.scale)
        self.processor.append((processor_seconds() - used) * self.scale)

    @property
    def median(self) -> float:
        return statistics.median(self.seconds)


def processor_seconds() -> float:
    """Return what all processes that we started and that have ended have used."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def ways(project: Path, examples: int) -> list[Way]:
    """Return the ways of running the files of a generated project."""
    home = project / "home"
    home.mkdir()
    # The same for all, without the folders that happen to be on the caller's path.
    settings = environment("tensorflow", str(home)) | {"PYTHONPATH": str(REPOSITORY)}

    def python(name: str, *arguments: str) -> str:
        """Run Python in a project; return what it printed, or exit with it on failure."""
        command = [sys.executable, *arguments]
        done = subprocess.run(
            command, cwd=project / name, env=settings, capture_output=True, text=True, check=False
        )
        if done.returncode:
            sys.exit(f"{' '.join(command)}\n{done.stdout[-3_000:]}{done.stderr[-3_000:]}")
        return done.stdout

    def pytest(name: str, passed: int, *arguments: str) -> Callable[[], None]:
        def run() -> None:
            said = python(name, "-m", "pytest", "-q", "-p", "no:randomly", *arguments)
            if not re.search(rf"^{passed} passed in ", said, re.MULTILINE):
                sys.exit(f"{name}: not {passed} passed\n{said[-3_000:]}")

        return run

    def fresh() -> None:
        for n in range(1, SAMPLE + 1):  # as many topics: each once
            for framework in IMPORTS:
                file = f"claim-{n:02}/{framework}.txt"
                python("doctest", "-m", "doctest", "-o", "ELLIPSIS", file)

    ours = ("snippets", "--fresh")  # the folder, whose conftest.py adds the options
    doctest = ("--doctest-glob=*.txt", "-o", "doctest_optionflags=ELLIPSIS")
    return [
        Way("plain Sybil, one process", pytest("plain", examples)),
        Way("ours, 2 workers", pytest("ours", examples, *ours, f"--workers={WORKERS}")),
        Way("ours, 1 worker", pytest("ours", examples, *ours, "--workers=1")),
        Way("pytest --doctest-glob, one process", pytest("doctest", 2 * FILES, *doctest)),
        Way("fresh interpreter per file *", fresh, FILES / SAMPLE),
    ]


def overhead(folder: Path) -> float:
    """Return the milliseconds that one worker takes per trivial file, once PyTorch is ready."""
    jobs = []
    for n in range(TRIVIAL):
        path = folder / f"{n}.md"
        write(path, "```python\n>>> 1 + 1\n2\n```\n")
        jobs.append(Job(path, path.stem, "pytorch", limit=60))
    ends: list[float] = []

    def record(job: Job, outcome: Outcome) -> None:
        if outcome.failure or len(outcome.examples) != 1:
            sys.exit(f"trivial file {job.name}: {outcome}")
        ends.append(time.perf_counter())

    runner = Runner(jobs, record, workers=1)
    try:
        runner.outcome(jobs[-1].name)
    finally:
        runner.stop()
    return (ends[-1] - ends[0]) / (len(ends) - 1) * 1_000


def table(rows: list[Way]) -> Iterator[str]:
    """Yield the lines of the table of times, each beside plain Sybil's."""
    plain = rows[0].median
    heads = ("median", 8), ("min - max", 15), ("processor", 9), ("to plain Sybil", 14)
    yield " ".join([f"{'way of running':36}", *(f"{head:>{width}}" for head, width in heads)])
    for row in rows:
        span = f"{min(row.seconds):.1f} - {max(row.seconds):.1f}"
        times = f"{row.median:6.1f} s {span:>13} s {statistics.median(row.processor):7.1f} s"
        yield f"{row.title:36} {times} {row.median / plain:>14.2f}"


def verdicts(rows: list[Way], per_file: float) -> Iterator[str]:
    """Yield each measure beside its target, and whether it is met."""
    plain, two, one, _, fresh = (row.median for row in rows)
    yield _verdict("2 workers to plain Sybil", two / plain, 0.7, "<=", "")
    yield _verdict("1 worker to plain Sybil", one / plain, 1.15, "<=", "")
    yield _verdict("fresh interpreters to 2 workers", fresh / two, 20, ">=", "")
    yield _verdict("overhead per file (fork to end)", per_file, 30, "<=", " ms")


def _verdict(title: str, value: float, target: float, relation: str, unit: str) -> str:
    met = value <= target if relation == "<=" else value >= target
    numbers = f"{value:7.2f}{unit:3}  target {relation} {target:g}{unit}"
    return f"{title:36} {numbers:30} {'met' if met else 'MISSED'}"


def main() -> None:
    """Run all rounds, then print the table and the verdicts."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3, help="times each way runs (default 3)")
    rounds = parser.parse_args().rounds
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        project = Path(folder)
        examples = generate(project)
        rows = ways(project, examples)
        overheads = []
        for number in range(1, rounds + 1):
            for row in rows:
                row.time()
                print(
                    f"round {number} of {rounds}: {row.title} {row.seconds[-1]:.1f} s", flush=True
                )
            overheads.append(overhead(project / "trivial"))
    print(f"\n{2 * FILES} files, {examples} examples, {os.cpu_count()} cores; whole processes\n")
    print(*table(rows), sep="\n")
    print(f"* python -m doctest, without pytest; scaled up from {2 * SAMPLE} files\n")
    print(*verdicts(rows, statistics.median(overheads)), sep="\n")


if __name__ == "__main__":
    main()
