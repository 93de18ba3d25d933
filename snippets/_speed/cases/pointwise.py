"""Many operations on every element, where fusing saves memory; many small ones against few."""

from typing import Any

import numpy as np

from .case import FLOAT32, Arrays, both, numbers

SMALL = 200  # products in the loop


def ten(maximum: Any, absolute: Any, x: Any) -> Any:
    """Return x after ten operations that each read and write all of it."""
    y = x * 1.5
    y = y + 0.25
    y = maximum(y, x)
    y = y - 0.5
    y = y * x
    y = absolute(y)
    y = y + 1.0
    y = 1.0 / y
    y = y * y
    return y - x


def one_by_one(x: Any, w: Any) -> Any:
    for _ in range(SMALL):
        x = x @ w
    return x


def _small() -> Arrays:
    # An orthogonal matrix: numbers neither grow nor vanish over 200 products.
    w, _ = np.linalg.qr(numbers(32, 32, seed=2))
    return {"x": numbers(32, 32, seed=1), "w": w}


CASES = (
    both(
        "pointwise/ten",
        "Ten cheap operations on each of 1,000,000 float32 elements.",
        lambda: {"x": numbers(1_000_000, seed=1)},
        tensorflow=lambda tf, x: ten(tf.maximum, tf.abs, x),
        pytorch=lambda torch, x: ten(torch.maximum, torch.abs, x),
        expected=lambda x: ten(np.maximum, np.abs, x),
    ),
    both(
        "pointwise/tanh",
        "The hyperbolic tangent of 1,000,000 float32 elements.",
        lambda: {"x": numbers(1_000_000, seed=1)},
        tensorflow=lambda tf, x: tf.tanh(x),
        pytorch=lambda torch, x: torch.tanh(x),
        expected=np.tanh,
    ),
    both(
        "loop/200-small",
        f"{SMALL} products of float32 matrices of shape [32, 32], one after the other in a loop.",
        _small,
        tensorflow=lambda _tf, x, w: one_by_one(x, w),
        pytorch=lambda _torch, x, w: one_by_one(x, w),
        expected=one_by_one,
        tolerance=10 * FLOAT32,  # an error of one product goes through all that follow
    ),
    both(
        "loop/one-large",
        f"As much arithmetic in one product: [{SMALL * 32}, 32] by [32, 32], float32.",
        lambda: {"x": numbers(SMALL * 32, 32, seed=1), "w": numbers(32, 32, seed=2)},
        tensorflow=lambda _tf, x, w: x @ w,
        pytorch=lambda _torch, x, w: x @ w,
        expected=lambda x, w: x @ w,
    ),
)
