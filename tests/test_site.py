"""The claims extension: what a page shows, what it warns of."""

import datetime
import importlib.metadata
import os
import re
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from bs4 import BeautifulSoup, Tag
from helpers import ARTICLES, SNIPPET, claim_text, snippet
from sites import BOTH, INDEX, ONE, Built, Site, Spoil, edit, fail, numbers, proven, text_of
from sphinx.errors import SphinxError

from snippets._harness import evidence as ev
from snippets._harness.frameworks import versions
from snippets._harness.problems import CatalogueError

# MyST's own, until it has caught up with Sphinx 9.
pytestmark = pytest.mark.filterwarnings("ignore:.*app' is deprecated")


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path / "project")


# What a sound page shows: one site, built once, looked at from many sides.

SAID = [
    {"article": "primer", "said": "Adding is easier.", "favours": "pytorch"},
    {"article": "second", "said": "No, it is not.", "favours": "tensorflow"},
    {"article": "second", "said": "Really, use TensorFlow.", "favours": "tensorflow"},
]
SKIP = {"reason": "a bug upstream", "until": datetime.date(9999, 12, 31)}
TOUR: dict[str, dict[str, str | None]] = {
    "sums/four-ways": {
        "claim": claim_text(
            "Adding gives `2` *everywhere*.\n\nSo just add.\n",
            title="One `+` one",
            status="outdated",
            changed="TensorFlow 2.0 (2019)",
            sources=SAID,
            agree={"losses": 1e-3, "steps": 0},
        ),
        "keras": SNIPPET,
        "tensorflow1": SNIPPET,
    },
    "sums/taste": {
        "claim": claim_text("You decide.\n", status="opinion"),
        "tensorflow": None,
        "pytorch": None,
    },
    "sums/talk": {
        "claim": claim_text("Nobody can run it.\n", kind="prose"),
        "tensorflow": None,
        "pytorch": None,
    },
    "sums/ours": {"claim": claim_text(kind="ours", sources=None, favours="pytorch")},
    "sums/two-agree": {"claim": claim_text(agree={"total": 0})},
    "more/on-gpu": {"claim": claim_text(needs=["gpu"], status="partly")},
    "more/skipped": {"claim": claim_text(skip=SKIP, status="never")},
}
NOT_RUN = {
    "more/on-gpu": "needs a GPU, which this machine does not have",
    "more/skipped": "skipped until 9999-12-31: a bug upstream",
}


@pytest.fixture(scope="module")
def tour(tmp_path_factory: pytest.TempPathFactory) -> Built:
    """A sound site that shows every kind of claim."""
    site = Site(tmp_path_factory.mktemp("tour") / "project")
    for claim_id, files in TOUR.items():
        site.add(claim_id, prove=False, **files)
    second = '[second]\ntitle = "A second look"\nyear = 2023\nauthor = "Ada"\ndated = "By hand."\n'
    (site.root / "snippets" / "articles.toml").write_text(f"{ARTICLES}\n{second}")
    for claim_id in TOUR:
        if claim_id in NOT_RUN:
            site.prove(claim_id, outcome="not run", reason=NOT_RUN[claim_id])
        else:
            site.prove(claim_id, values={"total": numbers(2)})
    for tab in ("tensorflow", "pytorch", "tensorflow1", "keras"):
        loss = 0.5002 if tab == "pytorch" else 0.5
        values = {"losses": numbers(loss), "steps": numbers(3)}
        site.prove("sums/four-ways", tab, values=values)
    top = "(axis-sums)=\n# Sums\n\n```{verdicts} sums\n```\n\n"
    linked = "\n[to the claim](#more-on-gpu)\n\n{ref}`here <more-on-gpu>`\n"
    page = (site.docs / "sums.md").read_text()
    site.write("sums", top + page.split("# Sums\n\n")[1] + linked)
    return site.build()


def test_a_sound_site_builds_without_a_warning(tour: Built) -> None:
    assert tour.warnings == []


