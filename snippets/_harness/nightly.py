"""What new releases change, as one issue: ``python -m snippets._harness.nightly``.

collect REPORT.xml  print pytest's report (of the family xunit1), and the versions, as JSON
report FOLDER       print the issue in Markdown, from ``nightly-<versions>/results.json`` in the
                    folder; exit code 3 if there is anything to tell

``report`` runs where issues may be written. It imports nothing but Python's own modules, and
trusts no word of the results: they come from where releases ran that nobody has looked at.
"""

import json
import os
import re
import sys
import tomllib
import unicodedata
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

VERSIONS = ("pinned", "newest", "coming")
PACKAGES = ("tensorflow", "torch", "keras")
CHANGED = 3  # the exit code
LARGEST = 5_000_000  # bytes of results
TEXT, LINES, ISSUE = 1_500, 30, 60_000  # GitHub takes issues of 65,536 characters
PLACE = re.compile(r"(snippets/[\w-]+/[\w-]+(?:/[\w-]+\.md|\.toml))(?::(\d{1,6}))?")
ROW = re.compile(r": row '([a-z0-9-]+)':")
VERSION = re.compile(r"[\w.+!-]{1,40}")


@dataclass(frozen=True)
class Failure:
    """What one item of pytest says, which begins with its place."""

    file: str
    line: int
    text: str

    @property
    def row(self) -> str:
        """The row of the API table that it is about, if it is."""
        found = ROW.search(self.text.split("\n")[0]) if self.file.endswith(".toml") else None
        return found[1] if found else ""

    @property
    def key(self) -> tuple[str, int, str]:
        """What it has in common with the failures of the same on other versions."""
        return self.file, self.line, self.row if self.file else self.text


@dataclass(frozen=True)
class Results:
    """One run of all snippets."""

    items: int = 0
    versions: tuple[str, ...] = ("",) * len(PACKAGES)
    failures: tuple[Failure, ...] = ()


# ---------------------------------------------------------------- where the snippets run


def collect(report: Path) -> dict[str, Any]:
    """Return pytest's report and the installed versions, as ``report`` takes them."""
    from .frameworks import versions  # noqa: PLC0415 (not where issues are written)

    cases = list(ET.parse(report).iter("testcase"))  # noqa: S314 (pytest wrote it here)
    found = versions("tensorflow") | versions("pytorch")
    with suppress(PackageNotFoundError):  # what TensorFlow's candidates bring, in Keras's place
        found["keras"] = version("keras-nightly")
    failures = [
        {"file": case.get("file", ""), "text": problem.text or ""}
        for case in cases
        for problem in case
        if problem.tag in ("failure", "error")
    ]
    return {"items": len(cases), "versions": found, "failures": failures}


# ---------------------------------------------------------------- where the issue is written


def read(path: Path) -> Results | None:
    """Return the results in a file, None if there are none; what makes no sense is left out."""
    try:
        if path.stat().st_size > LARGEST:
            return None
        given = json.loads(path.read_bytes())
        items, versions, failures = given["items"], given["versions"], given["failures"]
        named = tuple(str(versions.get(name, "")) for name in PACKAGES)
        texts = [(str(failure["file"]), str(failure["text"])) for failure in failures]
    except (OSError, ValueError, RecursionError, LookupError, TypeError, AttributeError):
        return None
    if not isinstance(items, int) or not 0 <= items < 1_000_000:
        return None
    return Results(
        items,
        tuple(version if VERSION.fullmatch(version) else "?" for version in named),
        tuple(failure(file, text) for file, text in texts),
    )


def failure(file: str, text: str) -> Failure:
    """Return a failure, at the place that it names if that is a file of ours."""
    place = PLACE.match(text) or PLACE.fullmatch(file)
    if place is None or not Path(place[1]).is_file():
        return Failure("", 0, text)
    return Failure(place[1], int(place[2] or 0), text)


