"""One visit per page that finds all that only a browser finds wrong with it.

Every page is opened on a laptop in the light theme and on a phone in the dark one, and measured
as it opens; its accessibility is checked with all shown that a click would show, for that includes
what it opens with. What else readers can do to a page the tests try on one page of an axis.
"""

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue
from urllib.parse import urlsplit

from axe_playwright_python.base import AXE_SCRIPT
from browsing import Site, launched, opened, settle
from playwright.sync_api import Browser, Error, Page, sync_playwright

WIDTHS = (390, 768, 1280, 1680)
OPENINGS = ((1280, "light"), (390, "dark"))
WCAG = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
# Axe would also look for a selector per element, and fetch style sheets: neither is used.
OPTIONS = {
    "runOnly": {"type": "tag", "values": WCAG},
    "resultTypes": ["violations"],
    "selectors": False,
    "preload": False,
}
AXE = """options => axe.run(document, options).then(({ violations }) => violations.map(rule => {
  const [first] = rule.nodes;
  const why = [...first.any, ...first.all, ...first.none].map(check => check.message).join("; ");
  const html = first.html.replace(' data-look=""', "").slice(0, 150);
  return [`${rule.id}: ${why}`, `${rule.nodes.length} such as ${html}`];
}))"""

# Scrolls to the end; returns how far its parts moved meanwhile, and since the page was opened.
SHIFT = """async () => {
  const moves = [];
  const observer = new PerformanceObserver(list => moves.push(...list.getEntries()));
  observer.observe({ type: "layout-shift", buffered: true });
  for (let top = 0; top < document.body.scrollHeight; top += innerHeight) {
    scrollTo({ top, behavior: "instant" });
    await new Promise(requestAnimationFrame);
  }
  await new Promise(done => setTimeout(done, 50));
  moves.push(...observer.takeRecords());
  scrollTo({ top: 0, behavior: "instant" });
  return moves.reduce((sum, move) => sum + move.value, 0);
}"""
LOADED = """() => [...performance.getEntriesByType("navigation"),
  ...performance.getEntriesByType("resource")].map(one => [one.name, one.encodedBodySize])"""
OVERFLOW = "document.documentElement.scrollWidth - innerWidth"
DRAWN = "new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))"
# Both frameworks, and every panel that this does not show; all that is folded away.
REVEAL = """() => {
  document.documentElement.dataset.view = "both";
  for (const panel of document.querySelectorAll("[role=tabpanel]")) {
    panel.hidden = false;
    if (!panel.checkVisibility()) panel.style.display = "block";
  }
  for (const one of document.querySelectorAll("details")) one.open = true;
}"""
# Axe's time goes with the elements of a page, nine of ten being words of code, and with the
# texts and links whose colours it compares. Those of one look (colour, size, all that lies
# behind and beside) fare alike: the first three of each are marked, for axe decides nothing
# about a text that is partly covered, nor about a single letter.
MARK = """() => {
  const seen = new Map(), known = new Map();
  function behind(one) {
    if (!one || known.has(one)) return known.get(one) ?? "";
    const { backgroundColor, backgroundImage, opacity, filter } = getComputedStyle(one);
    const own = `${backgroundColor} ${backgroundImage} ${opacity} ${filter}`;
    const nothing = own === "rgba(0, 0, 0, 0) none 1 none";
    known.set(one, nothing ? behind(one.parentElement) : `${behind(one.parentElement)}, ${own}`);
    return known.get(one);
  }
  const words = node => node.nodeType === Node.TEXT_NODE && node.data.trim().length > 1;
  for (const one of document.querySelectorAll("body *")) {
    if (![...one.childNodes].some(words) && !one.matches("a, input, select, textarea")) continue;
    const { color, fontSize, fontWeight, textShadow, textDecoration } = getComputedStyle(one);
    const { parentElement: parent } = one;
    const beside = one.matches("a") && parent.textContent.trim() !== one.textContent.trim();
    const look = [one.checkVisibility(), color, fontSize, fontWeight, textShadow, textDecoration,
      beside && getComputedStyle(parent).color, behind(one)].join();
    seen.set(look, (seen.get(look) ?? 0) + 1);
    if (seen.get(look) <= 3) one.dataset.look = "";
  }
}"""
# In the blocks of code without a marked word, words become plain text.
THIN = """() => {
  for (const block of document.querySelectorAll("pre:not(:has([data-look]))"))
    if (!block.querySelector(":not(span)")) block.textContent = block.textContent;
  axe.configure({ rules: [
    { id: "color-contrast", selector: "[data-look]" },
    { id: "link-in-text-block", selector: "a[href][data-look]" },
  ] });
}"""