def test_the_heading_has_the_anchor_axis_and_claim(tour: Built) -> None:
    section = tour.claim("sums/four-ways")
    assert section.name == "section"
    assert section.h2 is not None
    assert text_of(section.h2).startswith("One + one")
    assert text_of(section.h2.code) == "+"


def test_other_pages_link_to_the_anchor_in_either_syntax(tour: Built) -> None:
    links = [str(link["href"]) for link in tour.page("sums").find_all("a", href=True)]
    assert links.count("more.html#more-on-gpu") == 2


@pytest.mark.parametrize(
    ("claim_id", "words"),
    [
        ("sums/four-ways", r"Then \(2020\D+2023\): TensorFlow or PyTorch"),
        ("sums/four-ways", r"Now:? a tie\b.* claim is no longer so"),
        ("sums/four-ways", r"Turned by:? TensorFlow 2\.0 \(2019\)"),
        ("sums/two-agree", r"Then \(2020\): a tie,? Now:? a tie\b.* claim still holds"),
        ("sums/ours", r"Now:? PyTorch\b.* claim holds"),
        ("sums/taste", r"opinion"),
        ("more/on-gpu", r"holds in part"),
        ("more/skipped", r"was never so"),
    ],
)
def test_the_verdict_then_and_now_is_in_words(tour: Built, claim_id: str, words: str) -> None:
    assert re.search(words, text_of(tour.claim(claim_id).find(class_="claim-verdict")))


def test_a_claim_that_nobody_made_has_no_then(tour: Built) -> None:
    assert "Then" not in text_of(tour.claim("sums/ours").find(class_="claim-verdict"))


def test_the_statement_keeps_its_paragraphs_code_and_emphasis(tour: Built) -> None:
    statement = str(tour.claim("sums/four-ways")).split("sphinx-tabs")[0]
    paragraphs = BeautifulSoup(statement, "html.parser").find_all("p", class_=False)
    assert [text_of(each) for each in paragraphs] == ["Adding gives 2 everywhere .", "So just add."]
    assert text_of(paragraphs[0].code) == "2"
    assert text_of(paragraphs[0].em) == "everywhere"


@pytest.mark.parametrize(
    ("claim_id", "titles"),
    [
        ("sums/four-ways", ["TensorFlow", "PyTorch", "TensorFlow 1.x", "Keras"]),
        ("sums/two-agree", ["TensorFlow", "PyTorch"]),
        ("sums/taste", []),
    ],
)
def test_the_tabs_stand_in_one_order(tour: Built, claim_id: str, titles: list[str]) -> None:
    tabs = tour.claim(claim_id).find_all(class_="sphinx-tabs-tab")
    # "Keras on PyTorch" says more, in the same place.
    assert [text_of(tab).removesuffix(" on PyTorch") for tab in tabs] == titles
    assert all("group-tab" in tab["class"] for tab in tabs)


def test_each_panel_shows_the_prose_and_the_code_of_its_file_as_a_console(tour: Built) -> None:
    panels = tour.claim("sums/four-ways").find_all(class_="sphinx-tabs-panel")
    assert len(panels) == 4
    for panel in panels:
        _name, prose = panel.find_all("p")
        assert text_of(prose) == "The sum:"
        block = panel.find(class_="highlight-pycon")
        assert isinstance(block, Tag)
        assert block.get_text().rstrip("\n") == ">>> 1 + 1\n2"
        assert block.find(class_="gp") is not None  # a prompt, to the style sheet
        assert block.find(class_="go") is not None  # and output


def test_the_evidence_line_names_versions_seconds_and_the_day(tour: Built) -> None:
    line = text_of(tour.claim("sums/two-agree").find(class_="claim-evidence"))
    recorded = ev.read(tour.site.evidence("sums/two-agree", "pytorch"))
    assert recorded is not None
    assert line.startswith("Proven by running")
    for tab in BOTH:
        assert f"{versions(tab)['tensorflow' if tab == 'tensorflow' else 'torch']} (1.25 s)" in line
    assert f"Python {recorded.versions['python']}, {recorded.platform}" in line
    assert f"{recorded.time.day} {recorded.time:%B %Y}." in line


