"""Keeps the ratios of former runs, and tells which of today's is worse than they were.

``python -m bench.history FILE --add RESULTS`` adds the ratios of a results file to a file of
JSON lines, one per run. Seconds differ from machine to machine; how many times one way takes
what another does, on the same machine in the same minutes, may be compared. The exit status
is 1 if a ratio is worse by more than a fifth than the median of the last five runs that have it.
"""

import argparse
import json
import statistics
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

LAST = 5  # runs that are compared with
ENOUGH = 3  # fewer say too little
WORSE = 0.2  # a fifth


def main(arguments: Sequence[str] | None = None) -> int:
    """Compare and add a run; return 1 if it is worse in something."""
    parser = argparse.ArgumentParser(prog="bench.history", description=__doc__.splitlines()[0])
    parser.add_argument("history", type=Path, metavar="FILE", help="JSON lines; new if not there")
    parser.add_argument("--add", type=Path, required=True, metavar="RESULTS", help="what to add")
    given = parser.parse_args(arguments)
    new = ratios(json.loads(given.add.read_text()))
    told = list(compared(read(given.history), new))
    with given.history.open("a") as file:
        file.write(json.dumps(new) + "\n")
    print(*(line for line, _ in told), sep="\n")
    return 1 if any(worse for _, worse in told) else 0


def read(history: Path) -> list[dict[str, Any]]:
    """Return the former runs, the oldest first."""
    lines = history.read_text().splitlines() if history.exists() else []
    return [json.loads(line) for line in lines]


def ratios(results: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Return each ratio of a results file by its title: its median, and the better side."""
    return {
        measure["title"]: {
            "median": statistics.median(measure["values"]),
            "relation": measure["relation"],
        }
        for part in results["parts"].values()
        for measure in part["measures"]
        if measure["unit"] == "x"
    }


def compared(
    former: list[dict[str, Any]], new: dict[str, dict[str, Any]]
) -> Iterator[tuple[str, bool]]:
    """Yield a line per ratio, and whether it is worse than it was."""
    for title, ratio in new.items():
        known = [run[title]["median"] for run in former if title in run][-LAST:]
        value = f"{title}: {ratio['median']:.3g}"
        if len(known) < ENOUGH:
            yield f"{value} (too little history: {len(known)} of {ENOUGH} runs)", False
            continue
        usual, low = statistics.median(known), ratio["relation"] == "<="
        change = ratio["median"] / usual - 1
        worse = change > WORSE if low else change < -WORSE
        yield f"{value}, usually {usual:.3g}{': WORSE' if worse else ''}", worse


if __name__ == "__main__":
    sys.exit(main())
