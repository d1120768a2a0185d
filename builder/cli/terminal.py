"""How it looks: talk on stderr, data on stdout, colour and spinners only on a terminal."""

import contextlib
import json
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from builder.base.errors import LayerwrightError
from builder.model.limits import MB, UNZIPPED_LIMIT

if TYPE_CHECKING:
    from builder.building.layer import Built
    from builder.engine.doctor import Finding as Doctored
    from builder.layer.checks import Finding
    from builder.layer.diff import Change
    from builder.layer.inspect import Inspection, Linkage
    from builder.nightly.journal import Run
    from builder.plan.plan import Plan
    from builder.plan.planning import Outlook
    from builder.smoke.run import Outcome


@cache
def talk() -> Console:
    """Return the one console for talk: a spinner and a line from two consoles would overwrite each other."""
    return Console(stderr=True, highlight=False, soft_wrap=True)


def note(text: str) -> None:
    talk().print(Text(text))


def styled(text: Text) -> None:
    talk().print(text)


def warn(text: str) -> None:
    talk().print(Text("warning: ", style="yellow") + Text(text))


def fail(error: LayerwrightError) -> None:
    text = Text("error: ", style="bold red") + Text(error.what, style="bold")
    for line in error.why:
        text += Text(f"\n  {line}")
    if error.hint:
        text += Text("\nhint: ", style="green") + Text(error.hint)
    talk().print(text)


@contextlib.contextmanager
def working(what: str) -> Iterator[Callable[[str], None]]:
    """Show what goes on: a spinner on a terminal, one line per item of work elsewhere."""
    console = talk()
    if console.is_terminal:
        with console.status(Text(what)) as status:
            yield lambda text: status.update(Text(text))
    elif os.environ.get("CI"):
        yield _Lines()
    else:
        yield lambda _: None


class _Lines:
    """Each step once, as a line: a log of a code host is read afterwards, and output of steps is in its own file."""

    def __init__(self) -> None:
        self._told: set[str] = set()

    def __call__(self, text: str) -> None:
        if " | " not in text and " %" not in text and text not in self._told:
            self._told.add(text)
            note(text)


@contextlib.contextmanager
def group(title: str) -> Iterator[None]:
    """Fold what follows in the logs of code hosts."""
    folded = os.environ.get("GITHUB_ACTIONS") == "true"
    if folded:
        print(f"::group::{title}", file=sys.stderr, flush=True)  # noqa: T201
    try:
        yield
    finally:
        if folded:
            print("::endgroup::", file=sys.stderr, flush=True)  # noqa: T201


def compact(value: Any) -> None:  # noqa: ANN401  whatever JSON can hold
    """Print JSON as one line, as code hosts want it for variables."""
    text(json.dumps(value, separators=(",", ":")) + "\n")


def data(value: dict[str, Any]) -> None:
    """Print one JSON document; every one says its format's `version`."""
    print(json.dumps({"version": 1, **value}, indent=2, ensure_ascii=False))  # noqa: T201


def document(value: dict[str, Any]) -> None:
    """Print a JSON document of somebody else's format."""
    print(json.dumps(value, indent=2, ensure_ascii=False))  # noqa: T201


def text(value: str) -> None:
    sys.stdout.write(value)


def table(columns: Sequence[str], rows: Sequence[Sequence[str]], *, numbers: Sequence[str] = ()) -> None:
    """Print a table to stdout: fitted to a terminal, else as wide as its content."""
    console = Console(highlight=False)
    if not console.is_terminal:
        _plain_table(columns, rows, numbers)
        return
    shown = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        shown.add_column(column, justify="right" if column in numbers else "left", no_wrap=column in numbers)
    for row in rows:
        shown.add_row(*map(Text, row))
    console.print(shown)


def _plain_table(columns: Sequence[str], rows: Sequence[Sequence[str]], numbers: Sequence[str]) -> None:
    widths = [max(map(len, cells)) for cells in zip(columns, *rows, strict=True)]
    for row in (columns, *rows):
        cells = [
            cell.rjust(width) if column in numbers else cell.ljust(width)
            for cell, width, column in zip(row, widths, columns, strict=True)
        ]
        text(f"{'  '.join(cells).rstrip()}\n")


def mb(count: int) -> str:
    return f"{count / MB:.1f}"


# ---- views ---------------------------------------------------------------------------------------------------------


def built(results: "Sequence[Built]") -> None:
    """Print the summary at the end of a build."""
    numbers = ("seconds", "zip MB", "unzipped MB", "headroom MB")
    rows = [
        (
            one.target,
            "unchanged" if one.unchanged else one.manifest.route,
            _tests(one.tests),
            f"{one.seconds:.1f}",
            mb(one.manifest.zip.bytes),
            mb(one.manifest.unzipped_bytes),
            mb(UNZIPPED_LIMIT - one.manifest.unzipped_bytes),
            one.manifest.zip.sha256,
        )
        for one in results
    ]
    table(
        ("target", "route", "tests", "seconds", "zip MB", "unzipped MB", "headroom MB", "sha256"), rows, numbers=numbers
    )


def nightly(done: "Run") -> None:
    """Print the result of a nightly run."""
    counts = {state: done.count(state) for state in ("built", "same", "unchanged", "failed", "broken")}
    told = ", ".join(f"{count} {state}" for state, count in counts.items() if count)
    text(f"run {done.run}: {told or 'nothing to do'} in {done.seconds:.1f} s\n")


