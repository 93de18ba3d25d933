"""Claims load into typed, immutable objects; everything wrong is said with its place."""

import os
import re
import subprocess
import sys
from dataclasses import FrozenInstanceError
from pathlib import Path
from typing import Any

import pytest
from claims_at_fault import TODAY, assert_only_problem, front, place, problems
from helpers import SNIPPET, claim_text, make_claim, show_claim, snippet
from pydantic import ValidationError

from snippets._harness.catalogue import Catalogue, Claim, Snippet
from snippets._harness.frontmatter import Article, Skip, Source
from snippets._harness.markup import Block
from snippets._harness.problems import CatalogueError

REPOSITORY = Path(__file__).parents[1]


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
        "snippets/axis/one:1:1": "has the anchor of axis/One; rename one",
    }


def test_claims_of_two_axes_with_one_anchor_are_refused(tmp_path: Path) -> None:
    make_claim(tmp_path, "data/loading-one")
    make_claim(tmp_path, "data-loading/one")
    where, says = "snippets/data-loading/one:1:1", "has the anchor of data/loading-one; rename one"
    assert_only_problem(problems(tmp_path), tmp_path, where, says)


def test_pages_that_differ_only_in_case_are_refused(tmp_path: Path) -> None:
    make_claim(tmp_path, "axis/one")
    (tmp_path / "docs" / "Axis.md").write_text("# Another\n")
    where, says = "docs/axis.md:1:1", "differs only in case from Axis.md; rename one"
    assert_only_problem(problems(tmp_path), tmp_path, where, says)


def test_key_of_an_article_that_is_no_name_is_refused(tmp_path: Path) -> None:
    make_claim(tmp_path, "axis/one")
    with (tmp_path / "snippets" / "articles.toml").open("a") as file:
        file.write('["a <b>"]\ntitle = "Odd"\nyear = 2020\n')
    where, says = "snippets/articles.toml:4:1", "'a <b>' is no key; use lower-case letters"
    assert_only_problem(problems(tmp_path), tmp_path, where, says)


def test_file_beside_the_claims_is_named_with_where_it_belongs(tmp_path: Path) -> None:
    make_claim(tmp_path, "axis/one")
    (tmp_path / "snippets/axis/two.md").write_text(SNIPPET)
    where, says = "snippets/axis/two.md:1:1", "is part of no claim; move it into the folder of its"
    assert_only_problem(problems(tmp_path), tmp_path, where, says)


def test_files_that_the_claims_leave_out_on_purpose_may_stay(tmp_path: Path) -> None:
    make_claim(tmp_path, "axis/one")
    for name in ("axis/.editor", "axis/_notes.md", "_drafts/two.md"):
        (tmp_path / "snippets" / name).parent.mkdir(exist_ok=True)
        (tmp_path / "snippets" / name).write_text("Words.\n")
    assert problems(tmp_path) == []


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


def test_a_folder_of_claims_without_a_page_gets_the_axis_that_is_near(tmp_path: Path) -> None:
    make_claim(tmp_path, "tensors/one")
    make_claim(tmp_path, "tensor/two")
    make_claim(tmp_path, "tensor/three")
    (tmp_path / "docs/tensor.md").unlink()
    says = "no axis 'tensor': did you mean 'tensors'? (one of: tensors)"
    assert_only_problem(problems(tmp_path), tmp_path, "snippets/tensor:1:1", says)


def test_a_claim_on_the_page_of_another_axis_is_sent_to_its_own(tmp_path: Path) -> None:
    make_claim(tmp_path, "axis/one")
    make_claim(tmp_path, "other/one")
    (tmp_path / "docs/other.md").write_text("")
    show_claim(tmp_path, "other/one")
    (tmp_path / "docs/other.md").rename(tmp_path / "docs/axis.md")
    (tmp_path / "docs/other.md").write_text("```{claim} axis/one\n```\n")
    assert [(place(one, tmp_path), one.message) for one in problems(tmp_path)] == [
        ("docs/axis.md:1:1", "'other/one' belongs on docs/other.md"),
        ("docs/other.md:1:1", "'axis/one' belongs on docs/axis.md"),
    ]


def test_a_page_that_is_of_no_axis_may_show_a_claim(tmp_path: Path) -> None:
    make_claim(tmp_path, "axis/one")
    (tmp_path / "docs/axis.md").rename(tmp_path / "docs/more.md")
    (tmp_path / "docs/axis.md").touch()
    assert problems(tmp_path) == []


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


