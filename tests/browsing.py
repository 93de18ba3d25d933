"""A built site served as static hosts do, and opened in a real browser."""

import gzip
import http.server
import shutil
import sys
import threading
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

from playwright.sync_api import Browser, Error, Page, Playwright, Request

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
URLS = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["urls"]
SITE_URL, REPOSITORY = URLS["Homepage"], URLS["Repository"]
# Known before the site is built, so that each page is a test of its own.
WRITTEN = sorted(
    path.relative_to(DOCS).with_suffix("").as_posix()
    for path in DOCS.rglob("*.md")
    if not path.relative_to(DOCS).parts[0].startswith("_")
)
CLAIM_PAGES = [name for name in WRITTEN if "{claim}" in (DOCS / f"{name}.md").read_text()]
WORKED_PAGES = [name for name in WRITTEN if name.startswith("worked/")]
PAGES = [*WRITTEN, "search", "404"]
# One template makes them: what a browser takes seconds for is looked at on the largest alone.
FAMILY_PAGES = [name for name in WRITTEN if "{api-family}" in (DOCS / f"{name}.md").read_text()]
LARGEST_FAMILY = "api/arithmetic"
UNLIKE = [name for name in PAGES if name == LARGEST_FAMILY or name not in FAMILY_PAGES]

# The first is what tests need, and opens a page in a third of the time.
BROWSERS = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
# No sandbox, as tests may run as root; the rest keeps Chromium from calling home.
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
COMPRESSED = ("text/", "application/json", "application/javascript", "application/xml", "image/svg")

# A quarter of a second without a file that came. Playwright's own `networkidle` also waits for
# requests whose end it was not told, which happens on a busy machine: then it waits for ever.
QUIET = """async () => {
  for (let count = -1, since = performance.now(); performance.now() - since < 250; ) {
    const now = performance.getEntriesByType("resource").length;
    if (now !== count || document.readyState !== "complete") {
      [count, since] = [now, performance.now()];
    }
    await new Promise(done => setTimeout(done, 50));
  }
}"""


class NoBrowserError(Exception):
    """No browser starts here; the message says how to get one."""


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
    """Serves files below ``base``, compressed and to be kept, and 404.html for what there is not.

    It says nothing of what it does.
    """

    protocol_version = "HTTP/1.1"

    def __init__(self, *arguments: object, base: str = "/", **settings: object) -> None:
        self.base = base
        super().__init__(*arguments, **settings)

    def log_message(self, *_arguments: object) -> None:
        pass

    def do_GET(self) -> None:
        path = Path(self.translate_path(self.path.removeprefix(self.base.rstrip("/"))))
        path = path / "index.html" if path.is_dir() else path
        found = path.is_file()
        path = path if found else Path(self.directory, "404.html")
        body, kind = path.read_bytes(), self.guess_type(path)
        self.send_response(200 if found else 404)
        self.send_header("Content-Type", kind)
        self.send_header("Cache-Control", "max-age=600")
        if kind.startswith(COMPRESSED):
            body = gzip.compress(body, 6)
            self.send_header("Content-Encoding", "gzip")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


class Server(http.server.ThreadingHTTPServer):
    """A server that says nothing of a page that is closed before it is complete."""

    def handle_error(self, request: object, client_address: object) -> None:
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)  # type: ignore[arg-type]


@contextmanager
def served(folder: Path, base: str = "/") -> Iterator[Site]:
    """Serve ``folder`` as ``base`` on a free port of this machine."""
    handler = partial(Handler, directory=str(folder), base=base)
    with Server(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield Site(folder, f"http://127.0.0.1:{server.server_port}{base}")
        server.shutdown()
        thread.join()


@contextmanager
def launched(playwright: Playwright) -> Iterator[Browser]:
    """Start the system's Chromium, or else Playwright's own."""
    path = next(filter(None, map(shutil.which, BROWSERS)), None)
    try:
        browser = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
    except Error as error:
        hint = "install Debian's `chromium`, or run `playwright install chromium`"
        message = f"no browser to open the site in ({path or 'none found'}); {hint}\n{error}"
        raise NoBrowserError(message) from None
    yield browser
    browser.close()


@contextmanager
def opened(
    site: Site,
    browser: Browser,
    path: str,
    *,
    width: int = 1280,
    colours: str = "light",
    scripts: bool = True,
    still: bool = False,
) -> Iterator[Visit]:
    """Open a page of the site in a profile of its own, noting what goes wrong.

    ``still`` is for readers who ask for little motion: nothing scrolls softly.
    """
    context = browser.new_context(
        viewport={"width": width, "height": 900},
        color_scheme="dark" if colours == "dark" else "light",
        java_script_enabled=scripts,
        reduced_motion="reduce" if still else "no-preference",
        permissions=["clipboard-read", "clipboard-write"],
    )
    context.set_default_timeout(60_000)
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


def settle(page: Page) -> None:
    """Wait until everything that a page asks for by itself has come."""
    page.evaluate(QUIET)


def lands_at(page: Page, anchor: str) -> None:
    """Wait until the heading of a claim is at the top of the window: the theme scrolls softly."""
    test = """id => {
      const heading = document.getElementById(id).querySelector('h1, h2, h3');
      const { top } = heading.getBoundingClientRect();
      return scrollY > 200 && top >= 0 && top < 200;
    }"""
    page.wait_for_function(test, arg=anchor)
