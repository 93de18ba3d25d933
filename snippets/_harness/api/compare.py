"""How two results differ: in values beyond a tolerance, in distribution, and that in words."""

from typing import Any

import numpy as np

from .sides import Leaf, Result

SHOWN = 8  # numbers of a result that a difference shows
MOMENTS = 0.05  # how far mean and spread of two random streams may be apart, relative to spread


class Difference(Exception):  # noqa: N818 (it is not an error, but what is looked for)
    """How two results differ."""


def difference(
    ones: tuple[Leaf, ...], others: tuple[Leaf, ...], tolerance: float
) -> tuple[float, float]:
    """Return the largest absolute and relative deviation; raise Difference beyond tolerance.

    The relative one is of the larger of one and the value's size, as is the tolerance.
    """
    if len(ones) != len(others):
        raise Difference(f"{len(ones)} values in TensorFlow, {len(others)} in PyTorch")
    pairs = [_deviation(a.value, b.value, tolerance) for a, b in zip(ones, others, strict=True)]
    return max((p[0] for p in pairs), default=0.0), max((p[1] for p in pairs), default=0.0)


def _deviation(one: Any, other: Any, tolerance: float) -> tuple[float, float]:
    a, b = comparable(one), comparable(other)
    if a is None or b is None:
        if type(one) is type(other) and repr(one) == repr(other):
            return 0.0, 0.0
        raise Difference(f"{brief(one)} in TensorFlow, {brief(other)} in PyTorch")
    if a.shape != b.shape:
        raise Difference(f"shape {a.shape} in TensorFlow, {b.shape} in PyTorch")
    if not a.size:
        return 0.0, 0.0
    wide: type = complex if "c" in (a.dtype.kind, b.dtype.kind) else float
    if a.dtype.kind in "iub" and b.dtype.kind in "iub":
        wide = object  # exact
    a, b = a.astype(wide), b.astype(wide)
    with np.errstate(all="ignore"):
        same = a == b
        if wide is not object:
            same = same | (np.isnan(a) & np.isnan(b))
        gap = np.where(same, 0, abs(a - b)).astype(float)
        relative = np.where(same, 0, gap / np.maximum(1, np.abs(b.astype(complex))))
        relative[np.isnan(relative)] = np.inf  # infinity, or no number, on one side alone
    worst = float(np.max(relative, initial=0))
    if not worst <= tolerance:
        by = f"by {worst:.2e}, more than {tolerance:.0e}"
        raise Difference(f"{by}: {brief(one)} in TensorFlow, {brief(other)} in PyTorch")
    return float(np.max(gap, initial=0)), worst


def comparable(value: Any) -> np.ndarray | None:
    try:
        array = np.asarray(value)
    except ValueError:  # rows of different lengths
        return None
    return array if array.dtype.kind in "biufc" else None


def compare_streams(ones: tuple[Leaf, ...], others: tuple[Leaf, ...]) -> None:
    """Raise Difference unless two random results have one shape, and one mean, spread and range."""
    if len(ones) != len(others):
        raise Difference(f"{len(ones)} values in TensorFlow, {len(others)} in PyTorch")
    for one, other in zip(ones, others, strict=True):
        a, b = np.asarray(one.value, float), np.asarray(other.value, float)
        if a.shape != b.shape:
            raise Difference(f"shape {a.shape} in TensorFlow, {b.shape} in PyTorch")
        spread = max(a.std(), b.std(), 1e-9)
        moments = max(abs(a.mean() - b.mean()), abs(a.std() - b.std())) / spread
        shares = (0.1, 0.25, 0.5, 0.75, 0.9)
        quantiles = max(abs(np.quantile(a, q) - np.quantile(b, q)) for q in shares)
        near = moments <= MOMENTS and quantiles <= MOMENTS * spread + _step(a, b)
        if not near:  # also where there is NaN
            one_is, other_is = (f"mean {v.mean():.3g}, spread {v.std():.3g}" for v in (a, b))
            text = f"another distribution: {one_is} in TensorFlow, {other_is} in PyTorch"
            raise Difference(text)


def _step(a: np.ndarray, b: np.ndarray) -> float:
    """Return by how much quantiles may be apart by chance: the step of whole numbers."""
    return float(all((v == np.round(v)).all() for v in (a, b)))


