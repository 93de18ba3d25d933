"""Looks for inputs on which the sides of a row part, by hypothesis.

The ordinary inputs of a row are one draw; here sizes, shapes and values vary, within what the
row's inputs ask for. Empty tensors and NaN are left to the pinned edges. A row that parts on
what is found gets a case that says so, or inputs that are narrower.
"""

import math
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from hypothesis.errors import Flaky
from hypothesis.extra import numpy as hnp

from . import inputs
from .check import DOUBLE, Check
from .compare import Difference, difference, dtypes_of, said
from .inputs import Spec, Variant
from .rows import Row, load
from .sides import Result

WIDEST = 8.0  # of floats without bounds
QUIET = [*HealthCheck]


def items(path: str, examples: str = "5", number: str = "") -> Iterator[Callable[[], str | None]]:
    """Yield, for each row of a family that can be explored, what returns where it parts."""
    family = load(Path(path))
    for name, row in family.rows.items():
        if not row.unexplored:
            yield partial(parts, name, row, examples=int(examples), number=int(number or 0) or None)


def parts(name: str, row: Row, *, examples: int, number: int | None) -> str | None:
    """Return on what the sides of a row part, None if nothing of ``examples`` inputs was found.

    The search is the same each time, or follows from the seed ``number``.
    """
    check = Check(name, row)
    if not check.specs or row.kind != "function" or None in (row.tensorflow, row.pytorch):
        return None

    def agree(variant: Variant, arrays: dict[str, Any]) -> None:
        apart(check, variant, arrays)

    search = given(st.data())(lambda data: agree(*data.draw(drawn(check))))
    if number is not None:
        search = seed(number)(search)
    phases = (Phase.generate, Phase.shrink)
    try:
        settings(
            max_examples=examples,
            deadline=None,
            database=None,
            derandomize=number is None,
            suppress_health_check=QUIET,
            phases=phases,
            print_blob=False,
            report_multiple_bugs=False,
        )(search)()
    except Difference as found:
        return str(found)
    except Flaky:
        return "gives now this, now that for the same inputs"
    return None


def apart(check: Check, variant: Variant, arrays: dict[str, Any]) -> None:
    """Raise Difference where the sides part on ``arrays``."""
    one, other = check.both(arrays, gradient=False)
    told = ", ".join(f"{name} = {_brief(value)}" for name, value in arrays.items())
    if one.error or other.error:
        if bool(one.error) != bool(other.error) and not _is_refused(check, variant):
            raise Difference(f"{said(one)} in TensorFlow, {said(other)} in PyTorch, on {told}")
        return
    wide = "float64" in variant.dtypes.values() or "complex128" in variant.dtypes.values()
    tolerance = check.row.tolerance * 10 * (DOUBLE if wide else 1)
    try:
        difference(one.leaves, other.leaves, tolerance)
    except Difference as found:
        raise Difference(f"{found}, on {told}") from None
    _same_dtypes(check, one, other, told)


def _same_dtypes(check: Check, one: Result, other: Result, told: str) -> None:
    kinds = dtypes_of(one.leaves), dtypes_of(other.leaves)
    if kinds[0] != kinds[1] and not check.row.says:
        raise Difference(f"{kinds[0]} in TensorFlow, {kinds[1]} in PyTorch, on {told}")


def _is_refused(check: Check, variant: Variant) -> bool:
    """Return whether a side refuses this dtype, which the row's ordinary run has pinned."""
    arrays = check.arrays(variant)
    return any(result.error for result in check.both(arrays, gradient=False))


@st.composite
def drawn(draw: Any, check: Check) -> tuple[Variant, dict[str, Any]]:
    """Draw a dtype, sizes and values for the inputs of a row."""
    letters = sorted({letter for spec in check.specs.values() for letter in spec.letters})
    variant = draw(st.sampled_from(check.variants()))
    sizes = {letter: draw(st.integers(2, 5)) for letter in letters}
    shape = draw(hnp.array_shapes(min_dims=1, max_dims=3, min_side=1, max_side=4))
    variant = Variant(variant.dtypes, sizes, shape)
    arrays = {
        name: _array(draw, check.specs[name], variant)
        if name in check.specs
        else inputs.make(name, value, variant)
        for name, value in check.row.inputs.items()
    }
    return variant, arrays


def _array(draw: Any, spec: Spec, variant: Variant) -> Any:
    random = np.random.default_rng(draw(st.integers(0, 999)))
    shape = inputs.shape_of(spec, variant)
    low, high = (inputs.bound_of(bound, variant) for bound in (spec.low, spec.high))
    kind = spec.kind.rstrip("0123456789")
    if kind == "bool":
        return draw(hnp.arrays(bool, shape))
    if kind in ("int", "uint") and spec.quality != "distinct":
        least = int(low) if low is not None else -5 * (kind == "int")
        most = max(int(high if high is not None else 6) - 1, least)
        array = draw(hnp.arrays(np.int64, shape, elements=st.integers(least, most)))
        array = np.sort(array, axis=-1) if spec.quality == "sorted" and array.ndim else array
        return array.astype(spec.kind if spec.kind in inputs.FIXED else variant.dtypes["int"])
    if kind != "float":
        return inputs.draw(f"x{random.integers(99)}", spec, variant)
    floats = st.floats(
        _up(-WIDEST if low is None else low), _down(WIDEST if high is None else high), width=32
    )
    unique = spec.quality == "distinct"
    array = draw(hnp.arrays(np.float64, shape, elements=floats, unique=unique))
    array = inputs.with_property(random, array, spec.quality)
    fixed = spec.kind if spec.kind in inputs.FIXED else variant.dtypes["float"]
    return array.astype(fixed)


def _up(bound: float) -> float:
    """Return the least number of single precision that is not below ``bound``."""
    near = np.float32(bound)
    return float(near if near >= bound else np.nextafter(near, np.float32(math.inf)))


def _down(bound: float) -> float:
    return -_up(-bound)


def _brief(value: Any) -> str:
    text = " ".join(np.array2string(np.asarray(value), separator=", ").split())
    return f"{text[:200]} ({np.asarray(value).dtype})"
