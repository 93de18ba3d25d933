"""The claims as typed, immutable objects, and everything that is wrong with them.

snippets/articles.toml               the articles that claims are cited from
snippets/<axis>/<claim>/claim.md     front matter and the statement
snippets/<axis>/<claim>/<framework>.md   the evidence, one file per tab
docs/*.md                            pages, which show each claim once
"""

import datetime
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property, partial
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

import yaml
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from .frameworks import FRAMEWORKS
from .markup import Block, check_code, read_text, split
from .problems import CatalogueError, Problem, did_you_mean

Kind = Literal["claim", "example", "ours", "prose"]
Status = Literal["holds", "partly", "outdated", "never", "opinion"]
Favours = Literal["tensorflow", "pytorch", "tie", "none"]
Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
# Not strict: to YAML 1.1, 1e-6 without a decimal point is a string.
Tolerance = Annotated[float, Field(ge=0, allow_inf_nan=False, strict=False)]

NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
SHOWN = re.compile(r"^ *(?:`{3,}|:{3,})\{claim\} *(\S*)", re.MULTILINE)


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
    agree: dict[Text, Tolerance] = {}
    skip: Skip | None = None
    sources: tuple[Source, ...] = Field(default=(), strict=False)
    needs: tuple[Text, ...] = Field(default=(), strict=False)


@dataclass(frozen=True)
class Snippet:
    """One tab of a claim: its file, split into prose and code."""

    path: Path
    framework: str
    blocks: tuple[Block, ...]


@dataclass(frozen=True)
class Claim:
    """One claim: what is said, what is so today, and the snippets that prove it."""

    folder: Path
    front: FrontMatter
    statement: tuple[Block, ...]
    snippets: tuple[Snippet, ...]

    @property
    def id(self) -> str:
        """The axis and the folder's name, as pages name the claim: ``graphs/both-modes``."""
        return f"{self.folder.parent.name}/{self.folder.name}"

    @property
    def is_executed(self) -> bool:
        """Whether code stands behind it: opinions and prose never wear that badge."""
        return self.front.status != "opinion" and self.front.kind != "prose"


class Catalogue:
    """All claims below one project folder, read when asked for."""

    def __init__(self, project: Path, today: datetime.date | None = None) -> None:
        """``today`` decides whether a skip has run out; it defaults to the day in UTC."""
        self.project = project
        self.root = project / "snippets"
        self.today = today or datetime.datetime.now(datetime.UTC).date()

    @cached_property
    def articles(self) -> Mapping[str, Article]:
        """The articles by key, in the order of the file."""
        path = self.root / "articles.toml"
        try:
            data = tomllib.loads(path.read_text())
            return {key: Article.model_validate(value) for key, value in data.items()}
        except (OSError, tomllib.TOMLDecodeError, ValidationError) as error:
            raise CatalogueError([Problem(path, 1, 1, f"cannot be read: {error}")]) from None

    def folders(self) -> list[Path]:
        """Return the folder of every claim, axis by axis."""
        axes = [axis for axis in _folders(self.root) if not axis.name.startswith(("_", "."))]
        return [folder for axis in axes for folder in _folders(axis) if folder.name[0] not in "_."]

    def claim(self, claim_id: str) -> Claim:
        """Return the claim called ``claim_id``; raise CatalogueError if there is none such."""
        if not re.fullmatch(f"{NAME.pattern}/{NAME.pattern}", claim_id):
            raise self._unknown(
                claim_id, "a claim is named <axis>/<folder>, such as graphs/both-modes"
            )
        folder = self.root / claim_id
        if not (folder / "claim.md").exists():
            known = [f"{path.parent.name}/{path.name}" for path in self.folders()]
            raise self._unknown(claim_id, did_you_mean(claim_id, known))
        return self.load(folder)

    def _unknown(self, claim_id: str, hint: str) -> CatalogueError:
        return CatalogueError([Problem(self.root, 1, 1, f"no claim {claim_id!r}: {hint}")])

    def load(self, folder: Path) -> Claim:
        """Return the claim in ``folder``; raise CatalogueError with all that is wrong."""
        return ClaimReader(self, folder).read()

    def problems(self) -> list[Problem]:
        """Return everything wrong with the claims and with the pages that show them."""
        found: list[Problem] = []
        try:
            _ = self.articles
        except CatalogueError as error:
            return list(error.problems)
        for folder in self.folders():
            try:
                self.load(folder)
            except CatalogueError as error:
                found += error.problems
        return sorted([*found, *self._name_problems(), *self._page_problems()])

    def _name_problems(self) -> Iterator[Problem]:
        seen: dict[str, Path] = {}
        for folder in self.folders():
            key = f"{folder.parent.name}/{folder.name}".lower()
            if key in seen:
                message = f"differs only in case from {seen[key].name!r}; rename one"
                yield Problem(folder, 1, 1, message)
            seen[key] = folder

    def _page_problems(self) -> Iterator[Problem]:
        claims = {f"{folder.parent.name}/{folder.name}": folder for folder in self.folders()}
        shown: dict[str, str] = {}
        pages = (page for page in (self.project / "docs").rglob("*.md") if "_ext" not in page.parts)
        for page in sorted(pages):
            text = page.read_text(errors="replace")
            for match in SHOWN.finditer(text):
                line = text.count("\n", 0, match.start()) + 1
                name, place = match[1], f"{page.relative_to(self.project)}:{line}"
                if name not in claims:
                    hint = did_you_mean(name, claims)
                    yield Problem(page, line, 1, f"no claim {name!r}: {hint}")
                elif name in shown:
                    message = f"claim {name!r} is already shown at {shown[name]}"
                    yield Problem(page, line, 1, message)
                shown.setdefault(name, place)
        for name in claims.keys() - shown.keys():
            hint = f"add ```{{claim}} {name} and ``` to docs/{claims[name].parent.name}.md"
            yield Problem(claims[name] / "claim.md", 1, 1, f"no page shows this claim; {hint}")


