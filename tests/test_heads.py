"""Every mistake in the front matter of a claim is named with its place, and with what is right."""

from pathlib import Path
from typing import Any

import pytest
from claims_at_fault import assert_only_problem, bad, front, problems, said
from helpers import claim_text, make_claim

# What is wrong with the head of a claim.
FRONT_MATTER = [
    bad("unknown key", "claim.md:6:1", "did you mean 'changed'?", claim=front("chanegd: 2019")),
    bad(
        "unknown key of a source",
        "claim.md:6:39",
        "unknown key 'saids': did you mean 'said'? (one of: article, said, favours)",
        claim=front("sources: [{article: primer, said: So, saids: So}]"),
    ),
    bad(
        "missing title",
        "claim.md:2:1",
        "'title' is missing; give the claim a title",
        claim=claim_text(title=None),
    ),
    bad(
        "empty title",
        "claim.md:2:1",
        "'title' is empty; give the claim a title",
        claim=claim_text(title=""),
    ),
    bad(
        "blank title",
        "claim.md:2:1",
        "'title' is empty; give the claim a title",
        claim=claim_text(title="  "),
    ),
    bad(
        "missing status",
        "claim.md:2:1",
        "'status' is missing; say what is so today: holds, partly, outdated, never, opinion",
        claim=claim_text(status=None),
    ),
    bad(
        "unknown status",
        "claim.md:3:1",
        "unknown status 'hold': did you mean 'holds'? (one of: holds, partly,",
        claim=claim_text(status="hold"),
    ),
    bad(
        "status that YAML reads as a truth",
        "claim.md:3:1",
        "unknown status 'yes': (one of: holds,",
        claim=front().replace("holds", "yes"),
    ),
    bad(
        "unknown favourite",
        "claim.md:4:1",
        "unknown favours 'torch': did you mean 'pytorch'?",
        claim=claim_text(favours="torch"),
    ),
    bad(
        "unknown kind",
        "claim.md:6:1",
        "unknown kind 'proof': did you mean 'prose'? (one of: claim, example, ours, prose)",
        claim=claim_text(sources=None, kind="ours").replace("kind: ours", "\nkind: proof"),
    ),
    bad(
        "unknown article",
        "claim.md:6",
        "unknown article 'prmer': did you mean 'primer'? (one of: primer)",
        claim=claim_text().replace("article: primer", "article: prmer"),
    ),
    bad(
        "unknown article on a line with other keys",
        "claim.md:6",
        "unknown article 'prmer': did you mean 'primer'?",
        claim=front("sources: [{said: So, article: prmer}]"),
    ),
    bad(
        "claim without a source",
        "claim.md:2:1",
        "has no sources; name an article, or make it `kind: ours`",
        claim=claim_text(sources=None),
    ),
    bad(
        "tolerance that is no number",
        "claim.md:6:9",
        "'losses' is 'close': input should be a valid number",
        claim=front("agree: {losses: close}"),
    ),
    bad(
        "negative tolerance",
        "claim.md:6:9",
        "'losses' is -1: input should be greater than or equal to 0",
        claim=front("agree: {losses: -1}"),
    ),
    bad(
        "infinite tolerance",
        "claim.md:6:9",
        "'losses' is inf: input should be a finite number",
        claim=front("agree: {losses: .inf}"),
    ),
    bad(
        "tolerance that is empty",
        "claim.md:6:9",
        "'losses' is empty; give it a value",
        claim=front("agree: {losses: }"),
    ),
    bad(
        "need that is no list",
        "claim.md:6:1",
        "'needs' is 'slow'; write a list, such as [slow]",
        claim=front("needs: slow"),
    ),
    bad(
        "need that is no text",
        "claim.md:6:9",
        "'needs' has 3; put it in quotes",
        claim=front("needs: [3]"),
    ),
    bad(
        "needs of nothing",
        "claim.md:6:1",
        "'needs' is empty; write a list, such as [slow]",
        claim=front("needs:"),
    ),
    bad(
        "variables without tolerances",
        "claim.md:6:1",
        "'agree' is ['losses']; write {variable: tolerance}",
        claim=front("agree: [losses]"),
    ),
    bad(
        "variable that is a number",
        "claim.md:6:1",
        "'agree' has 1; put it in quotes",
        claim=front("agree: {1: 1e-6}"),
    ),
    bad(
        "source that is a key alone",
        "claim.md:6:11",
        "'sources' has 'primer'; write a list, such as [{article: primer, said: ...}]",
        claim=front("sources: [primer]"),
    ),
    bad(
        "source without a sentence",
        "claim.md:6:11",
        "'said' is missing; say in our words what the article said",
        claim=front("sources: [{article: primer}]"),
    ),
    bad(
        "text that YAML reads as a number",
        "claim.md:6:1",
        "'changed' is 2019; put it in quotes",
        claim=front("changed: 2019"),
    ),
    bad(
        "text that YAML reads as a date",
        "claim.md:6:1",
        "'changed' is 2019-10-01; put it in quotes",
        claim=front("changed: 2019-10-01"),
    ),
    bad(
        "empty kind",
        "claim.md:5:1",
        "'kind' is empty; say what it is: claim, example, ours, prose",
        claim=front().replace("kind: ours", "kind:"),
    ),
    bad("key that is a number", "claim.md:2:1", "has 1: keys should be", claim=front("1: of many")),
    bad(
        "skip that is a date", "claim.md:6:1", "write {reason: ...", claim=front("skip: 2026-08-02")
    ),
    bad(
        "skip until a word",
        "claim.md:6:33",
        "'until' is 'tomorrow'; write YYYY-MM-DD",
        claim=front("skip: {reason: Broken upstream, until: tomorrow}"),
    ),
    bad(
        "skip until a time of day",
        "claim.md:6:33",
        "'until' is 2026-08-02 10:00:00; write YYYY-MM-DD, without quotes and without a time",
        claim=front("skip: {reason: Broken upstream, until: 2026-08-02 10:00:00}"),
    ),
    bad(
        "skip without a date",
        "claim.md:6:1",
        "'until' is missing; give the last day of the skip as YYYY-MM-DD",
        claim=front("skip: {reason: Broken upstream}"),
    ),
    bad(
        "expired skip",
        "claim.md:6:33",
        "the skip ended on 2026-07-31; mend the snippets or give a new date",
        claim=front("skip: {reason: Broken upstream, until: 2026-07-31}"),
    ),
    bad("date that does not exist", "claim.md:6", "month", claim=front("changed: 2026-13-45")),
    bad(
        "duplicate key",
        "claim.md:6:1",
        "key 'title' is given twice; keep one",
        claim=front("title: Two"),
    ),
    bad(
        "duplicate key of a source",
        "claim.md:6:40",
        "key 'said' is given twice; keep one",
        claim=front("sources: [{article: primer, said: One, said: Two}]"),
    ),
    bad(
        "text with a colon",
        "claim.md:6:14",
        "not valid YAML: mapping values are not allowed here; put a text with a colon in quotes",
        claim=front("changed: 2019: yes"),
    ),
    bad(
        "tab in YAML", "claim.md:7:1", "; indent with blanks", claim=front("skip:", "\treason: So")
    ),
    bad("code in YAML", "claim.md:6:10", "; put the text in quotes", claim=front("changed: `x`")),
    bad(
        "text after its quotes",
        "claim.md:6:14",
        "; put the whole text in quotes, of the kind that it has not",
        claim=front("changed: 'it's so'"),
    ),
    bad("no character", "claim.md:6", "not valid YAML: special", claim=front("changed: \uffff")),
    bad(
        "bracket that is never closed",
        "claim.md:5:8",
        "not valid YAML: expected ',' or ']', but got ':'; close the bracket",
        claim=front().replace("kind: ours", "needs: [slow\nkind: ours"),
    ),
    bad(
        "values without a comma",
        "claim.md:6:16",
        "expected ',' or ']'",
        claim=front("needs: ['slow' 'gpu']"),
    ),
    bad(
        "quote that is never closed",
        "claim.md:6:10",
        "; close the quote",
        claim=front("changed: 'so"),
    ),
    bad("tag of Python", "claim.md:6:10", "not valid YAML", claim=front("changed: !!python/x 1")),
    bad(
        "list that holds itself",
        "claim.md:6:14",
        "write the value out, or put it in quotes",
        claim=front("needs: &all [*all]"),
    ),
    bad("set in place of a mapping", "claim.md:2:1", "", claim="---\n!!set {title}\n---\nSo.\n"),
    bad("very deep YAML", "claim.md", "", claim=front(f"needs: {'[' * 3000}{']' * 3000}")),
    bad(
        "YAML that is a list",
        "claim.md:2:1",
        "not a mapping; write lines of `key: value`",
        claim="---\n- title\n---\nBoth do.\n",
    ),
    bad(
        "empty YAML",
        "claim.md:2:1",
        "not a mapping; write lines of `key: value`",
        claim="---\n---\nBoth do.\n",
    ),
    bad(
        "no front matter",
        "claim.md:1:1",
        "must begin with front matter between two lines of ---",
        claim="Both do.\n",
    ),
    bad(
        "head that is never closed",
        "claim.md:1:1",
        "the head opened at line 1 is never closed; put --- below it",
        claim=front().replace("\n---\n", "\n"),
    ),
    bad(
        "head without a line below",
        "claim.md:6:1",
        "has no statement; say below",
        claim=front().removesuffix("\nBoth do.\n"),
    ),
    bad(
        "no statement",
        "claim.md:7:1",
        "has no statement; say below the front matter what is so today",
        claim=said(""),
    ),
    bad(
        "no claim.md",
        "claim.md:1:1",
        "is missing; write it, or remove the folder",
        claim=None,
    ),
]


@pytest.mark.parametrize(("files", "where", "says"), FRONT_MATTER)
def test_a_mistake_in_the_head_is_named_with_its_place_and_what_is_right(
    tmp_path: Path, files: dict[str, Any], where: str, says: str
) -> None:
    folder = make_claim(tmp_path, "axis/one", **files)
    assert_only_problem(problems(tmp_path), folder, where, says)
