"""feed.xml, an Atom feed (RFC 4287) of the claims whose status or verdict changed.

feedgen (1.0.0) would need lxml, and takes the time of the build where none is given.
"""

from collections.abc import Iterator
from datetime import date
from itertools import pairwise
from typing import Any
from urllib.parse import urlsplit
from xml.etree import ElementTree as ET

from claims import wording
from claims.register import Entry
from docutils import nodes
from sphinx.application import Sphinx

from snippets._harness.catalogue import Claim

from .build import Build

NAMESPACE = "http://www.w3.org/2005/Atom"
NAME = "feed.xml"
MOST = 50
LINK = '<link rel="alternate" type="application/atom+xml" title="{}" href="{}">\n'
Verdict = tuple[str, str, str]  # day, status, favours
BEGINNING = "2026-11-21"  # of the record: the time of a feed in which nothing changed yet


def connect(app: Sphinx) -> None:
    app.connect("html-page-context", announce)


def announce(
    app: Sphinx, _page: str, _template: str, context: dict[str, Any], tree: nodes.document | None
) -> None:
    """Name the feed in the head of a page."""
    if app.builder.format == "html" and tree:
        href = context["pathto"](NAME, resource=True)
        context["metatags"] += LINK.format("Claims that changed", href)


def files(build: Build) -> dict[str, str]:
    """Return the feed, the newest change first."""
    found = sorted(changes(build), key=lambda change: (change[2][0], change[0].anchor))[::-1]
    feed = ET.Element("feed", xmlns=NAMESPACE)
    add(feed, "id", f"{build.base}{NAME}")
    add(feed, "title", f"{build.app.config.project}: claims that changed")
    add(feed, "updated", moment(found[0][2][0] if found else BEGINNING))
    add(feed, "link", rel="self", type="application/atom+xml", href=f"{build.base}{NAME}")
    add(feed, "link", rel="alternate", type="text/html", href=build.page(build.app.config.root_doc))
    add(add(feed, "author"), "name", build.app.config.author or build.app.config.project)
    for change in found[:MOST]:
        feed.append(entry(build, *change))
    ET.indent(feed)
    return {NAME: f'<?xml version="1.0" encoding="utf-8"?>\n{ET.tostring(feed, "unicode")}\n'}


def changes(build: Build) -> Iterator[tuple[Entry, Verdict, Verdict]]:
    """Yield each change of a claim that is still there: the claim, what was and what came."""
    for each in build.entries:
        for before, after in pairwise(build.record.history(each.anchor)):
            yield each, before, after


def entry(build: Build, changed: Entry, before: Verdict, after: Verdict) -> ET.Element:
    """Return one change as an entry of the feed."""
    made, title = ET.Element("entry"), build.titles[changed.anchor]
    day = after[0]
    host = urlsplit(build.base).hostname or "localhost"
    add(made, "id", f"tag:{host},{day}:{changed.anchor}")
    add(made, "title", f"{title}: {sentence(after)}")
    add(made, "updated", moment(day))
    add(made, "link", rel="alternate", type="text/html", href=build.address(changed))
    add(made, "category", term=changed.axis)
    add(made, "summary", summary(build, changed.claim, before, after), type="text")
    return made


def summary(build: Build, claim: Claim, *lines: Verdict) -> str:
    """Return in words what the articles said, how the claim stood before, and how it does now."""
    years = {key: article.year for key, article in build.register.catalogue.articles.items()}
    said = f"Then ({wording.years(claim, years)}): {wording.then(claim)}."
    stood = [
        f"Since {wording.date(date.fromisoformat(line[0]))}: {sentence(line)}." for line in lines
    ]
    return " ".join([said, *stood] if claim.front.sources else stood)


def sentence(line: Verdict) -> str:
    """Return how a claim stood: ``it holds in part and favours PyTorch``."""
    _day, status, favours = line
    return f"it {wording.STATUS[status]} and favours {wording.FAVOURS[favours]}"


def moment(day: str) -> str:
    return f"{day}T00:00:00Z"


def add(parent: ET.Element, name: str, text: str | None = None, **attributes: str) -> ET.Element:
    child = ET.SubElement(parent, name, attributes)
    child.text = text
    return child
