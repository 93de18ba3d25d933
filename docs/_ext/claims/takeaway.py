"""Writes what readers take away: each tab as a script and a notebook, and both sides as one.

Files are written with the page that shows their claim. None is called as a framework is:
``tensorflow.py`` would be what ``import tensorflow`` finds.
"""

import shutil
from pathlib import Path

from docutils import nodes
from sphinx.application import Sphinx

from snippets._harness.catalogue import Snippet

from . import scripts, wording
from .register import Entry, Register, pages_of

FOLDER = "_downloads"
SIDES = ("tensorflow", "pytorch")  # the tabs that can run in one process


def connect(app: Sphinx) -> None:
    app.connect("doctree-resolved", write)
    app.connect("build-finished", tidy)


def tabs(entry: Entry) -> list[Snippet]:
    """Return the tabs that may be downloaded: those that may be published."""
    return [snippet for snippet in entry.claim.snippets if snippet.framework in entry.evidence]


def sides(entry: Entry) -> list[Snippet]:
    """Return the tabs of both frameworks, nothing unless there are both and they can be one."""
    if entry.claim.front.apart:
        return []
    found = [snippet for snippet in tabs(entry) if snippet.framework in SIDES]
    return found if len(found) == len(SIDES) else []


def path_of(entry: Entry, end: str) -> str:
    """Return where a file is, below the site: its name is the claim's and then ``end``."""
    return f"{FOLDER}/{entry.claim.id}/{entry.claim.folder.name}{end}"


def downloads(entry: Entry) -> list[tuple[str, str]]:
    """Return the files of a claim, each as a label and where it is below the site."""
    found = [
        (
            f"{wording.title(snippet.framework)}, {kind}",
            path_of(entry, f"-{snippet.framework}{end}"),
        )
        for snippet in tabs(entry)
        for kind, end in (("script", ".py"), ("notebook", ".ipynb"))
    ]
    return found + [("both, notebook", path_of(entry, ".ipynb"))] * bool(sides(entry))


def files(entry: Entry, address: str) -> dict[str, str]:
    """Return the text of each file of a claim, by where it is below the site."""
    heading = " ".join(entry.claim.front.title.split())  # in Markdown, as notebooks have it
    title = wording.plain(heading)
    made = {}
    for snippet in tabs(entry):
        name = wording.title(snippet.framework)
        ran = _ran(entry, [snippet])
        head = [f"{title} ({name})", address, ran, "MIT licence"]
        end = f"-{snippet.framework}"
        made[path_of(entry, f"{end}.py")] = scripts.script(snippet, filter(None, head))
        about = _about(entry, address, ran)
        made[path_of(entry, f"{end}.ipynb")] = scripts.notebook(
            f"{heading}: {name}", about, [("", snippet)]
        )
    if both := sides(entry):
        parts = [(wording.title(snippet.framework), snippet) for snippet in both]
        about = _about(entry, address, _ran(entry, both))
        made[path_of(entry, ".ipynb")] = scripts.notebook(heading, about, parts)
    return made


def _ran(entry: Entry, shown: list[Snippet]) -> str:
    """Return when the code passed, and on what; nothing if it did not run."""
    runs = [run for snippet in shown if (run := entry.passed.get(snippet.framework))]
    if not runs:
        return ""
    versions = {name: version for run in runs for name, version in run.versions.items()}
    on = wording.listing(f"{name} {version}" for name, version in versions.items())
    return f"Passed on {wording.date(max(run.time for run in runs))} with {on}."


def _about(entry: Entry, address: str, ran: str) -> str:
    statement = "\n\n".join(block.text for block in entry.claim.statement)
    return "\n\n".join(
        filter(None, [statement, f"From <{address}>. {ran}".strip(), "MIT licence."])
    )


def write(app: Sphinx, tree: nodes.document, page: str) -> None:
    """Write the files of the claims on a page that is about to be written."""
    if app.builder.format != "html":
        return
    register = Register.of(app.config, Path(app.srcdir))
    for section in tree.findall(nodes.section):
        if "claim" in section:
            entry = register.entry(section["claim"], page)
            base = f"{app.config.html_baseurl}{app.builder.get_target_uri(page)}"
            folder = Path(app.outdir, FOLDER, entry.claim.id)
            shutil.rmtree(folder, ignore_errors=True)
            for name, text in files(entry, f"{base}#{entry.anchor}").items():
                folder.mkdir(parents=True, exist_ok=True)
                Path(app.outdir, name).write_text(text, encoding="utf-8")


def tidy(app: Sphinx, exception: Exception | None) -> None:
    """Remove the files of claims that no page shows any more."""
    if exception or app.builder.format != "html":
        return
    shown = pages_of(str(Register.of(app.config, Path(app.srcdir)).catalogue.project))
    for folder in Path(app.outdir, FOLDER).glob("*/*/"):
        if f"{folder.parent.name}/{folder.name}" not in shown:
            shutil.rmtree(folder)
