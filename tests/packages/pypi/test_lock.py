import itertools
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.markers import Marker
from packaging.requirements import Requirement

from builder.base.errors import BuildError, UsageError
from builder.model.architectures import ARM64, X86_64
from builder.model.runtimes import runtime
from builder.model.target import Target
from builder.packages.pypi import requirements_lock
from builder.packages.pypi.dist import Candidate, Dist
from builder.packages.pypi.markers import among, environment

SERIES = ("3.11", "3.12", "3.13")


def target(series: str, arch: object = ARM64) -> Target:
    return Target(
        layer="x",
        version="1",
        runtimes=(runtime(f"python{series}"),),
        architectures=(arch,),  # type: ignore[arg-type]
        split_by=("runtime", "arch"),
    )


EVERY = [target(series, arch) for series in SERIES for arch in (ARM64, X86_64)]


def candidate(name: str, version: str) -> Candidate:
    digest = f"{abs(hash((name, version))):064x}"[:64]
    wheel = Dist(filename=f"{name}-{version}-py3-none-any.whl", sha256=digest, size=1)
    return Candidate(
        name=name,
        version=version,
        wheels=(wheel,),
        sdist=Dist(filename=f"{name}-{version}.tar.gz", sha256="f" * 64, size=1),
    )


def test_a_lock_holds_names_hashes_and_no_address() -> None:
    text = requirements_lock.write({EVERY[0]: (candidate("a", "1.0"),)})
    assert "a==1.0 \\\n    --hash=sha256:" in text
    assert "://" not in text


def test_targets_that_differ_are_told_apart_by_markers(tmp_path: Path) -> None:
    resolved = {one: (candidate("a", "1.0" if one.base.series == "3.11" else "2.0"),) for one in EVERY}
    path = tmp_path / "requirements.lock"
    path.write_text(requirements_lock.write(resolved))
    assert 'a==1.0 ; python_version == "3.11"' in path.read_text()
    assert requirements_lock.read(path, target("3.11"))["a"].version == "1.0"
    assert requirements_lock.read(path, target("3.13"))["a"].version == "2.0"


@given(st.lists(st.sampled_from(["1.0", "2.0", "3.0", None]), min_size=len(EVERY), max_size=len(EVERY)))
def test_every_target_reads_back_exactly_what_was_resolved_for_it(choices: list[str | None]) -> None:
    resolved = {
        one: (candidate("always", "1"), *([candidate("a", version)] if version else []))
        for one, version in zip(EVERY, choices, strict=True)
    }
    text = requirements_lock.write(resolved).replace(" \\\n    ", " ")
    for one, version in zip(EVERY, choices, strict=True):
        markers = environment(one)
        lines = [Requirement(line.split(" --hash")[0]) for line in text.splitlines()[1:]]
        mine = {
            str(line.specifier)
            for line in lines
            if line.name == "a" and (line.marker is None or Marker(str(line.marker)).evaluate(markers))
        }
        assert mine == ({f"=={version}"} if version else set())


def test_what_is_no_lock_is_refused_with_every_line(tmp_path: Path) -> None:
    path = tmp_path / "requirements.lock"
    good = "0" * 64
    lines = (
        "a==1.0",
        f"b>=2 --hash=sha256:{good}",
        "# fine",
        f"c==1 --hash=sha256:{good}",
        "d==1 --hash=sha256:00",
        "???",
    )
    path.write_text("\n".join(lines))
    with pytest.raises(UsageError, match="requirements.lock is not a valid requirements.lock") as caught:
        requirements_lock.read(path, EVERY[0])
    assert [line.split()[0].strip("`") for line in caught.value.why] == ["a==1.0", "b>=2", "d==1", "???"]


def test_a_recipe_that_moved_on_does_not_fit_its_lock(tmp_path: Path) -> None:
    path = tmp_path / "requirements.lock"
    path.write_text(requirements_lock.write({EVERY[0]: (candidate("a", "1.0"),)}))
    pins = requirements_lock.read(path, EVERY[0])
    assert requirements_lock.unfit(pins, ["a==1.0"], EVERY[0]) == []
    assert requirements_lock.unfit(pins, ["a>=2; python_version < '3.9'"], EVERY[0]) == []
    assert "the lock has a==1.0" in requirements_lock.unfit(pins, ["a==2.0"], EVERY[0])[0]
    assert "the lock has no b" in requirements_lock.unfit(pins, ["b"], EVERY[0])[0]


def test_a_file_that_the_lock_does_not_know_is_a_hash_mismatch() -> None:
    pin = requirements_lock.Pin(name="a", version="1.0", marker=None, hashes=frozenset({"0" * 64}))
    with pytest.raises(BuildError) as caught:
        requirements_lock.locked(candidate("a", "1.0"), {"a": pin}, EVERY[0])
    text = str(caught.value)
    assert "hash mismatch: a 1.0" in text
    assert f"the lock allows sha256:{'0' * 64}" in text
    with pytest.raises(UsageError, match="the lock has no b"):
        requirements_lock.locked(candidate("b", "1.0"), {"a": pin}, EVERY[0])


def test_of_several_wheels_the_locked_one_is_taken() -> None:
    wheels = tuple(Dist(filename=f"a-1.0-{build}-py3-none-any.whl", sha256=str(build) * 64, size=1) for build in (1, 2))
    both = Candidate(name="a", version="1.0", wheels=wheels, sdist=None)
    pin = requirements_lock.Pin(name="a", version="1.0", marker=None, hashes=frozenset({"1" * 64}))
    assert [wheel.sha256 for wheel in requirements_lock.locked(both, {"a": pin}, EVERY[0]).wheels] == ["1" * 64]


def test_markers_name_what_they_must_and_nothing_else() -> None:
    everywhere = {(one.base.series, one.arch.machine) for one in EVERY}
    for count in range(1, len(everywhere)):
        for chosen in itertools.combinations(sorted(everywhere), count):
            marker = among(chosen, everywhere)
            assert marker is not None
            matching = {
                (one.base.series, one.arch.machine) for one in EVERY if Marker(marker).evaluate(environment(one))
            }
            assert matching == set(chosen)
