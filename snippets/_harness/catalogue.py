"""The claims as typed, immutable objects, and everything that is wrong with them.

snippets/articles.toml               the articles that claims are cited from
snippets/<axis>/<claim>/claim.md     front matter and the statement
snippets/<axis>/<claim>/<framework>.md   the evidence, one file per tab
docs/*.md                            pages, which show each claim once
"""

import datetime
import os
import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache, partial
from pathlib import Path
from types import MappingProxyType

import yaml
from packaging.utils import canonicalize_name

from . import articles, frontmatter, measured, needs
from .articles import NAME
from .frameworks import FRAMEWORKS, distributions
from .frontmatter import Article, FrontMatter, place
from .markup import Block, check_code, imports, read_text, split
from .problems import CatalogueError, Problem, did_you_mean
from .written import Stamp, stamp, stamp_of_folder

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
    lines: Mapping[str, int]  # of the front matter's keys, in claim.md

    @property
    def id(self) -> str:
        """The axis and the folder's name, as pages name the claim: ``graphs/both-modes``."""
        return f"{self.folder.parent.name}/{self.folder.name}"

    @property
    def is_executed(self) -> bool:
        """Whether code stands behind it: opinions and prose never wear that badge."""
        return self.front.status != "opinion" and self.front.kind != "prose"


known: dict[Path, tuple[Stamp, Claim]] = {}  # what was read, as of when


