"""What the site offers beside its pages: twins, data, feed, cards, and lasting addresses."""

import csv
import datetime
import io
import json
import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast
from xml.etree import ElementTree as ET

import pytest
from helpers import SNIPPET, claim_text
from jsonschema import Draft202012Validator
from machines import data
from machines.build import Build
from markdown_it import MarkdownIt
from PIL import Image
from sites import PARTS, Built, Site, numbers

from snippets._harness import evidence as ev
from snippets._harness import record
from snippets._harness.catalogue import Catalogue

pytestmark = pytest.mark.filterwarnings("ignore:.*app' is deprecated")

ROOT = Path(__file__).parents[1]
BASE = "https://example.org/site/"
ATOM = {"": "http://www.w3.org/2005/Atom"}
SETTINGS = {
    "extensions": [*PARTS, "machines"],
    "html_baseurl": BASE,
    "author": "Somebody",
    "suppress_warnings": ["toc.not_included"],
}
FRONT = '---\nmyst:\n  html_meta:\n    description: "Adding, in both."\n---\n'
INDEX = "# Home\n\n```{toctree}\n:caption: Axes\n\nsums\n```\n"
SUMS = f"""\
{FRONT}
(axis-sums)=
# Sums

Some *prose* with `code`, 2 \\* 3 and a [link](#more-two); see [](more.md).

```{{verdicts}} sums
```

2020\\. That was a year.

````python
print("```")
````

"""
CELLS = (
    "---\nfile_format: mystnb\nkernelspec:\n  name: python3\n  language: python\n---\n# Worked\n\n"
)
CELL = "```{code-cell}\nprint(1)\n```\n"
DAYS = [datetime.date(2026, month, 1) for month in range(1, 4)]


def made(site: Site, to: str = "_out") -> Built:
    built = site.build(to, overrides=SETTINGS)
    assert built.warnings == []
    return built


def note(site: Site, day: datetime.date = DAYS[0]) -> None:
    record.update(Catalogue(site.root, day))


def moved(site: Site, **places: str) -> None:
    """Say in the record what took the place of what is gone."""
    with (site.root / "snippets" / record.NAME).open("a") as file:
        file.writelines(f'"{old}" = "{new}"\n' for old, new in places.items())


def stands(site: Site, claim_id: str, **front: Any) -> None:
    (site.root / "snippets" / claim_id / "claim.md").write_text(claim_text(**front))
    site.prove(claim_id)


def files(folder: Path) -> dict[str, bytes]:
    """Return all that a build wrote but Sphinx's own files, by name."""
    names = ("*.md", "llms.txt", "claims.*", "feed.xml", "*.png")
    found = (path for name in names for path in folder.rglob(name))
    return {str(path.relative_to(folder)): path.read_bytes() for path in found}


@pytest.fixture
def site(tmp_path: Path) -> Site:
    site = Site(tmp_path / "project")
    site.write("index", INDEX)
    return site


@pytest.fixture(scope="module")
def tour(tmp_path_factory: pytest.TempPathFactory) -> Built:
    """A site that has everything, built once."""
    site = Site(tmp_path_factory.mktemp("machines") / "project")
    site.write("index", INDEX)
    site.write("sums", SUMS)
    site.write("cells", CELLS + CELL)
    four = claim_text(
        "It is `2`.\n\nSo add.\n",
        title="One `+` one | two",
        status="outdated",
        favours="pytorch",
        changed="TensorFlow 2.0",
        agree={"total": 0.5},
    )
    site.add("sums/four-ways", claim=four, keras=SNIPPET, tensorflow1=SNIPPET, prove=False)
    site.prove("sums/four-ways", values={"total": numbers(2)})
    site.prove("sums/four-ways", "pytorch", values={"total": numbers(2.25)})
    later = datetime.date(9999, 12, 31)
    skipped = claim_text(title="=1+1", skip={"reason": "a bug", "until": later})
    site.add("more/two", claim=skipped, prove=False)
    site.prove("more/two", outcome="not run", reason="skipped")
    talk = claim_text(kind="prose", title="-1 is said, and not shown")
    site.add("more/talk", claim=talk, tensorflow=None, pytorch=None)
    note(site)
    return made(site)


def twin(built: Built, name: str) -> str:
    return (built.out / f"{name}.md").read_text()


