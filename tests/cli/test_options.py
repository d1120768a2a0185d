"""Options of the command line as typed values."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal, TypeVar

import click
import pytest
from click.testing import CliRunner
from kit import zips
from kit.commands import layerwright

from builder.base.errors import UsageError
from builder.cli.options import cloud, shared
from builder.cli.options.builds import BuildOptions
from builder.cli.options.containers import ContainerOptions
from builder.cli.options.parameters import Argument, Bundle, Mistake, Option, dependent, exclusive, typed
from builder.cli.options.smoke import SmokeTestOptions
from builder.cli.options.targets import TargetOptions
from builder.publish.aws import Identity

B = TypeVar("B", bound=Bundle)


def parsed(bundle: type[B], *arguments: str) -> B:
    """Return what a command with these options receives."""
    received: list[B] = []

    def callback(options: Bundle) -> None:
        assert isinstance(options, bundle)
        received.append(options)

    callback.__annotations__["options"] = bundle
    result = CliRunner().invoke(click.command()(typed(callback)), list(arguments), standalone_mode=False)
    if result.exception:
        raise result.exception
    return received[0]


def smoke_test(*arguments: str) -> SmokeTestOptions:
    return parsed(SmokeTestOptions, *arguments)


def test_no_test_is_none() -> None:
    assert smoke_test().test() is None


def test_code_is_a_test_with_its_limits() -> None:
    test = smoke_test("--ruby", "require 'a'", "--memory", "256", "--timeout", "7").test()
    assert test is not None
    assert (test.ruby, test.memory, test.timeout) == ("require 'a'", 256, 7)


def test_a_handler_is_an_invocation(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text("def handler(event, context): return event", encoding="utf-8")
    source = ("--handler", "app.handler", "--code", str(tmp_path / "app.py"))
    test = smoke_test(*source, "--event", '{"a": 1}', "--response", '{"a": 1}').test()
    assert test is not None
    assert test.invoke is not None
    assert (test.invoke.event, test.invoke.response, test.invoke.log) == ({"a": 1}, {"a": 1}, None)
    without = smoke_test(*source).test()
    assert without is not None
    assert without.invoke is not None
    assert (without.invoke.event, without.invoke.response, without.invoke.log) == ({}, None, "REPORT")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--python", "1", "--shell", "true"), "one test at a time, not python and shell"),
        (("--python", "1", "--handler", "a.b"), "one test at a time, not python and a handler"),
        (("--handler", "a.b", "--event", "{"), "--event is not valid JSON"),
        (("--handler", "a.b", "--response", "x"), "--response is not valid JSON"),
        (("--memory", "512"), "--memory requires a test, such as --python"),
        (("--timeout", "5"), "--timeout requires a test, such as --python"),
    ],
)
def test_a_test_that_makes_no_sense_is_refused(arguments: tuple[str, ...], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        smoke_test(*arguments).test()


def test_a_kind_of_test_and_what_is_only_for_a_handler_are_told_together() -> None:
    with pytest.raises(UsageError, match="4 mistakes in the options") as raised:
        smoke_test("--python", "1", "--node", "1", "--response", "x", "--event", "[]")
    assert raised.value.why[0] == "one test at a time, not python and node"
    assert raised.value.why[1:3] == ("--event requires --handler", "--response requires --handler")
    assert raised.value.why[3].startswith("--response is not valid JSON")


def test_options_of_a_build_become_those_of_each_layer() -> None:
    containers = parsed(ContainerOptions, "--recompile", "--timeout", "3", "--engine", "podman")
    building = parsed(BuildOptions, "--route", "wheels", "--no-test", "-o", "out")
    options = building.of_layers(containers)
    assert (options.rebuild, options.wheels_only, options.test) == (True, True, "never")
    assert options.output == Path("out")
    assert (options.containers.kind, options.containers.mode, options.containers.timeout) == ("podman", "auto", 180.0)


def test_targets_are_one_value() -> None:
    selected = parsed(TargetOptions, "numpy", "--arch", "arm64", "--runtime", "python3.13")
    assert (selected.names, selected.architectures, selected.runtimes) == (("numpy",), ("arm64",), ("python3.13",))
    assert (selected.everything, selected.only, selected.folder) == (False, (), Path("recipes"))
    assert not selected.packages
    with pytest.raises(AttributeError):
        selected.everything = True  # type: ignore[misc]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--all", "numpy"), "--all and names of recipes are mutually exclusive"),
        (("numpy", "--packages", "zlib"), "--packages requires --pip, --npm, -r or the folder of a project"),
        (("numpy", "--name", "x"), "--name requires --pip, --npm, -r or the folder of a project"),
        (("--pip", "x", "--all"), "recipes and packages cannot be built in one call"),
        ((), "nothing to do: no recipe is named"),
        ((".", "--merge", "m", "--name", "n"), "--merge and --name are mutually exclusive"),
    ],
)
def test_targets_that_contradict_each_other_are_refused(arguments: tuple[str, ...], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        parsed(TargetOptions, *arguments)


# ---- how options come about ----------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True, slots=True)
class Inner(Bundle):
    quick: Annotated[bool, Option("--quick", about="Be quick.")]
    slow: Annotated[bool, Option("--slow", about="Be slow.")]

    def mistakes(self) -> Iterator[Mistake]:
        yield from exclusive({"--quick": self.quick, "--slow": self.slow}, "leave one out")


@dataclass(frozen=True, kw_only=True, slots=True)
class Outer(Bundle):
    where: Annotated[Path, Argument("FOLDER", kind=shared.FOLDER)]
    more: Annotated[tuple[Path, ...], Argument("[FILE]...", required=False)]
    inner: Inner
    color: Annotated[Literal["red", "blue"] | None, Option("--color", about="The color.")]
    count: Annotated[int, Option("--count -c", default=3, kind=click.IntRange(1, 9), about="The number.")]
    sizes: Annotated[tuple[int, ...], Option("--size", about="A size.")]
    on: Annotated[bool | None, Option("--on/--off", about="Whether it is on.")]

    def mistakes(self) -> Iterator[Mistake]:
        if self.count < 5:
            yield from dependent({"--color": self.color}, "--count 5", "count more")


def test_the_type_of_a_field_is_the_type_of_its_option() -> None:
    assert parsed(Outer, "a") == Outer(
        where=Path("a"), more=(), inner=Inner(quick=False, slow=False), color=None, count=3, sizes=(), on=None
    )
    given = parsed(Outer, "a", "b", "c", "-c", "7", "--color", "red", "--size", "1", "--size", "2", "--off", "--slow")
    assert given == Outer(
        where=Path("a"),
        more=(Path("b"), Path("c")),
        inner=Inner(quick=False, slow=True),
        color="red",
        count=7,
        sizes=(1, 2),
        on=False,
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--color", "green", "a"), "'green' is not one of 'red', 'blue'"),
        (("--count", "10", "a"), "10 is not in the range 1<=x<=9"),
        (("--size", "x", "a"), "'x' is not a valid integer"),
        ((), "Missing argument 'FOLDER'"),
    ],
)
def test_a_value_of_another_type_is_refused(arguments: tuple[str, ...], message: str) -> None:
    with pytest.raises(click.UsageError) as raised:
        parsed(Outer, *arguments)
    assert message in raised.value.format_message()


def test_a_default_that_is_a_value_is_shown() -> None:
    def callback(options: Outer) -> None:
        assert options.count

    text = CliRunner().invoke(click.command()(typed(callback)), ["--help"]).output
    assert "The number.  [default: 3; 1<=x<=9]" in text
    assert "Be quick.\n" in text


def test_all_mistakes_are_told_together_and_one_without_ceremony() -> None:
    with pytest.raises(UsageError) as one:
        parsed(Outer, "a", "--color", "red")
    assert (one.value.what, one.value.why, one.value.hint) == ("--color requires --count 5", (), "count more")
    with pytest.raises(UsageError) as both:
        parsed(Outer, "a", "--color", "red", "--quick", "--slow")
    assert both.value.what == "2 mistakes in the options"
    assert both.value.why == ("--color requires --count 5", "--quick and --slow are mutually exclusive")
    assert both.value.hint == "count more"


def test_a_parameter_without_an_option_is_an_error_of_the_command() -> None:
    def callback(plain: int) -> None:
        assert plain

    with pytest.raises(TypeError, match="plain: <class 'int'> is neither an option nor a bundle"):
        typed(callback)


def test_the_question_for_the_account_shows_what_its_name_hides(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    monkeypatch.setattr("sys.stdin.isatty", lambda: True)
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    monkeypatch.setattr(click, "confirm", lambda text, **_: asked.append(text))
    ask = cloud.confirmation()
    assert ask is not None
    ask(Identity(account="123456789012", partition="aws", arn="arn:aws:iam::1:user/a\x1b[2K\r\u202eb\n"))
    assert asked == [r"First publish to account 123456789012, as arn:aws:iam::1:user/a\x1b[2K\r\u202eb\n. Continue?"]


@pytest.mark.parametrize(
    ("command", "message"),
    [
        (("check", "ZIP", "--separately"), "--separately requires several zips"),
        (("test", "ZIP", "--separately"), "--separately requires several zips"),
        (("list", "--shards", "8"), "--shards requires a matrix as --format"),
        (("test", "ZIP", "--shell", "--memory", "512"), "--memory requires a test"),
        (("slim", "a"), "nothing to do"),
    ],
)
def test_options_that_would_have_no_effect_are_refused(tmp_path: Path, command: tuple[str, ...], message: str) -> None:
    zips.write(tmp_path / "a.zip", {"python/a.py": b""})
    result = layerwright(*("a.zip" if word == "ZIP" else word for word in command), cwd=tmp_path)
    assert result.code == 2
    assert message in result.err
