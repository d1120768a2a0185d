"""Hints of errors that have a command in them: the command is run as it stands, and what failed then ends otherwise."""

import re
import shlex
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import click
import pytest
from kit.commands import ROOT, Result, layerwright, pip_recipe, write_recipe
from kit.wheels import Index, make_wheel

from builder.cli import main

_COMMAND = re.compile(r"`layerwright ([^`]+)`")
_EXAMPLE = re.compile(r"^    layerwright (.+?)(?:\s+#.*)?$", re.MULTILINE)
"""A line of a block of code in a page."""
WHERE = ("--runtime", "python3.13", "--arch", "x86_64")


@dataclass(frozen=True, kw_only=True)
class Led:
    """A command that fails, in a folder that is prepared for it."""

    command: tuple[str, ...]
    hint: str
    """Beginning of the command in its hint."""
    prepare: Callable[[Path], object] = lambda folder: folder
    more: tuple[str, ...] = ()
    """What is added to the hint's command: what to build for."""
    instead: bool = False
    """Whether the hint's command does what was meant, so that the first is not repeated."""


def recipe(*requirements: str) -> str:
    return pip_recipe("mine", *requirements, architectures=("x86_64",))


def mine(folder: Path) -> None:
    write_recipe(folder, "mine", recipe("mod==1.0"))


def locked(folder: Path) -> None:
    mine(folder)
    assert layerwright("lock", "mine", cwd=folder).code == 0


def stale(folder: Path) -> None:
    locked(folder)
    write_recipe(folder, "mine", recipe("mod==1.0", "other==2.0"))


def another_file(folder: Path) -> None:
    locked(folder)
    lock = folder / "recipes/mine/requirements.lock"
    lock.write_text(re.sub(r"sha256:[0-9a-f]{64}", f"sha256:{'0' * 64}", lock.read_text()))


def requirements(folder: Path) -> None:
    (folder / "requirements.txt").write_text("mod==1.0\n")


CASES = (
    Led(command=("build", "nosuch", "--no-test"), hint="new nosuch --pip nosuch"),
    Led(
        command=("build", "requirements.txt"),
        hint="build -r requirements.txt",
        prepare=requirements,
        more=WHERE,
        instead=True,
    ),
    Led(command=("new", "mod"), hint="new mod --pip mod"),
    Led(command=("lock", "mine", "--check"), hint="lock mine", prepare=mine),
    Led(command=("lock", "mine", "--check"), hint="lock mine", prepare=stale),
    Led(command=("build", "mine", "--no-test"), hint="lock mine", prepare=stale),
    Led(command=("plan", "mine"), hint="lock mine", prepare=another_file),
    Led(command=("report",), hint="build --all", prepare=locked),
    Led(command=("template", "mine", "--from", "zip"), hint="build mine", prepare=locked),
    Led(command=("cache", "key", ""), hint="cache key team-cache", instead=True),
    Led(command=("new", "jqq", "--from", "jqq"), hint="list --catalogue", instead=True),
)


@pytest.fixture
def world(index: Index, tmp_path: Path) -> Path:
    for name, version in (("mod", "1.0"), ("other", "2.0"), ("nosuch", "1.0")):
        make_wheel(index.folder, name, version)
    folder = tmp_path / "own"
    (folder / "recipes").mkdir(parents=True)
    return folder


@pytest.mark.parametrize("led", CASES, ids=lambda led: " ".join(led.command))
def test_a_command_in_a_hint_changes_what_failed(led: Led, world: Path) -> None:
    led.prepare(world)
    before = layerwright(*led.command, cwd=world)
    assert before.code != 0, before
    assert _COMMAND.search(before.err), before.err
    (advice,) = [each for each in _COMMAND.findall(before.err) if each.startswith(led.hint)]
    followed = layerwright(*shlex.split(advice), *led.more, cwd=world)
    assert followed.code == 0, followed.err
    after = followed if led.instead else layerwright(*led.command, cwd=world)
    assert told(after) != told(before)


def told(result: Result) -> tuple[int, list[str]]:
    return result.code, [line for line in result.err.splitlines() if line.startswith(("error", "hint"))]


def _advised() -> Iterator[str]:
    for pattern in ("builder/**/*.py", "images/*.toml", "docs/*.md", "README.md", "integrations/*/*.md"):
        for path in sorted(ROOT.glob(pattern)):
            text = path.read_text(encoding="utf-8")
            yield from _COMMAND.findall(text)
            yield from _EXAMPLE.findall(text) if path.suffix == ".md" else ()


def unknown(command: str) -> list[str]:
    """Return the words of a command that are neither commands nor options of it. What is filled in is passed over."""
    words = [word for word in re.split(r" (?:&&|\|) ", command)[0].split() if word != "--help"]
    found: click.Command | None = main
    while isinstance(found, click.Group) and words and re.fullmatch(r"[a-z-]+", words[0]):
        found = found.get_command(click.Context(found), words.pop(0))
    if found is None:
        return [command]
    options = [parameter for parameter in found.params if isinstance(parameter, click.Option)]
    known = {name for option in options for name in (*option.opts, *option.secondary_opts)}
    asked = {word.partition("=")[0].strip("[].,") for word in words if word.lstrip("[").startswith("-")}
    return sorted(asked - known)


def test_every_command_that_messages_and_pages_name_exists_with_its_options() -> None:
    commands = sorted(set(_advised()))
    assert len(commands) > 80
    assert {command: words for command in commands if (words := unknown(command))} == {}
    assert unknown("build --nothing jq") == ["--nothing"]
    assert unknown("nothing jq") == ["nothing jq"]
