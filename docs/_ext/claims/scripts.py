"""A tab as a script and as a notebook: the code that ran, to run as it is.

Both show what a prompt would: the value of an expression, the message of an error. In a
script ``sys.displayhook`` does, which is what the prompt calls; in a notebook each shown
value ends its cell.
"""

import ast
import builtins
import doctest
import io
import json
import re
import textwrap
import tokenize
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

from snippets._harness.catalogue import Snippet
from snippets._harness.frameworks import FRAMEWORKS, PRELOADS

from . import wording

COLUMNS = 72
OPTIONS = re.compile(r"[ \t]*# doctest:.*")
SHOW = "from sys import displayhook  # shows a value as the prompt does"
APART = """\
import os, tempfile
os.chdir(tempfile.mkdtemp())  # the two sides may write files of the same name"""
MODULE = re.compile(r"^(?:\w+\.)+(?=\w)|^\w+(?=\.\.\.)")  # before the class of an error


@dataclass(frozen=True)
class Step:
    """One example: its code, the output it had, and the error it is to end with."""

    code: str
    output: str
    raises: str = ""  # class and message of that error

    @cached_property
    def shown(self) -> list[ast.expr]:
        """The expressions whose values a prompt shows: no call of ``print``, which shows itself.

        A prompt shows those in a ``with`` or a loop too, but not those in a definition.
        """
        if not self.output or self.raises or "print(" in self.code:
            return []
        return list(_expressions(self.body))

    @property
    def is_value(self) -> bool:
        """Whether a notebook shows its output by itself: it ends in such an expression."""
        return not self.shown or isinstance(self.body[-1], ast.Expr)

    @cached_property
    def body(self) -> list[ast.stmt]:
        """The statements of the code."""
        return ast.parse(self.code).body

    @property
    def error(self) -> str:
        """The error to catch: the class of Python that it names, or else any."""
        name = self.raises.partition(":")[0].strip()
        kind = getattr(builtins, name, None)
        return name if isinstance(kind, type) and issubclass(kind, Exception) else "Exception"


def _expressions(statements: Iterable[ast.stmt]) -> Iterator[ast.expr]:
    for statement in statements:
        if isinstance(statement, ast.Expr):
            yield statement.value
        elif not isinstance(statement, ast.FunctionDef | ast.ClassDef):
            yield from _expressions(getattr(statement, "body", []))


@lru_cache(maxsize=64)  # a claim's are asked for by two scripts and three notebooks in a row
def steps(code: str) -> tuple[Step, ...]:
    """Return the examples in a block of code."""
    return tuple(
        Step(
            parsed(OPTIONS.sub("", example.source).rstrip()),
            example.want.replace("<BLANKLINE>", "").rstrip() if not example.exc_msg else "",
            MODULE.sub("", example.exc_msg or "").rstrip(),
        )
        for example in doctest.DocTestParser().get_examples(code)
    )


def parsed(code: str) -> str:
    """Return code that Python can read: what it cannot, to show so, fails when it runs."""
    try:
        ast.parse(code)
    except (SyntaxError, ValueError):
        return f"exec({code!r})"
    return code


def settings(framework: str) -> str:
    """Return the code that a tab needs before its own: what the harness had set for it."""
    given = PRELOADS[FRAMEWORKS[framework].preload].environment
    lines = [f'os.environ["{name}"] = "{value}"' for name, value in given.items()]
    return "\n".join(["import os", "", *lines]) if lines else ""


# Scripts.


def script(snippet: Snippet, head: Iterable[str]) -> str:
    """Return a tab as a Python script below the comment ``head``."""
    parts = ["\n".join(_comment(line) for line in head)]
    blocks = [(block, steps(block.text) if block.is_code else ()) for block in snippet.blocks]
    given = settings(snippet.framework)
    if any(step.shown for _, found in blocks for step in found):
        given = f"{given}\n\n{SHOW}".strip()
    parts += filter(None, [given])
    parts += [
        "\n".join(map(_as_lines, found)) if block.is_code else _comment(wording.plain(block.text))
        for block, found in blocks
    ]
    return "\n\n".join(parts) + "\n"


