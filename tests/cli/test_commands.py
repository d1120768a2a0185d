"""All commands: their signatures, their sizes, their help."""

import shlex
from collections.abc import Iterator

import click
from kit.command_tree import every_command

from builder.cli import COMMANDS

MOST_LINES = 24
TREE = dict(every_command())
LEAVES = {name: command for name, command in TREE.items() if not isinstance(command, click.Group)}


def options(command: click.Command) -> Iterator[click.Option]:
    yield from (option for option in command.params if isinstance(option, click.Option))


def test_the_table_of_commands_has_their_first_sentences() -> None:
    for name, (_, sentence) in COMMANDS.items():
        assert (TREE[name].help or "").split("\n\n")[0].replace("\n", " ") == sentence
        assert sentence.endswith(".")


def test_every_command_and_option_has_a_sentence() -> None:
    for name, command in TREE.items():
        purpose = (command.help or "").split("\n\n")[0]
        assert purpose.endswith("."), name
        for option in options(command):
            assert (option.help or "").endswith("."), (name, option.opts)


def test_every_example_is_a_command_with_known_options() -> None:
    examples = {name: command.epilog for name, command in TREE.items() if command.epilog}
    assert len(examples) >= 20
    for name, example in examples.items():
        assert example.startswith(f"Example: layerwright {name}")
        assert len(example) <= 76, "a line that is wrapped cannot be copied"
        words = shlex.split(example.partition(" > ")[0])[2:]
        known = {text for option in TREE[name].params for text in (*option.opts, *option.secondary_opts)}
        assert {word for word in words if word.startswith("-")} <= known, example
