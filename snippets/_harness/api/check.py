"""Runs one row: both sides on the same arrays, ordinary and at the edges, value and gradient."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from . import expressions, signatures
from .compare import (
    Difference,
    apart,
    comparable,
    compare_streams,
    demand,
    difference,
    dtypes_of,
    grads_of,
    outcome_of,
    pair_of,
    result_of,
    said,
    shown,
    structure_of,
    without_of,
)
from .inputs import Variant, make, parse
from .pairs import KINDS, ROOTS, Function
from .rows import Row
from .sides import Leaf, Result, leaves

DOUBLE = 1e-3  # of a row's tolerance is what double precision is held to
HALF = {"float16": 2e-2, "bfloat16": 1e-1}
ORDINARY = {
    "float": ({"float": "float32"}, {"float": "float64"}),
    "complex": ({"complex": "complex64"}, {"complex": "complex128", "float": "float64"}),
    "int": ({"int": "int64"}, {"int": "int32"}),
}


@dataclass
class Record:
    """What running a row gave: the figures, what is pinned, and what is wrong."""

    compared: bool = False
    gradient: str = "none"  # compared, or which side alone has one
    deviation: dict[str, dict[str, float]] = field(default_factory=dict)  # dtype -> what -> size
    pinned: dict[str, Any] = field(default_factory=dict)
    failures: list[str] = field(default_factory=list)

    def note(self, dtype: str, what: str, absolute: float, relative: float) -> None:
        known = self.deviation.setdefault(dtype, {})
        for kind, size in (("absolute", absolute), ("relative", relative)):
            known[f"{what} {kind}"] = max(known.get(f"{what} {kind}", 0.0), float(f"{size:.2e}"))


def check(name: str, row: Row, *, edges: bool = True) -> Record:
    """Run a row whole; ``edges`` off leaves out what mutants need not be run on."""
    return Check(name, row).run(edges=edges)


class Check:
    """One row as it is run."""

    def __init__(self, name: str, row: Row) -> None:
        self.name, self.row, self.record = name, row, Record()
        self.specs = {k: parse(v) for k, v in row.inputs.items() if isinstance(v, str)}
        self.pair = KINDS[row.kind](row, row.tensorflow, row.pytorch)
        self.differences: dict[str, Any] = {}
        self.varied = ""  # the kind of input whose dtype varies

    def run(self, *, edges: bool) -> Record:
        pinned = self.record.pinned
        pinned["tags"] = []
        if None in (self.row.tensorflow, self.row.pytorch):
            self.one_side()
        else:
            self.ordinary()
            self.also()
            if edges and self.record.compared and self.row.kind == "function":
                self.edges()
            pinned["tags"] = sorted({*self.tags(), *self.differences})
            pinned["differs"] = self.differences
            pinned["signature"] = signatures.compare(*self.callees())
            if self.differences and not self.row.says:
                what = ", ".join(self.differences)
                self.fail(f"differs ({what}) without a sentence: add 'says'")
        pinned["cases"] = {name: self.case(name) for name in self.row.cases}
        pinned["gradient"] = self.record.gradient
        return self.record

    def fail(self, message: str) -> None:
        self.record.failures.append(message)

    def callees(self) -> tuple[str | None, str | None]:
        texts = (self.row.tensorflow, self.row.pytorch)
        return tuple(  # type: ignore[return-value]
            expressions.callee(expressions.parse(t), self.row.inputs) if t else None for t in texts
        )

    def tags(self) -> Iterator[str]:
        """Yield what the expressions themselves show, and what was written by hand."""
        yield from self.row.tags
        if any(
            "permute" in t or ".T" in t or "transpose" in t or "movedim" in t
            for t in self.layouts()
        ):
            yield "other layout"
        if self.row.kind == "random":
            yield "random stream differs"
        for side, text in (("TensorFlow", self.row.tensorflow), ("PyTorch", self.row.pytorch)):
            if expressions.is_composed(text or "None", self.row.inputs):
                yield f"composed in {side}"

    def layouts(self) -> list[str]:
        return [*self.row.feed.values(), *self.row.weights.values(), self.row.take or ""]

    def arrays(self, variant: Variant) -> dict[str, Any]:
        return {k: make(f"{self.name}.{k}", v, variant) for k, v in self.row.inputs.items()}

    def one_side(self) -> None:
        """Run the side there is, and look for what the other is said to lack."""
        side = "tensorflow" if self.row.tensorflow else "pytorch"
        result = self.pair.run(side, self.arrays(Variant()), gradient=False)
        if result.error:
            self.fail(f"{side} raises {result.error}: {result.message[:300]}")
        self.record.pinned["gives"] = shown(result.leaves)
        for name in self.row.absent:
            if signatures.resolve(name) is not None:
                self.fail(f"{name} is there, though the row says that it is absent")

    def variants(self) -> list[Variant]:
        kinds = {spec.kind for spec in self.specs.values()}
        for given in self.row.inputs.values():
            if not isinstance(given, str):
                kinds.add(
                    {"f": "float", "i": "int"}.get(np.asarray(given).dtype.kind, "")
                    if _flat(given)
                    else ""
                )
        if self.row.kind in ("optimizer", "layer"):
            kinds.add("float")
        for kind, changes in ORDINARY.items():
            if kind in kinds:
                self.varied = kind
                return [Variant().of(**change) for change in changes]
        return [Variant()]

    def ordinary(self) -> None:
        """Compare value, shape, dtype and gradient in two dtypes of the inputs."""
        for variant in self.variants():
            arrays = self.arrays(variant)
            if self.row.kind == "optimizer":
                arrays = {"p": np.zeros(1, variant.dtypes["float"])}
            dtype = variant.dtypes[self.varied] if self.varied else "as given"
            self.pair.default = variant.dtypes["float"]
            both = self.both(arrays, gradient=False)
            if any(result.error for result in both):
                self.refused(dtype, *both)
                continue
            self.compare(dtype, *both)
            if self.row.kind in ("function", "layer"):
                self.gradients(dtype, arrays)
        self.pair.default = Function.default
        if not self.record.compared and not self.record.failures:
            self.fail("both sides refuse the inputs in every dtype")

    def both(
        self, arrays: Any, *, gradient: bool, half: str | None = None
    ) -> tuple[Result, Result]:
        return (
            self.pair.run("tensorflow", arrays, gradient=gradient, half=half),
            self.pair.run("pytorch", arrays, gradient=gradient, half=half),
        )

    def refused(self, dtype: str, one: Result, other: Result) -> None:
        """Note a dtype that a side refuses: a difference, as long as another is compared."""
        if dtype not in ("float64", "int32", "complex128"):
            told = one.message if one.error else other.message
            self.fail(
                f"on {dtype} {said(one)} in TensorFlow, {said(other)} in PyTorch: {told[:300]}"
            )
            return
        self.differences["other dtypes accepted"] = {dtype: pair_of(said(one), said(other))}

    def compare(self, dtype: str, one: Result, other: Result) -> None:
        tolerance = self.row.tolerance * (DOUBLE if dtype in ("float64", "complex128") else 1)
        try:
            if self.row.kind == "random":
                compare_streams(one.leaves, other.leaves)
                pair = (0.0, 0.0)
            else:
                if self.row.kind == "optimizer":  # Keras keeps rates in single precision
                    tolerance = self.row.tolerance
                pair = difference(one.leaves, other.leaves, tolerance)
            self.record.note(dtype, "forward", *pair)
            self.record.compared = True
        except Difference as found:
            self.fail(f"on {dtype}: {found}")
        for what, find in (("other dtype", dtypes_of), ("other return", structure_of)):
            kinds = find(one.leaves), find(other.leaves)
            if kinds[0] != kinds[1]:
                self.differences.setdefault(what, {})[dtype] = pair_of(*kinds)
        if one.mutated != other.mutated:
            self.differences["mutates"] = pair_of(
                *(", ".join(r.mutated) or "nothing" for r in (one, other))
            )

    def gradients(self, dtype: str, arrays: Any) -> None:
        """Compare the gradients by every input that floats, if the results depend on any."""
        if not any(isinstance(v, np.ndarray) and v.dtype.kind in "fc" for v in arrays.values()):
            return
        one, other = self.both(arrays, gradient=True)
        has = [any(g is not None and np.any(g) for g in r.gradients or ()) for r in (one, other)]
        if has[0] != has[1]:
            self.record.gradient = "TensorFlow alone" if has[0] else "PyTorch alone"
            told = (
                "has one" if h else without_of(r) for h, r in zip(has, (one, other), strict=True)
            )
            self.differences["gradient"] = pair_of(*told)
            return
        if not any(has):
            return
        tolerance = 10 * self.row.tolerance * (DOUBLE if dtype in ("float64", "complex128") else 1)
        mine, theirs = gradient_leaves(one, other, dtype)
        try:
            self.record.note(dtype, "gradient", *difference(mine, theirs, tolerance))
            self.record.gradient = "compared"
        except Difference as found:
            self.fail(f"gradient on {dtype}: {found}")

    def also(self) -> None:
        """Hold the row's other names to the same values."""
        arrays = self.arrays(self.variants()[0])
        mine: dict[str, Result] = {}  # of the row itself, by side
        for text in self.row.also:
            try:
                side, pair = self.alias(text)
                if self.row.kind == "layer" and side == "pytorch":
                    demand(pair.run("tensorflow", arrays, gradient=False))
                found = pair.run(side, arrays, gradient=False)
                demand(found)
                if side not in mine:
                    mine[side] = self.pair.run(side, arrays, gradient=False)
                if self.row.kind == "random":
                    compare_streams(found.leaves, mine[side].leaves)
                else:
                    difference(found.leaves, mine[side].leaves, max(self.row.tolerance, 1e-5))
            except (Difference, ValueError) as error:
                self.fail(f"also {text!r}: {error}")

    def alias(self, text: str) -> tuple[str, Function]:
        """Return the side of another name, and a pair that says it in place of the row's."""
        side = expressions.side(expressions.parse(text))
        if side == "numpy":
            return "pytorch", _NumPy(self.row, None, text)
        if expressions.is_name(text):
            mine = self.row.tensorflow if side == "tensorflow" else self.row.pytorch
            text = expressions.renamed(mine or "", text, self.row.inputs)
        texts: tuple[str | None, str | None]
        texts = (text, None) if side == "tensorflow" else (None, text)
        if self.row.kind == "layer" and side == "pytorch":
            texts = (self.row.tensorflow, text)  # whose weights it takes
        return side, KINDS[self.row.kind](self.row, *texts)

    def edges(self) -> None:
        """Run what migrating code meets sooner or later, and pin where the sides part."""
        found: dict[str, Any] = {}
        for edge, arrays, half in self.edge_arrays():
            if edge in self.row.without:
                continue
            both = self.both(arrays, gradient=False, half=half)
            if outcome := outcome_of(arrays, *both, HALF.get(half or "", self.row.tolerance * 10)):
                found[edge] = outcome
        self.record.pinned["edges"] = found

    def edge_arrays(self) -> Iterator[tuple[str, dict[str, Any], str | None]]:
        kinds = {spec.kind for spec in self.specs.values()}
        letters = {letter for spec in self.specs.values() for letter in spec.letters}
        any_shape = [spec for spec in self.specs.values() if spec.shape is None]
        first = self.variants()[0]
        if any_shape:
            yield "scalar", self.arrays(Variant(first.dtypes, shape=())), None
        if any_shape or letters:
            empty = {min(letters, key="nmbkthwdcv".find): 0} if letters else {}
            yield "empty", self.arrays(Variant(first.dtypes, empty, (0, 3))), None
            ones = dict.fromkeys(letters, 1)
            yield "one element", self.arrays(Variant(first.dtypes, ones, (1, 1))), None
        if "float" in kinds:
            arrays = self.arrays(first)
            yield (
                "integers",
                {k: _rounded(v) if self.is_float(k) else v for k, v in arrays.items()},
                None,
            )
            for half in HALF:
                yield half, arrays, half
            yield "special values", self.arrays(Variant(first.dtypes, special=True)), None
            if "int" in kinds:
                yield "int32 indices", self.arrays(first.of(int="int32")), None
        yield from self.bad_arrays(first)

    def bad_arrays(self, variant: Variant) -> Iterator[tuple[str, dict[str, Any], str | None]]:
        arrays = self.arrays(variant)
        tensors = [k for k in self.specs if isinstance(arrays[k], np.ndarray)]
        if len(tensors) > 1 and arrays[tensors[1]].ndim:
            wrong = arrays[tensors[1]]
            wider = np.concatenate([wrong, wrong[..., :1]], -1)
            yield "wrong shape", {**arrays, tensors[1]: wider}, None
        elif tensors:
            yield "text", {**arrays, tensors[0]: np.array(["a", "b"])}, None

    def is_float(self, name: str) -> bool:
        return name in self.specs and self.specs[name].kind == "float"

    def case(self, name: str) -> dict[str, Any]:
        """Run a case; it agrees, or differs as pinned and with a sentence."""
        case = self.row.cases[name]
        merged = {**self.row.inputs, **case.inputs}
        texts = (case.tensorflow or self.row.tensorflow, case.pytorch or self.row.pytorch)
        row = self.row.model_copy(
            update={"inputs": merged, "tensorflow": texts[0], "pytorch": texts[1]}
        )
        inner = Check(f"{self.name}.{name}", row)
        arrays = inner.arrays(inner.variants()[0])
        if row.kind == "optimizer":
            arrays = {"p": np.zeros(1, "float32")}
        one, other = inner.both(arrays, gradient=False)
        same = self.agree(one, other)
        pinned: dict[str, Any] = {"agrees": same} | (
            pair_of(result_of(one), result_of(other)) if same else apart(one, other)
        )
        if row.kind in ("function", "layer") and not one.error and not other.error:
            pinned |= inner.case_gradients(arrays, pinned)
            same = pinned["agrees"]
        refused = bool(one.error and other.error)
        if refused != case.refused:
            told = f"TensorFlow {said(one)}, PyTorch {said(other)}: {one.message[:200]}"
            mend = "add 'refused = true'" if refused else "take 'refused' out"
            self.fail(f"case {name!r}: {told} | {other.message[:200]}; if that is meant, {mend}")
        if not same and not case.differs:
            found = f"{result_of(one)} in TensorFlow, {result_of(other)} in PyTorch"
            self.fail(f"case {name!r}: {found}; add 'differs' with the sentence a reader needs")
        if same and case.differs:
            self.fail(f"case {name!r} says that the sides differ, but both give {result_of(one)}")
        return pinned

    def case_gradients(self, arrays: Any, pinned: dict[str, Any]) -> dict[str, Any]:
        """Return the gradients that a case adds to what it pins, if a side has any."""
        one, other = self.both(arrays, gradient=True)
        if not any(g is not None for r in (one, other) for g in r.gradients or ()):
            return {}
        alike = not one.error and not other.error
        if alike:
            alike = self.agree(*map(Result, gradient_leaves(one, other, "float32")))
        told = pair_of(grads_of(one), grads_of(other))
        return {"agrees": pinned["agrees"] and alike, "gradient": told}

    def agree(self, one: Result, other: Result) -> bool:
        if one.error or other.error:
            return bool(one.error and other.error)
        try:
            difference(one.leaves, other.leaves, self.row.tolerance * 10)
        except Difference:
            return False
        kinds = dtypes_of(one.leaves), dtypes_of(other.leaves)
        # PyTorch has no tensors of text: the same words in a list agree.
        return kinds[0] == kinds[1] or set(kinds[0].split(", ")) == {"string"}


class _NumPy(Function):
    """An expression of NumPy over the arrays themselves."""

    def _run(self, _side: str, arrays: Any, _gradient: bool, _half: str | None) -> Result:
        return Result(tuple(leaves(expressions.run(self.code["pytorch"], {**ROOTS, **arrays}))))


def gradient_leaves(
    one: Result, other: Result, dtype: str
) -> tuple[tuple[Leaf, ...], tuple[Leaf, ...]]:
    """Return the gradients by each input that has one on a side; none counts as zeros."""
    pairs = [
        (np.zeros_like(b) if a is None else a, np.zeros_like(a) if b is None else b)
        for a, b in zip(one.gradients or (), other.gradients or (), strict=True)
        if a is not None or b is not None
    ]
    mine, theirs = (tuple(Leaf(each[side], dtype) for each in pairs) for side in (0, 1))
    return mine, theirs


def _flat(given: Any) -> bool:
    return comparable(given) is not None


def _rounded(value: Any) -> Any:
    return (
        np.asarray(np.round(np.abs(value))).astype("int32")
        if isinstance(value, np.ndarray)
        else value
    )
