"""The directives that pages write: {claim}, {verdicts}, {axes} and {articles}."""

from collections import Counter
from functools import cached_property
from pathlib import Path

from docutils import nodes
from docutils.statemachine import StringList
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective

from snippets._harness.catalogue import SHOWN, Catalogue, Claim
from snippets._harness.frontmatter import Article
from snippets._harness.problems import CatalogueError

from . import nodes as part
from . import wording
from .register import Register
from .tracking import watch

logger = logging.getLogger(__name__)


class CatalogueDirective(SphinxDirective):
    """What the directives share: the catalogue, links to it, and errors people can read."""

    @cached_property
    def register(self) -> Register:
        return Register.of(self.config, Path(self.env.srcdir))

    @property
    def catalogue(self) -> Catalogue:
        return self.register.catalogue

    @property
    def articles(self) -> dict[str, Article]:
        self.env.note_dependency(str(self.catalogue.root / "articles.toml"))
        return dict(self.catalogue.articles)

    def run(self) -> list[nodes.Node]:
        try:
            return self.render()
        except CatalogueError as error:
            for problem in error.problems:
                self.warn("catalogue", str(problem))
            return []

    def render(self) -> list[nodes.Node]:
        raise NotImplementedError

    def inline(self, text: str) -> list[nodes.Node]:
        """Return the nodes of inline Markdown.

        Contributors' text is never parsed as blocks, where MyST would find directives.
        """
        found, messages = self.state.inline_text(text, self.lineno)
        return [*found, *messages]

    def parse(self, text: str) -> list[nodes.Node]:
        """Return a paragraph of Markdown as a node."""
        return [nodes.paragraph("", "", *self.inline(text))]

    def warn(self, subtype: str, message: str) -> None:
        """Warn, at this directive's place, with a type that publishing treats as an error.

        The page is read again at the next build: Sphinx would not repeat the warning.
        """
        self.env.note_reread()
        logger.warning(message, type="claims", subtype=subtype, location=self.get_location())

    def claims(self, pattern: str) -> list[Claim]:
        """Return the claims whose id matches ``pattern``.

        Those with a problem are left out here, and reported where they are shown.
        """
        watch(self.env, self.catalogue.root, f"{pattern}/claim.md")
        found = []
        for folder in self.catalogue.folders():
            if folder.relative_to(self.catalogue.root).match(pattern):
                try:
                    found.append(self.catalogue.load(folder))
                except CatalogueError:
                    self.env.note_reread()  # until its mistake is mended
        return found


class ClaimDirective(CatalogueDirective):
    """Shows one claim: verdict, statement, tabs, evidence, and who said it.

    Its argument is the claim's id, such as ``graphs/both-modes``.
    """

    required_arguments = 1

    def render(self) -> list[nodes.Node]:
        entry = self.register.entry(self.arguments[0], self.env.docname)
        claim, found = entry.claim, entry.evidence
        watch(self.env, claim.folder, "*.md")
        watch(self.env, self.register.folder / claim.id, "*.json")
        for problem in entry.problems:
            self.warn(*problem)
        anchor = part.anchor(claim.id)
        section = nodes.section(ids=[anchor], names=[anchor], classes=["claim"])
        self.state.document.note_explicit_target(section)
        section += nodes.title("", "", *self.inline(claim.front.title))
        section += part.verdict(claim, self.articles)
        section += part.content(claim.folder / "claim.md", claim.statement, self.parse)
        if claim.snippets:
            section += self.tabs(claim)
        section += part.evidence_line(claim, found)
        if claim.front.sources:
            section += part.said(claim, self.articles, self.inline)
        elif claim.front.kind == "ours":
            section += nodes.paragraph("", wording.KIND["ours"], classes=["claim-sources"])
        self.set_source_info(section)
        return [section]

    def tabs(self, claim: Claim) -> list[nodes.Node]:
        """Return the snippets as group tabs.

        sphinx-tabs builds the tabs around placeholders, which then give way to the
        content: no contributor's text is ever parsed as part of a directive.
        """
        marks = {f"tab content {snippet.framework}": snippet for snippet in claim.snippets}
        lines = ["`````{tabs}"]
        for mark, snippet in marks.items():
            lines += [f"````{{group-tab}} {wording.title(snippet.framework)}", mark, "````"]
        container = nodes.Element()
        self.state.nested_parse(StringList([*lines, "`````"]), self.content_offset, container)
        for paragraph in list(container.findall(nodes.paragraph)):
            if paragraph.astext() in marks:
                snippet = marks[paragraph.astext()]
                paragraph.replace_self(part.content(snippet.path, snippet.blocks, self.parse))
        return container.children


