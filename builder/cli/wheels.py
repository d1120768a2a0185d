"""The command that makes wheels without a layer."""

from pathlib import Path

import click

from builder.cli import options
from builder.cli.options.containers import ContainerOptions, container_options


@click.command(epilog="Example: layerwright wheel psycopg2==2.9.10 --packages libpq-devel")
@click.argument("requirements", nargs=-1, required=True, metavar="REQUIREMENT...")
@options.narrowing("the newest of Python", "both")
@click.option(
    "--os",
    "systems",
    multiple=True,
    metavar="NAME",
    help="Operating system whose Python runtimes are all selected, previews excepted, for example al2023; repeatable."
    " Default: none.",
)
@click.option("--from-source", is_flag=True, help="Compile the packages even where a wheel exists.")
@click.option(
    "--packages",
    multiple=True,
    metavar="NAME",
    help="Package of Amazon Linux that compiling needs; repeatable. Default: those of the recipe of the same name.",
)
@click.option(
    "--output",
    "-o",
    type=click.Path(path_type=Path),
    default=Path("dist/wheels"),
    show_default=True,
    metavar="FOLDER",
    help="Folder of the wheels.",
)
@options.recipes_folder
@container_options
def wheel(  # noqa: PLR0913  each is an option
    output: Path,
    folder: Path,
    containers: ContainerOptions,
    *,
    requirements: tuple[str, ...],
    runtimes: tuple[str, ...],
    architectures: tuple[str, ...],
    systems: tuple[str, ...],
    packages: tuple[str, ...],
    from_source: bool,
) -> None:
    """Make wheels that work on a runtime of Lambda.

    Downloads wheels where the index has them, and compiles the others. A compiled wheel is repaired and imported once
    in the runtime's image. A recipe of the same name adds the packages of the operating system that compiling needs.
    Prints the paths of the wheels.
    """
    from builder.base import files
    from builder.building import wheel
    from builder.cli import terminal

    files.writable(output)
    options = wheel.WheelOptions(
        requirements=requirements,
        runtimes=runtimes,
        architectures=architectures,
        systems=systems,
        packages=packages,
        from_source=from_source,
        recipes=folder,
    )
    with terminal.working("planning") as report:
        for made in wheel.make(options, containers.choice(), output, report):
            terminal.note(f"{made.path.name}: {'from the index' if made.how == 'wheel' else f'compiled, {made.how}'}")
            terminal.text(f"{made.path}\n")


COMMANDS = (wheel,)
