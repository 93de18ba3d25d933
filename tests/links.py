"""Links between the files of a site: which lead nowhere."""

import posixpath
from collections.abc import Iterable
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urljoin, urlsplit

LINKS = {"href", "src", "action", "poster", "data"}  # attributes that hold one address
TOP = {"", "top"}  # fragments that need no element


@dataclass
class Markup(HTMLParser):
    """The anchors of a page, and the addresses that it names."""

    anchors: set[str] = field(default_factory=set)
    addresses: list[str] = field(default_factory=list)
    canonical: str = ""

    def __post_init__(self) -> None:
        super().__init__()

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attributes}
        self.anchors.add(found.get("id") or (tag == "a" and found.get("name")) or "")
        self.addresses += [found[name] for name in LINKS & found.keys()]
        for picture in filter(None, found.get("srcset", "").split(",")):
            self.addresses.append(picture.split()[0])
        if tag == "meta" and found.get("property") in ("og:url", "og:image"):
            self.addresses.append(found.get("content", ""))
        if tag == "link" and found.get("rel") == "canonical":
            self.canonical = found["href"]


class Links:
    """All links of a built site, read once from its files."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.pages: dict[str, Markup] = {}
        for path in sorted(folder.rglob("*.html")):
            markup = Markup()
            markup.feed(path.read_text())
            self.pages[path.relative_to(folder).as_posix()] = markup

    @property
    def base(self) -> str:
        """Where the site says it is, as its home page names it: ``https://example.org/``."""
        home = self.pages["index.html"].canonical if "index.html" in self.pages else ""
        return urljoin(home or "https://example.org/", ".")

    def broken(self, page: str) -> list[str]:
        """Return the addresses on a page that lead to no file or to no anchor of this site."""
        return self.missing(self.pages[page].addresses, page)

    def missing(self, addresses: Iterable[str], page: str = "") -> list[str]:
        """Return those of ``addresses``, as written on ``page``, that lead nowhere."""
        return sorted({one for one in addresses if not self.resolves(one, page)})

    def resolves(self, address: str, page: str) -> bool:
        whole = urljoin(urljoin(self.base, page), address)
        if not whole.startswith(self.base):
            ours = urlsplit(whole).netloc == urlsplit(self.base).netloc
            return not ours  # others' pages are not ours to check
        place = urlsplit(whole)
        name = unquote(place.path).removeprefix(urlsplit(self.base).path)
        name = posixpath.join(name, "index.html") if name in ("", ".") or name[-1] == "/" else name
        if name not in self.pages:
            return (self.folder / name).is_file()
        anchor = unquote(place.fragment)
        return anchor in TOP or anchor in self.pages[name].anchors
