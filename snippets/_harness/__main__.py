"""The command line: ``python -m snippets._harness check``, ``... verify`` and ``... record``.

check     validate the catalogue, the pages that show it, and the record of what was published
record    put on record what is new: pages, anchors, and how each claim stands
verify    validate the catalogue, then run the snippet files that have no current evidence;
          further arguments go to pytest (``--fresh`` runs all)
"""

import subprocess
import sys
from pathlib import Path

from . import evidence as ev
from . import record
from .api import names
from .api.rows import families
from .api.verify import proven
from .catalogue import Catalogue
from .problems import CatalogueError


def check(catalogue: Catalogue, *, recorded: bool = False) -> bool:
    """Print what is wrong with the catalogue; return whether nothing is.

    With ``recorded``, that includes what is not on record: a draft need not be.
    """
    problems = catalogue.problems()
    tables = families(catalogue.project)
    problems += [problem for family in tables for problem in family.problems]
    problems += names.problems(catalogue.project, tables)
    if recorded and not problems:
        problems = record.problems(catalogue)
    for problem in problems:
        print(problem, file=sys.stderr)
    claims = len(catalogue.folders())
    rows = sum(len(family.rows) for family in tables)
    print(f"{claims} claims and {rows} rows checked, {len(problems)} problems")
    return not problems


def pending(catalogue: Catalogue) -> list[Path]:
    """Return the files of snippets and rows without a recorded pass on the installed versions."""
    folder = catalogue.project / ev.FOLDER
    tables = [
        f.path for f in families(catalogue.project) if not proven(folder, f).keys() >= f.rows.keys()
    ]
    return tables + [
        snippet.path
        for claim in map(catalogue.load, catalogue.folders())
        for snippet in claim.snippets
        if not ev.is_proven(ev.read(ev.path_of(folder, claim, snippet)), claim, snippet)
    ]


def verify(catalogue: Catalogue, arguments: list[str]) -> int:
    """Run what needs to run under pytest; return its exit code."""
    fresh = "--fresh" in arguments
    files = [catalogue.root] if fresh else pending(catalogue)
    if not files:
        print("every snippet file, and every row, has evidence already")
        return 0
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:randomly", *arguments]
    return subprocess.call([*command, *map(str, files)], cwd=catalogue.project)


def main(arguments: list[str]) -> int:
    """Run the command named first; return the exit code."""
    catalogue = Catalogue(Path.cwd())
    try:
        match arguments:
            case ["check"]:
                return 0 if check(catalogue, recorded=True) else 1
            case ["record"]:
                print(record.update(catalogue))
                return 0
            case ["verify", *rest]:
                return verify(catalogue, rest) if check(catalogue) else 1
    except CatalogueError as error:
        print(error, file=sys.stderr)
        return 1
    print(__doc__, file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
