"""Commands about the terms under which layers can be shared."""

from pathlib import Path
from typing import Any

import click

from builder.base.errors import CheckFailedError, NothingSelectedError
from builder.cli import options


@click.command("license")
@click.argument("zips", nargs=-1, type=click.Path(path_type=Path, dir_okay=False, exists=True), metavar="[ZIP]...")
@click.option("--allow", multiple=True, metavar="GLOB", help="Only licenses that match one of these; repeatable.")
@click.option("--deny", multiple=True, metavar="GLOB", help="No license that matches; repeatable.")
@click.option("--texts", is_flag=True, help="Print the texts of the licenses, which attribution requires.")
@options.output
@options.as_json
def license_(  # noqa: PLR0913  each is an option
    zips: tuple[Path, ...], allow: tuple[str, ...], deny: tuple[str, ...], output: Path, *, texts: bool, as_json: bool
) -> None:
    """List the licenses of all packages in layers, and apply a policy: exit code 5 when it is broken.

    Of alternatives (MIT OR GPL-3.0-only) the best one counts. Without a ZIP, every one in --output is examined.
    Bundled libraries of the operating system are listed from the manifest beside the zip.
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
        terminal.table(("package", "version", "license", "layers"), legal.rows(found))
    if objections:
        msg = f"the policy is broken {len(objections)} times"
        raise CheckFailedError(msg, why=objections, hint="take another package, or change --allow and --deny")


def _old_spelling(**given: Any) -> None:  # noqa: ANN401
    from builder.cli import terminal

    terminal.warn("`layerwright licences` is now `layerwright license`; the old spelling still works")
    if license_.callback:
        license_.callback(**given)


licences = click.Command("licences", hidden=True, params=license_.params, help=license_.help, callback=_old_spelling)
COMMANDS = (license_, licences)
"""Commands of this module."""
