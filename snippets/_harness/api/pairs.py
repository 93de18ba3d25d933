"""How each kind of row is run on each side: functions, layers, optimisers, schedules."""

import io
import math
import re
from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Any

import keras
import numpy as np
import tensorflow as tf
import torch

from . import expressions, sides
from .rows import Row
from .sides import Leaf, Result

STEPS = 6  # of an optimiser, 12 of a schedule
ROOTS = {**sides.NAMES, "io": io, "math": math}
DRAWS = re.compile(
    r"rand|shuffle|dropout|noise|sampl|multinomial|bernoulli|seed|init|generator|jitter|augment"
    r"|lowrank|lobpcg",
    re.IGNORECASE,
)
Arrays = Mapping[str, Any]

# The first step of an optimiser imports compilers, which make folders: not a row's doing.
_warm = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.1)
_warm.param_groups[0]["params"][0].grad = torch.zeros(1)
_warm.step()
keras.optimizers.SGD(0.1).apply_gradients([(tf.zeros(1), keras.Variable([0.0]))])


class Function:
    """Two expressions over the same arrays."""

    default = "float32"  # what both sides assume where no input says its dtype

    def __init__(self, row: Row, tensorflow: str | None, pytorch: str | None) -> None:
        self.row = row
        self.texts = {"tensorflow": tensorflow, "pytorch": pytorch}

    @cached_property
    def draws(self) -> bool:
        """Whether the expressions look as if they drew numbers: then each run begins alike."""
        return any(DRAWS.search(text) for text in self.texts.values() if text)

    @cached_property
    def code(self) -> dict[str, Any]:
        trees = {side: expressions.parse(text) for side, text in self.texts.items() if text}
        return {side: expressions.compiled(tree) for side, tree in trees.items()}

    @cached_property
    def feed(self) -> dict[str, Any]:
        return {k: expressions.compiled(expressions.parse(v)) for k, v in self.row.feed.items()}

    @cached_property
    def take(self) -> Any:
        return expressions.compiled(expressions.parse(self.row.take)) if self.row.take else None

    def settle(self, _dtype: str) -> None:
        """Set what both sides begin with: seeds, and the dtypes that they assume."""
        if self.draws:  # not always: TensorFlow makes all its kernels anew
            keras.utils.set_random_seed(11)
            torch.default_generator.manual_seed(11)

    def run(self, side: str, arrays: Arrays, *, gradient: bool, half: str | None = None) -> Result:
        """Return what a side gives for ``arrays``, or the error that it raises."""
        self.settle(_float_of(arrays, self.default))
        sides.watched = True
        try:
            return self._run(side, arrays, gradient, half)
        except Exception as error:  # whatever a framework raises is what is compared
            return Result(error=type(error).__name__, message=str(error))
        finally:
            sides.watched = False
            self.restore()

    def restore(self) -> None:
        """Put back what `settle` changed for others."""

    def _run(self, side: str, arrays: Arrays, gradient: bool, half: str | None) -> Result:
        call = self.tensorflow if side == "tensorflow" else self.torch
        make = sides.tensorflow_tensor if side == "tensorflow" else sides.torch_tensor
        given = {k: make(v, half if _is_float(v) else None) for k, v in arrays.items()}
        if gradient:
            ask = sides.tensorflow_gradients if side == "tensorflow" else sides.torch_gradients
            return Result(gradients=ask(call, given))
        before = {k: np.array(v) for k, v in arrays.items() if isinstance(v, np.ndarray)}
        leaves = tuple(sides.leaves(call(given)))
        after = {
            k: next(sides.leaves(given[k])).value
            for k in before
            if before[k].dtype.kind not in "USO"
        }
        changed = [k for k, v in after.items() if half is None and not _same(v, before[k])]
        return Result(leaves=leaves, mutated=tuple(changed))

    def tensorflow(self, given: Arrays) -> Any:
        return expressions.run(self.code["tensorflow"], {**ROOTS, **given})

    def torch(self, given: Arrays) -> Any:
        given = {k: self.fed(k, v, given) for k, v in given.items()}
        return self.taken(expressions.run(self.code["pytorch"], {**ROOTS, **given}))

    def fed(self, name: str, value: Any, given: Arrays) -> Any:
        """Return an input in the layout that PyTorch takes."""
        return expressions.run(self.feed[name], {**ROOTS, **given}) if name in self.feed else value

    def taken(self, value: Any) -> Any:
        """Return a result of PyTorch in the layout that TensorFlow gives."""
        return expressions.run(self.take, {**ROOTS, "y": value}) if self.take else value


