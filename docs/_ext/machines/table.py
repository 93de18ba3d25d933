"""api-table.json, api-table.csv, and api-table.schema.json, which says what each field means.

As with claims.json, the schema is made from the models below.
"""

import datetime
import json
from collections.abc import Iterator
from typing import Annotated, Any

from api.changed import is_news
from api.view import View, views
from pydantic import Field

from snippets._harness.api import names, rows

from .build import Build
from .data import DIALECT, Model, spreadsheet

SCHEMA = "api-table.schema.json"


class Tag(Model):
    """One way in which the sides differ, derived from the run or from the signatures."""

    what: str
    """The difference in words."""
    detail: str
    """Which arguments, dtypes or inputs it is about; empty if there is no more to say."""


class Part(Model):
    """What each side gives for one input beside the ordinary ones, where that was pinned."""

    input: str
    """The name of the case, or the edge: `no elements`, `integers for floats`."""
    tensorflow: str
    """What TensorFlow gives or raises."""
    pytorch: str
    """What PyTorch gives or raises."""
    agrees: bool
    """Whether both give the same."""
    says: str
    """The sentence about it; empty if both agree, or at an edge."""


class Evidence(Model):
    """The last run of a row, which passed."""

    compared: bool
    """Whether values of both sides were compared: a row of one side has nothing to compare."""
    gradient: str
    """`compared`, `none`, or which side alone has one."""
    deviation: dict[str, dict[str, float]]
    """By dtype, the largest absolute and relative deviation, `forward` and `gradient`."""
    seconds: float
    """How long the row took."""
    versions: dict[str, str]
    """The installed packages it depends on, and Python, with their versions."""
    platform: str
    """The operating system and processor it ran on."""
    time: datetime.datetime
    """When it ran, in UTC."""
    digest: str
    """SHA-256 of the row, its pins and the code that judges it."""


class RowRecord(Model):
    """One row: what both frameworks write for the same."""

    id: str
    """The name of the row, unique over all families. It does not change."""
    family: str
    """The family: the page that shows the row."""
    kind: str
    """`function`, `random` (distributions are compared), `layer`, `optimizer` or `schedule`."""
    tensorflow: str | None
    """What TensorFlow or Keras writes; null if it has nothing."""
    pytorch: str | None
    """What PyTorch writes; null if it has nothing."""
    inputs: dict[str, Any]
    """What both run on: a text such as `float[n,4] in 0..1`, or the values themselves."""
    says: str
    """The sentence that somebody migrating needs; empty if there is nothing to say."""
    instead: str
    """What to do where one side has nothing; empty otherwise."""
    names: dict[str, list[str]]
    """Every public name of the same, by `tensorflow`, `pytorch` and `numpy`."""
    tags: list[Tag]
    """What differs."""
    parts: list[Part]
    """What was run beside the ordinary inputs."""
    tolerance: float
    """The largest relative deviation in single precision with which the row still passes."""
    evidence: Evidence | None
    """The last run; null if it does not count: the row, its pins or the versions changed."""
    address: str
    """The permanent address of the row."""


class Covered(Model):
    """How the names of one namespace are accounted for; aliases of one function count once."""

    names: int
    """How many public functions and classes it has."""
    one_call: int
    """The other framework has them in one call."""
    several_calls: int
    """The other framework takes several calls."""
    alone: int
    """The other framework has nothing."""
    set_aside: int
    """They have no row, for a reason given on the page of coverage."""
    open: int
    """Neither a row nor a reason accounts for them yet."""


class Rows(Model):
    """The API table: every row, and how the packages' names are accounted for."""

    schema_: Annotated[str, Field(alias="$schema")]
    """The address of this schema."""
    coverage: dict[str, Covered]
    """By namespace, such as `tf.nn` or `torch.linalg`."""
    rows: list[RowRecord]
    """One record per row, by family."""


def files(build: Build) -> dict[str, str]:
    """Return the rows as JSON and CSV, and the schema of the former; nothing without rows.

    They are left as they are if they come out the same.
    """
    if not is_news(build.app, "api-table.json"):
        return {}
    project = build.register.catalogue.project
    found = rows.families(project)
    records = [
        record(build, view) for family in found for view in views(build.register.folder, family)
    ]
    if not records:
        return {}
    covered = {space: covered_of(each) for space, each in names.coverage(project, found).items()}
    address = f"{build.base}{SCHEMA}"
    data = Rows.model_validate({"$schema": address, "coverage": covered, "rows": records})
    schema = {"$schema": DIALECT, "$id": address, **Rows.model_json_schema(by_alias=True)}
    return {
        "api-table.json": data.model_dump_json(by_alias=True, indent=1) + "\n",
        SCHEMA: json.dumps(schema, indent=1) + "\n",
        "api-table.csv": spreadsheet(COLUMNS, map(line, records)),
    }


def covered_of(cover: names.Coverage) -> Covered:
    counts = {how: len(cover[how]) for how in names.HOW}
    return Covered(
        names=len(cover.how),
        one_call=counts["one call"],
        several_calls=counts["several calls"],
        alone=counts["alone"],
        set_aside=counts["reason"],
        open=counts["open"],
    )


def record(build: Build, view: View) -> RowRecord:
    """Return what the site knows about one row."""
    row, run = view.row, view.evidence
    return RowRecord(
        id=view.name,
        family=view.family.name,
        kind=row.kind,
        tensorflow=view.code("tensorflow"),
        pytorch=view.code("pytorch"),
        inputs=row.inputs,
        says=row.says or "",
        instead=row.instead or "",
        names=view.names,
        tags=[Tag(what=what, detail=detail) for what, detail in view.tags],
        parts=list(parts(view)),
        tolerance=row.tolerance,
        evidence=Evidence(**{k: getattr(run, k) for k in Evidence.model_fields}) if run else None,
        address=f"{build.page(view.page)}#{view.anchor}",
    )


def parts(view: View) -> Iterator[Part]:
    for each in view.apart:
        yield Part(
            input=each.what,
            tensorflow=each.tensorflow,
            pytorch=each.pytorch,
            agrees=each.agrees,
            says=each.says,
        )


PLAIN = ("id", "family", "kind", "tensorflow", "pytorch", "says", "instead")
COLUMNS = (*PLAIN, "names", "tags", "deviation", "gradient", "verified", "address")


def line(record: RowRecord) -> dict[str, str]:
    """Return a row as texts; several of a kind are set apart by semicolons."""
    run = record.evidence
    largest = [size for each in run.deviation.values() for size in each.values()] if run else []
    return {
        **{name: getattr(record, name) or "" for name in PLAIN},
        "names": "; ".join(name for side in record.names.values() for name in side),
        "tags": "; ".join(tag.what for tag in record.tags),
        "deviation": f"{max(largest):.1e}" if largest else "",
        "gradient": run.gradient if run else "",
        "verified": run.time.date().isoformat() if run else "",
        "address": record.address,
    }
