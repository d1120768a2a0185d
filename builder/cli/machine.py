"""Commands for the host and its containers: doctor, cache, shell."""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import click

from builder.base.errors import EngineError
from builder.base.frozen import dataclass
from builder.cli.options import shared
from builder.cli.options.containers import ContainerOptions, HostEngine
from builder.cli.options.listener import listener_options
from builder.cli.options.one_target import OneTarget
from builder.cli.options.parameters import Argument, Bundle, Mistake, Option, exclusive, typed, without_terminal

# ---- doctor --------------------------------------------------------------------------------------------------------


@click.command(epilog="Example: layerwright doctor --engine podman")
@typed
def doctor(host: HostEngine, *, as_json: shared.AsJson) -> None:
    """Examine this host, and print what repairs each problem.

    Examines engine, emulation, disk, proxy, certificates and image pins. Exit code 7 when something prevents builds.
    """
    from builder.cli import terminal
    from builder.cli.views import health
    from builder.engine import doctor as examiner

    findings = examiner.examine(host.engine, host.builder)
    if as_json:
        terminal.data({"findings": [finding.as_json() for finding in findings]})
    else:
        health.show(findings)
    if any(finding.state == "wrong" for finding in findings):
        raise click.exceptions.Exit(EngineError.exit_code)


# ---- cache ---------------------------------------------------------------------------------------------------------


@click.group()
def cache() -> None:
    """Show and shrink the cache of builds on this host, and make the keys of the shared one."""


@cache.command("list", epilog="Example: layerwright cache list --json")
@listener_options
@typed
def list_cache(*, as_json: shared.AsJson) -> None:
    """List the kinds of cached files.

    Prints for each kind the number of files, their size in MB and the days since the last use.
    """
    from builder.base import caches
    from builder.cli import terminal
    from builder.cli.views import cached as view

    kinds = caches.usage()
    if as_json:
        terminal.data(view.document(kinds))
    else:
        view.show(kinds)


@dataclass(frozen=True, kw_only=True, slots=True)
class CacheLimits(Bundle):
    """What is removed from the cache."""

    max_gb: Annotated[
        float | None,
        Option(
            "--max-gb",
            kind=click.FloatRange(0),
            metavar="GB",
            about="Size of the cache afterwards, in GB, at most; removes what was unused for longest. Default: no "
            "limit.",
        ),
    ]
    older_than: Annotated[
        float | None,
        Option(
            "--older-than",
            kind=click.FloatRange(0),
            metavar="DAYS",
            about="Remove what was not used for this number of days. Default: no limit.",
        ),
    ]
    everything: Annotated[bool, Option("--everything", about="Remove the whole cache.")]

    @property
    def bytes(self) -> int | None:
        return None if self.max_gb is None else int(self.max_gb * 1e9)

    def mistakes(self) -> Iterator[Mistake]:
        limits = {"--max-gb": self.max_gb is not None, "--older-than": self.older_than is not None}
        if not (self.everything or any(limits.values())):
            yield Mistake("nothing to do: no limit is given", "--max-gb 5, --older-than 30, or --everything")
        for name, given in limits.items():
            yield from exclusive({"--everything": self.everything, name: given})


@cache.command(epilog="Example: layerwright cache prune --max-gb 5")
@listener_options
@typed
def prune(limits: CacheLimits, *, as_json: shared.AsJson) -> None:
    """Remove files from the cache.

    Builds make or download them again when they need them. Prints their number and size.
    """
    from builder.base import caches
    from builder.cli import terminal

    removed, freed = caches.prune(limit=limits.bytes, days=limits.older_than, everything=limits.everything)
    terminal.result(f"{removed} files removed, {freed / 1e6:.1f} MB freed")
    if as_json:
        terminal.data({"files": removed, "bytes": freed})


KeyName = Annotated[Path, Argument("NAME", kind=click.Path(path_type=Path))]


@cache.command(epilog="Example: layerwright cache key team-cache")
@listener_options
@typed
def key(name: KeyName, *, as_json: shared.AsJson) -> None:
    """Make the keys with which the shared cache is signed.

    Writes NAME.key, the private key for machines that build, and NAME.pub, the public key for those that only read;
    overwrites nothing. LAYERWRIGHT_REMOTE_KEY is the path of one, or its content.
    """
    from builder.base import signing
    from builder.cli import terminal

    private, public = signing.generate(name)
    terminal.result(f"{private}: {signing.VARIABLE} of machines that build and share; keep it secret")
    terminal.result(f"{public}: {signing.VARIABLE} of machines that only read")
    if as_json:
        terminal.data({"private": private.as_posix(), "public": public.as_posix()})


# ---- shell ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True, slots=True)
class ShellOptions(Bundle):
    """What runs in the container."""

    command: Annotated[
        str | None,
        Option("--command -c", metavar="COMMAND", about="Run this command and exit. Default: an interactive shell."),
    ]

    def mistakes(self) -> Iterator[Mistake]:
        if self.command is None:
            yield from without_terminal("a shell", "--command COMMAND runs a command where the shell would open")


@click.command(epilog="Example: layerwright shell ffmpeg --arch arm64 --command 'cat config.log'")
@listener_options
@typed
def shell(selected: OneTarget, inside: ShellOptions, containers: ContainerOptions) -> None:
    """Open a shell in the container where a recipe is compiled.

    After a failed build it opens where the failed step starts, with its sources, mounts, environment and network, and
    shows the command that repeats the step; otherwise behind the last step. Needs docker or podman. Exits with the
    code of the shell.
    """
    loaded, target = selected.chosen()
    from builder.building import shell as steps
    from builder.cli import terminal

    events = terminal.events().of(target.name)
    work = steps.work_of(loaded, target, containers.choice(), events)
    with steps.opened(work, events) as step:
        code = step.enter(inside.command)
    raise click.exceptions.Exit(code)


COMMANDS = (doctor, cache, shell)
