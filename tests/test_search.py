"""The search: twenty readers' questions in a real browser, and the index that answers them."""

import json
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from axe_playwright_python.sync_playwright import Axe
from browsing import Site, opened
from bs4 import BeautifulSoup
from helpers import claim_text, snippet
from playwright.sync_api import Browser, Page
from search import stem
from sites import PARTS
from sites import Site as Project
from test_browser import lands_at

pytestmark = pytest.mark.filterwarnings("ignore:.*app' is deprecated")

ASKED = tomllib.loads(Path(__file__).with_name("search-queries.toml").read_text())["query"]
FIRST = 19  # of the twenty that find an answer in the first place, as measured

RESULTS = """() => [...document.querySelectorAll('#search-results li')].map(item => [
  item.querySelector('a').getAttribute('href'),
  ...[...item.children].map(part => part.textContent),
])"""


@pytest.fixture(scope="module")
def page(site: Site, browser: Browser) -> Iterator[Page]:
    """The search page, on which everything of this module is typed."""
    with opened(site, browser, "search.html") as visit:
        yield visit.page
        assert visit.console == []
        assert visit.failed == []
        assert visit.foreign == []


def results(page: Page, text: str) -> list[list[str]]:
    """Type a query and return the link, title, kind and summary of each result."""
    page.locator("#search-query").fill(text)
    found: list[list[str]] = page.evaluate(RESULTS)
    return found


def answers(query: dict[str, Any]) -> set[str]:
    """Return the ends of the links that answer a query: anchors, or a page."""
    pages = {f"{query['page']}.html"} if "page" in query else set()
    return pages | {"#" + claim.replace("/", "-") for claim in query.get("claims", ())}


def rank(page: Page, query: dict[str, Any]) -> int:
    """Return the place of the first answer, or one behind all."""
    links = [link for link, *_ in results(page, query["text"])]
    wanted = tuple(answers(query))
    places = [place for place, link in enumerate(links, 1) if link.endswith(wanted)]
    return places[0] if places else len(links) + 100


@pytest.mark.parametrize("query", ASKED, ids=lambda query: query["text"])
def test_an_answer_is_among_the_first_three_results(page: Page, query: dict[str, Any]) -> None:
    assert rank(page, query) <= 3


def test_nearly_every_question_is_answered_by_the_first_result(page: Page) -> None:
    assert sum(rank(page, query) == 1 for query in ASKED) >= FIRST


def test_a_result_leads_to_the_claim_and_says_its_axis_and_its_answer(
    site: Site, page: Page
) -> None:
    link, title, kind, summary = results(page, "data loading workers num_workers")[0]
    address, anchor = link.split("#")
    soup = BeautifulSoup((site.folder / address).read_text(), "html.parser")
    claim = soup.find(id=anchor)
    assert claim is not None
    text = " ".join(claim.get_text().split())
    assert text.startswith(title)
    assert kind == "Data loading · claim"
    assert summary in text
    assert summary.endswith((".", "?", "…"))


def test_every_result_leads_to_a_place_that_is_there(site: Site, page: Page) -> None:
    anchors: dict[str, set[str]] = {}
    for link in {link for query in ASKED for link, *_ in results(page, query["text"])}:
        address, _, anchor = link.partition("#")
        if address not in anchors:
            soup = BeautifulSoup((site.folder / address).read_text(), "html.parser")
            anchors[address] = {"", *(str(tag["id"]) for tag in soup.find_all(id=True))}
        assert anchor in anchors[address]


@pytest.mark.parametrize(
    ("text", "anchor"),
    [
        ("optimizers in the box", "training-optimisers-included"),  # American
        ("batch normalization on several devices", "distributed-batch-statistics"),
        ("freezing", "models-freezing-layers"),
        ("freez", "models-freezing-layers"),  # not typed to the end
        ("FREEZING LAYERS!", "models-freezing-layers"),
        ("higher derivativs", "coverage-higher-derivatives"),  # misspelt
        ("what is higher derivatives of the", "coverage-higher-derivatives"),
    ],
)
def test_a_word_is_found_in_other_forms(page: Page, text: str, anchor: str) -> None:
    assert results(page, text)[0][0].endswith(f"#{anchor}")


