"""One file of a gem, and the platforms of precompiled ones."""

from dataclasses import dataclass

from builder.model.architectures import Architecture

RUBY = "ruby"
"""The platform of gems for every machine: pure Ruby, or code that is compiled where it is installed."""
PLATFORM = r"[A-Za-z0-9][A-Za-z0-9._-]*"


@dataclass(frozen=True, kw_only=True, slots=True)
class Spec:
    """One file of a gem: the same version may be there for several platforms."""

    name: str
    version: str
    platform: str = RUBY
    needs: tuple[tuple[str, str], ...] = ()
    """Names and requirements of the gems that it needs to run."""
    sha256: str | None = None

    @property
    def full_name(self) -> str:
        """As RubyGems names files and folders."""
        return f"{self.name}-{self.version}" + ("" if self.platform == RUBY else f"-{self.platform}")

    @property
    def titled(self) -> str:
        """As a lock names it."""
        platform = "" if self.platform == RUBY else f"-{self.platform}"
        return f"{self.name} ({self.version}{platform})"


def platforms(arch: Architecture) -> tuple[str, ...]:
    """Return the platforms of precompiled gems for Linux with glibc on an architecture, the best first."""
    return f"{arch.machine}-linux-gnu", f"{arch.machine}-linux"


def local_platform(arch: Architecture) -> str:
    """Return what Lambda's Ruby calls its platform: the folder of compiled extensions."""
    return f"{arch.machine}-linux"
