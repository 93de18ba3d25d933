"""A claim of a made-up project and what is wrong with it, for the tests of the catalogue."""

import datetime
from pathlib import Path
from typing import Any

import pytest

from snippets._harness.catalogue import Catalogue
from snippets._harness.problems import Problem

TODAY = datetime.date(2026, 8, 1)


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
