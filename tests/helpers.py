"""Made-up projects for the tests: sound unless a test says otherwise."""

import base64
import datetime
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from snippets._harness import evidence as ev
from snippets._harness.api import verify
from snippets._harness.api.rows import Family
from snippets._harness.api.verify import RowEvidence
from snippets._harness.catalogue import Claim
from snippets._harness.frameworks import machine

FRONT: dict[str, Any] = {
    "title": "One and one",
    "status": "holds",
    "favours": "tie",
    "sources": [{"article": "primer", "said": "Both add numbers.", "favours": "tie"}],
}
STATEMENT = "Both make two of it.\n"
SNIPPET = "The sum:\n\n```python\n>>> 1 + 1\n2\n```\n"
ARTICLES = '[primer]\ntitle = "A primer"\nyear = 2020\n'


def claim_text(statement: str = STATEMENT, **front: Any) -> str:
    """Return a sound ``claim.md`` whose front matter has the given keys; None drops a key."""
    kept = {key: value for key, value in (FRONT | front).items() if value is not None}
    return f"---\n{yaml.safe_dump(kept, sort_keys=False)}---\n{statement}"


def snippet(code: str) -> str:
    """Return a snippet file with one block of ``code``."""
    return f"The code:\n\n```python\n{code}\n```\n"


def make_claim(project: Path, id: str, **files: str | bytes | None) -> Path:  # noqa: A002
    """Write a sound claim, articles.toml and a page showing it below ``project``.

    ``files`` gives the text of ``claim``, ``tensorflow``, ``pytorch``, ``tensorflow1`` or
    ``keras`` instead of the sound one; None leaves the file out. Return the claim's folder.
    """
    folder = project / "snippets" / id
    folder.mkdir(parents=True)
    sound = {"claim": claim_text(), "tensorflow": SNIPPET, "pytorch": SNIPPET}
    for name, text in (sound | files).items():
        if text is not None:
            data = text if isinstance(text, bytes) else text.encode()
            (folder / f"{name}.md").write_bytes(data)
    (project / "snippets" / "articles.toml").write_text(ARTICLES)
    show_claim(project, id)
    return folder


def show_claim(project: Path, id: str) -> None:  # noqa: A002
    """Add the claim to the page of its axis, ``docs/<axis>.md``, which may be new."""
    page = project / "docs" / f"{id.split('/', maxsplit=1)[0]}.md"
    page.parent.mkdir(parents=True, exist_ok=True)
    with page.open("a") as file:
        file.write(f"```{{claim}} {id}\n```\n\n")


def prove(folder: Path, claim: Claim) -> None:
    """Record that each tab of a claim passed, with equal values where they must agree."""
    zero = {"dtype": "float32", "shape": [], "data": base64.b64encode(np.float32(0)).decode()}
    values = dict.fromkeys(claim.front.agree, zero)
    for snippet in claim.snippets:
        evidence = ev.record(claim, snippet, outcome="passed", seconds=0.5, values=values)
        ev.write(ev.path_of(folder, claim, snippet), evidence)


def prove_rows(folder: Path, family: Family, *names: str) -> None:
    """Record that rows of a family passed, all unless some are named."""
    found = {
        name: RowEvidence(
            digest=verify.digest(family, name),
            outcome="passed",
            seconds=0.25,
            compared=None not in (row.tensorflow, row.pytorch),
            gradient="compared",
            deviation={"float32": {"forward relative": 1.5e-7, "gradient relative": 0.0}},
            versions=verify.installed(),
            platform=machine(),
            time=datetime.datetime(2026, 11, 24, 12, tzinfo=datetime.UTC),
        )
        for name, row in family.rows.items()
        if not names or name in names
    }
    verify.write(folder, family, found)
