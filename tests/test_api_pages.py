"""The API table as readers meet it: its pages, their search, coverage, and the data."""

import csv
import io
import json
from collections.abc import Callable, Iterator
from pathlib import Path

import jsonschema
import pytest
from api import links
from browsing import ROOT, opened
from browsing import Site as Browsed
from bs4 import Tag
from helpers import prove_rows
from playwright.sync_api import Browser, Page
from sites import PARTS, Built, Site, text_of

from snippets._harness import record
from snippets._harness.api import names, rows
from snippets._harness.catalogue import Catalogue

pytestmark = pytest.mark.filterwarnings("ignore:.*app' is deprecated")

SUMS = """\
title = "Sums"
about = "Made-up rows about sums."

[reduce-sum]
tensorflow = "tf.reduce_sum(x, axis=1)"
pytorch = "torch.sum(x, dim=1)"
inputs = { x = "float[n,m]" }
says = "PyTorch says dim < 2 & that is it."
also = ["tf.math.reduce_sum", "Tensor.sum", "np.sum(x, 1)"]

[reduce-sum.cases.of-nothing]
inputs = { x = [] }
differs = "They part on nothing."

[ragged]
tensorflow = "tf.RaggedTensor.from_row_lengths(x, [1, 2])"
inputs = { x = "float[3]" }
absent = ["torch.ragged"]
instead = "Pad the rows."
"""
PINS = {
    "reduce-sum": {
        "tags": ["other dtype", "composed in PyTorch"],
        "differs": {"other dtype": {"int32": {"tensorflow": "int32", "pytorch": "int64"}}},
        "signature": {"renamed": ["axis | dim"], "other default": ["keepdims 1 | 0"]},
        "cases": {"of-nothing": {"agrees": False, "tensorflow": "0.", "pytorch": "raises Error"}},
        "edges": {
            "empty": {"tensorflow": "gives float32", "pytorch": "raises IndexError"},
            "text": {"refused": "ValueError | TypeError"},
            "special values": {"at": "inf", "tensorflow": "nan", "pytorch": "inf"},
        },
    },
    "ragged": {"tags": [], "gives": "float32"},
}
NAMES = {
    "tf": {
        "tf.reduce_sum": ["tf.reduce_sum", "(x)"],
        "tf.RaggedTensor": ["tf.RaggedTensor", "()"],
        "tf.new": ["tf.new", "(x)"],
    },
    "torch": {"torch.sum": ["torch.sum", "(x)"], "torch.raw": ["torch.raw", "(?)", "undocumented"]},
}
LANDING = "# API table\n\n```{api-search}\n```\n\n```{api-families}\n```\n"
COVERAGE = "# Coverage\n\n```{api-coverage}\n```\n\n## Alone\n\n```{api-alone}\n```\n"


class Table:
    """A made-up project with one family of rows."""

    def __init__(self, root: Path) -> None:
        self.site = Site(root)
        (root / rows.FOLDER / "pins").mkdir(parents=True)
        (root / rows.FOLDER / "names").mkdir()
        (self.site.docs / "api").mkdir()
        (self.site.docs / "conf.py").write_text(
            (self.site.docs / "conf.py").read_text().replace('["claims", ', '["claims", "api", ')
        )
        self.write("sums.toml", SUMS)
        self.write("pins/sums.json", json.dumps(PINS))
        self.write("names/listing.json", json.dumps(NAMES))
        self.site.write("api/index", LANDING + "\n```{toctree}\n:glob:\n*\n```\n")
        self.site.write("api/sums", "# Sums\n\n```{api-family} sums\n```\n")
        self.site.write("api/coverage", COVERAGE)
        self.site.add("sums/one")
        self.site.write("index", "# Home\n\n```{toctree}\n:glob:\n*\napi/index\n```\n")

    def write(self, name: str, text: str) -> None:
        (self.site.root / rows.FOLDER / name).write_text(text)

    def prove(self, *chosen: str) -> None:
        (family,) = rows.families(self.site.root)
        prove_rows(self.site.root / "_build/evidence", family, *chosen)

    def build(self) -> Built:
        overrides = {"extensions": [PARTS[0], "api", "machines", *PARTS[1:]]}
        return self.site.build(overrides=overrides)


@pytest.fixture
def table(tmp_path: Path) -> Table:
    return Table(tmp_path)


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    """The made-up table, all of it proven."""
    table = Table(tmp_path_factory.mktemp("table"))
    table.prove()
    return table.build()


