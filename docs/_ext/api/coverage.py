"""Which names of the packages the rows account for: in numbers, as a picture, and as lists."""

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

from snippets._harness.api import names, rows

WORDS = {
    "one call": "in one call",
    "several calls": "in several",
    "alone": "not in the other",
    "reason": "set aside",
    "open": "open",
}


class Part(NamedTuple):
    """A part of a bar: how many names are accounted for in one way, and where it begins."""

    how: str
    number: int
    start: float  # in percent
    width: float


class Bar(NamedTuple):
    """One namespace of a package."""

    space: str
    total: int
    parts: list[Part]
    accounted: float  # share of the names that a row or a reason accounts for

    @property
    def said(self) -> str:
        return ", ".join(f"{part.number} {WORDS[part.how]}" for part in self.parts)


@cache
def coverage(project: Path, _state: str) -> dict[str, names.Coverage]:
    """Return the coverage of each namespace; ``_state`` is a digest of what it depends on."""
    return names.coverage(project, rows.families(project))


def bars(found: dict[str, names.Coverage], spaces: dict[str, bool]) -> Iterator[Bar]:
    """Yield the bar of each of some namespaces, in their order."""
    for space in spaces:
        cover = found[space]
        total, start, parts = len(cover.how), 0.0, []
        for how in names.HOW:
            if count := len(cover[how]):
                width = 100 * count / total
                parts.append(Part(how, count, round(start, 3), round(width, 3)))
                start += width
        yield Bar(space, total, parts, 1 - len(cover["open"]) / max(total, 1))


def reasons(found: dict[str, names.Coverage]) -> dict[str, list[str]]:
    """Return the names that have no row by the reason given, the most frequent first."""
    by_reason: dict[str, list[str]] = {}
    for cover in found.values():
        for name, reason in cover.reasons.items():
            by_reason.setdefault(reason, []).append(name)
    return dict(sorted(by_reason.items(), key=lambda pair: -len(pair[1])))
