"""Measures a built site and prints each figure beside its bar: `make figures`.

`python tests/figures.py _build/html` fails if a bar is missed; names of pages after the
folder, such as `graphs.html`, measure these alone. The tests use the same functions.
"""

import argparse
import json
import shutil
import statistics
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryFile
from typing import NamedTuple
from urllib.parse import urlsplit

from browsing import NoBrowserError, launched, opened, served
from links import Links
from playwright.sync_api import sync_playwright
from visits import Findings, visit

PROGRAMS = [str(Path(sys.executable).parent), "/usr/local/bin", "/usr/bin"]
VALIDATOR = Path(sys.prefix, "node/node_modules/html-validate/bin/html-validate.mjs")
RULES = Path(__file__).with_name("htmlvalidate.json")
SHIFT = 0.02
FIRST_VISIT, SECOND_PAGE = 150_000, 40_000  # bytes
ANSWER = 100  # milliseconds
HERE = Path(__file__).parent
RECORD, QUERIES = HERE.parent / "snippets" / "record.toml", HERE / "search-queries.toml"
# What a key does on the search page, until the results are laid out.
TYPED = """text => {
  const field = document.getElementById('search-query');
  field.value = text;
  const start = performance.now();
  field.dispatchEvent(new Event('input', { bubbles: true }));
  document.body.getBoundingClientRect();
  return performance.now() - start;
}"""


class Fault(NamedTuple):
    """What is wrong, alike wherever it is so, and where on its page."""

    what: str
    where: str = ""


@dataclass(frozen=True)
class Figure:
    """One thing measured on many pages: a number for each, none of which may exceed the bar."""

    name: str
    values: Mapping[str, float]  # page -> number
    bar: float = 0
    unit: str = ""
    faults: Mapping[str, Sequence[Fault]] = field(default_factory=dict)  # page -> what is wrong

    @property
    def worst(self) -> str:
        """Return the page with the highest number."""
        return max(self.values, key=lambda page: self.values[page], default="")

    @property
    def missed(self) -> bool:
        return self.values.get(self.worst, 0) > self.bar

    def misses(self, page: str) -> str:
        """Return in words how a page misses the bar, or nothing."""
        value = self.values.get(page, 0)
        if value <= self.bar:
            return ""
        faults = [f"    {fault.what} {fault.where}".rstrip() for fault in self.faults.get(page, ())]
        measured, bar = show(value, self.unit), show(self.bar, self.unit)
        return "\n".join([f"{self.name}: {measured}, where {bar} is the bar", *faults])

    def row(self) -> tuple[str, ...]:
        if not self.values:
            return (self.name, show(self.bar, self.unit), "-", "not measured", "")
        highest = self.values.get(self.worst, 0)
        value, bar = (show(number, self.unit) for number in (highest, self.bar))
        where = self.worst if highest else f"all {len(self.values)} alike"
        return (self.name, bar, value, "MISSED" if self.missed else "ok", where)

    def kinds(self) -> Iterator[str]:
        """Yield each kind of fault with how often it is found, and where first."""
        places: dict[str, list[str]] = {}
        for page, faults in self.faults.items():
            for fault in faults:
                places.setdefault(fault.what, []).append(f"{page} {fault.where}".rstrip())
        for what, where in places.items():
            yield f"{what}\n    {len(where)} times, such as {where[0]}"


def show(number: float, unit: str) -> str:
    """Return a number with its unit, as short as it may be."""
    if unit == "KB":
        return f"{number / 1000:.1f} KB"
    return f"{number:.3g} {unit}".rstrip()


def counted(name: str, faults: Mapping[str, Sequence[Fault]]) -> Figure:
    """Return the figure that counts faults per page, of which there may be none."""
    return Figure(name, {page: len(found) for page, found in faults.items()}, faults=faults)


# What is read from the files.


def invalid(folder: Path, pages: Sequence[str]) -> dict[str, list[Fault]]:
    """Return for each page what is no HTML, as html-validate says it."""
    if not VALIDATOR.exists():
        sys.exit(f"no {VALIDATOR}: `make` installs it")
    node = shutil.which("node", path=":".join(PROGRAMS)) or "node"
    command = [node, str(VALIDATOR), "--config", str(RULES), "--formatter", "json", *pages]
    with TemporaryFile("w+") as said:  # of a pipe it would fill no more than the buffer
        ran = subprocess.run(
            command, cwd=folder, stdout=said, stderr=subprocess.PIPE, text=True, check=False
        )
        said.seek(0)
        reports = said.read()
    if not reports.startswith("["):
        sys.exit(f"html-validate failed:\n{ran.stderr}")
    found: dict[str, list[Fault]] = {page: [] for page in pages}
    for report in json.loads(reports):
        page = Path(report["filePath"]).resolve().relative_to(folder.resolve()).as_posix()
        found[page] = [
            Fault(f"{one['ruleId']}: {one['message']}", f"line {one['line']}")
            for one in report["messages"]
        ]
    return found


