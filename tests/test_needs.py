"""What a claim needs, and imports, is something that the project requires."""

from pathlib import Path

import pytest
from claims_at_fault import assert_only_problem, front, problems
from helpers import make_claim, snippet

from snippets._harness.problems import Problem

GROUPS = """\
[dependency-groups]
evidence = [{include-group = "read"}, "matplotlib>=3", "no-such-thing ; sys_platform == 'none'"]
read = ["scikit-learn"]
tests = ["pytest"]
"""
UNKNOWN_NEEDS = {
    "slwo": "unknown need 'slwo'; write slow, compiler, gpu, or what a package of the group "
    "'evidence' in pyproject.toml is imported as: did you mean 'slow'?",
    "scikit-learn": "did you mean 'sklearn'?",  # as it is installed
    "pytest": "unknown need 'pytest'",  # which is here, and may be missing elsewhere
    "json": "unknown need 'json'",
    "no_such_package": "unknown need 'no_such_package'",
    "..": "unknown need '..'",
}


def need(project: Path, name: str, groups: str | None = GROUPS) -> list[Problem]:
    """Return what is wrong with a claim that needs a package, in a project of some groups."""
    make_claim(project, "axis/one", claim=front(f"needs: [slow, {name!r}]"))
    if groups is not None:
        (project / "pyproject.toml").write_text(groups)
    return problems(project)


@pytest.mark.parametrize("name", UNKNOWN_NEEDS)
def test_a_need_that_nothing_provides_is_named_with_its_place(tmp_path: Path, name: str) -> None:
    where = "snippets/axis/one/claim.md:6:15"
    assert_only_problem(need(tmp_path, name), tmp_path, where, UNKNOWN_NEEDS[name])


@pytest.mark.parametrize(
    "name", ["gpu", "matplotlib", "matplotlib.pyplot", "sklearn", "PIL", "no_such_thing"]
)
def test_what_is_required_or_comes_with_that_may_be_needed(tmp_path: Path, name: str) -> None:
    assert need(tmp_path, name) == []


def test_what_a_package_that_is_not_installed_provides_is_not_known(tmp_path: Path) -> None:
    groups = GROUPS.replace("matplotlib>=3", "not-installed-here")
    assert need(tmp_path, "no_such_package", groups) == []


@pytest.mark.parametrize("groups", [None, "", "[dependency-groups]\ntests = []\n", "["])
def test_a_project_that_says_not_what_it_requires_may_need_anything(
    tmp_path: Path, groups: str | None
) -> None:
    assert need(tmp_path, "no_such_package", groups) == []


def importing(project: Path, code: str, *lines: str, tab: str = "pytorch") -> list[Problem]:
    """Return what is wrong with a tab of some code, in a project that says what it requires."""
    make_claim(project, "axis/one", claim=front(*lines), **{tab: snippet(f"{code}\n>>> 1\n1")})
    required = '"flask", "torch", "tensorflow", "keras", "numpy", "matplotlib"'
    groups = f"[dependency-groups]\nevidence = [{required}]\n"
    (project / "pyproject.toml").write_text(groups)
    return problems(project)


@pytest.mark.parametrize(
    ("code", "lines", "column", "says"),
    [
        (">>> import flask", (), 5, "imports flask; add needs: [flask] to claim.md, so that the"),
        (">>> import os, matplotlib.pyplot as p", (), 5, "needs: [matplotlib] to claim.md"),
        (">>> from flask.views import View", (), 5, "page names its version"),
        (">>> if 1:\n...     import flask", (), 9, "imports flask"),
        (">>> import flask", ("needs: [slow]",), 5, "; write needs: [slow, flask] in claim.md"),
        (">>> import keras", (), 5, "imports keras; add needs"),
    ],
    ids=["package", "module", "from", "below", "another need", "other framework"],
)
def test_a_package_whose_version_no_page_would_name_is_found_at_its_import(
    tmp_path: Path, code: str, lines: tuple[str, ...], column: int, says: str
) -> None:
    where = f"snippets/axis/one/pytorch.md:{4 + code.count(chr(10))}:{column}"
    assert_only_problem(importing(tmp_path, code, *lines), tmp_path, where, says)


@pytest.mark.parametrize(
    ("code", "lines"),
    [
        (">>> import json, os.path, numpy as np, torch.nn", ()),
        (">>> import flask", ("needs: [flask]",)),
        (">>> import matplotlib", ("needs: [matplotlib.pyplot]",)),
        (">>> import no_such_package, pytest", ()),
        (">>> from . import flask", ()),
        (">>> import flask from", ()),
    ],
    ids=["own", "named", "named by a module", "not of the group", "relative", "no Python"],
)
def test_other_imports_are_let_through(tmp_path: Path, code: str, lines: tuple[str, ...]) -> None:
    assert importing(tmp_path, code, *lines) == []


def test_a_package_is_named_once_to_a_file(tmp_path: Path) -> None:
    assert len(importing(tmp_path, ">>> import flask\n>>> import flask.views")) == 1


def test_the_packages_of_each_tab_are_its_own(tmp_path: Path) -> None:
    code = ">>> import tensorflow, keras"
    assert importing(tmp_path, code, tab="tensorflow") == []
