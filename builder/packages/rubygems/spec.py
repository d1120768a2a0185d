"""Files of gems, and the platforms of precompiled ones."""

import re
from dataclasses import field
from typing import Annotated

from builder.base.credentials import StoredAddress
from builder.base.frozen import dataclass
from builder.base.values import StoredSha256, stored
from builder.model.architectures import Architecture
from builder.model.steps.gem_version import NAME, VERSION

RUBY = "ruby"
"""The platform of gems for every machine: pure Ruby, or code that is compiled at installation."""
PLATFORM = r"[A-Za-z0-9][A-Za-z0-9._-]*"


@dataclass(frozen=True, kw_only=True, slots=True)
class Spec:
    """One file of a gem. A version can have several, for different platforms."""

    name: Annotated[str, stored(re.compile(NAME), "a valid name of a gem")]
    version: Annotated[str, stored(VERSION, "a valid version of a gem")]
    platform: Annotated[str, stored(re.compile(PLATFORM), "a valid platform of a gem")] = RUBY
    needs: tuple[tuple[str, str], ...] = ()
    """Names and requirements of its runtime dependencies."""
    sha256: StoredSha256 | None = None
    remote: StoredAddress | None = field(default=None, compare=False)
    """The index that a lock with several binds it to; None for the only one."""

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
