"""Wires the snippets into pytest: every example is an item, run in its file's own process.

Try `pytest snippets/tensors/item-assignment`; `pytest --help` lists the options.
"""

from snippets._harness.plugin import (  # noqa: F401 (pytest finds hooks by name)
    pytest_addoption,
    pytest_collect_file,
    pytest_collection_finish,
    pytest_configure,
    pytest_terminal_summary,
    pytest_unconfigure,
)
