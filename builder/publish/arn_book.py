"""The ARN book: a JSON file and a Markdown table of the published versions, beside the zips."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from builder.base import files

VERSION = 1
NAME = "layers.json"
FOLDER = "publish"


@dataclass(frozen=True, kw_only=True, slots=True)
class ArnEntry:
    """The version of a layer in one region that has the content of the last published zip."""

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
    layers: tuple[ArnEntry, ...] = ()
    version: int = VERSION


def read(output: Path) -> tuple[ArnEntry, ...]:
    """Return the entries of an output folder; empty if there is no book or it has an unknown format."""
    try:
        book = TypeAdapter(_Book).validate_json((output / FOLDER / NAME).read_bytes())
    except (OSError, ValidationError):
        return ()
    return book.layers if book.version == VERSION else ()


def add(output: Path, entries: Iterable[ArnEntry]) -> Path:
    """Add entries, replacing those of the same layer, account and region. Return the path of the Markdown table."""
    merged = {entry.key: entry for entry in (*read(output), *entries)}
    if not merged:
        return output / FOLDER / "layers.md"
    return _write(output, tuple(merged[key] for key in sorted(merged)))


def remove(output: Path, arns: Collection[str]) -> None:
    """Remove the entries of deleted versions."""
    entries = read(output)
    kept = tuple(entry for entry in entries if entry.arn not in arns)
    if len(kept) < len(entries):
        _write(output, kept)


def _write(output: Path, entries: tuple[ArnEntry, ...]) -> Path:
    folder = output / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    with files.replacing(folder / NAME) as part:
        part.write_bytes(TypeAdapter(_Book).dump_json(_Book(layers=entries), indent=2) + b"\n")
    table = folder / "layers.md"
    with files.replacing(table) as part:
        part.write_text(markdown(entries), encoding="utf-8", newline="\n")
    return table


def markdown(entries: Sequence[ArnEntry]) -> str:
    """Return the entries as a Markdown table."""
    rows = [
        f"| {entry.layer} | {', '.join(entry.runtimes)} | {', '.join(entry.architectures)} | {entry.region} "
        f"| `{entry.arn}` | `{entry.code_sha256}` |"
        for entry in entries
    ]
    head = ("| layer | runtimes | architectures | region | ARN of the version | CodeSha256 |", "| --- " * 6 + "|")
    return "\n".join((*head, *rows)) + "\n"


def arns(entries: Iterable[ArnEntry], code_sha256: str) -> tuple[tuple[str, str], ...]:
    """Return region and ARN of every version with the given content."""
    return tuple((entry.region, entry.arn) for entry in entries if entry.code_sha256 == code_sha256)
