"""The claims as the site shows them: in its order, with their page and their evidence."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

from sphinx.application import Sphinx
from sphinx.config import Config
from sphinx.environment import BuildEnvironment

from snippets._harness import evidence as ev
from snippets._harness.catalogue import SHOWN, Catalogue, Claim
from snippets._harness.problems import CatalogueError, Problem, shown
from snippets._harness.written import Stamp, stamp_of_folder

from . import wording


def connect(app: Sphinx) -> None:
    app.connect("env-before-read-docs", begin)
    app.connect("builder-inited", Register.forget)
    app.connect("build-finished", Register.forget, priority=900)


def begin(app: Sphinx, _env: BuildEnvironment, docnames: list[str]) -> None:
    """Read all claims before the processes that read pages fork, each of which needs them."""
    if docnames:
        Register.of(app.config, Path(app.srcdir)).entries()


def anchor_of(claim_id: str) -> str:
    """Return the stable anchor of a claim: its axis and its folder's name."""
    return claim_id.replace("/", "-")


def pages_of(project: str) -> dict[str, str]:
    """Return the document that shows each claim of a project, in the order of the site."""
    docs = Path(project, "docs")
    found = (path.relative_to(docs).with_suffix("") for path in docs.rglob("[!_]*.md"))
    return {
        match[1]: name
        for name in sorted((page.as_posix() for page in found), key=wording.position)
        for match in SHOWN.finditer((docs / f"{name}.md").read_text(errors="replace"))
    }


@dataclass(frozen=True)
class Entry:
    """One claim with the page that shows it and the evidence that may be published."""

    claim: Claim
    page: str  # its document, such as ``graphs``
    evidence: Mapping[str, ev.Evidence]  # by framework, in the order of the tabs
    problems: tuple[tuple[str, str], ...] = ()  # why other evidence may not: type, message

    @property
    def axis(self) -> str:
        return self.claim.folder.parent.name

    @property
    def anchor(self) -> str:
        return anchor_of(self.claim.id)

    @property
    def passed(self) -> dict[str, ev.Evidence]:
        """The evidence of the tabs that ran and passed."""
        return {tab: e for tab, e in self.evidence.items() if e.outcome == "passed"}


class Register:
    """All claims of a project, with the evidence in a folder, each read once in a build.

    Evidence that was written since it was read is read again: a page notes what the files hold
    after it was made.
    """

    _known: ClassVar[dict[tuple[Path, Path], "Register"]] = {}  # of the build under way

    def __init__(self, project: Path, folder: Path) -> None:
        self.project, self.folder = project, folder  # the latter of the evidence
        self.catalogue = Catalogue(project)
        self._entries: dict[str, tuple[Stamp, Entry]] = {}

    @classmethod
    def of(cls, config: Config, srcdir: Path) -> "Register":
        """Return the register that a Sphinx configuration names, for as long as a build takes."""
        project = Path(config.claims_project or srcdir.parent)
        folder = Path(config.claims_evidence or project / ev.FOLDER)
        if (project, folder) not in cls._known:
            cls._known[project, folder] = cls(project, folder)
        return cls._known[project, folder]

    @classmethod
    def forget(cls, _app: Sphinx, *_exception: object) -> None:
        """Read everything anew in the next build of this process."""
        cls._known.clear()

    def entries(self) -> list[Entry]:
        """Return every claim that a page shows and that has no mistake, in the site's order."""
        return [
            entry for place in pages_of(str(self.project)).items() for entry in self._sound(*place)
        ]

    def _sound(self, claim_id: str, page: str) -> Iterator[Entry]:
        try:
            yield self.entry(claim_id, page)
        except CatalogueError:  # the page that shows it warns of it
            return

    def entry(self, claim_id: str, page: str) -> Entry:
        """Return one claim; raise CatalogueError if there is none such or it is not sound."""
        claim = self.catalogue.claim(claim_id)
        now = stamp_of_folder(self.folder / claim.id)
        before, entry = self._entries.get(claim_id, (None, None))
        if entry is None or before != now or (entry.claim, entry.page) != (claim, page):
            judged = Judged(claim, self.folder)
            entry = Entry(claim, page, judged.found, tuple(judged.problems))
            self._entries[claim_id] = now, entry
        return entry


@dataclass
class Judged:
    """The evidence of one claim, sorted into what may be published and why the rest may not."""

    claim: Claim
    folder: Path
    found: dict[str, ev.Evidence] = field(default_factory=dict)
    problems: list[tuple[str, str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        for snippet in self.claim.snippets:
            evidence = ev.read(ev.path_of(self.folder, self.claim, snippet))
            where = shown(snippet.path)
            if evidence is None:
                self.refuse("missing", f"{where}: no evidence; run `make html`")
            elif not ev.is_current(evidence, self.claim, snippet):
                self.refuse("stale", f"{where}: changed, or run on other versions, since it ran")
            elif evidence.outcome == "failed":
                failure = evidence.failure or ev.Failure(line=1, message="failed")
                self.refuse("failed", f"{where}:{failure.line}: {failure.message}")
            elif evidence.outcome == "not run" and not may_be_missing(self.claim):
                self.refuse("missing", f"{where}: {evidence.reason}")
            else:
                self.found[snippet.framework] = evidence
        self.check_agreement()

    def refuse(self, kind: str, message: str) -> None:
        self.problems.append((kind, message))

    def check_agreement(self) -> None:
        passed = [e for e in self.found.values() if e.outcome == "passed"]
        if len(passed) == len(self.claim.snippets):
            try:
                ev.agreement(self.claim, self.found)
            except ev.DisagreementError as error:
                path, line = self.claim.folder / "claim.md", self.claim.lines["agree"]
                self.refuse("failed", str(Problem(path, line, 1, str(error))))
                self.found.clear()


def may_be_missing(claim: Claim) -> bool:
    """Return whether the site may be published though the claim's snippets did not run here."""
    others = tuple(need for need in claim.front.needs if need != "gpu")
    return bool(claim.front.skip) or (others != claim.front.needs and not ev.unmet_need(others))
