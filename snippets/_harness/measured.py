"""What a claim says of measurements, held against the results that are committed.

Timings decide no doctest: they differ from machine to machine. A claim about speed names the
comparisons it rests on instead, and what each came to; it may say no other.
"""

from functools import cache
from pathlib import Path

from snippets._speed import results
from snippets._speed.results import Ratio, Results, ResultsError

from .frontmatter import Comparison
from .problems import did_you_mean

FOLDER = Path("snippets", "_speed", "results")


def path_of(project: Path, comparison: Comparison) -> Path:
    """Return the file of the results that a comparison is of."""
    return project / FOLDER / f"{comparison.results}.json"


def load(path: Path) -> Results:
    """Read results, once for as long as they stay the same; raise ResultsError if that fails."""
    try:
        return _load(path, path.stat().st_mtime_ns)
    except FileNotFoundError:
        known = [other.stem for other in sorted(path.parent.glob("*.json"))]
        raise ResultsError(f"no results {path.stem!r}: {did_you_mean(path.stem, known)}") from None


@cache
def _load(path: Path, _changed: int) -> Results:
    return results.load(path)


def ratio_of(found: Results, comparison: Comparison) -> Ratio:
    """Return what a comparison came to; raise ResultsError if that was not measured."""
    if comparison.case not in found.cases:
        hint = did_you_mean(comparison.case, found.cases)
        raise ResultsError(f"no case {comparison.case!r}: {hint}")
    case = found.cases[comparison.case]
    for mode in (comparison.mode, comparison.against):
        if mode not in case.modes:
            why = case.error or case.not_measured.get(mode) or did_you_mean(mode, case.modes)
            raise ResultsError(f"no figures of {mode!r} in {comparison.case}: {why}")
    return results.ratio(case, comparison.mode, comparison.against)


def contradiction(project: Path, comparison: Comparison) -> str | None:
    """Return how the results contradict what the claim says, None if they bear it out."""
    try:
        ratio = ratio_of(load(path_of(project, comparison)), comparison)
    except ResultsError as error:
        return str(error)
    if ratio.verdict == comparison.found:
        return None
    range_ = f"{ratio.median:.3g} times as good, quartiles {ratio.lower:.3g} to {ratio.upper:.3g}"
    return (
        f"{comparison.mode!r} against {comparison.against!r} in {comparison.case} came to "
        f"{ratio.verdict!r} ({range_}), not {comparison.found!r}; say what was measured"
    )
