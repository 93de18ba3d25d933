"""Where the official documentation of a public name is.

PyTorch has a page per function, made from its docstring; what has none is looked up by the
documentation's own search. TensorFlow's pages are of all its names, and of Keras 3.0.5; names
that Keras got since are on the overviews of keras.io.
"""

import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path

TENSORFLOW = "https://www.tensorflow.org/api_docs/python/"
PYTORCH = "https://docs.pytorch.org/docs/stable/"
KERAS = "https://keras.io/api/"
NUMPY = "https://numpy.org/doc/stable/reference/generated/"
NEWER = Path("snippets/_api/names/keras-newer.txt")  # names of Keras since 3.0.5
ONE_PAGE = {  # namespaces of PyTorch whose functions stand on one page
    "torch.special": "special",
    "torch.nn.init": "nn.init",
    "torch.utils.data": "data",
    "torch.utils.checkpoint": "checkpoint",
    "torch.utils.dlpack": "dlpack",
    "torch.distributions": "distributions",
    "torch.nested": "nested",
    "torch.amp": "amp",
    "torch.testing": "testing",
    "torch.random": "random",
}
PARTS = re.compile(r"[A-Z]")


def address(name: str, undocumented: Mapping[str, bool], project: Path) -> str | None:
    """Return the address of a name's documentation; None for what is no name of a package."""
    root, _, rest = name.partition(".")
    if root in ("tf", "np", "keras") and rest:
        return _others(root, rest, project)
    if root == "Tensor" and rest:
        root, name = "torch", f"torch.{name}"
    if root != "torch" or not rest:
        return None
    if undocumented.get(name.replace("torch.Tensor.", "Tensor.")):
        return f"{PYTORCH}search.html?q={name}"
    space = name.rpartition(".")[0]
    known = next((s for s in ONE_PAGE if space == s or space.startswith(f"{s}.")), None)
    return f"{PYTORCH}{ONE_PAGE[known]}.html#{name}" if known else f"{PYTORCH}generated/{name}.html"


def _others(root: str, rest: str, project: Path) -> str:
    if root == "np":
        return f"{NUMPY}numpy.{rest}.html"
    if root == "tf":
        return f"{TENSORFLOW}tf/{_of_class(rest).replace('.', '/')}"
    if f"keras.{rest}" in newer(project):
        return f"{KERAS}{rest.partition('.')[0]}/"
    return f"{TENSORFLOW}tf/keras/{_of_class(rest).replace('.', '/')}"


def _of_class(name: str) -> str:
    """Return a method's name as TensorFlow addresses it: on the page of its class."""
    owner, _, method = name.rpartition(".")
    is_method = owner and PARTS.match(owner.rpartition(".")[2]) and not PARTS.match(method)
    return f"{owner}#{method}" if is_method else name


@cache
def newer(project: Path) -> frozenset[str]:
    """Return the names of Keras that are newer than TensorFlow's pages."""
    try:
        lines = (project / NEWER).read_text().splitlines()
    except OSError:
        return frozenset()
    return frozenset(line for line in lines if not line.startswith("#"))
