"""setup.cfg and setup.py, as far as they tell what a package is without being run."""

import ast
import configparser
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from builder.packages.pypi.local import content, described, pep621
from builder.packages.pypi.local.described import Described, UnknownError
from builder.packages.pypi.local.tree import SourceTree

CONFIG, PROGRAM = "setup.cfg", "setup.py"
Sections = Mapping[str, Mapping[str, str]]


def sections(tree: SourceTree) -> Sections:
    """Return the tables of setup.cfg. Raises UnknownError for one that cannot be read."""
    config = configparser.ConfigParser(interpolation=None, strict=False)
    try:
        config.read_string(tree.text(CONFIG) or "")
        return {name: {key.replace("-", "_"): value for key, value in config[name].items()} for name in config}
    except (configparser.Error, AttributeError) as error:  # the latter for a line that begins with a blank
        msg = f"setup.cfg cannot be read: {str(error).splitlines()[0]}"
        raise UnknownError(msg) from None


def package(tree: SourceTree, *, whole: bool = True) -> Described:
    """Return what setup.cfg says. Raises UnknownError for what only setuptools can tell."""
    found = sections(tree)
    about, options = found.get("metadata", {}), found.get("options", {})
    if not about.get("name"):
        msg = "its name is only known to its backend"
        raise UnknownError(msg)
    extras = {name: rows(text) for name, text in found.get("options.extras_require", {}).items()}
    text = about.get("version", "")
    try:
        version = _version(tree, text)
    except UnknownError:
        if whole:
            raise
        version = None
    return Described(
        name=about["name"],
        version=version,
        requires=pep621.requirements(_required(tree, options.get("install_requires", "")), extras),
        extras=tuple(extras),
        python=options.get("python_requires", ""),
        summary=about.get("description", ""),
        licence_text=about.get("license", ""),
        licence_files=rows(about["license_files"]) if "license_files" in about else None,
        classifiers=rows(about.get("classifiers", "")),
        keywords=tuple(word.strip() for word in about.get("keywords", "").split(",") if word.strip()),
        entry_points=_entry_points(found, options),
    )


def rows(text: str) -> tuple[str, ...]:
    """Return the lines of a value, without those that are empty or comments."""
    return tuple(line.strip() for line in text.splitlines() if line.strip() and not line.strip().startswith("#"))


def _required(tree: SourceTree, text: str) -> tuple[str, ...]:
    return of_files(tree, text.partition(":")[2].split(",")) if text.strip().startswith("file:") else rows(text)


def of_files(tree: SourceTree, names: list[str] | tuple[str, ...]) -> tuple[str, ...]:
    """Return the requirements in files, as setuptools reads them. Raises UnknownError for one that is missing."""
    return tuple(row for name in names for row in rows(_content(tree, name)))


def _content(tree: SourceTree, name: str) -> str:
    text = tree.text(name.strip())
    if text is None:
        msg = f"its file {name.strip()} is missing"
        raise UnknownError(msg)
    return text


def _version(tree: SourceTree, text: str) -> str:
    kind, colon, value = text.partition(":")
    if colon and kind.strip() == "attr":
        return described.version(attribute(tree, value.strip(), {"": options_root(sections(tree))}))
    if colon and kind.strip() == "file":
        return described.version(_content(tree, value).strip())
    if not text.strip():
        msg = "its version is only known to its backend"
        raise UnknownError(msg)
    return described.version(text.strip())


def options_root(found: Sections) -> str:
    """Return the folder that packages are below."""
    table = found.get("options", {}).get("package_dir", "")
    named = dict(row.split("=", 1) for row in rows(table) if "=" in row)
    return {key.strip(): value.strip().strip("/") for key, value in named.items()}.get("", "")


def attribute(tree: SourceTree, name: str, folders: Mapping[str, str]) -> str:
    """Return a text that a module assigns to a name, such as `package.__version__`."""
    module, _, attr = name.rpartition(".")
    root = folders.get("", "")
    roots = tuple(f"{each}/" if each else "" for each in dict.fromkeys((root, "src", "")))
    path = content.module_file(tree, module, roots)
    if path is None:
        msg = f"the module of its version, {module}, was not found"
        raise UnknownError(msg)
    return content.constant(tree, path, attr)


