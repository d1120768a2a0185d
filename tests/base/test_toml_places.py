"""Places of keys in TOML, against the parser: the same keys, and each where its text is."""

from collections.abc import Iterator
from typing import Any

import pytest
import tomlkit
from hypothesis import given
from hypothesis import strategies as st
from kit.commands import ROOT

from builder.base import texts
from builder.base.errors import Location
from builder.base.toml_places import nearest, places

RECIPES = sorted((ROOT / "recipes").glob("*/recipe.toml"))
ODD = '''\
# a comment with [brackets] and "quotes"
top = 1
"quoted key".'other' = "a # no comment"
date = 1979-05-27 07:32:00
multi = """
[not.a.table]
key = "\\"""" # ends with a quote
literal = \'\'\'
a = 1\'\'\'
list = [ # first
  "a,b", { x = [1, 2], "y z".w = "}" },
  [ [], [3] ],
]
[a.b]
c = {}
[[d]]
e = 1
[[d.f]]
g = true
[[d.f]]
[d.f.h]
i = 'x'
[[d]]
[x]
y.z = -1
'''


def locations(value: Any, above: Location = ()) -> Iterator[Location]:
    """Yield the location of every key and item that a parser finds."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        yield (*above, key)
        yield from locations(inner, (*above, key))


def assert_same(text: str) -> None:
    assert set(places(text)) == set(locations(texts.parse_toml(text)))


def at(text: str, location: Location) -> str:
    """Return the rest of the line where a location is."""
    line, column = places(text)[location]
    return text.splitlines()[line - 1][column - 1 :]


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.parent.name)
def test_every_key_of_a_recipe_has_its_place(path: Any) -> None:
    text = path.read_text(encoding="utf-8")
    assert_same(text)
    assert at(text, ("layer", "name")).startswith("name")
    assert at(text, ("step", 0)).startswith("[[step]]")


def test_keys_of_every_form_have_their_places() -> None:
    assert_same(ODD)
    assert at(ODD, ("quoted key", "other")) == '"quoted key".\'other\' = "a # no comment"'
    assert at(ODD, ("list", 0)) == '"a,b", { x = [1, 2], "y z".w = "}" },'
    assert at(ODD, ("list", 1, "x", 1)) == '2], "y z".w = "}" },'
    assert at(ODD, ("list", 1, "y z", "w")) == '"y z".w = "}" },'
    assert at(ODD, ("list", 2, 1, 0)) == "3] ],"
    assert at(ODD, ("d", 0, "f", 1, "h", "i")) == "i = 'x'"
    assert at(ODD, ("d", 1)) == "[[d]]"
    assert at(ODD, ("x", "y", "z")) == "y.z = -1"


def test_what_is_missing_has_the_place_of_its_table() -> None:
    found = places(ODD)
    assert nearest(found, ("a", "b", "missing", 3)) == found["a", "b"]
    assert nearest(found, ("nothing",)) == (1, 1)
    assert places("") == {}


KEYS = st.text(st.sampled_from("ab-_1 .\"'é[#="), min_size=1, max_size=5)
VALUES = st.recursive(
    st.booleans() | st.integers(-9, 9) | st.text(st.sampled_from("a\n\"'\\#[]{},= "), max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=12,
)


@given(st.dictionaries(KEYS, VALUES, max_size=4))
def test_whatever_a_writer_writes_has_places(document: dict[str, Any]) -> None:
    assert_same(tomlkit.dumps(document))