class Catalogue:
    """All claims below one project folder, read when asked for.

    Half a dozen parts of a build ask for each: what was read is read again when it was written.
    """

    def __init__(self, project: Path, today: datetime.date | None = None) -> None:
        """``today`` decides whether a skip has run out; it defaults to the day in UTC."""
        self.project = project
        self.root = project / "snippets"
        self.today = today or datetime.datetime.now(datetime.UTC).date()

    @property
    def articles(self) -> Mapping[str, Article]:
        """The articles by key, in the order of the file."""
        return articles.load(self.root / "articles.toml")

    @property
    def requirements(self) -> tuple[str, ...] | None:
        """What the snippets may use, None if the project does not say so."""
        return _requirements(self.project, stamp([self.project / "pyproject.toml"]))

    def folders(self, axis: str | None = None) -> list[Path]:
        """Return the folder of every claim, axis by axis, or of those of one axis."""
        if axis is not None:
            return _folders(self.root / axis)
        return [folder for each in self.axes() for folder in _folders(each)]

    def axes(self) -> list[Path]:
        """Return the folders that hold claims."""
        return _folders(self.root)

    def unknown_axis(self, name: str) -> str | None:
        """Return what is wrong with the name of an axis that has no page, or None."""
        known = [axis.name for axis in self.axes() if self.page(axis.name).exists()]
        return None if name in known else f"no axis {name!r}: {did_you_mean(name, known)}"

    def page(self, axis: str) -> Path:
        """Return the page on which the claims of an axis are shown."""
        return self.project / "docs" / f"{axis}.md"

    def claim(self, claim_id: str) -> Claim:
        """Return the claim called ``claim_id``; raise CatalogueError if there is none such."""
        return self.load(self.folder(claim_id))

    def folder(self, claim_id: str) -> Path:
        """Return where a claim is; raise CatalogueError if there is none such."""
        if not re.fullmatch(f"{NAME.pattern}/{NAME.pattern}", claim_id):
            raise self._unknown(
                claim_id, "a claim is named <axis>/<folder>, such as graphs/both-modes"
            )
        folder = self.root / claim_id
        if not (folder / "claim.md").exists():
            known = [f"{path.parent.name}/{path.name}" for path in self.folders()]
            raise self._unknown(claim_id, did_you_mean(claim_id, known))
        return folder

    def _unknown(self, claim_id: str, hint: str) -> CatalogueError:
        return CatalogueError([Problem(self.root, 1, 1, f"no claim {claim_id!r}: {hint}")])

    def load(self, folder: Path) -> Claim:
        """Return the claim in ``folder``; raise CatalogueError with all that is wrong."""
        common = self.root / "articles.toml", self.project / "pyproject.toml"
        now = (self.today, *stamp(common), *stamp_of_folder(folder))
        before, claim = known.get(folder, (None, None))
        if claim is None or before != (*now, *self.results(claim)):
            claim = ClaimReader(self, folder).read()
            known[folder] = (*now, *self.results(claim)), claim
        return claim

    def results(self, claim: Claim) -> Stamp:
        """Return what differs once the measurements were written that a claim is checked by."""
        return stamp(measured.path_of(self.project, one) for one in claim.front.measured)

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
        found += [*self.stray_problems(), *self.name_problems(), *self.page_problems()]
        return sorted(found + list(self.axis_problems()))

    def axis_problems(self) -> Iterator[Problem]:
        """Yield the folders of claims that have no page to be shown on."""
        for axis in self.axes():
            if _folders(axis) and (message := self.unknown_axis(axis.name)):
                yield Problem(axis, 1, 1, message)

    def stray_problems(self) -> Iterator[Problem]:
        """Yield the files that stand beside claims, where nothing reads them."""
        for axis in self.axes():
            for path in () if axis.is_symlink() else axis.iterdir():
                if path.is_file() and not path.is_symlink() and path.name[0] not in "_.":
                    hint = f"move it into the folder of its claim, snippets/{axis.name}/<claim>/"
                    yield Problem(path, 1, 1, f"is part of no claim; {hint}, or remove it")

    def name_problems(self) -> Iterator[Problem]:
        """Yield the claims that share an anchor, or that a disk without case takes for one."""
        seen: dict[str, Path] = {}
        for folder in self.folders():
            key = f"{folder.parent.name}-{folder.name}".lower()
            if key in seen:
                other = seen[key]
                message = f"has the anchor of {other.parent.name}/{other.name}; rename one"
                yield Problem(folder, 1, 1, message)
            seen[key] = folder

    def page_problems(self) -> Iterator[Problem]:
        """Yield what is wrong with how pages show claims: each is shown once, with its axis."""
        claims = {f"{folder.parent.name}/{folder.name}": folder for folder in self.folders()}
        others = {self.page(axis.name): axis.name for axis in self.axes()}
        shown: dict[str, str] = {}
        pages = (page for page in (self.project / "docs").rglob("*.md") if "_ext" not in page.parts)
        folded: dict[str, Path] = {}
        for page in sorted(pages):
            if (other := folded.setdefault(str(page).lower(), page)) != page:
                yield Problem(page, 1, 1, f"differs only in case from {other.name}; rename one")
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
                elif others.get(page, axis := name.split("/")[0]) != axis:
                    yield Problem(page, line, 1, f"{name!r} belongs on docs/{axis}.md")
                shown.setdefault(name, place)
        for name in claims.keys() - shown.keys():
            if self.unknown_axis(claims[name].parent.name):
                continue  # there is no such page to show it
            hint = f"add ```{{claim}} {name} and ``` to docs/{claims[name].parent.name}.md"
            yield Problem(claims[name] / "claim.md", 1, 1, f"no page shows this claim; {hint}")


def _folders(path: Path) -> list[Path]:
    """Return the folders in ``path``, and links, which are to be refused.

    Those that begin with ``_`` or ``.`` hold no claims.
    """
    if not path.is_dir():
        return []
    with os.scandir(path) as entries:  # which tells folders from files without asking for each
        claims = (entry for entry in entries if entry.name[0] not in "_.")
        return sorted(path / each.name for each in claims if each.is_dir() or each.is_symlink())


@lru_cache(maxsize=16)
def _requirements(project: Path, _written: Stamp) -> tuple[str, ...] | None:
    return needs.requirements(project)


