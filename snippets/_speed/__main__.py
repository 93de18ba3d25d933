"""The command line: ``python -m snippets._speed [--only PREFIX...]`` or ``... report FILE``.

With no options it measures everything, in some twenty minutes on two quiet cores, and writes
the results where the site looks for them. A part of it is written only where ``--output`` says.
"""

import argparse
import datetime
import os
import platform
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

from snippets._harness.frameworks import version_of
from snippets._harness.problems import did_you_mean

from . import report, results
from .cases.case import Case
from .run import Plan, measure
from .talk import Setting, Worker

PACKAGES = ("tensorflow", "keras", "torch", "numpy", "ai-edge-litert", "executorch", "onnxruntime")
QUICK = 2, 0.001  # rounds, and seconds of a timing: enough to see that all works
BUSY = 0.5  # processes that ran or waited in the last minute, on average
# With two threads on two cores that others use as well, a step of 2 ms took 300 ms.
CONTENDED = "PyTorch's threads wait by spinning, so what else runs slows it down most"
CPUINFO = Path("/proc/cpuinfo")


def main(arguments: Sequence[str]) -> int:
    """Run the command; return the exit code, which is 1 if a case ended in an error."""
    if arguments[:1] == ["report"]:
        return _report(arguments[1:])
    options = _parser().parse_args(arguments)
    cases = import_module(options.cases).CASES
    chosen = [case for name, case in cases.items() if _wanted(name, options.only)]
    for prefix in options.only:
        if not any(_wanted(name, [prefix]) for name in cases):
            print(f"no case {prefix!r}: {did_you_mean(prefix, _names(cases))}", file=sys.stderr)
            return 2
    output = options.output
    if output is None and not (options.only or options.quick):
        output = results.FOLDER / f"{options.device}-{options.threads}-threads.json"
    if (load := os.getloadavg()[0]) > BUSY:
        print(f"note: a load of {load:.1f} before the start; {CONTENDED}", file=sys.stderr)
    found = _measured(chosen, options)
    print("\n".join(report.lines(found)))
    if output:
        output.parent.mkdir(parents=True, exist_ok=True)
        output.write_text(results.dump(found), encoding="utf-8")
    return 1 if any(case.error for case in found.cases.values()) else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("python -m snippets._speed", description=__doc__)
    parser.add_argument("--only", nargs="+", default=[], metavar="PREFIX", help="of cases")
    parser.add_argument("--quick", action="store_true", help="two rounds, to see that all works")
    parser.add_argument("--rounds", type=_positive, default=10)
    parser.add_argument("--threads", type=_positive, default=_cores())
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    parser.add_argument("--output", type=Path, metavar="FILE")
    parser.add_argument("--cases", default=Setting.cases, help="the module that has CASES")
    return parser


def _positive(text: str) -> int:
    if (number := int(text)) < 1:
        raise argparse.ArgumentTypeError("there has to be one at least")
    return number


def _wanted(name: str, prefixes: Sequence[str]) -> bool:
    """Tell whether a case is, or is in a group, that is named; all are if none is."""
    return not prefixes or any(f"{name}/".startswith(f"{p.rstrip('/')}/") for p in prefixes)


def _names(cases: Mapping[str, Case]) -> list[str]:
    return [*dict.fromkeys(case.group for case in cases.values()), *cases]


def _measured(cases: Sequence[Case], options: argparse.Namespace) -> results.Results:
    setting = Setting(options.device, options.threads, options.cases)
    rounds, seconds = QUICK if options.quick else (options.rounds, Plan.seconds)
    date = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
    found, started = {}, time.perf_counter()
    for name, case in measure(cases, Plan(setting, rounds, seconds)):
        found[name] = case
        now = time.perf_counter()
        print(f"{now - started:7.1f} s  {name}  {case.error or ''}", file=sys.stderr, flush=True)
        started = now
    return results.Results(
        machine=_machine(setting),
        device=options.device,
        threads=options.threads,
        date=date,
        versions=_versions(),
        rounds=rounds,
        cases=found,
    )


def _machine(setting: Setting) -> dict[str, Any]:
    """Return what may be said about this machine: its kind, and nothing that names it."""
    machine = {
        "cpu": processor(),
        "cores": _cores(),
        "memory_gb": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9),
        "system": f"{platform.system()} {platform.machine()}",
    }
    if setting.device == "cuda":
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            with Worker("pytorch", setting, folder, folder) as worker:
                machine["gpu"] = worker.missing or worker.ask("gpu")["name"]
    return machine


def processor() -> str:
    """Return the processor's name, which Linux tells in a file, or else its kind."""
    if not CPUINFO.exists():
        return platform.processor()
    lines = (line.partition(":") for line in CPUINFO.read_text(encoding="utf-8").splitlines())
    names = (value.strip() for key, _, value in lines if key.strip() == "model name")
    return next(names, platform.machine())


def _cores() -> int:
    """Return how many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _versions() -> dict[str, str]:
    return {"python": platform.python_version()} | {
        name: found for name in PACKAGES if (found := version_of(name))
    }


def _report(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser("python -m snippets._speed report")
    parser.add_argument("file", type=Path)
    try:
        found = results.load(parser.parse_args(arguments).file)
    except results.ResultsError as error:
        print(error, file=sys.stderr)
        return 1
    print("\n".join(report.lines(found)))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
