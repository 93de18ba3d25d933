"""What must not grow with the square of the claims, and a ledger that is laid out in parts."""

import io
import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest
from browsing import DOCS, Visit, opened, served
from browsing import Site as Served
from claims import overview, wording
from claims.register import Register
from playwright.sync_api import Browser
from sites import PARTS, Site

from snippets._harness import catalogue
from snippets._harness import evidence as ev
from snippets._harness.catalogue import Claim, ClaimReader
from snippets._harness.frontmatter import FrontMatter
from snippets._harness.markup import Block
from snippets._harness.problems import CatalogueError

pytestmark = pytest.mark.filterwarnings("ignore:.*app' is deprecated")

AXES = ("more", "sums")
ALL = ("claims", "status")  # pages about all claims, beside those that every site here has


def site_of(root: Path, claims: int) -> Site:
    """Return a site of ``claims`` claims on each of two axes, with every page that sums them up."""
    site = Site(root)
    for axis in AXES:
        for number in range(claims):
            site.add(f"{axis}/claim-{number}")
        page = site.docs / f"{axis}.md"
        head, _, rest = page.read_text().partition("\n\n")
        page.write_text(f"{head}\n\n```{{verdicts}} {axis}\n```\n\n{rest}")
    for name, directive in zip(ALL, ("ledger", "runs"), strict=True):
        site.write(name, f"# {name.capitalize()}\n\n```{{{directive}}}\n```\n")
    return site


@pytest.fixture
def opens(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """How often each file was opened."""
    counted, before = Counter[str](), io.open

    def count(file: Any, *arguments: Any, **settings: Any) -> Any:
        counted[str(file)] += 1
        return before(file, *arguments, **settings)

    monkeypatch.setattr(io, "open", count)
    return counted


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> Counter[Path]:
    """How often each claim was read from its files, of which none is known from before."""
    counted, before = Counter[Path](), ClaimReader.read

    def count(reader: ClaimReader) -> Claim:
        counted[reader.folder] += 1
        return before(reader)

    monkeypatch.setattr(ClaimReader, "read", count)
    return counted


def test_a_build_reads_each_claim_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, reads: Counter[Path]
) -> None:
    site = site_of(tmp_path, 3)
    reads.clear()
    monkeypatch.setattr(catalogue, "known", {})
    assert site.build(overrides={"extensions": [*PARTS, "machines"]}).warnings == []
    assert set(reads.values()) == {1}
    assert len(reads) == 3 * len(AXES)


def test_more_claims_have_each_file_opened_no_more_often(
    tmp_path: Path, opens: Counter[str]
) -> None:
    most = []
    for claims in (2, 6):
        site = site_of(tmp_path / str(claims), claims)
        opens.clear()
        assert site.build().warnings == []
        parts = (("snippets", "*/*/*.md"), ("_build/evidence", "*/*/*.json"))
        files = [str(path) for below, names in parts for path in (site.root / below).glob(names)]
        assert len(files) == 5 * claims * len(AXES)
        most.append(max(opens[file] for file in files))
    assert most[0] > 0
    assert most[1] == most[0]


def test_a_claim_written_since_it_was_loaded_is_loaded_again(tmp_path: Path) -> None:
    site = site_of(tmp_path, 1)
    register = Register(site.root, site.root / ev.FOLDER)
    before = register.entry("sums/claim-0", "sums")
    assert register.entry("sums/claim-0", "sums") is before
    path = site.path("sums/claim-0", "pytorch")
    kept = path.stat()
    path.write_text(path.read_text().replace("The sum", "Its sums"))
    os.utime(path, ns=(kept.st_atime_ns, kept.st_mtime_ns))
    after = register.entry("sums/claim-0", "sums")
    assert after.claim.snippets[1].blocks[0].text == "Its sums:"
    assert after.evidence.keys() == {"tensorflow"}
    site.prove("sums/claim-0")
    assert register.entry("sums/claim-0", "sums").evidence.keys() == {"tensorflow", "pytorch"}
    articles = site.root / "snippets" / "articles.toml"
    articles.write_text(articles.read_text().replace("primer", "other"))
    with pytest.raises(CatalogueError, match="unknown article 'primer'"):
        register.entry("sums/claim-0", "sums")


