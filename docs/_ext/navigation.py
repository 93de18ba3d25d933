"""Writes every page again when the navigation changed, which each of them shows.

Sphinx writes the pages whose own text changed; the others would keep the sidebar, and the
links to the pages before and after them, as these were.
"""

from collections.abc import Iterable

from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.util.typing import ExtensionMetadata


def setup(app: Sphinx) -> ExtensionMetadata:
    app.connect("env-updated", outdated)
    return {
        "version": "1",
        "env_version": 1,
        "parallel_read_safe": True,
        "parallel_write_safe": True,
    }


def outdated(_app: Sphinx, env: BuildEnvironment) -> Iterable[str]:
    """Return all pages if order or titles of the pages are not those of the last build."""
    titles = {name: title.astext() for name, title in env.titles.items()}
    now = (titles, {name: list(pages) for name, pages in env.toctree_includes.items()})
    before = getattr(env, "navigation", now)
    env.navigation = now  # type: ignore[attr-defined]
    return [] if now == before else sorted(env.found_docs)
