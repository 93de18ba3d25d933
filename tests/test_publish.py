"""Replacing the published site by a finished build."""

import os
from pathlib import Path

import pytest
from publish import publish


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """Return a built site of two pages, one of them in a folder."""
    folder = tmp_path / "site"
    (folder / "axis").mkdir(parents=True)
    (folder / "index.html").write_text("one")
    (folder / "axis" / "graphs.html").write_text("two")
    return folder


def contents(folder: Path) -> dict[str, str]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): path.read_text() for path in files}


def test_first_publication_copies_everything(site: Path, tmp_path: Path) -> None:
    changed = publish(site, tmp_path / "html")
    assert contents(tmp_path / "html") == contents(site)
    assert [str(path) for path in changed] == ["axis/graphs.html", "index.html"]


def test_file_written_again_with_the_same_bytes_keeps_its_time(site: Path, tmp_path: Path) -> None:
    publish(site, tmp_path / "html")
    os.utime(tmp_path / "html" / "index.html", (1, 1))
    (site / "index.html").write_text("one")
    (site / "axis" / "graphs.html").write_text("three")
    assert [str(path) for path in publish(site, tmp_path / "html")] == ["axis/graphs.html"]
    assert (tmp_path / "html" / "index.html").stat().st_mtime == 1
    assert contents(tmp_path / "html") == contents(site)


def test_page_that_is_gone_is_no_longer_published(site: Path, tmp_path: Path) -> None:
    publish(site, tmp_path / "html")
    (site / "index.html").unlink()
    publish(site, tmp_path / "html")
    assert contents(tmp_path / "html") == {"axis/graphs.html": "two"}


def test_interrupted_publication_is_repaired_by_the_next(site: Path, tmp_path: Path) -> None:
    (tmp_path / "html.new").mkdir()
    (tmp_path / "html.new" / "half.html").write_text("half")
    publish(site, tmp_path / "html")
    assert contents(tmp_path / "html") == contents(site)
    assert not (tmp_path / "html.new").exists()
