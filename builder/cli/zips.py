"""Commands about zips, also from elsewhere: check, inspect, diff, test."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from builder.base.errors import CheckFailedError, UsageError
from builder.cli import options

if TYPE_CHECKING:
    from builder.layer.checks import Finding
    from builder.layer.diff import Side
    from builder.layer.reader import LayerZip
    from builder.model.architectures import Architecture
    from builder.model.recipe import Test
    from builder.model.runtimes import Runtime

zip_path = click.Path(path_type=Path, dir_okay=False)


def _destination(
    path: Path, runtimes: tuple[str, ...], architectures: tuple[str, ...]
) -> "tuple[tuple[Runtime, ...], tuple[Architecture, ...]]":
    """Return where the layer shall run: as the command line says, else as its manifest says."""
    from builder.layer import manifest
    from builder.model.architectures import architecture
    from builder.model.runtimes import runtime

    described = manifest.of_any(path)
    chosen = runtimes or (described.runtimes if described else ())
    machines = architectures or (described.architectures if described else ())
    if path.is_file() and not (chosen and machines):
        msg = f"{path.name} has no manifest beside it that says where it shall run"
        raise UsageError(msg, hint="add for example `--runtime python3.13 --arch arm64`")
    return tuple(runtime(name) for name in chosen), tuple(architecture(name) for name in machines)


def _findings(
    path: Path, runtimes: "tuple[Runtime, ...]", architectures: "tuple[Architecture, ...]"
) -> "tuple[Finding, ...]":
    from builder.layer import checks
    from builder.layer.reader import LayerZip
    from builder.packages import table

    with LayerZip(path) as layer:
        subject = checks.examine(
            layer.tree,
            runtimes,
            architectures,
            packages=table.installed(layer.tree),
            own=False,
            directories=layer.directories,
        )
        return checks.run(checks.weighed(subject, layer.bytes))


def _countable(paths: tuple[Path, ...]) -> None:
    from builder.layer.merge import MOST

    if len(paths) > MOST:
        msg = f"{len(paths)} zips: a function can have {MOST} layers"
        raise UsageError(msg, hint="--separately checks each zip by itself")
    if len({path.resolve() for path in paths}) < len(paths):
        msg = "one zip is named twice; a function can have a layer once"
        raise UsageError(msg)


def _merged(
    paths: tuple[Path, ...], runtimes: tuple[str, ...], architectures: tuple[str, ...]
) -> "tuple[Finding, ...]":
    """Return what is wrong with layers together, for the runtimes and architectures that all of them are for."""
    from contextlib import ExitStack

    from builder.layer import checks, merge
    from builder.layer.reader import LayerZip
    from builder.packages import table

    where = [_destination(path, runtimes, architectures) for path in paths]
    on = tuple(one for one in where[0][0] if all(one in other for other, _ in where))
    machines = tuple(one for one in where[0][1] if all(one in other for _, other in where))
    if not (on and machines):
        kinds = [
            f"{path.name}: {', '.join([*(one.name for one in its_runtimes), *(one.name for one in its_machines)])}"
            for path, (its_runtimes, its_machines) in zip(paths, where, strict=True)
        ]
        msg = "no runtime and architecture is common to all of these layers"
        raise UsageError(msg, why=kinds, hint="--runtime and --arch say what the function has")
    with ExitStack() as stack:
        trees = {path.name: stack.enter_context(LayerZip(path)).tree for path in paths}
        layers = [
            merge.StackedLayer(name=name, tree=tree, packages=table.installed(tree)) for name, tree in trees.items()
        ]
        merged = merge.merge(layers)
        whole = checks.examine(merged.tree, on, machines, packages=table.installed(merged.tree), own=False)
        return (*merge.findings(layers, merged), *checks.run(whole, only="unresolved-library"))


def _told_together(
    paths: tuple[Path, ...], found: "tuple[Finding, ...]", *, strict: bool, shown: bool
) -> dict[str, Any]:
    from builder.cli import terminal
    from builder.layer import checks

    unfit = checks.failures(found, strict=strict)
    if shown:
        terminal.findings(found)
        verdict = "will not work" if unfit else "no error found"
        terminal.text(f"together, in this order: {verdict} ({len(found)} findings)\n")
    names = [str(path) for path in paths]
    return {"layers": names, "fit": not unfit, "findings": [one.as_json() for one in found]}


@click.command()
@click.argument("paths", nargs=-1, required=True, type=zip_path, metavar="ZIP...")
@options.runtime_and_arch
@options.strict
@options.as_json
@click.option(
    "--separately", is_flag=True, help="Check several zips each by itself, not as the layers of one function."
)
@click.option("--sarif", "as_sarif", is_flag=True, help="Print SARIF 2.1.0, which code hosts show.")
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
    """Tell whether layers will work in Lambda: anybody's zips. Nothing in them is executed or unpacked to disk.

    Several zips are the layers of one function, in the order of its configuration: each is checked, then what the
    function sees of all together.
    """
    from builder import __version__
    from builder.cli import terminal
    from builder.layer import checks, sarif

    together = len(paths) > 1 and not separately
    if together:
        _countable(paths)
    documents: list[dict[str, Any]] = []
    whole: list[dict[str, Any]] = []
    every = []
    for path in paths:
        where = _destination(path, runtimes, architectures)
        try:
            found = _findings(path, *where)
            if together:  # what one lacks, another may bring: told for all of them below
                found = tuple(one for one in found if one.check != "unresolved-library")
        except CheckFailedError as error:
            documents.append({"zip": str(path), "fit": False, "error": error.what, "why": list(error.why)})
            terminal.fail(error)
            continue
        every.append((path.as_posix(), found))
        unfit = checks.failures(found, strict=strict)
        documents.append({"zip": str(path), "fit": not unfit, "findings": [finding.as_json() for finding in found]})
        if not (as_json or as_sarif):
            terminal.findings(found)
            verdict = "will not work" if unfit else "no error found"
            names = f"{', '.join(one.name for one in where[0])} on {', '.join(one.name for one in where[1])}"
            terminal.text(f"{path.name}: {verdict} for {names} ({len(found)} findings)\n")
    if together and len(every) == len(paths):
        found = _merged(paths, runtimes, architectures)
        every.append(("layers together", found))
        whole = [_told_together(paths, found, strict=strict, shown=not (as_json or as_sarif))]
    if as_sarif:
        terminal.document(sarif.document(__version__, every))
    elif as_json:
        terminal.data({"checked": documents, "together": whole[0] if whole else None})
    if not all(document["fit"] for document in (*documents, *whole)):
        raise click.exceptions.Exit(CheckFailedError.exit_code)


@click.command()
@click.argument("path", type=zip_path, metavar="ZIP")
@click.option("--abi", is_flag=True, help="Show for each program and library the symbol versions that it needs.")
@options.as_json
def inspect(path: Path, *, abi: bool, as_json: bool) -> None:
    """Show what is in a zip, how big it is and what it needs."""
    from builder.cli import terminal
    from builder.layer import manifest
    from builder.layer.reader import LayerZip
    from builder.model.manifest import document

    with LayerZip(path) as layer:
        found = _side(layer).inspection
    about = manifest.of_any(path)
    if as_json:
        terminal.data({**found.as_json(), "manifest": document(about) if about else None})
        return
    if abi:
        terminal.abi(found.linkage)
        return
    terminal.inspection(path.name, found)
    if about:
        terminal.text(f"  built for {', '.join(about.runtimes)} on {', '.join(about.architectures)}; ")
        terminal.text(f"sha256 {about.zip.sha256}, CodeSha256 {about.zip.code_sha256}\n")


def _side(layer: "LayerZip") -> "Side":
    """Return a zip with its analysis."""
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


@click.command()
@click.argument("old", type=zip_path)
@click.argument("new", type=zip_path)
@click.option("--markdown", is_flag=True, help="Print a Markdown table, for example for a pull request.")
@click.option("--files", type=click.IntRange(0), default=20, show_default=True, help="How many changed files to show.")
@options.as_json
def diff(old: Path, new: Path, *, markdown: bool, files: int, as_json: bool) -> None:
    """Show what changed between two zips: packages, files, sizes, libraries, symbol versions."""
    from builder.cli import terminal
    from builder.layer.diff import diff as diff_layers
    from builder.layer.reader import LayerZip

    with LayerZip(old) as before, LayerZip(new) as after:
        found = diff_layers(_side(before), _side(after))
    if as_json:
        terminal.data({"old": str(old), "new": str(new), "changes": [one.as_json() for one in found]})
    else:
        terminal.changes(old.name, new.name, found, markdown=markdown, files=files)


@click.command("test")
@click.argument("paths", nargs=-1, required=True, type=zip_path, metavar="ZIP...")
@options.runtime_and_arch
@options.testing
@options.recipes_folder
@options.engine
@options.as_json
def try_(  # noqa: PLR0913, PLR0917  each is an option
    paths: tuple[Path, ...],
    runtimes: tuple[str, ...],
    architectures: tuple[str, ...],
    trial: options.Trial,
    folder: Path,
    engine: str | None,
    builder: str | None,
    *,
    as_json: bool,
) -> None:
    """Run zips as Lambda does: anybody's, in the image of each runtime, with one test or those of their recipe.

    Without a test, every module is imported and every program started. No network, a read-only system, a user without
    rights. Needs a container engine, and emulation for the other architecture.
    """
    from builder.cli import terminal
    from builder.engine import client
    from builder.layer.reader import LayerZip
    from builder.smoke import run

    found_engine = client.find(engine, builder)
    documents: list[dict[str, Any]] = []
    for path in paths:
        on, architecture_list = _destination(path, runtimes, architectures)
        tests, beside = trial.tests() or _own_tests(path, folder)
        with LayerZip(path) as layer, terminal.working(f"testing {path.name}") as report:
            for one in on:
                for arch in architecture_list:
                    report(f"{path.name}: {one.name} on {arch.name}")
                    bench = run.Sandbox(engine=found_engine, runtime=one, arch=arch, content=layer.tree, folder=beside)
                    passed = run.execute(bench, run.applicable(tests, one, arch), path.name)
                    documents += [{"zip": str(path), **outcome.as_json()} for outcome in passed]
                    if not as_json:
                        terminal.outcomes(path.name, passed)
    if as_json:
        terminal.data({"passed": documents})


def _own_tests(path: Path, folder: Path) -> "tuple[list[Test], Path | None]":
    """Return the tests of the recipe that a zip was built from, if it is here, and the recipe's folder."""
    from builder.layer import manifest
    from builder.model import recipes

    described = manifest.of_any(path)
    if described is None or described.name not in recipes.names(folder):
        return [], None
    loaded = recipes.load(folder, described.name)
    return list(loaded.recipe.test), loaded.folder


COMMANDS = (check, inspect, diff, try_)
