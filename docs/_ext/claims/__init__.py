"""Sphinx extension that renders claims, their evidence and their verdicts.

directives   what pages write: {claim}, {verdicts}, {axes}, {articles}
register     the claims in the site's order, with the evidence that may be published
nodes        the parts of a claim as docutils nodes
wording      verdicts, dates and durations in words
tracking     which pages must be read again when a claim or its evidence changes
"""

import hashlib
from importlib.metadata import distributions
from pathlib import Path

from sphinx.application import Sphinx
from sphinx.util.typing import ExtensionMetadata

from . import directives, tracking


def setup(app: Sphinx) -> ExtensionMetadata:
    """Register the directives, and what makes pages out of date beyond their own text."""
    app.add_config_value("claims_project", "", "env", str)
    app.add_config_value("claims_evidence", "", "env", str)
    # Evidence goes stale when a version changes, pages when this code does: read all again.
    app.add_config_value("claims_versions", installed(), "env")
    app.add_config_value("claims_code", _digest(), "env")
    app.add_directive("claim", directives.ClaimDirective)
    app.add_directive("verdicts", directives.VerdictsDirective)
    app.add_directive("axes", directives.AxesDirective)
    app.add_directive("articles", directives.ArticlesDirective)
    tracking.connect(app)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}


def installed() -> list[str]:
    """Return every installed package with its version."""
    return sorted(f"{package.name} {package.version}" for package in distributions())


def _digest() -> str:
    files = sorted(Path(__file__).parent.glob("*.py"))
    return hashlib.sha256(b"".join(path.read_bytes() for path in files)).hexdigest()
