"""The frameworks compared: the tabs in their order, and what a snippet of each needs."""

import os
import platform
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib import machinery, metadata
from pathlib import Path

MODULES = tuple(machinery.all_suffixes())  # of the files that can be imported


ONE_SUM = ">>> 1 + 1\n2\n"


@dataclass(frozen=True)
class Preload:
    """What a server imports before it forks a process per snippet file.

    A server of many files also imports the modules that snippets import lazily (each was found
    by listing what appears in ``sys.modules`` while the catalogue runs), and rehearses. For a few
    files that takes longer than it saves.
    """

    modules: tuple[str, ...]
    lazily: tuple[str, ...] = ()
    rehearsal: str = ONE_SUM  # examples run once before the forks; may start no thread
    before: str = ONE_SUM  # examples run before all imports, with however few files
    environment: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Framework:
    """One kind of tab. ``name`` is the file's name, ``title`` the label readers see."""

    name: str
    title: str
    preload: str
    packages: tuple[str, ...]  # distributions that the evidence names, the first leads
    required: bool = False  # must a claim have this tab?


# TensorBoard's writer imports TensorFlow where it is installed, five seconds and a second
# set of threads that no PyTorch user needs; a module of this name makes it do without.
WITHOUT_TENSORFLOW = """\
>>> import sys, types
>>> sys.modules["tensorboard.compat.notf"] = types.ModuleType("notf")
"""

# The first compilation and the first export import and cache much that later ones need: a
# tenth of a second, and more processor time than most files take.
TORCH_REHEARSAL = """\
>>> import torch
>>> torch.compile(torch.relu, backend="eager")(torch.ones(2))
tensor([1., 1.])
>>> program = torch.export.export(torch.nn.ReLU(), (torch.ones(2),))
>>> torch._dynamo.reset()
>>> torch._dynamo.utils.counters.clear()
"""

# What the rows of the API table give at their edges is pinned to the last digit shown, and
# PyTorch picks its kernels by the processor: on one of two machines gelu(inf) was NaN.
OLDER_KERNELS = {
    "ATEN_CPU_CAPABILITY": "avx2",
    "ONEDNN_MAX_CPU_ISA": "AVX2",
    "MKL_ENABLE_INSTRUCTIONS": "AVX2",
}

PRELOADS = {
    "tensorflow": Preload(("tensorflow",), ("tensorflow.compat.v1", "keras", "numpy.random")),
    "torch": Preload(
        ("torch",),
        (
            "torch._dynamo",
            "torch.export",
            "torch.utils.data",
            "torch.utils.tensorboard",
            "torch.profiler._cupti_monitor",
            "sympy.tensor.tensor",
        ),
        rehearsal=TORCH_REHEARSAL,
        before=WITHOUT_TENSORFLOW,
    ),
    # The rows of the API table run in both; what is compiled or traced there is the rows' own.
    "both": Preload(("torch", "torch._dynamo", "tensorflow", "keras"), environment=OLDER_KERNELS),
    "keras": Preload(
        ("keras",),
        ("torch._dynamo", "torch.utils.tensorboard"),
        before=WITHOUT_TENSORFLOW,
        environment={"KERAS_BACKEND": "torch"},
    ),
}

FRAMEWORKS = {
    framework.name: framework
    for framework in (
        Framework("tensorflow", "TensorFlow", "tensorflow", ("tensorflow", "keras"), True),
        Framework("pytorch", "PyTorch", "torch", ("torch",), True),
        Framework("tensorflow1", "TensorFlow 1.x", "tensorflow", ("tensorflow",)),
        Framework("keras", "Keras on PyTorch", "keras", ("keras", "torch")),
    )
}

# One thread per process: files already run side by side, a server may fork only while
# it has a single thread (NumPy's OpenBLAS starts more on import), and sums come out in
# the same order everywhere. Then the same language, time zone and silence for all.
COMMON = {
    "OPENBLAS_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "TF_NUM_INTRAOP_THREADS": "1",
    "TF_NUM_INTEROP_THREADS": "1",
    "TF_ENABLE_ONEDNN_OPTS": "0",
    "TF_CPP_MIN_LOG_LEVEL": "3",
    "LANG": "C.UTF-8",
    "TZ": "UTC",
}
INHERITED = ("LD_LIBRARY_PATH", "VIRTUAL_ENV", "CUDA_VISIBLE_DEVICES")
MEANS = ("slow", "compiler", "gpu")  # what a claim may need that is no package


