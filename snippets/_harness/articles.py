"""The articles that claims are cited from, and what is wrong with ``snippets/articles.toml``."""

import re
import tomllib
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

from pydantic import ValidationError

from . import frontmatter
from .frontmatter import Article
from .markup import read_text
from .problems import CatalogueError, Problem
from .written import Stamp, stamp

NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")  # of an article or a claim: it becomes an anchor


def load(path: Path) -> Mapping[str, Article]:
    """Return the articles of a file, read again only when it was written; see ``read``."""
    return _load(path, stamp([path]))


@lru_cache(maxsize=16)
def _load(path: Path, _written: Stamp) -> Mapping[str, Article]:
    return read(path)


def read(path: Path) -> dict[str, Article]:
    """Return the articles of a file by key; raise CatalogueError with all that is wrong."""
    try:
        text, problems = read_text(path)
        data = tomllib.loads(text)
    except OSError as error:
        raise CatalogueError([Problem(path, 1, 1, f"cannot be read: {error.strerror}")]) from None
    except tomllib.TOMLDecodeError as error:
        raise CatalogueError([toml_problem(path, text, error)]) from None
    articles = {}
    for key, value in data.items():
        if not isinstance(value, dict):
            hint = f"write [{key}], and below it title and year"
            problems.append(Problem(path, line_of(text, key), 1, f"{key!r} is no article; {hint}"))
            continue
        if not re.fullmatch(NAME, key):
            hint = "use lower-case letters, digits and single hyphens"
            problems.append(Problem(path, line_of(text, key), 1, f"{key!r} is no key; {hint}"))
            continue
        try:
            articles[key] = Article.model_validate(value)
        except ValidationError as error:
            for detail in error.errors():
                message = frontmatter.explain(detail, Article, f" in [{key}]")
                at = line_of(text, key, str(detail["loc"][0]))
                problems.append(Problem(path, at, 1, message))
    if problems:
        raise CatalogueError(problems)
    return articles


def toml_problem(path: Path, text: str, error: tomllib.TOMLDecodeError) -> Problem:
    """Return what is not TOML, at the place that the message ends with, or at the end."""
    what, _, where = str(error).partition(" (at ")
    end = text.rstrip().count("\n") + 1, 1
    line, column = map(int, re.findall(r"\d+", where) or end)
    return Problem(path, line, column, f"not valid TOML: {what[0].lower()}{what[1:]}")


def line_of(text: str, table: str, key: str = "") -> int:
    """Return the line of a key in a table of TOML, or else that of the table."""
    lines = dict(enumerate(text.split("\n"), 1))
    name, key = (rf"[\"']?{re.escape(each)}[\"']?\s*" for each in (table, key))
    head = re.compile(rf"\s*(\[\s*{name}\]|{name}=)")
    start = next((number for number, line in lines.items() if head.match(line)), 1)
    for number in range(start + 1, len(lines) + 1):
        if lines[number].lstrip().startswith("["):
            break
        if re.match(rf"\s*{key}=", lines[number]):
            return number
    return start
