"""Customer-managed runtimes: images of one's own, in `runtimes.toml` beside the recipes."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from kit.commands import layerwright, write_recipe
from kit.compiled import recipe

from builder.base.errors import UsageError
from builder.model import image_facts, images, libraries, runtimes
from builder.model.architectures import X86_64
from builder.model.image_facts import ImageFacts
from builder.model.runtimes import Runtime, runtime
from builder.packages.pypi import tags
from builder.publish.layer_version import InputZip, PublishOptions, gather

IMAGE = "registry.example.com:5000/team/python:3.13-{arch}"
OWN = f"""
[runtime.custom-orders]
image    = "{IMAGE}"
os       = "al2023"
language = "python"
series   = "3.13"
"""
SIX = '[[step]]\nuses = "pip"\nrequirements = ["six==1.17.0"]\n'


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LAYERWRIGHT_PINS", str(tmp_path))
    runtimes.forget()
    yield tmp_path
    runtimes.forget()


def write(text: str = OWN) -> None:
    Path("runtimes.toml").write_text(text, encoding="utf-8")


def test_a_runtime_of_a_project_is_one_of_all() -> None:
    before = runtimes.runtimes()
    write()
    assert list(runtimes.runtimes()) == [*before, "custom-orders"]
    own = runtime("custom-orders")
    assert own.customer
    assert not runtime("python3.13").customer
    assert own.directories == runtime("python3.13").directories
    assert own.images(X86_64) == dict.fromkeys(("run", "build"), IMAGE.replace("{arch}", "x86_64"))
    assert images.run_image(own, X86_64).name == "registry.example.com:5000/team/python:3.13-x86_64"
    Path("runtimes.toml").unlink()
    assert "custom-orders" not in runtimes.runtimes()


def test_directories_and_the_image_to_build_in_may_differ() -> None:
    write(f'{OWN}build-image = "registry.example.com/b:1"\ndirectories = ["app/"]\n')
    own = runtime("custom-orders")
    assert own.directories == ("app/",)
    assert own.images(X86_64)["build"] == "registry.example.com/b:1"


def test_what_is_not_known_of_it_is_said_until_it_is_surveyed(folder: Path) -> None:
    write()
    warning = runtime("custom-orders").warning(runtimes.today())
    assert warning is not None
    assert "layerwright images survey --all --runtime custom-orders" in warning
    path = IMAGE.replace("{arch}", "x86_64")
    facts = ImageFacts(image=path, libraries={"libown.so.1": ("OWN_1.2",)}, language_libraries={"libc.so.6": ()})
    image_facts.file_of(path).parent.mkdir()
    image_facts.file_of(path).write_text(image_facts.text(facts), encoding="utf-8")
    runtimes.forget()
    own = runtime("custom-orders")
    assert own.warning(runtimes.today()) is None
    assert libraries.certain([own], [X86_64]) == {"libown.so.1", "libc.so.6", "ld-linux-x86-64.so.2"}
    found = libraries.versions_of("libown.so.1", own, X86_64)
    assert found is not None
    assert found.everywhere == ("OWN_1.2",)
    assert libraries.versions_of("libz.so.1", own, X86_64) is None
    assert folder.joinpath("facts").is_dir()


def survey(**libraries: str) -> Runtime:
    """Return the runtime after a survey that found these versions: of `c`, `stdcpp` and `gcc_s`."""
    names = {"c": "libc.so.6", "stdcpp": "libstdc++.so.6", "gcc_s": "libgcc_s.so.1"}
    write()
    path = IMAGE.replace("{arch}", "x86_64")
    found = {names[name]: tuple(versions.split()) for name, versions in libraries.items()}
    image_facts.file_of(path).parent.mkdir(exist_ok=True)
    image_facts.file_of(path).write_text(image_facts.text(ImageFacts(image=path, libraries=found)), encoding="utf-8")
    runtimes.forget()
    return runtime("custom-orders")


def test_ceilings_are_those_of_the_surveyed_image() -> None:
    own = survey(c="GLIBC_2.38", stdcpp="CXXABI_1.3.14 GLIBCXX_3.4.32", gcc_s="GCC_13.0.0")
    system = own.os
    assert (system.glibc, system.glibcxx, system.cxxabi, system.libgcc) == ("2.38", "3.4.32", "1.3.14", "13.0.0")
    assert (system.glibcxx_image, system.cxxabi_image, system.libgcc_image) == ("3.4.32", "1.3.14", "13.0.0")
    assert (system.manylinux, system.uv_platforms) == (38, ("manylinux_2_38",))
    assert system.title == "the image of custom-orders"
    assert own.provides == ()
    assert tags.rank("a-1-cp313-cp313-manylinux_2_38_x86_64.whl", own, X86_64) is not None
    assert tags.rank("a-1-cp313-cp313-manylinux_2_39_x86_64.whl", own, X86_64) is None


@pytest.mark.parametrize(
    ("glibc", "platforms"),
    [
        ("2.31", ("manylinux_2_31",)),
        ("2.29", ("manylinux_2_28", "manylinux_2_31")),
        ("2.42", ("manylinux_2_40",)),
        ("2.12", ("manylinux_2_17",)),
    ],
)
def test_a_glibc_that_uv_does_not_know_is_asked_for_by_its_neighbours(glibc: str, platforms: tuple[str, ...]) -> None:
    assert survey(c=f"GLIBC_{glibc}").os.uv_platforms == platforms


def test_what_a_survey_does_not_tell_is_that_of_the_system() -> None:
    assert survey(c="").os == runtime("python3.13").os


@pytest.mark.parametrize(
    ("text", "mistakes"),
    [
        ('[runtime.orders]\nimage = "a.b/c:1"\nos = "al2023"\n', ["runtime.orders: the name must be custom-"]),
        (
            '[runtime.custom-x]\nimage = "c:1"\nos = "al2022"\nlanguage = "pyton"\n',
            ["there is no [os.al2022]", "there is no [language.pyton]", "`c:1` is not a registry, a name and a tag"],
        ),
        ('[runtime.custom-x]\nos = "al2023"\nlanguage = "python"\n', ["image", "needs its version, for example 3.13"]),
        ('[runtime.custom-x]\nimage = "a.b/c:1"\nos = "al2023"\nbuildimage = "x"\n', ["buildimage"]),
        ("[runtime", ["table declaration"]),
        ('[runtime.custom-x]\nimage = "a.b/c:1-{ach}"\nos = "al2023"\n', ["`a.b/c:1-{ach}` is not a registry"]),
    ],
)
def test_all_mistakes_of_the_file_are_told_together(text: str, mistakes: list[str]) -> None:
    write(text)
    with pytest.raises(UsageError, match=r"runtimes\.toml has \d mistake") as caught:
        runtimes.runtimes()
    told = "\n".join(caught.value.why)
    assert told.count("image:") <= 2
    for mistake in mistakes:
        assert mistake in told


def test_commands_know_it(folder: Path) -> None:
    write()
    write_recipe(folder, "a", recipe(SIX, runtime="custom-orders", arch="x86_64"))
    built = layerwright("build", "a", "--no-test", cwd=folder)
    assert built.code == 0, built.err
    assert "the libraries of custom-orders are unknown until" in built.err
    path = folder / "dist" / "a-1.0-custom-orders-x86_64.zip"
    assert path.is_file()
    assert layerwright("check", str(path), cwd=folder).code == 0
    assert re.search(r"custom-orders +Amazon Linux 2023", layerwright("runtimes", cwd=folder).out)
    assert gather([InputZip(zip=path)], PublishOptions(untested=True))[0].runtimes == ("custom",)


def test_lambda_knows_it_as_custom() -> None:
    assert runtimes.identifier("custom-orders") == "custom"
    assert runtimes.identifier("python3.13") == "python3.13"
