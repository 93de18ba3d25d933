"""What the installed packages offer, and how the arguments of two functions compare."""

import inspect
import re
from functools import cache
from types import ModuleType
from typing import Any

import keras
import tensorflow as tf
import torch

SAME = (  # names that mean the same argument
    ("axis", "dim", "axes", "dims"),
    ("keepdims", "keepdim"),
    (
        "input",
        "x",
        "a",
        "tensor",
        "value",
        "values",
        "features",
        "logits",
        "self",
        "data",
        "inputs",
        "images",
        "params",
    ),
    ("other", "y", "b", "x2"),
    ("x1", "input"),
    ("indices", "index"),
    ("learning_rate", "lr"),
    ("epsilon", "eps"),
    ("shape", "size"),
    ("repeats", "multiples", "reps"),
    ("units", "out_features"),
    ("filters", "out_channels"),
    ("strides", "stride"),
    ("dilation_rate", "dilation", "dilations"),
    ("use_bias", "bias"),
    ("rate", "p"),
    ("beta_1", "betas"),
    ("pool_size", "kernel_size", "ksize"),
    ("full_matrices", "some"),
    ("y_true", "target", "labels"),
    ("y_pred", "input"),
    ("alpha", "negative_slope"),
)
PLUMBING = {
    "name",
    "out",
    "device",
    "layout",
    "requires_grad",
    "pin_memory",
    "kwargs",
    "args",
    "self",
}
NONE = object()


def resolve(name: str) -> Any:
    """Return what a public name stands for in the installed packages, None if nothing."""
    root, *parts = name.split(".")
    found: Any = {"tf": tf, "keras": keras, "torch": torch, "Tensor": torch.Tensor}.get(root)
    for part in parts:
        found = getattr(found, part, None)
        if found is None:
            return None
    return found


@cache
def parameters(name: str) -> dict[str, str] | None:
    """Return the parameters of a function with their defaults as text, None if unknown."""
    function = resolve(name)
    if isinstance(function, ModuleType) or not callable(function):
        return None
    try:
        found = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return _documented(name, function)
    kinds = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    named = {
        p.name: "" if p.default is p.empty else _text(p.default)
        for p in found
        if p.kind not in kinds
    }
    return named or _documented(name, function)


def _text(default: Any) -> str:
    text = repr(default)
    return type(default).__name__ if " at 0x" in text else text


def _documented(name: str, function: Any) -> dict[str, str] | None:
    """Return the parameters that a docstring names: of the overload that has the most."""
    text = function.__doc__ if isinstance(function.__doc__, str) else ""
    called = rf"(?:^[ ]*|\A|:: )(?!torch\.return_types)(?:\w+\.)*{name.rpartition('.')[2]}"
    overloads = re.findall(
        rf"{called}\(((?:[^()\n]|\([^()\n]*\))*)\)[ ]*(?:->|$)", text[:4000], re.MULTILINE
    )
    if not overloads:
        return None
    parts = re.split(r",\s*(?![^(]*\))", max(overloads, key=lambda found: found.count(",")))
    pairs = (part.strip().partition("=") for part in parts if part.strip() not in ("*", "/", ""))
    return {name.strip(" *").split(":")[0]: default.strip() for name, _, default in pairs}


def signature(name: str) -> str:
    """Return a function's parameters as one line, which a new release may change."""
    found = parameters(name)
    if found is None:
        return "(?)"
    return f"({', '.join(f'{k}={v}' if v else k for k, v in found.items())})"


def compare(one: str | None, other: str | None) -> dict[str, list[str]]:
    """Return how the arguments of a TensorFlow function differ from those of a PyTorch one."""
    mine = parameters(one) if one else None
    theirs = parameters(other) if other else None
    if mine is None or theirs is None:
        return {}
    mine, theirs = ({k: v for k, v in p.items() if k not in PLUMBING} for p in (mine, theirs))
    pairs = _paired(list(mine), list(theirs))
    found = {
        "renamed": [f"{a} | {b}" for a, b in pairs if a != b],
        "other default": [
            f"{a} {mine[a]} | {theirs[b]}"
            for a, b in pairs
            if mine[a] and theirs[b] and _value(mine[a]) != _value(theirs[b])
        ],
        "only TensorFlow": [a for a in mine if a not in {p[0] for p in pairs}],
        "only PyTorch": [b for b in theirs if b not in {p[1] for p in pairs}],
    }
    order = [list(theirs).index(b) for _, b in pairs]
    found["reordered"] = [a for a, _ in pairs] if order != sorted(order) else []
    return {what: which for what, which in found.items() if which}


def _paired(mine: list[str], theirs: list[str]) -> list[tuple[str, str]]:
    pairs = []
    left = list(theirs)
    for name in mine:
        other = next((t for t in left if t == name), None) or next(
            (t for t in left if _means(name, t)), None
        )
        if other:
            left.remove(other)
            pairs.append((name, other))
    return pairs


def _means(one: str, other: str) -> bool:
    return any(one in group and other in group for group in SAME)


def _value(text: str) -> str:
    try:
        return f"{float(text):g}"
    except ValueError:
        return text.replace('"', "'")


def is_function(value: Any) -> bool:
    """Return whether a value is a function or a class, which a table of functions is about."""
    return callable(value) and not isinstance(value, ModuleType | torch.dtype | tf.DType)
