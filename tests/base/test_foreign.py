"""Text of others on terminals, in Markdown, in XML and in JSON."""

import json
import re
import unicodedata
import xml.etree.ElementTree as ET

import pytest
from hypothesis import given
from hypothesis.strategies import characters, lists, text

from builder.base import foreign

ANY = text(characters(exclude_categories=()), max_size=40)
"""Every code point, surrogates as well."""
HIDDEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ud800-\udfff\ufffe\uffff]"
)


@pytest.mark.parametrize(
    ("raw", "line"),
    [
        ("größe 数 ✗ 🙂", "größe 数 ✗ 🙂"),
        ("a\nb\tc\rd", r"a\nb\tc\rd"),
        ("\x1b]0;title\x07", r"\x1b]0;title\x07"),
        ("\x9b31m", r"\x9b31m"),
        ("exe\u202egpj", r"exe\u202egpj"),
        ("a\u200bb\u2066c\U000e0041", r"a\u200bb\u2066c\U000e0041"),
        ("\ud800\ufffe", r"\ud800\ufffe"),
    ],
)
def test_what_is_not_shown_becomes_visible(raw: str, line: str) -> None:
    assert foreign.line(raw) == line


def test_lines_and_tabs_stay_in_text_of_several_lines() -> None:
    assert foreign.text("a\n\tb\x00\n") == "a\n\tb\\x00\n"
    assert foreign.output("\x1b[1;31mred\x1b[0m \x1b[2K\x1b]0;x\x07\r") == "red \\x1b]0;x\\x07"


@given(ANY)
def test_nothing_that_is_hidden_is_left(raw: str) -> None:
    for shown in (foreign.line(raw), foreign.text(raw), foreign.output(raw), foreign.markdown(raw)):
        assert not HIDDEN.search(shown)
        assert not any(unicodedata.category(character) in {"Cs", "Zl", "Zp"} for character in shown)
        shown.encode()
    assert "\n" not in foreign.line(raw) + foreign.markdown(raw)
    element = ET.Element("a", b=foreign.line(raw))
    element.text = foreign.text(raw)
    again = ET.fromstring(ET.tostring(element, encoding="unicode"))
    assert (again.attrib["b"], again.text or "") == (foreign.line(raw), foreign.text(raw))


@given(ANY)
def test_json_stays_the_same_document(raw: str) -> None:
    written = foreign.in_json(json.dumps({raw: [raw, "##[error]", "##vso[x]"]}, ensure_ascii=False))
    assert json.loads(written) == {raw: [raw, "##[error]", "##vso[x]"]}
    assert not HIDDEN.search(written)
    assert "##" not in written


# ---- Markdown ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "syntax",
    [
        "[text](http://x.test)", "![image](http://x.test/i.png)", "<img src=x onerror=y>", "<http://x.test>",
        "http://x.test", "www.x.test", "@someone", "#12", "org/repo#12", "`code`", "**bold**", "__bold__", "~~gone~~",
        "a | b", "&lt;b&gt;", "$x$", "> quote", "| --- |", "a\n\n# b", "\\[x]",
    ],
)  # fmt: skip
def test_markdown_of_others_is_text(syntax: str) -> None:
    escaped = foreign.markdown(syntax)
    plain = re.sub(r"\\([\\*_~$])|&(?:amp|lt|gt|#\d+);", "", escaped).replace("<!-- -->", "\0")
    assert not re.search(r"[\[\]`<>|*~$&\n]|__|://|@\w|#\d|www\.", plain)


def test_usual_names_stay_readable_in_markdown() -> None:
    for name in (
        "numpy",
        "2.3.1",
        "numpy-2.3.1-python3.13-x86_64".replace("_", ""),
        "python/a.py",
        "größe (neu)",
        "+1,024"[1:],
    ):
        assert foreign.markdown(name) == name
    assert foreign.markdown("a_b") == r"a\_b"


@pytest.mark.parametrize("address", ["https://x.test/a?b=c#d", "http://127.0.0.1:1/~a/_b"])
def test_an_address_of_the_web_stays_a_link(address: str) -> None:
    assert foreign.link(address) == address


@pytest.mark.parametrize(
    "address", ["javascript:x", "https://x.test/a|b", "https://x.test/)[", "https://x.test/<b>", "//x"]
)
def test_any_other_address_is_text(address: str) -> None:
    assert foreign.link(address) == foreign.markdown(address)


@given(lists(ANY, max_size=4))
def test_no_line_ends_a_block_of_code(lines: list[str]) -> None:
    begin, *inner, end = foreign.fenced(["a ``` b", "````", *lines])
    assert begin == f"{end}text"
    assert end.strip("`") == ""
    assert all("\n" not in line and end not in line for line in inner)
