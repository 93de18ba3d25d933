"""The site at 130, 1,000 and 10,000 claims: its build, and its ledger and search in a browser.

The claims are made up, of a real one's size: a title, a statement of two sentences, two tabs of
ten lines, a source, and evidence that both passed. Theme, extensions and settings are the
site's own. The code is not run: what is measured is what pages cost.

Up to 20 axes stand in the navigation side by side, as they do today. More are grouped below
the pages of 16 fields, since nobody would look for one among 250. A page has 8 claims at 130
(today's have 13), 25 at 1,000 and 40 at 10,000: from then on pages become more, not longer.
"""

import os
import random
import re
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from types import MappingProxyType

from browsing import launched, opened, served
from figures import ANSWER, TYPED
from playwright.sync_api import Page, sync_playwright
from sites import PROJECT, OwnSite

from snippets._harness import evidence as ev
from snippets._harness import record
from snippets._harness.catalogue import Claim, Snippet
from snippets._harness.frontmatter import FrontMatter

from .measures import Measure, processor_seconds

PER_PAGE = {130: 8, 1_000: 25, 10_000: 40}  # claims in all -> on a page
FIELDS = 16  # pages above those of the axes, where there are many
SIDE_BY_SIDE = 20  # axes, without fields
ARTICLES = [f"article-{number}" for number in range(1, 6)]
SIDES = ("tensorflow", "pytorch", "tie", "none")
STATUS = ("holds", "partly", "outdated", "never")
IMPORTS = {"tensorflow": "import tensorflow as tf", "pytorch": "import torch"}
CODE = """\
The values of `{name}`, one after the other:

```python
>>> {imports}
>>> {name} = [{n} + step for step in range(4)]
>>> {name}
[{n}, {n1}, {n2}, {n3}]
>>> def {verb}({noun}):
...     return {noun} * 2 + {n}
>>> {verb}({name}[0])
{result}
>>> {verb}({name}[1:])
Traceback (most recent call last):
...
TypeError: can only concatenate list (not "int") to list
>>> [{verb}({noun}) for {noun} in {name}][:1]
[{result}]
```
"""
HEAD = """\
---
title: {title}
status: {status}
favours: {favours}
sources:
  - article: {article}
    said: {said}.
    favours: {then}
---
{statement}
"""
ARTICLE = '[{}]\ntitle = "What to choose in {}"\nyear = {}\nauthor = "A. Writer"\n'
PAGE = """\
---
myst:
  html_meta:
    description: {about}.
---
(axis-{axis})=
# {title}

```{{verdicts}} {axis}
```

"""
INDEX = "# Home\n\nAll.\n\n```{axes}\n```\n\n```{turned}\n```\n\n"


@dataclass
class Words:
    """Makes up text of the words that the claims of this project are written in."""

    known: list[str]
    chance: random.Random

    @classmethod
    def of(cls, project: Path) -> "Words":
        """Return the words of the statements, each as often as it is there."""
        texts = (path.read_text() for path in sorted(project.glob("snippets/*/*/claim.md")))
        prose = " ".join(text.split("---\n", 2)[2] for text in texts)
        return cls(re.findall(r"\b[a-z]{3,12}\b", prose), random.Random(0))  # noqa: S311

    def some(self, number: int) -> str:
        return " ".join(self.chance.choices(self.known, k=number))

    def sentence(self, number: int) -> str:
        return self.some(number).capitalize()

    def name(self) -> str:
        """Return a name of code, which is rarely the same twice."""
        return "_".join(self.chance.choices(self.known, k=2))