def row(built: Built, name: str) -> Tag:
    found = built.page("api/sums").find(id=f"api-{name}")
    assert isinstance(found, Tag)
    return found


def test_a_row_shows_both_sides_with_names_that_lead_to_their_documentation(built: Built) -> None:
    assert built.warnings == []
    one, other = row(built, "reduce-sum").select("td > code")
    assert (text_of(one), text_of(other)) == ("tf.reduce_sum (x, axis=1)", "torch.sum (x, dim=1)")
    links = [a["href"] for a in row(built, "reduce-sum").select("td > code a")]
    assert links == [
        "https://www.tensorflow.org/api_docs/python/tf/reduce_sum",
        "https://docs.pytorch.org/docs/stable/generated/torch.sum.html",
    ]


@pytest.mark.parametrize(
    "words",
    [
        "PyTorch says dim < 2 & that is it.",
        "Several calls in PyTorch",
        "Other dtype of the result: int32 in TensorFlow, int64 in PyTorch",
        "Arguments renamed: axis → dim",
        "Other default: keepdims is 1 in TensorFlow, 0 in PyTorch",
        "Differs at an edge: no elements, NaN, infinity, both zeros",
        "Other errors",
        "✓ Values compared, and gradients;",
        "largest relative deviation: float32 1.5e-07 (gradient 0)",
        "of nothing 0. raises Error",
        "They part on nothing.",
        "text for numbers raises ValueError raises TypeError",
        "NaN, infinity, both zeros (at inf) nan inf",
        "Also: tf.math.reduce_sum , Tensor.sum , np.sum",
        "Inputs: x: float[n,m]",
        "24 November 2026, 12:00:00 UTC",
    ],
)
def test_a_row_says_what_differs_and_what_was_measured(built: Built, words: str) -> None:
    assert words in text_of(row(built, "reduce-sum"))


def test_a_row_of_one_side_says_what_to_do_instead(built: Built) -> None:
    text = text_of(row(built, "ragged"))
    assert "TensorFlow alone has it" in text
    assert "Pad the rows." in text
    assert "nothing" in text
    assert "✓ Run on its one side" in text


def test_the_footer_says_when_the_rows_ran(table: Table) -> None:
    table.prove()
    found = table.site.build(
        overrides={"html_theme": "furo", "templates_path": [str(ROOT / "docs/_templates")]}
    )
    footer = text_of(found.page("api/sums").select_one(".verified"))
    assert footer.startswith("The rows on this page ran and passed on 24 November 2026, on")


def test_a_row_without_evidence_is_said_to_have_none_and_warned_of(table: Table) -> None:
    table.prove("ragged")
    found = table.build()
    assert "No run of this row counts" in text_of(row(found, "reduce-sum"))
    assert "✓" not in text_of(row(found, "reduce-sum"))
    assert "✓" in text_of(row(found, "ragged"))
    (warning,) = found.warnings
    assert "sums.toml:4: row 'reduce-sum': no run counts" in warning


@pytest.mark.parametrize("change", ["row", "pins"])
def test_evidence_of_another_row_or_other_pins_is_stale(table: Table, change: str) -> None:
    table.prove()
    if change == "row":
        table.write("sums.toml", SUMS.replace("axis=1", "axis=0"))
    else:
        table.write("pins/sums.json", json.dumps(PINS).replace("int64", "int16"))
    assert "row 'reduce-sum': no run counts" in "".join(table.build().warnings)


def test_what_follows_a_row_is_written_again_and_no_other_page(table: Table) -> None:
    table.prove()
    table.build()
    assert table.build().written == set()
    table.write("sums.toml", SUMS.replace("that is it", "no more"))
    table.prove()
    again = table.build()
    assert "no more" in text_of(row(again, "reduce-sum"))
    # Sphinx writes what has a changed page in its table of contents.
    assert again.written - {"index"} == {"api/sums", "api/index", "api/coverage"}


def rerun(table: Table) -> None:
    """Let the rows have run at another time."""
    path = table.site.root / "_build/evidence/_api/sums.json"
    path.write_text(path.read_text().replace("2026-11-24", "2026-11-25"))


MORE = NAMES | {"tf": NAMES["tf"] | {"tf.more": ["tf.more", "(x)"]}}
CHANGES: dict[str, Callable[[Table], object]] = {
    "row": lambda table: table.write("sums.toml", SUMS.replace("that is it", "no more")),
    "pins": lambda table: table.write("pins/sums.json", json.dumps(PINS).replace("int64", "int8")),
    "names": lambda table: table.write("names/listing.json", json.dumps(MORE)),
    "run": rerun,
}


