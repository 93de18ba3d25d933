"""Prints how the search answers the twenty questions of tests/search-queries.toml.

``python tests/bench/search.py [SITE]`` serves a built site (_build/html unless told otherwise)
and asks in Chromium, each question five times from a page opened anew, then typed. The table
shows the place of the first right claim and of the first right page, and milliseconds (medians)
from opening the address to the results, and from a key to the results.
"""

import argparse
import statistics
import sys
import tomllib
from pathlib import Path
from typing import Any
from urllib.parse import quote

from browsing import Site, launched, opened, served
from figures import TYPED
from playwright.sync_api import Page, sync_playwright

REPOSITORY = Path(__file__).parents[2]
QUERIES = REPOSITORY / "tests" / "search-queries.toml"
ROUNDS = 5
# Notes the moment at which the search says how many results it has.
WATCH = """new MutationObserver(() => {
  if (document.getElementById('search-status')?.textContent) window.shown ??= performance.now();
}).observe(document, { childList: true, subtree: true, characterData: true })"""
LINKS = "all => all.map(one => one.getAttribute('href'))"


def ask(page: Page, site: Site, query: dict[str, Any]) -> tuple[str, ...]:
    """Return a row of the table: a question and how it is answered."""
    shown = []
    for _ in range(ROUNDS):
        page.goto(f"{site.page('search')}?q={quote(query['text'])}")
        page.wait_for_function("() => window.shown")
        shown.append(page.evaluate("window.shown"))
    typed = statistics.median(page.evaluate(TYPED, query["text"]) for _ in range(ROUNDS))
    links = page.eval_on_selector_all("#search-results a", LINKS)
    claims = query.get("claims", [])
    pages = [claim.split("/")[0] for claim in claims] or [query["page"]]
    anchors = [f"#{claim.replace('/', '-')}" for claim in claims] or [f"{query['page']}.html"]
    ranks = rank(links, str.endswith, anchors), rank(links, str.startswith, pages)
    times = f"{statistics.median(shown):.0f}", f"{typed:.1f}"
    return (query["text"], *ranks, *times)


def rank(links: list[str], test: Any, ends: list[str]) -> str:
    places = (place for place, link in enumerate(links, 1) if test(link, tuple(ends)))
    return str(next(places, "none"))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("site", nargs="?", type=Path, default=REPOSITORY / "_build" / "html")
    folder = parser.parse_args().site
    if not (folder / "search-index.js").exists():
        sys.exit(f"{folder} is no built site with a search; run `make html`, or name one")
    queries = tomllib.loads(QUERIES.read_text())["query"]
    rows = [("query", "claim", "page", "ms opened", "ms typed")]
    with (
        served(folder) as site,
        sync_playwright() as playwright,
        launched(playwright) as browser,
        opened(site, browser, "index.html") as visit,
    ):
        visit.page.add_init_script(WATCH)
        rows += [ask(visit.page, site, query) for query in queries]
    for text, *figures in rows:
        print(f"{text:44}" + "".join(f"{figure:>10}" for figure in figures))
    ranks = [row[1] for row in rows[1:]]
    third = sum(one in {"1", "2", "3"} for one in ranks)
    print(f"first: {ranks.count('1')} of {len(ranks)}, among the first three: {third}")


if __name__ == "__main__":
    main()
