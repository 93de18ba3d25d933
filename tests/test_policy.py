"""What a page may load and run: nothing but the site's own files, whatever stands in it."""

import http.server
import re
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from browsing import Site as Browsed
from browsing import Visit, opened, served, settle
from bs4 import BeautifulSoup
from playwright.sync_api import Browser
from policy import POLICY
from sites import OwnSite

POLICY_TAG = re.compile(r'<meta http-equiv="Content-Security-Policy"[^>]*>')
HANDLER = re.compile(r"on[a-z]+", re.IGNORECASE)


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a small site that has every kind of page."""
    site = OwnSite(tmp_path_factory.mktemp("small") / "project")
    site.fill()
    out = site.root / "_build" / "site"
    made = site.make(out)
    assert made.returncode == 0, made.stderr
    return out


@pytest.fixture(scope="module")
def home(small: Path) -> Iterator[Browsed]:
    with served(small) as site:
        yield site


def inline(page: BeautifulSoup) -> list[str]:
    """Return what of a page would need leave to be in it: scripts, handlers, styles."""
    found = [str(tag) for tag in page.select("style, script:not([src]), base, object, embed")]
    for tag in page.find_all(True):
        found += [
            f"{tag.name} {name}" for name in tag.attrs if name == "style" or HANDLER.fullmatch(name)
        ]
        found += [
            str(tag[name])
            for name in ("href", "src", "action", "formaction")
            if str(tag.get(name, "")).strip().lower().startswith("javascript:")
        ]
    return found


def check_files(folder: Path) -> None:
    pages = sorted(path for path in folder.rglob("*.html") if "_static" not in path.parts)
    assert pages
    for path in pages:
        page = BeautifulSoup(path.read_text(), "html.parser")
        assert page.head is not None
        first, second = page.head.find_all(True)[:2]
        assert first.get("charset") == "utf-8", path
        assert second.get("http-equiv") == "Content-Security-Policy", path
        assert second["content"] == POLICY, path
        assert inline(page) == [], path


def test_every_kind_of_page_has_the_policy_first_and_nothing_inline(small: Path) -> None:
    check_files(small)


def test_every_page_of_this_site_has_the_policy_first_and_nothing_inline(site: Browsed) -> None:
    check_files(site.folder)


def test_the_policy_names_no_other_host_and_lets_nothing_inline_run() -> None:
    allowed = dict(part.split(maxsplit=1) for part in POLICY.split("; "))
    assert allowed["default-src"] == allowed["object-src"] == allowed["base-uri"] == "'none'"
    sources = {source for value in allowed.values() for source in value.split()}
    assert sources == {"'none'", "'self'", "data:"}
    assert [name for name, value in allowed.items() if "data:" in value] == ["img-src"]


KINDS = {  # a page of each kind -> an element that scripts made, or that needs the styles
    "index.html": "svg",
    "sums.html": ".claim button.copybtn",
    "claims.html": ".ledger thead button",
    "status.html": ".sortable thead button",
    "sources.html": "article",
    "api/index.html": "#api-search",
    "api/sums.html": "table.api",
    "api/coverage.html": "figure.coverage",
    "worked/line.html": ".cell button.copybtn",
    "search.html": "#search-form",
}
VIOLATIONS = """
window.violations = [];
document.addEventListener("securitypolicyviolation", event =>
  window.violations.push(`${event.effectiveDirective}: ${event.blockedURI} ${event.sample}`));
