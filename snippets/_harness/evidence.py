"""What a run showed, kept as one JSON per snippet file: the only source of a page's badges."""

import base64
import datetime
import hashlib
import importlib.util
import json
import os
import shutil
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, ValidationError

from .catalogue import Claim, Snippet
from .frameworks import machine, versions

FOLDER = Path("_build/evidence")


class Failure(BaseModel):
    """The first example that failed: its line in the snippet file, and how."""

    model_config = ConfigDict(frozen=True)

    line: int
    message: str


class Evidence(BaseModel):
    """What happened when a snippet file last ran."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    snippet: str  # <axis>/<claim>/<framework>
    digest: str
    outcome: Literal["passed", "failed", "not run"]
    reason: str | None = None  # why it was not run
    failure: Failure | None = None
    examples: int = 0
    seconds: float = 0.0  # from the start of its process to its last example
    versions: dict[str, str]
    platform: str
    time: datetime.datetime  # UTC, when it ended
    deprecations: dict[int, str] = {}  # line -> what a framework said will go
    values: dict[str, dict[str, Any]] = {}  # what the tabs of the claim are compared by


def snippet_id(claim: Claim, snippet: Snippet) -> str:
    """Return the name of a snippet in evidence: ``graphs/both-modes/pytorch``."""
    return f"{claim.id}/{snippet.framework}"


@cache
def harness_digest() -> str:
    """Return a digest of the code that decides whether an example passes."""
    names = ("child.py", "confine.py", "examples.py", "frameworks.py", "server.py")
    contents = b"".join(Path(__file__).with_name(name).read_bytes() for name in names)
    return hashlib.sha256(contents).hexdigest()


def digest(claim: Claim, snippet: Snippet) -> str:
    """Return the digest of all that evidence depends on, but the installed versions."""
    settings = [snippet_id(claim, snippet), sorted(claim.front.needs), sorted(claim.front.agree)]
    parts = [harness_digest(), json.dumps(settings), snippet.path.read_text()]
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def path_of(folder: Path, claim: Claim, snippet: Snippet) -> Path:
    """Return where the evidence of a snippet is kept below the evidence ``folder``."""
    return folder / f"{snippet_id(claim, snippet)}.json"


def read(path: Path) -> Evidence | None:
    """Return the evidence in a file, or None where there is none that can be read."""
    try:
        return Evidence.model_validate_json(path.read_bytes())
    except (OSError, ValidationError):
        return None


def write(path: Path, evidence: Evidence) -> None:
    """Keep evidence in the file at ``path``."""
    replace(path, evidence.model_dump_json(indent=1, exclude_none=True))


def replace(path: Path, text: str) -> None:
    """Replace the file at ``path`` in one step: a reader, or a crash, never meets half of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(f".{os.getpid()}.partial")
    try:
        partial.write_text(f"{text}\n")
        partial.replace(path)
    except OSError:  # a full disk, say
        partial.unlink(missing_ok=True)
        raise


def is_current(evidence: Evidence, claim: Claim, snippet: Snippet) -> bool:
    """Return whether evidence is about this text on these versions and this platform."""
    return (
        evidence.digest == digest(claim, snippet)
        and evidence.versions == versions(snippet.framework, claim.front.needs)
        and evidence.platform == machine()
    )


def is_proven(evidence: Evidence | None, claim: Claim, snippet: Snippet) -> bool:
    """Return whether there is a recorded pass that need not be repeated."""
    if evidence is None or evidence.outcome != "passed" or claim.front.skip:
        return False
    return is_current(evidence, claim, snippet)


def record(claim: Claim, snippet: Snippet, **result: Any) -> Evidence:
    """Return evidence of ``result`` on the installed versions, as of now."""
    return Evidence(
        snippet=snippet_id(claim, snippet),
        digest=digest(claim, snippet),
        versions=versions(snippet.framework, claim.front.needs),
        platform=machine(),
        time=datetime.datetime.now(datetime.UTC).replace(microsecond=0),
        **result,
    )


def unmet_need(needs: tuple[str, ...]) -> str | None:
    """Return why a snippet cannot run on this machine, None if it can.

    ``slow`` only raises the time limit; any name other than these is a package.
    """
    for need in needs:
        match need:
            case "slow":
                continue
            case "compiler":
                met, what = any(map(shutil.which, ("c++", "g++"))), "a C++ compiler"
            case "gpu":
                met, what = shutil.which("nvidia-smi") is not None, "a GPU"
            case _:
                met, what = is_installed(need), f"the package {need}"
        if not met:
            return f"needs {what}, which this machine does not have"
    return None


def is_installed(package: str) -> bool:
    """Return whether a package, or a part of one (``google.protobuf``), can be imported."""
    try:
        return importlib.util.find_spec(package) is not None
    except ModuleNotFoundError:  # of the package whose part it is
        return False


class DisagreementError(Exception):
    """Two tabs of a claim leave different values behind."""


def agreement(claim: Claim, found: Mapping[str, Evidence]) -> dict[str, float]:
    """Return the largest absolute difference between the tabs, per variable of ``agree``.

    ``found`` holds the evidence of the claim's tabs by framework. Raises DisagreementError when
    a value is missing, differs in shape or dtype, or by more than its tolerance.
    """
    differences = {}
    for name, tolerance in claim.front.agree.items():
        arrays = {tab: array_of(name, tab, evidence) for tab, evidence in found.items()}
        first, *others = arrays
        differences[name] = 0.0
        for other in others:
            difference = _difference(name, first, arrays[first], other, arrays[other])
            if not difference <= tolerance:
                text = f"{name} differs by {difference:.3g}, more than {tolerance:g}"
                raise DisagreementError(f"{text}, between {first} and {other}")
            differences[name] = max(differences[name], difference)
    return differences


def _difference(name: str, a_tab: str, a: np.ndarray, b_tab: str, b: np.ndarray) -> float:
    for what in ("shape", "dtype"):
        if getattr(a, what) != getattr(b, what):
            pair = f"{getattr(a, what)} in {a_tab} and {getattr(b, what)} in {b_tab}"
            raise DisagreementError(f"{name} has {what} {pair}")
    same = a == b
    if a.dtype.kind in "fc":
        same |= np.isnan(a) & np.isnan(b)
    if a.dtype.kind == "f":
        a, b = a.astype(np.float64), b.astype(np.float64)
    elif a.dtype.kind != "c":  # bools and integers: exact, whichever is larger
        a, b = np.maximum(a, b).astype(object), np.minimum(a, b).astype(object)
    with np.errstate(invalid="ignore"):
        return float(np.max(np.where(same, 0, abs(a - b)), initial=0))


def array_of(name: str, tab: str, evidence: Evidence) -> np.ndarray:
    """Return the array that a snippet left behind; raise DisagreementError if it has none."""
    value = evidence.values.get(name, {"error": f"nothing recorded for {name!r}"})
    if "error" in value:
        raise DisagreementError(f"{tab}: {value['error']}")
    try:
        data = np.frombuffer(base64.b64decode(value["data"]), dtype=value["dtype"])
        return data.reshape(value["shape"])
    except (KeyError, TypeError, ValueError) as error:
        raise DisagreementError(f"{tab}: the record of {name!r} is damaged: {error}") from None
