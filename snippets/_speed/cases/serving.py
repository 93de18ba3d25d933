"""Answering one request: the network of step/cnn on one image, in every form to deploy it in."""

import importlib
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from snippets._speed.networks import data
from snippets._speed.sides import Side

from .case import Arrays, Build, Mode, Timed, compiled

NETWORK = "cnn"


def _inputs() -> Arrays:
    return {"x": data(NETWORK)["x"][:1]}


def _tensorflow(side: Side, arrays: Arrays) -> dict[str, Build]:
    """Return the modes of the Keras model; LiteRT runs what TensorFlow converts."""
    tf, x, folder = side.module, arrays["x"], side.options.folder
    networks = importlib.import_module("snippets._speed.networks_tensorflow")
    model = networks.build(NETWORK)

    def call(run: Callable[[Any], Any]) -> Mode:
        return Mode(lambda: run(tf.constant(x)).numpy())

    def signature() -> Mode:
        model.export(folder / "served", verbose=False)
        served = tf.saved_model.load(folder / "served").signatures["serving_default"]
        return call(lambda x: served(x=x)["output_0"])

    def litert() -> Mode:
        path = folder / "model.tflite"
        model.export(path, format="litert", verbose=False)
        runtime = importlib.import_module("ai_edge_litert.interpreter")
        interpreter = runtime.Interpreter(str(path), num_threads=side.options.threads)
        runner = interpreter.get_signature_runner()
        return Mode(lambda: runner(x=x)["output_0"])

    return {
        "Keras model(x)": lambda: call(partial(model, training=False)),
        "Keras predict": lambda: Mode(lambda: model.predict(x, verbose=0)),
        "tf.function": lambda: call(tf.function(model)),
        "tf.function, jit_compile": lambda: call(tf.function(model, jit_compile=True)),
        "SavedModel": signature,
        "LiteRT": litert,
    }


def _pytorch(side: Side, arrays: Arrays) -> dict[str, Build]:
    """Return the modes of the PyTorch model; ONNX Runtime and ExecuTorch run what it exports."""
    torch, folder, threads = side.module, side.options.folder, side.options.threads
    x = np.ascontiguousarray(arrays["x"].transpose(0, 3, 1, 2))
    networks = importlib.import_module("snippets._speed.networks_pytorch")
    model = networks.build(NETWORK, side.options.device).eval()

    def call(run: Callable[[Any], Any]) -> Mode:
        def answer() -> np.ndarray:
            with torch.inference_mode():
                return side.array(run(side.tensor(x)))

        return Mode(answer)

    def exported() -> Any:
        return torch.export.export(model, (side.tensor(x),))

    def ahead_of_time() -> Mode:
        path = str(folder / "model.pt2")
        with torch.no_grad():
            torch._inductor.aoti_compile_and_package(exported(), package_path=path)  # noqa: SLF001
        return call(torch._inductor.aoti_load_package(path))  # noqa: SLF001

    def onnx_runtime() -> Mode:
        path = folder / "model.onnx"
        torch.onnx.export(model, (side.tensor(x),), path, input_names=["x"], verbose=False)
        runtime = importlib.import_module("onnxruntime")
        options = runtime.SessionOptions()
        options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
        kind = "CUDAExecutionProvider" if side.options.device == "cuda" else "CPUExecutionProvider"
        session = runtime.InferenceSession(path, options, providers=[kind])
        return Mode(lambda: session.run(None, {"x": x})[0], framework="none")

    def executorch() -> Mode:
        if side.options.device != "cpu":
            raise NotImplementedError("the XNNPACK backend of ExecuTorch runs on the CPU")
        lower = importlib.import_module("executorch.exir").to_edge_transform_and_lower
        xnnpack = importlib.import_module("executorch.backends.xnnpack")
        program = lower(exported(), partitioner=[xnnpack.XnnpackPartitioner()]).to_executorch()
        program.save(str(folder / "model.pte"))
        bindings = importlib.import_module("executorch.extension.pybindings.portable_lib")
        bindings._unsafe_reset_threadpool(threads)  # noqa: SLF001 (there is no other way)
        runtime = importlib.import_module("executorch.runtime").Runtime.get()
        method = runtime.load_program(str(folder / "model.pte")).load_method("forward")
        return call(lambda x: method.execute([x])[0])

    return {
        "PyTorch eager": lambda: call(model),
        "torch.compile": lambda: call(compiled(torch, model)),
        "torch.export": lambda: call(exported().module()),
        "AOTInductor": ahead_of_time,
        "ExecuTorch": executorch,
        "ONNX Runtime": onnx_runtime,
    }


CASES = (
    Timed(
        "serve/cnn",
        "A request: the network of step/cnn on one float32 image of 32x32x3, from a NumPy array "
        "to a NumPy array. ExecuTorch runs on XNNPACK.",
        inputs=_inputs,
        sides={"tensorflow": _tensorflow, "pytorch": _pytorch},
    ),
)
