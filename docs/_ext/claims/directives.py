"""The directives {claim}, {verdicts} and {articles}, and what all of ours share."""

from collections import Counter
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path

from docutils import nodes
from docutils.statemachine import StringList
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective
from sphinx_tabs.tabs import SphinxTabsPanel, SphinxTabsTab

from snippets._harness.catalogue import SHOWN, Catalogue, Claim
from snippets._harness.frontmatter import Article
from snippets._harness.problems import CatalogueError, did_you_mean

from . import nodes as part
from . import repository, takeaway, wording
from .fragments import filled
from .register import Entry, Register, anchor_of
from .tracking import follow, watch, watch_all

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

        Contributors' text is never parsed as blocks, where MyST would find directives, and
        HTML in it is text.
        """
        found, messages = self.state.inline_text(text, self.lineno)
        holder = nodes.inline("", "", *found, *messages)
        for raw in list(holder.findall(nodes.raw)):
            raw.parent.replace(raw, nodes.Text(raw.astext()))
        return holder.children

    def parse(self, text: str) -> list[nodes.Node]:
        """Return a paragraph of Markdown as a node."""
        return [nodes.paragraph("", "", *self.inline(text))]

    def warn(self, subtype: str, message: str) -> None:
        """Warn, at this directive's place, with a type that publishing treats as an error.

        The page is read again at the next build: Sphinx would not repeat the warning.
        """
        self.env.note_reread()
        logger.warning(message, type="claims", subtype=subtype, location=self.get_location())

    def claims(self, axis: str | None = None) -> list[Claim]:
        """Return the claims of an axis, or all of them.

        Those with a problem are left out here, and reported where they are shown.
        """
        watch_all(self.env, self.catalogue.root, f"{axis or '*'}/*/claim.md")
        found = []
        for folder in self.catalogue.folders(axis):
            try:
                found.append(self.catalogue.load(folder))
            except CatalogueError:
                self.env.note_reread()  # until its mistake is mended
        return found


class ClaimDirective(CatalogueDirective):
    """Shows one claim: verdict, statement, tabs, tools, evidence, and who said it.

    Its argument is the claim's id, such as ``graphs/both-modes``.
    """

    required_arguments = 1

    def render(self) -> list[nodes.Node]:
        entry = self.register.entry(self.arguments[0], self.env.docname)
        claim = entry.claim
        watch(self.env, claim.folder, "*.md")
        watch(self.env, self.register.folder / claim.id, "*.json")
        for problem in entry.problems:
            self.warn(*problem)
        section = nodes.section(
            ids=[entry.anchor], names=[entry.anchor], classes=["claim"], claim=claim.id
        )
        self.state.document.note_explicit_target(section)
        section += nodes.title("", "", *self.inline(claim.front.title))
        section += part.verdict(claim, self.articles)
        section += part.content(claim.folder / "claim.md", claim.statement, self.parse)
        section += part.measured(claim, self.catalogue.project, self.note)
        if claim.snippets:
            section += self.tabs(claim)
        section += self.tools(entry)
        section += part.evidence(entry, self.runs(entry))
        if claim.front.sources:
            section += part.said(claim, self.articles, self.inline)
        elif claim.front.kind == "ours":
            section += nodes.paragraph("", wording.KIND["ours"], classes=["claim-sources"])
        self.set_source_info(section)
        return [section]

    def note(self, path: Path) -> None:
        """Read the page again when a file changes."""
        self.env.note_dependency(str(path))

    def tabs(self, claim: Claim) -> list[nodes.Node]:
        """Return the snippets as group tabs.

        sphinx-tabs builds the tabs around placeholders, which then give way to the
        content: no contributor's text is ever parsed as part of a directive.
        """
        lines = ["`````{tabs}"]
        for snippet in claim.snippets:
            lines += [f"````{{group-tab}} {wording.title(snippet.framework)}", "content", "````"]
        container = nodes.Element()
        self.state.nested_parse(StringList([*lines, "`````"]), self.content_offset, container)
        tabs, panels = (list(container.findall(kind)) for kind in (SphinxTabsTab, SphinxTabsPanel))
        for tab, panel, snippet in zip(tabs, panels, claim.snippets, strict=True):
            tab_id, panel_id = (
                f"{kind}-{anchor_of(claim.id)}-{snippet.framework}" for kind in ("tab", "panel")
            )
            part.identify(tab, tab_id, snippet.framework, {"aria-controls": panel_id})
            part.identify(panel, panel_id, snippet.framework, {"aria-labelledby": tab_id})
            name = nodes.paragraph("", wording.title(snippet.framework), classes=["panel-name"])
            panel.children = []
            panel += [name, *part.content(snippet.path, snippet.blocks, self.parse)]
        return container.children

    def tools(self, entry: Entry) -> nodes.Node:
        """Return what a reader can do with a claim: copy, link to, download and report it."""
        page = self.env.app.builder.get_target_uri(entry.page)
        address = f"{self.config.html_baseurl}{page}#{entry.anchor}"
        versions = {name: v for e in entry.passed.values() for name, v in e.versions.items()}
        ran = ", ".join(map(" ".join, versions.items())) or "nothing"
        return filled(
            "tools.html",
            copy=("both", "all")[len(entry.claim.snippets) > 2] if entry.claim.snippets else "",
            downloads=takeaway.downloads(entry),
            root="../" * entry.page.count("/"),
            report=repository.report(self.config.claims_repository, entry.claim.id, address, ran),
        )

    def runs(self, entry: Entry) -> Iterator[part.Run]:
        """Yield each tab with its evidence, the address of its file, and the file's commit."""
        project = self.catalogue.project
        for snippet in entry.claim.snippets:
            if evidence := entry.evidence.get(snippet.framework):
                name = snippet.path.relative_to(project).as_posix()
                commit = follow(self.env, repository.commit, str(project), name)
                source = repository.source(self.config.claims_repository, name, commit)
                yield snippet.framework, evidence, source, commit[:7]


class VerdictsDirective(CatalogueDirective):
    """Shows the claims of an axis as a table, in the order of the page: then, and now."""

    required_arguments = 1

    def render(self) -> list[nodes.Node]:
        axis = self.arguments[0]
        known = {folder.name for folder in self.catalogue.axes()}
        if axis not in known or not self.catalogue.folders(axis):
            axes = dict.fromkeys(folder.parent.name for folder in self.catalogue.folders())
            hint = did_you_mean(axis, axes)
            self.warn("catalogue", f"no axis {axis!r} has claims: {hint}")
            return []
        page = Path(self.env.doc2path(self.env.docname)).read_text()
        order = {match[1]: match.start() for match in SHOWN.finditer(page)}
        claims = self.claims(axis)
        claims.sort(key=lambda claim: order.get(claim.id, len(page)))
        rows = [
            (
                part.link(anchor_of(claim.id), wording.plain(claim.front.title)),
                wording.then(claim),
                wording.FAVOURS[claim.front.favours],
                wording.today(claim),
            )
            for claim in claims
        ]
        return [part.table(("Claim", "Then", "Now", "The claim today"), rows)]


class ArticlesDirective(CatalogueDirective):
    """Shows every article: what it said, claim by claim, and how that fared."""

    def render(self) -> list[nodes.Node]:
        claims = self.claims()
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
                    part.link(anchor_of(claim.id), wording.STATUS[claim.front.status]),
                )
                for claim, source in cited
            ]
            section += part.table(("It said", "It favoured", "Today"), rows)
        return section
