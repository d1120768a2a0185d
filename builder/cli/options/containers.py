"""Options of container engines, and of builds in containers."""

from typing import TYPE_CHECKING, Annotated, Literal

import click

from builder.base.frozen import dataclass
from builder.cli.options.parameters import Bundle, Option

if TYPE_CHECKING:
    from builder.engine.client import Engine
    from builder.plan.mode import EngineOptions

EngineKind = Literal["docker", "podman", "finch", "nerdctl"]


@dataclass(frozen=True, kw_only=True, slots=True)
class HostEngine(Bundle):
    """The container engine that a command uses."""

    engine: Annotated[
        EngineKind | None,
        Option(
            "--engine",
            about="Container engine. Default: that of LAYERWRIGHT_ENGINE, else the first that is installed.",
        ),
    ]
    builder: Annotated[
        str | None,
        Option(
            "--builder",
            metavar="NAME",
            about="Builder of docker buildx, for example one with a node for each architecture. Default: that of "
            "BUILDX_BUILDER, else the current one.",
        ),
    ]

    def find(self) -> "Engine":
        """Return the engine. Raises EngineError if it is missing, or lacks what builds need."""
        from builder.engine import client

        return client.find(self.engine, self.builder)


@dataclass(frozen=True, kw_only=True, slots=True)
class ContainerOptions(Bundle):
    """The engine that compiles, and what it may reuse and read."""

    host: HostEngine
    no_cache: Annotated[bool, Option("--no-cache", about="Compile without any cache, the engine's included.")]
    recompile: Annotated[
        bool, Option("--recompile", about="Compile again, with the system packages that the engine has cached.")
    ]
    frozen_images: Annotated[
        bool,
        Option(
            "--frozen-images",
            about="Fail if an image to compile in is not pinned, instead of adding its newest digest to the pins.",
        ),
    ]
    secrets: Annotated[
        tuple[str, ...],
        Option(
            "--secret",
            metavar="id=NAME,src=FILE|env=VAR",
            about="Secret that steps read at /run/secrets/NAME; it is in no image and no cache; repeatable. netrc, "
            "uv.toml and pip.conf also configure the tools of these names. Default: none.",
        ),
    ]
    timeout: Annotated[
        int,
        Option(
            "--timeout",
            kind=click.IntRange(1, 10_000),
            default=240,
            metavar="MINUTES",
            about="Time limit of one build in a container, in minutes.",
        ),
    ]

    @property
    def anew(self) -> bool:
        """Whether parts that the cache has are compiled again."""
        return self.no_cache or self.recompile

    def choice(self, route: str = "auto") -> "EngineOptions":
        """Return the options as a build takes them. Raises UsageError for a secret that is not valid."""
        from builder.engine.host import parse_secret
        from builder.plan.mode import EngineOptions

        return EngineOptions(
            kind=self.host.engine,
            builder=self.host.builder,
            mode="auto" if route == "wheels" else route,
            no_cache=self.no_cache,
            recompile=self.recompile,
            frozen_images=self.frozen_images,
            secrets=tuple(parse_secret(text) for text in self.secrets),
            timeout=self.timeout * 60.0,
        )