@pytest.mark.parametrize("text", ["the", "qqqqzz", "..."])
def test_a_query_without_an_answer_says_so(page: Page, text: str) -> None:
    assert results(page, text) == []
    assert page.locator("#search-status").inner_text() == f"No results for “{text}”"


def test_an_empty_query_says_nothing(page: Page) -> None:
    assert results(page, "  ") == []
    assert page.locator("#search-status").inner_text() == ""


def test_names_of_javascript_itself_are_words_like_others(page: Page) -> None:
    assert all("·" in kind or kind == "Page" for *_, kind, _ in results(page, "constructor"))
    assert results(page, "hasOwnProperty") == results(page, "hasownproperty")


def test_a_query_is_shown_as_text(page: Page) -> None:
    text = "<img src=x onerror=alert(1)>"
    results(page, text)
    assert text in page.locator("#search-status").inner_text()
    assert page.locator("article img").count() == 0


def test_the_browser_makes_the_stems_that_the_index_has(page: Page) -> None:
    words = sorted({word.lower() for query in ASKED for word in query["text"].split()})
    words += ["optimizers", "gradient_accumulation_steps", "batches", "generally", "dying"]
    made = page.evaluate("words => words.map(word => new Stemmer().stemWord(word))", words)
    assert made == [stem(word) for word in words]


def test_the_keyboard_alone_leads_from_any_page_to_a_claim(site: Site, browser: Browser) -> None:
    with opened(site, browser, "training.html") as visit:
        visit.page.locator(".sidebar-search").focus()
        visit.page.keyboard.type("item assignment")
        visit.page.keyboard.press("Enter")
        visit.page.wait_for_selector("#search-results a")
        assert urlsplit(visit.page.url).path == "/search.html"
        assert visit.page.locator("#search-query").input_value() == "item assignment"
        visit.page.locator("#search-query").focus()
        for _ in range(3):  # past the two buttons
            visit.page.keyboard.press("Tab")
        visit.page.keyboard.press("Enter")
        visit.page.wait_for_url("**/tensors.html#tensors-item-assignment")
        lands_at(visit.page, "tensors-item-assignment")
        assert visit.console == []


def test_a_submitted_query_is_in_the_address(site: Site, browser: Browser) -> None:
    with opened(site, browser, "search.html?q=fft") as visit:
        assert visit.page.locator("#search-results a").count() > 0
        visit.page.locator("#search-query").fill("mixed precision")
        visit.page.keyboard.press("Enter")
        visit.page.reload()
        assert visit.page.locator("#search-query").input_value() == "mixed precision"


@pytest.mark.parametrize("colours", ["light", "dark"])
def test_results_are_accessible_and_fit_a_phone(site: Site, browser: Browser, colours: str) -> None:
    with opened(site, browser, "search.html?q=tf.gather", width=390, colours=colours) as visit:
        visit.page.wait_for_selector("#search-results li")
        assert visit.page.evaluate("document.documentElement.scrollWidth") <= 390
        rules = {"runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21aa"]}}
        found = Axe().run(visit.page, context="article", options=rules)
        assert found.violations_count == 0, found.generate_report()
        assert visit.page.get_by_role("status").inner_text().endswith("results for “tf.gather”")


def test_without_scripts_the_page_says_so(site: Site, browser: Browser) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(site.page("search"))
    assert "JavaScript" in page.locator("article noscript").inner_text()
    if (site.folder / "claims.html").exists():
        assert page.locator("article noscript a").get_attribute("href") == "claims.html"
    context.close()


# The index, of made-up projects.

Places = dict[str, tuple[str, set[str]]]  # link -> title, stems


