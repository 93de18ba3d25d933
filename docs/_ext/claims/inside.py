"""Refuses what a page takes in from outside of the project, since the site would publish it.

Sphinx knows what a page depends on: what it includes, shows as code, draws or offers for
download. Links are followed, so that no link leads out of the tree either.
"""

from collections.abc import Iterator
from pathlib import Path

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util import logging

from .register import Register

logger = logging.getLogger(__name__)


def connect(app: Sphinx) -> None:
    app.connect("doctree-read", check)


def check(app: Sphinx, _tree: nodes.document) -> None:
    """Warn of each file of the page that was read that lies outside of all that may be shown."""
    register = Register.of(app.config, Path(app.srcdir))
    drawn = Path(app.outdir).parent / "jupyter_execute"  # by cells, beside what is written
    ours = [register.catalogue.project, register.folder, Path(app.srcdir), Path(app.confdir)]
    roots = [folder.resolve() for folder in (*ours, drawn)]
    for path in taken_in(app):
        if not any(path.resolve().is_relative_to(root) for root in roots):
            app.env.note_reread()
            logger.warning(
                "takes in %s, which is outside of the project; copy what is needed into docs/",
                path.resolve(),
                type="claims",
                subtype="outside",
                location=(app.env.docname, line_of(app, path)),
            )


def taken_in(app: Sphinx) -> Iterator[Path]:
    """Yield the page that was read, and each file that it depends on."""
    yield Path(app.env.doc2path(app.env.docname))
    for path in sorted(map(str, app.env.dependencies.get(app.env.docname, ()))):
        yield Path(app.srcdir, path)


def line_of(app: Sphinx, path: Path) -> int:
    """Return the line of the page that names a file; the first if none does."""
    lines = Path(app.env.doc2path(app.env.docname)).read_text(errors="replace").split("\n")
    return next((number for number, line in enumerate(lines, 1) if path.name in line), 1)
