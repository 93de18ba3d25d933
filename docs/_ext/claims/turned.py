"""The picture of then against now: how many claims favoured whom, and where they went."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from docutils import nodes

from snippets._harness.catalogue import Claim

from . import wording
from .fragments import filled

# From top to bottom, on both sides.
ORDER = ("tensorflow", "tie", "none", "disputed", "pytorch")
LABELS = {**wording.FAVOURS, "disputed": "they disagreed"}
WIDTH, GAP, PER_CLAIM = 650, 14, 2.6  # of the drawing, in its own units
LEFT, RIGHT, BAR = 185, 490, 10  # the two columns of bars, and how wide a bar is


@dataclass(frozen=True)
class Bar:
    """All claims that favoured one side: the place of its bar, and its label."""

    key: str
    label: str
    count: int
    y: float

    @property
    def height(self) -> float:
        return self.count * PER_CLAIM


@dataclass(frozen=True)
class Ribbon:
    """The claims that went from one bar to another."""

    key: str  # whom they favour now
    path: str
    title: str


def flows(claims: Iterable[Claim]) -> Counter[tuple[str, str]]:
    """Count the claims of the articles by whom they favoured then and favour now."""
    return Counter(
        (favoured_then(claim), claim.front.favours) for claim in claims if claim.front.sources
    )


def favoured_then(claim: Claim) -> str:
    """Return whom most of the articles favoured; ``disputed`` if there is no such side."""
    (first, most), *others = Counter(s.favours for s in claim.front.sources).most_common(2)
    return "disputed" if others and others[0][1] == most else first


def has_turned(claim: Claim) -> bool:
    """Return whether a claim of the articles is no longer so, or favours another side."""
    said = {source.favours for source in claim.front.sources}
    return bool(said) and (claim.front.status == "outdated" or claim.front.favours not in said)


def picture(claims: list[Claim]) -> nodes.Node:
    """Return the drawing: bars for then on the left, for now on the right, ribbons between."""
    counted = flows(claims)
    then, now = _bars(counted, 0), _bars(counted, 1)
    total = sum(counted.values())
    lowest = max((bar.y + bar.height for bar in (*then.values(), *now.values())), default=0)
    sentences = [f"{number} {_route(*route)}" for route, number in counted.most_common()]
    turned = sum(map(has_turned, claims))
    return filled(
        "turned.html",
        f"Of the {total} claims of the articles, {turned} have turned: {'; '.join(sentences)}.",
        width=WIDTH,
        height=round(lowest + 4),
        columns=(
            (then.values(), LEFT - BAR, LEFT - BAR - 8, "end"),
            (now.values(), RIGHT, RIGHT + BAR + 8, "start"),
        ),
        bar=BAR,
        ribbons=list(_ribbons(counted, then, now)),
        total=total,
        turned=turned,
        words="; ".join(sentences),
    )


def _route(then: str, now: str) -> str:
    return f"{LABELS[then]} then, {LABELS[now]} now"


def _bars(counted: Counter[tuple[str, str]], side: int) -> dict[str, Bar]:
    bars, y = {}, 28.0  # below the headings
    for key in ORDER:
        count = sum(number for route, number in counted.items() if route[side] == key)
        if count:
            bars[key] = Bar(key, LABELS[key], count, y)
            y += max(count * PER_CLAIM, 12) + GAP
    return bars


def _ribbons(
    counted: Counter[tuple[str, str]], then: dict[str, Bar], now: dict[str, Bar]
) -> Iterator[Ribbon]:
    start, end = ({key: bar.y for key, bar in bars.items()} for bars in (then, now))
    for a in ORDER:
        for b in ORDER:
            if number := counted[a, b]:
                height = number * PER_CLAIM
                path = _band(start[a], end[b], height)
                yield Ribbon(b, path, f"{number} claims: {_route(a, b)}")
                start[a] += height
                end[b] += height


def _band(left: float, right: float, height: float) -> str:
    """Return the outline of a ribbon from ``left`` to ``right``, where its upper edge begins."""
    middle = (LEFT + RIGHT) / 2
    there = f"M{LEFT} {left:.1f}C{middle} {left:.1f} {middle} {right:.1f} {RIGHT} {right:.1f}"
    left, right = left + height, right + height
    back = f"C{middle} {right:.1f} {middle} {left:.1f} {LEFT} {left:.1f}"
    return f"{there}V{right:.1f}{back}Z"