@dataclass
class Findings:
    """What was found on one page."""

    page: str
    console: list[str] = field(default_factory=list)  # also scripts that failed
    failed: list[str] = field(default_factory=list)  # addresses
    foreign: list[str] = field(default_factory=list)  # addresses
    shift: float = 0
    overflow: dict[int, int] = field(default_factory=dict)  # width -> pixels beyond it
    loaded: dict[str, int] = field(default_factory=dict)  # path -> compressed bytes
    claims: int = 0
    violations: dict[str, list[str]] = field(default_factory=dict)  # rule -> where


def visit(site: Site, pages: Iterable[str], workers: int = 2) -> dict[str, Findings]:
    """Visit pages, given as paths below the site's address, in as many browsers as workers."""
    waiting: SimpleQueue[str] = SimpleQueue()
    for page in pages:
        waiting.put(page)

    def work(_number: int) -> list[Findings]:
        found = []
        with sync_playwright() as playwright, launched(playwright) as browser:
            while True:
                try:
                    found.append(survey(site, browser, waiting.get_nowait()))
                except Empty:
                    return found

    with ThreadPoolExecutor(workers) as pool:
        return {one.page: one for found in pool.map(work, range(workers)) for one in found}


def survey(site: Site, browser: Browser, page: str) -> Findings:
    """Return all that is found on one page."""
    found = Findings(page)
    for width, colours in OPENINGS:
        with opened(site, browser, page, width=width, colours=colours) as visit:
            try:
                look(visit.page, found, width, colours)
            except Error as error:
                found.console.append(f"cannot be measured: {error}")
            found.console += visit.console
            found.failed += visit.failed
            found.foreign += visit.foreign
    return found


def look(page: Page, found: Findings, width: int, colours: str) -> None:
    """Add to ``found`` what an open page shows."""
    found.shift = max(found.shift, page.evaluate(SHIFT))
    settle(page)
    found.claims = page.locator(".claim").count()
    found.loaded |= {urlsplit(address).path: size for address, size in page.evaluate(LOADED)}
    measure_overflow(page, found)
    page.set_viewport_size({"width": width, "height": 900})
    page.evaluate(REVEAL)
    thin(page)
    measure_overflow(page, found)
    audit(page, found, width, colours)


def measure_overflow(page: Page, found: Findings) -> None:
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 900})
        beyond = page.evaluate(OVERFLOW)
        found.overflow[width] = max(found.overflow.get(width, 0), beyond)


def thin(page: Page) -> None:
    """Let axe compute no contrast twice, and take from the page the words that this spares."""
    page.evaluate(MARK)
    page.evaluate(AXE_SCRIPT)
    page.evaluate(THIN)


def audit(page: Page, found: Findings, width: int, colours: str) -> None:
    """Add to ``found`` what breaks a rule of WCAG 2.2, levels A and AA."""
    page.set_viewport_size({"width": width, "height": 900})
    for rule, elements in rules_broken(page):
        where = f"{width} px, {colours}: {elements}"
        found.violations.setdefault(rule, []).append(where)


def rules_broken(page: Page) -> list[tuple[str, str]]:
    """Return the rules that the page breaks as it is now, and where it does."""
    page.evaluate(DRAWN)
    broken: list[tuple[str, str]] = page.evaluate(AXE, OPTIONS)
    return broken
