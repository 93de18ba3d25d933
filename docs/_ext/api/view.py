"""A row as readers see it: what each side writes, what differs, in words, and what was measured."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from snippets._harness.api import expressions, names, verify
from snippets._harness.api.rows import Family, Row
from snippets._harness.api.verify import RowEvidence

SIDES = {"tensorflow": "TensorFlow", "pytorch": "PyTorch"}
EDGES = {
    "scalar": "a number without dimensions",
    "empty": "no elements",
    "one element": "one element",
    "integers": "integers for floats",
    "special values": "NaN, infinity, both zeros",
    "wrong shape": "a shape that does not fit",
    "text": "text for numbers",
}
SAID = {  # of what a run found, in words
    "other dtype": "Other dtype of the result",
    "other dtypes accepted": "Other dtypes accepted",
    "other return": "Other kind of result",
    "mutates": "Changes its input",
    "gradient": "Gradient on one side only",
    "other layout": "Other layout of data or weights",
    "random stream differs": "Other random numbers, of one distribution",
    "composed in TensorFlow": "Several calls in TensorFlow",
    "composed in PyTorch": "Several calls in PyTorch",
    "another package": "Lives in another package",
    "deprecated": "Deprecated",
    "needs surroundings": "Needs its surroundings",
    "missing": "Missing on one side",
}
ARGUMENTS = {
    "renamed": "Arguments renamed",
    "reordered": "Arguments in another order",
    "other default": "Other default",
    "only TensorFlow": "Arguments only in TensorFlow",
    "only PyTorch": "Arguments only in PyTorch",
}
TOKEN = re.compile(r"\b(?:tf|keras|torch|F|np)(?:\.[A-Za-z_]\w*)+")


@dataclass(frozen=True)
class Apart:
    """What each side gives for one kind of input."""

    what: str
    tensorflow: str
    pytorch: str
    says: str = ""  # the sentence of a case
    agrees: bool = False


@dataclass(frozen=True)
class View:
    """One row with its pins and its evidence."""

    name: str
    row: Row
    family: Family
    evidence: RowEvidence | None  # a pass that counts

    @property
    def anchor(self) -> str:
        return f"api-{self.name}"

    @property
    def page(self) -> str:
        return f"api/{self.family.name}"

    @property
    def pins(self) -> dict[str, Any]:
        found: dict[str, Any] = self.family.pins.get(self.name, {})
        return found

    @property
    def alone(self) -> str | None:
        """The one side there is; None where both sides have something."""
        return next(
            (s for s, o in zip(SIDES, [*SIDES][::-1], strict=True) if not self.code(o)), None
        )

    def code(self, side: str) -> str | None:
        text: str | None = getattr(self.row, side)
        return text.strip() if text else None

    @cached_property
    def names(self) -> dict[str, list[str]]:
        """The names that the row is about, by side; `numpy` for NumPy's."""
        found: dict[str, list[str]] = {"tensorflow": [], "pytorch": [], "numpy": []}
        for name in dict.fromkeys(names.named(self.row)):
            found[side_of(name)].append(name)
        return found

    @property
    def goes_by(self) -> list[str]:
        """The names of the same function: what a search for one of them is after."""
        texts = [self.row.tensorflow, self.row.pytorch, *self.row.also]
        found = [_goes_by(text, self.row) for text in texts if text]
        return list(dict.fromkeys(name for name in found if name))

    @property
    def others(self) -> list[str]:
        """The names that neither side's code shows: aliases, and those of cases."""
        written = {name for side in SIDES for _, name in pieces(self.code(side) or "") if name}
        return [name for side in self.names.values() for name in side if name not in written]

    @cached_property
    def tags(self) -> list[tuple[str, str]]:
        """What differs, derived from run and signatures: in words, and its details."""
        return [*self._from_run(), *self._from_signatures(), *self._from_edges()]

    def _from_run(self) -> Iterator[tuple[str, str]]:
        if self.alone:
            yield f"{SIDES[self.alone]} alone has it", ""
        for tag in self.pins.get("tags", []):
            yield SAID.get(tag, tag), _details(self.pins.get("differs", {}).get(tag))

    def _from_signatures(self) -> Iterator[tuple[str, str]]:
        for what, found in self.pins.get("signature", {}).items():
            detail = ", ".join(each.replace(" | ", " → ") for each in found)
            if what == "other default":
                detail = ", ".join(map(_default, found))
            yield ARGUMENTS[what], detail

    def _from_edges(self) -> Iterator[tuple[str, str]]:
        edges = self.pins.get("edges", {}).items()
        apart = [EDGES.get(edge, edge) for edge, given in edges if "refused" not in given]
        if apart:
            yield "Differs at an edge", ", ".join(apart)
        if any(len(set(given.get("refused", "").split(" | "))) > 1 for _, given in edges):
            yield "Other errors", ""

    @cached_property
    def apart(self) -> list[Apart]:
        """What was run beside the ordinary inputs: cases, and edges where the sides part."""
        return [*self._cases(), *self._edges()]

    def _cases(self) -> Iterator[Apart]:
        for name, case in self.row.cases.items():
            pin = self.pins.get("cases", {}).get(name, {})
            both = [pin.get(side, "") for side in SIDES]
            if "index" in pin:
                both = [f"at {pin['index']}: {each}" for each in both]
            if "gradient" in pin:
                both = [
                    f"{value}, gradient {pin['gradient'][side]}"
                    for value, side in zip(both, SIDES, strict=True)
                ]
            what = name.replace("-", " ")
            yield Apart(what, both[0], both[1], case.differs or "", bool(pin.get("agrees")))

    def _edges(self) -> Iterator[Apart]:
        for edge, given in self.pins.get("edges", {}).items():
            what = EDGES.get(edge, edge)
            if "refused" in given:
                one, _, other = given["refused"].partition(" | ")
                yield Apart(what, f"raises {one}", f"raises {other}")
                continue
            at = given.get("at") or given.get("index")
            where = f" (at {at})" if at else ""
            yield Apart(f"{what}{where}", given["tensorflow"], given["pytorch"])

    @property
    def deviation(self) -> str:
        """The largest relative deviations that the last run measured, in words."""
        if self.evidence is None or not self.evidence.compared:
            return ""
        parts = []
        for dtype, sizes in self.evidence.deviation.items():
            forward, back = (sizes.get(f"{w} relative") for w in ("forward", "gradient"))
            text = f"{dtype} {size(forward or 0.0)}"
            parts.append(text if back is None else f"{text} (gradient {size(back)})")
        return ", ".join(parts)

    @property
    def given(self) -> str:
        """The inputs that both sides run on, in words."""
        return ", ".join(f"{name}: {value}" for name, value in self.row.inputs.items())


