"""The hints of `images/hints.toml`: every pattern has an example that it matches, and no earlier one takes it away."""

import pytest
from kit.commands import ROOT
from packaging.utils import canonicalize_name

from builder.base.errors import UsageError
from builder.engine import advice, failure
from builder.engine.failure import package_names
from builder.model import decode, facts, recipes
from builder.model.hints import FILE, Hints, KnownFailure, OutputHint, OutputSign, StepHint, hints
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


@pytest.mark.parametrize("known", hints().step, ids=lambda known: known.pattern)
def test_the_example_of_a_step_gives_its_advice_alone(known: StepHint) -> None:
    lines = ["cc -c a.c", known.example, "make: *** [Makefile:3: a.o] Error 1"]
    advised = advice.of(lines, failure.first_error(lines), package_names("al2023"))
    assert known.example.strip() in advised.shown
    first = next(each for each in hints().step if each.found(known.example) is not None)
    assert first == known
    assert advised.hints
    assert not any("{" in text for text in advised.hints)
    assert all(name in "".join(advised.hints) for name in known.packages)


def test_steps_have_forty_patterns_each_with_a_way_on() -> None:
    assert len(hints().step) >= 40
    assert all(known.hint or known.packages or known.of for known in hints().step)
    known = set(package_names("al2023"))
    assert {name for each in hints().step for name in each.packages} | set(hints().devel) <= known
    assert len(hints().devel) >= 90


@pytest.mark.parametrize(
    ("line", "package"),
    [
        ("a.c:1:10: fatal error: openssl/evp.h: No such file or directory", "openssl-devel"),
        ("a.c:1:10: fatal error: 'ffi.h' file not found", "libffi-devel"),
        ("a.cc:2:10: fatal error: boost/any.hpp: No such file or directory", "boost-devel"),
        ("/usr/bin/ld: cannot find -lz: No such file or directory", "zlib-devel"),
        ("No package 'cairo' found", "cairo-devel"),
        ("Package libssl was not found in the pkg-config search path.", "openssl-devel"),
        ('meson.build:9:0: ERROR: Dependency "glib-2.0" not found, tried pkgconfig and cmake', "glib2-devel"),
    ],
)
def test_what_is_compiled_against_is_named_by_its_package(line: str, package: str) -> None:
    told = advice.of([line], [line], package_names("al2023")).hints
    assert told == (f'a step `uses = "packages"` with `install = ["{package}"]` before it',)
    (other,) = advice.of([line], [line], {"bash"}).hints
    assert other.startswith("does a package of the system have `")
    assert advice.of([line], [line], ()).hints == told  # the packages of the system are not known


def test_what_no_package_is_known_to_have_is_asked_for() -> None:
    line = "a.c:1:10: fatal error: rdkafka.h: No such file or directory"
    assert advice.of([line], [line], package_names("al2023")).hints == (
        "does a package of the system have `rdkafka.h`? If none has, a `source` step before it compiles it",
    )
    assert advice.of(["all is well"], ["boom"], ()).hints == ()


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
