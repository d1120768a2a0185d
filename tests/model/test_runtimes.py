import datetime as dt
from pathlib import Path

import pytest

from builder.base.errors import UsageError
from builder.model import facts, runtime_tables
from builder.model.architectures import ARCHITECTURES, architecture
from builder.model.runtimes import refuse_blocked, runtime, runtimes

TODAY = dt.date(2026, 11, 23)


def test_every_runtime_that_layers_are_for_is_there() -> None:
    expected = {
        *(f"python3.{minor}" for minor in range(8, 16)),
        *(f"nodejs{major}.x" for major in range(16, 27, 2)),
        *("java8.al2", "java11", "java17", "java21", "java25", "java8.al2023", "java11.al2023", "java17.al2023"),
        *("ruby3.2", "ruby3.3", "ruby3.4", "ruby4.0", "dotnet6", "dotnet8", "dotnet10"),
        *("provided.al2", "provided.al2023"),
    }
    assert set(runtimes()) == expected


@pytest.mark.parametrize(
    ("name", "directory"),
    [
        ("python3.13", "python/lib/python3.13/site-packages/"),
        ("nodejs22.x", "nodejs/node22/node_modules/"),
        ("ruby3.4", "ruby/gems/3.4.0/"),
        ("java21", "java/lib/*.jar"),
        ("provided.al2023", "bootstrap"),
        ("dotnet8", "lib/"),
    ],
)
def test_directories_follow_the_version(name: str, directory: str) -> None:
    assert directory in runtime(name).directories


def test_a_custom_runtime_reads_bootstrap_and_python_does_not() -> None:
    assert "bootstrap" not in runtime("python3.13").directories


@pytest.mark.parametrize(
    ("name", "day", "status"),
    [
        ("python3.13", TODAY, "current"),
        ("python3.10", TODAY, "deprecated"),
        ("python3.10", dt.date(2026, 10, 30), "current"),
        ("python3.10", dt.date(2027, 2, 1), "update only"),
        ("python3.10", dt.date(2027, 3, 3), "blocked"),
        ("python3.15", TODAY, "preview"),
    ],
)
def test_the_status_follows_the_calendar(name: str, day: dt.date, status: str) -> None:
    assert runtime(name).status(day) == status


def test_a_deprecated_runtime_warns_with_its_dates() -> None:
    warning = runtime("python3.10").warning(TODAY)
    assert warning is not None
    assert all(date in warning for date in ("2026-10-31", "2027-02-01", "2027-03-03"))
    assert runtime("python3.13").warning(TODAY) is None


def test_a_blocked_runtime_is_refused_with_the_reason() -> None:
    refuse_blocked(runtime("python3.9"), TODAY)
    with pytest.raises(UsageError, match="stopped updating its functions on 2027-03-03"):
        refuse_blocked(runtime("python3.9"), dt.date(2027, 3, 3))


@pytest.mark.parametrize("name", ["python3.6", "go1.x", "java8", "provided"])
def test_a_retired_runtime_says_why(name: str) -> None:
    with pytest.raises(UsageError, match="is retired: "):
        runtime(name)


def test_ceilings_follow_the_system() -> None:
    assert (runtime("python3.11").os.glibc, runtime("python3.12").os.glibc) == ("2.26", "2.34")
    assert (runtime("python3.11").os.manylinux, runtime("python3.12").os.manylinux) == (26, 34)


@pytest.mark.parametrize("name", ["arm46", "riscv64", "x86", "i386"])
def test_names_of_no_architecture_of_lambda_are_unknown(name: str) -> None:
    with pytest.raises(UsageError, match="unknown architecture"):
        architecture(name)
    assert set(ARCHITECTURES) == {"x86_64", "arm64"}


def test_images_are_named_for_each_architecture() -> None:
    arm = ARCHITECTURES["arm64"]
    assert runtime("python3.13").images(arm) == {
        "run": "lambda/python:3.13-arm64",
        "build": "sam/build-python3.13:latest-arm64",
    }
    assert runtime("java8.al2023").images(arm)["run"] == "lambda/java:8.al2023-arm64"
    assert runtime("provided.al2").images(arm)["run"] == "lambda/provided:al2-arm64"
    assert runtime("python3.15").images(arm)["build"] == "lambda/python:3.15-preview"


def test_interpreter_tags() -> None:
    tags = {name: runtime(name).tag for name in ("python3.13", "nodejs22.x", "ruby3.4", "java21")}
    assert tags == {"python3.13": "cp313", "nodejs22.x": "22", "ruby3.4": "3.4.0", "java21": None}


# ---- the data file ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "environment"),
    [
        ("python3.13", {}),
        (
            "nodejs22.x",
            {"NODE_PATH": "/opt/nodejs/node22/node_modules:/opt/nodejs/node_modules:/var/runtime/node_modules"},
        ),
        (
            "ruby3.4",
            {"GEM_PATH": "/var/task/vendor/bundle/ruby/3.4.0:/opt/ruby/gems/3.4.0", "RUBYLIB": "/opt/ruby/lib"},
        ),
        ("java21", {}),
    ],
)
def test_variables_name_the_directories_of_the_version(name: str, environment: dict[str, str]) -> None:
    assert dict(runtime(name).environment) == environment


def test_only_minimal_images_need_tools() -> None:
    for preview in ("python3.15", "nodejs26.x"):
        assert {"gcc=gcc", "python3=python3", "cmp=diffutils"} <= set(runtime(preview).tools)
    assert runtime("python3.13").tools == ()
    assert runtime("provided.al2023").tools == ("cmp=diffutils", "find=findutils")


@pytest.mark.parametrize(
    ("old", "new", "mistake"),
    [
        ('glibcxx       = "3.4.24"', "glibcxx = 3.4", "os.al2.glibcxx: `3.4` is not a string"),
        (
            'package-manager = "yum"',
            'package-manager = "yun"',
            "os.al2.package-manager: there is no [package-manager.yun]; did you",
        ),
        ('os            = "al2"', 'os = "al1"', "runtime.python3.8.os: there is no [os.al1]; did you mean `al2`?"),
        ("deprecated    = 2024-10-14", 'deprecated = "soon"', "runtime.python3.8.deprecated: `soon` is not a date"),
        ("block-create  = 2027-02-01", "blocks-create = 2027-02-01", "runtime.python3.8.blocks-create: unknown key"),
        ("[retired]", "[pensioned]", "retired: is missing"),
    ],
)
def test_a_mistake_names_the_file_and_the_key(
    old: str, new: str, mistake: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = (facts.folder() / runtime_tables.FILE).read_text(encoding="utf-8")
    assert old in text
    (tmp_path / runtime_tables.FILE).write_text(text.replace(old, new, 1), encoding="utf-8")
    monkeypatch.setattr(facts, "folder", lambda: tmp_path)
    runtime_tables.runtimes_file.cache_clear()
    with pytest.raises(UsageError, match="images/runtimes.toml has") as error:
        runtime_tables.runtimes_file()
    assert [line for line in error.value.why if line.startswith(mistake)]
