"""Claims load into typed, immutable objects; everything wrong is said with its place."""

import datetime
import os
import re
import subprocess
import sys
from dataclasses import FrozenInstanceError
from pathlib import Path
from typing import Any

import pytest
from helpers import SNIPPET, claim_text, make_claim, show_claim, snippet
from pydantic import ValidationError

from snippets._harness.catalogue import Catalogue, Claim, Snippet
from snippets._harness.frontmatter import Article, Skip, Source
from snippets._harness.markup import Block
from snippets._harness.problems import CatalogueError, Problem

REPOSITORY = Path(__file__).parents[1]
TODAY = datetime.date(2026, 8, 1)
FENCE = "```python"


def bad(id: str, where: str, says: str, **files: str | bytes | None) -> Any:  # noqa: A002
    """Return a row of a table: a claim's files, and the one problem that they have.

    ``where`` is file:line:column, or file:line where any column will do.
    """
    return pytest.param(files, where, says, id=id)


def front(*lines: str, statement: str = "Both do.\n") -> str:
    """Return a ``claim.md`` with sound front matter, to which ``lines`` are added at line 6."""
    sound = ("title: One and one", "status: holds", "favours: tie", "kind: ours")
    return "\n".join(["---", *sound, *lines, "---", statement])


def said(statement: str) -> str:
    """Return a ``claim.md`` whose statement is the given Markdown, which begins at line 7."""
    return front(statement=statement)


def also(markdown: str) -> str:
    """Return a sound snippet file with more Markdown at its end, which begins at line 8."""
    return f"{SNIPPET}\n{markdown}"


def examples(count: int) -> str:
    """Return a snippet file of ``count`` lines of code."""
    return snippet("\n".join([">>> one = 1"] * (count - 1) + [">>> one", "1"]))


def problems(project: Path) -> list[Problem]:
    """Return what is wrong with the project on the day that the tests play."""
    return Catalogue(project, TODAY).problems()


def place(problem: Problem, below: Path) -> str:
    """Return file:line:column, with the file relative to the folder ``below``."""
    return f"{problem.path.relative_to(below)}:{problem.line}:{problem.column}"


def assert_only_problem(found: list[Problem], below: Path, where: str, says: str) -> None:
    """Assert that exactly one problem was found, at its place, in one line of words."""
    assert len(found) == 1, "\n".join(map(str, found))
    assert f"{place(found[0], below)}:".startswith(f"{where}:")
    assert says in found[0].message
    assert "\n" not in found[0].message


