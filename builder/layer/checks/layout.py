"""Where the packages of a layer lie, if not where a runtime finds them: one folder too deep, or in another one."""

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence

from builder.base.frozen import dataclass
from builder.layer.tree import Entry, Tree
from builder.model.libraries import LICENSE_TEXTS
from builder.model.runtimes import Runtime

ROOTS = {"python": "python/", "nodejs": "nodejs/", "ruby": "ruby/", "java": "java/"}
"""The folder of each language below /opt."""
_TOP = {*ROOTS.values(), "bin/", "lib/", "extensions/"}
ANY = "any"
"""Stands for the language of programs, libraries and whole layers."""
_OTHER_PYTHON = re.compile(r"python/lib/python(?P<series>[\d.]+)/")
_LIBRARY = re.compile(r"\.so(?:\.[\d.]+)?$")
_INFO = re.compile(r"\.(?:dist|egg)-info$")
_MODULE = re.compile(r"^[\w-]+\.(?:py|(?:cpython-[\w-]+\.|abi3\.)so)$")
_PYTHON_NAMES = re.compile(r"^(?:python[23]?(?:[._-]?\d+)*|py3?|packages|py-?libs?)/$", re.IGNORECASE)
_SITE = re.compile(r"^(?P<folder>(?:[^/]+/)*(?:site|dist)-packages/)")
_NODE_MODULES = "nodejs/node_modules/"
_INNER_MODULES = re.compile(r"nodejs/(?!node_modules/|node\d+/node_modules/)[^/]+/node_modules/")
_GEMS = re.compile(r"^(?P<folder>(?:[^/]+/)*)(?:specifications/[^/]+\.gemspec$|gems/[^/]+/.)")
_PROGRAMS = {b"\x7fE", b"#!"}
_SCRIPT = (".js", ".mjs", ".cjs")
_DOCUMENT = re.compile(
    r"\.|(?:README|LICEN[CS]E|COPYING|NOTICE|CHANGE)|(?:requirements.*\.txt|package(?:-lock)?\.json|.*\.(?:md|rst))$",
    re.IGNORECASE,
)
_ARCHIVE = re.compile(r"\.(?:zip|whl|tgz|tar(?:\.\w+)?|gem)$")
_SYSTEM = {"lib64/", "lib32/", "usr/"}
_TWICE = "python/python"
_SITE_DEPTH = 3
"""Slashes in the path of a folder `site-packages` that is meant for a layer's packages."""
_DEEPEST = 4
"""Folders around a layer that are looked through."""


def reads(runtime: Runtime, path: str) -> bool:
    """Tell whether a file lies in a directory that a runtime reads."""
    if path.startswith(LICENSE_TEXTS):
        return True  # no runtime reads license texts, and licenses require them
    other = _OTHER_PYTHON.match(path)
    if other:
        return runtime.language == "python" and other["series"] == runtime.series
    return any(_under(pattern, path) for pattern in runtime.directories)


def _under(pattern: str, path: str) -> bool:
    if pattern.endswith("/"):
        return path.startswith(pattern)
    if pattern.endswith("*.jar"):
        folder, _, name = path.rpartition("/")
        return folder == pattern.rpartition("/")[0] and name.endswith(".jar")
    return path == pattern


def stray_jars(tree: Tree, runtimes: Iterable[Runtime]) -> set[str]:
    """Return the jars in `lib/`, where Java looks for libraries alone.

    None beside a jar that it finds, or a program: these name the paths of others, as a wrapper does that of an agent.
    """
    stray = {entry.path for entry in tree if entry.path.startswith("lib/") and entry.path.endswith(".jar")}
    if not stray or any(runtime.language != "java" for runtime in runtimes):
        return set()
    named = any(_under("java/lib/*.jar", entry.path) or _starts(entry) for entry in tree)
    return set() if named else stray


