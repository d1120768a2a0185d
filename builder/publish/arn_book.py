"""The ARN book: a JSON file and a Markdown table of the published versions, beside the zips."""

from collections.abc import Callable, Collection, Iterable, Sequence
from pathlib import Path

from builder.base import files, locks
from builder.base.documents import Document, Typed
from builder.base.frozen import dataclass

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
class ArnBook:
    """All entries, by layer, account and region."""

    layers: tuple[ArnEntry, ...]
    version: int = VERSION


def _document(output: Path) -> Document[ArnBook]:
    codec = Typed(kind=ArnBook, indent=2)
    return Document(path=output / FOLDER / NAME, what="ARN book", codec=codec, version=VERSION)


def read(output: Path) -> tuple[ArnEntry, ...]:
    """Return the entries of an output folder. Raises NewerFormatError if a newer layerwright wrote them."""
    book = _document(output).read()
    return book.layers if book else ()


def add(output: Path, entries: Iterable[ArnEntry]) -> Path:
    """Add entries, replacing those of the same layer, account and region. Return the path of the Markdown table."""
    added = {entry.key: entry for entry in entries}

    def merged(book: ArnBook | None) -> ArnBook:
        every = {entry.key: entry for entry in (book.layers if book else ())} | added
        return ArnBook(layers=tuple(every[key] for key in sorted(every)))

    if added or read(output):
        _update(output, merged)
    return _table(output)


def remove(output: Path, arns: Collection[str]) -> None:
    """Remove the entries of deleted versions."""

    def without(book: ArnBook | None) -> ArnBook:
        return ArnBook(layers=tuple(entry for entry in (book.layers if book else ()) if entry.arn not in arns))

    if any(entry.arn in arns for entry in read(output)):
        _update(output, without)


def _update(output: Path, change: Callable[[ArnBook | None], ArnBook]) -> None:
    """Change the book and write its table. Another process sees and writes both or none."""
    table = _table(output)
    table.parent.mkdir(parents=True, exist_ok=True)
    with locks.exclusive(table, lambda: None):
        book = _document(output).update(change)
        with files.replacing(table) as part:
            part.write_text(markdown(book.layers), encoding="utf-8", newline="\n")


def _table(output: Path) -> Path:
    return output / FOLDER / "layers.md"


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
