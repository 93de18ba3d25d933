"""The two frameworks behind one face: arrays in, comparable leaves and gradients out."""

import os
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf
import torch

NAMES = {"tf": tf, "keras": keras, "torch": torch, "F": torch.nn.functional, "np": np}
ONLY_WRITING = {"os.remove", "os.rename", "os.mkdir", "os.rmdir", "subprocess.Popen", "os.system"}
INSIDE = (sys.prefix, sys.base_prefix, "/proc/", "/sys/", "/dev/", "/usr/")
OURS = Path(__file__).parents[1]
watched = False  # while an expression runs

# AutoGraph finds no source of a row to convert, and says so for each.
tf.get_logger().setLevel("ERROR")


class TouchedFileError(Exception):
    """An expression opened a file or another program."""


def guard(event: str, arguments: tuple[Any, ...]) -> None:
    """Audit hook: refuse files to expressions, but what the frameworks import lazily."""
    if not watched:
        return
    if event in ONLY_WRITING or (event == "open" and _is_foreign(*arguments[:2])):
        raise TouchedFileError(f"{event}: {arguments[0]}")


def _is_foreign(path: Any, mode: Any) -> bool:
    text = os.fsdecode(path) if isinstance(path, str | bytes | os.PathLike) else ""
    reading = set(str(mode or "r")) <= set("rbtU")
    if reading and text.startswith((*INSIDE, str(OURS))):
        return False  # imports, and the sources that tracebacks show
    # AutoGraph writes the functions that it converts into files of its own.
    return bool(text) and "__autograph_generated_file" not in text and text != tempfile.gettempdir()


@dataclass(frozen=True)
class Leaf:
    """A value that is compared: a tensor as an array with its own dtype's name, or plain Python."""

    value: Any
    dtype: str | None  # None: not a tensor


@dataclass(frozen=True)
class Result:
    """What an expression gave on one side."""

    leaves: tuple[Leaf, ...] = ()
    gradients: tuple[np.ndarray | None, ...] | None = None  # None: none was asked for
    mutated: tuple[str, ...] = ()
    error: str | None = None
    message: str = ""


def tensorflow_tensor(array: Any, dtype: str | None = None) -> Any:
    if isinstance(array, np.ndarray):
        return tf.cast(tf.constant(array), dtype) if dtype else tf.constant(array)
    return array


def torch_tensor(array: Any, dtype: str | None = None) -> Any:
    if not isinstance(array, np.ndarray) or array.dtype.kind in "USO":
        return array
    tensor = torch.from_numpy(np.array(array))
    return tensor.to(getattr(torch, dtype)) if dtype else tensor


def leaves(value: Any) -> Iterator[Leaf]:  # noqa: C901, PLR0912 (a table of kinds)
    """Yield what a result consists of, in order, as NumPy and Python know it."""
    match value:
        case tf.RaggedTensor():
            yield Leaf(_decoded(value.to_list()), value.dtype.name)
        case tf.SparseTensor():
            yield Leaf(tf.sparse.to_dense(value).numpy(), value.dtype.name)
        case tf.IndexedSlices():
            yield from leaves(tf.convert_to_tensor(value))
        case tf.Tensor() | tf.Variable():
            yield _tensorflow_leaf(value)
        case keras.Variable():
            yield _tensorflow_leaf(value.value)
        case torch.Tensor():
            yield _torch_leaf(value)
        case np.ndarray() | np.generic():
            yield Leaf(np.asarray(value), value.dtype.name)
        case dict():
            for key in value:
                yield from leaves(value[key])
        case torch.Size() | tf.TensorShape():
            yield Leaf(list(value), None)
        case list() | tuple() if not _is_plain(value):
            for each in value:
                yield from leaves(each)
        case tf.DType():
            yield Leaf(value.name, None)
        case torch.dtype():
            yield Leaf(str(value).removeprefix("torch."), None)
        case bytes():
            yield Leaf(value.decode(errors="replace"), None)
        case _:
            yield Leaf(value, None)


def _is_plain(value: Any) -> bool:
    """Return whether a list holds nothing but Python's own numbers and texts."""
    if isinstance(value, list | tuple):
        return all(map(_is_plain, value))
    return value is None or type(value) in (bool, int, float, complex, str)


