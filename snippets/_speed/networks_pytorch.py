"""The networks in PyTorch, as built-in modules; imported only where PyTorch is wanted."""

from collections.abc import Callable, Iterator

import torch
from torch import Tensor, nn
from torch.nn.functional import scaled_dot_product_attention

from .networks import BLOCKS, CLASSES, HEADS, INNER, WIDTH, weights


class LSTM(nn.Module):
    """The last output of an LSTM, through a dense layer."""

    def __init__(self) -> None:
        super().__init__()
        self.lstm = nn.LSTM(32, 128, batch_first=True)
        self.dense = nn.Linear(128, CLASSES)
        # Keras has one bias where PyTorch adds two, which both would move when trained.
        nn.init.zeros_(self.lstm.get_parameter("bias_hh_l0")).requires_grad_(False)

    def forward(self, x: Tensor) -> Tensor:
        outputs, _ = self.lstm(x)
        logits: Tensor = self.dense(outputs[:, -1])
        return logits


class Block(nn.Module):
    """Attention, then two dense layers, each added to what went in and normalised."""

    def __init__(self) -> None:
        super().__init__()
        self.query, self.key, self.value, self.out = (nn.Linear(WIDTH, WIDTH) for _ in range(4))
        self.norm, self.final_norm = nn.LayerNorm(WIDTH), nn.LayerNorm(WIDTH)
        self.inner, self.outer = nn.Linear(WIDTH, INNER), nn.Linear(INNER, WIDTH)

    def forward(self, x: Tensor) -> Tensor:
        heads = [
            layer(x).unflatten(-1, (HEADS, -1)).transpose(1, 2)
            for layer in (self.query, self.key, self.value)
        ]
        attended = scaled_dot_product_attention(*heads).transpose(1, 2).flatten(2)
        y = self.norm(x + self.out(attended))
        normed: Tensor = self.final_norm(y + self.outer(torch.relu(self.inner(y))))
        return normed


class Transformer(nn.Module):
    """Blocks, a mean over the positions, a dense layer."""

    def __init__(self) -> None:
        super().__init__()
        self.blocks = nn.Sequential(*(Block() for _ in range(BLOCKS)))
        self.dense = nn.Linear(WIDTH, CLASSES)

    def forward(self, x: Tensor) -> Tensor:
        logits: Tensor = self.dense(self.blocks(x).mean(1))
        return logits


class CNN(nn.Sequential):
    """Convolutions, which take images as PyTorch has them: channels before rows."""

    def __init__(self) -> None:
        super().__init__(
            nn.Conv2d(3, 32, 3, padding="same"),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Conv2d(32, 64, 3, padding="same"),
            nn.ReLU(),
            nn.AdaptiveAvgPool2d(1),
            nn.Flatten(),
            nn.Linear(64, CLASSES),
        )


def _mlp() -> nn.Module:
    hidden = [nn.Linear(784, 256), nn.ReLU(), nn.Linear(256, 256), nn.ReLU()]
    return nn.Sequential(*hidden, nn.Linear(256, CLASSES))


_BUILDERS: dict[str, Callable[[], nn.Module]] = {
    "mlp": _mlp,
    "cnn": CNN,
    "lstm": LSTM,
    "transformer": Transformer,
}


def build(name: str, device: str) -> nn.Module:
    """Return a network with its weights set."""
    model = _BUILDERS[name]()
    with torch.no_grad():
        for parameter, array in zip(_as_in_keras(model), weights(name), strict=True):
            parameter.copy_(torch.from_numpy(array).reshape(parameter.shape))
    return model.to(device)


def state(model: nn.Module) -> list[Tensor]:
    """Return the weights in the order of Keras; those of attention with all heads in one axis."""
    return list(_as_in_keras(model))


def _as_in_keras(model: nn.Module) -> Iterator[Tensor]:
    """Yield views of the parameters that have the axes of Keras, in its order."""
    for name, parameter in _ordered(model):
        if "bias_hh" in name:
            continue
        if parameter.ndim == 4:  # filters, channels, rows, columns
            yield parameter.permute(2, 3, 1, 0)
        else:
            yield parameter.T if parameter.ndim == 2 else parameter


def _ordered(model: nn.Module) -> Iterator[tuple[str, nn.Parameter]]:
    """Yield the parameters as Keras orders them: by layer, in the order in which they run."""
    if not isinstance(model, Transformer):
        yield from model.named_parameters()
        return
    for block in model.blocks:
        for layer in ("query", "key", "value", "out", "norm", "inner", "outer", "final_norm"):
            yield from block.get_submodule(layer).named_parameters()
    yield from model.dense.named_parameters()
