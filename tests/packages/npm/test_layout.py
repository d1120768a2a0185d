"""Folders of node_modules, found again as Node.js finds them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builder.base.errors import BuildError, UsageError
from builder.packages.npm import graph as graphs
from builder.packages.npm import layout
from builder.packages.npm.graph import Graph, Need, PackageNode


def graph(root: str, **nodes: str) -> Graph:
    """Return a graph of packages `a1`: the name `a` and the version 1. Each needs the words of its text."""

    def needs(text: str) -> dict[str, Need]:
        return {word[0]: Need(to=word) for word in text.split()}

    made = {
        key: PackageNode(key=key, name=key[0], version=f"{key[1:]}.0.0", needs=needs(text))
        for key, text in nodes.items()
    }
    return Graph(needs=needs(root), nodes=made)


def found(paths: dict[str, PackageNode], start: str, name: str) -> str | None:
    """Return the key of the package that Node.js finds under a name from a folder."""
    while True:
        path = f"{start}/node_modules/{name}".lstrip("/")
        if path in paths:
            return paths[path].key
        if not start:
            return None
        start = start.rpartition("node_modules/")[0].rstrip("/")


def test_a_package_lies_as_high_as_it_can_and_below_who_needs_another() -> None:
    placed = layout.placed(graph("a1 b1", a1="c1", b1="c2", c1="", c2="d1", d1=""))
    assert {path: node.key for path, node in placed.items()} == {
        "node_modules/a": "a1",
        "node_modules/b": "b1",
        "node_modules/c": "c1",
        "node_modules/b/node_modules/c": "c2",
        "node_modules/d": "d1",
    }


def test_what_is_put_later_shadows_nothing_that_is_found_already() -> None:
    """`c1` below `a1` finds `d1` at the top, so the `d2` of `e1` goes below `e1` itself."""
    made = graph("a1 d1 c2", a1="c1 e1", c1="d1", c2="", d1="", d2="", e1="d2")
    placed = layout.placed(made)
    assert found(placed, "node_modules/a/node_modules/c", "d") == "d1"
    assert found(placed, "node_modules/e", "d") == "d2"


@pytest.mark.parametrize("key", ["B1", "b2"])
def test_names_that_differ_in_case_alone_share_no_folder(key: str) -> None:
    """npm installs only one of two in a folder, and a Mac can hold only one; `c` finds the other below itself."""
    nodes = {"b1": "", "c1": key, key: ""}
    placed = layout.placed(graph("b1 c1", **nodes))
    assert sorted(placed) == ["node_modules/b", "node_modules/c", f"node_modules/c/node_modules/{key[0]}"]
    assert found(placed, "node_modules/c", key[0]) == key


_KEYS = [f"{name}{version}" for name in "abcdef" for version in (1, 2)]


@given(
    st.dictionaries(st.sampled_from(_KEYS), st.sets(st.sampled_from(_KEYS), max_size=3)),
    st.sets(st.sampled_from(_KEYS)),
)
def test_each_package_finds_exactly_what_its_lock_says(needs: dict[str, set[str]], root: set[str]) -> None:
    later = {key: " ".join(each for each in needs.get(key, ()) if each[0] > key[0]) for key in _KEYS}
    made = graph(" ".join(sorted(root)), **later)
    placed = layout.placed(made)
    places = {"": made.needs, **{path: node.needs for path, node in placed.items()}}
    for path, wanted in places.items():
        for name, need in wanted.items():
            assert found(placed, path, name) == need.to


def test_versions_that_need_each_other_in_a_circle_are_refused() -> None:
    with pytest.raises(BuildError, match="in a circle"):
        layout.placed(graph("a1", a1="b1", b1="a2", a2="b2", b2="a1"))


def test_packages_that_multiply_are_refused() -> None:
    levels = {f"{name}{level}": f"a{level + 1} b{level + 1}" for level in range(1, 40) for name in "ab"}
    with pytest.raises(BuildError, match="more than 50,000 folders"):
        layout.placed(graph("a1 b1", **levels, a40="", b40=""))


def test_a_circle_of_packages_of_the_registry_is_none() -> None:
    placed = layout.placed(graph("a1", a1="b1", b1="a1"))
    assert sorted(placed) == ["node_modules/a", "node_modules/b"]


def test_a_circle_of_local_packages_is_told() -> None:
    nodes = {
        name: PackageNode(key=name, name=name, version="1.0.0", folder=name, needs={other: Need(to=other)})
        for name, other in (("a", "b"), ("b", "a"))
    }
    with pytest.raises(UsageError, match="in a circle") as raised:
        graphs.refuse_cycles(Graph(needs={"a": Need(to="a")}, nodes=nodes), "package-lock.json")
    assert raised.value.why == ("a -> b -> a",)
