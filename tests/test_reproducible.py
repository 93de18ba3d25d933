"""The same sources and evidence give the same site, byte for byte, on any machine and day."""

import os
import shutil
import subprocess
from collections.abc import Callable
from itertools import zip_longest
from pathlib import Path

import pytest
from helpers import claim_text, snippet
from sites import OwnSite

LETTERS = "Grüße, 世界 \N{PILE OF POO}, e\N{COMBINING ACUTE ACCENT}"
CODE = """\
>>> "é", {"a"}
('é', {'a'})"""
LATER = """\
import time

AHEAD = 400 * 24 * 3600
for name, unit in {"time": 1, "time_ns": 10**9}.items():
    setattr(time, name, lambda now=getattr(time, name), unit=unit: now() + AHEAD * unit)
for name in ("localtime", "gmtime"):
    setattr(time, name, lambda at=None, of=getattr(time, name): of(at or time.time()))
"""
KEPT = ("PATH", "LD_LIBRARY_PATH", "PYTHONPATH")  # of an environment that has nothing else


class Surroundings:
    """Where and how a project is built: changed by a case, from what the first build had."""

    def __init__(self, original: Path, place: Path) -> None:
        self.original, self.place, self.folder = original, place, "project"
        self.to: Path | None = None
        self.anew = True
        self.arguments = ["-j", "1"]
        self.environment = dict(os.environ)
        self.change: Callable[[Path], object] = lambda _root: None

    def build(self) -> Path:
        root = self.place / self.folder
        made = shutil.ignore_patterns("site", "site.trees") if self.anew else None
        shutil.copytree(self.original, root, ignore=made)
        self.change(root)
        out = self.to or root / "_build" / "site"
        made = OwnSite.of(root).make(out, *self.arguments, environment=self.environment)
        assert made.returncode == 0, made.stderr
        return out


def elsewhere(around: Surroundings) -> None:
    around.folder = "an other's Ordner, für Wörter 世"


def another_seed(around: Surroundings) -> None:
    around.environment["PYTHONHASHSEED"] = "77"


def in_parallel(around: Surroundings) -> None:
    around.arguments = ["-j", "2"]


def far_away(around: Surroundings) -> None:
    around.environment |= {"TZ": "Pacific/Kiritimati", "LC_ALL": "C"}


def nobody(around: Surroundings) -> None:
    """Have no home, no locale, and a name in two words."""
    kept = {name: value for name, value in os.environ.items() if name in KEPT}
    around.environment = kept | {"HOME": "/dev/null/home", "USER": "Ada L.", "LOGNAME": "Ada L."}


def turkish(around: Surroundings) -> None:
    """Have Turkish rules, where the machine knows them, and be spoken to in Turkish."""
    known = subprocess.run(["locale", "-a"], capture_output=True, text=True, check=False).stdout
    here = {"LC_ALL": "tr_TR.UTF-8"} if "tr_TR.utf8" in known.split() else {}
    around.environment |= here | {"LANGUAGE": "tr"}


def another_day(around: Surroundings) -> None:
    around.place.mkdir(parents=True, exist_ok=True)
    (around.place / "sitecustomize.py").write_text(LATER)
    around.environment |= {"PYTHONPATH": str(around.place), "SOURCE_DATE_EPOCH": "86400"}


def again(around: Surroundings) -> None:
    """Build over what was built before, where all is to be written again."""
    around.anew = False
    around.arguments += ["-a", "-E"]


def run_anew(around: Surroundings) -> None:
    """Run the worked pages, whose output the first build kept."""
    around.change = lambda root: shutil.rmtree(root / "_build" / "worked")


Change = Callable[[Surroundings], None]
CASES: dict[str, tuple[Change, ...]] = {
    "in another folder, with another seed of hashes": (elsewhere, another_seed),
    "in parallel, in another time zone": (in_parallel, far_away),
    "in Turkish, by nobody": (nobody, turkish),
    "on another day": (another_day,),
    "a second time": (again,),
    "with worked pages run anew": (run_anew,),
}


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project of every kind of content, built."""
    site = OwnSite(tmp_path_factory.mktemp("first") / "project")
    claim = claim_text(f"{LETTERS}.\n", title=f"{LETTERS} `+`", changed=LETTERS)
    tab = f"{LETTERS}.\n\n{snippet(CODE)}"
    site.fill(claim=claim, pytorch=tab)
    made = site.make(site.root / "_build" / "site", "-j", "1")
    assert made.returncode == 0, made.stderr
    return site.root


def files(folder: Path) -> dict[str, Path]:
    return {str(path.relative_to(folder)): path for path in folder.rglob("*") if path.is_file()}


def difference(one: Path, other: Path) -> list[str]:
    """Return each file that is not the same in two folders, and where it first differs."""
    ours, theirs = files(one), files(other)
    lacking = [f"{name}: in one alone" for name in ours.keys() ^ theirs.keys()]
    texts = {n: (ours[n].read_bytes(), theirs[n].read_bytes()) for n in ours.keys() & theirs.keys()}
    return sorted([*lacking, *(where(name, a, b) for name, (a, b) in texts.items() if a != b)])


def where(name: str, one: bytes, other: bytes) -> str:
    """Return the line and column at which two texts part, and how each goes on."""
    pairs = enumerate(zip_longest(one, other))
    at = next(number for number, (a, b) in pairs if a != b)
    line, column = one.count(b"\n", 0, at) + 1, at - one.rfind(b"\n", 0, at)
    return f"{name}:{line}:{column}: {one[at : at + 40]!r} | {other[at : at + 40]!r}"


@pytest.mark.parametrize("case", CASES)
def test_the_site_is_the_same_built(first: Path, tmp_path: Path, case: str) -> None:
    around = Surroundings(first, tmp_path)
    for change in CASES[case]:
        change(around)
    assert difference(first / "_build" / "site", around.build()) == []


def test_sources_that_cannot_be_written_are_enough(first: Path, tmp_path: Path) -> None:
    around, before = Surroundings(first, tmp_path), dict[Path, int]()
    around.to = tmp_path / "out" / "site"
    around.arguments += ["-D", f"worked_cache={tmp_path / 'worked'}"]
    around.environment["PYTHONDONTWRITEBYTECODE"] = "1"

    def protect(root: Path) -> None:
        for path in (root, *root.rglob("*")):
            path.chmod(path.stat().st_mode & ~0o222)
        before.update(times(root))

    around.change = protect
    assert difference(first / "_build" / "site", around.build()) == []
    assert times(tmp_path / "project") == before  # also where root may write everywhere


def times(root: Path) -> dict[Path, int]:
    return {path: path.stat().st_mtime_ns for path in (root, *root.rglob("*"))}


def test_a_difference_is_named_with_its_file_and_its_place(tmp_path: Path) -> None:
    one, other = tmp_path / "one", tmp_path / "other"
    for folder, text in ((one, b"same\nthis one\n"), (other, b"same\nthis other\nmore\n")):
        folder.mkdir()
        (folder / "differs.html").write_bytes(text)
        (folder / "same.html").write_bytes(b"same")
    (other / "more.html").write_bytes(b"")
    assert difference(one, other) == [
        "differs.html:2:7: b'ne\\n' | b'ther\\nmore\\n'",
        "more.html: in one alone",
    ]
