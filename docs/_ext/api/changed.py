"""Whether what is made from all rows must be made again: that takes seconds, and rarely changes."""

from pathlib import Path

from claims.register import Register
from claims.tracking import contents
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment

from snippets._harness.api.rows import FOLDER
from snippets._harness.api.verify import EVIDENCE


def note(app: Sphinx, env: BuildEnvironment) -> None:
    """Note whether the rows, or what else decides, are others than in the last build."""
    now = state(app)
    app.has_other_rows = getattr(env, "api_state", None) != now  # type: ignore[attr-defined]
    env.api_state = now  # type: ignore[attr-defined]


def state(app: Sphinx) -> list[object]:
    """Return what differs when rows, pins, evidence, versions, addresses or this code do."""
    register = Register.of(app.config, Path(app.srcdir))
    folders = register.project / FOLDER, register.folder / EVIDENCE
    settings = ("claims_versions", "claims_code", "html_baseurl")
    pages = sorted(page for page in app.env.found_docs if page.startswith("api/"))
    return [
        *(contents(str(folder), "**/*.*") for folder in folders),
        *(app.config[name] for name in settings),
        pages,
    ]


def is_news(app: Sphinx, file: str) -> bool:
    """Return whether a file that is made from all rows must be written."""
    return getattr(app, "has_other_rows", True) or not Path(app.outdir, file).exists()
