"""The Protocol that every package ecosystem implements, and the values that cross it.

`packages/table.py` lists the ecosystems. Nothing outside of `packages/` names one: a plan holds one `Resolution` for
each ecosystem that its steps ask for, and everything else loops over them.
"""

import os
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import field
from pathlib import Path
from typing import Any, ClassVar, Protocol, TypeVar

from builder.base import credentials
from builder.base.emitter import Events
from builder.base.errors import UsageError, near
from builder.base.frozen import dataclass
from builder.layer.installed import Installed
from builder.layer.tree import Tree
from builder.model.recipes import Loaded
from builder.model.runtimes import Runtime
from builder.model.steps import Step
from builder.model.target import Target, steps, targets
from builder.packages.command_line import CommandLinePackages
from builder.packages.default_tests import DefaultTest
from builder.packages.dividing import Divider
from builder.packages.projects import FoundProject, ProjectRequest
from builder.packages.resolution import Resolution

S = TypeVar("S")
Change = tuple[str, str | None, str | None]
"""Package, old version or None, new version or None."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Request:
    """The steps of one target that take packages from an ecosystem."""

    loaded: Loaded
    target: Target
    steps: tuple[tuple[int, Step], ...]
    """The steps of this ecosystem that apply to the target, with their numbers from 1; at least one."""
    may_compile: bool = True
    """False if nothing may need a container, as with `--route wheels`."""

    def only(self, kind: type[S]) -> S:
        """Return the only step of a kind. Raises UsageError for two, because one lock cannot serve both."""
        matching = [step for _, step in self.steps if isinstance(step, kind)]
        if len(matching) > 1:
            followed = [project for step in matching if (project := getattr(step, "project", None))]
            if len(followed) == len(matching):
                raise self._several_projects(followed)
            msg = f'{self.target.name}: two steps have `uses = "{self.steps[0][1].uses}"`'
            raise UsageError(msg, hint="name all packages in one step, so that they are resolved together")
        return matching[0]

    def _several_projects(self, followed: Sequence[str]) -> UsageError:
        """Return the error for projects whose locks do not agree on versions, with the way to a layer of each."""
        names, uses = " and ".join(followed), self.steps[0][1].uses
        msg = f"{self.target.name}: {names} are locked one by one, and a layer of {uses} packages has one lock"
        folders = [Path(os.path.relpath(self.loaded.project(project))).as_posix() for project in followed]
        each = " and ".join(f"`layerwright build {folder}`" for folder in folders)
        ways = f"{each} make a layer each" if self.loaded.adhoc else "write a recipe for each"
        return UsageError(msg, hint=f"{ways}; the root of a workspace has one lock for all of its members")

    @property
    def number(self) -> int:
        """The number of the last step."""
        return self.steps[-1][0]


def requests(loaded: Loaded, kind: type[Any]) -> Iterator[Request]:
    """Yield a request for each target of a recipe that has steps of a kind. Raises UsageError for one without steps."""
    for target in targets(loaded.recipe):
        chosen = tuple(row for row in steps(loaded.recipe, target) if isinstance(row[1], kind))
        if chosen:
            yield Request(loaded=loaded, target=target, steps=chosen)


@dataclass(frozen=True, kw_only=True, slots=True)
class LockFile:
    """The new content of a lock."""

    path: Path
    text: str | None
    """None removes the file."""
    packages: int
    changes: tuple[Change, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class LockRequest:
    """A recipe to be locked."""

    loaded: Loaded
    upgrade: bool
    """Take the newest versions. Otherwise versions are kept where the recipe still allows them."""
    events: Events = field(repr=False, compare=False, default_factory=Events)


class Ecosystem(Protocol):
    """One kind of packages, as the other rooms use it. Implementations inherit the defaults.

    Methods import what only they need: a table of all ecosystems costs no more than what is common to every command.
    """

    name: ClassVar[str]
    """For example `pypi`: the type of its package URLs."""
    step: ClassVar[type[Any]]
    """The class of its steps in a recipe."""
    locks: ClassVar[tuple[str, ...]]
    """Names of the files beside a recipe that pin its packages; the first decides whether a recipe is locked."""
    environment: ClassVar[frozenset[str]] = frozenset()
    """Variables of the host that its tools read in containers as well, such as a mirror; handed over as a secret."""
    leftovers: ClassVar[Mapping[str, Sequence[str]]] = {}
    """Files of installers that no function reads: patterns as in .gitignore, by the name of the rule."""
    marks: ClassVar[Sequence[str]] = ()
    """Names of files that mark a folder as a project of it, manifests and locks; may be patterns."""
    prune: ClassVar[tuple[str, ...]] = ()
    """Patterns of what its layers do without, unless a recipe says something else."""
    divider: ClassVar[Divider[Any] | None] = None
    """How its layers are split; None if they cannot be."""

    def lint(self, loaded: Loaded) -> None:
        """Raise UsageError for what `resolve` would refuse whatever the index offers, locks included. Asks nobody."""

    def resolve(self, request: Request) -> Resolution | None:
        """Decide on the packages of a target, from the lock or by asking the index. Executes nothing of them.

        None if the steps name no package for this target. Raises UsageError for a lock that does not fit, BuildError
        for unavailable packages, UnreachableError if the index does not respond.
        """

    def store(self, resolution: Resolution) -> dict[str, Any] | None:
        """Return a resolution as JSON, without credentials; None if it is another ecosystem's."""

    def restore(self, document: Mapping[str, Any]) -> Resolution:
        """Return the resolution that `store` wrote. Raises UsageError or UntrustedError for what it never writes."""

    def lock(self, request: LockRequest) -> Iterator[LockFile]:
        """Yield the locks of a recipe."""

    def pinned(self, request: Request) -> Mapping[str, Collection[str]]:
        """Return the versions of each package in the lock; empty without one. UsageError for one that is damaged."""

    def lock_path(self, loaded: Loaded) -> Path | None:
        """Return the file that pins the packages of a recipe, whether or not it exists; None if there can be none."""
        return loaded.lock_named(self.locks[0])

    def command_line(self, texts: Sequence[str], file: Path | None) -> CommandLinePackages | None:  # noqa: ARG002
        """Return packages that a command line names; None if it cannot. Raises UsageError for others."""
        return None

    def project(self, request: ProjectRequest) -> FoundProject | None:  # noqa: ARG002
        """Return the project in a folder; None if it has none that is followed. UsageError for one that is damaged."""
        return None

    def project_inputs(self, request: ProjectRequest) -> Mapping[str, str]:  # noqa: ARG002
        """Return what decides the packages of a project that a step follows: a SHA-256 by a name in reasons.

        Names are paths relative to the repository. Raises nothing for a project that is damaged: the build tells.
        """
        return {}

    def local_inputs(self, loaded: Loaded) -> Mapping[str, str]:  # noqa: ARG002
        """Return the hashes of the folders that packages of a recipe are made of, by their paths in the repository.

        Raises nothing for what is damaged: the build tells.
        """
        return {}

    def changelogs(self, loaded: Loaded, names: Sequence[str]) -> Mapping[str, str]:  # noqa: ARG002
        """Return the addresses of changelogs by package, as far as the metadata in the index has them."""
        return {}

    def installed(self, tree: Tree) -> Iterable[Installed]:
        """Yield the packages in anybody's layer, with their licenses."""

    def tests(self, tree: Tree, runtime: Runtime) -> Iterable[DefaultTest]:  # noqa: ARG002
        """Yield the tests of a layer that has none of its own."""
        return ()


