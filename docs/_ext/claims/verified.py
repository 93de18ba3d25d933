"""When and on what a page, or the site, was verified: said in the footer of every page.

A page with claims speaks of its own, so that a run changes no page but its own; the few
others speak of the whole site.
"""

import datetime
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment

from . import wording
from .register import Entry, Register

# Named in this order; a claim's evidence names the rest.
NAMED = {"tensorflow": "TensorFlow", "torch": "PyTorch", "keras": "Keras", "python": "Python"}
SITE = ""  # in place of a page's name


def connect(app: Sphinx) -> None:
    app.connect("env-before-read-docs", note)
    app.connect("env-updated", update)
    app.connect("html-page-context", show)


def note(_app: Sphinx, env: BuildEnvironment, docnames: list[str]) -> None:
    """Note whether a page is to be read, as one is wherever evidence changed."""
    env.claims_read = bool(docnames)  # type: ignore[attr-defined]


def update(app: Sphinx, env: BuildEnvironment) -> Iterable[str]:
    """Note what was verified; return the pages whose footer is to say something else."""
    before = getattr(env, "claims_verified", None)
    if before is not None and not env.claims_read:  # type: ignore[attr-defined]
        return []
    by_page: dict[str, list[Entry]] = {SITE: []}
    for entry in Register.of(app.config, Path(app.srcdir)).entries():
        by_page[SITE].append(entry)
        by_page.setdefault(entry.page, []).append(entry)
    now = {page: sentence(entries, site=not page) for page, entries in by_page.items()}
    env.claims_verified = now  # type: ignore[attr-defined]
    return [page for page in sorted(env.found_docs) if said(before or now, page) != said(now, page)]


def said(verified: dict[str, str], page: str) -> str:
    return verified.get(page, verified[SITE])


def sentence(entries: Sequence[Entry], *, site: bool) -> str:
    """Return when snippets passed, and on which versions; claim no run that there was not."""
    runs = [run for entry in entries for run in entry.passed.values()]
    complete = all(len(entry.passed) == len(entry.claim.snippets) for entry in entries)
    return told("The code of all claims" if site else "The code on this page", runs, complete)


class Run(Protocol):
    """What this needs to know of a run that passed."""

    @property
    def time(self) -> datetime.datetime: ...
    @property
    def versions(self) -> Mapping[str, str]: ...


def told(code: str, runs: Sequence[Run], complete: bool) -> str:
    """Return in words when ``code`` passed, given the runs that did and whether all did."""
    if not runs:
        return "Nothing here has been run."
    first, last = (wording.date(pick(run.time for run in runs)) for pick in (min, max))
    when = f"on {last}" if first == last else f"from {first} to {last}"
    versions = {name: version for run in runs for name, version in run.versions.items()}
    on = [f"{title} {versions[name]}" for name, title in NAMED.items() if name in versions]
    passed = "ran and passed" if complete else "passed where it ran,"
    return f"{code} {passed} {when}, on {wording.listing(on)}."


def show(
    app: Sphinx, page: str, _template: str, context: dict[str, Any], doctree: nodes.document | None
) -> None:
    """Tell the templates what was verified, and whether the page shows claims."""
    own = app.env.metadata.get(page, {}).get("verified")  # noted by a directive of the page
    context["verified"] = own or said(getattr(app.env, "claims_verified", {SITE: ""}), page)
    context["shows_claims"] = doctree is not None and any(
        "claim" in section["classes"] for section in doctree.findall(nodes.section)
    )
