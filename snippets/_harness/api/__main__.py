"""The command line of the API table: ``python -m snippets._harness.api try FAMILY [ROW...]``.

try       run rows in this process and print what they give, without recording it
pin       the same, and write what they give to snippets/_api/pins
names     say what the installed packages offer that is not on record; ``--pin`` records it
counts    print how many rows have evidence, and what was compared in them
coverage  print how the rows account for what the packages offer; ``--open`` lists what is left
explore   look for inputs on which rows part; ``--examples=N`` and ``--seed=N`` look further
mutate    change one thing in every row (of the families named); print the share noticed
"""

import importlib
import json
import os
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from snippets._harness.evidence import FOLDER
from snippets._harness.frameworks import COMMON, OLDER_KERNELS

os.environ |= COMMON | OLDER_KERNELS  # before the frameworks are imported

from . import names as listing
from . import rows
from .spread import Crash, spread


def attempt(arguments: list[str], *, pin: bool) -> int:
    """Run the named rows of a family, or all; return 1 if any fails."""
    check = importlib.import_module(f"{__package__}.check").check
    sys.addaudithook(importlib.import_module(f"{__package__}.sides").guard)
    name, *chosen = arguments
    family = next((f for f in rows.families(Path.cwd()) if f.name == name), None)
    if family is None:
        print(f"no family {name!r}: there is no {rows.FOLDER}/{name}.toml", file=sys.stderr)
        return 2
    for problem in family.problems:
        print(problem, file=sys.stderr)
    pins, failed = dict(family.pins), len(family.problems)
    for row_name, row in family.rows.items():
        if chosen and row_name not in chosen:
            continue
        started = time.perf_counter()
        record = check(row_name, row)
        seconds = time.perf_counter() - started
        failed += bool(record.failures)
        mark = "FAILED" if record.failures else "ok"
        print(
            f"{mark:7}{row_name}  {seconds:.2f} s  gradient {record.gradient}  {record.deviation}"
        )
        for failure in record.failures:
            print(f"       {family.path.name}:{family.lines[row_name]}: {failure}")
        if chosen:
            print(json.dumps(record.pinned, indent=1, ensure_ascii=False))
        if not record.failures:
            pins[row_name] = record.pinned
    if pin:
        write(family.pins_path, {n: pins[n] for n in family.rows if n in pins})
    print(f"{len(family.rows)} rows, {failed} failed")
    return 1 if failed else 0


def write(path: Path, pins: dict[str, Any]) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(pins, indent=1, ensure_ascii=False, sort_keys=True) + "\n")


def names(arguments: list[str]) -> int:
    """Compare the installed packages with the list on record, or record them."""
    new = listing.installed()
    if "--pin" in arguments:
        text = json.dumps(new, indent=0, ensure_ascii=False, sort_keys=True)
        (Path.cwd() / rows.FOLDER / "names" / "listing.json").write_text(text + "\n")
    news = sorted(listing.changes(listing.listing(Path.cwd()), new))
    print("\n".join(news) or "the installed packages offer what is on record")
    return 1 if news else 0


def counts(_arguments: list[str]) -> int:
    """Print what the recorded evidence proves, by family; return 1 if a row has none."""
    verify = importlib.import_module(f"{__package__}.verify")
    head = ("rows", "proven", "compared", "gradient", "of those with one")
    print(f"{'family':28}" + "".join(f"{title:>{len(title) + 2}}" for title in head))
    totals = [0] * len(head)
    for family in rows.families(Path.cwd()):
        proven = verify.proven(Path.cwd() / FOLDER, family).values()
        has_one = [row for row in proven if row.gradient != "none"]
        line = [
            len(family.rows),
            len(proven),
            sum(row.compared for row in proven),
            sum(row.gradient == "compared" for row in has_one),
            len(has_one),
        ]
        totals = [a + b for a, b in zip(totals, line, strict=True)]
        print(_aligned(family.name, head, line))
    print(_aligned("all", head, totals))
    shares = totals[2] / max(totals[1], 1), totals[3] / max(totals[4], 1)
    print(f"{shares[0]:.1%} compared in value; {shares[1]:.1%} of the differentiable in gradient")
    return 0 if totals[0] == totals[1] else 1


def _aligned(name: str, head: tuple[str, ...], line: list[int]) -> str:
    columns = (f"{n:>{len(title) + 2}}" for n, title in zip(line, head, strict=True))
    return f"{name:28}{''.join(columns)}"


def coverage(arguments: list[str]) -> int:
    """Print the table of coverage; return 1 if a name that has to be accounted for is not."""
    families = rows.families(Path.cwd())
    missing = 0
    print(f"{'namespace':22}{'names':>7}{'rows':>7}{'reasons':>9}{'open':>6}{'accounted':>11}")
    for space, cover in listing.coverage(Path.cwd(), families).items():
        open_names = cover["open"]
        share = 1 - len(open_names) / max(len(cover.how), 1)
        counts = f"{len(cover.how):7}{cover.rows:7}{len(cover.reasons):9}{len(open_names):6}"
        complete = listing.NAMESPACES[space]
        print(f"{space:22}{counts}{share:11.1%}{' of 100 %' if complete else ''}")
        missing += complete * len(open_names)
        if "--open" in arguments:
            print("  " + " ".join(sorted(name.rpartition(".")[2] for name in open_names)))
    return 1 if missing else 0


def chosen(names: list[str]) -> list[Path]:
    """Return the files of the families named, or of all."""
    found = rows.families(Path.cwd())
    return [f.path.relative_to(Path.cwd()) for f in found if not names or f.name in names]


def mutate(names: list[str]) -> int:
    """Print the share of mutants that are noticed, and those that are not; a crash is noticed."""
    total = 0
    left: list[dict[str, str]] = []
    for path, results in spread("mutate", chosen(names)):
        survivors = [each for each in results if each and not isinstance(each, Crash)]
        total, left = total + len(results), left + survivors
        print(f"{path.stem:28}{len(results) - len(survivors):6} of {len(results):5} noticed")
    for each in left:
        print("  {family}/{row} ({side}, {what}): {text}".format(**each))
    print(f"{total - len(left)} of {total} noticed ({1 - len(left) / max(total, 1):.1%})")
    return 0


def explore(arguments: list[str]) -> int:
    """Explore the families named, or all; return 1 if the sides of a row part."""
    given = dict(a.removeprefix("--").split("=") for a in arguments if a.startswith("--"))
    paths = chosen([a for a in arguments if not a.startswith("--")])
    examples = given.get("examples", "5")
    found, count = [], 0
    for path, results in spread("explore", paths, examples, given.get("seed", "0")):
        family = rows.load(path)
        explored = [name for name, row in family.rows.items() if not row.unexplored]
        for name, told in zip(explored, results, strict=True):
            if told:
                what = told.why if isinstance(told, Crash) else told
                found.append(f"{path}:{family.lines[name]}: row {name!r}: {what}")
        count += len(results)
    print("\n".join(found))
    print(f"{count} rows explored with {examples} inputs each; {len(found)} part")
    return 1 if found else 0


COMMANDS: dict[str, Callable[[list[str]], int]] = {
    "try": partial(attempt, pin=False),
    "pin": partial(attempt, pin=True),
    "names": names,
    "counts": counts,
    "coverage": coverage,
    "explore": explore,
    "mutate": mutate,
}


def main(arguments: list[str]) -> int:
    """Run the command named first; return the exit code."""
    command, *rest = arguments or [""]
    if command not in COMMANDS or (command in ("try", "pin") and not rest):
        print(__doc__, file=sys.stderr)
        return 2
    return COMMANDS[command](rest)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
