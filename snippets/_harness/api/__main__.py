"""The command line of the API table: ``python -m snippets._harness.api try FAMILY [ROW...]``.

try       run rows in this process and print what they give, without recording it
pin       the same, and write what they give to snippets/_api/pins
"""

import json
import os
import sys
import time
from pathlib import Path
from typing import Any

from ..frameworks import COMMON

os.environ |= COMMON  # before the frameworks are imported

from . import rows  # noqa: E402


def attempt(arguments: list[str], *, pin: bool) -> int:
    """Run the named rows of a family, or all; return 1 if any fails."""
    from .check import check
    from .sides import guard

    sys.addaudithook(guard)
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
        print(f"{mark:7}{row_name}  {seconds:.2f} s  gradient {record.gradient}  {record.deviation}")
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


def main(arguments: list[str]) -> int:
    """Run the command named first; return the exit code."""
    match arguments:
        case ["try", *rest] if rest:
            return attempt(rest, pin=False)
        case ["pin", *rest] if rest:
            return attempt(rest, pin=True)
    print(__doc__, file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
