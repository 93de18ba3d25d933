"""Replaces the published site by a finished build: `python docs/_ext/publish.py SITE PUBLISHED`.

Sphinx writes while it still may fail, so it builds into a folder of its own. Only a build
without a warning gets here. Sphinx also writes files again that come out the same (pages
whose table of contents names a changed page, scripts, styles); these keep their old time,
so that what is newer in the published folder is what really changed.
"""

import filecmp
import shutil
import sys
from pathlib import Path


def publish(site: Path, published: Path) -> list[Path]:
    """Make ``published`` a copy of ``site``, in one step; return the files that differ."""
    new, old = (published.with_name(f"{published.name}.{part}") for part in ("new", "old"))
    for leftover in (new, old):
        shutil.rmtree(leftover, ignore_errors=True)
    changed = []

    def copy(source: str, target: str) -> None:
        before = published / Path(source).relative_to(site)
        same = before.is_file() and filecmp.cmp(source, before, shallow=False)
        shutil.copy2(before if same else source, target)
        if not same:
            changed.append(Path(source).relative_to(site))

    shutil.copytree(site, new, copy_function=copy)
    if published.exists():
        published.rename(old)
    new.rename(published)
    shutil.rmtree(old, ignore_errors=True)
    return sorted(changed)


if __name__ == "__main__":
    pages = [
        path for path in publish(Path(sys.argv[1]), Path(sys.argv[2])) if path.suffix == ".html"
    ]
    names = ", ".join(map(str, pages)) or "no page"
    print(f"{names} changed; open {sys.argv[2]}/index.html")
