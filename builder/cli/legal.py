"""Commands about what may be handed on: licences."""

from pathlib import Path

import click

from builder.base.errors import CheckFailedError, NothingSelectedError
from builder.cli import options


@click.command()
@click.argument("zips", nargs=-1, type=click.Path(path_type=Path, dir_okay=False, exists=True), metavar="[ZIP]...")
@click.option("--allow", multiple=True, metavar="GLOB", help="Only licences that match one of these; repeatable.")
@click.option("--deny", multiple=True, metavar="GLOB", help="No licence that matches; repeatable.")
@click.option("--texts", is_flag=True, help="Print the licences' texts, as attribution asks for.")
@options.output
@options.as_json
def licences(  # noqa: PLR0913  each is an option
    zips: tuple[Path, ...], allow: tuple[str, ...], deny: tuple[str, ...], output: Path, *, texts: bool, as_json: bool
) -> None:
    """List the licences of all packages in layers, and apply a policy: exit code 5 when it is broken.

    Of alternatives (MIT OR GPL-3.0-only) the best one counts. Without a ZIP, every one in --output is looked at.
    Libraries of the operating system that came along are told by the manifest beside the zip.
    """
    from builder.cli import terminal
    from builder.layer.licences import Policy
    from builder.model.manifest import document
    from builder.report import legal

    found = [legal.look(path) for path in zips or sorted(output.glob("*.zip"))]
    if not found:
        msg = f"there is no zip in {output}"
        raise NothingSelectedError(msg, hint="name one, or a folder with --output")
    if texts:
        for path in dict.fromkeys(text for one in found for text in legal.texts(one)):
            terminal.text(path)
        return
    objections = legal.objections(found, Policy(allow=allow, deny=deny))
    if as_json:
        layers = [{"zip": str(one.path), "licences": [document(row) for row in one.licences]} for one in found]
        terminal.data({"layers": layers, "objections": objections})
    else:
        terminal.table(("package", "version", "licence", "layers"), legal.rows(found))
    if objections:
        msg = f"the policy is broken {len(objections)} times"
        raise CheckFailedError(msg, why=objections, hint="take another package, or change --allow and --deny")


COMMANDS = (licences,)
"""Commands of this module."""
