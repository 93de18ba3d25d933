"""HTML that docutils has no nodes for: elements around nodes, and filled templates.

What a fragment says is not searched: the search index is made from docutils nodes.
"""

from functools import cache
from pathlib import Path
from typing import Any

from docutils import nodes
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from sphinx.application import Sphinx
from sphinx.writers.html5 import HTML5Translator

from . import wording


class element(nodes.General, nodes.Element):  # noqa: N801 (docutils names nodes so)
    """An HTML element, of the tag ``tag`` and the attributes ``given``, around its children."""


class fragment(nodes.General, nodes.Element):  # noqa: N801
    """Finished HTML, in ``html``, and what stands for it in Markdown, in ``markdown``."""


def wrap(tag: str, *children: nodes.Node, classes: tuple[str, ...] = (), **given: str) -> element:
    """Return ``children`` within an HTML element."""
    return element("", *children, tag=tag, given=given, classes=list(classes))


def filled(template: str, markdown: str = "", **values: Any) -> fragment:
    """Return a template of ours filled with values, all escaped."""
    return fragment(html=_templates().get_template(template).render(values), markdown=markdown)


@cache
def _templates() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(sorted(Path(__file__).parents[1].glob("*/templates"))),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals["wording"] = wording
    return environment


def setup(app: Sphinx) -> None:
    app.add_node(element, html=(_open, _close))
    app.add_node(fragment, html=(_insert, None))


def _open(translator: HTML5Translator, node: element) -> None:
    translator.body.append(translator.starttag(node, node["tag"], "", **node["given"]))


def _close(translator: HTML5Translator, node: element) -> None:
    translator.body.append(f"</{node['tag']}>\n")


def _insert(translator: HTML5Translator, node: fragment) -> None:
    translator.body.append(node["html"])
    raise nodes.SkipNode
