"""Reading in a real browser: choosing a framework or both, copying, filtering, printing."""

import ast
import json
import re
from collections.abc import Iterator
from urllib.parse import parse_qs, urlsplit

import pytest
from browsing import Site, Visit, opened
from playwright.sync_api import Browser, Locator, Page

PAGE = "graphs.html"  # has claims with a third tab
FRAMEWORKS = {"tensorflow": "TensorFlow", "pytorch": "PyTorch"}
WIDE, WIDEST, PHONE = 1280, 1680, 390


@pytest.fixture
def visit(site: Site, browser: Browser) -> Iterator[Visit]:
    """An axis page, opened by someone who was never here."""
    with opened(site, browser, PAGE) as visit:
        yield visit


@pytest.fixture
def page(visit: Visit) -> Page:
    return visit.page


def shown(page: Page) -> set[str]:
    """Return which frameworks' panels are in sight, anywhere on the page."""
    panels = page.locator(".sphinx-tabs-panel:visible").all()
    return {str(panel.get_attribute("data-framework")) for panel in panels}


def control(page: Page, label: str) -> Locator:
    return page.locator(".view-control").get_by_label(label)


def choose(page: Page, label: str) -> None:
    page.locator(".view-control").get_by_text(label, exact=True).click()


def third(page: Page) -> Locator:
    """Return the tabs of the first claim that has one beyond the two frameworks."""
    return page.locator(".sphinx-tabs:has([role=tab][data-framework=tensorflow1])").first


def top(part: Locator) -> float:
    return float(part.evaluate("one => one.getBoundingClientRect().top"))


def scroll_to(part: Locator) -> None:
    part.evaluate("one => one.scrollIntoView({ behavior: 'instant' })")


# Choosing.


def test_a_first_visit_shows_one_framework_in_every_claim(page: Page) -> None:
    assert shown(page) == {"tensorflow"}
    assert control(page, "TensorFlow").is_checked()


@pytest.mark.parametrize(
    ("label", "frameworks"),
    [("PyTorch", {"pytorch"}), ("side by side", {"tensorflow", "pytorch"})],
)
def test_the_control_switches_every_claim(page: Page, label: str, frameworks: set[str]) -> None:
    choose(page, label)
    assert shown(page) == frameworks
    groups = page.locator(".sphinx-tabs").count()
    selected = page.locator("[role=tab][aria-selected=true]")
    assert selected.count() == groups * len(frameworks)


def test_a_tab_switches_every_claim_and_the_control(page: Page) -> None:
    page.get_by_role("tab", name="PyTorch", exact=True).nth(3).click()
    assert shown(page) == {"pytorch"}
    assert control(page, "PyTorch").is_checked()


@pytest.mark.parametrize("label", ["PyTorch", "side by side"])
def test_a_choice_is_remembered_across_visits(page: Page, site: Site, label: str) -> None:
    choose(page, label)
    before = shown(page)
    page.context.storage_state()
    page.close()
    again = page.context.new_page()  # a session of its own
    again.goto(site.page("models"))
    assert shown(again) == before


def test_a_third_tab_changes_one_claim_and_is_not_remembered(page: Page, site: Site) -> None:
    choose(page, "PyTorch")
    group = third(page)
    group.get_by_role("tab", name="TensorFlow 1.x").click()
    visible = group.locator(".sphinx-tabs-panel:visible")
    assert [one.get_attribute("data-framework") for one in visible.all()] == ["tensorflow1"]
    assert shown(page) == {"pytorch", "tensorflow1"}
    page.goto(site.page("graphs"))
    assert shown(page) == {"pytorch"}


def test_from_a_third_tab_one_returns_to_both(page: Page) -> None:
    choose(page, "side by side")
    group = third(page)
    group.get_by_role("tab", name="TensorFlow 1.x").click()
    group.get_by_role("tab", name="PyTorch", exact=True).click()
    assert shown(page) == {"tensorflow", "pytorch"}


