"""What is newer than the locks and pins: as a patch with a summary, or on a branch of its own."""

import difflib
import re
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from builder.authoring import pin
from builder.authoring.relock import relock
from builder.base import cache_paths, processes
from builder.base.errors import BuildError, EngineError, LayerwrightError, UsageError
from builder.engine import client
from builder.model import images, recipes
from builder.model.limits import MB
from builder.model.recipes import Loaded
from builder.model.target import Target, targets
from builder.packages import table
from builder.plan.planning import plan

Report = Callable[[str], None]
BRANCH = "layerwright/updates"
_MANYLINUX = re.compile(r"manylinux_2_(\d+)")


@dataclass(frozen=True, kw_only=True, slots=True)
class Moved:
    """One package whose version changed."""

    name: str
    old: str | None
    new: str | None
    changelog: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Weight:
    """What a target's wheels ask of it: bytes to download, and the newest glibc (2.N) that a tag names."""

    bytes: int = 0
    glibc: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Update:
    """One recipe's new locks."""

    recipe: str
    moved: tuple[Moved, ...]
    files: Mapping[str, tuple[str, str]]
    """Old and new text, by path relative to the folder of recipes."""
    weights: Mapping[str, tuple[Weight, Weight]] = field(default_factory=dict)
    """Before and after, by target."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Proposal:
    updates: tuple[Update, ...]
    pins: tuple[tuple[str, str | None, str], ...] = ()
    """Image, old and new digest."""
    pins_text: tuple[str, str] | None = None
    """Of the file of pins, before and after."""
    errors: Mapping[str, LayerwrightError] = field(default_factory=dict)
    """What could not be brought up to date."""

    def __bool__(self) -> bool:
        return bool(self.updates or self.pins)


def propose(loaded: Sequence[Loaded], *, pins: bool, kind: tuple[str | None, str | None], report: Report) -> Proposal:
    """Look for newer packages and images. Nothing outside of the cache is written; one recipe's trouble is its own.

    `kind` is the engine and the builder that registries are asked through.
    """
    found: list[Update] = []
    errors: dict[str, LayerwrightError] = {}
    for one in loaded:
        if not table.of_recipe(one):
            continue
        report(f"looking for newer packages of {one.name}")
        try:
            update = _newer(one, report)
        except LayerwrightError as error:
            errors[one.name] = error
        else:
            found += [update] if update else []
    changed: tuple[tuple[str, str | None, str], ...] = ()
    texts: tuple[str, str] | None = None
    if pins:
        report("asking the registry for newer images")
        try:
            changed, texts = _newer_images(kind)
        except LayerwrightError as error:
            errors["images"] = error
    return Proposal(updates=tuple(found), pins=changed, pins_text=texts, errors=errors)


def _newer(one: Loaded, report: Report) -> Update | None:
    """Write new locks in a copy of the recipe's folder and compare."""
    if one.folder is None:
        return None
    with cache_paths.workspace() as work:
        copy = work / one.name
        shutil.copytree(one.folder, copy)
        fresh = recipes.load(work, one.name)
        moved = [change for locked in relock(fresh, upgrade=True, report=report) for change in locked.changes]
        files = dict(_differing(one.folder, copy, one.name))
        if not files:
            return None
        links = _changelogs(fresh, [name for name, _, new in moved if new])
        weights = {
            target.name: (_weight(one, target), _weight(fresh, target))
            for target in targets(one.recipe)
            if target.base.python
        }
    rows = [Moved(name=name, old=old, new=new, changelog=links.get(name)) for name, old, new in moved]
    return Update(recipe=one.name, moved=tuple(rows), files=files, weights=weights)


def _differing(old: Path, new: Path, name: str) -> Iterator[tuple[str, tuple[str, str]]]:
    names = table.lock_names()
    for path in sorted(path for path in new.rglob("*") if path.name in names or path.suffix == ".lock"):
        relative = path.relative_to(new)
        before = (old / relative).read_text(encoding="utf-8") if (old / relative).is_file() else ""
        after = path.read_text(encoding="utf-8")
        if before != after:
            yield f"{name}/{relative.as_posix()}", (before, after)


def _weight(one: Loaded, target: Target) -> Weight:
    try:
        packages = plan(one, target).packages
    except LayerwrightError:
        return Weight()
    tags = [int(text) for row in packages for text in _MANYLINUX.findall(row.file)[:1]]
    return Weight(bytes=sum(row.bytes or 0 for row in packages), glibc=max(tags, default=None))


def _changelogs(one: Loaded, names: Sequence[str]) -> dict[str, str]:
    """Return where packages tell what is new, as far as an index tells that."""
    return {name: link for kind in table.of_recipe(one) for name, link in kind.changelogs(one, names).items()}


def _newer_images(
    kind: tuple[str | None, str | None],
) -> tuple[tuple[tuple[str, str | None, str], ...], tuple[str, str] | None]:
    file = images.pins_file()
    if not images.pinned():
        msg = f"{file} pins nothing"
        raise EngineError(msg, hint="`layerwright images pin` begins it")
    found = pin.pin(client.find(*kind), pin.alive(), write=False)
    known = images.pinned()
    # Only what is pinned already: a nightly does not begin to follow images that nobody chose.
    changes = tuple(change for change in found.changes if change[0] in known)
    if not changes:
        return (), None
    with cache_paths.workspace() as work:
        images.write_pins(work / "pins.toml", {**known, **{path: new for path, _, new in changes}})
        after = (work / "pins.toml").read_text(encoding="utf-8")
    return changes, (file.read_text(encoding="utf-8"), after)


