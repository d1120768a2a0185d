"""Every field of what a plan is made of is declared: it decides keys, the zip, what stands beside it, or nothing.

A field that nobody declared fails, so does one that decides something else than is declared here.
"""

import copy
import dataclasses
import re
import types
import typing
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kit.golden import GOLDEN, stored

from builder.model.images import Image
from builder.model.steps import Script
from builder.packages import table
from builder.plan import keys
from builder.plan.decide import decide
from builder.plan.plan import Plan
from builder.plan.resolved import Resolved

KEY, ZIP, BESIDE, NOTHING = "key", "zip", "beside", "nothing"
"""The key of a part, else the bytes of the zip, else only its manifest."""
PARTS = "parts"
"""A field whose own fields are declared."""
CHOOSES = "chooses"
"""What or where something is, which was followed already: another value makes another plan, or none."""
Verdict = str | Callable[[Plan], str]
Leaf = tuple[tuple[Any, ...], str, str]
"""The way to a value, the class that it is a field of, and the field."""


def if_(holds: Callable[[Plan], bool], then: str, otherwise: Verdict) -> Callable[[Plan], str]:
    return lambda plan: then if holds(plan) else verdict_for(otherwise, plan)


def verdict_for(verdict: Verdict, plan: Plan) -> str:
    return verdict if isinstance(verdict, str) else verdict(plan)


def scripted(plan: Plan) -> bool:
    return bool(plan.container and any(isinstance(step, Script) for _, step in plan.container.steps))


def contained(plan: Plan) -> bool:
    return plan.container is not None


def compiling(plan: Plan) -> bool:
    return bool(plan.container and plan.container.compiling)


def wheels(plan: Plan) -> bool:
    return bool(plan.container and plan.container.compiled)


def blocks(plan: Plan) -> bool:
    return bool(plan.container and plan.container.blocks)


def minimal(plan: Plan) -> bool:
    return contained(plan) and plan.target.base.assumed_manager == "microdnf"


def unpinned(plan: Plan) -> bool:
    return plan.container is not None and plan.container.image.digest is None


def unnamed_source(plan: Plan) -> bool:
    return contained(plan) and any(source.name is None for source in plan.recipe.source)


def without_python(plan: Plan) -> bool:
    """The image of the runtime compiles the bytecode."""
    return plan.interpreter is not None and "@" in plan.interpreter


def bytecode(plan: Plan) -> bool:
    return plan.interpreter is not None


