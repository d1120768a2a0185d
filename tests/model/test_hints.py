"""The hints of `images/hints.toml`: every pattern has an example that it matches, and no earlier one takes it away."""

import pytest
from kit.commands import ROOT
from packaging.utils import canonicalize_name

from builder.base.errors import UsageError
from builder.engine.failure import package_names
from builder.model import decode, facts, recipes
from builder.model.hints import FILE, Hints, KnownFailure, OutputHint, OutputSign, hints
from builder.model.steps import Packages

BUILD = hints().build
FAILURES = [
    *(BUILD.disk_full, BUILD.no_image, BUILD.no_emulation, BUILD.engine_gone),
    *(BUILD.no_build_requirement, BUILD.no_network, BUILD.no_package),
]
SIGNS = [(failure, sign) for failure in FAILURES for sign in failure.signs]


def first(text: str) -> str | None:
    return next((hint for known in hints().test if (hint := known.of(text))), None)


@pytest.mark.parametrize("known", hints().test, ids=lambda known: known.pattern)
def test_the_example_of_a_test_gives_the_hint(known: OutputHint) -> None:
    hint = first(f"Traceback\n{known.example}\n")
    assert hint is not None
    assert hint == known.of(known.example)
    assert "{" not in hint


@pytest.mark.parametrize(("failure", "sign"), SIGNS, ids=lambda value: getattr(value, "pattern", ""))
def test_the_example_of_a_build_shows_its_failure(failure: KnownFailure, sign: OutputSign) -> None:
    alone = KnownFailure(hint=failure.hint, signs=(sign,))
    assert alone.shows(sign.example)
    assert failure.shows(sign.example)


def test_what_stands_in_the_output_is_named() -> None:
    assert (
        first("ImportError: libpq.so.5: cannot open shared object file")
        == "`libpq.so.5` is missing: bundle it into lib/"
    )
    assert list(BUILD.no_package.named("No match for argument: a-devel")) == ["a-devel"]
    assert first("all is well") is None


@pytest.mark.parametrize(
    ("old", "new", "mistake"),
    [
        ('pattern = "Read-only file system"', 'pattern = "(Read"', "is not a regular expression"),
        ("[build.no-image]", "[build.noimage]", "build.no-image: is missing"),
        ('hint    = "only /tmp', 'hnit    = "only /tmp', "unknown key"),
    ],
)
def test_a_mistake_names_the_file_and_the_key(old: str, new: str, mistake: str) -> None:
    text = (facts.folder() / FILE).read_text(encoding="utf-8")
    assert old in text
    with pytest.raises(UsageError, match="images/hints.toml has") as error:
        decode.decode(Hints, decode.parse_toml(text.replace(old, new), f"images/{FILE}"), f"images/{FILE}")
    assert any(mistake in line for line in error.value.why)


def test_what_compiling_needs_is_in_amazons_list_and_as_the_catalogue_has_it() -> None:
    known, listed = hints().compiling, set(package_names("al2023"))
    assert {name for hint in known.values() for name in hint.packages} <= listed
    assert all(name == canonicalize_name(name) for name in known)
    assert all(hint.packages or hint.prebuilt for hint in known.values())
    for name in ("psycopg2", "pycurl", "python-ldap", "mysqlclient", "pyodbc"):
        steps = recipes.load(ROOT / "recipes", name).recipe.step
        (installed,) = (step.install for step in steps if isinstance(step, Packages))
        assert set(known[name].packages) == set(installed)
