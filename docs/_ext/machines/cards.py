"""A picture per page for link previews: its title, what it is about, and who leads there.

The cards of sphinxext-opengraph show a title and a description and know nothing of claims.
A card is drawn again only if what it shows changed: it carries a digest of that.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Iterator
from html import escape
from importlib.metadata import version
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

from claims import wording
from docutils import nodes
from PIL import Image
from PIL.PngImagePlugin import PngInfo
from sphinx.application import Sphinx

from .build import Build
from .llms import description

if TYPE_CHECKING:  # it takes a second to import, which most builds need not wait for
    from matplotlib.figure import Figure

FOLDER = "_static/cards"
WIDTH, HEIGHT, MARGIN = 1200, 630, 80
COLOURS = {"tensorflow": "#b35900", "pytorch": "#1f5fbf", "tie": "#6b6f76", "none": "#c4c7cc"}
INK, FAINT, PAPER = "#1b1d21", "#54585f", "#ffffff"
PALETTE = 64  # colours of the file: enough for smooth letters in few bytes


def connect(app: Sphinx) -> None:
    app.connect("html-page-context", announce)


def announce(
    app: Sphinx, page: str, _template: str, context: dict[str, Any], tree: nodes.document | None
) -> None:
    """Name the card in the head of its page."""
    if app.builder.format == "html" and tree:
        build = Build.of(app)
        tags = {
            ("property", "og:image"): f"{build.base}{FOLDER}/{page}.png",
            ("property", "og:image:type"): "image/png",
            ("property", "og:image:width"): str(WIDTH),
            ("property", "og:image:height"): str(HEIGHT),
            ("property", "og:image:alt"): alternative(build, page),
            ("name", "twitter:card"): "summary_large_image",
        }
        context["metatags"] += "".join(
            f'<meta {kind}="{name}" content="{escape(text)}">\n'
            for (kind, name), text in tags.items()
        )


def alternative(build: Build, page: str) -> str:
    """Return the words of a card."""
    title = build.app.env.titles[page].astext()
    count = build.favoured.get(page)
    return f"{title}. {caption(count)}: {', '.join(sides(count).values())}." if count else title


def caption(count: Counter[str]) -> str:
    """Return what the bar of a card shows."""
    return f"Whom {sum(count.values())} claims favour today"


def sides(count: Counter[str]) -> dict[str, str]:
    """Return in words whom claims favour: ``TensorFlow 2``, ``PyTorch 5``, ``a tie 12``."""
    return {side: f"{wording.FAVOURS[side]} {count[side]}" for side in COLOURS if count[side]}


def write(build: Build) -> None:
    """Draw the cards that are not there as they should be, and remove those of former pages."""
    folder = build.out / FOLDER
    wanted = {folder / f"{page}.png": content(build, page) for page in build.app.env.found_docs}
    for path, shown in sorted(wanted.items(), key=lambda item: item[0]):
        digest = digest_of(shown)
        if digest_in(path) != digest:
            path.parent.mkdir(parents=True, exist_ok=True)
            save(draw(**shown), path, digest)
    for path in set(folder.rglob("*.png")) - wanted.keys():
        path.unlink()


def content(build: Build, page: str) -> dict[str, Any]:
    """Return what the card of a page shows."""
    return {
        "site": build.app.config.project,
        "title": build.app.env.titles[page].astext(),
        "about": description(build, page),
        "count": dict(build.favoured.get(page, {})),
    }


def digest_of(shown: dict[str, Any]) -> str:
    """Return a digest of all that a card depends on, the way it is drawn included."""
    parts = [json.dumps(shown, sort_keys=True), version("matplotlib"), version("pillow")]
    return hashlib.sha256("\0".join([*parts, Path(__file__).read_text()]).encode()).hexdigest()


def digest_in(path: Path) -> str | None:
    """Return the digest that a finished card carries, None if there is no such card."""
    try:
        with Image.open(path) as image:
            return image.info.get("Comment")
    except OSError:
        return None


def draw(site: str, title: str, about: str, count: dict[str, int]) -> "Figure":
    """Return a card; everything stands from the top down, in pixels, but for the bar."""
    import matplotlib as mpl  # noqa: PLC0415 (see above)
    from matplotlib.figure import Figure  # noqa: PLC0415

    with mpl.rc_context(mpl.rcParamsDefault):
        figure = Figure((WIDTH / 100, HEIGHT / 100), dpi=100, facecolor=PAPER)
        room = 2 if count else 4  # lines of each text above the bar
        top: float = MARGIN
        if title != site:
            write_lines(figure, [site], top, 26, FAINT)
            top += 66
        lines, size = fitted(figure, title, (64, 52, 44), room, bold=True)
        top += write_lines(figure, lines, top, size, INK, bold=True) + 24
        about_lines, size = fitted(figure, about, (30, 26), room)
        write_lines(figure, about_lines, top, size, FAINT)
        draw_bar(figure, Counter(count))
    return figure


def fitted(
    figure: "Figure", text: str, sizes: tuple[int, ...], most: int, *, bold: bool = False
) -> tuple[list[str], int]:
    """Return a text in lines, in the largest of the sizes at which there are few enough."""
    for size in sizes:
        lines = list(wrapped(figure, text, size, bold=bold))
        if len(lines) <= most:
            return lines, size
    return [*lines[: most - 1], f"{lines[most - 1]} \N{HORIZONTAL ELLIPSIS}"], size


def wrapped(figure: "Figure", text: str, size: int, *, bold: bool) -> Iterator[str]:
    """Yield a text in lines that fit between the margins."""
    line = ""
    for word in text.split():
        longer = f"{line} {word}".strip()
        if line and width_of(figure, longer, size, bold=bold) > WIDTH - 2 * MARGIN:
            yield line
            longer = word
        line = longer
    if line:
        yield line


def width_of(figure: "Figure", text: str, size: int, *, bold: bool = False) -> float:
    """Return how wide a line of text is, in pixels."""
    weight = "bold" if bold else "normal"
    written = figure.text(0, 0, text, fontsize=size * 0.72, fontweight=weight, parse_math=False)
    width = written.get_window_extent().width
    written.remove()
    return float(width)


def write_lines(
    figure: "Figure", lines: list[str], top: float, size: int, colour: str, *, bold: bool = False
) -> float:
    """Write lines from ``top`` down; return the height they take."""
    for number, line in enumerate(lines):
        figure.text(
            MARGIN / WIDTH,
            1 - (top + number * size * 1.25) / HEIGHT,
            line,
            fontsize=size * 0.72,  # points at 100 dots per inch
            color=colour,
            fontweight="bold" if bold else "normal",
            verticalalignment="top",
            parse_math=False,
        )
    return len(lines) * size * 1.25


def draw_bar(figure: "Figure", count: Counter[str]) -> None:
    """Draw whom the claims favour, in a bar and in words, above the two colours of the site."""
    axes = figure.add_axes((0, 0, 1, 1), frameon=False)
    axes.set(xlim=(0, WIDTH), ylim=(HEIGHT, 0), xticks=[], yticks=[])
    for number, side in enumerate(("tensorflow", "pytorch")):
        axes.barh(HEIGHT - 7, WIDTH / 2, 14, number * WIDTH / 2, color=COLOURS[side])
    if not (total := sum(count.values())):
        return
    write_lines(figure, [caption(count)], 412, 26, INK)
    start, left = float(MARGIN), float(MARGIN)
    for side, words in sides(count).items():
        length = count[side] * (WIDTH - 2 * MARGIN) / total
        axes.barh(478, length, 36, start, color=COLOURS[side], edgecolor=PAPER)
        axes.barh(545, 20, 20, left, color=COLOURS[side])
        axes.text(
            left + 32, 545, words, color=INK, fontsize=20, verticalalignment="center_baseline"
        )
        start += length
        left += 32 + width_of(figure, words, 28) + 40


def save(figure: "Figure", path: Path, digest: str) -> None:
    """Write a card in few colours, the same bytes for the same card."""
    drawn, info = BytesIO(), PngInfo()
    figure.savefig(drawn, format="png", metadata={"Software": None})
    info.add_text("Comment", digest)
    image = Image.open(drawn).convert("RGB").quantize(PALETTE, dither=Image.Dither.NONE)
    image.save(path, pnginfo=info, optimize=True)
