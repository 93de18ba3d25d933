"""Sphinx extension: how myst-nb executes the worked pages in docs/worked.

They run as snippets do: one thread, the same language and silence. An error is a warning
with the cell and its traceback, and as with a failing snippet no site with one is published.
What they print is kept by jupyter-cache, which compares the cells alone; so each set of
installed versions has a cache of its own.
"""

import hashlib
import logging
import os
from pathlib import Path

from claims import installed
from sphinx.application import Sphinx
from sphinx.config import Config
from sphinx.util.typing import ExtensionMetadata

from snippets._harness.frameworks import COMMON

# Figures as SVG, without a date, so that the same figure is the same file; and no word about
# the kernel's connection, which never leaves this machine.
PROFILE = """\
c.InlineBackend.figure_formats = {"svg"}
c.InlineBackend.print_figure_kwargs = {"bbox_inches": "tight", "metadata": {"Date": None}}
c.IPKernelApp.log_level = "ERROR"
"""
STYLE = Path(__file__).with_name("matplotlibrc")
LIMIT = 300  # seconds one cell may take


def setup(app: Sphinx) -> ExtensionMetadata:
    """Settle myst-nb's configuration before it reads it."""
    app.add_config_value("worked_cache", "", "", str)
    app.connect("config-inited", configure, priority=100)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}


def configure(app: Sphinx, config: Config) -> None:
    """Let pages run once per set of versions, in a temporary folder, and tell of errors."""
    cache = Path(config.worked_cache or Path(app.confdir, "_build", "worked"))
    profile = cache / "ipython" / "profile_default"
    profile.mkdir(parents=True, exist_ok=True)
    (profile / "ipython_kernel_config.py").write_text(PROFILE)
    config["nb_execution_mode"] = "cache"
    config["nb_execution_cache_path"] = str(cache / conditions())
    config["nb_execution_in_temp"] = True
    config["nb_execution_timeout"] = LIMIT
    config["nb_execution_show_tb"] = True
    logging.getLogger("traitlets").setLevel(logging.WARNING)  # it reports each execution
    places = {"IPYTHONDIR": cache / "ipython", "TORCHINDUCTOR_CACHE_DIR": cache / "inductor"}
    os.environ |= COMMON | {"MATPLOTLIBRC": str(STYLE)} | {k: str(v) for k, v in places.items()}


def conditions() -> str:
    """Return a digest of all that the output of a page depends on beside its cells."""
    parts = [*installed(), *map(str, COMMON.items()), STYLE.read_text(), PROFILE]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]
