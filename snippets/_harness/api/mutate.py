"""Changes one thing in every row, and counts the changes that the checks notice."""

import json
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

from . import expressions
from .rows import Family, Row, load
from .verify import unpinned

SIDES = ("tensorflow", "pytorch")


@dataclass(frozen=True)
class Mutant:
    """One change to one side of a row."""

    family: str
    row: str
    side: str
    what: str
    text: str


def mutants(family: Family) -> list[tuple[Mutant, Row]]:
    """Return every change of one number, flag, sign or argument in the rows of a family."""
    found = []
    for name, row in family.rows.items():
        if name not in family.pins:  # it would fail anyhow
            continue
        for side in SIDES:
            text = getattr(row, side)
            if text is None:
                continue
            for what, changed in [*expressions.mutants(text), ("negated", _negated(text))]:
                if changed and not _is_default(text, what):
                    mutant = Mutant(family.name, name, side, what, changed)
                    found.append((mutant, row.model_copy(update={side: changed})))
    return found


def _negated(text: str) -> str | None:
    *first, last = text.strip().splitlines()
    if any(mark in text for mark in ("strings", ".dtype", "bool", "'")) or first:
        return None
    return f"-({last})"


def _is_default(text: str, what: str) -> bool:
    """Return whether leaving an argument out changes nothing, because it is the default."""
    from . import signatures  # noqa: PLC0415 (imports the frameworks)

    if not what.startswith("without "):
        return False
    tree, argument = expressions.parse(text), what.removeprefix("without ")
    name = expressions.callee(tree, {})
    default = (signatures.parameters(name) or {}).get(argument) if name else None
    return default is not None and f"{argument}={default}" in text.replace('"', "'")


def items(path: str) -> Iterator[Callable[[], dict[str, str] | None]]:
    """Yield, for each mutant of a family, what returns it if no check notices it."""
    family = load(Path(path))
    for mutant, row in mutants(family):
        yield partial(survivor, family, mutant, row)


def survivor(family: Family, mutant: Mutant, row: Row) -> dict[str, str] | None:
    """Return a mutant as a dictionary if its row passes with it, else None."""
    from .check import check  # noqa: PLC0415

    record = check(mutant.row, row, edges=False)
    pins = {k: v for k, v in family.pins.get(mutant.row, {}).items() if k != "edges"}
    given = {k: v for k, v in record.pinned.items() if k != "edges"}
    wrong = record.failures or unpinned(json.loads(json.dumps(given)), pins, family.name)
    return None if wrong else asdict(mutant)
