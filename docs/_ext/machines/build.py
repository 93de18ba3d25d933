"""What one build knows of the claims, read once however many files are made from it."""

from collections import Counter
from collections.abc import Iterable
from functools import cached_property
from pathlib import Path

from claims.register import Entry, Register
from claims.tracking import digest
from claims.wording import plain
from sphinx.application import Sphinx

from snippets._harness import record as rec
from snippets._harness.api.rows import FOLDER
from snippets._harness.problems import CatalogueError

Moves = dict[str, dict[str, str]]  # page -> anchor that it held -> page or anchor of today


class Build:
    """One build: where it writes, the claims it shows, and the record of former ones."""

    def __init__(self, app: Sphinx) -> None:
        self.app = app
        self.out = Path(app.outdir)
        self.base = str(app.config.html_baseurl)
        self.register = Register.of(app.config, Path(app.srcdir))
        self.has_begun = False
        self.has_other_record = False

    @classmethod
    def of(cls, app: Sphinx) -> "Build":
        """Return the build under way."""
        if not hasattr(app, "machines"):
            app.machines = cls(app)  # type: ignore[attr-defined]
        return app.machines  # type: ignore[attr-defined, no-any-return]

    @classmethod
    def forget(cls, app: Sphinx) -> None:
        """Read everything anew in the next build of the same application."""
        vars(app).pop("machines", None)

    def began(self) -> None:
        """Note that pages are about to be written; read now what all writers will need."""
        self.has_begun = self.app.builder.format == "html"
        if self.has_begun:
            _ = self.entries

    def is_news(self, names: Iterable[str]) -> bool:
        """Return whether files made from the whole site must be written again."""
        missing = any(not (self.out / name).exists() for name in names)
        return self.has_begun or self.has_other_record or missing

    def note_record(self) -> None:
        """Note whether the record is another one than in the last build."""
        now = digest(str(rec.path_of(self.register.catalogue)))
        self.has_other_record = getattr(self.app.env, "machines_record", now) != now
        self.app.env.machines_record = now  # type: ignore[attr-defined]

    @property
    def has_table(self) -> bool:
        """Whether the project has an API table."""
        return any((self.register.catalogue.project / FOLDER).glob("*.toml"))

    @cached_property
    def entries(self) -> list[Entry]:
        """Every claim that a page shows, in the order of the site."""
        return self.register.entries()

    @cached_property
    def favoured(self) -> dict[str, Counter[str]]:
        """How many claims favour whom today, by page; on the first page, of all pages."""
        first = str(self.app.config.root_doc)
        found: dict[str, Counter[str]] = {first: Counter()}
        for entry in self.entries:
            for page in {entry.page, first}:
                found.setdefault(page, Counter())[entry.claim.front.favours] += 1
        return found

    @cached_property
    def record(self) -> rec.Record:
        """What was ever published; nothing if that cannot be read, which `make check` reports."""
        try:
            return rec.read(rec.path_of(self.register.catalogue))
        except CatalogueError:
            return rec.Record()

    @cached_property
    def published(self) -> rec.Published:
        """The pages and anchors of today; none if the articles cannot be read, as pages warn."""
        try:
            return rec.published(self.register.catalogue)
        except CatalogueError:
            return rec.Published([], {}, {})

    @cached_property
    def moves(self) -> Moves:
        """Every anchor that is no longer where it was, by its former page."""
        found: Moves = {}
        for anchor, pages in self.record.anchors.items():
            successor = self.record.successor(anchor, self.published.names)
            for page in pages:
                if successor and self.published.anchors.get(anchor) != page:
                    found.setdefault(page, {})[anchor] = successor
        return found

    @cached_property
    def titles(self) -> dict[str, str]:
        """The title of each claim, by its anchor."""
        return {entry.anchor: plain(entry.claim.front.title) for entry in self.entries}

    def page(self, docname: str, suffix: str = "") -> str:
        """Return the address of a page, or of the file of another ``suffix`` beside it."""
        uri = self.app.builder.get_target_uri(docname)
        return f"{self.base}{beside(uri, suffix) if suffix else uri}"

    def address(self, entry: Entry) -> str:
        """Return the permanent address of a claim."""
        return f"{self.page(entry.page)}#{entry.anchor}"


def beside(uri: str, suffix: str) -> str:
    """Return the address of the file of another suffix beside a page's: ``graphs.md``."""
    path, mark, fragment = uri.partition("#")
    return f"{path.removesuffix('.html')}{suffix}{mark}{fragment}"
