"""The API table as who writes rows meets it: rows that agree, differ, crash, or are wrong."""

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from snippets._harness.api import expressions, inputs, names, rows

ROOT = Path(__file__).parents[1]

SOUND = """\
title = "Sums"
about = "Made up."

[sum]
tensorflow = "tf.reduce_sum(x, axis=1)"
pytorch = "torch.sum(x, dim=1)"
inputs = { x = "float[n,m]" }
also = ["Tensor.sum", "np.sum(x, 1)"]

[maximum]
tensorflow = "tf.maximum(x, y)"
pytorch = "torch.maximum(x, y)"
inputs = { x = "float[n]", y = "float[n]" }

[maximum.cases.gradient-at-ties]
inputs = { x = [1.0], y = [1.0] }
differs = "TensorFlow gives all of it to the first; PyTorch halves it."

[dense]
kind = "layer"
tensorflow = "keras.layers.Dense(4)"
pytorch = "torch.nn.Linear(3, 4)"
inputs = { x = "float[n,3]" }
weights = { weight = "w[0].T", bias = "w[1]" }

[ragged]
tensorflow = "tf.RaggedTensor.from_row_lengths(x, [1, 2])"
inputs = { x = "float[3]" }
absent = ["torch.ragged"]
instead = "Pad the rows."
"""
# What is wrong with each row, as its report says; none of it may keep SOUND from passing.
WRONG = {
    "infinity": ("x / 0", "x * 1e30", "float32: by inf, more than 1e-05"),
    "sign": ("tf.negative(x)", "x + 0", "float32: by"),
    "axis": ("tf.reduce_sum(x, 0)", "torch.sum(x, 1)", "shape (4,) in TensorFlow, (3,) in PyTorch"),
    "gradient": ("tf.stop_gradient(x) + x", "2 * x", "gradient on float32: by"),
    "dtype": (
        "tf.shape(x)",
        "torch.tensor([x.shape[0], x.shape[1]])",
        "differs (other dtype) without a sentence",
    ),
    "error": ("tf.reshape(x, (5,))", "x.flatten()", "raises InvalidArgumentError in TensorFlow"),
    "writes": (
        "x",
        "np.memmap('stolen', mode='w+', shape=2)",
        "raises TouchedFileError in PyTorch",
    ),
}


@dataclass(frozen=True)
class Project:
    """A folder with families of rows, and what the two commands say of it."""

    root: Path

    def write(self, family: str, text: str) -> None:
        path = self.root / rows.FOLDER / f"{family}.toml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def pin(self, family: str) -> str:
        return self._python("-m", "snippets._harness.api", "pin", family)

    def ask(self, *arguments: str) -> str:
        return self._python("-m", "snippets._harness.api", *arguments)

    def run(self) -> dict[str, str]:
        """Return what is wrong with each row, by its name; empty for those that pass."""
        report = self.root / "report.xml"
        options = ["-p", "no:randomly", "--rootdir", ".", "--junitxml", str(report)]
        plugin = ["-p", "snippets._harness.plugin"]
        self._python("-m", "pytest", *plugin, *options, str(rows.FOLDER))
        cases = ET.parse(report).iter("testcase")  # noqa: S314 (our own report)
        return {case.get("name", ""): "".join(case.itertext()).strip() for case in cases}

    def _python(self, *arguments: str) -> str:
        command = [sys.executable, *arguments]
        environment = {"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin", "HOME": str(self.root)}
        done = subprocess.run(
            command, cwd=self.root, env=environment, capture_output=True, text=True, check=False
        )
        return done.stdout + done.stderr


def table(name: str, *, tensorflow: str, pytorch: str, given: str = "float[n,m]") -> str:
    lines = f"[{name}]", f'tensorflow = "{tensorflow}"', f'pytorch = "{pytorch}"'
    return "\n".join([*lines, f'inputs = {{ x = "{given}" }}', "", ""])


