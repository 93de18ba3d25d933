"""What a benchmark measured: values of several rounds, beside the target they are to reach."""

import resource
import statistics
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass
class Measure:
    """One thing measured once per round, in ``unit``: ``s``, ``ms``, ``MB``, ``KB`` or ``x``.

    A ratio (``x``) is taken within each round, so that what else the machine does cancels out.
    ``relation`` says on which side of the target its median is to be: ``<=`` or ``>=``.
    """

    title: str
    unit: str
    values: list[float] = field(default_factory=list)
    target: float | None = None
    relation: str = "<="
    note: str = ""  # such as from what a value was scaled up

    @property
    def median(self) -> float:
        return statistics.median(self.values)

    @property
    def spread(self) -> tuple[float, float]:
        """Return the lowest and the highest value."""
        return min(self.values), max(self.values)

    @property
    def verdict(self) -> str:
        """Return ``met`` or ``MISSED``, nothing without a target."""
        if self.target is None:
            return ""
        met = self.median <= self.target if self.relation == "<=" else self.median >= self.target
        return "met" if met else "MISSED"

    def as_json(self) -> dict[str, Any]:
        return asdict(self)

    def row(self) -> tuple[str, ...]:
        """Return the cells of the table: title, median, spread, target, verdict, note."""
        low, high = (f"{value:.4g}" for value in self.spread)
        spread = f"{low} - {high}" if len(self.values) > 1 else "once"
        target = "" if self.target is None else f"{self.relation} {self.target:g}"
        median = f"{self.median:.4g} {self.unit}"
        return (self.title, median, spread, target, self.verdict, self.note)


def ratio(title: str, above: Measure, below: Measure, **settings: Any) -> Measure:
    """Return how many times ``below`` each value of ``above`` is, round by round."""
    pairs = zip(above.values, below.values, strict=True)
    return Measure(title, "x", [one / other for one, other in pairs], **settings)


HEAD = ("", "median", "lowest - highest", "target", "", "")


def table(title: str, measures: Iterable[Measure]) -> Iterator[str]:
    """Yield the lines of a table with a title, columns aligned."""
    rows: Sequence[tuple[str, ...]] = [(title, *HEAD[1:]), *(one.row() for one in measures)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        yield "  ".join(map(str.ljust, row, widths)).rstrip()


def processor_seconds() -> float:
    """Return what all processes that we started and that have ended have used."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime
