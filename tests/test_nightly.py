"""What new releases change, from pytest's report to the issue that tells it."""

import json
import os
import shutil
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from harnessing import one_tab, run
from helpers import claim_text, make_claim, snippet
from markdown_it import MarkdownIt

from snippets._harness import nightly

ROOT = Path(__file__).parents[1]
WORKFLOW = ROOT / ".github" / "workflows" / "nightly.yml"
VERSIONS = {"tensorflow": "2.22.0rc1", "torch": "2.14.0+cpu", "keras": "3.16.0", "numpy": "2.4.6"}
CLAIM, ROW = "snippets/tensors/one/pytorch.md", "snippets/_api/sums.toml"
HOSTILE = (
    f"{CLAIM}:6\nGot:\n    <img src=x onerror=alert(1)> @everyone closes #1\n```\n# Heading\n"
    "[here](https://evil.example) ````` \u202egnp\x1b[31m\n<!--\n| a |"
)


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the checkout where the issue is written, with a claim and a family, as the cwd."""
    claim = claim_text(title="One *is* one, [really](x) <b>")
    make_claim(tmp_path, "tensors/one", claim=claim)
    (tmp_path / "snippets" / "_api").mkdir()
    (tmp_path / ROW).write_text('title = "Sums"\n\n[sum]\n')
    urls = (
        '[project.urls]\nHomepage = "https://site.example/"\nRepository = "https://code.example/r"'
    )
    (tmp_path / "pyproject.toml").write_text(f"{urls}\n")
    monkeypatch.chdir(tmp_path)
    for name in ("SITE_URL", "REPOSITORY_URL", "GITHUB_SHA", "RUN_URL"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


def results(*texts: str, items: int = 9, **more: Any) -> dict[str, Any]:
    """Return results as ``collect`` prints them, with a failure per text."""
    failures = [{"file": text.split(":")[0], "text": text} for text in texts]
    return {"items": items, "versions": VERSIONS, "failures": failures, **more}


def issue(project: Path, **found: Any) -> tuple[str, bool]:
    """Return the issue that tells the results, all well where none are given."""
    for name in nightly.VERSIONS:
        given = found.get(name, results())
        path = project / "results" / f"nightly-{name}" / "results.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(given if isinstance(given, str) else json.dumps(given))
    return nightly.report(project / "results", {})


def test_nothing_is_told_when_all_is_well(project: Path) -> None:
    assert issue(project)[1] is False


def test_the_issue_names_page_claim_snippet_and_what_changed(project: Path) -> None:
    text = f"{CLAIM}:6\nExpected:\n    2\nGot:\n    3"
    body, changed = issue(project, newest=results(text), coming=results(text))
    assert changed
    assert "https://site.example/tensors.html#tensors-one" in body
    assert f"[`{CLAIM}:6`](https://code.example/r/blob/main/{CLAIM}?plain=1#L6)" in body
    assert "fails on newest and coming versions and passes on pinned." in body
    assert "Expected:\n    2\nGot:\n    3" in body
    assert body.count("```text") == 1  # both say the same


def test_what_each_versions_say_is_told_where_it_differs(project: Path) -> None:
    texts = (f"{CLAIM}:6\nGot:\n    {n}" for n in (3, 4))
    body, _ = issue(project, newest=results(next(texts)), coming=results(next(texts)))
    assert body.count("###") == 1
    assert body.index("newest:\n") < body.index("    3") < body.index("coming:\n")
    assert body.index("coming:\n") < body.index("    4")


def test_a_row_of_the_table_is_named_with_its_address(project: Path) -> None:
    body, _ = issue(project, newest=results(f"{ROW}:3: row 'sum': pinned is 1, now 2"))
    assert "[the API table, sums: sum](https://site.example/api/sums.html#api-sum)" in body
    assert f"{ROW}:3" in body


def test_a_claim_shown_on_another_page_is_linked_there(project: Path) -> None:
    (project / "docs" / "tensors.md").rename(project / "docs" / "elsewhere.md")
    body, _ = issue(project, newest=results(f"{CLAIM}:6\nGot"))
    assert "https://site.example/elsewhere.html#tensors-one" in body


@pytest.mark.parametrize(
    "given",
    ["", "{", "[]", "null", '{"items": 1}', "[" * 100_000, "\xff\x00"]
    + [json.dumps(results() | changes) for changes in ({"items": "9"}, {"failures": [1]})],
    ids=range(9),
)
def test_results_that_make_no_sense_are_none(project: Path, given: str) -> None:
    body, changed = issue(project, newest=given)
    assert changed
    assert "| newest |  |  |  | no results | |" in body


def test_results_that_are_not_there_are_told(project: Path) -> None:
    assert nightly.report(project / "results", {})[1] is True


def test_a_run_that_ended_early_is_told(project: Path) -> None:
    body, changed = issue(project, newest=results(items=5))
    assert changed
    assert "| 5, not 9 | 0 |" in body


def test_what_a_snippet_printed_is_shown_and_nothing_else(project: Path) -> None:
    body, _ = issue(project, newest=results(HOSTILE))
    tokens = MarkdownIt("gfm-like", {"linkify": False}).parse(body)
    (block,) = [token for token in tokens if token.type == "fence"]
    for line in ("<img src=x", "@everyone", "# Heading", "[here]", "<!--", "| a |"):
        assert line in block.content
    assert "\\u202egnp\\u001b[31m" in block.content
    assert not {"html_block", "html_inline"} & {token.type for token in tokens}
    inline = [child for token in tokens for child in token.children or []]
    links = [str(child.attrGet("href")) for child in inline if child.type == "link_open"]
    assert {link.split("/")[2] for link in links} == {"site.example", "code.example"}
    (heading,) = [at for at, token in enumerate(tokens) if token.type == "heading_open"]
    words = [child.content for child in tokens[heading + 1].children or []]
    assert "".join(words) == "One *is* one, [really](x) <b>"


def test_neither_places_nor_versions_are_taken_on_trust(project: Path) -> None:
    given = results("snippets/no/such/pytorch.md:6\n@everyone", "../../etc/passwd:1\n")
    given["versions"] = {"torch": "1 | [x](https://evil.example)", "keras": ["@everyone"]}
    body, _ = issue(project, newest=given)
    without_fences = body.split("```")[::2]
    assert not [text for text in without_fences if "@everyone" in text or "passwd" in text]
    assert "evil.example" not in body
    assert body.count("### Elsewhere") == 2


def test_a_lone_surrogate_can_be_printed(project: Path) -> None:
    body, _ = issue(project, newest=results(f"{CLAIM}:6\n\ud800"))
    assert "\\ud800" in body
    body.encode()


def test_the_issue_fits_whatever_fails(project: Path) -> None:
    texts = [f"{CLAIM}:{line}\n{'x' * 9_000}" for line in range(1, 200)]
    body, _ = issue(project, newest=results(*texts))
    assert len(body) < 65_536
    assert "[...]" in body
    assert "more.\n" in body


def test_writing_the_issue_imports_nothing_but_python_s_own(project: Path) -> None:
    code = "import sys; sys.path.insert(0, sys.argv[1]); import snippets._harness.nightly as n"
    last = "print(n.main(['report', 'results']))"
    command = [sys.executable, "-I", "-S", "-c", f"{code}; {last}", str(ROOT)]
    done = subprocess.run(command, cwd=project, capture_output=True, text=True, check=False)
    assert done.stdout.endswith(f"{nightly.CHANGED}\n"), done.stderr


# ---------------------------------------------------------------- from a real run


def test_a_run_is_collected_with_the_place_of_each_failure(
    quick: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one_tab(quick, "a/good", snippet(">>> 1 + 1\n2"))
    one_tab(quick, "a/bad", snippet(">>> 1 + 1\n2\n>>> 2\n3"))
    two, three = (snippet(f">>> x = {n}; x\n{n}") for n in (2, 3))
    make_claim(quick, "b/apart", claim=claim_text(agree={"x": 0}), tensorflow=two, pytorch=three)
    run(quick, "snippets")
    monkeypatch.chdir(quick)
    given = json.loads(json.dumps(nightly.collect(quick / "report.xml")))
    assert given["items"] == 6
    assert given["versions"]["keras"]
    found = [nightly.failure(**failed) for failed in given["failures"]]
    assert sorted((failed.file, failed.line) for failed in found) == [
        ("snippets/a/bad/pytorch.md", 6),
        ("snippets/b/apart/claim.md", 9),
    ]
    assert "x differs by 1" in "".join(failed.text for failed in found)


def test_keras_is_the_one_that_a_candidate_of_tensorflow_brings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    report = tmp_path / "report.xml"
    report.write_text("<testsuites/>")
    assert nightly.collect(report)["versions"]["keras"] != "3.99.0.dev1"
    metadata = tmp_path / "keras_nightly-3.99.0.dev1.dist-info" / "METADATA"
    metadata.parent.mkdir()
    metadata.write_text("Metadata-Version: 2.1\nName: keras-nightly\nVersion: 3.99.0.dev1\n")
    monkeypatch.syspath_prepend(tmp_path)
    assert nightly.collect(report)["versions"]["keras"] == "3.99.0.dev1"


# ---------------------------------------------------------------- the step that writes the issue

GH = """\
#!/bin/sh
echo "$@" >> "$CALLS"
case "$1 $2" in "issue list") echo "$ISSUE" ;; esac
"""


def test_the_results_of_all_versions_lie_where_they_are_read() -> None:
    jobs = yaml.safe_load(WORKFLOW.read_text())["jobs"]
    assert tuple(jobs["run"]["strategy"]["matrix"]["versions"]) == nightly.VERSIONS
    (upload,) = [s for s in jobs["run"]["steps"] if "upload-artifact" in s.get("uses", "")]
    assert upload["with"]["name"] == "nightly-${{ matrix.versions }}"
    assert upload["with"]["path"] == "results.json"
    downloads = [s for s in jobs["tell"]["steps"] if "download-artifact" in s.get("uses", "")]
    assert [(step["with"]["name"], step["with"]["path"]) for step in downloads] == [
        (f"nightly-{name}", f"results/nightly-{name}") for name in nightly.VERSIONS
    ]
    assert all(step["continue-on-error"] for step in downloads)


@pytest.fixture
def told(project: Path) -> Callable[[str, bool], list[str]]:
    """Return a function that runs the workflow's step and returns its calls of ``gh``."""
    steps = yaml.safe_load(WORKFLOW.read_text())["jobs"]["tell"]["steps"]
    (script,) = [step["run"] for step in steps if "run" in step]
    programs, calls = project / "programs", project / "calls"
    programs.mkdir()
    (programs / "gh").write_text(GH)
    (programs / "gh").chmod(stat.S_IRWXU)
    (programs / "python3").symlink_to(sys.executable)
    shutil.copytree(ROOT / "snippets" / "_harness", project / "snippets" / "_harness")

    def tell(existing: str, well: bool) -> list[str]:
        issue(project, newest=results() if well else results(f"{CLAIM}:6\nGot"))
        environment = {"PATH": f"{programs}:{os.environ['PATH']}", "CALLS": str(calls)}
        environment |= {"ISSUE": existing, "RUN_URL": "https://run.example"}
        subprocess.run(["bash", "-e", "-c", script], env=environment, cwd=project, check=True)
        made = [" ".join(line.split()[:3]) for line in calls.read_text().splitlines()]
        return made[1:]  # the first asks for the issue

    return tell


@pytest.mark.parametrize(
    ("existing", "well", "calls"),
    [
        ("", True, []),
        ("7 OPEN", True, ["issue close 7"]),
        ("7 CLOSED", True, []),
        ("", False, ["label create nightly", "issue create --title"]),
        ("7 OPEN", False, ["issue edit 7"]),
        ("7 CLOSED", False, ["issue edit 7", "issue reopen 7"]),
    ],
)
def test_there_is_one_issue_open_while_something_fails(
    told: Callable[[str, bool], list[str]], existing: str, well: bool, calls: list[str]
) -> None:
    assert told(existing, well) == calls