class Layer(Function):
    """Two layers: PyTorch's gets the weights that Keras's has, as the row says."""

    weights: list[Any]

    def settle(self, dtype: str) -> None:
        super().settle(dtype)
        keras.config.set_floatx(dtype)
        keras.config.set_dtype_policy(dtype)
        torch.set_default_dtype(getattr(torch, dtype))

    def restore(self) -> None:
        keras.config.set_floatx("float32")
        keras.config.set_dtype_policy("float32")
        torch.set_default_dtype(torch.float32)

    def tensorflow(self, given: Arrays) -> Any:
        layer = super().tensorflow(given)
        inputs = [v for v in given.values() if isinstance(v, tf.Tensor)]
        arguments = {"training": self.row.training} if _takes_training(layer) else {}
        layer(*inputs, **arguments)  # builds it
        random = np.random.default_rng(3)
        for variable in layer.weights:
            if "seed" in variable.path:
                continue
            drawn = random.normal(size=variable.shape) * 0.5
            variable.assign(abs(drawn) + 0.5 if "variance" in variable.path else drawn)
        self.weights = [w.numpy() for w in layer.weights if "seed" not in w.path]
        return layer(*inputs, **arguments)

    def torch(self, given: Arrays) -> Any:
        module = expressions.run(self.code["pytorch"], {**ROOTS, **given})
        module.train(self.row.training)
        inputs = [self.fed(k, v, given) for k, v in given.items() if isinstance(v, torch.Tensor)]
        if not isinstance(module, torch.nn.Module):
            raise TypeError(f"{type(module).__name__} is no module")
        w = [sides.torch_tensor(each) for each in self.weights]
        with torch.no_grad():
            state = module.state_dict()
            for name, text in self.row.weights.items():
                code = expressions.compiled(expressions.parse(text))
                value = expressions.run(code, {**ROOTS, "w": w})
                if name not in state:
                    raise ValueError(f"no weight {name!r}: there are {', '.join(state)}")
                if state[name].shape != value.shape:
                    raise ValueError(
                        f"{name} is {tuple(state[name].shape)}, given {tuple(value.shape)}"
                    )
                state[name].copy_(value)
        return self.taken(module(*inputs))


class Optimizer(Function):
    """Two optimisers that take the same gradients: all steps are compared."""

    def _run(self, side: str, arrays: Arrays, _gradient: bool, _half: str | None) -> Result:
        random = np.random.default_rng(5)
        dtype = _float_of(arrays)
        start = random.normal(size=(4, 3)).astype(dtype)
        steps = [random.normal(size=(4, 3)).astype(dtype) for _ in range(STEPS)]
        follow = self.follow_tensorflow if side == "tensorflow" else self.follow_torch
        return Result(leaves=tuple(Leaf(each, dtype) for each in follow(start, steps)))

    def settle(self, dtype: str) -> None:
        super().settle(dtype)
        keras.config.set_floatx(dtype)

    def restore(self) -> None:
        keras.config.set_floatx("float32")

    def follow_tensorflow(self, start: np.ndarray, steps: list[np.ndarray]) -> list[np.ndarray]:
        p = keras.Variable(start)
        optimizer = expressions.run(self.code["tensorflow"], {**ROOTS, "p": p})
        trace = []
        for step in steps:
            optimizer.apply_gradients([(tf.constant(step), p)])
            trace.append(p.numpy().copy())
        return trace

    def follow_torch(self, start: np.ndarray, steps: list[np.ndarray]) -> list[np.ndarray]:
        p = torch.nn.Parameter(torch.from_numpy(start.copy()))
        optimizer = expressions.run(self.code["pytorch"], {**ROOTS, "p": p})
        trace = []
        for step in steps:
            p.grad = torch.from_numpy(step.copy())
            optimizer.step()
            trace.append(p.detach().numpy().copy())
        return trace


class Schedule(Function):
    """A schedule of Keras, and one of PyTorch over an optimiser ``o`` with rate 0.1."""

    def _run(self, side: str, _arrays: Arrays, _gradient: bool, _half: str | None) -> Result:
        if side == "tensorflow":
            schedule = expressions.run(self.code[side], ROOTS)
            rates = [float(schedule(step)) for step in range(2 * STEPS)]
        else:
            o = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.1)
            schedule = expressions.run(self.code[side], {**ROOTS, "o": o})
            rates = []
            for _ in range(2 * STEPS):
                rates.append(float(o.param_groups[0]["lr"]))
                o.step()
                schedule.step()
        return Result(leaves=(Leaf(np.array(rates, "float32"), "float32"),))


KINDS: dict[str, Callable[..., Function]] = {
    "function": Function,
    "random": Function,
    "layer": Layer,
    "optimizer": Optimizer,
    "schedule": Schedule,
}


def _takes_training(layer: Any) -> bool:
    return "training" in getattr(layer, "_call_arg_names", ()) or (
        "training" in layer.call.__code__.co_varnames if hasattr(layer, "call") else False
    )


def _is_float(value: Any) -> bool:
    return isinstance(value, np.ndarray) and value.dtype.kind == "f"


def _float_of(arrays: Arrays, default: str = "float32") -> str:
    found = (str(v.dtype) for v in arrays.values() if _is_float(v))
    return next((name for name in found if name in ("float32", "float64")), default)


def _same(one: Any, other: Any) -> bool:
    return bool(np.array_equal(one, other, equal_nan=np.asarray(other).dtype.kind in "fc"))
