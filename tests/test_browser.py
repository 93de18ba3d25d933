"""The built site in a real browser: what readers see, choose, copy and follow."""

import ast
import base64
import doctest
import http.server
import os
import shutil
import subprocess
import sys
import threading
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe
from bs4 import BeautifulSoup
from playwright.sync_api import Browser, Error, Page, Playwright, Request, sync_playwright

from snippets._harness import evidence as ev
from snippets._harness.catalogue import Catalogue, Claim

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
SITE_URL, REPOSITORY = "https://example.org/", "https://github.com/someone/something"
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
# No sandbox, as tests may run as root; the rest keeps Chromium from calling home.
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
# Known before the site is built, so that each page is a test of its own.
WRITTEN = sorted(
    path.relative_to(DOCS).with_suffix("").as_posix()
    for path in DOCS.rglob("*.md")
    if not path.relative_to(DOCS).parts[0].startswith("_")
)
CLAIM_PAGES = [name for name in WRITTEN if "{claim}" in (DOCS / f"{name}.md").read_text()]
WORKED_PAGES = [name for name in WRITTEN if name.startswith("worked/")]
PAGES = [*WRITTEN, "search", "404"]
WIDTHS = {"phone": 390, "tablet": 768, "laptop": 1280}

# Shows each tab of each claim in turn and returns what scrolls sideways in its panel.
SCROLLING_IN_EACH_TAB = """() => {
  const tabs = [...document.querySelectorAll('.claim .sphinx-tabs-tab')];
  const found = [];
  for (const tab of tabs) {
    tab.click();
    const panel = document.getElementById(tab.getAttribute('aria-controls'));
    const where = `${tab.closest('.claim').id}, ${tab.textContent}`;
    if (panel.offsetParent === null) found.push(`${where}: does not open`);
    for (const block of panel.querySelectorAll('pre')) {
      if (block.scrollWidth > block.clientWidth)
        found.push(`${where}: ${block.scrollWidth} px in ${block.clientWidth} px`);
    }
  }
  return [tabs.length, found];
}"""
# Copies each code block, hidden ones too, and returns pairs of text shown and text copied.
COPY_ALL = """async () => {
  const pairs = [];
  for (const button of document.querySelectorAll('.claim button.copybtn')) {
    await navigator.clipboard.writeText('nothing was copied');
    button.click();
    const block = button.closest('.highlight').querySelector('pre');
    pairs.push([block.textContent, await navigator.clipboard.readText()]);
  }
  return pairs;
}"""


@dataclass
class Site:
    """The built site: where its files are, and where a browser finds them."""

    folder: Path
    url: str

    def page(self, name: str) -> str:
        return f"{self.url}{name}.html"


@dataclass
class Visit:
    """An open page, and everything that went wrong while it loaded."""

    page: Page
    console: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    foreign: list[str] = field(default_factory=list)


class Handler(http.server.SimpleHTTPRequestHandler):
    """Serves files silently, and 404.html for what there is not, as static hosts do."""

    def log_message(self, *_arguments: object) -> None:
        pass

    def send_error(self, code: int, *arguments: str | None) -> None:
        if code != 404:
            return super().send_error(code, *arguments)
        body = Path(self.directory, "404.html").read_bytes()
        self.send_response(404)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
        return None


