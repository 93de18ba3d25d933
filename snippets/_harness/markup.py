"""Splits a Markdown file of a claim into prose and code, refusing what does not belong.

Contributors' Markdown ends up on a page, so only a small part of the language is let in:
paragraphs, inline code, emphasis, links, and ```python fences.
"""

import ast
import doctest
import re
import unicodedata
import warnings
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from markdown_it import MarkdownIt
from markdown_it.token import Token

from .problems import HOW_TO_EXPECT, Problem

COLUMNS = 72  # what a code block shows on the page without scrolling
CODE_LINES = 25
doctest.register_optionflag("NUMBER")  # Sybil's, which may not be imported here
OPTIONS = {"+NUMBER", "-NUMBER", "+ELLIPSIS", "-ELLIPSIS", "+NORMALIZE_WHITESPACE"}
INLINE = {
    "text", "softbreak", "hardbreak", "code_inline", "text_special",
    "em_open", "em_close", "strong_open", "strong_close", "link_open", "link_close",
}  # fmt: skip
ROLE = re.compile(r"\{[\w:.+-]+\}$")  # MyST's {role}`text`, before the inline code
MYST = re.compile(r"\s*(:::|%|\+\+\+|\([^)]*\)=)")  # what MyST reads at the start of a line
FENCE = "```python"
TRACEBACK = "Traceback (most recent call last):"
# The last line of a traceback alone, perhaps shortened at its front.
ERROR = re.compile(r"(\.\.\.)?[\w.]*(Error|Exception)(: |$)", re.MULTILINE)
# Controls but tab and newline, and what turns the direction of the text after it: with them
# code reads other than it runs. Letters of any script need none.
HIDDEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")

DOCTEST_ERROR = re.compile(r"line (\d+) of the doc\w+ for \S+ (?:has )?(?:an )?(.*)", re.DOTALL)

Report = Callable[[int, int, str], None]


@dataclass(frozen=True)
class Block:
    """A paragraph of prose or a block of code, and the line of the file it begins at."""

    text: str
    line: int
    is_code: bool


def read_text(path: Path) -> tuple[str, list[Problem]]:
    """Return the text of a file in UTF-8 with Unix line ends, and what is wrong with it."""
    data = path.read_bytes()
    if data.startswith(b"\xef\xbb\xbf"):
        return "", [Problem(path, 1, 1, "begins with a byte order mark; save as UTF-8 without BOM")]
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        column = error.start - data.rfind(b"\n", 0, error.start)
        byte = data[error.start]
        return "", [Problem(path, line, column, f"byte 0x{byte:02x} is not UTF-8; save as UTF-8")]
    if "\r" in text:
        line = text.count("\n", 0, text.index("\r")) + 1
        return "", [Problem(path, line, 1, "has Windows line ends (CRLF); save with LF")]
    hidden = list(hidden_in(path, text))
    return ("", hidden) if hidden else (text, [])


def hidden_in(path: Path, text: str) -> Iterator[Problem]:
    """Yield the first character of each line that readers do not see, or that misleads them."""
    for number, line in enumerate(text.split("\n"), 1):
        if found := HIDDEN.search(line):
            name = unicodedata.name(found[0], "a control character")
            escape = found[0].encode("unicode_escape").decode()
            message = (
                f"U+{ord(found[0]):04X}, {name}, which readers do not see; "
                f"take it out, or write it as {escape} in code"
            )
            yield Problem(path, number, found.start() + 1, message)


