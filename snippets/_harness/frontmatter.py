"""The head of a ``claim.md``: its schema, and its errors in words with their places."""

import datetime
import re
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Annotated, Any, Literal, get_args

import yaml
from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
)

from .markup import Report
from .problems import did_you_mean

DATE = re.compile(r"\b(\d{4})-(\d\d?)-(\d\d?)\b")
FIRST_LINE = 2  # of the front matter in its file, below the opening ---

Kind = Literal["claim", "example", "ours", "prose"]
Status = Literal["holds", "partly", "outdated", "never", "opinion"]
Favours = Literal["tensorflow", "pytorch", "tie", "none"]
Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
# Not strict: to YAML 1.1, 1e-6 without a decimal point is a string.
Tolerance = Annotated[float, Field(ge=0, allow_inf_nan=False, strict=False)]


class Schema(BaseModel):
    """Validated front matter: immutable, and without unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Article(Schema):
    """An article whose claims are checked."""

    title: Text
    year: int
    author: Text | None = None
    dated: Text | None = None


class Source(Schema):
    """What one article said, in our words, and whom it favoured."""

    article: Text
    said: Text
    favours: Favours = "none"


class Skip(Schema):
    """Why the snippets of a claim do not run for now, and the last day of that."""

    reason: Text
    until: datetime.date


class FrontMatter(Schema):
    """The head of a ``claim.md``. ``favours`` and ``status`` are about today."""

    title: Text
    status: Status
    favours: Favours
    kind: Kind = "claim"
    changed: Text | None = None
    apart: Text | None = None  # why no notebook can have both sides, in one process
    agree: Annotated[Mapping[Text, Tolerance], AfterValidator(MappingProxyType)] = Field(
        default_factory=lambda: MappingProxyType({}), strict=False
    )
    skip: Skip | None = None
    sources: tuple[Source, ...] = Field(default=(), strict=False)
    needs: tuple[Text, ...] = Field(default=(), strict=False)


def read(text: str, report: Report) -> tuple[FrontMatter | None, yaml.Node | None]:
    """Return front matter as an object and as a tree that knows its places.

    Returns None in place of either after reporting what is wrong with it.
    """
    try:
        tree = compose(text)
        data = yaml.safe_load(text)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        report(*explain_yaml(error, text))
        return None, None
    if not isinstance(tree, yaml.MappingNode):
        hint = "write lines of `key: value`"
        report(FIRST_LINE, 1, f"the front matter is not a mapping; {hint}")
        return None, None
    for line, column, key in duplicate_keys(tree):
        report(line, column, f"key {key!r} is given twice; keep one")
    try:
        return FrontMatter.model_validate(data), tree
    except ValidationError as error:
        for detail in error.errors():
            report(*place(tree, detail["loc"]), explain(detail))
        return None, tree


def compose(text: str) -> yaml.Node | None:
    """Return the tree of a YAML text; raise MarkedYAMLError for an alias, which could loop."""
    for event in yaml.parse(text, Loader=yaml.SafeLoader):
        if isinstance(event, yaml.AliasEvent):
            raise yaml.MarkedYAMLError(
                problem=f"the alias *{event.anchor}; write the value out",
                problem_mark=event.start_mark,  # type: ignore[arg-type]
            )
    return yaml.compose(text, Loader=yaml.SafeLoader)


def explain_yaml(error: Exception, text: str) -> tuple[int, int, str]:
    """Return line, column and message of what PyYAML could not read."""
    line, column, what, lines = 0, 0, str(error), text.split("\n")
    match error:
        case yaml.reader.ReaderError():  # a character that YAML does not allow
            line, what = text.count("\n", 0, error.position), error.reason
        case yaml.MarkedYAMLError(problem=problem, problem_mark=mark) if mark:
            line, column, what = mark.line, mark.column, str(problem)
        case RecursionError():
            what = "nested too deeply; a claim needs two levels"
        case ValueError():  # a date that does not exist
            line = next(filter(lambda n: has_bad_date(lines[n]), range(len(lines))), 0)
    return FIRST_LINE + line, column + 1, f"not valid YAML: {what}"


def has_bad_date(line: str) -> bool:
    """Return whether a line holds a date that does not exist, such as 2026-02-30."""
    for year, month, day in DATE.findall(line):
        try:
            datetime.date(int(year), int(month), int(day))
        except ValueError:
            return True
    return False


def place(tree: yaml.Node, location: tuple[Any, ...]) -> tuple[int, int]:
    """Return the line and column, in the file, of the value or key at ``location``."""
    node, mark = tree, tree.start_mark
    for step in location:
        if isinstance(node, yaml.MappingNode):
            pairs = {key.value: (key, value) for key, value in node.value}
            if step not in pairs:  # missing: point at the mapping that lacks it
                break
            key, node = pairs[step]
            mark = key.start_mark
        elif isinstance(node, yaml.SequenceNode) and isinstance(step, int):
            node = node.value[step]
            mark = node.start_mark
    return FIRST_LINE + mark.line, mark.column + 1


def duplicate_keys(tree: yaml.Node) -> Iterator[tuple[int, int, str]]:
    """Yield line, column and name of keys that a mapping has twice (YAML keeps the last)."""
    if isinstance(tree, yaml.MappingNode):
        seen = set()
        for key, value in tree.value:
            if key.value in seen:
                yield FIRST_LINE + key.start_mark.line, key.start_mark.column + 1, key.value
            seen.add(key.value)
            yield from duplicate_keys(value)
    elif isinstance(tree, yaml.SequenceNode):
        for item in tree.value:
            yield from duplicate_keys(item)


def explain(detail: Any) -> str:
    """Return one of pydantic's errors in words that say what would be right."""
    key = str(detail["loc"][-1])
    model = (
        Source if "sources" in detail["loc"] else Skip if "skip" in detail["loc"] else FrontMatter
    )
    value = detail["input"]
    match detail["type"]:
        case "extra_forbidden":
            return f"unknown key {key!r}: {did_you_mean(key, model.model_fields)}"
        case "missing":
            return f"{key!r} is missing; {HINTS.get(key, 'add it')}"
        case "literal_error":
            allowed = {"status": Status, "favours": Favours, "kind": Kind}[key]
            return f"unknown {key} {value!r}: {did_you_mean(str(value), get_args(allowed))}"
        case "string_too_short":
            return f"{key!r} is empty; {HINTS.get(key, 'give it a value')}"
    return f"{key!r} is {value!r}: {detail['msg'][0].lower()}{detail['msg'][1:]}"


HINTS = {
    "title": "give the claim a title of a few words",
    "status": f"say what is so today: {', '.join(get_args(Status))}",
    "favours": f"say whom it favours today: {', '.join(get_args(Favours))}",
    "until": "give the last day of the skip as YYYY-MM-DD",
    "reason": "say why the snippets cannot run",
}
