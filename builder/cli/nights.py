"""Commands about many layers: nightly, report."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from builder.base.errors import BuildError, CheckFailedError, NothingSelectedError, PublishError
from builder.cli import options
from builder.cli.cloud import Afterwards, afterwards
from builder.cli.recipes import all_names, every_target

if TYPE_CHECKING:
    from builder.base.errors import LayerwrightError
    from builder.cli.recipes import Pairs
    from builder.nightly.run import NightlyOptions
    from builder.publish.publishing import Published


@click.command()
@click.argument("names", nargs=-1, metavar="[RECIPE]...")
@options.runtime_and_arch
@options.only
@options.recipes_folder
@options.output
@options.strict
@options.route
@options.boxing
@options.jobs
@options.rebuild
@click.option(
    "--compiles",
    type=click.IntRange(1, 64),
    help="Targets at once on each node of the engine. Default: by its processors and memory.",
)
@click.option(
    "--test",
    type=click.Choice(["auto", "always", "never"]),
    default="auto",
    show_default=True,
    help="Run the tests in the runtime's image; auto does so where the engine has it or was needed anyway.",
)
@click.option(
    "--since",
    type=click.Choice(["last-green", "last-run"]),
    default="last-green",
    show_default=True,
    help="What failed and did not change since is tried again, or not.",
)
@click.option("--resume", is_flag=True, help="Go on with the last night that was stopped before its end.")
@click.option("--keep-going/--fail-fast", default=True, show_default=True, help="What to do when a target fails.")
@click.option(
    "--patience",
    type=click.FloatRange(0, 1440),
    default=5.0,
    show_default=True,
    metavar="MINUTES",
    help="How long to wait, in all and for each target, for networks and engines that do not answer.",
)
@click.option(
    "--limit",
    type=click.FloatRange(0.01, 10_000),
    default=240.0,
    show_default=True,
    metavar="MINUTES",
    help="For one target.",
)
@click.option(
    "--scan",
    metavar="COMMAND",
    help="A scanner for the bills of materials of all layers, for example `grype sbom:{sbom} --fail-on high`.",
)
@options.provenance
@afterwards
@options.as_json
def nightly(  # noqa: PLR0913, PLR0917  each is an option
    names: tuple[str, ...],
    runtimes: tuple[str, ...],
    architectures: tuple[str, ...],
    only: tuple[str, ...],
    folder: Path,
    boxes: options.Boxes,
    after: Afterwards,
    *,
    as_json: bool,
    **given: Any,  # noqa: ANN401
) -> None:
    """Build what changed since it was last built, of all recipes or the named ones, and write the report.

    A target is built when its recipe or a file beside it, a lock, a base image, layerwright itself or an option
    changed, when its zip is not what was left, and when it failed before. The others go on when one fails: exit code 4
    then. After a kill, the same command or --resume goes on where it was.
    """
    from builder.cli import terminal
    from builder.cli.views import live
    from builder.nightly import run
    from builder.report import data, write

    pairs, broken = every_target(folder, names, (runtimes, architectures, only))
    whole = not (names or runtimes or architectures or only)
    request = _request(pairs, broken, boxes, {**given, "whole": whole})
    after.ready(pairs)
    with terminal.group("layerwright nightly"), live.view() as listener:
        done = run.run(request, listener)
    published, unpublished = after.publishing(pairs, done, request.build.output)
    written = write.write([request.build.output], request.build.output / "report")
    if as_json:
        terminal.data({**data.summary(written.report), "run": done.run, "states": done.states})
    else:
        terminal.nightly(done)
    for error in broken.values():
        terminal.fail(error)
    terminal.note(f"the report is {written.page}")
    _report_published(published, unpublished)
    for slot, lines in done.scans.items():
        terminal.warn(f"{slot} does not pass the scanner: {lines[0]}")
    if broken or done.count("failed") or done.count("broken"):
        raise click.exceptions.Exit(BuildError.exit_code)
    if done.scans:
        raise click.exceptions.Exit(CheckFailedError.exit_code)
    if unpublished or (published and not published.good):
        raise click.exceptions.Exit(PublishError.exit_code)


def _report_published(published: "Published | None", unpublished: "list[LayerwrightError]") -> None:
    from builder.cli import terminal
    from builder.publish import publishing

    for error in unpublished:
        terminal.fail(error)
    if published is None:
        return
    states = [outcome.status for outcome in published.outcomes]
    counts = ", ".join(f"{states.count(state)} {state}" for state in dict.fromkeys(states))
    terminal.note(f"published: {counts}")
    if not published.good:
        terminal.fail(publishing.failure(published))


def _request(
    pairs: "Pairs", broken: "dict[str, LayerwrightError]", boxes: options.Boxes, given: dict[str, Any]
) -> "NightlyOptions":
    from builder.building.layer import Options
    from builder.nightly.run import NightlyOptions

    return NightlyOptions(
        pairs=tuple(pairs),
        broken=broken,
        build=Options(
            output=given["output"],
            strict=given["strict"],
            rebuild=given["rebuild"] or boxes.no_cache or boxes.recompile,
            containers=boxes.choice(given["route"]),
            wheels_only=given["route"] == "wheels",
            test=given["test"],
            provenance=given["provenance"],
        ),
        jobs=given["jobs"],
        compiles=given["compiles"],
        patience=given["patience"] * 60,
        limit=given["limit"] * 60,
        since=given["since"],
        fail_fast=not given["keep_going"],
        resume=given["resume"],
        whole=given["whole"],
        scan=given["scan"],
    )


@click.command()
@click.option(
    "--merge",
    multiple=True,
    type=click.Path(path_type=Path, file_okay=False, exists=True),
    metavar="FOLDER",
    help="A folder of zips and records, of another machine for example; repeatable. What is known of their targets "
    "is then kept in --output, for the next night. Default: --output alone.",
)
@options.output
@click.option(
    "--to",
    type=click.Path(path_type=Path, file_okay=False),
    help="Where the report goes. Default: report/ in --output.",
)
@click.option("--open", "opened", is_flag=True, help="Show the page in a browser.")
@options.as_json
def report(merge: tuple[Path, ...], output: Path, to: Path | None, *, opened: bool, as_json: bool) -> None:
    """Write the page on all layers, with junit.xml, summary.md and report.json beside it."""
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


@click.command()
@click.argument("names", nargs=-1, metavar="[RECIPE]...")
@click.option("--pins/--no-pins", default=True, show_default=True, help="Look for newer images as well.")
@click.option("--branch", metavar="NAME", help="Commit on this branch, made anew from HEAD; never the one at hand.")
@click.option(
    "--patch",
    "folder_of_patch",
    type=click.Path(path_type=Path, file_okay=False),
    help="Write updates.patch and updates.md into this folder. Default, without --branch: dist/updates.",
)
@options.recipes_folder
@options.engine
def update(  # noqa: PLR0913  each is an option
    names: tuple[str, ...],
    *,
    pins: bool,
    branch: str | None,
    folder_of_patch: Path | None,
    folder: Path,
    engine: str | None,
    builder: str | None,
) -> None:
    """Propose newer packages and images: `lock --upgrade` and `images pin`, as a patch or a branch with a summary.

    Work tree and branch at hand stay as they are. Exit code 3 when there is nothing newer.
    """
    from builder.authoring import update
    from builder.base import files
    from builder.cli import terminal
    from builder.model import recipes

    wanted = names or all_names(folder)
    root = update.root_of(folder)
    loaded = [recipes.load(folder, name) for name in wanted]
    with terminal.working("looking for updates") as show:
        found = update.propose(loaded, pins=pins, kind=(engine, builder), report=show)
    for name, error in found.errors.items():
        terminal.warn(f"{name}: {error.what}")
    if not found:
        msg = "nothing is newer than the locks and pins"
        raise NothingSelectedError(msg)
    text, told = update.patch(found, folder, root), update.summary(found)
    terminal.text(told)
    if branch:
        terminal.note(f"on branch {update.on_branch(text, told.removeprefix('## '), root, branch)}")
    if folder_of_patch or not branch:
        to = folder_of_patch or Path("dist/updates")
        files.writable(to)
        for name, content in (("updates.patch", text), ("updates.md", told)):
            with files.replacing(to / name) as part:
                part.write_text(content, encoding="utf-8", newline="\n")
        terminal.note(f"{to / 'updates.patch'}: `git apply` takes it")


COMMANDS = (nightly, report, update)
