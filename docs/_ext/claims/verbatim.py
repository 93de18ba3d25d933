"""Texts as Markdown that shows them as they are."""

import re

# What would be markup within a line, an entity too.
SPECIAL = re.compile(r"[\\`*\[\]<]|(?<!\w)_|_(?!\w)|&(?=#?\w+;)")


def escaped(text: str) -> str:
    """Return plain text within a line."""
    return SPECIAL.sub(r"\\\g<0>", text)


def line(text: str) -> str:
    """Return plain text of any length as one line."""
    return escaped(" ".join(text.split()))


def code(text: str) -> str:
    """Return code within a line."""
    text = " ".join(text.split("\n"))
    marks = "`" * (1 + longest(text))
    pad = " " if text.startswith("`") or text.endswith("`") else ""
    return f"{marks}{pad}{text}{pad}{marks}"


def longest(text: str) -> int:
    """Return the length of the longest run of backticks in a text."""
    return max(map(len, re.findall("`+", text)), default=0)
