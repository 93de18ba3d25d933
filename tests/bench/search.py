"""Prints how the search answers the twenty questions of tests/search-queries.toml.

``python tests/bench/search.py [SITE]`` serves a built site (_build/html unless told otherwise)
and asks in Chromium, each question five times from a page opened anew, then typed. The table
shows the place of the first right claim and of the first right page, milliseconds from opening
the address to the results and from a key to the results (medians), and the bytes that a reader
who has the site's other pages loads, compressed as servers do (gzip -6).
"""

import argparse
import gzip
import http.server
import shutil
import statistics
import sys
import threading
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import quote

from playwright.sync_api import Page, sync_playwright

REPOSITORY = Path(__file__).parents[2]
QUERIES = REPOSITORY / "tests" / "search-queries.toml"
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
ROUNDS = 5
# Notes the moment at which the search says how many results it has.
WATCH = """new MutationObserver(() => {
  if (document.getElementById('search-status')?.textContent) window.shown ??= performance.now();
}).observe(document, { childList: true, subtree: true, characterData: true })"""
LINKS = "all => all.map(one => one.getAttribute('href'))"
TYPED = """() => {
  const start = performance.now();
  document.getElementById('search-query').dispatchEvent(new Event('input', { bubbles: true }));
  document.body.getBoundingClientRect();
  return performance.now() - start;
}"""


class Handler(http.server.SimpleHTTPRequestHandler):
    """Serves files for browsers to keep, and counts what it sends as compressed."""

    sent = 0

    def log_message(self, *_arguments: object) -> None:
        pass

    def end_headers(self) -> None:
        self.send_header("Cache-Control", "max-age=600")  # as static hosts do
        super().end_headers()

    def do_GET(self) -> None:
        path = Path(self.translate_path(self.path))
        if path.is_file():
            Handler.sent += len(gzip.compress(path.read_bytes(), 6))
        super().do_GET()


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """Serve ``folder`` on a free port of this machine; yield its address."""
    with http.server.ThreadingHTTPServer(
        ("127.0.0.1", 0), partial(Handler, directory=str(folder))
    ) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


def ask(page: Page, url: str, query: dict[str, Any]) -> tuple[str, ...]:
    """Return a row of the table: a question and how it is answered."""
    before, opened = Handler.sent, []
    for _ in range(ROUNDS):
        page.goto(f"{url}search.html?q={quote(query['text'])}")
        page.wait_for_function("window.shown")
        opened.append(page.evaluate("window.shown"))
    loaded = (Handler.sent - before) / 1000
    typed = statistics.median(page.evaluate(TYPED) for _ in range(ROUNDS))
    links = page.eval_on_selector_all("#search-results a", LINKS)
    claims = query.get("claims", [])
    pages = [claim.split("/")[0] for claim in claims] or [query["page"]]
    anchors = [f"#{claim.replace('/', '-')}" for claim in claims] or [f"{query['page']}.html"]
    ranks = rank(links, str.endswith, anchors), rank(links, str.startswith, pages)
    times = f"{statistics.median(opened):.0f}", f"{typed:.1f}"
    return (query["text"], *ranks, *times, f"{loaded:.1f}")


def rank(links: list[str], test: Any, ends: list[str]) -> str:
    places = (place for place, link in enumerate(links, 1) if test(link, tuple(ends)))
    return str(next(places, "none"))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("site", nargs="?", type=Path, default=REPOSITORY / "_build" / "html")
    site = parser.parse_args().site
    if not (site / "search-index.js").exists():
        sys.exit(f"{site} is no built site with a search; run `make html`, or name one")
    queries = tomllib.loads(QUERIES.read_text())["query"]
    rows = [("query", "claim", "page", "ms opened", "ms typed", "kB")]
    with served(site) as url, sync_playwright() as playwright:
        path = next(filter(None, map(shutil.which, BROWSERS)), None)
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        page = browser.new_page()
        page.add_init_script(WATCH)
        page.goto(f"{url}index.html", wait_until="networkidle")
        rows += [ask(page, url, query) for query in queries]
        browser.close()
    for text, *figures in rows:
        print(f"{text:44}" + "".join(f"{figure:>10}" for figure in figures))
    ranks = [row[1] for row in rows[1:]]
    third = sum(one in {"1", "2", "3"} for one in ranks)
    print(f"first: {ranks.count('1')} of {len(ranks)}, among the first three: {third}")


if __name__ == "__main__":
    main()
