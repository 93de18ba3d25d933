"""What a page may load and run: its content security policy, in the head of every page.

Pages load their own scripts, styles and pictures, and run nothing that stands in them: what
slips through as markup, from a claim or from what code printed, stays dead. In pages opened
from a disk, browsers take 'self' for all files; `data:` is for the icons in the theme's style.
"""

from html import escape
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.typing import ExtensionMetadata

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; object-src 'none'"
)
META = '<meta http-equiv="Content-Security-Policy" content="{}">'


def setup(app: Sphinx) -> ExtensionMetadata:
    """Tell the templates the policy, which `-D content_policy=` leaves out.

    sphinx-autobuild, which reloads a page as it is written, does so by a script in the page.
    """
    app.add_config_value("content_policy", POLICY, "html", str)
    app.connect("html-page-context", tell)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}


def tell(
    app: Sphinx, _page: str, _template: str, context: dict[str, Any], _tree: nodes.document | None
) -> None:
    policy = app.config.content_policy
    context["content_policy"] = policy and META.format(escape(policy, quote=False))
