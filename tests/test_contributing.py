"""The way of a contributor: a claim begun, written, checked; code formatted; what waits, waits."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from harnessing import LIMIT, ROOT, new_project, run
from helpers import make_claim, snippet

from snippets._harness import format as formatting
from snippets._harness import new
from snippets._harness.catalogue import Catalogue

PAGE = """\
# Sums

## Are they small?

```{claim} sums/one-and-one
```

What else there is.
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project with one axis, of one claim."""
    make_claim(new_project(tmp_path / "project"), "sums/one-and-one")
    (tmp_path / "project" / "docs" / "sums.md").write_text(PAGE)
    return tmp_path / "project"


def harness(project: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the harness's command line in a project."""
    return subprocess.run(
        [sys.executable, "-m", "snippets._harness", *arguments],
        cwd=project,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )


def contents(project: Path) -> dict[Path, str]:
    return {path: path.read_text() for path in project.rglob("*.md")}


def written(project: Path) -> None:
    """Write what only a person can write, of the claim sums/new-one."""
    for path in (project / "snippets" / "sums" / "new-one").glob("*.md"):
        lines = path.read_text().split("\n")
        kept = (re.sub(r" *# WRITE:.*", "", line) for line in lines)
        path.write_text("\n".join(re.sub(r"^WRITE:.*", "So it is.", line) for line in kept))


# ---------------------------------------------------------------- a claim begun


def test_a_new_claim_lacks_only_what_a_person_must_write(project: Path) -> None:
    done = harness(project, "new", "sums/new-one")
    assert done.returncode == 0, done.stderr
    assert Catalogue(project).problems() == []
    marked = harness(project, "check")
    assert marked.returncode == 1
    places = re.findall(r"^(\S+?):\d+:\d+: still to write: \w", marked.stderr, re.MULTILINE)
    folder = "snippets/sums/new-one/"
    assert {place.removeprefix(folder) for place in places} == {
        "claim.md",
        "tensorflow.md",
        "pytorch.md",
    }
    assert len(marked.stderr.splitlines()) == len(places)
    written(project)
    assert harness(project, "check").returncode == 0


def test_the_code_of_a_new_claim_runs(project: Path) -> None:
    new.create(Catalogue(project), "sums/new-one")
    done = run(project, "snippets/sums/new-one", "--limit", str(12 * LIMIT))  # on a busy machine
    assert done.code == 0, done.output
    outcomes = [item.outcome for items in done.items.values() for item in items.values()]
    assert outcomes == ["passed"] * 6


def test_a_new_claim_is_shown_below_the_others(project: Path) -> None:
    new.create(Catalogue(project), "sums/new-one")
    page = (project / "docs" / "sums.md").read_text()
    shown = "```{claim} sums/one-and-one\n```\n\n```{claim} sums/new-one\n```\n\nWhat else"
    assert shown in page
    assert page.replace("\n```{claim} sums/new-one\n```\n", "") == PAGE


def test_the_first_claim_of_a_page_is_shown_at_its_end(project: Path) -> None:
    (project / "snippets" / "products").mkdir()
    (project / "docs" / "products.md").write_text("# Products\n\nSome.\n")
    new.create(Catalogue(project), "products/new-one")
    page = (project / "docs" / "products.md").read_text()
    assert page == "# Products\n\nSome.\n\n```{claim} products/new-one\n```\n"


def test_a_claim_that_a_page_shows_already_is_not_shown_twice(project: Path) -> None:
    page = project / "docs" / "sums.md"
    page.write_text(f"{PAGE}\n```{{claim}} sums/new-one\n```\n")
    new.create(Catalogue(project), "sums/new-one")
    assert page.read_text().count("sums/new-one") == 1


@pytest.mark.parametrize(
    "name", ["sums/new-one", "snippets/sums/new-one/", "./snippets/sums/new-one"]
)
def test_a_claim_may_be_named_by_its_folder(project: Path, name: str) -> None:
    new.create(Catalogue(project), name)
    assert (project / "snippets" / "sums" / "new-one" / "claim.md").exists()


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("", "CLAIM=<axis>/<claim>"),
        ("sums", "CLAIM=<axis>/<claim>"),
        ("sum/new-one", "did you mean 'sums'"),
        ("sums/New One!", "sums/new-one"),
        ("sums/größer", "sums/gro"),
        ("sums/../one", "sums/one"),
        ("sums/a/b", "sums/a-b"),
        ("sums/日本", "sums/my-claim"),
        ("sums/one-and-one", "exists already"),
    ],
)
def test_a_name_that_will_not_do_gets_a_better_one_and_no_files(
    project: Path, name: str, hint: str
) -> None:
    before = contents(project)
    done = harness(project, "new", name)
    assert done.returncode == 1
    assert hint in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert contents(project) == before