def _folders(path: Path) -> list[Path]:
    return sorted(entry for entry in path.iterdir() if entry.is_dir())


@dataclass
class ClaimReader:
    """Reads one claim folder, collecting what is wrong instead of stopping at the first."""

    catalogue: Catalogue
    folder: Path
    problems: list[Problem] = field(default_factory=list)

    def read(self) -> Claim:
        self.check_folder()
        front, statement = self.claim_file()
        optional = front is None or front.status == "opinion" or front.kind == "prose"
        snippets = tuple(self.snippets(optional))
        if front is not None:
            self.check_front(front)
        if self.problems or front is None:
            raise CatalogueError(self.problems)
        return Claim(self.folder, front, statement, snippets)

    def report(self, path: Path, line: int, column: int, message: str) -> None:
        self.problems.append(Problem(path, line, column, message))

    def check_folder(self) -> None:
        """Refuse names that cannot be an anchor, unknown files and ways out of the tree."""
        if not NAME.fullmatch(self.folder.name):
            hint = "use lower-case letters, digits and single hyphens"
            self.report(self.folder, 1, 1, f"{self.folder.name!r} is no name for a claim; {hint}")
        expected = {"claim.md", *(f"{name}.md" for name in FRAMEWORKS)}
        for path in sorted(self.folder.iterdir()):
            inside = self.catalogue.root.resolve()
            if path.is_symlink() or not path.resolve().is_relative_to(inside):
                self.report(path, 1, 1, "is a link; claims are made of plain files")
            elif path.name not in expected:
                hint = did_you_mean(path.name, sorted(expected))
                self.report(path, 1, 1, f"unknown framework or file {path.name!r}: {hint}")
        if self.folder.is_symlink():
            self.report(self.folder, 1, 1, "is a link; claims are made of plain files")

    def text(self, path: Path) -> str | None:
        """Return the text of a file, or None after reporting why there is none."""
        if not path.exists():
            self.report(path, 1, 1, "is missing")
            return None
        if path.is_symlink():
            return None
        text, problems = read_text(path)
        self.problems += problems
        return None if problems else text

    def claim_file(self) -> tuple[FrontMatter | None, tuple[Block, ...]]:
        """Return the validated front matter and the blocks of the statement."""
        path = self.folder / "claim.md"
        text = self.text(path)
        if text is None:
            return None, ()
        match = re.match(r"---\n(.*?)^---\n", text, re.DOTALL | re.MULTILINE)
        if not match:
            self.report(path, 1, 1, "must begin with front matter between two lines of ---")
            return None, ()
        first = text.count("\n", 0, match.end()) + 1
        report = partial(self.report, path)
        statement = tuple(split(text[match.end() :], report, first))
        if not statement:
            report(first, 1, "has no statement; say below the front matter what is so today")
        for block in statement:
            if block.is_code:
                report(block.line, 1, "the statement is prose; put code into a framework's file")
        return self.front_matter(path, match[1]), statement

    def front_matter(self, path: Path, text: str) -> FrontMatter | None:
        """Return the front matter as an object, or None after reporting what is wrong."""
        try:
            tree = yaml.compose(text, Loader=yaml.SafeLoader)
            data = yaml.safe_load(text)
        except (yaml.YAMLError, ValueError) as error:  # ValueError: a date that does not exist
            mark = getattr(error, "problem_mark", None)
            line, column = (mark.line + 2, mark.column + 1) if mark else (2, 1)
            self.report(path, line, column, f"not valid YAML: {getattr(error, 'problem', error)}")
            return None
        if tree is None or not isinstance(data, dict):
            hint = "write lines of `key: value`"
            self.report(path, 2, 1, f"the front matter is not a mapping; {hint}")
            return None
        for line, column, key in duplicate_keys(tree):
            self.report(path, line, column, f"key {key!r} is given twice; keep one")
        try:
            return FrontMatter.model_validate(data)
        except ValidationError as error:
            for detail in error.errors():
                self.report(path, *place(tree, detail["loc"]), explain(detail))
            return None

    def check_front(self, front: FrontMatter) -> None:
        """Report what only the rest of the catalogue can tell."""
        path = self.folder / "claim.md"
        lines = path.read_text().splitlines()

        def line_of(pattern: str, nth: int = 0) -> int:
            found = [n for n, line in enumerate(lines, 1) if re.match(pattern, line)]
            return found[nth] if nth < len(found) else 1

        for index, source in enumerate(front.sources):
            if source.article not in self.catalogue.articles:
                hint = did_you_mean(source.article, self.catalogue.articles)
                line = line_of(r"[\s-]*article:", index)
                self.report(path, line, 1, f"unknown article {source.article!r}: {hint}")
        if front.skip and front.skip.until < self.catalogue.today:
            message = f"the skip ended on {front.skip.until}; mend the snippets or give a new date"
            self.report(path, line_of("skip:"), 1, message)
        if front.kind in ("claim", "example") and not front.sources:
            message = "has no sources; name an article, or make it `kind: ours`"
            self.report(path, line_of("kind:|title:"), 1, message)

    def snippets(self, optional: bool) -> Iterator[Snippet]:
        """Yield the tabs in their order, reporting what is wrong with each."""
        for name, framework in FRAMEWORKS.items():
            path = self.folder / f"{name}.md"
            if not path.exists() and not path.is_symlink():
                if framework.required and not optional:
                    hint = "show in it what the framework does, or how it fails and the way around"
                    self.report(path, 1, 1, f"the {framework.title} tab is missing; {hint}")
                continue
            if (text := self.text(path)) is None:
                continue
            report = partial(self.report, path)
            before = len(self.problems)
            blocks = tuple(split(text, report))
            if len(self.problems) == before:
                check_code([block for block in blocks if block.is_code], report)
            yield Snippet(path, name, blocks)


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
    return mark.line + 2, mark.column + 1


def duplicate_keys(tree: yaml.Node) -> Iterator[tuple[int, int, str]]:
    """Yield line, column and name of keys that a mapping has twice (YAML keeps the last)."""
    if isinstance(tree, yaml.MappingNode):
        seen = set()
        for key, value in tree.value:
            if key.value in seen:
                yield key.start_mark.line + 2, key.start_mark.column + 1, key.value
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
