"""All commands: their signatures, their sizes, their options and their help."""

import ast
import inspect
import re
import shlex
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import fields
from pathlib import Path
from typing import Annotated, Any, Literal, get_args, get_origin

import click
import pytest
from click.testing import CliRunner
from kit.command_tree import every_command, named
from kit.commands import ROOT

from builder.cli import COMMANDS, GROUPS, main
from builder.cli.options.parameters import Argument, Bundle, Option

MOST_LINES, MOST_PLAIN = 24, 2
TREE = dict(every_command())
LEAVES = {name: command for name, command in TREE.items() if not isinstance(command, click.Group)}
VISIBLE = {name: command for name, command in LEAVES.items() if not command.hidden}
DIFFERENT = {
    "--check": "what it looks at",
    "--account": "the expected account; of an ARN, which one",
    "--arch": "the default differs; `images survey` has one image",
    "--files": "`test` has paths, `diff` a number",
    "--format": "each has formats of its own",
    "--from": "what a template refers to, or the file of a project",
    "--keep-going": "`nightly` goes on unless it is told otherwise",
    "--name": "the name of a layer; for `publish`, a pattern",
    "--merge": "projects into one layer, or journals into one",
    "--older-than": "versions, or files in the cache",
    "--output": "what is written differs, and the default with it",
    "--packages": "`wheel` takes those of a recipe; alone, a new recipe puts them into the layer",
    "--profile": "for `nightly`, only with --publish",
    "--regions": "of layer versions, or of a new project",
    "--resume": "a publish, or a nightly run",
    "--all": "everything of another kind: recipes, or images",
    "--runtime": "the default differs; `images pin` takes the images of runtimes",
    "--share": "for `template`, only with --from zip",
    "--test": "`nightly` has a third value, since it has no default to be left out",
    "--timeout": "of a build in minutes, as compilers need; of a test in seconds, as Lambda counts",
    "--to": "a folder, or a file",
    "--yes": "applies changes, or asks nothing",
}
"""Options that differ between commands, with the reason."""


def options(command: click.Command) -> Iterator[click.Option]:
    yield from (option for option in command.params if isinstance(option, click.Option))


def spelt(command: click.Command) -> set[str]:
    return {text for option in options(command) for text in option.opts}


def function(command: click.Command) -> Callable[..., object]:
    """Return the function of a command, below the wrapper that makes its bundles."""
    assert command.callback is not None
    callback: Callable[..., object] = inspect.unwrap(command.callback)
    return callback


@pytest.mark.parametrize("name", LEAVES)
def test_a_command_receives_typed_values(name: str) -> None:
    parameters = inspect.signature(function(LEAVES[name])).parameters.values()
    assert {parameter.kind for parameter in parameters} <= {
        inspect.Parameter.POSITIONAL_OR_KEYWORD,
        inspect.Parameter.KEYWORD_ONLY,
    }
    plain = [parameter for parameter in parameters if get_origin(parameter.annotation) is Annotated]
    assert len(plain) <= MOST_PLAIN
    for parameter in parameters:
        assert_typed(parameter.annotation)


def assert_typed(annotation: Any) -> None:
    """Assert that a parameter is an option or an argument with a type, or a bundle of them."""
    if get_origin(annotation) is Annotated:
        inner, metadata = get_args(annotation)
        assert isinstance(metadata, Option | Argument)
        assert_precise(inner)
        return
    assert issubclass(annotation, Bundle)
    assert vars(annotation)["__setattr__"] is not object.__setattr__, "it is frozen"
    for field in fields(annotation):
        assert_typed(field.type)


def assert_precise(inner: Any) -> None:
    """Assert that a type is made of types of one value, without `Any` and `object`."""
    if get_origin(inner) is Literal:
        return
    if get_args(inner):
        for each in get_args(inner):
            assert_precise(each)
        return
    assert inner in {str, int, float, bool, Path, type(None), ...}


def typed_parameters(annotations: Iterator[tuple[str, Any]]) -> Iterator[tuple[str, Any]]:
    for name, annotation in annotations:
        if get_origin(annotation) is Annotated:
            yield name, annotation.__origin__
        elif name != "return":
            yield from typed_parameters((field.name, field.type) for field in fields(annotation))


