"""What readers take away: every script and notebook runs, and shows what the page shows."""

import ast
import doctest
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import nbformat
import pytest
from claims.register import Entry, Register
from claims.scripts import MODULE
from claims.takeaway import files
from downloading import CLAIMS, SNIPPETS, Downloads, can_run, name_of
from helpers import claim_text, snippet
from nbclient import NotebookClient
from sites import Built, Site
from sybil.evaluators.doctest import NUMBER

from snippets._harness import evidence as ev
from snippets._harness.catalogue import Snippet
from snippets._harness.examples import RoundingChecker

pytestmark = pytest.mark.filterwarnings("ignore:.*app' is deprecated")

FILES = re.compile(r"open\(|\.save|write|Path\(|tempfile|mkdir")  # one side's may meet the other's
# Of the notebooks of both sides these run: those that write files, and the first of each axis;
# none that compiles or trains for long.
BOTH = [
    claim
    for claim in CLAIMS.values()
    if {one.framework for one in claim.snippets} >= {"tensorflow", "pytorch"}
    and not {"slow", "gpu"} & {*claim.front.needs}
    and not claim.front.apart
]
FIRST = {claim.folder.parent.name: claim.id for claim in reversed(BOTH)}
NOTEBOOKS = [
    claim.id
    for claim in BOTH
    if claim.id in FIRST.values()
    or any(FILES.search(block.text) for one in claim.snippets for block in one.blocks)
]


def difference(got: str, *tabs: Snippet) -> str:
    """Return how output differs from what the examples of tabs show, nothing if it does not.

    Each example is compared as the harness compares it, with some of the lines that follow
    those of the example before; before an error there may be others, as in doctest.
    """
    lines, wanted = (
        got.splitlines(keepends=True),
        [one for one in map(Wanted, examples(*tabs)) if one.text],
    )
    reached = {0}  # where the lines of the next example may begin
    for wanted_one in wanted:
        ends = {end for start in reached for end in wanted_one.ends(lines, start)}
        if not ends:
            rest = "".join(lines[max(reached) :])
            return f"expected of {wanted_one.source}{wanted_one.text}\ngot\n{rest}"
        reached = ends
    rest = "".join(lines[max(reached) :])
    return f"nothing more is expected, but it shows\n{rest}" if rest else ""


class Wanted:
    """What one example shows."""

    checker = RoundingChecker()

    def __init__(self, example: doctest.Example) -> None:
        self.source, self.is_error = example.source, bool(example.exc_msg)
        self.text = MODULE.sub("", example.exc_msg) if example.exc_msg else example.want
        loose = "+NORMALIZE_WHITESPACE" in example.source
        self.options = doctest.ELLIPSIS | NUMBER | doctest.NORMALIZE_WHITESPACE * loose

    def ends(self, lines: list[str], start: int) -> Iterator[int]:
        """Yield where its lines may end if they begin at ``start``, or later for an error."""
        for first in range(start, len(lines)) if self.is_error else [start]:
            for end in range(first + 1, len(lines) + 1):
                if self.checker.check_output(self.text, "".join(lines[first:end]), self.options):
                    yield end


def examples(*tabs: Snippet) -> list[doctest.Example]:
    blocks = [block.text for tab in tabs for block in tab.blocks if block.is_code]
    return [example for text in blocks for example in doctest.DocTestParser().get_examples(text)]


# All code ran just before, as snippets. As scripts it runs every night; before that those of the
# first claim of each axis, and one in four of the others, but none that compiles for long.
TABS = [
    pytest.param(*name.rsplit("/", 1), id=name)
    for number, name in enumerate(SNIPPETS)
    if os.environ.get("DOWNLOADS") == "all"
    or name.rsplit("/", 1)[0] in FIRST.values()
    or (number % 4 == 0 and "slow" not in CLAIMS[name.rsplit("/", 1)[0]].front.needs)
]


@pytest.mark.parametrize(("claim_id", "tab"), TABS)
def test_a_script_shows_what_the_page_shows(downloads: Downloads, claim_id: str, tab: str) -> None:
    skip_if_it_cannot_run(claim_id)
    shown = downloads.shown(name_of(claim_id, tab))
    assert not (wrong := difference(shown, SNIPPETS[f"{claim_id}/{tab}"])), wrong