key = if_(contained, KEY, NOTHING)
toolchain = if_(compiling, KEY, NOTHING)
headers = if_(blocks, KEY, NOTHING)
wheel = if_(wheels, KEY, ZIP)
block = if_(blocks, KEY, ZIP)
nothing = dict.fromkeys
DECLARED: Mapping[str, Mapping[str, Verdict]] = {
    "Resolved": {
        **nothing(["target", "recipe", "resolutions", "copied", "run_image", "build_image"], PARTS),
        "recipe_files": if_(scripted, KEY, NOTHING),
        "python": if_(bytecode, ZIP, NOTHING),
        "compression": ZIP,
        "warnings": NOTHING,
    },
    "Target": {
        "layer": if_(scripted, KEY, BESIDE),
        "version": if_(scripted, KEY, BESIDE),
        "runtimes": PARTS,
        "architectures": PARTS,
        "split_by": CHOOSES,
    },
    "Runtime": {
        "name": if_(contained, KEY, ZIP),
        "os": PARTS,
        "language": CHOOSES,
        "series": lambda plan: {"python": key(plan), "ruby": CHOOSES, "nodejs": headers(plan)}.get(
            plan.target.base.language, NOTHING
        ),
        "image": if_(minimal, KEY, if_(without_python, ZIP, NOTHING)),
        "build_image": if_(minimal, KEY, NOTHING),
        "own_tools": key,
        "surveyed_manager": CHOOSES,
        "surveyed_libraries": CHOOSES,
        **nothing(
            ["directories", "environment", "provides", "deprecated", "block_create", "block_update", "preview"],
            NOTHING,
        ),
    },
    "OperatingSystem": {
        "name": CHOOSES,
        "age": CHOOSES,
        "package_manager": CHOOSES,
        "own_tools": CHOOSES,
        "toolchain": toolchain,
        **nothing(
            [
                *("title", "glibc", "glibcxx", "glibcxx_image", "cxxabi", "cxxabi_image", "libgcc", "libgcc_image"),
                *("manylinux", "uv_platforms"),
            ],
            NOTHING,
        ),
    },
    "Architecture": {
        "name": CHOOSES,
        **nothing(["machine", "docker", "flags", "loader"], key),
        **nothing(["npm", "elf", "oldest_manylinux", "baseline"], NOTHING),
    },
    "Image of run_image": {"name": NOTHING, "digest": if_(without_python, ZIP, NOTHING)},
    "Image of build_image": {"name": if_(unpinned, KEY, NOTHING), "digest": key},
    "Copied": {"source": NOTHING, "to": ZIP, "executable": ZIP, "sha256": ZIP},
    "Recipe": {
        **nothing(["layer", "source", "step", "slim", "libraries", "allow"], PARTS),
        **nothing(["targets", "override", "test", "publish"], NOTHING),
    },
    "Layer": {
        "name": if_(unnamed_source, KEY, BESIDE),
        "version": NOTHING,
        **nothing(["description", "license", "homepage"], BESIDE),
    },
    "Source": {"url": BESIDE, "git": BESIDE, "sha256": KEY, "commit": KEY, "name": CHOOSES},
    "Slim": nothing(["prune", "keep", "keep_imported", "strip", "bytecode"], ZIP),
    "Libraries": {"bundle": ZIP, "license": ZIP, "dlopen": if_(contained, KEY, ZIP)},
    "Allow": nothing(["check", "reason", "path"], BESIDE),
    "Packages": {"uses": CHOOSES, "install": KEY, "layer": CHOOSES, "when": CHOOSES},
    "Build": {"uses": CHOOSES, "source": CHOOSES, "build": CHOOSES, "options": KEY, "when": CHOOSES},
    "Script": {"uses": CHOOSES, "run": KEY, "network": KEY, "secrets": KEY, "env": KEY, "when": CHOOSES},
    "Copy": {"uses": CHOOSES, "when": CHOOSES, **nothing(["files", "to", "executable"], NOTHING)},
    "Pip": {
        **nothing(["uses", "when"], CHOOSES),
        **nothing(["requirements", "file", "wheels", "without", "build_requires", "network"], NOTHING),
        **nothing(["project", "file_of_project", "groups", "extras", "no_groups", "with_project"], NOTHING),
    },
    "Npm": {
        **nothing(["uses", "when"], CHOOSES),
        **nothing(["packages", "file", "skip_scripts", "versioned"], NOTHING),
        **nothing(["project", "file_of_project", "groups", "extras", "no_groups", "with_project"], NOTHING),
    },
    "Gem": {
        **nothing(["uses", "when"], CHOOSES),
        **nothing(["gems", "file", "without", "precompiled", "options"], NOTHING),
        **nothing(["project", "file_of_project", "groups", "extras", "no_groups", "with_project"], NOTHING),
    },
    "Maven": {**nothing(["uses", "when"], CHOOSES), **nothing(["all_platforms", "artifacts", "transitive"], NOTHING)},
    "Cargo of step": {
        **nothing(["uses", "when"], CHOOSES),
        **nothing(["path", "crate", "features", "default_features", "bins", "to"], NOTHING),
    },
    "Cargo of asked": {
        **nothing(["uses", "when"], CHOOSES),
        **nothing(["path", "crate"], NOTHING),
        **nothing(["features", "default_features", "bins", "to"], KEY),
    },
    "Go": {
        **nothing(["uses", "when"], CHOOSES),
        **nothing(["package", "path", "main", "name", "to", "tags", "variables", "cgo"], NOTHING),
    },
    "Wheels": {
        "target": NOTHING,
        "routes": PARTS,
        "locked": BESIDE,
        "has_bytecode": if_(bytecode, ZIP, NOTHING),
        "uv": ZIP,
        "steps": CHOOSES,
        "last_step": CHOOSES,
        "build_files": PARTS,
        "unavailable": NOTHING,
        "online": CHOOSES,
        "warnings": NOTHING,
        "reasons": NOTHING,
        "indexes": NOTHING,
    },
    "Indexes": nothing(["default", "extra", "links", "only_links", "trusted", "equal", "bound"], NOTHING),
    "Index": nothing(["url", "name", "flat", "password_in"], NOTHING),
    "Binding": nothing(["index", "marker", "version"], NOTHING),
    "Route": {"package": PARTS, "sdist": PARTS, "origin": PARTS, **nothing(["kind", "reason", "size"], NOTHING)},
    "Origin": nothing(["kind", "address", "digest", "commit"], BESIDE),
    "Pinned": {
        "name": wheel,
        "version": wheel,
        "filename": ZIP,
        "sha256": ZIP,
        "direct": NOTHING,
    },
    "BuildFile": {"name": NOTHING, "version": NOTHING, "file": PARTS},
    "Dist": {"sha256": KEY, **nothing(["filename", "size", "url"], NOTHING)},
    "NodeModules": {
        "target": NOTHING,
        "step": CHOOSES,
        "installs": PARTS,
        "locked": BESIDE,
        "scripts": CHOOSES,
        **nothing(["manifest", "lock", "folder"], block),
        "project": NOTHING,
        "local": NOTHING,
        "warnings": NOTHING,
    },
    "NodePackage": nothing(["name", "version", "path", "integrity", "scripted"], NOTHING),
    "LocalPackage": nothing(["name", "version", "file", "integrity", "folder", "files", "path", "packed"], NOTHING),
    "Gems": {
        "target": NOTHING,
        "step": CHOOSES,
        "gems": PARTS,
        "series": block,
        "index": NOTHING,
        "locked": BESIDE,
        "unsummed": NOTHING,
        "own": PARTS,
    },
    "OwnGem": {
        **nothing(["name", "version", "needs", "require_paths", "license", "files"], ZIP),
        **nothing(["path", "folder", "revision", "below"], NOTHING),
    },
    "ChosenGem": {"spec": PARTS, "compiled": CHOOSES, "reason": NOTHING, "options": block},
    "Spec": {**nothing(["name", "version", "platform", "sha256"], block), "needs": NOTHING, "remote": NOTHING},
    "Jars": {"jars": PARTS, "locked": BESIDE, "warnings": NOTHING},
    "Jar": nothing(["coordinates", "sha256"], ZIP),
    "Crates": {
        "step": CHOOSES,
        "asked": PARTS,
        "name": KEY,
        "version": KEY,
        "crates": PARTS,
        "folder": NOTHING,
        "files": PARTS,
        "texts": NOTHING,
        "locked": BESIDE,
    },
    "Crate": nothing(["name", "version", "sha256", "needs"], KEY),
    "SourceFile": nothing(["path", "sha256", "link"], KEY),
    "Programs": {"programs": PARTS, "locked": BESIDE},
    "Program": {
        "step": CHOOSES,
        **nothing(["package", "file", "tags", "variables", "cgo", "lock"], KEY),
        "modules": NOTHING,
        "folder": NOTHING,
        "files": PARTS,
    },
}
"""By class, or by class and the field that it is in; `texts` and what a lock lists follow from other fields."""