# What is wrong with the head of a claim.
FRONT_MATTER = [
    bad("unknown key", "claim.md:6:1", "did you mean 'changed'?", claim=front("chanegd: 2019")),
    bad(
        "unknown key of a source",
        "claim.md:6:39",
        "unknown key 'saids': did you mean 'said'? (one of: article, said, favours)",
        claim=front("sources: [{article: primer, said: So, saids: So}]"),
    ),
    bad(
        "missing title",
        "claim.md:2:1",
        "'title' is missing; give the claim a title",
        claim=claim_text(title=None),
    ),
    bad(
        "empty title",
        "claim.md:2:1",
        "'title' is empty; give the claim a title",
        claim=claim_text(title=""),
    ),
    bad(
        "blank title",
        "claim.md:2:1",
        "'title' is empty; give the claim a title",
        claim=claim_text(title="  "),
    ),
    bad(
        "missing status",
        "claim.md:2:1",
        "'status' is missing; say what is so today: holds, partly, outdated, never, opinion",
        claim=claim_text(status=None),
    ),
    bad(
        "unknown status",
        "claim.md:3:1",
        "unknown status 'hold': did you mean 'holds'? (one of: holds, partly,",
        claim=claim_text(status="hold"),
    ),
    bad(
        "unknown favourite",
        "claim.md:4:1",
        "unknown favours 'torch': did you mean 'pytorch'?",
        claim=claim_text(favours="torch"),
    ),
    bad(
        "unknown kind",
        "claim.md:6:1",
        "unknown kind 'proof': did you mean 'prose'? (one of: claim, example, ours, prose)",
        claim=claim_text(sources=None, kind="ours").replace("kind: ours", "\nkind: proof"),
    ),
    bad(
        "unknown article",
        "claim.md:6",
        "unknown article 'prmer': did you mean 'primer'? (one of: primer)",
        claim=claim_text().replace("article: primer", "article: prmer"),
    ),
    bad(
        "unknown article on a line with other keys",
        "claim.md:6",
        "unknown article 'prmer': did you mean 'primer'?",
        claim=front("sources: [{said: So, article: prmer}]"),
    ),
    bad(
        "claim without a source",
        "claim.md:2:1",
        "has no sources; name an article, or make it `kind: ours`",
        claim=claim_text(sources=None),
    ),
    bad(
        "tolerance that is no number",
        "claim.md:6:9",
        "'losses' is 'close': input should be a valid number",
        claim=front("agree: {losses: close}"),
    ),
    bad(
        "negative tolerance",
        "claim.md:6:9",
        "'losses' is -1: input should be greater than or equal to 0",
        claim=front("agree: {losses: -1}"),
    ),
    bad(
        "infinite tolerance",
        "claim.md:6:9",
        "'losses' is inf: input should be a finite number",
        claim=front("agree: {losses: .inf}"),
    ),
    bad(
        "skip without a date",
        "claim.md:6:1",
        "'until' is missing; give the last day of the skip as YYYY-MM-DD",
        claim=front("skip: {reason: Broken upstream}"),
    ),
    bad(
        "expired skip",
        "claim.md:6:33",
        "the skip ended on 2026-07-31; mend the snippets or give a new date",
        claim=front("skip: {reason: Broken upstream, until: 2026-07-31}"),
    ),
    bad("date that does not exist", "claim.md:6", "month", claim=front("changed: 2026-13-45")),
    bad(
        "duplicate key",
        "claim.md:6:1",
        "key 'title' is given twice; keep one",
        claim=front("title: Two"),
    ),
    bad(
        "duplicate key of a source",
        "claim.md:6:40",
        "key 'said' is given twice; keep one",
        claim=front("sources: [{article: primer, said: One, said: Two}]"),
    ),
    bad("invalid YAML", "claim.md:6:14", "not valid YAML", claim=front("changed: 2019: yes")),
    bad("control character", "claim.md:6", "not valid YAML", claim=front("changed: \x07")),
    bad("tag of Python", "claim.md:6:10", "not valid YAML", claim=front("changed: !!python/x 1")),
    bad("list that holds itself", "claim.md:6", "", claim=front("needs: &all [*all]")),
    bad("very deep YAML", "claim.md", "", claim=front(f"needs: {'[' * 3000}{']' * 3000}")),
    bad(
        "YAML that is a list",
        "claim.md:2:1",
        "not a mapping; write lines of `key: value`",
        claim="---\n- title\n---\nBoth do.\n",
    ),
    bad(
        "empty YAML",
        "claim.md:2:1",
        "not a mapping; write lines of `key: value`",
        claim="---\n---\nBoth do.\n",
    ),
    bad(
        "no front matter",
        "claim.md:1:1",
        "must begin with front matter between two lines of ---",
        claim="Both do.\n",
    ),
    bad(
        "no statement",
        "claim.md:7:1",
        "has no statement; say below the front matter what is so today",
        claim=said(""),
    ),
    bad("no claim.md", "claim.md:1:1", "is missing", claim=None),
]