def split(text: str, report: Report, first: int = 1) -> Iterator[Block]:
    """Yield the blocks of Markdown ``text``, reporting what a claim may not contain.

    ``report`` is called with line, column and message; ``first`` is the line of the file
    at which ``text`` begins.
    """
    lines = text.split("\n")
    for token in _markdown().parse(text):
        start, end = token.map or (0, 0)
        line = first + start
        if token.type == "fence":
            if lines[start].rstrip() != FENCE:
                report(line, 1, f"only {FENCE} fences are run and shown; found {lines[start]!r}")
            elif end == start + 1 or lines[end - 1].rstrip() != "```":
                report(line, 1, "this fence is never closed; end it with ``` on its own line")
            else:
                yield Block(token.content, line + 1, is_code=True)
        elif token.type == "inline":
            check_inline(token, line, report)
            yield Block(token.content, line, is_code=False)
        elif token.type == "blockquote_open" and lines[start].lstrip().startswith(">>>"):
            report(line, 1, f"examples (>>>) outside a fence; put {FENCE} on the line above")
            return  # from here on, fences close where they seem to open
        elif not token.type.startswith("paragraph") and token.nesting >= 0:
            what = token.type.removesuffix("_open").replace("_", " ")
            report(line, 1, f"{what} is not allowed here; write paragraphs and {FENCE} fences")


@cache  # to make one takes as long as to parse a file
def _markdown() -> MarkdownIt:
    """Return what parses Markdown, which keeps nothing of one text for the next."""
    markdown = MarkdownIt("commonmark").enable("table")
    # Any link is let through here, for check_inline to report.
    markdown.validateLink = lambda _url: True  # type: ignore[assignment]
    return markdown


def check_inline(token: Token, line: int, report: Report) -> None:
    """Report inline markup other than code, emphasis and plain links."""
    for number, text in enumerate(token.content.split("\n"), line):
        if found := MYST.match(text):
            report(number, 1, f"{found[1]} is a directive to MyST; begin the line otherwise")
            break
    children = token.children or []
    for before, child in zip([None, *children], children, strict=False):
        if child.type not in INLINE:
            what = child.type.replace("_", " ")
            report(line, 1, f"{what} is not allowed here; use words, `code` and [links](...)")
        elif child.type == "code_inline" and before and ROLE.search(before.content):
            report(
                line, 1, f"the role {before.content.split()[-1]} is not allowed here; use a link"
            )
        elif child.type == "link_open":
            target = str(child.attrGet("href"))
            if not target.startswith(("https://", "#")):
                report(line, 1, f"the link {target!r} must begin with https:// or with #")


def check_code(blocks: list[Block], report: Report) -> None:
    """Report code that is too long, too wide, or that proves nothing."""
    broken: list[int] = []  # lines of what is no doctest: of the rest nobody can tell

    def note(line: int, column: int, message: str) -> None:
        broken.append(line)
        report(line, column, message)

    examples = [example for block in blocks for example in parse(block, note)]
    source_lines = sum(example.source.count("\n") for _, example in examples)
    check_width(blocks, report)
    if source_lines > CODE_LINES:
        report(blocks[0].line, 1, f"{source_lines} lines of code, at most {CODE_LINES}; show less")
    for line, example in examples:
        check_options(example, line, report)
        check_output(example, line, report)
    if broken:
        return
    if not examples:
        report(1, 1, f"no doctest; add a {FENCE} fence whose lines begin with >>>")
    elif not any(example.want for _, example in examples):
        report(examples[0][0], 1, "nothing is expected of any example, so nothing is proven")


def check_width(blocks: Iterable[Block], report: Report) -> None:
    """Report what a code block shows only by scrolling."""
    for block in blocks:
        for number, text in enumerate(block.text.split("\n"), block.line):
            if len(text) > COLUMNS:
                is_code = text.startswith((">>> ", "... "))
                how = 'break the line, continue it with "... "' if is_code else ""
                hint = how or "put ... for a part of the output"
                report(number, COLUMNS + 1, f"{len(text)} columns, at most {COLUMNS}; {hint}")


def check_error(example: doctest.Example, line: int, report: Report) -> None:
    """Report an expected error that doctest would take for printed text.

    What is printed may look like one, below a call of print or after other text.
    """
    lines = example.want.rstrip("\n").split("\n")
    if example.exc_msg is not None:
        return
    if TRACEBACK in lines and (lines[0] == TRACEBACK or lines[-1].startswith("...")):
        report(line + lines.index(TRACEBACK), 1, HOW_TO_EXPECT)
    elif ERROR.match(lines[0]) and "print" not in example.source:
        report(line, 1, HOW_TO_EXPECT)


