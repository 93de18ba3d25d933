"""What contributors write, in any field, stays text in every file that the site consists of."""

import ast
import csv
import io
import json
import re
import subprocess
import sys
import time
import tokenize
from collections.abc import Callable, Iterator
from pathlib import Path
from xml.etree import ElementTree as ET

import nbformat
import pytest
from browsing import Site as Browsed
from browsing import opened, served
from bs4 import BeautifulSoup
from helpers import ARTICLES, SNIPPET, claim_text, snippet
from markdown_it import MarkdownIt
from playwright.sync_api import Browser
from sites import FAMILY, FAMILY_PINS, INDEX, PARTS, OwnSite, Site, numbers, text_of

# MyST's own, until it has caught up with Sphinx 9.
pytestmark = pytest.mark.filterwarnings("ignore:.*app' is deprecated")

# Closes what it may stand in (an attribute, a script, a title, a comment), then does harm.
MARK = "'\"--></title></script><img src=x onerror=window.pwned++><script>window.pwned=1</script>"
PUNCTUATION = re.compile(r"[!-/:-@\[-`{-~]")
ESCAPED = PUNCTUATION.sub(r"\\\g<0>", MARK)  # Markdown for the same text
IN_MARKDOWN = f"`{MARK}` {ESCAPED}"
# In code, in a comment and in output, in lines of few columns.
SHORT = "</script><img src=x onerror=pwned()>"
TAG = SHORT.removeprefix("</script>")
CODE = """\
>>> s = '''SHORT
... \\N{EM DASH} \\\\ "'''  # SHORT
>>> s[:5], "TAG"
('</scr', 'TAG')
>>> raise ValueError("TAG")
Traceback (most recent call last):
...
ValueError: TAG""".replace("SHORT", SHORT).replace("TAG", TAG)
PAGE = f"""\
---
myst:
  html_meta:
    description: {json.dumps(MARK)}
---
(axis-sums)=
# Sums {ESCAPED}

{ESCAPED}

```{{verdicts}} sums
```

"""