def _tensorflow_leaf(value: Any) -> Leaf:
    if value.dtype == tf.string:
        return Leaf(_decoded(value.numpy()), "string")
    name = value.dtype.name
    return Leaf((tf.cast(value, tf.float32) if name == "bfloat16" else value).numpy(), name)


def _decoded(value: Any) -> Any:
    if isinstance(value, np.ndarray | list):
        return [_decoded(each) for each in value]
    return value.decode(errors="replace") if isinstance(value, bytes) else value


def _torch_leaf(value: torch.Tensor) -> Leaf:
    name = str(value.dtype).removeprefix("torch.")
    value = value.detach()
    if value.is_quantized:
        value = value.dequantize()
    if value.layout != torch.strided:
        value = value.to_dense()
    plain = value.float() if name == "bfloat16" else value
    return Leaf(plain.resolve_conj().resolve_neg().cpu().numpy(), name)


def weigh(value: Any, random: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Return weights for the real and the imaginary parts of a tensor, by its shape alone."""
    shape = tuple(value.shape)
    return random.uniform(0.5, 1.5, shape), random.uniform(0.5, 1.5, shape)


def tensors(value: Any) -> Iterator[Any]:
    """Yield the tensors of a result that a gradient can come from, as they are."""
    match value:
        case tf.Tensor() if value.dtype.is_floating or value.dtype.is_complex:
            yield value
        case tf.RaggedTensor() if value.dtype.is_floating:
            yield value.flat_values
        case tf.SparseTensor() if value.dtype.is_floating:
            yield tf.sparse.to_dense(value)
        case torch.Tensor() if value.is_floating_point() or value.is_complex():
            yield value.to_dense() if value.layout != torch.strided else value
        case dict():
            for each in value.values():
                yield from tensors(each)
        case list() | tuple():
            for each in value:
                yield from tensors(each)


def tensorflow_scalar(value: Any) -> Any:
    """Return a real number that depends on every number of a result."""
    random, total = np.random.default_rng(7), tf.constant(0.0, tf.float64)
    for each in tensors(value):
        real, imaginary = weigh(each, random)
        if each.dtype.is_complex:
            total += tf.reduce_sum(tf.cast(tf.math.real(each), tf.float64) * real)
            total += tf.reduce_sum(tf.cast(tf.math.imag(each), tf.float64) * imaginary)
        else:
            total += tf.reduce_sum(tf.cast(each, tf.float64) * real)
    return total


def torch_scalar(value: Any) -> torch.Tensor:
    """Return the same number of a result of PyTorch."""
    random, total = np.random.default_rng(7), torch.zeros((), dtype=torch.float64)
    for each in tensors(value):
        real, imaginary = map(torch.from_numpy, map(np.asarray, weigh(each, random)))
        if each.is_complex():
            total = (
                total + (each.real.double() * real).sum() + (each.imag.double() * imaginary).sum()
            )
        else:
            total = total + (each.double() * real).sum()
    return total


def tensorflow_gradients(run: Any, given: Mapping[str, Any]) -> tuple[np.ndarray | None, ...]:
    """Return the gradient of ``run(given)`` by each tensor in ``given``, where there is one."""
    sources = [v for v in given.values() if _floats(v)]
    with tf.GradientTape() as tape:
        tape.watch(sources)
        total = tensorflow_scalar(run(given))
    found = tape.gradient(total, sources)
    return tuple(None if g is None else next(leaves(g)).value for g in found)


def torch_gradients(run: Any, given: Mapping[str, Any]) -> tuple[np.ndarray | None, ...]:
    given = {k: v.detach().clone().requires_grad_() if _floats(v) else v for k, v in given.items()}
    sources = [v for v in given.values() if isinstance(v, torch.Tensor) and v.requires_grad]
    total = torch_scalar(run(given))
    if not total.requires_grad:
        return (None,) * len(sources)
    found = torch.autograd.grad(total, sources, allow_unused=True)
    return tuple(None if g is None else _torch_leaf(g).value for g in found)


def _floats(value: Any) -> bool:
    match value:
        case tf.Tensor():
            return bool(value.dtype.is_floating or value.dtype.is_complex)
        case torch.Tensor():
            return value.is_floating_point() or value.is_complex()
    return False