# ---- errors and changes, worded alike for all -----------------------------------------------------------------------


def differing(name: str, who: str, asked: str | None, locked: str | None) -> str:
    """Return what is asked for of a package, and what its lock was made for; None for nothing."""
    now, then = ("nothing" if each is None else each for each in (asked, locked))
    return f"{name}: {who} asks for {now}, the lock is for {then}"


def stale(loaded: Loaded, lock: str, why: Iterable[str], command: str | None = None) -> UsageError:
    """Return the error for a lock that was made for other packages than those of the recipe."""
    by = command or f"layerwright lock {loaded.name}"
    msg = f"the {lock} of {loaded.name} does not fit its recipe"
    return UsageError(msg, why=why, hint=f"`{by}` brings it up to date")


def unreadable(where: str, lock: str, why: Iterable[str], command: str = "layerwright lock") -> UsageError:
    """Return the error for a file that is not a lock of the ecosystem."""
    return UsageError(f"{where} is not a valid {lock}", why=why, hint=f"`{command}` writes it anew")


def unindexed(*, packages: str, why: Iterable[str], way: str) -> UsageError:
    """Return the error of requirements that name a folder of this host, a repository, or what nothing can read.

    `packages` is their kind in the plural, `way` continues the hint with how a package of an index is made of one.
    """
    msg = f"{packages} are not packages of an index, or cannot be read"
    hint = f"folders and repositories are not built, since their programs would run on this host; {way}"
    return UsageError(msg, why=[credentials.redact(text) for text in why], hint=hint)


def changes(before: Mapping[tuple[str, str], str], after: Mapping[tuple[str, str], str]) -> tuple[Change, ...]:
    """Return the differences of two locks. Keys are a scope, such as a target or a folder, and a package's name."""
    differing = {
        (key[1], before.get(key), after.get(key)) for key in {**before, **after} if before.get(key) != after.get(key)
    }
    return tuple(sorted(differing, key=lambda change: (change[0], change[1] or "", change[2] or "")))


def refuse_unknown(target: Target, key: str, names: Collection[str], required: Collection[str]) -> None:
    """Raise UsageError for a list in a step with packages that are not required, and name those that are alike.

    What the list has already is nobody's mistyped name.
    """
    if wrong := sorted(set(names) - set(required)):
        others = set(required) - set(names)
        msg = f"{target.name}: `{key}` names {', '.join(wrong)}, which nothing here requires"
        raise UsageError(msg + "".join(dict.fromkeys(near(name, others) for name in wrong)))