def test_what_is_unwritten_is_not_put_on_record(project: Path) -> None:
    new.create(Catalogue(project), "sums/new-one")
    done = harness(project, "record")
    assert done.returncode == 1
    assert "still to write" in done.stderr
    assert not (project / "snippets" / "record.toml").exists()


def test_what_is_unwritten_is_not_verified_for_a_site(project: Path) -> None:
    new.create(Catalogue(project), "sums/new-one")
    done = harness(project, "verify")
    assert done.returncode == 1
    assert "still to write" in done.stderr
    assert not (project / "_build").exists()


# ---------------------------------------------------------------- one claim checked


def test_an_unknown_claim_gets_a_name_that_is_near(project: Path) -> None:
    done = harness(project, "check", "sums/one-and-two")
    assert done.returncode == 1
    assert "did you mean 'sums/one-and-one'" in done.stderr
    assert "make new" in done.stderr


def test_a_claim_is_checked_apart_from_the_mistakes_of_others(quick: Path) -> None:
    make_claim(quick, "sums/one-and-one")
    make_claim(quick, "sums/other", pytorch="none\n")
    assert harness_of(quick, "sums/one-and-one").returncode == 0
    done = harness_of(quick, "sums/other")
    assert done.returncode == 1
    assert "snippets/sums/other/pytorch.md:1:1: no doctest" in done.stderr


def test_a_claim_that_no_page_shows_is_reported(quick: Path) -> None:
    make_claim(quick, "sums/one-and-one")
    (quick / "docs" / "sums.md").write_text("# Sums\n")
    done = harness_of(quick, "sums/one-and-one")
    assert done.returncode == 1
    assert "no page shows this claim" in done.stderr


def test_a_claim_of_an_axis_without_a_page_is_not_run(quick: Path) -> None:
    make_claim(quick, "sums/one-and-one")
    make_claim(quick, "sum/new", pytorch=snippet(">>> 1 + 1\n3"))
    (quick / "docs" / "sum.md").unlink()
    done = harness_of(quick, "sum/new")
    assert done.returncode == 1
    says = "snippets/sum:1:1: no axis 'sum': did you mean 'sums'? (one of: sums)\n"
    assert (done.stdout, done.stderr) == ("", says)


def test_all_that_is_wrong_with_the_page_of_a_claim_is_reported(quick: Path) -> None:
    for name in ("sums/one-and-one", "sums/other", "products/one"):
        make_claim(quick, name)
    (quick / "docs" / "sums.md").write_text(PAGE + "```{claim} sums/othr\n```\n")
    (quick / "docs" / "products.md").write_text("```{claim} products/on\n```\n")
    done = harness_of(quick, "sums/one-and-one")
    assert done.returncode == 1
    assert [line.split(" did")[0] for line in done.stderr.splitlines()] == [
        "docs/sums.md:9:1: no claim 'sums/othr':"
    ]


def test_a_page_is_looked_at_though_its_claim_does_not_load(quick: Path) -> None:
    make_claim(quick, "sums/one-and-one", pytorch="none\n")
    (quick / "docs" / "sums.md").write_text("```{claim} sums/one\n```\n")
    places = [
        line.split(": ")[0] for line in harness_of(quick, "sums/one-and-one").stderr.splitlines()
    ]
    folder = "snippets/sums/one-and-one"
    assert sorted(places) == [
        "docs/sums.md:1:1",
        f"{folder}/claim.md:1:1",
        f"{folder}/pytorch.md:1:1",
    ]


def test_code_that_is_not_formatted_is_named_before_it_is_sent(quick: Path) -> None:
    make_claim(quick, "sums/one-and-one", pytorch=snippet(">>> 1+1\n2"))
    done = harness_of(quick, "sums/one-and-one")
    assert done.returncode == 1
    path = "snippets/sums/one-and-one/pytorch.md"
    how = f"not formatted; run .venv/bin/python -m snippets._harness.format {path}"
    assert done.stderr == f"{path}:4:1: {how}\n"


