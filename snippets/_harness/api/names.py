"""What the packages offer, kept as a list, and what of it the rows account for.

snippets/_api/names.json       every public function and class with its arguments, as installed
                               when ``names --pin`` last ran; what a release changes shows as a diff
snippets/_api/accounted.toml   why a name has no row: a table per reason, with names or patterns
"""

import fnmatch
import json
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from . import expressions
from .rows import FOLDER, Family, Row

TENSORFLOW = {
    "tf": True, "tf.math": True, "tf.linalg": True, "tf.nn": True, "tf.signal": True,
    "tf.image": False, "tf.random": False, "tf.sparse": False, "tf.strings": False,
    "keras.layers": False, "keras.ops": False, "keras.losses": False, "keras.metrics": False,
    "keras.optimizers": False, "keras.initializers": False, "keras.activations": False,
}  # fmt: skip
PYTORCH = {
    "torch.linalg": True, "torch.fft": True, "torch.nn.functional": True, "torch.nn": True,
    "torch.optim": True, "torch": False, "torch.special": False, "Tensor": False,
}  # fmt: skip
NAMESPACES = {**TENSORFLOW, **PYTORCH}  # -> whether every name has to be accounted for

Listing = dict[str, dict[str, list[str]]]  # namespace -> name -> its first name, its arguments


@dataclass
class Coverage:
    """How the names of one namespace are accounted for; aliases of one function count once."""

    rows: set[str] = field(default_factory=set)
    reasons: dict[str, str] = field(default_factory=dict)  # name -> why it has no row
    open: set[str] = field(default_factory=set)

    @property
    def total(self) -> int:
        return len(self.rows) + len(self.reasons) + len(self.open)


def listing(project: Path) -> Listing:
    """Return the list on record, empty where there is none."""
    try:
        found: Listing = json.loads((project / FOLDER / "names.json").read_text())
    except OSError:
        return {}
    return found


def reasons(project: Path) -> dict[str, list[str]]:
    """Return, by reason, the names and patterns that have no row."""
    try:
        data = tomllib.loads((project / FOLDER / "accounted.toml").read_text())
    except OSError:
        return {}
    return {reason: list(table["names"]) for reason, table in data.items()}


def named(row: Row) -> Iterator[str]:
    """Yield every name that a row is about, under either side's full name."""
    yield from row.covers
    texts = [row.tensorflow, row.pytorch, *row.feed.values(), row.take]
    for case in row.cases.values():
        texts += [case.tensorflow, case.pytorch]
    for text in [*texts, *row.also]:
        if text and expressions.is_name(text):
            yield expressions.full(text)
        elif text:
            tree = expressions.parse(text)
            yield from expressions.names(tree, row.inputs)
            if expressions.side(tree) == "pytorch":
                yield from expressions.methods(tree)


def coverage(project: Path, families: Iterable[Family]) -> dict[str, Coverage]:
    """Return, per namespace, which names rows account for, which a reason, and which nothing."""
    names = listing(project)
    first = {name: entry[0] for space in names.values() for name, entry in space.items()}
    rows = (row for family in families for row in family.rows.values())
    shown = {first.get(name, name) for row in rows for name in named(row)}
    # A name that several namespaces share is one function: TensorFlow's tf.abs and tf.math.abs.
    patterns = [(p, reason) for reason, given in reasons(project).items() for p in given]
    found = {}
    for space in NAMESPACES:
        cover = Coverage()
        for name in {entry[0]: name for name, entry in names.get(space, {}).items()}.values():
            if first[name] in shown:
                cover.rows.add(name)
            elif reason := _reason(names[space], name, patterns):
                cover.reasons[name] = reason
            else:
                cover.open.add(name)
        found[space] = cover
    return found


def _reason(
    space: Mapping[str, list[str]], name: str, patterns: list[tuple[str, str]]
) -> str | None:
    same = {name, space[name][0]}
    found = (why for p, why in patterns if any(fnmatch.fnmatchcase(each, p) for each in same))
    return next(found, None)


def installed() -> Listing:
    """Return what the installed packages offer; imports both frameworks."""
    from . import signatures  # noqa: PLC0415 (takes ten seconds)

    found: Listing = {}
    owners: dict[int, str] = {}
    for space in NAMESPACES:
        module = signatures.resolve(space)
        entries = {}
        for name in sorted(dir(module)):
            value = getattr(module, name, None)
            if name.startswith("_") or not signatures.is_function(value):
                continue
            full = f"{space}.{name}"
            entries[full] = [owners.setdefault(id(value), full), signatures.signature(full)]
        found[space] = entries
    return found


def changes(old: Listing, new: Listing) -> Iterator[str]:
    """Yield in words what two lists differ in."""
    for space in NAMESPACES:
        before, after = old.get(space, {}), new.get(space, {})
        yield from (f"{name} is gone" for name in before.keys() - after.keys())
        yield from (f"{name} is new: {after[name][1]}" for name in after.keys() - before.keys())
        for name in before.keys() & after.keys():
            if before[name] != after[name]:
                yield f"{name} was {' '.join(before[name])}, is {' '.join(after[name])}"
