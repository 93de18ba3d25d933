"""The file of results: read with its errors named, and compared by one rule.

Only Python's own modules are imported here, so that the site's build reads results quickly.
"""

import json
import math
import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent / "results"
UNITS = ("s per call", "samples/s", "s", "MB")
LARGER_IS_BETTER = ("samples/s",)
FRAMEWORKS = ("tensorflow", "pytorch", "none")
FEWEST = 3  # rounds that a verdict needs


class ResultsError(Exception):
    """A file of results that cannot be used: which file, where in it, what is wrong."""


@dataclass(frozen=True)
class Mode:
    """One way to run a case. ``values`` has one number per round, in the unit of the case.

    ``first`` is how long the first call took in the process that gave the values, in seconds.
    ``steady`` is there where ``values`` are first calls: later calls of the same processes.
    """

    framework: str
    values: tuple[float, ...]
    first: float | None = None
    steady: tuple[float, ...] | None = None


@dataclass(frozen=True)
class Case:
    """What was measured, how, and why some modes were not. An ``error`` leaves no figures."""

    what: str
    unit: str
    modes: dict[str, Mode] = field(default_factory=dict)
    not_measured: dict[str, str] = field(default_factory=dict)
    error: str | None = None


@dataclass(frozen=True)
class Results:
    """All cases of one run, and where it ran. ``date`` is in UTC, in the form of ISO 8601."""

    machine: dict[str, Any]
    device: str
    threads: int
    date: str
    versions: dict[str, str]
    rounds: int
    cases: dict[str, Case]


@dataclass(frozen=True)
class Ratio:
    """How many times as good one mode is as another: 2 is twice as fast, or half as large.

    Median and quartiles are those of the ratios within rounds. ``verdict`` is ``neither`` unless
    the difference is beyond the spread; see ``ratio``.
    """

    median: float
    lower: float
    upper: float
    verdict: str


def ratio(case: Case, mode: str, against: str) -> Ratio:
    """Compare two modes of a case, round by round.

    Both ran in every round, one after the other, so what else the machine did then met both. The
    verdict says that ``mode`` is ``faster`` or ``slower`` (``smaller`` or ``larger``, in MB),
    unless one of these holds, which make it ``neither``:

    - there are fewer than three rounds;
    - the quartiles of the ratios lie on both sides of 1, or one of them is 1;
    - the medians of the two modes differ by less than the spread, which is the larger of their
      two interquartile ranges.

    Raises ``ResultsError`` if a mode was not measured.
    """
    own, other = (_values(case, name) for name in (mode, against))
    if case.unit not in LARGER_IS_BETTER:
        ratios = [b / a for a, b in zip(own, other, strict=True)]
    else:
        ratios = [a / b for a, b in zip(own, other, strict=True)]
    lower, median, upper = quartiles(ratios)
    difference = abs(statistics.median(own) - statistics.median(other))
    spread = max(_interquartile_range(own), _interquartile_range(other))
    within = lower <= 1 <= upper or difference < spread
    words = ("smaller", "larger") if case.unit == "MB" else ("faster", "slower")
    verdict = "neither" if within or len(own) < FEWEST else words[median < 1]
    return Ratio(median, lower, upper, verdict)


def quartiles(values: Sequence[float]) -> tuple[float, float, float]:
    """Return lower quartile, median and upper quartile; of one value, that value."""
    if len(values) == 1:
        return (values[0],) * 3
    lower, median, upper = statistics.quantiles(values, n=4, method="inclusive")
    return lower, median, upper


def break_even(case: Case, mode: str, against: str) -> tuple[float, ...]:
    """Return, round by round, how many calls it takes until ``mode`` has saved what it cost.

    ``mode`` compiles in its first call and ``against`` does not. It is the number of calls, the
    first among them, from which on all calls together take no longer than those of ``against``:
    1 if even the first is no slower, infinite if later calls are slower too.
    """
    numbers = []
    for name in (mode, against):
        _values(case, name)
        if (steady := case.modes[name].steady) is None:
            raise ResultsError(f"{name!r} has no times of later calls to compare with")
        numbers.append(zip(case.modes[name].values, steady, strict=True))
    return tuple(
        _calls(first - other_first, other_steady - steady)
        for (first, steady), (other_first, other_steady) in zip(*numbers, strict=True)
    )


def _calls(cost: float, gain: float) -> float:
    if cost <= 0:
        return 1
    return 1 + math.ceil(cost / gain) if gain > 0 else math.inf


