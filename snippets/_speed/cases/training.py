"""Training steps: loss, gradients and plain SGD on one batch, with weights that begin equal."""

import importlib
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from snippets._speed.networks import NETWORKS, data, weights
from snippets._speed.sides import Side

from .case import Arrays, Build, Mode, Timed, compiled

RATE = 0.01
NOTES = {"lstm": " torch.compile leaves nn.LSTM as it is, and with it this network."}
STEPS = 3  # whose losses are compared, and what they changed in the weights

# What three steps change is some 1e-3, in weights of up to 4 that float32 rounds by 2e-7: that
# much of a change is noise. A gradient that is missing or of the wrong sign shows as 1.
CHANGES = 1e-3


def case(name: str) -> Timed:
    return Timed(
        f"step/{name}",
        f"A training step (SGD) in float32: {NETWORKS[name].what}. Batches are tensors already, "
        f"for Keras's train_on_batch NumPy arrays.{NOTES.get(name, '')}",
        inputs=partial(data, name),
        sides={"tensorflow": partial(tensorflow, name), "pytorch": partial(pytorch, name)},
        tolerance=CHANGES,
        checks=STEPS,
    )


def tensorflow(name: str, side: Side, arrays: Arrays) -> dict[str, Build]:
    """Return the modes of a step with a gradient tape, and of Keras's own step."""
    tf = side.module
    x, y = side.tensor(arrays["x"]), side.tensor(arrays["y"])
    networks = importlib.import_module("snippets._speed.networks_tensorflow")

    def prepare() -> tuple[Any, Any, Any]:
        optimizer = tf.keras.optimizers.SGD(RATE)
        return (
            networks.build(name),
            tf.keras.losses.SparseCategoricalCrossentropy(from_logits=True),
            optimizer,
        )

    def mode(wrap: Callable[[Any], Any]) -> Mode:
        model, loss_of, optimizer = prepare()
        variables = model.trainable_variables
        optimizer.build(variables)

        def step(x: Any, y: Any) -> Any:
            with tf.GradientTape() as tape:
                loss = loss_of(y, model(x, training=True))
            optimizer.apply(tape.gradient(loss, variables), variables)
            return loss

        return Mode(partial(wrap(step), x, y), lambda: changes(side, name, model.weights))

    def keras_mode() -> Mode:
        model, loss_of, optimizer = prepare()
        model.compile(optimizer, loss_of)

        def step() -> Any:
            # Without this, train_on_batch returns the mean over all batches so far.
            model.reset_metrics()
            return np.asarray(model.train_on_batch(arrays["x"], arrays["y"]))

        return Mode(step, lambda: changes(side, name, model.weights))

    return {
        "TensorFlow eager": lambda: mode(lambda step: step),
        "tf.function": lambda: mode(tf.function),
        "tf.function, jit_compile": lambda: mode(partial(tf.function, jit_compile=True)),
        "Keras train_on_batch": keras_mode,
    }


def pytorch(name: str, side: Side, arrays: Arrays) -> dict[str, Build]:
    """Return the modes of the usual step; images with channels last too."""
    torch = side.module
    x, y = side.tensor(arrays["x"]), side.tensor(arrays["y"])
    networks = importlib.import_module("snippets._speed.networks_pytorch")

    def mode(*, compile_it: bool, layout: Any = torch.contiguous_format) -> Mode:
        inputs = x.permute(0, 3, 1, 2) if x.ndim == 4 else x
        inputs = inputs.contiguous(memory_format=layout)
        model = networks.build(name, side.options.device).to(memory_format=layout)
        run = compiled(torch, model) if compile_it else model
        trained = [weight for weight in model.parameters() if weight.requires_grad]
        optimizer = torch.optim.SGD(trained, RATE)

        def step() -> Any:
            optimizer.zero_grad()
            loss = torch.nn.functional.cross_entropy(run(inputs), y)
            loss.backward()
            optimizer.step()
            return loss

        return Mode(step, lambda: changes(side, name, networks.state(model)))

    modes: dict[str, Build] = {
        "PyTorch eager": lambda: mode(compile_it=False),
        "torch.compile": lambda: mode(compile_it=True),
    }
    if x.ndim == 4:
        last = torch.channels_last
        modes["PyTorch eager, channels last"] = lambda: mode(compile_it=False, layout=last)
        modes["torch.compile, channels last"] = lambda: mode(compile_it=True, layout=last)
    return modes


def changes(side: Side, name: str, now: Any) -> list[np.ndarray]:
    """Return by how much training has moved all weights, in one long array."""
    before = np.concatenate([array.ravel() for array in weights(name)])
    after = np.concatenate([side.array(weight).ravel() for weight in now])
    return [after - before]


CASES = tuple(map(case, NETWORKS))
