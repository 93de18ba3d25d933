"""Products of matrices, and convolutions: where nearly all time goes to arithmetic."""

from functools import partial
from typing import Any

import numpy as np

from snippets._speed.sides import Side

from .case import Arrays, Build, Mode, Timed, both, compiled, numbers

SIZES = (64, 256, 1024, 2048)
# What goes in, in the order of TensorFlow: batch, height and width, channels in and out.
CONVOLUTIONS = {
    "small": (1, 28, 16, 16),
    "medium": (8, 56, 64, 64),
    "large": (8, 112, 64, 64),
}


def product(size: int) -> Timed:
    return both(
        f"matmul/{size}",
        f"Multiplying two float32 matrices of shape [{size}, {size}].",
        lambda: {"x": numbers(size, size, seed=1), "y": numbers(size, size, seed=2)},
        tensorflow=lambda _tf, x, y: x @ y,
        pytorch=lambda _torch, x, y: x @ y,
        expected=lambda x, y: x @ y,
    )


def convolution(name: str) -> Timed:
    batch, size, channels, filters = CONVOLUTIONS[name]
    return Timed(
        f"conv/{name}",
        f"A 3x3 convolution, forward, of {batch} float32 image(s) of {size}x{size} pixels from "
        f"{channels} to {filters} channels; channels last in TensorFlow, both ways in PyTorch.",
        inputs=lambda: {
            "x": numbers(batch, size, size, channels, seed=1),
            "w": numbers(3, 3, channels, filters, seed=2),
        },
        sides={"tensorflow": _tensorflow, "pytorch": _pytorch},
        expected=_convolved,
    )


def _convolved(x: np.ndarray, w: np.ndarray) -> np.ndarray:
    """Return the convolution as nine products, one per pixel of the kernel."""
    _, height, width, _ = x.shape
    padded = np.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)))
    total = np.zeros((*x.shape[:3], w.shape[3]))
    for i, j in np.ndindex(3, 3):
        total += padded[:, i : i + height, j : j + width] @ w[i, j]
    return total


def _tensorflow(side: Side, arrays: Arrays) -> dict[str, Build]:
    tf = side.module
    x, w = side.tensor(arrays["x"]), side.tensor(arrays["w"])

    def convolve(x: Any, w: Any) -> Any:
        return tf.nn.conv2d(x, w, strides=1, padding="SAME")

    def mode(run: Any) -> Mode:
        return Mode(partial(run, x, w))

    return {
        "TensorFlow eager": lambda: mode(convolve),
        "tf.function": lambda: mode(tf.function(convolve)),
        "tf.function, jit_compile": lambda: mode(tf.function(convolve, jit_compile=True)),
    }


def _pytorch(side: Side, arrays: Arrays) -> dict[str, Build]:
    torch = side.module
    x = side.tensor(arrays["x"]).permute(0, 3, 1, 2)
    w = side.tensor(arrays["w"]).permute(3, 2, 0, 1)

    def convolve(x: Any, w: Any) -> Any:
        return torch.nn.functional.conv2d(x, w, padding=1)

    def mode(run: Any, layout: Any) -> Mode:
        laid = [tensor.contiguous(memory_format=layout) for tensor in (x, w)]
        # Compared as TensorFlow has it: a view, which moves no numbers.
        return Mode(lambda: run(*laid).permute(0, 2, 3, 1))

    first, last = torch.contiguous_format, torch.channels_last
    return {
        "PyTorch eager": lambda: mode(convolve, first),
        "PyTorch eager, channels last": lambda: mode(convolve, last),
        "torch.compile": lambda: mode(compiled(torch, convolve), first),
        "torch.compile, channels last": lambda: mode(compiled(torch, convolve), last),
    }


CASES = (*map(product, SIZES), *map(convolution, CONVOLUTIONS))
