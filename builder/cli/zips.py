"""Commands about zips, also from elsewhere: check, inspect."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from builder.cli import options
from builder.errors import CheckFailedError, UsageError

if TYPE_CHECKING:
    from builder.layer.checks import Finding
    from builder.model.architectures import Architecture
    from builder.model.runtimes import Runtime

zip_path = click.Path(path_type=Path, dir_okay=False)


def _destination(
    path: Path, runtimes: tuple[str, ...], architectures: tuple[str, ...]
) -> "tuple[tuple[Runtime, ...], tuple[Architecture, ...]]":
    """Return where the layer shall run: as the command line says, else as its manifest says."""
    from builder.layer import manifest
    from builder.model.architectures import architecture
    from builder.model.runtimes import runtime

    found = manifest.beside(path) or {}
    chosen = runtimes or tuple(found.get("runtimes", ()))
    machines = architectures or tuple(found.get("architectures", ()))
    if path.is_file() and not (chosen and machines):
        msg = f"{path.name} has no manifest beside it that says where it shall run"
        raise UsageError(msg, hint="add for example `--runtime python3.13 --arch arm64`")
    return tuple(runtime(name) for name in chosen), tuple(architecture(name) for name in machines)


def _findings(
    path: Path, runtimes: "tuple[Runtime, ...]", architectures: "tuple[Architecture, ...]"
) -> "tuple[Finding, ...]":
    from builder.layer import checks
    from builder.layer.reader import LayerZip

    with LayerZip(path) as layer:
        subject = checks.examine(layer.tree, runtimes, architectures, own=False, directories=layer.directories)
        return checks.run(checks.weighed(subject, layer.bytes))


@click.command()
@click.argument("paths", nargs=-1, required=True, type=zip_path, metavar="ZIP...")
@options.runtime_and_arch
@options.strict
@options.as_json
def check(
    paths: tuple[Path, ...], runtimes: tuple[str, ...], architectures: tuple[str, ...], *, strict: bool, as_json: bool
) -> None:
    """Tell whether layers will work in Lambda: anybody's zips. Nothing in them is executed or unpacked to disk."""
    from builder import console
    from builder.layer import checks

    documents = []
    for path in paths:
        where = _destination(path, runtimes, architectures)
        try:
            found = _findings(path, *where)
        except CheckFailedError as error:
            documents.append({"zip": str(path), "fit": False, "error": error.what, "why": list(error.why)})
            console.fail(error)
            continue
        unfit = checks.failures(found, strict=strict)
        documents.append({"zip": str(path), "fit": not unfit, "findings": [finding.as_json() for finding in found]})
        if not as_json:
            console.findings(found)
            verdict = "will not work" if unfit else "no error found"
            names = f"{', '.join(one.name for one in where[0])} on {', '.join(one.name for one in where[1])}"
            console.text(f"{path.name}: {verdict} for {names} ({len(found)} findings)\n")
    if as_json:
        console.data({"checked": documents})
    if not all(document["fit"] for document in documents):
        raise click.exceptions.Exit(CheckFailedError.exit_code)


@click.command()
@click.argument("path", type=zip_path, metavar="ZIP")
@options.as_json
def inspect(path: Path, *, as_json: bool) -> None:
    """Show what is in a zip, how big it is and what it needs."""
    from builder import console
    from builder.layer import checks, manifest
    from builder.layer.inspect import inspect as inspect_layer
    from builder.layer.reader import LayerZip
    from builder.model.architectures import ARCHITECTURES
    from builder.model.runtimes import runtimes

    with LayerZip(path) as layer:
        everywhere = tuple(runtimes().values())
        subject = checks.examine(layer.tree, everywhere, tuple(ARCHITECTURES.values()), own=False)
        found = inspect_layer(subject, layer.bytes)
    about = manifest.beside(path)
    if as_json:
        console.data({**found.as_json(), "manifest": about})
        return
    console.inspection(path.name, found)
    if about:
        console.text(f"  built for {', '.join(about['runtimes'])} on {', '.join(about['architectures'])}; ")
        console.text(f"sha256 {about['zip']['sha256']}, CodeSha256 {about['zip']['code_sha256']}\n")


COMMANDS = (check, inspect)
