"""Mends HTML that Sphinx writes and that is not valid, and drops styles that pages do not use.

`make figures` finds such faults. Each mend goes when its package has made the same. The
theme's are mended in docs/_templates.
"""

from pathlib import Path
from typing import Any

from docutils import nodes
from myst_nb.sphinx_ext import add_global_html_resources  # type: ignore[import-untyped]
from sphinx.application import Sphinx
from sphinx.util.typing import ExtensionMetadata
from sphinx.writers.html5 import HTML5Translator


def setup(app: Sphinx) -> ExtensionMetadata:
    app.set_translator("html", Translator)
    app.connect("builder-inited", write_style)
    app.connect("html-page-context", drop_styles)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}


class Translator(HTML5Translator):
    """Sphinx's own, but that a heading by role has a level, as WAI-ARIA 1.2 demands.

    Sphinx 9.0 writes the captions of the navigation without.
    """

    def starttag(
        self,
        node: nodes.Element,
        tagname: str,
        suffix: str = "\n",
        empty: bool = False,
        **attributes: Any,
    ) -> str:
        if attributes.get("ROLE") == "heading":
            attributes.setdefault("ARIA-LEVEL", "2")
        return super().starttag(node, tagname, suffix, empty, **attributes)


def write_style(app: Sphinx) -> None:
    """Write the style sheet of notebooks before the pages, whose links to it name its checksum.

    MyST-NB 1.4 writes it last: the same page would come out otherwise by a second build.
    """
    if app.builder.format == "html":
        Path(app.outdir, "_static").mkdir(parents=True, exist_ok=True)
        add_global_html_resources(app, None)


def drop_styles(
    _app: Sphinx,
    _page: str,
    _template: str,
    context: dict[str, Any],
    doctree: nodes.document | None,
) -> None:
    """Leave the style sheet of notebooks to the pages that have cells."""
    if doctree and any("nb_element" in part for part in doctree.findall(nodes.container)):
        return
    context["css_files"] = [
        sheet for sheet in context["css_files"] if "/mystnb." not in str(sheet.filename)
    ]