def claims(built: Built) -> dict[str, dict[str, Any]]:
    found = json.loads((built.out / "claims.json").read_text())["claims"]
    return {claim["id"]: claim for claim in found}


def table(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text, newline=""), strict=True))


# Twins.


def test_a_twin_says_of_a_claim_what_the_page_says(tour: Built) -> None:
    claim = twin(tour, "sums").split("## One")[1]
    parts = [
        "`+` one | two\n",
        f"<{BASE}sums.html#sums-four-ways>\n",
        "**Then (2020):** a tie **Now:** PyTorch **The claim** is no longer so **Turned by:** Ten",
        "It is `2`.\n\nSo add.\n",
        "**TensorFlow**\n\nThe sum:\n\n```python\n>>> 1 + 1\n2\n```\n",
        "**PyTorch**\n\nThe sum:\n",
        "**TensorFlow 1.x**\n\nThe sum:\n",
        "**Keras on PyTorch**\n\nThe sum:\n",
        "**Proven** by running TensorFlow",
        "all tabs leave the same `total` (largest difference 0.2)",
        "- [A primer](sources.md#article-primer) (2020): Both add numbers. Favoured: a tie.\n",
    ]
    places = [claim.find(part) for part in parts]
    assert -1 not in places, parts[places.index(-1)]
    assert places == sorted(places)


def test_a_twin_keeps_prose_as_written_and_leads_to_other_twins(tour: Built) -> None:
    text = twin(tour, "sums")
    assert text.startswith("# Sums\n\nSome *prose* with `code`, 2 \\* 3 and a ")
    assert "[link](more.md#more-two); see [More](more.md)." in text
    assert "\n\n2020\\. That was a year.\n\n" in text
    assert '\n\n````python\nprint("```")\n````\n\n' in text
    assert "html_meta" not in text
    assert "{claim}" not in text


def test_a_table_in_a_twin_is_a_table_to_a_reader_of_markdown(tour: Built) -> None:
    text = MarkdownIt("commonmark").enable("table").render(twin(tour, "sums"))
    (row,) = re.findall(r"<tr>\s*<td>(.*?)</tr>", text, re.DOTALL)
    assert re.findall(r">?([^<>\n]+)<", row)[:4] == [
        "One + one | two", "a tie", "PyTorch", "is no longer so",
    ]  # fmt: skip


def test_the_cells_of_a_worked_page_are_in_its_twin(tour: Built) -> None:
    assert twin(tour, "cells") == "# Worked\n\n```python\nprint(1)\n```\n"


def test_every_page_names_its_twin_the_feed_and_its_card(tour: Built) -> None:
    for name in ("index", "sums", "more", "sources", "cells"):
        head = tour.page(name)
        links = {str(link.get("type")): link["href"] for link in head.find_all(rel="alternate")}
        assert links == {"text/markdown": f"{name}.md", "application/atom+xml": "feed.xml"}
        image = head.find("meta", property="og:image")
        assert image is not None
        assert image["content"] == f"{BASE}_static/cards/{name}.png"
        assert (tour.out / f"{name}.md").exists()


def test_the_search_page_has_no_twin(tour: Built) -> None:
    assert tour.page("search").find(rel="alternate") is None


def test_a_page_that_is_gone_takes_its_twin_and_its_card_along(site: Site) -> None:
    site.add("sums/one")
    site.write("more", "# More\n")
    assert {"more.md", "_static/cards/more.png"} <= files(made(site).out).keys()
    (site.docs / "more.md").unlink()
    assert not {"more.md", "_static/cards/more.png"} & files(made(site).out).keys()


# llms.txt.


def test_llms_txt_lists_all_twins_with_what_they_are_about(tour: Built) -> None:
    text = (tour.out / "llms.txt").read_text()
    assert text.startswith("# Test\n\n> Test\n\n## Axes\n\n")
    assert f"## Axes\n\n- [Sums]({BASE}sums.md): Adding, in both.\n\n## More pages\n" in text
    assert f"\n- [More]({BASE}more.md)\n" in text
    for name in ("claims.json", "claims.csv", "feed.xml"):
        assert f"]({BASE}{name})" in text
        assert (tour.out / name).exists()


# claims.json and claims.csv.


