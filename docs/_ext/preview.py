"""Checks one claim and shows it: ``python docs/_ext/preview.py AXIS/CLAIM``.

The site takes a minute to build, one page of it seconds: the page that shows the claim, with the
same conf.py. Sphinx starts while the snippets run, and is given a copy of the project that has
the claims of this page alone, since its extensions read all there are.

Pages that are not built here are known from the record, so that links to them are sound; they
lead into the site as it was last built. Other claims of the page may have no evidence yet, which
is nobody's mistake: without it they wear no badge.
"""

import io
import logging
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

PROJECT = Path.cwd()
sys.path.insert(0, str(PROJECT))

from docutils import nodes  # noqa: E402
from sphinx.application import Sphinx  # noqa: E402
from sphinx.environment import BuildEnvironment  # noqa: E402

from snippets._harness import alone, record  # noqa: E402
from snippets._harness.catalogue import SHOWN, Catalogue  # noqa: E402
from snippets._harness.new import claim_id  # noqa: E402

FOLDER = PROJECT / "_build" / "preview"
SITE = "../html"  # from there, as last built
COLOUR = re.compile(r"\x1b\[[\d;]*m")


class OfOthers(logging.Filter):
    """Lets no warning through about the evidence of a claim other than ``name``."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.ours = name

    def filter(self, entry: logging.LogRecord) -> bool:
        from_us = getattr(entry, "type", None) in ("claims", "api")
        return not from_us or f"{self.ours}/" in entry.getMessage()


def pages() -> set[str]:
    """Return all documents, such as ``graphs`` and ``worked/digits``."""
    docs = PROJECT / "docs"
    files = (path.relative_to(docs).with_suffix("") for path in docs.rglob("*.md"))
    return {file.as_posix() for file in files if file.parts[0][0] not in "_."}


def page_of(name: str) -> str | None:
    """Return the document that shows a claim."""
    for page in sorted(pages()):
        text = (PROJECT / "docs" / f"{page}.md").read_text(errors="replace")
        if name in SHOWN.findall(text):
            return page
    return None


def excerpt(page: str) -> Path:
    """Return a copy of the project with one page, and the claims that it shows."""
    copy = FOLDER / ".project"
    shutil.rmtree(copy, ignore_errors=True)
    document = Path("docs", f"{page}.md")
    for claim in SHOWN.findall((PROJECT / document).read_text(errors="replace")):
        if (source := PROJECT / "snippets" / claim).is_dir():
            shutil.copytree(source, copy / "snippets" / claim, dirs_exist_ok=True)
    for file in (document, Path("snippets/articles.toml"), Path("snippets/record.toml")):
        if (PROJECT / file).exists():
            (copy / file).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(PROJECT / file, copy / file)
    for other in pages() - {page}:  # links by a file's name are looked up among the files
        (copy / "docs" / other).parent.mkdir(parents=True, exist_ok=True)
        (copy / "docs" / f"{other}.md").touch()
    return copy


def prepared(name: str, page: str) -> Callable[[], str]:
    """Return what renders the claim's page and returns the warnings, having started Sphinx."""
    copy, warnings = excerpt(page), io.StringIO()
    settings = {
        "root_doc": page,
        "exclude_patterns": ["_*", *(f"{other}.md" for other in pages() - {page})],
        "claims_project": str(copy),
        "claims_evidence": str(PROJECT / "_build" / "evidence"),
    }
    places = (copy / "docs", PROJECT, FOLDER, FOLDER / ".doctrees", "html")
    app = Sphinx(*places, settings, status=None, warning=warnings, freshenv=True)
    app.connect("env-check-consistency", know_other_pages)
    app.connect("doctree-resolved", lead_to_site)
    for handler in logging.getLogger("sphinx").handlers:
        handler.filters.insert(0, OfOthers(name))
    # An index would miss the pages that are not here.
    app.builder.search = False  # type: ignore[attr-defined]

    def render() -> str:
        app.builder.build_all()  # not app.build(), after which extensions write for all pages
        text = warnings.getvalue()
        for folder in (copy, PROJECT):
            text = text.replace(f"{folder}/", "")
        return COLOUR.sub("", text).strip()

    return render


def know_other_pages(app: Sphinx, _env: BuildEnvironment) -> None:
    """Let links to other pages, and to anchors there, be resolved."""
    known = record.read(record.path_of(Catalogue(PROJECT)))
    labels = app.env.domains.standard_domain
    for page in set(known.pages) - known.moved.keys():
        app.env.all_docs.setdefault(page, 0)
        app.env.titles.setdefault(page, nodes.title("", page))
    for anchor, pages in known.anchors.items():
        if anchor not in known.moved:
            labels.anonlabels.setdefault(anchor, (pages[-1], anchor))
            labels.labels.setdefault(anchor, (pages[-1], anchor, anchor))


def lead_to_site(app: Sphinx, page: nodes.document, name: str) -> None:
    """Let links to pages that are not here lead into the site as last built."""
    own = app.builder.get_target_uri(name)
    for link in page.findall(nodes.reference):
        if link.get("internal") and (address := link.get("refuri")) and not address.startswith(own):
            link["refuri"] = f"{SITE}/{address}"


def main(name: str) -> int:
    """Check a claim, and show its page if nothing is wrong with it; return the exit code."""
    name = claim_id(name)
    command = [sys.executable, "-m", "snippets._harness", "check", name]
    page = page_of(name)
    if page is None:  # nothing to show; it says why
        return subprocess.call(command) or 1
    lock = alone.hold(PROJECT / "_build" / "preview.lock")
    shown = FOLDER / f"{page}.html"
    shown.unlink(missing_ok=True)  # what it says may have become false
    check = subprocess.Popen(command)
    render = prepared(name, page)
    if code := check.wait():
        return code
    if warnings := render():
        shown.unlink(missing_ok=True)
        print(warnings, file=sys.stderr)
        return 1
    print(f"to see it, open {shown.as_uri()}#{name.replace('/', '-')}")
    os.close(lock)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
