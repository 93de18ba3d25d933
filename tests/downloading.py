"""The fixture that runs all downloads in the background, from the first test that asks."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from claims.register import Entry, Register
from claims.takeaway import files
from helpers import prove

from snippets._harness import evidence as ev
from snippets._harness.catalogue import Catalogue
from snippets._harness.frameworks import PRELOADS, environment

ROOT = Path(__file__).parents[1]
PROGRAM = Path(__file__).with_name("downloads.py")
CLAIMS = {claim.id: claim for claim in map(Catalogue(ROOT).load, Catalogue(ROOT).folders())}
SERVERS = PRELOADS["tensorflow"], PRELOADS["torch"]
BOTH = [module for one in SERVERS for module in (*one.modules, *one.lazily)]
SNIPPETS = {ev.snippet_id(claim, one): one for claim in CLAIMS.values() for one in claim.snippets}


@dataclass(frozen=True)
class Downloads:
    """What runs, and the folder in which it writes what it showed."""

    folder: Path
    running: list[subprocess.Popen[bytes]]

    def shown(self, name: str) -> str:
        """Return what a file showed, once it has run; fail if that went wrong."""
        out, error = (self.folder / f"{name}{end}" for end in (".out", ".error"))
        while not out.exists() and not error.exists():
            if all(process.poll() is not None for process in self.running):
                break
            time.sleep(0.1)
        assert not error.exists(), error.read_text()
        return out.read_text()


def name_of(claim_id: str, tab: str = "") -> str:
    """Return what a file is called here: names of claims alone may be alike."""
    return f"{claim_id.replace('/', '-')}{f'-{tab}.py' if tab else '.ipynb'}"


def can_run(claim_id: str) -> bool:
    front = CLAIMS[claim_id].front
    return not front.skip and not ev.unmet_need(front.needs)


@pytest.fixture(scope="session")
def entries(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Entry]:
    """All claims, with made-up evidence that they passed."""
    folder = tmp_path_factory.mktemp("proven")
    for claim in CLAIMS.values():
        prove(folder, claim)
    return {one.claim.id: one for one in Register(ROOT, folder).entries()}


@pytest.fixture(scope="session")
def downloads(
    request: pytest.FixtureRequest,
    entries: dict[str, Entry],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Downloads]:
    """Run the scripts and notebooks that the selected tests ask for."""
    folder = tmp_path_factory.mktemp("downloads")
    asked = [
        item
        for item in using(request.session, "downloads")
        if can_run(item.callspec.params["claim_id"])
    ]
    together, keras = [], []
    for item in asked:
        claim_id, tab = item.callspec.params["claim_id"], item.callspec.params.get("tab", "")
        end = f"-{tab}.py" if tab else f"/{claim_id.split('/')[1]}.ipynb"
        made = files(entries[claim_id], "https://example.org/")
        path = folder / name_of(claim_id, tab)
        path.write_text(next(text for name, text in made.items() if name.endswith(end)))
        (keras if tab == "keras" else together).append(path)
    cores = os.cpu_count() or 1
    shares = [("tensorflow", BOTH, together[core::cores]) for core in range(cores)]
    running = [
        subprocess.Popen(
            [sys.executable, PROGRAM, folder, ",".join(modules), *share],
            env=environment(preload, str(folder)),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        for preload, modules, share in [*shares, ("keras", PRELOADS["keras"].modules, keras)]
        if share
    ]
    yield Downloads(folder, running)
    for process in running:
        process.kill()


def using(session: pytest.Session, fixture: str) -> list[pytest.Function]:
    """Return the selected tests that use a fixture."""
    functions = [item for item in session.items if isinstance(item, pytest.Function)]
    return [item for item in functions if fixture in item.fixturenames]
