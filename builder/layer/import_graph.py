"""How far modules of Python are from what functions import: the top of a package is 0, what it imports is 1."""

import re
from collections.abc import Iterable, Iterator, Mapping

from builder.layer.names import SITE_PACKAGES
from builder.layer.tree import Entry

_STATEMENT = re.compile(
    rb"^(?:from[ \t]+(?P<base>[.\w]+)[ \t]+import[ \t]*(?P<names>\([^)]*\)|[^\n#]*)|import[ \t]+(?P<modules>[^\n#]*))",
    re.MULTILINE,
)
"""An import at the beginning of a line: those in functions run later, if ever."""


def distances(entries: Iterable[Entry]) -> dict[str, int]:
    """Return the distance of each module to which imports at the top of modules lead, by path."""
    modules = _modules(entries)
    return _spread({name for name in modules if "." not in name}, modules)


def in_use(entries: Iterable[Entry]) -> frozenset[str]:
    """Return the paths of the modules that functions import, themselves or by the top of a package.

    A package whose top imports nothing of its own, or that has no top, is used by what is in it.
    """
    modules = _modules(entries)
    return frozenset(_spread(_begun_in(modules), modules))


def begun(entries: Iterable[Entry]) -> frozenset[str]:
    """Return the paths of the modules at which functions begin to import: tops of packages, and what `in_use` adds."""
    modules = _modules(entries)
    return frozenset(modules[name].path for name in _begun_in(modules))


def tops(entries: Iterable[Entry]) -> frozenset[str]:
    """Return the first parts of the names of all modules, those of compiled ones included."""
    inside = (SITE_PACKAGES.sub("", entry.path) for entry in entries if SITE_PACKAGES.match(entry.path))
    return frozenset(re.split(r"[/.]", path, maxsplit=1)[0] for path in inside)


def _begun_in(modules: Mapping[str, Entry]) -> set[str]:
    inside: dict[str, set[str]] = {"": set()}
    for name in modules:
        parts = name.split(".")
        for count in range(len(parts)):
            inside.setdefault(".".join(parts[:count]), set()).add(".".join(parts[: count + 1]))
    return set(_begun("", modules, inside))


def _begun(name: str, modules: Mapping[str, Entry], inside: Mapping[str, set[str]]) -> Iterator[str]:
    """Yield the modules below a name at which functions begin to import."""
    if name in modules:
        yield name
        if any(each != name and each.startswith(f"{name}.") for each in _imported(modules[name], modules)):
            return
    for each in inside.get(name, ()):
        yield from _begun(each, modules, inside)


def _modules(entries: Iterable[Entry]) -> dict[str, Entry]:
    sources = (entry for entry in entries if entry.path.endswith(".py") and entry.link is None)
    return {dotted(entry.path): entry for entry in sources if SITE_PACKAGES.match(entry.path)}


def _spread(reached: set[str], modules: Mapping[str, Entry]) -> dict[str, int]:
    """Return how many imports lead from modules to each other one, by path."""
    found: dict[str, int] = {}
    while reached:
        distance = max(found.values(), default=-1) + 1
        found.update((modules[name].path, distance) for name in reached)
        imported = {name for each in reached for name in _imported(modules[each], modules)}
        reached = {name for name in imported if modules[name].path not in found}
    return found


def dotted(path: str) -> str:
    """Return the dotted name of a module, as in import statements."""
    inside = SITE_PACKAGES.sub("", path).removesuffix(".py").removesuffix("/__init__")
    return inside.replace("/", ".")


def absolute(name: str, path: str) -> str | None:
    """Return the dotted name that the module at a path means by one that may be relative; None if there is none."""
    package = SITE_PACKAGES.sub("", path).split("/")[:-1]
    level = len(name) - len(name.lstrip("."))
    if level > len(package):
        return None
    return ".".join([*package[: len(package) - level + 1], *filter(None, [name[level:]])]) if level else name


def _imported(entry: Entry, modules: Mapping[str, Entry]) -> Iterator[str]:
    """Yield the modules that importing one imports, with the packages above them."""
    for name in names(entry.path, entry.content.read()):
        parts = name.split(".")
        above = (".".join(parts[:count]) for count in range(1, len(parts) + 1))
        yield from (module for module in above if module in modules)


def names(path: str, source: bytes) -> Iterator[str]:
    """Yield the dotted names in the import statements at the beginning of lines: modules, and what is of them."""
    for match in _STATEMENT.finditer(source):
        if match["modules"] is not None:
            yield from (text.split(" as ")[0].strip() for text in _words(match["modules"]))
        elif (base := absolute(match["base"].decode("ascii", errors="replace"), path)) is not None:
            yield base
            yield from (f"{base}.{text.split(' as ')[0].strip()}" for text in _words(match["names"]))


def _words(listed: bytes) -> list[str]:
    lines = (line.partition(b"#")[0] for line in listed.strip(b"() \t\r\\").splitlines())
    return [word.strip() for word in b" ".join(lines).decode("utf-8", errors="replace").split(",") if word.strip()]
