"""A Markdown twin of each page, ``graphs.md`` beside ``graphs.html``.

sphinx-llms-txt (0.7.1) offers the sources, in which a claim is a directive without content.
sphinx-markdown-builder (0.6.11) is a builder of its own: a second build, which warns of nodes
it does not know and of every output of a worked page. Here each page is written from the nodes
that its HTML was written from, in the same step, so that both say the same.
"""

from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment

from .build import Build, beside
from .markdown import Writer

LINK = '<link rel="alternate" type="text/markdown" href="{}">\n'


def connect(app: Sphinx) -> None:
    app.connect("env-get-outdated", remove)
    app.connect("html-page-context", write)


def remove(
    app: Sphinx, _env: BuildEnvironment, _added: set[str], _changed: set[str], removed: set[str]
) -> list[str]:
    """Take the twins of pages that are gone out of the site."""
    for page in removed if app.builder.format == "html" else ():
        Build.of(app).has_begun = True
        Path(app.outdir, beside(app.builder.get_target_uri(page), ".md")).unlink(missing_ok=True)
    return []


def write(
    app: Sphinx, page: str, _template: str, context: dict[str, Any], tree: nodes.document | None
) -> None:
    """Write the twin of a page, and name it in the page's head."""
    if app.builder.format != "html" or not tree:  # the search page and others without text
        return
    build = Build.of(app)
    name = beside(app.builder.get_target_uri(page), ".md")
    target = Path(app.outdir, name)
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(Writer(build.page(page)).document(tree))
    context["metatags"] += LINK.format(name.rpartition("/")[2])
