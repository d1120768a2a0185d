"""Options that several commands share, and what they mean together."""

import functools
import json
import os
from collections.abc import Callable
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from builder.model.recipe import Test
    from builder.plan.mode import EngineOptions

F = TypeVar("F", bound=Callable[..., Any])


def together(*options: Callable[[Any], Any]) -> Callable[[F], F]:
    def decorate(function: F) -> F:
        for option in reversed(options):
            function = option(function)
        return function

    return decorate


recipes_folder = click.option(
    "--recipes",
    "folder",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("recipes"),
    envvar="LAYERWRIGHT_RECIPES",
    show_default=True,
    help="Folder of recipes.",
)
as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON instead of text.")
strict = click.option("--strict", is_flag=True, help="Treat warnings of checks as errors.")
runtime_and_arch = together(
    click.option("--runtime", "runtimes", multiple=True, metavar="NAME", help="Only this runtime; repeatable."),
    click.option("--arch", "architectures", multiple=True, metavar="NAME", help="x86_64 or arm64; repeatable."),
)
only = click.option("--only", multiple=True, metavar="GLOB", help="Only targets whose name matches; repeatable.")
packages_for_new = click.option(
    "--pip", "pips", multiple=True, metavar="SPEC", help="A Python requirement; repeatable."
)
packages = together(
    packages_for_new,
    click.option("--npm", "npms", multiple=True, metavar="SPEC", help="A Node.js package, name@version; repeatable."),
    click.option(
        "-r", "--requirement", "file", type=click.Path(path_type=Path, dir_okay=False), help="A requirements file."
    ),
    click.option("--name", metavar="NAME", help="The layer's name, without a recipe."),
    click.option(
        "--packages",
        "system_packages",
        multiple=True,
        metavar="NAME",
        help="With --pip or -r: a package of Amazon Linux that compiling needs; repeatable.",
    ),
)
route = click.option(
    "--route",
    type=click.Choice(["auto", "wheels", "native", "accelerated", "emulated"]),
    default="auto",
    show_default=True,
    help="How packages become files: wheels alone, or the one way to compile. auto takes the best there is.",
)
provenance = click.option(
    "--provenance",
    metavar="URI",
    help="Write how each zip came to be beside it, as an in-toto statement (SLSA); URI names who builds.",
)
jobs = click.option(
    "--jobs",
    "-j",
    type=click.IntRange(1, 64),
    default=lambda: min(4, os.cpu_count() or 1),
    help="Targets at once on this host. Default: processors, at most 4.",
)
rebuild = click.option("--rebuild", is_flag=True, help="Build also what is there and unchanged.")
output = click.option(
    "--output",
    "-o",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("dist"),
    show_default=True,
    help="Where the zips go.",
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Ask:
    """Which targets a command line means."""

    names: tuple[str, ...]
    everything: bool
    pips: tuple[str, ...]
    npms: tuple[str, ...]
    file: Path | None
    name: str | None
    system_packages: tuple[str, ...]
    runtimes: tuple[str, ...]
    architectures: tuple[str, ...]
    only: tuple[str, ...]
    folder: Path


@dataclass(frozen=True, kw_only=True, slots=True)
class How:
    """How a build goes about it."""

    output: Path
    strict: bool
    route: str
    jobs: int
    keep_going: bool
    rebuild: bool
    test: bool | None
    verify: bool
    provenance: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Boxes:
    """Which containers to compile in."""

    engine: str | None
    builder: str | None
    no_cache: bool
    recompile: bool
    secrets: tuple[str, ...]
    timeout: int

    def choice(self, route: str = "auto") -> "EngineOptions":
        """Return what a build wants to know."""
        from builder.engine.host import parse_secret
        from builder.plan.mode import EngineOptions

        return EngineOptions(
            kind=self.engine,
            builder=self.builder,
            mode="auto" if route == "wheels" else route,
            no_cache=self.no_cache,
            recompile=self.recompile,
            secrets=tuple(parse_secret(text) for text in self.secrets),
            timeout=self.timeout * 60.0,
        )


def bundled(function: F, name: str, cls: type) -> F:
    """Hand options to a command as one value."""

    @functools.wraps(function)
    def call(**given: Any) -> Any:  # noqa: ANN401
        values = {field.name: given.pop(field.name) for field in fields(cls)}
        return function(**{name: cls(**values)}, **given)

    return call  # type: ignore[return-value]


engine = together(
    click.option(
        "--engine",
        type=click.Choice(["docker", "podman", "finch", "nerdctl"]),
        help="Container engine. Default: LAYERWRIGHT_ENGINE, else the first that is installed.",
    ),
    click.option("--builder", metavar="NAME", help="A buildx builder, for example one with nodes of both kinds."),
)


def boxing(function: F) -> F:
    """Add the options of builds in containers; the command gets them as `boxes`."""
    decorate = together(
        engine,
        click.option("--no-cache", is_flag=True, help="Make everything in containers anew."),
        click.option("--recompile", is_flag=True, help="Compile anew, with the packages that the engine has kept."),
        click.option(
            "--secret",
            "secrets",
            multiple=True,
            metavar="id=NAME,src=FILE|env=VAR",
            help="What steps may read at /run/secrets/NAME and nothing keeps; repeatable. netrc, uv.toml and pip.conf "
            "are used as what they are.",
        ),
        click.option(
            "--timeout",
            type=click.IntRange(1, 10_000),
            default=240,
            show_default=True,
            metavar="MINUTES",
            help="For one build in a container.",
        ),
    )
    return decorate(bundled(function, "boxes", Boxes))


@dataclass(frozen=True, kw_only=True, slots=True)
class Trial:
    """One test from the command line."""

    python: str | None
    node: str | None
    ruby: str | None
    java: str | None
    shell: str | None
    files: tuple[str, ...]
    handler: str | None
    code: Path | None
    event: str
    response: str | None
    memory: int
    limit: int

    def tests(self) -> "tuple[list[Test], Path | None] | None":
        """Return it as a recipe would have it; None when none is given, UsageError when it makes no sense."""
        from builder.base.errors import UsageError
        from builder.model.recipe import Invoke, Test

        kinds = {name: getattr(self, name) for name in ("python", "node", "ruby", "java", "shell", "files")}
        given = {name: value for name, value in kinds.items() if value}
        if len(given) + bool(self.handler) > 1:
            msg = f"one test at a time, not {' and '.join([*given, *(['a handler'] if self.handler else [])])}"
            raise UsageError(msg)
        if given:
            return [Test(**given, memory=self.memory, timeout=self.limit)], None
        if not self.handler:
            return None
        response = _as_json("--response", self.response) if self.response else None
        invoke = Invoke(
            handler=self.handler,
            code=self.code.read_text(encoding="utf-8") if self.code else None,
            event=_as_json("--event", self.event),
            response=response,
            log=None if response is not None else "REPORT",
        )
        return [Test(invoke=invoke, memory=self.memory, timeout=self.limit)], None


def _as_json(option: str, text: str) -> Any:  # noqa: ANN401
    from builder.base.errors import UsageError

    try:
        return json.loads(text)
    except ValueError as error:
        msg = f"{option} is not JSON: {error}"
        raise UsageError(msg, hint="quote it for your shell: '{\"key\": 1}'") from None


def testing(function: F) -> F:
    """Add the options that say what to try; the command gets them as `trial`."""
    decorate = together(
        *(
            click.option(f"--{name}", metavar="CODE", help=f"Run this with the runtime's {what}.")
            for name, what in (("python", "Python"), ("node", "Node.js"), ("ruby", "Ruby"), ("java", "Java"))
        ),
        click.option("--shell", metavar="CODE", help="Run this with sh."),
        click.option("--files", multiple=True, metavar="PATH", help="This must be there, below /opt; repeatable."),
        click.option("--handler", metavar="NAME", help="Call a function through the runtime interface emulator."),
        click.option(
            "--code",
            type=click.Path(path_type=Path, dir_okay=False, exists=True),
            help="With --handler: the function's source.",
        ),
        click.option("--event", default="{}", metavar="JSON", help="With --handler: what it gets."),
        click.option("--response", metavar="JSON", help="With --handler: what it must answer."),
        click.option(
            "--memory", type=click.IntRange(128, 10240), default=1024, show_default=True, metavar="MB", help="Of it."
        ),
        click.option(
            "--timeout",
            "limit",
            type=click.IntRange(1, 900),
            default=300,
            show_default=True,
            metavar="SECONDS",
            help="For one test.",
        ),
    )
    return decorate(bundled(function, "trial", Trial))


def asking(function: F) -> F:
    """Add the options that choose targets; the command gets them as `ask`."""
    decorate = together(
        click.argument("names", nargs=-1, metavar="[RECIPE]..."),
        click.option("--all", "everything", is_flag=True, help="Every recipe."),
        packages,
        runtime_and_arch,
        only,
        recipes_folder,
    )
    return decorate(bundled(function, "ask", Ask))


def building(function: F) -> F:
    """Add the options of a build; the command gets them as `how`."""
    decorate = together(
        output,
        strict,
        route,
        jobs,
        click.option("--keep-going", "-k", is_flag=True, help="Build the other targets when one fails."),
        rebuild,
        click.option(
            "--test/--no-test",
            default=None,
            help="Run the tests in the runtime's image. Default: when the engine has it or was needed anyway.",
        ),
        provenance,
        click.option("--verify", is_flag=True, help="Build twice from nothing and compare, down to the section."),
    )
    return decorate(bundled(function, "how", How))
