"""Writes no element around names, operators, punctuation and blanks of code.

They have the colour of the code, but for operators, which lose one that told nothing. They
are most of the elements in a page of code, and an eighth of its weight.
"""

from typing import Any

from pygments.formatters import HtmlFormatter
from pygments.token import Name, Operator, Punctuation, Text, Whitespace
from sphinx.application import Sphinx
from sphinx.highlighting import PygmentsBridge
from sphinx.util.typing import ExtensionMetadata

PLAIN = {Name, Operator, Punctuation, Text, Whitespace}


class Formatter(HtmlFormatter):  # type: ignore[misc]
    """Pygments' formatter, with text alone where a colour would tell nothing."""

    def _get_css_classes(self, ttype: Any) -> str:
        return "" if ttype in PLAIN else str(super()._get_css_classes(ttype))


def setup(_app: Sphinx) -> ExtensionMetadata:
    PygmentsBridge.html_formatter = Formatter
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
