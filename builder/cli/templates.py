"""The `template` command."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from builder.base.errors import NothingSelectedError, UsageError
from builder.cli import options
from builder.cli.cloud import listed
from builder.cli.which import Which, layer_names

if TYPE_CHECKING:
    from builder.model.recipe import Test
    from builder.publish.arn_book import ArnEntry
    from builder.publish.layer_version import LayerVersion

_FORMATS = ("sam", "cloudformation", "cdk-python", "cdk-typescript", "terraform", "json", "markdown")


@click.command()
@click.argument("names", nargs=-1, required=True, metavar="RECIPE|ZIP...")
@options.runtime_and_arch
@options.only
@options.recipes_folder
@options.output
@click.option("--format", "form", type=click.Choice(_FORMATS), default="sam", show_default=True, help="Output format.")
@click.option(
    "--from",
    "source",
    type=click.Choice(["auto", "published", "zip"]),
    default="auto",
    show_default=True,
    help="published: use the ARNs in the ARN book. zip: let the template publish the zips. auto: ARNs if available.",
)
@click.option(
    "--share",
    multiple=True,
    callback=listed,
    metavar="account:ID|org:ID|public",
    help="With --from zip: principals that may use the layers.",
)
@click.option("--account", metavar="ID", help="With --from published: the account of the ARNs, if there are several.")
@click.option(
    "--function/--no-function", default=True, show_default=True, help="Add a sample function that uses a layer."
)
@click.option(
    "--to", type=click.Path(path_type=Path, dir_okay=False), help="Write to a file instead of the standard output."
)
def template(  # noqa: PLR0913, PLR0917  each is an option
    names: tuple[str, ...],
    runtimes: tuple[str, ...],
    architectures: tuple[str, ...],
    only: tuple[str, ...],
    folder: Path,
    output: Path,
    form: str,
    source: str,
    share: tuple[str, ...],
    account: str | None,
    to: Path | None,
    *,
    function: bool,
) -> None:
    """Write a complete CloudFormation, SAM, CDK or Terraform file with layers and a function that uses one."""
    from builder.base import files
    from builder.cli import terminal
    from builder.publish.template import FORMATS
    from builder.publish.template_source import TemplateOptions, of_book, of_zips

    which = Which(names=names, runtimes=runtimes, architectures=architectures, only=only, folder=folder, output=output)
    entries = _published(which, account) if source != "zip" else []
    title = ", ".join(names)
    if source == "published" and not entries:
        msg = f"the ARN book in {output} has no versions of {title}"
        raise NothingSelectedError(msg, hint="run `layerwright publish`, or pass --from zip")
    sample = TemplateOptions(base=(to or Path("here")).parent, tests=_tests(which), function=function)
    values = of_book(title, entries, sample) if entries else of_zips(title, _zips(which, share), sample)
    text = FORMATS[form](values)
    if to is None:
        terminal.text(text)
        return
    files.writable(to.parent)
    with files.replacing(to) as part:
        part.write_text(text, encoding="utf-8", newline="\n")


def _published(which: Which, account: str | None) -> "list[ArnEntry]":
    """Return the entries of the ARN book for the named layers, in the same order."""
    from builder.publish import arn_book

    if which.by_path:
        targets = [Path(name).stem for name in which.names]
        rows = [entry for entry in arn_book.read(which.output) if entry.target in targets]
    else:
        names = layer_names(which)
        selected = [entry for entry in arn_book.read(which.output) if entry.layer in names]
        rows = sorted(selected, key=lambda entry: names.index(entry.layer))
    return [entry for entry in rows if account in {None, entry.account}]


def _zips(which: Which, share: tuple[str, ...]) -> "tuple[LayerVersion, ...]":
    """Return the layers of the named zips, and of the selected targets of recipes that have a zip."""
    from builder.publish import layer_version

    given = layer_version.PublishOptions(
        share=share or None,
        public=True,  # the template shows the share before it is deployed
        runtimes=which.runtimes if which.by_path else (),
        architectures=which.architectures if which.by_path else (),
        storage=True,
    )
    zips = [source for source in which.sources() if which.by_path or source.zip.is_file()]
    if not zips:
        msg = f"no zips of {', '.join(which.names)} in {which.output}"
        raise UsageError(msg, hint=f"run `layerwright build {which.names[0]}`")
    return layer_version.gather(zips, given)


def _tests(which: Which) -> "list[Test]":
    """Return the tests of the first recipe, from which the sample function is made."""
    from builder.layer import manifest
    from builder.model import recipes

    name = which.names[0]
    if which.by_path:
        described = manifest.of_any(Path(name))
        name = described.name if described else ""
    return list(recipes.load(which.folder, name).recipe.test) if name in recipes.names(which.folder) else []


COMMANDS = (template,)
