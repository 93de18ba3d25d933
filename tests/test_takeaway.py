"""What readers take away: every script and notebook runs, and shows what the page shows."""

import ast
import doctest
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import nbformat
import pytest
from claims.register import Entry, Register
from claims.scripts import script
from claims.takeaway import downloads, files, sides
from conftest import prove
from helpers import make_claim, snippet
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
OPTIONS = doctest.ELLIPSIS | NUMBER
CLAIMS = {claim.id: claim for claim in map(Catalogue(ROOT).load, Catalogue(ROOT).folders())}
SNIPPETS = {ev.snippet_id(claim, one): one for claim in CLAIMS.values() for one in claim.snippets}
# The slow ones compile or train for long: their code runs as scripts, which are the same.
NOTEBOOKS = [
    claim.id
    for claim in CLAIMS.values()
    if {one.framework for one in claim.snippets} >= {"tensorflow", "pytorch"}
    and not {"slow", "gpu"} & {*claim.front.needs}
]


def expected(*tabs: Snippet) -> str:
    """Return what the examples of tabs show, in doctest's way of writing it."""
    examples = [
        example
        for tab in tabs
        for block in tab.blocks
        if block.is_code
        for example in doctest.DocTestParser().get_examples(block.text)
    ]
    errors = [re.sub(r"^[\w.]*\.(?=\w)", "", one.exc_msg or "") for one in examples]
    wants = [one.want for one in examples]
    return "".join(error or want for error, want in zip(errors, wants, strict=True))


def normalised(*tabs: Snippet) -> int:
    text = "".join(block.text for tab in tabs for block in tab.blocks)
    return doctest.NORMALIZE_WHITESPACE * ("+NORMALIZE_WHITESPACE" in text)


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
) -> Iterator[Runner]:
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
        option = " # doctest: +NORMALIZE_WHITESPACE" if normalised(tab) else ""
        call = f'>>> _ = runpy.run_path("{path}", run_name="__main__"){option}'
        path.with_suffix(".md").write_text(snippet(f">>> import runpy\n{call}\n{expected(tab)}"))
        limit = 300 if "slow" in claim.front.needs else 60
        jobs.append(Job(path.with_suffix(".md"), name, tab.framework, limit))
    jobs.sort(key=lambda job: -job.limit)
    runner = Runner(jobs, lambda _job, _outcome: None, os.cpu_count() or 1)
    yield runner
    runner.stop()


@pytest.mark.parametrize("snippet_id", SNIPPETS)
def test_a_script_shows_what_the_page_shows(scripts: Runner, snippet_id: str) -> None:
    claim = CLAIMS[snippet_id.rpartition("/")[0]]
    if missing := ev.unmet_need(claim.front.needs):
        pytest.skip(missing)
    if claim.front.skip:
        pytest.skip(claim.front.skip.reason)
    failure = scripts.outcome(snippet_id).failure
    assert failure is None, failure[1]


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
    want, got, options = expected(*tabs), out.read_text(), OPTIONS | normalised(*tabs)
    checker = RoundingChecker()
    example = doctest.Example("", want)
    assert checker.check_output(want, got, options), checker.output_difference(
        example, got, options
    )
