"""Sphinx extension: the processes that read and write pages leave alone what they inherit.

Python looks for garbage by walking all objects, and by that writes to their memory, which a
forked process then has to copy: of a large site that is most of what there is. What is frozen is
not walked. Nor is it worth looking every 700 objects where trees of documents, which are all
needed, are made of millions.
"""

import gc
from typing import Any

from sphinx.application import Sphinx
from sphinx.util.typing import ExtensionMetadata

THRESHOLD = 100_000, 20, 20


def setup(app: Sphinx) -> ExtensionMetadata:
    """Freeze what there is before processes fork: those that read, and those that write."""
    app.connect("env-before-read-docs", freeze, priority=999)
    app.connect("write-started", freeze, priority=999)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}


def freeze(app: Sphinx, *_what: Any) -> None:
    """Set aside all objects, in a process that exists for this build and forks others."""
    if app.parallel > 1:
        gc.set_threshold(*THRESHOLD)
        gc.freeze()