# What is wrong with the bytes of a file.
ENCODING = [
    bad(
        "not UTF-8 in the claim",
        "claim.md:7:3",
        "byte 0xe9 is not UTF-8; save as UTF-8",
        claim=said("caf\N{LATIN SMALL LETTER E WITH ACUTE}\n")
        .replace("caf", "ca")
        .encode("latin-1"),
    ),
    bad(
        "not UTF-8 in a tab",
        "pytorch.md:2:1",
        "byte 0xff is not UTF-8; save as UTF-8",
        pytorch=b"Words.\n\xff\n",
    ),
    bad(
        "byte order mark",
        "claim.md:1:1",
        "begins with a byte order mark; save as UTF-8 without BOM",
        claim=b"\xef\xbb\xbf" + front().encode(),
    ),
    bad(
        "CRLF",
        "pytorch.md:1:1",
        "has Windows line ends (CRLF); save with LF",
        pytorch=SNIPPET.replace("\n", "\r\n"),
    ),
    bad(
        "CRLF further down",
        "pytorch.md:5:1",
        "has Windows line ends (CRLF); save with LF",
        pytorch=SNIPPET.replace("2\n", "2\r\n"),
    ),
]

# What is wrong with the tabs and their code.
TABS = [
    bad("no TensorFlow tab", "tensorflow.md:1:1", "the TensorFlow tab is missing", tensorflow=None),
    bad("no PyTorch tab", "pytorch.md:1:1", "the PyTorch tab is missing; show in it", pytorch=None),
    bad(
        "unknown framework",
        "pytroch.md:1:1",
        "unknown framework or file 'pytroch.md': did you mean 'pytorch.md'? (one of: claim.md,",
        pytroch=SNIPPET,
    ),
    bad("no doctest", "pytorch.md:1:1", f"no doctest; add a {FENCE} fence", pytorch="Words.\n"),
    bad("empty tab", "pytorch.md:1:1", f"no doctest; add a {FENCE} fence", pytorch=""),
    bad(
        "nothing expected",
        "pytorch.md:4:1",
        "nothing is expected of any example, so nothing is proven",
        pytorch=snippet(">>> one = 1\n>>> two = 2"),
    ),
    bad(
        "ellipsis in place of the output",  # which doctest reads as code that goes on
        "pytorch.md:4:1",
        "nothing is expected of any example, so nothing is proven",
        pytorch=snippet(">>> 1 + 1\n..."),
    ),
    bad(
        "output that is only an ellipsis",
        "pytorch.md:5:1",
        "the expected output '[...]' matches anything",
        pytorch=snippet(">>> one = 1\n>>> [one]\n[...]\n>>> one\n1"),
    ),
    bad(
        "skipped example",
        "pytorch.md:6:1",
        "the doctest option +SKIP weakens or hides the evidence",
        pytorch=snippet(">>> 1 + 1\n2\n>>> 1 + 1  # doctest: +SKIP\n3"),
    ),
    bad(
        "skipped among allowed options",
        "pytorch.md:4:1",
        "the doctest option +SKIP weakens or hides the evidence",
        pytorch=snippet(">>> 1 + 1  # doctest:+ELLIPSIS,+SKIP\n3"),
    ),
    bad(
        "line of 73 columns",
        "pytorch.md:4:73",
        "73 columns, at most 72; ELLIPSIS (...) shortens output",
        pytorch=snippet(f">>> len('{'x' * 62}')\n62"),
    ),
    bad(
        "output of 73 columns",
        "pytorch.md:5:73",
        "73 columns, at most 72; ELLIPSIS (...) shortens output",
        pytorch=snippet(f">>> 'x' * 71\n'{'x' * 71}'"),
    ),
    bad("26 lines of code", "pytorch.md:4:1", "26 lines of code, at most 25", pytorch=examples(26)),
]

# Doctests that are none, which leave their file without a doctest too.
DOCTESTS = [
    bad("code without prompts", "pytorch.md:4:1", "begin with >>>", pytorch=snippet("one = 1")),
    bad("empty block", "pytorch.md:4:1", "begin with >>>", pytorch=snippet("")),
    bad(
        "no blank after the prompt", "pytorch.md:5:1", "lacks blank", pytorch=snippet(">>> 1\n>>>2")
    ),
    bad(
        "unknown doctest option",
        "pytorch.md:5:1",
        "invalid option: '+LUCK'",
        pytorch=snippet(">>> one = 1\n>>> 1 + 1  # doctest: +LUCK\n3"),
    ),
]