@dataclass
class ClaimReader:
    """Reads one claim folder, collecting what is wrong instead of stopping at the first."""

    catalogue: Catalogue
    folder: Path
    problems: list[Problem] = field(default_factory=list)
    lines: dict[str, int] = field(default_factory=dict)

    def read(self) -> Claim:
        if self.folder.is_symlink() or self.folder.parent.is_symlink():
            self.report(self.folder, 1, 1, "is a link; claims are made of plain files")
            raise CatalogueError(self.problems)
        self.check_folder()
        front, statement = self.claim_file()
        optional = front is None or front.status == "opinion" or front.kind == "prose"
        snippets = tuple(self.snippets(optional))
        for snippet in snippets:
            if front:
                self.check_imports(snippet, front.needs)
        if self.problems or front is None:
            raise CatalogueError(self.problems)
        return Claim(self.folder, front, statement, snippets, MappingProxyType(self.lines))

    def report(self, path: Path, line: int, column: int, message: str) -> None:
        self.problems.append(Problem(path, line, column, message))

    def check_folder(self) -> None:
        """Refuse names that cannot be an anchor, unknown files and ways out of the tree."""
        if not NAME.fullmatch(self.folder.name):
            hint = "use lower-case letters, digits and single hyphens"
            self.report(self.folder, 1, 1, f"{self.folder.name!r} is no name for a claim; {hint}")
        expected = {"claim.md", *(f"{name}.md" for name in FRAMEWORKS)}
        is_outside = not self.folder.resolve().is_relative_to(self.catalogue.root.resolve())
        for path in sorted(self.folder.iterdir()):
            if is_outside or path.is_symlink():
                self.report(path, 1, 1, "is a link; claims are made of plain files")
            elif path.name not in expected:
                hint = did_you_mean(path.name, sorted(expected))
                self.report(path, 1, 1, f"unknown framework or file {path.name!r}: {hint}")

    def text(self, path: Path) -> str | None:
        """Return the text of a file, or None after reporting why there is none."""
        if not path.exists():
            self.report(path, 1, 1, "is missing; write it, or remove the folder")
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
        match = re.match(r"---\n(.*?)^---$\n?", text, re.DOTALL | re.MULTILINE)
        if not match:
            message = "must begin with front matter between two lines of ---"
            if text.startswith("---\n"):
                message = "the head opened at line 1 is never closed; put --- below it"
            self.report(path, 1, 1, message)
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
        self.lines |= {key: place(tree, (key,))[0] for key in front.model_fields_set}
        self.check_needs(path, front.needs, tree)
        self.check_line(path, place(tree, ("title",)), front.title)
        for index, source in enumerate(front.sources):
            self.check_line(path, place(tree, ("sources", index, "said")), source.said)
            if source.article not in articles:
                at = place(tree, ("sources", index, "article"))
                hint = did_you_mean(source.article, articles)
                self.report(path, *at, f"unknown article {source.article!r}: {hint}")
        for index, comparison in enumerate(front.measured):
            if message := measured.contradiction(self.catalogue.project, comparison):
                self.report(path, *place(tree, ("measured", index)), message)
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

    def check_needs(self, path: Path, named: tuple[str, ...], tree: yaml.Node) -> None:
        """Report what is neither a package that the snippets may use nor another need."""
        for index, need in enumerate(named):
            if message := needs.unknown_need(need, self.catalogue.requirements):
                self.report(path, *place(tree, ("needs", index)), message)

    def check_imports(self, snippet: Snippet, named: tuple[str, ...]) -> None:
        """Report packages of the evidence that code imports, and whose version no page names."""
        required = self.catalogue.requirements
        told = {"numpy", *FRAMEWORKS[snippet.framework].packages, *sys.stdlib_module_names}
        told |= {need.split(".")[0] for need in named}
        for line, column, package in imports(snippet.blocks) if required else ():
            if package in told:  # asked first: the other reads what each package installed
                continue
            provided = map(canonicalize_name, distributions((package,) if package else ()))
            if needs.installed_for(required).keys().isdisjoint(provided):
                continue
            told.add(package)  # once is enough
            want = f"needs: [{', '.join([*named, package])}]"
            how = f"write {want} in claim.md" if named else f"add {want} to claim.md"
            message = f"imports {package}; {how}, so that the page names its version"
            self.report(snippet.path, line, column, message)

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