@pytest.mark.parametrize(
    ("code", "hinted"),
    [
        (">>> x = 1\n>>> x == 1\nTrue", True),
        (">>> 1 == 1\nTrue\n>>> 2\n2", False),
        (">>> 1 == 2\nFalse", False),
    ],
    ids=["only True", "more", "False"],
)
def test_true_alone_passes_with_a_hint(quick: Path, code: str, *, hinted: bool) -> None:
    make_claim(quick, "sums/one-and-one", pytorch=snippet(code))
    done = harness_of(quick, "sums/one-and-one")
    assert done.returncode == 0, done.stdout + done.stderr
    what = "only True is expected; show the value, shape or error it stands for"
    line = f"hint: snippets/sums/one-and-one/pytorch.md:6: {what}\n"
    assert done.stderr == (line if hinted else "")


def test_a_claim_whose_sides_disagree_fails(quick: Path) -> None:
    make_claim(
        quick,
        "sums/one-and-one",
        claim="---\ntitle: One\nkind: ours\nstatus: holds\nfavours: tie\nagree: {x: 0}\n---\nSo.\n",
        tensorflow="```python\n>>> x = 1\n>>> x\n1\n```\n",
        pytorch="```python\n>>> x = 2\n>>> x\n2\n```\n",
    )
    done = harness_of(quick, "sums/one-and-one")
    assert done.returncode == 1
    assert "snippets/sums/one-and-one/claim.md:6:1: x differs by 1" in done.stdout


def test_a_claim_without_code_needs_none_to_run(quick: Path) -> None:
    prose = (
        "---\ntitle: One\nkind: prose\nstatus: holds\nfavours: tie\nsources: []\n---\nSo it is.\n"
    )
    make_claim(quick, "sums/one-and-one", claim=prose, tensorflow=None, pytorch=None)
    done = harness_of(quick, "sums/one-and-one")
    assert done.returncode == 0, done.stdout + done.stderr


def harness_of(project: Path, name: str) -> subprocess.CompletedProcess[str]:
    """Check a claim with the harness that a project has a copy of."""
    shutil.copy(ROOT / "pyproject.toml", project)
    return subprocess.run(
        [sys.executable, "-m", "snippets._harness", "check", name],
        cwd=project,
        capture_output=True,
        text=True,
        check=False,
    )


# ---------------------------------------------------------------- code formatted


def fenced(code: str) -> str:
    return f"Some words:\n\n```python\n{code}\n```\n\nMore  words.\n"


def after_formatting(tmp_path: Path, code: str) -> str:
    """Return what becomes of code in a file, which formatting again may not change."""
    path = tmp_path / "pytorch.md"
    path.write_text(fenced(code))
    assert formatting.main([str(path)]) == 0
    once = path.read_text()
    assert formatting.main([str(path)]) == 0
    assert path.read_text() == once
    assert formatting.main(["--check", str(path)]) == 0
    before, after = fenced("\0").split("\0")
    assert once.startswith(before)
    assert once.endswith(after)
    return once.removeprefix(before).removesuffix(after)


@pytest.mark.parametrize(
    ("code", "formatted"),
    [
        (">>> x = {'a':1 }\n>>> x ['a']\n1", '>>> x = {"a": 1}\n>>> x["a"]\n1'),
        (">>> f( 1,2 )\n{'a':1 }", ">>> f(1, 2)\n{'a':1 }"),
        (
            ">>> def f( x ):\n...   y=x\n...   return y\n>>> f(1)\n1",
            ">>> def f(x):\n...     y = x\n...     return y\n>>> f(1)\n1",
        ),
        (
            ">>> x=1  # doctest: +ELLIPSIS\n>>> x\n1",
            ">>> x = 1  # doctest: +ELLIPSIS\n>>> x\n1",
        ),
        (
            ">>> s='''a\n...   b'''\n>>> s\n'a\\n  b'",
            '>>> s = """a\n...   b"""\n>>> s\n\'a\\n  b\'',
        ),
        (
            ">>> class A:\n...   x=1\n...   def f(self):\n...     return 1",
            ">>> class A:\n...     x = 1\n...     def f(self):\n...         return 1",
        ),
    ],
    ids=["spaces", "output", "function", "directive", "text of many lines", "no blank lines"],
)
def test_code_is_formatted_and_its_output_is_not(tmp_path: Path, code: str, formatted: str) -> None:
    assert after_formatting(tmp_path, code) == formatted


