"""Commands for many layers: nightly, report, update."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import click

from builder.base.errors import BuildError, CheckFailedError, NothingSelectedError, PublishError
from builder.base.frozen import dataclass
from builder.cli import reporting
from builder.cli.options import shared
from builder.cli.options.cloud import PublishAfter
from builder.cli.options.listener import listener_options
from builder.cli.options.nightly import NightlyOptions
from builder.cli.options.parameters import Bundle, Mistake, Option, typed
from builder.cli.options.targets import RecipeFilters

if TYPE_CHECKING:
    from builder.authoring.update import Proposal
    from builder.base.errors import LayerwrightError
    from builder.nightly.journal import Run
    from builder.nightly.run import NightlyRequest
    from builder.publish.nights import RunPublication

# ---- nightly -------------------------------------------------------------------------------------------------------


@click.command(epilog="Example: layerwright nightly --compiles 2 --output dist --json")
@listener_options
@typed
def nightly(
    names: shared.RecipeNames,
    filters: RecipeFilters,
    options: NightlyOptions,
    after: PublishAfter,
    *,
    as_json: shared.AsJson,
) -> None:
    """Build the targets that changed, and write the report.

    Selects all recipes, or those that are named. A target is built when its recipe or a file beside it, a lock, a base
    image, layerwright or an option changed, when its zip is missing or was modified, and when its last build failed.
    After a failure the other targets are built: exit code 4. After an interruption the same command, or --resume,
    continues. Writes the zips and the report into --output.
    """
    from builder.cli.views import night as view
    from builder.plan.selection import every_target

    output = options.build.output
    pairs, broken = every_target(filters.folder, names, filters.selection)
    request = options.request(pairs, broken, whole=not (names or filters))
    after.check(pairs)
    with after.trusted_only():
        night = _run(request)
        publication = after.publish_layers(pairs, night, output)
    _show(night, broken, output, as_json=as_json)
    view.show_publication(publication)
    view.show_scans(night)
    view.show_untested(night)
    if code := _exit_code(night, broken, publication):
        raise click.exceptions.Exit(code)


def _run(request: "NightlyRequest") -> "Run":
    from builder.cli import terminal
    from builder.nightly import run

    return run.run(request, terminal.events())


def _show(night: "Run", broken: "Mapping[str, LayerwrightError]", output: Path, *, as_json: bool) -> None:
    """Write the report; print the result, the recipes that are not valid and the path of the report's page."""
    from builder.cli import terminal
    from builder.cli.views import night as view
    from builder.report import data, write

    written = write.write([output], output / "report")
    if as_json:
        more = {"run": night.run, "states": night.states, "untested": list(night.untested)}
        terminal.data({**data.summary(written.report), **more})
    else:
        view.show(night)
    for error in broken.values():
        terminal.fail(error)
    terminal.result(f"report: {written.page}")


def _exit_code(night: "Run", broken: "Mapping[str, LayerwrightError]", publication: "RunPublication") -> int:
    """Return the code of the first stage that failed: build, scan, publication; 0 for none."""
    if broken or night.count("failed") or night.count("broken"):
        return BuildError.exit_code
    if night.scans:
        return CheckFailedError.exit_code
    return 0 if publication.good else PublishError.exit_code


# ---- report --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True, slots=True)
class ReportOptions(Bundle):
    """The folders that a report is about, and where it is written."""

    merge: Annotated[
        tuple[Path, ...],
        Option(
            "--merge",
            kind=shared.EXISTING_FOLDER,
            metavar="FOLDER",
            about="Folder of zips and records, for example of another machine; repeatable. Its records are copied into "
            "--output, where the next nightly run finds them. Default: only --output.",
        ),
    ]
    output: shared.OutputFolder
    to: Annotated[
        Path | None,
        Option(
            "--to", kind=shared.FOLDER, metavar="FOLDER", about="Folder of the report. Default: report in --output."
        ),
    ]
    opened: Annotated[bool, Option("--open", about="Open the page in a browser.")]
    as_json: shared.AsJson


