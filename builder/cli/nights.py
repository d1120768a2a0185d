"""Commands for many layers: nightly, report, update."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import click

from builder.base.errors import BuildError, CheckFailedError, NothingSelectedError, PublishError, UsageError
from builder.cli import options
from builder.cli.cloud import PublishAfter, publish_after
from builder.cli.options.containers import ContainerOptions, container_options
from builder.cli.options.nightly import NightlyOptions, nightly_options
from builder.cli.selection import all_names, every_target, load_recipe

if TYPE_CHECKING:
    from builder.authoring.update import Proposal
    from builder.base.errors import LayerwrightError
    from builder.cli.selection import Pairs
    from builder.nightly.journal import Run
    from builder.nightly.run import NightlyRequest
    from builder.publish.run import PublishResult

    Publication = tuple[PublishResult | None, list[LayerwrightError]]

# ---- nightly -------------------------------------------------------------------------------------------------------


@click.command(epilog="Example: layerwright nightly --compiles 2 --output dist --json")
@click.argument("names", nargs=-1, metavar="[RECIPE]...")
@options.runtime_and_arch
@options.only
@options.recipes_folder
@container_options
@nightly_options
@publish_after
@options.as_json
def nightly(  # noqa: PLR0913, PLR0917  each is an option
    names: tuple[str, ...],
    runtimes: tuple[str, ...],
    architectures: tuple[str, ...],
    only: tuple[str, ...],
    folder: Path,
    containers: ContainerOptions,
    nightly: NightlyOptions,
    after: PublishAfter,
    *,
    as_json: bool,
) -> None:
    """Build the targets that changed, and write the report.

    Selects all recipes, or those that are named. A target is built when its recipe or a file beside it, a lock, a base
    image, layerwright or an option changed, when its zip is missing or was modified, and when its last build failed.
    After a failure the other targets are built: exit code 4. After an interruption the same command, or --resume,
    continues. Writes the zips and the report into --output.
    """
    from builder.model.target import Selection

    pairs, broken = every_target(folder, names, Selection(runtimes=runtimes, architectures=architectures, only=only))
    whole = not (names or runtimes or architectures or only)
    request = _request(pairs, broken, containers, nightly, whole=whole)
    after.ready(pairs)
    night = _run(request)
    publication = after.publish_layers(pairs, night, nightly.output)
    _show(night, broken, nightly.output, as_json=as_json)
    _show_publication(*publication)
    for slot, lines in night.scans.items():
        _warn(f"{slot} does not pass the scanner: {lines[0]}")
    if code := _exit_code(night, broken, publication):
        raise click.exceptions.Exit(code)


def _request(
    pairs: "Pairs",
    broken: "dict[str, LayerwrightError]",
    containers: ContainerOptions,
    nightly: NightlyOptions,
    *,
    whole: bool,
) -> "NightlyRequest":
    from builder.building.layer import Options
    from builder.nightly.run import NightlyRequest

    return NightlyRequest(
        pairs=tuple(pairs),
        broken=broken,
        build=Options(
            output=nightly.output,
            strict=nightly.strict,
            rebuild=nightly.rebuild or containers.anew,
            containers=containers.choice(nightly.route),
            wheels_only=nightly.route == "wheels",
            test=nightly.test,
            provenance=nightly.provenance,
        ),
        jobs=nightly.jobs,
        compiles=nightly.compiles,
        patience=nightly.patience * 60,
        limit=nightly.limit * 60,
        since=nightly.since,
        fail_fast=not nightly.keep_going,
        resume=nightly.resume,
        whole=whole,
        scan=nightly.scan,
    )


def _run(request: "NightlyRequest") -> "Run":
    from builder.cli import terminal
    from builder.cli.views import live
    from builder.nightly import run

    with terminal.group("layerwright nightly"), live.view() as listener:
        return run.run(request, listener)


def _show(night: "Run", broken: "Mapping[str, LayerwrightError]", output: Path, *, as_json: bool) -> None:
    """Write the report; print the result, the recipes that are not valid and the path of the report's page."""
    from builder.cli import terminal
    from builder.cli.views import night as view
    from builder.report import data, write

    written = write.write([output], output / "report")
    if as_json:
        terminal.data({**data.summary(written.report), "run": night.run, "states": night.states})
    else:
        view.show(night)
    for error in broken.values():
        terminal.fail(error)
    terminal.note(f"report: {written.page}")


def _show_publication(published: "PublishResult | None", errors: "list[LayerwrightError]") -> None:
    from builder.cli import terminal
    from builder.publish import run

    for error in errors:
        terminal.fail(error)
    if published is None:
        return
    statuses = [outcome.status for outcome in published.outcomes]
    counts = ", ".join(f"{statuses.count(status)} {status}" for status in dict.fromkeys(statuses))
    terminal.note(f"published: {counts}")
    if not published.good:
        terminal.fail(run.failure(published))


def _warn(text: str) -> None:
    from builder.cli import terminal

    terminal.warn(text)