def _tests(outcomes: "Sequence[Outcome] | None") -> str:
    """Tell how many tests passed, and how long the imports of a cold start take."""
    if outcomes is None:
        return "not run"
    took = [one.cold_ms for one in outcomes if one.cold_ms is not None]
    emulated = ", emulated" if any(one.emulated for one in outcomes) else ""
    return f"{len(outcomes)} passed" + (f" ({sum(took):.0f} ms{emulated})" if took else "")


def outcomes(name: str, found: "Sequence[Outcome]") -> None:
    """Print tests that passed."""
    for one in found:
        where = f"{one.runtime} on {one.arch}{', emulated' if one.emulated else ''}"
        cold = f", {one.cold_ms:.0f} ms of a cold start" if one.cold_ms is not None else ""
        text(f"{name}: {one.what} passes in {where} ({one.seconds:.1f} s{cold})\n")


def changes(old: str, new: str, found: "Sequence[Change]", *, markdown: bool, files: int) -> None:
    """Print what differs between two layers; of the files only the largest changes."""
    shown = [one for one in found if one.kind != "file"]
    changed = [one for one in found if one.kind == "file"]
    shown += changed[:files]
    rows = [
        (one.kind, one.name, one.old or "-", one.new or "-", f"{one.bytes:+,}" if one.bytes else "") for one in shown
    ]
    columns = ("what", "name", old, new, "bytes")
    if not found:
        text("no difference\n")
    elif markdown:
        lines = [columns, tuple("---" for _ in columns), *rows]
        text("".join(f"| {' | '.join(cell.replace('|', '&#124;') for cell in line)} |\n" for line in lines))
    else:
        table(columns, rows, numbers=("bytes",))
    if len(changed) > files:
        text(f"\nand {len(changed) - files} more files; --files {len(changed)} shows all\n")


def abi(rows: "Sequence[Linkage]") -> None:
    """Print what each program and library needs of the system."""
    from builder.layer.inspect import FAMILIES

    table(
        ("file", "machine", *FAMILIES, "needs from the runtime"),
        [
            (one.path, one.machine, *(one.abi[family] or "" for family in FAMILIES), " ".join(one.outside))
            for one in rows
        ],
    )


WAYS = {
    "emulated": "emulated: expect 6 to 12 times the time of a machine of that architecture",
    "accelerated": "accelerated: compilers, build tools and the Python of wheels run natively, the rest is emulated",
}


def plans(found: "Sequence[Plan]", outlooks: "Sequence[Outlook]") -> None:
    """Print plans, each with how the engine would compile it."""
    for index, (one, ahead) in enumerate(zip(found, outlooks, strict=True)):
        if index:
            text("\n")
        runtime = one.target.base
        text(f"{one.target.name}  ({runtime.os.title}, {one.route}, {'locked' if one.locked else 'not locked'})\n")
        bytecode = f"Python {one.interpreter}" if one.interpreter else "left to Lambda"
        text(f"  image {runtime.images(one.target.arch)['run']}   bytecode {bytecode}   digest {one.digest[:16]}\n")
        if one.container:
            text(f"  compiled in {one.container.image.reference}\n")
            where = f" on {ahead.node}" if ahead.node else ""
            text(f"  compiled {WAYS.get(str(ahead.way), ahead.way)}{where}\n")
            for slow in ahead.slow:
                text(f"  emulated {slow}\n")
        rows = [
            (f"  {r['name']}", r["version"], r["route"], mb(r["bytes"]) if r["bytes"] else "", r["reason"])
            for r in one.as_json()["packages"]
        ]
        rows += [(f"  {copied.to}", "", "copy", "", copied.source) for copied in one.copied]
        if rows:
            table(("  package", "version", "route", "MB", "why"), rows, numbers=("MB",))
        if ahead.dockerfile:
            text("\n" + ahead.dockerfile)


def health(found: "Sequence[Doctored]") -> None:
    """Print what the doctor found, and below each wrong thing what mends it."""
    styles = {"ok": "green", "warning": "yellow", "wrong": "bold red"}
    for one in found:
        line = Text(f"{one.state:<8}", style=styles[one.state]) + Text(f"{one.what:<14} {one.found}")
        if one.mend:
            line += Text(f"\n{'':<23}{one.mend}", style="dim")
        Console(highlight=False, soft_wrap=True).print(line)


def findings(found: "Sequence[Finding]") -> None:
    for one in found:
        style = {"error": "bold red", "warning": "yellow"}[one.severity]
        line = Text(f"{one.severity}: ", style=style) + Text(f"[{one.check}] {one.path or ''} {one.message}".strip())
        for detail in one.details:
            line += Text(f"\n    {detail}")
        line += Text(f"\n  {'allowed: ' + one.allowed if one.allowed else 'hint: ' + one.hint}", style="dim")
        Console(highlight=False, soft_wrap=True).print(line)


def inspection(name: str, one: "Inspection") -> None:
    text(f"{name}\n")
    text(f"  zip       {mb(one.zip_bytes)} MB, unzipped {mb(one.unzipped_bytes)} MB in {one.files} files, ")
    text(f"{mb(UNZIPPED_LIMIT - one.unzipped_bytes)} MB under Lambda's limit\n")
    machines = ", ".join(f"{count} for {machine}" for machine, count in one.machines)
    text(f"  machine code  {machines or 'none'}\n")
    needs = ", ".join(f"{family} {version}" for family, version in one.abi.needed.items())
    text(f"  needs     {needs or 'no symbol versions'}\n")
    text(f"  from the runtime  {' '.join(one.outside) or 'no library'}\n")
    text(f"  packages  {', '.join(f'{package} {version}' for package, version in one.packages) or 'none recognised'}\n")
    table(("  largest", "MB"), [(f"  {path}", mb(count)) for path, count in one.largest], numbers=("MB",))
