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
# libyaml's, where PyYAML was built with it: several times as fast, but its errors say less.
FAST = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
# Characters up to which it may be used: a text can be nested as deep as it is long, and where
# PyYAML's own code raises RecursionError libyaml's overflows the stack (at some 50,000).
FAST_LIMIT = 4_000

Kind = Literal["claim", "example", "ours", "prose"]
Status = Literal["holds", "partly", "outdated", "never", "opinion"]
Favours = Literal["tensorflow", "pytorch", "tie", "none"]
Found = Literal["faster", "slower", "smaller", "larger", "neither"]
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


class Comparison(Schema):
    """Two ways of doing one thing that the benchmarks measure, and which was better."""

    case: Text
    mode: Text
    against: Text
    found: Found
    results: Text = "cpu-2-threads"


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
    measured: tuple[Comparison, ...] = Field(default=(), strict=False)


def read(text: str, report: Report) -> tuple[FrontMatter | None, yaml.Node | None]:
    """Return front matter as an object and as a tree that knows its places.

    Returns None in place of either after reporting what is wrong with it.
    """
    try:
        tree = compose(text)
        data = yaml.load(text, loader_of(text))  # noqa: S506 (a safe one)
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
            at, node = find(tree, detail["loc"])
            if isinstance(node, yaml.ScalarNode) and isinstance(detail["input"], bool):
                detail["input"] = node.value  # as it is written: true, where YAML has True
            report(*at, explain(detail))
        return None, tree


def loader_of(text: str) -> type[yaml.SafeLoader]:
    """Return what reads a text as fast as is safe."""
    return FAST if len(text) <= FAST_LIMIT else yaml.SafeLoader


def compose(text: str) -> yaml.Node | None:
    """Return the tree of a YAML text; raise MarkedYAMLError for an alias, which could loop."""
    if "*" not in text:  # no alias
        try:
            return yaml.compose(text, loader_of(text))
        except yaml.YAMLError:
            pass  # the other loader says what is wrong
    for event in yaml.parse(text, Loader=yaml.SafeLoader):
        if isinstance(event, yaml.AliasEvent):
            raise yaml.MarkedYAMLError(
                problem=f"the alias *{event.anchor}; write the value out, or put it in quotes",
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
            opened = error.context_mark if is_unclosed(error) else None
            line, column, what = (opened or mark).line, (opened or mark).column, str(problem)
        case RecursionError():
            what = "nested too deeply; a claim needs two levels"
        case ValueError():  # a date that does not exist
            line = next(filter(lambda n: has_bad_date(lines[n]), range(len(lines))), 0)
    hints = (f"; {hint}" for part, hint in YAML_HINTS if part in what)
    return FIRST_LINE + line, column + 1, f"not valid YAML: {what}{next(hints, '')}"


def is_unclosed(error: yaml.MarkedYAMLError) -> bool:
    """Return whether a bracket or quote was still open where PyYAML gave up, lines below."""
    opened, mark, context = error.context_mark, error.problem_mark, str(error.context)
    begun = context.startswith(("while parsing a flow", "while scanning a quoted"))
    return bool(begun and opened and mark and mark.line > opened.line)


YAML_HINTS = (
    ("expected ',' or", "close the bracket, and put commas between its values"),
    ("unexpected end of stream", "close the quote"),
    ("mapping values", "put a text with a colon in quotes"),
    (r"'\t'", "indent with blanks"),
    ("start any token", "put the text in quotes"),
    ("found '<scalar>'", "put the whole text in quotes, of the kind that it has not"),
)


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
    return find(tree, location)[0]


def find(tree: yaml.Node, location: tuple[Any, ...]) -> tuple[tuple[int, int], yaml.Node]:
    """Return the place in the file of the value or key at ``location``, and the value."""
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
    return (FIRST_LINE + mark.line, mark.column + 1), node


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


def explain(detail: Any, model: type[Schema] = FrontMatter, where: str = "") -> str:
    """Return one of pydantic's errors in words that say what would be right."""
    names = [step for step in detail["loc"] if isinstance(step, str) and step != "[key]"]
    names = names or ["the front matter"]
    key, value, kind = names[-1], detail["input"], detail["type"]
    model = NESTED.get(names[0], model) if len(names) > 1 else model
    hint = HINTS[model].get(key)
    match kind:
        case "extra_forbidden":
            return f"unknown key {key!r}{where}: {did_you_mean(key, model.model_fields)}"
        case "missing":
            return f"{key!r} is missing{where}; {hint or 'add it'}"
        case _ if value is None or kind == "string_too_short":
            return f"{key!r} is empty{where}; {hint or SHAPES.get(key, 'give it a value')}"
        case "literal_error":
            allowed = {"status": Status, "favours": Favours, "kind": Kind, "found": Found}[key]
            return f"unknown {key} {value!r}: {did_you_mean(str(value), get_args(allowed))}"
    verb = "has" if detail["loc"][-1:] not in ((), (key,)) else "is"  # one of a list is wrong
    found = str(value) if isinstance(value, datetime.date) else repr(value)
    return f"{key!r} {verb} {found}{where}{correction(key, kind, detail['msg'])}"


def correction(key: str, kind: str, message: str) -> str:
    """Return what to write instead of a value of the wrong type, or what pydantic says."""
    is_shape = kind in ("tuple_type", "dict_type", "model_type")
    hint = SHAPES.get(key) if is_shape else WRITE.get(kind)
    return f"; {hint}" if hint else f": {message[0].lower()}{message[1:]}"


NESTED: Mapping[str, type[Schema]] = {"sources": Source, "skip": Skip, "measured": Comparison}
SHAPES = {
    "needs": "write a list, such as [slow]",
    "sources": "write a list, such as [{article: primer, said: ...}]",
    "agree": "write {variable: tolerance}",
    "measured": "write a list, such as [{case: ..., mode: ..., against: ..., found: faster}]",
    "skip": "write {reason: ..., until: YYYY-MM-DD}",
}
WRITE = {
    "string_type": "put it in quotes",
    "date_type": "write YYYY-MM-DD, without quotes and without a time",
    "int_type": "write a whole number, without quotes",
}
HINTS: Mapping[type[Schema], Mapping[str, str]] = {
    FrontMatter: {
        "title": "give the claim a title of a few words",
        "status": f"say what is so today: {', '.join(get_args(Status))}",
        "favours": f"say whom it favours today: {', '.join(get_args(Favours))}",
        "kind": f"say what it is: {', '.join(get_args(Kind))}",
    },
    Source: {
        "article": "name a key of snippets/articles.toml",
        "said": "say in our words what the article said",
        "favours": f"say whom the article favours: {', '.join(get_args(Favours))}",
    },
    Comparison: {
        "case": "name a case of the benchmarks, such as step/mlp",
        "mode": "name a mode of the case, such as torch.compile",
        "against": "name the mode of the case that it is compared with",
        "found": f"say what was found: {', '.join(get_args(Found))}",
    },
    Skip: {
        "until": "give the last day of the skip as YYYY-MM-DD",
        "reason": "say why the snippets cannot run",
    },
    Article: {"title": "give the title of the article", "year": "give the year it is of"},
}
