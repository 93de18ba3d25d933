"""What the packages offer, kept as a list, and what of it the rows account for.

In snippets/_api/names:

listing.json     every public function and class with its arguments, as installed when
                 ``names --pin`` last ran; what a release changes shows as a diff
accounted.toml   why a name has no row: a table per reason, with names or patterns
"""

import fnmatch
import json
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from snippets._harness.problems import Problem

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

Listing = dict[str, dict[str, list[str]]]  # namespace -> name -> first name, arguments


HOW = ("one call", "several calls", "alone", "reason", "open")  # the best of them counts


@dataclass
class Coverage:
    """How the names of one namespace are accounted for; aliases of one function count once.

    By name: whether the other framework has it in `one call`, in `several calls`, or not
    (`alone`), as a row shows; a `reason` for no row; or nothing yet (`open`).
    """

    how: dict[str, str] = field(default_factory=dict)
    reasons: dict[str, str] = field(default_factory=dict)  # of names that have no row

    def __getitem__(self, how: str) -> list[str]:
        return [name for name, found in self.how.items() if found == how]

    @property
    def rows(self) -> int:
        """How many names stand in rows."""
        return sum(how in HOW[:3] for how in self.how.values())


def listing(project: Path) -> Listing:
    """Return the list on record, empty where there is none."""
    try:
        found: Listing = json.loads((project / FOLDER / "names" / "listing.json").read_text())
    except OSError:
        return {}
    return found


def undocumented(project: Path) -> dict[str, bool]:
    """Return the names of PyTorch without a docstring, of which its documentation has no page."""
    return {
        name: True
        for space in listing(project).values()
        for name, entry in space.items()
        if entry[2:] == ["undocumented"]
    }


def accounted(project: Path) -> Path:
    return project / FOLDER / "names" / "accounted.toml"


def reasons(project: Path) -> dict[str, list[str]]:
    """Return, by reason, the names and patterns that have no row; `problems` says what is wrong."""
    try:
        data = tomllib.loads(accounted(project).read_text())
        return {reason: [*map(str, table["names"])] for reason, table in data.items()}
    except (OSError, ValueError, TypeError, LookupError):
        return {}


def problems(project: Path, families: Iterable[Family]) -> Iterator[Problem]:
    """Yield what is wrong with the reasons: no TOML, names that are none, or that have rows."""
    path = accounted(project)
    if not path.exists():
        return
    text = path.read_text(errors="replace")
    given = reasons(project)
    if not given:
        shape = '["the reason"] and below it names = ["tf.one", "torch.two_*"]'
        yield Problem(path, 1, 1, f"cannot be read: write {shape}")
    spaces = coverage(project, families)
    how = {name: found for cover in spaces.values() for name, found in cover.how.items()}
    every = [name for space in listing(project).values() for name in space]
    for pattern in (pattern for found in given.values() for pattern in found):
        line = text[: text.find(f'"{pattern}"')].count("\n") + 1
        matched = fnmatch.filter(every, pattern)
        if not matched:
            yield Problem(path, line, 1, f"no public name is {pattern!r}: take it out")
        elif all(how.get(name) in HOW[:3] for name in matched):
            yield Problem(path, line, 1, f"{pattern!r} has a row: it needs no reason")


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
    shown: dict[str, str] = {}
    for row in (row for family in families for row in family.rows.values()):
        hows = {side: _how(row, side) for side in ("tensorflow", "pytorch")}
        for name in _with_owners(named(row)):
            side = "tensorflow" if name.startswith(("tf.", "keras.")) else "pytorch"
            key, how = first.get(name, name), hows[side]
            shown[key] = min(how, shown.get(key, how), key=HOW.index)
    # A name that several namespaces share is one function: TensorFlow's tf.abs and tf.math.abs.
    # Compiled here: the memory of fnmatch is too small for all, and they meet 7,000 names.
    patterns = [
        (re.compile(fnmatch.translate(pattern)), reason)
        for reason, given in reasons(project).items()
        for pattern in given
    ]
    found = {}
    for space in NAMESPACES:
        cover = Coverage()
        for name in {entry[0]: name for name, entry in names.get(space, {}).items()}.values():
            cover.how[name] = shown.get(first[name], "open")
            reason = _reason(names[space], name, patterns)
            if cover.how[name] == "open" and reason:
                cover.how[name], cover.reasons[name] = "reason", reason
        found[space] = cover
    return found


def _with_owners(found: Iterable[str]) -> Iterator[str]:
    """Yield names, and the class of each that is a method: tf.RaggedTensor of its to_list."""
    for name in found:
        yield name
        owner = name.rpartition(".")[0]
        if owner.rpartition(".")[2][:1].isupper():
            yield owner


def _how(row: Row, side: str) -> str:
    """Return how the other side says what the names of one side stand for."""
    other = row.pytorch if side == "tensorflow" else row.tensorflow
    if not other:
        return "alone"
    return "several calls" if expressions.is_composed(other, row.inputs) else "one call"


def _reason(
    space: Mapping[str, list[str]], name: str, patterns: list[tuple[re.Pattern[str], str]]
) -> str | None:
    same = {name, space[name][0]}
    found = (why for pattern, why in patterns if any(map(pattern.match, same)))
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
            first = owners.setdefault(id(value), full)
            entries[full] = [first, signatures.signature(full)]
            if space in PYTORCH and not getattr(value, "__doc__", None):
                entries[full].append("undocumented")
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
