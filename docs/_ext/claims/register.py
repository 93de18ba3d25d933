"""The claims as the site shows them: in its order, with their page and their evidence."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from sphinx.config import Config

from snippets._harness import evidence as ev
from snippets._harness.catalogue import SHOWN, Catalogue, Claim
from snippets._harness.problems import CatalogueError, shown

from . import wording


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


@dataclass
class Register:
    """All claims of a project, with the evidence in a folder."""

    catalogue: Catalogue
    folder: Path  # of the evidence

    @classmethod
    def of(cls, config: Config, srcdir: Path) -> "Register":
        """Return the register that a Sphinx configuration names."""
        catalogue = Catalogue(Path(config.claims_project or srcdir.parent))
        return cls(catalogue, Path(config.claims_evidence or catalogue.project / ev.FOLDER))

    def entries(self) -> list[Entry]:
        """Return every claim that a page shows and that has no mistake, in the site's order."""
        return [
            entry
            for place in pages_of(str(self.catalogue.project)).items()
            for entry in self._sound(*place)
        ]

    def _sound(self, claim_id: str, page: str) -> Iterator[Entry]:
        try:
            yield self.entry(claim_id, page)
        except CatalogueError:  # the page that shows it warns of it
            return

    def entry(self, claim_id: str, page: str) -> Entry:
        """Return one claim; raise CatalogueError if there is none such or it is not sound."""
        claim = self.catalogue.claim(claim_id)
        judged = Judged(claim, self.folder)
        return Entry(claim, page, judged.found, tuple(judged.problems))


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
                self.refuse("failed", f"{shown(self.claim.folder / 'claim.md')}: {error}")
                self.found.clear()


def may_be_missing(claim: Claim) -> bool:
    """Return whether the site may be published though the claim's snippets did not run here."""
    others = tuple(need for need in claim.front.needs if need != "gpu")
    return bool(claim.front.skip) or (others != claim.front.needs and not ev.unmet_need(others))
