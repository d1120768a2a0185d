"""The files of a local package are those that npm itself would pack."""

import json
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from builder.packages.npm import globs, packlist

FILES = (
    *(
        "index.js",
        "lib/a.js",
        "lib/b.ts",
        "lib/deep/c.js",
        "dist/x.js",
        "dist/y.map",
        "test/t.js",
        "README.md",
        "LICENSE",
    ),
    *("docs/readme.md", ".env", "src/.hidden/z.js", "node_modules/dep/index.js", "package-lock.json", "yarn.lock"),
    *("a.orig", ".npmrc", "sub/ignored.js", "sub/kept.js", "bin/run.js", "build/config.gypi", "binding.gyp", "._x"),
    *("data/1.json", "data/2.json", "lib/a.test.js"),
)
IGNORES = {"lib/deep/.npmignore": "nothing\n", "sub/.gitignore": "ignored.js\n"}
Case = tuple[Mapping[str, Any], Mapping[str, str]]
CASES: dict[str, Case] = {
    "plain": ({}, {}),
    "files with a pattern and an exception": ({"files": ["lib", "dist/*.js", "!lib/b.ts"]}, {}),
    "files win over ignore files": (
        {"files": ["dist", "bin/run.js", "data/{1,2}.json"], "main": "lib/deep/c.js"},
        {".npmignore": "dist/*.map\n", ".gitignore": "x"},
    ),
    "npmignore wins over gitignore": (
        {"main": "dist/x.js"},
        {".npmignore": "dist\ntest/\n*.ts\n/docs\n", ".gitignore": "lib\n"},
    ),
    "gitignore": (
        {"bin": "bin/run.js"},
        {".gitignore": "# c\ndist/\nbin\n!dist/x.js\ndata/**/1.json\n/sub/*\n!/sub/kept.js\n"},
    ),
    "patterns with two stars": ({"files": ["**/*.js", "!test/**", "!**/deep/**"]}, {}),
    "one star and a folder": ({"files": ["lib/*", "./sub/"]}, {}),
    "no files": ({"files": []}, {}),
    "sets and lists": ({"files": ["data/[0-1].json", "lib/+(a|b).*"]}, {".npmignore": "README.md\n"}),
    "all but tests": ({"files": ["lib/!(*.test|b).*", "!(dist|test|sub)/*.js"]}, {}),
    "all but some": ({}, {".npmignore": "*\n!lib/\n!lib/**\n!index.js\n"}),
    "a folder taken back": ({}, {".npmignore": "lib/*\n!lib/deep\n"}),
}


@pytest.mark.parametrize("name", CASES)
def test_it_is_what_npm_packs(program: Callable[[str], str], tmp_path: Path, name: str) -> None:
    npm = program("npm")
    more, ignores = CASES[name]
    manifest = {"name": "p", "version": "1.0.0", **more}
    contents = {**dict.fromkeys(FILES, "x"), **IGNORES, **ignores, "package.json": json.dumps(manifest)}
    for path, text in contents.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text, encoding="utf-8")
    command = [npm, "pack", "--dry-run", "--json", "--ignore-scripts"]
    packed = json.loads(subprocess.run(command, cwd=tmp_path, capture_output=True, check=True).stdout)
    row = packed[0] if isinstance(packed, list) else next(iter(packed.values()))
    assert packlist.files(tmp_path, manifest) == sorted(file["path"] for file in row["files"])


def test_node_modules_and_links_are_never_in_it(tmp_path: Path) -> None:
    (tmp_path / "packages" / "x" / "node_modules").mkdir(parents=True)
    (tmp_path / "packages" / "x" / "node_modules" / "i.js").touch()
    (tmp_path / "a.js").touch()
    (tmp_path / "link.js").symlink_to("/etc/passwd")
    (tmp_path / "folder").symlink_to("/etc")
    assert packlist.files(tmp_path, {"files": ["link.js", "folder", "a.js", "packages"]}) == ["a.js"]


def test_ignore_files_of_the_workspace_apply_to_its_members(tmp_path: Path) -> None:
    (tmp_path / ".gitignore").write_text("*.log\n", encoding="utf-8")
    member = tmp_path / "packages" / "core"
    member.mkdir(parents=True)
    for name in ("index.js", "a.log"):
        (member / name).touch()
    assert packlist.files(member, {}, above=[tmp_path, tmp_path / "packages"]) == ["index.js"]
    assert packlist.files(member, {}) == ["a.log", "index.js"]


@pytest.mark.parametrize("text", ["[", "+(", "{a,b", "a\\", "{1..1000000000}", "{a,b}" * 30, "!(", "*" * 40 + "x"])
def test_a_pattern_that_is_none_ends(text: str) -> None:
    assert globs.Rule(text).fits("some/path/of/a/file") in {True, False}


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("*a" * 120 + "b", "a" * 255),
        ("+(a|aa|a?)b", "a" * 255),
        ("+(a|*(a)b)" * 9 + "c", "a" * 255),
        ("x!(*a!(*a*a*a)*a)b", "x" + "a" * 100),
        ("x" + "!(a*)" * 20 + "b", "x" + "a" * 254),
        ("**/a/" * 100 + "b", "/".join("a" * 200)),
        ("+(" * 5_000 + ")" * 5_000, "a" * 255),
        ("**/" * 20_000 + "b", "/".join("a" * 200)),
    ],
)
def test_a_pattern_does_not_multiply(text: str, path: str) -> None:
    assert not globs.Rule(text).fits(path)


@pytest.mark.parametrize(
    ("text", "fitting", "others"),
    [
        ("+(a|b).js", ("a.js", "abba.js", "x/B.JS"), (".js", "c.js", "ab.jsx")),
        ("?(a)b", ("b", "ab"), ("aab", "a")),
        ("*(a|bc)d", ("d", "abcad"), ("abd",)),
        ("@(a|b*)x", ("ax", "bx", "byyx"), ("x", "abx")),
        ("x/!(a|b)", ("x/c", "x/ab"), ("x/a", "x/b")),
        ("x/!(*.test).js", ("x/a.js", "x/a.test.x.js"), ("x/a.test.js", "x/a.ts")),
        ("x/!(a)-!(b)", ("x/c-d",), ("x/a-c", "x/a-a-c", "x/c-b", "x/c")),
        ("+(a|@(b|c)d)", ("abd", "cda"), ("b", "ab")),
        ("[!a-c]?", ("dx",), ("ax", "d")),
        ("a(b)|c", ("a(b)|c",), ("ab", "ac")),
        (r"a\*b", ("a*b",), ("axb",)),
        ("+(a", ("+(a",), ("a", "aa")),
        ("a/**/b", ("a/b", "a/x/b", "a/x/y/b"), ("a/b/c", "x/a/b")),
        ("a/**", ("a/b", "a/b/c"), ("b", "x/a/b")),
    ],
)
def test_patterns_are_those_of_minimatch(text: str, fitting: tuple[str, ...], others: tuple[str, ...]) -> None:
    rule = globs.Rule(text)
    assert [path for path in (*fitting, *others) if rule.fits(path)] == list(fitting)
