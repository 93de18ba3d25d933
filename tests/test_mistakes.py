"""Every mistake in the text and code of a claim is named with its place, and what is right."""

from pathlib import Path
from typing import Any

import pytest
from claims_at_fault import assert_only_problem, bad, front, problems, said
from helpers import SNIPPET, claim_text, make_claim, snippet

FENCE = "```python"


def also(markdown: str) -> str:
    """Return a sound snippet file with more Markdown at its end, which begins at line 8."""
    return f"{SNIPPET}\n{markdown}"


def examples(count: int) -> str:
    """Return a snippet file of ``count`` lines of code."""
    return snippet("\n".join([">>> one = 1"] * (count - 1) + [">>> one", "1"]))


# What is wrong with the bytes of a file.
ENCODING = [
    bad(
        "not UTF-8 in the claim",
        "claim.md:7:3",
        "byte 0xe9 is not UTF-8; save as UTF-8",
        claim=said("caf\N{LATIN SMALL LETTER E WITH ACUTE}\n")
        .replace("caf", "ca")
        .encode("latin-1"),
    ),
    bad(
        "not UTF-8 in a tab",
        "pytorch.md:2:1",
        "byte 0xff is not UTF-8; save as UTF-8",
        pytorch=b"Words.\n\xff\n",
    ),
    bad(
        "byte order mark",
        "claim.md:1:1",
        "begins with a byte order mark; save as UTF-8 without BOM",
        claim=b"\xef\xbb\xbf" + front().encode(),
    ),
    bad(
        "CRLF",
        "pytorch.md:1:1",
        "has Windows line ends (CRLF); save with LF",
        pytorch=SNIPPET.replace("\n", "\r\n"),
    ),
    bad(
        "CRLF further down",
        "pytorch.md:5:1",
        "has Windows line ends (CRLF); save with LF",
        pytorch=SNIPPET.replace("2\n", "2\r\n"),
    ),
]

# What readers do not see, or what has them see another order than there is.
OVERRIDE, ISOLATE = "\N{RIGHT-TO-LEFT OVERRIDE}", "\N{LEFT-TO-RIGHT ISOLATE}"
HIDDEN = [
    bad(
        "turned text in a statement",
        "claim.md:7:5",
        "U+202E, RIGHT-TO-LEFT OVERRIDE, which readers do not see; take it out, or write it as"
        " \\u202e in code",
        claim=said(f"Both{OVERRIDE} do.\n"),
    ),
    bad(
        "turned text in a title", "claim.md:2:9", "U+2066", claim=front().replace("ne", ISOLATE, 1)
    ),
    bad("turned text in prose", "pytorch.md:8:1", "U+2066, LEFT-TO-RIGHT", pytorch=also(ISOLATE)),
    bad(
        "turned text in code",
        "pytorch.md:4:8",
        "U+202E",
        pytorch=snippet(f">>> 1 #{OVERRIDE} 2\n1"),
    ),
    bad(
        "turned text in output",
        "pytorch.md:5:3",
        "U+202E",
        pytorch=snippet(f">>> x\n'a{OVERRIDE}'"),
    ),
    bad("bell in the front matter", "claim.md:6:10", "\\x07 in", claim=front("changed: \x07")),
    bad(
        "escape in output", "pytorch.md:5:1", "U+001B, a control", pytorch=snippet(">>> x\n\x1b[1m")
    ),
    bad("nothing in code", "pytorch.md:4:8", "write it as \\x00", pytorch=snippet(">>> x #\0\n1")),
    bad("delete in prose", "pytorch.md:8:2", "U+007F", pytorch=also("a\x7f\n")),
    bad("later controls in prose", "pytorch.md:8:2", "U+009F", pytorch=also("a\x9f\n")),
    bad("form feed in prose", "pytorch.md:8:2", "\\x0c", pytorch=also("a\f\n")),
]

