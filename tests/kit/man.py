"""The page of the manual, from the texts of `--help`: `make readme` writes it, and the wheel brings it to `man`."""

from collections.abc import Iterator
from pathlib import Path

import click

from builder.cli import GROUPS, RENAMED, main
from kit.command_tree import every_command

PAGE = Path(__file__).parents[2] / "docs" / "man" / "layerwright.1"


def text() -> str:
    """Return the page in the language of man(7)."""
    return "\n".join(_page()) + "\n"


def _page() -> Iterator[str]:
    about, _, exits = (main.help or "").partition("\n\n")
    first = about.rstrip(".")
    yield '.TH LAYERWRIGHT 1 "" "layerwright" "User Commands"'
    yield from (".SH NAME", f"layerwright \\- {_plain(first[0].lower() + first[1:])}")
    yield from (".SH SYNOPSIS", r".B layerwright", r"\fICOMMAND\fR [\fIOPTION\fR]... [\fIARGUMENT\fR]...")
    yield from (".SH DESCRIPTION", _plain(about))
    yield "Each command tells its options with \\fB\\-\\-help\\fR, as they stand here."
    commands = dict(every_command())
    for title, names in GROUPS.items():
        yield f'.SH "COMMANDS: {title.upper()}"'
        for name in names:
            yield from (
                line for path, command in commands.items() if _within(path, name) for line in _of(path, command)
            )
    yield from (".SH EXIT STATUS", _plain(" ".join(exits.replace("\b", "").partition(":")[2].split())))
    yield from (".SH FILES", ".TP", r"\fIrecipes/NAME/recipe.toml\fR", "A recipe.")
    yield from (".TP", r"\fIlayerwright.toml\fR", "Defaults of a project.")


def _within(path: str, name: str) -> bool:
    return path not in RENAMED and (path == name or path.startswith(f"{name} "))


def _of(path: str, command: click.Command) -> Iterator[str]:
    """Yield a command with its usage, its text and its options."""
    context = click.Context(command, info_name=f"layerwright {path}")
    yield f".SS {_plain(f'layerwright {path}')}"
    yield f"\\fBlayerwright {_plain(path)}\\fR {_plain(' '.join(command.collect_usage_pieces(context)))}"
    yield from _paragraphs(command.help or "")
    if command.epilog:
        yield from (".PP", _plain(command.epilog))
    for option in command.params:
        record = option.get_help_record(context) if isinstance(option, click.Option) else None
        if record:
            names, about = record
            yield from (".TP", f"\\fB{_plain(names)}\\fR", _plain(about))


def _paragraphs(help_: str) -> Iterator[str]:
    for paragraph in help_.split("\n\n"):
        yield ".PP"
        if paragraph.startswith("\b"):
            yield from (".nf", *map(_plain, paragraph.removeprefix("\b").strip("\n").splitlines()), ".fi")
        else:
            yield _plain(" ".join(paragraph.split()))


def _plain(value: str) -> str:
    """Return text in which roff finds no command of its own: hyphens and minus signs of options can be searched for."""
    escaped = value.replace("\\", "\\e").replace("-", "\\-")
    return f"\\&{escaped}" if escaped.startswith((".", "'")) else escaped
