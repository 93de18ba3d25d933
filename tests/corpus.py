"""Says at the end of the tests how many snippet files were held against the harness, and how."""

from collections.abc import Iterable

FAILS = "test_hostile.py::test_a_hostile_file_fails_at_its_line_with_a_reason["
PASSES = "test_hostile.py::test_a_sound_file_passes_beside_hostile_ones["


def summary(passed: Iterable[str], failed: Iterable[str]) -> str:
    """Return the count in a sentence, given which tests passed and failed; nothing if none ran."""
    passed, failed = [*passed], [*failed]
    hostile, sound = (files(kind, passed) for kind in (FAILS, PASSES))
    wrong = sorted({*files(FAILS, failed), *files(PASSES, failed)})
    if not (hostile or sound or wrong):
        return ""
    text = (
        f"{len({*hostile})} hostile snippet files failed alone and said why, in {len(hostile)} "
        f"runs; {len({*sound})} sound ones passed beside them, in {len(sound)} runs"
    )
    return f"{text}; not so: {', '.join(wrong)}" if wrong else text


def files(test: str, nodes: Iterable[str]) -> list[str]:
    """Return the file of each run of a test, whose name says first the way that it ran in."""
    found = (node.partition(test)[2] for node in nodes)
    return [rest.removesuffix("]").partition("-")[2] for rest in found if rest]
