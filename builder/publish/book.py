"""The book of ARNs: what is published where, for people, for programs and for the report's page."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from builder.base import files

VERSION = 1
NAME = "layers.json"
FOLDER = "publish"


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """The version of a layer in one region that holds the newest zip."""

    account: str
    region: str
    layer: str
    arn: str
    number: int
    code_sha256: str
    recipe: str
    target: str
    runtimes: tuple[str, ...]
    architectures: tuple[str, ...]

    @property
    def key(self) -> tuple[str, str, str]:
        return self.layer, self.account, self.region


@dataclass(frozen=True, kw_only=True, slots=True)
class _Book:
    layers: tuple[Entry, ...] = ()
    version: int = VERSION


def read(output: Path) -> tuple[Entry, ...]:
    """Return all entries beside zips; none when there is no book, or none that this version understands."""
    try:
        found = TypeAdapter(_Book).validate_json((output / FOLDER / NAME).read_bytes())
    except (OSError, ValidationError):
        return ()
    return found.layers if found.version == VERSION else ()


def add(output: Path, entries: Iterable[Entry]) -> Path:
    """Write entries over those of the same layer, account and region, and return the path of the Markdown table."""
    found = {one.key: one for one in (*read(output), *entries)}
    if not found:
        return output / FOLDER / "layers.md"
    return _write(output, tuple(found[key] for key in sorted(found)))


def forget(output: Path, arns: Collection[str]) -> None:
    """Take versions out of the book that are deleted."""
    every = read(output)
    kept = tuple(one for one in every if one.arn not in arns)
    if len(kept) < len(every):
        _write(output, kept)


def _write(output: Path, entries: tuple[Entry, ...]) -> Path:
    folder = output / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    with files.replacing(folder / NAME) as part:
        part.write_bytes(TypeAdapter(_Book).dump_json(_Book(layers=entries), indent=2) + b"\n")
    table = folder / "layers.md"
    with files.replacing(table) as part:
        part.write_text(markdown(entries), encoding="utf-8", newline="\n")
    return table


def markdown(entries: Sequence[Entry]) -> str:
    """Return a table."""
    rows = [
        f"| {one.layer} | {', '.join(one.runtimes)} | {', '.join(one.architectures)} | {one.region} | `{one.arn}` "
        f"| `{one.code_sha256}` |"
        for one in entries
    ]
    head = ("| layer | runtimes | architectures | region | ARN of the version | CodeSha256 |", "| --- " * 6 + "|")
    return "\n".join((*head, *rows)) + "\n"


def arns(entries: Iterable[Entry], code_sha256: str) -> tuple[tuple[str, str], ...]:
    """Return region and ARN of every version with that content."""
    return tuple((one.region, one.arn) for one in entries if one.code_sha256 == code_sha256)