@pytest.mark.parametrize(
    ("tab", "frameworks"), [("pytorch", {"pytorch"}), ("both", {"tensorflow", "pytorch"})]
)
def test_an_address_may_choose_and_is_not_remembered(
    page: Page, site: Site, tab: str, frameworks: set[str]
) -> None:
    page.goto(f"{site.page('graphs')}?tab={tab}")
    assert shown(page) == frameworks
    page.goto(site.page("graphs"))
    assert shown(page) == {"tensorflow"}


def test_choosing_after_an_address_chose_stays_chosen_when_reloaded(page: Page, site: Site) -> None:
    page.goto(f"{site.page('graphs')}?tab=both")
    choose(page, "PyTorch")
    page.reload()
    assert shown(page) == {"pytorch"}


def test_an_address_may_open_a_third_tab_of_the_claim_it_names(page: Page, site: Site) -> None:
    claim = page.locator(".claim:has([data-framework=tensorflow1])").first.get_attribute("id")
    page.goto(f"{site.page('graphs')}?tab=tensorflow1#{claim}")
    visible = page.locator(f"#{claim} .sphinx-tabs-panel:visible")
    assert visible.get_attribute("data-framework") == "tensorflow1"
    assert shown(page) == {"tensorflow", "tensorflow1"}


@pytest.mark.parametrize("tab", ["", "nonsense", "%22%5D"])
def test_an_address_that_chooses_nothing_there_is_changes_nothing(
    page: Page, site: Site, tab: str
) -> None:
    page.goto(f"{site.page('graphs')}?tab={tab}#graphs-lazy-addition")
    assert shown(page) == {"tensorflow"}


def test_a_browser_that_refuses_to_remember_still_switches(site: Site, browser: Browser) -> None:
    with opened(site, browser, "404.html") as visit:
        forbid = "Object.defineProperty(window, 'localStorage', { get() { throw new Error() } })"
        visit.page.add_init_script(forbid)
        visit.console.clear()
        visit.page.goto(site.page("graphs"))
        choose(visit.page, "PyTorch")
        assert shown(visit.page) == {"pytorch"}


# Side by side.

COLUMNS = """() => [...document.querySelectorAll('.sphinx-tabs')].map(group => {
  const rect = selector => group.querySelector(selector).getBoundingClientRect();
  const [a, b] = ['tensorflow', 'pytorch'].map(name => `[data-framework=${name}]`);
  return {
    tabs: [rect(`.sphinx-tabs-tab${a}`), rect(`.sphinx-tabs-tab${b}`)],
    panels: [rect(`.sphinx-tabs-panel${a}`), rect(`.sphinx-tabs-panel${b}`)],
    wide: [...group.querySelectorAll('pre')].filter(one => one.scrollWidth > one.clientWidth),
  };
})"""


@pytest.mark.parametrize("width", [WIDE, WIDEST])
def test_side_by_side_is_two_columns_that_line_up(site: Site, browser: Browser, width: int) -> None:
    with opened(site, browser, f"{PAGE}?tab=both", width=width) as visit:
        groups = visit.page.evaluate(COLUMNS)
        assert visit.page.evaluate("document.documentElement.scrollWidth") <= width
    assert groups
    for group in groups:
        left, right = group["panels"]
        assert left["top"] == right["top"]
        assert left["width"] == pytest.approx(right["width"], abs=1)
        assert left["right"] < right["left"]
        assert right["right"] <= width
        for tab, panel in zip(group["tabs"], group["panels"], strict=True):
            assert tab["left"] == pytest.approx(panel["left"], abs=1)
            assert tab["bottom"] <= panel["top"] + 2
        assert group["wide"] == []  # no code scrolls sideways


@pytest.mark.parametrize("width", [PHONE, 768])
def test_on_narrow_screens_side_by_side_is_one_below_the_other(
    site: Site, browser: Browser, width: int
) -> None:
    with opened(site, browser, f"{PAGE}?tab=both", width=width) as visit:
        for group in visit.page.evaluate(COLUMNS):
            above, below = group["panels"]
            assert above["bottom"] <= below["top"]
            assert above["left"] == below["left"]
        names = visit.page.locator(".panel-name:visible")
        assert set(names.all_inner_texts()) == {"TensorFlow", "PyTorch"}
        assert visit.page.evaluate("document.documentElement.scrollWidth") <= width


