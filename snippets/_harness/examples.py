"""A snippet file as Sybil examples, and how expected and actual output are compared.

The process that reports and the process that runs both parse the file with this module,
so that an example is the same thing, at the same line, in both.
"""

import doctest
import linecache
import re
import textwrap
from pathlib import Path
from types import ModuleType

from sybil import Document, Example, Sybil
from sybil.evaluators.doctest import NUMBER, OutputChecker
from sybil.parsers.markdown import PythonCodeBlockParser

from .frameworks import FRAMEWORKS
from .problems import HOW_TO_EXPECT

FLAGS = doctest.ELLIPSIS | NUMBER
# What to do about an exception that says one of these.
HINTS = {
    "Network is unreachable": "Snippets run without a network: make the data in the snippet.",
    "in name resolution": "Snippets run without a network: make the data in the snippet.",
    "Read-only file system": "A snippet may write into its working folder only.",
}
# Control characters, marks that turn the direction of writing, and what is no character.
INVISIBLE = re.compile("[\0-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


class RoundingChecker(OutputChecker):
    """Sybil's checker, with a NUMBER that means what a reader takes it to mean.

    Upstream accepts a whole unit of the last digit, so that ``2.`` matches ``1.1`` and
    ``0.5`` matches ``0.6``: a false claim would pass. Here a number matches those that
    round to it, and one without decimals (``2.``) only itself.
    """

    def _remove_unwanted_precision(self, want: str, got: str) -> str:
        wants = list(self._number_re.finditer(want))
        gots = list(self._number_re.finditer(got))
        if len(wants) != len(gots):
            return got
        for w, g in reversed(list(zip(wants, gots, strict=True))):
            if rounds_to(w, float(g.group())):
                got = got[: g.start()] + w.group() + got[g.end() :]
        return got


def rounds_to(want: re.Match[str], got: float) -> bool:
    """Return whether ``got`` rounds to the decimal number that ``want`` matched."""
    if not want["fraction"]:
        return False
    exponent = int(want["exponent1"] or want["exponent2"] or 0)
    half = 0.5 * 10.0 ** (exponent - len(want["fraction"]))
    return abs(float(want.group()) - got) <= half * (1 + 1e-9)


def verdict(example: doctest.Example, got: str, raised: str | None) -> str | None:
    """Return what is wrong with what came out of an example, None if nothing is.

    ``got`` was printed, with the traceback at the end if an exception was ``raised``, whose
    message that is. This is what doctest decides in the process that it runs the example in;
    here another process does, where no example can change how.
    """
    flags = FLAGS
    for flag, on in example.options.items():
        flags = flags | flag if on else flags & ~flag
    if flags & doctest.SKIP:
        return None
    checker = RoundingChecker()
    if raised is None:
        right = checker.check_output(example.want, got, flags)
    elif example.exc_msg is None:
        return readable(unexpected(example.want, got))
    else:
        right = checker.check_output(example.exc_msg, raised, flags)
        if flags & doctest.IGNORE_EXCEPTION_DETAIL:
            kind = doctest._strip_exception_details  # type: ignore[attr-defined]
            right |= checker.check_output(kind(example.exc_msg), kind(raised), flags)
    return None if right else readable(checker.output_difference(example, got, flags))


def unexpected(want: str, traceback: str) -> str:
    """Return what to say of an exception that nobody expected, or not in the way doctest reads."""
    text = f"Exception raised:\n{textwrap.indent(traceback, '    ')}"
    hints = [hint for sign, hint in HINTS.items() if sign in traceback]
    if want:
        text = f"Expected:\n{textwrap.indent(want, '    ')}{text}"
        hints.append(f"{HOW_TO_EXPECT}.")
    return "\n".join([text.rstrip(), *hints])


def parser() -> PythonCodeBlockParser:
    """Return what finds the examples in a document."""
    return PythonCodeBlockParser(doctest_optionflags=FLAGS)


def sybil(root: Path, document_type: type[Document]) -> Sybil:
    """Return the Sybil that finds the examples in the snippet files below ``root``."""
    return Sybil(
        [parser()],
        patterns=[f"*/*/{name}.md" for name in FRAMEWORKS],
        path=str(root),
        document_types={".md": document_type},
    )


def bind(document: Document, main: ModuleType) -> list[Example]:
    """Make ``main`` the module in which the examples of ``document`` run; return them.

    AutoGraph, ``inspect.getsource`` and torch.compile read the source of the functions
    they are given, and doctest would name every example alike. So each compiles at its
    real line number, under a file name of its own, and all these names lead to the whole
    document in ``linecache``; the module has such a name too, which is how the source of
    a class is found. ``linecache`` never drops an entry whose mtime is None.
    """
    examples = list(document)
    lines = ["\n"] * (document.text.count("\n") + 1)
    for example in examples:
        source = example.parsed.source.splitlines(keepends=True)
        lines[example.line - 1 : example.line - 1 + len(source)] = source
        example.namespace = main.__dict__
        example.path = f"{document.path}:{example.line}"
        example.parsed.source = "\n" * (example.line - 1) + example.parsed.source
    main.__file__ = f"<{document.path}>"
    names = [f"<doctest {example.path}[0]>" for example in examples]  # doctest's own form
    for name in (main.__file__, *names):
        linecache.cache[name] = (len(lines), None, lines, name)
    return examples


def readable(text: str, limit: int = 4_000) -> str:
    """Return what doctest or a crash reports, without frames of ours, cut to ``limit``.

    A snippet's own frames keep the file and line that its author knows. What a terminal
    would obey, or show in another order, is escaped.
    """
    text = INVISIBLE.sub(lambda found: ascii(found[0])[1:-1], text)
    text = re.sub(r' *File "[^"]*/doctest\.py", line \d+, in .*\n(?: {6,}.*\n)*', "", text)
    text = re.sub(r' *File "[^"]*/doctest\.py", line \d+ in .*', "", text, flags=re.DOTALL)
    text = re.sub(r"<doctest (.*?):\d+\[0\]>", r"\1.md", text).rstrip()
    return text if len(text) <= limit else f"{text[:limit]}\n... ({len(text) - limit:,} more)"
