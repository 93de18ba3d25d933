"""Builds the site and replaces the published one by it: `python docs/_ext/publish.py`.

Sphinx writes while it still may fail, so it builds into a folder of its own, and only a
build without a warning is published. Sphinx also writes files again that come out the same
(pages whose table of contents names a changed page, scripts, styles); these keep their old
time, so that what is newer in the published folder is what really changed.

`publish.py verify ARGUMENTS` runs the snippets without evidence first, in the same process, which
saves to start another. If nothing changed since the last build both are over before they begin, and
of claims and rows only those are checked again that something changed for.
"""

import filecmp
import hashlib
import json
import os
import shutil
import sys
from collections.abc import Container, Sequence
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import Any

import inputs

BUILD = Path("_build")
FINISHED = BUILD / "finished"  # what the last build knew; not there if it did not end well
KNOWN = BUILD / "known.pickle"  # claims, and names of rows, as the last build read them
VERIFY = "verify"


def build(site: Path) -> int:
    """Build what is out of date into ``site``, warnings being errors; return the exit code.

    Sphinx notes that it read a page before it writes it, and warns of it only when it reads
    it. So after a build that did not end, or not well, it must read everything again; and
    also when a style or script changed, whose digest is in the address that pages link to.
    """
    doctrees = BUILD / "doctrees"
    linked = digest(Path("docs", "_static"))
    if finished().get("linked") != linked:
        shutil.rmtree(doctrees, ignore_errors=True)
    FINISHED.unlink(missing_ok=True)
    settings = ["-q", "-W", "-c", ".", "-d", str(doctrees), "-j", "auto"]
    code = int(import_module("sphinx.cmd.build").build_main([*settings, "docs", str(site)]))
    if code == 0:
        finish(linked=linked)
    return code


def finished() -> dict[str, Any]:
    """Return what the last build knew, nothing if it did not end well."""
    return read(FINISHED)


def read(path: Path) -> dict[str, Any]:
    """Return what was kept in a file, nothing if it was cut short."""
    with suppress(OSError, ValueError):
        known = json.loads(path.read_text())
        return known if isinstance(known, dict) else {}
    return {}


def finish(**known: Any) -> None:
    """Keep what the next build is to know, beside what is kept already."""
    FINISHED.write_text(json.dumps(finished() | known))


def is_published(
    known: dict[str, Any], sources: dict[str, str], published: Path, *, verified: bool
) -> bool:
    """Return whether a site is there that was made of these sources, and not written to.

    ``verified`` asks that the snippets had been verified then.
    """
    return (
        "sources" in known
        and known["verified"] >= verified
        and known["sources"] == sources
        and known["published"] == inputs.published(published)
    )


def digest(folder: Path) -> str:
    """Return a digest of all files of a folder."""
    files = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return hashlib.sha256(b"".join(path.read_bytes() for path in files)).hexdigest()


def publish(site: Path, published: Path) -> list[Path]:
    """Make ``published`` a copy of ``site``, in one step; return the files that differ.

    A file that nobody wrote to since it was copied, here or there, is not read again.
    """
    new, old, copied = (
        published.with_name(f"{published.name}.{n}") for n in ("new", "old", "copied")
    )
    for leftover in (new, old):
        shutil.rmtree(leftover, ignore_errors=True)
    known, changed, files = read(copied), [], []

    def copy(source: str, target: str) -> None:
        name = os.path.relpath(source, site)
        files.append(name)
        before = published / name
        if known.get(name) == pair(site, published, name) or same(Path(source), before):
            link(before, Path(target))
        else:
            shutil.copy2(source, target)
            changed.append(Path(name))

    shutil.copytree(site, new, copy_function=copy)
    if published.exists():
        published.rename(old)
    new.rename(published)
    shutil.rmtree(old, ignore_errors=True)
    copied.write_text(json.dumps({name: pair(site, published, name) for name in files}))
    return sorted(changed)


def same(source: Path, before: Path) -> bool:
    """Return whether two files hold the same."""
    return before.is_file() and filecmp.cmp(source, before, shallow=False)


def pair(site: Path, published: Path, name: str) -> str:
    """Return what file systems note of a file and of its copy, which no writer leaves as it was."""
    return " ".join(map(inputs.noted, (site / name, published / name)))


def link(before: Path, target: Path) -> None:
    """Let ``target`` be the file ``before``, which is about to go, without a copy where it can."""
    try:
        target.hardlink_to(before)
    except OSError:
        shutil.copy2(before, target)


def verify(arguments: Sequence[str], sound: Container[str]) -> int:
    """Run the snippet files that have no evidence; return the exit code.

    The parts of the sources that are ``sound`` have passed, and are as they were then.
    """
    harness = import_module("snippets._harness.__main__")
    code: int = harness.main([VERIFY, *arguments], sound, load)
    sys.stdout.flush()  # before Sphinx and its processes say something
    return code


def load() -> None:
    """Import what a build takes longest to import, while the snippets run in other processes."""
    for name in ("sphinx.cmd.build", "sphinx.builders.html", "myst_nb.sphinx_ext", "furo"):
        import_module(name)


def unchanged(known: dict[str, Any], sources: dict[str, str]) -> set[str]:
    """Return which parts of the sources passed, and are as they were then with all they need."""
    passed = known.get("sources") if known.get("verified") else {}
    before = passed if isinstance(passed, dict) else {}
    same = {part for part, digest in sources.items() if before.get(part) == digest}
    return same if {inputs.RUNS, inputs.ELSE} <= same else set()


def main(arguments: Sequence[str] = ()) -> int:
    """Verify if told to, build and publish; return the exit code."""
    site, published = BUILD / "site", BUILD / "html"
    verified = VERIFY in arguments[:1]
    sources, known = inputs.sources(Path()), finished()
    if len(arguments) <= verified and is_published(known, sources, published, verified=verified):
        print("nothing changed: every snippet file, and every row, has evidence already")
        print(f"no page changed; open {published}/index.html")
        return 0
    sys.path.insert(0, str(Path.cwd()))
    kept = import_module("snippets._harness.kept")
    kept.recall(KNOWN, sources[inputs.ELSE])
    if verified:
        sound = unchanged(known, sources) if arguments == [VERIFY] else set()
        if code := verify(arguments[1:], sound):
            return code
        sources[inputs.RUNS] = inputs.runs(Path())
    if code := build(site):
        return code
    kept.keep(KNOWN, sources[inputs.ELSE])
    pages = [path for path in publish(site, published) if path.suffix == ".html"]
    if sources == inputs.sources(Path()):  # else the next build looks for what changed meanwhile
        now = inputs.published(published)
        finish(sources=sources, published=now, verified=verified)
    print(f"{', '.join(map(str, pages)) or 'no page'} changed; open {published}/index.html")
    return 0


if __name__ == "__main__":
    code = main(sys.argv[1:])
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)  # all is written; to take a build apart object by object takes half a second