# Nothing jumps.


@pytest.mark.parametrize("width", [WIDE, PHONE])
def test_the_tab_that_was_clicked_stays_where_it_is(
    site: Site, browser: Browser, width: int
) -> None:
    with opened(site, browser, PAGE, width=width) as visit:
        tab = visit.page.get_by_role("tab", name="PyTorch", exact=True).nth(9)
        scroll_to(tab.locator("xpath=../.."))
        before = top(tab)
        tab.evaluate("one => one.click()")
        assert top(tab) == pytest.approx(before, abs=1)
        assert shown(visit.page) == {"pytorch"}


@pytest.mark.parametrize("width", [WIDE, PHONE])
@pytest.mark.parametrize("label", ["PyTorch", "side by side"])
def test_the_claim_in_sight_stays_where_it_is(
    site: Site, browser: Browser, width: int, label: str
) -> None:
    with opened(site, browser, PAGE, width=width) as visit:
        claim = visit.page.locator(".claim").nth(8)
        scroll_to(claim)
        before = top(claim)
        choose(visit.page, label)
        assert top(claim) == pytest.approx(before, abs=1)


# By keyboard.


def focused(page: Page) -> str:
    return str(page.evaluate("document.activeElement.textContent"))


def test_arrows_home_and_end_move_among_the_tabs(page: Page) -> None:
    group = third(page)
    group.get_by_role("tab", name="TensorFlow", exact=True).focus()
    moves = [
        ("ArrowRight", "PyTorch"),
        ("ArrowRight", "TensorFlow 1.x"),
        ("ArrowRight", "TensorFlow"),  # around the end
        ("ArrowLeft", "TensorFlow 1.x"),
        ("Home", "TensorFlow"),
        ("End", "TensorFlow 1.x"),
    ]
    for key, label in moves:
        page.keyboard.press(key)
        assert focused(page) == label
        assert group.locator("[aria-selected=true]").all_inner_texts() == [label]
        assert group.locator("[tabindex='0'][role=tab]").all_inner_texts() == [label]


def test_with_both_in_sight_arrows_move_and_enter_chooses(page: Page) -> None:
    choose(page, "side by side")
    group = page.locator(".sphinx-tabs").first
    group.get_by_role("tab").first.focus()
    page.keyboard.press("ArrowRight")
    assert focused(page) == "PyTorch"
    assert shown(page) == {"tensorflow", "pytorch"}
    page.keyboard.press("Enter")
    assert shown(page) == {"pytorch"}


def test_the_control_works_by_keyboard(page: Page) -> None:
    control(page, "TensorFlow").focus()
    page.keyboard.press("ArrowRight")
    assert shown(page) == {"pytorch"}
    page.keyboard.press("ArrowRight")
    assert shown(page) == {"tensorflow", "pytorch"}


@pytest.mark.parametrize(
    "selector",
    ["[role=tab]", ".view-control label", ".claim-tools button", ".claim-evidence summary"],
)
def test_what_has_the_focus_is_outlined(page: Page, selector: str) -> None:
    part = page.locator(selector).first
    part.evaluate("one => (one.control ?? one).focus({ focusVisible: true })")
    outline = part.evaluate(
        "one => getComputedStyle(one).outlineStyle + getComputedStyle(one).outlineWidth"
    )
    assert outline == "solid2px"


# Without scripts, and on paper.


@pytest.fixture(params=["without scripts", "in print"])
def plain(request: pytest.FixtureRequest, site: Site, browser: Browser) -> Iterator[Page]:
    """An axis page as those have it who run no scripts, and as it is printed."""
    scripts = request.param == "in print"
    with opened(
        site, browser, f"{PAGE}?tab=pytorch" if scripts else PAGE, scripts=scripts
    ) as visit:
        visit.page.emulate_media(media="print" if scripts else "screen")
        yield visit.page


