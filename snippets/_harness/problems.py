"""What is wrong with a file, said so that its author can mend it."""

from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

MOST = 20  # words that a message lists


HOW_TO_EXPECT = (
    'to expect an error, write "Traceback (most recent call last):", then "...", '
    "then a line that begins with the error's name"
)


@dataclass(frozen=True, order=True)
class Problem:
    """One thing wrong at one place. Lines and columns count from 1."""

    path: Path
    line: int
    column: int
    message: str

    def __str__(self) -> str:
        return f"{shown(self.path)}:{self.line}:{self.column}: {self.message}"


def shown(path: Path) -> Path:
    """Return ``path`` as people type it: relative to the current folder if it is inside."""
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path


class CatalogueError(Exception):
    """Everything found wrong, together."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(sorted(set(problems)))
        super().__init__("\n".join(map(str, self.problems)))


def counted(number: int, what: str) -> str:
    """Return a number of things in words, such as ``1 problem`` and ``2 problems``."""
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return the known words, led by the one that ``word`` is probably meant to be.

    Where they are too many to read, that one must do.
    """
    known = list(known)
    close = get_close_matches(word, known, n=1)
    hint = f"did you mean {close[0]!r}?" if close else ""
    if len(known) > MOST:
        return hint or f"none of the {len(known)} is spelt like it"
    return f"{hint} (one of: {', '.join(known)})".strip() if known else "there are none"