@pytest.mark.parametrize(("count", "are_listed"), [(20, True), (21, False)])
def test_names_are_listed_where_they_are_few(
    tmp_path: Path, count: int, *, are_listed: bool
) -> None:
    for number in range(count):
        make_claim(tmp_path, f"axis/number-{number}")
    show_claim(tmp_path, "axis/nunber-7")
    (problem,) = problems(tmp_path)
    listed = f" (one of: {', '.join(f'axis/number-{n}' for n in sorted(range(count), key=str))})"
    says = "no claim 'axis/nunber-7': did you mean 'axis/number-7'?"
    assert problem.message == (says + listed if are_listed else says)


def test_where_names_are_many_and_none_is_near_their_number_is_said(tmp_path: Path) -> None:
    for number in range(21):
        make_claim(tmp_path, f"axis/number-{number}")
    show_claim(tmp_path, "zzz/qqq")
    (problem,) = problems(tmp_path)
    assert problem.message == "no claim 'zzz/qqq': none of the 21 is spelt like it"


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


PRIMER = b'# Read\n\n[primer]\ntitle = "A primer"\nyear = 2020\n\n'
ARTICLES = {
    "invalid TOML": (b"[primer\n", "1:8", "not valid TOML: expected ']'"),
    "TOML cut short": (PRIMER + b"[second]\ntitle =", "8", "not valid TOML: "),
    "no year": (
        PRIMER + b'[second]\ntitle = "B"\n',
        "7:1",
        "'year' is missing in [second]; give the year",
    ),
    "no title": (b"[primer]\nyear = 2020\n", "1:1", "'title' is missing in [primer]; give the"),
    "year that is text": (
        PRIMER + b'["second"]\ntitle = "B"\n"year" = "2020"\n[third]\ntitle = "C"\nyear = 1\n',
        "9:1",
        "'year' is '2020' in [second]; write a whole number, without quotes",
    ),
    "empty title": (
        b'# Read\nsecond = {title = "", year = 2020}\n' + PRIMER,
        "2:1",
        "'title' is empty in [second]; give the title of the article",
    ),
    "unknown key": (
        PRIMER + b"yaer = 2020\n",
        "7:1",
        "unknown key 'yaer' in [primer]: did you mean 'year'? (one of: title, year,",
    ),
    "not a table": (b"primer = 1\n", "1:1", "'primer' is no article; write [primer], and below"),
    "not UTF-8": (b'[primer]\ntitle = "\xff"\n', "2:10", "byte 0xff is not UTF-8"),
    "turned text": ("# \N{RIGHT-TO-LEFT OVERRIDE}\n".encode() + PRIMER, "1:3", "U+202E"),
    "missing": (None, "1:1", "cannot be read: No such file or directory"),
}


@pytest.mark.parametrize("case", ARTICLES)
def test_what_is_wrong_with_the_articles_is_named_with_its_line(tmp_path: Path, case: str) -> None:
    text, where, says = ARTICLES[case]
    make_claim(tmp_path, "axis/one")
    articles = tmp_path / "snippets/articles.toml"
    if text is None:
        articles.unlink()
    else:
        articles.write_bytes(text)
    assert_only_problem(problems(tmp_path), articles.parent, f"articles.toml:{where}", says)


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
    assert claim.lines["agree"] == 6


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


@pytest.mark.parametrize(
    "part", [lambda claim: claim.front.agree, lambda claim: claim.lines], ids=["agree", "lines"]
)
def test_mappings_cannot_change(tmp_path: Path, part: Any) -> None:
    mapping = part(loaded(tmp_path))
    with pytest.raises(TypeError):
        mapping["losses"] = 1


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
    assert done.stdout == "2 claims and 0 rows checked, 2 problems\n"


def test_check_counts_one_in_the_singular(tmp_path: Path) -> None:
    make_claim(tmp_path, "axis/one", claim=claim_text(status="hold"))
    assert check(tmp_path).stdout == "1 claim and 0 rows checked, 1 problem\n"


def test_check_names_code_that_is_not_formatted(tmp_path: Path) -> None:
    make_claim(tmp_path, "axis/one", pytorch=snippet(">>> 1\n1\n>>> 1+1\n2"))
    done = check(tmp_path)
    assert done.returncode == 1
    path = "snippets/axis/one/pytorch.md"
    how = f"not formatted; run .venv/bin/python -m snippets._harness.format {path}"
    assert done.stderr == f"{path}:6:1: {how}\n"


def test_check_in_a_folder_that_is_no_project_says_so(tmp_path: Path) -> None:
    done = check(tmp_path)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert "snippets/articles.toml:1:1: " in done.stderr
