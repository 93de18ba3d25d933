"""The nodes of a page as Markdown: prose as written, code fenced, links to other twins."""

import re
from collections.abc import Iterable, Iterator

from claims.verbatim import code, escaped, longest
from docutils import nodes

from .build import beside

OPENING = re.compile(r"^(\s*\d*)([#>+-]+|(?<=\d)[.)])(?=\s|$)", re.MULTILINE)  # at its beginning
PYTHON = {"pycon", "python", "python3", "ipython", "ipython3", "py"}
PLAIN = {"none", "default", "text", "output", "myst-ansi"}
LEFT_OUT = {"tablist", "panel-name"}


class Writer:
    """Writes one page. What has no text of its own, and no nodes in it, is left out."""

    def __init__(self, address: str) -> None:
        self.address = address  # of the page
        self.level = 0

    def document(self, tree: nodes.document) -> str:
        return "\n\n".join(self.blocks(tree.children)) + "\n"

    def blocks(self, children: Iterable[nodes.Node]) -> Iterator[str]:
        """Yield the blocks of nodes; those that stand within a line make one together."""
        line: list[nodes.Node] = []
        for child in children:
            if isinstance(child, nodes.Text | nodes.Inline) and not isinstance(child, nodes.raw):
                line.append(child)
                continue
            yield from self._line(line)
            line = []
            yield from self.block(child)
        yield from self._line(line)

    def _line(self, children: Iterable[nodes.Node]) -> Iterator[str]:
        if text := self.inline(children):
            yield OPENING.sub(r"\1\\\2", text)

    def block(self, node: nodes.Node) -> Iterator[str]:
        """Yield what a node is in Markdown, block by block."""
        match node:
            case nodes.section():
                yield from self.section(node)
            case nodes.title() | nodes.subtitle() | nodes.rubric():
                yield f"{'#' * max(self.level, 1)} {self.inline(node.children)}"
            case nodes.paragraph() if not LEFT_OUT & {*node["classes"]}:
                yield from self._line(node.children)
            case nodes.literal_block() | nodes.doctest_block():
                yield fence(node.astext(), node.get("language", "pycon"))
            case nodes.bullet_list() | nodes.enumerated_list():
                yield "\n".join(self.items(node))
            case nodes.table():
                yield "\n".join(self.rows(node))
            case nodes.block_quote() | nodes.Admonition():
                yield prefixed("> ", "> ", "\n\n".join(self.blocks(node.children)))
            case nodes.transition():
                yield "---"
            case nodes.Element():
                yield from self.other(node)

    def section(self, node: nodes.section) -> Iterator[str]:
        """Yield a section; a claim has its permanent address below the heading."""
        self.level += 1
        title, *rest = node.children
        yield from self.block(title)
        if "claim" in node["classes"]:
            yield f"<{self.address}#{node['ids'][0]}>"
        yield from self.blocks(rest)
        self.level -= 1

    def other(self, node: nodes.Element) -> Iterator[str]:
        """Yield what any other node holds; its own ``markdown`` instead, if it has that."""
        if isinstance(node, nodes.Invisible | nodes.meta | nodes.raw | nodes.target):
            return
        if isinstance(node, nodes.math_block):
            yield f"$$\n{node.astext()}\n$$"
        elif "sphinx-tabs" in node["classes"]:
            yield from self.tabs(node)
        elif "markdown" in node:
            yield node["markdown"]
        elif not isinstance(node, nodes.paragraph) and not LEFT_OUT & {*node["classes"]}:
            yield from self.blocks(node.children)

    def tabs(self, node: nodes.Element) -> Iterator[str]:
        """Yield each panel below the name of its tab."""
        named = {"SphinxTabsTab": [], "SphinxTabsPanel": []}  # type: dict[str, list[nodes.Element]]
        for part in node.findall(nodes.Element):
            named.get(type(part).__name__, []).append(part)
        for tab, panel in zip(*named.values(), strict=True):
            yield f"**{tab.astext()}**"
            yield from self.blocks(panel.children)

    def items(self, node: nodes.Element) -> Iterator[str]:
        numbered = isinstance(node, nodes.enumerated_list)
        for number, item in enumerate(node.children, node.get("start", 1)):
            mark = f"{number}. " if numbered else "- "
            gap = "\n" if all(isinstance(part, nodes.paragraph) for part in item.children) else ""
            blocks = f"\n{gap}".join(self.blocks(item.children))
            yield prefixed(mark, " " * len(mark), blocks)

    def rows(self, node: nodes.table) -> Iterator[str]:
        for number, row in enumerate(node.findall(nodes.row)):
            cells = [" ".join(self.blocks(cell.children)) for cell in row.children]
            escaped = (re.sub(r"\s*\n\s*", " ", cell).replace("|", r"\|") for cell in cells)
            yield f"| {' | '.join(escaped)} |"
            if number == 0:
                yield f"|{' --- |' * len(cells)}"

    def inline(self, children: Iterable[nodes.Node]) -> str:
        """Return nodes within a line as Markdown."""
        return "".join(map(self.part, children)).strip()

    def part(self, node: nodes.Node) -> str:
        """Return one node within a line."""
        match node:
            case nodes.Text():
                text = escaped(re.sub("  +", " ", node))
            case nodes.literal() | nodes.math():
                text = code(node.astext())
            case nodes.raw():
                text = node.astext() if "html" in node["format"].split() else ""
            case nodes.image():
                text = f"(Figure: {node.get('alt', 'see the page')})"
            case nodes.Element():
                text = self.marked(node, "".join(map(self.part, node.children)))
        return text

    def marked(self, node: nodes.Element, text: str) -> str:
        """Return the text of a node with the marks of its kind."""
        match node:
            case nodes.strong():
                text = f"**{text}**"
            case nodes.emphasis():
                text = f"*{text}*"
            case nodes.superscript() | nodes.subscript():
                text = f"<{node.tagname[:3]}>{text}</{node.tagname[:3]}>"
            case nodes.reference():
                text = f"[{text}]({self.target(node)})"
        return text

    def target(self, node: nodes.reference) -> str:
        """Return where a link leads: on this site, to the twin."""
        if "refid" in node:
            return f"#{node['refid']}"
        uri: str = node.get("refuri", "")
        page = uri.partition("#")[0]
        return beside(uri, ".md") if node.get("internal") and page.endswith(".html") else uri


def fence(text: str, language: str) -> str:
    """Return a fenced block of code."""
    name = "python" if language in PYTHON else "" if language in PLAIN else language
    marks = "`" * max(3, 1 + longest(text))
    return f"{marks}{name}\n{text.rstrip()}\n{marks}"


def prefixed(first: str, others: str, text: str) -> str:
    """Return a text whose first line has one prefix, and all others another."""
    head, *rest = text.split("\n")
    return "\n".join([first + head, *((others + line).rstrip() for line in rest)])
