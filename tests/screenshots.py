"""Pictures of the site as readers see it: `make screenshots`, then look at _build/screenshots."""

import argparse
import sys
from pathlib import Path

from browsing import Site, launched, opened, served, settle
from playwright.sync_api import Browser, sync_playwright

BUILD = Path(__file__).parents[1] / "_build"
# What is shown, and what is scrolled to the top of the window.
VIEWS = {
    "home": ("index.html", ""),
    "axis": ("graphs.html", ""),
    "side-by-side": ("graphs.html?tab=both", "#graphs-define-then-run"),
    "claim": ("tensors.html?tab=pytorch", "#tensors-item-assignment"),
    "ledger": ("claims.html?favours=pytorch", ""),
    "status": ("status.html", ""),
    "search": ("search.html?q=tf.gather", ""),
    "worked": ("worked/digits.html", ".cell_output img"),
}
WIDTHS = {"desktop": 1280, "wide": 1680, "phone": 390}
SCROLL = "one => one.scrollIntoView({ behavior: 'instant' })"


def take(site: Site, browser: Browser, name: str, target: Path) -> None:
    """Save one view in both themes and at every width."""
    path, part = VIEWS[name]
    for colours in ("light", "dark"):
        for screen, width in WIDTHS.items():
            with opened(site, browser, path, width=width, colours=colours) as visit:
                settle(visit.page)
                if part:
                    visit.page.locator(part).first.evaluate(SCROLL)
                visit.page.screenshot(path=target / f"{name}-{screen}-{colours}.png")


def main() -> None:
    """Take the views that are named, or all."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("views", nargs="*", metavar="VIEW", help=f"one of: {', '.join(VIEWS)}")
    parser.add_argument("--site", type=Path, default=BUILD / "html")
    parser.add_argument("--to", type=Path, default=BUILD / "screenshots")
    given = parser.parse_args()
    if unknown := set(given.views) - set(VIEWS):
        parser.error(f"no view {', '.join(sorted(unknown))}; there are {', '.join(VIEWS)}")
    if not (given.site / "index.html").exists():
        sys.exit(f"{given.site} holds no site; run `make html` first")
    given.to.mkdir(parents=True, exist_ok=True)
    with (
        served(given.site) as site,
        sync_playwright() as playwright,
        launched(playwright) as browser,
    ):
        for name in given.views or VIEWS:
            take(site, browser, name, given.to)
    print(f"{len(given.views or VIEWS) * 6} pictures in {given.to}")


if __name__ == "__main__":
    main()
