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


_made: dict[str, Formatter] = {}


def formatter(**options: Any) -> Formatter:
    """Return one formatter for all blocks with the same options.

    To make one takes a fifth of the time of a block; none keeps anything of what it wrote.
    """
    key = repr(sorted(options.items()))
    if key not in _made:
        _made[key] = Formatter(**options)
    return _made[key]


def setup(_app: Sphinx) -> ExtensionMetadata:
    PygmentsBridge.html_formatter = staticmethod(formatter)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
