"""Huge pages for the memory of a server, so that a fork has fewer pages to list.

A fork copies the page tables of all memory that was written to, and the end of the child frees
them again: for the quarter of a gigabyte of an imported framework that is most of what a small
snippet file costs. In pages of 2 MB instead of 4 kB there is little to copy.
"""

import ctypes
from collections.abc import Iterator
from pathlib import Path

HUGE = 2 << 20  # bytes, on x86-64 and on most others
MADV_COLLAPSE = 25  # since Linux 6.1: now, whatever the system's default is
# Fewer forks than this save less time than the copying of all memory takes.
WORTH = 50


def collapse() -> int:
    """Move anonymous memory of this process into huge pages; return how many bytes moved.

    Best effort: what the kernel refuses, for want of room or of the call itself, stays as it is.
    """
    libc = ctypes.CDLL(None)
    moved = 0
    for start, end in spans(Path("/proc/self/maps").read_text()):
        length = ctypes.c_size_t(end - start)
        if libc.madvise(ctypes.c_void_p(start), length, MADV_COLLAPSE) == 0:
            moved += end - start
    return moved


def spans(maps: str) -> Iterator[tuple[int, int]]:
    """Yield the parts of writable anonymous memory, as in ``/proc/self/maps``, that can be huge."""
    for line in maps.splitlines():
        addresses, mode, *_, name = f"{line} ".split(" ", 5)
        if "w" in mode and name.strip() in ("", "[heap]"):
            start, end = (int(address, 16) for address in addresses.split("-"))
            start, end = -(-start // HUGE) * HUGE, end // HUGE * HUGE
            if start < end:
                yield start, end