class Generated(OwnSite):
    """A project with this one's conf.py, theme and extensions, and a number of made-up claims."""

    def __init__(self, root: Path, claims: int) -> None:
        super().__init__(root)
        self.words = Words.of(PROJECT)
        for page in ("sums", "api/index", "api/sums", "api/coverage", "worked/line"):
            (self.docs / f"{page}.md").unlink()
        folder = self.root / "snippets"
        folder.mkdir(exist_ok=True)
        years = zip(ARTICLES, range(2017, 2022), strict=True)
        texts = (ARTICLE.format(key, year, year) for key, year in years)
        (folder / "articles.toml").write_text("".join(texts))
        per_page = PER_PAGE.get(claims, 40)
        self.axes = [f"axis-{number + 1:03}" for number in range(-(-claims // per_page))]
        self.made = [self.claim(number, self.axes[number // per_page]) for number in range(claims)]
        self.write_pages()
        self.write_record()

    def claim(self, number: int, axis: str) -> Claim:
        """Write a claim with its evidence."""
        chance, words = self.words.chance, self.words
        folder = self.root / "snippets" / axis / f"claim-{number:05}"
        folder.mkdir(parents=True)
        given = {
            "title": words.sentence(5),
            "status": chance.choice(STATUS),
            "favours": chance.choice(SIDES),
            "article": chance.choice(ARTICLES),
            "said": words.sentence(12),
            "then": chance.choice(SIDES),
            "statement": f"{words.sentence(18)}. {words.sentence(22)}.",
        }
        (folder / "claim.md").write_text(HEAD.format(**given))
        tabs = tuple(self.tab(folder, name) for name in IMPORTS)
        front = FrontMatter.model_validate(
            {key: given[key] for key in ("title", "status", "favours")}
            | {"sources": [{key: given[key] for key in ("article", "said")}]}
        )
        made = Claim(folder, front, (), tabs, MappingProxyType({}))
        for tab in tabs:
            found = ev.record(made, tab, outcome="passed", seconds=0.5, examples=6)
            ev.write(ev.path_of(self.root / ev.FOLDER, made, tab), found)
        return made

    def tab(self, folder: Path, framework: str) -> Snippet:
        """Write the code of one side of a claim."""
        n = self.words.chance.randrange(100)
        verb, name, noun = (self.words.name() for _ in range(3))
        numbers = {"n": n, "n1": n + 1, "n2": n + 2, "n3": n + 3, "result": 3 * n}
        names = {"name": f"all_{name}"[:16], "verb": f"to_{verb}"[:12], "noun": f"a_{noun}"[:8]}
        path = folder / f"{framework}.md"
        path.write_text(CODE.format(imports=IMPORTS[framework], **names, **numbers))
        return Snippet(path, framework, ())

    def write_pages(self) -> None:
        for axis in self.axes:
            shown = [claim.id for claim in self.made if claim.folder.parent.name == axis]
            about = f"---\nmyst:\n  html_meta:\n    description: {self.words.sentence(12)}.\n---\n"
            head = (
                f"{about}(axis-{axis})=\n# {axis.capitalize()}\n\n```{{verdicts}} {axis}\n```\n\n"
            )
            self.write(axis, head + "".join(f"```{{claim}} {name}\n```\n\n" for name in shown))
        top = self.axes
        if len(top) > SIDE_BY_SIDE:
            top = [f"field-{number + 1:02}" for number in range(FIELDS)]
            for number, field in enumerate(top):
                below = contents("", self.axes[number::FIELDS])
                self.write(field, f"# {field.capitalize()}\n\n{self.words.sentence(9)}.\n\n{below}")
        rest = contents("Rest", ["claims", "status", "sources"])
        self.write("index", INDEX + contents("Axes", top) + rest)

    def write_record(self) -> None:
        """Put every page, anchor and verdict on record, as a site that grew has them."""
        pages = {claim.id.replace("/", "-"): claim.folder.parent.name for claim in self.made}
        verdicts = {
            anchor: {"2026-11-21": f"{claim.front.status}, {claim.front.favours}"}
            for anchor, claim in zip(pages, self.made, strict=True)
        }
        known = sorted(path.stem for path in self.docs.glob("*.md"))
        anchors = {anchor: [page] for anchor, page in pages.items()}
        made = record.Record(pages=known, anchors=anchors, claims=verdicts)
        (self.root / "snippets" / record.NAME).write_text(record.text(made))


def contents(caption: str, pages: list[str]) -> str:
    """Return a table of contents that the navigation shows."""
    lines = [":hidden:", *([f":caption: {caption}"] if caption else []), "", *pages]
    return "\n".join(["```{toctree}", *lines, "```", "", ""])


@dataclass
class Build:
    """What one build from nothing took: seconds by the clock, by the processor, and MB."""

    seconds: float
    processor: float
    memory: float


def build(site: Generated, out: Path) -> Build:
    """Build the site as `make html` does, into ``out``; its memory is that of all processes."""
    command = [sys.executable, "-m", "sphinx", "-q", "-W", "-c", site.root, "-j", "auto"]
    started, used = time.perf_counter(), processor_seconds()
    with subprocess.Popen(
        [*map(str, command), "-d", f"{out}.trees", str(site.docs), str(out)],
        cwd=site.root,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        peak = Peak(process.pid)
        said, _ = process.communicate()
        peak.stop()
    if process.returncode:
        sys.exit(f"the site does not build:\n{said[-3_000:]}")
    seconds = time.perf_counter() - started
    return Build(seconds, processor_seconds() - used, peak.megabytes)


class Peak:
    """Looks at the memory of a process, and of those that it started, until told to stop.

    Pages that several share count once (the proportional set size of Linux).
    """

    def __init__(self, process: int) -> None:
        self.process, self.megabytes = process, 0.0
        self.ended = threading.Event()
        self.watching = threading.Thread(target=self.watch, daemon=True)
        self.watching.start()

    def watch(self) -> None:
        while not self.ended.wait(0.25):
            used = sum(map(proportional, family(self.process)))
            self.megabytes = max(self.megabytes, used / 1_024)

    def stop(self) -> None:
        self.ended.set()
        self.watching.join()


def family(process: int) -> Iterator[int]:
    """Yield a process and all that it started."""
    yield process
    for file in Path(f"/proc/{process}/task").glob("*/children"):
        try:
            children = file.read_text().split()
        except OSError:  # it has ended
            continue
        for child in children:
            yield from family(int(child))


def proportional(process: int) -> int:
    """Return the memory of a process (KB), 0 if it has ended."""
    try:
        text = Path(f"/proc/{process}/smaps_rollup").read_text()
    except OSError:
        return 0
    found = re.search(r"^Pss: +(\d+)", text, re.MULTILINE)
    return int(found[1]) if found else 0


def size(folder: Path, pattern: str) -> float:
    """Return the size (KB) of the files below a folder whose names match."""
    return sum(path.stat().st_size for path in folder.rglob(pattern) if path.is_file()) / 1_000


# What an event of a form's field takes, until the page is laid out.
CHANGED = """([name, value]) => {
  const field = document.querySelector(`.ledger-filter [name="${name}"]`);
  field.value = value;
  const start = performance.now();
  field.dispatchEvent(new Event('input', { bubbles: true }));
  document.body.getBoundingClientRect();
  return performance.now() - start;
}"""
# Letter by letter, and each choice from all claims and back to all.
STEPS = (
    *(("q", text) for text in ("t", "te", "ten", "tens", "tensor", "tensor a", "")),
    *(step for name, value in (
        ("axis", "axis-002"), ("status", "never"), ("favours", "tensorflow"),
        ("article", ARTICLES[0]),
    ) for step in ((name, value), (name, ""))),
)  # fmt: skip
QUESTIONS = ("d", "gradient", "memory of a model", "axis claim tensors", "gradeint", "all_")
READY = """() => new Promise(done => {
  const text = () => document.querySelector('.ledger-filter [role=status]').textContent;
  const drawn = () => requestAnimationFrame(() => done(performance.now()));
  const look = () => text() ? drawn() : setTimeout(look, 5);
  look();
})"""


@dataclass
class Answers:
    """Milliseconds in the browser: the slowest step of each kind, and until the ledger is ready."""

    typing: float
    choosing: float
    searching: float
    ready: float


def browse(out: Path) -> Answers:
    """Open a built site and use its ledger and its search."""
    with (
        served(out) as site,
        sync_playwright() as playwright,
        launched(playwright) as browser,
    ):
        with opened(site, browser, "claims.html") as visit:
            ready = visit.page.evaluate(READY)
            taken = {step: steps(visit.page, step) for step in STEPS}
        with opened(site, browser, "search.html") as visit:
            searching = max(visit.page.evaluate(TYPED, text) for text in QUESTIONS)
    typing = max(ms for (name, _), ms in taken.items() if name == "q")
    choosing = max(ms for (name, _), ms in taken.items() if name != "q")
    return Answers(typing, choosing, searching, ready)


def steps(page: Page, step: tuple[str, str]) -> float:
    """Return what one step takes (ms), once what came before is drawn."""
    page.evaluate("() => new Promise(requestAnimationFrame)")
    return float(page.evaluate(CHANGED, list(step)))


def slope(small: list[float], large: list[float], sizes: tuple[int, int]) -> list[float]:
    """Return what one more claim adds, round by round."""
    few, many = sizes
    return [(b - a) / (many - few) for a, b in zip(small, large, strict=True)]


def measure(rounds: int, sizes: Sequence[int] = tuple(PER_PAGE)) -> list[Measure]:
    """Build and open each size ``rounds`` times; say what a claim adds, and what is fixed."""
    taken: dict[str, dict[int, list[float]]] = {}
    for _ in range(rounds):
        for claims in sizes:
            for what, value in once(claims).items():
                taken.setdefault(what, {}).setdefault(claims, []).append(value)
    return [*per_claim(taken, sizes), *by_size(taken)]


def quick() -> list[Measure]:
    """Do so for the two smaller sizes."""
    return measure(1, tuple(PER_PAGE)[:2])


def once(claims: int) -> dict[str, float]:
    """Return what is measured of one size, once."""
    with tempfile.TemporaryDirectory(prefix="bench-site-") as work:
        out = Path(work, "site")
        took = build(Generated(Path(work, "project"), claims), out)
        answers = browse(out)
        return {
            "build, s": took.seconds,
            "build, processor, s": took.processor,
            "memory, MB": took.memory,
            "pages, KB": size(out, "*.html"),
            "everything, KB": size(out, "*"),
            "ledger: a letter typed, ms": answers.typing,
            "ledger: a choice, ms": answers.choosing,
            "ledger: ready after, ms": answers.ready,
            "search: an answer, ms": answers.searching,
        }


TARGETS = {"build, s": 8.0, "pages, KB": 12.0, "everything, KB": 12.0}  # ms and KB per claim


def per_claim(taken: dict[str, dict[int, list[float]]], sizes: Sequence[int]) -> Iterator[Measure]:
    """Yield what each claim adds between one size and the next."""
    for what in ("build, s", "build, processor, s", "memory, MB", "pages, KB", "everything, KB"):
        name, unit = what.rsplit(", ", 1)
        scale = 1_000 if unit in ("s", "MB") else 1
        unit = {"s": "ms", "MB": "KB"}.get(unit, unit)
        for few, many in pairwise(sizes):
            values = slope(taken[what][few], taken[what][many], (few, many))
            target = TARGETS.get(what) if many == sizes[-1] else None
            title = f"{name}, per claim, {few:,} to {many:,}"
            yield Measure(title, unit, [value * scale for value in values], target)


def by_size(taken: dict[str, dict[int, list[float]]]) -> Iterator[Measure]:
    """Yield all that was measured, size by size."""
    for what, found in taken.items():
        name, unit = what.rsplit(", ", 1)
        for claims, values in found.items():
            waited = unit == "ms" and "ready" not in what
            target = ANSWER if waited and claims == max(PER_PAGE) else None
            note = f"{os.cpu_count()} cores" if unit == "s" else ""
            yield Measure(f"{name}, {claims:,} claims", unit, values, target, note=note)
