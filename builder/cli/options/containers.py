"""Options of builds in containers."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

from builder.cli import options

if TYPE_CHECKING:
    from builder.plan.mode import EngineOptions


@dataclass(frozen=True, kw_only=True, slots=True)
class ContainerOptions:
    """The engine that compiles, and what it may reuse and read."""

    engine: str | None
    builder: str | None
    no_cache: bool
    recompile: bool
    secrets: tuple[str, ...]
    timeout: int
    """Minutes."""

    @property
    def anew(self) -> bool:
        """Whether parts that the cache has are compiled again."""
        return self.no_cache or self.recompile

    def choice(self, route: str = "auto") -> "EngineOptions":
        """Return the options as a build takes them. Raises UsageError for a secret that is not valid."""
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


def container_options(function: options.F) -> options.F:
    """Add the options of builds in containers; the command receives them as `containers`."""
    decorate = options.together(
        options.engine,
        click.option("--no-cache", is_flag=True, help="Compile without any cache, the engine's included."),
        click.option(
            "--recompile", is_flag=True, help="Compile again, with the system packages that the engine has cached."
        ),
        click.option(
            "--secret",
            "secrets",
            multiple=True,
            metavar="id=NAME,src=FILE|env=VAR",
            help="Secret that steps read at /run/secrets/NAME; it is in no image and no cache; repeatable. netrc, "
            "uv.toml and pip.conf also configure the tools of these names. Default: none.",
        ),
        click.option(
            "--timeout",
            type=click.IntRange(1, 10_000),
            default=240,
            show_default=True,
            metavar="MINUTES",
            help="Time limit of one build in a container, in minutes.",
        ),
    )
    return decorate(options.bundled(function, "containers", ContainerOptions))
