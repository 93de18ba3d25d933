"""Claims about speed: held against committed results, and shown with what was measured."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from helpers import claim_text
from sites import ONE, Site, text_of

from snippets._harness.catalogue import Catalogue
from snippets._harness.measured import FOLDER

ROUNDS = {
    "eager": ("tensorflow", [4.0, 4.1, 4.2, 4.1]),
    "compiled": ("tensorflow", [2.0, 2.1, 2.1, 2.0]),
    "other": ("pytorch", [4.1, 4.0, 4.2, 4.1]),
}
RESULTS: dict[str, Any] = {
    "machine": {"cpu": "Some processor", "cores": 2},
    "device": "cpu",
    "threads": 2,
    "date": "2026-11-30T01:02:03+00:00",
    "versions": {"tensorflow": "2.21.0", "torch": "2.13.0"},
    "rounds": 4,
    "cases": {
        "step/mlp": {
            "what": "A step of some network.",
            "unit": "s per call",
            "modes": {
                name: {"framework": framework, "values": values}
                for name, (framework, values) in ROUNDS.items()
            },
            "not_measured": {"fast": "it does not compile"},
        }
    },
}
SOUND = {"case": "step/mlp", "mode": "compiled", "against": "eager", "found": "faster"}
LABELLED = "(worked-benchmarks)=\n# Benchmarks\n\nAll of them.\n"
Write = Callable[..., None]


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path)


def measure(site: Site, **values: list[float]) -> None:
    """Commit results, with other values of some modes."""
    results = json.loads(json.dumps(RESULTS))
    for mode, given in values.items():
        results["cases"]["step/mlp"]["modes"][mode]["values"] = given
    (site.root / FOLDER).mkdir(parents=True, exist_ok=True)
    (site.root / FOLDER / "cpu-2-threads.json").write_text(json.dumps(results))


def claim(site: Site, *comparisons: dict[str, str]) -> None:
    """Add a claim that rests on comparisons, and the page that its method is on."""
    site.add(ONE, claim=claim_text(measured=[dict(one) for one in comparisons]), prove=False)
    site.write("benchmarks", LABELLED)


def problems(site: Site) -> list[str]:
    return [str(problem).split(": ", 1)[1] for problem in Catalogue(site.root).problems()]


def test_a_claim_may_say_what_the_results_say(site: Site) -> None:
    measure(site)
    others = ("other", "eager", "neither"), ("eager", "compiled", "slower")
    claim(site, SOUND, *(dict(zip(list(SOUND)[1:], o, strict=True)) | CASE for o in others))
    assert problems(site) == []


CASE = {"case": "step/mlp"}
WRONG = {
    "another direction": (
        {"found": "slower"},
        (
            "'compiled' against 'eager' in step/mlp came to 'faster' (2 times as good, quartiles "
            "1.99 to 2.01), not 'slower'; say what was measured"
        ),
    ),
    "more than was found": (
        {"mode": "other"},
        (
            "'other' against 'eager' in step/mlp came to 'neither' (1 times as good, quartiles "
            "0.994 to 1.01), not 'faster'; say what was measured"
        ),
    ),
    "a case that is not there": (
        {"case": "step/mpl"},
        "no case 'step/mpl': did you mean 'step/mlp'? (one of: step/mlp)",
    ),
    "a mode that is not there": (
        {"mode": "compile"},
        (
            "no figures of 'compile' in step/mlp: did you mean 'compiled'? "
            "(one of: eager, compiled, other)"
        ),
    ),
    "a mode that was not measured": (
        {"mode": "fast"},
        "no figures of 'fast' in step/mlp: it does not compile",
    ),
    "results that are not there": (
        {"results": "gpu"},
        "no results 'gpu': (one of: cpu-2-threads)",
    ),
    "a word of another kind": (
        {"found": "fastest"},
        (
            "unknown found 'fastest': did you mean 'faster'? "
            "(one of: faster, slower, smaller, larger, neither)"
        ),
    ),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_claim_may_say_nothing_else(site: Site, case: str) -> None:
    change, message = WRONG[case]
    measure(site)
    claim(site, SOUND | change)
    assert problems(site) == [message]


def test_a_comparison_names_what_it_compares(site: Site) -> None:
    measure(site)
    claim(site, {"case": "step/mlp", "mode": "compiled", "against": "eager"})
    assert problems(site) == [
        "'found' is missing; say what was found: faster, slower, smaller, larger, neither"
    ]


def test_a_page_shows_what_was_measured_where_and_when(site: Site) -> None:
    measure(site)
    claim(site, SOUND)
    site.prove(ONE)
    built = site.build()
    assert built.warnings == []
    section = built.claim(ONE)
    assert text_of(section.select_one(".claim-measured")) == (
        "Measured on Some processor, 2 cores, with 2 threads, on 30 November 2026: "
        "TensorFlow 2.21.0 and PyTorch 2.13.0; medians of 4 rounds, with quartiles. "
        "Method and all results"
    )
    assert text_of(section.select_one("table tbody")) == (
        "A step of some network. compiled, against eager 2 times as fast (1.99 to 2.01)"
    )


def test_a_page_is_written_again_when_something_else_is_measured(site: Site) -> None:
    measure(site)
    claim(site, SOUND)
    site.prove(ONE)
    site.build()
    assert "sums" not in site.build().read
    measure(site, compiled=[1.0, 1.1, 1.1, 1.0])
    built = site.build()
    assert "sums" in built.read
    assert "3.91 times as fast" in text_of(built.claim(ONE))


def test_a_page_without_the_results_is_not_published(site: Site) -> None:
    measure(site)
    claim(site, SOUND)
    site.prove(ONE)
    (site.root / FOLDER / "cpu-2-threads.json").unlink()
    assert any("no results 'cpu-2-threads'" in warning for warning in site.build().warnings)
