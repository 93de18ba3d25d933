"""Refuses characters that readers do not see, or that have them see another order than there is.

With them a line of code does something else than it shows (U+202E turns the direction of what
follows), a page is no valid XML or JSON to others, and a search does not find what is there.
Text in Arabic or Hebrew needs none of them.
"""

import re
import unicodedata
from collections.abc import Iterator

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util import logging

from .fragments import fragment

logger = logging.getLogger(__name__)

HIDDEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\xad"  # controls, but for tab and newline; a soft hyphen
    "\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff"  # directions, lines, no width
    "\ufffe\uffff\U000e0000-\U000e007f]"  # no characters, and the tags
)


def connect(app: Sphinx) -> None:
    app.connect("doctree-read", check)


def check(app: Sphinx, tree: nodes.document) -> None:
    """Warn of each place of a page that was read where such a character is."""
    for node, text in texts(tree):
        if found := HIDDEN.search(text):
            app.env.note_reread()
            logger.warning(
                "%s, which readers do not see, after %r; take it out, or write %s in code",
                named(found[0]),
                text[max(found.start() - 20, 0) : found.start()],
                found[0].encode("unicode_escape").decode(),
                type="claims",
                subtype="hidden",
                location=node,
            )


def texts(tree: nodes.document) -> Iterator[tuple[nodes.Node, str]]:
    """Yield all that a page shows, with the node that knows its place.

    What cells print may be coloured by escape codes, which MyST-NB has yet to turn into colours.
    """
    for node in tree.findall():
        if isinstance(node, nodes.Text):
            if node.parent.get("language") != "myst-ansi":
                yield node.parent, str(node)
        elif isinstance(node, fragment):
            yield node, node["html"]


def named(character: str) -> str:
    """Return a character's number and its name: ``U+202E, RIGHT-TO-LEFT OVERRIDE``."""
    name = unicodedata.name(character, "a control character")
    return f"U+{ord(character):04X}, {name}"
