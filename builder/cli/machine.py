"""Commands about this machine and its containers: doctor, images, shell."""

from pathlib import Path

import click

from builder.base.errors import EngineError, UsageError
from builder.cli import options
from builder.cli.recipes import chosen


@click.command()
@options.engine
@options.as_json
def doctor(engine: str | None, builder: str | None, *, as_json: bool) -> None:
    """Tell what is wrong with this machine and the command that mends it: engine, emulation, disk, proxy, CA, pins."""
    from builder.cli import terminal
    from builder.engine import doctor as examiner

    found = examiner.examine(engine, builder)
    if as_json:
        terminal.data({"findings": [one.as_json() for one in found]})
    else:
        terminal.health(found)
    if any(one.state == "wrong" for one in found):
        raise click.exceptions.Exit(EngineError.exit_code)


@click.group()
def images() -> None:
    """Show and pin the images that layers are compiled and tested in."""


@images.command("list")
@options.as_json
def list_(*, as_json: bool) -> None:
    """Show the images of each runtime and their pins."""
    from builder.authoring import pin
    from builder.cli import terminal
    from builder.model import images as model

    pins = model.pinned()
    rows = [(path, pins.get(path)) for path in pin.paths(pin.alive())]
    if as_json:
        terminal.data({"registry": model.registry(), "images": [{"path": path, "digest": pin} for path, pin in rows]})
        return
    terminal.table((f"image in {model.registry()}", "pin"), [(path, pin or "not pinned") for path, pin in rows])


@images.command()
@click.option("--runtime", "runtimes", multiple=True, metavar="NAME", help="Only images of this runtime; repeatable.")
@click.option("--check", is_flag=True, help="Write nothing; exit code 4 when a pin is old.")
@options.engine
def pin(runtimes: tuple[str, ...], engine: str | None, builder: str | None, *, check: bool) -> None:
    """Write the newest digest of every image into images/pins.toml."""
    from builder.authoring import pin
    from builder.cli import terminal
    from builder.engine import client
    from builder.model.runtimes import runtime

    wanted = [runtime(name) for name in runtimes] or pin.alive()
    with terminal.working("asking the registry"):
        found = pin.pin(client.find(engine, builder), wanted, write=not check)
    for path, old, new in found.changes:
        terminal.text(f"{path} {old or '(new)'} -> {new}\n")
    for error in found.missing:
        terminal.warn(error.what)
    terminal.note(f"{found.file}: {found.count} images, {len(found.changes)} {'differ' if check else 'changed'}")
    if check and found.changes:
        raise click.exceptions.Exit(4)


@images.command()
@click.argument("image")
@click.option("--arch", default="x86_64", show_default=True, metavar="NAME", help="x86_64 or arm64.")
@click.option("--programs", is_flag=True, help="List the programs in PATH instead of the libraries.")
@options.engine
@options.as_json
def survey(  # noqa: PLR0913  each is an option
    image: str, arch: str, engine: str | None, builder: str | None, *, programs: bool, as_json: bool
) -> None:
    """List an image's libraries with the symbol versions that they offer; nothing in the image is executed.

    This is the format of images/libraries and, with --programs, of images/commands.
    """
    from builder.cli import terminal
    from builder.engine import client
    from builder.engine.image_contents import read_image
    from builder.model.architectures import architecture

    with terminal.working(f"reading {image}"):
        found = read_image(client.find(engine, builder), image, architecture(arch))
    if as_json:
        libraries = [{"name": name, "versions": list(has)} for name, has in sorted(found.libraries.items())]
        terminal.data({"image": image, "libraries": libraries, "programs": list(found.programs)})
    else:
        terminal.text(found.text(programs=programs))


@click.group()
def cache() -> None:
    """Show and shrink what is kept on this host between builds."""


@cache.command("list")
@options.as_json
def list_cache(*, as_json: bool) -> None:
    """Show what the cache holds, by kind."""
    from builder.base import cache_paths, caches, remote
    from builder.cli import terminal

    found = caches.usage()
    if as_json:
        kinds = [{"kind": one.kind, "files": one.files, "bytes": one.bytes} for one in found]
        terminal.data({"folder": str(cache_paths.cache()), "remote": remote.address(), "kinds": kinds})
        return
    day = 86_400.0
    rows = [
        (
            one.kind,
            str(one.files),
            terminal.mb(one.bytes),
            "" if one.newest is None else f"{one.newest / day:.1f}",
            one.what,
        )
        for one in found
    ]
    terminal.table(("kind", "files", "MB", "days unused", "what"), rows, numbers=("files", "MB", "days unused"))
    terminal.note(f"{sum(one.bytes for one in found) / 1e6:.1f} MB in {cache_paths.cache()}")
    if shared := remote.address():
        terminal.note(f"shared with others: {shared}")


@cache.command()
@click.option("--max-gb", type=click.FloatRange(0), metavar="GB", help="Keep so much: what was used last.")
@click.option("--older-than", type=click.FloatRange(0), metavar="DAYS", help="Remove what was not used for so long.")
@click.option("--everything", is_flag=True, help="Remove all of it.")
def prune(max_gb: float | None, older_than: float | None, *, everything: bool) -> None:
    """Make the cache smaller. What is removed is made or fetched again when it is needed."""
    from builder.base import caches
    from builder.cli import terminal

    if max_gb is None and older_than is None and not everything:
        msg = "nothing says what may go"
        raise UsageError(msg, hint="--max-gb 5, --older-than 30, or --everything")
    limit = None if max_gb is None else int(max_gb * 1e9)
    removed, freed = caches.prune(limit=limit, days=older_than, everything=everything)
    terminal.note(f"{removed} files removed, {freed / 1e6:.1f} MB freed")


@click.command()
@click.argument("name", metavar="RECIPE")
@options.runtime_and_arch
@options.recipes_folder
@click.option("--command", "-c", help="Run this and return, instead of a terminal.")
@options.boxing
def shell(  # noqa: PLR0913, PLR0917  each is an option
    name: str,
    runtimes: tuple[str, ...],
    architectures: tuple[str, ...],
    folder: Path,
    command: str | None,
    boxes: options.Boxes,
) -> None:
    """Open a shell where a recipe is compiled, also after a failed build: the last step that worked."""
    ask = options.Ask(
        names=(name,),
        everything=False,
        pips=(),
        npms=(),
        file=None,
        name=None,
        system_packages=(),
        runtimes=runtimes,
        architectures=architectures,
        only=(),
        folder=folder,
    )
    loaded, target = chosen(ask)[0]
    from builder.building.compiling import Work
    from builder.building.shell import open_shell
    from builder.cli import terminal
    from builder.plan.planning import plan

    choice = boxes.choice()
    planned = plan(loaded, target)
    if planned.container is None:
        msg = f"{target.name} is not compiled in a container, so there is nothing to open"
        raise UsageError(msg, hint="`layerwright plan` shows how it is made")
    terminal.note(f"opening {target.name} in {planned.container.image.name}")
    raise click.exceptions.Exit(
        open_shell(Work(container=planned.container, folder=loaded.folder, choice=choice), command)
    )


COMMANDS = (doctor, images, cache, shell)
