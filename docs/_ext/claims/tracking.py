"""Which pages to read again: those that show a claim, or evidence, that changed.

Sphinx itself follows files that a page depends on and that exist. It does not notice a
file that appears (a new tab, the first evidence), so each page also remembers which
files its patterns matched, and other things that it looked up. Nor does it notice a file
that changed into an older one, by a clock set back or a copy that keeps times; so each page
remembers what the files held.
"""

import hashlib
from collections.abc import Callable, Iterable
from functools import cache
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment

from .inside import taken_in

Look = Callable[..., Any]  # a function of a module, of texts, that says how something stands
Watched = dict[tuple[Look, tuple[str, ...]], Any]  # what was looked at -> how it stood


def connect(app: Sphinx) -> None:
    """Let pages be out of date when what they follow is not as it was."""
    app.connect("doctree-read", note)
    app.connect("env-get-outdated", outdated)
    app.connect("env-purge-doc", purge)
    app.connect("env-merge-info", merge)


def follow(env: BuildEnvironment, look: Look, *where: str) -> Any:
    """Return ``look(*where)``; read the current page again when that is something else."""
    found = look(*where)
    pages(env).setdefault(env.docname, {})[look, where] = found
    return found


def watch(env: BuildEnvironment, folder: Path, pattern: str) -> None:
    """Read the current page again when a file matching ``pattern`` comes, goes or changes."""
    for path in follow(env, matches, str(folder), pattern):
        env.note_dependency(path)


def matches(folder: str, pattern: str) -> list[str]:
    return sorted(map(str, Path(folder).glob(pattern)))


def watch_all(env: BuildEnvironment, folder: Path, pattern: str) -> None:
    """Do so for files of all claims, each of which the page that shows it follows by itself."""
    follow(env, contents, str(folder), pattern)


def contents(folder: str, pattern: str) -> str:
    """Return a digest of the names and contents of all files that match."""
    found = (f"{path} {digest(path)}" for path in matches(folder, pattern))
    return hashlib.sha256("\n".join(found).encode()).hexdigest()


def note(app: Sphinx, _tree: nodes.document) -> None:
    """Follow what a page that was read holds, and each file that it depends on."""
    for path in taken_in(app):
        follow(app.env, digest, str(path))


def digest(path: str) -> str:
    """Return a digest of a file; nothing if it cannot be read."""
    try:
        return hashlib.sha256(Path(path).read_bytes()).hexdigest()
    except OSError:
        return ""


def pages(env: BuildEnvironment) -> dict[str, Watched]:
    """Return what each page follows, kept in the environment that Sphinx pickles."""
    if not hasattr(env, "claims_watched"):
        env.claims_watched = {}  # type: ignore[attr-defined]
    return env.claims_watched  # type: ignore[attr-defined, no-any-return]


def outdated(
    app: Sphinx, env: BuildEnvironment, _added: set[str], _changed: set[str], removed: set[str]
) -> list[str]:
    """Return the pages to read again; take pages that are gone out of the site."""
    for page in removed:  # Sphinx would leave the HTML that an earlier build wrote
        Path(app.outdir, app.builder.get_target_uri(page)).unlink(missing_ok=True)
    looked = cache(lambda look, where: look(*where))  # pages follow the same files
    return [
        page
        for page, watched in pages(env).items()
        if any(looked(*key) != found for key, found in watched.items())
    ]


def purge(_app: Sphinx, env: BuildEnvironment, docname: str) -> None:
    pages(env).pop(docname, None)


def merge(
    _app: Sphinx, env: BuildEnvironment, docnames: Iterable[str], other: BuildEnvironment
) -> None:
    """Take over what a parallel reader of ``docnames`` noted."""
    theirs = pages(other)
    pages(env).update({name: theirs[name] for name in docnames if name in theirs})