def _values(case: Case, mode: str) -> tuple[float, ...]:
    if mode not in case.modes:
        why = case.error or case.not_measured.get(mode) or f"there are {', '.join(case.modes)}"
        raise ResultsError(f"no figures of {mode!r}: {why}")
    return case.modes[mode].values


def _interquartile_range(values: Sequence[float]) -> float:
    lower, _, upper = quartiles(values)
    return upper - lower


# ---------------------------------------------------------------- the file


def dump(results: Results) -> str:
    """Return the text of a file of results."""
    return json.dumps(asdict(results), indent=1, ensure_ascii=False) + "\n"


def load(path: Path) -> Results:
    """Read a file of results; raise ``ResultsError`` if that is not what it is."""
    try:
        given = json.loads(path.read_bytes())
    except OSError as error:
        raise ResultsError(f"{path}: {error.strerror}") from error
    except ValueError as error:
        raise ResultsError(f"{path}: not JSON: {error}") from error
    return _Reader(path).results(given)


@dataclass(frozen=True)
class _Reader:
    """Takes parsed JSON apart; ``at`` says where in the file, key by key."""

    path: Path

    def fail(self, at: str, wanted: str, found: object) -> ResultsError:
        return ResultsError(f"{self.path}: {at}: there should be {wanted}, not {found!r:.60}")

    def take(self, given: Any, key: str, at: str, kind: type, wanted: str) -> Any:
        """Return ``given[key]``, which has to be of a kind."""
        value = self.mapping(given, at).get(key)
        if not isinstance(value, kind) or isinstance(value, bool):
            raise self.fail(f"{at}.{key}".lstrip("."), wanted, value)
        return value

    def mapping(self, given: Any, at: str) -> dict[str, Any]:
        if not isinstance(given, dict):
            raise self.fail(at or "top", "an object", given)
        return given

    def texts(self, given: Any, at: str) -> dict[str, str]:
        """Return an object whose values are all text."""
        for key, value in self.mapping(given, at).items():
            if not isinstance(value, str):
                raise self.fail(f"{at}.{key}", "text", value)
        return dict(given)

    def numbers(self, given: Any, at: str, count: int | None = None) -> tuple[float, ...]:
        """Return a list of positive numbers, as many as ``count`` if that is given."""
        wanted = "positive numbers" if count is None else f"{count} positive numbers"
        sound = isinstance(given, list) and all(map(_is_positive, given)) and given
        if not sound or (count is not None and len(given) != count):
            raise self.fail(at, wanted, given)
        return tuple(given)

    def one_of(self, value: str, known: Sequence[str], at: str) -> str:
        if value not in known:
            raise self.fail(at, f"one of {', '.join(known)}", value)
        return value

    def results(self, given: Any) -> Results:
        cases = self.take(given, "cases", "", dict, "an object")
        return Results(
            machine=self.take(given, "machine", "", dict, "an object"),
            device=self.take(given, "device", "", str, "text"),
            threads=self.take(given, "threads", "", int, "a number"),
            date=self.take(given, "date", "", str, "text"),
            versions=self.texts(given.get("versions"), "versions"),
            rounds=self.take(given, "rounds", "", int, "a number"),
            cases={name: self.case(case, f"cases.{name}") for name, case in cases.items()},
        )

    def case(self, given: Any, at: str) -> Case:
        unit = self.take(given, "unit", at, str, "text")
        modes = self.take(given, "modes", at, dict, "an object")
        read = {name: self.mode(mode, f"{at}.modes.{name}") for name, mode in modes.items()}
        if len({len(mode.values) for mode in read.values()}) > 1:
            raise self.fail(f"{at}.modes", "as many values in each", modes)
        error = given.get("error")
        return Case(
            what=self.take(given, "what", at, str, "text"),
            unit=self.one_of(unit, UNITS, f"{at}.unit"),
            modes=read,
            not_measured=self.texts(given.get("not_measured"), f"{at}.not_measured"),
            error=None if error is None else self.take(given, "error", at, str, "text"),
        )

    def mode(self, given: Any, at: str) -> Mode:
        framework = self.take(given, "framework", at, str, "text")
        values = self.numbers(given.get("values"), f"{at}.values")
        first, steady = given.get("first"), given.get("steady")
        return Mode(
            self.one_of(framework, FRAMEWORKS, f"{at}.framework"),
            values,
            None if first is None else self.numbers([first], f"{at}.first")[0],
            None if steady is None else self.numbers(steady, f"{at}.steady", len(values)),
        )


def _is_positive(value: object) -> bool:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return number and 0 < value < math.inf  # type: ignore[operator]
