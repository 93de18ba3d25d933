"""The built site in a real browser: what readers see, choose, copy and follow."""

import ast
import doctest
import xml.etree.ElementTree as ET
from functools import cache
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from browsing import (
    CLAIM_PAGES,
    PAGES,
    REPOSITORY,
    SITE_URL,
    WORKED_PAGES,
    WRITTEN,
    Site,
    lands_at,
    opened,
    settle,
)
from bs4 import BeautifulSoup
from playwright.sync_api import Browser

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
# Copies each code block, hidden ones too, and returns pairs of text shown and text that would be
# copied. The browser's own command is not asked: it refuses a page without focus, as there are many
# on a busy machine. That it is asked in the end is shown below, by a reader who clicks once.
COPY_ALL = """() => {
  let copied;
  document.execCommand = command => {
    const { value, selectionStart, selectionEnd } = document.activeElement;
    copied = value.slice(selectionStart, selectionEnd);
    return command === 'copy';
  };
  return [...document.querySelectorAll('.claim button.copybtn')].map(button => {
    copied = 'nothing was copied';
    button.click();
    return [button.closest('.highlight').querySelector('pre').textContent, copied];
  });
}"""


@cache
def parsed(path: Path) -> BeautifulSoup:
    return BeautifulSoup(path.read_text(), "html.parser")


@pytest.mark.parametrize("name", WORKED_PAGES)
def test_figures_are_sharp_and_described_and_errors_are_none(site: Site, name: str) -> None:
    page = parsed(site.folder / f"{name}.html")
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


@pytest.mark.parametrize("name", CLAIM_PAGES)
def test_an_address_with_an_anchor_lands_at_its_claim(
    site: Site, browser: Browser, name: str
) -> None:
    anchors = [claim["id"] for claim in parsed(site.folder / f"{name}.html").select(".claim")]
    # Not the last one: it may end the page before it can reach the top.
    anchor = anchors[len(anchors) // 2]
    with opened(site, browser, f"{name}.html#{anchor}", still=True) as visit:
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


@pytest.mark.parametrize("name", ["index", CLAIM_PAGES[0]])
@pytest.mark.parametrize("colours", ["light", "dark"])
def test_the_colours_are_those_the_reader_prefers(
    site: Site, browser: Browser, name: str, colours: str
) -> None:
    with opened(site, browser, f"{name}.html", colours=colours) as visit:
        assert (visit.page.evaluate(LUMINANCE) > 0.5) == (colours == "light")


# What browsers do not show, read from the files.


def attribute(site: Site, name: str, selector: str, key: str) -> str:
    """Return an attribute of the one element of a page that ``selector`` finds."""
    soup = parsed(site.folder / f"{name}.html")
    (found,) = soup.select(selector)
    return str(found[key])


@pytest.mark.parametrize("name", WRITTEN)
def test_a_page_says_what_it_is_to_search_engines_and_previews(site: Site, name: str) -> None:
    soup = parsed(site.folder / f"{name}.html")
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
        settle(visit.page)
        assert visit.failed == [f"{site.url}{path}"]  # nothing that the page itself needs
        assert "not found" in visit.page.locator("h1").inner_text().lower()
        assert visit.page.evaluate("document.styleSheets.length") > 2
        visit.page.locator(".sidebar-brand").first.click()
        assert urlsplit(visit.page.url).path in ("/", "/index.html")
