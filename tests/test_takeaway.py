"""What readers take away: every script and notebook runs, and shows what the page shows."""

import doctest
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from claims.register import Entry, Register
from claims.scripts import MODULE
from claims.takeaway import files
from conftest import prove
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
    """Return the values of a parameter in the tests that were selected."""
    calls = [item.callspec for item in request.session.items if hasattr(item, "callspec")]
    return sorted({call.params[name] for call in calls if name in call.params})


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
