"""Lambda's two architectures and their names in other tools. Names are translated only here."""

from builder.base.errors import UsageError, near
from builder.base.frozen import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class Architecture:
    name: str
    """Lambda's name."""
    machine: str
    """Name of the kernel (`uname -m`), of wheel tags and of GNU triplets."""
    docker: str
    """Platform of container images."""
    npm: str
    """Value of npm's `--cpu`."""
    elf: str
    """Name of `e_machine` in ELF files."""
    loader: str
    """Program interpreter that every dynamic program names (ABI of glibc)."""
    oldest_manylinux: int
    """The lowest manylinux_2_N that exists for it (PEP 600: aarch64 begins with glibc 2.17)."""
    baseline: str
    """Instruction set of every host in Lambda, as psABI and GCC name it."""
    flags: str
    """The same as options of any compiler: GCC before 11, as in Amazon Linux 2, does not have `-march=x86-64-v2`."""


X86_64 = Architecture(
    name="x86_64",
    machine="x86_64",
    docker="linux/amd64",
    npm="x64",
    elf="EM_X86_64",
    loader="/lib64/ld-linux-x86-64.so.2",
    oldest_manylinux=5,
    baseline="x86-64-v2",
    flags="-march=x86-64 -mcx16 -msahf -mpopcnt -msse4.2",
)
ARM64 = Architecture(
    name="arm64",
    machine="aarch64",
    docker="linux/arm64",
    npm="arm64",
    elf="EM_AARCH64",
    loader="/lib/ld-linux-aarch64.so.1",
    oldest_manylinux=17,
    baseline="armv8.2-a",
    flags="-march=armv8.2-a",
)

ARCHITECTURES = {a.name: a for a in (X86_64, ARM64)}
_ALIASES = {"amd64": "x86_64", "x64": "x86_64", "x86-64": "x86_64", "aarch64": "arm64", "armv8": "arm64"}


def canonical(name: str) -> str:
    """Return Lambda's name of an architecture, as any tool calls it; other texts as they are."""
    plain = name.casefold().removeprefix("linux/").removesuffix("/v8")
    plain = _ALIASES.get(plain, plain)
    return plain if plain in ARCHITECTURES else name


def architecture(name: str) -> Architecture:
    """Return the architecture of a name. Raises UsageError with the near match for one that nobody calls it."""
    try:
        return ARCHITECTURES[canonical(name)]
    except KeyError:
        raise UsageError(unknown_architecture(name)) from None


def unknown_architecture(name: str) -> str:
    """Return the message for a name that is not one of Lambda's."""
    return f"unknown architecture `{name}`{near(name, ARCHITECTURES) or ': x86_64 or arm64'}"


def host_architecture() -> Architecture | None:
    """Return the architecture of the host, or None if Lambda does not have it."""
    import platform

    machine = platform.machine().casefold()
    return ARCHITECTURES.get(_ALIASES.get(machine, machine))
