"""What modules of Python import at their top, remembered by their bytes."""

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import astuple, dataclass

from builder.layer import derived
from builder.layer.derived import Kind
from builder.layer.names import SITE_PACKAGES
from builder.layer.store import Store
from builder.layer.tree import Entry

_STATEMENT = re.compile(
    rb"^(?:from[ \t]+(?P<base>[.\w]+)[ \t]+import[ \t]*(?P<names>\([^)]*\)|[^\n#]*)|import[ \t]+(?P<modules>[^\n#]*))",
    re.MULTILINE,
)
"""An import at the beginning of a line: those in functions run later, if ever."""
_CALL = re.compile(rb"^(?:[\w, ]+ = )?(?:(?:\w+\.)?import_module|__import__)\(\s*['\"]([.\w]+)['\"]", re.MULTILINE)
"""An import by a call at the beginning of a line, by a name that stands there."""
_LAZY = re.compile(rb"^(?:def )?__getattr__\b", re.MULTILINE)
_STUB = re.compile(rb"^__getattr__\b.*\battach_stub\(", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class ModuleImports:
    """The imports of one module, by dotted names: modules, and what is of them."""

    stated: tuple[str, ...]
    """By statements."""
    called: tuple[str, ...]
    """By calls of `import_module`."""
    lazy: bool
    """Whether it imports others at the first use of their names (PEP 562), itself or by lazy_loader."""
    by_stub: bool
    """Whether its names are read from the type stub beside it when it is imported (lazy_loader)."""


def of_all(modules: Sequence[Entry], store: Store | None) -> list[ModuleImports]:
    """Return the imports of modules, in their order."""
    return derived.of_all(modules, IMPORTS, store, lambda some: [_read(entry) for entry in some])


def _read(entry: Entry) -> ModuleImports:
    source = entry.content.read()
    calls = (match[1].decode("ascii", errors="replace") for match in _CALL.finditer(source))
    called = (name for call in calls if (name := absolute(call, entry.path)) is not None)
    return ModuleImports(
        tuple(dict.fromkeys(names(entry.path, source))),
        tuple(dict.fromkeys(called)),
        _LAZY.search(source) is not None,
        _STUB.search(source) is not None,
    )


def names(path: str, source: bytes) -> Iterator[str]:
    """Yield the dotted names in the import statements at the beginning of lines: modules, and what is of them."""
    for match in _STATEMENT.finditer(source):
        if match["modules"] is not None:
            yield from (text.split(" as ")[0].strip() for text in _words(match["modules"]))
        elif (base := absolute(match["base"].decode("ascii", errors="replace"), path)) is not None:
            yield base
            yield from (f"{base}.{text.split(' as ')[0].strip()}" for text in _words(match["names"]))


def absolute(name: str, path: str) -> str | None:
    """Return the dotted name that the module at a path means by one that may be relative; None if there is none."""
    package = SITE_PACKAGES.sub("", path).split("/")[:-1]
    level = len(name) - len(name.lstrip("."))
    if level > len(package):
        return None
    return ".".join([*package[: len(package) - level + 1], *filter(None, [name[level:]])]) if level else name


def _words(listed: bytes) -> list[str]:
    lines = (line.partition(b"#")[0] for line in listed.strip(b"() \t\r\\").splitlines())
    return [word.strip() for word in b" ".join(lines).decode("utf-8", errors="replace").split(",") if word.strip()]


def _encoded(imports: ModuleImports) -> bytes:
    return json.dumps(astuple(imports)).encode()


def _decoded(data: bytes) -> ModuleImports:
    match json.loads(data):
        case [list(stated), list(called), bool(lazy), bool(by_stub)] if all(
            isinstance(name, str) for name in (*stated, *called)
        ):
            return ModuleImports(tuple(stated), tuple(called), lazy, by_stub)
    msg = "no imports of a module"
    raise ValueError(msg)


IMPORTS: Kind[ModuleImports] = Kind(name="imports", encode=_encoded, decode=_decoded)
"""What one module imports."""