def test_the_data_is_as_its_schema_says_and_the_schema_says_what_each_field_means(
    tour: Built,
) -> None:
    schema = json.loads((tour.out / "claims.schema.json").read_text())
    found = json.loads((tour.out / "claims.json").read_text())
    Draft202012Validator.check_schema(schema)
    Draft202012Validator(schema).validate(found)
    assert found["$schema"] == schema["$id"] == f"{BASE}claims.schema.json"
    for model in (schema, *schema["$defs"].values()):
        assert model["additionalProperties"] is False
        assert [name for name, each in model["properties"].items() if not each["description"]] == []


def test_a_claim_in_the_data_has_its_verdict_and_its_evidence(tour: Built) -> None:
    claim = claims(tour)["sums/four-ways"]
    said = {"article": "primer", "year": 2020, "said": "Both add numbers.", "favoured": "tie"}
    plain = {
        "title": "One + one | two",
        "title_markdown": "One `+` one | two",
        "status": "outdated",
        "favours": "pytorch",
        "changed": "TensorFlow 2.0",
        "then": [said],
        "history": [{"date": "2026-01-01", "status": "outdated", "favours": "pytorch"}],
        "statement": "It is `2`.\n\nSo add.",
        "address": f"{BASE}sums.html#sums-four-ways",
        "agree": {"total": {"tolerance": 0.5, "difference": 0.25}},
        "skip": None,
    }
    assert claim | plain == claim
    tabs = ["tensorflow", "pytorch", "tensorflow1", "keras"]
    assert [run["framework"] for run in claim["evidence"]] == tabs
    run = claim["evidence"][1]
    recorded = ev.read(tour.site.evidence("sums/four-ways", "pytorch"))
    assert recorded is not None
    assert (run["digest"], run["versions"]) == (recorded.digest, recorded.versions)
    assert (tour.site.root / run["source"]).is_file()


def test_what_did_not_run_says_so_in_the_data(tour: Built) -> None:
    claim = claims(tour)["more/two"]
    assert {run["outcome"]: run["reason"] for run in claim["evidence"]} == {"not run": "skipped"}
    assert claim["skip"] == "a bug (until 9999-12-31)"
    assert claims(tour)["more/talk"]["evidence"] == []


def test_the_table_has_a_row_for_each_claim_and_is_rfc_4180(tour: Built) -> None:
    text = (tour.out / "claims.csv").read_bytes().decode()
    rows = table(text)
    assert [row["id"] for row in rows] == list(claims(tour))
    assert text.startswith("id,axis,title,")
    assert text.count("\r\n") == 1 + len(rows)
    row = {row["id"]: row for row in rows}["sums/four-ways"]
    assert row["statement"] == "It is `2`.\n\nSo add."
    assert (row["then"], row["favours"], row["keras"]) == ("tie", "pytorch", "passed")


def test_no_cell_of_the_table_is_a_formula_to_a_spreadsheet(tour: Built) -> None:
    rows = table((tour.out / "claims.csv").read_text())
    titles = [row["title"] for row in rows]
    assert {"'=1+1", "'-1 is said, and not shown"} < set(titles)


# The feed.


def entries(built: Built) -> tuple[ET.Element, list[ET.Element]]:
    feed = ET.fromstring((built.out / "feed.xml").read_bytes())  # noqa: S314 (our own)
    return feed, feed.findall("entry", ATOM)


def texts(found: list[ET.Element], name: str) -> list[str | None]:
    return [entry.findtext(name, namespaces=ATOM) for entry in found]


def test_a_claim_that_changed_is_in_the_feed_newest_first(site: Site) -> None:
    for name in ("sums/one", "sums/two"):
        site.add(name, claim=claim_text(title=f"About `{name}`"))
    note(site)
    assert entries(made(site))[1] == []  # that they are new is no change
    stands(site, "sums/two", title="About `sums/two`", status="partly", favours="pytorch")
    note(site, DAYS[1])
    stands(site, "sums/one", title="About `sums/one`", status="outdated")
    note(site, DAYS[2])
    feed, found = entries(made(site))
    assert texts(found, "title") == [
        "About sums/one: it is no longer so and favours a tie",
        "About sums/two: it holds in part and favours PyTorch",
    ]
    assert texts(found, "summary")[1] == (
        "Then (2020): a tie. Since 1 January 2026: it still holds and favours a tie. "
        "Since 1 February 2026: it holds in part and favours PyTorch."
    )
    links = [cast("ET.Element", entry.find("link", ATOM)).get("href") for entry in found]
    assert links == [f"{BASE}sums.html#sums-one", f"{BASE}sums.html#sums-two"]
    assert texts([feed, *found], "updated") == [
        "2026-03-01T00:00:00Z", "2026-03-01T00:00:00Z", "2026-02-01T00:00:00Z",
    ]  # fmt: skip


