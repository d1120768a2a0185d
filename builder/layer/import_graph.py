"""How far modules of Python are from what functions import: the top of a package is 0, what it imports is 1."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

from builder.layer import module_imports
from builder.layer.names import SITE_PACKAGES
from builder.layer.store import Store
from builder.layer.tree import Entry


def distances(entries: Iterable[Entry], store: Store | None = None) -> dict[str, int]:
    """Return the distance of each module to which imports at the top of modules lead, by path."""
    modules = _modules(entries)
    return _spread({name for name in modules if "." not in name}, modules, store)


def in_use(entries: Iterable[Entry], store: Store | None = None) -> frozenset[str]:
    """Return the paths of the modules that functions import, themselves or by the top of a package.

    A package whose top imports nothing of its own, or that has no top, is used by what is in it.
    """
    modules = _modules(entries)
    return frozenset(_spread(_begun_in(modules, store), modules, store))


def begun(entries: Iterable[Entry]) -> frozenset[str]:
    """Return the paths of the modules at which functions begin to import: tops of packages, and what `in_use` adds."""
    modules = _modules(entries)
    return frozenset(modules[name].path for name in _begun_in(modules, None))


def tops(entries: Iterable[Entry]) -> frozenset[str]:
    """Return the first parts of the names of all modules, those of compiled ones included."""
    inside = (SITE_PACKAGES.sub("", entry.path) for entry in entries if SITE_PACKAGES.match(entry.path))
    return frozenset(re.split(r"[/.]", path, maxsplit=1)[0] for path in inside)


def _begun_in(modules: Mapping[str, Entry], store: Store | None) -> set[str]:
    inside: dict[str, set[str]] = {"": set()}
    for name in modules:
        parts = name.split(".")
        for count in range(len(parts)):
            inside.setdefault(".".join(parts[:count]), set()).add(".".join(parts[: count + 1]))
    return set(_begun("", modules, inside, store))


def _begun(
    name: str, modules: Mapping[str, Entry], inside: Mapping[str, set[str]], store: Store | None
) -> Iterator[str]:
    """Yield the modules below a name at which functions begin to import."""
    if name in modules:
        yield name
        if any(each != name and each.startswith(f"{name}.") for each in _imported([modules[name]], modules, store)):
            return
    for each in inside.get(name, ()):
        yield from _begun(each, modules, inside, store)


def _modules(entries: Iterable[Entry]) -> dict[str, Entry]:
    sources = (entry for entry in entries if entry.path.endswith(".py") and entry.link is None)
    return {dotted(entry.path): entry for entry in sources if SITE_PACKAGES.match(entry.path)}


def _spread(reached: set[str], modules: Mapping[str, Entry], store: Store | None) -> dict[str, int]:
    """Return how many imports lead from modules to each other one, by path."""
    found: dict[str, int] = {}
    while reached:
        distance = max(found.values(), default=-1) + 1
        found.update((modules[name].path, distance) for name in reached)
        imported = set(_imported([modules[name] for name in reached], modules, store))
        reached = {name for name in imported if modules[name].path not in found}
    return found


def dotted(path: str) -> str:
    """Return the dotted name of a module, as in import statements."""
    inside = SITE_PACKAGES.sub("", path).removesuffix(".py").removesuffix("/__init__")
    return inside.replace("/", ".")


def _imported(entries: Sequence[Entry], modules: Mapping[str, Entry], store: Store | None) -> Iterator[str]:
    """Yield the modules that importing some imports, with the packages above them."""
    for imports in module_imports.of_all(entries, store):
        for name in imports.stated:
            parts = name.split(".")
            above = (".".join(parts[:count]) for count in range(1, len(parts) + 1))
            yield from (module for module in above if module in modules)
