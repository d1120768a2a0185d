"""docs/migration.md: its files are valid, and its commands do what they say, in a folder that has these files."""

import os
import re
import shlex
import zipfile
from pathlib import Path

import click
import pytest
import yaml
from kit.command_tree import every_command
from kit.commands import ROOT, layerwright

from builder.model import recipes

PAGE = (ROOT / "docs/migration.md").read_text(encoding="utf-8")
SECTIONS = {part.partition("\n")[0]: part for part in PAGE.split("\n## ")[1:]}
_FILE = re.compile(r"^```\w*\n(?:#|//) (\S+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_COMMAND = re.compile(r"^    (layerwright .+?)(?:\s{2,}#.*)?$", re.MULTILINE)
ELSEWHERE = ("publish", "pull", "diff", "check", "inspect")
"""Need AWS, or a zip of somebody else."""


def files(section: str) -> dict[str, str]:
    return dict(_FILE.findall(section))


def commands(text: str) -> list[list[str]]:
    return [shlex.split(line)[1:] for line in _COMMAND.findall(text)]


def write(folder: Path, name: str, text: str) -> None:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def test_the_page_has_a_section_for_each_tool() -> None:
    words = ("SAM", "CDK", "serverless-python-requirements", "Klayers", "Dockerfiles")
    assert [word for word in words if not any(word in title for title in SECTIONS)] == []


@pytest.mark.parametrize("words", commands(PAGE), ids=" ".join)
def test_a_command_names_options_that_exist(words: list[str]) -> None:
    command = dict(every_command())[" ".join(words[:2]) if words[0] == "versions" else words[0]]
    known = {name for option in command.params if isinstance(option, click.Option) for name in option.opts}
    assert {word for word in words[1:] if word.startswith("-")} <= known


@pytest.mark.network
@pytest.mark.engine
@pytest.mark.parametrize("title", SECTIONS)
def test_commands_of_a_section_do_what_they_say(title: str, tmp_path: Path) -> None:
    section = SECTIONS[title]
    for name, text in files(section).items():
        write(tmp_path, name, text)
    executed = []
    for words in commands(section):
        if words[0] in ELSEWHERE or words == ["build", "mp3"]:  # which needs an engine
            continue
        done = layerwright(*words, cwd=tmp_path)
        assert done.code == 0, done.err
        executed.append(words)
    assert executed
    for name, text in files(section).items():
        assert [path for path in re.findall(r"dist/[\w.-]+\.zip", text) if not (tmp_path / path).is_file()] == [], name


@pytest.mark.long
@pytest.mark.network
@pytest.mark.usefixtures("engine")
def test_the_recipe_of_the_dockerfile_makes_its_layer(tmp_path: Path) -> None:
    (section,) = (text for title, text in SECTIONS.items() if "Dockerfiles" in title)
    for name, text in files(section).items():
        write(tmp_path, name, text)
    arch = "arm64" if os.uname().machine == "aarch64" else "x86_64"
    done = layerwright("build", "mp3", "--arch", arch, "--test", cwd=tmp_path)
    assert done.code == 0, done.err
    with zipfile.ZipFile(tmp_path / f"dist/mp3-3.100-provided.al2023-{arch}.zip") as archive:
        names = archive.namelist()
    assert {"bin/lame", "lib/libmp3lame.so.0", "php/conf.d/php.ini"} <= set(names)


def test_files_are_valid() -> None:
    from cfnlint.api import ManualArgs, lint

    for section in SECTIONS.values():
        for name, text in files(section).items():
            if name.endswith("template.yaml"):
                found = lint(text, config=ManualArgs(regions=["us-east-1"]))
                assert [str(one) for one in found if one.rule.id.startswith("E")] == []
            elif name.endswith(".yml"):
                assert {"service", "provider", "functions"} <= set(yaml.safe_load(text))


def test_options_of_the_construct_exist() -> None:
    construct = (ROOT / "integrations/cdk/typescript/layerwright-layer.ts").read_text(encoding="utf-8")
    (text,) = (text for section in SECTIONS.values() for name, text in files(section).items() if name == "stack.ts")
    used = set(re.findall(r"^  (\w+):", text, re.MULTILINE))
    assert {"recipe", "architecture"} <= used <= set(re.findall(r"readonly (\w+)\??:", construct))


def test_the_recipe_of_the_dockerfile_has_the_source_of_the_catalogue() -> None:
    (text,) = (text for section in SECTIONS.values() for name, text in files(section).items() if "mp3/recipe" in name)
    (source,) = (one for one in recipes.load(ROOT / "recipes", "ffmpeg").recipe.source if one.name == "lame")
    assert source.sha256 is not None
    assert str(source.sha256) in text