class VerdictsDirective(CatalogueDirective):
    """Shows the claims of an axis as a table, in the order of the page: then, and now."""

    required_arguments = 1

    def render(self) -> list[nodes.Node]:
        page = Path(self.env.doc2path(self.env.docname)).read_text()
        order = {match[1]: match.start() for match in SHOWN.finditer(page)}
        claims = self.claims(f"{self.arguments[0]}/*")
        claims.sort(key=lambda claim: order.get(claim.id, len(page)))
        rows = [
            (
                part.link(part.anchor(claim.id), claim.front.title.replace("`", "")),
                wording.then(claim),
                wording.FAVOURS[claim.front.favours],
                wording.today(claim),
            )
            for claim in claims
        ]
        return [part.table(("Claim", "Then", "Now", "The claim today"), rows)]


class AxesDirective(CatalogueDirective):
    """Shows how many claims every axis has, how they stand today, and what is skipped."""

    def render(self) -> list[nodes.Node]:
        by_axis: dict[str, list[Claim]] = {}
        every = self.claims("*/*")
        for claim in every:
            by_axis.setdefault(claim.folder.parent.name, []).append(claim)
        rows: list[tuple[part.Cell, ...]] = []
        for axis, claims in sorted(by_axis.items(), key=lambda item: wording.position(item[0])):
            count = Counter(claim.front.status for claim in claims)
            name = part.link(f"axis-{axis}", axis.replace("-", " ").capitalize())
            counts = (count["holds"], count["partly"], count["outdated"] + count["never"])
            rows.append((name, *map(str, (len(claims), *counts))))
        table = part.table(("Axis", "Claims", "Hold", "In part", "Not so"), rows)
        return [table, *part.skipped([claim for claim in every if claim.front.skip])]


class ArticlesDirective(CatalogueDirective):
    """Shows every article: what it said, claim by claim, and how that fared."""

    def render(self) -> list[nodes.Node]:
        claims = self.claims("*/*")
        return [self.article(key, article, claims) for key, article in self.articles.items()]

    def article(self, key: str, article: Article, claims: list[Claim]) -> nodes.section:
        section = nodes.section(ids=[f"article-{key}"], names=[f"article-{key}"])
        self.state.document.note_explicit_target(section)
        section += nodes.title("", article.title)
        cited = [(c, s) for c in claims for s in c.front.sources if s.article == key]
        by = f"By {article.author}, {article.year}." if article.author else f"{article.year}."
        counts = Counter(wording.FATE[claim.front.status] for claim, _ in cited)
        fate = ", ".join(f"{number} {words}" for words, number in counts.most_common())
        today = f"Of the {len(cited)} claims on this site, {fate}." if cited else None
        sentences = (by, article.dated, today)
        section += nodes.paragraph("", " ".join(filter(None, sentences)))
        if cited:
            rows = [
                (
                    self.inline(source.said),
                    wording.FAVOURS[source.favours],
                    part.link(part.anchor(claim.id), wording.STATUS[claim.front.status]),
                )
                for claim, source in cited
            ]
            section += part.table(("It said", "It favoured", "Today"), rows)
        return section
