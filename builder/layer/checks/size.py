"""Checks of Lambda's limits."""

from collections import Counter
from collections.abc import Iterator

from builder.layer.checks.model import Subject, check
from builder.layer.elf import MAGIC
from builder.layer.findings import ERROR, WARNING, Finding
from builder.layer.patterns import Matcher
from builder.layer.tree import Tree
from builder.model.limits import DIRECT_LIMIT, MB, UNZIPPED_LIMIT

_TEN = 10
IMAGE = "use a container image, which may have 10 GB"
LESS = f"leave out what it can do without, or {IMAGE}"
ALONE = f"no split helps: {LESS}"
_DATA = f"no split helps: load it from S3 when a function starts, keep it compressed and unpack it to /tmp, or {IMAGE}"
"""What helps where one file or package is over the limit, which is that of a function with all its layers."""
_SEVERAL = (
    "prune what is not needed, or divide the packages into layers for functions that need only some of them; "
    "the limit is that of a function with all its layers"
)
_PRUNABLE = {
    "tests": ["**/tests/", "**/test/"],
    "type stubs": ["*.pyi", "*.pyx", "*.pxd"],
    "documentation": ["**/docs/", "**/doc/", "**/examples/", "*.md", "*.rst"],
    "bytecode": ["__pycache__/"],
}


@check("size", "Lambda refuses layers over 250 MB unzipped, and direct uploads over 50 MB.")
def size(subject: Subject) -> Iterator[Finding]:
    yield from weight(subject.tree)
    if subject.zip_bytes is not None and subject.zip_bytes > DIRECT_LIMIT:
        yield Finding(
            check="size",
            severity=WARNING,
            path=None,
            message=f"the zip has {subject.zip_bytes:,} bytes and needs S3 to be uploaded (over {DIRECT_LIMIT:,})",
            hint="publish it from an S3 bucket, or prune it",
        )


def weight(tree: Tree) -> Iterator[Finding]:
    """Yield the finding about a tree over Lambda's limit. Reads no file as a whole: it may have gigabytes."""
    unzipped = tree.unzipped_bytes
    if unzipped > UNZIPPED_LIMIT:
        yield Finding(
            check="size",
            severity=ERROR,
            path=None,
            message=f"is {unzipped:,} bytes unzipped, {unzipped - UNZIPPED_LIMIT:,} over Lambda's limit",
            hint=_hint(tree),
            details=(*_largest(tree), *savings(tree)),
        )


def _hint(tree: Tree) -> str:
    file = max(tree, key=lambda entry: entry.size)
    if file.size <= UNZIPPED_LIMIT:
        return _SEVERAL
    return f"{file.path} alone is {file.size / MB:.1f} MB, so {ALONE if file.content.head(4) == MAGIC else _DATA}"


def largest(tree: Tree) -> list[tuple[str, int]]:
    """Return the ten largest directories, two levels deep, which is where packages lie."""
    sizes: Counter[str] = Counter()
    for entry in tree:
        sizes["/".join(entry.path.split("/")[:2])] += entry.size
    return sizes.most_common(_TEN)


def _largest(tree: Tree) -> Iterator[str]:
    yield from (f"{count / MB:8.1f} MB  {name}" for name, count in largest(tree))


def savings(tree: Tree) -> Iterator[str]:
    """Yield what pruning would save, with the patterns."""
    for what, patterns in _PRUNABLE.items():
        spec = Matcher(patterns)
        saved = sum(entry.size for entry in tree if spec.match_file(entry.path))
        if saved:
            yield f"pruning {what} would save {saved / MB:.1f} MB ({' '.join(patterns)})"