def _comment(text: str) -> str:
    """Return a text as lines of comment, a paragraph wrapped."""
    return textwrap.fill(
        text, COLUMNS, initial_indent="# ", subsequent_indent="# ",
        break_long_words=False, break_on_hyphens=False,
    )  # fmt: skip


def _as_lines(step: Step) -> str:
    """Return an example as lines of a script, its output as a comment."""
    if step.raises:
        return "\n".join([
            "try:", _indented(step.code),
            f"except {step.error} as error:",
            '    print(f"{type(error).__name__}: {error}")',
            "else:",
            '    raise AssertionError("this is expected to fail")',
            _output(step.raises),
        ])  # fmt: skip
    code = _showing(step)
    if hasattr(step.body[-1], "body"):
        code = f"\n{code}\n"  # a definition or a loop stands apart
    return "\n".join(filter(None, [code, _output(step.output)]))


def _showing(step: Step) -> str:
    """Return the code of an example with calls that show what a prompt would."""
    code = step.code
    lines = code.encode().splitlines(keepends=True)
    for node in reversed(step.shown):  # from the end, so that places stay what they are
        start, end = (
            len(b"".join(lines[: line - 1])) + column
            for line, column in (
                (node.lineno, node.col_offset),
                (node.end_lineno or node.lineno, node.end_col_offset or 0),
            )
        )
        text = code.encode()
        code = (text[:start] + _call(text[start:end].decode()).encode() + text[end:]).decode()
    return code


def _call(expression: str) -> str:
    """Return a call that shows an expression, which may be a bare ``a, b``."""
    call = ast.parse(f"displayhook({expression})", mode="eval").body
    assert isinstance(call, ast.Call)
    return f"displayhook({expression})" if len(call.args) == 1 else f"displayhook(({expression}))"


def _output(text: str) -> str:
    return "\n".join(f"# {line}".rstrip() for line in text.splitlines())


def _indented(code: str) -> str:
    """Return code indented by a level, but for lines within a string."""
    inside: set[int] = set()
    for token in tokenize.generate_tokens(io.StringIO(code).readline):
        if token.type == tokenize.STRING:
            inside |= set(range(token.start[0] + 1, token.end[0] + 1))
    lines = enumerate(code.split("\n"), 1)
    return "\n".join(line if number in inside else f"    {line}" for number, line in lines)


# Notebooks.


def notebook(title: str, about: str, parts: Iterable[tuple[str, Snippet]]) -> str:
    """Return tabs as one notebook, each under its heading and in a folder of its own.

    A heading is empty where there is one tab: that works where the reader does.
    """
    cells = [_prose(f"# {title}\n\n{about}")]
    for heading, snippet in parts:
        if heading:
            cells += [_prose(f"## {heading}"), _code(APART)]
        cells += _cells(snippet)
    for number, cell in enumerate(cells):
        cell["id"] = f"cell-{number}"
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    made = {"cells": cells, "metadata": {"kernelspec": kernel}, "nbformat": 4, "nbformat_minor": 5}
    return json.dumps(made, indent=1, ensure_ascii=False) + "\n"


def _prose(text: str) -> dict[str, Any]:
    return {"cell_type": "markdown", "metadata": {}, "source": text}


def _code(text: str, *tags: str) -> dict[str, Any]:
    metadata = {"tags": list(tags)} if tags else {}
    run: dict[str, Any] = {"execution_count": None, "outputs": []}
    return {"cell_type": "code", "metadata": metadata, "source": text, **run}


def _cells(snippet: Snippet) -> Iterator[dict[str, Any]]:
    if given := settings(snippet.framework):
        yield _code(given)
    for block in snippet.blocks:
        if not block.is_code:
            yield _prose(block.text)
            continue
        for group in _groups(steps(block.text)):
            code = "\n".join(step.code if step.is_value else _showing(step) for step in group)
            if "displayhook(" in code:
                code = f"{SHOW}\n{code}"
            yield _code(code, *(["raises-exception"] if group[-1].raises else []))


def _groups(found: Iterable[Step]) -> Iterator[list[Step]]:
    """Yield the examples of a block by cell: a notebook shows the last value of each."""
    group: list[Step] = []
    for step in found:
        group.append(step)
        if step.output or step.raises:
            yield group
            group = []
    if group:
        yield group