# What may not stand between the code, in a statement or in a tab.
MARKUP = [
    bad(
        "unclosed fence",
        "pytorch.md:8:1",
        "never closed; end it with ``` on its own line",
        pytorch=also(f"{FENCE}\n>>> 2 + 2\n4\n"),
    ),
    bad("fence of another language", "pytorch.md:8:1", FENCE, pytorch=also("```bash\nls\n```\n")),
    bad("fence of no language", "pytorch.md:8:1", FENCE, pytorch=also("```\nls\n```\n")),
    bad("fence of tildes", "pytorch.md:8:1", FENCE, pytorch=also("~~~python\n>>> 1\n1\n~~~\n")),
    bad(
        "indented code", "pytorch.md:8:1", f"write paragraphs and {FENCE}", pytorch=also("    1\n")
    ),
    bad("code without a prompt after code", "pytorch.md:7:1", "", pytorch=snippet(">>> 1\n1\n\n2")),
    bad("code in the statement", "claim.md:8:1", "put code", claim=said(f"{FENCE}\n>>> 1\n```\n")),
    bad("raw HTML in a line", "claim.md:7:1", "html inline is not", claim=said("A <b>word.\n")),
    bad("raw HTML", "pytorch.md:8:1", "html block is not", pytorch=also("<script>\n</script>\n")),
    bad("raw HTML in a title", "claim.md:2", "html inline", claim=claim_text(title="<b x=1> is")),
    bad("role in a title", "claim.md:2", "role {raw}", claim=claim_text(title="{raw}`x` is")),
    bad("title of two lines", "claim.md:2", "line", claim=claim_text(title="One\n\ntwo")),
    bad("directive", "pytorch.md:8:1", FENCE, pytorch=also("```{include} /etc/passwd\n```\n")),
    bad(
        "colon directive", "pytorch.md:8:1", ":::", pytorch=also(":::{include} /etc/passwd\n:::\n")
    ),
    bad(
        "colon directive after text", "claim.md:8:1", ":::", claim=said("So\n:::{include} x\n:::\n")
    ),
    bad(
        "role",
        "claim.md:7:1",
        "the role {doc} is not allowed here; use a link",
        claim=said("{doc}`x`"),
    ),
    bad("heading", "claim.md:9:1", "heading is not allowed here", claim=said("So.\n\n## More\n")),
    bad("underlined heading", "claim.md:7:1", "heading is not allowed", claim=said("More\n---\n")),
    bad("image", "claim.md:7:1", "image is not allowed here", claim=said("![x](https://a.b/c)\n")),
    bad("quotation", "claim.md:9:1", "blockquote is not allowed", claim=said("So.\n\n>\n")),
    bad("thematic break", "claim.md:9:1", "hr is not allowed", claim=said("So.\n\n***\n")),
    bad(
        "javascript link",
        "claim.md:7:1",
        "the link 'javascript:alert(1)' must begin with https:// or with #",
        claim=said("[So](javascript:alert(1)).\n"),
    ),
    bad(
        "link to a file",
        "claim.md:7:1",
        "the link '/etc/passwd' must begin with https:// or with #",
        claim=said("[So](/etc/passwd).\n"),
    ),
    bad(
        "link without encryption",
        "claim.md:7:1",
        "the link 'http://a.b' must begin with https:// or with #",
        claim=said("[So][1].\n\n[1]: http://a.b\n"),
    ),
]


