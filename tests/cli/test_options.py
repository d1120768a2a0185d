"""Options of the command line as typed values."""

from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from builder.base.errors import UsageError
from builder.cli.options.builds import BuildOptions, build_options
from builder.cli.options.containers import ContainerOptions, container_options
from builder.cli.options.smoke import SmokeTestOptions, smoke_test_options
from builder.cli.options.targets import TargetOptions, target_options


def parsed(decorate: object, name: str, *arguments: str) -> object:
    """Return what a command with these options receives."""
    received: list[object] = []

    def callback(**values: object) -> None:
        received.append(values[name])

    assert callable(decorate)
    command = click.command()(decorate(callback))
    result = CliRunner().invoke(command, list(arguments), standalone_mode=False)
    assert result.exception is None, result.output
    return received[0]


def smoke_test(*arguments: str) -> SmokeTestOptions:
    options = parsed(smoke_test_options, "smoke_test", *arguments)
    assert isinstance(options, SmokeTestOptions)
    return options


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
    ],
)
def test_a_test_that_makes_no_sense_is_refused(arguments: tuple[str, ...], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        smoke_test(*arguments).test()


def test_options_of_a_build_become_those_of_each_layer() -> None:
    containers = parsed(container_options, "containers", "--recompile", "--timeout", "3", "--engine", "podman")
    assert isinstance(containers, ContainerOptions)
    building = parsed(build_options, "building", "--route", "wheels", "--no-test", "-o", "out")
    assert isinstance(building, BuildOptions)
    options = building.of_layers(containers)
    assert (options.rebuild, options.wheels_only, options.test) == (True, True, "never")
    assert options.output == Path("out")
    assert (options.containers.kind, options.containers.mode, options.containers.timeout) == ("podman", "auto", 180.0)


def test_targets_are_one_value() -> None:
    selected = parsed(target_options, "selected", "numpy", "--arch", "arm64", "--runtime", "python3.13")
    assert selected == TargetOptions(
        names=("numpy",), architectures=("arm64",), runtimes=("python3.13",), folder=Path("recipes")
    )
