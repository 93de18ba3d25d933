"""Formats the code of snippets: ``python -m snippets._harness.format [--check] FILE ...``.

With ``--exit-non-zero-on-format`` it fails where it changed a file: a commit has the old one.

Ruff formats each example by itself. What is expected of it is never touched, nor is an example
whose meaning, comments to doctest or single statement would change, or that would grow: a tab
has few lines, and who breaks them by hand to fit saw more of the page than Ruff does.
"""

import ast
import doctest
import re
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from .markup import COLUMNS, read_text, split
from .problems import Problem, shown

PROMPT = len(">>> ")
DIRECTIVE = re.compile(r"#\s*doctest:.*")
RUFF = ("-m", "ruff", "format", "-q", "--isolated", "--no-cache", "--target-version", "py311")
CHECK, FAIL = "--check", "--exit-non-zero-on-format"  # named as Ruff names them


def examples(text: str) -> list[tuple[int, str]]:
    """Return first line, from 0, and source of each example in the fences of ``text``."""
    found = []
    for block in split(text, lambda *_: None):
        if not block.is_code:
            continue
        try:
            parts = doctest.DocTestParser().get_examples(block.text)
        except ValueError:  # no doctest, as `make check` says with its place
            continue
        found += [(block.line - 1 + part.lineno, part.source) for part in parts]
    return found


def formatted(sources: Sequence[str]) -> list[str]:
    """Return each source as Ruff formats it, or as it was; starting Ruff but once."""
    with tempfile.TemporaryDirectory() as folder:
        # Many examples are alike, such as imports: a file for each would double the time.
        files = {source: Path(folder, f"{number}.py") for number, source in enumerate(sources)}
        for source, file in files.items():
            file.write_text(source)
        width = f"--line-length={COLUMNS - PROMPT}"
        # It fails where one example is no Python, perhaps to show just that, and goes on.
        subprocess.run([sys.executable, *RUFF, width, folder], capture_output=True, check=False)
        new = {source: better(source, file.read_text()) for source, file in files.items()}
        return [new[source] for source in sources]


def better(old: str, new: str) -> str:
    """Return ``new``, without blank lines unless ``old`` has some, if it means the same.

    It may not be longer: one line to an argument and a bracket is not worth it here.
    """
    if new == old:
        return old
    if "" not in old.rstrip("\n").split("\n"):
        new = re.sub(r"\n{2,}", "\n", new)
    grows = new.count("\n") > old.count("\n")
    return old if grows or meaning(old) != meaning(new) or meaning(old) is None else new


def meaning(source: str) -> tuple[str, list[str]] | None:
    """Return what an example does and asks of doctest; None if doctest could not run it."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            compile(source, "<example>", "single")
            return ast.dump(ast.parse(source)), DIRECTIVE.findall(source)
    except (SyntaxError, ValueError):
        return None


def replaced(text: str, found: list[tuple[int, str]], sources: Sequence[str]) -> str:
    """Return ``text`` with the examples ``found`` in it given as ``sources``."""
    lines = text.split("\n")
    for (start, old), new in reversed(list(zip(found, sources, strict=True))):
        if new != old:
            first, *rest = new.rstrip("\n").split("\n")
            code = [f">>> {first}", *(f"... {line}".rstrip() for line in rest)]
            lines[start : start + old.count("\n")] = code
    return "\n".join(lines)


def changes(texts: Mapping[Path, str]) -> dict[Path, tuple[int, str]]:
    """Return the files whose code is not formatted: the first such line, and the new text."""
    found = {path: examples(text) for path, text in texts.items()}
    results = iter(formatted([source for each in found.values() for _, source in each]))
    new = {path: [next(results) for _ in each] for path, each in found.items()}
    firsts = {
        path: at + 1
        for path, each in found.items()
        for (at, old), source in reversed(list(zip(each, new[path], strict=True)))
        if source != old
    }
    return {
        path: (at, replaced(texts[path], found[path], new[path])) for path, at in firsts.items()
    }


def problems(paths: Iterable[Path]) -> list[Problem]:
    """Return which files have code that is not formatted; what cannot be read has none."""
    found = changes({path: read_text(path)[0] for path in paths})
    return [Problem(path, line, 1, unformatted(path)) for path, (line, _) in found.items()]


def unformatted(path: Path) -> str:
    return f"not formatted; run .venv/bin/python -m snippets._harness.format {shown(path)}"


def main(arguments: list[str]) -> int:
    """Format the files named, or with ``--check`` only say which are not; return the exit code."""
    paths = [Path(name) for name in arguments if name not in (CHECK, FAIL)]
    wrong = [problem for path in paths for problem in read_text(path)[1]]
    if CHECK in arguments:
        wrong += problems(paths)
    changed = {} if CHECK in arguments else changes({path: read_text(path)[0] for path in paths})
    for path, (_, text) in changed.items():
        path.write_text(text)
        print(f"{shown(path)}: formatted")
    print(*wrong, sep="\n", end="\n" if wrong else "", file=sys.stderr)
    return 1 if wrong or (changed and FAIL in arguments) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