@pytest.mark.parametrize(("files", "where", "says"), [*FRONT_MATTER, *ENCODING, *TABS, *MARKUP])
def test_bad_input_is_named_with_its_place_and_what_is_right(
    tmp_path: Path, files: dict[str, Any], where: str, says: str
) -> None:
    folder = make_claim(tmp_path, "axis/one", **files)
    assert_only_problem(problems(tmp_path), folder, where, says)


@pytest.mark.parametrize(("files", "where", "says"), DOCTESTS)
def test_code_that_is_no_doctest_is_named_with_its_line(
    tmp_path: Path, files: dict[str, Any], where: str, says: str
) -> None:
    folder = make_claim(tmp_path, "axis/one", **files)
    at_place = [found.message for found in problems(tmp_path) if place(found, folder) == where]
    assert [message for message in at_place if says in message]


# What looks unusual and is right.
@pytest.mark.parametrize(
    "files",
    [
        pytest.param({}, id="plain"),
        pytest.param({"tensorflow1": SNIPPET, "keras": SNIPPET}, id="four tabs"),
        pytest.param(
            {"claim": claim_text(status="opinion"), "tensorflow": None, "pytorch": None},
            id="opinion without tabs",
        ),
        pytest.param(
            {"claim": claim_text(kind="prose"), "tensorflow": None, "pytorch": None},
            id="prose without tabs",
        ),
        pytest.param({"claim": claim_text(kind="ours", sources=None)}, id="ours without a source"),
        pytest.param({"pytorch": snippet(f">>> len('{'x' * 61}')\n61")}, id="72 columns"),
        pytest.param({"pytorch": examples(25)}, id="25 lines of code"),
        pytest.param({"pytorch": snippet(">>> 'abc'\n'a...'")}, id="output shortened"),
        pytest.param(
            {
                "pytorch": snippet(
                    ">>> 1 / 0\nTraceback (most recent call last):\n...\nZero...: ..."
                )
            },
            id="only an exception expected",
        ),
        pytest.param({"claim": claim_text(title="What `+` does")}, id="code in a title"),
        pytest.param(
            {"claim": said("*So* it **is**, `{x}`, [there](https://a.b) and [here](#c).\n")},
            id="emphasis, code and links",
        ),
        pytest.param({"pytorch": f"One\N{LINE SEPARATOR}two.\n\n{SNIPPET}"}, id="line separator"),
        pytest.param(
            {"claim": front("skip: {reason: Broken upstream, until: 2026-08-01}")},
            id="skip on its last day",
        ),
        pytest.param(
            {"claim": front("skip: {reason: Broken upstream, until: 2026-08-02}")},
            id="skip that goes on",
        ),
    ],
)
def test_sound_input_has_no_problems(tmp_path: Path, files: dict[str, Any]) -> None:
    make_claim(tmp_path, "axis/one", **files)
    assert problems(tmp_path) == []


def test_folders_that_differ_only_in_case_are_refused(tmp_path: Path) -> None:
    make_claim(tmp_path, "axis/one")
    try:
        make_claim(tmp_path, "axis/One")
    except FileExistsError:  # a disk without case refuses it by itself
        return
    messages = {place(found, tmp_path): found.message for found in problems(tmp_path)}
    assert messages == {
        "snippets/axis/One:1:1": (
            "'One' is no name for a claim; use lower-case letters, digits and single hyphens"
        ),
        "snippets/axis/one:1:1": "differs only in case from 'One'; rename one",
    }


def test_one_name_may_stand_in_two_axes(tmp_path: Path) -> None:
    make_claim(tmp_path, "axis/one")
    make_claim(tmp_path, "other/one")
    assert problems(tmp_path) == []


def test_claim_that_no_page_shows_is_named_with_what_to_write(tmp_path: Path) -> None:
    make_claim(tmp_path, "axis/one")
    (tmp_path / "docs/axis.md").write_text("Nothing.\n")
    where, says = (
        "snippets/axis/one/claim.md:1:1",
        "no page shows this claim; add ```{claim} axis/one",
    )
    assert_only_problem(problems(tmp_path), tmp_path, where, says)


