"""What sums all claims up: axes, the picture, ledger, runs, footers and links to the source."""

import datetime
import re
import subprocess
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from bs4 import Tag
from helpers import ARTICLES, claim_text
from sites import Built, Site, text_of

from snippets._harness import evidence as ev

pytestmark = pytest.mark.filterwarnings("ignore:.*app' is deprecated")

TEMPLATES = str(Path(__file__).parents[1] / "docs" / "_templates")
PAGE = "# All\n\n```{turned}\n```\n\n```{ledger}\n```\n\n```{runs}\n```\n"
DAY = datetime.datetime(2026, 11, 21, 9, 5, 7, tzinfo=datetime.UTC)
REPOSITORY = "https://example.org/us/it"
# Id, status and whom it favours now; whom the articles favoured then.
CLAIMS: tuple[tuple[str, str, str, tuple[str, ...]], ...] = (
    ("sums/one", "holds", "pytorch", ("pytorch",)),
    ("sums/two", "outdated", "pytorch", ("tensorflow",)),
    ("sums/three", "partly", "tensorflow", ("tensorflow",)),
    ("sums/four", "holds", "tie", ("tensorflow", "pytorch")),
    ("more/five", "holds", "none", ()),
    ("data-loading/six", "never", "tie", ("pytorch",)),
)


def claim(claim_id: str, status: str, favours: str, then: tuple[str, ...]) -> str:
    said = [
        {"article": article, "said": "So it is.", "favours": one}
        for article, one in zip(("primer", "second"), then, strict=False)
    ]
    keys: dict[str, Any] = {"kind": "claim" if then else "ours", "sources": said or None}
    if claim_id == "more/five":
        keys["needs"] = ["gpu"]
    statement = f"Yes, `{claim_id}` *is*. It was [checked](https://example.org).\n"
    title = f"Is `{claim_id}` so?"
    return claim_text(statement, title=title, status=status, favours=favours, **keys)


@pytest.fixture(scope="module")
def tour(tmp_path_factory: pytest.TempPathFactory) -> Built:
    """A site of six claims on three axes, with all overviews on one page."""
    site = Site(tmp_path_factory.mktemp("overview") / "project")
    for facts in CLAIMS:
        site.add(facts[0], prove=False, claim=claim(*facts))
    second = '[second]\ntitle = "A second look"\nyear = 2023\n'
    (site.root / "snippets" / "articles.toml").write_text(f"{ARTICLES}\n{second}")
    for claim_id, *_ in CLAIMS:
        site.prove(claim_id, seconds=float(len(claim_id)), time=DAY)
    site.prove("more/five", "pytorch", outcome="not run", reason="needs a GPU")
    told = {"deprecations": {4: "old() goes; use <new>"}, "time": DAY}
    site.prove("sums/one", "pytorch", seconds=8.0, **told)
    site.prove("sums/two", seconds=8.0, **told)
    site.write("all", PAGE)
    built = site.build(overrides={"claims_repository": REPOSITORY})
    assert built.warnings == []
    return built


def rows(table: Tag | None) -> list[list[str]]:
    assert table is not None
    return [[text_of(cell) for cell in row.find_all(["th", "td"])] for row in table("tr")]


def test_each_axis_says_who_leads_in_how_many_claims_and_how_many_turned(tour: Built) -> None:
    cards = [text_of(card) for card in tour.page("index").select(".axes li")]
    assert cards == [  # in the order of the site, not of the alphabet
        "Data loading Neither leads a tie 1 1 of 1 turned since the articles",
        "More Neither leads neither 1 0 of 0 turned since the articles",
        "Sums PyTorch leads TensorFlow 1, PyTorch 2, a tie 1 2 of 4 turned since the articles",
    ]


def test_an_axis_is_linked_to_its_page(tour: Built) -> None:
    links = [str(link["href"]) for link in tour.page("index").select(".axes a")]
    assert links == [
        "data-loading.html#axis-data-loading",
        "more.html#axis-more",
        "sums.html#axis-sums",
    ]


def test_the_picture_counts_every_claim_of_the_articles_then_and_now(tour: Built) -> None:
    picture = tour.page("all").select_one(".turned")
    assert picture is not None
    labels = [text_of(label) for label in picture.select("text:not(.heading)")]
    then = ["TensorFlow 2", "they disagreed 1", "PyTorch 2"]
    assert labels == [*then, "TensorFlow 1", "a tie 2", "PyTorch 2"]
    assert "Of the 5 claims of the articles, 3 have turned" in text_of(picture.figcaption)


def test_the_picture_is_told_in_words_to_those_who_do_not_see_it(tour: Built) -> None:
    image = tour.page("all").select_one(".turned [role=img]")
    assert image is not None
    described = " ".join(
        text_of(image.find(id=name)) for name in str(image["aria-labelledby"]).split()
    )
    for words in ("1 TensorFlow then, PyTorch now", "1 they disagreed then, a tie now"):
        assert words in described


