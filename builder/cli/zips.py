"""Commands for zips, also those of other tools: check, inspect, diff, test."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from builder.base.errors import CheckFailedError
from builder.cli import options
from builder.cli.options.smoke import SmokeTestOptions, smoke_test_options

if TYPE_CHECKING:
    from collections.abc import Iterator

    from builder.cli.checking import Destination, Together, Verdict
    from builder.engine.client import Engine
    from builder.layer.diff import Side
    from builder.layer.reader import LayerZip
    from builder.model.recipe import Test
    from builder.smoke.run import SmokeResult

zip_path = click.Path(path_type=Path, dir_okay=False)

# ---- check ---------------------------------------------------------------------------------------------------------


@click.command(epilog="Example: layerwright check layer.zip --runtime python3.13 --arch arm64")
@click.argument("paths", nargs=-1, required=True, type=zip_path, metavar="ZIP...")
@options.runtime_and_arch_of_zip
@options.strict
@options.as_json
@click.option(
    "--separately", is_flag=True, help="Check several zips one by one, not together as the layers of one function."
)
@click.option("--sarif", "as_sarif", is_flag=True, help="Print SARIF 2.1.0, the format of code hosts, instead of text.")
def check(  # noqa: PLR0913  each is an option
    paths: tuple[Path, ...],
    runtimes: tuple[str, ...],
    architectures: tuple[str, ...],
    *,
    strict: bool,
    as_json: bool,
    as_sarif: bool,
    separately: bool,
) -> None:
    """Check whether layers will work in Lambda.

    Works on the zips of any tool; executes nothing in them and unpacks nothing to disk. Several zips are the layers of
    one function, in the order of its configuration: each is checked by itself, then all of them together. Prints
    findings and a verdict. Exit code 5 when a layer will not work.
    """
    from builder.cli import checking, terminal
    from builder.cli.views import findings as view

    several = len(paths) > 1 and not separately
    if several:
        checking.require_attachable(paths)
    verdicts = []
    for verdict in checking.each(paths, runtimes, architectures, together=several):
        verdicts.append(verdict)
        _show(verdict, strict=strict, as_document=as_json or as_sarif)
    readable = all(verdict.error is None for verdict in verdicts)
    together = checking.merged(paths, runtimes, architectures) if several and readable else None
    if as_sarif:
        terminal.document(view.sarif_document(verdicts, together))
    elif as_json:
        terminal.data(view.document(verdicts, together, strict=strict))
    elif together:
        view.show_together(together, strict=strict)
    _exit_unless_fit(verdicts, together, strict=strict)


def _show(verdict: "Verdict", *, strict: bool, as_document: bool) -> None:
    """Print a verdict, unless a document follows. The error of a zip that cannot be read is always printed."""
    from builder.cli import terminal
    from builder.cli.views import findings as view

    if verdict.error:
        terminal.fail(verdict.error)
    elif not as_document:
        view.show(verdict, strict=strict)


def _exit_unless_fit(verdicts: "list[Verdict]", together: "Together | None", *, strict: bool) -> None:
    if not all(each.fit(strict=strict) for each in (*verdicts, together) if each):
        raise click.exceptions.Exit(CheckFailedError.exit_code)


# ---- inspect -------------------------------------------------------------------------------------------------------


@click.command(epilog="Example: layerwright inspect layer.zip --abi")
@click.argument("path", type=zip_path, metavar="ZIP")
@click.option("--abi", is_flag=True, help="Print the symbol versions that each program and library needs, instead.")
@options.as_json
def inspect(path: Path, *, abi: bool, as_json: bool) -> None:
    """Show the contents, the size and the requirements of a zip.

    Prints packages, machine code, symbol versions, libraries of the runtime, the largest folders, and the headroom
    under Lambda's limit, in MB.
    """
    from builder.cli import terminal
    from builder.cli.views import abi as abi_view
    from builder.cli.views import inspection as view
    from builder.layer import manifest
    from builder.layer.reader import LayerZip
    from builder.model.manifest import document

    with LayerZip(path) as layer:
        inspection = _side(layer).inspection
    described = manifest.of_any(path)
    if as_json:
        terminal.data({**inspection.as_json(), "manifest": document(described) if described else None})
    elif abi:
        abi_view.show(inspection.linkage)
    else:
        view.show(path.name, inspection, described)


def _side(layer: "LayerZip") -> "Side":
    """Return a zip with its analysis, for every runtime and architecture."""
    from builder.layer import checks
    from builder.layer.diff import Side
    from builder.layer.inspect import inspect as inspect_layer
    from builder.model.architectures import ARCHITECTURES
    from builder.model.runtimes import runtimes
    from builder.packages import table

    subject = checks.examine(
        layer.tree,
        tuple(runtimes().values()),
        tuple(ARCHITECTURES.values()),
        packages=table.installed(layer.tree),
        own=False,
    )
    return Side(zipped=layer, subject=subject, inspection=inspect_layer(subject, layer.bytes))


# ---- diff ----------------------------------------------------------------------------------------------------------


@click.command(epilog="Example: layerwright diff old.zip new.zip --markdown")
@click.argument("old", type=zip_path)
@click.argument("new", type=zip_path)
@click.option("--markdown", is_flag=True, help="Print a Markdown table, for example for a pull request.")
@click.option(
    "--files",
    type=click.IntRange(0),
    default=20,
    show_default=True,
    metavar="N",
    help="Number of changed files to show, the largest changes first.",
)
@options.as_json
def diff(old: Path, new: Path, *, markdown: bool, files: int, as_json: bool) -> None:
    """Show the differences between two zips.

    Compares packages, files, sizes, libraries and symbol versions; sizes are in bytes.
    """
    from builder.cli import terminal
    from builder.cli.views import changes as view
    from builder.layer.diff import diff as diff_layers
    from builder.layer.reader import LayerZip

    with LayerZip(old) as before, LayerZip(new) as after:
        changes = diff_layers(_side(before), _side(after))
    if as_json:
        terminal.data({"old": str(old), "new": str(new), "changes": [change.as_json() for change in changes]})
    else:
        view.show((old.name, new.name), changes, markdown=markdown, files=files)


# ---- test ----------------------------------------------------------------------------------------------------------


@click.command("test", epilog="Example: layerwright test layer.zip --python 'import numpy'")
@click.argument("paths", nargs=-1, required=True, type=zip_path, metavar="ZIP...")
@options.runtime_and_arch_of_zip
@smoke_test_options
@options.recipes_folder
@options.engine
@options.as_json
def try_(  # noqa: PLR0913, PLR0917  each is an option
    paths: tuple[Path, ...],
    runtimes: tuple[str, ...],
    architectures: tuple[str, ...],
    smoke_test: SmokeTestOptions,
    folder: Path,
    engine: str | None,
    builder: str | None,
    *,
    as_json: bool,
) -> None:
    """Test zips in the images of their runtimes.

    Runs the given test, else those of the zip's recipe, else imports every module and starts every program. The
    sandbox has no network, a read-only file system and a user without privileges. Needs a container engine, and
    emulation for the other architecture. Prints the tests that passed. Exit code 6 when one fails.
    """
    from builder.cli import checking, terminal
    from builder.cli.views import outcomes as view
    from builder.engine import client

    found_engine = client.find(engine, builder)
    documents: list[dict[str, Any]] = []
    for path in paths:
        where = checking.destination(path, runtimes, architectures)
        test = smoke_test.test()
        tests, recipe_folder = ([test], None) if test else _own_tests(path, folder)
        for outcomes in _tested(path, where, found_engine, tests, recipe_folder):
            documents += [{"zip": str(path), **outcome.as_json()} for outcome in outcomes]
            if not as_json:
                view.show(path.name, outcomes)
    if as_json:
        terminal.data({"passed": documents})


def _own_tests(path: Path, folder: Path) -> "tuple[list[Test], Path | None]":
    """Return the tests of the recipe that a zip was built from, and the recipe's folder; nothing without a recipe."""
    from builder.layer import manifest
    from builder.model import recipes

    described = manifest.of_any(path)
    if described is None or described.name not in recipes.names(folder):
        return [], None
    loaded = recipes.load(folder, described.name)
    return list(loaded.recipe.test), loaded.folder


def _tested(
    path: Path, where: "Destination", engine: "Engine", tests: "list[Test]", recipe_folder: Path | None
) -> "Iterator[list[SmokeResult]]":
    """Yield the outcomes in each image. Raises SmokeFailedError for the first test that fails."""
    from builder.cli import terminal
    from builder.layer.reader import LayerZip
    from builder.smoke import run

    with LayerZip(path) as layer, terminal.working(f"testing {path.name}") as progress:
        for runtime in where.runtimes:
            for arch in where.architectures:
                progress(f"{path.name}: {runtime.name} on {arch.name}")
                sandbox = run.Sandbox(
                    engine=engine, runtime=runtime, arch=arch, content=layer.tree, folder=recipe_folder
                )
                yield run.execute(sandbox, run.applicable(tests, runtime, arch), path.name)


COMMANDS = (check, inspect, diff, try_)
