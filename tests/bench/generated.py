"""The files that every way of running examples is given: half TensorFlow, half PyTorch.

The same examples stand in a project per way, in the markup that it reads. Plain Sybil and
doctest cannot give AutoGraph the source of a function, so the examples need none of its
rewriting.
"""

import doctest
from dataclasses import dataclass
from pathlib import Path
from textwrap import indent

REPOSITORY = Path(__file__).parents[2]

IMPORTS = {"tensorflow": "import tensorflow as tf", "pytorch": "import torch"}
TENSOR = {
    "tensorflow": "x = tf.Variable([[{n}.0, 2.0], [3.0, 4.0]])",
    "pytorch": "x = torch.tensor([[{n}.0, 2.0], [3.0, 4.0]], requires_grad=True)",
}

# What a file shows after its first two lines, by framework, in the order it comes round.
# {n} is the file's number from 1 and {a} to {d} are numbers that follow from it.
GRADIENT = {
    "tensorflow": """\
>>> with tf.GradientTape() as tape:
...     y = tf.reduce_sum(x ** 2 + {n}.0 * x)
>>> tape.gradient(y, x).numpy().tolist()
[[{a}.0, {b}.0], [{c}.0, {d}.0]]
""",
    "pytorch": """\
>>> (x ** 2 + {n}.0 * x).sum().backward()
>>> x.grad.tolist()
[[{a}.0, {b}.0], [{c}.0, {d}.0]]
""",
}
COMPILED = {
    "tensorflow": """\
>>> @tf.function
... def step(x):
...     with tf.GradientTape() as tape:
...         y = tf.reduce_sum(tf.nn.relu(x) ** 2 + {n}.0 * x)
...     return tape.gradient(y, x)
>>> step(x).numpy().tolist()
[[{a}.0, {b}.0], [{c}.0, {d}.0]]
""",
    "pytorch": """\
>>> @torch.compile(backend="eager")
... def step(x):
...     y = (torch.relu(x) ** 2 + {n}.0 * x).sum()
...     return y
>>> torch.autograd.grad(step(x), x)[0].tolist()
[[{a}.0, {b}.0], [{c}.0, {d}.0]]
""",
}
ARITHMETIC = {
    "tensorflow": """\
>>> (x * x + {n}.0 * x).numpy().sum(axis=0).tolist()
[{p}.0, {q}.0]
>>> x.value()[0, 0] = 5.0
Traceback (most recent call last):
...
TypeError: ...EagerTensor' object does not support item assignment
""",
    "pytorch": """\
>>> (x * x + {n}.0 * x).detach().numpy().sum(axis=0).tolist()
[{p}.0, {q}.0]
>>> x[0, 0] = 5.0
Traceback (most recent call last):
...
RuntimeError: a view of a leaf Variable ... in an in-place operation.
""",
}
TRAINING = {
    "tensorflow": """\
>>> tf.keras.utils.set_random_seed({n})
>>> inputs = tf.random.normal([64, 4])
>>> model = tf.keras.Sequential([
...     tf.keras.layers.Dense(8, activation="relu"),
...     tf.keras.layers.Dense(1)])
>>> model.compile("adam", "mse")
>>> loss = model.fit(inputs, inputs[:, :1], epochs=5,
...                  batch_size=16, verbose=0).history["loss"]
>>> loss[-1] < loss[0]
True
""",
    "pytorch": """\
>>> _ = torch.manual_seed({n})
>>> inputs, loss = torch.randn(64, 4), []
>>> model = torch.nn.Sequential(
...     torch.nn.Linear(4, 8), torch.nn.ReLU(), torch.nn.Linear(8, 1))
>>> optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
>>> for step in range(20):
...     rows = inputs[step % 4 * 16:][:16]
...     error = torch.nn.functional.mse_loss(model(rows), rows[:, :1])
...     optimizer.zero_grad()
...     error.backward()
...     optimizer.step()
...     loss.append(error.item())
>>> sum(loss[-4:]) < sum(loss[:4])
True
""",
}
TOPICS = (GRADIENT, COMPILED, ARITHMETIC, GRADIENT, COMPILED, TRAINING)

