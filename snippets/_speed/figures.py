"""Results as figures and tables of a page: what docs/worked/benchmarks.md shows.

Medians are marks, quartiles the lines through them; scales are logarithmic where times span
several powers of ten. Colour and mark say the framework, filled marks that it is compiled.
"""

import statistics
from collections.abc import Iterator, Sequence
from math import inf
from typing import Any

import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.ticker import EngFormatter, LogLocator, NullFormatter

from .report import AGAINST
from .results import Case, Mode, Results, break_even, quartiles, ratio

COLOURS = {"tensorflow": "#b35900", "pytorch": "#1f5fbf", "none": "#6b6f76"}
MARKS = {
    "tensorflow": ("o", "s", "D", "P"),
    "pytorch": ("^", "v", "<", ">", "p", "h"),
    "none": ("x",),
}
FORMATS = {"s per call": EngFormatter("s"), "s": EngFormatter("s"), "samples/s": EngFormatter("")}
HEAD = "| Case | Mode | Median | Quartiles | Ratio | The mode is |"
ROW = 0.24  # inches


def of(found: Results, *groups: str) -> dict[str, Case]:
    """Return the cases of groups, or single cases, that have figures."""
    names = (name for name in found.cases if name in groups or name.split("/")[0] in groups)
    return {name: found.cases[name] for name in names if found.cases[name].modes}


def chart(found: Results, *groups: str, log: bool = True) -> None:
    """Draw a row per mode of a single case, or per case with a mark per mode."""
    cases = of(found, *groups)
    if len(cases) == 1:
        ((name, case),) = cases.items()
        rows = {mode: {mode: case.modes[mode]} for mode in case.modes}
        draw(rows, case.unit, name, log=log)
    else:
        rows = {name: case.modes for name, case in cases.items()}
        unit = next(iter(cases.values())).unit
        draw(rows, unit, "", log=log)


def draw(rows: dict[str, dict[str, Mode]], unit: str, title: str, *, log: bool) -> None:
    """Draw rows of marks, the first at the top; a legend unless the rows name the modes."""
    modes = {name: mode.framework for row in rows.values() for name, mode in row.items()}
    looks = dict(zip(modes, styles(list(modes.items())), strict=True))
    height = len(rows) * (ROW if title else 2 * ROW) + 0.9
    figure, axes = plt.subplots(figsize=(7, height + (0 if title else 0.3 * -(-len(modes) // 3))))
    shown = set[str]()
    for number, row in enumerate(rows.values()):
        for offset, (name, mode) in enumerate(row.items()):
            place = number if title else number + (offset / max(len(modes) - 1, 1) - 0.5) * 0.6
            mark(axes, place, mode, looks[name], "" if name in shown or title else name)
            shown.add(name)
    axes.set_yticks(range(len(rows)), list(rows))
    axes.invert_yaxis()
    axes.grid(axis="x", alpha=0.3)
    if log:
        axes.set_xscale("log")
        low, high = axes.get_xlim()
        axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5) if high < 100 * low else (1,)))
        axes.xaxis.set_minor_formatter(NullFormatter())
    axes.xaxis.set_major_formatter(FORMATS.get(unit, EngFormatter("")))
    axes.set_xlabel(f"{title} ({unit})" if title else unit)
    if not title:
        figure.legend(loc="outside upper center", ncols=3, fontsize="small")


def styles(modes: Sequence[tuple[str, str]]) -> Iterator[dict[str, Any]]:
    """Yield the look of each mode: colour and mark by framework, hollow where it runs eagerly."""
    count = dict.fromkeys(COLOURS, 0)
    for name, framework in modes:
        marks = MARKS[framework]
        look = {"color": COLOURS[framework], "marker": marks[count[framework] % len(marks)]}
        count[framework] += 1
        yield look | ({"markerfacecolor": "none"} if "eager" in name else {})


def mark(axes: Axes, place: float, mode: Mode, look: dict[str, Any], label: str) -> None:
    lower, median, upper = quartiles(mode.values)
    axes.hlines(place, lower, upper, color=look["color"], linewidth=1.5)
    axes.plot(median, place, linestyle="none", markersize=6, label=label or None, **look)


def table(found: Results, *groups: str) -> str:
    """Return cases as a table in Markdown, each mode beside PyTorch's eager one or the first."""
    lines = [HEAD, "|---|---|---:|---:|---:|---|"]
    for name, case in of(found, *groups).items():
        against = AGAINST if AGAINST in case.modes else next(iter(case.modes))
        for index, (mode, values) in enumerate(case.modes.items()):
            lower, median, upper = (written(value, case.unit) for value in quartiles(values.values))
            compared = ratio(case, mode, against)
            times, verdict = f"{compared.median:.3g} x", compared.verdict
            if mode == against:
                times, verdict = "", "*the reference*"
            cells = (name if index == 0 else "", mode, median, f"{lower} to {upper}", times)
            lines.append(f"| {' | '.join(cells)} | {verdict} |")
    return "\n".join(lines)


def paid_off(found: Results, group: str) -> str:
    """Return after how many calls each compiled mode has caught up, as a table in Markdown."""
    lines = ["| Case | Mode | Steps until it pays |", "|---|---|---:|"]
    for name, case in of(found, group).items():
        for mode, figures in case.modes.items():
            eager = next(m for m, other in case.modes.items() if is_eager(m, other, figures))
            if mode != eager:
                calls = statistics.median(break_even(case, mode, eager))
                lines.append(f"| {name} | {mode} | {f'{calls:,.0f}' if calls < inf else 'never'} |")
    return "\n".join(lines)


def is_eager(name: str, mode: Mode, other: Mode) -> bool:
    """Return whether a mode is the eager one of another's framework."""
    return name.endswith("eager") and mode.framework == other.framework


def missing(found: Results) -> str:
    """Return what was not measured, and why, as a list in Markdown."""
    reasons: dict[str, list[str]] = {}
    for name, case in found.cases.items():
        if case.error:
            reasons.setdefault(case.error, []).append(name)
        for mode, reason in case.not_measured.items():
            reasons.setdefault(reason, []).append(f"{name}, {mode}")
    return "\n".join(f"- {'; '.join(what)}: {why}" for why, what in reasons.items()) or "Nothing."


def written(value: float, unit: str) -> str:
    """Return a number with its unit, in three digits: ``12.3 µs``."""
    if unit in ("s", "s per call"):
        scale, name = next(
            ((s, n) for s, n in ((1, "s"), (1e-3, "ms")) if value >= s), (1e-6, "µs")
        )
        return f"{value / scale:.3g} {name}"
    return f"{value:,.0f} {unit}"


def median(found: Results, case: str, mode: str) -> float:
    """Return the median of a mode, in the unit of its case."""
    return statistics.median(found.cases[case].modes[mode].values)
