"""The figures of the site, each at its bar; and that what measures them finds each fault."""

import subprocess
import sys
from pathlib import Path

import figures
import pytest
import visits
from browsing import CLAIM_PAGES, FAMILY_PAGES, UNLIKE, Site, opened
from downloading import using
from figures import Figure
from links import Links
from playwright.sync_api import Browser

AXIS = f"{CLAIM_PAGES[0]}.html"

PAGE = """\
<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <title>A page</title>
    <link rel="icon" href="data:,">
    <style>
      body {{ background: Canvas; color: CanvasText; color-scheme: light dark; }}
    </style>
  </head>
  <body>
    <main>
      <h1>A page</h1>
      {body}
    </main>
  </body>
</html>
"""
PANEL = """
<div role="tablist" aria-label="Frameworks">
  <button type="button" role="tab" id="tab" aria-controls="panel">Tab</button>
</div>
<div role="tabpanel" id="panel" aria-labelledby="tab" tabindex="0" hidden>{}</div>"""
WCAG, SHIFT, WIDER = (
    "rules of WCAG 2.2 A and AA broken",
    "layout shift",
    "wider than 390, 768, 1280 or 1680 px by",
)
CONSOLE, HTML, LINKS = (
    "words in the console",
    "errors in the HTML",
    "links and anchors that lead nowhere",
)
FOREIGN, FAILED = "requests to other hosts", "requests that failed"
LINK = """
<style>.like { color: #030; text-decoration: none; }</style>
<ul style="background: #fff"><li><a class="like" href="sound.html">A link</a></li></ul>
<p style="background: #fff; color: #000">
  Words <a class="like" href="sound.html">and a link</a> among more words.
</p>"""
MOVES = """
<p id="late"></p><p style="height: 300px; border: solid">Moves</p>
<script>
  setTimeout(() => document.getElementById("late").style.height = "400px", 20)
</script>"""
SCRIPT = '<script src="{}"></script>'
# A page's name, what is wrong with it, and the figures that say so.
FAULTS = {
    "no-alternative": ('<img src="data:image/svg+xml,%3Csvg/%3E">', {WCAG}),
    "pale": ('<p style="color: #eee; background: #fff">Pale</p>', {WCAG}),
    "pale-in-the-dark": ('<p style="color: light-dark(#000, #333)">Pale</p>', {WCAG}),
    "pale-in-a-hidden-panel": (PANEL.format('<p style="color: #777">Pale</p>'), {WCAG}),
    "pale-word-of-code": (
        '<pre>One <span>two</span></pre><pre>One <span style="color: #777">two</span></pre>',
        {WCAG},
    ),
    "link-like-text": (LINK, {WCAG}),
    "pale-when-unfolded": (
        '<details><summary>More</summary><p style="color: #777">Pale</p></details>',
        {WCAG},
    ),
    "scrolls-without-focus": (
        f'<div style="overflow: auto"><pre style="width: 99em">{"word " * 40}</pre></div>',
        {WCAG},
    ),
    "wide-on-a-phone": ('<div style="width: 500px">Wide</div>', {WIDER}),
    "wide-when-unfolded": (
        '<details><summary>More</summary><div style="width: 500px">Wide</div></details>',
        {WIDER},
    ),
    "moves": (MOVES, {SHIFT}),
    "talks": ('<script>console.warn("careful")</script>', {CONSOLE}),
    "fails": ('<script>throw new Error("no")</script>', {CONSOLE}),
    "asks-elsewhere": (
        '<script src="http://127.0.0.1:9/x.js"></script>',
        {FOREIGN, FAILED, CONSOLE},
    ),
    "lacks-a-script": (SCRIPT.format("none.js"), {FAILED, CONSOLE, LINKS}),
    "twice-the-same-id": ('<p id="one">One</p><p id="one">Another</p>', {HTML}),
    "unknown-value": ('<p hidden="true">Hidden</p>', {HTML}),
    "no-such-page": ('<a href="none.html">None</a>', {LINKS}),
    "no-such-anchor": ('<a href="sound.html#none">None</a>', {LINKS}),
    "no-such-anchor-here": ('<a href="#none">None</a>', {LINKS}),
}
SOUND = f"""
<p id="here"><a href="sound.html#here">Here</a>, <a href="https://example.com/">there</a>.</p>
<pre tabindex="0" style="overflow: auto">{"word " * 90}</pre>
{PANEL.format("<p>Hidden</p>")}"""


