"""The parts of a claim as docutils nodes."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from docutils import nodes
from sphinx.addnodes import pending_xref

from snippets._harness import evidence as ev
from snippets._harness import measured as measured_
from snippets._harness.catalogue import Claim
from snippets._harness.frameworks import FRAMEWORKS
from snippets._harness.frontmatter import Article
from snippets._harness.markup import Block

from . import wording
from .fragments import filled, wrap
from .register import Entry

Run = tuple[str, ev.Evidence, str, str]  # a tab, its evidence, its file's address and commit
ALWAYS = ("numpy", "python")  # in the versions of all evidence
Parse = Callable[[str], list[nodes.Node]]  # Markdown -> nodes


def phrase(label: str, text: str, *classes: str) -> nodes.inline:
    """Return a labelled piece of a line: the label in bold, then the text, then a space."""
    piece = nodes.inline(classes=["claim-phrase", *classes])
    piece += [nodes.strong(label, label), nodes.Text(f" {text} ")]
    return piece


def verdict(claim: Claim, articles: dict[str, Article]) -> nodes.paragraph:
    """Return the line that says in words how the claim stood then and stands now."""
    front = claim.front
    line = nodes.paragraph(classes=["claim-verdict", f"side-{front.favours}"])
    if front.sources:
        when = wording.years(claim, {key: article.year for key, article in articles.items()})
        line += phrase(f"Then ({when}):", wording.then(claim))
    line += phrase("Now:", wording.FAVOURS[front.favours])
    line += phrase("The claim", wording.today(claim))
    if front.changed:
        line += phrase("Turned by:", front.changed)
    return line


def identify(node: nodes.Element, node_id: str, framework: str, given: dict[str, str]) -> None:
    """Give a tab, or its panel, an id that lasts and its framework, for the style and script.

    Which panel shows is theirs to say: without them all do.
    """
    for attribute in ("name", "hidden"):
        node.attributes.pop(attribute, None)
    node["ids"] = [node_id]
    node["data-framework"] = framework
    node.attributes.update(given)


def content(path: Path, blocks: Sequence[Block], parse: Parse) -> list[nodes.Node]:
    """Return the prose and code of a file as nodes that know their file and line."""
    result: list[nodes.Node] = []
    for block in blocks:
        made = [code(block.text)] if block.is_code else parse(block.text)
        for node in made:
            for part in node.findall():
                part.source, part.line = str(path), block.line
        result += made
    return result


def code(text: str) -> nodes.literal_block:
    """Return a block of doctest examples, to be highlighted as a Python console."""
    text = text.rstrip("\n")
    return nodes.literal_block(text, text, language="pycon")


def evidence(entry: Entry, runs: Iterable[Run]) -> nodes.Node:
    """Return what ran, on what, in how long and when, to be opened for all of it."""
    line = evidence_line(entry)
    if not entry.evidence:
        return nodes.paragraph("", "", *line, classes=["claim-evidence", "claim-unproven"])
    proven = "claim-proven" if entry.claim.is_executed and entry.passed else "claim-unproven"
    details = filled("evidence.html", runs=runs)
    return wrap("details", wrap("summary", *line), details, classes=("claim-evidence", proven))


def evidence_line(entry: Entry) -> list[nodes.Node]:
    """Return in a sentence what ran; or why nothing did."""
    claim, passed = entry.claim, entry.passed
    line: list[nodes.Node] = []
    if not claim.is_executed:
        opinion = claim.front.status == "opinion"
        line.append(phrase("Not proven by code:", f"{wording.UNPROVEN[opinion]}."))
        if passed:
            line.append(phrase("The code beside it ran", f"on {_runs(passed)}."))
    elif passed:
        line.append(phrase("Proven", f"by running {_runs(passed)}."))
    for tab, evidence in entry.evidence.items():
        if evidence.outcome == "not run":
            line.append(phrase(f"{wording.title(tab)} not run here:", f"{evidence.reason}."))
    if claim.front.agree and len(passed) == len(entry.evidence) > 1:
        line.append(agreement(claim, entry.evidence))
    return line


def agreement(claim: Claim, found: Mapping[str, ev.Evidence]) -> nodes.inline:
    """Return how closely the values that the tabs leave behind agree."""
    count = "both" if len(found) == 2 else "all"
    piece = phrase("Compared:", f"{count} tabs leave the same ")
    for position, (name, value) in enumerate(ev.agreement(claim, found).items()):
        size = f"largest difference {value:.1g}" if value else "no difference"
        comma = nodes.Text(", " if position else "")
        piece += [comma, nodes.literal(name, name), nodes.Text(f" ({size})")]
    piece += nodes.Text(".")
    return piece


def _runs(passed: Mapping[str, ev.Evidence]) -> str:
    """Return what ran, beside which packages, where and when."""
    runs = wording.listing(_run(tab, evidence) for tab, evidence in passed.items())
    known = {*ALWAYS, *(name for tab in passed for name in FRAMEWORKS[tab].packages)}
    versions = {name: v for one in passed.values() for name, v in one.versions.items()}
    beside = [f"{name} {version}" for name, version in versions.items() if name not in known]
    with_ = f" with {wording.listing(beside)}" if beside else ""
    last = max(evidence.time for evidence in passed.values())
    one = next(iter(passed.values()))
    python = f"Python {one.versions['python']}"
    return f"{runs}{with_}; {python}, {one.platform}, on {wording.date(last)}"


def _run(tab: str, evidence: ev.Evidence) -> str:
    version = next(iter(evidence.versions.values()))
    name = {"tensorflow1": "tf.compat.v1 of TensorFlow", "keras": "Keras"}.get(tab)
    suffix = f" on PyTorch {evidence.versions['torch']}" if tab == "keras" else ""
    label = f"{name or wording.title(tab)} {version}{suffix}"
    return f"{label} ({wording.duration(evidence.seconds)})"


def measured(
    claim: Claim, project: Path, follow: Callable[[Path], object]
) -> Iterator[nodes.Element]:
    """Yield a line on where it was measured, and a table of what, for each file of results."""
    files = dict.fromkeys(measured_.path_of(project, each) for each in claim.front.measured)
    for path in files:
        follow(path)
        found = measured_.load(path)
        line = nodes.paragraph(classes=["claim-measured"])
        line += phrase("Measured", f"on {wording.machine(found)}.")
        line += link("worked-benchmarks", "Method and all results")
        yield line
        yield table(
            ("Measured", "Compared", "Found"),
            [
                (
                    found.cases[each.case].what,
                    f"{each.mode}, against {each.against}",
                    wording.ratio(measured_.ratio_of(found, each)),
                )
                for each in claim.front.measured
                if measured_.path_of(project, each) == path
            ],
        )


def said(claim: Claim, articles: dict[str, Article], inline: Parse) -> nodes.Node:
    """Return who said it, when, in our words."""
    items = nodes.bullet_list(classes=["claim-sources"])
    for source in claim.front.sources:
        article = articles[source.article]
        line = nodes.paragraph()
        by = f"{article.author}, " if article.author else ""
        line += article_link(source.article, article)
        line += [nodes.Text(f" ({by}{article.year}): "), *inline(source.said)]
        if source.favours != "none":
            line += nodes.Text(f" Favoured: {wording.FAVOURS[source.favours]}.")
        items += nodes.list_item("", line)
    return items


def article_link(key: str, article: Article) -> nodes.Element:
    """Return a link to an article's section on the sources page."""
    return link(f"article-{key}", article.title)


def link(target: str, text: str) -> nodes.Element:
    """Return a link to a label anywhere on the site; a missing one is a warning."""
    node = pending_xref("", reftype="ref", refdomain="std", reftarget=target, refexplicit=True)
    node["refwarn"] = True
    node += nodes.inline(text, text)
    return node


Cell = str | nodes.Node | list[nodes.Node]


def table(head: Sequence[str], rows: Iterable[Sequence[Cell]]) -> nodes.table:
    """Return a table of texts and inline nodes."""
    group = nodes.tgroup(cols=len(head))
    group += [nodes.colspec(colwidth=1) for _ in head]
    group += nodes.thead("", _row(head))
    group += nodes.tbody("", *map(_row, rows))
    return nodes.table("", group, classes=["claim-table"])


def _row(cells: Sequence[Cell]) -> nodes.row:
    row = nodes.row()
    for cell in cells:
        line = nodes.paragraph()
        line += nodes.Text(cell) if isinstance(cell, str) else cell
        row += nodes.entry("", line)
    return row