def imports(blocks: Iterable[Block]) -> Iterator[tuple[int, int, str]]:
    """Yield line, column and top-level name of each package that code blocks import."""
    for block in blocks:
        may_import = block.is_code and "import" in block.text
        for line, example in parse(block, lambda *_: None) if may_import else ():
            if "import" not in example.source:
                continue
            for node in ast.walk(tree_of(example.source)):
                names = [alias.name for alias in getattr(node, "names", ())]
                if isinstance(node, ast.ImportFrom):
                    names = [node.module or ""] if not node.level else []
                if isinstance(node, ast.Import | ast.ImportFrom):
                    at = line + node.lineno - 1, len(">>> ") + node.col_offset + 1
                    yield from ((*at, name.split(".")[0]) for name in names)


def tree_of(source: str) -> ast.AST:
    """Return the tree of an example's code, an empty one where it is no Python on purpose."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.parse(source)
    except (SyntaxError, ValueError):
        return ast.Module([], [])


def only_true(blocks: Iterable[Block]) -> int | None:
    """Return the line of the first ``True`` if code blocks expect nothing else, or None."""
    examples = [one for block in blocks if block.is_code for one in parse(block, lambda *_: None)]
    wants = {line + one.source.count("\n"): one.want.strip() for line, one in examples if one.want}
    return min(wants) if set(wants.values()) == {"True"} else None


def check_output(example: doctest.Example, line: int, report: Report) -> None:
    """Report expected output that matches anything, or that readers take for code."""
    check_error(example, line + example.source.count("\n"), report)
    if "..." in example.want and not re.search(r"\w", example.want):
        report(line, 1, f"the expected output {example.want.strip()!r} matches anything")
    first = line + example.source.count("\n")
    for number, output in enumerate(example.want.split("\n"), first):
        if output.startswith("... "):
            report(number, 1, "output may not begin with '... ', as code does; write '...x'")


def parse(block: Block, report: Report) -> Iterator[tuple[int, doctest.Example]]:
    """Yield the doctest examples of a code block with their lines in the file."""
    if not block.text.startswith(">>> "):
        what = "a code block must begin with >>> and a blank"
        found = f"; found {block.text.split()[0]!r}" if block.text.strip() else ""
        report(block.line, 1, f"{what} (code alone would not be checked){found}")
        return
    try:
        parts = doctest.DocTestParser().parse(block.text)
    except ValueError as error:
        match = DOCTEST_ERROR.match(str(error))
        number, message = (int(match[1]) - 1, match[2]) if match else (0, str(error))
        # An error shortened at its front looks like code that goes on.
        is_error = ERROR.match(block.text.split("\n")[number])
        how = HOW_TO_EXPECT if is_error else f"not a doctest: {message}"
        report(block.line + number, 1, how)
        return
    line = block.line
    for part in parts:
        if isinstance(part, str):
            if stray := part.strip():
                line += part[: part.index(stray)].count("\n")
                report(line, 1, "this is neither code nor its output; begin code with >>>")
            continue
        line = block.line + part.lineno
        yield line, part
        line += part.source.count("\n") + part.want.count("\n")


def check_options(example: doctest.Example, line: int, report: Report) -> None:
    """Report doctest options that would let an example pass whatever it prints."""
    for options in re.findall(r"#\s*doctest:([^\n]*)", example.source):
        if unknown := set(re.split(r"[\s,]+", options.strip())) - OPTIONS:
            names, allowed = (", ".join(sorted(each)) for each in (unknown, OPTIONS))
            what = f"the doctest option {names} weakens or hides the evidence"
            report(line, 1, f"{what}; allowed: {allowed}")
