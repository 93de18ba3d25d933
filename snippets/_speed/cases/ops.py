"""What an operation costs where there is next to nothing to compute."""

from typing import Any

import numpy as np

from .case import Arrays, both, numbers


def twenty_additions(x: Any) -> Any:
    for _ in range(20):
        x = x + 1.0
    return x


def _layers() -> Arrays:
    shapes = {"x": (1, 64), "w": (64, 64), "b": (64,), "v": (64, 10), "c": (10,)}
    return {name: numbers(*shape, seed=at) for at, (name, shape) in enumerate(shapes.items())}


CASES = (
    both(
        "op/add-1",
        "Adding two tensors of one float32 element.",
        lambda: {"x": numbers(1, seed=1), "y": numbers(1, seed=2)},
        tensorflow=lambda _tf, x, y: x + y,
        pytorch=lambda _torch, x, y: x + y,
        expected=lambda x, y: x + y,
    ),
    both(
        "op/add-16x16",
        "Adding two float32 tensors of shape [16, 16].",
        lambda: {"x": numbers(16, 16, seed=1), "y": numbers(16, 16, seed=2)},
        tensorflow=lambda _tf, x, y: x + y,
        pytorch=lambda _torch, x, y: x + y,
        expected=lambda x, y: x + y,
    ),
    both(
        "op/matmul-8x8",
        "Multiplying two float32 matrices of shape [8, 8].",
        lambda: {"x": numbers(8, 8, seed=1), "y": numbers(8, 8, seed=2)},
        tensorflow=lambda _tf, x, y: x @ y,
        pytorch=lambda _torch, x, y: x @ y,
        expected=lambda x, y: x @ y,
    ),
    both(
        "op/twenty-additions",
        "Twenty additions of a number, one after the other, to 16 float32 elements.",
        lambda: {"x": numbers(16, seed=1)},
        tensorflow=lambda _tf, x: twenty_additions(x),
        pytorch=lambda _torch, x: twenty_additions(x),
        expected=twenty_additions,
    ),
    both(
        "op/index",
        "Taking element 3 of 16, float32.",
        lambda: {"x": numbers(16, seed=1)},
        tensorflow=lambda _tf, x: x[3],
        pytorch=lambda _torch, x: x[3],
        expected=lambda x: x[3],
    ),
    both(
        "op/reshape",
        "Reshaping a float32 tensor from [16, 16] to [4, 64].",
        lambda: {"x": numbers(16, 16, seed=1)},
        tensorflow=lambda tf, x: tf.reshape(x, [4, 64]),
        pytorch=lambda _torch, x: x.reshape(4, 64),
        expected=lambda x: x.reshape(4, 64),
    ),
    both(
        "op/two-layers",
        "Two dense layers with ReLU between, 64 to 64 to 10, of one float32 row.",
        _layers,
        tensorflow=lambda tf, x, w, b, v, c: tf.nn.relu(x @ w + b) @ v + c,
        pytorch=lambda torch, x, w, b, v, c: torch.relu(x @ w + b) @ v + c,
        expected=lambda x, w, b, v, c: np.maximum(x @ w + b, 0) @ v + c,
    ),
)