@pytest.mark.parametrize(
    ("shown", "says"),
    [
        ("axis/onne", "no claim 'axis/onne': did you mean 'axis/one'?"),
        ("axis/../../secret", "no claim 'axis/../../secret'"),
        ("../secret/one", "no claim '../secret/one'"),
        ("/etc/passwd", "no claim '/etc/passwd'"),
        ("", "no claim ''"),
    ],
    ids=["misspelt", "out of the axis", "out of the tree", "absolute", "none"],
)
def test_page_that_names_an_unknown_claim_is_named_with_its_line(
    tmp_path: Path, shown: str, says: str
) -> None:
    make_claim(tmp_path, "axis/one")
    show_claim(tmp_path, shown)
    page = next(path for path in tmp_path.rglob("*.md") if f"}} {shown}\n" in path.read_text())
    line = page.read_text().splitlines().index(f"```{{claim}} {shown}") + 1
    where = f"{page.relative_to(tmp_path)}:{line}:1"
    assert_only_problem(problems(tmp_path), tmp_path, where, says)


def test_claim_shown_twice_is_named_with_both_places(tmp_path: Path) -> None:
    make_claim(tmp_path, "axis/one")
    (tmp_path / "docs/more.md").write_text("\n\n:::{claim} axis/one\n:::\n")
    says = "claim 'axis/one' is already shown at docs/axis.md:1"
    assert_only_problem(problems(tmp_path), tmp_path, "docs/more.md:3:1", says)


def test_linked_file_is_refused(tmp_path: Path) -> None:
    folder = make_claim(tmp_path, "axis/one", pytorch=None)
    outside = tmp_path / "outside.md"
    outside.write_text(SNIPPET)
    (folder / "pytorch.md").symlink_to(outside)
    assert_only_problem(
        problems(tmp_path), folder, "pytorch.md:1:1", "is a link; claims are made of"
    )


def test_link_to_nothing_is_refused(tmp_path: Path) -> None:
    folder = make_claim(tmp_path, "axis/one", pytorch=None)
    (folder / "pytorch.md").symlink_to(tmp_path / "nowhere")
    assert "pytorch.md:1:1" in [place(found, folder) for found in problems(tmp_path)]


@pytest.mark.parametrize(
    ("target", "link"),
    [
        ("project/snippets/axis/one", "project/snippets/axis/two"),
        ("outside/snippets/axis/one", "project/snippets/axis/two"),
        ("project/snippets/axis", "project/snippets/other"),
        ("outside/snippets/axis", "project/snippets/other"),
    ],
    ids=["claim inside", "claim outside", "axis inside", "axis outside"],
)
def test_linked_folder_is_refused(tmp_path: Path, target: str, link: str) -> None:
    make_claim(tmp_path / "outside", "axis/one")
    make_claim(tmp_path / "project", "axis/one")
    show_claim(tmp_path / "project", "axis/two" if link.endswith("two") else "other/one")
    (tmp_path / link).symlink_to(tmp_path / target, target_is_directory=True)
    found = [one for one in problems(tmp_path / "project") if "is a link" in one.message]
    assert found
    assert all(one.path.is_relative_to(tmp_path / link) for one in found)


def test_folder_in_place_of_a_file_is_refused(tmp_path: Path) -> None:
    folder = make_claim(tmp_path, "axis/one", pytorch=None)
    (folder / "pytorch.md").mkdir()
    assert "pytorch.md:1:1" in [place(found, folder) for found in problems(tmp_path)]


@pytest.mark.parametrize(
    "claim_id", ["../secret/one", "axis/..", "axis/../one", "/etc/passwd", "axis", "axis/one/x", ""]
)
def test_id_that_could_leave_the_tree_is_refused(tmp_path: Path, claim_id: str) -> None:
    make_claim(tmp_path, "axis/one")
    with pytest.raises(CatalogueError, match="a claim is named <axis>/<folder>"):
        Catalogue(tmp_path).claim(claim_id)