def _starts(entry: Entry) -> bool:
    """Return whether a file is a program where Lambda, a shell or a variable of Lambda's looks for one."""
    return (
        entry.link is None
        and entry.parent in {"", "bin", "extensions"}
        and not _LIBRARY.search(entry.name)
        and entry.content.head(4)[:2] in _PROGRAMS
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class Misplaced:
    """Packages or libraries that no runtime finds where they are."""

    language: str
    advice: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Group:
    """What lies together in a place that no runtime reads."""

    name: str
    """A folder with its slash, or a file at the top."""
    entries: Sequence[Entry]

    @property
    def paths(self) -> Iterator[str]:
        return (entry.path for entry in self.entries)

    def inner(self, folder: str) -> set[str]:
        """Return the names in a folder; those of folders end with a slash."""
        inside = (path[len(folder) :] for path in self.paths if path.startswith(folder))
        return {f"{name}{slash}" for name, slash, _ in (path.partition("/") for path in inside)}

    def starts(self) -> bool:
        """Return whether it has a program of its own: code then names its path, and that of what is beside it."""
        places = (self.name.rstrip("/"), f"{self.name}bin")
        return any(
            entry.parent in places and not _LIBRARY.search(entry.name) and entry.content.head(4)[:2] in _PROGRAMS
            for entry in self.entries
            if entry.link is None and "/" in entry.path
        )


def misplaced(group: Group, runtimes: Sequence[Runtime]) -> Misplaced | None:
    """Return what is in the wrong place, and where it belongs; None for programs and data in a folder of their own."""
    for runtime in runtimes:
        if found := _around(group, runtime):
            return found
        language = _LANGUAGES.get(runtime.language)
        if language and (advice := language(group, runtime)):
            return Misplaced(language=runtime.language, advice=advice)
    return _of_system(group) or _packed(group) or _of_another_language(group, runtimes)


def _around(group: Group, runtime: Runtime) -> Misplaced | None:
    """Find a whole layer inside of a folder."""
    root = ROOTS.get(runtime.language, "")
    if group.name.casefold() == root and group.name != root:
        return Misplaced(language=runtime.language, advice=f"`{group.name}` must be called `{root}`")
    if group.name in _TOP or group.name == "__MACOSX/":
        return None
    folder = group.name if group.name.endswith("/") else ""
    for count in range(1, _DEEPEST + 1 if folder else 0):
        names = group.inner(folder)
        other = {name for name in names if name.endswith("/")} - _TOP  # a tool with folders of its own
        found = any(reads(runtime, path[len(folder) :]) for path in group.paths if path.startswith(folder + root))
        if root in names and found and not (other and group.starts()):
            many = "one folder" if count == 1 else f"{count} folders"
            advice = f"the zip has {many} too many: `{root}` must be at its top, not in `{folder}`"
            return Misplaced(language=runtime.language, advice=advice)
        if folder == "opt/" and names & {"bin/", "lib/", "extensions/"}:
            advice = "the zip has one folder too many: it is unpacked to /opt, so leave out `opt/`"
            return Misplaced(language=ANY, advice=advice)
        if len(names) != 1 or not min(names).endswith("/"):
            return None
        folder += min(names)
    return None


def _python(group: Group, runtime: Runtime) -> str | None:
    own = f"python/lib/python{runtime.series}/site-packages/"
    if (other := _OTHER_PYTHON.match(group.name)) and other["series"] != runtime.series:
        return f"only Python {other['series']} looks there: packages of {runtime.name} belong into `python/` or `{own}`"
    if group.name in ROOTS.values():
        return None
    if site := next((match["folder"] for path in group.paths if (match := _SITE.match(path))), None):
        return belongs(site)
    if not group.name.endswith("/"):
        return _AT_THE_TOP if _MODULE.match(group.name) else None
    return None if group.starts() else _python_folder(group)


def _python_folder(group: Group) -> str | None:
    """Tell a package at the top, and a folder of packages that has another name than `python/`."""
    names = group.inner(group.name)
    if "__init__.py" in names or _INFO.search(group.name.rstrip("/")):
        return _AT_THE_TOP
    has_code = any(path.endswith((".py", ".so")) for path in group.paths)
    if any(_INFO.search(name.rstrip("/")) for name in names) or (_PYTHON_NAMES.match(group.name) and has_code):
        return f"Python packages belong under `python/`: `{group.name}` must be called so"
    return None


def belongs(folder: str) -> str:
    return f"Python packages belong under `python/`: move there what is in `{folder}`"


_AT_THE_TOP = "Python packages belong under `python/`: move what is at the top into it"


def _nodejs(group: Group, runtime: Runtime) -> str | None:
    if group.name == "node_modules/":
        return "the runtime reads `nodejs/node_modules/`: move `node_modules/` into a folder `nodejs/`"
    if group.name == ROOTS["nodejs"]:
        return _below_nodejs(group, runtime)
    if group.name in ROOTS.values() or not group.name.endswith("/") or group.starts():
        return None
    names = group.inner(group.name)
    if "node_modules/" in names and not any(name.endswith(_SCRIPT) for name in names):
        return f"the runtime reads `{_NODE_MODULES}`: `{group.name}` must be called `nodejs/`"
    if "package.json" in names and "node_modules/" not in names:
        return f"packages belong into `{_NODE_MODULES}`: move the folders at the top there"
    return None


def _below_nodejs(group: Group, runtime: Runtime) -> str | None:
    if other := next((path for path in group.paths if re.match(r"nodejs/node\d+/node_modules/", path)), None):
        folder = "/".join(other.split("/")[:3])
        return f"only another Node.js looks into `{folder}/`: packages of {runtime.name} belong into `{_NODE_MODULES}`"
    if inner := next((match[0] for path in group.paths if (match := _INNER_MODULES.match(path))), None):
        return f"the runtime reads `{_NODE_MODULES}`: move there what is in `{inner}`"
    packages = any(re.match(r"nodejs/(?:@[^/]+/)?[^/@]+/package\.json$", path) for path in group.paths)
    return f"packages belong into `{_NODE_MODULES}`: move the folders of `nodejs/` there" if packages else None


def _ruby(group: Group, runtime: Runtime) -> str | None:
    own = f"ruby/gems/{runtime.series}/"
    found = next((match["folder"] for path in group.paths if (match := _GEMS.match(path))), None)
    if found is not None and not group.starts():
        return f"gems of {runtime.name} belong into `{own}`, not {f'into `{found}`' if found else 'to the top'}"
    if group.name == ROOTS["ruby"] and any(path.endswith(".rb") for path in group.paths):
        return "files of Ruby belong into `ruby/lib/`"
    return None


def _java(group: Group, runtime: Runtime) -> str | None:
    has_jars = any(path.endswith(".jar") for path in group.paths)
    return f"{runtime.name} finds jars directly in `java/lib/` only" if has_jars and not group.starts() else None


_LANGUAGES: dict[str, Callable[[Group, Runtime], str | None]] = {
    "python": _python,
    "nodejs": _nodejs,
    "ruby": _ruby,
    "java": _java,
}


def _of_system(group: Group) -> Misplaced | None:
    at_the_top = "/" not in group.name and _LIBRARY.search(group.name)
    if at_the_top or (group.name in _SYSTEM and any(_LIBRARY.search(path) for path in group.paths)):
        return Misplaced(
            language=ANY, advice="the loader finds libraries directly in `lib/` only, a shell programs in `bin/`"
        )
    return None


def _packed(group: Group) -> Misplaced | None:
    if "/" in group.name or not _ARCHIVE.search(group.name):
        return None
    advice = f"Lambda unpacks the zip of a layer only: what is in `{group.name}` must be in the zip itself"
    return Misplaced(language=ANY, advice=advice)


def _of_another_language(group: Group, runtimes: Sequence[Runtime]) -> Misplaced | None:
    languages = {runtime.language for runtime in runtimes}
    for language, root in ROOTS.items():
        if group.name.startswith(root) and languages <= ROOTS.keys() - {language}:
            advice = f"the layer is laid out for {language}: check it with a --runtime of that language"
            return Misplaced(language=ANY, advice=advice)
    return None


def only_documents(paths: Collection[str]) -> bool:
    """Return whether a layer has nothing but texts about what may have been meant to be in it."""
    return all("/" not in path and _DOCUMENT.match(path) for path in paths)


def usable(read: Iterable[str]) -> set[str]:
    """Return the languages whose packages are found, by the files that a runtime reads, and ANY for anything else."""
    tops = {path.partition("/")[0] for path in read if not path.startswith(LICENSE_TEXTS)}
    return {top if top in ROOTS else ANY for top in tops}


def _inner_root(path: str, folder: str, outer: str, roots: Collection[str]) -> str | None:
    """Return the folder below `python/` that a path is in as if it were the one of packages; None if there is none."""
    name = path.rpartition("/")[2]
    if _TWICE in {folder, outer}:
        is_code = _MODULE.match(name) if folder == _TWICE else name.startswith("__init__.")
        return _TWICE if is_code else None
    site = _SITE.match(path)
    wrong = site["folder"].rstrip("/") if site else ""
    return wrong if site and wrong not in roots and wrong.count("/") <= _SITE_DEPTH else None


def hidden(paths: Collection[str], runtime: Runtime) -> str | None:
    """Return the folder that Python reads as one of its own, and in which all packages lie; None if there is none."""
    roots = {"python", f"python/lib/python{runtime.series}/site-packages"}
    below: set[str] = set()
    for path in paths:
        folder, _, name = path.rpartition("/")
        outer, _, inner = folder.rpartition("/")
        if (other := _OTHER_PYTHON.match(path)) and other["series"] != runtime.series:
            continue
        if not path.startswith("python/"):
            if (site := _SITE.match(path)) and path.startswith("lib/"):
                below.add(site["folder"].rstrip("/"))
        elif (folder in roots and _MODULE.match(name)) or (outer in roots and name.startswith("__init__.")):
            return None
        elif _INFO.search(inner) and name in {"METADATA", "PKG-INFO"}:
            if outer in roots:
                return None
            below.add(outer)
        elif root := _inner_root(path, folder, outer, roots):
            below.add(root)
    interpreter = any(path.startswith("bin/python") for path in paths)
    return f"{min(below, key=len)}/" if below and not interpreter else None
