"""Input pipelines: 32x32 images decoded, normalised and flipped, in batches in order."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np

from snippets._speed.sides import Side

from .case import Arrays, Build, Mode, Timed

IMAGES, BATCH = 1024, 64
MEAN = np.array([0.5, 0.45, 0.4], np.float32)
DEVIATION = np.array([0.25, 0.24, 0.23], np.float32)


def prepare(image: np.ndarray, index: int) -> np.ndarray:
    """Return a uint8 image as normalised float32; every other one flipped left to right."""
    pixels = (image.astype(np.float32) / 255 - MEAN) / DEVIATION
    return pixels[:, ::-1] if index % 2 else pixels


def _inputs() -> Arrays:
    rng = np.random.default_rng(3)
    return {"images": rng.integers(0, 256, (IMAGES, 32, 32, 3), dtype=np.uint8)}


def _expected(images: np.ndarray) -> list[np.ndarray]:
    """Return the number of batches, and all images as they should come out."""
    prepared = [prepare(image, index) for index, image in enumerate(images)]
    return [np.array(IMAGES // BATCH), np.stack(prepared)]


def _mode(side: Side, batches: Any) -> Mode:
    """Return the mode that goes once through all batches."""

    def epoch() -> Any:
        count = 0
        for _ in batches:
            count += 1
        return np.float32(count)

    def everything() -> list[np.ndarray]:
        return [np.concatenate([side.array(batch) for batch in batches])]

    return Mode(epoch, everything)


def _tensorflow(side: Side, arrays: Arrays) -> dict[str, Build]:
    tf, images = side.module, arrays["images"]
    data, many = tf.data.Dataset, tf.data.AUTOTUNE
    flags, mean, deviation = np.arange(IMAGES) % 2 == 1, tf.constant(MEAN), tf.constant(DEVIATION)

    def generate() -> Iterator[np.ndarray]:
        for index, image in enumerate(images):
            yield prepare(image, index)

    def in_python(image: Any, index: Any) -> Any:
        made = tf.numpy_function(prepare, [image, index], tf.float32)
        return tf.ensure_shape(made, [32, 32, 3])

    def natively(image: Any, flip: Any) -> Any:
        """Prepare one image, or a batch of them with a flag each."""
        pixels = (tf.cast(image, tf.float32) / 255 - mean) / deviation
        return tf.where(flip[..., None, None, None], tf.reverse(pixels, [-2]), pixels)

    def finished(dataset: Any) -> Mode:
        options = tf.data.Options()
        options.threading.private_threadpool_size = side.options.threads
        return _mode(side, dataset.prefetch(many).with_options(options))

    spec = tf.TensorSpec([32, 32, 3], tf.float32)
    indexed = data.from_tensor_slices((images, np.arange(IMAGES)))
    flagged = data.from_tensor_slices((images, flags))
    return {
        "tf.data, Python generator": lambda: finished(
            data.from_generator(generate, output_signature=spec).batch(BATCH)
        ),
        "tf.data, Python per image": lambda: finished(
            indexed.map(in_python, num_parallel_calls=many).batch(BATCH)
        ),
        "tf.data, TensorFlow per image": lambda: finished(
            flagged.map(natively, num_parallel_calls=many).batch(BATCH)
        ),
        "tf.data, TensorFlow per batch": lambda: finished(
            flagged.batch(BATCH).map(natively, num_parallel_calls=many)
        ),
    }


class Images:
    """A dataset with a Python function per image: the usual way."""

    def __init__(self, images: np.ndarray) -> None:
        self.images = images

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index: int) -> np.ndarray:
        # A copy where the view runs backwards, which PyTorch does not take.
        return np.ascontiguousarray(prepare(self.images[index], index))


class Batches:
    """A dataset that is asked for all images of a batch at once, and prepares them together."""

    def __init__(self, images: Any, torch: Any) -> None:
        self.images, self.torch = torch.from_numpy(images), torch
        self.mean, self.deviation = torch.from_numpy(MEAN), torch.from_numpy(DEVIATION)

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, indices: list[int]) -> Any:
        chosen = self.torch.tensor(indices)
        pixels = (self.images[chosen].float() / 255 - self.mean) / self.deviation
        flip = (chosen % 2 == 1)[:, None, None, None]
        return self.torch.where(flip, pixels.flip(-2), pixels)


def _pytorch(side: Side, arrays: Arrays) -> dict[str, Build]:
    torch, images = side.module, arrays["images"]
    data = torch.utils.data

    def per_image(workers: int) -> Mode:
        loader = data.DataLoader(
            Images(images), BATCH, num_workers=workers, persistent_workers=workers > 0
        )
        return _mode(side, loader)

    def per_batch(workers: int) -> Mode:
        dataset = Batches(images, torch)
        order = data.BatchSampler(data.SequentialSampler(dataset), BATCH, drop_last=False)
        loader = data.DataLoader(
            dataset,
            sampler=order,
            batch_size=None,
            num_workers=workers,
            persistent_workers=workers > 0,
        )
        return _mode(side, loader)

    ways: dict[str, Callable[[int], Mode]] = {
        "Python per image": per_image,
        "PyTorch per batch": per_batch,
    }
    return {
        f"DataLoader, {name}, {workers} worker{'' if workers == 1 else 's'}": partial(way, workers)
        for name, way in ways.items()
        for workers in (0, 1, 2)
    }


CASES = (
    Timed(
        "input/images",
        f"One pass over {IMAGES} uint8 images of 32x32x3 in memory: to float32, normalised, every "
        f"other one flipped, in batches of {BATCH}. Workers run on from pass to pass, so their "
        "start is not counted; tf.data has as many threads as there are.",
        unit="samples/s",
        inputs=_inputs,
        sides={"tensorflow": _tensorflow, "pytorch": _pytorch},
        expected=_expected,
        samples=IMAGES,
    ),
)
