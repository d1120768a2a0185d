"""Commands for the host and its containers: doctor, images, cache, shell."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from builder.base.errors import EngineError, UsageError
from builder.cli import options
from builder.cli.options.containers import ContainerOptions, container_options
from builder.cli.options.targets import TargetOptions
from builder.cli.selection import chosen

if TYPE_CHECKING:
    from builder.authoring.pin import ImagePins

_OLD_PINS = 4
"""Exit code of `images pin --check`."""

# ---- doctor --------------------------------------------------------------------------------------------------------


@click.command(epilog="Example: layerwright doctor --engine podman")
@options.engine
@options.as_json
def doctor(engine: str | None, builder: str | None, *, as_json: bool) -> None:
    """Examine this host, and print what repairs each problem.

    Examines engine, emulation, disk, proxy, certificates and image pins. Exit code 7 when something prevents builds.
    """
    from builder.cli import terminal
    from builder.cli.views import health
    from builder.engine import doctor as examiner

    findings = examiner.examine(engine, builder)
    if as_json:
        terminal.data({"findings": [finding.as_json() for finding in findings]})
    else:
        health.show(findings)
    if any(finding.state == "wrong" for finding in findings):
        raise click.exceptions.Exit(EngineError.exit_code)


# ---- images --------------------------------------------------------------------------------------------------------


@click.group()
def images() -> None:
    """Show, pin and survey the images of runtimes."""


@images.command("list", epilog="Example: layerwright images list --json")
@options.as_json
def list_(*, as_json: bool) -> None:
    """List the images of runtimes with their pins.

    Covers the runtimes that functions can still be updated with. A pin is the digest that builds use.
    """
    from builder.authoring import pin
    from builder.cli import terminal
    from builder.model import images as model

    pins = model.pinned()
    rows = [(path, pins.get(path)) for path in pin.paths(pin.alive())]
    if as_json:
        terminal.data({"registry": model.registry(), "images": [{"path": path, "digest": pin} for path, pin in rows]})
        return
    terminal.table((f"image in {model.registry()}", "pin"), [(path, pin or "not pinned") for path, pin in rows])


@images.command(epilog="Example: layerwright images pin --check")
@click.option(
    "--runtime",
    "runtimes",
    multiple=True,
    metavar="NAME",
    help="Runtime whose images are pinned, for example python3.13; repeatable. Default: every runtime that functions "
    "can still be updated with.",
)
@click.option("--check", is_flag=True, help="Write nothing; exit code 4 when a pin is not the newest digest.")
@options.engine
def pin(runtimes: tuple[str, ...], engine: str | None, builder: str | None, *, check: bool) -> None:
    """Write the newest digest of every image into images/pins.toml.

    Asks the registry through the engine, and prints the digests that changed.
    """
    from builder.authoring import pin
    from builder.cli import terminal
    from builder.engine import client
    from builder.model.runtimes import runtime

    selected = [runtime(name) for name in runtimes] or pin.alive()
    with terminal.working("reading digests from the registry"):
        pinned = pin.pin(client.find(engine, builder), selected, write=not check)
    _show_pins(pinned, "differ" if check else "changed")
    if check and pinned.changes:
        raise click.exceptions.Exit(_OLD_PINS)


def _show_pins(pinned: "ImagePins", verb: str) -> None:
    from builder.cli import terminal

    for path, old, new in pinned.changes:
        terminal.text(f"{path} {old or '(new)'} -> {new}\n")
    for error in pinned.missing:
        terminal.warn(error.what)
    terminal.note(f"{pinned.file}: {pinned.count} images, {len(pinned.changes)} {verb}")


@images.command(epilog="Example: layerwright images survey amazonlinux:2023 --arch arm64")
@click.argument("image")
@click.option(
    "--arch", default="x86_64", show_default=True, metavar="NAME", help="Architecture of the image, x86_64 or arm64."
)
@click.option("--programs", is_flag=True, help="List the programs in PATH instead of the libraries.")
@options.engine
@options.as_json
def survey(  # noqa: PLR0913  each is an option
    image: str, arch: str, engine: str | None, builder: str | None, *, programs: bool, as_json: bool
) -> None:
    """List the libraries of an image with their symbol versions.

    Executes nothing in the image. The output has the format of images/libraries and, with --programs, of
    images/commands.
    """
    from builder.cli import terminal
    from builder.engine import client
    from builder.engine.image_contents import read_image
    from builder.model.architectures import architecture

    with terminal.working(f"reading {image}"):
        content = read_image(client.find(engine, builder), image, architecture(arch))
    if as_json:
        libraries = [{"name": name, "versions": list(versions)} for name, versions in sorted(content.libraries.items())]
        terminal.data({"image": image, "libraries": libraries, "programs": list(content.programs)})
    else:
        terminal.text(content.text(programs=programs))


# ---- cache ---------------------------------------------------------------------------------------------------------


@click.group()
def cache() -> None:
    """Show and shrink the cache of builds on this host."""


@cache.command("list", epilog="Example: layerwright cache list --json")
@options.as_json
def list_cache(*, as_json: bool) -> None:
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


@cache.command(epilog="Example: layerwright cache prune --max-gb 5")
@click.option(
    "--max-gb",
    type=click.FloatRange(0),
    metavar="GB",
    help="Size of the cache afterwards, in GB, at most; removes what was unused for longest. Default: no limit.",
)
@click.option(
    "--older-than",
    type=click.FloatRange(0),
    metavar="DAYS",
    help="Remove what was not used for this number of days. Default: no limit.",
)
@click.option("--everything", is_flag=True, help="Remove the whole cache.")
def prune(max_gb: float | None, older_than: float | None, *, everything: bool) -> None:
    """Remove files from the cache.

    Builds make or download them again when they need them. Prints their number and size.
    """
    from builder.base import caches
    from builder.cli import terminal

    if max_gb is None and older_than is None and not everything:
        msg = "nothing to do: no limit is given"
        raise UsageError(msg, hint="--max-gb 5, --older-than 30, or --everything")
    limit = None if max_gb is None else int(max_gb * 1e9)
    removed, freed = caches.prune(limit=limit, days=older_than, everything=everything)
    terminal.note(f"{removed} files removed, {freed / 1e6:.1f} MB freed")


# ---- shell ---------------------------------------------------------------------------------------------------------


@click.command(epilog="Example: layerwright shell ffmpeg --arch arm64 --command 'cat config.log'")
@click.argument("name", metavar="RECIPE")
@options.narrowing("the first of the recipe")
@options.recipes_folder
@click.option("--command", "-c", metavar="COMMAND", help="Run this command and exit. Default: an interactive shell.")
@container_options
def shell(  # noqa: PLR0913, PLR0917  each is an option
    name: str,
    runtimes: tuple[str, ...],
    architectures: tuple[str, ...],
    folder: Path,
    command: str | None,
    containers: ContainerOptions,
) -> None:
    """Open a shell in the container where a recipe is compiled.

    After a failed build it opens after the last step that succeeded. Needs docker. Exits with the code of the shell.
    """
    selected = TargetOptions(names=(name,), runtimes=runtimes, architectures=architectures, folder=folder)
    loaded, target = chosen(selected)[0]
    from builder.building.compiling import Work
    from builder.building.shell import open_shell
    from builder.cli import terminal
    from builder.plan.planning import plan

    choice = containers.choice()
    planned = plan(loaded, target)
    if planned.container is None:
        msg = f"{target.name} is not compiled in a container, so there is nothing to open"
        raise UsageError(msg, hint="`layerwright plan` shows how it is made")
    terminal.note(f"opening {target.name} in {planned.container.image.name}")
    work = Work(container=planned.container, folder=loaded.folder, options=choice)
    raise click.exceptions.Exit(open_shell(work, command))


COMMANDS = (doctor, images, cache, shell)