@pytest.mark.parametrize("name", LEAVES)
def test_the_values_that_click_makes_are_of_the_annotated_types(name: str) -> None:
    """`kind` of an option restricts its type and does not change it."""
    kinds = {click.IntRange: int, click.FloatRange: float, click.Path: Path}
    kinds |= {type(click.STRING): str, type(click.INT): int, type(click.FLOAT): float, type(click.BOOL): bool}
    annotations = dict(typed_parameters(iter(function(LEAVES[name]).__annotations__.items())))
    received = [parameter for parameter in LEAVES[name].params if parameter.expose_value]
    parameters = {str(parameter.name): parameter for parameter in received}
    assert set(parameters) == set(annotations)
    assert len(received) == len(parameters), "a name is used twice"
    for key, annotation in annotations.items():
        parameter = parameters[key]
        repeats = get_origin(annotation) is tuple
        assert repeats == (parameter.multiple if isinstance(parameter, click.Option) else parameter.nargs == -1)
        inner = next((each for each in get_args(annotation) if each not in {type(None), ...}), annotation)
        inner = annotation if get_origin(annotation) is Literal else inner
        if isinstance(parameter.type, click.Choice):
            assert get_args(inner) == tuple(parameter.type.choices)
        else:
            assert inner is kinds[type(parameter.type)]
            assert not isinstance(parameter.type, click.Path) or parameter.type.type is Path


@pytest.mark.parametrize("name", LEAVES)
def test_a_command_is_short(name: str) -> None:
    node = ast.parse(inspect.getsource(function(LEAVES[name]))).body[0]
    assert isinstance(node, ast.FunctionDef)
    lines = (node.end_lineno or 0) - node.lineno + 1
    documentation = node.body[0]
    assert isinstance(documentation, ast.Expr), "a command has a docstring"
    lines -= (documentation.end_lineno or 0) - documentation.lineno + 1
    assert lines <= MOST_LINES


def test_no_module_of_the_command_line_takes_too_many_or_untyped_parameters() -> None:
    for path in (ROOT / "builder" / "cli").rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        assert "PLR0913" not in text, path
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef) and path.name != "parameters.py":
                assert node.args.kwarg is None, f"{path}:{node.lineno}"


SILENT = {
    "schema",
    "runtimes",
    "inspect",
    "diff",
    "report",
    "template",
    "doctor",
    "images list",
    "versions show",
    "completion",
}
"""Commands that only print a result, in no time."""


@pytest.mark.parametrize("name", LEAVES)
def test_every_command_that_tells_something_can_be_told_how(name: str) -> None:
    unexposed = {parameter.name for parameter in LEAVES[name].params if not parameter.expose_value}
    assert unexposed == (set() if name in SILENT else {"verbose", "quiet", "events"})


NO_DOCUMENT = {
    "schema": "prints JSON as it is",
    "template": "prints a template in a format of its own",
    "completion": "prints a script",
    "shell": "what the container prints is the result",
}
"""Commands without `--json`, with the reason."""


def test_every_command_with_a_result_prints_it_as_json() -> None:
    without = {name for name, command in VISIBLE.items() if "--json" not in spelt(command)}
    assert without == set(NO_DOCUMENT)


def test_the_table_of_commands_has_their_first_sentences() -> None:
    for name, (_, sentence) in COMMANDS.items():
        assert (TREE[name].help or "").split("\n\n")[0].replace("\n", " ") == sentence
        assert sentence.endswith(".")


def test_the_list_of_commands_imports_none_and_hides_earlier_names() -> None:
    result = CliRunner().invoke(main, ["--help"])
    listed = re.findall(r"^  ([a-z]+) ", result.output.partition("Build:")[2], flags=re.MULTILINE)
    assert listed == [name for names in GROUPS.values() for name in names]
    assert CliRunner().invoke(main, ["nothing"]).exit_code == 2
    with pytest.raises(KeyError):
        named("nothing")


def test_every_command_and_option_has_a_sentence() -> None:
    for name, command in TREE.items():
        purpose = (command.help or "").split("\n\n")[0]
        assert purpose.endswith("."), name
        for option in options(command):
            assert (option.help or "").endswith("."), (name, option.opts)


