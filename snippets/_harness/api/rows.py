"""The rows of the API table as typed objects, and everything that is wrong with their files.

snippets/_api/<family>.toml        the rows, one table each; its name is the row's anchor
snippets/_api/pins/<family>.json   what running them gave, written by ``pin``, reviewed as a diff
"""

import json
import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from snippets._harness.problems import Problem, did_you_mean
from snippets._harness.written import Stamp, stamp

from . import expressions, inputs

FOLDER = Path("snippets/_api")
NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
HEADS = ("title", "about")  # of a file, before its rows
LOOSEST = 1e-3  # tolerance that a row may ask for, of single precision
EDGES = (
    "scalar", "empty", "one element", "integers", "float16", "bfloat16", "special values",
    "not contiguous", "wrong shape", "text", "int32 indices",
)  # fmt: skip
Kind = Literal["function", "random", "layer", "optimizer", "schedule"]


class Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Case(Strict):
    """The row's expressions, or others, over inputs at an edge of interest to who migrates."""

    tensorflow: str | None = None
    pytorch: str | None = None
    inputs: dict[str, Any] = {}
    differs: str | None = None  # the sentence; without one, both sides have to agree
    refused: bool = False  # by both sides, each with its own error


class Row(Strict):
    """What TensorFlow writes, what PyTorch writes, and what to run both on."""

    tensorflow: str | None = None
    pytorch: str | None = None
    kind: Kind = "function"
    inputs: dict[str, Any] = {}
    says: str | None = None  # the sentence a migrating reader needs
    also: list[str] = []  # other names of the same, or expressions, on any side; NumPy's too
    covers: list[str] = []  # names that the expressions use without writing them
    tags: list[str] = []  # what a machine cannot see
    tolerance: float = Field(default=1e-5, gt=0)
    feed: dict[str, str] = {}  # PyTorch expressions that turn inputs into its layout
    take: str | None = None  # and its result, ``y``, into TensorFlow's
    weights: dict[str, str] = {}  # of a layer: PyTorch's, out of Keras's list ``w``
    training: bool = False  # of a layer
    without: list[str] = []  # edges that make no sense here
    unexplored: str | None = None  # why generated inputs are no use here
    absent: list[str] = []  # names that the other side does not have
    instead: str | None = None  # and what to do there
    cases: dict[str, Case] = {}


BY_HAND = ("another package", "deprecated", "needs surroundings", "missing")


@dataclass(frozen=True)
class Family:
    """One file of rows, as it stands and as its pins stand."""

    path: Path
    title: str
    about: str
    rows: dict[str, Row]
    lines: dict[str, int]
    problems: tuple[Problem, ...] = ()

    @property
    def name(self) -> str:
        return self.path.stem

    @property
    def pins_path(self) -> Path:
        return _pins_of(self.path)

    @cached_property
    def pins(self) -> dict[str, Any]:
        """What the rows are to give; empty where nothing was pinned."""
        try:
            found: dict[str, Any] = json.loads(self.pins_path.read_text())
        except (OSError, ValueError):
            return {}
        return found


def _pins_of(path: Path) -> Path:
    return path.parent / "pins" / f"{path.stem}.json"


def families(project: Path) -> list[Family]:
    """Return all families in the order of their names; names of rows are unique over all."""
    found = [load(path) for path in sorted((project / FOLDER).glob("*.toml"))]
    owners: dict[str, str] = {}
    result = []
    for family in found:
        twice = [
            Problem(family.path, family.lines[n], 1, f"row {n!r} is in {owners[n]}.toml already")
            for n in family.rows
            if owners.setdefault(n, family.name) != family.name
        ]
        rows = {n: row for n, row in family.rows.items() if owners[n] == family.name}
        problems = (*family.problems, *twice)
        result.append(Family(family.path, family.title, family.about, rows, family.lines, problems))
    return result


def load(path: Path) -> Family:
    """Return the sound rows of a file, with what is wrong with the others.

    Half a dozen parts of a build ask for them: a file is read again only when it was written.
    """
    return _load(path, stamp([path, _pins_of(path)]))