# ---- for people ----------------------------------------------------------------------------------------------------


def summary(found: Proposal) -> str:
    """Return what changes, in Markdown: the text of a pull request."""
    return "\n".join(_summary(found)) + "\n"


def _summary(found: Proposal) -> Iterator[str]:
    yield f"## Updates of {len(found.updates)} recipes and {len(found.pins)} images"
    for update in found.updates:
        yield ""
        yield f"### {update.recipe}"
        yield ""
        yield "| package | was | is | changelog |"
        yield "| --- | --- | --- | --- |"
        for one in update.moved:
            yield f"| {one.name} | {one.old or '(new)'} | {one.new or '(gone)'} | {one.changelog or ''} |"
        if weighed := [(name, *pair) for name, pair in update.weights.items() if pair[0] != pair[1]]:
            yield ""
            yield "| target | wheels, MB | newest tag |"
            yield "| --- | --- | --- |"
            for name, before, after in weighed:
                sizes = f"{before.bytes / MB:.1f} → {after.bytes / MB:.1f}"
                yield f"| {name} | {sizes} | {_tag(before)} → {_tag(after)} |"
    if found.pins:
        yield ""
        yield "| image | was | is |"
        yield "| --- | --- | --- |"
        for path, old, new in found.pins:
            yield f"| {path} | {(old or '(new)')[:19]} | {new[:19]} |"
    for name, error in found.errors.items():
        yield ""
        yield f"{name} could not be looked at: {error.what}"


def _tag(weight: Weight) -> str:
    return "none" if weight.glibc is None else f"manylinux_2_{weight.glibc}"


def patch(found: Proposal, folder: Path, root: Path) -> str:
    """Return the changes as `git apply` takes them, with paths relative to the repository's root."""
    pairs = [(folder / name, texts) for update in found.updates for name, texts in update.files.items()]
    if found.pins_text:
        pairs.append((images.pins_file(), found.pins_text))
    return "".join(_diff(path, texts, root) for path, texts in pairs)


def _diff(path: Path, texts: tuple[str, str], root: Path) -> str:
    try:
        name = path.resolve().relative_to(root.resolve()).as_posix()
    except ValueError:
        msg = f"{path} lies outside of {root}"
        raise UsageError(msg, hint="LAYERWRIGHT_PINS names the folder of pins; put it into the repository") from None
    before, after = (text.splitlines(keepends=True) for text in texts)
    old = f"a/{name}" if before else "/dev/null"
    body = "".join(difflib.unified_diff(before, after, old, f"b/{name}"))
    return f"diff --git a/{name} b/{name}\n{'' if before else 'new file mode 100644' + chr(10)}{body}"


# ---- git -----------------------------------------------------------------------------------------------------------


def root_of(folder: Path) -> Path:
    """Return the top of the repository that a folder is in."""
    finished = processes.run(["git", "-C", str(folder), "rev-parse", "--show-toplevel"])
    if finished.returncode:
        msg = f"{folder} is in no git repository, so there is nothing to make a branch or a patch for"
        raise UsageError(msg, why=finished.stderr.strip().splitlines()[-1:])
    return Path(finished.stdout.strip())


def on_branch(text: str, message: str, root: Path, name: str = BRANCH) -> str:
    """Commit a patch on a branch of its own, made from HEAD anew; the work tree and its branch stay as they are.

    Raises UsageError when the branch is the one at hand, BuildError when the patch does not apply to HEAD.
    """
    at_hand = processes.run(["git", "-C", str(root), "symbolic-ref", "--short", "--quiet", "HEAD"]).stdout.strip()
    if name == at_hand:
        msg = f"`{name}` is the branch at hand, and updates never go there by themselves"
        raise UsageError(msg, hint="--branch NAME takes another")
    with cache_paths.workspace() as work:
        place = work / "tree"
        _git(root, "worktree", "add", "--quiet", "--detach", str(place), "HEAD")
        try:
            (work / "updates.patch").write_text(text, encoding="utf-8", newline="\n")
            _git(place, "apply", "--index", str(work / "updates.patch"))
            _git(place, "commit", "--quiet", "--message", message)
            _git(root, "branch", "--force", name, _git(place, "rev-parse", "HEAD"))
        finally:
            processes.run(["git", "-C", str(root), "worktree", "remove", "--force", str(place)])
    return name


def _git(where: Path, *arguments: str) -> str:
    finished = processes.run(["git", "-C", str(where), *arguments])
    if finished.returncode:
        msg = f"git {arguments[0]} failed"
        hint = "are the locks committed? Updates are made on top of HEAD" if arguments[0] == "apply" else None
        raise BuildError(msg, why=finished.stderr.strip().splitlines()[-4:], hint=hint)
    return finished.stdout.strip()
