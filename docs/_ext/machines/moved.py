"""Anchors and pages that are gone keep leading to what took their place.

The record says which there were. On a page that is still there, an old anchor is one more
id of the claim that took its place, or a line at the end of the page that leads elsewhere.
In place of a page that is gone there is one that leads on.
"""

from collections.abc import Iterable
from html import escape
from typing import Any

from docutils import nodes
from policy import POLICY
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.util.osutil import relative_uri

from .build import Build, Moves

# Without scripts a browser follows to the page; with them also to the anchor it was sent to.
REDIRECT = """\
<!DOCTYPE html>
<html lang="{language}">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<title>Moved</title>
<meta name="robots" content="noindex">
<link rel="canonical" href="{canonical}">
<noscript><meta http-equiv="refresh" content="0; url={to}"></noscript>
</head>
<body>
<p>This page has moved: <a href="{to}">{title}</a>.</p>
<!-- lines -->
<script src="{script}"></script>
</body>
</html>
"""
SCRIPT = """\
const line = document.getElementById(location.hash.slice(1));
location.replace((line || document).querySelector("a").href);
"""
SCRIPT_FILE = "_static/moved.js"
LINES = "<!-- lines -->"
LINE = '<p id="{anchor}">{anchor}: <a href="{to}">{title}</a></p>'


def connect(app: Sphinx) -> None:
    app.connect("env-updated", outdated)
    app.connect("doctree-resolved", insert)


def outdated(app: Sphinx, env: BuildEnvironment) -> Iterable[str]:
    """Return the pages to write again since their former anchors lead elsewhere now."""
    build = Build.of(app)
    build.note_record()
    now = build.moves
    before: Moves = getattr(env, "moves", {})
    env.moves = now  # type: ignore[attr-defined]
    changed = {page for page in {*now, *before} if now.get(page) != before.get(page)}
    return sorted(changed & env.found_docs)


def insert(app: Sphinx, tree: nodes.document, page: str) -> None:
    """Let the former anchors of a page lead to what took their place."""
    build = Build.of(app)
    if app.builder.format != "html" or page not in build.moves:
        return
    here = {key: node for node in tree.findall(nodes.section) for key in node["ids"]}
    for anchor, successor in build.moves[page].items():
        if successor in here:
            here[successor]["ids"].append(anchor)
        elif anchor not in here:
            uri, title = place(build, successor)
            link = nodes.reference("", title, internal=True, refuri=relative_from(build, page, uri))
            text = nodes.Text(f"{anchor} has moved: ")
            tree += nodes.paragraph("", "", text, link, ids=[anchor])


def place(build: Build, name: str) -> tuple[str, str]:
    """Return where a page or an anchor is, and the title of its claim or page."""
    page = build.published.anchors.get(name, name)
    uri = build.app.builder.get_target_uri(page)
    title = build.titles.get(name) or build.app.env.titles[page].astext()
    return (uri, title) if name == page else (f"{uri}#{name}", title)


def relative_from(build: Build, page: str, uri: str) -> str:
    path, mark, anchor = uri.partition("#")
    return f"{relative_uri(build.app.builder.get_target_uri(page), path)}{mark}{anchor}"


def write(build: Build) -> None:
    """Write a page that leads on in place of each that is gone."""
    record, now = build.record, build.published
    for page in set(record.pages) - {*now.pages}:
        if successor := record.successor(page, now.names):
            target = build.out / build.app.builder.get_target_uri(page)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(redirect(build, page, successor), encoding="utf-8")
            script = build.out / SCRIPT_FILE
            script.parent.mkdir(exist_ok=True)
            script.write_text(SCRIPT)


def redirect(build: Build, page: str, successor: str) -> str:
    def line(template: str, name: str, **more: Any) -> str:
        uri, title = place(build, name)
        given = {"to": relative_from(build, page, uri), "title": title, **more}
        return template.format(**{key: escape(text) for key, text in given.items()})

    lines = [line(LINE, new, anchor=old) for old, new in build.moves.get(page, {}).items()]
    uri, _title = place(build, successor)
    made = line(
        REDIRECT,
        successor,
        canonical=f"{build.base}{uri}",
        language=build.app.config.language,
        policy=POLICY,
        script=relative_from(build, page, SCRIPT_FILE),
    )
    return made.replace(LINES, "\n".join(lines))