@pytest.mark.parametrize("claim_id", NOTEBOOKS)
def test_a_notebook_of_both_sides_shows_what_the_page_shows(
    downloads: Downloads, claim_id: str
) -> None:
    skip_if_it_cannot_run(claim_id)
    shown = downloads.shown(name_of(claim_id))
    tabs = (SNIPPETS[f"{claim_id}/{tab}"] for tab in ("tensorflow", "pytorch"))
    assert not (wrong := difference(shown, *tabs)), wrong


def skip_if_it_cannot_run(claim_id: str) -> None:
    if not can_run(claim_id):
        front = CLAIMS[claim_id].front
        pytest.skip(front.skip.reason if front.skip else str(ev.unmet_need(front.needs)))


def test_every_notebook_is_valid_and_the_same_when_made_again(entries: dict[str, Entry]) -> None:
    for entry in entries.values():
        made = files(entry, "https://example.org/")
        assert made == files(entry, "https://example.org/")
        for path, text in made.items():
            if path.endswith(".ipynb"):
                nbformat.validate(json.loads(text))


def test_no_file_is_called_as_what_it_imports(entries: dict[str, Entry]) -> None:
    for entry in entries.values():
        for path, text in files(entry, "").items():
            if path.endswith(".py"):
                tree = ast.walk(ast.parse(text))
                imports = [node.names for node in tree if isinstance(node, ast.Import)]
                names = [alias.name for found in imports for alias in found]
                assert Path(path).stem not in {name.split(".")[0] for name in names}


ANY = {
    "tensorflow": "tensors/item-assignment",
    "pytorch": "tensors/item-assignment",
    "tensorflow1": "graphs/lazy-addition",
    "keras": "choosing/beginner",
}


def clean(folder: Path) -> dict[str, str]:
    """Return the environment of somebody who just downloaded a file."""
    return {"HOME": str(folder), "PATH": os.environ["PATH"]}


