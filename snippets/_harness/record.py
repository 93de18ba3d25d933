"""What was ever published, in ``snippets/record.toml``: addresses last, and changes have dates.

pages     every page there ever was
anchors   every anchor, with the pages that have held it, the present one last
claims    how each claim stood and whom it favoured, from a day on
moved     what took the place of an anchor, or a page, that is gone

Lines are added, never removed. One day has one verdict of a claim: the last of that day.
"""

import datetime
import json
import re
import tomllib
from collections.abc import Container, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from .api import rows
from .api.rows import FOLDER
from .catalogue import SHOWN, Catalogue
from .problems import CatalogueError, Problem, counted

NAME = "record.toml"
HEAD = """\
# What was ever published. `make record` adds to it; no line that was on main is removed by hand
# either, but `moved` is yours to write: what took the place of an anchor, or a page, that is gone.
"""
TARGET = re.compile(r"^\(([^)\s]+)\)=$", re.MULTILINE)
ARTICLES = re.compile(r"^ *(?:`{3,}|:{3,})\{articles\}", re.MULTILINE)
FAMILY = re.compile(r"^ *(?:`{3,}|:{3,})\{api-family\} *(\S+)", re.MULTILINE)
FENCE = re.compile(r"^(`{3,}).*?^\1`*$", re.MULTILINE | re.DOTALL)
BARE = re.compile(r"[A-Za-z0-9_-]+")

Day = Annotated[str, StringConstraints(pattern=r"^\d{4}-\d\d-\d\d$")]
Verdict = Annotated[str, StringConstraints(pattern=r"^[a-z]+, [a-z]+$")]  # status, favours


class Record(BaseModel):
    """The record as its file has it."""

    model_config = ConfigDict(extra="forbid")

    pages: list[str] = []
    anchors: dict[str, Annotated[list[str], Field(min_length=1)]] = {}
    claims: dict[str, dict[Day, Verdict]] = {}
    moved: dict[str, str] = {}

    def history(self, anchor: str) -> list[tuple[str, str, str]]:
        """Return day, status and favours of a claim whenever they changed, the oldest first."""
        lines = sorted(self.claims.get(anchor, {}).items())
        return [(day, *_parts(verdict)) for day, verdict in lines]

    def successor(self, name: str, known: Container[str]) -> str | None:
        """Return what of ``known`` took the place of a name, itself if it is known."""
        seen = set[str]()
        while name not in known and name not in seen and name in self.moved:
            seen.add(name)
            name = self.moved[name]
        return name if name in known else None


def _parts(verdict: str) -> tuple[str, str]:
    status, favours = verdict.split(", ")
    return status, favours


@dataclass(frozen=True)
class Published:
    """What the site has now: its pages, its anchors with their page, and the verdicts."""

    pages: list[str]
    anchors: Mapping[str, str]
    verdicts: Mapping[str, str]

    @cached_property
    def names(self) -> set[str]:
        return {*self.pages, *self.anchors}


def published(catalogue: Catalogue, verdicts: Mapping[str, str] | None = None) -> Published:
    """Return what the pages of a project hold, with ``verdicts`` by anchor if they are known."""
    docs = catalogue.project / "docs"
    paths = {path.relative_to(docs).with_suffix("").as_posix(): path for path in docs.rglob("*.md")}
    pages = sorted(name for name in paths if not name.startswith("_"))
    anchors = {
        anchor: page
        for page in pages
        for anchor in _anchors(paths[page].read_text(errors="replace"), catalogue)
    }
    return Published(pages, anchors, verdicts or {})


def _anchors(page: str, catalogue: Catalogue) -> Iterator[str]:
    """Yield the anchors that a page gives: its own labels, claims and articles."""
    yield from TARGET.findall(FENCE.sub("", page))
    yield from (claim_id.replace("/", "-") for claim_id in SHOWN.findall(page))
    for family in FAMILY.findall(page):
        path = catalogue.project / FOLDER / f"{family}.toml"
        yield from (f"api-{row}" for row in rows.names(path))
    if ARTICLES.search(page):
        yield from (f"article-{key}" for key in catalogue.articles)


def verdicts(catalogue: Catalogue) -> dict[str, str]:
    """Return how each claim stands, by its anchor; raise CatalogueError if one is not sound."""
    fronts = {
        f"{folder.parent.name}-{folder.name}": catalogue.load(folder).front
        for folder in catalogue.folders()
    }
    return {anchor: f"{front.status}, {front.favours}" for anchor, front in fronts.items()}


def path_of(catalogue: Catalogue) -> Path:
    return catalogue.root / NAME


def read(path: Path) -> Record:
    """Return the record in a file, an empty one if there is none; raise CatalogueError."""
    try:
        return Record.model_validate(tomllib.loads(path.read_text()))
    except FileNotFoundError:
        return Record()
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise CatalogueError(
            [_problem(path, str(first["loc"][-1]), f"{where}: {first['msg']}")]
        ) from None
    except (OSError, ValueError) as error:  # not UTF-8, or not TOML, such as after a merge
        line = re.search(r"line (\d+)", str(error))
        message = f"cannot be read: {error}"
        raise CatalogueError([Problem(path, int(line[1]) if line else 1, 1, message)]) from None