def test_bands_of_the_picture_begin_and_end_at_the_bars(tour: Built) -> None:
    picture = tour.page("all").select_one(".turned svg")
    assert picture is not None
    bars = [(float(bar["y"]), float(bar["height"])) for bar in picture.select("rect")]  # type: ignore[arg-type]
    for band in picture.select("path"):
        top_left, top_right = (
            float(y) for y in re.findall(r"(?:M\d+|\d+) ([\d.]+)[CV]", str(band["d"]))[:2]
        )
        for y in (top_left, top_right):
            assert any(start - 0.1 <= y <= start + height + 0.1 for start, height in bars)


def test_the_ledger_lists_every_claim_with_its_answer(tour: Built) -> None:
    ledger = tour.page("all").select_one("table.ledger")
    head, *claims = rows(ledger)
    assert head == ["Claim", "Then", "Now", "Today", "Axis", "Turned by"]
    assert len(claims) == len(CLAIMS)
    assert [
        "Is sums/two so? Yes, sums/two is.", "TensorFlow", "PyTorch", "is no longer so", "Sums", "",
    ] in claims  # fmt: skip
    assert claims[0][4] == "Data loading"


def test_a_row_of_the_ledger_says_what_it_can_be_filtered_by(tour: Built) -> None:
    row = tour.page("all").select_one("table.ledger tr:has(a[href='sums.html#sums-four'])")
    assert row is not None
    assert row["data-axis"] == "sums"
    assert row["data-status"] == "holds"
    assert row["data-favours"] == "tie"
    assert row["data-article"] == "primer second"


def test_the_filters_offer_what_there_is(tour: Built) -> None:
    form = tour.page("all").select_one("form.ledger-filter")
    assert form is not None
    offered = {
        str(select["name"]): [str(option["value"]) for option in select("option")]
        for select in form("select")
    }
    assert offered["axis"] == ["", "data-loading", "more", "sums"]
    assert offered["article"] == ["", "primer", "second"]
    assert {str(row["data-status"]) for row in tour.page("all").select(".ledger tbody tr")} <= set(
        offered["status"]
    )


def table_called(tour: Built, caption: str) -> list[list[str]]:
    tables = tour.page("all").select("table.sortable")
    (found,) = [table for table in tables if caption in text_of(table.caption)]
    return rows(found)[1:]


def test_the_runs_list_every_snippet_with_its_last_run(tour: Built) -> None:
    runs = table_called(tour, "All snippets")
    assert ["Is sums/one so?", "PyTorch", "passed", "1", "8.00", "2026-11-21 09:05:07"] in runs
    assert len(runs) == 12


def test_what_frameworks_said_will_go_is_listed_once_with_all_it_was_said_to(tour: Built) -> None:
    (table,) = [
        table
        for table in tour.page("all")("table")
        if table.caption and "will go" in text_of(table.caption)
    ]
    said = "one so? (PyTorch", "two so? (TensorFlow", "two so? (PyTorch"
    assert rows(table)[1:] == [
        [
            "old() goes; use <new>",
            "; ".join(f"Is sums/{which}) , 4" for which in said),
        ]
    ]


def test_the_status_says_how_many_passed(tour: Built) -> None:
    assert "11 of 12 snippets passed" in text_of(tour.page("all").body)


def test_the_slowest_runs_come_first(tour: Built) -> None:
    slowest = table_called(tour, "The slowest")
    assert slowest[0][0] == "Is data-loading/six so?"
    assert len(slowest) == 10
    seconds = [float(run[4]) for run in slowest]
    assert seconds == sorted(seconds, reverse=True)


def test_what_was_not_run_is_listed_with_the_reason(tour: Built) -> None:
    (run,) = table_called(tour, "Not run")
    assert run[:3] == ["Is more/five so?", "PyTorch", "not run: needs a GPU"]


def test_the_versions_are_those_of_the_evidence(tour: Built) -> None:
    recorded = ev.read(tour.site.evidence("sums/one", "pytorch"))
    assert recorded is not None
    versions = table_called(tour, "What they ran on")
    for name, version in recorded.versions.items():
        assert [name, version] in versions


def test_overviews_follow_a_claim_that_moves_to_another_page(tmp_path: Path) -> None:
    site = Site(tmp_path / "project")
    site.add("sums/one")
    site.write("all", PAGE)
    site.build()
    (site.docs / "sums.md").rename(site.docs / "totals.md")
    built = site.build()
    links = {str(link["href"]) for link in built.page("all").select(".ledger a, .sortable a")}
    assert links == {"totals.html#sums-one"}


# What stands below a claim.


def test_the_evidence_opens_to_all_of_a_run(tour: Built) -> None:
    details = tour.claim("sums/one").select_one("details.claim-evidence")
    recorded = ev.read(tour.site.evidence("sums/one", "pytorch"))
    assert details is not None
    assert recorded is not None
    item = text_of(details.select("li")[1])
    assert item.startswith("PyTorch : 1 example passed in 8.00 s on 21 November 2026, 09:05:07 UTC")
    for part in (recorded.digest[:12], recorded.platform, *recorded.versions.values()):
        assert part in item