def environment(preload: str, home: str, seed: int = 0) -> dict[str, str]:
    """Return the whole environment of a process that runs snippets of ``preload``.

    ``home`` takes what the frameworks write when they are imported (Keras its settings);
    Python hashes by ``seed``.
    """
    inherited = {name: os.environ[name] for name in INHERITED if name in os.environ}
    # The programs that came with the packages (node, ninja) first, then the system's.
    programs = [str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)]
    places = {
        "PATH": os.pathsep.join(programs),
        "NODE_PATH": str(Path(sys.prefix, "node", "node_modules")),
        "HOME": home,
        "TMPDIR": home,
    }
    own = PRELOADS[preload].environment | {"PYTHONHASHSEED": str(seed)}
    return inherited | COMMON | places | own


def visible(project: Path) -> list[str]:
    """Return the folders that snippets may read beside the system's: Python's and the project's."""
    libraries = os.environ.get("LD_LIBRARY_PATH", "").split(os.pathsep)
    found = [str(project), sys.prefix, sys.base_prefix, *libraries]
    return [folder for folder in dict.fromkeys(found) if folder]


@cache
def versions(framework: str, needs: tuple[str, ...] = ()) -> dict[str, str]:
    """Return the installed versions that evidence of ``framework`` depends on.

    Keys are package names (``tensorflow`` whichever build is installed), those of the
    packages in ``needs``, and ``python``. A package that is not there has version ``"none"``.
    """
    names = (*FRAMEWORKS[framework].packages, "numpy", *distributions(needs))
    found = {name: version_of(name) or "none" for name in names}
    return found | {"python": platform.python_version()}


def distributions(needs: tuple[str, ...]) -> list[str]:
    """Return what the packages in ``needs`` are installed as: scikit-learn for sklearn."""
    named = [need for need in needs if need not in MEANS]
    installed = packages() if named else {}
    return [name for package in named for name in installed.get(package.split(".")[0], [package])]


@cache
def packages() -> Mapping[str, list[str]]:
    """Return which distributions provide each package.

    That is what importlib.metadata calls packages_distributions; but it looks for each of 25,000
    files, which takes most of a second.
    """
    found: dict[str, list[str]] = {}
    for distribution in metadata.distributions():
        for name in _top_level(distribution):
            found.setdefault(name, []).append(_head(distribution)["Name"])
    return found


@cache
def installed() -> Mapping[str, str]:
    """Return the version of each distribution that is installed here, by its normal name.

    importlib.metadata parses all that each says of itself as if it were mail: half a second.
    """
    found: dict[str, str] = {}
    for head in map(_head, metadata.distributions()):
        if {"Name", "Version"} <= head.keys():  # else it was cut short when it was installed
            found.setdefault(_normal(head["Name"]), head["Version"])
    return found


def _head(distribution: metadata.Distribution) -> dict[str, str]:
    """Return the fields of a distribution's metadata that stand on one line."""
    text = distribution.read_text("METADATA") or distribution.read_text("PKG-INFO") or ""
    return dict(re.findall(r"^([\w-]+): *(.+)$", text.partition("\n\n")[0], re.MULTILINE))


def _normal(name: str) -> str:
    """Return a name as indexes compare it: ``scikit_learn`` and ``Scikit.Learn`` are one."""
    return re.sub(r"[-_.]+", "-", name).lower()


def _top_level(distribution: metadata.Distribution) -> set[str]:
    """Return the packages and modules of a distribution: as it says, or as its files show."""
    if told := distribution.read_text("top_level.txt"):
        return {*told.split()}
    record = distribution.read_text("RECORD") or ""
    files = (line.partition(",")[0] for line in record.split("\n"))
    return {file.partition("/")[0].partition(".")[0] for file in files if file.endswith(MODULES)}


def version_of(package: str) -> str | None:
    """Return the installed version of a package, of whichever build; None if it is not there."""
    names = map(_normal, (package, f"{package}-cpu"))
    return next((version for name in names if (version := installed().get(name))), None)


def machine() -> str:
    """Return the platform that evidence names, such as ``Linux x86_64``."""
    return f"{platform.system() or sys.platform} {platform.machine()}"