@pytest.mark.parametrize("framework", ANY)
def test_a_script_runs_as_it_is_downloaded(
    entries: dict[str, Entry], tmp_path: Path, framework: str
) -> None:
    made = files(entries[ANY[framework]], "https://example.org/")
    path = tmp_path / next(Path(one).name for one in made if one.endswith(f"-{framework}.py"))
    path.write_text(next(text for one, text in made.items() if one.endswith(path.name)))
    done = subprocess.run(
        [sys.executable, path.name],
        cwd=tmp_path,
        env=clean(tmp_path),
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    wrong = difference(done.stdout, SNIPPETS[f"{ANY[framework]}/{framework}"])
    assert not wrong, wrong


@pytest.mark.parametrize("end", ["-keras", ""])
def test_a_kernel_shows_what_the_page_shows(
    entries: dict[str, Entry], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, end: str
) -> None:
    claim_id = ANY[end.removeprefix("-") or "tensorflow"]
    made = files(entries[claim_id], "https://example.org/")
    name = f"/{claim_id.split('/')[1]}{end}.ipynb"
    book = nbformat.reads(next(text for path, text in made.items() if path.endswith(name)), 4)
    for variable in os.environ.keys() - clean(tmp_path).keys():
        monkeypatch.delenv(variable)
    monkeypatch.chdir(tmp_path)
    NotebookClient(book, timeout=120).execute()
    outputs = [output for cell in book.cells for output in cell.get("outputs", [])]
    got = "".join(filter(None, map(text_of_output, outputs)))
    tabs = [end.removeprefix("-")] if end else ["tensorflow", "pytorch"]
    wrong = difference(got, *(SNIPPETS[f"{claim_id}/{tab}"] for tab in tabs))
    assert not wrong, wrong


def text_of_output(output: nbformat.NotebookNode) -> str:
    match output.output_type:
        case "stream":
            return str(output.text) if output.name == "stdout" else ""
        case "error":
            return f"{output.ename}: {output.evalue}\n"
    return f"{output.data['text/plain']}\n"


# What is made of an example.

CODE = """\
>>> import math
>>> x = [1,
...      2]
>>> x, 3  # doctest: +NORMALIZE_WHITESPACE
([1, 2], 3)
>>> for y in x:
...     y
1
2
>>> def show():
...     return x
>>> print(show())
[1, 2]
>>> x["a"]
Traceback (most recent call last):
...
TypeError: list indices must be integers or slices, not str
>>> math.sqrt(-1)
Traceback (most recent call last):
...
ValueError: math domain error"""
SHOWN = """\
([1, 2], 3)
1
2
[1, 2]
TypeError: list indices must be integers or slices, not str
ValueError: math domain error
"""


@pytest.fixture
def made(tmp_path: Path) -> dict[str, str]:
    """The files of a made-up claim, by the end of their names."""
    site = Site(tmp_path / "project")
    site.add("sums/one", pytorch=snippet(CODE))
    (entry,) = Register(site.root, site.root / ev.FOLDER).entries()
    texts = files(entry, "https://example.org/sums.html#sums-one")
    return {Path(path).name.removeprefix("one"): text for path, text in texts.items()}


def test_there_is_a_file_of_each_kind(made: dict[str, str]) -> None:
    tabs = ("-tensorflow", "-pytorch")
    assert set(made) == {f"{tab}{end}" for tab in tabs for end in (".py", ".ipynb")} | {".ipynb"}


def run(script: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run a script with nothing but Python."""
    (folder / "script.py").write_text(script)
    command = [sys.executable, folder / "script.py"]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_a_script_shows_values_errors_and_where_it_is_from(
    made: dict[str, str], tmp_path: Path
) -> None:
    script = made["-pytorch.py"]
    done = run(script, tmp_path)
    assert done.stdout == SHOWN
    assert ">>>" not in script
    assert "doctest" not in script
    assert script.startswith("# One and one (PyTorch)\n# https://example.org/sums.html#sums-one\n")
    for line in SHOWN.splitlines():
        assert f"# {line}\n" in script  # beside what shows it


def test_a_script_fails_if_an_expected_error_does_not_come(
    made: dict[str, str], tmp_path: Path
) -> None:
    changed = made["-pytorch.py"].replace("math.sqrt(-1)", "math.sqrt(1)")
    assert run(changed, tmp_path).returncode == 1


def test_a_cell_ends_where_something_is_shown(made: dict[str, str]) -> None:
    cells = [
        cell for cell in json.loads(made["-pytorch.ipynb"])["cells"] if cell["cell_type"] == "code"
    ]
    assert cells[0]["source"] == "import math\nx = [1,\n     2]\nx, 3"
    tagged = [cell["source"] for cell in cells if cell["metadata"]]
    assert tagged == ['x["a"]', "math.sqrt(-1)"]


# What is written, and when.


def written(built: Built, claim_id: str) -> set[str]:
    folder = built.out / "_downloads" / claim_id
    return {path.name for path in folder.iterdir()} if folder.exists() else set()


def linked(built: Built, claim_id: str) -> list[str]:
    links = built.claim(claim_id).select(".claim-tools a[download]")
    return [str(link["href"]) for link in links]


def test_a_claim_links_to_its_files_which_are_there(tmp_path: Path) -> None:
    site = Site(tmp_path / "project")
    site.add("sums/one")
    built = site.build()
    assert len(linked(built, "sums/one")) == 5
    for link in linked(built, "sums/one"):
        assert (built.out / link).exists()


def test_what_may_not_be_published_cannot_be_downloaded(tmp_path: Path) -> None:
    site = Site(tmp_path / "project")
    site.add("sums/one")
    site.prove("sums/one", "pytorch", outcome="failed", failure=ev.Failure(line=4, message="no"))
    built = site.build()
    assert written(built, "sums/one") == {"one-tensorflow.py", "one-tensorflow.ipynb"}
    assert len(linked(built, "sums/one")) == 2


def test_files_change_with_their_claim_and_go_with_it(tmp_path: Path) -> None:
    site = Site(tmp_path / "project")
    site.add("sums/one")
    site.add("more/two")
    built = site.build()
    assert written(built, "more/two")
    site.path("sums/one", "pytorch").write_text(snippet(">>> 1 + 2\n3"))
    site.prove("sums/one")
    (site.docs / "more.md").unlink()
    built = site.build()
    assert "1 + 2" in (built.out / "_downloads/sums/one/one-pytorch.py").read_text()
    assert not written(built, "more/two")


def test_sides_that_cannot_share_a_process_have_no_notebook_of_both(tmp_path: Path) -> None:
    site = Site(tmp_path / "project")
    site.add("sums/one", claim=claim_text(apart="they fight"))
    assert "one.ipynb" not in written(site.build(), "sums/one")