class Server(http.server.ThreadingHTTPServer):
    """A server that says nothing of a page that is closed before it is complete."""

    def handle_error(self, request: object, client_address: object) -> None:
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)  # type: ignore[arg-type]


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """Serve ``folder`` on a free port of this machine; yield its address."""
    handler = partial(Handler, directory=str(folder))
    with Server(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()
        thread.join()


def prove(folder: Path, claim: Claim) -> None:
    """Record that each tab of a claim passed, with equal values where they must agree."""
    zero = {"dtype": "float32", "shape": [], "data": base64.b64encode(np.float32(0)).decode()}
    values = dict.fromkeys(claim.front.agree, zero)
    for snippet in claim.snippets:
        evidence = ev.record(claim, snippet, outcome="passed", seconds=0.5, values=values)
        ev.write(ev.path_of(folder, claim, snippet), evidence)


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """The project's own pages, built with its own conf.py from made-up passing evidence."""
    work = tmp_path_factory.mktemp("site")
    catalogue = Catalogue(ROOT)
    for folder in catalogue.folders():
        prove(work / "evidence", catalogue.load(folder))
    command = [sys.executable, "-m", "sphinx", "-q", "-j", "auto", "-b", "html", "-c", ROOT]
    settings = ["-d", work / "trees", "-D", f"claims_evidence={work / 'evidence'}"]
    names = {"SITE_URL": SITE_URL, "REPOSITORY_URL": REPOSITORY}
    built = subprocess.run(
        [*command, *settings, DOCS, work / "html"],
        env=os.environ | names,
        capture_output=True,
        text=True,
        check=False,
        timeout=900,  # worked pages run, unless the project's own cache has them already
    )
    assert built.returncode == 0, built.stderr
    with served(work / "html") as url:
        yield Site(work / "html", url)


@pytest.fixture(scope="session")
def playwright() -> Iterator[Playwright]:
    with sync_playwright() as playwright:
        yield playwright


@pytest.fixture(scope="session")
def browser(playwright: Playwright) -> Iterator[Browser]:
    """The system's Chromium, or else Playwright's own; without either the tests fail."""
    path = next(filter(None, map(shutil.which, BROWSERS)), None)
    try:
        browser = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
    except Error as error:
        hint = "install Debian's `chromium`, or run `playwright install chromium`"
        pytest.fail(f"no browser to test the site in ({path or 'none found'}); {hint}\n{error}")
    yield browser
    browser.close()


@contextmanager
def opened(
    site: Site, browser: Browser, path: str, *, width: int = 1280, colours: str = "light"
) -> Iterator[Visit]:
    """Open a page of the site in a profile of its own, noting what goes wrong."""
    context = browser.new_context(
        viewport={"width": width, "height": 900},
        color_scheme="dark" if colours == "dark" else "light",
        permissions=["clipboard-read", "clipboard-write"],
    )
    context.set_default_timeout(10_000)
    visit = Visit(context.new_page())

    def note(request: Request) -> None:
        host = urlsplit(request.url).netloc
        if host and host != urlsplit(site.url).netloc:
            visit.foreign.append(request.url)

    visit.page.on("request", note)
    visit.page.on("requestfailed", lambda request: visit.failed.append(request.url))
    visit.page.on("response", lambda got: visit.failed.append(got.url) if not got.ok else None)
    visit.page.on("console", lambda said: visit.console.append(f"{said.type}: {said.text}"))
    visit.page.on("pageerror", lambda error: visit.console.append(str(error)))
    visit.page.goto(f"{site.url}{path}")
    yield visit
    context.close()


@pytest.mark.parametrize("name", PAGES)
def test_a_page_loads_without_an_error_and_from_this_site_alone(
    site: Site, browser: Browser, name: str
) -> None:
    with opened(site, browser, f"{name}.html") as visit:
        if name == "search":  # the only page that asks for more once it is there
            visit.page.wait_for_load_state("networkidle")
        assert visit.console == []
        assert visit.failed == []
        assert visit.foreign == []


@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_never_wider_than_the_screen(site: Site, browser: Browser, name: str) -> None:
    with opened(site, browser, f"{name}.html") as visit:
        for width in WIDTHS.values():
            visit.page.set_viewport_size({"width": width, "height": 900})
            needed = visit.page.evaluate("document.documentElement.scrollWidth")
            assert needed <= width


@pytest.mark.parametrize("name", WORKED_PAGES)
def test_figures_are_sharp_and_described_and_errors_are_none(site: Site, name: str) -> None:
    page = BeautifulSoup((site.folder / f"{name}.html").read_text(), "html.parser")
    figures = page.select(".cell_output img")
    assert figures
    for figure in figures:
        assert str(figure["src"]).endswith(".svg")
        assert len(str(figure["alt"])) > 60  # a sentence, not a file name
    assert not page.select(".output.stderr, .output.traceback")


@pytest.mark.parametrize("name", CLAIM_PAGES)
def test_every_tab_opens_and_its_code_fits_a_laptop(
    site: Site, browser: Browser, name: str
) -> None:
    with opened(site, browser, f"{name}.html", width=1280) as visit:
        tabs, scrolling = visit.page.evaluate(SCROLLING_IN_EACH_TAB)
        assert tabs > 0
        assert scrolling == []


@pytest.mark.parametrize("name", CLAIM_PAGES)
def test_choosing_pytorch_in_one_claim_chooses_it_in_all(
    site: Site, browser: Browser, name: str
) -> None:
    with opened(site, browser, f"{name}.html") as visit:
        claims = visit.page.locator(".claim:has(.sphinx-tabs)")
        chosen = claims.locator(".sphinx-tabs-tab[aria-selected=true]")
        assert set(chosen.all_inner_texts()) == {"TensorFlow"}
        claims.last.get_by_role("tab", name="PyTorch", exact=True).click()
        assert chosen.all_inner_texts() == ["PyTorch"] * claims.count()
        shown = claims.locator(".sphinx-tabs-panel:visible")
        labels = [panel.get_attribute("aria-labelledby") for panel in shown.all()]
        assert labels == [tab.get_attribute("id") for tab in chosen.all()]


@pytest.mark.parametrize("name", CLAIM_PAGES)
def test_copied_code_is_the_code_without_prompts_and_output(
    site: Site, browser: Browser, name: str
) -> None:
    with opened(site, browser, f"{name}.html") as visit:
        pairs = visit.page.evaluate(COPY_ALL)
    assert pairs
    parser = doctest.DocTestParser()
    for shown, copied in pairs:
        written = "".join(example.source for example in parser.get_examples(shown))
        compile(copied, "<copied>", "exec")
        # As trees, for a copy may lack the empty lines of a block.
        assert ast.dump(ast.parse(copied)) == ast.dump(ast.parse(written))


def test_a_reader_copies_with_a_click(site: Site, browser: Browser) -> None:
    with opened(site, browser, f"{CLAIM_PAGES[0]}.html") as visit:
        block = visit.page.locator(".claim .sphinx-tabs-panel:visible .highlight").first
        block.hover()
        block.locator("button.copybtn").click()
        copied = visit.page.evaluate("navigator.clipboard.readText()")
    compile(copied, "<copied>", "exec")
    assert ">>>" not in copied


def lands_at(page: Page, anchor: str) -> None:
    """Wait until the heading of a claim is at the top of the window: the theme scrolls softly."""
    test = """id => {
      const heading = document.getElementById(id).querySelector('h1, h2, h3');
      const { top } = heading.getBoundingClientRect();
      return scrollY > 200 && top >= 0 && top < 200;
    }"""
    page.wait_for_function(test, arg=anchor)


@pytest.mark.parametrize("name", CLAIM_PAGES)
def test_an_address_with_an_anchor_lands_at_its_claim(
    site: Site, browser: Browser, name: str
) -> None:
    with opened(site, browser, f"{name}.html") as visit:
        anchors = visit.page.eval_on_selector_all(".claim", "all => all.map(one => one.id)")
    # Not the last one: it may end the page before it can reach the top.
    anchor = anchors[len(anchors) // 2]
    with opened(site, browser, f"{name}.html#{anchor}") as visit:
        lands_at(visit.page, anchor)


def test_a_link_in_a_table_of_verdicts_lands_at_its_claim(site: Site, browser: Browser) -> None:
    with opened(site, browser, f"{CLAIM_PAGES[0]}.html") as visit:
        link = visit.page.locator(".claim-table a").nth(2)
        link.click()
        anchor = urlsplit(visit.page.url).fragment
        claim = visit.page.locator(f".claim#{anchor}")
        assert claim.inner_text().startswith(link.inner_text())
        lands_at(visit.page, anchor)


LUMINANCE = """() => {
  const [r, g, b] = getComputedStyle(document.body).backgroundColor.match(/\\d+/g).map(Number);
  return (0.2126 * r + 0.7152 * g + 0.0722 * b) / 255;
}"""


# One claim has all the parts that a claim has: axe takes 20 s for a whole page of them.
COLOURED = {CLAIM_PAGES[0]: ".claim:has(.sphinx-tabs)", "index": "article", "sources": "article"}


@pytest.mark.parametrize("name", COLOURED)
@pytest.mark.parametrize("colours", ["light", "dark"])
def test_both_colour_schemes_are_served_and_legible(
    site: Site, browser: Browser, name: str, colours: str
) -> None:
    with opened(site, browser, f"{name}.html", colours=colours) as visit:
        assert (visit.page.evaluate(LUMINANCE) > 0.5) == (colours == "light")
        visit.page.locator(COLOURED[name]).first.evaluate("one => one.dataset.checked = ''")
        rules = {"runOnly": {"type": "rule", "values": ["color-contrast"]}}
        found = Axe().run(visit.page, context="[data-checked]", options=rules)
        assert found.response["passes"], "nothing was checked"
        assert found.violations_count == 0, found.generate_report()


# What browsers do not show, read from the files.


def attribute(site: Site, name: str, selector: str, key: str) -> str:
    """Return an attribute of the one element of a page that ``selector`` finds."""
    soup = BeautifulSoup((site.folder / f"{name}.html").read_text(), "html.parser")
    (found,) = soup.select(selector)
    return str(found[key])


@pytest.mark.parametrize("name", WRITTEN)
def test_a_page_says_what_it_is_to_search_engines_and_previews(site: Site, name: str) -> None:
    soup = BeautifulSoup((site.folder / f"{name}.html").read_text(), "html.parser")
    (heading,) = [h1.find(string=True) for h1 in soup("h1")]
    assert str(heading) in soup.head.title.string
    assert attribute(site, name, "meta[property='og:title']", "content") == heading
    assert attribute(site, name, "meta[property='og:site_name']", "content")
    assert attribute(site, name, "meta[property='og:type']", "content") == "website"
    for place in ("link[rel=canonical]:href", "meta[property='og:url']:content"):
        selector, _, key = place.rpartition(":")
        assert attribute(site, name, selector, key) == f"{SITE_URL}{name}.html"
    for selector in ("meta[name=description]", "meta[property='og:description']"):
        description = attribute(site, name, selector, "content")
        assert len(description) > 50
        assert ",," not in description  # the cells of a table are no description


@pytest.mark.parametrize("name", WRITTEN)
def test_a_page_links_to_where_it_is_edited(site: Site, name: str) -> None:
    there = f"{REPOSITORY}/edit/main/docs/{name}.md"
    assert attribute(site, name, ".edit-this-page a", "href") == there


@pytest.mark.parametrize("name", PAGES)
def test_a_page_has_the_favicon(site: Site, name: str) -> None:
    icon = attribute(site, name, "link[rel~=icon]", "href")
    assert icon.endswith(".svg")
    folder = site.folder if icon.startswith("/") else (site.folder / name).parent
    assert (folder / icon.lstrip("/")).read_text().startswith("<svg")


def test_the_sitemap_lists_every_page_that_was_written(site: Site) -> None:
    tree = ET.parse(site.folder / "sitemap.xml")  # noqa: S314 (our own file)
    listed = [place.text or "" for place in tree.iterfind(".//{*}loc")]
    assert all(place.startswith(SITE_URL) for place in listed)
    names = {place.removeprefix(SITE_URL).removesuffix(".html") for place in listed}
    assert names - {""} | {"index"} == set(WRITTEN)


@pytest.mark.parametrize("path", ["nothing.html", "no/such/page"], ids=["top", "deep"])
def test_an_address_that_is_not_there_shows_a_page_of_ours(
    site: Site, browser: Browser, path: str
) -> None:
    with opened(site, browser, path) as visit:
        visit.page.wait_for_load_state("networkidle")
        assert visit.failed == [f"{site.url}{path}"]  # nothing that the page itself needs
        assert "not found" in visit.page.locator("h1").inner_text().lower()
        assert visit.page.evaluate("document.styleSheets.length") > 2
        visit.page.locator(".sidebar-brand").first.click()
        assert urlsplit(visit.page.url).path in ("/", "/index.html")