def test_the_evidence_line_names_what_the_claim_needed_beside_the_frameworks(site: Site) -> None:
    site.add("sums/needy", claim=claim_text(needs=["slow", "sklearn"]))
    line = text_of(site.build().claim("sums/needy").find(class_="claim-evidence"))
    assert f"with scikit-learn {importlib.metadata.version('scikit-learn')}" in line


def test_the_agreement_line_gives_the_largest_difference(tour: Built) -> None:
    line = text_of(tour.claim("sums/four-ways").find(class_="claim-evidence"))
    largest = r"largest difference (2e-0?4|0\.0002)\b"
    assert re.search(rf"all tabs \w+ the same losses \({largest}\)", line)
    assert "steps (no difference)" in line


def test_two_tabs_that_agree_are_called_both(tour: Built) -> None:
    line = text_of(tour.claim("sums/two-agree").find(class_="claim-evidence"))
    assert re.search(r"both tabs \w+ the same total \(no difference\)", line)


def test_who_said_it_when_and_what_with_a_link_to_the_article(tour: Built) -> None:
    said = tour.claim("sums/four-ways").find(class_="claim-sources")
    assert isinstance(said, Tag)
    assert [text_of(item) for item in said.find_all("li")] == [
        "A primer (2020): Adding is easier. Favoured: PyTorch.",
        "A second look (Ada, 2023): No, it is not. Favoured: TensorFlow.",
        "A second look (Ada, 2023): Really, use TensorFlow. Favoured: TensorFlow.",
    ]
    targets = {str(link["href"]) for link in said.find_all("a", href=True)}
    assert targets == {"sources.html#article-primer", "sources.html#article-second"}


@pytest.mark.parametrize(("claim_id", "why"), [("sums/taste", "opinion"), ("sums/talk", "sources")])
def test_opinion_and_prose_say_so_and_never_wear_the_badge(
    tour: Built, claim_id: str, why: str
) -> None:
    section = tour.claim(claim_id)
    assert re.search(rf"Not proven by code: .*{why}", text_of(section))
    assert not proven(section)


def test_an_opinion_keeps_its_mark_though_its_code_passed(site: Site) -> None:
    site.add("sums/taste", claim=claim_text(status="opinion"))
    section = site.build().claim("sums/taste")
    assert "Not proven by code" in text_of(section)
    assert "The code beside it ran on " in text_of(section)
    assert not proven(section)


def test_a_claim_of_our_own_says_so(tour: Built) -> None:
    assert "Our own claim" in text_of(tour.claim("sums/ours"))


@pytest.mark.parametrize("claim_id", list(NOT_RUN))
def test_what_may_not_run_here_shows_the_reason_and_no_badge(tour: Built, claim_id: str) -> None:
    section = tour.claim(claim_id)
    line = text_of(section.find(class_="claim-evidence"))
    for title in ("TensorFlow", "PyTorch"):
        assert f"{title} not run here: {NOT_RUN[claim_id]}." in line
    assert not proven(section)


def test_verdicts_list_the_claims_of_one_axis_with_links(tour: Built) -> None:
    table = tour.page("sums").find("table")
    assert isinstance(table, Tag)
    head, *rows = [[text_of(cell) for cell in row.find_all(["th", "td"])] for row in table("tr")]
    assert head[1:3] == ["Then", "Now"]
    assert len(rows) == 5
    assert ["One + one", "TensorFlow or PyTorch", "a tie"] in [row[:3] for row in rows]
    assert "no longer so" in str(rows)
    assert ["One and one", "not said", "PyTorch"] in [row[:3] for row in rows]
    assert "#sums-four-ways" in [str(link["href"]) for link in table.find_all("a")]


