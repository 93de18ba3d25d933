"""A framework as a worker needs it: imported, set to threads and device, read out as numbers."""

import importlib
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np


class NotHereError(Exception):
    """Why nothing of a framework can be measured here."""


@dataclass(frozen=True)
class Options:
    """What both sides are given alike. ``folder`` is theirs to write in."""

    device: str
    threads: int
    folder: Path


class Side(Protocol):
    """One framework: ``module`` is ``tensorflow`` or ``torch``."""

    name: str
    module: Any
    options: Options

    def tensor(self, array: np.ndarray) -> Any:
        """Return a tensor of these numbers, on the device."""

    def array(self, tensor: Any) -> np.ndarray:
        """Return the numbers of a tensor or an array."""

    def wait(self, result: Any) -> None:
        """Wait until a result is there, by reading its first number; that has to be finite."""

    def forget(self) -> None:
        """Forget what was compiled."""


class TensorFlow:
    """TensorFlow, with as many threads within an operation, and one operation at a time."""

    name = "tensorflow"

    def __init__(self, options: Options) -> None:
        self.options = options
        self.module = tf = _imported("tensorflow")
        tf.config.threading.set_intra_op_parallelism_threads(options.threads)
        tf.config.threading.set_inter_op_parallelism_threads(1)
        tf.config.experimental.enable_tensor_float_32_execution(False)
        if options.device == "cuda" and not tf.config.list_physical_devices("GPU"):
            raise NotHereError("the installed TensorFlow sees no GPU")

    def tensor(self, array: np.ndarray) -> Any:
        return self.module.constant(array)

    def array(self, tensor: Any) -> np.ndarray:
        return np.asarray(tensor)

    def wait(self, result: Any) -> None:
        first = _first(result)
        # Reading one number rather than all: .numpy() copies, which PyTorch's does not.
        check(float(first[(0,) * len(first.shape)] if len(first.shape) else first))

    def forget(self) -> None:
        pass  # what was compiled goes with the function that it belongs to


class PyTorch:
    """PyTorch, with as many threads within an operation, and one operation at a time."""

    name = "pytorch"

    def __init__(self, options: Options) -> None:
        self.options = options
        self.module = torch = _imported("torch")
        torch.set_num_threads(options.threads)
        torch.set_num_interop_threads(1)
        torch.backends.cudnn.allow_tf32 = False  # that of products is off by default
        if options.device == "cuda" and not torch.cuda.is_available():
            raise NotHereError("the installed PyTorch sees no GPU")

    def tensor(self, array: np.ndarray) -> Any:
        return self.module.from_numpy(array).to(self.options.device)

    def array(self, tensor: Any) -> np.ndarray:
        return np.asarray(tensor.detach().cpu() if hasattr(tensor, "detach") else tensor)

    def wait(self, result: Any) -> None:
        first = _first(result)
        if self.options.device == "cuda":
            self.module.cuda.synchronize()
        check(float(first[(0,) * len(first.shape)] if len(first.shape) else first))

    def forget(self) -> None:
        # Compiled code belongs to the code of a Python function, which cases share: each would
        # be looked up among those before it, and after the eighth nothing would be compiled.
        self.module.compiler.reset()


SIDES: dict[str, type[TensorFlow] | type[PyTorch]] = {"tensorflow": TensorFlow, "pytorch": PyTorch}


def _imported(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise NotHereError(str(error)) from error


def _first(result: Any) -> Any:
    return result[0] if isinstance(result, tuple | list) else result


def check(number: float) -> None:
    """Refuse what is no number: a network that diverged computes something else."""
    if not math.isfinite(number):
        raise ValueError(f"the result became {number}")
