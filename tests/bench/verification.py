"""Our harness beside its peers, on generated files in several numbers.

Within each round every way runs once, so that what else the machine does meets all alike. Ours
runs once before, untimed: whatever came first paid for files that no run had read yet. What
takes minutes runs in the first round alone, on a sample. Notebooks do not even compare what is
printed: their figure is what executing the cells costs.
"""

import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from snippets._harness.follow import Outcome
from snippets._harness.runner import Job, Runner

from .generated import generate, write
from .measures import Measure, ratio
from .memory import MEASURABLE, peak
from .ways import SAMPLE, BenchError, Way, Ways

EVERY_WAY = ("ours", "ours, 1 worker", "plain", "doctest", "sphinx", "fresh", "notebooks")
FEWER_WAYS = ("ours", "plain")
TRIVIAL = 200  # files that hold next to nothing: what remains is our overhead

# What is divided by what, and the target: where it has none, it explains the others.
RATIOS: tuple[tuple[str, str, float | None, str], ...] = (
    ("ours", "plain", 0.6, "<="),
    ("ours, 1 worker", "plain", None, "<="),
    ("doctest", "ours", None, ">="),
    ("sphinx", "ours", None, ">="),
    ("fresh", "ours", 28, ">="),
    ("notebooks", "ours", 50, ">="),
)


def measure(rounds: int) -> list[Measure]:
    """Time every way on 120 files in so many rounds, some ways on 500 files once."""
    return [
        *at(120, EVERY_WAY, rounds),
        *at(500, FEWER_WAYS, 1),
        *memory(120),
        overhead(rounds),
    ]


def quick() -> list[Measure]:
    """Time what the ratios with a target need most, on 120 files."""
    return at(120, ("ours", "plain", "fresh"), rounds=2)


def at(files: int, names: Sequence[str], rounds: int, sample: int = SAMPLE) -> list[Measure]:
    """Time the ways called ``names`` on so many generated files."""
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        ways = Ways(generate(Path(folder), files, sample), sample).named(names)
        ways["ours"].run()
        for number in range(1, rounds + 1):
            for way in ways.values():
                if number == 1 or not way.sampled:
                    way.time()
                    told = f"round {number} of {rounds}: {way.title} {way.seconds[-1]:.1f} s"
                    print(f"{files:,} files, {told}", file=sys.stderr, flush=True)
    return [*times(files, ways), *ratios(files, ways)]


def times(files: int, ways: dict[str, Way]) -> Iterator[Measure]:
    """Yield what each way took, and our own time per file."""
    for way in ways.values():
        yield way.measure(f"{files:,} files: {way.title}")
    if missing := [name for name in EVERY_WAY if name not in ways]:
        note = f"not run with so many: {'; '.join(missing)}"
    else:
        note = ""
    each = [seconds / files * 1_000 for seconds in ways["ours"].seconds]
    yield Measure(f"{files:,} files: {ways['ours'].title}, per file", "ms", each, note=note)


def ratios(files: int, ways: dict[str, Way]) -> Iterator[Measure]:
    """Yield how the ways compare, each beside its target; a sampled way in its one round."""
    for above, below, target, relation in RATIOS:
        if above in ways and below in ways:
            one, other = ways[above], ways[below]
            values = (Measure("", "s", way.seconds[: len(one.seconds)]) for way in (one, other))
            title = f"{files:,} files: {one.title} / {other.title}"
            yield ratio(title, *values, target=target, relation=relation, note=one.note)


def memory(files: int) -> Iterator[Measure]:
    """Yield what a run of ours takes at its peak, where the system says it."""
    if MEASURABLE:
        with tempfile.TemporaryDirectory(prefix="bench-") as folder:
            ways = Ways(generate(Path(folder), files, 0))
            megabytes = peak(lambda: ways.ours(2))
        title = f"{files:,} files: peak memory of ours, 2 workers"
        yield Measure(title, "MB", [megabytes], 2_000, note="PSS of all its processes")


def overhead(rounds: int, files: int = TRIVIAL) -> Measure:
    """Measure what one worker takes per trivial file, once PyTorch is ready."""
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        values = [trivial(Path(folder), files) for _ in range(rounds)]
    return Measure("overhead per file, from fork to end", "ms", values, 20)


def trivial(folder: Path, files: int) -> float:
    """Return the milliseconds from the end of one trivial file to that of the next."""
    jobs = []
    for n in range(files):
        path = folder / f"{n}.md"
        write(path, "```python\n>>> 1 + 1\n2\n```\n")
        jobs.append(Job(path, path.stem, "pytorch", limit=60))
    ends: list[float] = []
    failed: list[str] = []

    def record(job: Job, outcome: Outcome) -> None:
        if outcome.failure or len(outcome.examples) != 1:
            failed.append(f"trivial file {job.name}: {outcome}")
        ends.append(time.perf_counter())

    runner = Runner(jobs, record, workers=1)
    try:
        runner.outcome(jobs[-1].name)
    finally:
        runner.stop()
    if failed:
        raise BenchError(failed[0])
    return (ends[-1] - ends[0]) / (len(ends) - 1) * 1_000