# What visits found.


def from_visits(visits: Mapping[str, Findings]) -> Iterator[Figure]:
    """Yield the figures that a browser finds."""
    faults: dict[str, Callable[[Findings], list[Fault]]] = {
        "rules of WCAG 2.2 A and AA broken": violations,
        "requests to other hosts": lambda found: [Fault(address) for address in found.foreign],
        "requests that failed": lambda found: [Fault(address) for address in found.failed],
        "words in the console": lambda found: [Fault(words) for words in found.console],
    }
    for name, select in faults.items():
        yield counted(name, {page: select(found) for page, found in visits.items()})
    shifts = {page: found.shift for page, found in visits.items()}
    yield Figure("layout shift", shifts, SHIFT)
    overflow = {page: max(found.overflow.values(), default=0) for page, found in visits.items()}
    yield Figure("wider than 390, 768, 1280 or 1680 px by", overflow, unit="px")
    axes = [found for found in visits.values() if found.claims]
    yield Figure("first visit to an axis page", first_visit(axes), FIRST_VISIT, "KB")
    yield Figure("a second page", second_page(axes), SECOND_PAGE, "KB")


def violations(found: Findings) -> list[Fault]:
    return [Fault(rule, "; ".join(where)) for rule, where in found.violations.items()]


def first_visit(axes: Iterable[Findings]) -> dict[str, float]:
    """Return what each page loads with an empty cache, in bytes."""
    return {found.page: sum(found.loaded.values()) for found in axes}


def second_page(axes: Iterable[Findings]) -> dict[str, float]:
    """Return the most that each page loads after any other, whose files the browser kept."""
    axes = list(axes)
    return {
        page.page: max(
            sum(size for path, size in page.loaded.items() if path not in before.loaded)
            for before in axes
            if before is not page
        )
        for page in axes
        if len(axes) > 1
    }


def published(links: Links) -> Figure:
    """Return the figure of addresses on record, which are to lead somewhere for ever."""
    record = tomllib.loads(RECORD.read_text())
    addresses = [f"{page}.html" for page in record["pages"]]
    for anchor, pages in record["anchors"].items():
        addresses += [f"{page}.html#{anchor}" for page in pages]
    return counted(
        "published addresses that are gone",
        {RECORD.name: [Fault(one) for one in links.missing(addresses)]},
    )


def answers(folder: Path) -> Figure:
    """Return how long the search takes from a key to its results, question by question."""
    queries = [query["text"] for query in tomllib.loads(QUERIES.read_text())["query"]]
    with (
        served(folder) as site,
        sync_playwright() as playwright,
        launched(playwright) as browser,
        opened(site, browser, "search.html") as visit,
    ):
        times = {
            query: statistics.median(visit.page.evaluate(TYPED, query) for _ in range(5))
            for query in queries
        }
    return Figure("the search answers within", times, ANSWER, "ms")


def measure(folder: Path, pages: Sequence[str] = ()) -> list[Figure]:
    """Return the figures of a built site, or of some of its pages, but those of time."""
    links = Links(folder)
    pages = pages or list(links.pages)
    with served(folder, urlsplit(links.base).path) as site:
        figures = list(from_visits(visit(site, pages)))
    broken = {page: [Fault(address) for address in links.broken(page)] for page in pages}
    return [
        *figures,
        counted("errors in the HTML", invalid(folder, pages)),
        counted("links and anchors that lead nowhere", broken),
    ]


def report(figures: Sequence[Figure]) -> str:
    """Return the figures as a table, and below it the faults behind what is missed."""
    rows = [("figure", "bar", "worst", "", "page"), *(figure.row() for figure in figures)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ["  ".join(map(str.ljust, row, widths)).rstrip() for row in rows]
    for figure in figures:
        if figure.faults and figure.missed:
            lines += ["", f"{figure.name}:", *figure.kinds()]
    return "\n".join(lines)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="the built site, such as _build/html")
    parser.add_argument("pages", nargs="*", help="pages to measure, such as graphs.html; else all")
    arguments = parser.parse_args()
    try:
        figures = measure(arguments.folder, arguments.pages)
        if not arguments.pages and (arguments.folder / "search-index.js").exists():
            figures += [published(Links(arguments.folder)), answers(arguments.folder)]
    except NoBrowserError as error:
        sys.exit(str(error))
    print(report(figures))
    return int(any(figure.missed for figure in figures))


if __name__ == "__main__":
    sys.exit(main())
