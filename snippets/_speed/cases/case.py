"""What a case is: one computation, written for both frameworks, and how it is measured."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from snippets._speed.sides import Side

Arrays = dict[str, np.ndarray]

# Sums of float32 come out otherwise in another order: by about 6e-8 times the root of the number
# of terms, which is 3e-6 for the longest here (2048). A wrong operand shows as 1e-1 or more.
FLOAT32 = 1e-5


@dataclass(frozen=True)
class Mode:
    """One way to run a computation.

    ``call`` runs it once and returns the result, or several in a tuple. ``state`` returns what
    it changes beside that, such as weights; it is compared too. ``framework`` is ``none`` for a
    runtime of neither.
    """

    call: Callable[[], Any]
    state: Callable[[], Sequence[Any]] | None = None
    framework: str = ""


# Builds a mode when its turn comes: what fails in it, a missing package or a compiler that
# refuses, is then the reason why this mode alone is not measured.
Build = Callable[[], Mode]


@dataclass(frozen=True)
class Case:
    """What is measured.

    ``rounds`` limits how often, where one value takes long; ``device`` is set where only that
    one has anything to measure.
    """

    name: str
    what: str
    unit: str = "s per call"
    rounds: int | None = None
    device: str | None = None

    @property
    def group(self) -> str:
        return self.name.split("/")[0]


@dataclass(frozen=True, kw_only=True)
class Timed(Case):
    """A computation repeated in a process of its own per framework.

    ``sides`` has what builds the modes by framework, from equal ``inputs``. Results of ``checks``
    calls, and the state after them, are compared before anything is timed: with ``expected``
    (from the inputs, in float64) or with what the first mode gives. They may part by ``tolerance``
    times the largest number there. ``samples`` is how many a call makes, for samples/s.
    """

    inputs: Callable[[], Arrays]
    sides: Mapping[str, Callable[[Side, Arrays], dict[str, Build]]]
    expected: Callable[..., Any] | None = None
    tolerance: float = FLOAT32
    checks: int = 1
    samples: int = 0


@dataclass(frozen=True, kw_only=True)
class Fresh(Case):
    """A measurement that needs a new process for every value.

    ``modes`` names the framework of each; those of one framework run in their order, with one
    cache of compiled code. ``measure`` gives numbers by name: the one that ``value`` names, one
    that is compared among the modes, ``check``, and those of later calls, ``steady``. Cases of the
    same ``process`` take their numbers from the same processes, if they run together.
    """

    modes: Mapping[str, str]
    measure: Callable[[Side, str], dict[str, float]]
    value: str
    process: str
    tolerance: float = FLOAT32


@dataclass(frozen=True, kw_only=True)
class Commands(Case):
    """How long an interpreter takes that is started with some arguments, until it has ended."""

    modes: Mapping[str, str]
    arguments: Mapping[str, Sequence[str]]


def numbers(*shape: int, seed: int) -> np.ndarray:
    """Return float32 numbers from the standard normal distribution."""
    return np.random.default_rng(seed).standard_normal(shape, dtype=np.float32)


def compiled(torch: Any, function: Any) -> Any:
    """Return a function or module compiled by PyTorch, for its shapes alone.

    So does ``tf.function``. A second layout of the same shapes would else make their sizes and
    strides variables, and slow the code down.
    """
    return torch.compile(function, dynamic=False)


def both(
    name: str,
    what: str,
    inputs: Callable[[], Arrays],
    *,
    tensorflow: Callable[..., Any],
    pytorch: Callable[..., Any],
    expected: Callable[..., Any],
    tolerance: float = FLOAT32,
) -> Timed:
    """Return the case of a function of tensors, run eagerly and compiled.

    ``tensorflow`` and ``pytorch`` take the framework, then the inputs as tensors; ``expected``
    takes them as arrays. An eager call goes through one Python function on both sides.
    """
    sides = {"tensorflow": _tensorflow_modes(tensorflow), "pytorch": _pytorch_modes(pytorch)}
    return Timed(name, what, inputs=inputs, sides=sides, expected=expected, tolerance=tolerance)


def _tensorflow_modes(function: Callable[..., Any]) -> Callable[..., dict[str, Build]]:
    def modes(side: Side, arrays: Arrays) -> dict[str, Build]:
        tf, tensors = side.module, [side.tensor(array) for array in arrays.values()]

        def run(*tensors: Any) -> Any:
            return function(tf, *tensors)

        def mode(**options: Any) -> Mode:
            return Mode(partial(tf.function(run, **options), *tensors))

        return {
            "TensorFlow eager": lambda: Mode(partial(function, tf, *tensors)),
            "tf.function": mode,
            "tf.function, jit_compile": lambda: mode(jit_compile=True),
        }

    return modes


def _pytorch_modes(function: Callable[..., Any]) -> Callable[..., dict[str, Build]]:
    def modes(side: Side, arrays: Arrays) -> dict[str, Build]:
        torch, tensors = side.module, [side.tensor(array) for array in arrays.values()]

        def run(*tensors: Any) -> Any:
            return function(torch, *tensors)

        return {
            "PyTorch eager": lambda: Mode(partial(function, torch, *tensors)),
            "torch.compile": lambda: Mode(partial(compiled(torch, run), *tensors)),
        }

    return modes