PAIRS = {"variables", "recipe_files"}
"""Fields of pairs, where an empty one does not say so."""
WHOLE = {"Targets", "Override", "When", "Test", "Invoke", "Publish", "Require"}
"""Classes of fields that decide nothing, or choose: the field that holds them is declared."""

# ---- nobody forgets a field ----------------------------------------------------------------------------------------


def reached(cls: Any, seen: set[type]) -> set[type]:
    """Return the dataclasses that the fields of one lead to."""
    if dataclasses.is_dataclass(cls) and isinstance(cls, type) and cls not in seen:
        seen.add(cls)
        hints = typing.get_type_hints(cls)
        for field in dataclasses.fields(cls):
            reached(hints[field.name], seen)
    for part in typing.get_args(cls):
        reached(part, seen)
    return seen


def declared(name: str, field: str) -> Mapping[str, Verdict]:
    return DECLARED.get(f"{name} of {field}") or DECLARED[name]


def test_every_field_is_declared() -> None:
    roots = [Resolved, *(ecosystem._resolution for ecosystem in table.ECOSYSTEMS)]  # type: ignore[attr-defined]  # noqa: SLF001
    classes = {cls.__name__: cls for root in roots for cls in reached(root, set())}
    titles = {name: [title for title in DECLARED if title.partition(" ")[0] == name] for name in classes}
    assert {name for name, found in titles.items() if not found} == WHOLE
    for name, cls in classes.items():
        for title in titles[name]:
            assert DECLARED[title].keys() == {field.name for field in dataclasses.fields(cls)}, title
    assert sum(map(len, titles.values())) == len(DECLARED)


# ---- each decides what is declared ---------------------------------------------------------------------------------


def leaves(value: Any, way: tuple[Any, ...] = (), field: str = "") -> Iterator[Leaf]:
    """Yield the fields that are declared to decide something, or nothing, of everything in a value.

    Of several runtimes or architectures, a zip is built on the first.
    """
    if isinstance(value, tuple):
        for number, each in enumerate(value[:1] if field in {"runtimes", "architectures"} else value):
            yield from leaves(each, (*way, number), field)
    elif dataclasses.is_dataclass(value):
        name = type(value).__name__
        for each, verdict in declared(name, field).items():
            if verdict == PARTS:
                yield from leaves(getattr(value, each), (*way, each), each)
            elif verdict != CHOOSES and not (name == "Source" and getattr(value, each) is None):
                yield (*way, each), f"{name} of {field}", each


