"""The project's own site, built once for all tests that need it, and a browser to open it in."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import corpus
import inputs
import publish
import pytest
from browsing import DOCS, REPOSITORY, ROOT, SITE_URL, NoBrowserError, Site, launched, served
from downloading import downloads, entries  # noqa: F401 (fixtures)
from filelock import FileLock
from harnessing import quick  # noqa: F401
from helpers import prove, prove_rows
from playwright.sync_api import Browser, Playwright, sync_playwright

from snippets._harness.api.rows import families
from snippets._harness.catalogue import Catalogue

# Side by side, files of tests begin in this order, the others after them: none shall be left to
# one core alone when the other has nothing more to do.
LONGEST_FIRST = ("test_takeaway", "test_browser", "test_make", "test_figures", "test_api_table")


@pytest.hookimpl(trylast=True)  # after the shuffle
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the files that take longest first."""
    order = {name: number for number, name in enumerate(LONGEST_FIRST)}
    items.sort(key=lambda item: order.get(item.path.stem, len(order)))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print how many files the harness was attacked with."""
    stats = terminalreporter.stats
    passed, failed = ([one.nodeid for one in stats.get(key, ())] for key in ("passed", "failed"))
    if line := corpus.summary(passed, failed):
        terminalreporter.write_line(line)


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """The project's own pages, as `make html` left them if all is as it was then, or else built.

    Once for all processes that run tests.
    """
    work = tmp_path_factory.getbasetemp() / "site"
    if "PYTEST_XDIST_WORKER" in os.environ:
        work = work.parents[1] / "site"
    with FileLock(f"{work}.lock"):
        if not (work / "html").exists():
            if is_built():
                shutil.copytree(publish.BUILD / "html", work / "made")
            else:
                build(work)
            (work / "made").rename(work / "html")
    with served(work / "html") as site:
        yield site


def is_built() -> bool:
    """Return whether there is a site, made of what there is now, with all code run."""
    named = {"SITE_URL", "REPOSITORY_URL"} & {*os.environ}
    published = publish.BUILD / "html"
    known, sources = publish.finished(), inputs.sources(Path())
    return not named and publish.is_published(known, sources, published, verified=True)


def build(work: Path) -> None:
    """Build the site with the project's own conf.py, from made-up passing evidence."""
    catalogue = Catalogue(ROOT)
    for folder in catalogue.folders():
        prove(work / "evidence", catalogue.load(folder))
    for family in families(ROOT):
        prove_rows(work / "evidence", family)
    command = [sys.executable, "-m", "sphinx", "-q", "-j", "auto", "-b", "html", "-c", ROOT]
    settings = ["-d", work / "trees", "-D", f"claims_evidence={work / 'evidence'}"]
    names = {"SITE_URL": SITE_URL, "REPOSITORY_URL": REPOSITORY}
    built = subprocess.run(
        [*command, *settings, DOCS, work / "made"],
        env=os.environ | names,
        capture_output=True,
        text=True,
        check=False,
        timeout=900,  # worked pages run, unless the project's own cache has them already
    )
    assert built.returncode == 0, built.stderr


@pytest.fixture(scope="session")
def playwright() -> Iterator[Playwright]:
    with sync_playwright() as playwright:
        yield playwright


@pytest.fixture(scope="session")
def browser(playwright: Playwright) -> Iterator[Browser]:
    """The system's Chromium, or else Playwright's own; without either the tests fail."""
    try:
        with launched(playwright) as browser:
            yield browser
    except NoBrowserError as error:
        pytest.fail(str(error))
