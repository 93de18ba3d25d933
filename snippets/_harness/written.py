"""Whether a file was written since it was read, told by what its file system notes of it."""

import os
from collections.abc import Iterable
from pathlib import Path

Stamp = tuple[object, ...]  # of files: another one whenever one of them was written


def stamp(paths: Iterable[Path]) -> Stamp:
    """Return what differs once one of the files was written, comes or goes."""
    found: list[object] = []
    for path in paths:
        try:
            found.append(noted(path.stat()))
        except OSError:
            found.append(None)
    return tuple(found)


def stamp_of_folder(folder: Path) -> Stamp:
    """Return what differs once a file in a folder was written, comes or goes."""
    try:
        with os.scandir(folder) as entries:
            return tuple(sorted((entry.name, *noted(entry.stat())) for entry in entries))
    except OSError:  # of a link that leads nowhere, too
        return ()


def noted(status: os.stat_result) -> tuple[int, int, int, int]:
    """Return what a writer changes, who may set back the first of the times but not the second."""
    return status.st_mtime_ns, status.st_ctime_ns, status.st_size, status.st_ino