def test_the_data_is_made_again_when_what_it_says_changes_and_only_then(table: Table) -> None:
    table.prove()
    data = table.build().out / "api-table.json"
    for name, change in CHANGES.items():
        before = data.read_text()
        change(table)
        table.build()
        assert data.read_text() != before, name
    written = data.stat().st_mtime_ns
    table.site.write("api/sums", "# Sums\n\nMore words.\n\n```{api-family} sums\n```\n")
    assert "api/sums" in table.build().written
    assert data.stat().st_mtime_ns == written
    data.unlink()
    table.site.write("api/sums", "# Sums\n\nNo words.\n\n```{api-family} sums\n```\n")
    table.build()
    assert data.exists()


def test_an_unknown_family_and_a_wrong_row_are_warned_of(table: Table) -> None:
    table.prove()
    table.write("sums.toml", SUMS + '[wrong]\npytorch = "x"\n')
    table.site.write("api/other", "# Other\n\n```{api-family} other\n```\n")
    told = "\n".join(table.build().warnings)
    assert "no family 'other': there is no snippets/_api/other.toml" in told
    assert "sums.toml:20:1: row 'wrong'" in told


def test_what_rows_say_is_never_markup(table: Table) -> None:
    evil = "<script>alert(1)</script>"
    text = SUMS.replace("that is it", evil).replace("Pad the rows.", evil)
    table.write("sums.toml", text.replace("axis=1", f"axis=len('{evil}')"))
    table.write("pins/sums.json", json.dumps(PINS).replace("raises Error", evil))
    table.prove()
    found = table.build()
    assert not found.page("api/sums").select("table script")
    assert text_of(found.page("api/sums")).count(evil) == 4
    assert not found.page("api/coverage").select("ul script")


def test_coverage_counts_each_way_and_lists_what_is_alone(built: Built) -> None:
    page = text_of(built.page("api/coverage"))
    assert "tf , 3 names, 66.7 % accounted for" in page
    assert "1 in one call, 1 not in the other, 1 open" in page
    assert "torch , 2 names, 50.0 % accounted for" in page
    assert "TensorFlow alone has these 1" in page
    assert "tf.RaggedTensor.from_row_lengths : Pad the rows." in page


