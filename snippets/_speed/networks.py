"""The networks of the cases: what goes in, and the weights that both frameworks begin with.

Weights are in the order and the shapes of Keras; the PyTorch side turns them into its own.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

CLASSES = 10


@dataclass(frozen=True)
class Network:
    """``batch`` is the whole shape of what goes in, images with the channels last."""

    name: str
    what: str
    batch: tuple[int, ...]


NETWORKS = {
    network.name: network
    for network in (
        Network("mlp", "three dense layers (784, 256, 256, 10), 64 rows", (64, 784)),
        Network(
            "cnn",
            "two 3x3 convolutions (32 and 64 channels), a pooling, a mean over the pixels and a "
            "dense layer, 16 images of 32x32x3",
            (16, 32, 32, 3),
        ),
        Network("lstm", "an LSTM of 128 units and a dense layer, 16 series of 32x32", (16, 32, 32)),
        Network(
            "transformer",
            "two encoder blocks (width 128, 4 heads, inner width 256, normalised after each half), "
            "a mean over the positions and a dense layer, 8 series of 64x128",
            (8, 64, 128),
        ),
    )
}
WIDTH, HEADS, INNER, BLOCKS = 128, 4, 256, 2  # of the transformer


def data(name: str) -> dict[str, np.ndarray]:
    """Return a batch: float32 inputs ``x``, and a class for each in ``y`` (int64)."""
    rng = np.random.default_rng(7)
    x = rng.standard_normal(NETWORKS[name].batch, dtype=np.float32)
    return {"x": x, "y": rng.integers(0, CLASSES, len(x))}


def weights(name: str) -> list[np.ndarray]:
    """Return float32 weights in Keras's order, of sizes at which the network learns."""
    rng = np.random.default_rng(11)
    return [_drawn(rng, *weight) for weight in _SHAPES[name]()]


def _drawn(rng: np.random.Generator, kind: str, *shape: int) -> np.ndarray:
    values = rng.standard_normal(shape, dtype=np.float32)
    if kind == "kernel":  # all but the last axis are summed over, except in attention
        return values / np.float32(np.sqrt(np.prod(shape[:-1])))
    if kind == "heads":
        return values / np.float32(np.sqrt(WIDTH))
    # Neither zero nor one, so that one left out, or in another's place, is noticed.
    return values * np.float32(0.1) + np.float32(kind == "scale")


Weight = tuple[str, *tuple[int, ...]]


def _dense(inputs: int, outputs: int) -> Iterator[Weight]:
    yield "kernel", inputs, outputs
    yield "bias", outputs


def _mlp() -> Iterator[Weight]:
    for inputs, outputs in ((784, 256), (256, 256), (256, CLASSES)):
        yield from _dense(inputs, outputs)


def _cnn() -> Iterator[Weight]:
    for inputs, outputs in ((3, 32), (32, 64)):
        yield "kernel", 3, 3, inputs, outputs
        yield "bias", outputs
    yield from _dense(64, CLASSES)


def _lstm() -> Iterator[Weight]:
    yield "kernel", 32, 4 * 128
    yield "kernel", 128, 4 * 128
    yield "bias", 4 * 128
    yield from _dense(128, CLASSES)


def _transformer() -> Iterator[Weight]:
    for _ in range(BLOCKS):
        for _ in ("query", "key", "value"):
            yield "heads", WIDTH, HEADS, WIDTH // HEADS
            yield "bias", HEADS, WIDTH // HEADS
        yield "heads", HEADS, WIDTH // HEADS, WIDTH
        yield "bias", WIDTH
        yield from (("scale", WIDTH), ("bias", WIDTH))
        yield from (*_dense(WIDTH, INNER), *_dense(INNER, WIDTH))
        yield from (("scale", WIDTH), ("bias", WIDTH))
    yield from _dense(WIDTH, CLASSES)


_SHAPES = {"mlp": _mlp, "cnn": _cnn, "lstm": _lstm, "transformer": _transformer}
