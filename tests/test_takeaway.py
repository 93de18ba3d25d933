"""What readers take away: every script and notebook runs, and shows what the page shows."""

import ast
import doctest
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import nbformat
import pytest
from claims.register import Entry, Register
from claims.scripts import MODULE
from claims.takeaway import files
from conftest import prove
from helpers import claim_text, snippet
from nbclient import NotebookClient
from sites import Built, Site
from sybil.evaluators.doctest import NUMBER

from snippets._harness import evidence as ev
from snippets._harness.catalogue import Catalogue, Snippet
from snippets._harness.examples import RoundingChecker
from snippets._harness.frameworks import environment
from snippets._harness.runner import Job, Runner

pytestmark = pytest.mark.filterwarnings("ignore:.*app' is deprecated")

ROOT = Path(__file__).parents[1]
RUN = """\
```python
>>> import contextlib, runpy
>>> with open("{out}", "w") as out, contextlib.redirect_stdout(out):
...     _ = runpy.run_path("{path}", run_name="__main__")
```
"""
CLAIMS = {claim.id: claim for claim in map(Catalogue(ROOT).load, Catalogue(ROOT).folders())}
SNIPPETS = {ev.snippet_id(claim, one): one for claim in CLAIMS.values() for one in claim.snippets}
# The slow ones compile or train for long: their code runs as scripts, which are the same.
NOTEBOOKS = [
    claim.id
    for claim in CLAIMS.values()
    if {one.framework for one in claim.snippets} >= {"tensorflow", "pytorch"}
    and not {"slow", "gpu"} & {*claim.front.needs}
    and not claim.front.apart
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


@pytest.fixture(scope="session")
def entries(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Entry]:
    """All claims, with made-up evidence that they passed."""
    folder = tmp_path_factory.mktemp("proven")
    for claim in CLAIMS.values():
        prove(folder, claim)
    return {one.claim.id: one for one in Register(Catalogue(ROOT), folder).entries()}


def parameters(request: pytest.FixtureRequest, name: str) -> list[str]:
    """Return the values of a parameter in the selected tests that use the asking fixture."""
    items = [item for item in request.session.items if request.fixturename in item.fixturenames]
    return sorted({item.callspec.params[name] for item in items})


# Scripts: run all at once, as the harness runs snippets, before the tests ask for them.


@pytest.fixture(scope="session")
def scripts(
    request: pytest.FixtureRequest,
    entries: dict[str, Entry],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[tuple[Runner, Path]]:
    folder = tmp_path_factory.mktemp("scripts")
    jobs = []
    for name in parameters(request, "snippet_id"):
        tab = SNIPPETS[name]
        claim = CLAIMS[name.rpartition("/")[0]]
        if ev.unmet_need(claim.front.needs) or claim.front.skip:
            continue
        made = files(entries[claim.id], "https://example.org/")
        (text,) = [text for path, text in made.items() if path.endswith(f"-{tab.framework}.py")]
        path = folder / f"{name.replace('/', '-')}.py"
        path.write_text(text)
        path.with_suffix(".md").write_text(RUN.format(path=path, out=path.with_suffix(".out")))
        limit = 300 if "slow" in claim.front.needs else 60
        jobs.append(Job(path.with_suffix(".md"), name, tab.framework, limit))
    jobs.sort(key=lambda job: -job.limit)
    runner = Runner(jobs, lambda _job, _outcome: None, os.cpu_count() or 1)
    yield runner, folder
    runner.stop()


@pytest.mark.parametrize("snippet_id", SNIPPETS)
def test_a_script_shows_what_the_page_shows(scripts: tuple[Runner, Path], snippet_id: str) -> None:
    claim = CLAIMS[snippet_id.rpartition("/")[0]]
    if missing := ev.unmet_need(claim.front.needs):
        pytest.skip(missing)
    if claim.front.skip:
        pytest.skip(claim.front.skip.reason)
    runner, folder = scripts
    failure = runner.outcome(snippet_id).failure
    assert failure is None, failure[1]
    shown = (folder / f"{snippet_id.replace('/', '-')}.out").read_text()
    assert not (wrong := difference(shown, SNIPPETS[snippet_id])), wrong


# Notebooks.


@pytest.fixture(scope="session")
def notebooks(
    request: pytest.FixtureRequest,
    entries: dict[str, Entry],
    tmp_path_factory: pytest.TempPathFactory,
) -> Path:
    """Run the notebooks with both sides; return the folder of what they showed."""
    folder = tmp_path_factory.mktemp("notebooks")
    paths = []
    for claim_id in parameters(request, "claim_id"):
        made = files(entries[claim_id], "https://example.org/")
        paths.append(folder / f"{claim_id.replace('/', '-')}.ipynb")
        paths[-1].write_text(
            made[next(path for path in made if path.endswith(f"/{claim_id.split('/')[1]}.ipynb"))]
        )
    cores = os.cpu_count() or 1
    program = [sys.executable, ROOT / "tests" / "notebooks.py", folder]
    running = [
        subprocess.Popen(
            [*program, *paths[core::cores]],
            env=environment("tensorflow", str(folder)),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        for core in range(cores)
    ]
    for process in running:
        process.wait()
    return folder


@pytest.mark.parametrize("claim_id", NOTEBOOKS)
def test_a_notebook_of_both_sides_shows_what_the_page_shows(notebooks: Path, claim_id: str) -> None:
    if missing := ev.unmet_need(CLAIMS[claim_id].front.needs):
        pytest.skip(missing)
    name = claim_id.replace("/", "-")
    error = notebooks / f"{name}.error"
    assert not error.exists(), error.read_text()
    out = notebooks / f"{name}.out"
    assert out.exists(), "it crashed, or took longer than two minutes"
    tabs = [one for one in CLAIMS[claim_id].snippets if one.framework in ("tensorflow", "pytorch")]
    assert not (wrong := difference(out.read_text(), *tabs)), wrong


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


@pytest.mark.parametrize("end", ["-tensorflow1", "-keras", ""])
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
    (entry,) = Register(Catalogue(site.root), site.root / ev.FOLDER).entries()
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
