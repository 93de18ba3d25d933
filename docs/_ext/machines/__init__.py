"""Sphinx extension: what the site offers beside its pages, for machines to read.

twins      a Markdown twin of each page, written by markdown
markdown   a page's nodes as Markdown
llms       llms.txt: which pages there are, and what each is about
data       claims.json, its schema, and claims.csv
table      api-table.json, its schema, and api-table.csv
feed       feed.xml: the claims whose status or verdict changed
cards      a picture per page for link previews
moved      anchors and pages that are gone keep leading to what took their place
build      what these share: the register and the record, read once

All of it is written when Sphinx wrote a page, the record changed, or it is not there.
"""

from sphinx.application import Sphinx
from sphinx.util.typing import ExtensionMetadata

from . import cards, data, feed, llms, moved, table, twins
from .build import Build

FILES = {"llms.txt": llms, "claims.json": data, "api-table.json": table, "feed.xml": feed}


def setup(app: Sphinx) -> ExtensionMetadata:
    """Connect what is written beside a page with its page, the rest with the end of a build."""
    # Emitted in the main process, while what writes pages in others is yet to fork from it.
    app.connect("doctree-resolved", lambda app, _tree, _page: Build.of(app).began())
    app.connect("build-finished", finish)
    moved.connect(app)
    twins.connect(app)
    feed.connect(app)
    cards.connect(app)
    return {
        "version": "1",
        "env_version": 1,
        "parallel_read_safe": True,
        "parallel_write_safe": True,
    }


def finish(app: Sphinx, exception: Exception | None) -> None:
    """Write what is about the whole site, if anything in it may have changed."""
    build = Build.of(app)
    names = [name for name in FILES if name != "api-table.json" or build.has_table]
    if app.builder.format == "html" and not exception and build.is_news(names):
        for module in FILES.values():
            for file, text in module.files(build).items():
                (build.out / file).write_bytes(text.encode())
        cards.write(build)
        moved.write(build)
    Build.forget(app)