@pytest.fixture(scope="module")
def faulty(tmp_path_factory: pytest.TempPathFactory) -> list[Figure]:
    """The figures of a site with one fault per page."""
    folder = tmp_path_factory.mktemp("faulty")
    bodies = {name: body for name, (body, _) in FAULTS.items()} | {"sound": SOUND}
    for name, body in bodies.items():
        (folder / f"{name}.html").write_text(PAGE.format(body=body))
    return figures.measure(folder)


@pytest.mark.parametrize("name", [*FAULTS, "sound"])
def test_a_fault_is_found_by_its_figure_and_by_no_other(faulty: list[Figure], name: str) -> None:
    expected = FAULTS[name][1] if name in FAULTS else set()
    missed = [figure for figure in faulty if figure.misses(f"{name}.html")]
    assert {figure.name for figure in missed} == expected, missed


@pytest.fixture(scope="session")
def surveyed(request: pytest.FixtureRequest, site: Site) -> list[Figure]:
    """The figures of the pages that the selected tests are about."""
    names = {item.callspec.params["name"] for item in using(request.session, "surveyed")}
    return figures.measure(site.folder, [f"{name}.html" for name in sorted(names)])


@pytest.mark.parametrize("name", UNLIKE)
def test_a_page_reaches_every_bar(surveyed: list[Figure], name: str) -> None:
    missed = [words for figure in surveyed if (words := figure.misses(f"{name}.html"))]
    assert not missed, "\n".join(missed)


def test_every_page_of_the_api_table_is_valid_and_leads_somewhere(site: Site) -> None:
    names = [f"{name}.html" for name in FAMILY_PAGES]
    links = Links(site.folder)
    faults = figures.invalid(site.folder, names)
    assert {page: [*faults[page], *links.broken(page)] for page in names} == {n: [] for n in names}


def test_every_address_that_was_published_leads_somewhere(site: Site) -> None:
    figure = figures.published(Links(site.folder))
    assert not figure.missed, figure.faults


def test_a_published_address_that_is_gone_is_found(tmp_path: Path) -> None:
    (tmp_path / "tensors.html").write_text(PAGE.format(body='<p id="tensors-indexing">One</p>'))
    faults = figures.published(Links(tmp_path)).faults["record.toml"]
    missing = {fault.what for fault in faults}
    assert "tensors.html#tensors-item-assignment" in missing
    assert "graphs.html" in missing
    assert "tensors.html#tensors-indexing" not in missing


@pytest.mark.parametrize("name", CLAIM_PAGES)
def test_an_axis_page_is_weighed(surveyed: list[Figure], name: str) -> None:
    (weight,) = [figure for figure in surveyed if figure.name == "first visit to an axis page"]
    assert weight.values[f"{name}.html"] > 20_000  # its HTML alone is more


# What readers open, point at or leave out, beyond what every page is checked with.
STATES = {
    "the pages, opened on a phone": (390, "document.getElementById('__navigation').click()"),
    "the contents, opened on a phone": (390, "document.getElementById('__toc').click()"),
    "without scripts": (1280, "document.documentElement.className = 'no-js'"),
    "the other framework": (1280, "document.querySelectorAll('[role=tab]')[1].click()"),
}


@pytest.mark.parametrize("colours", ["light", "dark"])
@pytest.mark.parametrize("state", STATES)
def test_an_axis_page_is_accessible_with(
    site: Site, browser: Browser, state: str, colours: str
) -> None:
    width, change = STATES[state]
    with opened(site, browser, AXIS, width=width, colours=colours, still=True) as visit:
        visit.page.evaluate(change)
        visit.page.evaluate("Promise.all(document.getAnimations().map(one => one.finished))")
        visits.thin(visit.page)
        assert visits.rules_broken(visit.page) == []


def command(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    program = [sys.executable, figures.__file__]
    return subprocess.run(
        [*program, *arguments], capture_output=True, text=True, check=False, timeout=120
    )


def test_the_command_says_what_is_missed_and_fails(tmp_path: Path) -> None:
    (tmp_path / "page.html").write_text(PAGE.format(body='<a href="none.html">None</a>'))
    ran = command(tmp_path)
    assert ran.returncode == 1
    (row,) = [line for line in ran.stdout.splitlines() if "MISSED" in line]
    assert row.startswith(LINKS)
    assert row.endswith("page.html")
    assert ran.stdout.endswith("none.html\n    1 times, such as page.html\n")


def test_the_command_is_content_with_a_sound_site(tmp_path: Path) -> None:
    (tmp_path / "sound.html").write_text(PAGE.format(body=SOUND))
    ran = command(tmp_path)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "MISSED" not in ran.stdout