def _exit_code(night: "Run", broken: "Mapping[str, LayerwrightError]", publication: "Publication") -> int:
    """Return the code of the first stage that failed: build, scan, publication; 0 for none."""
    published, errors = publication
    if broken or night.count("failed") or night.count("broken"):
        return BuildError.exit_code
    if night.scans:
        return CheckFailedError.exit_code
    return PublishError.exit_code if errors or (published and not published.good) else 0


# ---- report --------------------------------------------------------------------------------------------------------


@click.command(epilog="Example: layerwright report --merge x86_64 --merge arm64 --open")
@click.option(
    "--merge",
    multiple=True,
    type=click.Path(path_type=Path, file_okay=False, exists=True),
    metavar="FOLDER",
    help="Folder of zips and records, for example of another machine; repeatable. Its records are copied into "
    "--output, where the next nightly run finds them. Default: only --output.",
)
@options.output
@click.option(
    "--to",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="FOLDER",
    help="Folder of the report. Default: report in --output.",
)
@click.option("--open", "opened", is_flag=True, help="Open the page in a browser.")
@options.as_json
def report(merge: tuple[Path, ...], output: Path, to: Path | None, *, opened: bool, as_json: bool) -> None:
    """Write the report on all layers.

    Writes a page, junit.xml, summary.md and report.json. Prints the path of the page.
    """
    from builder.cli import terminal
    from builder.report import data, write

    if merge:
        data.join(merge, output)
    written = write.write([output], to or output / "report")
    if as_json:
        terminal.data(data.summary(written.report))
    else:
        terminal.text(f"{written.page}\n")
    if opened:
        import webbrowser

        webbrowser.open(written.page.resolve().as_uri())


# ---- update --------------------------------------------------------------------------------------------------------


@click.command(epilog="Example: layerwright update --branch updates")
@click.argument("names", nargs=-1, metavar="[RECIPE]...")
@click.option("--pins/--no-pins", default=True, show_default=True, help="Look for newer images as well, or do not.")
@click.option("--tools", is_flag=True, help="Look for newer tools of layerwright's own instead: images/tools.toml.")
@click.option(
    "--branch",
    metavar="NAME",
    help="Branch to commit to, created anew from HEAD; not the current one. Default: a patch instead.",
)
@click.option(
    "--patch",
    "patch_folder",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="FOLDER",
    help="Folder of updates.patch and updates.md. Default: dist/updates, or none with --branch.",
)
@options.recipes_folder
@options.engine
def update(  # noqa: PLR0913  each is an option
    names: tuple[str, ...],
    *,
    pins: bool,
    tools: bool,
    branch: str | None,
    patch_folder: Path | None,
    folder: Path,
    engine: str | None,
    builder: str | None,
) -> None:
    """Propose newer packages and images, or newer tools, as a patch or on a branch.

    Does what `lock --upgrade` and `images pin` do, and leaves the work tree and the current branch unchanged. Prints
    the summary in Markdown. Exit code 3 when nothing is newer.
    """
    from builder.authoring import update
    from builder.cli import terminal
    from builder.model import facts

    root = update.root_of(facts.folder() if tools else folder)
    proposal = _newer_tools(names) if tools else _proposal(folder, names, (engine, builder), pins=pins)
    patch, summary = update.patch(proposal, folder, root), update.summary(proposal)
    terminal.text(summary)
    if branch:
        terminal.note(f"on branch {update.on_branch(patch, summary.removeprefix('## '), root, branch)}")
    if patch_folder or not branch:
        _write_patch(patch_folder or Path("dist/updates"), patch, summary)


def _proposal(folder: Path, names: tuple[str, ...], kind: tuple[str | None, str | None], *, pins: bool) -> "Proposal":
    """Return what is newer, and warn of recipes that cannot be updated. Raises NothingSelectedError for nothing."""
    from builder.authoring import update
    from builder.cli import terminal

    loaded = [load_recipe(folder, name) for name in names or all_names(folder)]
    with terminal.working("looking for updates") as progress:
        proposal = update.propose(loaded, pins=pins, kind=kind, report=progress)
    for name, error in proposal.errors.items():
        terminal.warn(f"{name}: {error.what}")
    if not proposal:
        msg = "nothing is newer than the locks and pins"
        raise NothingSelectedError(msg)
    return proposal


def _newer_tools(names: tuple[str, ...]) -> "Proposal":
    """Return newer tools. Raises NothingSelectedError for nothing, UsageError for names of recipes."""
    from builder.authoring import update
    from builder.cli import terminal

    if names:
        msg = f"--tools looks for newer tools of layerwright, not of {', '.join(names)}"
        raise UsageError(msg, hint="tools and recipes are updated by two calls")
    with terminal.working("looking for newer tools") as progress:
        proposal = update.propose_tools(progress)
    if not proposal:
        msg = "nothing is newer than images/tools.toml"
        raise NothingSelectedError(msg)
    return proposal


def _write_patch(folder: Path, patch: str, summary: str) -> None:
    from builder.base import files
    from builder.cli import terminal

    files.writable(folder)
    for name, content in (("updates.patch", patch), ("updates.md", summary)):
        with files.replacing(folder / name) as part:
            part.write_text(content, encoding="utf-8", newline="\n")
    terminal.note(f"wrote {folder / 'updates.patch'}; `git apply` applies it")


COMMANDS = (nightly, report, update)
