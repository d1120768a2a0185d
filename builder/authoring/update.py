"""`layerwright update`: newer packages and images than the locks and pins have, as a patch or on a branch."""

import difflib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import field
from pathlib import Path

from builder.authoring import pin, tools
from builder.authoring.relock import relock
from builder.authoring.tools import ToolChange
from builder.base import cache_paths, contained, files, processes
from builder.base.emitter import Events
from builder.base.errors import BuildError, EngineError, LayerwrightError, UsageError
from builder.base.foreign import link, markdown
from builder.base.frozen import dataclass
from builder.model import images, recipes
from builder.model.limits import MB
from builder.model.recipes import Loaded
from builder.model.target import Target, targets
from builder.packages import table
from builder.plan.planning import plan

BRANCH = "layerwright/updates"
_MANYLINUX = re.compile(r"manylinux_2_(\d+)")


@dataclass(frozen=True, kw_only=True, slots=True)
class VersionChange:
    """One package whose version changed."""

    name: str
    old: str | None
    new: str | None
    changelog: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class WheelDemands:
    """What the wheels of a target demand of it."""

    bytes: int = 0
    """Bytes to download."""
    glibc: int | None = None
    """The newest glibc that a tag names, N of 2.N; None if none does."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Update:
    """The new locks of one recipe."""

    recipe: str
    changes: tuple[VersionChange, ...]
    files: Mapping[str, tuple[str, str]]
    """Old and new text, by path relative to the folder of recipes."""
    demands: Mapping[str, tuple[WheelDemands, WheelDemands]] = field(default_factory=dict)
    """Before and after, by target."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Proposal:
    """All that `update` would change."""

    updates: tuple[Update, ...]
    pins: tuple[tuple[str, str | None, str], ...] = ()
    """Image, old and new digest."""
    pins_text: tuple[str, str] | None = None
    """The file of pins, before and after."""
    tools: tuple[ToolChange, ...] = ()
    tools_texts: Mapping[Path, tuple[str, str]] = field(default_factory=dict)
    """The files of tools, before and after."""
    errors: Mapping[str, LayerwrightError] = field(default_factory=dict)
    """Errors by the name of their recipe, or `images`."""

    def __bool__(self) -> bool:
        return bool(self.updates or self.pins or self.tools)


def propose(loaded: Sequence[Loaded], *, pins: bool, events: Events) -> Proposal:
    """Look for newer packages and images. Writes nothing outside of the cache.

    An error of one recipe does not affect the others. Recipes that follow projects are updated by the projects' tools.
    """
    updates: list[Update] = []
    errors: dict[str, LayerwrightError] = {}
    for recipe in loaded:
        if recipe.follows or not table.of_recipe(recipe):
            continue
        try:
            with events.of(recipe.name).stage("looking for newer packages") as inner:
                update = _newer(recipe, inner)
        except LayerwrightError as error:
            errors[recipe.name] = error
        else:
            updates += [update] if update else []
    pin_changes: tuple[tuple[str, str | None, str], ...] = ()
    texts: tuple[str, str] | None = None
    if pins:
        events.begin("asking the registry for newer images")
        try:
            pin_changes, texts = _newer_images(events)
        except LayerwrightError as error:
            errors["images"] = error
    return Proposal(updates=tuple(updates), pins=pin_changes, pins_text=texts, errors=errors)


def propose_tools(events: Events) -> Proposal:
    """Look for newer versions of layerwright's own tools. Writes nothing outside of the cache."""
    changes = tools.newer(events)
    return Proposal(updates=(), tools=changes, tools_texts=tools.texts(changes))


