"""What a claim may need: means of the machine, and what the packages of a group provide."""

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.machinery import PathFinder
from importlib.metadata import PackageNotFoundError, requires
from pathlib import Path

from packaging.dependency_groups import resolve_dependency_groups
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from .frameworks import MEANS, distributions, packages
from .problems import did_you_mean

GROUP = "evidence"  # of the dependencies, in pyproject.toml


def requirements(project: Path) -> tuple[str, ...] | None:
    """Return what the snippets of a project may use, from the group in its ``pyproject.toml``.

    None where there is no such group: whoever made up or copied a project needs none.
    """
    try:
        text = (project / "pyproject.toml").read_text()
        return resolve_dependency_groups(tomllib.loads(text)["dependency-groups"], GROUP)
    except (OSError, LookupError, ValueError, ExceptionGroup):
        return None


def unknown_need(need: str, required: tuple[str, ...] | None) -> str | None:
    """Return what is wrong with a need that no package of ``required`` provides, or None.

    A package that comes with another is provided too. What is not installed may be what
    provides it: then the run says what this machine does not have.
    """
    if required is None or need in MEANS:
        return None
    found, package = installed_for(required), need.split(".", maxsplit=1)[0]
    if PathFinder.find_spec(package):
        if not found.keys().isdisjoint(map(canonicalize_name, distributions((need,)))):
            return None
    elif not all(found.values()) or canonicalize_name(package) in for_others(required):
        return None
    known = (
        name
        for name, by in packages().items()
        if name.isidentifier() and not found.keys().isdisjoint(map(canonicalize_name, by))
    )
    means, hint = ", ".join(MEANS), did_you_mean(need, [*MEANS, *known])
    what = f"what a package of the group {GROUP!r} in pyproject.toml is imported as"
    return f"unknown need {need!r}; write {means}, or {what}: {hint}"


@cache
def installed_for(required: tuple[str, ...]) -> Mapping[str, bool]:
    """Return all distributions that requirements lead to here, and whether each is installed."""
    todo = [(Requirement(text), frozenset({""})) for text in required]
    seen: dict[tuple[str, frozenset[str]], bool] = {}
    while todo:
        one, extras = todo.pop()
        own = frozenset({"", *one.extras})
        key = canonicalize_name(one.name), own
        if key in seen or not applies(one, extras):
            continue
        try:
            todo += [(Requirement(text), own) for text in requires(one.name) or ()]
            seen[key] = True
        except PackageNotFoundError:
            seen[key] = False
    return {name: is_here for (name, _), is_here in seen.items()}


def applies(one: Requirement, extras: frozenset[str] = frozenset({""})) -> bool:
    """Return whether a requirement is one on this platform, of a package with ``extras``."""
    return not one.marker or any(one.marker.evaluate({"extra": extra}) for extra in extras)


def for_others(required: tuple[str, ...]) -> set[str]:
    """Return what is required on other platforms only."""
    found = map(Requirement, required)
    return {canonicalize_name(one.name) for one in found if not applies(one)}
