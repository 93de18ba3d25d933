"""Claims that a build read, kept for the next one: to read all takes a second, these a moment.

Each is kept with what the file system noted of its files, so that one that was written since is
read again; and all with a digest of what else decides how a claim is read, so that they are
forgotten when that changes.
"""

import copyreg
import os
import pickle
from pathlib import Path
from types import MappingProxyType
from typing import Any

from . import catalogue


def recall(path: Path, digest: str) -> None:
    """Know the claims that were kept in a file with this digest; none if it cannot be read."""
    try:
        known, claims = pickle.loads(path.read_bytes())  # noqa: S301 (ours, as Sphinx's beside it)
    except Exception:  # another Python's, another program's, half a file
        return
    if known == digest:
        catalogue.known.update(claims)


def keep(path: Path, digest: str) -> None:
    """Write the claims that this process knows to a file, with what decides how they are read."""
    partial = path.with_suffix(f".{os.getpid()}")
    partial.write_bytes(pickle.dumps((digest, catalogue.known), pickle.HIGHEST_PROTOCOL))
    partial.replace(path)


def _frozen(values: dict[str, Any]) -> MappingProxyType[str, Any]:
    return MappingProxyType(values)


# Which pickle knows nothing of, since it could be a view of what others change.
copyreg.pickle(MappingProxyType, lambda values: (_frozen, (dict(values),)))