def test_an_option_names_the_environment_variable_of_its_default() -> None:
    found = {str(option.envvar): option.help or "" for command in LEAVES.values() for option in options(command)}
    variables = set(found) - {"None"}
    assert variables == {"LAYERWRIGHT_RECIPES", "LAYERWRIGHT_BUCKET"}
    assert all(variable in found[variable] for variable in variables)


def test_an_option_is_the_same_in_every_command() -> None:
    definitions: dict[str, set[tuple[object, ...]]] = defaultdict(set)
    for command in LEAVES.values():
        for option in options(command):
            kind = tuple(option.type.choices) if isinstance(option.type, click.Choice) else repr(option.type)
            for text in option.opts:
                definitions[text].add((option.help, option.metavar, kind, option.multiple, option.is_flag))
    assert {text for text, different in definitions.items() if len(different) > 1 and text.startswith("--")} == set(
        DIFFERENT
    )
    for text in ("-h", "-v", "-q"):
        assert len(definitions[text]) <= 1


def test_every_command_has_an_example_with_known_options() -> None:
    for name, command in VISIBLE.items():
        example = command.epilog or ""
        assert example.startswith(f"Example: layerwright {name}"), name
        assert len(example) <= 76, "a line that is wrapped cannot be copied"
        words = shlex.split(example.partition(" > ")[0])[2:]
        known = {text for option in command.params for text in (*option.opts, *option.secondary_opts)}
        assert {word for word in words if word.startswith("-")} <= known, example


def completions(*words: str) -> list[str]:
    from click.shell_completion import ShellComplete

    *above, incomplete = words
    completer = ShellComplete(main, {}, "layerwright", "_LAYERWRIGHT_COMPLETE")
    return [item.value for item in completer.get_completions(above, incomplete)]


def test_commands_and_their_options_are_completed() -> None:
    assert completions("li") == ["licenses", "lint", "list"]
    assert completions("cache", "") == ["key", "list", "prune"]
    assert completions("build", "--prov") == ["--provenance"]
    assert completions("build", "--route", "w") == ["wheels"]


@pytest.mark.parametrize(
    ("arguments", "messages"),
    [
        (["list", "--arch", "arm64"], ["--arch requires a matrix as --format"]),
        (
            ["list", "--json", "--format", "github-matrix"],
            ["--format github-matrix and --json are mutually exclusive"],
        ),
        (["lock", "--all", "a"], ["--all and names of recipes are mutually exclusive"]),
        (["check", "a.zip", "--json", "--sarif"], ["--json and --sarif are mutually exclusive"]),
        (["diff", "a.zip", "b.zip", "--json", "--markdown"], ["--markdown and --json are mutually exclusive"]),
        (
            ["licenses", "--texts", "--deny", "GPL-*", "--json"],
            ["2 mistakes in the options", "--texts and --deny are", "--texts and --json are"],
        ),
        (["test", "a.zip", "--python", "1", "--response", "1"], ["--response requires --handler"]),
        (["cache", "prune"], ["nothing to do: no limit is given"]),
        (["cache", "prune", "--everything", "--max-gb", "0"], ["--everything and --max-gb are mutually exclusive"]),
        (["nightly", "--public", "--profile", "x"], ["--public requires --publish", "--profile requires --publish"]),
        (
            ["publish", "a", "--yes", "--dry-run", "--share", "public", "--no-share", "--storage", "reference"],
            [
                "3 mistakes in the options",
                "--yes and --dry-run are mutually exclusive",
                "--storage reference requires --bucket",
                "--share and --no-share are mutually exclusive",
                "hint: for example `--bucket my-layers-{region}`",
            ],
        ),
        (["publish"], ["no recipe or zip is specified"]),
        (["prune"], ["no recipe or layer is specified"]),
        (["template", "a", "--from", "zip", "--account", "1"], ["--from zip and --account are mutually exclusive"]),
        (["template", "a", "--from", "published", "--share", "public"], ["--from published and --share are"]),
    ],
)
def test_options_that_contradict_each_other_are_refused_together(
    arguments: list[str], messages: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from builder.cli import run

    monkeypatch.delenv("LAYERWRIGHT_BUCKET", raising=False)
    assert run(arguments) == 2
    printed = capsys.readouterr()
    assert bool(printed.out) == ("--json" in arguments), "what prints documents prints its error as one"
    for message in messages:
        assert message in printed.err