def fenced(text: str) -> str:
    """Return a text as a block of code that it cannot end, with what is invisible spelt out."""
    visible = "".join(
        f"\\u{ord(c):04x}" if unicodedata.category(c)[0] == "C" and c not in "\n\t" else c
        for c in text[:TEXT]
    )
    lines = visible.splitlines()
    left_out = ["[...]"] if len(text) > TEXT or len(lines) > LINES else []
    shown = "\n".join(lines[:LINES] + left_out)
    longest = max((len(run) for run in re.findall("`+", shown)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}text\n{shown}\n{fence}"


@dataclass(frozen=True)
class Site:
    """The addresses that the issue links to."""

    home: str
    repository: str
    commit: str

    @classmethod
    def of(cls, environment: dict[str, str]) -> "Site":
        """Return those of a workflow's run, or else of the project as it says itself."""
        urls = tomllib.loads(Path("pyproject.toml").read_text())["project"]["urls"]
        return cls(
            environment.get("SITE_URL") or urls["Homepage"],
            environment.get("REPOSITORY_URL") or urls["Repository"],
            environment.get("GITHUB_SHA") or "main",
        )

    def title(self, failure: Failure) -> str:
        """Return the heading of a failure: the claim, or the row, on its page."""
        if not failure.file:
            return "Elsewhere"
        if failure.file.endswith(".toml"):
            name = Path(failure.file).stem
            there, what = f"api/{name}.html", f"the API table, {name}"
            if failure.row:
                there, what = f"{there}#api-{failure.row}", f"{what}: {failure.row}"
            return f"[{what}]({self.home}{there})"
        axis, claim = Path(failure.file).parts[1:3]
        front = Path("snippets", axis, claim, "claim.md").read_text()
        title = re.search(r"^title: *(.+)$", front, re.MULTILINE)
        words = re.sub(r"([\\`*_{}\[\]<>#|~])", r"\\\1", title[1].strip("'\"") if title else claim)
        return f"[{words}]({self.home}{page_of(axis, claim)}.html#{axis}-{claim})"

    def place(self, failure: Failure) -> str:
        """Return the file and line of a failure, linked to what ran."""
        line = f"#L{failure.line}" if failure.line else ""
        words = f"{failure.file}:{failure.line}" if failure.line else failure.file
        view = "?plain=1" if failure.file.endswith(".md") else ""
        return f"[`{words}`]({self.repository}/blob/{self.commit}/{failure.file}{view}{line})"


def page_of(axis: str, claim: str) -> str:
    """Return the page that shows a claim: its axis's, unless another does."""
    directive = re.compile(rf"^`{{3,}}\{{claim\}} {axis}/{claim}$", re.MULTILINE)
    pages = (path for path in Path("docs").rglob("*.md") if directive.search(path.read_text()))
    found = next(pages, Path("docs", axis)).relative_to("docs").with_suffix("")
    return found.as_posix()


def told(found: dict[str, Results | None], site: Site) -> Iterator[str]:
    """Yield the issue's parts: what each run gave, then what failed, place by place."""
    pinned = found["pinned"] or Results()
    rows = [f"| versions | {' | '.join(PACKAGES)} | ran | failed |", "|---" * 6 + "|"]
    for name, results in found.items():
        if results is None:
            rows.append(f"| {name} |  |  |  | no results | |")
            continue
        ran, failed = results.items, len(results.failures)
        fewer = f"{ran}, not {pinned.items}" if ran != pinned.items and pinned.items else f"{ran}"
        rows.append(f"| {name} | {' | '.join(results.versions)} | {fewer} | {failed} |")
    yield "\n".join(rows)
    by_key: dict[tuple[str, int, str], dict[str, Failure]] = {}
    for name, results in found.items():
        for failed_item in results.failures if results else ():
            by_key.setdefault(failed_item.key, {}).setdefault(name, failed_item)
    for _, failures in sorted(by_key.items()):
        yield part(failures, found, site)


def part(failures: dict[str, Failure], found: dict[str, Results | None], site: Site) -> str:
    """Return what is to say about one place: on which versions it fails, and how."""
    first, *_ = failures.values()
    passes = [name for name, results in found.items() if results and name not in failures]
    where = f"{site.place(first)} fails" if first.file else "Something fails"
    also = f" and passes on {' and '.join(passes)}" if passes else ""
    sentence = f"{where} on {' and '.join(failures)} versions{also}."
    texts: dict[str, list[str]] = {}
    for name, failed_item in failures.items():
        texts.setdefault(failed_item.text, []).append(name)
    blocks = [
        f"{' and '.join(names)}:\n\n{fenced(text)}" if len(texts) > 1 else fenced(text)
        for text, names in texts.items()
    ]
    return "\n\n".join([f"### {site.title(first)}", sentence, *blocks])


def report(folder: Path, environment: dict[str, str]) -> tuple[str, bool]:
    """Return the issue, and whether there is anything to tell."""
    found = {name: read(folder / f"nightly-{name}" / "results.json") for name in VERSIONS}
    counts = {results.items if results else None for results in found.values()}
    changed = len(counts) > 1 or None in counts or any(r.failures for r in found.values() if r)
    run = environment.get("RUN_URL", "")
    body = "The snippets do not all pass on the versions of this night.\n"
    body += f"[The run]({run}) has everything.\n" if run else ""
    parts = list(told(found, Site.of(environment)))
    for at, text in enumerate(parts):
        if len(body) + len(text) > ISSUE:
            body += f"\nAnd {len(parts) - at} more.\n"
            break
        body += f"\n{text}\n"
    return body, changed


def main(arguments: list[str]) -> int:
    """Run the command named first; return the exit code."""
    match arguments:
        case ["collect", path]:
            print(json.dumps(collect(Path(path)), indent=1))
            return 0
        case ["report", folder]:
            body, changed = report(Path(folder), dict(os.environ))
            print(body)
            return CHANGED if changed else 0
    print(__doc__, file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
