"""Texts without comments and docstrings: what is left means the same to every reader of the language."""

import io
import tokenize
from collections.abc import Iterator

import pytest
from kit.commands import ROOT

from builder.base.significant import significant

PYTHON = sorted((ROOT / "builder").rglob("*.py"))
_LAYOUT = {tokenize.INDENT, tokenize.DEDENT}
_BEGINNINGS = {*_LAYOUT, tokenize.NEWLINE, tokenize.ENCODING}


def tokens(text: str) -> Iterator[str]:
    """Yield the tokens of a program without comments, and without texts that are a statement of their own."""
    before, alone = tokenize.ENCODING, ""
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type in {tokenize.COMMENT, tokenize.NL}:
            continue
        if token.type not in _LAYOUT:
            if alone and token.type != tokenize.NEWLINE:
                yield alone
            if not (alone and token.type == tokenize.NEWLINE):
                alone = token.string if token.type == tokenize.STRING and before in _BEGINNINGS else ""
                yield from [] if alone or not token.string.strip() else [token.string]
            else:
                alone = ""
        before = token.type


@pytest.mark.parametrize("path", PYTHON, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_python_is_the_same_to_its_own_tokenizer(path: object) -> None:
    text = path.read_text(encoding="utf-8")  # type: ignore[attr-defined]
    cleaned = significant(text, ".py")
    assert list(tokens(cleaned)) == list(tokens(text))
    assert significant(cleaned, ".py") == cleaned
    assert cleaned == significant(f'"""Other."""\n{text}\n# More.\n', ".py")


@pytest.mark.parametrize(
    ("suffix", "text", "left"),
    [
        (".py", 'a = """x # y\n"""  # why\n', 'a = """x # y\n"""\n'),
        (".py", "f(\n    '''argument'''\n)\n", "f(\n    '''argument'''\n)\n"),
        (".py", "a = \\\n'''b'''\n", "a = \\\n'''b'''\n"),
        (".py", 'def f():\n    """Say."""\n    return "# no"\n\n\n', 'def f():\n    return "# no"\n'),
        (
            ".sh",
            "#!/bin/sh\necho a # why\n\necho '# no' \"it's # no\" $# ${#a}\n",
            "echo a\necho '# no' \"it's # no\" $# ${#a}\n",
        ),
        (".sh", "cat <<END\n# no\nEND\n# why\n", "cat <<END\n# no\nEND\n"),
        (".sh", "a='one\n# no\n'\n", "a='one\n# no\n'\n"),
        (".sh", "echo it\\'s # why\n", "echo it\\'s\n"),
        (".rb", 'puts "#{a} # no" # why\n', 'puts "#{a} # no"\n'),
        (".c", '/* why\n * why */ int a; // why\nchar *b = "/* no */";\n', '  int a;\nchar *b = "/* no */";\n'),
        (".j2", "{#- why -#}\n# {{ title }}\nRUN a # no\n{# why\n#}RUN b\n", "RUN a # no\nRUN b\n"),
        (".txt", "# no\n", "# no\n"),
    ],
)
def test_what_acts_is_left(suffix: str, text: str, left: str) -> None:
    assert significant(text, suffix) == left
