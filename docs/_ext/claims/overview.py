"""The directives that sum all claims up: {axes}, {turned}, {ledger} and {runs}."""

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

from docutils import nodes

from snippets._harness import evidence as ev
from snippets._harness.catalogue import Claim

from . import wording
from .directives import CatalogueDirective
from .fragments import filled
from .register import Entry, anchor_of, pages_of
from .tracking import follow, watch_all
from .turned import has_turned, picture

LEDGER = "[claims.csv](claims.csv) and [claims.json](claims.json) hold this table."
LONG = 500  # rows beyond which a ledger is laid out in parts
PART = 100  # rows of a part, as site.css has it
Filter = tuple[str, str, Iterable[tuple[str, str]]]  # its name, its label, values and words
SIDES = ("tensorflow", "tie", "none", "pytorch")


class OverviewDirective(CatalogueDirective):
    """What these share: all claims, and where each is shown."""

    def address(self, page: str, anchor: str) -> str:
        """Return the address of an anchor, seen from this page."""
        there = self.env.app.builder.get_relative_uri(self.env.docname, page)
        return f"{there}#{anchor}"

    def addresses(self) -> dict[str, str]:
        """Return the address of every claim that a page shows, in the order of the site."""
        pages: dict[str, str] = follow(self.env, pages_of, str(self.catalogue.project))
        return {name: self.address(page, anchor_of(name)) for name, page in pages.items()}

    def shown(self) -> list[tuple[Claim, str]]:
        """Return every sound claim with its address, in the order of the site."""
        claims = {claim.id: claim for claim in self.claims()}
        found = self.addresses().items()
        return [(claims[name], address) for name, address in found if name in claims]


class AxesDirective(OverviewDirective):
    """Shows every axis: who leads there now, in how many claims, and how many have turned."""

    def render(self) -> list[nodes.Node]:
        by_axis: dict[str, list[Claim]] = {}
        first: dict[str, str] = {}
        for claim, address in self.shown():
            axis = claim.folder.parent.name
            by_axis.setdefault(axis, []).append(claim)
            first.setdefault(axis, address)
        axes = [
            self.axis(axis, by_axis[axis], first[axis].partition("#")[0])
            for axis in sorted(by_axis, key=wording.position)
        ]
        return [filled("axes.html", "\n".join(map(_in_markdown, axes)), axes=axes)]

    def axis(self, name: str, claims: list[Claim], address: str) -> dict[str, Any]:
        count = Counter[str](claim.front.favours for claim in claims)
        leader, lead = wording.lead(count)
        said = [claim for claim in claims if claim.front.sources]
        return {
            "title": wording.axis(name),
            "address": f"{address}#axis-{name}",
            "leader": leader,
            "lead": lead,
            "total": len(claims),
            "bar": list(_bar(count)),
            "sides": wording.sides(count),
            "turned": f"{sum(map(has_turned, said))} of {len(said)} turned since the articles",
        }


def _in_markdown(axis: dict[str, Any]) -> str:
    address = axis["address"].replace(".html", ".md")
    return f"- [{axis['title']}]({address}): {axis['lead']}; {axis['sides']}; {axis['turned']}"


def _bar(count: Counter[str]) -> Iterator[tuple[str, int, int]]:
    """Yield each side of an axis with where its part of the bar begins, and how long it is."""
    start = 0
    for side in SIDES:
        if count[side]:
            yield side, start, count[side]
            start += count[side]


class TurnedDirective(OverviewDirective):
    """Shows, as a picture, whom the articles favoured and whom the same claims favour now."""

    def render(self) -> list[nodes.Node]:
        return [picture(self.claims())]


class LedgerDirective(OverviewDirective):
    """Shows all claims in one table, which the site's script filters and sorts."""

    def render(self) -> list[nodes.Node]:
        shown = self.shown()
        axes = dict.fromkeys(claim.folder.parent.name for claim, _ in shown)
        filters = (
            ("axis", "Axis", [(axis, wording.axis(axis)) for axis in axes]),
            ("status", "The claim today", wording.STATUS.items()),
            ("favours", "Favours now", wording.FAVOURS.items()),
            ("article", "Said by", [(key, each.title) for key, each in self.articles.items()]),
        )
        root = "../" * self.env.docname.count("/")
        return [ledger(filters, [_row(*each) for each in shown], root)]


