"""Sphinx extension that renders claims, their evidence and their verdicts.

directives   what the pages of the axes write: {claim}, {verdicts}, {articles}
overview     what sums all claims up: {axes}, {turned}, {ledger}, {runs}
register     the claims in the site's order, with the evidence that may be published
nodes        the parts of a claim as docutils nodes
fragments    HTML that docutils has no nodes for, from templates/
turned       the picture of then against now
repository   links to a file at its commit, and to report a problem
wording      verdicts, dates and durations in words
verbatim     texts as Markdown that shows them as they are
takeaway     the scripts and notebooks that readers download
scripts      a tab as a script, and as a notebook
hidden       no page has characters that readers do not see
inside       no page takes in files from outside of the project
tracking     which pages must be read again when a claim or its evidence changes
verified     when and on what the site was verified, for every page's footer
"""

import hashlib
from pathlib import Path

from sphinx.application import Sphinx
from sphinx.util.typing import ExtensionMetadata

from snippets._harness import frameworks

from . import (
    directives,
    fragments,
    hidden,
    inside,
    overview,
    register,
    repository,
    takeaway,
    tracking,
    verified,
)


def setup(app: Sphinx) -> ExtensionMetadata:
    """Register the directives, and what makes pages out of date beyond their own text."""
    app.add_config_value("claims_project", "", "env", str)
    app.add_config_value("claims_evidence", "", "env", str)
    app.add_config_value("claims_repository", "", "env", str)
    # Evidence goes stale when a version changes, pages when this code does: read all again.
    app.add_config_value("claims_versions", installed(), "env")
    app.add_config_value(
        "claims_code", _digest(Path(__file__).parents[1], "*.py", "templates/*"), "env"
    )
    # Sphinx compares the times of templates, which a clock set back makes older.
    templates = (Path(app.confdir, folder) for folder in app.config.templates_path)
    frames = [_digest(folder, "*.html") for folder in templates]
    app.add_config_value("claims_templates", frames, "html")
    app.add_directive("claim", directives.ClaimDirective)
    app.add_directive("verdicts", directives.VerdictsDirective)
    app.add_directive("articles", directives.ArticlesDirective)
    app.add_directive("axes", overview.AxesDirective)
    app.add_directive("turned", overview.TurnedDirective)
    app.add_directive("ledger", overview.LedgerDirective)
    app.add_directive("runs", overview.RunsDirective)
    app.connect("builder-inited", lambda _app: repository.commits.cache_clear())
    fragments.setup(app)
    takeaway.connect(app)
    hidden.connect(app)
    inside.connect(app)
    tracking.connect(app)
    register.connect(app)
    verified.connect(app)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}


def installed() -> list[str]:
    """Return every installed package with its version."""
    return sorted(map(" ".join, frameworks.installed().items()))


def _digest(folder: Path, *patterns: str) -> str:
    files = sorted(path for pattern in patterns for path in folder.rglob(pattern))
    return hashlib.sha256(b"".join(path.read_bytes() for path in files)).hexdigest()