# What is wrong with the tabs and their code.
TABS = [
    bad("no TensorFlow tab", "tensorflow.md:1:1", "the TensorFlow tab is missing", tensorflow=None),
    bad("no PyTorch tab", "pytorch.md:1:1", "the PyTorch tab is missing; show in it", pytorch=None),
    bad(
        "unknown framework",
        "pytroch.md:1:1",
        "unknown framework or file 'pytroch.md': did you mean 'pytorch.md'? (one of: claim.md,",
        pytroch=SNIPPET,
    ),
    bad("no doctest", "pytorch.md:1:1", f"no doctest; add a {FENCE} fence", pytorch="Words.\n"),
    bad("empty tab", "pytorch.md:1:1", f"no doctest; add a {FENCE} fence", pytorch=""),
    bad(
        "nothing expected",
        "pytorch.md:4:1",
        "nothing is expected of any example, so nothing is proven",
        pytorch=snippet(">>> one = 1\n>>> two = 2"),
    ),
    bad(
        "ellipsis in place of the output",  # which doctest reads as code that goes on
        "pytorch.md:4:1",
        "nothing is expected of any example, so nothing is proven",
        pytorch=snippet(">>> 1 + 1\n..."),
    ),
    bad(
        "output that is only an ellipsis",
        "pytorch.md:5:1",
        "the expected output '[...]' matches anything",
        pytorch=snippet(">>> one = 1\n>>> [one]\n[...]\n>>> one\n1"),
    ),
    bad(
        "skipped example",
        "pytorch.md:6:1",
        "the doctest option +SKIP weakens or hides the evidence; allowed: +ELLIPSIS, +NORMALIZE",
        pytorch=snippet(">>> 1 + 1\n2\n>>> 1 + 1  # doctest: +SKIP\n3"),
    ),
    bad(
        "skipped among allowed options",
        "pytorch.md:4:1",
        "the doctest option +SKIP weakens or hides the evidence",
        pytorch=snippet(">>> 1 + 1  # doctest:+ELLIPSIS,+SKIP\n3"),
    ),
    bad(
        "line of 73 columns",
        "pytorch.md:4:73",
        '73 columns, at most 72; break the line, continue it with "... "',
        pytorch=snippet(f">>> len('{'x' * 62}')\n62"),
    ),
    bad(
        "output of 73 columns",
        "pytorch.md:5:73",
        "73 columns, at most 72; put ... for a part of the output",
        pytorch=snippet(f">>> 'x' * 71\n'{'x' * 71}'"),
    ),
    bad("26 lines of code", "pytorch.md:4:1", "26 lines of code, at most 25", pytorch=examples(26)),
    bad(
        "line of 73 columns that goes on",
        "pytorch.md:5:73",
        '73 columns, at most 72; break the line, continue it with "... "',
        pytorch=snippet(f">>> len(\n...     '{'x' * 62}')\n62"),
    ),
    bad("code without prompts", "pytorch.md:4:1", "begin with >>>", pytorch=snippet("one = 1")),
    bad(
        "no blank after the first prompt",
        "pytorch.md:4:1",
        "a code block must begin with >>> and a blank (code alone would not be checked); "
        "found '>>>import'",
        pytorch=snippet(">>>import torch\n>>> 1\n1"),
    ),
    bad(
        "no blank where code goes on",
        "pytorch.md:5:1",
        "not a doctest: lacks blank after ...: '...x)'",
        pytorch=snippet(">>> (1 +\n...x)\n2"),
    ),
    bad(
        "block that is no doctest beside one that expects nothing",
        "pytorch.md:8:1",
        "begin with >>> and a blank",
        pytorch=f"{FENCE}\n>>> one = 1\n```\n\nSo:\n\n{FENCE}\n>>>1\n1\n```\n",
    ),
    bad("empty block", "pytorch.md:4:1", "begin with >>>", pytorch=snippet("")),
    bad(
        "no blank after the prompt", "pytorch.md:5:1", "lacks blank", pytorch=snippet(">>> 1\n>>>2")
    ),
    bad(
        "unknown doctest option",
        "pytorch.md:5:1",
        "invalid option: '+LUCK'",
        pytorch=snippet(">>> one = 1\n>>> 1 + 1  # doctest: +LUCK\n3"),
    ),
]

