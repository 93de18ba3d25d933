"""Made-up sites for the tests: projects of a few claims, built with the claims extension."""

import base64
import os
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from bs4 import BeautifulSoup, Tag
from helpers import make_claim, snippet
from sphinx.testing.util import SphinxTestApp
from sphinx.util.console import strip_escape_sequences

from snippets._harness import evidence as ev
from snippets._harness.catalogue import Catalogue, Claim

# As in the project's own conf.py, but for the theme: what is tested is what we render.
CONF = """\
project = "Test"
extensions = ["claims", "myst_nb", "sphinx_tabs.tabs"]
exclude_patterns = ["_*"]
nb_execution_mode = "off"
myst_enable_extensions = ["colon_fence"]
html_theme = "basic"
html_use_index = False
html_copy_source = False
nitpicky = True
"""
PARTS = ["claims", "myst_nb", "sphinx_tabs.tabs"]
INDEX = "# Home\n\n```{axes}\n```\n\n```{toctree}\n:glob:\n*\n```\n"
SOURCES = "# Sources\n\n```{articles}\n```\n"
BOTH = ("tensorflow", "pytorch")
ONE = "sums/one-and-one"


def axis_of(claim_id: str) -> str:
    return claim_id.partition("/")[0]


@dataclass
class Built:
    """What one build did: its warnings, and the pages that it read and wrote."""

    site: "Site"
    warnings: list[str]
    out: Path
    read: set[str] = field(default_factory=set)
    written: set[str] = field(default_factory=set)

    def page(self, name: str) -> BeautifulSoup:
        return BeautifulSoup((self.out / f"{name}.html").read_text(), "html.parser")

    def claim(self, claim_id: str) -> Tag:
        """Return the section that shows a claim, on the page of its axis."""
        found = self.page(axis_of(claim_id)).find(id=claim_id.replace("/", "-"))
        assert isinstance(found, Tag)
        return found


class Site:
    """A made-up project: claims, their evidence, and pages that show them."""

    def __init__(self, root: Path) -> None:
        self.root, self.docs = root, root / "docs"
        self.docs.mkdir(parents=True)
        (self.docs / "conf.py").write_text(CONF)
        self.write("index", INDEX)
        self.write("sources", SOURCES)

    def write(self, page: str, text: str) -> None:
        (self.docs / f"{page}.md").write_text(text)

    def add(self, claim_id: str, *, prove: bool = True, **files: str | None) -> None:
        """Add a claim, sound but for ``files``, to the page of its axis; give it evidence."""
        axis = axis_of(claim_id)
        if not (self.docs / f"{axis}.md").exists():
            self.write(axis, f"(axis-{axis})=\n# {axis.capitalize()}\n\n")
        articles = self.root / "snippets" / "articles.toml"
        before = articles.stat() if articles.exists() else None
        make_claim(self.root, claim_id, **files)
        if before:  # written again with the same text, which is no change to speak of
            os.utime(articles, ns=(before.st_atime_ns, before.st_mtime_ns))
        if prove:
            self.prove(claim_id)

    def load(self, claim_id: str) -> Claim:
        return Catalogue(self.root).claim(claim_id)

    def path(self, claim_id: str, tab: str) -> Path:
        return self.root / "snippets" / claim_id / f"{tab}.md"

    def evidence(self, claim_id: str, tab: str) -> Path:
        return self.root / ev.FOLDER / claim_id / f"{tab}.json"

    def prove(self, claim_id: str, *tabs: str, **result: Any) -> None:
        """Record a pass, or another ``result``, for some tabs of a claim, or for all."""
        claim = self.load(claim_id)
        given = {"outcome": "passed", "seconds": 1.25, "examples": 1} | result
        when = {"time": given.pop("time")} if "time" in given else {}
        for part in claim.snippets:
            if part.framework in (tabs or [s.framework for s in claim.snippets]):
                evidence = ev.record(claim, part, **given).model_copy(update=when)
                ev.write(self.evidence(claim_id, part.framework), evidence)

    def build(self, to: str = "_out", **settings: Any) -> Built:
        """Build what is out of date as HTML below the folder ``to``."""
        overrides = {"claims_project": str(self.root)} | settings.pop("overrides", {})
        app = SphinxTestApp("html", self.docs, self.root / to, confoverrides=overrides, **settings)
        try:
            built = Built(self, [], Path(app.outdir))
            app.connect("env-before-read-docs", lambda _app, _env, names: built.read.update(names))
            app.connect("doctree-resolved", lambda _app, _tree, name: built.written.add(name))
            app.build()
            text = strip_escape_sequences(app.warning.getvalue())
        finally:
            app.cleanup()
        # A warning may go on over several lines; each begins with a file or its level.
        built.warnings = re.split(r"\n(?=\S*(?:WARNING|ERROR|\.md:\d+: ))", text.strip())
        built.warnings = [warning for warning in built.warnings if warning]
        return built


def text_of(tag: Tag | None) -> str:
    """Return the text of a node with single spaces."""
    assert tag is not None
    return " ".join(tag.get_text(" ").split())


def numbers(*values: float) -> dict[str, Any]:
    """Return float32 numbers as evidence keeps them."""
    array = np.array(values, np.float32)
    data = base64.b64encode(array.tobytes()).decode()
    return {"dtype": "float32", "shape": list(array.shape), "data": data}


# Ways to spoil a site that shows the claim ONE.

Spoil = Callable[[Site], object]


def fail(site: Site) -> None:
    failure = ev.Failure(line=4, message="Expected:\n  2\nGot:\n  3")
    site.prove(ONE, "pytorch", outcome="failed", failure=failure)


def edit(site: Site) -> None:
    site.path(ONE, "pytorch").write_text(snippet(">>> 2 + 2\n4"))


def proven(section: Tag) -> bool:
    """Return whether a claim wears the badge of an executed one."""
    return re.search(r"\bProven\b", text_of(section)) is not None
