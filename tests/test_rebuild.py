"""Which pages are read again after a change, and that nothing stale is left."""

import os
import re
from pathlib import Path

import pytest
from helpers import SNIPPET, claim_text
from sites import (
    ONE,
    PARTS,
    SOURCES,
    Site,
    Spoil,
    edit,
    fail,
    proven,
)

from snippets._harness import evidence as ev

# MyST's own, until it has caught up with Sphinx 9.
pytestmark = pytest.mark.filterwarnings("ignore:.*app' is deprecated")


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path / "project")


CHANGES: dict[str, tuple[Spoil, set[str]]] = {
    "nothing": (lambda _site: None, set()),
    "a snippet and its evidence": (
        lambda site: (edit(site), site.prove(ONE, "pytorch")),
        {"sums"},
    ),
    "evidence alone": (lambda site: site.prove(ONE, "pytorch", seconds=9.5), {"sums"}),
    "a snippet alone": (edit, {"sums"}),
    "a new tab": (
        lambda site: (site.path(ONE, "keras").write_text(SNIPPET), site.prove(ONE, "keras")),
        {"sums"},
    ),
    "a tab and its evidence removed": (
        lambda site: [of(ONE, "tensorflow1").unlink() for of in (site.path, site.evidence)],
        {"sums"},
    ),
    "evidence removed": (lambda site: site.evidence(ONE, "pytorch").unlink(), {"sums"}),
    "a verdict": (
        lambda site: site.path(ONE, "claim").write_text(claim_text(status="never")),
        {"sums", "verdicts", "index", "sources"},
    ),
    "a new claim on another page": (
        lambda site: site.add("more/third"),
        {"more", "index", "sources"},
    ),
}


def changing_site(root: Path) -> Site:
    """Return a site of eight pages: more than the five from which Sphinx works in parallel."""
    site = Site(root)
    site.add(ONE, tensorflow1=SNIPPET)
    for axis in ("more", "less", "many", "few"):
        site.add(f"{axis}/other-one")
    site.write("verdicts", "# Verdicts\n\n```{verdicts} sums\n```\n")
    return site


# After these not all code has run, as the footers of pages about the whole site say too.
INCOMPLETE = ("a snippet alone", "evidence removed")
# What a parallel reader notes has to reach the main process: where pages watch for files.
IN_PARALLEL = ("nothing", "a new tab", "evidence removed")


@pytest.mark.parametrize(
    ("case", "parallel"),
    [
        *(pytest.param(case, 1, id=case) for case in CHANGES),
        *(pytest.param(case, 2, id=f"{case}, in parallel") for case in IN_PARALLEL),
    ],
)
def test_exactly_the_pages_that_show_a_change_are_read_and_written_again(
    tmp_path: Path, case: str, parallel: int
) -> None:
    change, pages = CHANGES[case]
    site = changing_site(tmp_path / "project")
    first = site.build(parallel=parallel)
    assert first.warnings == []
    assert len(first.read) == 8
    change(site)
    second = site.build(parallel=parallel)
    assert second.read == pages
    footers = {"verdicts", "sources"} if case in INCOMPLETE else set()
    # Sphinx itself adds the page whose table of contents names a page that was read.
    assert second.written - {"index"} == (pages | footers) - {"index"}


def test_first_evidence_has_the_page_read_again(site: Site) -> None:
    site.add(ONE, prove=False)
    assert "[claims.missing]" in "".join(site.build().warnings)
    site.prove(ONE)
    built = site.build()
    assert built.read == {"sums"}
    assert built.warnings == []
    assert proven(built.claim(ONE))