# Errors that are expected in a way that doctest does not read.
HOW = 'to expect an error, write "Traceback (most recent call last):", then "...", then a line that'
TRACEBACK = "Traceback (most recent call last):"
ERRORS = [
    bad("error alone", "pytorch.md:6:1", HOW, pytorch=snippet(">>> f(\n... )\nb.MyError: no")),
    bad("exception alone", "pytorch.md:5:1", HOW, pytorch=snippet(">>> f()\nException: no")),
    bad("error without words", "pytorch.md:5:1", HOW, pytorch=snippet(">>> f()\nMyError")),
    bad(
        "shortened error",
        "pytorch.md:7:1",
        HOW,
        pytorch=snippet(">>> 1\n1\n>>> f()\n...MyError: a"),
    ),
    bad(
        "error shortened at its front",
        "pytorch.md:5:1",
        HOW,
        pytorch=snippet(f">>> f()\n{TRACEBACK}\n...\n...MyError: no"),
    ),
    bad(
        "traceback without an error",
        "pytorch.md:5:1",
        HOW,
        pytorch=snippet(f">>> f()\n{TRACEBACK}\n..."),
    ),
    bad(
        "traceback after other text",
        "pytorch.md:6:1",
        HOW,
        pytorch=snippet(f">>> f()\nhere\n{TRACEBACK}\n...\n...MyError: no"),
    ),
]

# What may not stand between the code, in a statement or in a tab.
MARKUP = [
    bad(
        "unclosed fence",
        "pytorch.md:8:1",
        "never closed; end it with ``` on its own line",
        pytorch=also(f"{FENCE}\n>>> 2 + 2\n4\n"),
    ),
    bad("fence of another language", "pytorch.md:8:1", FENCE, pytorch=also("```bash\nls\n```\n")),
    bad("fence of no language", "pytorch.md:8:1", FENCE, pytorch=also("```\nls\n```\n")),
    bad("fence of tildes", "pytorch.md:8:1", FENCE, pytorch=also("~~~python\n>>> 1\n1\n~~~\n")),
    bad(
        "indented code", "pytorch.md:8:1", f"write paragraphs and {FENCE}", pytorch=also("    1\n")
    ),
    bad("code without a prompt after code", "pytorch.md:7:1", "", pytorch=snippet(">>> 1\n1\n\n2")),
    bad("code in the statement", "claim.md:8:1", "put code", claim=said(f"{FENCE}\n>>> 1\n```\n")),
    bad("raw HTML in a line", "claim.md:7:1", "html inline is not", claim=said("A <b>word.\n")),
    bad("raw HTML", "pytorch.md:8:1", "html block is not", pytorch=also("<script>\n</script>\n")),
    bad("raw HTML in a title", "claim.md:2", "html inline", claim=claim_text(title="<b x=1> is")),
    bad("role in a title", "claim.md:2", "role {raw}", claim=claim_text(title="{raw}`x` is")),
    bad("title of two lines", "claim.md:2", "line", claim=claim_text(title="One\n\ntwo")),
    bad("directive", "pytorch.md:8:1", FENCE, pytorch=also("```{include} /etc/passwd\n```\n")),
    bad(
        "colon directive", "pytorch.md:8:1", ":::", pytorch=also(":::{include} /etc/passwd\n:::\n")
    ),
    bad(
        "colon directive after text", "claim.md:8:1", ":::", claim=said("So\n:::{include} x\n:::\n")
    ),
    bad(
        "role",
        "claim.md:7:1",
        "the role {doc} is not allowed here; use a link",
        claim=said("{doc}`x`"),
    ),
    bad("heading", "claim.md:9:1", "heading is not allowed here", claim=said("So.\n\n## More\n")),
    bad("underlined heading", "claim.md:7:1", "heading is not allowed", claim=said("More\n---\n")),
    bad("image", "claim.md:7:1", "image is not allowed here", claim=said("![x](https://a.b/c)\n")),
    bad(
        "code without a fence above",
        "pytorch.md:8:1",
        f"examples (>>>) outside a fence; put {FENCE} on the line above",
        pytorch=also(">>> 1 + 1\n2\n```\n\nMore:\n\n```python\n>>> 1\n1\n```\n"),
    ),
    bad("quotation", "claim.md:9:1", "blockquote is not allowed", claim=said("So.\n\n>\n")),
    bad("thematic break", "claim.md:9:1", "hr is not allowed", claim=said("So.\n\n***\n")),
    bad(
        "javascript link",
        "claim.md:7:1",
        "the link 'javascript:alert(1)' must begin with https:// or with #",
        claim=said("[So](javascript:alert(1)).\n"),
    ),
    bad(
        "link to a file",
        "claim.md:7:1",
        "the link '/etc/passwd' must begin with https:// or with #",
        claim=said("[So](/etc/passwd).\n"),
    ),
    bad(
        "link without encryption",
        "claim.md:7:1",
        "the link 'http://a.b' must begin with https:// or with #",
        claim=said("[So][1].\n\n[1]: http://a.b\n"),
    ),
]


