"""The networks in Keras, as built-in layers; imported only where TensorFlow is wanted."""

from keras import Input, KerasTensor, Model, Sequential, layers

from .networks import BLOCKS, CLASSES, HEADS, INNER, NETWORKS, WIDTH, weights


def build(name: str) -> Model:
    """Return a network with its weights set."""
    model: Model = _BUILDERS[name](Input(NETWORKS[name].batch[1:], name="x"))
    model.set_weights(weights(name))
    return model


def _mlp(x: KerasTensor) -> Model:
    hidden = [layers.Dense(256, activation="relu") for _ in range(2)]
    return Sequential([x, *hidden, layers.Dense(CLASSES)])


def _cnn(x: KerasTensor) -> Model:
    return Sequential(
        [
            x,
            layers.Conv2D(32, 3, padding="same", activation="relu"),
            layers.MaxPooling2D(),
            layers.Conv2D(64, 3, padding="same", activation="relu"),
            layers.GlobalAveragePooling2D(),
            layers.Dense(CLASSES),
        ]
    )


def _lstm(x: KerasTensor) -> Model:
    return Sequential([x, layers.LSTM(128), layers.Dense(CLASSES)])


def _transformer(x: KerasTensor) -> Model:
    y = x
    for _ in range(BLOCKS):
        attended = layers.MultiHeadAttention(HEADS, WIDTH // HEADS)(y, y)
        y = layers.LayerNormalization(epsilon=1e-5)(y + attended)
        inner = layers.Dense(INNER, activation="relu")(y)
        y = layers.LayerNormalization(epsilon=1e-5)(y + layers.Dense(WIDTH)(inner))
    y = layers.GlobalAveragePooling1D()(y)
    return Model(x, layers.Dense(CLASSES)(y))


_BUILDERS = {"mlp": _mlp, "cnn": _cnn, "lstm": _lstm, "transformer": _transformer}