def test_articles_say_what_each_said_and_how_it_fared(tour: Built) -> None:
    section = tour.page("sources").find(id="article-second")
    assert isinstance(section, Tag)
    assert section.h2 is not None
    assert text_of(section.h2).startswith("A second look")
    assert "By Ada, 2023. By hand. Of the 2 claims on this site, 2" in text_of(section)
    rows = [[text_of(cell) for cell in row.find_all("td")] for row in section.find_all("tr")]
    assert rows[1][:2] == ["No, it is not.", "TensorFlow"]
    assert "no longer so" in rows[1][2]
    links = {str(link["href"]) for link in section.find_all("a", href=True)}
    assert "sums.html#sums-four-ways" in links


# What may not be published: each kind of unproven claim warns by its own type.


AGREE = claim_text(agree={"total": 1e-6})


def _disagree(site: Site) -> None:
    (site.path(ONE, "claim")).write_text(AGREE)
    site.prove(ONE, "tensorflow", values={"total": numbers(1)})
    site.prove(ONE, "pytorch", values={"total": numbers(1.5)})


def _forget_a_value(site: Site) -> None:
    (site.path(ONE, "claim")).write_text(AGREE)
    site.prove(ONE, "tensorflow", values={"total": numbers(1)})
    site.prove(ONE, "pytorch")


def _record_on(site: Site, **other: Any) -> None:
    path = site.evidence(ONE, "pytorch")
    evidence = ev.read(path)
    assert evidence is not None
    ev.write(path, evidence.model_copy(update=other))


def _need(site: Site, *needs: str) -> None:
    site.path(ONE, "claim").write_text(claim_text(needs=list(needs)))
    site.prove(ONE, "tensorflow")
    reason = f"needs {needs[0]}, which this machine does not have"
    site.prove(ONE, "pytorch", outcome="not run", reason=reason)


UNPROVEN: dict[str, tuple[Spoil, str, str]] = {
    "never ran": (lambda site: site.evidence(ONE, "pytorch").unlink(), "missing", "pytorch.md"),
    "half a file": (
        lambda site: site.evidence(ONE, "pytorch").write_text('{"snippet": '),
        "missing",
        "pytorch.md",
    ),
    "no compiler": (lambda site: _need(site, "compiler"), "missing", "needs compiler"),
    "no package": (lambda site: _need(site, "onnx"), "missing", "needs onnx"),
    "failed": (fail, "failed", "pytorch.md:4: Expected:"),
    "tabs disagree": (_disagree, "failed", "claim.md:9:1: total differs by 0.5"),
    "no value to compare": (_forget_a_value, "failed", "pytorch: nothing recorded for 'total'"),
    "snippet edited": (edit, "stale", "pytorch.md"),
    "other version": (lambda site: _record_on(site, versions={"torch": "1.0"}), "stale", "pytorch"),
    "other platform": (lambda site: _record_on(site, platform="BeOS ppc"), "stale", "pytorch.md"),
}


@pytest.mark.parametrize("case", UNPROVEN)
def test_what_is_not_proven_warns_by_its_own_type(site: Site, case: str) -> None:
    spoil, kind, words = UNPROVEN[case]
    site.add(ONE)
    spoil(site)
    built = site.build()
    (warning,) = built.warnings
    assert f"[claims.{kind}]" in warning
    assert words in warning
    assert "sums.md:4" in warning  # and the place on the page that shows it
    badge = text_of(built.claim(ONE).find(class_="claim-evidence"))
    assert f"PyTorch {versions('pytorch')['torch']}" not in badge


def test_every_unproven_tab_is_reported_not_only_the_first(site: Site) -> None:
    site.add(ONE, prove=False)
    warnings = site.build().warnings
    assert len(warnings) == 2
    assert all(any(f"{tab}.md" in warning for warning in warnings) for tab in BOTH)


def test_a_warning_can_be_made_to_stop_the_publishing_build(site: Site) -> None:
    site.add(ONE, prove=False)
    with pytest.raises(SphinxError, match=r"no evidence"):
        site.build(warningiserror=True, exception_on_warning=True)