def at(value: Any, way: tuple[Any, ...]) -> Any:
    for step in way:
        value = value[step] if isinstance(step, int) else getattr(value, step)
    return value


def changed(value: Any, way: tuple[Any, ...], new: Any) -> Any:
    """Return a value with another one at the end of a way. Nothing is validated."""
    if not way:
        return new
    step, rest = way[0], way[1:]
    if isinstance(step, int):
        return (*value[:step], changed(value[step], rest, new), *value[step + 1 :])
    made = copy.copy(value)
    object.__setattr__(made, step, changed(getattr(value, step), rest, new))
    return made


def another(value: Any, text: str) -> Any:
    """Return a value of the same type that differs."""
    if isinstance(value, str) and re.fullmatch(r"[0-9a-f]{40,64}", value):
        return f"{'0' if value[0] != '0' else '1'}{value[1:]}"
    if isinstance(value, tuple):
        return (*value, (text, text) if value and isinstance(value[0], tuple) else text)
    for kind, other in OTHERS.items():
        if isinstance(value, kind):
            return other(value, text)
    return types.SimpleNamespace(told=text)  # of a table that nothing reads


OTHERS: Mapping[type, Callable[[Any, str], Any]] = {
    str: lambda value, text: value + text,
    type(None): lambda _, text: text,
    bool: lambda value, _: not value,
    int: lambda value, _: value + 1,
    Path: lambda value, text: value / text,
    dict: lambda value, text: {**value, text: text},
}


@cache
def plan(name: str) -> Plan:
    return decide(stored(name))


def outcome(before: Plan, after: Plan) -> str:
    if _parts(before) != _parts(after):
        return KEY
    if before.inputs() != after.inputs():
        return ZIP
    return NOTHING if before.beside() == after.beside() else BESIDE


def _parts(made: Plan) -> list[tuple[str, str]]:
    return [(part.stage, part.key) for part in keys.parts(made.container)] if made.container else []


def decided(name: str, leaf: Leaf, text: str) -> tuple[str, str]:
    """Return what a change of one field changes, and what it is declared to."""
    way, owner, field = leaf
    before = stored(name)
    value = at(before, way)
    new = ((text, text),) if field in PAIRS and not value else another(value, text)
    after = decide(changed(before, way, new))
    expected = verdict_for(declared(*owner.split(" of "))[field], plan(name))
    assert expected == CHOOSES or (expected in {KEY, ZIP, BESIDE}) == (plan(name).digest != after.digest)
    found = outcome(plan(name), after)
    return found, found if expected == CHOOSES else expected


@cache
def every_leaf(name: str) -> list[Leaf]:
    return list(leaves(stored(name)))


def first_of_each(name: str) -> Iterator[Leaf]:
    seen = set()
    for way, owner, field in every_leaf(name):
        if (owner, field) not in seen:
            seen.add((owner, field))
            yield way, owner, field


@pytest.mark.parametrize("name", GOLDEN)
def test_each_field_decides_what_is_declared(name: str) -> None:
    wrong = {}
    for leaf in first_of_each(name):
        found, expected = decided(name, leaf, "7")
        if found != expected:
            wrong[".".join(map(str, leaf[0]))] = f"changes {found}, declared {expected}"
    assert wrong == {}


@given(st.data())
def test_any_change_anywhere_decides_what_is_declared(data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(list(GOLDEN)))
    leaf = data.draw(st.sampled_from(every_leaf(name)))
    text = data.draw(st.from_regex(r"[1-9]{1,9}", fullmatch=True))
    found, expected = decided(name, leaf, text)
    assert found == expected, leaf


def test_a_mirror_and_a_tag_decide_nothing_where_a_digest_does() -> None:
    before = stored("autotools")
    pinned = "sha256:" + "1" * 64
    first, second = (
        decide(dataclasses.replace(before, build_image=Image(name=name, digest=pinned)))
        for name in ("public.ecr.aws/sam/one:latest", "mirror.example.com:5000/sam/one:today")
    )
    assert outcome(first, second) == NOTHING
    third = decide(dataclasses.replace(before, build_image=Image(name="x", digest="sha256:" + "2" * 64)))
    assert outcome(first, third) == KEY
