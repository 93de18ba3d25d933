"""Writes the index of the site's search: one place per claim, and one for the rest of each page.

Sphinx's own index knows pages alone, so its results lead to the top of a long page. This one
has the same words (its stemmer, its stop words) by claim. docs/_templates/search.html loads
it beside the site's script, which ranks the places. Sphinx's own is neither made, which took
a tenth of the time of a build, nor published.

A word counts by where it stands: in the title, in the statement, or elsewhere, which is code
(without its output, but with error messages) and what the articles said.
"""

import functools
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from pathlib import Path

from claims import wording
from docutils import nodes
from sphinx.application import Sphinx
from sphinx.builders.html import StandaloneHTMLBuilder
from sphinx.environment import BuildEnvironment
from sphinx.search.en import SearchEnglish
from sphinx.util.typing import ExtensionMetadata

FILE = "search-index.js"
TITLE, STATEMENT, ELSEWHERE = range(3)
SUMMARY = 160  # characters shown below a result
EVERYWHERE = {"claim-verdict", "claim-evidence"}  # the same words in each claim
WORD = re.compile(r"[^\W\d_]\w+")
CODE = re.compile(r"^(?:>>>|\.\.\.) (.*)|^(\w*(?:Error|Warning|Exception)\b.*)", re.MULTILINE)
# British to American, which readers type and the stemmer knows: normalisation, optimiser.
AMERICAN = re.compile(r"is(?=(?:e|ed|es|er|ers|ing|ation|ations)$)")
ENGLISH = SearchEnglish({})


@dataclass(frozen=True)
class Place:
    """Where a result leads, what it shows, and the strength of each stem there."""

    title: str
    anchor: str  # of a claim; empty for a page
    summary: str
    stems: Mapping[str, int]


class Builder(StandaloneHTMLBuilder):
    """Sphinx's builder of HTML without its index; its stemmer is there for our script."""

    def load_indexer(self, docnames: AbstractSet[str]) -> None:
        """Look for no index of an earlier build."""

    def index_page(self, pagename: str, doctree: nodes.document, title: str) -> None:
        """Leave the words of a page to ``note``."""

    def dump_search_index(self) -> None:
        """Remove the index that a build of a former version left."""
        Path(self.outdir, self.searchindex_filename).unlink(missing_ok=True)


def setup(app: Sphinx) -> ExtensionMetadata:
    app.add_builder(Builder, override=True)
    app.connect("doctree-read", note)
    app.connect("env-purge-doc", purge)
    app.connect("env-merge-info", merge)
    app.connect("build-finished", write)
    return {
        "version": "1",
        "env_version": 1,
        "parallel_read_safe": True,
        "parallel_write_safe": True,
    }


def places(env: BuildEnvironment) -> dict[str, list[Place]]:
    """Return the places of each page, kept in the environment that Sphinx pickles."""
    if not hasattr(env, "search_places"):
        env.search_places = {}  # type: ignore[attr-defined]
    return env.search_places  # type: ignore[attr-defined, no-any-return]


def note(app: Sphinx, document: nodes.document) -> None:
    """Keep the places of a page that was read."""
    claims = [part for part in document.findall(nodes.section) if "claim" in part["classes"]]
    found = [document, *claims]
    with_title = [part for part in found if part.next_node(nodes.title)]
    places(app.env)[app.env.docname] = [place(part) for part in with_title]


def purge(_app: Sphinx, env: BuildEnvironment, docname: str) -> None:
    places(env).pop(docname, None)


def merge(
    _app: Sphinx, env: BuildEnvironment, docnames: Iterable[str], other: BuildEnvironment
) -> None:
    """Take over what a parallel reader of ``docnames`` noted."""
    theirs = places(other)
    places(env).update({name: theirs[name] for name in docnames if name in theirs})


def place(part: nodes.Element) -> Place:
    """Return a claim, or a page without its claims, as a place."""
    anchor = "" if isinstance(part, nodes.document) else part["ids"][0]
    strengths = dict.fromkeys(stems(anchor), STATEMENT)  # its axis and its name are words
    for text, strength in texts(part, part):
        for found in stems(text):
            strengths[found] = min(strength, strengths.get(found, ELSEWHERE))
    title = next(part.findall(nodes.title)).astext()
    return Place(title, anchor, summary(part), dict(sorted(strengths.items())))


def texts(node: nodes.Element, top: nodes.Element) -> Iterator[tuple[str, int]]:
    """Yield the texts in ``node`` and their strength, without the claims inside ``top``."""
    for child in node.children:
        classes = set(child["classes"]) if isinstance(child, nodes.Element) else set()
        if isinstance(child, (nodes.comment, nodes.raw)) or classes & {"no-search", *EVERYWHERE}:
            continue
        if isinstance(child, nodes.title) and node is heading(top):
            yield child.astext(), TITLE
        elif isinstance(child, nodes.literal_block):
            yield code(child.astext()), ELSEWHERE
        elif isinstance(child, nodes.TextElement):
            is_statement = isinstance(child, nodes.paragraph) and node is heading(top)
            yield child.astext(), STATEMENT if is_statement and not classes else ELSEWHERE
        elif isinstance(child, nodes.Element) and "claim" not in classes:
            yield from texts(child, top)


def heading(top: nodes.Element) -> nodes.Element:
    """Return the section of the title: the claim itself, or the first one of a page."""
    return next(top.findall(nodes.section), top)


def code(text: str) -> str:
    """Return the code of a console and its error messages; any other code as it is."""
    if not text.startswith(">>>"):
        return text
    return "\n".join(source or error for source, error in CODE.findall(text))


def stems(text: str) -> Iterator[str]:
    """Yield the stems of a text as the script in the browser makes them of a query."""
    for word in WORD.findall(text.lower()):
        if word not in ENGLISH.stopwords:
            yield stem(word)


@functools.cache
def stem(word: str) -> str:
    return ENGLISH.stem(AMERICAN.sub("iz", word))


def summary(part: nodes.Element) -> str:
    """Return the first sentence below the title, which in a claim is the answer."""
    below = (child for child in heading(part).children if isinstance(child, nodes.paragraph))
    text = next((child.astext() for child in below if not child["classes"]), "")
    sentence = re.split(r"(?<=[.?!])\s", " ".join(text.split()), maxsplit=1)[0]
    return sentence if len(sentence) <= SUMMARY else f"{sentence[:SUMMARY].rsplit(' ', 1)[0]} …"


def write(app: Sphinx, exception: Exception | None) -> None:
    """Write the index, as a script: browsers load no other data for a page opened as a file."""
    if exception or app.builder.format != "html":
        return
    data = json.dumps(index(app), ensure_ascii=False, separators=(",", ":"), sort_keys=True)
    Path(app.outdir, FILE).write_text(f"window.searchIndex={data}\n", encoding="utf-8")


def index(app: Sphinx) -> dict[str, object]:
    """Return the places, the pages they are on, and where each stem stands, by strength.

    Places that answer a query equally well are shown in this order, which is the site's.
    """
    pages = sorted(places(app.env).items(), key=lambda page: wording.position(page[0]))
    shown: list[tuple[int, str, str, str]] = []
    terms: dict[str, tuple[list[int], list[int], list[int]]] = {}
    for number, (_, found) in enumerate(pages):
        for each in found:
            for name, strength in each.stems.items():
                terms.setdefault(name, ([], [], []))[strength].append(len(shown))
            shown.append((number, each.title, each.anchor, each.summary))
    links = [(app.builder.get_target_uri(name), app.env.titles[name].astext()) for name, _ in pages]
    return {"pages": links, "places": shown, "terms": terms}
