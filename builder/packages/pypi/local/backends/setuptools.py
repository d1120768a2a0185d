"""setuptools, where nothing of a project is a program: pyproject.toml or setup.cfg say everything."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import field, replace
from typing import Annotated, Any

from builder.base.rules import Field
from builder.model.tables import table
from builder.packages.pypi.local import content, discovery, package_data, pep621, setup_cfg
from builder.packages.pypi.local.content import WheelContent
from builder.packages.pypi.local.described import Described, UnknownError
from builder.packages.pypi.local.discovery import Modules
from builder.packages.pypi.local.pep621 import ProjectFile
from builder.packages.pypi.local.tree import SourceTree

_KNOWN = frozenset({
    *("packages", "package_dir", "py_modules", "install_requires", "python_requires", "include_package_data"),
    *("zip_safe", "tests_require", "test_suite", "platforms", "entry_points"),
})  # fmt: skip
_SECTIONS = ("options", "options.packages.find", "options.package_data", "options.exclude_package_data")
Patterns = tuple[str, ...]


@table
class FindTable:
    """`[tool.setuptools.packages.find]`."""

    where: Patterns = ()
    include: Patterns = ("*",)
    exclude: Patterns = ()
    namespaces: bool = True


@table
class PackagesTable:
    """`[tool.setuptools.packages]`."""

    find: FindTable = field(default_factory=FindTable)


@table
class DynamicField:
    """An entry of `[tool.setuptools.dynamic]`."""

    attr: str | None = None
    file: str | Patterns | None = None
    content_type: Annotated[str | None, Field(alias="content-type")] = None


@table
class DynamicTable:
    """`[tool.setuptools.dynamic]`."""

    version: DynamicField = field(default_factory=DynamicField)
    dependencies: DynamicField = field(default_factory=DynamicField)
    description: DynamicField = field(default_factory=DynamicField)
    readme: DynamicField = field(default_factory=DynamicField)
    extras: Annotated[Mapping[str, DynamicField], Field(alias="optional-dependencies")] = field(default_factory=dict)


@table
class SetuptoolsTable:
    """`[tool.setuptools]`."""

    packages: Patterns | PackagesTable | None = None
    modules: Annotated[Patterns | None, Field(alias="py-modules")] = None
    folders: Annotated[Mapping[str, str], Field(alias="package-dir")] = field(default_factory=dict)
    data: Annotated[Mapping[str, Patterns], Field(alias="package-data")] = field(default_factory=dict)
    excluded: Annotated[Mapping[str, Patterns], Field(alias="exclude-package-data")] = field(default_factory=dict)
    include_data: Annotated[bool, Field(alias="include-package-data")] = True
    licence_files: Annotated[Patterns | None, Field(alias="license-files")] = None
    zip_safe: Annotated[Any, Field(alias="zip-safe")] = None
    platforms: Any = None
    dynamic: DynamicTable = field(default_factory=DynamicTable)


def wheel(document: ProjectFile, tree: SourceTree) -> WheelContent:
    if not setup_cfg.is_plain(tree):
        msg = "its setup.py is a program"
        raise UnknownError(msg)
    options = document.table(SetuptoolsTable, "setuptools")
    if document.project is None:
        found, options = setup_cfg.package(tree), _of_config(tree)
    else:
        found = pep621.package(document.project, tree, _dynamic(options, tree))
    if options.licence_files is not None:
        found = replace(found, licence_files=options.licence_files)
    modules = _modules(options, tree)
    folders = {package: _folder(package, options.folders, modules.root) for package in modules.packages}
    every = dict(
        package_data.files(tree, folders, data=options.data, excluded=options.excluded, manifest=options.include_data)
    )
    prefix = f"{modules.root}/" if modules.root else ""
    every |= {f"{name.replace('.', '/')}.py": f"{prefix}{name.replace('.', '/')}.py" for name in modules.modules}
    if missing := [path for path in every.values() if path not in tree.paths]:
        msg = f"its module {missing[0]} is missing"
        raise UnknownError(msg)
    return content.of(found, tree, every, content.LICENCES)


def _dynamic(options: SetuptoolsTable, tree: SourceTree) -> Mapping[str, Any]:
    """Return how the dynamic fields that have an entry are found."""
    given = options.dynamic
    roots = {key: value.strip("/") for key, value in options.folders.items()}
    found: dict[str, Any] = {}
    if given.version.attr:
        found["version"] = lambda: setup_cfg.attribute(tree, str(given.version.attr), roots)
    elif given.version.file:
        found["version"] = lambda: "".join(setup_cfg.of_files(tree, _names(given.version)))
    if given.dependencies.file:
        found["dependencies"] = lambda: setup_cfg.of_files(tree, _names(given.dependencies))
    if given.description.file:
        found["description"] = lambda: " ".join(setup_cfg.of_files(tree, _names(given.description)))
    if given.extras:
        found["optional-dependencies"] = lambda: {
            extra: setup_cfg.of_files(tree, _names(each)) for extra, each in given.extras.items()
        }
    if given.readme.file:
        texts = (tree.text(name) or "" for name in _names(given.readme))
        found["readme"] = lambda: (given.readme.content_type or "text/plain", "\n".join(texts))
    return found


def _names(given: DynamicField) -> tuple[str, ...]:
    return (given.file,) if isinstance(given.file, str) else given.file or ()


def _modules(options: SetuptoolsTable, tree: SourceTree) -> Modules:
    """Return what a project names, asks to be found, or else what is found."""
    named = options.packages
    root = options.folders.get("", "").strip("/")
    if named is None and options.modules is None:
        return (
            replace(discovery.automatic(tree), root=root)
            if root and not tree.has_folder("src")
            else (discovery.automatic(tree))
        )
    if isinstance(named, PackagesTable):
        find = named.find
        where = find.where[0].strip("/") if find.where else root
        where = "" if where == "." else where
        if len(find.where) > 1:
            msg = "its packages are below several folders"
            raise UnknownError(msg)
        found = discovery.find(tree, where, find.include, find.exclude, namespaces=find.namespaces)
        return Modules(packages=found, modules=options.modules or (), root=root or where)
    return Modules(packages=named or (), modules=options.modules or (), root=root)


def _folder(package: str, folders: Mapping[str, str], root: str) -> str:
    """Return the folder of a package: that of the longest name that is given, else below the root."""
    parts = package.split(".")
    for number in range(len(parts), 0, -1):
        if (given := folders.get(".".join(parts[:number]))) is not None:
            return "/".join([given.strip("/"), *parts[number:]])
    return "/".join([*([root] if root else []), *parts])


# ---- setup.cfg -----------------------------------------------------------------------------------------------------


def _of_config(tree: SourceTree) -> SetuptoolsTable:
    """Return the options of setup.cfg. Raises UnknownError for one that is not known."""
    sections = setup_cfg.sections(tree)
    options = sections.get("options", {})
    if unknown := sorted(options.keys() - _KNOWN):
        msg = f"`{unknown[0]}` of its setup.cfg is only followed by its backend"
        raise UnknownError(msg)
    given: dict[str, Any] = {
        "package-dir": {key.strip(): to.strip() for key, to in _pairs(options.get("package_dir", ""))},
        "package-data": dict(_patterns(sections.get("options.package_data", {}))),
        "exclude-package-data": dict(_patterns(sections.get("options.exclude_package_data", {}))),
        "include-package-data": options.get("include_package_data", "").strip().lower() in {"true", "1", "yes"},
    }
    if "py_modules" in options:
        given["py-modules"] = setup_cfg.rows(options["py_modules"])
    if (packages := options.get("packages", "").strip()).startswith(("find:", "find_namespace:")):
        given["packages"] = PackagesTable(find=_find(sections, namespaces=packages.startswith("find_namespace:")))
    elif packages:
        given["packages"] = tuple(word for row in setup_cfg.rows(packages) for word in row.replace(",", " ").split())
    return SetuptoolsTable(**given)


def _find(sections: setup_cfg.Sections, *, namespaces: bool) -> FindTable:
    options = sections.get("options.packages.find", {})
    rows = {key: setup_cfg.rows(value) for key, value in options.items()}
    return FindTable(
        where=rows.get("where", ()),
        include=rows.get("include", ("*",)),
        exclude=rows.get("exclude", ()),
        namespaces=namespaces,
    )


def _pairs(text: str) -> Iterator[Sequence[str]]:
    return (row.split("=", 1) for row in setup_cfg.rows(text) if "=" in row)


def _patterns(section: Mapping[str, str]) -> Iterator[tuple[str, Patterns]]:
    for name, text in section.items():
        yield name, tuple(word for row in setup_cfg.rows(text) for word in row.replace(",", " ").split())


def version(document: ProjectFile, tree: SourceTree) -> str:
    """Return the version that `[tool.setuptools.dynamic]` names. Raises UnknownError if it is worked out."""
    options = SetuptoolsTable(dynamic=document.table(DynamicTable, "setuptools", "dynamic"))
    find = _dynamic(options, tree).get("version")
    return str(find()) if find else ""


def described(document: ProjectFile, tree: SourceTree) -> Described:
    """Return what a package says of itself where only its backend knows its files, and perhaps its version.

    Raises UnknownError if what it requires is only known to the backend as well.
    """
    if document.project is not None:
        options = SetuptoolsTable(dynamic=document.table(DynamicTable, "setuptools", "dynamic"))
        return pep621.package(document.project, tree, _dynamic(options, tree), whole=False)
    if setup_cfg.sections(tree).get("metadata", {}).get("name"):
        return setup_cfg.package(tree, whole=False)
    return setup_cfg.of_program(tree)
