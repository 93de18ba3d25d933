"""Replacing the published site by a finished build, and when there is nothing to build."""

import datetime
import os
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import inputs
import publish as publishing
import pytest
from publish import publish

ROOT = Path(__file__).parents[1]


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


@pytest.mark.parametrize("side", ["site", "html"])
def test_what_was_written_without_a_trace_in_its_time_is_noticed(
    site: Path, tmp_path: Path, side: str
) -> None:
    publish(site, tmp_path / "html")
    assert publish(site, tmp_path / "html") == []
    again(str(tmp_path / side / "index.html"), "ONE")
    assert [str(path) for path in publish(site, tmp_path / "html")] == ["index.html"]
    assert contents(tmp_path / "html") == contents(site)


def test_a_page_that_is_written_again_leaves_the_published_one_alone(
    site: Path, tmp_path: Path
) -> None:
    for _ in range(3):
        publish(site, tmp_path / "html")
    (site / "index.html").write_text("not yet")
    assert contents(tmp_path / "html")["index.html"] == "one"


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


# When there is nothing to build.


class Builds:
    """Stands for Sphinx and for the harness: notes what is asked of it, and writes a page."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.sound: set[str] = set()  # what the verification was told of last
        self.while_building: Callable[[], object] = lambda: None

    def build(self, site: Path) -> int:
        self.asked.append("build")
        site.mkdir(parents=True, exist_ok=True)
        (site / "index.html").write_text("A page")
        publishing.FINISHED.unlink(missing_ok=True)
        publishing.finish(linked="")
        self.while_building()
        return 0

    def verify(self, arguments: list[str], sound: set[str]) -> int:
        self.asked.append(" ".join(["verify", *arguments]))
        self.sound = sound
        return 0


SOURCE = {
    "docs/graphs.md": "# Graphs\n",
    "docs/_static/site.css": "p { margin: 0 }\n",
    "snippets/graphs/one/claim.md": "A claim.\n",
    "snippets/record.toml": "pages = []\n",
    "snippets/_api/sums.toml": "title = 'Sums'\n",
    "snippets/_harness/check.py": "# A harness\n",
    "conf.py": "project = 'Test'\n",
    "pyproject.toml": "[project]\n",
    "CONTRIBUTING.md": "# Contributing\n",
    "_build/evidence/graphs/one/pytorch.json": "{}\n",
}


@pytest.fixture
def builds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Builds:
    """A project that was built: what builds it again says so."""
    for name, text in SOURCE.items():
        path = tmp_path / "project" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    monkeypatch.chdir(tmp_path / "project")
    made = Builds()
    monkeypatch.setattr(publishing, "build", made.build)
    monkeypatch.setattr(publishing, "verify", made.verify)
    assert publishing.main(["verify"]) == 0
    assert made.asked == ["verify", "build"]
    made.asked.clear()
    return made


def test_nothing_is_built_or_verified_when_nothing_changed(
    builds: Builds, capsys: pytest.CaptureFixture[str]
) -> None:
    assert publishing.main(["verify"]) == 0
    assert publishing.main() == 0
    assert builds.asked == []
    assert "no page changed; open _build/html/index.html" in capsys.readouterr().out


def test_arguments_for_the_verification_are_never_ignored(builds: Builds) -> None:
    publishing.main(["verify", "--fresh"])
    assert builds.asked == ["verify --fresh", "build"]


def again(path: str, text: str | None = None) -> None:
    """Write a file, with the same size and time as before unless a text is given."""
    before = Path(path).stat()
    Path(path).write_text(text or Path(path).read_text().upper())
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def as_link(path: str) -> None:
    """Put a link to another file in the place of a file, and change what it leads to."""
    shutil.move(path, "../other")
    Path(path).symlink_to(Path("../other").resolve())
    publishing.main(["verify"])
    again("../other")


CHANGES: dict[str, Callable[[pytest.MonkeyPatch], object]] = {
    **{f"{name} written": lambda _patch, name=name: again(name) for name in SOURCE},
    "a new page": lambda _patch: Path("docs/new.md").write_text("# New\n"),
    "a page gone": lambda _patch: Path("docs/graphs.md").unlink(),
    "a page renamed": lambda _patch: Path("docs/graphs.md").rename("docs/other.md"),
    "evidence gone": lambda _patch: shutil.rmtree("_build/evidence"),
    "what a link leads to": lambda _patch: as_link("docs/graphs.md"),
    "a published page written to": lambda _patch: again("_build/html/index.html", "Another"),
    "a published page gone": lambda _patch: Path("_build/html/index.html").unlink(),
    "the published site gone": lambda _patch: shutil.rmtree("_build/html"),
    "the last build cut short": lambda _patch: publishing.FINISHED.unlink(),
    "what it knew cut short": lambda _patch: publishing.FINISHED.write_text('{"linked": "'),
    "the address of the site": lambda patch: patch.setenv("SITE_URL", "https://example.org/"),
    "a compiler": lambda patch: patch.setattr(
        shutil, "which", lambda name: "" if name == "g++" else "/bin/x"
    ),
    "another day": lambda patch: patch.setattr(inputs, "datetime", Tomorrow),
    "another Python": lambda patch: patch.setattr(inputs.sys, "version", "3.99"),
    "another version of a package": lambda patch: (
        Path("../torch-99.0.dist-info").mkdir(),
        patch.syspath_prepend(Path("..").resolve()),
    ),
    "the first commit": lambda _patch: commit(),
}


class Tomorrow:
    """Stands for the module datetime, a day later."""

    UTC = datetime.UTC

    class datetime(datetime.datetime):  # noqa: N801
        @classmethod
        def now(cls, tz: datetime.tzinfo | None = None) -> datetime.datetime:
            return datetime.datetime.now(tz) + datetime.timedelta(days=1)


def commit() -> None:
    who = ["-c", "user.name=A", "-c", "user.email=a@example.org"]
    for arguments in (["init", "-q"], ["add", "."], [*who, "commit", "-qm", "One"]):
        subprocess.run(["git", *arguments], check=True)


@pytest.mark.parametrize("case", CHANGES)
def test_each_change_is_noticed_and_leads_to_a_build(
    builds: Builds, monkeypatch: pytest.MonkeyPatch, case: str
) -> None:
    CHANGES[case](monkeypatch)
    builds.asked.clear()
    assert publishing.main(["verify"]) == 0
    assert builds.asked == ["verify", "build"]
    assert publishing.main(["verify"]) == 0
    assert builds.asked == ["verify", "build"]
    assert Path("_build/html/index.html").read_text() == "A page"


SOUND = {
    "docs/graphs.md": {"claims", "rows"},
    "docs/_static/site.css": {"claims", "rows"},
    "snippets/graphs/one/claim.md": {"rows"},
    "snippets/record.toml": {"rows"},
    "snippets/_api/sums.toml": {"claims"},
    "snippets/_harness/check.py": set(),
    "conf.py": set(),
    "pyproject.toml": set(),
    "_build/evidence/graphs/one/pytorch.json": set(),
}


@pytest.mark.parametrize("name", SOUND)
def test_what_a_change_does_not_concern_is_not_checked_again(builds: Builds, name: str) -> None:
    again(name)
    publishing.main(["verify"])
    assert builds.sound & {"claims", "rows"} == SOUND[name]


def test_the_first_evidence_is_no_change_of_the_sources(
    builds: Builds, monkeypatch: pytest.MonkeyPatch
) -> None:
    def verify(_arguments: list[str], _sound: set[str]) -> int:
        for name in filter(re.compile("_build/evidence").match, SOURCE):
            Path(name).parent.mkdir(parents=True)
            Path(name).write_text(SOURCE[name])
        return 0

    shutil.rmtree("_build")
    with monkeypatch.context() as patch:
        patch.setattr(publishing, "verify", verify)
        publishing.main(["verify"])
    assert builds.asked == ["build"]
    publishing.main(["verify"])
    assert builds.asked == ["build"]


def test_nothing_is_sound_that_was_not_verified(builds: Builds) -> None:
    again("docs/graphs.md")
    publishing.main()
    again("docs/graphs.md", "# Again\n")
    publishing.main(["verify"])
    assert builds.sound == set()


def test_arguments_ask_to_check_all(builds: Builds) -> None:
    publishing.main(["verify", "--fresh"])
    assert builds.sound == set()


def test_what_changes_while_it_is_verified_is_not_sound(
    builds: Builds, monkeypatch: pytest.MonkeyPatch
) -> None:
    def verify(_arguments: list[str], _sound: set[str]) -> int:
        again("snippets/graphs/one/claim.md", "Changed meanwhile\n")
        return 0

    again("docs/graphs.md")
    with monkeypatch.context() as patch:
        patch.setattr(publishing, "verify", verify)
        publishing.main(["verify"])
    publishing.main(["verify"])
    assert builds.asked == ["build", "verify", "build"]
    assert "claims" not in builds.sound


def test_what_changes_during_a_build_is_built_next(builds: Builds) -> None:
    again("docs/graphs.md")
    builds.while_building = lambda: Path("docs/graphs.md").write_text("# Changed meanwhile\n")
    publishing.main(["verify"])
    builds.while_building = lambda: None
    publishing.main(["verify"])
    assert builds.asked == ["verify", "build"] * 2
    publishing.main(["verify"])
    assert builds.asked == ["verify", "build"] * 2


def test_a_site_built_without_verification_does_not_pass_for_verified(builds: Builds) -> None:
    again("docs/graphs.md")
    publishing.main()
    assert builds.asked == ["build"]
    publishing.main(["verify"])
    assert builds.asked == ["build", "verify", "build"]


def test_a_failed_build_is_no_last_build(builds: Builds, monkeypatch: pytest.MonkeyPatch) -> None:
    again("docs/graphs.md")
    monkeypatch.setattr(publishing, "verify", lambda _arguments, _sound: 1)
    assert publishing.main(["verify"]) == 1
    monkeypatch.setattr(publishing, "verify", builds.verify)
    publishing.main(["verify"])
    assert builds.asked == ["verify", "build"]


def test_every_variable_that_our_code_reads_counts() -> None:
    code = [ROOT / "conf.py", *(ROOT / "docs" / "_ext").rglob("*.py")]
    code += (ROOT / "snippets" / "_harness").glob("*.py")
    asked = r"environ(?:\.get\(|\[)\s*\"(\w+)|\"(\w+)\" (?:not )?in os\.environ"
    found = {a or b for path in code for a, b in re.findall(asked, path.read_text())}
    ours = {"HOME"}  # which we set
    assert found - ours - set(inputs.VARIABLES) == set()
    assert {"SITE_URL", "PATH"} <= found
