"""Writes every page again when the navigation changed, which each of them shows.

Sphinx writes the pages whose own text changed; the others would keep the sidebar, and the
links to the pages before and after them, as these were.

It also makes the sidebar from titles alone. For each page Sphinx (9.0) copies the headings of
all pages, each claim's among them, before it drops what is no title of a page: pages times
claims, which at 1,000 claims was a tenth of the build and would be most of it at 10,000.
"""

from collections.abc import Callable, Iterable
from typing import Any

from docutils import nodes
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.util.typing import ExtensionMetadata


def setup(app: Sphinx) -> ExtensionMetadata:
    app.connect("env-updated", outdated)
    app.connect("html-page-context", lighten, priority=400)  # before the theme, which asks for it
    return {
        "version": "1",
        "env_version": 1,
        "parallel_read_safe": True,
        "parallel_write_safe": True,
    }


def outdated(app: Sphinx, env: BuildEnvironment) -> Iterable[str]:
    """Return all pages if order or titles of the pages are not those of the last build."""
    # Before the processes fork that write pages.
    light = {name: title(toc) for name, toc in env.tocs.items()}
    app.titles_of_pages = light  # type: ignore[attr-defined]
    titles = {name: title.astext() for name, title in env.titles.items()}
    now = (titles, {name: list(pages) for name, pages in env.toctree_includes.items()})
    before = getattr(env, "navigation", now)
    env.navigation = now  # type: ignore[attr-defined]
    return [] if now == before else sorted(env.found_docs)


def lighten(
    app: Sphinx, _page: str, _template: str, context: dict[str, Any], _tree: nodes.document | None
) -> None:
    """Let templates have the table of contents, if of titles only, from titles only."""
    whole: Callable[..., str] | None = context.get("toctree")
    if whole is None:
        return

    def toctree(**settings: Any) -> str:
        if not settings.get("titles_only"):
            return whole(**settings)
        tocs = app.env.tocs
        app.env.tocs = app.titles_of_pages  # type: ignore[attr-defined]
        try:
            return whole(**settings)
        finally:
            app.env.tocs = tocs

    context["toctree"] = toctree


def title(toc: nodes.bullet_list) -> nodes.bullet_list:
    """Return the headings of a page as Sphinx leaves them where it is asked for titles only."""
    made = toc.deepcopy()
    for top in made.children:
        if isinstance(top, nodes.Element) and len(top) > 1:
            if tables := list(top.findall(addnodes.toctree)):
                top[1][:] = tables  # type: ignore[index]
            else:
                top.pop(1)
    return made