@lru_cache(maxsize=256)
def _load(path: Path, _written: Stamp) -> Family:
    try:
        text = path.read_text(encoding="utf-8")
        data = tomllib.loads(text)
    except (OSError, ValueError) as error:
        line = int(found[1]) if (found := re.search(r"at line (\d+)", str(error))) else 1
        problem = Problem(path, line, 1, f"cannot be read: {error}")
        return Family(path, path.stem, "", {}, {}, (problem,))
    lines = _lines(text)
    problems: list[Problem] = []
    heads = {key: data.pop(key, None) for key in HEADS}
    problems += [
        Problem(path, 1, 1, f"{key!r} is missing: the page begins with it")
        for key, value in heads.items()
        if not isinstance(value, str)
    ]
    rows: dict[str, Row] = {}
    for name, given in data.items():
        line = lines.get(name, 1)
        try:
            row = Row.model_validate(given)
            wrong = [*_wrong(name, row)]
        except ValidationError as error:
            wrong = [_told(each) for each in error.errors()]
        problems += [Problem(path, line, 1, f"row {name!r}: {message}") for message in wrong]
        if not wrong:
            rows[name] = row
    title, about = (str(heads[key] or path.stem) for key in HEADS)
    return Family(path, title, about, rows, lines, tuple(problems))


known: dict[Path, tuple[Stamp, list[str]]] = {}  # names of rows, as of when


def names(path: Path) -> list[str]:
    """Return the names of a file's rows, sound or not: to find them takes no check of any."""
    now = stamp([path])
    before, found = known.get(path, (None, []))
    if before != now:
        try:
            data = tomllib.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return []
        found = [name for name in data if name not in HEADS]
        known[path] = now, found
    return found


def _lines(text: str) -> dict[str, int]:
    """Return the line of each row's table."""
    found = enumerate(text.splitlines(), 1)
    heads = ((re.match(r"\[([^.\[\]]+)\]", line), number) for number, line in found)
    return {match[1].strip('" '): number for match, number in heads if match}


def _told(error: Any) -> str:
    where = ".".join(map(str, error["loc"]))
    if error["type"] == "extra_forbidden":
        known = (Case if "cases" in error["loc"] else Row).model_fields
        return f"unknown key {where!r}: {did_you_mean(str(error['loc'][-1]), known)}"
    return f"{where}: {error['msg']}"


def _wrong(name: str, row: Row) -> Iterator[str]:
    if not NAME.fullmatch(name):
        yield "a name is lower-case letters, digits and single hyphens: it becomes an anchor"
    if row.tolerance > LOOSEST:
        yield f"tolerance {row.tolerance:g} is looser than {LOOSEST:g}"
    yield from _one_sided(row)
    for key, given in row.inputs.items():
        if isinstance(given, str):
            try:
                inputs.parse(given)
            except ValueError as error:
                yield f"inputs.{key}: {error}"
    unknown = [
        f"unknown edge {e!r}: {did_you_mean(e, EDGES)}" for e in row.without if e not in EDGES
    ]
    yield from unknown
    by_hand = [t for t in row.tags if t not in BY_HAND]
    yield from (f"tag {t!r} is not one by hand: {did_you_mean(t, BY_HAND)}" for t in by_hand)
    yield from _wrong_expressions(row)


def _wrong_expressions(row: Row) -> Iterator[str]:
    for where, text, extra in _expressions(row):
        try:
            tree = expressions.parse(text)
        except ValueError as error:
            yield f"{where}: {error}"
            continue
        known = {**row.inputs, **extra}
        for unknown in expressions.unknown_names(tree, known):
            yield f"{where} uses {unknown!r}: {did_you_mean(unknown, [*known, *expressions.ROOTS])}"


def _one_sided(row: Row) -> Iterator[str]:
    if row.tensorflow is None and row.pytorch is None:
        yield "has neither 'tensorflow' nor 'pytorch'"
    if None in (row.tensorflow, row.pytorch):
        if not row.absent or not row.instead:
            yield "has one side: say which names the other lacks (absent) and what to do (instead)"
    elif row.absent or row.instead:
        yield "'absent' and 'instead' are for rows with one side"


def _expressions(row: Row) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Yield where an expression stands, its text, and what it may use beside the inputs."""
    given = {"optimizer": {"p": 0}, "schedule": {"o": 0}}.get(row.kind, {})
    sides = (("tensorflow", row.tensorflow), ("pytorch", row.pytorch))
    yield from ((where, text, given) for where, text in sides if text is not None)
    yield from ((f"feed.{key}", text, {}) for key, text in row.feed.items())
    yield from ((f"weights.{key}", text, {"w": 0}) for key, text in row.weights.items())
    yield from (("also", text, given) for text in row.also if not expressions.is_name(text))
    if row.take:
        yield "take", row.take, {"y": 0}
    for name, case in row.cases.items():
        both = {**given, **case.inputs}
        texts = (("tensorflow", case.tensorflow), ("pytorch", case.pytorch))
        yield from ((f"cases.{name}.{key}", text, both) for key, text in texts if text)
