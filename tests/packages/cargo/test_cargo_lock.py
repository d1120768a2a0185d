import pytest

from builder.base.errors import UsageError
from builder.packages.cargo import cargo_lock
from builder.packages.cargo.cargo_lock import Crate
from builder.packages.cargo.requirement import satisfied

SHA, OTHER = "0" * 64, "1" * 64
PROGRAM = Crate(name="program", version="1.0.0", sha256=SHA, needs=("one 1.0.0",))
ONE = Crate(name="one", version="1.0.0", sha256=SHA)
NEWER = Crate(name="one", version="2.0.0-rc.1+build.5", sha256=OTHER)
SOURCE = "registry+https://crates.example/index"


def row(name: str, *lines: str, version: str = "1.0.0", source: str | None = SOURCE) -> str:
    first = [f'name = "{name}"', f'version = "{version}"', *([f'source = "{source}"'] if source else [])]
    return "[[package]]\n" + "\n".join([*first, *lines]) + "\n"


def refused(text: str) -> list[str]:
    with pytest.raises(UsageError, match="is not a valid Cargo.lock") as raised:
        cargo_lock.read(text, "Cargo.lock", "cargo generate-lockfile")
    assert "`cargo generate-lockfile` writes it anew" in str(raised.value.hint)
    return list(raised.value.why)


def test_a_lock_says_what_was_written_and_nothing_about_where_it_lies() -> None:
    text = cargo_lock.write([PROGRAM, NEWER, ONE])
    assert cargo_lock.read(text, "cargo.lock", "") == (ONE, NEWER, PROGRAM)
    assert "://" not in text


def test_cargos_own_lock_is_read_with_the_packages_of_the_project() -> None:
    text = row("a", f'checksum = "{SHA}"') + row("b", 'dependencies = ["a"]', source=None)
    assert cargo_lock.read(f"version = 4\n\n{text}", "Cargo.lock", "") == (
        Crate(name="a", version="1.0.0", sha256=SHA),
        Crate(name="b", version="1.0.0", sha256=None, needs=("a",)),
    )


def test_hashes_of_the_first_format_are_found_at_its_end() -> None:
    text = row("a") + row("b", f'dependencies = ["a 1.0.0 ({SOURCE})"]', source=None)
    sums = f'[metadata]\n"checksum a 1.0.0 ({SOURCE})" = "{SHA}"\n'
    first, second = cargo_lock.read(text + sums, "Cargo.lock", "")
    assert (first.sha256, second.needs) == (SHA, ("a 1.0.0",))


@pytest.mark.parametrize(
    "text",
    [
        row("a"),
        row("a", 'checksum = "12"'),
        row("a", f'checksum = "{"A" * 64}"'),
        row("../a", f'checksum = "{SHA}"'),
        row("a/b", f'checksum = "{SHA}"'),
        row("a\\nb", f'checksum = "{SHA}"'),
        row("a", f'checksum = "{SHA}"', version="1.0"),
        row("a", f'checksum = "{SHA}"', version="1.0.0\\u0007"),
        row("a", f'checksum = "{SHA}"', version="1.0.0; touch /x"),
        row("a", f'checksum = "{SHA}"', 'dependencies = ["b"]'),
        row("a", f'checksum = "{SHA}"', 'dependencies = ["../a"]'),
        row("a", f'checksum = "{SHA}"', "dependencies = [7]"),
        row("a", f'checksum = "{SHA}"', "dependencies = 7"),
        row("a", f'checksum = "{SHA}"') * 2,
    ],
)
def test_a_hostile_lock_is_refused_with_one_reason(text: str) -> None:
    assert len(refused(text)) == 1


@pytest.mark.parametrize(
    "text",
    [
        row("a", f'checksum = "{SHA}"', source="git+https://name:secret@git.example/a#0123"),
        row("a", f'checksum = "{SHA}"', source="path+file:///a"),
        row("a", f'checksum = "{SHA}"') + row("b", f'checksum = "{SHA}"', source="registry+https://other.example/"),
        row("a", 'checksum = "12"') + row("b", f'checksum = "{SHA}"', source="path+file:///b"),
    ],
)
def test_a_crate_that_is_not_of_the_registry_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="Crates are not packages of an index") as raised:
        cargo_lock.read(text, "Cargo.lock", "cargo generate-lockfile")
    (why,) = raised.value.why
    assert why.startswith("Cargo.lock: ")
    assert why.endswith("which is not the registry")
    assert "secret" not in str(raised.value)


def test_what_is_no_lock_is_refused() -> None:
    assert "package" in refused("version = 3\n")[0]
    refused("[[")


def test_all_mistakes_of_a_lock_are_told_together_and_without_passwords() -> None:
    need = row("c", f'checksum = "{SHA}"', 'dependencies = ["https://name:secret@git.example/a"]')
    why = refused(row("a", 'checksum = "12"') + row("../b", f'checksum = "{SHA}"') + need)
    assert len(why) == 3
    assert "secret" not in "".join(why)


def test_the_crate_that_a_lock_is_for_is_the_one_that_nothing_needs() -> None:
    assert cargo_lock.root([PROGRAM, ONE, NEWER], "program", "1.0.0") == PROGRAM
    assert cargo_lock.root([PROGRAM, ONE, NEWER], "one", "1.0.0") is None
    assert cargo_lock.root([PROGRAM, ONE, NEWER], "program", "1.0.1") is None


@pytest.mark.parametrize(
    ("requirement", "right", "wrong"),
    [
        ("1.2.3", "1.9.0", "2.0.0"),
        ("^0.2.3", "0.2.9", "0.3.0"),
        ("0.0.3", "0.0.3", "0.0.4"),
        ("0", "0.9.0", "1.0.0"),
        ("~1.2.3", "1.2.9", "1.3.0"),
        ("~1", "1.9.0", "2.0.0"),
        ("=1.2.3", "1.2.3", "1.2.4"),
        ("=1.2", "1.2.7", "1.3.0"),
        ("1.*", "1.9.0", "2.0.0"),
        (">=1.2, <1.5", "1.4.9", "1.5.0"),
        (">1.2", "1.3.0", "1.2.9"),
        ("<=1.2", "1.2.9", "1.3.0"),
        (" > 1.2.3", "1.2.4", "1.2.3"),
    ],
)
def test_requirements_of_versions(requirement: str, right: str, wrong: str) -> None:
    assert satisfied(requirement, right)
    assert not satisfied(requirement, wrong)


def test_in_doubt_a_version_satisfies() -> None:
    assert satisfied("*", "7.0.0")
    assert satisfied("1.0.0-rc.1", "1.0.0-rc.2")
    assert satisfied("something new", "1.0.0")
