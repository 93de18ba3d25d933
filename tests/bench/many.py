"""Our harness beside plain Sybil on 2,000 generated files: a quarter of an hour, if named."""

from . import verification
from .measures import Measure


def measure(_rounds: int) -> list[Measure]:
    """Time both ways once, whatever the number of rounds."""
    return verification.at(2_000, verification.FEWER_WAYS, 1)
