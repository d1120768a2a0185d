"""The command that makes wheels without a layer."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import click

from builder.base.frozen import dataclass
from builder.cli.options import shared
from builder.cli.options.containers import ContainerOptions
from builder.cli.options.listener import listener_options
from builder.cli.options.parameters import Argument, Bundle, Option, typed

if TYPE_CHECKING:
    from builder.building.wheel import WheelOptions


@dataclass(frozen=True, kw_only=True, slots=True)
class WheelRequest(Bundle):
    """The wheels to make, what they are for, and where they go."""

    requirements: Annotated[tuple[str, ...], Argument("REQUIREMENT...")]
    runtimes: Annotated[tuple[str, ...], shared.runtime("the newest of Python")]
    architectures: Annotated[tuple[str, ...], shared.arch("both")]
    systems: Annotated[
        tuple[str, ...],
        Option(
            "--os",
            metavar="NAME",
            about="Operating system whose Python runtimes are all selected, previews excepted, for example al2023; "
            "repeatable. Default: none.",
        ),
    ]
    from_source: Annotated[bool, Option("--from-source", about="Compile the packages even where a wheel exists.")]
    packages: Annotated[
        tuple[str, ...],
        Option(
            "--packages",
            metavar="NAME",
            about="Package of Amazon Linux that compiling needs; repeatable. Default: those of the recipe of the same "
            "name.",
        ),
    ]
    output: Annotated[Path, shared.output("dist/wheels", "Folder of the wheels.")]
    folder: shared.RecipesFolder
    as_json: shared.AsJson

    def options(self) -> "WheelOptions":
        from builder.building.wheel import WheelOptions

        return WheelOptions(
            requirements=self.requirements,
            runtimes=self.runtimes,
            architectures=self.architectures,
            systems=self.systems,
            packages=self.packages,
            from_source=self.from_source,
            recipes=self.folder,
        )


@click.command(epilog="Example: layerwright wheel psycopg2==2.9.10 --packages libpq-devel")
@listener_options
@typed
def wheel(request: WheelRequest, containers: ContainerOptions) -> None:
    """Make wheels that work on a runtime of Lambda.

    Downloads wheels where the index has them, and compiles the others. A compiled wheel is repaired and imported once
    in the runtime's image. A recipe of the same name adds the packages of the operating system that compiling needs.
    Prints the paths of the wheels.
    """
    from builder.base import files
    from builder.building import wheel
    from builder.cli import terminal

    files.output(request.output)
    rows = []
    for made in wheel.make(request.options(), containers.choice(), request.output, terminal.events()):
        terminal.note(f"{made.path.name}: {'from the index' if made.how == 'wheel' else f'compiled, {made.how}'}")
        rows.append({"path": made.path.as_posix(), "how": made.how})
        if not request.as_json:
            terminal.line(f"{made.path}")
    if request.as_json:
        terminal.data({"wheels": rows})


COMMANDS = (wheel,)
