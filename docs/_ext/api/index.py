"""Writes api-index.js, by which the page api/index finds rows without a server."""

import json
from pathlib import Path

from sphinx.application import Sphinx

from snippets._harness.api import rows

from .changed import is_news
from .view import View

FILE = "api-index.js"


def write(app: Sphinx, exception: Exception | None) -> None:
    """Write the rows as a script: browsers load no other data for a page opened as a file."""
    if exception or app.builder.format != "html" or not is_news(app, FILE):
        return
    project = Path(app.config.claims_project or Path(app.srcdir).parent)
    families = [f for f in rows.families(project) if f"api/{f.name}" in app.env.found_docs]
    if not families:
        return
    data = {
        "families": [[family.name, family.title] for family in families],
        "rows": [
            entry(View(name, row, family, None), number)
            for number, family in enumerate(families)
            for name, row in family.rows.items()
        ],
    }
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    Path(app.outdir, FILE).write_text(f"window.apiIndex={text}\n", encoding="utf-8")


def entry(view: View, family: int) -> list[object]:
    """Return a row: its family, name, both sides, its sentence, and the names it goes by."""
    codes = (view.code("tensorflow") or "", view.code("pytorch") or "")
    told = view.row.says or view.row.instead or ""
    return [family, view.name, *codes, told, " ".join(view.goes_by)]
