"""The directives of the API table: {api-family}, {api-families}, {api-coverage} and others."""

import hashlib
from functools import cached_property
from pathlib import Path
from typing import Any

from claims.directives import CatalogueDirective
from claims.fragments import filled
from claims.tracking import follow, watch
from claims.verbatim import code, line
from claims.verified import told
from docutils import nodes

from snippets._harness.api import names, rows
from snippets._harness.problems import shown

from . import coverage, links
from .view import SIDES, View, pieces, views


def state(project: str) -> str:
    """Return a digest of all that coverage depends on: rows, reasons and the list of names."""
    paths = [path for path in (Path(project) / rows.FOLDER).rglob("*.*") if path.is_file()]
    return hashlib.sha256(b"".join(path.read_bytes() for path in sorted(paths))).hexdigest()


class TableDirective(CatalogueDirective):
    """What these share: the rows, and links to documentation."""

    @property
    def project(self) -> Path:
        return self.catalogue.project

    @cached_property
    def undocumented(self) -> dict[str, bool]:
        return names.undocumented(self.project)

    def address(self, name: str) -> str | None:
        """Return where a name is documented."""
        return links.address(name, self.undocumented, self.project)

    @property
    def root(self) -> str:
        """The way from this page to the top of the site."""
        return "../" * self.env.docname.count("/")

    def families(self) -> list[rows.Family]:
        watch(self.env, self.project / rows.FOLDER, "*.toml")
        return rows.families(self.project)

    def link(self, view: View) -> str:
        """Return the address of a row, seen from this page."""
        there = self.env.app.builder.get_relative_uri(self.env.docname, view.page)
        return f"{there}#{view.anchor}"


class FamilyDirective(TableDirective):
    """Shows the rows of one family, which is its argument, such as ``shape``."""

    required_arguments = 1

    def render(self) -> list[nodes.Node]:
        name = self.arguments[0]
        if not rows.NAME.fullmatch(name):
            self.warn("catalogue", f"no family {name!r}: write a file's name, such as reductions")
            return []
        watch(self.env, self.project / rows.FOLDER, f"**/{name}.*")
        watch(self.env, self.register.folder / "_api", f"{name}.json")
        family = next((f for f in rows.families(self.project) if f.name == name), None)
        if family is None:
            self.warn("catalogue", f"no family {name!r}: there is no {rows.FOLDER}/{name}.toml")
            return []
        for problem in family.problems:
            self.warn("catalogue", str(problem))
        found = views(self.register.folder, family)
        for view in found:
            if not view.evidence:
                where = f"{shown(family.path)}:{family.lines[view.name]}"
                self.warn("missing", f"{where}: row {view.name!r}: no run counts; run `make html`")
        runs = [view.evidence for view in found if view.evidence]
        self.env.metadata[self.env.docname]["verified"] = told(
            "The rows on this page", runs, len(runs) == len(found)
        )
        table = filled(
            "rows.html",
            "\n\n".join(map(_in_markdown, found)),
            rows=found,
            sides=SIDES,
            pieces=pieces,
            address=self.address,
        )
        return [nodes.paragraph("", family.about), table]


def _in_markdown(view: View) -> str:
    """Return a row for the Markdown twin of its page."""
    sides = [f"{title}: {_code(view, side) or 'nothing'}" for side, title in SIDES.items()]
    told = " ".join(filter(None, [view.row.says, view.row.instead]))
    tags = "; ".join(f"{what}: {detail}" if detail else what for what, detail in view.tags)
    cases = [f"{each.what}: {each.says}" for each in view.apart if each.says]
    lines = [*sides, *map(line, [told, tags, *cases])]
    return "\n".join([f"**{view.name}**", "", *(f"- {each}" for each in lines if each)])


def _code(view: View, side: str) -> str:
    """Return in Markdown what a side writes; nothing if it has nothing."""
    written = view.code(side)
    return code("; ".join(written.splitlines())) if written else ""


DATA = "[api-table.json](../api-table.json) and [api-table.csv](../api-table.csv) hold all rows."


class FamiliesDirective(TableDirective):
    """Shows the list of families, with how many rows each has."""

    def render(self) -> list[nodes.Node]:
        found = self.families()
        listed = [(f.title, f"{f.name}.html", f.about, len(f.rows)) for f in found]
        lines = [
            f"- [{line(title)}]({page[:-5]}.md): {line(about)} {number} rows."
            for title, page, about, number in listed
        ]
        return [
            filled("families.html", "\n".join([*lines, "", DATA]), families=listed, root=self.root)
        ]


class SearchDirective(TableDirective):
    """Shows the box that searches all rows, which needs scripts."""

    def render(self) -> list[nodes.Node]:
        total = sum(len(family.rows) for family in self.families())
        return [filled("api-search.html", total=total, root=self.root)]


class CoverageDirective(TableDirective):
    """Shows how the names of the packages are accounted for, as a picture with its numbers."""

    def render(self) -> list[nodes.Node]:
        found = self.covered()
        sides = {
            "TensorFlow and Keras, seen from PyTorch": names.TENSORFLOW,
            "PyTorch, seen from TensorFlow": names.PYTORCH,
        }
        groups = {title: list(coverage.bars(found, spaces)) for title, spaces in sides.items()}
        lines = [f"- {bar.space}: {bar.said}" for group in groups.values() for bar in group]
        return [filled("coverage.html", "\n".join(lines), groups=groups, words=coverage.WORDS)]

    def covered(self) -> dict[str, names.Coverage]:
        """Return the coverage; read the page again when anything it is made of changes."""
        digest = follow(self.env, state, str(self.project))
        return coverage.coverage(self.project, digest)


class AloneDirective(CoverageDirective):
    """Lists what has no counterpart, by the framework that has it, and what has no row and why."""

    def render(self) -> list[nodes.Node]:
        follow(self.env, state, str(self.project))
        found = [view for f in self.families() for view in views(self.register.folder, f)]
        alone = {side: [view for view in found if view.alone == side] for side in SIDES}
        why = coverage.reasons(self.covered())
        values: dict[str, Any] = {"alone": alone, "sides": SIDES, "reasons": why}
        return [
            filled("alone.html", _listed(alone), **values, link=self.link, address=self.address)
        ]


def _listed(alone: dict[str, list[View]]) -> str:
    return "\n".join(
        f"- {SIDES[side]} alone: {_code(view, side)}. {line(view.row.instead or '')}".rstrip()
        for side, found in alone.items()
        for view in found
    )