def _newer(loaded: Loaded, events: Events) -> Update | None:
    """Write new locks in a copy of the recipe's folder, and return the differences."""
    if loaded.folder is None:
        return None
    with cache_paths.workspace() as work:
        copy = work / loaded.name
        contained.copy(loaded.folder, copy)
        fresh = recipes.load(work, loaded.name)
        changes = [change for locked in relock(fresh, upgrade=True, events=events) for change in locked.changes]
        files = dict(_differing(loaded.folder, copy, loaded.name))
        if not files:
            return None
        links = _changelogs(fresh, [name for name, _, new in changes if new])
        demands = {
            target.name: (_demands(loaded, target), _demands(fresh, target))
            for target in targets(loaded.recipe)
            if target.base.python
        }
    rows = [VersionChange(name=name, old=old, new=new, changelog=links.get(name)) for name, old, new in changes]
    return Update(recipe=loaded.name, changes=tuple(rows), files=files, demands=demands)


def _differing(old: Path, new: Path, name: str) -> Iterator[tuple[str, tuple[str, str]]]:
    names = table.lock_names()
    for path in sorted(path for path in new.rglob("*") if path.name in names or path.suffix == ".lock"):
        relative = path.relative_to(new)
        before = (old / relative).read_text(encoding="utf-8") if (old / relative).is_file() else ""
        after = path.read_text(encoding="utf-8")
        if before != after:
            yield f"{name}/{relative.as_posix()}", (before, after)


def _demands(loaded: Loaded, target: Target) -> WheelDemands:
    try:
        packages = plan(loaded, target).packages
    except LayerwrightError:
        return WheelDemands()
    tags = [int(text) for package in packages for text in _MANYLINUX.findall(package.file)[:1]]
    return WheelDemands(bytes=sum(package.bytes or 0 for package in packages), glibc=max(tags, default=None))


def _changelogs(loaded: Loaded, names: Sequence[str]) -> dict[str, str]:
    """Return the addresses of changelogs by package, as far as an index has them."""
    return {name: link for kind in table.of_recipe(loaded) for name, link in kind.changelogs(loaded, names).items()}


def _newer_images(
    events: Events,
) -> tuple[tuple[tuple[str, str | None, str], ...], tuple[str, str] | None]:
    file = images.pins_file()
    if not images.pinned():
        msg = f"{file} has no pins"
        raise EngineError(msg, hint="`layerwright images pin` writes the first pins")
    newest = pin.pin(pin.alive(), write=False, events=events)
    pinned = images.pinned()
    # Only images that are pinned already: an unattended update adds none.
    changes = tuple(change for change in newest.changes if change[0] in pinned)
    if not changes:
        return (), None
    with cache_paths.workspace() as work:
        images.write_pins(work / "pins.toml", {**pinned, **{path: new for path, _, new in changes}})
        after = (work / "pins.toml").read_text(encoding="utf-8")
    return changes, (file.read_text(encoding="utf-8"), after)


# ---- summary and patch ----------------------------------------------------------------------------------------------


def summary(proposal: Proposal) -> str:
    """Return the changes as Markdown, for the text of a pull request."""
    return "\n".join(_summary(proposal)) + "\n"


def _summary(proposal: Proposal) -> Iterator[str]:
    yield f"## Updates of {_counted(proposal)}"
    for update in proposal.updates:
        yield ""
        yield f"### {markdown(update.recipe)}"
        yield ""
        yield "| package | old | new | changelog |"
        yield "| --- | --- | --- | --- |"
        for change in update.changes:
            versions = f"{markdown(change.old or '(new)')} | {markdown(change.new or '(removed)')}"
            yield f"| {markdown(change.name)} | {versions} | {link(change.changelog or '')} |"
        if differing := [(name, *pair) for name, pair in update.demands.items() if pair[0] != pair[1]]:
            yield ""
            yield "| target | wheels, MB | newest tag |"
            yield "| --- | --- | --- |"
            for name, before, after in differing:
                sizes = f"{before.bytes / MB:.1f} → {after.bytes / MB:.1f}"
                yield f"| {markdown(name)} | {sizes} | {_tag(before)} → {_tag(after)} |"
    if proposal.pins:
        yield ""
        yield "| image | old | new |"
        yield "| --- | --- | --- |"
        for path, old, new in proposal.pins:
            yield f"| {markdown(path)} | {markdown((old or '(new)')[:19])} | {markdown(new[:19])} |"
    if proposal.tools:
        yield ""
        yield "| tool | old | new |"
        yield "| --- | --- | --- |"
        yield from (f"| {change.name} | {markdown(change.old)} | {markdown(change.new)} |" for change in proposal.tools)
    for name, error in proposal.errors.items():
        yield ""
        yield f"{markdown(name)} could not be examined: {markdown(error.what)}"


