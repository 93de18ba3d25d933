"""A picture per page for link previews: its title, what it is about, and who leads there.

The cards of sphinxext-opengraph show a title and a description and know nothing of claims.
A card is drawn again only if what it shows changed: it carries a digest of that.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Iterator
from functools import cache
from html import escape
from importlib.metadata import distribution, version
from itertools import chain
from pathlib import Path
from typing import Any

from claims import wording
from docutils import nodes
from PIL import Image, ImageColor, ImageDraw, ImageFont
from PIL.PngImagePlugin import PngInfo
from sphinx.application import Sphinx

from .build import Build
from .llms import description

FOLDER = "_static/cards"
WIDTH, HEIGHT, MARGIN = 1200, 630, 80
COLOURS = {"tensorflow": "#b35900", "pytorch": "#1f5fbf", "tie": "#6b6f76", "none": "#c4c7cc"}
INK, FAINT, PAPER = "#1b1d21", "#54585f", "#ffffff"
STEPS = 15  # between paper and ink, for smooth letters in few bytes
# DejaVu, as Matplotlib brings it along. Matplotlib itself looks for fonts and settings in the
# reader's home, and once drew other letters there; and it takes a second to import.
FONTS = "matplotlib/mpl-data/fonts/ttf/DejaVuSans{}.ttf"


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
    parts = [json.dumps(shown, sort_keys=True), *way()]
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


@cache
def way() -> tuple[str, ...]:
    """Return what decides how a card is drawn."""
    return version("matplotlib"), version("pillow"), Path(__file__).read_text()


def digest_in(path: Path) -> str | None:
    """Return the digest that a finished card carries, None if there is no such card."""
    try:
        with Image.open(path) as image:
            return image.info.get("Comment")
    except OSError:
        return None


@cache
def font(size: int, *, bold: bool = False) -> ImageFont.FreeTypeFont:
    """Return the font of a card in a size in pixels; set letter by letter, wherever it is drawn."""
    path = distribution("matplotlib").locate_file(FONTS.format("-Bold" if bold else ""))
    return ImageFont.truetype(str(path), size, layout_engine=ImageFont.Layout.BASIC)


def draw(site: str, title: str, about: str, count: dict[str, int]) -> Image.Image:
    """Return a card; everything stands from the top down, in pixels, but for the bar."""
    image = Image.new("RGB", (WIDTH, HEIGHT), PAPER)
    card = ImageDraw.Draw(image)
    room = 2 if count else 4  # lines of each text above the bar
    top: float = MARGIN
    if title != site:
        write_lines(card, [site], top, font(26), FAINT)
        top += 66
    lines, chosen = fitted(title, [font(size, bold=True) for size in (64, 52, 44)], room)
    top += write_lines(card, lines, top, chosen, INK) + 24
    about_lines, chosen = fitted(about, [font(30), font(26)], room)
    write_lines(card, about_lines, top, chosen, FAINT)
    draw_bar(card, Counter(count))
    return image


def fitted(
    text: str, fonts: list[ImageFont.FreeTypeFont], most: int
) -> tuple[list[str], ImageFont.FreeTypeFont]:
    """Return a text in lines, in the first of the fonts in which there are few enough."""
    for chosen in fonts:
        lines = list(wrapped(text, chosen))
        if len(lines) <= most:
            return lines, chosen
    return [*lines[: most - 1], f"{lines[most - 1]} \N{HORIZONTAL ELLIPSIS}"], chosen


def wrapped(text: str, chosen: ImageFont.FreeTypeFont) -> Iterator[str]:
    """Yield a text in lines that fit between the margins."""
    line = ""
    for word in text.split():
        longer = f"{line} {word}".strip()
        if line and chosen.getlength(longer) > WIDTH - 2 * MARGIN:
            yield line
            longer = word
        line = longer
    if line:
        yield line


def write_lines(
    card: ImageDraw.ImageDraw,
    lines: list[str],
    top: float,
    chosen: ImageFont.FreeTypeFont,
    colour: str,
) -> float:
    """Write lines from ``top`` down; return the height they take."""
    height = chosen.size * 1.25
    for number, line in enumerate(lines):
        card.text((MARGIN, top + number * height), line, colour, chosen)
    return len(lines) * height


def draw_bar(card: ImageDraw.ImageDraw, count: Counter[str]) -> None:
    """Draw whom the claims favour, in a bar and in words, above the two colours of the site."""
    for number, side in enumerate(("tensorflow", "pytorch")):
        left = number * WIDTH / 2
        card.rectangle((left, HEIGHT - 14, left + WIDTH / 2 - 1, HEIGHT), COLOURS[side])
    if not (total := sum(count.values())):
        return
    write_lines(card, [caption(count)], 412, font(26), INK)
    start, left = float(MARGIN), float(MARGIN)
    for side, words in sides(count).items():
        end = start + count[side] * (WIDTH - 2 * MARGIN) / total
        card.rectangle((start, 460, end - 2, 496), COLOURS[side])
        card.rectangle((left, 535, left + 20, 555), COLOURS[side])
        card.text((left + 32, 545), words, INK, font(28), anchor="lm")
        start = end
        left += 32 + font(28).getlength(words) + 40


@cache
def palette() -> Image.Image:
    """Return the colours of all cards: to look for those of each took most of its time."""
    paper, *inks = (ImageColor.getrgb(each)[:3] for each in (PAPER, INK, FAINT))
    found = [paper, *(ImageColor.getrgb(each)[:3] for each in COLOURS.values())]
    for ink in inks:
        for number in range(1, STEPS + 1):
            mixed = (a + (b - a) * number / STEPS for a, b in zip(paper, ink, strict=True))
            found.append(tuple(map(round, mixed)))  # type: ignore[arg-type]
    image = Image.new("P", (1, 1))
    image.putpalette(list(chain.from_iterable(found)))
    return image


def save(image: Image.Image, path: Path, digest: str) -> None:
    """Write a card in few colours, the same bytes for the same card."""
    info = PngInfo()
    info.add_text("Comment", digest)
    few = image.quantize(palette=palette(), dither=Image.Dither.NONE)
    few.save(path, pnginfo=info)