@click.command(epilog="Example: layerwright report --merge x86_64 --merge arm64 --open")
@typed
def report(options: ReportOptions) -> None:
    """Write the report on all layers.

    Writes a page, junit.xml, summary.md and report.json. Prints the path of the page.
    """
    from builder.cli import terminal
    from builder.report import data, write

    if options.merge:
        data.join(options.merge, options.output)
    written = write.write([options.output], options.to or options.output / "report")
    if options.as_json:
        terminal.data(data.summary(written.report))
    else:
        terminal.line(f"{written.page}")
    if options.opened:
        import webbrowser

        webbrowser.open(written.page.resolve().as_uri())


# ---- update --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True, slots=True)
class UpdateOptions(Bundle):
    """The recipes for which something newer is looked for, and where the proposal goes."""

    names: shared.RecipeNames
    pins: Annotated[bool, Option("--pins/--no-pins", default=True, about="Look for newer images as well, or do not.")]
    tools: Annotated[
        bool,
        Option("--tools", about="Look for newer tools of layerwright's own instead: images/tools.toml."),
    ]
    branch: Annotated[
        str | None,
        Option(
            "--branch",
            metavar="NAME",
            about="Branch to commit to, created anew from HEAD; not the current one. Default: a patch instead.",
        ),
    ]
    patch_folder: Annotated[
        Path | None,
        Option(
            "--patch",
            kind=shared.FOLDER,
            metavar="FOLDER",
            about="Folder of updates.patch and updates.md. Default: dist/updates, or none with --branch.",
        ),
    ]
    folder: shared.RecipesFolder
    as_json: shared.AsJson

    def mistakes(self) -> Iterator[Mistake]:
        if self.tools and self.names:
            what = f"--tools looks for newer tools of layerwright, not of {', '.join(self.names)}"
            yield Mistake(what, "tools and recipes are updated by two calls")

    @property
    def patch(self) -> Path | None:
        """The folder of the patch; None if only a branch is written."""
        return self.patch_folder or (None if self.branch else Path("dist/updates"))


@click.command(epilog="Example: layerwright update --branch updates")
@listener_options
@typed
def update(options: UpdateOptions) -> None:
    """Propose newer packages and images, or newer tools, as a patch or on a branch.

    Does what `lock --upgrade` and `images pin` do, and leaves the work tree and the current branch unchanged. Prints
    the summary in Markdown. Exit code 3 when nothing is newer.
    """
    from builder.authoring import update
    from builder.cli import terminal
    from builder.cli.views import updates as view
    from builder.model import facts

    root = update.root_of(facts.folder() if options.tools else options.folder)
    proposal = _newer_tools() if options.tools else _proposal(options)
    patch, summary = update.patch(proposal, options.folder, root), update.summary(proposal)
    if not options.as_json:
        terminal.text(summary)
    branch = path = None
    if options.branch:
        branch = update.on_branch(patch, summary.removeprefix("## "), root, options.branch)
        terminal.result(f"on branch {branch}")
    if options.patch:
        path = update.write_patch(options.patch, patch, summary)
        terminal.result(f"wrote {path}; `git apply` applies it")
    if options.as_json:
        terminal.data(view.document(proposal, branch, path))


def _proposal(options: UpdateOptions) -> "Proposal":
    """Return what is newer, and warn of recipes that cannot be updated. Raises NothingSelectedError for nothing."""
    from builder.authoring import update
    from builder.cli import terminal
    from builder.plan.selection import all_names

    names = options.names or all_names(options.folder)
    loaded = [reporting.load_recipe(options.folder, name) for name in names]
    with terminal.events().stage("looking for updates") as events:
        proposal = update.propose(loaded, pins=options.pins, events=events)
    for name, error in proposal.errors.items():
        terminal.warn(f"{name}: {error.what}")
    if not proposal:
        msg = "nothing is newer than the locks and pins"
        raise NothingSelectedError(msg)
    return proposal


def _newer_tools() -> "Proposal":
    """Return newer tools. Raises NothingSelectedError for nothing."""
    from builder.authoring import update
    from builder.cli import terminal

    with terminal.events().stage("looking for newer tools") as events:
        proposal = update.propose_tools(events)
    if not proposal:
        msg = "nothing is newer than images/tools.toml"
        raise NothingSelectedError(msg)
    return proposal


COMMANDS = (nightly, report, update)