HEAD = 'title = "Made up"\nabout = "Made up."\n'


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    project = Project(tmp_path_factory.mktemp("project"))
    (project.root / "pyproject.toml").write_text("[tool.pytest]\n")
    project.write("sound", SOUND)
    project.pin("sound")
    wrong = [table(n, tensorflow=tf, pytorch=torch) for n, (tf, torch, _) in WRONG.items()]
    project.write("wrong", HEAD + "".join(wrong))
    crash = table("before", tensorflow="x", pytorch="x") + table(
        "crash", tensorflow="x", pytorch="np.ctypeslib.ctypes.string_at(0)"
    )
    project.write("crash", HEAD + crash + table("after", tensorflow="x", pytorch="x"))
    project.write("broken", 'title = "Broken"\nabout = "x"\n[row]\npytorch = "x"\n')
    return project


@pytest.fixture(scope="module")
def outcomes(project: Project) -> dict[str, str]:
    return project.run()


@pytest.mark.parametrize("row", ["sum", "maximum", "dense", "ragged"])
def test_rows_that_agree_as_they_say_pass(outcomes: dict[str, str], row: str) -> None:
    assert outcomes[row] == ""


@pytest.mark.parametrize("row", WRONG)
def test_a_row_whose_sides_differ_fails_and_says_how(outcomes: dict[str, str], row: str) -> None:
    assert WRONG[row][2] in outcomes[row]
    assert f"wrong.toml:{3 + 5 * list(WRONG).index(row)}: row '{row}'" in outcomes[row]
    assert "Traceback" not in outcomes[row]


def test_a_crash_costs_its_family_alone_and_names_the_row(outcomes: dict[str, str]) -> None:
    assert "nothing is pinned yet" in outcomes["before"]  # it ran
    assert "crashed the process (SIGSEGV)" in outcomes["crash"]
    assert "not reached: the process ended at line 8" in outcomes["after"]


def test_a_file_with_a_wrong_row_fails_and_says_where(outcomes: dict[str, str]) -> None:
    assert "broken.toml:3:1: row 'row': has one side" in outcomes["problems"]


def test_evidence_of_a_row_has_its_figures(project: Project, outcomes: dict[str, str]) -> None:
    assert outcomes
    found = json.loads((project.root / "_build/evidence/_api/sound.json").read_text())["rows"]
    assert found["sum"]["outcome"] == "passed"
    assert found["sum"]["gradient"] == "compared"
    assert set(found["sum"]["deviation"]) == {"float32", "float64"}
    assert found["sum"]["versions"]["torch"]
    pins = json.loads((project.root / rows.FOLDER / "pins/sound.json").read_text())
    assert pins["maximum"]["cases"]["gradient-at-ties"]["agrees"] is False
    assert pins["sum"]["signature"]["renamed"] == ["axis | dim", "keepdims | keepdim"]
    assert pins["dense"]["tags"] == ["other layout"]


def test_what_is_no_longer_as_pinned_fails(project: Project, outcomes: dict[str, str]) -> None:
    assert outcomes["maximum"] == ""
    path = project.root / rows.FOLDER / "pins/sound.json"
    text = path.read_text()
    path.write_text(text.replace('"agrees": false', '"agrees": true'))
    try:
        assert "cases: pinned is" in project.run()["maximum"]
    finally:
        path.write_text(text)


# What questions rows that pass.

QUESTIONED = (
    HEAD
    + """
[grows]
tensorflow = "tf.minimum(x, 6.0)"
pytorch = "x * 1.0"
inputs = { x = "float[n]" }

[crashes]
tensorflow = "x + 1"
pytorch = "np.ctypeslib.ctypes.string_at(0)"
inputs = { x = "float[n]" }

[agrees]
tensorflow = "tf.reduce_sum(x, axis=1)"
pytorch = "torch.sum(x, dim=1)"
inputs = { x = "float[n,m]" }

[blind]
tensorflow = "tf.reduce_sum(x * 0.0)"
pytorch = "torch.sum(x) * 0.0"
inputs = { x = "float[n] in 0..1" }

[left-alone]
unexplored = "It parts on purpose."
tensorflow = "tf.minimum(x, 6.0)"
pytorch = "x * 1.0"
inputs = { x = "float[n]" }
"""
)