def extended(record: Record, now: Published, today: datetime.date) -> Record:
    """Return the record with what is new in ``now``, as of ``today``."""
    anchors = {
        name: [*(page for page in record.anchors.get(name, []) if page != held), held]
        for name, held in now.anchors.items()
    }
    news = unrecorded_claims(record, now)
    claims = {
        name: record.claims.get(name, {}) | {str(today): verdict}
        for name, verdict in now.verdicts.items()
        if name in news
    }
    return record.model_copy(
        update={
            "pages": sorted({*record.pages, *now.pages}),
            "anchors": record.anchors | anchors,
            "claims": record.claims | claims,
        }
    )


def unrecorded_claims(record: Record, now: Published) -> set[str]:
    """Return the claims that are new, or stand otherwise than last recorded."""
    last = last_verdicts(record)
    return {name for name, verdict in now.verdicts.items() if last.get(name) != verdict}


def last_verdicts(record: Record) -> dict[str, str]:
    return {name: max(lines.items())[1] for name, lines in record.claims.items() if lines}


def problems(catalogue: Catalogue) -> list[Problem]:
    """Return what is not on record, and what was and is gone without a successor.

    The catalogue must be sound. A project without the file keeps no record.
    """
    path = path_of(catalogue)
    if not path.exists():
        return []
    try:
        record, now = read(path), published(catalogue, verdicts(catalogue))
    except CatalogueError as error:
        return list(error.problems)
    return [*_unrecorded(path, record, now), *_gone(path, record, now)]


def _unrecorded(path: Path, record: Record, now: Published) -> Iterator[Problem]:
    new_anchors = {a for a, page in now.anchors.items() if record.anchors.get(a, [""])[-1] != page}
    last, unrecorded = last_verdicts(record), unrecorded_claims(record, now)
    for name in sorted(unrecorded & last.keys()):
        says = f'the record says "{last[name]}", claim.md "{now.verdicts[name]}" ({name})'
        day = max(record.claims[name])
        yield _problem(path, f"{_key(name)}.{day}", f"{says}; run `make record`")
    missing = {
        "claim": unrecorded - last.keys(),
        "page": set(now.pages) - set(record.pages),
        "anchor": new_anchors - now.verdicts.keys(),
        "claim on another page": new_anchors & record.claims.keys(),
    }
    for what, names in missing.items():
        if names:
            first, *rest = what.split(" ", 1)
            count = " ".join(
                [counted(len(names), first), *rest, "is" if len(names) == 1 else "are"]
            )
            some = ", ".join(sorted(names)[:3]) + (", ..." if len(names) > 3 else "")
            yield Problem(path, 1, 1, f"{count} not on record ({some}); run `make record`")


def _gone(path: Path, record: Record, now: Published) -> Iterator[Problem]:
    for name in sorted({*record.pages, *record.anchors}):
        if record.successor(name, now.names) is None:
            what = "page" if name in record.pages else "anchor"
            key = _key(name)
            hint = (
                f'say below [moved] what took its place: {key} = "..."'
                "; if it was never on main, delete its lines from this file instead"
            )
            if name in record.moved:
                hint = f"{record.moved[name]!r}, which should have taken its place, is not there"
            yield _problem(path, name, f"the {what} {name!r} was published and is gone; {hint}")


def _problem(path: Path, name: str, message: str) -> Problem:
    lines = path.read_text().split("\n")
    here = (
        number
        for number, line in enumerate(lines, 1)
        if name in (line.split(" ")[0], *re.split(r'[\s".=]+', line))
    )
    return Problem(path, next(here, 1), 1, message)


def text(record: Record) -> str:
    """Return the record as TOML, sorted, one line for each thing that can be added."""
    pages = [f"  {json.dumps(page)}," for page in sorted(record.pages)]
    anchors = [f"{_key(k)} = {json.dumps(v)}" for k, v in sorted(record.anchors.items())]
    claims = [
        f"{_key(anchor)}.{day} = {json.dumps(verdict)}"
        for anchor, lines in sorted(record.claims.items())
        for day, verdict in sorted(lines.items())
    ]
    moved = [f"{_key(k)} = {json.dumps(v)}" for k, v in sorted(record.moved.items())]
    parts = [["pages = [", *pages, "]"], ["[anchors]", *anchors]]
    parts += [["[claims]", *claims], ["[moved]", *moved]]
    return "\n".join([HEAD, *("\n".join([*part, ""]) for part in parts)])


def _key(name: str) -> str:
    return name if BARE.fullmatch(name) else json.dumps(name)


def update(catalogue: Catalogue) -> str:
    """Add what is new to the file; return in words what was done."""
    path = path_of(catalogue)
    before = read(path)
    after = extended(before, published(catalogue, verdicts(catalogue)), catalogue.today)
    if path.exists() and after == before:
        return "everything is on record"
    path.write_text(text(after))
    return f"{NAME}: {', '.join(_done(before, after)) or 'written'}"


def _done(before: Record, after: Record) -> Iterator[str]:
    """Yield in words what the record has more of, or otherwise, than before."""
    old, new = last_verdicts(before), last_verdicts(after)
    done = {
        "verdict changed": sum(old[name] != new[name] for name in old),
        "verdict added": len(new.keys() - old.keys()),
        "anchor added": len(after.anchors.keys() - before.anchors.keys()),
        "anchor moved": sum(before.anchors[name] != after.anchors[name] for name in before.anchors),
        "page added": len(set(after.pages) - set(before.pages)),
    }
    for what, number in done.items():
        if number:
            noun, verb = what.split()
            yield f"{counted(number, noun)} {verb}"
