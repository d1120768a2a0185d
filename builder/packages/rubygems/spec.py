"""Files of gems, and the platforms of precompiled ones."""

from dataclasses import dataclass

from builder.model.architectures import Architecture

RUBY = "ruby"
"""The platform of gems for every machine: pure Ruby, or code that is compiled at installation."""
PLATFORM = r"[A-Za-z0-9][A-Za-z0-9._-]*"


@dataclass(frozen=True, kw_only=True, slots=True)
class Spec:
    """One file of a gem. A version can have several, for different platforms."""

    name: str
    version: str
    platform: str = RUBY
    needs: tuple[tuple[str, str], ...] = ()
    """Names and requirements of its runtime dependencies."""
    sha256: str | None = None

    @property
    def full_name(self) -> str:
        """The name in files and folders of RubyGems: name, version and platform."""
        return f"{self.name}-{self.version}" + ("" if self.platform == RUBY else f"-{self.platform}")

    @property
    def titled(self) -> str:
        """The name in a lock."""
        platform = "" if self.platform == RUBY else f"-{self.platform}"
        return f"{self.name} ({self.version}{platform})"


def platforms(arch: Architecture) -> tuple[str, ...]:
    """Return the platforms of precompiled gems that fit Linux with glibc on an architecture, the best first."""
    return f"{arch.machine}-linux-gnu", f"{arch.machine}-linux"


def local_platform(arch: Architecture) -> str:
    """Return the platform of Lambda's Ruby, which names the folder of compiled extensions."""
    return f"{arch.machine}-linux"
