"""The jars of one artifact for several platforms, told by their classifiers: a layer takes those for its own.

A classifier such as `linux-aarch_64`, `natives-windows` or `osx-x86_64` is a name that the publisher chose. Lambda has
one operating system, so all others are left out, and of the processors those of the layer stay.
"""

import re
from collections import defaultdict
from collections.abc import Collection, Sequence

from builder.base import fetch
from builder.model.architectures import Architecture
from builder.model.limits import MB
from builder.packages.maven.maven_lock import Jar

_WORDS = re.compile(
    r"(?<![a-z0-9])(?P<word>x86[_-]?64|amd64|x64|x86(?:[_-]?32)?|i[3-6]86|aarch[_-]?64|arm64|arm(?:hf|32|v[5-8]\w*)?|"
    r"ppc64le|ppcle[_-]?64|s390x|s390[_-]?64|riscv64|loongarch[_-]?64|mips\w*|"
    r"linux|musl|osx|mac(?:osx?)?|darwin|win(?:dows)?(?:32|64)?|freebsd|openbsd|android|ios|sunos|solaris|aix)(?![a-z0-9])"
)
_PROCESSORS = {"x86_64": re.compile(r"x86[_-]?64|amd64|x64"), "arm64": re.compile(r"aarch[_-]?64|arm64")}
_LINUX = "linux"
_OTHER_PROCESSORS = re.compile(r"x86|i\d86|arm|ppc|s390|riscv|loong|mips")
_SHOWN = 4


def fits(classifier: str, architectures: Collection[str]) -> bool | None:
    """Tell whether a classifier is for Lambda on one of the architectures; None if it names no platform."""
    words = {match["word"] for match in _WORDS.finditer(classifier.casefold())}
    if not words:
        return None
    named = {name for name, pattern in _PROCESSORS.items() if any(pattern.fullmatch(word) for word in words)}
    others = {word for word in words if _OTHER_PROCESSORS.match(word)} if not named else set()
    processors = {word for word in words if any(pattern.fullmatch(word) for pattern in _PROCESSORS.values())}
    systems = words - processors - others
    if systems - {_LINUX} or others:
        return False
    return bool((named or {"x86_64"}) & set(architectures))  # by habit, a system alone is that of PCs


def fitting(jars: Sequence[Jar], architectures: Sequence[Architecture]) -> tuple[Jar, ...]:
    """Return the jars without those for other platforms, where an artifact has one for the layer's own."""
    names = [arch.name for arch in architectures]
    sets: dict[tuple[str, str, str], list[Jar]] = defaultdict(list)
    for jar in jars:
        sets[jar.parts[:3]].append(jar)
    served = {key for key, members in sets.items() if any(fits(jar.parts[3], names) for jar in members)}
    return tuple(jar for jar in jars if jar.parts[:3] not in served or fits(jar.parts[3], names) is not False)


def warning(left_out: Sequence[Jar]) -> str:
    """Return the remark on jars that are left out, with what that saves as far as they were downloaded."""
    sizes = [path.stat().st_size for jar in left_out if (path := fetch.known(jar.sha256))]
    saved = f" ({sum(sizes) / MB:.1f} MB)" if sizes else ""
    more = f" and {len(left_out) - _SHOWN} more" if len(left_out) > _SHOWN else ""
    names = ", ".join(jar.filename for jar in left_out[:_SHOWN])
    return f"jars for other platforms are left out{saved}: {names}{more}; `all-platforms = true` keeps them"
