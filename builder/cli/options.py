"""Options that several commands share, and what they mean together."""

import functools
from collections.abc import Callable
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from builder.ways import EngineChoice

F = TypeVar("F", bound=Callable[..., Any])


def _together(*options: Callable[[Any], Any]) -> Callable[[F], F]:
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
runtime_and_arch = _together(
    click.option("--runtime", "runtimes", multiple=True, metavar="NAME", help="Only this runtime; repeatable."),
    click.option("--arch", "architectures", multiple=True, metavar="NAME", help="x86_64 or arm64; repeatable."),
)
only = click.option("--only", multiple=True, metavar="GLOB", help="Only targets whose name matches; repeatable.")
packages_for_new = click.option(
    "--pip", "pips", multiple=True, metavar="SPEC", help="A Python requirement; repeatable."
)
packages = _together(
    packages_for_new,
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
    jobs: int | None
    keep_going: bool
    rebuild: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Boxes:
    """Which containers to compile in."""

    engine: str | None
    builder: str | None
    no_cache: bool
    recompile: bool
    secrets: tuple[str, ...]
    timeout: int

    def choice(self, route: str = "auto") -> "EngineChoice":
        """Return what a build wants to know."""
        from builder.engine.host import parse_secret
        from builder.ways import EngineChoice

        return EngineChoice(
            kind=self.engine,
            builder=self.builder,
            route="auto" if route == "wheels" else route,
            no_cache=self.no_cache,
            recompile=self.recompile,
            secrets=tuple(parse_secret(text) for text in self.secrets),
            timeout=self.timeout * 60.0,
        )


def _bundled(function: F, name: str, cls: type) -> F:
    """Hand options to a command as one value."""

    @functools.wraps(function)
    def call(**given: Any) -> Any:  # noqa: ANN401
        values = {field.name: given.pop(field.name) for field in fields(cls)}
        return function(**{name: cls(**values)}, **given)

    return call  # type: ignore[return-value]


engine = _together(
    click.option(
        "--engine",
        type=click.Choice(["docker", "podman", "finch", "nerdctl"]),
        help="Container engine. Default: LAYERWRIGHT_ENGINE, else the first that is installed.",
    ),
    click.option("--builder", metavar="NAME", help="A buildx builder, for example one with nodes of both kinds."),
)


def boxing(function: F) -> F:
    """Add the options of builds in containers; the command gets them as `boxes`."""
    decorate = _together(
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
    return decorate(_bundled(function, "boxes", Boxes))


def asking(function: F) -> F:
    """Add the options that choose targets; the command gets them as `ask`."""
    decorate = _together(
        click.argument("names", nargs=-1, metavar="[RECIPE]..."),
        click.option("--all", "everything", is_flag=True, help="Every recipe."),
        packages,
        runtime_and_arch,
        only,
        recipes_folder,
    )
    return decorate(_bundled(function, "ask", Ask))


def building(function: F) -> F:
    """Add the options of a build; the command gets them as `how`."""
    decorate = _together(
        output,
        strict,
        route,
        click.option(
            "--jobs", "-j", type=click.IntRange(1, 64), help="Targets at once. Default: processors, at most 4."
        ),
        click.option("--keep-going", "-k", is_flag=True, help="Build the other targets when one fails."),
        click.option("--rebuild", is_flag=True, help="Build also what is there and unchanged."),
    )
    return decorate(_bundled(function, "how", How))
