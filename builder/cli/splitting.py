"""The command that makes several recipes of one that is too large."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from builder.cli import options
from builder.cli.recipes import load_recipe

if TYPE_CHECKING:
    from builder.authoring.split import Split


@click.command("split")
@click.argument("name", metavar="RECIPE")
@options.runtime_and_arch
@options.recipes_folder
@click.option("--write", is_flag=True, help="Write the recipes, beside the others.")
@click.option("--anyway", is_flag=True, help="Also if the layer is not too large.")
@options.as_json
def split_(  # noqa: PLR0913  each is an option
    name: str,
    runtimes: tuple[str, ...],
    architectures: tuple[str, ...],
    folder: Path,
    *,
    write: bool,
    anyway: bool,
    as_json: bool,
) -> None:
    """Spread a recipe that is over 250 MB over several layers, of which each function takes what it imports.

    The limit is for a function with all its layers: a split helps functions that need only some of the packages.
    """
    from builder.authoring import split as splitting
    from builder.cli import terminal
    from builder.model.target import Selection, select, targets

    loaded = load_recipe(folder, name)
    target = select(targets(loaded.recipe), Selection(runtimes=runtimes, architectures=architectures))[0]
    with terminal.working(f"weighing {target.name}"):
        found = splitting.split(loaded, target)
    splitting.require_large(found, anyway=anyway)
    written = splitting.write(loaded, found, folder) if write else []
    if as_json:
        terminal.data(_document(found, written))
        return
    rows = [
        (
            share.name,
            terminal.mb(share.bytes),
            terminal.mb(sum(one.bytes for one in found.attached(share))),
            " ".join(f"{one.name}=={one.version}" for one in share.packages),
        )
        for share in found.shares
    ]
    terminal.table(("layer", "MB", "with what it needs", "packages"), rows, numbers=("MB", "with what it needs"))
    terminal.note(f"all together: {terminal.mb(found.total)} MB unzipped; measured for {target.name}")
    for path in written:
        terminal.note(f"wrote {path}")
    if not written:
        terminal.note("--write writes the recipes")


def _document(found: "Split", written: list[Path]) -> dict[str, object]:
    layers = [
        {
            "name": share.name,
            "bytes": share.bytes,
            "packages": {one.name: one.version for one in share.packages},
            "attach": [one.name for one in found.attached(share)],
        }
        for share in found.shares
    ]
    names = [str(path) for path in written]
    return {"target": found.target.name, "bytes": found.total, "layers": layers, "written": names}


COMMANDS = (split_,)
