"""A new claim to begin with: true, and marked wherever only a person can say what is so.

What stands behind a mark is reported until it is gone, so that no claim is published half
written.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator
from pathlib import Path

from .articles import NAME
from .catalogue import SHOWN, Catalogue
from .problems import Problem, shown

MARK = re.compile(r"\bWRITE: *(.*)")
CLAIM = """\
---
title: {title}  # WRITE: what it is about, in a few words
kind: ours      # WRITE: ours; claim or example of an article (add sources); or prose, without code
status: holds   # WRITE: what is so today: holds, partly, outdated, never or opinion
favours: tie    # WRITE: whom that favours today: tensorflow, pytorch, tie or none
---
WRITE: what is so today, in one to four sentences. The first answers, the last says what to do.
"""
TAB = """\
WRITE: what the code shows, in a line, or nothing.

```python
>>> import {module}
>>> x = {value}
>>> {doubled}  # WRITE: code that fails if it is not so
{output}
```
"""
TABS = {
    "tensorflow": {
        "module": "tensorflow as tf",
        "value": "tf.constant([1.0, 2.0])",
        "doubled": "(x + x).numpy()",
        "output": "array([2., 4.], dtype=float32)",
    },
    "pytorch": {
        "module": "torch",
        "value": "torch.tensor([1.0, 2.0])",
        "doubled": "x + x",
        "output": "tensor([2., 4.])",
    },
}
SUCH_AS = "say CLAIM=<axis>/<claim>, such as CLAIM=tensors/item-assignment"


class NewClaimError(Exception):
    """Why there can be no new claim of a name, and which name would do."""


def create(catalogue: Catalogue, name: str) -> list[Path]:
    """Write a claim called ``name``, and show it on its axis page; return the files.

    Raise NewClaimError, having written nothing, if the name will not do or is taken.
    """
    axis, claim = checked(catalogue, name)
    page, folder = catalogue.project / "docs" / f"{axis}.md", catalogue.root / axis / claim
    try:
        folder.mkdir()
    except FileExistsError:
        hint = f"edit it and run `make check CLAIM={axis}/{claim}`, or choose another name"
        raise NewClaimError(f"{shown(folder)} exists already; {hint}") from None
    title = claim.replace("-", " ").capitalize()
    texts = {"claim": CLAIM.format(title=title)}
    texts |= {framework: TAB.format(**parts) for framework, parts in TABS.items()}
    files = [folder / f"{stem}.md" for stem in texts]
    for file, text in zip(files, texts.values(), strict=True):
        file.write_text(text)
    before = page.read_text()
    if f"{axis}/{claim}" not in SHOWN.findall(before):
        page.write_text(with_claim(before, f"{axis}/{claim}"))
    return [*files, page]


def checked(catalogue: Catalogue, name: str) -> tuple[str, str]:
    """Return axis and claim that ``name`` asks for; raise NewClaimError if it cannot be had."""
    if not name:
        raise NewClaimError(f"which claim? {SUCH_AS}")
    axis, slash, claim = claim_id(name).partition("/")
    if not (axis and slash and claim):
        raise NewClaimError(f"{name!r} is not an axis and a claim; {SUCH_AS}")
    if message := catalogue.unknown_axis(axis):
        raise NewClaimError(message)
    if not NAME.fullmatch(claim):
        hint = "use lower-case letters, digits and single hyphens, such as"
        raise NewClaimError(f"{claim!r} is no name for a claim; {hint} {axis}/{proper(claim)}")
    return axis, claim


def claim_id(path: str) -> str:
    """Return a claim's id as ``tensors/indexing``, though given as its folder's path."""
    return path.strip().removeprefix("./").removeprefix("snippets/").rstrip("/")


def proper(name: str) -> str:
    """Return a name that may be a claim's, as near to ``name`` as can be."""
    ascii_only = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    return "-".join(re.findall(r"[a-z0-9]+", ascii_only.lower())) or "my-claim"


def with_claim(page: str, name: str) -> str:
    """Return the text of a page that shows one more claim, below the last that it shows."""
    directive = f"```{{claim}} {name}\n```\n"
    last = max((match.end() for match in SHOWN.finditer(page)), default=None)
    if last is None:
        return f"{page.rstrip()}\n\n{directive}"
    lines, at = page.split("\n"), page.count("\n", 0, last) + 1
    while at < len(lines) and lines[at].strip():  # to the end of the fence
        at += 1
    return "\n".join([*lines[:at], "", *directive.split("\n")[:-1], *lines[at:]])


def unwritten(folders: Iterable[Path]) -> Iterator[Problem]:
    """Yield what is still marked in claim folders: where, and what to write there."""
    for path in (path for folder in folders for path in sorted(folder.glob("*.md"))):
        if not path.is_file():
            continue
        lines = path.read_text(errors="replace").split("\n")
        for number, line in enumerate(lines, 1):
            if found := MARK.search(line):
                message = f"still to write: {found[1]} (then take the mark away)"
                yield Problem(path, number, found.start() + 1, message)
