"""Verdicts, dates and durations in words."""

import datetime
import re
from collections import Counter
from collections.abc import Iterable
from functools import cache

from markdown_it import MarkdownIt

from snippets._harness.catalogue import Claim
from snippets._harness.frameworks import FRAMEWORKS
from snippets._speed.results import Ratio, Results

AXES = (  # in the order of the site
    *("graphs", "debugging", "visualization", "deployment", "data-loading", "devices"),
    *("tensors", "models", "training", "serialization", "coverage", "extensions"),
    *("distributed", "performance", "ecosystem", "choosing"),
)
TITLES = {"distributed": "Distributed training"}  # where a page's title is not its name
SENTENCE = re.compile(r"(?<=[.!?])\s+(?=[A-Z])")
STATUS = {
    "holds": "still holds",
    "partly": "holds in part",
    "outdated": "is no longer so",
    "never": "was never so",
    "opinion": "is a matter of opinion",
}
FATE = {
    "holds": "still hold",
    "partly": "hold in part",
    "outdated": "no longer hold",
    "never": "never held",
    "opinion": "are opinion",
}
FAVOURS = {
    "tensorflow": "TensorFlow",
    "pytorch": "PyTorch",
    "tie": "a tie",
    "none": "neither",
}
MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
UNPROVEN = {True: "a matter of opinion", False: "its sources are in the text"}
KIND = {
    "example": "A worked example of the articles, re-created.",
    "ours": "Our own claim: no article made it.",
    "prose": "Not executed: no code can show this.",
}


def position(axis: str) -> tuple[int, str]:
    """Return a key that sorts axes as the site does, any other behind them by name."""
    return (AXES.index(axis) if axis in AXES else len(AXES), axis)


def axis(name: str) -> str:
    """Return the title of an axis: ``Data loading`` for ``data-loading``."""
    return TITLES.get(name, name.replace("-", " ").capitalize())


def lead(count: Counter[str]) -> tuple[str, str]:
    """Return who leads on an axis, as a key and in words, given whom its claims favour.

    To lead takes a third of the claims that compare the two, and twice as many as the
    other has.
    """
    compared = sum(count.values()) - count["none"]
    low, high = sorted(("tensorflow", "pytorch"), key=lambda name: count[name])
    if count[high] * 3 < compared or not compared:
        return "tie", "Neither leads"
    if count[high] < 2 * count[low]:
        return "tie", "Each leads in part"
    return high, f"{FAVOURS[high]} leads"


def sides(count: Counter[str]) -> str:
    """Return whom the claims of an axis favour: ``PyTorch 5, a tie 15``."""
    order = ("tensorflow", "pytorch", "tie", "none")
    return ", ".join(f"{FAVOURS[side]} {count[side]}" for side in order if count[side])


def then(claim: Claim) -> str:
    """Return whom the articles favoured, the most frequent first."""
    said = [source.favours for source in claim.front.sources]
    if not said:
        return "not said"
    by_count = sorted(dict.fromkeys(said), key=lambda favoured: -said.count(favoured))
    return " or ".join(FAVOURS[favoured] for favoured in by_count)


def years(claim: Claim, articles: dict[str, int]) -> str:
    """Return when the articles said it (at least one did): a year, or the first and last."""
    found = sorted({articles[source.article] for source in claim.front.sources})
    return " to ".join(str(year) for year in dict.fromkeys((found[0], found[-1])))


def today(claim: Claim) -> str:
    """Return the status of a claim in words."""
    if not claim.front.sources and claim.front.status == "holds":
        return "holds"
    return STATUS[claim.front.status]


def date(moment: datetime.date) -> str:
    """Return a day as ``21 November 2026``, whatever the locale."""
    return f"{moment.day} {MONTHS[moment.month - 1]} {moment.year}"


def moment(time: datetime.datetime) -> str:
    """Return a time as ``21 November 2026, 13:05:59 UTC``."""
    return f"{date(time)}, {time.astimezone(datetime.UTC):%H:%M:%S} UTC"


def duration(seconds: float) -> str:
    """Return seconds with as many digits as mean something."""
    return f"{seconds:.2f} s" if seconds < 10 else f"{seconds:.0f} s"


def title(framework: str) -> str:
    """Return the label of a tab: ``TensorFlow`` for ``tensorflow``."""
    return FRAMEWORKS[framework].title


def plain(text: str) -> str:
    """Return inline Markdown as the text that readers see."""
    (line,) = _markdown().parseInline(text)
    return "".join(part.content or " " * (part.type == "softbreak") for part in line.children or [])


@cache
def _markdown() -> MarkdownIt:
    return MarkdownIt("commonmark")


def machine(found: Results) -> str:
    """Return where, when and with what something was measured."""
    of, versions = found.machine, found.versions
    day = date(datetime.datetime.fromisoformat(found.date))
    threads = f"{found.threads} thread{'s' if found.threads > 1 else ''}"
    where = f"{of.get('gpu') or of['cpu']}, {of['cores']} cores, with {threads}"
    names = {"tensorflow": "TensorFlow", "torch": "PyTorch"}
    on = listing(f"{names[name]} {versions[name]}" for name in names if name in versions)
    return f"{where}, on {day}: {on}; medians of {found.rounds} rounds, with quartiles"


def ratio(found: Ratio) -> str:
    """Return in words how two modes compare: ``2.1 times as fast (2.0 to 2.2)``."""
    numbers = found.median, found.lower, found.upper
    if found.verdict in ("slower", "larger", "smaller"):
        numbers = 1 / found.median, 1 / found.upper, 1 / found.lower
    median, low, high = (f"{number:.{3 if number < 100 else 4}g}" for number in numbers)
    words = {
        "faster": f"{median} times as fast",
        "slower": f"takes {median} times as long",
        "smaller": f"takes {median} times the memory",
        "larger": f"takes {median} times the memory",
        "neither": "no difference beyond the spread",
    }[found.verdict]
    return f"{words} ({low} to {high})"


def first_sentence(text: str) -> str:
    """Return the first sentence of a paragraph of Markdown, which in a statement answers."""
    return SENTENCE.split(plain(text), maxsplit=1)[0]


def listing(parts: Iterable[str]) -> str:
    """Return ``a, b and c``."""
    *most, last = parts
    return f"{', '.join(most)} and {last}" if most else last