def test_every_panel_shows_under_the_name_of_its_framework(plain: Page) -> None:
    panels = plain.locator(".sphinx-tabs-panel")
    assert panels.count() > 40
    assert panels.count() == plain.locator(".sphinx-tabs-panel:visible").count()
    for panel in panels.all()[:6]:
        name, framework = panel.locator(".panel-name"), str(panel.get_attribute("data-framework"))
        assert name.is_visible()
        assert name.inner_text() == FRAMEWORKS.get(framework, "TensorFlow 1.x")


def test_what_would_do_nothing_is_not_shown(plain: Page) -> None:
    for selector in ("[role=tablist]", ".view-control", ".claim-tools button"):
        assert plain.locator(f"{selector}:visible").count() == 0


def test_the_ledger_is_a_plain_table_without_scripts(site: Site, browser: Browser) -> None:
    with opened(site, browser, "claims.html", scripts=False) as visit:
        assert visit.page.locator(".ledger tbody tr:visible").count() > 150
        assert visit.page.locator(".ledger-filter:visible, .ledger button").count() == 0


# Copying.


def clipboard(page: Page) -> str:
    return str(page.evaluate("navigator.clipboard.readText()"))


def test_copying_both_gives_code_that_parses_under_the_frameworks_names(page: Page) -> None:
    claim = page.locator(".claim:has(.sphinx-tabs)").first
    button = claim.locator("[data-copy=code]")
    button.click()
    page.wait_for_function("one => one.textContent === 'Copied'", arg=button.element_handle())
    copied = clipboard(page)
    ast.parse(copied)
    assert re.findall("^# (.*)$", copied, re.MULTILINE)[:2] == ["TensorFlow", "PyTorch"]
    assert "import tensorflow" in copied
    assert "import torch" in copied
    assert ">>>" not in copied


@pytest.mark.parametrize("label", ["TensorFlow", "PyTorch", "side by side"])
def test_a_copied_link_shows_what_the_reader_saw(page: Page, label: str) -> None:
    choose(page, label)
    claim = page.locator(".claim:has(.sphinx-tabs)").nth(4)
    claim.locator("[data-copy=link]").click()
    page.wait_for_timeout(50)
    link, before = clipboard(page), shown(page)
    assert urlsplit(link).fragment == claim.get_attribute("id")
    page.evaluate("localStorage.clear()")
    page.goto("about:blank")
    page.goto(link)
    assert shown(page) == before


def test_copying_is_told_to_those_who_listen(page: Page) -> None:
    page.locator("[data-copy=link]").first.click()
    page.locator("#said[role=status]", has_text="Copy link: Copied").wait_for(state="attached")


def test_a_browser_that_refuses_to_copy_is_told_of(site: Site, browser: Browser) -> None:
    with opened(site, browser, "404.html") as visit:
        refuse = "navigator.clipboard.writeText = () => Promise.reject(new Error('no'))"
        visit.page.add_init_script(refuse)
        visit.page.goto(site.page("graphs"))
        button = visit.page.locator("[data-copy=link]").first
        button.click()
        visit.page.get_by_role("button", name="The browser refused").wait_for()


# The ledger.


@pytest.fixture
def ledger(site: Site, browser: Browser) -> Iterator[Page]:
    with opened(site, browser, "claims.html") as visit:
        yield visit.page


def visible(page: Page) -> list[str]:
    return page.locator(".ledger tbody tr:visible a").all_inner_texts()