def test_another_version_of_a_framework_has_the_pages_read_again(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.add(ONE)
    site.build()
    newer = {"torch": "99.0", "numpy": "99.0", "python": "3.99"}
    monkeypatch.setattr(ev, "versions", lambda *_: newer)
    monkeypatch.setattr("claims.installed", lambda: ["torch 99.0"])
    built = site.build()
    assert "sums" in built.read
    assert ["[claims.stale]" in warning for warning in built.warnings] == [True, True]


def test_a_parallel_build_gives_the_same_pages_as_a_serial_one(tmp_path: Path) -> None:
    site = changing_site(tmp_path / "project")
    serial, parallel = site.build(to="serial"), site.build(to="parallel", parallel=2)
    assert parallel.warnings == serial.warnings == []
    names = sorted(path.name for path in serial.out.glob("*.html"))
    assert names == sorted(path.name for path in parallel.out.glob("*.html"))
    for name in names:
        assert (parallel.out / name).read_text() == (serial.out / name).read_text()


def test_warnings_are_the_same_in_a_parallel_build(tmp_path: Path) -> None:
    site = changing_site(tmp_path / "project")
    fail(site)
    site.evidence("few/other-one", "pytorch").unlink()
    serial, parallel = site.build(to="serial"), site.build(to="parallel", parallel=2)
    assert len(serial.warnings) == 2
    assert sorted(parallel.warnings) == sorted(serial.warnings)


def test_a_page_that_is_gone_leaves_the_site(tmp_path: Path) -> None:
    site = Site(tmp_path)
    site.write("more", "# More\n")
    assert (site.build().out / "more.html").exists()
    (site.docs / "more.md").unlink()
    assert not (site.build().out / "more.html").exists()


def test_the_sitemap_lists_every_page_after_an_incremental_build(tmp_path: Path) -> None:
    site = Site(tmp_path)
    site.add("sums/one")
    settings = {"html_baseurl": "https://example.org/", "extensions": [*PARTS, "sitemap"]}
    site.build(overrides=settings)
    site.write("sources", SOURCES + "\nMore.\n")
    built = site.build(overrides=settings)
    addresses = re.findall("<loc>(.*)</loc>", (built.out / "sitemap.xml").read_text())
    pages = ("index", "sources", "sums")
    assert addresses == [f"https://example.org/{page}.html" for page in pages]


def test_every_page_shows_a_page_that_is_new(tmp_path: Path) -> None:
    site, settings = Site(tmp_path), {"extensions": [*PARTS, "navigation"]}
    site.add("sums/one")
    site.build(overrides=settings)
    site.write("tables", "# Tables\n")
    built = site.build(overrides=settings)
    assert "tables.html" in str(built.page("sums").find(class_="related"))
    assert site.build(overrides=settings).written == set()


# A file may change into an older one: by a clock set back, or a copy that keeps times.

LATER = "Added later."
OLDER = {  # the file that changes -> what is added to it
    "docs/sums.md": f"\n{LATER}\n",
    "docs/part.txt": f"{LATER}\n",
    "docs/templates/page.html": f"{{% block body %}}{LATER}{{% endblock %}}\n",
    "snippets/sums/one-and-one/claim.md": f"\n{LATER}\n",
}


@pytest.mark.parametrize("name", OLDER)
def test_a_change_is_published_though_the_clock_was_set_back(site: Site, name: str) -> None:
    settings, path = {"templates_path": ["templates"]}, site.root / name
    (site.docs / "part.txt").write_text("A part.\n")
    (site.docs / "templates").mkdir()
    (site.docs / "templates" / "page.html").write_text('{% extends "!page.html" %}\n')
    site.add(ONE)
    with (site.docs / "sums.md").open("a") as page:
        page.write("```{include} part.txt\n```\n")
    assert LATER not in site.build(overrides=settings).page("sums").get_text()
    path.write_text(path.read_text() + OLDER[name])
    os.utime(path, (10, 10))
    for evidence in (site.root / ev.FOLDER).rglob("*.json"):
        os.utime(evidence, (10, 10))
    assert LATER in site.build(overrides=settings).page("sums").get_text()


def test_a_record_that_changed_is_published_though_the_clock_was_set_back(tmp_path: Path) -> None:
    site, settings = Site(tmp_path), {"extensions": [*PARTS, "machines"]}
    record = site.root / "snippets" / "record.toml"
    site.add(ONE)
    line = 'sums-one-and-one.2026-01-0{} = "{}, tie"\n'
    record.write_text("[claims]\n" + line.format(1, "outdated"))
    site.build(overrides=settings)
    record.write_text(record.read_text() + line.format(2, "holds"))
    os.utime(record, (10, 10))
    feed = (site.build(overrides=settings).out / "feed.xml").read_text()
    assert "2026-01-02" in feed
