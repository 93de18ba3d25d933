"""The command line: ``python -m snippets._harness new``, ``check``, ``record`` and ``verify``.

new       write a claim to begin with: ``new tensors/my-claim``
check     validate the catalogue, the pages that show it, and the record of what was published;
          ``check tensors/my-claim`` validates that claim, and runs its snippet files
record    put on record what is new: pages, anchors, and how each claim stands
verify    validate the catalogue, then run the snippet files that have no current evidence;
          further arguments go to pytest (``--fresh`` runs all)
"""

import os
import subprocess
import sys
from collections.abc import Callable, Container, Iterable, Iterator
from difflib import get_close_matches
from itertools import chain
from pathlib import Path

from . import evidence as ev
from . import format as formatting
from . import new, record
from .api import names
from .api.rows import Family, families
from .api.verify import proven
from .catalogue import SHOWN, Catalogue, Snippet
from .frameworks import FRAMEWORKS
from .markup import only_true
from .problems import CatalogueError, Problem, counted, shown

NOTHING_TO_RUN = 5  # pytest's exit code for a claim without code
NONE: frozenset[str] = frozenset()
Meanwhile = Callable[[], object]
WITHOUT_PLUGINS = {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}  # of others, which pytest need not import


def check(catalogue: Catalogue, *, recorded: bool = False, sound: Container[str] = NONE) -> bool:
    """Print what is wrong with the catalogue; return whether nothing is.

    With ``recorded``, that includes what is not on record or not formatted: a draft need not be.
    What is ``sound``, claims or rows or both, was checked before and did not change.
    """
    problems: list[Problem] = []
    tables: list[Family] = []
    if "claims" not in sound:
        problems += [*catalogue.problems(), *new.unwritten(catalogue.folders())]
    else:
        problems += [*catalogue.page_problems(), *catalogue.axis_problems()]
    if "rows" not in sound:
        tables = families(catalogue.project)
        problems += [problem for family in tables for problem in family.problems]
        problems += names.problems(catalogue.project, tables)
    if recorded and not problems:
        problems = record.problems(catalogue)
    if recorded:
        problems += formatting.problems(tabs(catalogue.folders()))
    for problem in problems:
        print(problem, file=sys.stderr)
    claims = counted(len(catalogue.folders()), "claim")
    rows = counted(sum(len(family.rows) for family in tables), "row")
    what = [] if "claims" in sound else [claims]
    what += [] if "rows" in sound else [rows]
    print(f"{' and '.join(what) or 'pages'} checked, {counted(len(problems), 'problem')}")
    return not problems


def tabs(folders: Iterable[Path]) -> list[Path]:
    """Return the snippet files of claim folders."""
    paths = (folder / f"{name}.md" for folder in folders for name in FRAMEWORKS)
    return [path for path in paths if path.is_file() and not path.is_symlink()]


def check_claim(catalogue: Catalogue, name: str) -> int:
    """Print what is wrong with one claim, and run its snippet files; return the exit code."""
    name = new.claim_id(name)
    folder = catalogue.root / name
    if folder not in catalogue.folders():
        known = [f"{path.parent.name}/{path.name}" for path in catalogue.folders()]
        close = [f"did you mean {word!r}? " for word in get_close_matches(name, known, n=1)]
        hint = f"{''.join(close)}`make new CLAIM=<axis>/<claim>` begins one"
        print(f"no claim {name!r}: {hint}", file=sys.stderr)
        return 1
    problems = [*about(catalogue, name), *new.unwritten([folder])]
    runs = not catalogue.unknown_axis(folder.parent.name)
    try:
        for snippet in catalogue.load(folder).snippets:
            advise(snippet)
    except CatalogueError as error:  # pytest would say the same, later
        problems, runs = [*error.problems, *problems], False
    problems += formatting.problems(tabs([folder]))
    for problem in problems:
        print(problem, file=sys.stderr)
    if not runs:
        return 1
    import pytest  # noqa: PLC0415 (takes a third of a second, which other commands need not wait)

    os.environ |= WITHOUT_PLUGINS  # and in this process: that saves seconds
    failed = pytest.main(["-q", str(folder)]) not in (0, NOTHING_TO_RUN)
    return 1 if problems or failed else 0