def test_unknown_id_is_refused_with_what_may_be_meant(tmp_path: Path) -> None:
    make_claim(tmp_path, "axis/one")
    with pytest.raises(CatalogueError, match="did you mean 'axis/one'"):
        Catalogue(tmp_path).claim("axis/onne")


@pytest.mark.parametrize(
    "text",
    [
        b"[primer\n",
        b"[primer]\nyear = 2020\n",
        b"primer = 1\n",
        b'[primer]\ntitle = "\xff"\n',
        None,
    ],
    ids=["invalid TOML", "no title", "not a table", "not UTF-8", "missing"],
)
def test_broken_list_of_articles_is_named(tmp_path: Path, text: bytes | None) -> None:
    make_claim(tmp_path, "axis/one")
    articles = tmp_path / "snippets/articles.toml"
    if text is None:
        articles.unlink()
    else:
        articles.write_bytes(text)
    assert [found.path for found in problems(tmp_path)] == [articles]


def test_all_problems_of_all_claims_are_reported_together(tmp_path: Path) -> None:
    make_claim(tmp_path, "axis/one", claim=claim_text(title="", status="hold"), pytorch="Words.\n")
    make_claim(tmp_path, "axis/two", tensorflow=None)
    make_claim(tmp_path, "other/one", claim=front("extra: 1", statement="# Heading\n"))
    show_claim(tmp_path, "other/two")
    assert [place(found, tmp_path) for found in problems(tmp_path)] == [
        "docs/other.md:4:1",
        "snippets/axis/one/claim.md:2:1",
        "snippets/axis/one/claim.md:3:1",
        "snippets/axis/one/pytorch.md:1:1",
        "snippets/axis/two/tensorflow.md:1:1",
        "snippets/other/one/claim.md:6:1",
        "snippets/other/one/claim.md:8:1",
    ]


def test_loading_one_claim_reports_all_that_is_wrong_with_it(tmp_path: Path) -> None:
    folder = make_claim(tmp_path, "axis/one", claim=claim_text(title=""), pytorch="Words.\n")
    with pytest.raises(CatalogueError) as caught:
        Catalogue(tmp_path).load(folder)
    places = [place(found, folder) for found in caught.value.problems]
    assert places == ["claim.md:2:1", "pytorch.md:1:1"]


def loaded(project: Path) -> Claim:
    """Return a claim that has a bit of everything."""
    head = [
        "agree: {losses: 1e-6}",
        "needs: [slow]",
        "skip: {reason: Broken upstream, until: 2026-08-01}",
        "sources:",
        "  - {article: primer, said: Both add., favours: pytorch}",
    ]
    make_claim(project, "axis/one", claim=front(*head))
    return Catalogue(project, TODAY).claim("axis/one")


def test_sound_claim_loads_into_typed_objects(tmp_path: Path) -> None:
    claim = loaded(tmp_path)
    assert claim.id == "axis/one"
    assert claim.is_executed
    assert claim.front.title == "One and one"
    assert claim.front.needs == ("slow",)
    assert claim.front.skip == Skip(reason="Broken upstream", until=TODAY)
    assert claim.front.sources == (Source(article="primer", said="Both add.", favours="pytorch"),)
    assert claim.statement == (Block("Both do.", 12, is_code=False),)


def test_tabs_come_in_the_order_in_which_readers_see_them(tmp_path: Path) -> None:
    folder = make_claim(tmp_path, "axis/one", keras=SNIPPET, tensorflow1=SNIPPET)
    tabs = Catalogue(tmp_path).load(folder).snippets
    names = ["tensorflow", "pytorch", "tensorflow1", "keras"]
    assert [tab.framework for tab in tabs] == names
    assert [tab.path for tab in tabs] == [folder / f"{name}.md" for name in names]


