"""llms.txt, as llmstxt.org describes it: what this site is, and where its pages are as Markdown.

There is no llms-full.txt: all twins together are some 800 KB, more than is read at once, and a
claim is found faster in claims.json.
"""

import re
from pathlib import Path

import yaml
from claims.verbatim import line
from sphinx.addnodes import toctree

from .build import Build

FRONT = re.compile(r"---\n(.*?)^---\n", re.DOTALL | re.MULTILINE)
MORE = "More pages"
DATA = """\
## Data

- [claims.json]({base}claims.json): every claim with its verdict then and now, its statement and its evidence
- [claims.schema.json]({base}claims.schema.json): what each field of it means, as JSON Schema
- [claims.csv]({base}claims.csv): the same in a table, one row per claim
- [feed.xml]({base}feed.xml): claims whose status or verdict changed, as an Atom feed
"""  # noqa: E501 (one line per link is the format)
TABLE = """\
- [api-table.json]({base}api-table.json): what both frameworks write for the same, function by function, with what differs
- [api-table.schema.json]({base}api-table.schema.json): what each field of it means, as JSON Schema
- [api-table.csv]({base}api-table.csv): the same in a table, one line per row
"""  # noqa: E501


def files(build: Build) -> dict[str, str]:
    """Return llms.txt with a section for each part of the table of contents."""
    root = build.app.config.root_doc
    summary = description(build, root) or build.app.config.project
    parts = [f"# {line(build.app.config.project)}\n", f"> {line(summary)}\n"]
    for caption, pages in sections(build, root).items():
        links = "\n".join(link(build, page) for page in pages)
        parts.append(f"## {caption}\n\n{links}\n")
    data = DATA + TABLE * build.has_table
    return {"llms.txt": "\n".join([*parts, data.format(base=build.base)])}


def sections(build: Build, root: str) -> dict[str, list[str]]:
    """Return the pages by the caption that the first page's table of contents has for them."""
    found: dict[str, list[str]] = {}
    for part in build.app.env.get_doctree(root).findall(toctree):
        pages = [page for first in part["includefiles"] for page in below(build, first)]
        found.setdefault(part.get("caption") or MORE, []).extend(pages)
    listed = {root, *(page for pages in found.values() for page in pages)}
    found.setdefault(MORE, []).extend(sorted(build.app.env.found_docs - listed))
    return {caption: pages for caption, pages in found.items() if pages}


def below(build: Build, page: str) -> list[str]:
    """Return a page and those of its own table of contents, in their order."""
    parts = build.app.env.toctree_includes.get(page, [])
    return [page, *(each for part in parts for each in below(build, part))]


def link(build: Build, page: str) -> str:
    """Return the link to a page's twin, with what the page is about."""
    title = build.app.env.titles[page].astext()
    about = description(build, page)
    return f"- [{line(title)}]({build.page(page, '.md')})" + (f": {line(about)}" if about else "")


def description(build: Build, page: str) -> str:
    """Return the description that the head of a page's source gives, "" if there is none."""
    path = Path(build.app.env.doc2path(page))
    match = FRONT.match(path.read_text()) if path.suffix == ".md" else None
    front = yaml.safe_load(match[1]) if match else {}
    try:
        return " ".join(str(front["myst"]["html_meta"]["description"]).split())
    except (KeyError, TypeError):  # not there
        return ""
