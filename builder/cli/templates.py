"""The `template` command."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import click

from builder.base.frozen import dataclass
from builder.cli.options import shared
from builder.cli.options.cloud import LayerFilters, share
from builder.cli.options.parameters import Argument, Bundle, Mistake, Option, exclusive, typed

if TYPE_CHECKING:
    from builder.publish.template_layers import TemplateRequest


@dataclass(frozen=True, kw_only=True, slots=True)
class TemplateForm(Bundle):
    """The layers of a template, and its form."""

    names: Annotated[tuple[str, ...], Argument("RECIPE|ZIP...")]
    filters: LayerFilters
    form: Annotated[
        Literal["sam", "cloudformation", "cdk-python", "cdk-typescript", "terraform", "json", "markdown"],
        Option("--format", default="sam", about="Output format."),
    ]
    source: Annotated[
        Literal["auto", "published", "zip"],
        Option(
            "--from",
            default="auto",
            about="published: use the ARNs in the ARN book. zip: let the template publish the zips. auto: ARNs if "
            "available.",
        ),
    ]
    share: Annotated[tuple[str, ...], share("With --from zip: principals that may use the layers.")]
    account: Annotated[
        str | None,
        Option(
            "--account",
            metavar="ID",
            about="With --from published: the account of the ARNs, if there are several.",
        ),
    ]
    function: Annotated[
        bool,
        Option("--function/--no-function", default=True, about="Add a sample function that uses a layer."),
    ]
    to: Annotated[
        Path | None,
        Option("--to", kind=shared.FILE, metavar="FILE", about="Write to a file instead of the standard output."),
    ]

    def mistakes(self) -> Iterator[Mistake]:
        yield from exclusive({"--from published": self.source == "published", "--share": self.share})
        yield from exclusive({"--from zip": self.source == "zip", "--account": self.account})

    @property
    def request(self) -> "TemplateRequest":
        from builder.publish.template_layers import TemplateRequest

        return TemplateRequest(
            layers=self.filters.of(self.names),
            source=self.source,
            account=self.account,
            share=self.share,
            base=(self.to or Path("here")).parent,
            function=self.function,
        )


@click.command(epilog="Example: layerwright template numpy --format terraform --to layers.tf")
@typed
def template(asked: TemplateForm) -> None:
    """Write a complete CloudFormation, SAM, CDK or Terraform file with layers and a function that uses one."""
    from builder.base import files
    from builder.cli import terminal
    from builder.publish.template import FORMATS
    from builder.publish.template_layers import template_source

    text = FORMATS[asked.form](template_source(asked.request))
    if asked.to is None:
        terminal.source(text)
    else:
        files.write_text(asked.to, text)


COMMANDS = (template,)