def test_what_was_warned_of_is_warned_of_again_though_nothing_changed(site: Site) -> None:
    # Or the second `make html` in a row would publish what the first one refused.
    site.add(ONE, prove=False)
    first, second = site.build(), site.build()
    assert [w for w in second.warnings if "[claims." in w] == first.warnings


def test_evidence_is_looked_for_in_the_folder_of_the_configuration(site: Site) -> None:
    site.add(ONE)
    (site.root / ev.FOLDER).rename(site.root / "elsewhere")
    there = {"claims_evidence": str(site.root / "elsewhere")}
    assert site.build(overrides=there).warnings == []


def test_the_project_may_be_another_folder(site: Site, tmp_path: Path) -> None:
    site.add(ONE)
    for folder in ("snippets", "_build"):
        (site.root / folder).rename(tmp_path / folder)
    assert site.build(overrides={"claims_project": str(tmp_path)}).warnings == []


def test_the_project_is_the_folder_above_the_pages_unless_set(site: Site) -> None:
    site.add(ONE)
    assert site.build(overrides={"claims_project": ""}).warnings == []


# What a page names that is not there.

WRONG: dict[str, tuple[str, str]] = {
    "a slip": ("sums/one-and-two", "no claim 'sums/one-and-two': did you mean 'sums/one-and-one'?"),
    "no axis": ("one-and-one", "no claim 'one-and-one': a claim is named <axis>/<folder>"),
    "out of the tree": ("../../etc", "no claim '../../etc'"),
    "machinery": ("_harness/evidence", "no claim '_harness/evidence'"),
}


@pytest.mark.parametrize("case", WRONG)
def test_an_unknown_claim_is_a_warning_with_a_hint(site: Site, case: str) -> None:
    name, words = WRONG[case]
    site.add(ONE)
    with (site.docs / "sums.md").open("a") as page:
        page.write(f"```{{claim}} {name}\n```\n")
    built = site.build()
    (warning,) = built.warnings
    assert "[claims.catalogue]" in warning
    assert words in warning
    assert "sums.md:7" in warning
    assert "Traceback" not in warning
    assert proven(built.claim(ONE))  # the others are still shown


def test_a_claim_with_mistakes_is_a_warning_with_the_place_of_each(site: Site) -> None:
    wrong = claim_text(status="hold", titel="x")
    site.add(ONE, prove=False, claim=wrong, pytorch="no code\n")
    warnings = [warning for warning in site.build().warnings if "[claims.catalogue]" in warning]
    assert any(re.search(r"claim\.md:3:\d+: unknown status 'hold'", each) for each in warnings)
    assert any("unknown key 'titel': did you mean 'title'?" in each for each in warnings)
    assert any("pytorch.md:1:1: no doctest" in each for each in warnings)
    assert "Traceback" not in "".join(warnings)