def views(folder: Path, family: Family) -> list[View]:
    """Return the rows of a family with the evidence in ``folder`` that counts."""
    proven = verify.proven(folder, family)
    return [View(name, row, family, proven.get(name)) for name, row in family.rows.items()]


def _goes_by(text: str, row: Row) -> str | None:
    if expressions.is_name(text):
        return expressions.full(text)
    if expressions.is_composed(text, row.inputs):
        return None
    return expressions.callee(expressions.parse(text), row.inputs)


def side_of(name: str) -> str:
    root = name.partition(".")[0]
    return {"tf": "tensorflow", "keras": "tensorflow", "np": "numpy"}.get(root, "pytorch")


def pieces(code: str) -> Iterator[tuple[str, str | None]]:
    """Yield a code in pieces, each with its full name where it is a name of a package."""
    end = 0
    for match in TOKEN.finditer(code):
        yield code[end : match.start()], None
        yield match[0], expressions.full(match[0])
        end = match.end()
    yield code[end:], None


def size(number: float) -> str:
    """Return a deviation as ``1.2e-07``, or 0."""
    return f"{number:.1e}" if number else "0"


def _default(text: str) -> str:
    """Return ``epsilon 1e-7 | 1e-8`` in words."""
    name, _, values = text.partition(" ")
    one, _, other = values.partition(" | ")
    return f"{name} is {one} in TensorFlow, {other} in PyTorch"


def _details(found: Any) -> str:
    match found:
        case {"tensorflow": one, "pytorch": other}:
            return f"{one} in TensorFlow, {other} in PyTorch"
        case dict():
            told = {dtype: _details(each) for dtype, each in found.items()}
            if len(set(told.values())) == 1:
                return next(iter(told.values()))
            return "; ".join(f"for {dtype}, {each}" for dtype, each in told.items())
    return ""