def test_the_data_keeps_to_its_schema_and_says_what_the_page_says(built: Built) -> None:
    data = json.loads((built.out / "api-table.json").read_text())
    schema = json.loads((built.out / "api-table.schema.json").read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(data, schema)
    assert data["$schema"] == schema["$id"]
    covered = data["coverage"]["tf"]
    assert [covered[how] for how in ("names", "one_call", "alone", "open")] == [3, 1, 1, 1]
    first = data["rows"][0]
    assert first["id"] == "reduce-sum"
    assert first["names"]["numpy"] == ["np.sum"]
    assert first["evidence"]["deviation"]["float32"]["forward relative"] == 1.5e-7
    assert first["address"].endswith("api/sums.html#api-reduce-sum")


def test_the_table_is_a_spreadsheet_too(built: Built) -> None:
    lines = list(csv.DictReader(io.StringIO((built.out / "api-table.csv").read_text())))
    assert [line["id"] for line in lines] == ["reduce-sum", "ragged"]
    assert lines[0]["pytorch"] == "torch.sum(x, dim=1)"
    assert lines[0]["deviation"] == "1.5e-07"
    assert lines[1]["pytorch"] == ""


def test_the_markdown_twin_has_the_rows(built: Built) -> None:
    twin = (built.out / "api/sums.md").read_text()
    assert "TensorFlow: `tf.reduce_sum(x, axis=1)`" in twin
    assert "Arguments renamed: axis → dim" in twin


def test_machines_are_told_of_the_table_and_of_its_pages(built: Built) -> None:
    told = (built.out / "llms.txt").read_text()
    assert "- [api-table.json](" in told
    assert told.index("[API table](") < told.index("## Data")
    assert "[Sums](" in told


def test_rows_are_anchors_on_record(table: Table) -> None:
    published = record.published(Catalogue(table.site.root))
    assert published.anchors["api-reduce-sum"] == "api/sums"


@pytest.mark.parametrize(
    ("name", "address"),
    {
        "tf.nn.relu": "https://www.tensorflow.org/api_docs/python/tf/nn/relu",
        "tf.RaggedTensor.to_list": "https://www.tensorflow.org/api_docs/python/tf/RaggedTensor#to_list",
        "keras.layers.Dense": "https://www.tensorflow.org/api_docs/python/tf/keras/layers/Dense",
        "keras.layers.AugMix": "https://keras.io/api/layers/",
        "torch.nn.Linear": "https://docs.pytorch.org/docs/stable/generated/torch.nn.Linear.html",
        "Tensor.abs": "https://docs.pytorch.org/docs/stable/generated/torch.Tensor.abs.html",
        "torch.special.erf": "https://docs.pytorch.org/docs/stable/special.html#torch.special.erf",
        "torch.raw": "https://docs.pytorch.org/docs/stable/search.html?q=torch.raw",
        "np.take": "https://numpy.org/doc/stable/reference/generated/numpy.take.html",
        "math.pi": None,
    }.items(),
)
def test_names_lead_to_the_official_documentation(name: str, address: str | None) -> None:
    assert links.address(name, {"torch.raw": True}, ROOT) == address


def test_every_family_has_a_page_that_is_named_as_it_is() -> None:
    families = {family.name: family.title for family in rows.families(ROOT)}
    pages = {path.stem: path.read_text() for path in (ROOT / "docs/api").glob("*.md")}
    assert set(pages) - set(families) == {"index", "coverage"}
    for name, title in families.items():
        assert f"\n# {title}\n\n```{{api-family}} {name}\n```\n" in pages[name]


# The search, in the project's own table.


@pytest.fixture(scope="module")
def page(site: Browsed, browser: Browser) -> Iterator[Page]:
    with opened(site, browser, "api/index.html") as visit:
        yield visit.page
        assert (visit.console, visit.failed, visit.foreign) == ([], [], [])


@pytest.mark.parametrize(
    ("query", "first"),
    {
        "tf.gather": "gather",
        "index_select": "gather",
        "gather": "gather",
        "np.where": "where",
        "F.gelu": "gelu",
        "torch.nn.GELU": "gelu",
        "tf.keras.layers.Dense": "layer-dense",
        "tf.reduce_sum(x)": "reduce-sum",
        "numpy.arange": "range",
    }.items(),
)
def test_a_row_is_found_by_any_of_its_names(page: Page, query: str, first: str) -> None:
    page.locator("#api-search input").fill(query)
    found = page.locator("#api-results a").first
    assert found.text_content() == first
    assert (found.get_attribute("href") or "").endswith(f".html#api-{first}")


def test_what_is_not_there_is_said_to_be_not_there(page: Page) -> None:
    page.locator("#api-search input").fill("no_such_function")
    assert "0 of" in (page.locator("#api-search [role=status]").text_content() or "")
    assert page.locator("#api-results li").count() == 0


def test_a_search_can_be_linked_and_works_without_a_server(site: Browsed, browser: Browser) -> None:
    context = browser.new_context()
    page = context.new_page()
    page.goto(f"{(site.folder / 'api/index.html').as_uri()}?q=tf.gather")
    assert page.locator("#api-results a").first.text_content() == "gather"
    context.close()


def test_the_search_page_leads_to_the_table(site: Browsed, browser: Browser) -> None:
    with opened(site, browser, "search.html") as visit:
        visit.page.locator("#search-query").fill("index_select")
        visit.page.get_by_role("button", name="In the API table").click()
        visit.page.wait_for_url("**/api/index.html?q=index_select")
        assert visit.page.locator("#api-results a").first.text_content() == "gather"


def test_a_side_is_copied_as_it_is_written(site: Browsed, browser: Browser) -> None:
    with opened(site, browser, "api/activations.html") as visit:
        visit.page.locator("#api-relu button").nth(1).click()
        visit.page.get_by_text("Copied", exact=True).wait_for()
        assert visit.page.evaluate("navigator.clipboard.readText()") == "F.relu(x)"


def test_without_scripts_the_tables_are_there_and_the_buttons_are_not(
    site: Browsed, browser: Browser
) -> None:
    with opened(site, browser, "api/activations.html", scripts=False) as visit:
        assert visit.page.locator("#api-relu code").first.is_visible()
        assert not visit.page.locator("#api-relu button").first.is_visible()


def test_the_names_on_record_are_those_that_must_be_accounted_for() -> None:
    covered = names.coverage(ROOT, rows.families(ROOT))
    left = {space: covered[space]["open"] for space, all_of in names.NAMESPACES.items() if all_of}
    assert left == {space: [] for space in left}