def ledger(filters: Iterable[Filter], rows: list[dict[str, str]], root: str) -> nodes.Node:
    """Return the table of claims, in parts if it is long; ``root`` leads to the first page."""
    long = len(rows) > LONG
    size = PART if long else max(len(rows), 1)
    parts = [rows[at : at + size] for at in range(0, max(len(rows), 1), size)]
    return filled("ledger.html", LEDGER, filters=filters, parts=parts, long=long, root=root)


def _row(claim: Claim, address: str) -> dict[str, str]:
    front, axis = claim.front, claim.folder.parent.name
    return {
        "axis": axis,
        "status": front.status,
        "favours": front.favours,
        "articles": " ".join(dict.fromkeys(source.article for source in front.sources)),
        "address": address,
        "title": wording.plain(front.title),
        "answer": wording.first_sentence(claim.statement[0].text),
        "axis_title": wording.axis(axis),
        "then": wording.then(claim),
        "now": wording.FAVOURS[front.favours],
        "today": wording.today(claim),
        "changed": front.changed or "",
    }


class RunsDirective(OverviewDirective):
    """Shows what ran: versions, what did not run and why, the slowest, and every snippet."""

    def render(self) -> list[nodes.Node]:
        watch_all(self.env, self.catalogue.root, "*/*/*.md")
        watch_all(self.env, self.register.folder, "*/*/*.json")
        addresses = self.addresses()
        entries = self.register.entries()
        runs = [run for entry in entries for run in _runs(entry, addresses[entry.claim.id])]
        missing = [run for run in runs if run["outcome"] != "passed"]
        return [
            filled(
                "runs.html",
                runs=runs,
                passed=len(runs) - len(missing),
                missing=missing,
                slowest=sorted(runs, key=lambda run: -float(run["seconds"]))[:10],
                versions=_versions(entries),
                deprecations=_deprecations(entries, addresses),
            )
        ]


def _deprecations(
    entries: list[Entry], addresses: dict[str, str]
) -> list[tuple[str, list[dict[str, str]]]]:
    """Return what the frameworks said is going away, each with the snippets that were told so."""
    found: dict[str, dict[str, dict[str, str]]] = {}
    for entry in entries:
        for tab, evidence in entry.evidence.items():
            for line, text in evidence.deprecations.items():
                title = f"{wording.plain(entry.claim.front.title)} ({wording.title(tab)})"
                place = {"title": title, "address": addresses[entry.claim.id], "line": str(line)}
                found.setdefault(text, {}).setdefault(title, place)
    return [(text, list(found[text].values())) for text in sorted(found, key=str.lower)]


def _versions(entries: list[Entry]) -> list[tuple[str, str]]:
    """Return every package that evidence names, with its versions."""
    found: dict[str, set[str]] = {}
    for entry in entries:
        for evidence in entry.evidence.values():
            for name, version in evidence.versions.items():
                found.setdefault(name, set()).add(version)
    return [(name, ", ".join(sorted(found[name]))) for name in sorted(found, key=str.lower)]


def _runs(entry: Entry, address: str) -> Iterator[dict[str, str]]:
    for snippet in entry.claim.snippets:
        run = entry.evidence.get(snippet.framework)
        yield {
            "address": address,
            "title": wording.plain(entry.claim.front.title),
            "tab": wording.title(snippet.framework),
            "outcome": _outcome(run),
            "examples": str(run.examples if run else 0),
            "seconds": f"{run.seconds if run else 0:.2f}",
            "time": f"{run.time:%Y-%m-%d %H:%M:%S}" if run else "",
        }


def _outcome(run: ev.Evidence | None) -> str:
    if run is None:
        return "no evidence that counts"
    return f"not run: {run.reason}" if run.outcome == "not run" else run.outcome
