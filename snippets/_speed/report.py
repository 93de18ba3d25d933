"""Results as a table for a terminal."""

import math
import statistics
from collections.abc import Iterator

from .results import Case, Mode, Results, break_even, quartiles, ratio

AGAINST = "PyTorch eager"  # or else the first mode of a case
SCALES = ((1.0, "s"), (1e-3, "ms"), (1e-6, "µs"))


def lines(found: Results) -> Iterator[str]:
    """Yield the lines of the report."""
    about = ", ".join(f"{key} {value}" for key, value in found.machine.items())
    yield f"{found.date}, {found.device}, {found.threads} threads, {found.rounds} rounds; {about}"
    yield ", ".join(f"{name} {version}" for name, version in found.versions.items())
    yield ""
    yield "Median [quartiles]; then how many times as good as the mode with ‡, and what that says."
    for name, case in found.cases.items():
        yield ""
        yield f"{name}  {case.what}"
        yield from _case(case)


def _case(case: Case) -> Iterator[str]:
    if case.error:
        yield f"  ERROR: {case.error}"
    against = AGAINST if AGAINST in case.modes else next(iter(case.modes), "")
    width = max(map(len, [*case.modes, *case.not_measured]), default=0)
    for name, mode in case.modes.items():
        yield f"  {name:{width}} {_measured(mode, case.unit)}  {_compared(case, name, against)}"
    for name, reason in case.not_measured.items():
        yield f"  {name:{width}} not measured: {reason}"


def _measured(mode: Mode, unit: str) -> str:
    lower, median, upper = quartiles(mode.values)
    scale, shown = _scale(median, unit)
    text = f"{median / scale:9.4g} {shown} [{lower / scale:.4g}, {upper / scale:.4g}]"
    return f"{text:38}"


def _scale(value: float, unit: str) -> tuple[float, str]:
    """Return by what to divide a value so that it reads well, and its unit then."""
    if not unit.startswith("s") or unit.startswith("samples"):
        return 1, unit
    fitting = (scale for scale in SCALES if value >= scale[0])
    return next(fitting, SCALES[-1])


def _compared(case: Case, name: str, against: str) -> str:
    mode = case.modes[name]
    extra = ""
    if mode.steady:
        later = statistics.median(mode.steady)
        scale, shown = _scale(later, "s")
        extra = f"; later {later / scale:.4g} {shown}"
        extra += _paid_off(case, name)
    if name == against:
        return f"‡{extra}"
    found = ratio(case, name, against)
    quarters = f"[{found.lower:.3g}, {found.upper:.3g}]"
    return f"{found.median:.3g}x {quarters} {found.verdict}{extra}"


def _paid_off(case: Case, name: str) -> str:
    """Return after how many calls a mode that compiles has caught up with its eager sibling."""
    eager = next(
        (
            other
            for other, mode in case.modes.items()
            if other.endswith("eager") and mode.framework == case.modes[name].framework
        ),
        name,
    )
    if eager == name:
        return ""
    calls = statistics.median(break_even(case, name, eager))
    return "; never pays off" if math.isinf(calls) else f"; pays off after {calls:.0f} calls"
