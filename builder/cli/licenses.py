"""Commands about licenses."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import click

from builder.base.errors import CheckFailedError, NothingSelectedError
from builder.base.frozen import dataclass
from builder.cli.options import shared
from builder.cli.options.listener import listener_options
from builder.cli.options.parameters import Argument, Bundle, Mistake, Option, exclusive, typed

if TYPE_CHECKING:
    from builder.report.legal import LayerLicences


@dataclass(frozen=True, kw_only=True, slots=True)
class LicenseOptions(Bundle):
    """The zips whose licenses are listed, and the policy that applies to them."""

    zips: Annotated[tuple[Path, ...], Argument("[ZIP]...", required=False, kind=shared.EXISTING_FILE)]
    allow: Annotated[
        tuple[str, ...],
        Option(
            "--allow",
            metavar="GLOB",
            about="Pattern of SPDX identifiers; a license that matches none of these is an error; repeatable. "
            "Default: all.",
        ),
    ]
    deny: Annotated[
        tuple[str, ...],
        Option(
            "--deny",
            metavar="GLOB",
            about="Pattern of SPDX identifiers; a license that matches is an error; repeatable. Default: none.",
        ),
    ]
    texts: Annotated[
        bool,
        Option("--texts", about="Print the texts of the licenses, for attribution, and apply no policy."),
    ]
    output: shared.OutputFolder
    as_json: shared.AsJson

    def mistakes(self) -> Iterator[Mistake]:
        for name, given in {"--allow": self.allow, "--deny": self.deny, "--json": self.as_json}.items():
            yield from exclusive({"--texts": self.texts, name: given})

    def layers(self) -> "list[LayerLicences]":
        """Return the licenses of each zip. Raises NothingSelectedError if there is none."""
        from builder.report import legal

        layers = [legal.look(path) for path in self.zips or sorted(self.output.glob("*.zip"))]
        if not layers:
            msg = f"there is no zip in {self.output}"
            raise NothingSelectedError(msg, hint="name one, or a folder with --output")
        return layers


@click.command(epilog="Example: layerwright licenses --deny 'GPL-*' --deny 'AGPL-*'")
@listener_options
@typed
def licenses(asked: LicenseOptions) -> None:
    """List the licenses of the packages in layers, and apply a policy.

    Exit code 5 when a package breaks the policy. Without a ZIP, reads every zip in --output. Of alternatives (MIT OR
    GPL-3.0-only) the one that the policy allows counts. Libraries of the operating system are listed if the manifest
    is beside the zip.
    """
    _list_licenses(asked)


def _list_licenses(asked: LicenseOptions) -> None:
    from builder.cli.views import licensed as view
    from builder.layer.licences import Policy
    from builder.report import legal

    layers = asked.layers()
    if asked.texts:
        view.show_texts(layers)
        return
    objections = legal.objections(layers, Policy(allow=asked.allow, deny=asked.deny))
    view.show(layers, objections, as_json=asked.as_json)
    if objections:
        msg = f"{len(objections)} packages break the license policy"
        raise CheckFailedError(msg, why=objections, hint="replace the packages, or change --allow and --deny")


@click.command("licences", hidden=True, help=licenses.help)
@listener_options
@typed
def old_spelling(asked: LicenseOptions) -> None:
    """Run `licenses` under its earlier name, with a warning."""
    from builder.cli import terminal

    terminal.warn("the command `licences` is deprecated; use `licenses`")
    _list_licenses(asked)


COMMANDS = (licenses, old_spelling)