"""
STANDS = """() => [
  document.documentElement.classList.contains("js"),
  document.body.dataset.theme,
  getComputedStyle(document.body).getPropertyValue("--color-pytorch"),
  getComputedStyle(document.querySelector("body > svg")).display,
]"""


def at(home: Browsed, way: str) -> Browsed:
    return home if way == "served" else Browsed(home.folder, f"{home.folder.as_uri()}/")


@pytest.mark.parametrize("way", ["served", "as a file"])
@pytest.mark.parametrize("path", KINDS)
def test_a_page_needs_nothing_that_the_policy_forbids(
    home: Browsed, browser: Browser, path: str, way: str
) -> None:
    with opened(at(home, way), browser, path) as visit:
        visit.page.add_init_script(VIOLATIONS)
        visit.page.reload()
        visit.page.locator(KINDS[path]).first.wait_for(state="attached")
        settle(visit.page)
        assert visit.page.evaluate(STANDS) == [True, "auto", "#1f5fbf", "none"]
        assert visit.page.evaluate("window.violations") == []
        assert (visit.console, visit.failed, visit.foreign) == ([], [], [])


def test_the_page_for_what_is_not_there_needs_nothing_either(
    home: Browsed, browser: Browser
) -> None:
    with opened(home, browser, "no/such/page") as visit:
        visit.page.add_init_script(VIOLATIONS)
        visit.page.reload()
        assert visit.page.evaluate(STANDS) == [True, "auto", "#1f5fbf", "none"]
        assert visit.page.evaluate("window.violations") == []


@pytest.mark.parametrize("way", ["served", "as a file"])
def test_searching_from_any_page_works(home: Browsed, browser: Browser, way: str) -> None:
    with opened(at(home, way), browser, "sums.html") as visit:
        visit.page.locator(".sidebar-search").fill("add")
        visit.page.locator(".sidebar-search").press("Enter")
        visit.page.wait_for_url("**/search.html?q=add**")
        visit.page.locator("#search-results li").first.wait_for()
        assert visit.console == []


@pytest.mark.parametrize("path", KINDS)
def test_a_page_opened_as_a_file_reads_without_scripts(
    home: Browsed, browser: Browser, path: str
) -> None:
    with opened(at(home, "as a file"), browser, path, scripts=False) as visit:
        assert visit.page.locator("h1").first.is_visible()
        assert visit.page.locator(".sidebar-tree a").first.is_visible()
        assert visit.failed == []


@pytest.mark.parametrize("anchor", ["", "#sums-lost"])
def test_a_page_that_has_moved_leads_on(home: Browsed, browser: Browser, anchor: str) -> None:
    with opened(home, browser, f"gone.html{anchor}") as visit:
        visit.page.wait_for_url(f"**/sums.html{'#sums-one' if anchor else ''}")
        assert visit.console == []


def test_a_browser_that_remembers_nothing_has_a_theme(home: Browsed, browser: Browser) -> None:
    with opened(home, browser, "404.html") as visit:
        refuse = "Object.defineProperty(window, 'localStorage', {get() { throw Error('no'); }})"
        visit.page.add_init_script(refuse)
        visit.page.goto(home.page("sources"))
        assert visit.page.evaluate("document.body.dataset.theme") == "auto"


def test_code_has_the_colours_of_its_style(small: Path) -> None:
    style = (small / "_static" / "pygments.css").read_text()
    ours = (small / "_static" / "site.css").read_text().lower()
    for prefix in (r"^\.highlight", r'^body\[data-theme="dark"\] \.highlight'):
        (found,) = re.findall(
            rf"{prefix} \{{ background: (#\w+); color: (#\w+) \}}", style, re.MULTILINE
        )
        for name, colour in zip(("background", "foreground"), found, strict=True):
            assert f"--color-code-{name}: {colour.lower()};" in ours


# What slips into a page does nothing; without the policy each of these would.


class Elsewhere(http.server.BaseHTTPRequestHandler):
    """Another host: what it gives sets a mark, and it remembers what it was asked for."""

    asked: list[str]

    def do_GET(self) -> None:
        self.asked.append(self.path)
        self.send_response(200)
        kind = "text/javascript" if ".js" in self.path else "text/css"
        self.send_header("Content-Type", kind)
        self.send_header("Access-Control-Allow-Origin", "*")
        self.end_headers()
        self.wfile.write(b"window.pwned = 1" if ".js" in self.path else b"")

    def log_message(self, *_arguments: object) -> None:
        pass


@pytest.fixture
def elsewhere() -> Iterator[tuple[str, list[str]]]:
    asked: list[str] = []
    handler = type("Handler", (Elsewhere,), {"asked": asked})
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}", asked
        server.shutdown()
        thread.join()


INJECTED = {  # what is in the page -> the directive that stops it
    "a script": ("<script>window.pwned = 1</script>", "script-src"),
    "a handler": ('<img src="none.png" onerror="window.pwned = 1">', "script-src"),
    "a handler of a drawing": ('<svg onload="window.pwned = 1"></svg>', "script-src"),
    "a script of another host": ('<script src="{other}/x.js"></script>', "script-src"),
    "a script in an address": (
        '<script src="data:text/javascript,window.pwned=1"></script>',
        "script-src",
    ),
    "a picture of another host": ('<img src="{other}/x.png">', "img-src"),
    "a style": ("<style>body {{ background: url({other}/x.png) }}</style>", "style-src"),
    "a style of an element": (
        '<p style="background: url({other}/x.png)">Words</p>',
        "style-src",
    ),
    "a style sheet of another host": (
        '<link rel="stylesheet" href="{other}/x.css">',
        "style-src",
    ),
    "a frame": ('<iframe src="{other}/x.html"></iframe>', "frame-src"),
    "an object": ('<object data="{other}/x.html"></object>', "object-src"),
    "a film": ('<video src="{other}/x.webm" autoplay></video>', "media-src"),
}


def with_injected(home: Browsed, folder: Path, markup: str, *, guarded: bool) -> Browsed:
    """Return a site of one page that has ``markup`` in it."""
    text = (home.folder / "sources.html").read_text().replace("</article>", f"{markup}</article>")
    shutil.copytree(home.folder / "_static", folder / "_static")
    (folder / "sources.html").write_text(text if guarded else POLICY_TAG.sub("", text))
    return Browsed(folder, "")


def harmed(visit: Visit, asked: list[str]) -> bool:
    visit.page.wait_for_timeout(200)
    return bool(asked) or visit.page.evaluate("window.pwned") is not None


@pytest.mark.parametrize("case", INJECTED)
def test_what_slips_into_a_page_does_nothing(
    home: Browsed,
    browser: Browser,
    tmp_path: Path,
    elsewhere: tuple[str, list[str]],
    case: str,
) -> None:
    (markup, directive), (other, asked) = INJECTED[case], elsewhere
    markup = markup.format(other=other)
    for guarded in (True, False):
        folder = tmp_path / str(guarded)
        with_injected(home, folder, markup, guarded=guarded)
        with served(folder) as site, opened(site, browser, "_static/site.css") as visit:
            visit.page.add_init_script(VIOLATIONS)
            visit.page.goto(site.page("sources"))
            assert harmed(visit, asked) is not guarded
            stopped = visit.page.evaluate("window.violations")
            assert any(each.startswith(directive) for each in stopped) is guarded


def test_a_page_sends_no_form_and_asks_nothing_of_another_host(
    home: Browsed, browser: Browser, elsewhere: tuple[str, list[str]]
) -> None:
    other, asked = elsewhere
    with opened(home, browser, "sums.html") as visit:
        visit.page.evaluate(f"fetch('{other}/x').catch(() => 0)")
        form = f"<form id=f action='{other}/x'></form>"
        visit.page.evaluate(f"document.body.insertAdjacentHTML('beforeend', `{form}`)")
        visit.page.evaluate("document.getElementById('f').submit()")
        visit.page.wait_for_timeout(200)
        assert visit.page.url == home.page("sums")
    assert asked == []


def test_another_base_does_not_lead_links_away(home: Browsed, browser: Browser) -> None:
    with opened(home, browser, "sums.html") as visit:
        base = "<base href='https://example.com/'>"
        visit.page.evaluate(f'document.head.insertAdjacentHTML("afterbegin", "{base}")')
        assert visit.page.evaluate("document.baseURI") == home.page("sums")


def test_a_site_that_reloads_as_it_is_written_goes_without_the_policy(tmp_path: Path) -> None:
    site = OwnSite(tmp_path / "project")
    (site.docs / "worked" / "line.md").unlink()
    site.write("index", "# Home\n\n```{toctree}\n:glob:\n\n*\napi/*\n```\n")
    site.fill()
    out = tmp_path / "out"
    assert site.make(out, "-D", "content_policy=").returncode == 0
    assert not POLICY_TAG.search((out / "sums.html").read_text())