def record(page: Page, key: str) -> list[str]:
    rows = page.locator(".ledger tbody tr:visible")
    return rows.evaluate_all("(rows, key) => rows.map(row => row.dataset[key])", key)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("axis", "data-loading"),
        ("status", "outdated"),
        ("favours", "pytorch"),
        ("article", "hannun"),
    ],
)
def test_the_ledger_filters_by(ledger: Page, field: str, value: str) -> None:
    every = len(visible(ledger))
    ledger.locator(f".ledger-filter [name={field}]").select_option(value)
    left = visible(ledger)
    assert 0 < len(left) < every
    assert all(value in found.split() for found in record(ledger, field))
    assert parse_qs(urlsplit(ledger.url).query) == {field: [value]}
    assert (
        ledger.locator(".ledger-filter [role=status]").inner_text()
        == f"{len(left)} of {every} claims"
    )
    ledger.goto(ledger.url)  # a view that can be linked
    assert visible(ledger) == left


def test_the_ledger_filters_by_words_in_any_order(ledger: Page) -> None:
    ledger.locator(".ledger-filter [name=q]").fill("TENSOR element")
    left = visible(ledger)
    assert "Assigning to one element of a tensor" in left
    assert len(left) < 20


def test_filters_join_and_are_taken_back(ledger: Page) -> None:
    every = visible(ledger)
    ledger.locator("[name=axis]").select_option("graphs")
    ledger.locator("[name=favours]").select_option("pytorch")
    ledger.locator(".ledger-filter [name=q]").fill("compiled")
    assert 0 < len(visible(ledger)) < 5
    ledger.get_by_role("button", name="Show all").click()
    ledger.wait_for_function("() => !location.search")
    assert visible(ledger) == every


def test_the_ledger_sorts_up_down_and_back(ledger: Page) -> None:
    before = visible(ledger)
    heading = ledger.locator(".ledger thead th").first
    sorting = []
    for _ in range(3):
        heading.get_by_role("button").click()
        sorting.append((heading.get_attribute("aria-sort"), visible(ledger)))
    assert [order for order, _ in sorting] == ["ascending", "descending", None]
    up, down, back = (titles for _, titles in sorting)
    assert (
        up == sorted(before, key=lambda title: re.sub(r"\W", "", title).lower()) or up[0] < up[-1]
    )
    assert sorted(up) == sorted(before)
    assert down[0] == up[-1]
    assert back == before


def test_seconds_sort_as_numbers(site: Site, browser: Browser) -> None:
    with opened(site, browser, "status.html") as visit:
        table = visit.page.locator("table.sortable").last
        table.locator("thead th", has_text="Seconds").get_by_role("button").click()
        cells = table.locator("tbody tr td:nth-child(5)").all_inner_texts()
    seconds = [float(text) for text in cells]
    assert seconds == sorted(seconds)


# Before anything is drawn.

# Notes what a frame shows, from the first with a body on.
FRAMES = """(() => {
  window.frames_seen = [];
  const look = () => {
    if (document.body) window.frames_seen.push(getComputedStyle(document.body).backgroundColor);
    if (window.frames_seen.length < 30) requestAnimationFrame(look);
  };
  look();
})()"""


@pytest.mark.parametrize(("system", "chosen"), [("light", "dark"), ("dark", "light")])
def test_the_chosen_theme_never_flashes(
    site: Site, browser: Browser, system: str, chosen: str
) -> None:
    with opened(site, browser, "404.html", colours=system) as visit:
        visit.page.evaluate(f"localStorage.setItem('theme', {json.dumps(chosen)})")
        visit.page.add_init_script(FRAMES)
        visit.page.goto(site.page("graphs"))
        visit.page.wait_for_function("() => window.frames_seen.length >= 30")
        seen = set(visit.page.evaluate("window.frames_seen"))
    assert len(seen) == 1
    brightness = [int(number) for number in re.findall(r"\d+", seen.pop())[:3]]
    assert (sum(brightness) > 384) == (chosen == "light")


def test_motion_is_left_out_for_those_who_ask(site: Site, browser: Browser) -> None:
    with opened(site, browser, PAGE) as visit:
        behaviour = "getComputedStyle(document.documentElement).scrollBehavior"
        visit.page.emulate_media(reduced_motion="reduce")
        assert visit.page.evaluate(behaviour) == "auto"