@pytest.fixture(scope="module")
def questioned(tmp_path_factory: pytest.TempPathFactory) -> Project:
    project = Project(tmp_path_factory.mktemp("questioned"))
    project.write("made", QUESTIONED)
    return project


def test_exploring_finds_inputs_on_which_rows_part(questioned: Project) -> None:
    told = questioned.ask("explore", "made", "--examples=50")
    assert "made.toml:4: row 'grows': by" in told
    assert "on x = [" in told
    assert "made.toml:9: row 'crashes': This example crashed the process (SIGSEGV)" in told
    assert "4 rows explored with 50 inputs each; 2 part" in told


def test_mutants_that_no_check_notices_are_listed(tmp_path: Path) -> None:
    sound = QUESTIONED.replace('pytorch = "np.ctypeslib.ctypes.string_at(0)"', 'pytorch = "x + 1"')
    project = Project(tmp_path)
    project.write("made", sound)
    project.pin("made")
    told = project.ask("mutate", "made")
    assert "made/blind (tensorflow, 0.0 + 1)" not in told  # the sum of positive numbers is no zero
    assert "made/blind (pytorch, negated): -(torch.sum(x) * 0.0)" in told
    assert "made/agrees" not in told


def test_the_installed_packages_offer_what_is_on_record() -> None:
    command = [sys.executable, "-m", "snippets._harness.api", "names"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.stdout == "the installed packages offer what is on record\n"


# One for each row here, the same every time; many more, and others, every night.
def test_no_row_parts_on_generated_inputs() -> None:
    command = [sys.executable, "-m", "snippets._harness.api", "explore", "--examples=1"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


# What is wrong with a file is said without running anything.

ROW = table("row", tensorflow="tf.abs(x)", pytorch="torch.abs(x)")
BAD = {
    "an unknown key": (ROW + "sayz = 'x'\n", "unknown key 'sayz': did you mean 'says'?"),
    "no title": ("about = 'x'\n", "'title' is missing"),
    "no TOML": ("title = \n", "cannot be read"),
    "twice": (ROW + ROW, "cannot be read"),
    "no expression": (ROW.replace("tf.abs(x)", "tf.abs(x"), "tensorflow: does not parse"),
    "an unknown name": (ROW.replace("torch.abs(x)", "torch.abs(z)"), "pytorch uses 'z'"),
    "an import": (ROW.replace("tf.abs(x)", "import os; os"), "may not use import"),
    "a private name": (ROW.replace("tf.abs(x)", "x.__class__"), "which is private"),
    "a file of C++": (ROW.replace("tf.abs(x)", "tf.io.read_file('x')"), "touches a file"),
    "a file": (ROW.replace("tf.abs(x)", "open(x)"), "tensorflow uses 'open'"),
    "a wild input": (ROW.replace("float[n,m]", "floats"), "'floats' is no input"),
    "too loose": (ROW + "tolerance = 0.1\n", "tolerance 0.1 is looser than 0.001"),
    "an unknown edge": (ROW + "without = ['emty']\n", "unknown edge 'emty': did you mean 'empty'"),
    "a derived tag": (ROW + "tags = ['mutates']\n", "tag 'mutates' is not one by hand"),
    "a case refused by none": (
        ROW + "[row.cases.one]\nrefusd = true\n",
        "unknown key 'cases.one.refusd': did you mean 'refused'?",
    ),
    "a name": (ROW.replace("[row]", "[Row_1]"), "a name is lower-case letters"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_refused_where_it_stands(tmp_path: Path, case: str) -> None:
    text, message = BAD[case]
    path = tmp_path / "family.toml"
    path.write_text(("" if case == "no title" else HEAD) + text)
    family = rows.load(path)
    assert message in "\n".join(map(str, family.problems))
    assert all(str(problem).count("family.toml:") == 1 for problem in family.problems)
    assert not family.rows


def test_a_name_in_two_families_is_refused_in_the_second(tmp_path: Path) -> None:
    project = Project(tmp_path)
    project.write("one", HEAD + ROW)
    project.write("two", HEAD + ROW)
    one, two = rows.families(tmp_path)
    assert not one.problems
    assert "row 'row' is in one.toml already" in str(two.problems[0])
    assert not two.rows


def test_sizes_of_inputs_follow_their_letters() -> None:
    variant = inputs.Variant(sizes={"n": 0})
    assert inputs.make("x", "float[n,4]", variant).shape == (0, 4)
    assert inputs.make("x", "float[*]", inputs.Variant(shape=())).shape == ()
    drawn = inputs.make("x", "int[50] in 2..n", inputs.Variant(sizes={"n": 4}))
    assert set(drawn.tolist()) == {2, 3}
    assert len(set(inputs.make("x", "int[n] distinct", inputs.Variant()).tolist())) == 3


def test_mutants_change_one_thing_each() -> None:
    found = {text for _, text in expressions.mutants("f(x, axis=1) + g(True)")}
    assert found == {
        "f(x, axis=1) - g(True)",
        "f(x) + g(True)",
        "f(x, axis=2) + g(True)",
        "f(x, axis=1) + g(False)",
    }


def listed(tmp_path: Path, accounted: str) -> list[rows.Family]:
    """Return the families of a project with four names, of which a row has one."""
    project = Project(tmp_path)
    project.write("one", HEAD + ROW)
    names = {
        "tf": {"tf.abs": ["tf.abs", "(x)"], "tf.one": ["tf.one", "(x)"]},
        "tf.math": {"tf.math.abs": ["tf.abs", "(x)"], "tf.math.two": ["tf.math.two", "(x)"]},
    }
    folder = tmp_path / rows.FOLDER / "names"
    folder.mkdir()
    (folder / "listing.json").write_text(json.dumps(names))
    (folder / "accounted.toml").write_text(accounted)
    return rows.families(tmp_path)


def test_coverage_counts_aliases_once_and_says_what_is_open(tmp_path: Path) -> None:
    families = listed(tmp_path, '["internal"]\nnames = ["tf.o*"]\n')
    assert list(names.problems(tmp_path, families)) == []
    found = names.coverage(tmp_path, families)
    assert found["tf"].how == {"tf.abs": "one call", "tf.one": "reason"}
    assert found["tf"].reasons == {"tf.one": "internal"}
    assert found["tf.math"].how == {"tf.math.abs": "one call", "tf.math.two": "open"}
    assert found["tf.math"]["open"] == ["tf.math.two"]


@pytest.mark.parametrize(
    ("accounted", "told"),
    {
        '["x"]\nnames = [\n"tf.none",\n]\n': "accounted.toml:3:1: no public name is 'tf.none'",
        '["x"]\nnames = ["tf.abs"]\n': "accounted.toml:2:1: 'tf.abs' has a row",
        '["x"]\nnames = 3\n': "accounted.toml:1:1: cannot be read: write",
        '["x"\n': "accounted.toml:1:1: cannot be read: write",
    }.items(),
)
def test_a_reason_that_is_wrong_is_told_with_its_line(
    tmp_path: Path, accounted: str, told: str
) -> None:
    families = listed(tmp_path, accounted)
    (problem,) = names.problems(tmp_path, families)
    assert told in str(problem)


def test_a_release_that_changes_names_or_arguments_is_told() -> None:
    old = {"tf": {"tf.a": ["tf.a", "(x)"], "tf.b": ["tf.b", "(x)"]}}
    new = {"tf": {"tf.a": ["tf.a", "(x, y=1)"], "tf.c": ["tf.c", "(z)"]}}
    told = set(names.changes(old, new))
    assert told == {"tf.b is gone", "tf.c is new: (z)", "tf.a was tf.a (x), is tf.a (x, y=1)"}