def test_the_feed_has_what_atom_requires(tour: Built) -> None:
    feed, _ = entries(tour)
    assert feed.findtext("author/name", namespaces=ATOM) == "Somebody"
    assert feed.findtext("id", namespaces=ATOM) == f"{BASE}feed.xml"
    links = {link.get("rel"): link.get("href") for link in feed.findall("link", ATOM)}
    assert links == {"self": f"{BASE}feed.xml", "alternate": f"{BASE}index.html"}
    assert all(feed.findtext(name, namespaces=ATOM) for name in ("title", "updated"))


def test_the_feed_has_at_most_fifty_entries_each_with_an_id_of_its_own(site: Site) -> None:
    site.add("sums/one")
    path = site.root / "snippets" / record.NAME
    verdicts = ("holds, tie", "partly, tie")
    days = [DAYS[0] + datetime.timedelta(days=number) for number in range(60)]
    lines = [f'sums-one.{day} = "{verdicts[day.day % 2]}"\n' for day in days]
    path.write_text("[claims]\n" + "".join(lines))
    found = entries(made(site))[1]
    assert len(set(texts(found, "id"))) == len(found) == 50
    assert texts(found, "updated")[0] == f"{days[-1]}T00:00:00Z"


# Cards.


def test_every_page_has_a_card_of_the_size_it_names(tour: Built) -> None:
    for name in ("index", "sums", "more", "cells"):
        path = tour.out / "_static" / "cards" / f"{name}.png"
        sizes = [
            tour.page(name).find("meta", property=f"og:image:{side}")
            for side in ("width", "height")
        ]
        with Image.open(path) as image:
            assert [str(side) for side in image.size] == [tag and tag["content"] for tag in sizes]
        assert path.stat().st_size < 60_000


def test_the_words_of_a_card_say_whom_the_claims_favour(tour: Built) -> None:
    words = {
        name: tag["content"]
        for name in ("index", "sums", "cells")
        if (tag := tour.page(name).find("meta", property="og:image:alt"))
    }
    assert words == {
        "index": "Home. Whom 3 claims favour today: PyTorch 1, a tie 2.",
        "sums": "Sums. Whom 1 claims favour today: PyTorch 1.",
        "cells": "Worked",
    }


def test_only_the_card_that_shows_something_else_is_drawn_again(site: Site) -> None:
    for name in ("sums/one", "more/two"):
        site.add(name)
    cards = made(site).out / "_static" / "cards"
    before = {path.name: (path.stat().st_mtime_ns, path.read_bytes()) for path in cards.iterdir()}
    stands(site, "more/two", favours="pytorch")
    made(site)
    after = {path.name: (path.stat().st_mtime_ns, path.read_bytes()) for path in cards.iterdir()}
    assert {name for name in after if after[name] != before[name]} == {"more.png", "index.png"}


# When it is written.


def test_two_builds_give_the_same_bytes(tour: Built) -> None:
    assert files(made(tour.site, "_again").out) == files(tour.out)


def test_nothing_is_written_again_when_nothing_changed(site: Site) -> None:
    site.add("sums/one")
    out = made(site).out
    times = {name: (out / name).stat().st_mtime_ns for name in files(out)}
    made(site)
    assert times == {name: (out / name).stat().st_mtime_ns for name in files(out)}


def test_a_claim_that_changed_is_new_in_all_of_it(site: Site) -> None:
    site.add("sums/one")
    made(site)
    stands(site, "sums/one", title="Another title")
    found = files(made(site).out)
    for name in ("sums.md", "claims.json", "claims.csv"):
        assert b"Another title" in found[name]


def test_the_record_alone_is_enough_to_write_the_data_again(site: Site) -> None:
    site.add("sums/one")
    assert claims(made(site))["sums/one"]["history"] == []
    note(site)
    assert len(claims(made(site))["sums/one"]["history"]) == 1