BROKEN: dict[str, tuple[Spoil, Spoil]] = {
    "no such claim": (
        lambda site: site.write("sums", f"(axis-sums)=\n# Sums\n\n```{{claim}} {ONE}\n```\n"),
        lambda site: site.add(ONE),
    ),
    "a mistake in claim.md": (
        lambda site: site.add(ONE, prove=False, claim=claim_text(status="hold")),
        lambda site: (site.path(ONE, "claim").write_text(claim_text()), site.prove(ONE)),
    ),
    "a tab too few": (
        lambda site: site.add(ONE, prove=False, pytorch=None),
        lambda site: (site.path(ONE, "pytorch").write_text(SNIPPET), site.prove(ONE)),
    ),
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_claim_appears_once_its_mistake_is_mended(site: Site, case: str) -> None:
    spoil, mend = BROKEN[case]
    site.add("more/other-one")
    spoil(site)
    assert "[claims.catalogue]" in "".join(site.build().warnings)
    page = (site.docs / "sums.md").read_text()
    mend(site)
    keep_time(site.docs / "sums.md", page)
    built = site.build()
    assert built.warnings == []
    assert proven(built.claim(ONE))
    axes = text_of(built.page("index").find(class_="axes"))
    assert "Sums Neither leads a tie 1" in axes  # and other pages count it


def keep_time(page: Path, text: str) -> None:
    """Make ``page`` look untouched: the claim changed, not the page that shows it."""
    page.write_text(text)
    os.utime(page, (0, 0))


# What contributors write never becomes markup, nor does what their code prints.

EVIL = "<script>alert(1)</script><img src=x onerror=alert(1)>"
HOSTILE: dict[str, dict[str, Any]] = {
    "title": {"claim": claim_text(title=f"Title {EVIL}")},
    "said": {"claim": claim_text(sources=[{"article": "primer", "said": f"So {EVIL}"}])},
    "changed": {"claim": claim_text(changed=EVIL)},
    "statement": {"claim": claim_text(f"Sum {EVIL}\n")},
    "statement, as code": {"claim": claim_text(f"Sum `{EVIL}`\n")},
    "statement, escaped": {"claim": claim_text(EVIL.replace("<", r"\<") + "\n")},
    "statement, a directive": {"claim": claim_text(f":::{{raw}} html\n{EVIL}\n:::\n")},
    "statement, an included file": {"claim": claim_text(":::{include} evil.txt\n:::\n")},
    "title, a directive": {"claim": claim_text(title=":::{include} evil.txt\n:::")},
    "prose of a tab": {"pytorch": f"Sum {EVIL}\n\n{SNIPPET}"},
    "prose of a tab, an included file": {"pytorch": f":::{{include}} evil.txt\n:::\n\n{SNIPPET}"},
    "code": {"pytorch": snippet(f'>>> print("{EVIL}")\n{EVIL}')},
    "tab placeholder": {"pytorch": f"tab content tensorflow\n\n{SNIPPET}"},
}


@pytest.mark.parametrize("case", HOSTILE)
def test_markup_of_contributors_is_shown_as_text_or_refused(site: Site, case: str) -> None:
    (site.docs / "evil.txt").write_text(f"{EVIL} out of a file")  # for those who include it
    site.add(ONE, prove=False, **HOSTILE[case])
    directives = "verdicts} sums", "turned}", "ledger}", "runs}"
    site.write("index", INDEX + "".join(f"\n```{{{name}\n```\n" for name in directives))
    with suppress(CatalogueError):  # refused before it can be shown, as the build says too
        site.prove(ONE)
    built = site.build()
    for page in built.out.glob("*.html"):
        assert "<script>alert" not in page.read_text()
        assert "<img src=x" not in page.read_text()
        assert "out of a file" not in page.read_text()
    if not built.warnings:
        assert proven(built.claim(ONE))


def test_what_failing_code_prints_reaches_no_page(site: Site) -> None:
    site.add(ONE)
    failure = ev.Failure(line=4, message=f"Got:\n  %s {EVIL} \x1b[31m100%")
    site.prove(ONE, "pytorch", outcome="failed", failure=failure)
    built = site.build()
    (warning,) = built.warnings
    assert f"%s {EVIL}" in warning  # to people at a terminal it is shown as it is
    assert "alert" not in str(built.claim(ONE))


def test_the_reason_for_not_running_is_shown_as_text(site: Site) -> None:
    site.add(ONE, claim=claim_text(needs=["gpu"]), prove=False)
    site.prove(ONE, outcome="not run", reason=f"needs {EVIL}")
    section = site.build().claim(ONE)
    assert section.find(["script", "img"]) is None
    assert EVIL in section.get_text()


def test_articles_are_shown_as_text(site: Site) -> None:
    site.add(ONE)
    text = ARTICLES.replace("A primer", f"A {EVIL}") + f'author = "{EVIL}"\ndated = "{EVIL}"\n'
    (site.root / "snippets" / "articles.toml").write_text(text)
    built = site.build()
    for part in (built.claim(ONE), built.page("sources").find(id="article-primer")):
        assert isinstance(part, Tag)
        assert part.find(["script", "img"]) is None
        assert EVIL in part.get_text()
