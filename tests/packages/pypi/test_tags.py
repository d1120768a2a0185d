import pytest

from builder.model.architectures import ARM64, X86_64
from builder.model.runtimes import runtime
from builder.packages.pypi import tags


@pytest.mark.parametrize(
    ("filename", "name", "arch", "fits"),
    [
        ("a-1-cp313-cp313-manylinux_2_17_aarch64.manylinux2014_aarch64.whl", "python3.13", ARM64, True),
        ("a-1-cp313-cp313-manylinux_2_34_aarch64.whl", "python3.13", ARM64, True),
        ("a-1-cp313-cp313-manylinux_2_35_aarch64.whl", "python3.13", ARM64, False),
        ("a-1-cp313-cp313-manylinux_2_28_x86_64.whl", "python3.13", ARM64, False),
        ("a-1-cp312-cp312-manylinux_2_28_x86_64.whl", "python3.13", X86_64, False),
        ("a-1-cp313-cp313t-manylinux_2_28_x86_64.whl", "python3.13", X86_64, False),
        ("a-1-cp311-abi3-manylinux_2_28_x86_64.whl", "python3.13", X86_64, True),
        ("a-1-cp314-abi3-manylinux_2_28_x86_64.whl", "python3.13", X86_64, False),
        ("a-1-cp313-cp313-musllinux_1_2_x86_64.whl", "python3.13", X86_64, False),
        ("a-1-py3-none-any.whl", "python3.13", X86_64, True),
        ("a-1-py2.py3-none-any.whl", "python3.8", ARM64, True),
        ("a-1-py2-none-any.whl", "python3.8", ARM64, False),
        ("a-1-py3-none-manylinux_2_26_x86_64.whl", "python3.11", X86_64, True),
        ("a-1-cp311-cp311-manylinux_2_27_x86_64.manylinux_2_28_x86_64.whl", "python3.11", X86_64, False),
        ("a-1-cp311-cp311-manylinux1_x86_64.whl", "python3.11", X86_64, True),
        ("a-1-cp311-cp311-manylinux_2_5_aarch64.whl", "python3.11", ARM64, False),
        ("a-1-cp311-cp311-linux_x86_64.whl", "python3.11", X86_64, True),
        ("a-1-cp311-cp311-win_amd64.whl", "python3.11", X86_64, False),
        ("no-wheel.whl", "python3.11", X86_64, False),
    ],
)
def test_a_wheel_fits_or_does_not(filename: str, name: str, arch: object, *, fits: bool) -> None:
    assert (tags.rank(filename, runtime(name), arch) is not None) is fits  # type: ignore[arg-type]


def test_the_newest_manylinux_and_the_own_abi_come_first() -> None:
    ordered = [
        "a-1-cp313-cp313-manylinux_2_28_x86_64.whl",
        "a-1-cp313-cp313-manylinux_2_17_x86_64.whl",
        "a-1-cp313-abi3-manylinux_2_28_x86_64.whl",
        "a-1-cp39-abi3-manylinux_2_28_x86_64.whl",
        "a-1-py3-none-any.whl",
    ]
    ranks = [tags.rank(name, runtime("python3.13"), X86_64) for name in ordered]
    assert ranks == sorted(ranks, key=lambda rank: rank if rank is not None else -1)
    assert None not in ranks
