"""Facts about images: the file, and what plans take from it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from builder.base.errors import UsageError
from builder.model import image_facts, runtimes
from builder.model.image_facts import ImageFacts
from builder.model.runtimes import runtime

BUILD = "sam/build-provided.al2023:latest-x86_64"
FACTS = ImageFacts(
    image=BUILD,
    release="Amazon Linux release 2023.9.20251201 (Amazon Linux)",
    releasever="2023.9.20251201",
    bin_sh="bash",
    coreutils="multi-call",
    managers={"dnf": "microdnf-dnf 3.8.1", "microdnf": "microdnf 3.8.1"},
    environment={"PATH": "/usr/bin", "LANG": 'a "quoted" \\ value'},
    programs={"g++": "/usr/bin/g++", "tar": "/usr/bin/tar"},
    versions={"python3": "Python 3.9.23"},
    libraries={"libc.so.6": ("GLIBC_2.34",), "libx.so.1": ()},
    language_libraries={"libssl.so.3": ("OPENSSL_3.3.0",)},
    packages=("bash 5.2.15-1.amzn2023.0.2 x86_64", "zlib 1.2.11-33.amzn2023.0.5 x86_64"),
)


@pytest.fixture(autouse=True)
def _forgotten(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("LAYERWRIGHT_PINS", str(tmp_path))
    runtimes.forget()
    yield
    runtimes.forget()


def write(facts: ImageFacts) -> Path:
    path = image_facts.file_of(facts.image)
    path.parent.mkdir(exist_ok=True)
    path.write_text(image_facts.text(facts), encoding="utf-8")
    runtimes.forget()
    return path


def test_a_file_is_read_as_it_was_written() -> None:
    assert image_facts.parsed(write(FACTS)) == FACTS
    assert image_facts.of("sam/build-python3.13:latest-x86_64") is None


@pytest.mark.parametrize(
    ("managers", "kind"),
    [
        ({"dnf": "microdnf-dnf 3.8.1"}, "microdnf"),
        ({"dnf": "dnf 4.14.0", "microdnf": "microdnf 3.8.1"}, "dnf"),
        ({"yum": "yum 3.4.3"}, "yum"),
        ({"dnf": "unknown", "microdnf": "microdnf 3.8.1"}, "microdnf"),
        ({"dnf": "unknown"}, None),
        ({}, None),
    ],
)
def test_a_package_manager_is_what_its_package_says(managers: dict[str, str], kind: str | None) -> None:
    assert ImageFacts(image="x", managers=managers).manager == kind


def test_plans_install_with_what_the_image_has() -> None:
    assumed = runtime("provided.al2023").manager.install
    write(ImageFacts(image=BUILD, managers={"dnf": "yum 3.4.3"}))
    assert runtime("provided.al2023").manager.install.startswith("yum install")
    image_facts.file_of(BUILD).unlink()
    runtimes.forget()
    assert runtime("provided.al2023").manager.install == assumed


@pytest.mark.parametrize("text", ["image = 1\n", "[", 'image = "x"\npackages = [1]\n', 'image = "x"\nlibraries = 1\n'])
def test_a_damaged_file_is_named(text: str) -> None:
    path = write(FACTS)
    path.write_text(text, encoding="utf-8")
    with pytest.raises(UsageError, match="is not what `images survey` writes") as caught:
        image_facts.of(BUILD)
    assert caught.value.hint == "`layerwright images survey --all` writes it again"
    assert caught.value.why