NESTED = {
    "index": "# Home\n\n```{toctree}\n:caption: All\n\nsums\nfield\n```\n\n"
    "```{toctree}\n:hidden:\n\nsources\n```\n",
    "field": "# A `field`\n\n## Below it\n\n### Deeper\n\n```{toctree}\n\nmore\nlast\n```\n",
    "last": "# Last\n\n## One\n\n## Two\n\n```{toctree}\n\ninner\n```\n",
    "inner": "# Inner\n\nText.\n",
}


def test_a_navigation_of_titles_alone_is_the_one_that_sphinx_makes(tmp_path: Path) -> None:
    site = site_of(tmp_path, 2)
    for page in ALL:
        (site.docs / f"{page}.md").unlink()
    for page, text in NESTED.items():
        site.write(page, text)
    settings = {"html_theme": "furo", "extensions": PARTS}
    whole = site.build(to="whole", overrides=settings)
    light = site.build(to="light", overrides=settings | {"extensions": [*PARTS, "navigation"]})
    names = sorted(path.relative_to(whole.out) for path in whole.out.rglob("*.html"))
    assert len(names) > len(NESTED)
    for name in names:
        assert (light.out / name).read_text() == (whole.out / name).read_text()
    assert "inner.html" in (light.out / "sums.html").read_text()


def test_sphinx_own_index_is_not_published(tmp_path: Path) -> None:
    site, settings = site_of(tmp_path, 1), {"extensions": [*PARTS, "search"]}
    former = site.build(overrides={"extensions": PARTS}).out / "searchindex.js"
    assert former.exists()
    built = site.build(overrides=settings)
    assert not former.exists()
    assert (built.out / "search-index.js").exists()
    assert (built.out / "_static" / "language_data.js").exists()  # the stemmer


# A ledger in parts.

ROWS = 2_000
STATUS, SIDES = list(wording.STATUS), list(wording.FAVOURS)


def made_up(number: int) -> Claim:
    """Return a claim without files, unlike those of other numbers."""
    favours = SIDES[number % 4]
    source = {"article": f"article-{number % 3}", "said": "So.", "favours": SIDES[number % 3]}
    front = FrontMatter.model_validate({
        "title": f"Claim {number} about {'gradients' if number % 7 == 0 else 'graphs'}",
        "status": STATUS[number % 5], "favours": favours, "sources": [source],
    })  # fmt: skip
    statement = (Block(f"It is so, for the {number % 11}th time. More.", 1, is_code=False),)
    folder = Path("snippets", f"axis-{number % 10}", f"claim-{number}")
    return Claim(folder, front, statement, (), MappingProxyType({}))


CLAIMS = [made_up(number) for number in range(ROWS)]


