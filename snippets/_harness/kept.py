"""What a build read of claims and rows, kept for the next one: a moment in place of a second.

Each is kept with what the file system noted of its files, so that one that was written since is
read again; and all with a digest of what else decides how they are read, so that they are
forgotten when that changes.
"""

import copyreg
import os
import pickle
from pathlib import Path
from types import MappingProxyType
from typing import Any

from . import catalogue
from .api import rows


def recall(path: Path, digest: str) -> None:
    """Know what was kept in a file with this digest; nothing if it cannot be read."""
    try:
        known, claims, names = pickle.loads(path.read_bytes())  # noqa: S301 (ours, as Sphinx's beside it)
    except Exception:  # another Python's, another program's, half a file
        return
    if known == digest:
        catalogue.known.update(claims)
        rows.known.update(names)


def keep(path: Path, digest: str) -> None:
    """Write what this process knows to a file, with what decides how it is read."""
    partial = path.with_suffix(f".{os.getpid()}")
    known = digest, catalogue.known, rows.known
    partial.write_bytes(pickle.dumps(known, pickle.HIGHEST_PROTOCOL))
    partial.replace(path)


def _frozen(values: dict[str, Any]) -> MappingProxyType[str, Any]:
    return MappingProxyType(values)


# Which pickle knows nothing of, since it could be a view of what others change.
copyreg.pickle(MappingProxyType, lambda values: (_frozen, (dict(values),)))