def test_snippet_is_split_into_prose_and_code_at_their_lines(tmp_path: Path) -> None:
    tab = loaded(tmp_path).snippets[0]
    prose, code = Block("The sum:", 1, is_code=False), Block(">>> 1 + 1\n2\n", 4, is_code=True)
    assert isinstance(tab, Snippet)
    assert tab.blocks == (prose, code)


def test_articles_load_by_key(tmp_path: Path) -> None:
    make_claim(tmp_path, "axis/one")
    assert Catalogue(tmp_path).articles == {"primer": Article(title="A primer", year=2020)}


def test_tolerance_without_a_decimal_point_is_a_number(tmp_path: Path) -> None:
    # To YAML 1.1, `1e-6` is a string.
    assert loaded(tmp_path).front.agree == {"losses": 1e-6}


@pytest.mark.parametrize(
    ("change", "executed"),
    [({"status": "opinion"}, False), ({"kind": "prose"}, False), ({"status": "never"}, True)],
    ids=["opinion", "prose", "claim"],
)
def test_only_claims_with_code_behind_them_count_as_executed(
    tmp_path: Path, change: dict[str, str], executed: bool
) -> None:
    folder = make_claim(tmp_path, "axis/one", claim=claim_text(**change))
    assert Catalogue(tmp_path).load(folder).is_executed is executed


@pytest.mark.parametrize(
    ("part", "name"),
    [
        (lambda claim: claim, "folder"),
        (lambda claim: claim.front, "title"),
        (lambda claim: claim.front.sources[0], "said"),
        (lambda claim: claim.front.skip, "until"),
        (lambda claim: claim.snippets[0], "path"),
        (lambda claim: claim.statement[0], "text"),
    ],
    ids=["claim", "front matter", "source", "skip", "snippet", "block"],
)
def test_loaded_objects_cannot_change(tmp_path: Path, part: Any, name: str) -> None:
    target = part(loaded(tmp_path))
    with pytest.raises((FrozenInstanceError, ValidationError)):
        setattr(target, name, None)


def test_tolerances_cannot_change(tmp_path: Path) -> None:
    agree: Any = loaded(tmp_path).front.agree
    with pytest.raises(TypeError):
        agree["losses"] = 1.0


def check(project: Path) -> subprocess.CompletedProcess[str]:
    """Run the command that validates the catalogue, as people do, in ``project``."""
    return subprocess.run(
        [sys.executable, "-m", "snippets._harness", "check"],
        cwd=project,
        env=os.environ | {"PYTHONPATH": str(REPOSITORY)},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def test_check_passes_a_sound_project_with_every_doctest_option_in_use(tmp_path: Path) -> None:
    # In a process of its own: NUMBER is known to doctest only once Sybil is imported.
    options = ["NUMBER", "ELLIPSIS", "NORMALIZE_WHITESPACE"]
    code = "\n".join(f">>> 1 + 1  # doctest: +{option}\n2" for option in options)
    make_claim(tmp_path, "axis/one", pytorch=snippet(code))
    done = check(tmp_path)
    assert (done.returncode, done.stderr) == (0, "")


def test_check_prints_every_problem_with_its_place_and_fails(tmp_path: Path) -> None:
    make_claim(tmp_path, "axis/one", claim=claim_text(status="hold"))
    make_claim(tmp_path, "axis/two", pytorch=b"\xff")
    done = check(tmp_path)
    lines = done.stderr.splitlines()
    assert done.returncode == 1
    assert "Traceback" not in done.stdout + done.stderr
    assert [re.sub(r"(:\d+:\d+): .+", r"\1", line) for line in lines] == [
        "snippets/axis/one/claim.md:3:1",
        "snippets/axis/two/pytorch.md:1:1",
    ]


def test_check_in_a_folder_that_is_no_project_says_so(tmp_path: Path) -> None:
    done = check(tmp_path)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert "snippets/articles.toml:1:1: " in done.stderr