@pytest.fixture(scope="module")
def long(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A page of a ledger of 2,000 rows, with the site's script and style."""
    folder = tmp_path_factory.mktemp("long")
    rows = [overview._row(claim, f"#{claim.folder.name}") for claim in CLAIMS]
    axes = [(f"axis-{number}", f"Axis {number}") for number in range(10)]
    articles = [(f"article-{number}", f"Article {number}") for number in range(3)]
    filters = (
        ("axis", "Axis", axes),
        ("status", "The claim today", wording.STATUS.items()),
        ("favours", "Favours now", wording.FAVOURS.items()),
        ("article", "Said by", articles),
    )
    for name in ("site.css", "site.js"):
        (folder / name).write_text((DOCS / "_static" / name).read_text())
    head = '<link rel="stylesheet" href="site.css"><script src="site.js"></script>'
    table = overview.ledger(filters, rows, "")["html"]
    page = f'<!DOCTYPE html><html class="no-js"><head>{head}</head><body>{table}</body></html>'
    (folder / "claims.html").write_text(page)
    with served(folder) as site:
        yield site


@pytest.fixture
def visit(long: Served, browser: Browser) -> Iterator[Visit]:
    with opened(long, browser, "claims.html") as visit:
        yield visit
        assert visit.console == []


SHOWN = """() => [...document.querySelectorAll('#ledger tbody:not([hidden]) tr:not([hidden]) a')]
    .map(link => link.textContent)"""
FILTERS: dict[str, dict[str, str]] = {
    "a word": {"q": "gradients"},
    "words in any order": {"q": "GRADIENTS claim 1"},
    "a word of the answer": {"q": "10th"},
    "an axis": {"axis": "axis-3"},
    "what became of it": {"status": "never"},
    "a side": {"favours": "tie"},
    "an article": {"article": "article-2"},
    "all of it": {"q": "graphs", "axis": "axis-1", "status": "partly", "article": "article-0"},
    "what nothing fits": {"q": "no such words"},
}


def fits(claim: Claim, wanted: dict[str, str]) -> bool:
    row = overview._row(claim, "")
    text = " ".join(row[key] for key in ("title", "answer", "then", "now", "today", "axis_title"))
    return (
        all(word in text.lower() for word in wanted.get("q", "").lower().split())
        and wanted.get("axis", row["axis"]) == row["axis"]
        and wanted.get("status", row["status"]) == row["status"]
        and wanted.get("favours", row["favours"]) == row["favours"]
        and wanted.get("article", row["articles"]) == row["articles"]
    )


def choose(visit: Visit, wanted: dict[str, str]) -> None:
    for name, value in wanted.items():
        field = visit.page.locator(f'.ledger-filter [name="{name}"]')
        field.fill(value) if name == "q" else field.select_option(value)


@pytest.mark.parametrize("case", FILTERS)
def test_a_long_ledger_shows_the_rows_that_fit_and_no_others(visit: Visit, case: str) -> None:
    wanted = FILTERS[case]
    expected = [claim.front.title for claim in CLAIMS if fits(claim, wanted)]
    assert len(expected) < ROWS
    choose(visit, wanted)
    assert visit.page.evaluate(SHOWN) == expected
    said = visit.page.locator(".ledger-filter [role=status]").inner_text()
    assert said == f"{len(expected)} of {ROWS} claims"
    visit.page.get_by_role("button", name="Show all").click()
    visit.page.wait_for_function(f"() => ({SHOWN})().length === {ROWS}")


def test_a_long_ledger_sorts_over_its_parts_and_back(visit: Visit) -> None:
    choose(visit, {"axis": "axis-4"})
    first = [claim.front.title for claim in CLAIMS if fits(claim, {"axis": "axis-4"})]
    heading = visit.page.get_by_role("columnheader", name="Now").get_by_role("button")
    sides = {claim.front.title: wording.FAVOURS[claim.front.favours] for claim in CLAIMS}
    for sign in (1, -1):
        heading.click()
        shown = visit.page.evaluate(SHOWN)
        found = [sides[title].lower() for title in shown]
        assert found == sorted(found, reverse=sign < 0)
        assert sorted(shown) == sorted(first)
    heading.click()
    assert visit.page.evaluate(SHOWN) == first


def test_a_long_ledger_is_a_table_to_assistive_technology(visit: Visit) -> None:
    choose(visit, {"q": "claim 1999"})
    row = visit.page.get_by_role("table").get_by_role("row").filter(has_text="Claim 1999")
    assert row.get_by_role("rowheader").count() == 1
    assert row.get_by_role("cell").count() == 5
    assert visit.page.get_by_role("columnheader").count() == 6


def test_a_row_far_down_a_long_ledger_can_be_reached(visit: Visit) -> None:
    visit.page.get_by_role("link", name="Claim 1999 about").focus()
    assert visit.page.evaluate("() => scrollY") > 1_000
    assert visit.page.get_by_role("link", name="Claim 1999 about").is_visible()


def test_a_long_ledger_shows_all_without_scripts(long: Served, browser: Browser) -> None:
    with opened(long, browser, "claims.html", scripts=False) as visit:
        assert visit.page.locator("#ledger tbody tr").count() == ROWS
        assert visit.page.get_by_role("link", name="Claim 1999 about").is_visible()
        assert not visit.page.locator(".ledger-filter").is_visible()


def test_what_is_no_long_ledger_stays_a_plain_table() -> None:
    rows = [overview._row(claim, "") for claim in CLAIMS[: overview.LONG]]
    table = overview.ledger((), rows, "")["html"]
    assert table.count("<tbody>") == 1
    assert 'role="row"' not in table
