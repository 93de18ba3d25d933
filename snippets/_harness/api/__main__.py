"""The command line of the API table: ``python -m snippets._harness.api try FAMILY [ROW...]``.

try       run rows in this process and print what they give, without recording it
pin       the same, and write what they give to snippets/_api/pins
names     say what the installed packages offer that is not on record; ``--pin`` records it
coverage  print how the rows account for what the packages offer; ``--open`` lists what is left
mutate    change one thing in every row (of the families named); print the share noticed
"""

import importlib
import json
import multiprocessing
import os
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

from snippets._harness.frameworks import COMMON

os.environ |= COMMON  # before the frameworks are imported

from . import mutate as mutation
from . import names as listing
from . import rows


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
        (Path.cwd() / rows.FOLDER / "names.json").write_text(text + "\n")
    news = sorted(listing.changes(listing.listing(Path.cwd()), new))
    print("\n".join(news) or "the installed packages offer what is on record")
    return 1 if news else 0


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


def mutate(chosen: list[str]) -> int:
    """Print the share of mutants that are noticed, and those that are not."""
    families = [f for f in rows.families(Path.cwd()) if not chosen or f.name in chosen]
    total = 0
    left: list[mutation.Mutant] = []
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(os.cpu_count(), context) as pool:
        for family, (count, survivors) in zip(
            families, pool.map(mutation.survivors, [str(f.path) for f in families]), strict=True
        ):
            total, left = total + count, left + survivors
            print(f"{family.name:28}{count - len(survivors):6} of {count:5} noticed")
    for mutant in left:
        print(f"  {mutant.family}/{mutant.row} ({mutant.side}, {mutant.what}): {mutant.text}")
    print(f"{total - len(left)} of {total} noticed ({1 - len(left) / max(total, 1):.1%})")
    return 0


def main(arguments: list[str]) -> int:
    """Run the command named first; return the exit code."""
    match arguments:
        case ["try", *rest] if rest:
            return attempt(rest, pin=False)
        case ["pin", *rest] if rest:
            return attempt(rest, pin=True)
        case ["names", *rest]:
            return names(rest)
        case ["coverage", *rest]:
            return coverage(rest)
        case ["mutate", *rest]:
            return mutate(rest)
    print(__doc__, file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
