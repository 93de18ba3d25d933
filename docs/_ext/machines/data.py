"""claims.json, claims.csv, and claims.schema.json, which says what each field means.

The schema is made from the models below, so that it cannot differ from the data.
"""

import csv
import datetime
import io
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Annotated, Any

from claims.register import Entry
from claims.takeaway import downloads
from claims.wording import plain
from pydantic import BaseModel, ConfigDict, Field

from snippets._harness import evidence as ev
from snippets._harness import measured
from snippets._harness.frameworks import FRAMEWORKS
from snippets._harness.frontmatter import Comparison, Favours, Found, Kind, Status

from .build import Build

DIALECT = "https://json-schema.org/draft/2020-12/schema"
SCHEMA = "claims.schema.json"
FORMULA = ("=", "+", "-", "@", "\t", "\r")  # what spreadsheets take for the start of one


class Model(BaseModel):
    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True)


class Said(Model):
    """What one article said about a claim."""

    article: str
    """The key of the article: `article-<key>` is its anchor on the page of sources."""
    year: int
    """The year in which the article appeared."""
    said: str
    """What it said, in our words, as Markdown."""
    favoured: Favours
    """The framework it favoured by that; `tie` for both alike, `none` for neither."""


class Run(Model):
    """The last run of one tab of a claim."""

    framework: str
    """The tab: `tensorflow`, `pytorch`, `tensorflow1` (`tf.compat.v1`) or `keras` (on PyTorch)."""
    outcome: str
    """`passed`, or `not run` for the reason given."""
    reason: str | None
    """Why it was not run; null if it was."""
    versions: dict[str, str]
    """The installed packages it depends on, and Python, with their versions."""
    platform: str
    """The operating system and processor it ran on."""
    seconds: float
    """How long it took, from the start of its process to its last example."""
    time: datetime.datetime
    """When it ended, in UTC."""
    digest: str
    """SHA-256 of all that the run depends on beside the versions: a run of another is stale."""
    examples: int
    """The number of examples whose output was compared."""
    source: str
    """The path, in the repository, of the file that ran."""


class Agreement(Model):
    """How closely the tabs agree on a value that each of them leaves behind."""

    tolerance: float
    """The largest absolute difference at which the claim still stands."""
    difference: float | None
    """The largest one measured; null if not every tab ran."""


class Measured(Model):
    """What a comparison of two ways of doing one thing came to, by the benchmarks."""

    case: str
    """The case, such as `step/mlp`."""
    mode: str
    """The way that is compared, such as `torch.compile`."""
    against: str
    """The way that it is compared with."""
    found: Found
    """What `mode` is; `neither` if the difference is not beyond the spread."""
    median: float
    """How many times as good `mode` is: the median of the ratios within rounds."""
    lower: float
    """Their lower quartile."""
    upper: float
    """Their upper quartile."""
    results: str
    """The name of the results: device and threads."""


class Change(Model):
    """How a claim stood from one day on."""

    date: datetime.date
    """The first day, in UTC, on which it was recorded so."""
    status: Status
    """What had become of the claim then."""
    favours: Favours
    """The framework it favoured then."""


class ClaimRecord(Model):
    """One claim."""

    id: str
    """The axis and the claim's own name, such as `graphs/both-modes`. It does not change."""
    axis: str
    """The aspect that the claim is about: the page it belongs to."""
    title: str
    """The title as plain text."""
    title_markdown: str
    """The title as Markdown."""
    kind: Kind
    """`claim` (an article's), `example` (re-created from one), `ours`, or `prose` (no code)."""
    status: Status
    """What has become of the claim: `opinion` if code cannot decide it."""
    favours: Favours
    """The framework it favours today; `tie` for both alike, `none` for neither."""
    then: list[Said]
    """What the articles said; empty for a claim of our own."""
    changed: str | None
    """What turned the claim, such as a release; null if nothing did or it is not known."""
    history: list[Change]
    """How the claim stood here since it was published, the oldest first."""
    statement: str
    """What is so today, as Markdown in one or more paragraphs."""
    address: str
    """The permanent address of the claim."""
    page: str
    """The page that shows it, without its suffix: `.html`, or `.md` for its Markdown twin."""
    evidence: list[Run]
    """The last run of each tab; a tab whose evidence may not be published is left out."""
    downloads: dict[str, str]
    """The addresses of its scripts and notebooks, by what each holds: `PyTorch, script`."""
    agree: dict[str, Agreement]
    """The values in which the tabs agree, by the name of their variable."""
    measured: list[Measured]
    """What was measured, if the claim is about speed or memory."""
    needs: list[str]
    """What its code needs beside the frameworks: packages, `slow`, `compiler` or `gpu`."""
    skip: str | None
    """Why its code is not run for now, and until when; null if it is run."""


class Claims(Model):
    """Every claim of the site, in the site's order."""

    schema_: Annotated[str, Field(alias="$schema")]
    """The address of this schema."""
    claims: list[ClaimRecord]
    """One record per claim."""