@pytest.mark.parametrize(
    "code",
    [
        ">>> x = 1; y = 2\n>>> y\n2",
        ">>> for i in range(2): print( i )\n0\n1",
        ">>> f(x='aaaaaaaaaaaaaaaaaaaaaaaaaaaa',\n...   y='bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb')\n1",
        ">>> def f(x) return  x\nTraceback (most recent call last):\n...\nSyntaxError: ...",
        '>>> def f():\n...     """ Says. """\n>>> f.__doc__\n\' Says. \'',
    ],
    ids=["two statements", "grows", "grows by brackets", "no Python", "docstring"],
)
def test_code_that_would_mean_something_else_or_grow_is_left_alone(
    tmp_path: Path, code: str
) -> None:
    assert after_formatting(tmp_path, code) == code


def test_unformatted_code_is_named_with_its_place(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "pytorch.md"
    path.write_text(fenced(">>> x = 1\n>>> x+1\n2"))
    assert formatting.main(["--check", str(path)]) == 1
    assert f"{path}:5:1: not formatted; run " in capsys.readouterr().err
    assert path.read_text() == fenced(">>> x = 1\n>>> x+1\n2")


def test_the_hook_fails_where_it_changed_a_file(tmp_path: Path) -> None:
    hooks = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"][0]["hooks"]
    entries = {hook["id"]: hook["entry"].split() for hook in hooks}
    for name, suffix, text in [
        ("snippet-format", ".md", fenced(">>> x+1\n2")),
        ("ruff-format", ".py", "x=1\n"),
        ("ruff-check", ".py", "import os\n"),
    ]:
        path = tmp_path / f"{name}{suffix}"  # which no git knows
        path.write_text(text)
        codes = [subprocess.call([*entries[name], path], cwd=ROOT) for _ in range(2)]
        assert path.read_text() != text
        assert codes == [1, 0], name


def test_formatting_the_code_of_this_site_keeps_all_that_is_checked(tmp_path: Path) -> None:
    """Every snippet file keeps its lines, and what is expected of them."""
    files = sorted((ROOT / "snippets").glob("*/*/*.md"))
    copies = [tmp_path / f"{number}.md" for number in range(len(files))]
    for file, copy in zip(files, copies, strict=True):
        shutil.copy(file, copy)
    assert formatting.main(list(map(str, copies))) == 0
    for file, copy in zip(files, copies, strict=True):
        before, after = file.read_text(), copy.read_text()
        assert len(after.split("\n")) <= len(before.split("\n"))
        assert output_of(after) == output_of(before), file


def output_of(text: str) -> list[str]:
    return [line for line in text.split("\n") if not line.startswith((">>>", "..."))]


# ---------------------------------------------------------------- one at a time


def test_a_command_waits_for_the_other_and_says_so(tmp_path: Path) -> None:
    lock, log = tmp_path / "new" / "lock", tmp_path / "log"
    code = (
        f"import time; log = open({str(log)!r}, 'a', 1)\n"
        "print('begins', file=log); time.sleep(1.5); print('ends', file=log)"
    )
    command = [
        sys.executable,
        "-m",
        "snippets._harness.alone",
        str(lock),
        sys.executable,
        "-c",
        code,
    ]
    started = [
        subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True) for _ in range(2)
    ]
    said = "".join(process.communicate()[1] for process in started)
    assert log.read_text().split() == ["begins", "ends"] * 2
    assert said.count("waiting for another make") == 1


def test_a_lock_goes_with_whoever_held_it(tmp_path: Path) -> None:
    alone = [sys.executable, "-m", "snippets._harness.alone", str(tmp_path / "lock")]
    code = "import time; print('held', flush=True); time.sleep(600)"
    holder = subprocess.Popen(
        [*alone, sys.executable, "-c", code], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    assert holder.stdout
    assert holder.stdout.readline() == "held\n"
    holder.kill()
    holder.wait()
    done = subprocess.run([*alone, "echo", "mine"], cwd=ROOT, capture_output=True, check=True)
    assert done.stdout == b"mine\n"
    assert done.stderr == b""
