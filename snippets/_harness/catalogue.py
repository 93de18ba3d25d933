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

import yaml

from . import frontmatter
from .frameworks import FRAMEWORKS
from .frontmatter import Article, FrontMatter, place
from .markup import Block, check_code, read_text, split
from .problems import CatalogueError, Problem, did_you_mean

NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
SHOWN = re.compile(r"^ *(?:`{3,}|:{3,})\{claim\} *(\S*)", re.MULTILINE)


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
        except (OSError, ValueError) as error:  # not there, not UTF-8, not TOML, not articles
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
    """Return the folders in ``path``, and links, which are to be refused."""
    entries = path.iterdir() if path.is_dir() else ()
    return sorted(entry for entry in entries if entry.is_dir() or entry.is_symlink())


@dataclass
class ClaimReader:
    """Reads one claim folder, collecting what is wrong instead of stopping at the first."""

    catalogue: Catalogue
    folder: Path
    problems: list[Problem] = field(default_factory=list)

    def read(self) -> Claim:
        if self.folder.is_symlink() or self.folder.parent.is_symlink():
            self.report(self.folder, 1, 1, "is a link; claims are made of plain files")
            raise CatalogueError(self.problems)
        self.check_folder()
        front, statement = self.claim_file()
        optional = front is None or front.status == "opinion" or front.kind == "prose"
        snippets = tuple(self.snippets(optional))
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

    def text(self, path: Path) -> str | None:
        """Return the text of a file, or None after reporting why there is none."""
        if not path.exists():
            self.report(path, 1, 1, "is missing")
            return None
        if path.is_symlink():  # reported with the folder
            return None
        if not path.is_file():
            self.report(path, 1, 1, "is not a file")
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
        front, tree = frontmatter.read(match[1], report)
        if front and tree:
            self.check_front(front, tree)
        return front, statement

    def check_front(self, front: FrontMatter, tree: yaml.Node) -> None:
        """Report what the schema cannot tell: other files, today, and Markdown in the texts."""
        path = self.folder / "claim.md"
        articles = self.catalogue.articles
        self.check_line(path, place(tree, ("title",)), front.title)
        for index, source in enumerate(front.sources):
            self.check_line(path, place(tree, ("sources", index, "said")), source.said)
            if source.article not in articles:
                at = place(tree, ("sources", index, "article"))
                hint = did_you_mean(source.article, articles)
                self.report(path, *at, f"unknown article {source.article!r}: {hint}")
        if front.skip and front.skip.until < self.catalogue.today:
            message = f"the skip ended on {front.skip.until}; mend the snippets or give a new date"
            self.report(path, *place(tree, ("skip", "until")), message)
        tabs = sum((self.folder / f"{name}.md").exists() for name in FRAMEWORKS)
        if front.agree and tabs < 2:
            at = place(tree, ("agree",))
            self.report(path, *at, f"agree compares tabs, and there are {tabs}; add one or drop it")
        if front.kind in ("claim", "example") and not front.sources:
            message = "has no sources; name an article, or make it `kind: ours`"
            self.report(path, *place(tree, ("kind",)), message)

    def check_line(self, path: Path, at: tuple[int, int], text: str) -> None:
        """Report what is wrong with a text of the front matter that pages show as Markdown."""

        def report(_line: int, _column: int, message: str) -> None:
            self.report(path, *at, message)

        blocks = list(split(text, report))
        if len(blocks) != 1 or blocks[0].is_code:
            report(1, 1, "is not one line of text; say more in the statement below")

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