def files(build: Build) -> dict[str, str]:
    """Return the data of all claims as JSON and CSV, and the schema of the former."""
    records = [claim(build, entry) for entry in build.entries]
    address = f"{build.base}{SCHEMA}"
    data = Claims.model_validate({"$schema": address, "claims": records})
    text = data.model_dump_json(by_alias=True, indent=1)
    return {
        "claims.json": f"{text}\n",
        SCHEMA: json.dumps(schema(address), indent=1) + "\n",
        "claims.csv": table(records),
    }


def schema(address: str) -> dict[str, Any]:
    """Return the JSON Schema of claims.json."""
    made = Claims.model_json_schema(by_alias=True, mode="serialization")
    return {"$schema": DIALECT, "$id": address, **made}


def claim(build: Build, entry: Entry) -> ClaimRecord:
    """Return what the site knows about one claim."""
    front = entry.claim.front
    articles = build.register.catalogue.articles
    history = build.record.history(entry.anchor)
    return ClaimRecord.model_validate(
        {
            "id": entry.claim.id,
            "axis": entry.axis,
            "title": plain(front.title),
            "title_markdown": front.title,
            "kind": front.kind,
            "status": front.status,
            "favours": front.favours,
            "then": [
                {
                    "article": source.article,
                    "year": articles[source.article].year,
                    "said": source.said,
                    "favoured": source.favours,
                }
                for source in front.sources
            ],
            "changed": front.changed,
            "history": [dict(zip(Change.model_fields, line, strict=True)) for line in history],
            "statement": "\n\n".join(block.text for block in entry.claim.statement),
            "address": build.address(entry),
            "page": entry.page,
            "evidence": list(runs(entry)),
            "downloads": {label: f"{build.base}{path}" for label, path in downloads(entry)},
            "agree": agreement(entry),
            "measured": [comparison(build, one) for one in front.measured],
            "needs": list(front.needs),
            "skip": f"{front.skip.reason} (until {front.skip.until})" if front.skip else None,
        }
    )


def runs(entry: Entry) -> Iterator[Run]:
    """Yield the last run of each tab that may be published."""
    for snippet in entry.claim.snippets:
        if found := entry.evidence.get(snippet.framework):
            known = {name: getattr(found, name) for name in Run.model_fields.keys() & vars(found)}
            source = f"snippets/{entry.claim.id}/{snippet.path.name}"
            yield Run(framework=snippet.framework, source=source, **known)


def comparison(build: Build, one: Comparison) -> dict[str, Any]:
    """Return a comparison with what it came to."""
    found = measured.load(measured.path_of(build.register.catalogue.project, one))
    ratio = measured.ratio_of(found, one)
    numbers = {"median": ratio.median, "lower": ratio.lower, "upper": ratio.upper}
    return one.model_dump() | numbers


def agreement(entry: Entry) -> dict[str, Agreement]:
    """Return how closely the tabs agree on each value that is compared."""
    tolerances = entry.claim.front.agree
    complete = len(entry.passed) == len(entry.claim.snippets)
    measured = ev.agreement(entry.claim, entry.passed) if tolerances and complete else {}
    return {
        name: Agreement(tolerance=tolerance, difference=measured.get(name))
        for name, tolerance in tolerances.items()
    }


def table(records: list[ClaimRecord]) -> str:
    """Return one row per claim."""
    return spreadsheet(COLUMNS, map(row, records))


def spreadsheet(columns: Sequence[str], rows: Iterable[Mapping[str, str]]) -> str:
    """Return rows of texts as RFC 4180 has it, below the names of the columns."""
    out = io.StringIO()
    writer = csv.DictWriter(out, columns)
    writer.writeheader()
    writer.writerows({name: cell(text) for name, text in each.items()} for each in rows)
    return out.getvalue()


PLAIN = ("id", "axis", "title", "kind", "status", "favours")
COLUMNS = (*PLAIN, "then", "articles", "changed", "statement", "address", *FRAMEWORKS, "verified")


def row(record: ClaimRecord) -> dict[str, str]:
    """Return a claim as texts; several of a kind are set apart by semicolons."""
    outcomes = {run.framework: run.outcome for run in record.evidence}
    last = max((run.time.date().isoformat() for run in record.evidence), default="")
    return {
        **{name: getattr(record, name) for name in PLAIN},
        "then": "; ".join(said.favoured for said in record.then),
        "articles": "; ".join(said.article for said in record.then),
        "changed": record.changed or "",
        "statement": record.statement,
        "address": record.address,
        **{name: outcomes.get(name, "") for name in FRAMEWORKS},
        "verified": last,
    }


def cell(text: str) -> str:
    """Return a text that no spreadsheet takes for a formula: an apostrophe before it stops that."""
    return f"'{text}" if text.startswith(FORMULA) else text
