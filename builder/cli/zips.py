"""Commands for zips, also those of other tools: check, inspect, diff, test."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import click

from builder.base.errors import CheckFailedError
from builder.base.frozen import dataclass
from builder.cli.options import shared
from builder.cli.options.containers import HostEngine
from builder.cli.options.listener import listener_options
from builder.cli.options.parameters import Argument, Bundle, Mistake, Option, dependent, exclusive, typed
from builder.cli.options.smoke import SmokeTestOptions

if TYPE_CHECKING:
    from builder.building.checking import Destination, Together, Verdict
    from builder.building.testing import ZipTests
    from builder.smoke.results import SmokeResult


Separately = Annotated[
    bool, Option("--separately", about="Take several zips one by one, not together as the layers of one function.")
]


@dataclass(frozen=True, kw_only=True, slots=True)
class ZipOptions(Bundle):
    """Zips, and the runtimes and architectures that they are meant for."""

    paths: shared.ZipPaths
    runtimes: Annotated[tuple[str, ...], shared.runtime("those in the manifest beside the zip")]
    architectures: Annotated[tuple[str, ...], shared.arch("those in the manifest beside the zip")]

    def destination(self, path: Path) -> "Destination":
        """Return what a zip is meant for. Raises UsageError if neither an option nor a manifest says so."""
        from builder.building import checking

        return checking.destination(path, self.runtimes, self.architectures)


# ---- check ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True, slots=True)
class CheckOptions(Bundle):
    """The zips to check, and how the result is printed."""

    zips: ZipOptions
    strict: shared.Strict
    as_json: shared.AsJson
    separately: Separately
    as_sarif: shared.AsSarif

    @property
    def several(self) -> bool:
        return len(self.zips.paths) > 1 and not self.separately

    def mistakes(self) -> Iterator[Mistake]:
        yield from exclusive({"--json": self.as_json, "--sarif": self.as_sarif})
        if len(self.zips.paths) == 1:
            yield from dependent({"--separately": self.separately}, "several zips")


@click.command(epilog="Example: layerwright check layer.zip --runtime python3.13 --arch arm64")
@listener_options
@typed
def check(checked: CheckOptions) -> None:
    """Check whether layers will work in Lambda.

    Works on the zips of any tool; executes nothing in them and unpacks nothing to disk. Several zips are the layers of
    one function, in the order of its configuration: each is checked by itself, then all of them together. Prints
    findings and a verdict. Exit code 5 when a layer will not work.
    """
    from builder.building import checking

    zips, several = checked.zips, checked.several
    if several:
        checking.require_attachable(zips.paths)
    verdicts = []
    for verdict in checking.each(zips.paths, zips.runtimes, zips.architectures, together=several):
        verdicts.append(verdict)
        _show(verdict, checked)
    readable = all(verdict.error is None for verdict in verdicts)
    together = checking.merged(zips.paths, zips.runtimes, zips.architectures) if several and readable else None
    _show_all(verdicts, together, checked)
    if not all(each.fit(strict=checked.strict) for each in (*verdicts, together) if each):
        raise click.exceptions.Exit(CheckFailedError.exit_code)


def _show(verdict: "Verdict", checked: CheckOptions) -> None:
    """Print a verdict, unless a document follows. The error of a zip that cannot be read is always printed."""
    from builder.cli import terminal
    from builder.cli.views import findings as view

    if verdict.error:
        terminal.fail(verdict.error)
    elif not (checked.as_json or checked.as_sarif):
        view.show(verdict, strict=checked.strict)


def _show_all(verdicts: "list[Verdict]", together: "Together | None", checked: CheckOptions) -> None:
    from builder.cli import terminal
    from builder.cli.views import findings as view

    if checked.as_sarif:
        terminal.document(view.sarif_document(verdicts, together))
    elif checked.as_json:
        terminal.data(view.document(verdicts, together, strict=checked.strict))
    elif together:
        view.show_together(together, strict=checked.strict)


# ---- inspect -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True, slots=True)
class InspectOptions(Bundle):
    """The zip to inspect, and how the result is printed."""

    path: shared.ZipPath
    abi: Annotated[
        bool,
        Option("--abi", about="Print the symbol versions that each program and library needs, instead."),
    ]
    as_json: shared.AsJson


@click.command(epilog="Example: layerwright inspect layer.zip --abi")
@typed
def inspect(options: InspectOptions) -> None:
    """Show the contents, the size and the requirements of a zip.

    Prints packages, machine code, symbol versions, libraries of the runtime, the largest folders, and the headroom
    under Lambda's limit, in MB.
    """
    from builder.building import checking
    from builder.cli import terminal
    from builder.cli.views import abi as abi_view
    from builder.cli.views import inspection as view
    from builder.layer import manifest

    inspection, described = checking.inspected(options.path), manifest.of_any(options.path)
    if options.as_json:
        terminal.data(view.document(inspection, described))
    elif options.abi:
        abi_view.show(inspection.linkage)
    else:
        view.show(options.path.name, inspection, described)


# ---- diff ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True, slots=True)
class DiffOptions(Bundle):
    """Two zips, and how their differences are printed."""

    old: Annotated[Path, Argument("OLD", kind=shared.FILE)]
    new: Annotated[Path, Argument("NEW", kind=shared.FILE)]
    markdown: Annotated[bool, Option("--markdown", about="Print a Markdown table, for example for a pull request.")]
    files: Annotated[
        int,
        Option(
            "--files",
            kind=click.IntRange(0),
            default=20,
            metavar="N",
            about="Number of changed files to show, the largest changes first.",
        ),
    ]
    as_json: shared.AsJson

    def mistakes(self) -> Iterator[Mistake]:
        yield from exclusive({"--markdown": self.markdown, "--json": self.as_json})


@click.command(epilog="Example: layerwright diff old.zip new.zip --markdown")
@typed
def diff(sides: DiffOptions) -> None:
    """Show the differences between two zips.

    Compares packages, files, sizes, libraries and symbol versions; sizes are in bytes.
    """
    from builder.building.checking import differences
    from builder.cli import terminal
    from builder.cli.views import changes as view

    changes = differences(sides.old, sides.new)
    if sides.as_json:
        rows = [change.as_json() for change in changes]
        terminal.data({"old": str(sides.old), "new": str(sides.new), "changes": rows})
    else:
        view.show((sides.old.name, sides.new.name), changes, markdown=sides.markdown, files=sides.files)


# ---- test ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True, slots=True)
class TestedZips(Bundle):
    """The zips to test, alone or together, and how the result is printed."""

    zips: ZipOptions
    folder: shared.RecipesFolder
    separately: Separately
    as_json: shared.AsJson

    def mistakes(self) -> Iterator[Mistake]:
        if len(self.zips.paths) == 1:
            yield from dependent({"--separately": self.separately}, "several zips")

    def asked(self, smoke_test: SmokeTestOptions, host: HostEngine) -> "list[ZipTests]":
        """Return the tests of each zip."""
        from builder.building.testing import ZipTests

        engine, test, paths = host.find(), smoke_test.test(), self.zips.paths
        where = {path: self.zips.destination(path) for path in paths}
        return [ZipTests(path=p, destination=where[p], engine=engine, test=test, recipes=self.folder) for p in paths]


@click.command("test", epilog="Example: layerwright test layer.zip --python 'import numpy'")
@listener_options
@typed
def try_(tested: TestedZips, smoke_test: SmokeTestOptions, host: HostEngine) -> None:
    """Test zips in the images of their runtimes.

    Runs the given test, with several zips as the layers of one function, in their order; else the tests of each zip's
    recipe, else it imports every module and starts every program. The sandbox has no network, a read-only file system
    and a user without privileges. Needs a container engine, and emulation for the other architecture. Prints the tests
    that passed. Exit code 6 when one fails.
    """
    from builder.building import checking, testing
    from builder.cli import terminal

    asked = tested.asked(smoke_test, host)
    as_one = len(asked) > 1 and asked[0].test is not None and not tested.separately
    if as_one:
        checking.require_attachable(tested.zips.paths)
    if smoke_test.opens_shell:
        raise click.exceptions.Exit(testing.open_shell(asked))
    documents: list[dict[str, Any]] = []
    for group in [asked] if as_one else [[each] for each in asked]:
        named = {"zips": [str(each.path) for each in group]} if as_one else {"zip": str(group[0].path)}
        documents += ({**named, **outcome.as_json()} for outcome in _tested(group, quiet=tested.as_json))
    if tested.as_json:
        terminal.data({"passed": documents})


def _tested(asked: "Sequence[ZipTests]", *, quiet: bool) -> "Iterator[SmokeResult]":
    """Yield the results of tests of one zip, or of several as one function, printed unless a document follows."""
    from builder.building import testing
    from builder.cli import terminal
    from builder.cli.views import outcomes as view

    first, name = asked[0], testing.together(asked)
    events = terminal.events().of(name)
    several = first.test if len(asked) > 1 else None
    found = testing.run_together(asked, several, events) if several else testing.run_tests(first, events)
    for outcomes in found:
        if not quiet:
            view.show(name, outcomes)
        yield from outcomes


COMMANDS = (check, inspect, diff, try_)
