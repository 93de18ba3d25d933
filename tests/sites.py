"""Made-up sites for the tests: projects of a few claims, built with the claims extension."""

import base64
import datetime
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from bs4 import BeautifulSoup, Tag
from helpers import SNIPPET, claim_text, make_claim, prove_rows, snippet
from sphinx.testing.util import SphinxTestApp
from sphinx.util.console import strip_escape_sequences

from snippets._harness import evidence as ev
from snippets._harness.api import rows
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


# A small project that is built as this one is: its own conf.py, theme, script and style.

PROJECT = Path(__file__).parents[1]
BUILT_WITH = ("conf.py", "pyproject.toml", "docs/_ext", "docs/_templates", "docs/_static")
MACHINERY = ("snippets/_harness", "snippets/_speed")
FAMILY = """\
title = "Sums"
about = "Rows about sums."

[reduce-sum]
tensorflow = "tf.reduce_sum(x, axis=1)"
pytorch = "torch.sum(x, dim=1)"
inputs = { x = "float[n,m]" }
says = "What to know."
also = ["tf.math.reduce_sum", "Tensor.sum", "np.sum(x, 1)"]

[reduce-sum.cases.of-nothing]
inputs = { x = [] }
differs = "They part on nothing."

[ragged]
tensorflow = "tf.RaggedTensor.from_row_lengths(x, [1, 2])"
inputs = { x = "float[3]" }
absent = ["torch.ragged"]
instead = "Pad the rows."
"""
FAMILY_PINS = {
    "reduce-sum": {
        "tags": ["other dtype"],
        "differs": {"other dtype": {"int32": {"tensorflow": "int32", "pytorch": "int64"}}},
        "cases": {"of-nothing": {"agrees": False, "tensorflow": "0.", "pytorch": "raises Error"}},
        "edges": {"empty": {"tensorflow": "gives float32", "pytorch": "raises IndexError"}},
    },
    "ragged": {"tags": [], "gives": "float32"},
}
FAMILY_NAMES = {
    "tf": {
        "tf.reduce_sum": ["tf.reduce_sum", "(x)"],
        "tf.RaggedTensor": ["tf.RaggedTensor", "()"],
        "tf.new": ["tf.new", "(x)"],
    },
    "torch": {"torch.sum": ["torch.sum", "(x)"], "torch.raw": ["torch.raw", "(?)"]},
}
WORKED = """\
---
file_format: mystnb
kernelspec:
  name: python3
  language: python
---
# A worked page

It says *what* it does.

```{code-cell}
print({"b", "a"} == {"a", "b"})
```

```{code-cell}
---
mystnb:
  image:
    alt: A rising line.
---
import matplotlib.pyplot as plt
plt.plot([1, 2]);
```
"""
OWN_PAGES = {
    "index": "# Home\n\nAll.\n\n```{axes}\n```\n\n```{turned}\n```\n\n"
    "```{toctree}\n:caption: Axes\n\nsums\nmore\n```\n\n"
    "```{toctree}\n:caption: Rest\n\nclaims\nstatus\nsources\napi/index\nworked/line\n```\n",
    "claims": "# All claims\n\n```{ledger}\n```\n",
    "status": "# Status\n\n```{runs}\n```\n",
    "sums": "---\nmyst:\n  html_meta:\n    description: Adding, in both.\n---\n"
    "(axis-sums)=\n# Sums\n\n```{verdicts} sums\n```\n\n",
    "api/index": "# API table\n\n```{api-search}\n```\n\n```{api-families}\n```\n\n"
    "```{toctree}\n\nsums\ncoverage\n```\n",
    "api/sums": "# Rows of sums\n\n```{api-family} sums\n```\n",
    "api/coverage": "# Coverage\n\n```{api-coverage}\n```\n\n## Alone\n\n```{api-alone}\n```\n",
    "worked/line": WORKED,
}
RECORD = """\
pages = ["claims", "gone", "index", "more", "sources", "status", "sums"]

[anchors]
sums-former = ["sums"]
sums-lost = ["gone"]

[claims]
sums-one.2026-01-01 = "outdated, pytorch"
sums-one.2026-02-01 = "holds, tie"

[moved]
gone = "sums"
sums-former = "more-skipped"
sums-lost = "sums-one"
"""


class OwnSite(Site):
    """A project of every kind of content, with this project's conf.py, theme, script and style."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        (self.docs / "conf.py").unlink()
        unwanted = shutil.ignore_patterns("__pycache__", "results")
        for name in (*BUILT_WITH, *MACHINERY):
            source, target = PROJECT / name, root / name
            target.parent.mkdir(parents=True, exist_ok=True)
            if source.is_dir():
                shutil.copytree(source, target, ignore=unwanted)
            else:
                shutil.copy(source, target)
        for page, text in OWN_PAGES.items():
            (self.docs / page).parent.mkdir(exist_ok=True)
            self.write(page, text)

    @classmethod
    def of(cls, root: Path) -> "OwnSite":
        """Return the project that is at ``root`` already."""
        site = cls.__new__(cls)
        site.root, site.docs = root, root / "docs"
        return site

    def fill(self, **claim: str | None) -> None:
        """Add claims, of which ``sums/one`` has files given, and a family of rows; prove all."""
        self.add("sums/one", keras=SNIPPET, tensorflow1=SNIPPET, **claim)
        self.add("sums/taste", claim=claim_text(status="opinion", kind="ours", sources=None))
        skip = {"reason": "a bug", "until": datetime.date(9999, 12, 31)}
        self.add("more/skipped", claim=claim_text(skip=skip), prove=False)
        self.prove("more/skipped", outcome="not run", reason="skipped until 9999-12-31: a bug")
        (self.root / "snippets" / "record.toml").write_text(RECORD)
        self.tabulate(FAMILY, FAMILY_PINS)

    def tabulate(self, family: str, pins: dict[str, Any]) -> None:
        """Write a family of rows with its pins, and prove it."""
        folder = self.root / rows.FOLDER
        for part in ("pins", "names"):
            (folder / part).mkdir(parents=True, exist_ok=True)
        (folder / "sums.toml").write_text(family)
        (folder / "pins" / "sums.json").write_text(json.dumps(pins))
        (folder / "names" / "listing.json").write_text(json.dumps(FAMILY_NAMES))
        (found,) = rows.families(self.root)
        prove_rows(self.root / ev.FOLDER, found)

    def make(
        self, to: Path, *arguments: str, environment: dict[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Build the site into ``to`` by a process of its own, as `make html` does."""
        command = [sys.executable, "-m", "sphinx", "-q", "-W", "--keep-going", "-c", self.root]
        settings = ["-d", f"{to}.trees", *arguments, self.docs, to]
        return subprocess.run(
            [*command, *settings],
            env=os.environ if environment is None else environment,
            cwd=self.root,
            capture_output=True,
            text=True,
            check=False,
            timeout=180,
        )