@pytest.mark.parametrize(("files", "where", "says"), [*ENCODING, *HIDDEN, *TABS, *ERRORS, *MARKUP])
def test_bad_input_is_named_with_its_place_and_what_is_right(
    tmp_path: Path, files: dict[str, Any], where: str, says: str
) -> None:
    folder = make_claim(tmp_path, "axis/one", **files)
    assert_only_problem(problems(tmp_path), folder, where, says)


# What looks unusual and is right.
@pytest.mark.parametrize(
    "files",
    [
        pytest.param({}, id="plain"),
        pytest.param({"tensorflow1": SNIPPET, "keras": SNIPPET}, id="four tabs"),
        pytest.param(
            {"claim": claim_text(status="opinion"), "tensorflow": None, "pytorch": None},
            id="opinion without tabs",
        ),
        pytest.param(
            {"claim": claim_text(kind="prose"), "tensorflow": None, "pytorch": None},
            id="prose without tabs",
        ),
        pytest.param({"claim": claim_text(kind="ours", sources=None)}, id="ours without a source"),
        pytest.param({"pytorch": snippet(f">>> len('{'x' * 61}')\n61")}, id="72 columns"),
        pytest.param({"pytorch": examples(25)}, id="25 lines of code"),
        pytest.param({"pytorch": snippet(">>> 'abc'\n'a...'")}, id="output shortened"),
        pytest.param(
            {
                "pytorch": snippet(
                    ">>> 1 / 0\nTraceback (most recent call last):\n...\nZero...: ..."
                )
            },
            id="only an exception expected",
        ),
        pytest.param(
            {"pytorch": snippet(f">>> f()\n{TRACEBACK}\n...\nb.MyError: ...\n...in g...")},
            id="exception of several lines",
        ),
        pytest.param(
            {"pytorch": snippet(">>> print(repr(error))\nMyError: no")}, id="error that is printed"
        ),
        pytest.param(
            {"pytorch": snippet(f">>> text\nhere\n{TRACEBACK}\n  ...\nMyError: no")},
            id="traceback in a text",
        ),
        pytest.param({"pytorch": snippet(">>> f()\n'MyError: no'")}, id="error in a string"),
        pytest.param({"claim": claim_text(title="What `+` does")}, id="code in a title"),
        pytest.param(
            {"claim": said("*So* it **is**, `{x}`, [there](https://a.b) and [here](#c).\n")},
            id="emphasis, code and links",
        ),
        pytest.param({"pytorch": f"One\N{LINE SEPARATOR}two.\n\n{SNIPPET}"}, id="line separator"),
        pytest.param(
            {"claim": front("skip: {reason: Broken upstream, until: 2026-08-01}")},
            id="skip on its last day",
        ),
        pytest.param(
            {"claim": front("skip: {reason: Broken upstream, until: 2026-08-02}")},
            id="skip that goes on",
        ),
    ],
)
def test_sound_input_has_no_problems(tmp_path: Path, files: dict[str, Any]) -> None:
    make_claim(tmp_path, "axis/one", **files)
    assert problems(tmp_path) == []