# What is gone.


def renamed(site: Site, old: str, new: str, page: str) -> None:
    """Give a claim another name, and show it on ``page``."""
    folder, target = (site.root / "snippets" / claim_id for claim_id in (old, new))
    target.parent.mkdir(exist_ok=True)
    folder.rename(target)
    former = site.docs / f"{old.partition('/')[0]}.md"
    former.write_text(former.read_text().replace(f"```{{claim}} {old}\n```\n", ""))
    with (site.docs / f"{page}.md").open("a") as file:
        file.write(f"```{{claim}} {new}\n```\n")
    site.prove(new)


def test_a_former_anchor_leads_to_the_claim_that_took_its_place(site: Site) -> None:
    site.add("sums/one")
    note(site)
    made(site)
    renamed(site, "sums/one", "sums/two", "sums")
    moved(site, **{"sums-one": "sums-two"})
    found = made(site).page("sums").find(id="sums-one")
    assert found is not None
    assert found.find_parent("section", id="sums-two") or found["id"] == "sums-two"


def test_a_former_anchor_leads_to_another_page(site: Site) -> None:
    site.add("sums/one", claim=claim_text(title="A `<b>` title"))
    site.write("more", "# More\n\n")
    note(site)
    made(site)
    renamed(site, "sums/one", "sums/two", "more")
    moved(site, **{"sums-one": "sums-two"})
    built = made(site)
    line = built.page("sums").find(id="sums-one")
    assert line is not None
    link = line.find("a")
    assert link is not None
    assert (link["href"], link.get_text()) == ("more.html#sums-two", "A <b> title")


def test_a_claim_on_another_page_needs_no_word_of_where_it_went(site: Site) -> None:
    site.add("sums/one")
    site.write("more", "# More\n\n")
    note(site)
    page = site.docs / "sums.md"
    page.write_text(page.read_text().replace("```{claim} sums/one\n```\n", ""))
    site.write("more", "# More\n\n```{claim} sums/one\n```\n")
    line = made(site).page("sums").find(id="sums-one")
    assert line is not None
    assert line.find("a", href="more.html#sums-one") is not None


def test_saying_where_it_went_is_enough_to_write_the_page_again(site: Site) -> None:
    site.add("sums/one")
    note(site)
    renamed(site, "sums/one", "sums/two", "sums")
    assert made(site).page("sums").find(id="sums-one") is None
    moved(site, **{"sums-one": "sums-two"})
    assert made(site).page("sums").find(id="sums-one") is not None


def test_a_page_that_is_gone_leads_on_with_all_its_anchors(site: Site) -> None:
    site.write("index", INDEX.replace("sums", "more"))
    site.add("sums/one")
    site.write("more", "# More\n\n")
    note(site)
    made(site)
    renamed(site, "sums/one", "more/one", "more")
    (site.docs / "sums.md").unlink()
    moved(site, **{"sums": "more", "axis-sums": "more", "sums-one": "more-one"})
    page = made(site).page("sums")
    refresh = page.find("meta", attrs={"http-equiv": "refresh"})
    assert refresh is not None
    assert refresh["content"] == "0; url=more.html"
    lines = {str(line["id"]): line.a and line.a["href"] for line in page.find_all("p", id=True)}
    assert lines == {"axis-sums": "more.html", "sums-one": "more.html#more-one"}


# The real catalogue.


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The data of this project's own claims, without a build."""
    app = SimpleNamespace(
        config=SimpleNamespace(claims_project=str(ROOT), claims_evidence="", html_baseurl=BASE),
        srcdir=ROOT / "docs",
        outdir=tmp_path_factory.mktemp("real"),
        builder=SimpleNamespace(get_target_uri=lambda page: f"{page}.html"),
    )
    return data.files(Build(cast("Any", app)))


def test_the_data_of_this_project_is_as_the_schema_says(real: dict[str, str]) -> None:
    found = json.loads(real["claims.json"])
    Draft202012Validator(json.loads(real["claims.schema.json"])).validate(found)
    expected = {f"{path.parent.name}/{path.name}" for path in Catalogue(ROOT).folders()}
    assert {claim["id"] for claim in found["claims"]} == expected
    assert {row["id"] for row in table(real["claims.csv"])} == expected
