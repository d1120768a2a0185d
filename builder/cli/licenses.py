"""Commands about licenses."""

from pathlib import Path
from typing import Any

import click

from builder.base.errors import CheckFailedError, NothingSelectedError
from builder.cli import options


@click.command(epilog="Example: layerwright licenses --deny 'GPL-*' --deny 'AGPL-*'")
@click.argument("zips", nargs=-1, type=click.Path(path_type=Path, dir_okay=False, exists=True), metavar="[ZIP]...")
@click.option(
    "--allow",
    multiple=True,
    metavar="GLOB",
    help="Pattern of SPDX identifiers; a license that matches none of these is an error; repeatable. Default: all.",
)
@click.option(
    "--deny",
    multiple=True,
    metavar="GLOB",
    help="Pattern of SPDX identifiers; a license that matches is an error; repeatable. Default: none.",
)
@click.option("--texts", is_flag=True, help="Print the texts of the licenses, for attribution, and apply no policy.")
@options.output
@options.as_json
def licenses(  # noqa: PLR0913  each is an option
    zips: tuple[Path, ...], allow: tuple[str, ...], deny: tuple[str, ...], output: Path, *, texts: bool, as_json: bool
) -> None:
    """List the licenses of the packages in layers, and apply a policy.

    Exit code 5 when a package breaks the policy. Without a ZIP, reads every zip in --output. Of alternatives (MIT OR
    GPL-3.0-only) the one that the policy allows counts. Libraries of the operating system are listed if the manifest
    is beside the zip.
    """
    from builder.cli import terminal
    from builder.cli.views import licensed as view
    from builder.layer.licences import Policy
    from builder.report import legal

    layers = [legal.look(path) for path in zips or sorted(output.glob("*.zip"))]
    if not layers:
        msg = f"there is no zip in {output}"
        raise NothingSelectedError(msg, hint="name one, or a folder with --output")
    if texts:
        view.show_texts(layers)
        return
    objections = legal.objections(layers, Policy(allow=allow, deny=deny))
    if as_json:
        terminal.data(view.document(layers, objections))
    else:
        view.show(layers)
    if objections:
        msg = f"{len(objections)} packages break the license policy"
        raise CheckFailedError(msg, why=objections, hint="replace the packages, or change --allow and --deny")


@click.command("licences", hidden=True, params=licenses.params, help=licenses.help)
def old_spelling(**values: Any) -> None:  # noqa: ANN401
    """Run `licenses` under its earlier name, with a warning."""
    from builder.cli import terminal

    terminal.warn("the command `licences` is deprecated; use `licenses`")
    click.get_current_context().invoke(licenses, **values)


COMMANDS = (licenses, old_spelling)
