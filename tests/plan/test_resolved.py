"""What is asked of the world, stored as JSON and read back."""

import copy
import dataclasses
import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kit.golden import FOLDER, GOLDEN, stored

from builder.base.errors import LayerwrightError, UsageError
from builder.packages.pypi.dist import Dist
from builder.packages.pypi.install import Pinned
from builder.packages.pypi.resolution import Wheels
from builder.packages.rubygems.resolution import Gems
from builder.plan.decide import decide
from builder.plan.resolved import Resolved, from_json

DOCUMENTS = {name: json.loads((FOLDER / f"{name}.resolution.json").read_text(encoding="utf-8")) for name in GOLDEN}


@pytest.mark.parametrize("name", GOLDEN)
def test_what_is_stored_reads_back_equal(name: str) -> None:
    resolved = stored(name)
    again = from_json(json.loads(json.dumps(resolved.to_json())))
    assert again == resolved
    assert again.to_json() == DOCUMENTS[name]
    assert decide(again) == decide(resolved)


def ways(value: Any, way: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield the ways to all values of a document."""
    yield way
    for key in value if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ():
        yield from ways(value[key], (*way, key))


def put(document: Any, way: tuple[Any, ...], value: Any) -> Any:
    made = copy.deepcopy(document)
    place = made
    for step in way[:-1]:
        place = place[step]
    place[way[-1]] = value
    return made


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.text(max_size=9)
    | st.sampled_from(["../x", "a\nb", "/etc", "0" * 64]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=4,
)


@given(st.data())
def test_another_document_is_another_value_or_an_error(data: st.DataObject) -> None:
    """Nothing that is stored is read as something else, and nothing else than our errors comes of it."""
    document = DOCUMENTS[data.draw(st.sampled_from(list(GOLDEN)))]
    way = data.draw(st.sampled_from([way for way in ways(document) if way]))
    changed = put(document, way, data.draw(JSON))
    try:
        resolved = from_json(changed)
    except LayerwrightError:
        return
    assert isinstance(resolved, Resolved)
    assert resolved.to_json() == changed


FORGED = {
    "a path out of the layer": ("several", ("copied", 0, "to"), "../x"),
    "a digest that is none": ("copy", ("copied", 0, "sha256"), "0" * 63),
    "a runtime that Lambda does not have": ("wheels", ("target", "runtimes", 0), "python2.7"),
    "an architecture": ("wheels", ("target", "architectures", 0), "mips"),
    "an image with a line break": ("pip", ("build_image", "name"), "a\nRUN evil"),
    "the digest of an image": ("pip", ("build_image", "digest"), "sha256:x"),
    "a step with another key": ("pip", ("recipe", "step", 0, "evil"), "x"),
    "an ecosystem": ("pip", ("resolutions", 0, "ecosystem"), "evil"),
    "a key that nobody wrote": ("pip", ("resolutions", 0, "evil"), "x"),
    "a package's name": ("pip", ("resolutions", 0, "routes", 0, "package", "name"), "a; touch /x"),
    "a package's version": ("pip", ("resolutions", 0, "routes", 0, "package", "version"), "1 --index-url x"),
    "a wheel's file": ("wheels", ("resolutions", 0, "routes", 0, "package", "filename"), "../x.whl"),
    "an sdist's digest": ("pip", ("resolutions", 0, "routes", 0, "sdist", "sha256"), "A" * 64),
    "a build requirement": ("pip", ("resolutions", 0, "build_pins"), ["--index-url http://x"]),
    "uv's version": ("pip", ("resolutions", 0, "uv"), "1 && evil"),
    "a folder of node_modules": ("npm", ("resolutions", 0, "installs", 0, "path"), "node_modules/../../x"),
    "a script's package": ("npm", ("resolutions", 0, "scripts"), ["$(evil)"]),
    "the folder of node_modules": ("npm", ("resolutions", 0, "folder"), "../x"),
    "a lock of a repository": ("npm", ("resolutions", 0, "lock"), '{"lockfileVersion": 3, "packages": {}}'),
    "a package.json of a repository": (
        "npm",
        ("resolutions", 0, "manifest"),
        '{"dependencies": {"x": "git+https://example.com/x.git"}}',
    ),
    "a go.mod of a folder": ("go", ("resolutions", 0, "programs", 0, "lock", 0), "module m\nreplace a => ../../x\n"),
    "a go.sum": ("go", ("resolutions", 0, "programs", 0, "lock", 1), "x"),
    "a gem's name": ("gem", ("resolutions", 0, "gems", 0, "spec", "name"), "a b"),
    "a gem's platform": ("gem", ("resolutions", 0, "gems", 0, "spec", "platform"), "$(x)"),
    "the ABI of a Ruby": ("gem", ("resolutions", 0, "series"), "../3.3.0"),
    "the index of gems": ("gem", ("resolutions", 0, "index"), "ssh://x"),
    "a jar": ("maven", ("resolutions", 0, "jars", 0, "coordinates"), "a:..:1"),
    "a crate": ("cargo", ("resolutions", 0, "crates", 0, "name"), "a\nb"),
    "a crate's version": ("cargo", ("resolutions", 0, "version"), "1"),
    "what a crate needs": ("cargo", ("resolutions", 0, "crates", 0, "needs"), ["a b c"]),
    "a file of a project": ("cargo-project", ("resolutions", 0, "files", 0, "path"), "../x"),
    "a program's import path": ("go", ("resolutions", 0, "programs", 0, "package"), "a b"),
    "a program's file": ("go", ("resolutions", 0, "programs", 0, "file"), "../x"),
    "a module's hash": ("go", ("resolutions", 0, "programs", 0, "modules", 0, 1), "h1:x"),
    "a module's path": ("go", ("resolutions", 0, "programs", 0, "modules", 0, 0, "path"), "a b"),
}


@pytest.mark.parametrize("what", FORGED)
def test_a_forged_value_is_refused(what: str) -> None:
    name, way, value = FORGED[what]
    with pytest.raises(LayerwrightError):
        from_json(put(DOCUMENTS[name], way, value))


def test_another_version_is_told() -> None:
    with pytest.raises(UsageError, match="a stored plan has the version 3, and this layerwright reads 2"):
        from_json({**DOCUMENTS["copy"], "version": 3})


def test_credentials_are_not_stored() -> None:
    private = "https://user:secret@example.com/"
    wheels, gems = stored("pip").resolutions[0], stored("gem").resolutions[0]
    assert isinstance(wheels, Wheels)
    assert isinstance(gems, Gems)
    (route,) = (route for route in wheels.routes if route.sdist)
    pinned = Pinned(name="a", version="1", filename="a-1.tar.gz", sha256="0" * 64, direct=f"{private}a-1.tar.gz")
    dist = Dist(filename="a-1.tar.gz", sha256="0" * 64, size=1, url=f"{private}a-1.tar.gz")
    resolutions = (
        dataclasses.replace(wheels, routes=(dataclasses.replace(route, package=pinned, sdist=dist),)),
        dataclasses.replace(gems, index=private),
    )
    resolved = dataclasses.replace(stored("pip"), resolutions=resolutions)
    text = json.dumps(resolved.to_json())
    assert "secret" not in text
    assert "https://example.com/a-1.tar.gz" in text
    assert from_json(json.loads(text)) == resolved, "an address decides nothing"
