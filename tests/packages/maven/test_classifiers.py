"""The jars of one artifact for several platforms: the layer takes its own."""

import pytest

from builder.model.architectures import ARM64, X86_64
from builder.packages.maven.classifiers import fits, fitting, warning
from builder.packages.maven.maven_lock import Jar


@pytest.mark.parametrize(
    ("classifier", "on_arm", "on_x86"),
    [
        ("", None, None),
        ("sources", None, None),
        ("jdk8", None, None),
        ("linux-x86_64", False, True),
        ("linux-x86_64-fedora", False, True),
        ("linux-aarch_64", True, False),
        ("natives-linux", False, True),
        ("natives-linux-arm64", True, False),
        ("linux-aarch64", True, False),
        ("natives-macos", False, False),
        ("osx-aarch_64", False, False),
        ("windows-x86_64", False, False),
        ("win", False, False),
        ("linux-armhf", False, False),
        ("linux-x86", False, False),
        ("linux-ppc64le", False, False),
        ("android-arm64", False, False),
    ],
)
def test_a_classifier_names_the_platform(classifier: str, on_arm: "bool | None", on_x86: "bool | None") -> None:
    assert (fits(classifier, ["arm64"]), fits(classifier, ["x86_64"])) == (on_arm, on_x86)
    assert fits(classifier, ["arm64", "x86_64"]) == (None if on_arm is None else on_arm or on_x86)


def jar(artifact: str, classifier: str = "") -> Jar:
    return Jar(coordinates=f"io.x:{artifact}:1.0{f':{classifier}' if classifier else ''}", sha256="0" * 64)


def test_others_are_left_out_where_there_is_one_for_the_layer() -> None:
    every = [
        jar("a"),
        jar("a", "linux-x86_64"),
        jar("a", "linux-aarch_64"),
        jar("a", "osx-x86_64"),
        jar("b", "osx-x86_64"),
    ]
    assert fitting(every, [ARM64]) == (every[0], every[2], every[4])
    assert fitting(every, [X86_64]) == (every[0], every[1], every[4])
    assert fitting(every, [X86_64, ARM64]) == (*every[:3], every[4])
    text = warning([every[1], every[3]])
    assert text.startswith("jars for other platforms are left out: a-1.0-linux-x86_64.jar, a-1.0-osx-x86_64.jar;")
    assert "`all-platforms = true` keeps them" in text