CLAIM = "---\ntitle: The claim {claim}\nstatus: holds\nfavours: tie\nkind: ours\n---\nBoth do.\n"
PLAIN_CONFTEST = """\
from doctest import ELLIPSIS
from sybil import Sybil
from sybil.evaluators.doctest import NUMBER
from sybil.parsers.markdown import PythonCodeBlockParser

parsers = [PythonCodeBlockParser(doctest_optionflags=ELLIPSIS | NUMBER)]
pytest_collect_file = Sybil(parsers, patterns=["*/*/*.md"]).pytest()
"""
INDEX = "Claims\n======\n\n.. toctree::\n   :glob:\n\n   */*\n"
# Names the module: TensorFlow cannot compile a function of a module without a name.
SPHINX = """\
extensions = ["sphinx.ext.doctest"]
doctest_global_setup = "__name__ = '__main__'"
"""
NOTEBOOKS = """\
extensions = ["myst_nb"]
nb_execution_timeout = 300
nb_execution_raise_on_error = True
"""
KERNEL = "---\nfile_format: mystnb\nkernelspec:\n  name: python3\n---\n"


@dataclass(frozen=True)
class Generated:
    """A folder with a project per way, and the examples of each file by its name."""

    folder: Path
    sources: dict[str, str]

    @property
    def examples(self) -> int:
        return sum(map(count, self.sources.values()))


def code(framework: str, n: int) -> str:
    """Return the examples of file number ``n``."""
    row = [2 * value + n for value in (n, 2, 3, 4)]
    sums = [n * n + n * n + 9 + 3 * n, 4 + 2 * n + 16 + 4 * n]
    numbers = dict(zip("abcdpq", [*row, *sums], strict=True), n=n)
    head = f">>> {IMPORTS[framework]}\n>>> {TENSOR[framework]}\n"
    return (head + TOPICS[n % len(TOPICS)][framework]).format(**numbers)


def count(source: str) -> int:
    """Return how many examples there are."""
    return source.count(">>> ")


def write(path: Path, text: str) -> None:
    """Write a file and the folders above it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def generate(folder: Path, files: int, sample: int) -> Generated:
    """Write so many files (an even number), but only the first ``sample`` as notebooks."""
    numbers = range(1, files // len(IMPORTS) + 1)
    names = [(f"claim-{n:04}/{framework}", framework, n) for n in numbers for framework in IMPORTS]
    return lay_out(folder, {name: code(framework, n) for name, framework, n in names}, sample)


def lay_out(folder: Path, sources: dict[str, str], sample: int) -> Generated:
    """Write a project per way of the examples in ``sources``, by ``<claim>/<framework>``."""
    for number, (name, source) in enumerate(sources.items()):
        write_markup(folder, name, source)
        if number < sample:
            write(folder / f"notebooks/{name}.md", notebook(name, source))
    for claim in {name.split("/")[0] for name in sources}:
        write(folder / f"ours/snippets/bench/{claim}/claim.md", CLAIM.format(claim=claim))
    write_settings(folder)
    return Generated(folder, sources)


def write_settings(folder: Path) -> None:
    """Write what each project has beside its files."""
    write(folder / "ours/snippets/articles.toml", "")
    conftest = (REPOSITORY / "snippets/conftest.py").read_text()
    write(folder / "ours/snippets/conftest.py", conftest)
    write(folder / "plain/conftest.py", PLAIN_CONFTEST)
    for name in ("ours", "plain", "doctest"):
        write(folder / name / "pytest.ini", "[pytest]\n")
    for name, settings in (("sphinx", SPHINX), ("notebooks", NOTEBOOKS)):
        write(folder / name / "conf.py", settings)
        write(folder / name / "index.rst", INDEX)


def write_markup(folder: Path, name: str, source: str) -> None:
    """Write one file's examples in the markup of each project."""
    markdown = f"The claim {name}:\n\n```python\n{source}```\n"
    write(folder / f"ours/snippets/bench/{name}.md", markdown)
    write(folder / f"plain/bench/{name}.md", markdown)
    # Doctest would take the closing fence for expected output.
    write(folder / f"doctest/{name}.txt", source)
    heading = f"{name}\n{'=' * len(name)}\n"
    directive = f".. doctest::\n\n{indent(source, '   ')}"
    write(folder / f"sphinx/{name}.rst", f"{heading}\n{directive}")


def notebook(name: str, source: str) -> str:
    """Return examples as a page for myst-nb, a cell each; one that raises is marked so."""
    cells = []
    for example in doctest.DocTestParser().get_examples(source):
        tags = ":tags: [raises-exception]\n" if example.exc_msg else ""
        cells.append(f"```{{code-cell}} python\n{tags}{example.source}```\n")
    return f"{KERNEL}# {name}\n\n" + "\n".join(cells)
