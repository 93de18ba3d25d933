"""Sphinx extension: how myst-nb executes the worked pages in docs/worked.

They run as snippets do: one thread, the same language and silence. An error is a warning
with the cell and its traceback, and as with a failing snippet no site with one is published.
What they print is kept by jupyter-cache, which compares the cells alone; so each set of
installed versions, and of committed results that pages draw, has a cache of its own.
"""

import hashlib
import logging
import os
from pathlib import Path
from tempfile import TemporaryDirectory

from claims import installed
from jupyter_cache.cache.db import DB_NAME, create_db
from sphinx.application import Sphinx
from sphinx.config import Config
from sphinx.environment import BuildEnvironment
from sphinx.util.typing import ExtensionMetadata

from snippets._harness.frameworks import COMMON

# Figures as SVG, without a date, so that the same figure is the same file; no word about the
# kernel's connection, which never leaves this machine; no history, a file that kernels share.
PROFILE = """\
c.InlineBackend.figure_formats = {"svg"}
c.InlineBackend.print_figure_kwargs = {"bbox_inches": "tight", "metadata": {"Date": None}}
c.IPKernelApp.log_level = "ERROR"
c.HistoryManager.enabled = False
"""
STYLE = Path(__file__).with_name("matplotlibrc")
# What pages draw, and the code that they draw it with, below the project's folder.
RESULTS = (
    *(f"snippets/_speed/{name}.py" for name in ("figures", "report", "results")),
    "snippets/_speed/results/*.json",
    "tests/bench/*.json",
)
LIMIT = 300  # seconds one cell may take


def setup(app: Sphinx) -> ExtensionMetadata:
    """Settle myst-nb's configuration before it reads it."""
    app.add_config_value("worked_cache", "", "", str)
    app.connect("config-inited", configure, priority=100)
    app.connect("env-before-read-docs", spread)
    app.connect("env-before-read-docs", prepare_cache)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}


def configure(app: Sphinx, config: Config) -> None:
    """Let pages run once per set of versions, in a temporary folder, and tell of errors."""
    cache = Path(config.worked_cache or Path(app.confdir, "_build", "worked"))
    profile = cache / "ipython" / "profile_default"
    profile.mkdir(parents=True, exist_ok=True)
    (profile / "ipython_kernel_config.py").write_text(PROFILE)
    config["nb_execution_mode"] = "cache"
    config["nb_execution_cache_path"] = str(cache / conditions(Path(app.confdir)))
    config["nb_execution_in_temp"] = True
    config["nb_execution_timeout"] = LIMIT
    config["nb_execution_show_tb"] = True
    config["nb_render_markdown_format"] = "myst"  # with tables, which CommonMark has not
    logging.getLogger("traitlets").setLevel(logging.WARNING)  # it reports each execution
    places = {"IPYTHONDIR": cache / "ipython", "TORCHINDUCTOR_CACHE_DIR": cache / "inductor"}
    # Matplotlib would keep its list of fonts in the reader's home, and has found others there.
    places |= {"MATPLOTLIBRC": STYLE, "MPLCONFIGDIR": cache / "matplotlib"}
    places["PROJECT"] = Path(app.confdir)
    os.environ |= COMMON | {name: str(place) for name, place in places.items()}


def spread(_app: Sphinx, _env: BuildEnvironment, docnames: list[str]) -> None:
    """Put other pages between those that run code, so that not one process reads all of these.

    Sphinx gives each process what follows in the alphabet. The last, which do the most, come first.
    """
    runs = [name for name in reversed(docnames) if name.startswith("worked/")]
    others = [name for name in docnames if name not in runs]
    for number, name in enumerate(runs):
        others.insert(number + number * len(docnames) // len(runs), name)
    docnames[:] = others


def prepare_cache(app: Sphinx, _env: BuildEnvironment, docnames: list[str]) -> None:
    """Make the cache's tables before processes share it; each would, all at once, and fail.

    They are made aside and moved, so that a build that is killed leaves all of them or none.
    """
    cache = Path(app.config.nb_execution_cache_path)
    if not docnames or (cache / DB_NAME).exists():
        return
    cache.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=cache) as aside:
        create_db(aside).dispose()
        for made in sorted(Path(aside).iterdir(), reverse=True):
            made.replace(cache / made.name)  # the tables last: where they are, nothing is missing


def conditions(project: Path) -> str:
    """Return a digest of all that the output of a page depends on beside its cells."""
    results = [path.read_text() for pattern in RESULTS for path in sorted(project.glob(pattern))]
    parts = [*installed(), *map(str, COMMON.items()), STYLE.read_text(), PROFILE, *results]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]