def outcome_of(arrays: Any, one: Result, other: Result, tolerance: float) -> dict[str, str] | None:
    """Return what each side gives at an edge, None where they agree."""
    if one.error and other.error:
        return {"refused": f"{one.error} | {other.error}"}
    if one.error or other.error:
        return pair_of(said(one), said(other))
    try:
        difference(one.leaves, other.leaves, tolerance)
    except Difference:
        return special_pair(arrays, one, other) or apart(one, other)
    kinds = dtypes_of(one.leaves), dtypes_of(other.leaves)
    return pair_of(*kinds) if kinds[0] != kinds[1] else None


def demand(result: Result) -> None:
    """Raise Difference where there is no result but an error."""
    if result.error:
        raise Difference(f"raises {result.error}: {result.message[:200]}")


def special_pair(arrays: Any, one: Result, other: Result) -> dict[str, str] | None:
    """Return the elements in which results of the inputs' own shape differ, by their input."""
    floats = [
        v
        for v in arrays.values()
        if isinstance(v, np.ndarray) and v.dtype.kind == "f" and v.ndim == 1
    ]
    if not floats or len(one.leaves) != 1 or len(other.leaves) != 1:
        return None
    a, b = (np.asarray(r.leaves[0].value) for r in (one, other))
    if a.shape != floats[0].shape or b.shape != a.shape or a.dtype.kind not in "biuf":
        return None
    with np.errstate(all="ignore"):
        near = np.isclose(a, b, rtol=1e-3, atol=1e-4, equal_nan=a.dtype.kind == "f" == b.dtype.kind)
    at = [i for i in range(len(a)) if not near[i]][:SHOWN]
    where = ", ".join("; ".join(f"{float(v[i]):.3g}" for v in floats) for i in at)
    return {"at": where} | pair_of(*(", ".join(f"{r[i]:.3g}" for i in at) for r in (a, b)))


def apart(one: Result, other: Result) -> dict[str, str]:
    """Return what each side gives; of larger results the first elements that differ."""
    pair = pair_of(result_of(one), result_of(other))
    if pair["tensorflow"] == pair["pytorch"] and not one.error:
        for a, b in zip(one.leaves, other.leaves, strict=True):
            x, y = comparable(a.value), comparable(b.value)
            if x is None or y is None or x.shape != y.shape:
                continue
            with np.errstate(all="ignore"):
                near = np.isclose(x, y, rtol=1e-3, atol=1e-4, equal_nan=x.dtype.kind in "fc")
            if at := [tuple(map(int, i)) for i in np.argwhere(~near)[:SHOWN]]:
                told = (", ".join(f"{np.asarray(v[i]).item():.3g}" for i in at) for v in (x, y))
                return {"index": ", ".join(map(str, at))} | pair_of(*told)
    return pair


def pair_of(one: str, other: str) -> dict[str, str]:
    return {"tensorflow": one, "pytorch": other}


def said(result: Result) -> str:
    return f"raises {result.error}" if result.error else f"gives {dtypes_of(result.leaves)}"


def result_of(result: Result) -> str:
    return f"raises {result.error}" if result.error else shown(result.leaves)


def without_of(result: Result) -> str:
    return f"raises {result.error}" if result.error else "has none, or zeros"


def grads_of(result: Result) -> str:
    if result.error:
        return f"raises {result.error}"
    return "; ".join("none" if g is None else brief(g) for g in result.gradients or ())


def dtypes_of(leaves: tuple[Leaf, ...]) -> str:
    return ", ".join(leaf.dtype or type(leaf.value).__name__ for leaf in leaves)


def structure_of(leaves: tuple[Leaf, ...]) -> str:
    return ", ".join(
        "a tensor" if leaf.dtype else f"Python {type(leaf.value).__name__}" for leaf in leaves
    )


def shown(leaves: tuple[Leaf, ...]) -> str:
    """Return results in words: small ones whole, others by dtype and shape."""
    return "; ".join(brief(leaf.value, leaf.dtype) for leaf in leaves)


def brief(value: Any, dtype: str | None = None) -> str:
    array = comparable(value)
    if array is None or array.dtype.kind not in "biufc":
        return f"{value!r}"[:80]
    text = f"shape {array.shape}"
    if 0 < array.size <= SHOWN:
        rounded = np.array2string(
            array, precision=4, suppress_small=False, separator=", ", max_line_width=999
        )
        text = " ".join(rounded.split())
    return f"{dtype} {text}" if dtype else text
