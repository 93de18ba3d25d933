"""The record of what was ever published: what is added, what is missed, what is gone."""

import datetime
import subprocess
import sys
from pathlib import Path

import pytest
from helpers import claim_text, make_claim

from snippets._harness import record
from snippets._harness.catalogue import Catalogue

ROOT = Path(__file__).parents[1]
FIRST, SECOND = datetime.date(2026, 1, 30), datetime.date(2026, 2, 1)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project with one claim and a labelled page."""
    make_claim(tmp_path, "sums/one")
    page = tmp_path / "docs" / "sums.md"
    page.write_text("(axis-sums)=\n# Sums\n\n" + page.read_text())
    (tmp_path / "docs" / "sources.md").write_text("# Sources\n\n```{articles}\n```\n")
    return tmp_path


def note(project: Path, day: datetime.date = FIRST) -> str:
    """Put on record what is new, as of a day; return the file."""
    record.update(Catalogue(project, day))
    return (project / "snippets" / record.NAME).read_text()


def history(project: Path) -> list[tuple[str, str, str]]:
    return record.read(project / "snippets" / record.NAME).history("sums-one")


def stands(project: Path, **front: str) -> None:
    """Let the claim stand as ``front`` says from now on."""
    (project / "snippets" / "sums" / "one" / "claim.md").write_text(claim_text(**front))


def rename(project: Path, new: str) -> None:
    """Give the claim another name, on the same page."""
    folder = project / "snippets" / "sums" / "one"
    folder.rename(folder.with_name(new))
    page = project / "docs" / "sums.md"
    page.write_text(page.read_text().replace("sums/one", f"sums/{new}"))


def command(project: Path, name: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "snippets._harness", name],
        cwd=project,
        env={"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )


def messages(project: Path) -> list[str]:
    return [problem.message for problem in record.problems(Catalogue(project))]


def test_pages_anchors_and_verdicts_are_recorded_in_order(project: Path) -> None:
    assert note(project).endswith(
        'pages = [\n  "sources",\n  "sums",\n]\n\n'
        '[anchors]\narticle-primer = ["sources"]\naxis-sums = ["sums"]\nsums-one = ["sums"]\n\n'
        '[claims]\nsums-one.2026-01-30 = "holds, tie"\n\n[moved]\n'
    )


def test_recording_again_changes_nothing(project: Path) -> None:
    assert note(project) == note(project, SECOND)


def test_a_claim_that_stands_otherwise_gets_a_line_and_keeps_the_old_one(project: Path) -> None:
    note(project)
    stands(project, status="outdated")
    note(project, SECOND)
    assert history(project) == [
        ("2026-01-30", "holds", "tie"),
        ("2026-02-01", "outdated", "tie"),
    ]


def test_of_one_day_the_last_word_counts(project: Path) -> None:
    note(project)
    stands(project, favours="pytorch")
    note(project)
    assert history(project) == [("2026-01-30", "holds", "pytorch")]


def test_what_is_gone_stays_on_record(project: Path) -> None:
    note(project)
    rename(project, "two")
    text = note(project, SECOND)
    assert 'sums-one.2026-01-30 = "holds, tie"' in text
    assert 'sums-one = ["sums"]' in text


def test_what_people_wrote_below_moved_is_kept(project: Path) -> None:
    path = project / "snippets" / record.NAME
    path.write_text(note(project) + '"old/page" = "sums"\n')
    stands(project, status="never")
    assert note(project, SECOND).endswith('[moved]\n"old/page" = "sums"\n')


def test_a_label_within_a_code_block_is_no_anchor(project: Path) -> None:
    page = project / "docs" / "sums.md"
    page.write_text(page.read_text() + "````markdown\n(shown)=\n```python\n```\n````\n")
    assert "shown" not in note(project)


def test_a_claim_that_moves_to_another_page_is_recorded_on_both(project: Path) -> None:
    note(project)
    page = project / "docs" / "sums.md"
    (project / "docs" / "more.md").write_text("# More\n\n```{claim} sums/one\n```\n")
    page.write_text("(axis-sums)=\n# Sums\n")
    assert 'sums-one = ["sums", "more"]' in note(project, SECOND)
    assert messages(project) == []


def test_make_check_counts_what_is_not_on_record_and_says_what_to_do(project: Path) -> None:
    note(project)
    make_claim(project, "sums/two")
    stands(project, status="partly")
    done = command(project, "check")
    assert done.returncode == 1
    lines = [
        '15:1: the record says "holds, tie", claim.md "partly, tie" (sums-one)',
        "1:1: 1 claim is not on record (sums-two)",
    ]
    assert done.stderr.splitlines() == [
        f"snippets/record.toml:{line}; run `make record`" for line in lines
    ]
    done = command(project, "record")
    assert done.stdout == "record.toml: 1 verdict changed, 1 verdict added, 1 anchor added\n"
    assert command(project, "check").returncode == 0


def test_what_is_put_on_record_is_counted(project: Path) -> None:
    assert record.update(Catalogue(project, FIRST)) == (
        "record.toml: 1 verdict added, 3 anchors added, 2 pages added"
    )
    stands(project, status="partly")  # on the same day, which takes no further line
    assert record.update(Catalogue(project, FIRST)) == "record.toml: 1 verdict changed"
    (project / "docs" / "more.md").write_text("# More\n\n```{claim} sums/one\n```\n")
    (project / "docs" / "sums.md").write_text("(axis-sums)=\n# Sums\n")
    moved = "record.toml: 1 anchor moved, 1 page added"
    assert record.update(Catalogue(project, SECOND)) == moved
    assert record.update(Catalogue(project, SECOND)) == "everything is on record"


def test_the_verdict_on_record_is_named_at_its_last_line(project: Path) -> None:
    note(project)
    stands(project, favours="pytorch")
    lines = note(project, SECOND).split("\n")
    stands(project)
    (problem,) = record.problems(Catalogue(project))
    assert problem.line == lines.index('sums-one.2026-02-01 = "holds, pytorch"') + 1
    assert problem.message == (
        'the record says "holds, pytorch", claim.md "holds, tie" (sums-one); run `make record`'
    )


def test_a_draft_that_is_not_on_record_can_be_built(project: Path) -> None:
    note(project)
    make_claim(project, "sums/two", tensorflow=None, pytorch=None, claim=claim_text(kind="prose"))
    stands(project, kind="prose", status="partly")
    for tab in ("tensorflow", "pytorch"):
        (project / "snippets" / "sums" / "one" / f"{tab}.md").unlink()
    done = command(project, "verify")
    assert (done.returncode, done.stderr) == (0, "")


def test_a_project_without_the_file_keeps_no_record(project: Path) -> None:
    assert messages(project) == []


def test_a_claim_that_is_gone_is_an_error_at_its_line_until_it_is_said_where_to(
    project: Path,
) -> None:
    lines = note(project).split("\n")
    rename(project, "two")
    note(project, SECOND)
    (problem,) = record.problems(Catalogue(project))
    assert problem.line == lines.index('sums-one = ["sums"]') + 1
    assert "'sums-one' was published and is gone" in problem.message
    assert 'below [moved] what took its place: sums-one = "..."' in problem.message
    with (project / "snippets" / record.NAME).open("a") as file:
        file.write('sums-one = "sums-two"\n')
    assert messages(project) == []


def test_a_page_that_is_gone_is_an_error_too(project: Path) -> None:
    note(project)
    (project / "docs" / "sources.md").rename(project / "docs" / "articles.md")
    note(project, SECOND)
    assert [text for text in messages(project) if "gone" in text] == [
        (
            "the page 'sources' was published and is gone; "
            'say below [moved] what took its place: sources = "..."; '
            "if it was never on main, delete its lines from this file instead"
        )
    ]


@pytest.mark.parametrize("places", [{"sums-one": "nowhere"}, {"sums-one": "a", "a": "sums-one"}])
def test_a_place_that_is_not_there_is_an_error(project: Path, places: dict[str, str]) -> None:
    note(project)
    rename(project, "two")
    with (project / "snippets" / record.NAME).open("a") as file:
        file.writelines(f'{old} = "{new}"\n' for old, new in places.items())
    note(project, SECOND)
    assert any("which should have taken its place, is not there" in m for m in messages(project))


def test_what_was_never_on_main_goes_with_its_lines(project: Path) -> None:
    note(project)
    rename(project, "two")
    path = project / "snippets" / record.NAME
    kept = [line for line in note(project, SECOND).split("\n") if not line.startswith("sums-one")]
    path.write_text("\n".join(kept))
    assert messages(project) == []


def test_moves_follow_one_another(project: Path) -> None:
    note(project)
    rename(project, "three")
    with (project / "snippets" / record.NAME).open("a") as file:
        file.write('sums-one = "sums-two"\nsums-two = "sums-three"\n')
    note(project, SECOND)
    assert messages(project) == []


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("pages = []\n<<<<<<< HEAD\n", 2, "cannot be read"),
        ('[claims]\nsums-one.2026-01-30 = "holds"\n', 2, "sums-one.2026-01-30"),
        ("[claim]\n", 1, "claim"),
    ],
)
def test_a_record_that_cannot_be_read_is_an_error_with_its_place(
    project: Path, text: str, line: int, words: str
) -> None:
    (project / "snippets" / record.NAME).write_text(text)
    (problem,) = record.problems(Catalogue(project))
    assert problem.line == line
    assert words in problem.message
    assert command(project, "record").stderr.startswith(f"snippets/record.toml:{line}:1: ")


def test_this_project_has_everything_on_record() -> None:
    assert (ROOT / "snippets" / record.NAME).exists()
    assert messages(ROOT) == []