def advise(snippet: Snippet) -> None:
    """Print what would make a snippet file prove more; that is no problem."""
    if line := only_true(snippet.blocks):
        what = "only True is expected; show the value, shape or error it stands for"
        print(f"hint: {shown(snippet.path)}:{line}: {what}", file=sys.stderr)


def about(catalogue: Catalogue, name: str) -> Iterator[Problem]:
    """Yield what is wrong with one claim's name, with its axis, and on the page that shows it."""
    folder = catalogue.root / name
    own = {folder, folder / "claim.md", folder.parent, *showing(catalogue, name)}
    found = [catalogue.name_problems(), catalogue.axis_problems(), catalogue.page_problems()]
    for problem in chain(*found):
        if problem.path in own or repr(name) in problem.message:
            yield problem


def showing(catalogue: Catalogue, name: str) -> Iterator[Path]:
    """Yield the page that should show a claim, and the pages that do."""
    yield catalogue.page(name.partition("/")[0])
    for page in (catalogue.project / "docs").rglob("*.md"):
        if name in SHOWN.findall(page.read_text(errors="replace")):
            yield page


def pending(catalogue: Catalogue, sound: Container[str] = NONE) -> list[Path]:
    """Return the files of snippets and rows without a recorded pass on the installed versions.

    What is ``sound``, claims or rows or both, has one, and is not looked at.
    """
    folder = catalogue.project / ev.FOLDER
    tables = [] if "rows" in sound else families(catalogue.project)
    claims = [] if "claims" in sound else map(catalogue.load, catalogue.folders())
    return [f.path for f in tables if not proven(folder, f).keys() >= f.rows.keys()] + [
        snippet.path
        for claim in claims
        for snippet in claim.snippets
        if not ev.is_proven(ev.read(ev.path_of(folder, claim, snippet)), claim, snippet)
    ]


def verify(
    catalogue: Catalogue, arguments: list[str], sound: Container[str], meanwhile: Meanwhile
) -> int:
    """Run what needs to run under pytest; return its exit code."""
    fresh = "--fresh" in arguments
    files = [catalogue.root] if fresh else pending(catalogue, sound)
    if not files:
        print("every snippet file, and every row, has evidence already")
        return 0
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:randomly", *arguments]
    # An argument may be for a plugin.
    environment = os.environ | ({} if arguments else WITHOUT_PLUGINS)
    command += map(str, files)
    with subprocess.Popen(command, cwd=catalogue.project, env=environment) as running:
        meanwhile()
    return running.returncode


def begin(catalogue: Catalogue, name: str) -> int:
    """Write a new claim, and say what to do with it; return the exit code."""
    files = new.create(catalogue, name)
    print("written:", *map(shown, files), sep="\n  ")
    print(f"write what is marked, then run `make check CLAIM={new.claim_id(name)}`")
    return 0


def put_on_record(catalogue: Catalogue) -> int:
    """Record what is new, unless it is unfinished: no line is ever taken back."""
    if problems := list(new.unwritten(catalogue.folders())):
        raise CatalogueError(problems)
    print(record.update(catalogue))
    return 0


def command(
    catalogue: Catalogue, arguments: list[str], sound: Container[str], meanwhile: Meanwhile
) -> int:
    """Run the command named first; return the exit code."""
    match arguments:
        case ["new", name]:
            return begin(catalogue, name)
        case ["check"]:
            return 0 if check(catalogue, recorded=True) else 1
        case ["check", name]:
            return check_claim(catalogue, name)
        case ["record"]:
            return put_on_record(catalogue)
        case ["verify", *rest]:
            is_sound = check(catalogue, sound=sound)
            return verify(catalogue, rest, sound, meanwhile) if is_sound else 1
    print(__doc__, file=sys.stderr)
    return 2


def main(
    arguments: list[str], sound: Container[str] = NONE, meanwhile: Meanwhile = lambda: None
) -> int:
    """Run a command; return its exit code, having printed what is wrong.

    Who knows that ``claims`` or ``rows`` passed, and that nothing they depend on changed, spares
    them to be read by calling them ``sound``. While snippet files run, ``meanwhile`` is called.
    """
    try:
        return command(Catalogue(Path.cwd()), arguments, sound, meanwhile)
    except (CatalogueError, new.NewClaimError) as error:
        print(error, file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