def _entry_points(found: Sections, options: Mapping[str, str]) -> dict[str, dict[str, str]]:
    if "entry_points" in options:
        msg = "its entry points are in a file"
        raise UnknownError(msg)
    pairs = {
        group: [row.partition("=") for row in rows(text)]
        for group, text in found.get("options.entry_points", {}).items()
    }
    return {group: {name.strip(): to.strip() for name, _, to in points} for group, points in pairs.items()}


# ---- setup.py ------------------------------------------------------------------------------------------------------


def is_plain(tree: SourceTree) -> bool:
    """Tell whether setup.py, if there is one, only calls `setup()`, so that the other files say everything."""
    if PROGRAM not in tree.paths:
        return True
    return all(_says_nothing(node) for node in content.module(tree, PROGRAM).body)


def _says_nothing(node: ast.stmt) -> bool:
    if isinstance(node, (ast.Import, ast.ImportFrom)):
        names = [node.module or ""] if isinstance(node, ast.ImportFrom) else [each.name for each in node.names]
        return all(name == "setuptools" for name in names)
    if isinstance(node, ast.If):
        return all(map(_says_nothing, (*node.body, *node.orelse)))
    if not isinstance(node, ast.Expr):
        return False
    if isinstance(node.value, ast.Constant):
        return True
    return isinstance(node.value, ast.Call) and _is_setup(node.value) and not (node.value.args or node.value.keywords)


def _is_setup(call: ast.Call) -> bool:
    name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", None)
    return name == "setup"


def arguments(tree: SourceTree) -> Mapping[str, Any]:
    """Return the arguments of `setup()` that are written out; UnknownError if some are not told one by one."""
    program = content.module(tree, PROGRAM)
    calls = [node for node in ast.walk(program) if isinstance(node, ast.Call) and _is_setup(node)]
    if len(calls) != 1 or any(keyword.arg is None for keyword in calls[0].keywords):
        msg = "its setup.py works out what it is"
        raise UnknownError(msg)
    named = dict(_assigned(program))
    given = ((keyword.arg or "", keyword.value) for keyword in calls[0].keywords)
    return {key: _literal(named.get(node.id, node) if isinstance(node, ast.Name) else node) for key, node in given}


def _assigned(program: ast.Module) -> Iterator[tuple[str, ast.expr]]:
    for node in program.body:
        if isinstance(node, ast.Assign):
            yield from ((target.id, node.value) for target in node.targets if isinstance(target, ast.Name))


_COMPUTED: Callable[[], None] = lambda: None  # noqa: E731  stands for what is not written out


def _literal(node: ast.expr) -> Any:  # noqa: ANN401  what a program has
    try:
        return ast.literal_eval(node)
    except (ValueError, TypeError, SyntaxError, RecursionError, MemoryError):
        return _COMPUTED


def name_in_program(tree: SourceTree) -> str | None:
    """Return the name that setup.py gives a package; None if it works it out."""
    name = arguments(tree).get("name")
    return name if isinstance(name, str) else None


def of_program(tree: SourceTree) -> Described:
    """Return what setup.py says of a package: its name and what it requires; the version only if it is written out."""
    given = arguments(tree)
    name, version = given.get("name"), given.get("version")
    required, extras = given.get("install_requires", ()), given.get("extras_require", {})
    if not isinstance(name, str):
        msg = "its setup.py works out its name"
        raise UnknownError(msg)
    if not isinstance(required, (list, tuple)) or not isinstance(extras, dict):
        msg = "its setup.py works out what it requires"
        raise UnknownError(msg)
    tables = {str(extra): tuple(map(str, texts)) for extra, texts in extras.items()}
    return Described(
        name=name,
        version=described.version(version) if isinstance(version, str) else None,
        requires=pep621.requirements(tuple(map(str, required)), tables),
        extras=tuple(tables),
        python=str(given["python_requires"]) if isinstance(given.get("python_requires"), str) else "",
    )