def _counted(proposal: Proposal) -> str:
    if proposal.tools:
        return f"{len(proposal.tools)} tools"
    return f"{len(proposal.updates)} recipes and {len(proposal.pins)} images"


def _tag(demands: WheelDemands) -> str:
    return "none" if demands.glibc is None else f"manylinux_2_{demands.glibc}"


def patch(proposal: Proposal, folder: Path, root: Path) -> str:
    """Return the changes as a patch for `git apply`, with paths relative to the repository's root."""
    pairs = [(folder / name, texts) for update in proposal.updates for name, texts in update.files.items()]
    if proposal.pins_text:
        pairs.append((images.pins_file(), proposal.pins_text))
    pairs.extend(proposal.tools_texts.items())
    return "".join(_diff(path, texts, root) for path, texts in pairs)


def _diff(path: Path, texts: tuple[str, str], root: Path) -> str:
    try:
        name = path.resolve().relative_to(root.resolve()).as_posix()
    except ValueError:
        msg = f"{path} is outside of the repository {root}"
        raise UsageError(msg, hint="set LAYERWRIGHT_PINS to a folder in the repository") from None
    before, after = (text.splitlines(keepends=True) for text in texts)
    old = f"a/{name}" if before else "/dev/null"
    body = "".join(difflib.unified_diff(before, after, old, f"b/{name}"))
    return f"diff --git a/{name} b/{name}\n{'' if before else 'new file mode 100644' + chr(10)}{body}"


def write_patch(folder: Path, text: str, about: str) -> Path:
    """Write the patch, and the summary beside it. Return the path of the patch."""
    files.write_text(folder / "updates.md", about)
    return files.write_text(folder / "updates.patch", text)


# ---- git -----------------------------------------------------------------------------------------------------------


def root_of(folder: Path) -> Path:
    """Return the top of the repository that a folder is in."""
    finished = processes.run(["git", "-C", str(folder), "rev-parse", "--show-toplevel"])
    if finished.returncode:
        msg = f"{folder} is not in a git repository, which a patch or a branch needs"
        raise UsageError(msg, why=finished.stderr.strip().splitlines()[-1:])
    return Path(finished.stdout.strip())


def on_branch(text: str, message: str, root: Path, name: str = BRANCH) -> str:
    """Commit a patch on a branch that starts at HEAD; replaces the branch. The work tree and its branch do not change.

    Raises UsageError if the branch is checked out, BuildError if the patch does not apply to HEAD.
    """
    current = processes.run(["git", "-C", str(root), "symbolic-ref", "--short", "--quiet", "HEAD"]).stdout.strip()
    if name == current:
        msg = f"`{name}` is checked out; updates are committed to another branch only"
        raise UsageError(msg, hint="name another with --branch")
    with cache_paths.workspace() as work:
        checkout = work / "tree"
        _git(root, "worktree", "add", "--quiet", "--detach", str(checkout), "HEAD")
        try:
            (work / "updates.patch").write_text(text, encoding="utf-8", newline="\n")
            _git(checkout, "apply", "--index", str(work / "updates.patch"))
            _git(checkout, "commit", "--quiet", "--message", message)
            _git(root, "branch", "--force", name, _git(checkout, "rev-parse", "HEAD"))
        finally:
            processes.run(["git", "-C", str(root), "worktree", "remove", "--force", str(checkout)])
    return name


def _git(where: Path, *arguments: str) -> str:
    finished = processes.run(["git", "-C", str(where), *arguments])
    if finished.returncode:
        msg = f"git {arguments[0]} failed"
        hint = "commit the locks first: updates start at HEAD" if arguments[0] == "apply" else None
        raise BuildError(msg, why=finished.stderr.strip().splitlines()[-4:], hint=hint)
    return finished.stdout.strip()