@pytest.fixture(scope="module")
def marked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a site that has the mark in every field that takes free text."""
    site = OwnSite(tmp_path_factory.mktemp("marked") / "project")
    groups = site.root / "pyproject.toml"  # without what snippets require, they may need anything
    groups.write_text(groups.read_text().replace("\nevidence = [", "\nothers = ["))
    site.write("sums", PAGE)
    tab = f"{ESCAPED}\n\n{snippet(CODE)}"
    source = {"article": "primer", "said": IN_MARKDOWN, "favours": "tie"}
    front = {"title": f"One {IN_MARKDOWN}", "changed": MARK, "apart": MARK, "sources": [source]}
    claim = claim_text(f"Two. {IN_MARKDOWN}\n\nSo {ESCAPED}\n", **front)
    site.fill(claim=claim, pytorch=tab, tensorflow=tab)
    skip = {"reason": MARK, "until": "9999-12-31"}
    text = claim_text(skip=skip, needs=[MARK], title=f"Skipped {IN_MARKDOWN}", agree={MARK: 0})
    site.path("more/skipped", "claim").write_text(text.replace("'9999-12-31'", "9999-12-31"))
    site.prove("more/skipped", outcome="not run", reason=f"skipped until 9999-12-31: {MARK}")
    agreeing = claim_text(agree={MARK: 0}, title=f"Agreeing {IN_MARKDOWN}", apart=MARK)
    site.add("more/agreeing", claim=agreeing, prove=False)
    site.prove("more/agreeing", values={MARK: numbers(2)})
    quoted = json.dumps(MARK)
    article = f"title = {quoted}\nyear = 2020\nauthor = {quoted}\ndated = {quoted}\n"
    (site.root / "snippets" / "articles.toml").write_text(f"[primer]\n{article}")
    site.tabulate(*marked_rows())
    made = site.make(site.root / "_build" / "site")
    assert made.returncode == 0, made.stderr
    return site.root / "_build" / "site"


def marked_rows() -> tuple[str, dict[str, object]]:
    """Return rows whose every sentence is the mark, and the text of what they gave."""
    quoted = json.dumps(f"{MARK}\n\n# {MARK}")
    sentences = ("Rows about sums.", "What to know.", "They part on nothing.", "Pad the rows.")
    family = FAMILY.replace('title = "Sums"', f"title = {json.dumps(MARK)}")
    for sentence in sentences:
        family = family.replace(f'"{sentence}"', quoted)
    pins = json.dumps(FAMILY_PINS)
    for text in ("raises Error", "raises IndexError", '"int64"'):
        pins = pins.replace(text.strip('"'), quoted[1:-1])
    return family, json.loads(pins)


def files(folder: Path, suffix: str) -> list[Path]:
    found = sorted(folder.rglob(f"*{suffix}"))
    assert found
    return found


def harm(html: str) -> list[str]:
    """Return what in a text of HTML is an element, or an attribute, that the mark would make."""
    found = []
    for tag in BeautifulSoup(html, "html.parser").find_all(True):
        found += [f"{tag.name} {name}" for name in tag.attrs if name.lower().startswith("on")]
        address = next((str(tag[name]) for name in ("src", "href") if tag.has_attr(name)), "")
        if address == "x" or address.lower().startswith("javascript:"):
            found.append(f"{tag.name} {address}")
        if tag.name == "script" and not tag.has_attr("src"):
            found.append(f"script: {tag.string}")
    return found


def in_pages(folder: Path) -> Iterator[tuple[Path, list[str]]]:
    for path in files(folder, ".html"):
        yield path, harm(path.read_text())


def in_markdown(folder: Path) -> Iterator[tuple[Path, list[str]]]:
    for path in [*files(folder, ".md"), folder / "llms.txt"]:
        yield path, harm(MarkdownIt("commonmark").render(path.read_text()))


def in_xml(folder: Path) -> Iterator[tuple[Path, list[str]]]:
    for path in files(folder, ".xml"):
        tags = {tag.tag.rpartition("}")[2] for tag in ET.parse(path).iter()}  # noqa: S314 (ours)
        yield path, sorted(tags & {"img", "script"})


def in_data(folder: Path) -> Iterator[tuple[Path, list[str]]]:
    for path in files(folder, ".json"):
        json.loads(path.read_text())
        yield path, []
    for path in files(folder, ".csv"):
        head, *rows = csv.reader(io.StringIO(path.read_text()))
        yield path, [f"{len(row)} cells" for row in rows if len(row) != len(head)]
    for name in ("search-index.js", "api-index.js"):
        text = (folder / name).read_text()
        json.loads(re.sub(r"^window\.\w+=", "", text))
        yield folder / name, []


def in_notebooks(folder: Path) -> Iterator[tuple[Path, list[str]]]:
    for path in files(folder, ".ipynb"):
        notebook = nbformat.read(path, as_version=4)
        nbformat.validate(notebook)
        prose = [cell.source for cell in notebook.cells if cell.cell_type == "markdown"]
        yield path, [what for text in prose for what in harm(MarkdownIt("commonmark").render(text))]


def in_scripts(folder: Path) -> Iterator[tuple[Path, list[str]]]:
    """Yield the words of code, outside of strings and comments, that the mark has."""
    for path in files(folder / "_downloads", ".py"):
        text = path.read_text()
        ast.parse(text)
        tokens = tokenize.generate_tokens(io.StringIO(text).readline)
        names = {token.string for token in tokens if token.type == tokenize.NAME}
        yield path, sorted(names & {"img", "script", "onerror", "pwned", "window"})


KINDS: dict[str, Callable[[Path], Iterator[tuple[Path, list[str]]]]] = {
    "pages": in_pages,
    "twins and llms.txt": in_markdown,
    "feed and sitemap": in_xml,
    "data": in_data,
    "notebooks": in_notebooks,
    "scripts": in_scripts,
}


@pytest.mark.parametrize("kind", KINDS)
def test_no_free_text_becomes_markup_or_code_in(marked: Path, kind: str) -> None:
    found = {str(path.relative_to(marked)): harms for path, harms in KINDS[kind](marked)}
    assert {path: harms for path, harms in found.items() if harms} == {}


def test_the_text_is_shown_all_the_same(marked: Path) -> None:
    shown = {name: BeautifulSoup((marked / f"{name}.html").read_text(), "html.parser")
             for name in ("sums", "more", "sources", "claims", "status", "api/sums")}  # fmt: skip
    for name, page in shown.items():
        assert "<img src=x onerror=window.pwned++>" in page.get_text(), name


@pytest.fixture(scope="module")
def marked_site(marked: Path) -> Iterator[Browsed]:
    with served(marked) as site:
        yield site


HARM = "[window.pwned ?? 0, document.querySelectorAll('[onerror], img[src=x]').length]"
QUERIES = {
    "search.html": ("#search-query", "window pwned"),
    "api/index.html": ("#api-search input", "pwned"),
    "claims.html": (".ledger-filter input", "pwned"),
}


def test_nothing_of_it_is_alive_in_a_browser_that_ignores_the_policy(
    marked: Path, marked_site: Browsed, browser: Browser
) -> None:
    context = browser.new_context(bypass_csp=True)
    page = context.new_page()
    for path in files(marked, ".html"):
        page.goto(f"{marked_site.url}{path.relative_to(marked)}")
        assert page.evaluate(HARM) == [0, 0], path
    context.close()


@pytest.mark.parametrize("path", QUERIES)
def test_what_is_found_in_the_browser_is_text(
    marked_site: Browsed, browser: Browser, path: str
) -> None:
    field, query = QUERIES[path]
    with opened(marked_site, browser, path) as visit:
        visit.page.locator(field).first.fill(query)
        visit.page.wait_for_timeout(100)
        results = "ol[role=list] li, .ledger tbody tr:not([hidden])"
        assert "<img src=x" in (visit.page.locator(results).first.text_content() or "")
        assert visit.page.evaluate(HARM) == [0, 0]
        assert visit.console == []


def test_code_that_is_no_python_is_a_script_that_says_so(tmp_path: Path) -> None:
    site = Site(tmp_path / "project")
    error = "Traceback (most recent call last):\n...\nSyntaxError: invalid syntax"
    site.add("sums/one", pytorch=snippet(f">>> 1 +\n{error}\n>>> 2 + 2\n4"))
    script = site.build().out / "_downloads" / "sums" / "one" / "one-pytorch.py"
    ran = subprocess.run([sys.executable, script], capture_output=True, text=True, check=True)
    assert re.fullmatch(r"SyntaxError: invalid syntax.*\n4\n", ran.stdout)


# What a page names outside of the tree.

OUTSIDE = {
    "an axis": ("```{verdicts} ../..\n```", "no axis '../..' has claims: (one of: sums)"),
    "an absolute axis": ("```{verdicts} /etc\n```", "no axis '/etc' has claims"),
    "a slip in an axis": ("```{verdicts} sms\n```", "did you mean 'sums'?"),
    "a family": ("```{api-family} ../../x\n```", "no family '../../x': write a file's name"),
    "an absolute family": ("```{api-family} /etc/passwd\n```", "no family '/etc/passwd'"),
    "an included file": ("```{include} ../../secret.txt\n```", "secret.txt, which is outside"),
    "an included link": ("```{include} link.txt\n```", "secret.txt, which is outside"),
    "a file as code": ("```{literalinclude} ../../secret.txt\n```", "secret.txt, which is outside"),
    "a file as code, from the top": ("```{literalinclude} /../../secret.txt\n```", "is outside"),
    "a table": ("```{csv-table}\n:file: ../../secret.txt\n```", "secret.txt, which is outside"),
    "raw text": ("```{raw} html\n:file: ../../secret.txt\n```", "secret.txt, which is outside"),
    "a download": ("{download}`../../secret.txt`", "secret.txt, which is outside"),
    "in reStructuredText": (
        "```{eval-rst}\n.. include:: ../../secret.txt\n```",
        "secret.txt, which is outside",
    ),
}


@pytest.mark.parametrize("case", OUTSIDE)
def test_what_leaves_the_tree_is_a_warning_with_its_place(tmp_path: Path, case: str) -> None:
    written, words = OUTSIDE[case]
    site = Site(tmp_path / "project")
    (tmp_path / "secret.txt").write_text("Kept from readers.\n")
    (site.docs / "link.txt").symlink_to(tmp_path / "secret.txt")
    site.add("sums/one")
    site.write("other", f"# Other\n\n{written}\n")
    built = site.build(overrides={"extensions": [PARTS[0], "api", *PARTS[1:]]})
    (warning,) = built.warnings
    assert words in warning
    assert re.search(r"other\.md:[345]: ", warning) or "link" in written
    assert "Traceback" not in warning


def test_a_page_that_is_a_link_out_of_the_tree_is_a_warning(tmp_path: Path) -> None:
    site = Site(tmp_path / "project")
    (tmp_path / "secret.txt").write_text("# Secret\n\nKept from readers.\n")
    site.add("sums/one")
    (site.docs / "other.md").symlink_to(tmp_path / "secret.txt")
    (warning,) = site.build().warnings
    assert "other.md:1: " in warning
    assert "secret.txt, which is outside" in warning


def test_what_is_in_the_project_may_be_included(tmp_path: Path) -> None:
    site = Site(tmp_path / "project")
    (site.root / "HOWTO.md").write_text("How to.\n")
    site.add("sums/one")
    site.write("other", "# Other\n\n```{include} ../HOWTO.md\n```\n")
    assert site.build().warnings == []


# Characters that nobody sees, and letters that only look odd.

HIDDEN = {
    "\N{RIGHT-TO-LEFT OVERRIDE}": r"U+202E, RIGHT-TO-LEFT OVERRIDE",
    "\N{LEFT-TO-RIGHT ISOLATE}": "U+2066, LEFT-TO-RIGHT ISOLATE",
    "\N{ZERO WIDTH SPACE}": "U+200B, ZERO WIDTH SPACE",
    "\N{LINE SEPARATOR}": "U+2028, LINE SEPARATOR",
    "\N{SOFT HYPHEN}": "U+00AD, SOFT HYPHEN",
    "\x1b": "U+001B, a control character",
    "\x07": "U+0007, a control character",
    "\U000e0041": "U+E0041, TAG LATIN CAPITAL LETTER A",
}
PLACES: dict[str, Callable[[str], dict[str, str]]] = {
    "title": lambda text: {"claim": claim_text(title=text)},
    "statement": lambda text: {"claim": claim_text(f"{text}\n")},
    "changed": lambda text: {"claim": claim_text(changed=text)},
    "said": lambda text: {"claim": claim_text(sources=[{"article": "primer", "said": text}])},
    "prose": lambda text: {"pytorch": f"{text}\n\n{SNIPPET}"},
    "code": lambda text: {"pytorch": snippet(f">>> 1  # {text}\n1")},
    "output": lambda text: {"pytorch": snippet(f">>> print('{text}')\n{text}")},
}


@pytest.mark.parametrize("character", HIDDEN, ids=list(HIDDEN.values()))
def test_a_character_that_readers_do_not_see_is_a_warning(tmp_path: Path, character: str) -> None:
    site = Site(tmp_path / "project")
    for place, files_with in PLACES.items():
        site.add(f"sums/{place}", prove=False, **files_with(f"one{character}two"))
    # Some are refused before they are on a page, with their place in the file.
    kinds = re.compile(r"\[claims\.(hidden|catalogue)\]")
    warnings = [each for each in site.build().warnings if kinds.search(each)]
    assert all(HIDDEN[character] in each and "take it out" in each for each in warnings)
    files = (
        "statement/claim.md:",
        *(f"{name}/pytorch.md:" for name in ("prose", "code", "output")),
    )
    for place in ("sums.md:4: ", "sources.md:3: ", *files):
        assert any(place in each for each in warnings), place


def test_letters_of_all_scripts_are_welcome(tmp_path: Path) -> None:
    site = Site(tmp_path / "project")
    family = "\N{WOMAN}\N{ZERO WIDTH JOINER}\N{PERSONAL COMPUTER}\N{VARIATION SELECTOR-16}"
    hebrew, arabic = "\u05e9\u05dc\u05d5\u05dd", "\u0645\u0631\u062d\u0628\u0627"
    letters = f"{hebrew} {arabic} e\N{COMBINING ACUTE ACCENT} \u4e16 {family}"
    for place, files_with in PLACES.items():
        site.add(f"sums/{place}", **files_with(letters))
    built = site.build()
    assert built.warnings == []
    assert text_of(built.claim("sums/code")).count(letters) == 1


@pytest.mark.parametrize("count", [0, 1])
def test_a_site_of_few_claims_is_built(tmp_path: Path, count: int) -> None:
    site = Site(tmp_path / "project")
    (site.root / "snippets").mkdir()
    (site.root / "snippets" / "articles.toml").write_text(ARTICLES)
    for number in range(count):
        site.add(f"sums/number-{number}")
    shown = ("axes", "turned", "ledger", "runs")
    site.write("index", INDEX + "".join(f"\n```{{{name}}}\n```\n" for name in shown))
    extensions = [PARTS[0], "api", "machines", "search", "sitemap", *PARTS[1:]]
    assert site.build(overrides={"extensions": extensions}).warnings == []


def test_ten_thousand_lines_are_refused_or_shown_in_seconds(tmp_path: Path) -> None:
    site = Site(tmp_path / "project")
    output = "\n".join(map(str, range(10_000)))
    site.add("sums/prints", pytorch=snippet(f">>> for i in range(10_000): i\n{output}"))
    code = "\n".join(f">>> x = {i}" for i in range(10_000))
    site.add("sums/long", prove=False, pytorch=snippet(f"{code}\n>>> x\n9999"))
    before = time.monotonic()
    warnings = site.build().warnings
    assert any("pytorch.md:4:1: 10001 lines of code, at most 25" in each for each in warnings)
    assert time.monotonic() - before < 30  # it takes two
