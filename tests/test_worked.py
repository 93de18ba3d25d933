"""Worked pages: they run when the site is built, again only when they must, and fail it."""

import itertools
from pathlib import Path

import pytest
import worked
from bs4 import BeautifulSoup
from sphinx.testing.util import SphinxTestApp
from sphinx.util.console import strip_escape_sequences

pytestmark = pytest.mark.filterwarnings("ignore")  # what notebooks' libraries say of each other

CONF = """\
import itertools
from pathlib import Path

project = "Test"
extensions = ["myst_nb", "worked"]
html_theme = "basic"
worked_cache = str(Path(__file__).parents[1] / "cache")
"""
HEAD = "---\nfile_format: mystnb\nkernelspec:\n  name: python3\n---\n# Page\n\n"
RANDOM = "import secrets\nsecrets.token_hex()"
FIGURE = """\
---
mystnb:
  image:
    alt: A rising line.
---
import matplotlib.pyplot as plt
plt.plot([1, 2]);"""


@pytest.fixture
def docs(tmp_path: Path) -> Path:
    """Return the folder of a project whose only page is still to be written."""
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "conf.py").write_text(CONF)
    return tmp_path / "docs"


def build(docs: Path, *cells: str, prose: str = "") -> BeautifulSoup:
    """Build the project with a page of these cells and return the page."""
    fences = (f"```{{code-cell}}\n{cell}\n```\n" for cell in cells)
    (docs / "index.md").write_text(HEAD + "\n".join(fences) + prose)
    app = SphinxTestApp("html", docs, docs.parent / "_out", freshenv=True)
    try:
        app.build()
        assert not app.warning.getvalue(), strip_escape_sequences(app.warning.getvalue())
    finally:
        app.cleanup()
    return BeautifulSoup((Path(app.outdir) / "index.html").read_text(), "html.parser")


def printed(page: BeautifulSoup) -> list[str]:
    """Return what the cells of a page printed."""
    return [cell.get_text().strip() for cell in page.select(".cell_output")]


def test_a_page_shows_what_its_cells_give(docs: Path) -> None:
    assert printed(build(docs, "x = 20 + 1", "x * 2")) == ["42"]


def test_a_comparison_that_fails_is_a_warning_each_time_and_says_which(docs: Path) -> None:
    for _ in range(2):  # nor is the failure kept and taken for a pass
        with pytest.raises(AssertionError) as warned:
            build(docs, "assert 1 + 1 == 3, 'two sums differ'")
        assert "index.md: WARNING: Executing notebook failed" in str(warned.value)
        assert "two sums differ" in str(warned.value)


def test_a_page_whose_words_alone_changed_is_not_run_again(docs: Path) -> None:
    assert printed(build(docs, RANDOM)) == printed(build(docs, RANDOM, prose="\nMore.\n"))


def test_a_page_is_run_again_when_a_cell_changed(docs: Path) -> None:
    assert printed(build(docs, RANDOM)) != printed(build(docs, "1 + 1", RANDOM))[1:]


def test_a_page_is_run_again_on_another_version_of_anything_installed(
    docs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = printed(build(docs, RANDOM))
    monkeypatch.setattr("worked.installed", lambda: ["torch 99.0"])
    assert printed(build(docs, RANDOM)) != before


def test_a_figure_is_drawn_as_svg_with_its_alternative_text(docs: Path) -> None:
    image = build(docs, FIGURE).select_one(".cell_output img")
    assert image is not None
    assert str(image["src"]).endswith(".svg")
    assert image["alt"] == "A rising line."


def test_a_figure_drawn_again_is_the_same_file(docs: Path) -> None:
    first = build(docs, FIGURE).select_one(".cell_output img")
    again = build(docs, "1 + 1", FIGURE).select_one(".cell_output img")
    assert first is not None
    assert again is not None
    assert first["src"] == again["src"]


def test_a_page_runs_in_a_folder_that_is_gone_afterwards(docs: Path) -> None:
    (place,) = printed(build(docs, "import os\nopen('file', 'w').close()\nprint(os.getcwd())"))
    assert not Path(place).exists()
    assert not list(docs.rglob("file"))


def test_a_page_is_run_again_on_other_results(docs: Path) -> None:
    results = docs / "snippets" / "_speed" / "results"  # the project is where conf.py is
    results.mkdir(parents=True)
    (results / "cpu-2-threads.json").write_text("{}")
    before = printed(build(docs, RANDOM))
    assert printed(build(docs, RANDOM)) == before
    (results / "cpu-2-threads.json").write_text('{"rounds": 10}')
    assert printed(build(docs, RANDOM)) != before


def test_a_table_that_a_cell_gives_in_markdown_is_a_table(docs: Path) -> None:
    cell = "from IPython.display import Markdown\nMarkdown('| A | B |\\n|---|---|\\n| 1 | 2 |')"
    table = build(docs, cell).select_one(".cell_output table")
    assert table is not None
    assert [tag.get_text() for tag in table.select("th, td")] == ["A", "B", "1", "2"]


def test_the_cache_is_whole_before_processes_share_it(docs: Path) -> None:
    conf = """
def setup(app):
    app.connect("env-before-read-docs", look, priority=900)

def look(app, env, docnames):
    import sqlite3
    cache = Path(app.config.nb_execution_cache_path)
    with sqlite3.connect(cache / "global.db") as tables:
        names = tables.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
    (cache.parent / "found").write_text(" ".join(sorted(name for name, in names)))
"""
    (docs / "conf.py").write_text(CONF + conf)
    build(docs, RANDOM)
    assert (docs.parent / "cache" / "found").read_text() == "nbcache nbproject settings"
    (database,) = (docs.parent / "cache").glob("*/global.db")
    assert sorted(file.name for file in database.parent.iterdir()) == [
        "__version__.txt",
        "executed",
        "global.db",
    ]


def test_pages_that_run_code_are_spread_over_the_others() -> None:
    others = [f"page-{number:02}" for number in range(20)]
    runs = [f"worked/{letter}" for letter in "abcde"]
    names = [*others, *runs]
    worked.spread(None, None, names)
    assert sorted(names) == sorted([*others, *runs])
    places = [names.index(name) for name in runs]
    assert {before - after for before, after in itertools.pairwise(places)} <= {5, 6}
    worked.spread(None, None, none := ["a", "b"])
    assert none == ["a", "b"]