def read(folder: Path) -> Places:
    """Return the places of an index by their links."""
    text = (folder / "search-index.js").read_text()
    index = json.loads(text.removeprefix("window.searchIndex="))
    found: Places = {}
    for number, (page, title, anchor, _) in enumerate(index["places"]):
        terms = index["terms"].items()
        here = {name for name, strengths in terms if any(number in each for each in strengths)}
        found[f"{index['pages'][page][0]}#{anchor}"] = (title, here)
    return found


@pytest.fixture
def project(tmp_path: Path) -> Project:
    made = Project(tmp_path / "project")
    made.add("sums/mutable", pytorch=snippet(">>> torch.item_select(2)\n'printed'\n"))
    made.add("sums/other", claim=claim_text("Nobody denies it.\n", title="Unlike the first"))
    return made


@pytest.fixture
def build(project: Project) -> Callable[..., Path]:
    """Build the project with the search among its extensions; return where the pages are."""

    def build(to: str = "_out", **settings: Any) -> Path:
        overrides = {"extensions": [*PARTS, "search"]}
        built = project.build(to, overrides=overrides, **settings)
        assert built.warnings == []
        return built.out

    return build


def test_a_claim_is_found_by_its_title_statement_and_code_but_not_by_output(
    build: Callable[..., Path],
) -> None:
    places = read(build())
    title, stems = places["sums.html#sums-mutable"]
    assert title == "One and one"
    assert {"one", "make", "torch", stem("item_select")} <= stems
    assert "print" not in stems
    assert stem("denies") in places["sums.html#sums-other"][1] - places["sums.html#"][1]


def test_an_error_message_is_found(project: Project, build: Callable[..., Path]) -> None:
    code = (
        ">>> [][0]\nTraceback (most recent call last):\n...\nIndexError: list index out of range\n"
    )
    project.add("sums/fails", pytorch=snippet(code))
    assert {"indexerror", "rang"} <= read(build())["sums.html#sums-fails"][1]


def test_what_is_not_to_be_searched_is_left_out(
    project: Project, build: Callable[..., Path]
) -> None:
    text = "# A page\n\nSeen.\n\n:::{container} no-search\nHidden.\n:::\n\n% Commented.\n"
    project.write("page", text)
    assert read(build())["page.html#"][1] == {"page", "seen"}


def test_a_page_without_a_title_is_no_place(project: Project, build: Callable[..., Path]) -> None:
    (project.docs / "deep").mkdir()
    project.write("deep/bare", "---\norphan: true\n---\n\nNo title.\n")
    assert {link.partition("#")[0] for link in read(build())} == {
        "index.html",
        "sums.html",
        "sources.html",
    }


def test_only_the_places_of_an_edited_claim_change(
    project: Project, build: Callable[..., Path]
) -> None:
    before = read(build())
    claim = project.root / "snippets" / "sums" / "other" / "claim.md"
    claim.write_text(claim.read_text().replace("denies", "doubts"))
    project.prove("sums/other")
    after = read(build())
    assert {link for link in before if before[link] != after[link]} == {"sums.html#sums-other"}
    assert stem("doubts") in after["sums.html#sums-other"][1]


def test_a_page_that_is_gone_is_no_longer_found(
    project: Project, build: Callable[..., Path]
) -> None:
    project.write("page", "# A page\n")
    assert "page.html#" in read(build())
    (project.docs / "page.md").unlink()
    assert "page.html#" not in read(build())


def test_two_builds_give_the_same_index_also_in_parallel(
    project: Project, build: Callable[..., Path]
) -> None:
    for name in "abcdefgh":  # enough pages for Sphinx to read them in parallel
        project.write(name, f"# Page {name}\n\nText of {name}.\n")
    one, other = build("_one"), build("_two", parallel=2)
    assert (one / "search-index.js").read_bytes() == (other / "search-index.js").read_bytes()
