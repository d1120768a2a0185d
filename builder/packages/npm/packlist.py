"""The files that `npm pack` takes of a package: `files` in package.json, .npmignore, .gitignore, and what is always in.

npm's own rules (npm-packlist 10 and ignore-walk), so that a folder of a project is in a layer what it would be as a
published package. npm itself cannot be asked: it packs no package without a version, which members of workspaces are.
"""

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from builder.base import texts
from builder.packages.npm.globs import Rule, rules

_NEVER = (
    *(".npmignore", ".gitignore", "**/.git", "**/.svn", "**/.hg", "**/CVS", "**/.git/**", "**/.svn/**", "**/.hg/**"),
    *("**/CVS/**", "/.lock-wscript", "/.wafpickle-*", "/build/config.gypi", "npm-debug.log", "**/.npmrc", ".*.swp"),
    *(".DS_Store", "**/.DS_Store/**", "._*", "**/._*/**", "*.orig", "/archived-packages/**"),
)
_ALWAYS = (
    *("/.git", "!/package.json", "!/readme{,.*[^~$]}", "!/copying{,.*[^~$]}"),
    *("!/license{,.*[^~$]}", "!/licence{,.*[^~$]}", "/.git", "/node_modules", ".npmrc"),
    *("/package-lock.json", "/yarn.lock", "/pnpm-lock.yaml", "/bun.lockb"),
)
_DEFAULT, _MANIFEST, _STRICT = "default", "package.json", "strict"
_IGNORES = (".npmignore", ".gitignore")
_ORDER = (_DEFAULT, _MANIFEST, *_IGNORES, _STRICT)


@dataclass(slots=True)
class _Folder:
    """One folder on the way down, with the rules that stand in it."""

    path: Path
    above: "_Folder | None" = None
    exact: bool = False
    """Whether a rule above names it, so that rules in it may take back what those above say."""
    rules: dict[str, Sequence[Rule]] = field(default_factory=dict)
    required: tuple[str, ...] = ()

    def takes(self, entry: str, *, as_folder: bool = False, name: str | None = None) -> bool:
        """Return whether a path below this folder is taken, by the rules of the folders above and then its own."""
        included = True
        if self.above:
            inner = f"{self.path.name}/{entry}"
            included = self.above.takes(inner, as_folder=as_folder, name=name or entry)
            if not included and not self.exact:
                return False
        for each in _ORDER:
            for rule in self.rules.get(each, ()):
                if rule.negated != included and _fits(rule, entry, name, as_folder=as_folder):
                    included = rule.negated
        return included


def _fits(rule: Rule, entry: str, name: str | None, *, as_folder: bool) -> bool:
    if rule.fits(f"/{entry}") or rule.fits(entry):
        return True
    if not as_folder:
        return False
    candidates = [entry] + ([name] if name and rule.is_relative else [])
    return any(
        rule.fits(f"/{each}/")
        or rule.fits(f"{each}/")
        or (rule.negated and (rule.fits(f"/{each}", partial=True) or rule.fits(each, partial=True)))
        for each in candidates
    )


def files(folder: Path, manifest: Mapping[str, Any], *, above: Sequence[Path] = ()) -> list[str]:
    """Return the paths of the files that a package has, relative to its folder and sorted. Links are left out.

    `above` are the folders of the workspace around it, from the root: their ignore files apply to its members.
    """
    top = _Folder(path=folder)
    top.rules[_DEFAULT] = rules([*_NEVER, *(line for each in above for line in _ignored(each))])
    chosen = _own(top, manifest)
    for name in () if chosen else _IGNORES:
        if (folder / name).is_file():
            top.rules[name] = rules(texts.read(folder / name).splitlines())
            break
    return sorted(_walk(top, ""))


def _ignored(folder: Path) -> list[str]:
    name = next((name for name in _IGNORES if (folder / name).is_file()), None)
    return texts.read(folder / name).splitlines() if name else []


def _own(top: _Folder, manifest: Mapping[str, Any]) -> bool:
    """Add the rules of a package.json; return whether it lists files."""
    listed, strict = manifest.get("files"), list(_ALWAYS)
    taken: list[str] = []
    for text in [text for text in listed if isinstance(text, str)] if isinstance(listed, list) else []:
        path = text.removeprefix(".") if text.startswith("./") else text
        path += "*" if path.endswith("/*") else ""
        there = top.path / path.lstrip("!").strip("/")
        if there.is_symlink():
            continue
        if there.is_file():
            strict.insert(0, f"!{path}")
            top.required = (*top.required, path.removeprefix("/"))
        else:
            taken += [f"!{path}", f"!{path}/**"] if there.is_dir() else [f"!{path}"]
    if isinstance(listed, list):
        top.rules[_MANIFEST] = rules(["*", *taken])
    entries = [manifest.get("browser"), manifest.get("main"), *programs(manifest)]
    strict += [f"!/{each.removeprefix('./')}" for each in entries if isinstance(each, str) and each]
    top.rules[_STRICT] = rules(strict)
    return isinstance(listed, list)


def programs(manifest: Mapping[str, Any]) -> list[str]:
    """Return the paths of a package's programs."""
    found = manifest.get("bin")
    listed = [found] if isinstance(found, str) else list(found.values()) if isinstance(found, dict) else []
    return [each for each in listed if isinstance(each, str)]


def _walk(folder: _Folder, prefix: str) -> Iterator[str]:
    with os.scandir(folder.path) as listing:
        items = sorted(listing, key=lambda item: item.name)
    for item in items:
        if "*" in item.name or item.is_symlink():
            continue
        if item.is_file():
            if folder.takes(item.name):
                yield f"{prefix}{item.name}"
        elif item.is_dir() and item.name != "node_modules" and folder.takes(item.name, as_folder=True):
            yield from _walk(_below(folder, item), f"{prefix}{item.name}/")


def _below(folder: _Folder, item: "os.DirEntry[str]") -> _Folder:
    start = f"{item.name}/"
    required = tuple(each.removeprefix(start) for each in folder.required if each.startswith(start))
    inner = _Folder(
        path=Path(item.path),
        above=folder,
        exact=folder.takes(item.name) or folder.takes(start),
        required=required,
    )
    inner.rules[_DEFAULT] = rules(_NEVER)
    for name in _IGNORES:
        if (inner.path / name).is_file():
            inner.rules[name] = rules(texts.read(inner.path / name).splitlines())
            break
    inner.rules[_STRICT] = rules(["/.git", *(f"!{each}" for each in required if "/" not in each)])
    return inner


def described(folder: Path) -> Mapping[str, Any]:
    """Return a package.json as JSON; an empty one if it is not there, or is no object."""
    path = folder / _MANIFEST
    return texts.parse_object(texts.read(path)) if path.is_file() else {}