def test_a_reported_problem_names_the_claim_and_what_it_ran_on(tour: Built) -> None:
    (link,) = tour.claim("sums/one").select(".claim-tools a[href*=issues]")
    address = urlsplit(str(link["href"]))
    asked = parse_qs(address.query)
    assert f"{address.scheme}://{address.netloc}{address.path}" == f"{REPOSITORY}/issues/new"
    assert asked["title"] == ["sums/one: "]
    assert "sums.html#sums-one" in asked["body"][0]
    assert "torch " in asked["body"][0]


def git(project: Path, *arguments: str) -> str:
    who = ("-c", "user.name=A", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false")
    done = subprocess.run(
        ["git", *who, *arguments], cwd=project, capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


def source_of(built: Built, tab: str) -> str:
    links = built.claim("sums/one").select("details.claim-evidence a")
    (found,) = [str(link["href"]) for link in links if f"{tab}.md" in str(link["href"])]
    return found


def test_evidence_links_to_the_file_at_its_last_commit(tmp_path: Path) -> None:
    site, settings = Site(tmp_path / "project"), {"claims_repository": REPOSITORY}
    site.add("sums/one")
    git(site.root, "init", "-q")
    git(site.root, "add", "snippets")
    git(site.root, "commit", "-qm", "one")
    first = git(site.root, "rev-parse", "HEAD")
    name = "snippets/sums/one/pytorch.md"
    built = site.build(overrides=settings)
    assert source_of(built, "pytorch") == f"{REPOSITORY}/blob/{first}/{name}"
    assert f"pytorch.md at {first[:7]}" in text_of(built.claim("sums/one"))
    # Another file is committed: the link stays, and so does the page.
    (site.root / "snippets" / "notes.txt").write_text("x")
    git(site.root, "add", "snippets")
    git(site.root, "commit", "-qm", "two")
    assert site.build(overrides=settings).read == set()


def test_a_file_that_changed_since_its_commit_is_not_linked_to_it(tmp_path: Path) -> None:
    site, settings = Site(tmp_path / "project"), {"claims_repository": REPOSITORY}
    site.add("sums/one")
    git(site.root, "init", "-q")
    git(site.root, "add", "snippets")
    git(site.root, "commit", "-qm", "one")
    path = site.path("sums/one", "pytorch")
    path.write_text(path.read_text().replace("The sum", "That sum"))
    site.prove("sums/one")
    built = site.build(overrides=settings)
    assert source_of(built, "pytorch") == f"{REPOSITORY}/blob/main/snippets/sums/one/pytorch.md"
    git(site.root, "commit", "-qam", "two")
    built = site.build(overrides=settings)  # a commit alone changes the link
    assert git(site.root, "rev-parse", "HEAD") in source_of(built, "pytorch")


def footers(built: Built) -> dict[str, str]:
    pages = sorted(path.stem for path in built.out.glob("*.html"))
    return {name: text_of(built.page(name).select_one("footer .verified")) for name in pages}


def test_the_footer_says_when_a_page_or_the_site_was_verified(tmp_path: Path) -> None:
    site = Site(tmp_path / "project")
    site.add("sums/one", prove=False)
    site.add("more/two", prove=False)
    site.prove("sums/one", time=DAY)
    site.prove("more/two", time=DAY - datetime.timedelta(days=2))
    settings = {"html_theme": "furo", "templates_path": [TEMPLATES]}
    said = footers(site.build(overrides=settings))
    versions = ev.read(site.evidence("sums/one", "pytorch"))
    assert versions is not None
    assert said["sums"].startswith("The code on this page ran and passed on 21 November 2026, on ")
    assert f"PyTorch {versions.versions['torch']}" in said["sums"]
    for page in ("index", "sources"):
        assert "all claims ran and passed from 19 November 2026 to 21 November 2026" in said[page]
    # A claim runs again: its own page says so, and those that speak of the whole site.
    site.prove("more/two", time=DAY + datetime.timedelta(days=1))
    again = site.build(overrides=settings)
    assert again.written == {"more", "index", "sources"}
    assert "from 21 November 2026 to 22 November 2026" in footers(again)["sources"]


def test_the_footer_claims_no_run_that_there_was_not(tmp_path: Path) -> None:
    site = Site(tmp_path / "project")
    site.add("sums/one", prove=False, claim=claim_text(needs=["gpu"]))
    site.prove("sums/one", "tensorflow", time=DAY)
    site.prove("sums/one", "pytorch", outcome="not run", reason="needs a GPU")
    settings = {"html_theme": "furo", "templates_path": [TEMPLATES]}
    said = footers(site.build(overrides=settings))
    assert said["sums"].startswith("The code on this page passed where it ran, on 21 November 2026")
    assert "all claims passed where it ran" in said["index"]
