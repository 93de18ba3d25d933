"""Inputs of rows: what ``float[n,4] in 0..1`` means, and the arrays made from it.

A letter is a size that edges vary (none, one); ``[*]`` is any shape at all.
"""

import re
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

SPEC = re.compile(
    r"(?P<kind>[a-z]+\d*)\[(?P<shape>[^\]]*)\](?: in (?P<low>\S+)\.\.(?P<high>\S+))?(?P<rest>.*)"
)
KINDS = ("float", "int", "bool", "complex")  # in the dtype of the variant that is run
FIXED = ("float32", "float64", "int32", "int64", "uint8")  # in this one whatever is run
SHAPES = ("distinct", "sorted", "symmetric", "positive definite", "probabilities", "one-hot")
SIZES = {"b": 2, "n": 3, "m": 4, "k": 5, "c": 3, "d": 4, "h": 6, "w": 8, "t": 5, "v": 6}
ANY = (3, 4)  # the shape that `[*]` stands for where none is asked for
SPECIAL = (np.nan, np.inf, -np.inf, -0.0, 0.0, 0.5, -0.5, 1.0, -1.0, 1.5, 2.5, -2.5, 7.0, 88.8)


@dataclass(frozen=True)
class Variant:
    """One way to fill the inputs of a row. ``sizes`` overrides letters, ``shape`` is ``[*]``."""

    dtypes: Mapping[str, str] = field(
        default_factory=lambda: {"float": "float32", "int": "int64", "complex": "complex64"}
    )
    sizes: Mapping[str, int] = field(default_factory=dict)
    shape: tuple[int, ...] = ANY
    seed: int = 0
    special: bool = False

    def of(self, **dtypes: str) -> "Variant":
        return replace(self, dtypes={**self.dtypes, **dtypes})


@dataclass(frozen=True)
class Spec:
    """What a text such as ``int[n] in 0..5 distinct`` asks for."""

    kind: str
    shape: tuple[str, ...] | None  # None: any
    low: str | None
    high: str | None
    quality: str  # such as ``sorted``

    @property
    def letters(self) -> set[str]:
        return {size for size in self.shape or () if size.isalpha()}


def parse(text: str) -> Spec:
    """Return what ``text`` asks for; raise ValueError with what would be right."""
    match = SPEC.fullmatch(text.strip())
    kinds = ", ".join([*KINDS, *FIXED])
    if not match or match["kind"] not in (*KINDS, *FIXED):
        raise ValueError(f"{text!r} is no input; write such as 'float[n,4]', kinds are {kinds}")
    sizes = [size.strip() for size in match["shape"].split(",")]
    shape = None if sizes == ["*"] else tuple(size for size in sizes if size)
    if shape and not all(size.isdigit() or re.fullmatch("[a-z]", size) for size in shape):
        raise ValueError(f"{text!r}: sizes are numbers or single letters, or [*] for any shape")
    rest = match["rest"].strip()
    if rest and rest not in SHAPES:
        raise ValueError(f"{text!r}: {rest!r} is unknown; known are {', '.join(SHAPES)}")
    for bound in (match["low"], match["high"]):
        if bound and not re.fullmatch(r"[a-z]|-?[\d.]+(e-?\d+)?", bound):
            raise ValueError(f"{text!r}: bounds are numbers or letters of sizes, low..high")
    return Spec(match["kind"], shape, match["low"], match["high"], rest)


def make(name: str, given: Any, variant: Variant) -> Any:
    """Return the array of one input: drawn from its text, or as given.

    Lists and numbers are taken as they are, floats in the variant's dtype; texts in lists stay.
    """
    if isinstance(given, str):
        return draw(name, parse(given), variant)
    array = np.asarray(given)
    match array.dtype.kind:
        case "f":
            return array.astype(_numpy(variant.dtypes["float"]))
        case "i":
            return array.astype(variant.dtypes["int"])
        case "b":
            return array
    return given


def draw(name: str, spec: Spec, variant: Variant) -> np.ndarray:
    random = np.random.default_rng([zlib.crc32(name.encode()), variant.seed])
    shape = shape_of(spec, variant)
    kind = spec.kind.rstrip("0123456789")
    if kind == "bool":
        return np.asarray(random.integers(0, 2, shape)).astype(bool)
    low, high = (bound_of(bound, variant) for bound in (spec.low, spec.high))
    if kind in ("int", "uint"):
        least = -5 * (kind == "int") if low is None else int(low)
        array = _integers(random, shape, least, int(6 if high is None else high), spec.quality)
        dtype = spec.kind if spec.kind in FIXED else variant.dtypes["int"]
        return array.astype(dtype)
    if kind == "complex":
        array = np.asarray(random.normal(size=shape) + 1j * random.normal(size=shape))
        return array.astype(variant.dtypes["complex"])
    array = np.asarray(random.normal(size=shape) * 1.5)
    if low is not None and high is not None:
        array = np.asarray(random.uniform(low, high, shape))
    array = with_property(random, array, spec.quality)
    if variant.special and array.size:
        array = _special(array, spec)
    return array.astype(spec.kind if spec.kind in FIXED else _numpy(variant.dtypes["float"]))


def shape_of(spec: Spec, variant: Variant) -> tuple[int, ...]:
    if spec.shape is None:
        return (len(SPECIAL),) if variant.special else variant.shape
    sizes = {**SIZES, **variant.sizes}
    return tuple(int(size) if size.isdigit() else sizes.get(size, 3) for size in spec.shape)


def bound_of(bound: str | None, variant: Variant) -> float | None:
    if bound is None:
        return None
    return {**SIZES, **variant.sizes}.get(bound, 3) if bound.isalpha() else float(bound)


def _integers(
    random: np.random.Generator, shape: tuple[int, ...], low: int, high: int, which: str
) -> np.ndarray:
    if which == "distinct":
        count = int(np.prod(shape))
        return (low + random.permutation(max(high - low, count))[:count]).reshape(shape)
    array = np.asarray(random.integers(low, max(high, low + 1), shape))
    return np.sort(array, axis=-1) if which == "sorted" and array.ndim else array


def with_property(random: np.random.Generator, array: np.ndarray, which: str) -> np.ndarray:
    match which:
        case "sorted":
            return np.sort(array, axis=-1)
        case "symmetric":
            return np.asarray((array + np.swapaxes(array, -1, -2)) / 2)
        case "positive definite":
            return np.asarray(array @ np.swapaxes(array, -1, -2) + np.eye(array.shape[-1]))
        case "probabilities":
            exponential = np.exp(array)
            return np.asarray(exponential / exponential.sum(-1, keepdims=True))
        case "one-hot":
            return np.eye(array.shape[-1])[random.integers(0, array.shape[-1], array.shape[:-1])]
    return array


def _special(array: np.ndarray, spec: Spec) -> np.ndarray:
    """Put what is special into an array: all where any shape will do, else the first three."""
    if spec.shape is None:
        return np.array(SPECIAL)
    flat = array.reshape(-1).copy()
    flat[: min(3, flat.size)] = (np.nan, np.inf, -0.0)[: min(3, flat.size)]
    return flat.reshape(array.shape)


def _numpy(dtype: str) -> str:
    """Return the dtype to hold values in on their way: NumPy itself has no bfloat16."""
    return "float32" if dtype == "bfloat16" else dtype
