"""The command that writes templates."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from builder.base.errors import NothingSelectedError, UsageError
from builder.cli import options
from builder.cli.cloud import listed
from builder.cli.which import Which, layer_names

if TYPE_CHECKING:
    from builder.model.recipe import Test
    from builder.publish.book import Entry
    from builder.publish.wanted import Wanted

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
    help="The ARNs of what was published from here, or the zip, which the template publishes; auto prefers ARNs.",
)
@click.option("--share", multiple=True, callback=listed, metavar="account:ID|org:ID|public", help="With --from zip.")
@click.option("--account", metavar="ID", help="With --from published: whose ARNs, where there are several.")
@click.option("--function/--no-function", default=True, show_default=True, help="With a function that uses a layer.")
@click.option("--to", type=click.Path(path_type=Path, dir_okay=False), help="A file, instead of the standard output.")
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
    """Write a complete file for CloudFormation, SAM, CDK or Terraform: layers, and a function that uses one."""
    from builder.base import files
    from builder.cli import terminal
    from builder.publish.subject import Sample, of_book, of_zips
    from builder.publish.template import FORMATS

    which = Which(names=names, runtimes=runtimes, architectures=architectures, only=only, folder=folder, output=output)
    found = _published(which, account) if source != "zip" else []
    if source == "published" and not found:
        msg = f"nothing is published of {', '.join(names)}, as far as {output} knows"
        raise NothingSelectedError(msg, hint="`layerwright publish` does it; --from zip takes the zips")
    sample = Sample(base=(to or Path("here")).parent, tests=_tests(which), function=function)
    title = ", ".join(names)
    subject = of_book(title, found, sample) if found else of_zips(title, _zips(which, share), sample)
    text = FORMATS[form](subject)
    if to is None:
        terminal.text(text)
        return
    files.writable(to.parent)
    with files.replacing(to) as part:
        part.write_text(text, encoding="utf-8", newline="\n")


def _published(which: Which, account: str | None) -> "list[Entry]":
    """Return what the book has of the named layers, in their order."""
    from builder.publish import book

    if which.by_path:
        targets = [Path(name).stem for name in which.names]
        rows = [one for one in book.read(which.output) if one.target in targets]
    else:
        names = layer_names(which)
        every = [one for one in book.read(which.output) if one.layer in names]
        rows = sorted(every, key=lambda one: names.index(one.layer))
    return [one for one in rows if account in {None, one.account}]


def _zips(which: Which, share: tuple[str, ...]) -> "tuple[Wanted, ...]":
    """Return the zips that are there; of a recipe, those of the selected targets that are built."""
    from builder.publish import wanted

    given = wanted.Given(
        share=share or None,
        public=True,  # a template changes nothing: who deploys it sees who is let in
        runtimes=which.runtimes if which.by_path else (),
        architectures=which.architectures if which.by_path else (),
        storage=True,
    )
    sources = [one for one in which.sources() if which.by_path or one.zip.is_file()]
    if not sources:
        msg = f"no zip of {', '.join(which.names)} is in {which.output}"
        raise UsageError(msg, hint=f"`layerwright build {which.names[0]}` makes them")
    return wanted.gather(sources, given)


def _tests(which: Which) -> "list[Test]":
    """Return the tests of the first recipe: its sample does what they do."""
    from builder.layer import manifest
    from builder.model import recipes

    first = which.names[0]
    name = (manifest.beside(Path(first)) or {}).get("name", "") if which.by_path else first
    return list(recipes.load(which.folder, name).recipe.test) if name in recipes.names(which.folder) else []


COMMANDS = (template,)
